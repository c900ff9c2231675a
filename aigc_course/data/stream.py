"""Endless streams of batches. Batch number n is a function of (seed, n): a resumed run sees what it would have seen."""

import numpy as np

from aigc_course.data.images import check_images
from aigc_course.errors import CourseError, whole_number

__all__ = ["batches", "endless", "stacked_batches", "untuned"]


def endless(batch, start=0):
    """The batches batch(start), batch(start + 1), …: nothing before `start` is computed, and no position is kept.

    Args:
        batch: function of a step (int64 scalar tensor) -> tensor or tuple of tensors.
        start: int, the number of batches already used.

    Returns:
        `tf.data.Dataset`, prefetched. Where several machines read it, each reads all of it.
    """
    import tensorflow as tf

    steps = tf.data.Dataset.range(start, np.iinfo(np.int64).max)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return untuned(steps.map(batch, num_parallel_calls=1, deterministic=True).prefetch(2).with_options(options))


def untuned(batches):
    """A data set without autotuning: its thread at times misses the end, and `fit` then waits up to a minute for it."""
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def batches(images, batch_size=64, seed=7, start=0, labels=None):
    """An endless stream of shuffled batches that depends on (seed, step) only, so that it can be taken up anywhere.

    Every pass over the data has its own permutation; images that do not fill the last batch are left out of
    that pass. Batch number `start` is the first one; nothing before it is computed.

    Args:
        images: uint8 array (N, H, W) or (N, H, W, C).
        batch_size: int, from 1 to N.
        seed: int, 0 or more.
        start: int, the number of batches already used.
        labels: int array (N,), or None.

    Returns:
        `tf.data.Dataset` of float32 tensors (batch_size, H, W, C) in [-1, 1]; with labels, of pairs: images and int32
        labels (batch_size,).

    Raises:
        CourseError: no uint8 images, a batch larger than the data, or not a label for each image.
    """
    images = check_images(images)
    images = images[..., None] if images.ndim == 3 else images
    count = len(images)
    if labels is not None and np.shape(labels) != (count,):
        raise CourseError(f"labels must be one for each of the {count} images; received {np.shape(labels)}.")
    hint = f"There are {count} images: take a smaller batch or more data."
    batch_size = whole_number(batch_size, "batch_size", 1, count, hint)
    import tensorflow as tf

    per_pass = count // batch_size
    with tf.device("CPU"):
        pixels = tf.constant(images)  # (N, H, W, C) uint8: a quarter of the memory of float32
        classes = None if labels is None else tf.constant(np.asarray(labels), tf.int32)

    def batch(step):
        epoch, position = step // per_pass, step % per_pass
        places = position * batch_size + tf.range(batch_size, dtype=tf.int64)  # (B,)
        order = tf.stack([tf.cast(seed, tf.int64), epoch])  # one permutation for each pass
        chosen = tf.random.experimental.index_shuffle(places, order, tf.cast(count - 1, tf.int64))
        x = tf.cast(tf.gather(pixels, chosen), tf.float32) / 127.5 - 1.0
        x = tf.ensure_shape(x, (batch_size, *images.shape[1:]))
        return x if classes is None else (x, tf.ensure_shape(tf.gather(classes, chosen), (batch_size,)))

    return endless(batch, start)


def stacked_batches(images, batch_size=64, seed=7, start=0):
    """Stacked MNIST: three random digits as colour channels (Metz et al., 2017). Arguments and errors as `batches`.

    Returns:
        `tf.data.Dataset` of float32 tensors (batch_size, H, W, 3) in [-1, 1].
    """
    import tensorflow as tf

    # 1,000,003 is a prime: it keeps the three streams apart
    channels = tuple(batches(images, batch_size, seed + 1_000_003 * i, start) for i in range(3))
    return tf.data.Dataset.zip(channels).map(lambda *parts: tf.concat(parts, axis=-1))
