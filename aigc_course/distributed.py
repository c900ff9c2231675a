"""Several machines: the GAN's own step in a loop of ours, under tf.distribute.MultiWorkerMirroredStrategy.

Every machine holds both networks, takes its share of each batch, and adds its gradients to the others' before the
optimizers move. Keras 3's `fit` fails under this strategy (keras #20585); `strategy.run` over the same step works.
"""

import json
import os
from pathlib import Path

from aigc_course import data, runtime
from aigc_course.runtime import CourseError

GONE = ("UnavailableError", "AbortedError", "InternalError", "DeadlineExceededError", "FailedPreconditionError")


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
        try:
            config = json.loads(os.environ.get("TF_CONFIG", ""))
            workers, rank = config["cluster"]["worker"], config["task"]["index"]
        except (ValueError, KeyError, TypeError) as error:
            raise CourseError(
                "several machines need their addresses: --workers HOST:PORT,HOST:PORT and --rank 0, 1, …, "
                'or TF_CONFIG as {"cluster": {"worker": [...]}, "task": {"type": "worker", "index": 0}}.'
            ) from error
    bad = [one for one in workers if not one.rpartition(":")[0] or not one.rpartition(":")[2].isdigit()]
    if bad or len(set(workers)) < len(workers):
        raise CourseError(f"workers must be different addresses HOST:PORT; received {', '.join(workers)}.")
    if isinstance(rank, bool) or not isinstance(rank, int) or not 0 <= rank < len(workers):
        raise CourseError(f"rank must lie in 0 … {len(workers) - 1} for {len(workers)} workers; received {rank!r}.")
    task = {"type": "worker", "index": rank}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": {"worker": workers}, "task": task})
    return rank, len(workers)


def strategy():
    """The strategy for the cluster of TF_CONFIG. Waits until all workers are there.

    Call it before any other TensorFlow operation of the process: collectives are set up at the start.
    """
    tf = runtime.import_tensorflow()
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except Exception as error:
        raise CourseError(
            f"the workers could not be joined ({type(error).__name__}: {str(error).splitlines()[0]}). All must be "
            "started, each port be free and reachable, and this the process's first TensorFlow operation."
        ) from error


def share_of(batch_size, workers):
    """The images of each worker in a global batch; they must be equal."""
    if batch_size % workers or batch_size // workers < 2:
        raise CourseError(
            f"the batch of {batch_size} must split evenly among {workers} workers, two images or more for each. "
            f"Try {max(2, round(batch_size / workers)) * workers}."
        )
    return batch_size // workers


def check_same_step(many, gan):
    """Raises CourseError on every worker unless all have read the same checkpoint."""
    tf = runtime.import_tensorflow()
    steps = tf.constant([1.0, gan.step, gan.step**2], tf.float64)
    add = tf.function(lambda: many.reduce("SUM", many.run(lambda: steps), axis=None))
    count, total, squares = add().numpy()
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
    """
    tf = runtime.import_tensorflow()
    from aigc_course import gan as gan_module

    checkpoint, workers = Path(checkpoint), many.num_replicas_in_sync
    parts = batch_size if callable(batch_size) else lambda start: [(steps, batch_size)]
    for _, size in parts(0):
        share_of(size, workers)
    with many.scope():
        gan = gan_module.GAN.load(checkpoint) if checkpoint.is_file() else build()
    check_same_step(many, gan)

    def stream(size, start):
        share = share_of(size, workers)
        whole = data.batches(images, size, gan.seed, start)  # the one device's batches, cut in shares
        return whole.map(lambda batch: batch[rank * share : (rank + 1) * share])

    @tf.function
    def step(batch):
        many.run(gan.train_step, args=((batch,),))

    try:
        for end, size in parts(gan.step):
            start = gan.step
            batches = iter(many.distribute_datasets_from_function(lambda _, size=size, at=start: stream(size, at)))
            while gan.step < end:
                step(next(batches))
                if gan.step % save_every == 0 or gan.step == steps:
                    logs = {name: float(tracker.result()) for name, tracker in gan.trackers.items()}
                    for tracker in gan.trackers.values():
                        tracker.reset_state()
                    # All read the weights (reading may need every worker), the chief keeps the file.
                    own = checkpoint if rank == 0 else checkpoint.with_name(f".{rank}.{checkpoint.name}")
                    gan.save(own)
                    if rank == 0 and report:
                        report(gan.step, logs)
                    if rank:
                        own.unlink(missing_ok=True)
    except tf.errors.OpError as error:
        if type(error).__name__ not in GONE:
            raise
        raise CourseError(
            f"a worker is gone ({type(error).__name__}) at step {gan.step}. Start all workers again with the same "
            f"command: training goes on from {checkpoint}."
        ) from error
    return gan
