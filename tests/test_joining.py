"""How several workers meet: in Python, past any proxy, with a time-out, and stopped by Ctrl-C and SIGTERM."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest
from test_distributed import end, free_ports, start, until

from aigc_course import joining
from aigc_course.errors import CourseError

pytestmark = pytest.mark.long


def test_a_proxy_does_not_come_between_workers(tmp_path):
    """With a proxy that does not exist set in every spelling, two workers on 127.0.0.1 train (tensorflow #24887)."""
    names = ("http_proxy", "https_proxy", "grpc_proxy", "all_proxy")
    proxies = {spelt: "http://127.0.0.1:9" for name in names for spelt in (name, name.upper())}
    done = end(start(tmp_path, 2, tmp_path / "gan.keras", 100, "full", AIGC_JOIN_SECONDS="60", **proxies))
    assert [code for code, _, _ in done] == [0, 0], done[0][2][-2000:]
    assert json.loads(done[0][1])["step"] == 100


def test_exemptions_from_a_proxy_are_kept(monkeypatch):
    """The hosts are added to what is there, once, without ports and brackets; gRPC's own list takes over the other's,
    since where it is set gRPC reads nothing else."""
    for name in joining.NO_PROXY:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "corp.example, 10.0.0.2")
    for _ in range(2):
        joining.exempt_from_proxies(["10.0.0.1:5000", "10.0.0.2:5000", "10.0.0.1:5001", "[::1]:5000"])
    assert os.environ["no_proxy"] == os.environ[joining.NO_PROXY[0]] == "corp.example,10.0.0.2,10.0.0.1,::1"
    assert os.environ["NO_PROXY"] == "10.0.0.1,10.0.0.2,::1"


def test_a_worker_that_waits_can_be_stopped(tmp_path):
    """`train --workers` with nobody else there: Ctrl-C and SIGTERM end it (130), and so does the time (2); each says
    why in a line, that of the time which address does not answer."""
    started, missing = [], []
    ways = ((0, signal.SIGINT, "300"), (1, signal.SIGTERM, "300"), (1, None, "1"))
    for number, (rank, _, seconds) in enumerate(ways):
        addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
        missing.append(addresses[1 - rank])
        command = [sys.executable, "-m", "aigc_course", "train", "--workers", ",".join(addresses)]
        options = ["--rank", str(rank), "--out", str(tmp_path / str(number))]
        log = tmp_path / f"{number}.log"
        with log.open("w") as file:
            environment = {**os.environ, "AIGC_JOIN_SECONDS": seconds}
            process = subprocess.Popen([*command, *options], stdout=file, stderr=subprocess.STDOUT, env=environment)
        started.append((process, log))
    try:
        for (process, log), (_, sent, _) in zip(started, ways, strict=True):
            if sent:
                until(lambda log=log: "nothing listens there" in log.read_text())
                process.send_signal(sent)
    finally:
        (first, second, third) = end(started)
    assert (first[:2], second[:2]) == ((130, "stopped"), (130, "stopped"))
    assert third[0] == 2
    assert third[1].startswith(f"error: worker 1 waited 1 s (AIGC_JOIN_SECONDS) for worker 0 at {missing[2]} (nothing")


def test_a_worker_that_hangs_while_they_join_ends_the_others(tmp_path):
    """The other says hello and does nothing more: TensorFlow waits for it and lets no Python run. The time ends the
    one with a line, Ctrl-C the other by its signal; no process is left."""
    script = """
import signal, sys
from aigc_course import joining, runtime
runtime.configure()
signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a terminal, also where the tests run in the background
joining.cluster(sys.argv[1].split(","), int(sys.argv[2]))
joining.strategy()
"""
    started, listeners, watchers = [], [], []
    try:
        for rank, seconds in ((0, "3"), (1, "100")):
            addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
            listeners.append(joining.listen(int(addresses[1 - rank].rpartition(":")[2]), 1 - rank))
            greeting = f"{joining.hello(addresses, 1 - rank)}\n".encode()
            threading.Thread(target=serve, args=(listeners[-1], greeting), daemon=True).start()
            log = tmp_path / f"{rank}.log"
            with log.open("w") as file:
                command = [sys.executable, "-c", script, ",".join(addresses), str(rank)]
                environment = {**os.environ, "AIGC_JOIN_SECONDS": seconds}
                process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
            started.append((process, log))
        watchers = until(psutil.Process(started[1][0].pid).children)
        time.sleep(1)  # so that it is in TensorFlow's wait; before it the same holds
        started[1][0].send_signal(signal.SIGINT)
        until(lambda: started[1][0].poll() is not None, 60)
        until(lambda: started[0][0].poll() is not None, 60)
    finally:
        (timed, interrupted) = end(started, timeout=1)
        for listener in listeners:
            listener.close()
    assert timed[0] == -signal.SIGKILL
    assert "error: the workers found each other, but did not join within 3 s" in timed[1]
    assert "worker 1 at 127.0.0.1:" in timed[1]
    assert interrupted[0] == -signal.SIGINT
    until(lambda: not any(alive(one) for one in watchers), 60)


def alive(process):
    """Whether a process runs; one that has ended and that nobody has asked for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def serve(listener, greeting):
    """Greets who connects, until the socket is closed; with an empty greeting accepts nobody."""
    while greeting:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer:
            peer.sendall(greeting)


@pytest.mark.parametrize(
    ("greeting", "message"),
    [
        ("hello 1", None),
        ("settings", None),
        ("hello 0", "the address of worker 1, worker 0 answers: each machine needs the --rank of its own place"),
        ("other list", "was started with other addresses: --workers must be the same list"),
        ("HTTP/1.1 400 Bad Request", "another program answers there"),
        ("", "no answer: it hangs, is behind a firewall, or is another program"),
        (None, "nothing listens there"),
    ],
)
def test_who_answers_at_a_worker_s_address(monkeypatch, greeting, message):
    """A worker and TensorFlow's server are met; a rank given twice, another list, another program, one that hangs and
    nobody are told, each in a line."""
    monkeypatch.setattr(joining, "ANSWER_SECONDS", 0.3 if greeting == "" else 30)
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    said = {
        "hello 1": joining.hello(workers, 1),
        "hello 0": joining.hello(workers, 0),
        "settings": "\0\0\x18\4\0",
        "other list": joining.hello(workers[::-1], 1),
    }.get(greeting, greeting)
    listener = None
    if said is not None:
        listener = joining.listen(int(workers[1].rpartition(":")[2]), 1)
        threading.Thread(target=serve, args=(listener, said.encode()), daemon=True).start()
    try:
        if message is None:
            joining.meet(workers, 0, 60)
        elif "worker" in message.split(" answers")[0]:
            with pytest.raises(CourseError, match=message):
                joining.meet(workers, 0, 60)
        else:
            found = joining.fault(workers, 1, joining.ask(workers[1]))
            assert found == f"worker 1 at {workers[1]} ({message})"
    finally:
        if listener:
            listener.close()


def test_two_workers_meet_whoever_comes_first():
    """Both return; the port is free again for TensorFlow's server."""
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    second = threading.Thread(target=joining.meet, args=(workers, 1, 60))
    second.start()
    with joining.answering(workers, 0):  # worker 0, whose server TensorFlow then has
        second.join(60)
    assert not second.is_alive()
    for address in workers:
        joining.listen(int(address.rpartition(":")[2]), 0).close()


def test_a_host_name_that_is_not_known_is_named():
    """It may become known while the machines start, so it is waited for; then it is named."""
    (port,) = free_ports(1)
    with pytest.raises(CourseError, match=r"for worker 1 at nowhere\.invalid:5000 \("):
        joining.meet([f"127.0.0.1:{port}", "nowhere.invalid:5000"], 0, 1)


def test_a_port_in_use_is_refused():
    """Another program, or an earlier worker, holds the port: said at once."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CourseError, match=f"worker 0 needs port {port} of this machine for itself") as caught:
            joining.meet([f"127.0.0.1:{port}", "127.0.0.1:9"], 0, 60)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "ten"])
def test_a_bad_time_to_wait_is_refused(monkeypatch, seconds):
    """AIGC_JOIN_SECONDS must be a number above 0; unset or empty it is ten minutes."""
    monkeypatch.setenv("AIGC_JOIN_SECONDS", seconds)
    with pytest.raises(CourseError, match=f"must be a number above 0; received '{seconds}'"):
        joining.join_seconds()
    monkeypatch.setenv("AIGC_JOIN_SECONDS", "")
    assert joining.join_seconds() == 600.0
    assert joining.join_seconds(5) == 5.0
