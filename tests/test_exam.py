"""The examination kit: public solutions fail each variant, right answers pass, the grader knows the keys."""

import json
import re

import numpy as np
import pytest

from aigc_course import __main__, checks
from aigc_course.checks import exam
from aigc_course.checks.exercise import judge
from aigc_course.errors import CourseError
from aigc_course.grading import exam as kit
from aigc_course.grading import submissions
from answers import RIGHT

KEYS = [key for keys in exam.chapters(checks.EXERCISES).values() for key in keys]
SEEDS = range(12)
each = pytest.mark.parametrize("key", KEYS)


def variant(key, seed):
    return exam.make(f"{key}/{seed}", checks.EXERCISES)


def verdict(exercise, function, seed):
    """What a function gets on the exercise's own cases."""
    return judge(exercise, *checks.try_out(exercise, function, np.random.default_rng(seed)))


def test_every_chapter_has_a_variant():
    """All that have exercises; chapter 15's are measurements of the machine."""
    assert set(exam.chapters(checks.EXERCISES)) >= {key[:2] for key in checks.EXERCISES} - {"15"}


@each
def test_the_derived_answer_passes(key):
    """The formula with the variant's own numbers gets all points, on fresh cases."""
    for seed in SEEDS:
        exercise = variant(key, seed).exercise
        found = verdict(exercise, exercise.expected, seed)
        assert found.passed, (seed, found.message)


@each
def test_the_public_solution_fails_each_variant_and_is_told_why(key):
    """The reference of the public exercise gets no points for any seed."""
    for seed in range(40):
        found = verdict(variant(key, seed).exercise, checks.EXERCISES[key].expected, seed)
        assert not found.passed, seed
        assert "public exercise" in found.message, (seed, found.message)


@each
def test_right_answers_of_learners_to_the_public_exercise_fail_too(key):
    """What tests/answers holds for the public exercise does not pass its variants."""
    for function in RIGHT[key][:2]:
        for seed in (1, 2, 3):
            assert not verdict(variant(key, seed).exercise, function, seed).passed, (function, seed)


@each
def test_a_mistake_of_the_variant_does_not_pass(key):
    """Each hint is about something that is wrong for that seed, or the same as the public answer."""
    for seed in SEEDS:
        exercise = variant(key, seed).exercise
        for hint, wrong in exercise.hints:
            found = verdict(exercise, wrong, seed)
            assert not found.passed, (seed, hint)


@each
def test_two_seeds_differ_and_one_is_always_the_same(key):
    """Among twelve seeds there are at least three different questions; the same seed asks the same."""
    assert len({variant(key, seed).task for seed in SEEDS}) >= 3
    assert variant(key, 5).task == variant(key, 5).task


@each
def test_a_stub_defines_the_function_and_nothing_of_the_answer(key):
    """The learner's cell compiles, and stops with NotImplementedError."""
    one = variant(key, 3)
    names = {"np": np}
    exec(one.stub.rstrip() + "\n    raise NotImplementedError", names)
    cases = one.exercise.cases(np.random.default_rng(1))
    with pytest.raises(NotImplementedError):
        names[one.exercise.function](*cases[0])
    assert one.exercise.key == f"{key}/3"
    assert len(one.task.split()) <= 110


def test_the_check_of_a_learner_knows_the_variant():
    """checks.check("02.1/7", f) works as for a public exercise."""
    with pytest.raises(AssertionError, match="public exercise"):
        checks.check("02.1/7", checks.EXERCISES["02.1"].expected)
    checks.check("02.1/7", variant("02.1", 7).exercise.expected)


@pytest.mark.parametrize("key", ["02.9/7", "02.1/", "02.1/x", "1/7", "02.1/-1", "99.1/7", "02.1/1234567890"])
def test_a_key_without_a_family_is_refused(key):
    with pytest.raises(CourseError):
        checks.find(key)
    assert not checks.is_known(key)


# --- the command ---


def test_the_command_writes_a_notebook_that_the_grader_reads(tmp_path, capsys):
    """Notebook, instructor's page, and the tasks as `grade` sees them."""
    assert __main__.main(["assignment", "--seed", "7", "--chapters", "02", "05", "--out", str(tmp_path)]) == 0
    assert "grade with" in capsys.readouterr().out
    found = submissions.load_assignment("exam_7", tmp_path)
    wanted = [key for key in KEYS if key[:2] in ("02", "05")]
    assert [task.key for task in found.tasks] == [f"{key}/7" for key in wanted]
    assert all(checks.is_known(task.key) for task in found.tasks)
    assert [task.function for task in found.tasks] == [checks.EXERCISES[key].function for key in wanted]
    assert "for the instructor alone" in (tmp_path / "exam_7_instructor.md").read_text()
    stored = json.loads((tmp_path / "exam_7" / "exam_7.ipynb").read_text())
    assert stored["metadata"]["aigc"]["assignment"] == {"seed": 7, "keys": [f"{key}/7" for key in wanted]}


def test_the_notebook_is_valid_and_two_seeds_differ():
    """nbformat takes it; ids are there once; another seed asks something else."""
    nbformat = pytest.importorskip("nbformat")
    first, second = (kit.book(seed, kit.choose(seed)) for seed in (1, 2))
    nbformat.validate(nbformat.from_dict(first))
    ids = [cell["id"] for cell in first["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", one) for one in ids)
    texts = [
        ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "markdown"]
        for book in (first, second)
    ]
    assert sum(a.split("\n", 1)[1:] != b.split("\n", 1)[1:] for a, b in zip(*texts, strict=True)) > len(texts[0]) // 2


def test_at_most_so_many_are_drawn_by_the_seed():
    """--most N takes N of them, not always the same ones."""
    drawn = {tuple(kit.choose(seed, None, 5)) for seed in range(6)}
    assert len(drawn) > 3
    assert all(len(keys) == 5 for keys in drawn)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--seed", "-1"], "--seed"),
        (["--seed", "7", "--chapters", "99"], "--chapters"),
        (["--seed", "7", "--most", "0"], "--most"),
    ],
)
def test_bad_input_is_one_line_and_two(extra, words, tmp_path, capsys):
    assert __main__.main(["assignment", "--out", str(tmp_path), *extra]) == 2
    said = capsys.readouterr().err.strip()
    assert words in said
    assert len(said.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_class_is_graded_without_a_sandbox(tmp_path):
    """The whole way: release, one notebook with a right and a copied answer, grade. Marks are those two deserve."""
    folder = tmp_path / "released"
    assert __main__.main(["assignment", "--seed", "7", "--chapters", "02", "08", "--out", str(folder)]) == 0
    stored = json.loads((folder / "exam_7" / "exam_7.ipynb").read_text())
    words = variant("08.1", 7).changed  # "base B; the first K left out"
    size, skip = (int(number) for number in re.findall(r"\d+", words))
    answers = {
        "answer-02-1-7": "def best_discriminator(p_data, p_g):\n    return 1 / (1 + p_g / (3 * p_data))",
        "answer-08-1-7": "def bits_per_character(probabilities):\n"
        f"    return -np.log(probabilities[{skip}:]).mean() / np.log({size})",
    }
    for cell in stored["cells"]:
        if cell["id"] in answers:
            cell["source"] = answers[cell["id"]].splitlines(keepends=True)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ada.ipynb").write_text(json.dumps(stored))
    out = tmp_path / "grades.csv"
    arguments = ["grade", str(tmp_path / "in"), "--assignment", "exam_7", "--exercises", str(folder), "--no-sandbox"]
    arguments += ["--out", str(out), "--feedback", str(tmp_path / "pages"), "--jobs", "1"]
    assert __main__.main(arguments) == 0
    points = {line.split(",")[-4]: line for line in out.read_text().splitlines()}
    text = out.read_text()
    assert points
    assert re.search(r"02\.1/7,0,", text)
    assert re.search(r"08\.1/7,1,", text)
