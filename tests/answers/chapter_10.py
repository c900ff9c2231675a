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
def frames_that_fit(context, height, width, stride):
    rows, columns = -(-height // stride), -(-width // stride)
    return (context - 1) // (rows * columns)


@right("10.4")
def frames_that_fit(context, height, width, stride):
    tokens = len(range(0, height, stride)) * len(range(0, width, stride))
    frames = 0
    while 1 + (frames + 1) * tokens <= context:
        frames += 1
    return frames


@right("10.4")
def frames_that_fit(context, height, width, stride):
    cells = tf.math.ceil(height / stride) * tf.math.ceil(width / stride)
    return tf.math.floor((context - 1) / cells)


@wrong("10.4", "opens the film")
def frames_that_fit(context, height, width, stride):
    return context // (-(-height // stride) * -(-width // stride))


@wrong("10.4", "round up the cells")
def frames_that_fit(context, height, width, stride):
    return (context - 1) // ((height // stride) * (width // stride))


@wrong("10.4", "by area")
def frames_that_fit(context, height, width, stride):
    return (context - 1) // (height * width / stride**2)


@wrong("10.4", "one axis only")
def frames_that_fit(context, height, width, stride):
    return (context - 1) // -(-height // stride)


@wrong("10.4", "not rounded")
def frames_that_fit(context, height, width, stride):
    return (context - 1) / (np.ceil(height / stride) * np.ceil(width / stride))


@wrong("10.4", "rounded up")
def frames_that_fit(context, height, width, stride):
    return np.ceil((context - 1) / (np.ceil(height / stride) * np.ceil(width / stride)))


@wrong("10.4", "you count pixels")
def frames_that_fit(context, height, width, stride):
    return (context - 1) // (height * width)


@right("10.1")
def frequency(pitch):
    return (440 * 2 ** ((number - 69) / 12) for number in pitch)
