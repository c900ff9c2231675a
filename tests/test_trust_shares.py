"""The G-test against scipy and against simulation, shares corrected for a reader that errs, tables, licences."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from aigc_course.errors import CourseError
from aigc_course.trust import shares

ROOT = Path(__file__).resolve().parent.parent


# --- the test ---


@pytest.mark.parametrize("freedom", [1, 2, 3, 8, 9, 30, 101])
def test_the_tail_is_scipys(freedom):
    stats = pytest.importorskip("scipy.stats")
    for x in (0.0, 0.3, 2.0, 9.0, 16.919, 60.0, 400.0):
        assert np.isclose(shares.chi_square_tail(x, freedom), stats.chi2.sf(x, freedom), rtol=1e-9, atol=1e-300)


def test_g_is_scipys_power_divergence(rng):
    stats = pytest.importorskip("scipy.stats")
    wanted = rng.dirichlet(np.full(10, 5.0))
    counts = rng.multinomial(2000, rng.dirichlet(np.full(10, 5.0)))
    counts[3] = 0  # 0 log 0
    expected = wanted * counts.sum()
    assert np.allclose(
        shares.g_test(counts, wanted), stats.power_divergence(counts, expected, lambda_="log-likelihood")
    )


def test_g_is_twice_a_log_likelihood_ratio(rng):
    """Against the likelihoods themselves, computed another way."""
    counts, wanted = np.array([30, 50, 20]), np.array([0.4, 0.4, 0.2])
    log_likelihood = [np.sum(counts * np.log(p)) for p in (counts / 100, wanted)]
    assert np.isclose(shares.g_test(counts, wanted)[0], 2 * (log_likelihood[0] - log_likelihood[1]))


def test_true_shares_are_rejected_as_often_as_said(rng):
    """4,000 draws of 1,000 from the shares themselves: 5 % below 0.05, to four standard errors."""
    wanted = rng.dirichlet(np.full(10, 20.0))
    p = [shares.g_test(counts, wanted)[1] for counts in rng.multinomial(1000, wanted, size=4000)]
    assert abs(np.mean(np.array(p) < 0.05) - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 4000)


# --- a reader that errs ---


def test_confusion_has_rows_of_sum_1_and_undoes_what_the_reader_did(rng):
    matrix = 0.9 * np.eye(10) + 0.1 * rng.dirichlet(np.ones(10), size=10)
    true_shares = rng.dirichlet(np.full(10, 3.0))
    true = rng.choice(10, 60_000, p=true_shares)
    read = np.array([rng.choice(10, p=matrix[k]) for k in true])
    found = shares.confusion(true, read)
    assert np.allclose(found.sum(axis=1), 1)
    assert np.abs(found - matrix).max() < 0.05
    corrected = shares.corrected_shares(shares.counts_of(read), matrix, rounds=2000)
    assert np.isclose(corrected.sum(), 1)
    assert np.abs(corrected - true_shares).max() < 0.01
    assert np.abs(corrected - true_shares).max() < np.abs(shares.counts_of(read) / 60_000 - true_shares).max()
    assert np.allclose(shares.expected_readings(true_shares, np.eye(10)), true_shares)


def test_a_perfect_reader_is_not_corrected():
    counts = np.array([10, 0, 30])
    assert np.allclose(shares.corrected_shares(counts, np.eye(3)), counts / 40)


# --- those who are read ---


def test_the_table_is_a_mean_for_each_class(rng):
    pytest.importorskip("fairlearn")
    true = np.repeat(np.arange(10), 30)
    read = np.where(rng.random(300) < 0.2, (true + 1) % 10, true)
    found = shares.fairness_table(true, read)
    wrong = [(read[true == k] != k).mean() for k in range(10)]
    assert np.allclose(found["false_negative_rate"], wrong)
    assert np.isclose(found["accuracy"], (true == read).mean())
    assert np.isclose(found["difference"], max(wrong) - min(wrong))
    assert wrong[found["worst"]] == max(wrong)


def test_rebalancing_leaves_equal_counts(rng):
    labels = rng.choice(10, 3000, p=rng.dirichlet(np.full(10, 5.0)))
    chosen = shares.rebalanced(labels, rng)
    counts = shares.counts_of(labels[chosen])
    assert (counts == shares.counts_of(labels).min()).all()
    assert len(set(chosen)) == len(chosen)
    assert (np.diff(chosen) > 0).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: shares.g_test([3, 4], [0.5, 0.6]), "sum 1"),
        (lambda: shares.g_test([3, 4], [1.0, 0.0]), "above 0"),
        (lambda: shares.g_test([3], [1.0]), "K >= 2"),
        (lambda: shares.g_test([0, 0], [0.5, 0.5]), "K >= 2"),
        (lambda: shares.counts_of(np.array([1.5])), "integers"),
        (lambda: shares.counts_of(np.array([3, 10])), "below 10"),
        (lambda: shares.confusion(np.array([0, 0]), np.array([0, 1]), 2), "missing: \\[1\\]"),
        (lambda: shares.rebalanced(np.array([0, 2]), None, 3), "class 1 does not occur"),
        (lambda: shares.chi_square_tail(1.0, 0), "freedom"),
        (lambda: shares.corrected_shares([1, 2], np.eye(3)), "matrix"),
    ],
)
def test_what_cannot_be_tested_is_said(call, words):
    with pytest.raises(CourseError, match=words):
        call()


# --- licences: what chapter 14 says is what assets/README.md says ---


def licences_of_the_readme():
    """file -> licence, from the table of shipped data."""
    lines = (ROOT / "aigc_course" / "assets" / "README.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {row[0].strip("`"): row[3] for row in rows}


def licences_of_the_chapter():
    """The rows of the chapter's table, from the cell that begins with LICENCES: the notebook, or its draft."""
    path = ROOT / "notebooks" / "14_authenticity_and_fairness.ipynb"
    draft = ROOT / "runs" / "drafts" / "14b.py"
    if path.is_file():
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    elif draft.is_file():
        text = draft.read_text(encoding="utf-8")
    else:
        pytest.skip("chapter 14 is not here")
    found = re.search(r'LICENCES = """(.*?)"""', text, re.DOTALL)
    assert found, "chapter 14 has a table LICENCES"
    return list(csv.DictReader(io.StringIO(found[1].strip())))


DATA = (
    *("mnist.npz", "fashion_mnist.npz", "tang.txt.xz", "shakespeare.txt.xz", "spoken_digits.npz", "chorales.npz"),
    *("judge.weights.h5", "generator.weights.h5"),
)


def test_the_chapters_licences_are_those_of_the_assets():
    told, known = {row["file"]: row["licence"] for row in licences_of_the_chapter()}, licences_of_the_readme()
    assert set(DATA) <= set(told), set(DATA) - set(told)
    assert {name: licence for name, licence in told.items() if known.get(name) != licence} == {}


def test_every_shipped_data_set_has_a_row():
    """A data set is what was not made by this project's training or measuring: a new one needs a row in the chapter."""
    ours = ("Apache-2.0", "CC BY 4.0")
    foreign = {name for name, licence in licences_of_the_readme().items() if licence not in ours}
    assert foreign <= {row["file"] for row in licences_of_the_chapter()}


def test_share_alike_and_naming_follow_from_the_licence():
    for row in licences_of_the_chapter():
        assert row["redistribute"] == "yes", row
        assert (row["share alike"] == "yes") == ("SA" in row["licence"]), row
        public = row["licence"] == "public domain"
        assert (row["must name"] == "no") == public, row
