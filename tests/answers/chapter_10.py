"""Answers to the exercises of chapter 10."""

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("10.1")
def frequency(pitch):
    return [440 * 2 ** ((int(p) - 69) / 12) for p in pitch]


@right("10.1")
def frequency(pitch):
    semitone = 2 ** (1 / 12)
    return 261.6255653005986 * semitone ** (pitch - 60.0)


@right("10.1")
def frequency(pitch):
    return tf.exp((tf.cast(pitch, tf.float64) - 69) / 12 * np.log(2.0)) * 440


@wrong("10.1", "divide by 12")
def frequency(pitch):
    return 440 * 2 ** ((pitch - 69) / 7)


@wrong("10.1", "440 Hz is pitch 69")
def frequency(pitch):
    return 440 * 2 ** ((pitch - 60) / 12)


@wrong("10.1", "not e")
def frequency(pitch):
    return 440 * np.exp((pitch - 69) / 12)


@wrong("10.1", "Twelve of them together")
def frequency(pitch):
    return 440 * 2.0 ** (pitch - 69)


@wrong("10.1", "upside down")
def frequency(pitch):
    return 440 / 2 ** ((pitch - 69) / 12)


@wrong("10.1", "a straight line")
def frequency(pitch):
    return 440 + 440 * (pitch - 69) / 12


@wrong("10.1", "multiply by 440")
def frequency(pitch):
    return 2 ** ((pitch - 69) / 12)


@right("10.2")
def key_correlations(durations, profile):
    return [np.corrcoef(durations, np.roll(profile, tonic))[0, 1] for tonic in range(12)]


@right("10.2")
def key_correlations(durations, profile):
    d = (durations - durations.mean()) / durations.std()
    p = (profile - profile.mean()) / profile.std()
    return np.array([sum(d[(i + tonic) % 12] * p[i] for i in range(12)) / 12 for tonic in range(12)])


@right("10.2")
def key_correlations(durations, profile):
    d, p = durations - durations.mean(), profile - profile.mean()
    product = np.fft.ifft(np.fft.fft(d) * np.conj(np.fft.fft(p))).real
    return product / np.sqrt((d @ d) * (p @ p))


@wrong("10.2", "turned the wrong way")
def key_correlations(durations, profile):
    return [np.corrcoef(durations, np.roll(profile, -tonic))[0, 1] for tonic in range(12)]


@wrong("10.2", "sums of products")
def key_correlations(durations, profile):
    return [durations @ np.roll(profile, tonic) for tonic in range(12)]


@wrong("10.2", "the cosine")
def key_correlations(durations, profile):
    size = np.linalg.norm(durations) * np.linalg.norm(profile)
    return [durations @ np.roll(profile, tonic) / size for tonic in range(12)]


@wrong("10.2", "lies in [-1, 1]")
def key_correlations(durations, profile):
    d, p = durations - durations.mean(), profile - profile.mean()
    return [d @ np.roll(p, tonic) for tonic in range(12)]


@wrong("10.2", "the covariance")
def key_correlations(durations, profile):
    return [np.cov(durations, np.roll(profile, tonic), bias=True)[0, 1] for tonic in range(12)]


@wrong("10.2", "turned together")
def key_correlations(durations, profile):
    return [np.corrcoef(np.roll(durations, t), np.roll(profile, t))[0, 1] for t in range(12)]


@wrong("10.2", "only the best")
def key_correlations(durations, profile):
    return np.argmax([np.corrcoef(durations, np.roll(profile, t))[0, 1] for t in range(12)])


@wrong("10.2", "Leave the sign")
def key_correlations(durations, profile):
    return [np.corrcoef(durations, np.roll(profile, t))[0, 1] ** 2 for t in range(12)]


@right("10.3")
def parallel_fifths(upper, lower):
    count = 0
    for t in range(len(upper) - 1):
        fifth = (upper[t] - lower[t]) % 12 == 7 and (upper[t + 1] - lower[t + 1]) % 12 == 7
        rising = upper[t + 1] > upper[t] and lower[t + 1] > lower[t]
        falling = upper[t + 1] < upper[t] and lower[t + 1] < lower[t]
        count += fifth and (rising or falling)
    return count


@right("10.3")
def parallel_fifths(upper, lower):
    fifth = tf.equal((upper - lower) % 12, 7)
    up, low = tf.sign(upper[1:] - upper[:-1]), tf.sign(lower[1:] - lower[:-1])
    together = tf.equal(up, low) & tf.not_equal(up, 0)
    return tf.reduce_sum(tf.cast(fifth[1:] & fifth[:-1] & together, tf.int32))


@right("10.3")
def parallel_fifths(upper, lower):
    fifth = np.isin(upper - lower, [7, 19, 31, 43])
    up, low = np.sign(np.diff(upper)), np.sign(np.diff(lower))
    return np.count_nonzero(fifth[1:] * fifth[:-1] * (up + low != 0) * (up * low != 0))


@wrong("10.3", "modulo 12")
def parallel_fifths(upper, lower):
    fifth = upper - lower == 7
    return np.sum(fifth[1:] & fifth[:-1] & (np.diff(upper) * np.diff(lower) > 0))


@wrong("10.3", "both voices must move")
def parallel_fifths(upper, lower):
    fifth = (upper - lower) % 12 == 7
    return np.sum(fifth[1:] & fifth[:-1])


@wrong("10.3", "a fifth that is held")
def parallel_fifths(upper, lower):
    fifth = (upper - lower) % 12 == 7
    return np.sum(fifth[1:] & fifth[:-1] & (np.sign(np.diff(upper)) == np.sign(np.diff(lower))))


@wrong("10.3", "the same way")
def parallel_fifths(upper, lower):
    fifth = (upper - lower) % 12 == 7
    return np.sum(fifth[1:] & fifth[:-1] & (np.diff(upper) != 0) & (np.diff(lower) != 0))


@wrong("10.3", "octaves were counted")
def parallel_fifths(upper, lower):
    gap = (upper - lower) % 12
    same = (gap[1:] == gap[:-1]) & np.isin(gap[1:], [0, 7])
    return np.sum(same & (np.diff(upper) * np.diff(lower) > 0))


@wrong("10.3", "A fifth has seven")
def parallel_fifths(upper, lower):
    fifth = (upper - lower) % 12 == 5
    return np.sum(fifth[1:] & fifth[:-1] & (np.diff(upper) * np.diff(lower) > 0))


@wrong("10.3", "the second must be one too")
def parallel_fifths(upper, lower):
    fifth = (upper - lower) % 12 == 7
    return np.sum(fifth[:-1] & (np.diff(upper) * np.diff(lower) > 0))


@wrong("10.3", "their number was asked for")
def parallel_fifths(upper, lower):
    fifth = (upper - lower) % 12 == 7
    return np.mean(fifth[1:] & fifth[:-1] & (np.diff(upper) * np.diff(lower) > 0))


@wrong("10.3", "without a look at the next")
def parallel_fifths(upper, lower):
    return np.sum((upper - lower) % 12 == 7)


@right("10.4")
def landing(given, ahead):
    found = []
    for film in given:
        place = []
        for axis, size in ((1, film.shape[1]), (0, film.shape[2])):
            lines = [np.flatnonzero(frame.sum(axis=axis)) for frame in film]
            span = size - len(lines[0])
            a, b, c = (line[0] for line in lines)
            speed = c - b if abs(c - b) >= abs(b - a) else a - b
            for _ in range(ahead):
                c += speed
                if c < 0 or c > span:
                    c, speed = (-c if c < 0 else 2 * span - c), -speed
            weights = film[2].sum(axis=axis)
            place.append(c - lines[2][0] + weights @ np.arange(size) / weights.sum())
        found.append(place)
    return found


@right("10.4")
def landing(given, ahead):
    """All speeds are tried backwards from the last frame; the one that explains the two before flies on."""

    def fold(x, span):
        x = x % (2 * span)
        return np.minimum(x, 2 * span - x)

    places = []
    for axis in (3, 2):
        ink = given.sum(axis=axis)
        size = ink.shape[2]
        first = np.argmax(ink > 0, axis=2)
        span = size - (ink[:, 0] > 0).sum(axis=1)
        tried = np.arange(-3, 4)[:, None]
        missed = sum(np.abs(fold(first[:, 2] - k * tried, span) - first[:, 2 - k]) for k in (1, 2))
        speed = tried[missed.argmin(axis=0), 0]
        centre = (ink[:, 2] * np.arange(size)).sum(axis=1) / ink[:, 2].sum(axis=1)
        places.append(fold(first[:, 2] + ahead * speed, span) + centre - first[:, 2])
    return tf.stack(places, axis=1)


def flown(given, ahead, speed=None, walls=None, count=None, back=None):
    """The right answer with one part exchanged: for the wrong ones."""
    found = []
    for axis in (3, 2):
        ink = given.sum(axis=axis)
        size = ink.shape[2]
        first, high = np.argmax(ink > 0, axis=2), (ink[:, 0] > 0).sum(axis=1)
        a, b = np.diff(first, axis=1).T
        v = speed(a, b) if speed else np.where(abs(b) >= abs(a), b, -a)
        span = count(size, high) if count else size - high
        x = first[:, 2] + ahead * v
        x = walls(x, span) if walls else span - abs(x % (2 * span) - span)
        centre = (ink[:, 2] * np.arange(size)).sum(axis=1) / ink[:, 2].sum(axis=1)
        found.append(x + (back(high) if back else centre - first[:, 2]))
    return np.stack(found, axis=1)


@wrong("10.4", "compare it with the one before")
def landing(given, ahead):
    return flown(given, ahead, speed=lambda a, b: b)


@wrong("10.4", "since the first move")
def landing(given, ahead):
    return flown(given, ahead, speed=lambda a, b: a)


@wrong("10.4", "mean of both moves")
def landing(given, ahead):
    return flown(given, ahead, speed=lambda a, b: (a + b) / 2)


@wrong("10.4", "that before the wall")
def landing(given, ahead):
    return flown(given, ahead, speed=lambda a, b: np.where(abs(b) >= abs(a), b, a))


@wrong("10.4", "there are walls")
def landing(given, ahead):
    return flown(given, ahead, walls=lambda x, span: x)


@wrong("10.4", "stops at the wall")
def landing(given, ahead):
    return flown(given, ahead, walls=lambda x, span: np.minimum(np.maximum(x, 0), span))


@wrong("10.4", "many walls")
def landing(given, ahead):
    return flown(given, ahead, walls=lambda x, span: np.where(abs(x) > span, 2 * span - abs(x), abs(x)))


@wrong("10.4", "on the other side")
def landing(given, ahead):
    return flown(given, ahead, walls=lambda x, span: x % span)


@wrong("10.4", "the frame less the ink")
def landing(given, ahead):
    return flown(given, ahead, count=lambda size, high: size - 1 + 0 * high)


@wrong("10.4", "one too large")
def landing(given, ahead):
    return flown(given, ahead, count=lambda size, high: size - high + 1)


@wrong("10.4", "corner of the ink")
def landing(given, ahead):
    return flown(given, ahead, back=lambda high: 0)


@wrong("10.4", "weighs each pixel")
def landing(given, ahead):
    return flown(given, ahead, back=lambda high: (high - 1) / 2)


@wrong("10.4", "not from the first")
def landing(given, ahead):
    return flown(given, ahead - 2)


@wrong("10.4", "row, then column")
def landing(given, ahead):
    return flown(given, ahead)[:, ::-1]


@right("10.1")
def frequency(pitch):
    return (440 * 2 ** ((number - 69) / 12) for number in pitch)
