"""Answers to the exercises of chapter 15."""

import numpy as np

from answers import right, wrong


@right("15.1")
def least_seconds(work, p, m):
    return sum(max(flops / p, moved / m) for flops, moved in work)


@right("15.1")
def least_seconds(work, p, m):
    rate = np.minimum(p, work[:, 0] / work[:, 1] * m)
    return np.where(work[:, 0] > 0, work[:, 0] / np.maximum(rate, 1e-300), work[:, 1] / m).sum()


@wrong("15.1", "larger of both *sums*")
def least_seconds(work, p, m):
    flops, moved = work.sum(axis=0)
    return max(flops / p, moved / m)


@wrong("15.1", "were added")
def least_seconds(work, p, m):
    return (work / np.array([p, m])).sum()


@wrong("15.1", "only the products")
def least_seconds(work, p, m):
    return work[:, 0].sum() / p


@wrong("15.1", "only the memory")
def least_seconds(work, p, m):
    return work[:, 1].sum() / m


@wrong("15.1", "smaller of both")
def least_seconds(work, p, m):
    return (work / np.array([p, m])).min(axis=1).sum()


@wrong("15.1", "slowest layer alone")
def least_seconds(work, p, m):
    return (work / np.array([p, m])).max()


@right("15.2")
def ring_seconds(size, devices, bandwidth, latency):
    total = 0.0
    for _ in range(2):
        for _ in range(devices - 1):
            total += size / devices / bandwidth + latency
    return total


@right("15.2")
def ring_seconds(size, devices, bandwidth, latency):
    return 2 * (1 - 1 / devices) * size / bandwidth + 2 * (devices - 1) * latency


@wrong("15.2", "half of the turns")
def ring_seconds(size, devices, bandwidth, latency):
    return (devices - 1) * (size / devices / bandwidth + latency)


@wrong("15.2", "2 p turns")
def ring_seconds(size, devices, bandwidth, latency):
    return 2 * devices * (size / devices / bandwidth + latency)


@wrong("15.2", "whole vector")
def ring_seconds(size, devices, bandwidth, latency):
    return 2 * (devices - 1) * (size / bandwidth + latency)


@wrong("15.2", "counts once")
def ring_seconds(size, devices, bandwidth, latency):
    return 2 * (devices - 1) * size / devices / bandwidth + latency


@wrong("15.2", "latency is missing")
def ring_seconds(size, devices, bandwidth, latency):
    return 2 * (devices - 1) * size / devices / bandwidth


@wrong("15.2", "limit for many devices")
def ring_seconds(size, devices, bandwidth, latency):
    return 2 * size / bandwidth + 2 * (devices - 1) * latency


@right("15.3")
def spend(a, alpha, b, beta, flops):
    log_n = (np.log(alpha * a) - np.log(beta * b) + beta * np.log(flops / 6)) / (alpha + beta)
    return np.exp(log_n), flops / 6 / np.exp(log_n)


@right("15.3")
def spend(a, alpha, b, beta, flops):
    low, high = 0.0, np.log(flops)
    for _ in range(200):  # the slope after log N changes its sign once
        middle = (low + high) / 2
        n = np.exp(middle)
        rising = beta * b * (flops / 6 / n) ** -beta > alpha * a * n**-alpha
        low, high = (low, middle) if rising else (middle, high)
    return np.exp(low), flops / 6 / np.exp(low)


@wrong("15.3", "changed places")
def spend(a, alpha, b, beta, flops):
    n = (alpha * a / (beta * b)) ** (1 / (alpha + beta)) * (flops / 6) ** (beta / (alpha + beta))
    return flops / 6 / n, n


@wrong("15.3", "the other one")
def spend(a, alpha, b, beta, flops):
    n = (alpha * a / (beta * b)) ** (1 / (alpha + beta)) * (flops / 6) ** (alpha / (alpha + beta))
    return n, flops / 6 / n


@wrong("15.3", "not A / B")
def spend(a, alpha, b, beta, flops):
    n = (a / b) ** (1 / (alpha + beta)) * (flops / 6) ** (beta / (alpha + beta))
    return n, flops / 6 / n


@wrong("15.3", "upside down")
def spend(a, alpha, b, beta, flops):
    n = (beta * b / (alpha * a)) ** (1 / (alpha + beta)) * (flops / 6) ** (beta / (alpha + beta))
    return n, flops / 6 / n


@wrong("15.3", "the 6 is missing")
def spend(a, alpha, b, beta, flops):
    n = (alpha * a / (beta * b)) ** (1 / (alpha + beta)) * flops ** (beta / (alpha + beta))
    return n, flops / n


@wrong("15.3", "20 tokens a weight")
def spend(a, alpha, b, beta, flops):
    n = (flops / 120) ** 0.5
    return n, 20 * n


@right("15.4")
def fit_law(weights, tokens, losses, alpha, beta):
    columns = np.stack([1 / losses, weights**-alpha / losses, tokens**-beta / losses], axis=1)
    return np.linalg.pinv(columns) @ np.ones(len(losses))


@right("15.4")
def fit_law(weights, tokens, losses, alpha, beta):
    n, d = weights / weights.mean(), tokens / tokens.mean()
    x = np.stack([np.ones(len(n)), n**-alpha, d**-beta], axis=1)
    w = np.diag(losses**-2.0)
    found = np.linalg.solve(x.T @ w @ x, x.T @ w @ losses)
    return found * np.array([1.0, weights.mean() ** alpha, tokens.mean() ** beta])


@wrong("15.4", "absolute")
def fit_law(weights, tokens, losses, alpha, beta):
    columns = np.stack([np.ones(len(losses)), weights**-alpha, tokens**-beta], axis=1)
    return np.linalg.lstsq(columns, losses, rcond=None)[0]


@wrong("15.4", "root of the loss")
def fit_law(weights, tokens, losses, alpha, beta):
    columns = np.stack([np.ones(len(losses)), weights**-alpha, tokens**-beta], axis=1)
    root = np.sqrt(losses)
    return np.linalg.lstsq(columns / root[:, None], losses / root, rcond=None)[0]


@wrong("15.4", "floor E is missing")
def fit_law(weights, tokens, losses, alpha, beta):
    columns = np.stack([weights**-alpha, tokens**-beta], axis=1) / losses[:, None]
    a, b = np.linalg.lstsq(columns, np.ones(len(losses)), rcond=None)[0]
    return np.array([0.0, a, b])


@wrong("15.4", "A and B")
def fit_law(weights, tokens, losses, alpha, beta):
    columns = np.stack([1 / losses, tokens**-beta / losses, weights**-alpha / losses], axis=1)
    return np.linalg.lstsq(columns, np.ones(len(losses)), rcond=None)[0]


@wrong("15.4", "exponents have changed")
def fit_law(weights, tokens, losses, alpha, beta):
    columns = np.stack([1 / losses, weights**-beta / losses, tokens**-alpha / losses], axis=1)
    return np.linalg.lstsq(columns, np.ones(len(losses)), rcond=None)[0]


@wrong("15.4", "logarithm")
def fit_law(weights, tokens, losses, alpha, beta):
    columns = np.stack([np.ones(len(losses)), weights**-alpha, tokens**-beta], axis=1)
    return np.linalg.lstsq(columns, np.log(losses), rcond=None)[0]
