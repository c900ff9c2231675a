"""One device to many: what the exchange of gradients costs, and how far more devices help.

Data-parallel training: each device holds the whole network, takes its share of the batch, and all add up their
gradients. The sum goes round in a ring (Patarasuk & Yuan, 2009): 2 (p - 1) messages, each of a p-th of the gradient.
"""

from aigc_course.errors import CourseError, number, whole_number

__all__ = ["amdahl", "gustafson", "ring_all_reduce", "ring_seconds", "strong_scaling", "weak_scaling"]


def ring_all_reduce(parts):
    """The sum of all devices' vectors, on every device, as the ring computes it; and the numbers each has sent.

    Args:
        parts: list of float arrays (n,), one for each device; n a multiple of their count.

    Returns:
        (list of arrays (n,), all equal to the sum; int, numbers sent by each device).

    Raises:
        CourseError: no device, or vectors that do not split evenly.
    """
    import numpy as np

    p = len(parts)
    if not p or any(np.shape(part) != np.shape(parts[0]) for part in parts) or np.size(parts[0]) % p:
        raise CourseError("one vector for each device is needed, all of one length that splits evenly among them.")
    held = [np.array(part, np.float64).reshape(p, -1) for part in parts]  # (device, piece)
    sent = 0
    for adding in (True, False):  # first each piece is summed on its way round, then the sums go round
        for step in range(p - 1):
            moved = [held[i][(i + (not adding) - step) % p].copy() for i in range(p)]
            for i, piece in enumerate(moved):
                place = (i + (not adding) - step) % p
                there = held[(i + 1) % p]
                there[place] = there[place] + piece if adding else piece
            sent += moved[0].size
    return [part.reshape(-1) for part in held], sent


def ring_seconds(size, devices, bandwidth, latency=0.0):
    """Seconds that a ring takes to add up `size` bytes: 2 (p - 1) (size / (p bandwidth) + latency).

    With many devices it nears 2 size / bandwidth, however many there are; latency grows with them.

    Args:
        size: float, bytes of the gradient.
        devices: int, p.
        bandwidth: float, bytes/s from one device to the next.
        latency: float, seconds that a message takes beside its bytes.
    """
    p = whole_number(devices, "devices")
    size, bandwidth = number(size, "size", low=0), number(bandwidth, "bandwidth", above=0)
    return 2 * (p - 1) * (size / (p * bandwidth) + number(latency, "latency", low=0))


def amdahl(serial, devices):
    """How many times faster p devices do *the same* work, a share of which cannot be split (Amdahl, 1967).

    Args:
        serial: float in [0, 1], that share of the time on one device.
        devices: int, p.
    """
    serial, p = number(serial, "serial", low=0, high=1), whole_number(devices, "devices")
    return 1 / (serial + (1 - serial) / p)


def gustafson(serial, devices):
    """How much more work p devices do in *the same time* when the part that splits grows with p (Gustafson, 1988).

    Args:
        serial: float in [0, 1], the share of the time on p devices that is not split.
        devices: int, p.
    """
    serial, p = number(serial, "serial", low=0, high=1), whole_number(devices, "devices")
    return serial + (1 - serial) * p


def strong_scaling(seconds, devices, size, bandwidth, latency=0.0, fixed=0.0):
    """Speed-up of one training step with the *same* batch shared among p devices.

    Args:
        seconds: float, the part of the step on one device that the batch's size decides.
        devices, size, bandwidth, latency: as `ring_seconds`.
        fixed: float, seconds that each device needs whatever its share: optimizer, calls.
    """
    seconds, fixed = number(seconds, "seconds", above=0), number(fixed, "fixed", low=0)
    exchange = ring_seconds(size, devices, bandwidth, latency)
    return (seconds + fixed) / (seconds / devices + fixed + exchange)


def weak_scaling(seconds, devices, size, bandwidth, latency=0.0, fixed=0.0):
    """Share of p devices' work that is left when *each* gets a batch as large as one device had alone.

    Args: as `strong_scaling`.
    """
    seconds, fixed = number(seconds, "seconds", above=0), number(fixed, "fixed", low=0)
    return (seconds + fixed) / (seconds + fixed + ring_seconds(size, devices, bandwidth, latency))
