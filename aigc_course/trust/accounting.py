"""What a private training costs: epsilon from noise, sampling and steps, by two accountants of dp-accounting.

Neighbours here are data sets of which one has one example more (add or remove one).
"""

import contextlib
import logging
import math
from statistics import NormalDist

from aigc_course.errors import CourseError, number, one_of, whole_number

__all__ = ["ACCOUNTANTS", "epsilon", "gaussian_delta", "gaussian_epsilon", "noise_for"]

ACCOUNTANTS = {"rdp": "Rényi divergences (Mironov, 2017)", "pld": "the privacy loss's whole distribution, on a grid"}


def _library():
    """dp-accounting, an extra of its own."""
    try:
        import dp_accounting
        from dp_accounting import pld, rdp
    except ImportError as error:
        raise CourseError("the accountant needs dp-accounting: pip install -e '.[trust-dp]'") from error
    return dp_accounting, {"rdp": rdp.RdpAccountant, "pld": pld.PLDAccountant}


def epsilon(noise_multiplier, sampling_rate, steps, delta=1e-5, accountant="rdp"):
    """The epsilon of DP-SGD: `steps` times a Poisson sample, a clipped sum, Gaussian noise.

    Args:
        noise_multiplier: float above 0, the noise's standard deviation over the clipping norm.
        sampling_rate: float in (0, 1], each example's chance to be in a batch.
        steps: int.
        delta: float in (0, 1).
        accountant: "rdp" or "pld". Both are upper bounds for the same run; the second is the tighter one, and slower.

    Returns:
        float.

    Raises:
        CourseError: a value outside, or no dp-accounting (extra trust-dp).
    """
    one_of(accountant, ACCOUNTANTS, "accountant")
    noise_multiplier, delta = number(noise_multiplier, "noise_multiplier", above=0), number(delta, "delta", 0, 1, 0, 1)
    sampling_rate, steps = number(sampling_rate, "sampling_rate", 0, 1, above=0), whole_number(steps, "steps")
    library, kinds = _library()
    event = library.PoissonSampledDpEvent(sampling_rate, library.GaussianDpEvent(noise_multiplier))
    with _quiet():
        return float(kinds[accountant]().compose(event, steps).get_epsilon(delta))


@contextlib.contextmanager
def _quiet():
    """No warning for each order of Rényi's divergence that the library leaves out: it takes the best of the others."""
    logger = logging.getLogger("absl")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def noise_for(target, sampling_rate, steps, delta=1e-5, accountant="rdp"):
    """The least noise multiplier with at most this epsilon, by bisection: more noise, less epsilon.

    Args:
        target: float above 0, the epsilon.
        sampling_rate, steps, delta, accountant: as in `epsilon`.

    Returns:
        float, to one part in a thousand, on the safe side.
    """
    target = number(target, "target", above=0)
    low, high = 0.0, 1.0
    while epsilon(high, sampling_rate, steps, delta, accountant) > target:
        low, high = high, 2 * high
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        above = epsilon(middle, sampling_rate, steps, delta, accountant) > target
        low, high = (middle, high) if above else (low, middle)
    return high


def gaussian_delta(target, noise_multiplier, releases=1):
    """The exact delta of the Gaussian mechanism at an epsilon (Balle & Wang, 2018, arXiv 1805.06530).

    delta = Phi(mu/2 - epsilon/mu) - e^epsilon Phi(-mu/2 - epsilon/mu), mu = sqrt(releases) / noise_multiplier: how far
    two bells of width 1 are apart.

    Args:
        target: float, the epsilon, at least 0.
        noise_multiplier: float above 0, the noise's standard deviation over the sensitivity (in Euclid's norm).
        releases: int, times that all of the data are asked.

    Returns:
        float.
    """
    target, noise = number(target, "target", 0), number(noise_multiplier, "noise_multiplier", above=0)
    mu, share = math.sqrt(whole_number(releases, "releases")) / noise, NormalDist().cdf
    tail = share(-mu / 2 - target / mu)  # e^epsilon may be large where the tail is 0
    return share(mu / 2 - target / mu) - (math.exp(target + math.log(tail)) if tail > 0 else 0.0)


def gaussian_epsilon(noise_multiplier, delta=1e-5, releases=1):
    """The exact epsilon of the Gaussian mechanism: where `gaussian_delta` comes down to delta, by bisection.

    Args:
        noise_multiplier, releases: as in `gaussian_delta`.
        delta: float in (0, 1).

    Returns:
        float, at most one part in a million too large.
    """
    delta = number(delta, "delta", above=0, below=1)
    if gaussian_delta(0, noise_multiplier, releases) <= delta:
        return 0.0
    low, high = 0.0, 1.0
    while gaussian_delta(high, noise_multiplier, releases) > delta:
        low, high = high, 2 * high
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if gaussian_delta(middle, noise_multiplier, releases) > delta else (low, middle)
    return high
