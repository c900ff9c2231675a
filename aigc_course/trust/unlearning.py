"""Many small networks side by side: trained at once, made to forget, compared with networks that never knew.

A crowd's arrays have the models on the first axis, so that twenty small networks cost one large one's calls.
"""

import numpy as np

from aigc_course.errors import CourseError, number, whole_number

__all__ = ["Crowd", "disagreement", "learn", "steps_to_relearn"]


class Crowd:
    """M fully connected networks with ReLU between the layers, each from its own random weights.

    Args:
        sizes: tuple of int, inputs, hidden layers, outputs: (784, 128, 10).
        models: int, M.
        seed: int.
        beta_1: float, share of the last slopes that Adam keeps; 0.5 in a game (Radford et al., 2016).

    Attributes:
        weights: list of `tf.Variable`, kernel (M, in, out) and bias (M, 1, out) of each layer in turn.
    """

    def __init__(self, sizes, models, seed, beta_1=0.9):
        import tensorflow as tf

        self.sizes = tuple(whole_number(size, "a layer's size") for size in sizes)
        self.models = whole_number(models, "models")
        if len(self.sizes) < 2:
            raise CourseError(f"sizes must name inputs and outputs at least; received {sizes!r}. Try (784, 128, 10).")
        rng, self.weights = np.random.default_rng(whole_number(seed, "seed", 0)), []
        for units_in, units_out in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            start = rng.standard_normal((self.models, units_in, units_out)) * np.sqrt(2 / units_in)  # He et al., 2015
            self.weights += [tf.Variable(start, dtype=tf.float32), tf.Variable(tf.zeros((self.models, 1, units_out)))]
        self.betas = number(beta_1, "beta_1", low=0, below=1), 0.999
        self.restart()

    def restart(self):
        """Gives Adam (Kingma & Ba, 2015) empty averages: a new training begins."""
        import tensorflow as tf

        self._moments = [tf.Variable(tf.zeros_like(weight)) for weight in self.weights for _ in range(2)]
        self._moved = tf.Variable(0.0)

    @property
    def parameters(self):
        """Weights of one model."""
        return sum(weight.shape.num_elements() for weight in self.weights) // self.models

    def logits(self, x):
        """(B, F), the same for all, or (M, B, F) -> (M, B, outputs)."""
        import tensorflow as tf

        for layer in range(0, 2 * len(self.sizes) - 2, 2):
            x = tf.nn.relu(x) if layer else x
            x = tf.matmul(x, self.weights[layer]) + self.weights[layer + 1]
        return x

    def read(self, x, block=1000):
        """Logits of images (N, F) as a NumPy array (M, N, outputs), a block at a time."""
        return np.concatenate([self.logits(x[i : i + block]).numpy() for i in range(0, len(x), block)], axis=1)

    def move(self, slopes, rate):
        """One step of Adam down the slopes; one fused pass over memory for each array."""
        import tensorflow as tf

        step = self._moved.assign_add(1.0)
        powers = [beta**step for beta in self.betas]
        for weight, slope, m, v in zip(self.weights, slopes, self._moments[::2], self._moments[1::2], strict=True):
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=m.handle,
                v=v.handle,
                beta1_power=powers[0],
                beta2_power=powers[1],
                lr=rate,
                beta1=self.betas[0],
                beta2=self.betas[1],
                epsilon=1e-7,
                grad=slope,
            )

    def copy(self):
        """Another crowd with the same weights and a fresh Adam."""
        twin = Crowd(self.sizes, self.models, 0, self.betas[0])
        for own, weight in zip(twin.weights, self.weights, strict=True):
            own.assign(weight)
        return twin


def learn(crowd, images, labels, members, steps, batch_size=64, rate=1e-3, seed=0, ascend=False, each=None):
    """Trains every model on its own examples: cross-entropy, Adam, the rate down to 0 on half a cosine.

    Args:
        crowd: `Crowd`.
        images: float array (N, F).
        labels: int array (N,).
        members: int array (M, n): row m are the places of model m's examples.
        steps, batch_size: int.
        rate: float, Adam's first.
        seed: int; batches are a function of it and the step.
        ascend: bool, climb the loss instead: what some call unlearning.
        each: function of the steps made so far, called after each; what it returns, if true, ends the training.

    Returns:
        float array (M,), the last batch's losses in nats.
    """
    import tensorflow as tf

    steps, members = whole_number(steps, "steps"), np.asarray(members)
    number(rate, "rate", above=0)
    if members.ndim != 2 or len(members) != crowd.models or members.min() < 0 or members.max() >= len(images):
        raise CourseError(
            f"members must be (M, n) with M = {crowd.models}, places among {len(images)} images; "
            f"received {members.shape}."
        )
    held = [tf.constant(part) for part in (images, np.asarray(labels, np.int32), members.astype(np.int32))]

    @tf.function
    def step(place, now):
        chosen = tf.random.stateless_uniform(
            (crowd.models, batch_size), tf.stack([seed, place]), 0, members.shape[1], tf.int32
        )
        rows = tf.gather(held[2], chosen, batch_dims=1)
        x, y = tf.gather(held[0], rows), tf.gather(held[1], rows)
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, crowd.logits(x))
            total = tf.reduce_sum(losses) / batch_size * (-1.0 if ascend else 1.0)
        crowd.move(tape.gradient(total, crowd.weights), now)
        return tf.reduce_mean(losses, axis=1)

    for place in range(steps):
        now = rate * (1 + np.cos(np.pi * place / steps)) / 2
        losses = step(tf.constant(place), tf.constant(now, tf.float32))
        if each and each(place + 1):
            break
    return losses.numpy()


def disagreement(logits, others):
    """The share of examples on which two models of a pair name different classes.

    Args:
        logits, others: float arrays (M, P, K).

    Returns:
        float array (M,). Between two trainings that differ in nothing but the seed it is above 0: hold that beside it.
    """
    logits, others = np.asarray(logits), np.asarray(others)
    if logits.ndim != 3 or logits.shape != others.shape:
        raise CourseError(f"both need the shape (M, P, K); received {logits.shape} and {others.shape}.")
    return (logits.argmax(axis=2) != others.argmax(axis=2)).mean(axis=1)


def steps_to_relearn(crowd, images, labels, level=0.05, most=200, rate=1e-4):
    """Steps on the forgotten alone until their mean loss is at most `level`: what is remembered comes back fast.

    The crowd is left as it is; a copy learns, all examples at each step.

    Args:
        crowd: `Crowd`.
        images, labels: the forgotten examples, (F, inputs) and (F,).
        level: float, nats.
        most: int, steps tried at most.
        rate: float, Adam's.

    Returns:
        int array (M,), from 0; `most` where that was not enough.
    """
    import tensorflow as tf

    number(level, "level", above=0)
    twin, most = crowd.copy(), whole_number(most, "most")
    images, labels = tf.constant(images), tf.broadcast_to(np.asarray(labels, np.int32), (crowd.models, len(labels)))
    rate = tf.constant(number(rate, "rate", above=0), tf.float32)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, twin.logits(images))
            total = tf.reduce_sum(tf.reduce_mean(losses, axis=1))
        twin.move(tape.gradient(total, twin.weights), rate)
        return tf.reduce_mean(losses, axis=1)

    made = np.full(crowd.models, most)
    for place in range(most):
        made = np.where((made == most) & (step().numpy() <= level), place, made)
        if (made < most).all():
            break
    return made
