"""Several machines find each other, before TensorFlow joins them.

The workers first meet in Python: TensorFlow's own wait for them holds Python's lock, so that nothing could end it.
"""

import contextlib
import hashlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from aigc_course import runtime
from aigc_course.errors import CourseError, whole_number

__all__ = [
    "ANSWER_SECONDS",
    "NO_PROXY",
    "answering",
    "ask",
    "cluster",
    "exempt_from_proxies",
    "fault",
    "handled_by",
    "hello",
    "join_seconds",
    "listen",
    "meet",
    "strategy",
]

_JOIN_SECONDS = 600.0  # how long a worker waits for the others, unless AIGC_JOIN_SECONDS says otherwise
_UNITING_SECONDS = 120.0  # at the most, how long TensorFlow may take to join workers that are all there
ANSWER_SECONDS = 2.0  # within which an address must answer
NO_PROXY = ("no_grpc_proxy", "no_proxy", "NO_PROXY")  # gRPC reads the first two, Python's own clients the others


def cluster(workers=None, rank=None):
    """Tells TensorFlow who takes part, through the variable TF_CONFIG that it reads.

    Args:
        workers: list of "host:port", one for each process; None keeps what TF_CONFIG holds.
        rank: int, the place of this process in the list. Rank 0 is the chief: it reports and writes the results.

    Returns:
        (rank, number of workers).

    Raises:
        CourseError: no address, a malformed one, or a rank outside the list.
    """
    if workers is None:
        workers, rank = _configured()
    bad = [one for one in workers if not _split(one)]
    if bad or len(set(workers)) < len(workers):
        raise CourseError(f"workers must be different addresses HOST:PORT; received {', '.join(map(str, workers))}.")
    rank = whole_number(rank, "rank", 0, len(workers) - 1, f"There are {len(workers)} workers.")
    task = {"type": "worker", "index": rank}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers}, "task": task})
    return rank, len(workers)


def _configured():
    """The workers' addresses and this one's rank, as TF_CONFIG holds them."""
    try:
        config = json.loads(os.environ.get("TF_CONFIG", ""))
        workers, rank = config["cluster"]["worker"], config["task"]["index"]
        jobs = {*config["cluster"], config["task"].get("type", "worker")}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            "several machines need their addresses: --workers HOST:PORT,HOST:PORT and --rank 0, 1, …, "
            'or TF_CONFIG as {"cluster": {"worker": [...]}, "task": {"type": "worker", "index": 0}}.'
        ) from error
    if jobs != {"worker"}:
        raise CourseError(
            f"TF_CONFIG must name workers only; received {', '.join(sorted(jobs))}. Worker 0 is the chief: put the "
            "chief's address first among the workers, and count the indices from there."
        )
    return workers, rank


def _split(address):
    """ "host:port" -> (host, port), "[::1]:5000" -> ("::1", 5000); None if it is no such address."""
    host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
    host = host.removeprefix("[").removesuffix("]")
    good = host and port.isdecimal() and 1 <= int(port) <= 65535
    return (host, int(port)) if good else None


def strategy(seconds=None):
    """The strategy for the cluster of TF_CONFIG. Waits until all workers are there; Ctrl-C ends the wait.

    Call it before any other TensorFlow operation of the process: collectives are set up at the start.

    Args:
        seconds: float, how long to wait for the others; by default the variable AIGC_JOIN_SECONDS, or ten minutes.

    Raises:
        CourseError: another worker is not there in time, this one's port is taken, or their addresses differ.
    """
    seconds, (workers, rank) = join_seconds(seconds), _configured()
    exempt_from_proxies(workers)
    tf = runtime.import_tensorflow()
    meet(workers, rank, seconds)
    try:
        with handled_by(signal.SIG_DFL), _ended_after(min(seconds, _UNITING_SECONDS), workers, rank):
            return tf.distribute.MultiWorkerMirroredStrategy()
    except Exception as error:
        raise CourseError(
            f"the workers could not be joined ({type(error).__name__}: {str(error).splitlines()[0]}). All must be "
            "started, each port be free and reachable, and this the process's first TensorFlow operation."
        ) from error


def join_seconds(seconds=None):
    """How long to wait for the others: the argument, else AIGC_JOIN_SECONDS, else ten minutes."""
    asked = os.environ.get("AIGC_JOIN_SECONDS") or _JOIN_SECONDS if seconds is None else seconds
    try:
        if not 0 < float(asked) < math.inf:
            raise ValueError
    except (TypeError, ValueError):
        raise CourseError(
            f"the seconds to wait for the other workers (AIGC_JOIN_SECONDS) must be a number above 0; "
            f"received {asked!r}. Leave them out for {_JOIN_SECONDS:.0f}."
        ) from None
    return float(asked)


def exempt_from_proxies(workers):
    """Lets gRPC reach the workers themselves: it takes http_proxy for them too, and the two never meet."""
    hosts = [_split(one)[0] for one in workers]
    given = {name: os.environ.get(name, "") for name in NO_PROXY}
    given["no_grpc_proxy"] = given["no_grpc_proxy"] or given["no_proxy"]  # where it is set gRPC reads nothing else
    for name, value in given.items():
        kept = [one.strip() for one in value.split(",") if one.strip()]
        os.environ[name] = ",".join([*kept, *(host for host in dict.fromkeys(hosts) if host not in kept)])


# --- the workers meet ------------------------------------------------------------------------------------


def meet(workers, rank, seconds):
    """Returns when every worker answers at its address; each then starts TensorFlow's server on the same port.

    Raises:
        CourseError: not all answered in time, or one of them was started with other addresses or this rank.
    """
    others, seen, over = [place for place in range(len(workers)) if place != rank], {}, threading.Event()

    def watch(place):
        while not over.is_set():
            seen[place] = ask(workers[place])
            over.wait(0.2)

    with answering(workers, rank):
        end, told = time.monotonic() + seconds, None
        for place in others:  # a thread for each: looking up a name can take long, and Ctrl-C must not wait for it
            threading.Thread(target=watch, args=(place,), daemon=True).start()
        try:
            while missing := [text for place in others if (text := fault(workers, place, seen.get(place)))]:
                if time.monotonic() > end:
                    raise CourseError(
                        f"worker {rank} waited {seconds:g} s (AIGC_JOIN_SECONDS) for {'; '.join(missing)}. Start the "
                        "same command on every machine, each with its own --rank, within that time."
                    )
                if missing != told and len(seen) == len(others):
                    print(f"worker {rank} waits for {'; '.join(missing)}", flush=True)
                    told = missing
                time.sleep(0.1)
        finally:
            over.set()


def fault(workers, place, answer):
    """What is wrong with a worker's answer, "" if nothing is.

    Raises:
        CourseError: it is a worker, but the two will never agree.
    """
    if answer in (hello(workers, place), "joined"):
        return ""
    if answer and answer.startswith(hello(workers, "")):
        raise CourseError(
            f"at {workers[place]}, the address of worker {place}, worker {answer.split()[-1]} answers: each machine "
            "needs the --rank of its own place in --workers, and no two the same."
        )
    if answer and answer.startswith("aigc_course "):
        raise CourseError(
            f"worker {place} at {workers[place]} was started with other addresses: --workers must be the same list, "
            "in the same order, on every machine."
        )
    return f"worker {place} at {workers[place]} ({answer or 'not asked yet'})"


def hello(workers, rank):
    """What a worker says of itself to who connects: the list of workers (as a checksum) and its rank."""
    return f"aigc_course {hashlib.sha256(','.join(workers).encode()).hexdigest()[:16]} {rank}"


def ask(address):
    """The hello of the worker at an address, "joined" if TensorFlow's server is there already, or why neither is."""
    try:
        with socket.create_connection(_split(address), timeout=ANSWER_SECONDS) as peer:
            first = peer.recv(100)  # so little comes in one piece
    except socket.gaierror:
        return "its host name is not known here"
    except ConnectionRefusedError:
        return "nothing listens there"
    except TimeoutError:
        return "no answer: it hangs, is behind a firewall, or is another program"
    except OSError as error:
        return error.strerror or type(error).__name__
    if first[:1] == b"\0" and first[3:4] == b"\4":  # an HTTP/2 server begins with its settings (RFC 9113, 3.4)
        return "joined"
    text = first.decode("ascii", "replace").strip()
    return text if text.startswith("aigc_course ") else "another program answers there"


@contextlib.contextmanager
def answering(workers, rank):
    """Says hello to whoever connects to this worker's port."""
    listener, over = listen(_split(workers[rank])[1], rank), threading.Event()
    listener.settimeout(0.1)

    def answer():
        while not over.is_set():
            with contextlib.suppress(OSError):  # nobody asked, or who asked is gone
                peer, _ = listener.accept()
                with peer:
                    peer.sendall(f"{hello(workers, rank)}\n".encode())

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        listener.close()


def listen(port, rank):
    """A socket that listens on a port of all this machine's addresses, IPv6 and IPv4, as TensorFlow's server does."""
    if socket.has_dualstack_ipv6():
        with contextlib.suppress(OSError):  # IPv6 can be switched off
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    try:
        return socket.create_server(("", port))
    except OSError as error:
        raise CourseError(
            f"worker {rank} needs port {port} of this machine for itself; it cannot have it ({error.strerror}). Stop "
            "the program that holds it (an earlier worker?), or give another port in --workers on every machine."
        ) from error


# --- while TensorFlow joins them -------------------------------------------------------------------------


@contextlib.contextmanager
def handled_by(handler):
    """Within, this handler has Ctrl-C and SIGTERM, unless they are ignored (nohup), or this is a thread's work.

    In TensorFlow's wait only SIG_DFL has an effect, and for SIGTERM not even that once TensorFlow has put a handler of
    its own. Afterwards the earlier ones are in place again.
    """
    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM) if main}
    before = {number: own for number, own in before.items() if own not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, own in before.items():
            signal.signal(number, own)


# Another process, since the wait lets no thread of this one run. It ends with its standard input, that is with this
# process, whatever ends that.
_WATCHER = """
import os, signal, sys, threading
def end():
    sys.stderr.write(sys.argv[3] + chr(10))
    sys.stderr.flush()
    os.kill(int(sys.argv[2]), getattr(signal, "SIGKILL", signal.SIGTERM))
timer = threading.Timer(float(sys.argv[1]), end)
timer.daemon = True
timer.start()
sys.stdin.read()
"""


@contextlib.contextmanager
def _ended_after(seconds, workers, rank):
    """Within, the process is ended with one line when the time is over."""
    others = ", ".join(f"worker {place} at {one}" for place, one in enumerate(workers) if place != rank)
    line = (
        f"error: the workers found each other, but did not join within {seconds:g} s: one of "
        f"these hangs or was stopped on the way: {others}. End all, and start all again."
    )
    command = [sys.executable, "-I", "-S", "-c", _WATCHER, str(seconds), str(os.getpid()), line]
    # In a session of its own: Ctrl-C is for the worker.
    watcher = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        watcher.stdin.close()
        watcher.wait()
