"""Answers to the exercises of chapter 13."""

import numpy as np
import tensorflow as tf

from answers import right, wrong


@right("13.1")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    total = np.zeros(len(noise))
    for row in gradients:
        length = np.sqrt(row @ row)
        total += row if length <= clip else row * clip / length
    return (total + noise_multiplier * clip * noise) / expected_batch


@right("13.1")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    total = tf.reduce_sum(tf.clip_by_norm(gradients, clip, axes=[1]), axis=0)
    return (total + noise_multiplier * clip * noise) / expected_batch


@right("13.1")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    shares = 1 / np.maximum(1, np.linalg.norm(gradients, axis=1) / clip)
    return shares @ gradients / expected_batch + noise * (noise_multiplier * clip / expected_batch)


@wrong("13.1", "√D times clip")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    return (np.clip(gradients, -clip, clip).sum(axis=0) + noise_multiplier * clip * noise) / expected_batch


@wrong("13.1", "the sum was clipped")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    total = gradients.sum(axis=0)
    total = total * min(1, clip / max(np.linalg.norm(total), 1e-12))
    return (total + noise_multiplier * clip * noise) / expected_batch


@wrong("13.1", "one length, that of the whole batch")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    factor = min(1, clip / max(np.linalg.norm(gradients), 1e-12))
    return ((factor * gradients).sum(axis=0) + noise_multiplier * clip * noise) / expected_batch


@wrong("13.1", "made longer")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    lengths = np.linalg.norm(gradients, axis=1, keepdims=True)
    total = (clip * gradients / np.where(lengths > 0, lengths, 1)).sum(axis=0)
    return (total + noise_multiplier * clip * noise) / expected_batch


@wrong("13.1", "left out")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    kept = gradients[np.linalg.norm(gradients, axis=1) <= clip]
    return (kept.sum(axis=0) + noise_multiplier * clip * noise) / expected_batch


@wrong("13.1", "nothing was clipped")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    return (gradients.sum(axis=0) + noise_multiplier * clip * noise) / expected_batch


@wrong("13.1", "root of the sum of squares")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    lengths = np.abs(gradients).sum(axis=1)
    total = np.minimum(1, clip / np.maximum(lengths, 1e-12)) @ gradients
    return (total + noise_multiplier * clip * noise) / expected_batch


@wrong("13.1", "batch that was drawn")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    lengths = np.linalg.norm(gradients, axis=1)
    total = np.minimum(1, clip / np.maximum(lengths, 1e-12)) @ gradients
    return (total + noise_multiplier * clip * noise) / max(1, len(gradients))


@wrong("13.1", "which Poisson sampling may draw")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    lengths = np.linalg.norm(gradients, axis=1, keepdims=True)
    total = (gradients * np.minimum(1, clip / np.maximum(lengths, 1e-12))).sum(axis=0)
    return total / np.float64(len(gradients)) + noise_multiplier * clip * noise / expected_batch


@wrong("13.1", "0 / 0 follows")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    lengths = np.linalg.norm(gradients, axis=1, keepdims=True)
    unit = gradients / lengths
    total = (unit * np.minimum(lengths, clip)).sum(axis=0)
    return (total + noise_multiplier * clip * noise) / expected_batch


@wrong("13.1", "does not grow with clip")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    lengths = np.linalg.norm(gradients, axis=1)
    total = np.minimum(1, clip / np.maximum(lengths, 1e-12)) @ gradients
    return (total + noise_multiplier * noise) / expected_batch


@wrong("13.1", "noise_multiplier is not used")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    lengths = np.linalg.norm(gradients, axis=1)
    total = np.minimum(1, clip / np.maximum(lengths, 1e-12)) @ gradients
    return (total + clip * noise) / expected_batch


@wrong("13.1", "added to every gradient")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    lengths = np.linalg.norm(gradients, axis=1, keepdims=True)
    rows = gradients * np.minimum(1, clip / np.maximum(lengths, 1e-12)) + noise_multiplier * clip * noise
    return rows.sum(axis=0) / expected_batch


@wrong("13.1", "after the division")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    lengths = np.linalg.norm(gradients, axis=1)
    total = np.minimum(1, clip / np.maximum(lengths, 1e-12)) @ gradients
    return total / expected_batch + noise_multiplier * clip * noise


@wrong("13.1", "that is the sum")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    lengths = np.linalg.norm(gradients, axis=1)
    return np.minimum(1, clip / np.maximum(lengths, 1e-12)) @ gradients + noise_multiplier * clip * noise


@wrong("13.1", "the noise is missing")
def noisy_mean(gradients, clip, noise, noise_multiplier, expected_batch):
    lengths = np.linalg.norm(gradients, axis=1)
    return np.minimum(1, clip / np.maximum(lengths, 1e-12)) @ gradients / expected_batch


@right("13.2")
def epsilon_after(orders, rdp, steps, delta):
    best = float("inf")
    for order, spent in zip(orders, rdp, strict=True):
        best = min(best, steps * spent - np.log(delta) / (order - 1))
    return best


@right("13.2")
def epsilon_after(orders, rdp, steps, delta):
    spent = tf.constant(steps * rdp)
    return tf.reduce_min(spent + tf.math.log(tf.constant(1 / delta, tf.float64)) / (orders - 1))


@right("13.2")
def epsilon_after(orders, rdp, steps, delta):
    weighted = (orders - 1) * steps * rdp  # log E[ratio ** (order - 1)]
    return np.nanmin((weighted + np.log(1 / delta)) / (orders - 1))


@wrong("13.2", "one step's epsilon")
def epsilon_after(orders, rdp, steps, delta):
    return steps * np.min(rdp + np.log(1 / delta) / (orders - 1))


@wrong("13.2", "steps are not used")
def epsilon_after(orders, rdp, steps, delta):
    return np.min(rdp + np.log(1 / delta) / (orders - 1))


@wrong("13.2", "not times their root")
def epsilon_after(orders, rdp, steps, delta):
    return np.min(np.sqrt(steps) * rdp + np.log(1 / delta) / (orders - 1))


@wrong("13.2", "the largest came")
def epsilon_after(orders, rdp, steps, delta):
    return np.max(steps * rdp + np.log(1 / delta) / (orders - 1))


@wrong("13.2", "with the smallest RDP")
def epsilon_after(orders, rdp, steps, delta):
    i = np.argmin(rdp)
    return steps * rdp[i] + np.log(1 / delta) / (orders[i] - 1)


@wrong("13.2", "yours has base 10")
def epsilon_after(orders, rdp, steps, delta):
    return np.min(steps * rdp + np.log10(1 / delta) / (orders - 1))


@wrong("13.2", "not by alpha")
def epsilon_after(orders, rdp, steps, delta):
    return np.min(steps * rdp + np.log(1 / delta) / orders)


@wrong("13.2", "the sign of the logarithm")
def epsilon_after(orders, rdp, steps, delta):
    return np.min(steps * rdp + np.log(delta) / (orders - 1))


@wrong("13.2", "Rényi's world")
def epsilon_after(orders, rdp, steps, delta):
    return np.min(steps * rdp)


@wrong("13.2", "only delta's part came")
def epsilon_after(orders, rdp, steps, delta):
    return np.min(np.log(1 / delta) / (orders - 1))


@wrong("13.2", "tighter conversion")
def epsilon_after(orders, rdp, steps, delta):
    return np.min(steps * rdp + np.log((orders - 1) / orders) - (np.log(delta) + np.log(orders)) / (orders - 1))


@right("13.3")
def tpr_at(scores_members, scores_others, fpr):
    found = [np.mean(scores_members > t) for t in scores_others if np.mean(scores_others > t) <= fpr]
    return max(found)


@right("13.3")
def tpr_at(scores_members, scores_others, fpr):
    threshold = np.quantile(scores_others, 1 - fpr, method="inverted_cdf")
    return np.count_nonzero(scores_members > threshold) / len(scores_members)


@right("13.3")
def tpr_at(scores_members, scores_others, fpr):
    best = 0.0
    for least in np.unique(np.concatenate([scores_members, scores_others])):  # called a member from here on
        if (scores_others >= least).mean() <= fpr:
            best = max(best, (scores_members >= least).mean())
    return best


@right("13.3")
def tpr_at(scores_members, scores_others, fpr):
    k = int(fpr * len(scores_others))
    threshold = tf.math.top_k(scores_others, k + 1).values[-1]
    return tf.reduce_mean(tf.cast(scores_members > threshold, tf.float32))


@wrong("13.3", "at the threshold counts as above")
def tpr_at(scores_members, scores_others, fpr):
    threshold = np.sort(scores_others)[::-1][int(fpr * len(scores_others))]
    return np.mean(scores_members >= threshold)


@wrong("13.3", "comes from the members")
def tpr_at(scores_members, scores_others, fpr):
    threshold = np.sort(scores_members)[::-1][int(fpr * len(scores_members))]
    return np.mean(scores_members > threshold)


@wrong("13.3", "are exchanged")
def tpr_at(scores_members, scores_others, fpr):
    threshold = np.sort(scores_members)[::-1][int(fpr * len(scores_members))]
    return np.mean(scores_others > threshold)


@wrong("13.3", "that is the AUC")
def tpr_at(scores_members, scores_others, fpr):
    ranks = [np.mean(s > scores_others) + np.mean(s == scores_others) / 2 for s in scores_members]
    return np.mean(ranks)


@wrong("13.3", "np.quantile interpolates")
def tpr_at(scores_members, scores_others, fpr):
    return np.mean(scores_members > np.quantile(scores_others, 1 - fpr))


@wrong("13.3", "counts the n - 1 gaps")
def tpr_at(scores_members, scores_others, fpr):
    return np.mean(scores_members > np.quantile(scores_others, 1 - fpr, method="higher"))


@wrong("13.3", "one rank too high")
def tpr_at(scores_members, scores_others, fpr):
    return np.mean(scores_members > np.sort(scores_others)[-int(fpr * len(scores_others))])


@wrong("13.3", "one rank too low")
def tpr_at(scores_members, scores_others, fpr):
    threshold = np.sort(scores_others)[::-1][int(fpr * len(scores_others)) + 1]
    return np.mean(scores_members > threshold)


@wrong("13.3", "rounded up")
def tpr_at(scores_members, scores_others, fpr):
    threshold = np.sort(scores_others)[::-1][int(np.ceil(fpr * len(scores_others)))]
    return np.mean(scores_members > threshold)


@wrong("13.3", "rounded to the nearest")
def tpr_at(scores_members, scores_others, fpr):
    threshold = np.sort(scores_others)[::-1][round(fpr * len(scores_others))]
    return np.mean(scores_members > threshold)


@wrong("13.3", "share of the others")
def tpr_at(scores_members, scores_others, fpr):
    threshold = np.sort(scores_others)[::-1][int(fpr * len(scores_others))]
    return np.mean(scores_others > threshold)


@wrong("13.3", "a number of members")
def tpr_at(scores_members, scores_others, fpr):
    threshold = np.sort(scores_others)[::-1][int(fpr * len(scores_others))]
    return np.sum(scores_members > threshold)


@wrong("13.3", "low scores count")
def tpr_at(scores_members, scores_others, fpr):
    return np.mean(scores_members < np.sort(scores_others)[int(fpr * len(scores_others))])


@wrong("13.3", "that are missed")
def tpr_at(scores_members, scores_others, fpr):
    threshold = np.sort(scores_others)[::-1][int(fpr * len(scores_others))]
    return np.mean(scores_members <= threshold)


@right("13.4")
def lira_score(inside, outside, target):
    def fitted(samples):
        logits = np.log(samples / (1 - samples))
        middle = logits.mean(axis=0)
        return middle, np.sqrt(np.mean((logits - middle) ** 2))

    (a, s), (b, r) = fitted(inside), fitted(outside)
    found = []
    for p, mean_in, mean_out in zip(target, a, b, strict=True):
        x = np.log(p / (1 - p))
        z_in, z_out = (x - mean_in) / s, (x - mean_out) / r
        found.append(0.5 * (z_out**2 - z_in**2) + np.log(r / s))
    return found


@right("13.4")
def lira_score(inside, outside, target):
    from scipy.stats import norm

    logit = lambda p: np.log(p) - np.log(1 - p)  # noqa: E731
    spread = lambda a: np.sqrt(np.square(a - a.mean(axis=0)).mean())  # noqa: E731
    x, a, b = logit(target), logit(inside), logit(outside)
    return norm.logpdf(x, a.mean(axis=0), spread(a)) - norm.logpdf(x, b.mean(axis=0), spread(b))


@right("13.4")
def lira_score(inside, outside, target):
    def logit(p):
        return tf.math.log(p) - tf.math.log1p(-p)

    def energy(samples):
        mean, variance = tf.nn.moments(logit(samples), axes=[0])
        variance = tf.reduce_mean(variance)
        return (logit(target) - mean) ** 2 / (2 * variance) + tf.math.log(variance) / 2

    return energy(outside) - energy(inside)


@wrong("13.4", "compared as they are")
def lira_score(inside, outside, target):
    def log_density(samples):
        variance = samples.var(axis=0).mean()
        return -((target - samples.mean(axis=0)) ** 2) / (2 * variance) - np.log(variance) / 2

    return log_density(inside) - log_density(outside)


@wrong("13.4", "log p is the (negative) loss")
def lira_score(inside, outside, target):
    def log_density(samples):
        variance = samples.var(axis=0).mean()
        return -((np.log(target) - samples.mean(axis=0)) ** 2) / (2 * variance) - np.log(variance) / 2

    return log_density(np.log(inside)) - log_density(np.log(outside))


@wrong("13.4", "speaks for membership")
def lira_score(inside, outside, target):
    def log_density(samples):
        samples, x = np.log(samples / (1 - samples)), np.log(target / (1 - target))
        variance = samples.var(axis=0).mean()
        return -((x - samples.mean(axis=0)) ** 2) / (2 * variance) - np.log(variance) / 2

    return log_density(outside) - log_density(inside)


@wrong("13.4", "mostly chance")
def lira_score(inside, outside, target):
    def log_density(samples):
        samples, x = np.log(samples / (1 - samples)), np.log(target / (1 - target))
        variance = samples.var(axis=0)
        return -((x - samples.mean(axis=0)) ** 2) / (2 * variance) - np.log(variance) / 2

    return log_density(inside) - log_density(outside)


@wrong("13.4", "round one mean for all examples")
def lira_score(inside, outside, target):
    def log_density(samples):
        samples, x = np.log(samples / (1 - samples)), np.log(target / (1 - target))
        deviation = samples.std()
        return -((x - samples.mean(axis=0)) ** 2) / (2 * deviation**2) - np.log(deviation)

    return log_density(inside) - log_density(outside)


@wrong("13.4", "both worlds share")
def lira_score(inside, outside, target):
    logits = [np.log(p / (1 - p)) for p in (inside, outside)]
    x = np.log(target / (1 - target))
    rest = np.concatenate([some - some.mean(axis=0) for some in logits])
    squares = [(x - some.mean(axis=0)) ** 2 for some in logits]
    return (squares[1] - squares[0]) / (2 * np.mean(rest**2))


@wrong("13.4", "ddof=0")
def lira_score(inside, outside, target):
    def log_density(samples):
        samples, x = np.log(samples / (1 - samples)), np.log(target / (1 - target))
        variance = samples.var(axis=0, ddof=1).mean()
        return -((x - samples.mean(axis=0)) ** 2) / (2 * variance) - np.log(variance) / 2

    return log_density(inside) - log_density(outside)


@wrong("13.4", "the standard deviation stands")
def lira_score(inside, outside, target):
    def log_density(samples):
        samples, x = np.log(samples / (1 - samples)), np.log(target / (1 - target))
        deviation = np.sqrt(samples.var(axis=0).mean())
        return -((x - samples.mean(axis=0)) ** 2) / (2 * deviation) - np.log(deviation) / 2

    return log_density(inside) - log_density(outside)


@wrong("13.4", "logarithms of the variances are missing")
def lira_score(inside, outside, target):
    def log_density(samples):
        samples, x = np.log(samples / (1 - samples)), np.log(target / (1 - target))
        return -((x - samples.mean(axis=0)) ** 2) / (2 * samples.var(axis=0).mean())

    return log_density(inside) - log_density(outside)


@wrong("13.4", "twice the variance")
def lira_score(inside, outside, target):
    def log_density(samples):
        samples, x = np.log(samples / (1 - samples)), np.log(target / (1 - target))
        variance = samples.var(axis=0).mean()
        return -((x - samples.mean(axis=0)) ** 2) / variance - np.log(variance) / 2

    return log_density(inside) - log_density(outside)


@wrong("13.4", "with the factor 1/2")
def lira_score(inside, outside, target):
    def log_density(samples):
        samples, x = np.log(samples / (1 - samples)), np.log(target / (1 - target))
        variance = samples.var(axis=0).mean()
        return -((x - samples.mean(axis=0)) ** 2) / (2 * variance) - np.log(variance)

    return log_density(inside) - log_density(outside)


@wrong("13.4", "the ratio itself")
def lira_score(inside, outside, target):
    def density(samples):
        samples, x = np.log(samples / (1 - samples)), np.log(target / (1 - target))
        variance = samples.var(axis=0).mean()
        return np.exp(-((x - samples.mean(axis=0)) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)

    return density(inside) / density(outside)


@wrong("13.4", "lies from the other one")
def lira_score(inside, outside, target):
    samples, x = np.log(outside / (1 - outside)), np.log(target / (1 - target))
    return (x - samples.mean(axis=0)) / np.sqrt(samples.var(axis=0).mean())


@wrong("13.4", "averaged before the logit")
def lira_score(inside, outside, target):
    def log_density(samples):
        mean = samples.mean(axis=0)
        mean, samples, x = (np.log(p / (1 - p)) for p in (mean, samples, target))
        variance = samples.var(axis=0).mean()
        return -((x - mean) ** 2) / (2 * variance) - np.log(variance) / 2

    return log_density(inside) - log_density(outside)


@wrong("13.4", "squared once more")
def lira_score(inside, outside, target):
    def log_density(samples):
        samples, x = np.log(samples / (1 - samples)), np.log(target / (1 - target))
        deviation = samples.var(axis=0).mean()
        return -((x - samples.mean(axis=0)) ** 2) / (2 * deviation**2) - np.log(deviation)

    return log_density(inside) - log_density(outside)


@right("13.5")
def audited_epsilon(correct, guesses, alpha):
    from scipy.stats import beta

    p = beta.ppf(alpha, correct, guesses - correct + 1)  # Clopper and Pearson's lower end, 1934
    return max(0.0, np.log(p / (1 - p)))


@right("13.5")
def audited_epsilon(correct, guesses, alpha):
    from scipy.optimize import brentq
    from scipy.stats import binom

    def excess(epsilon):
        return binom.sf(correct - 1, guesses, 1 / (1 + np.exp(-epsilon))) - alpha

    return 0.0 if excess(0) > 0 else brentq(excess, 0, 40)


@right("13.5")
def audited_epsilon(correct, guesses, alpha):
    k = np.arange(correct, guesses + 1)
    steps = np.log((guesses - k[:-1]) / (k[:-1] + 1.0))
    first = np.log((guesses - np.arange(correct)) / (np.arange(correct) + 1.0)).sum()
    ways = first + np.append(0, np.cumsum(steps))

    def p_at_least(epsilon):
        return np.exp(ways + k * epsilon - guesses * np.logaddexp(0, epsilon)).sum()

    low, high = 0.0, 30.0
    if p_at_least(low) > alpha:
        return 0
    while high - low > 1e-9:
        middle = 0.5 * (low + high)
        if p_at_least(middle) <= alpha:
            low = middle
        else:
            high = middle
    return low


@wrong("13.5", "likeliest epsilon")
def audited_epsilon(correct, guesses, alpha):
    return max(0.0, np.log(correct / (guesses - correct)))


@wrong("13.5", "a bound below 0 came")
def audited_epsilon(correct, guesses, alpha):
    from scipy.stats import beta

    p = beta.ppf(alpha, correct, guesses - correct + 1)
    return np.log(p / (1 - p))


@wrong("13.5", "the upper end")
def audited_epsilon(correct, guesses, alpha):
    from scipy.stats import beta

    p = beta.ppf(1 - alpha, correct + 1, guesses - correct)
    return max(0.0, np.log(p / (1 - p)))


@wrong("13.5", "between two ends")
def audited_epsilon(correct, guesses, alpha):
    from scipy.stats import beta

    p = beta.ppf(alpha / 2, correct, guesses - correct + 1)
    return max(0.0, np.log(p / (1 - p)))


@wrong("13.5", "counts more than `correct`")
def audited_epsilon(correct, guesses, alpha):
    from scipy.stats import binom

    low, high = 0.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        if binom.sf(correct, guesses, 1 / (1 + np.exp(-middle))) <= alpha:
            low = middle
        else:
            high = middle
    return low


@wrong("13.5", "probability of a right guess")
def audited_epsilon(correct, guesses, alpha):
    from scipy.stats import beta

    return max(0.5, beta.ppf(alpha, correct, guesses - correct + 1))


@wrong("13.5", "compared p with one half")
def audited_epsilon(correct, guesses, alpha):
    from scipy.stats import beta

    return max(0.0, np.log(beta.ppf(alpha, correct, guesses - correct + 1) / 0.5))


@wrong("13.5", "yours has base 2")
def audited_epsilon(correct, guesses, alpha):
    from scipy.stats import beta

    p = beta.ppf(alpha, correct, guesses - correct + 1)
    return max(0.0, np.log2(p / (1 - p)))


@wrong("13.5", "the normal approximation")
def audited_epsilon(correct, guesses, alpha):
    from statistics import NormalDist

    share = correct / guesses
    p = share - NormalDist().inv_cdf(1 - alpha) * np.sqrt(share * (1 - share) / guesses)
    return max(0.0, np.log(p / (1 - p)))


@wrong("13.5", "Hoeffding's bound")
def audited_epsilon(correct, guesses, alpha):
    p = correct / guesses - np.sqrt(np.log(1 / alpha) / (2 * guesses))
    return max(0.0, np.log(p / (1 - p)))
