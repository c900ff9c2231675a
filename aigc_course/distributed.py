"""Several machines: the GAN's own step in a loop of ours, under tf.distribute.MultiWorkerMirroredStrategy.

Every machine holds both networks, takes its share of each batch, and adds its gradients to the others' before the
optimizers move. Keras 3's `fit` fails under this strategy (keras #20585); `strategy.run` over the same step works.
`joining` is how the machines find each other.
"""

import contextlib
import signal
from pathlib import Path

from aigc_course import data, runtime
from aigc_course.errors import CourseError, Stopped
from aigc_course.joining import cluster, handled_by, strategy

__all__ = ["cluster", "share_of", "strategy", "train_together"]

_GONE = ("UnavailableError", "AbortedError", "InternalError", "DeadlineExceededError", "FailedPreconditionError")


def share_of(batch_size, workers):
    """The images of each worker in a global batch; they must be equal."""
    if batch_size % workers or batch_size // workers < 2:
        raise CourseError(
            f"the batch of {batch_size} must split evenly among {workers} workers, two images or more for each. "
            f"Try {max(2, round(batch_size / workers)) * workers}."
        )
    return batch_size // workers


def _total_of(many, own):
    """The sum of all workers' tensors `own`; to be called within a `tf.function`."""
    return many.reduce("SUM", many.run(lambda: own), axis=None)


@contextlib.contextmanager
def _noted_signals():
    """Within, the first Ctrl-C or SIGTERM is put into the list that comes; the second ends the process at once.

    Nothing is raised: inside TensorFlow the exception can be lost.
    """
    asked = []

    def note(number, frame):
        asked.append(number)
        signal.signal(number, signal.SIG_DFL)

    with handled_by(note):
        yield asked


def _check_same_step(many, gan):
    """Raises CourseError on every worker unless all have read the same checkpoint."""
    tf = runtime.import_tensorflow()
    steps = tf.constant([1.0, gan.step, gan.step**2], tf.float64)
    count, total, squares = tf.function(lambda: _total_of(many, steps))().numpy()
    if count * squares != total**2:
        raise CourseError(
            f"the workers start at different steps (this one at {gan.step}, the mean is {total / count:g}): the folder "
            "of the checkpoint must be one that all of them read. Share it, or copy the chief's file to each."
        )


def train_together(many, build, images, steps, batch_size, checkpoint, rank=0, save_every=50, report=None):
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
        with _noted_signals() as asked:
            gan = _shared_gan(many, build, checkpoint)
            for step, stopped in _run_steps(many, gan, images, parts, rank, asked):
                if step % save_every == 0 or step == steps or stopped:
                    _save(gan, checkpoint, rank, report)
                if stopped:
                    raise Stopped(f"stopped at step {step}; training goes on from {checkpoint}.")
    except tf.errors.OpError as error:
        if type(error).__name__ not in _GONE:
            raise
        raise CourseError(
            f"a worker is gone ({type(error).__name__}) at step {step}. Start all workers again with the same "
            f"command: training goes on from {checkpoint}."
        ) from error
    return gan


def _shared_gan(many, build, checkpoint):
    """The GAN of the checkpoint, or a new one, with its variables on all workers."""
    from aigc_course import gan as gan_module

    with many.scope():
        gan = gan_module.GAN.load(checkpoint) if checkpoint.is_file() else build()
    _check_same_step(many, gan)
    return gan


def _run_steps(many, gan, images, parts, rank, asked):
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
        return _total_of(many, stop)

    for end, size in parts(gan.step):
        start = gan.step
        batches = iter(many.distribute_datasets_from_function(lambda _, size=size, at=start: stream(size, at)))
        while gan.step < end:
            stop = train_step(next(batches), tf.constant(float(bool(asked))))
            yield gan.step, bool(stop > 0)


def _save(gan, checkpoint, rank, report):
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
