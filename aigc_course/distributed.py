"""Several machines: the GAN's own step in a loop of ours, under tf.distribute.MultiWorkerMirroredStrategy.

Every machine holds both networks, takes its share of each batch, and adds its gradients to the others' before the
optimizers move. Keras 3's `fit` fails under this strategy (keras #20585); `strategy.run` over the same step works.

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
from pathlib import Path

from aigc_course import data, runtime
from aigc_course.errors import Stopped
from aigc_course.runtime import CourseError

GONE = ("UnavailableError", "AbortedError", "InternalError", "DeadlineExceededError", "FailedPreconditionError")
JOIN_SECONDS = 600.0  # how long a worker waits for the others, unless AIGC_JOIN_SECONDS says otherwise
UNITING_SECONDS = 120.0  # at the most, how long TensorFlow may take to join workers that are all there
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
        workers, rank = configured()
    bad = [one for one in workers if not split(one)]
    if bad or len(set(workers)) < len(workers):
        raise CourseError(f"workers must be different addresses HOST:PORT; received {', '.join(map(str, workers))}.")
    if isinstance(rank, bool) or not isinstance(rank, int) or not 0 <= rank < len(workers):
        raise CourseError(f"rank must lie in 0 … {len(workers) - 1} for {len(workers)} workers; received {rank!r}.")
    task = {"type": "worker", "index": rank}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers}, "task": task})
    return rank, len(workers)


def configured():
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


def split(address):
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
    seconds, (workers, rank) = join_seconds(seconds), configured()
    exempt_from_proxies(workers)
    tf = runtime.import_tensorflow()
    meet(workers, rank, seconds)
    try:
        with handled_by(signal.SIG_DFL), ended_after(min(seconds, UNITING_SECONDS), workers, rank):
            return tf.distribute.MultiWorkerMirroredStrategy()
    except Exception as error:
        raise CourseError(
            f"the workers could not be joined ({type(error).__name__}: {str(error).splitlines()[0]}). All must be "
            "started, each port be free and reachable, and this the process's first TensorFlow operation."
        ) from error


def join_seconds(seconds=None):
    """How long to wait for the others: the argument, else AIGC_JOIN_SECONDS, else ten minutes."""
    asked = os.environ.get("AIGC_JOIN_SECONDS") or JOIN_SECONDS if seconds is None else seconds
    try:
        if not 0 < float(asked) < math.inf:
            raise ValueError
    except (TypeError, ValueError):
        raise CourseError(
            f"the seconds to wait for the other workers (AIGC_JOIN_SECONDS) must be a number above 0; "
            f"received {asked!r}. Leave them out for {JOIN_SECONDS:.0f}."
        ) from None
    return float(asked)


def exempt_from_proxies(workers):
    """Lets gRPC reach the workers themselves: it takes http_proxy for them too, and the two never meet."""
    hosts = [split(one)[0] for one in workers]
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
        with socket.create_connection(split(address), timeout=ANSWER_SECONDS) as peer:
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
    listener, over = listen(split(workers[rank])[1], rank), threading.Event()
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
WATCHER = """
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
def ended_after(seconds, workers, rank):
    """Within, the process is ended with one line when the time is over."""
    others = ", ".join(f"worker {place} at {one}" for place, one in enumerate(workers) if place != rank)
    line = (
        f"error: the workers found each other, but did not join within {seconds:g} s: one of "
        f"these hangs or was stopped on the way: {others}. End all, and start all again."
    )
    command = [sys.executable, "-I", "-S", "-c", WATCHER, str(seconds), str(os.getpid()), line]
    # In a session of its own: Ctrl-C is for the worker.
    watcher = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    try:
        yield
    finally:
        watcher.stdin.close()
        watcher.wait()


def share_of(batch_size, workers):
    """The images of each worker in a global batch; they must be equal."""
    if batch_size % workers or batch_size // workers < 2:
        raise CourseError(
            f"the batch of {batch_size} must split evenly among {workers} workers, two images or more for each. "
            f"Try {max(2, round(batch_size / workers)) * workers}."
        )
    return batch_size // workers


def total_of(many, own):
    """The sum of all workers' tensors `own`; to be called within a `tf.function`."""
    return many.reduce("SUM", many.run(lambda: own), axis=None)


@contextlib.contextmanager
def noted_signals():
    """Within, the first Ctrl-C or SIGTERM is put into the list that comes; the second ends the process at once.

    Nothing is raised: inside TensorFlow the exception can be lost.
    """
    asked = []

    def note(number, frame):
        asked.append(number)
        signal.signal(number, signal.SIG_DFL)

    with handled_by(note):
        yield asked


def check_same_step(many, gan):
    """Raises CourseError on every worker unless all have read the same checkpoint."""
    tf = runtime.import_tensorflow()
    steps = tf.constant([1.0, gan.step, gan.step**2], tf.float64)
    count, total, squares = tf.function(lambda: total_of(many, steps))().numpy()
    if count * squares != total**2:
        raise CourseError(
            f"the workers start at different steps (this one at {gan.step}, the mean is {total / count:g}): the folder "
            "of the checkpoint must be one that all of them read. Share it, or copy the chief's file to each."
        )


def train(many, build, images, steps, batch_size, checkpoint, rank=0, save_every=50, report=None):
    """Trains a GAN on all workers up to `steps`, from `checkpoint` on if that file is there.

    Batch normalisation uses each worker's own share of the batch (Ioffe and Szegedy, 2015, do not say otherwise; on
    one device the same global batch has other statistics): with small shares the networks see noisier statistics.

    Args:
        many: the strategy from `strategy()`.
        build: function without arguments that returns a compiled `gan.GAN`.
        images: uint8 array (N, H, W) or (N, H, W, C), the same on all workers.
        steps: int, the training step to reach.
        batch_size: int, images in a step, all workers together; or a function of the first step that returns parts of
            the way as a list of (last step, batch size).
        checkpoint: path ending in .keras, in a folder that all workers can read; the chief writes it.
        rank: int, this worker's place; 0 writes.
        save_every: int, steps between two checkpoints.
        report: function (step, {"d_loss": ..., "g_loss": ...}) called on the chief after each save.

    Returns:
        The `gan.GAN`, with the same weights on all workers.

    Raises:
        CourseError: a worker is gone. Start all again: training goes on from the checkpoint.
        Stopped: Ctrl-C or SIGTERM came to one of the workers. All stop after the same step and the chief saves it.
    """
    tf = runtime.import_tensorflow()
    checkpoint, step = Path(checkpoint), 0
    parts = batch_size if callable(batch_size) else lambda start: [(steps, batch_size)]
    for _, size in parts(0):
        share_of(size, many.num_replicas_in_sync)
    try:
        with noted_signals() as asked:
            gan = shared_gan(many, build, checkpoint)
            for step, stopped in run_steps(many, gan, images, parts, rank, asked):
                if step % save_every == 0 or step == steps or stopped:
                    save(gan, checkpoint, rank, report)
                if stopped:
                    raise Stopped(f"stopped at step {step}; training goes on from {checkpoint}.")
    except tf.errors.OpError as error:
        if type(error).__name__ not in GONE:
            raise
        raise CourseError(
            f"a worker is gone ({type(error).__name__}) at step {step}. Start all workers again with the same "
            f"command: training goes on from {checkpoint}."
        ) from error
    return gan


def shared_gan(many, build, checkpoint):
    """The GAN of the checkpoint, or a new one, with its variables on all workers."""
    from aigc_course import gan as gan_module

    with many.scope():
        gan = gan_module.GAN.load(checkpoint) if checkpoint.is_file() else build()
    check_same_step(many, gan)
    return gan


def run_steps(many, gan, images, parts, rank, asked):
    """Trains; yields (step, whether a worker was asked to stop) after each step, the same on all workers."""
    tf = runtime.import_tensorflow()
    workers = many.num_replicas_in_sync

    def stream(size, start):
        share = share_of(size, workers)
        whole = data.batches(images, size, gan.seed, start)  # the one device's batches, cut in shares
        return whole.map(lambda batch: batch[rank * share : (rank + 1) * share])

    @tf.function
    def train_step(batch, stop):
        many.run(gan.train_step, args=((batch,),))
        return total_of(many, stop)

    for end, size in parts(gan.step):
        start = gan.step
        batches = iter(many.distribute_datasets_from_function(lambda _, size=size, at=start: stream(size, at)))
        while gan.step < end:
            stop = train_step(next(batches), tf.constant(float(bool(asked))))
            yield gan.step, bool(stop > 0)


def save(gan, checkpoint, rank, report):
    """Saves the checkpoint. All read the weights (reading may need every worker), the chief keeps the file."""
    logs = {name: float(tracker.result()) for name, tracker in gan.trackers.items()}
    for tracker in gan.trackers.values():
        tracker.reset_state()
    own = checkpoint if rank == 0 else checkpoint.with_name(f".{rank}.{checkpoint.name}")
    gan.save(own)
    if rank == 0 and report:
        report(gan.step, logs)
    if rank:
        own.unlink(missing_ok=True)
