"""Formulas, inputs and judges for the exercises of chapter 14: marks, nulls, shares, pools, labels."""

import re

import numpy as np

__all__ = [
    "FIELDS",
    "NORMAL",
    "all_of",
    "backwards",
    "g_of_runs",
    "g_tests",
    "green_z",
    "judge_zeros",
    "label_cases",
    "label_of",
    "least_keys",
    "loss",
    "newest_accepted",
    "next_to",
    "once_each",
    "pearson",
    "poem_cases",
    "poems_for",
    "pool_cases",
    "pool_of",
    "pooled_z",
    "ranked",
    "read",
    "round_about",
    "share_cases",
    "side_by_side",
    "sliding",
    "text_cases",
    "z_of",
]

# --- 14.1 ----------------------------------------------------------------------------------------------------


def text_cases(rng):
    """(tokens (T,), green (V, V), gamma): marked, unmarked and avoiding texts with a refrain; one of two tokens."""
    cases = []
    for kinds, length, gamma, pull in zip(
        (9, 9, 14, 12, 5), (30, 30, 45, 36, 2), (0.25, 0.5, 0.125, 0.3, 0.4), (0.8, 0.3, 0.7, -1.0, 0.5), strict=True
    ):
        green = (rng.uniform(size=(kinds, kinds)) < gamma).astype(int)
        text = [int(rng.integers(kinds))]
        while len(text) < length:
            wanted = np.flatnonzero(green[text[-1]] == (pull > 0))
            free = not len(wanted) or rng.uniform() > abs(pull)
            text.append(int(rng.integers(kinds) if free else rng.choice(wanted)))
        if length == 2:
            text[1] = (text[0] + int(rng.integers(1, kinds))) % kinds  # (last, first) is another pair
        refrain = text[3:9] if length > 2 else []
        cases.append((np.array(text + 3 * refrain), green, gamma))
    return cases


def next_to(tokens):
    return tokens[:-1], tokens[1:]


def round_about(tokens):
    return np.roll(tokens, 1), tokens


def green_z(tokens, green, gamma, pairs=next_to, once=True, n=None, turned=False, spread=None):
    """z of the green pairs; the options are mistakes."""
    rows = np.stack(pairs(tokens), axis=1)
    rows = np.unique(rows, axis=0) if once else rows
    seen = (green.T if turned else green)[rows[:, 0], rows[:, 1]].sum()
    n = n(tokens) if n else len(rows)
    return (seen - gamma * n) / (spread(gamma, n) if spread else np.sqrt(gamma * (1 - gamma) * n))


def once_each(tokens):
    """The pairs that end in a token which had not come before."""
    first = [i for i in range(1, len(tokens)) if tokens[i] not in tokens[1:i]]
    return tokens[np.array(first) - 1], tokens[first]


# --- 14.2 ----------------------------------------------------------------------------------------------------

NORMAL = {1 / 8: 1.1503493803760079, 1 / 16: 1.5341205443525465, 1 / 32: 1.8627318674216515}  # upper quantiles


def poem_cases(rng):
    """(null (N, 2), marked (M, 2), gamma, fpr, power): green pairs and pairs of each poem. The null is wider than a
    binomial, and not centred. One key is as good as wrong: no number of poems that can be measured will do. Each is
    drawn until a mistake or two make a difference to it."""
    ties, tighter, looser = {"above": np.greater_equal}, {"more": -1}, {"more": 1}
    largest = {"limit": lambda scores, fpr: scores.max()}
    return [
        _poems(rng, 160, 400, 1 / 16, 0.9, 0.25, 0.17, ties),
        _poems(rng, 160, 400, 1 / 16, 0.8, 0.5, 0.2, tighter, looser, largest),
        _poems(rng, 96, 300, 1 / 8, 0.95, 0.3, 0.16, looser),
        _poems(rng, 256, 500, 1 / 32, 0.9, 0.25, 0.25, ties),
        _poems(rng, 128, 200, 1 / 8, 0.95, 0.4, 0.03, {"stop": False}),
    ]


def _poems(rng, n, m, fpr, power, gamma, pull, *mistakes):
    """One case; of more than one poem where the mark is strong."""
    while True:
        found = []
        for size, mean in ((n, gamma + 0.02), (m, gamma + 0.02 + pull)):
            pairs = np.full(size, 19) if gamma < 0.27 else rng.choice([19, 27], size)
            found.append(np.stack([rng.binomial(pairs, rng.beta(40 * mean, 40 * (1 - mean), size)), pairs], axis=1))
        case = (*found, gamma, fpr, power)
        right = poems_for(*case)
        different = {right, *(poems_for(*case, **mistake) for mistake in mistakes)}
        if (right[0] > 1) == (pull > 0.1) and len(different) == 1 + len(mistakes):
            return case


def z_of(counts, gamma):
    return (counts[..., 0] - gamma * counts[..., 1]) / np.sqrt(gamma * (1 - gamma) * counts[..., 1])


def side_by_side(rows, k):
    """Pools of k poems (n, k, 2), what is left over dropped."""
    return rows[: len(rows) // k * k].reshape(-1, k, 2)


def sliding(rows, k):
    return np.stack([rows[i : i + k] for i in range(len(rows) - k + 1)])


def pooled_z(pools, gamma):
    return z_of(pools.sum(axis=1), gamma)


def ranked(scores, fpr, more=0):
    """The score with at most a share fpr above it; `more` places further down."""
    return np.sort(scores)[::-1][min(max(int(fpr * len(scores)) + more, 0), len(scores) - 1)]


def poems_for(
    null,
    marked,
    gamma,
    fpr,
    power,
    pools=side_by_side,
    score=pooled_z,
    limit=ranked,
    above=np.greater,
    more=0,
    stop=True,
    of_one=False,
    of_marked=False,
):
    """(k, threshold, power reached), zeros where no k will do; the options are mistakes."""
    for k in range(1, min(len(null), len(marked)) + 1):
        if stop and len(null) // k < 1 / fpr:
            break
        others, ours = (score(pools(rows, k), gamma) for rows in (null, marked))
        drawn = z_of(null, gamma) if of_one else ours if of_marked else others
        threshold = limit(drawn, fpr, more) if more else limit(drawn, fpr)
        reached = above(ours, threshold).mean()
        if reached >= power:
            return k, threshold, reached
    return 0, 0.0, 0.0


# --- 14.3 ----------------------------------------------------------------------------------------------------


def share_cases(rng):
    """(counts (S, K), wanted (K,)): runs of different sizes, classes that never came, one run alone."""
    cases = []
    for runs, classes in ((3, 4), (3, 4), (5, 10), (1, 6), (2, 3)):
        wanted = np.round(rng.uniform(0.6, 1.6, classes) * 600)
        bias = wanted * rng.uniform(0.6, 1.5, classes)
        counts = []
        for size in rng.integers(60, 400, runs):
            own = bias * rng.uniform(0.8, 1.25, classes)
            counts.append(rng.multinomial(size, own / own.sum()))
        counts = np.array(counts)
        counts[0, rng.integers(classes)] = 0
        cases.append((counts, wanted))
    return cases


def loss(counts, expected):
    """2 sum O log(O / E), with 0 log 0 = 0."""
    return 2 * np.sum(counts * np.log(np.where(counts > 0, counts, expected) / expected))


def pearson(counts, expected):
    return np.sum((counts - expected) ** 2 / expected)


def backwards(counts, expected):
    return 2 * np.sum(expected * np.log(expected / np.where(counts > 0, counts, expected)))


def g_tests(counts, wanted, measure=loss, shares=None, pool=np.sum, rest=True, free=1, runs=1):
    """((G of the pool, G between runs), their degrees of freedom); the options are mistakes."""
    shares = shares(wanted) if shares else wanted / wanted.sum()
    each = sum(measure(row, row.sum() * shares) for row in counts)
    whole = pool(counts, axis=0)
    together = measure(whole, whole.sum() * shares)
    s, k = counts.shape
    return (together, each - rest * together), (k - free, (s - runs) * (k - free))


def g_of_runs(counts, wanted):
    """Both from the sum over runs."""
    (together, between), df = g_tests(counts, wanted)
    return (together + between, between), df


def judge_zeros(cases, values):
    """NaN, with its usual cause."""
    if any(np.isnan(part).any() for value in values for part in value):
        return "NaN: 0 times log 0. A class that never came adds nothing to the sum: the limit of x log x is 0."
    return None


# --- 14.4 ----------------------------------------------------------------------------------------------------


def pool_cases(rng):
    """(regime, real (N,), drawn (T, M), accepted (T, M), keys (N + T M,)), numbers of pictures."""
    cases = []
    for regime, n, rounds, m in (
        ("replace", 6, 3, 4),
        ("accumulate", 6, 3, 4),
        ("fixed", 6, 3, 4),
        ("fixed", 12, 4, 10),
        ("verified", 6, 3, 4),
        ("verified", 5, 4, 6),
        ("verified", 5, 4, 6),
    ):
        names = rng.choice(np.arange(100, 1000), n + rounds * m, replace=False)
        accepted = (rng.uniform(size=(rounds, m)) < 0.5).astype(int)
        accepted[:, 0], accepted[:, 1] = 1, 0
        if m == 6:
            accepted[[-1, -2][: len(cases) - 4]] = 0  # once the last round, once the last two have none
        keys = rng.permutation(n + rounds * m) / (n + rounds * m)
        cases.append((regime, names[:n], names[n:].reshape(rounds, m), accepted, keys))
    return cases


def all_of(real, drawn):
    return np.concatenate([real, drawn.ravel()])


def least_keys(real, drawn, keys):
    return all_of(real, drawn)[np.argsort(keys)[: len(real)]]


def newest_accepted(real, drawn, accepted):
    """What was accepted in the last round in which anything was."""
    for row, good in zip(drawn[::-1], accepted[::-1], strict=True):
        if good.any():
            return row[good > 0]
    return real


def pool_of(regime, real, drawn, accepted, keys, **instead):
    """The pool after T rounds; a function in place of a regime is a mistake."""
    rules = {
        "replace": lambda real, drawn, accepted, keys: drawn[-1],
        "accumulate": lambda real, drawn, accepted, keys: all_of(real, drawn),
        "fixed": lambda real, drawn, accepted, keys: least_keys(real, drawn, keys),
        "verified": lambda real, drawn, accepted, keys: newest_accepted(real, drawn, accepted),
    } | instead
    return np.asarray(rules[regime](real, drawn, accepted, keys))


# --- 14.5 ----------------------------------------------------------------------------------------------------

FIELDS = ("Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2")


def label_cases(rng):
    """(metadata, declared, traces): labels of all values, none, cut off, of no known value, with a field missing."""
    kinds = [("1", 0, 0), ("1", 1, 1), ("2", 0, 1), ("3", 1, 0), ("3", 0, 0), ("3", 0, 1), ("none", 1, 1)]
    kinds += [("none", 0, 1), ("none", 0, 0), ("cut", 0, 0), ("cut", 1, 0), ("AIGC", 0, 1), ("0", 0, 0)]
    kinds += [("missing", 0, 0), ("missing", 0, 1), ("title", 0, 0), ("2", 0, 0), ("2", 1, 1)]
    return [(_metadata(rng, kind), *said) for kind, *said in (kinds[i] for i in rng.permutation(len(kinds)))]


def _metadata(rng, kind):
    """The text of the field TC260:AIGC."""
    code = "".join(str(digit) for digit in rng.integers(0, 10, 12))
    if kind == "none":
        return ""
    if kind == "title":
        return f'{{"Title": "Label 1 of AIGC, number {code}"}}'
    value = {"cut": "1", "missing": "1"}.get(kind, kind)
    values = (value, f"studio-{code[:4]}", code, "", f"platform-{code[4:6]}", code[::-1], "")
    found = dict(zip(FIELDS, values, strict=True))
    if kind == "missing":
        del found[FIELDS[int(rng.integers(1, 7))]]
    names = rng.permutation(list(found))
    text = ", ".join(f'"{name}": "{found[name]}"' for name in names)
    return f"{{{text}}}"[: -int(rng.integers(1, 9)) if kind == "cut" else None]


def read(text, whole=True, known="123"):
    """The label's value, 0 where there is no valid label."""
    found = re.search(rf'"Label": "([{known}])"', text)
    complete = all(f'"{name}": ' in text for name in FIELDS) and text.endswith("}")
    return int(found[1]) if found and (complete or not whole) else 0


def label_of(metadata, declared, traces, reader=read, choose=min, yes=2, maybe=3):
    """The surest of what three sources say; the options are mistakes."""
    said = [value for value in (reader(metadata), yes * declared, maybe * traces) if value]
    return choose(said) if said else 0
