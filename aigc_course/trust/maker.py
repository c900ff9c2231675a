"""A generator of digits that trains in seconds: an autoencoder with noisy codes, then a mixture over its codes."""

import numpy as np

from aigc_course import data
from aigc_course.errors import CourseError, whole_number

__all__ = ["Maker", "draw_mixture", "fit_mixture"]


def fit_mixture(z, k, rng, rounds=15, ridge=1e-3):
    """A mixture of k Gaussians by expectation-maximisation (Dempster, Laird & Rubin, 1977).

    Args:
        z: float array (N, d); N at least k.
        rounds: int; ridge: float, added to the diagonals.

    Returns:
        (weights (k,), means (k, d), covariances (k, d, d)).
    """
    z = np.asarray(z, float)
    whole_number(k, "k", 1, len(z), f"There are {len(z)} points.")
    weights, means = np.full(k, 1 / k), z[rng.choice(len(z), k, replace=False)]
    covariances = np.repeat(np.atleast_2d(np.cov(z, rowvar=False))[None] + ridge * np.eye(z.shape[1]), k, axis=0)
    for _ in range(rounds):
        share = _responsibilities(z, weights, means, covariances)  # (k, N)
        count = share.sum(axis=1) + 1e-9
        weights, means = count / len(z), share @ z / count[:, None]
        away = z - means[:, None]  # (k, N, d)
        spread = np.matmul((away * share[:, :, None]).transpose(0, 2, 1), away)
        covariances = spread / count[:, None, None] + ridge * np.eye(z.shape[1])
    return weights / weights.sum(), means, covariances


def _responsibilities(z, weights, means, covariances):
    """p(component | point): (k, N)."""
    roots = np.linalg.inv(np.linalg.cholesky(covariances))  # (k, d, d)
    white = np.matmul(z - means[:, None], roots.transpose(0, 2, 1))
    volume = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
    logs = (np.log(weights) + volume)[:, None] - 0.5 * np.square(white).sum(axis=2)
    shares = np.exp(logs - logs.max(axis=0))
    return shares / shares.sum(axis=0)


def draw_mixture(mixture, n, rng):
    """n draws of `fit_mixture`'s mixture: float32 (n, d)."""
    weights, means, covariances = mixture
    own = rng.choice(len(weights), whole_number(n, "n"), p=weights)
    noise = rng.standard_normal((n, means.shape[1], 1))
    return (means[own] + np.matmul(np.linalg.cholesky(covariances)[own], noise)[..., 0]).astype(np.float32)


class Maker:
    """A generator of digits: an autoencoder with noisy codes, then a mixture of Gaussians over its codes.

    The density of the codes is fitted afterwards (Ghosh et al., 2020, arXiv 1903.12436). One object serves a whole
    chain: `fit` begins from new random weights each time.

    Args:
        latent, width, components: int, numbers of a code, hidden units, Gaussians.
        weight: float, of the KL term. All chosen by trial on the last 5,000 training digits.
    """

    def __init__(self, latent=16, width=256, components=20, weight=0.1):
        import keras
        import tensorflow as tf

        sizes = ((784, width), (width, 2 * latent), (latent, width), (width, 784))
        self.tf, self.latent, self.components = tf, latent, components
        self.weights = [tf.Variable(tf.zeros(shape)) for size in sizes for shape in (size, size[1:])]
        self.optimizer = keras.optimizers.Adam(2e-3)
        self.optimizer.build(self.weights)
        self.weight = tf.constant(float(weight))
        self.step = tf.function(self._step)
        self.mixture = None

    def _start(self, rng):
        """New random weights (Glorot & Bengio, 2010), an optimizer that remembers nothing."""
        for one in self.weights:
            size = np.sqrt(2 / sum(one.shape)) if len(one.shape) == 2 else 0.0
            one.assign(size * rng.standard_normal(one.shape))
        for one in self.optimizer.variables:
            one.assign(np.zeros(one.shape))

    def encode(self, x):
        """Pictures in rows (B, 784) in [-1, 1] -> means and log variances of codes, (B, latent) each."""
        a, b, c, d = self.weights[:4]
        return self.tf.split(self.tf.nn.gelu(x @ a + b) @ c + d, 2, axis=1)

    def decode(self, z):
        """Codes (B, latent) -> logits of ink (B, 784)."""
        a, b, c, d = self.weights[4:]
        return self.tf.nn.gelu(z @ a + b) @ c + d

    def _step(self, x, seed, rate):
        tf = self.tf
        self.optimizer.learning_rate.assign(rate)
        with tf.GradientTape() as tape:
            mean, log_variance = self.encode(x)
            z = mean + tf.exp(log_variance / 2) * tf.random.stateless_normal(tf.shape(mean), seed)
            ink = tf.nn.sigmoid_cross_entropy_with_logits(labels=(x + 1) / 2, logits=self.decode(z))
            kl = 0.5 * tf.reduce_sum(mean**2 + tf.exp(log_variance) - 1 - log_variance, axis=1)
            loss = tf.reduce_mean(tf.reduce_sum(ink, axis=1) + self.weight * kl)
        self.optimizer.apply(tape.gradient(loss, self.weights), self.weights)
        return loss

    def fit(self, images, steps=600, seed=0, batch_size=100):
        """Trains anew on float images (N, 28, 28, 1) in [-1, 1]; the rate falls to 0 in a line. Returns itself."""
        tf, rng, rows = self.tf, np.random.default_rng(seed), data.check_scaled(images).reshape(-1, 784)
        self._start(rng)
        held = tf.constant(rows, tf.float32)
        for step in range(whole_number(steps, "steps")):
            batch = tf.gather(held, rng.integers(len(rows), size=batch_size))
            self.step(batch, tf.constant([seed, step]), tf.constant(2e-3 * (1 - step / steps), tf.float32))
        self.mixture = fit_mixture(self.encode(held)[0].numpy(), min(self.components, len(rows)), rng)
        return self

    def draw(self, n, rng):
        """n new images (n, 28, 28, 1) in [-1, 1]: the decoder's shares of ink for codes of the mixture."""
        if self.mixture is None:
            raise CourseError("the maker has learnt nothing yet: call fit(images) first.")
        ink = self.tf.sigmoid(self.decode(draw_mixture(self.mixture, n, rng))).numpy()
        return np.clip(2 * ink - 1, -1, 1).reshape(n, 28, 28, 1)
