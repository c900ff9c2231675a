"""What exercise 04.3 should give: one fused step with R1 on scalars, and mistakes."""

from aigc_course.checks.formulas import sigmoid

__all__ = ["bias_too", "exchanged", "g_first", "g_too", "gan_cases", "gan_step", "noise_in_slope", "without_w"]


def gan_cases(rng):
    """(w, b, a, c, x (B,), z (B,), rate, gamma): D(x) = w x + b, G(z) = a z + c; two of one size, one single image."""
    return [
        (
            *map(float, rng.normal(0, 1, 4)),
            rng.normal(2, 1, n),
            rng.normal(0, 1, n),
            *map(float, rng.uniform([0.02, 0.5], [0.6, 4.0])),
        )
        for n in (2, 5, 8, 5, 1)
    ]


def _d_slopes(w, b, a, c, x, z, real=1.0, fake=1.0):
    """d d_loss / d (w, b), without the penalty."""
    g = a * z + c
    at_real, at_fake = -real * sigmoid(-(w * x + b)), fake * sigmoid(w * g + b)
    return (at_real * x + at_fake * g).mean(), (at_real + at_fake).mean()


def _g_slopes(w, b, a, c, z, saturating=False):
    """d g_loss / d (a, c)."""
    logit = w * (a * z + c) + b
    slope = -sigmoid(logit) if saturating else -sigmoid(-logit)
    return (slope * w * z).mean(), (slope * w).mean()


def gan_step(
    w, b, a, c, x, z, rate, gamma, d=1.0, g=1.0, first=False, d_parts=(1.0, 1.0), saturating=False, pull=lambda w, b: w
):
    """One step of gradient descent for both; d and g scale the rates, first: G answers the new D, pull: R1's slope."""
    dw, db = _d_slopes(w, b, a, c, x, z, *d_parts)
    new_w, new_b = w - d * rate * (dw + gamma * pull(w, b)), b - d * rate * db
    da, dc = _g_slopes(*((new_w, new_b) if first else (w, b)), a, c, z, saturating)
    return new_w, new_b, a - g * rate * da, c - g * rate * dc


def exchanged(w, b, a, c, x, z, rate, gamma):
    """Labels of D exchanged."""
    g = a * z + c
    at_real, at_fake = sigmoid(w * x + b), -sigmoid(-(w * g + b))
    dw, db = (at_real * x + at_fake * g).mean() + gamma * w, (at_real + at_fake).mean()
    return w - rate * dw, b - rate * db, *gan_step(w, b, a, c, x, z, rate, gamma)[2:]


def g_first(w, b, a, c, x, z, rate, gamma):
    """D sees what the new G draws."""
    new_a, new_c = gan_step(w, b, a, c, x, z, rate, gamma)[2:]
    return *gan_step(w, b, new_a, new_c, x, z, rate, gamma)[:2], new_a, new_c


def noise_in_slope(w, b, a, c, x, z, rate, gamma):
    """In w's slope z stands where G(z) should; the logit is right."""
    at_real, at_fake = -sigmoid(-(w * x + b)), sigmoid(w * (a * z + c) + b)
    dw = (at_real * x + at_fake * z).mean() + gamma * w
    return w - rate * dw, *gan_step(w, b, a, c, x, z, rate, gamma)[1:]


def without_w(w, b, a, c, x, z, rate, gamma):
    """G's slope without the way through D."""
    slope = -sigmoid(-(w * (a * z + c) + b))
    new = gan_step(w, b, a, c, x, z, rate, gamma)[:2]
    return *new, a - rate * (slope * z).mean(), c - rate * slope.mean()


def bias_too(w, b, a, c, x, z, rate, gamma):
    """The penalty on all of D's weights, as weight decay has it."""
    new = gan_step(w, b, a, c, x, z, rate, gamma)
    return new[0], new[1] - rate * gamma * b, *new[2:]


def g_too(w, b, a, c, x, z, rate, gamma):
    """The penalty on G's slope too."""
    new = gan_step(w, b, a, c, x, z, rate, gamma)
    return *new[:2], new[2] - rate * gamma * a, new[3]
