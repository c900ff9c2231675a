"""The card command: intervals cover, licences are weighed, cards are made and checked, bad input is one line."""

import ast
import json
import math
import re
import statistics
from pathlib import Path

import numpy as np
import pytest

from aigc_course import __main__
from aigc_course.capstone import card, checking, intervals, licences, measures, project, sheet
from aigc_course.errors import CourseError

hub = pytest.importorskip("huggingface_hub")
ROOT = Path(__file__).resolve().parent.parent


def run(*arguments):
    """The command line's exit code."""
    return __main__.main(["card", *map(str, arguments)])


# --- intervals ---


@pytest.mark.parametrize(
    ("p", "freedom", "t"),
    [(0.975, 1, 12.706), (0.975, 2, 4.303), (0.975, 9, 2.262), (0.95, 4, 2.132), (0.995, 30, 2.750)],
)
def test_t_quantiles_are_those_of_the_tables(p, freedom, t):
    assert intervals.t_quantile(p, freedom) == pytest.approx(t, abs=2e-3)


def test_t_goes_to_the_normal():
    assert intervals.t_quantile(0.975, 5000) == pytest.approx(1.9604, abs=1e-3)


def test_intervals_of_means_cover_the_truth_in_95_of_100():
    rng = np.random.default_rng(1)
    found = [intervals.of_mean(rng.normal(3, 2, 4)) for _ in range(1500)]
    assert 0.93 < np.mean([one.holds(3) for one in found]) < 0.97


def test_intervals_of_repeats_cover_another_mean_in_95_of_100():
    rng = np.random.default_rng(2)
    draws = rng.normal(3, 2, (1500, 2, 3))
    held = [intervals.of_repeats(first).holds(second.mean()) for first, second in draws]
    assert 0.93 < np.mean(held) < 0.97


def test_wilson_is_the_published_example_and_stays_within_0_and_1():
    """81 of 263: 0.2553 to 0.3662 (Newcombe, 1998, table I, score interval without continuity correction)."""
    found = intervals.wilson(81, 263)
    assert (found.low, found.high) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert intervals.wilson(0, 20).low == 0
    assert intervals.wilson(20, 20).high == 1


def test_a_difference_is_paired():
    """What both share falls out: the interval is that of the differences."""
    seeds = np.array([0.0, 5.0, 10.0])
    found = intervals.difference(seeds + np.array([1.0, 1.1, 0.9]), seeds)
    assert found.value == pytest.approx(1.0)
    assert found.high - found.low == pytest.approx(2 * 4.303 * 0.1 / math.sqrt(3), rel=1e-3)


@pytest.mark.parametrize("values", [[1.0], [], [1.0, math.nan], [[1.0, 2.0]]])
def test_one_run_has_no_interval(values):
    with pytest.raises(CourseError, match="two finite numbers"):
        intervals.of_mean(values)


def test_pairs_must_match():
    with pytest.raises(CourseError, match="as many"):
        intervals.difference([1, 2, 3], [1, 2])


# --- licences ---


def test_the_course_s_data_have_their_licences():
    found = licences.asset_licences()
    assert found["mnist.npz"] == ("CC BY-SA 3.0", ["CC-BY-SA-3.0"])
    assert found["fashion_mnist.npz"][1] == ["MIT"]
    assert found["shakespeare.txt.xz"][1] == []
    assert found["chorales.npz"][1] == ["BSD-3-Clause"]
    assert all(words for words, _ in found.values())


@pytest.mark.parametrize(
    ("mine", "keys", "ships", "stops", "words"),
    [
        (["Apache-2.0"], ["CC-BY-SA-3.0"], "images", True, "share-alike"),
        (["CC-BY-SA-4.0"], ["CC-BY-SA-3.0"], "images", False, "name its makers"),
        (["Apache-2.0"], ["CC-BY-SA-3.0"], "weights", False, "not settled"),
        (["Apache-2.0"], ["CC-BY-NC-4.0"], "weights", True, "non-commercial"),
        (["CC-BY-NC-4.0"], ["CC-BY-NC-4.0"], "weights", False, "name its makers"),
        (["Apache-2.0"], ["CC-BY-ND-4.0"], "images", True, "changed"),
        (["Apache-2.0"], ["MIT"], "weights", False, "name its makers"),
        (["Apache-2.0"], [], "images", False, "public domain"),
        (["Apache-2.0"], ["CC0-1.0"], "images", False, "public domain"),
        (["Apache-2.0"], ["MIT"], "nothing", False, "nothing of it is given away"),
        (["Apache-2.0"], ["ODbL-1.0"], "images", True, "does not know it"),
        (["Apache-2.0"], ["GPL-3.0-only"], "weights", True, "does not know it"),
        (["Apache-2.0"], ["ODbL-1.0"], "numbers", False, "does not know it"),
        (["Apache-2.0"], ["CC-BY-SA-2.5"], "images", True, "changed images of it go on under CC-BY-SA-2.5"),
        (["Apache-2.0"], ["CC-BY-SA-2.5"], "weights", False, "not settled"),
        (["CC-BY-SA-2.5"], ["CC-BY-SA-2.5"], "images", False, "name its makers"),
        (["CC-BY-NC-4.0"], ["CC-BY-NC-SA-4.0"], "images", True, "share-alike"),
        (["CC-BY-NC-SA-4.0"], ["CC-BY-NC-SA-4.0"], "images", False, "name its makers"),
        (["GPL-3.0-only"], ["CC-BY-SA-4.0"], "images", False, "name its makers"),
        (["GPL-3.0-or-later"], ["CC-BY-SA-4.0"], "images", True, "share-alike"),
    ],
)
def test_what_a_licence_asks(mine, keys, ships, stops, words):
    found = licences.judge(mine, "data", keys, ships)
    assert any(one.stops for one in found) == stops
    assert any(words in one.text for one in found)
    assert words == "public domain" or not any("public domain" in one.text for one in found)


def test_expressions_are_checked_against_the_list():
    pytest.importorskip("license_expression")
    assert licences.keys_of("Apache-2.0 AND CC-BY-4.0") == ["Apache-2.0", "CC-BY-4.0"]
    for wrong in ("Apache 2", "", "Free for all", "MIT/X11", None):
        with pytest.raises(CourseError, match="SPDX"):
            licences.keys_of(wrong)


def test_a_project_s_licence_is_weighed_against_its_data():
    pytest.importorskip("license_expression")
    found = licences.check("Apache-2.0", ["mnist.npz"], "images")
    assert found[0].stops
    with pytest.raises(CourseError, match="without a licence"):
        licences.check("Apache-2.0", {"photographs": ""}, "weights")


# --- a project's folder ---

TOML = """
[project]
title = "T"
question = "Q?"
licence = "Apache-2.0"
ships = "numbers"
[[data]]
asset = "fashion_mnist.npz"
use = "training"
"""
NUMBER = """
[[number]]
name = "a"
measure = "mean_over_seeds"
file = "results.csv"
column = "score"
where = { arm = "x" }
[[number]]
name = "x less y"
measure = "difference_over_seeds"
file = "results.csv"
column = "score"
where = { arm = "x" }
against = { arm = "y" }
"""
ROWS = "arm,seed,score\nx,1,3\nx,2,4\nx,3,5\ny,2,3.5\ny,1,2.6\ny,3,4.4\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "project.toml").write_text(TOML + NUMBER)
    (tmp_path / "results.csv").write_text(ROWS)
    return tmp_path


def test_a_project_gets_its_card_and_the_check_holds(folder, capsys):
    """Card and data sheet are written; each number is in head and table; the check makes them again."""
    assert run(folder) == 0
    assert run(folder, "--check") == 0
    assert "2 of 2 numbers hold" in capsys.readouterr().out
    kept = hub.ModelCard.load(str(folder / "card.md"))
    assert [one["name"] for one in kept.data.numbers] == ["a", "x less y"]
    assert kept.data.numbers[0]["value"] == 4.0
    assert kept.data.numbers[1]["value"] == pytest.approx(0.5)
    assert kept.data.license == "apache-2.0"
    assert "| x less y |" in kept.text
    text = (folder / "data-sheet.md").read_text()
    assert "## fashion_mnist.npz" in text
    assert "Open: write it" in text


@pytest.mark.parametrize("change", ["score", "head", "value alone"])
def test_a_number_that_does_not_come_out_again_fails_the_card(folder, capsys, change):
    """A changed table, or a value that was made nicer by hand: exit 1 and one line for each."""
    assert run(folder) == 0
    if change == "score":
        (folder / "results.csv").write_text(ROWS.replace("x,3,5", "x,3,95"))
    else:
        path = folder / "card.md"
        text = path.read_text()
        nicer_ones = {"value": 14.0, "low": 13.0, "high": 15.0}
        for name, nicer in list(nicer_ones.items())[: 1 if change == "value alone" else 3]:
            text = re.sub(rf"^  {name}: .*$", f"  {name}: {nicer}", text, count=1, flags=re.M)
        path.write_text(text)
    capsys.readouterr()
    assert run(folder, "--check") == 1
    assert "misses: a:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ("| a | 4 |", "| a | 14 |", 1),  # a prettier value
        ("**Question.** Q?", "**Question.** 99 of 100?", 0),  # words are read by people only
        ("| x less y |", "| x far above y |", 1),
        ("| a | 4 |", "| b | 9 | 8 … 10 | by eye | |\n| a | 4 |", 1),  # a row that no number of the head stands behind
    ],
)
def test_the_table_that_people_read_is_the_head_s(folder, capsys, old, new, lines):
    """The check reads the head; a table for people that says something else is a miss, a line for each."""
    assert run(folder) == 0
    path = folder / "card.md"
    path.write_text(path.read_text().replace(old, new, 1))
    capsys.readouterr()
    assert run(folder, "--check") == int(lines > 0)
    said = capsys.readouterr()
    assert said.err.count("misses: the table for people differs from the head: |") == lines
    assert "2 of 2 numbers hold" in said.out


def test_a_table_that_is_gone_is_a_miss(folder):
    assert run(folder) == 0
    path = folder / "card.md"
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith("|")) + "\n")
    assert run(folder, "--check") == 1


def test_a_file_that_is_gone_fails_the_card(folder, capsys):
    assert run(folder) == 0
    (folder / "results.csv").unlink()
    assert run(folder, "--check") == 1
    assert capsys.readouterr().err.count("cannot: ") == 2


def test_the_project_s_code_runs_when_asked_for_only(folder, capsys):
    """A number of the project's own script is not run without --run-code; with it, it counts."""
    more = '[[number]]\nname = "own"\nmeasure = "script"\nfile = "own.py"\nvalue = 2.0\nlow = 1.5\nhigh = 2.5\n'
    (folder / "project.toml").write_text(TOML + NUMBER + more)
    code = "import json, pathlib\npathlib.Path('ran').touch()\nprint(json.dumps({'values': [1.9, 2.2]}))\n"
    (folder / "own.py").write_text(code)
    assert run(folder) == 0
    assert run(folder, "--check") == 0
    assert not (folder / "ran").exists()
    assert "not run: own" in capsys.readouterr().err
    assert run(folder, "--check", "--run-code") == 0
    assert (folder / "ran").exists()
    (folder / "own.py").write_text(code.replace("1.9, 2.2", "5, 6"))
    assert run(folder, "--check", "--run-code") == 1
    (folder / "own.py").write_text(code.replace("1.9, 2.2", "1.999, 2.001"))  # far narrower than its interval of 1
    assert run(folder, "--check", "--run-code") == 1
    assert "as wide as" in capsys.readouterr().err
    (folder / "own.py").write_text("raise SystemExit('no')")
    assert run(folder, "--check", "--run-code") == 1


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('measure = "mean_over_seeds"\n', "", "names no measurement"),
        ('measure = "mean_over_seeds"', 'measure = "beauty"', "judge_distance"),
        ('name = "a"\n', "", "needs a name"),
        ('name = "a"', 'name = "a"\nvalue = 3.0', "low and high"),
        ('name = "a"', 'name = "a"\nvalue = 3.0\nlow = 4.0\nhigh = 5.0', "outside"),
        ('name = "a"', 'name = "a"\ncolour = "red"', "no field"),
        ('name = "a"', 'name = "a"\ndraws = 1', "draws"),
        ('column = "score"', 'column = "nothing"', "column"),
        ('where = { arm = "x" }', 'where = "x"', "must be a table"),
        ('where = { arm = "x" }', 'where = { arm = "z" }', "two finite numbers"),
        ('against = { arm = "y" }', 'against = { arm = "z" }', "same seeds"),
        ('file = "results.csv"', 'file = "../../etc/passwd"', "in its folder"),
        ('file = "results.csv"', 'file = "none.csv"', "no file"),
        ('licence = "Apache-2.0"\n', "", "licence"),
        ('asset = "fashion_mnist.npz"\n', "", "asset"),
        ("[project]", "[project", "cannot be read"),
        (NUMBER, "", "no [[number]]"),
    ],
)
def test_bad_projects_are_one_line_and_two(folder, capsys, old, new, words):
    path = folder / "project.toml"
    path.write_text(path.read_text().replace(old, new, 1))
    assert run(folder) == 2
    said = [line for line in capsys.readouterr().err.strip().splitlines() if not line.startswith("measuring")]
    assert len(said) == 1
    assert words in said[0]
    assert not (folder / "card.md").exists()


def test_a_card_whose_numbers_name_no_measurement_is_refused(folder, capsys):
    assert run(folder) == 0
    path = folder / "card.md"
    path.write_text(path.read_text().replace("measure: mean_over_seeds", "measured: by eye"))
    assert run(folder, "--check") == 2
    assert "no field" in capsys.readouterr().err
    path.write_text("---\nlicense: mit\n---\n# no numbers\n")
    assert run(folder, "--check") == 2
    assert "names no numbers" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "no folder"),
        (["."], "neither"),
        ([".", "--check"], "no card"),
        ([".", "--run-code"], "belong to --check"),
        ([".", "--check", "--seed", "-3"], "--seed"),
    ],
)
def test_bad_arguments_are_one_line_and_two(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    said = capsys.readouterr().err.strip()
    assert words in said
    assert len(said.splitlines()) == 1


def test_a_card_goes_where_out_says(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("cards") / "mine.md"
    assert run(folder, "--out", other) == 0
    assert other.is_file()
    assert (other.parent / "mine-data-sheet.md").is_file()
    assert run(folder, "--check", "--out", other) == 0


def test_a_sheet_says_what_is_known_and_what_is_open():
    text = sheet.sheet([{"asset": "mnist.npz", "use": "training", "sheet": {"paid": "nobody knows"}}])
    assert "CC BY-SA 3.0" in text
    assert "nobody knows" in text
    assert text.count("**") == 2 * len(sheet.QUESTIONS)
    own = sheet.sheet([{"name": "photographs", "licence": "CC-BY-4.0"}])
    assert "1 of 14 questions answered" in own


# --- what `train` wrote ---


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder as `make train` leaves it, with the shipped weights."""
    from aigc_course import data, gan

    made = tmp_path_factory.mktemp("train")
    gan.save_weights(gan.load_generator(data.asset("generator.weights.h5")), made / "generator.weights.h5")
    report = {
        "seconds": 185.0,
        "steps": 2800,
        "judge_distance": 8.0,
        "n": 300,
        "floor": 3.0,
        "settings": {"seed": 7, "data": "mnist"},
        "device": "cpu",
    }
    (made / "report.json").write_text(json.dumps(report))
    return made


@pytest.mark.long
def test_a_training_gets_a_card_that_holds(trained, capsys):
    """The distance is drawn three times, and comes out again; other seeds give another value."""
    assert run(trained) == 0
    assert run(trained, "--check") == 0
    claim = card.claims(card.read_card(trained / "card.md"))[0]
    assert claim["low"] < claim["value"] < claim["high"]
    fresh = checking.numbers(trained, [claim], seed=100)[0]
    assert fresh.state in ("holds", "misses")
    worse = {**claim, "value": 2.0, "low": 1.9, "high": 2.1}
    assert checking.numbers(trained, [worse])[0].state == "misses"
    nicer = {**claim, "value": claim["low"]}  # within its interval, but not what these seeds give
    assert "own seeds" in checking.numbers(trained, [nicer])[0].line


@pytest.mark.long
def test_a_classifier_and_its_size_are_measured_again(tmp_path):
    """A Keras file is read without any code of the project; accuracy has Wilson's interval, a count is exact."""
    from aigc_course.studio import scores

    scores.build_classifier(4).save(tmp_path / "reader.keras")
    claim = project.check_claim(
        {"name": "accuracy", "measure": "accuracy", "file": "reader.keras", "data": "fashion", "n": 200}
    )
    found = measures.again(tmp_path, claim)
    assert 0 <= found.low < found.value < found.high <= 1 or found.value == 0
    size = measures.again(tmp_path, {**claim, "measure": "parameters"})
    assert size.low == size.value == size.high == scores.build_classifier(4).count_params()


def test_a_file_that_is_no_network_is_refused(tmp_path):
    (tmp_path / "reader.keras").write_bytes(b"no network")
    claim = project.check_claim({"name": "p", "measure": "parameters", "file": "reader.keras"})
    with pytest.raises(CourseError, match=r"reader\.keras"):
        measures.again(tmp_path, claim)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"settings": {}, "n": 5, "judge_distance": null, "seconds": 3}'])
def test_a_damaged_report_is_refused(tmp_path, text):
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(CourseError, match="no report"):
        project.read(tmp_path)


# --- the chapter's own functions ---


def _of_the_chapter(*names):
    """{name: thing} of the notebook's cells that define these functions, run with stand-ins for digits."""
    import keras
    import tensorflow as tf

    cells = json.loads((ROOT / "notebooks" / "16_capstone.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    space = {
        "keras": keras,
        "tf": tf,
        "np": np,
        "STEPS": 3,
        "x_train": np.broadcast_to(np.arange(55_000)[:, None, None], (55_000, 28, 28)),  # an image tells its place
        "y_train": np.repeat(np.arange(10), 5_500),
        "EACH": 30,
        "BATCH": 60,
        "HIDDEN": 64,
        "NormalDist": statistics.NormalDist,
    }
    for name in names:
        (source,) = (one for one in sources if f"def {name}(" in one)
        tree = ast.parse(source)
        tree.body = [one for one in tree.body if isinstance(one, ast.FunctionDef)]
        exec(compile(tree, name, "exec"), space)
    return space


def test_two_arms_with_one_seed_share_their_batches():
    """What an arm draws for its changes moves none of the later batches: pairs differ in the changes alone."""
    space = _of_the_chapter("draw_few", "changed", "first_weights", "train")
    seen, change = [], space["changed"]

    def watched(images, arm, shift, rng):
        seen.append((arm, np.array(images[:, 0, 0])))
        return change(images, arm, shift, rng).astype(np.float32)

    space["changed"] = watched
    space["train"](["plain", "mirrored", "moved"], [4, 4, 4], steps=3)
    rows = {arm: np.array([places for name, places in seen if name == arm]) for arm in ("plain", "mirrored", "moved")}
    assert rows["plain"].shape == (3, 60)
    assert not np.array_equal(rows["plain"][0], rows["plain"][1])
    assert np.array_equal(rows["plain"], rows["mirrored"])
    assert np.array_equal(rows["plain"], rows["moved"])


def test_two_seeds_more_give_the_power_that_the_chapter_s_plan_promises():
    """z alone falls short of a power of 0.8 where seeds are few; two more reach it (noncentral t)."""
    stats = pytest.importorskip("scipy.stats")
    planned = _of_the_chapter("seeds_for")["seeds_for"]

    def power(k, distance):
        far = stats.t.ppf(0.975, k - 1)
        return stats.nct.sf(far, k - 1, distance * np.sqrt(k)) + stats.nct.cdf(-far, k - 1, distance * np.sqrt(k))

    for k in (5, 7, 10, 15, 20):
        distance = (1.959964 + 0.841621) / np.sqrt(k)  # the true difference over s for which k is planned
        assert planned(1.0, distance * 1.000001) == k
        assert power(k, distance) < 0.77
        assert 0.78 < power(k + 2, distance) < 0.81
    assert power(7, 2.801585 / np.sqrt(7)) == pytest.approx(0.65, abs=0.01)
