"""Several machines, here several processes on 127.0.0.1: they train as one, survive a loss, and refuse bad input."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from aigc_course import distributed
from aigc_course.errors import CourseError

pytestmark = pytest.mark.long

WORKER = """
import json, sys
from aigc_course import distributed, errors, runtime
runtime.configure()
rank, workers = distributed.cluster(sys.argv[1].split(","), int(sys.argv[2]))
together = distributed.strategy() if workers > 1 else None
import keras
import numpy as np
import tensorflow as tf
sys.path.insert(0, {tests!r})
from conftest import tiny_discriminator, tiny_generator
from aigc_course import gan as G

images = np.random.default_rng(0).integers(0, 256, (64, 4, 4), dtype=np.uint8)
checkpoint, steps, plain = sys.argv[3], int(sys.argv[4]), sys.argv[5] == "plain"

class Positional(G.GAN):
    '''z depends on the place in the global batch, so that one process and two see the same noise.'''
    def noise(self, batch_size, draw):
        context = tf.distribute.get_replica_context()
        step = tf.cast(self.g_optimizer.iterations, tf.int32)
        whole = tf.random.stateless_normal((16, self.latent_dim), tf.stack([11 + draw, step]))
        share = 16 // context.num_replicas_in_sync
        return whole[share * context.replica_id_in_sync_group:][:share]

def build():
    keras.utils.set_random_seed(3)
    gan = (Positional if plain else G.GAN)(tiny_generator(not plain), tiny_discriminator(not plain, not plain), 3)
    one = lambda: keras.optimizers.SGD(0.1) if plain else None
    gan.compile(one(), one(), jit_compile=False)
    return gan

def report(step, logs):
    print(step, logs["d_loss"], flush=True)

try:
    if together is None:
        gan = build()
        gan.fit(images, 16, epochs=1, steps_per_epoch=steps, verbose=0)
    else:
        gan = distributed.train_together(together, build, images, steps, 16, checkpoint, rank, 20, report)
        if steps < 100:
            try:
                with together.scope():
                    gan.fit(images, 16, epochs=1, steps_per_epoch=1, verbose=0)
            except errors.CourseError as error:
                print("refused:", error)
except errors.CourseError as error:
    print("error:", error)
    sys.stdout.flush()
    import os
    os._exit(2)
except KeyboardInterrupt as error:
    print("stopped:", error)
    sys.exit(130)
print(json.dumps({{"step": gan.step, "weights": [w.tolist() for w in gan.get_weights()]}}))
"""


def free_ports(count):
    """Ports of 127.0.0.1 that nothing listens on."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def start(tmp_path, workers, *arguments, **variables):
    """Starts that many processes, with variables of the environment; returns [(process, log file)]."""
    addresses = ",".join(f"127.0.0.1:{port}" for port in free_ports(workers))
    code, started = WORKER.format(tests=os.path.dirname(__file__)), []
    environment = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
    environment.update(variables)
    for rank in range(workers):
        log = tmp_path / f"worker{rank}.log"
        with log.open("w") as file:
            command = [sys.executable, "-c", code, addresses, str(rank), *map(str, arguments)]
            started.append((subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment), log))
    return started


def end(started, timeout=240):
    """Waits for all; returns [(exit code, last line, whole log)]."""
    try:
        codes = [process.wait(timeout=timeout) for process, _ in started]
    finally:
        for process, _ in started:
            process.kill()
    texts = [log.read_text() for _, log in started]
    return [(code, (text.strip().splitlines() or [""])[-1], text) for code, text in zip(codes, texts, strict=True)]


def until(condition, seconds=120):
    """Waits until the condition holds; AssertionError if it does not in so many seconds."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
    return found


def gap(a, b):
    """The largest difference between two nested lists of numbers."""
    if isinstance(a, list):
        return max((gap(x, y) for x, y in zip(a, b, strict=True)), default=0.0)
    return abs(a - b)


def test_two_processes_train_as_one(tmp_path):
    """Given equal noise, SGD and no batch statistics: after 30 steps two processes hold the weights of one process on
    the same global batches; Keras' fit is refused there with the reason and the way out."""
    together = end(start(tmp_path, 2, tmp_path / "gan.keras", 30, "plain"))
    alone = end(start(tmp_path, 1, tmp_path / "none.keras", 30, "plain"))
    assert [code for code, _, _ in together + alone] == [0, 0, 0], together[0][2][-2000:]
    first, second, one = (json.loads(line) for _, line, _ in together + alone)
    assert first["step"] == second["step"] == one["step"] == 30
    assert gap(first["weights"], second["weights"]) == 0.0
    assert gap(first["weights"], one["weights"]) < 1e-5
    other = end(start(tmp_path, 1, tmp_path / "none.keras", 31, "plain"))
    assert gap(json.loads(other[0][1])["weights"], one["weights"]) > 1e-4  # the comparison could have failed
    assert "refused: Keras 3's fit does not work on several machines (keras #20585)" in together[0][2]
    assert not list(tmp_path.glob(".*.keras"))  # only the chief's file stays


def test_a_killed_worker_ends_the_job_and_the_job_goes_on(tmp_path):
    """SIGKILL to one of two: the other says so within a minute, exit code 2; started again, both go on from the
    checkpoint to the end, and the weights are those of a job that nothing happened to."""
    checkpoint = tmp_path / "gan.keras"
    started = start(tmp_path, 2, checkpoint, 1_000_000, "full")
    (chief, log), (other, _) = started
    try:
        for _ in range(600):
            if "\n40 " in log.read_text() or chief.poll() is not None:
                break
            time.sleep(0.2)
        assert chief.poll() is None, log.read_text()[-2000:]
        other.send_signal(signal.SIGKILL)
        assert chief.wait(timeout=60) == 2
    finally:
        for process, _ in started:
            process.kill()
    assert "error: a worker is gone" in log.read_text()
    assert f"training goes on from {checkpoint}" in log.read_text()

    from aigc_course.gan import GAN

    stopped_at = GAN.load(checkpoint).step
    assert stopped_at >= 40
    goal = stopped_at + 40
    resumed = end(start(tmp_path, 2, checkpoint, goal, "full"))
    (tmp_path / "whole").mkdir()
    whole = end(start(tmp_path / "whole", 2, tmp_path / "whole" / "gan.keras", goal, "full"))
    assert [code for code, _, _ in resumed + whole] == [0] * 4, resumed[0][2][-2000:]
    assert f"\n{stopped_at} " not in "\n" + resumed[0][2]  # it did not begin anew
    a, b = json.loads(resumed[0][1]), json.loads(whole[0][1])
    assert a["step"] == b["step"] == goal
    assert gap(a["weights"], b["weights"]) < 1e-4


def test_the_command_trains_on_two_workers(tmp_path):
    """`train --workers --rank` on the article's networks, two processes: the chief writes the results of one run."""
    addresses = ",".join(f"127.0.0.1:{port}" for port in free_ports(2))
    command = [
        sys.executable,
        "-m",
        "aigc_course",
        "train",
        "--workers",
        addresses,
        "--steps",
        "3",
        "--batch-size",
        "8",
    ]
    started = [
        subprocess.Popen(
            [*command, "--rank", str(rank), "--out", str(tmp_path)],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for rank in range(2)
    ]
    try:
        texts = [process.communicate(timeout=240)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0, 0], texts
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["steps"] == 3
    assert {"samples.png", "history.csv", "checkpoint.keras"} <= {path.name for path in tmp_path.iterdir()}
    assert "step 3 of 3" in texts[0]
    assert "judge distance" in texts[0]
    assert "judge distance" not in texts[1]


def test_one_signal_stops_all_workers_with_everything_kept(tmp_path):
    """SIGTERM to the chief of two in training, for which TensorFlow has a handler of its own: both stop after the same
    step, which the checkpoint holds."""
    checkpoint = tmp_path / "gan.keras"
    started = start(tmp_path, 2, checkpoint, 1_000_000, "full")
    (chief, log), _ = started
    try:
        until(lambda: "\n20 " in "\n" + log.read_text() or chief.poll() is not None)
        chief.send_signal(signal.SIGTERM)
    finally:
        done = end(started)
    assert [code for code, _, _ in done] == [130, 130], done[0][2][-2000:]
    assert done[0][1] == done[1][1]

    from aigc_course.gan import GAN

    assert done[0][1] == f"stopped: stopped at step {GAN.load(checkpoint).step}; training goes on from {checkpoint}."
    assert not list(tmp_path.glob(".*.keras"))


@pytest.mark.parametrize(
    ("workers", "rank", "message"),
    [
        (["127.0.0.1"], 0, "HOST:PORT; received 127.0.0.1"),
        (["a:1", "a:1"], 0, "different addresses"),
        (["a:port", "b:2"], 0, "HOST:PORT"),
        (["a:0", "b:65536"], 0, "HOST:PORT"),
        ([1, "b:2"], 0, "HOST:PORT; received 1, b:2"),
        (["a:1", "b:2"], 2, "rank must be an integer from 0 to 1; received 2"),
        (["a:1", "b:2"], None, "rank must be an integer from 0 to 1"),
        (["a:1", "b:2"], -1, "received -1"),
        (None, None, "need their addresses: --workers HOST:PORT"),
    ],
)
def test_bad_addresses_are_refused(monkeypatch, workers, rank, message):
    """Each mistake in the addresses or the rank: one line that says what was expected."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    with pytest.raises(CourseError, match=message) as caught:
        distributed.cluster(workers, rank)
    assert "\n" not in str(caught.value)


def test_addresses_reach_tensorflow(monkeypatch):
    """TF_CONFIG is written as TensorFlow reads it, and is itself accepted."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert distributed.cluster(["a:1", "b:2"], 1) == (1, 2)
    assert json.loads(os.environ["TF_CONFIG"])["task"] == {"type": "worker", "index": 1}
    assert distributed.cluster() == (1, 2)
    monkeypatch.delenv("TF_CONFIG")


@pytest.mark.parametrize(("batch", "workers"), [(15, 2), (2, 2), (16, 3)])
def test_a_batch_that_does_not_split_is_refused(batch, workers):
    """Shares must be equal, and two images or more for batch normalisation."""
    with pytest.raises(CourseError, match=f"must split evenly among {workers} workers"):
        distributed.share_of(batch, workers)


def test_a_batch_that_grows_is_the_same_in_both_loops(tiny_gan, tmp_path):
    """3 steps of 4 images, then 2 of 8, by `train_together` on one device: the weights of `fit` in the same parts; and
    taken up at step 2 from the checkpoint."""
    import numpy as np
    import tensorflow as tf

    images = np.random.default_rng(0).integers(0, 256, (64, 4, 4), dtype=np.uint8)
    build = lambda: tiny_gan(batch_norm=False, dropout=False, optimizer=lambda: None)  # noqa: E731
    plain = build()
    for steps, size in ((3, 4), (2, 8)):
        plain.fit(images, size, steps_per_epoch=steps, verbose=0)

    def parts(start):
        return [(end, size) for end, size in ((3, 4), (5, 8)) if end > start]

    one, checkpoint = tf.distribute.MirroredStrategy(["CPU:0"]), tmp_path / "gan.keras"
    found = distributed.train_together(one, build, images, 5, parts, checkpoint)
    assert found.step == 5
    for a, b in zip(plain.get_weights(), found.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    checkpoint.unlink()
    distributed.train_together(one, build, images, 2, lambda start: [(2, 4)], checkpoint)
    resumed = distributed.train_together(one, build, images, 5, parts, checkpoint)
    for a, b in zip(plain.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_chief_beside_the_workers_is_refused(monkeypatch):
    """TF_CONFIG can give the chief a job of its own; here worker 0 is the chief, and nobody may be left out."""
    config = {"cluster": {"chief": ["a:1"], "worker": ["b:2"]}, "task": {"type": "chief", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(config))
    with pytest.raises(CourseError, match="must name workers only; received chief, worker"):
        distributed.cluster()
