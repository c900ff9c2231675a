"""The watermark in text: lists and counts against hand-made cases, poems with and without it, attackers, costs."""

import numpy as np
import pytest

from aigc_course import data
from aigc_course.errors import CourseError
from aigc_course.lmdg import tang
from aigc_course.lmdg.core import characters, transformer
from aigc_course.trust import textmark

LETTERS = characters.CharTokenizer("abcdefghij，。")


@pytest.fixture(scope="module")
def poet():
    """The shipped decoder, not fine-tuned: it knows no form, which no test here needs."""
    decoder, facts = transformer.load_decoder(data.asset("tang_decoder.npz"))
    return decoder, characters.CharTokenizer(facts["characters"])


@pytest.fixture(scope="module")
def green(poet):
    return textmark.green_lists(len(poet[1]), 3)


# --- lists and counts ---


def test_a_quarter_is_green_after_each_character_and_the_key_decides_which():
    lists = textmark.green_lists(400, 7)
    assert (lists.sum(axis=1) == 100).all()
    assert (textmark.green_lists(400, 7) == lists).all()
    assert set(np.flatnonzero(lists[5])) == set(textmark.green_of(5, 400, 7))
    assert (lists & textmark.green_lists(400, 8)).mean() == pytest.approx(1 / 16, abs=0.005)
    assert np.corrcoef(lists[1], lists[2])[0, 1] == pytest.approx(0, abs=0.2)


def test_pairs_are_counted_as_told():
    """Pairs that end in a mark, that have an unknown character, and second copies do not count."""
    size, (a, b, mark) = len(LETTERS), LETTERS.encode("ab，")
    codes = textmark.pair_codes(["abab，a", "xab"], LETTERS)
    assert codes.tolist() == sorted([a * size + b, b * size + a, mark * size + a])
    assert len(textmark.pair_codes(["abab，a", "xab"], LETTERS, distinct=False)) == 5
    assert len(textmark.pair_codes(["a", ""], LETTERS)) == 0


def test_z_is_the_papers():
    """(g - γ T) / √(T γ (1 - γ)), by hand: 3 green of 4 at γ = 1/4."""
    green = np.zeros((len(LETTERS),) * 2, bool)
    for one, two in ("ab", "bc", "cd"):
        green[LETTERS.encode(one)[0], LETTERS.encode(two)[0]] = True
    count = textmark.z_score(["abcde"], LETTERS, green)
    assert count == (pytest.approx((3 - 1) / np.sqrt(4 * 3 / 16)), 3, 4)
    assert textmark.z_score([""], LETTERS, green) == (0, 0, 0)
    assert textmark.p_value(0) == 0.5
    assert textmark.p_value(2.3263) == pytest.approx(0.01, abs=1e-5)


def test_one_phrase_many_times_is_no_proof():
    green = np.zeros((len(LETTERS),) * 2, bool)
    green[LETTERS.encode("a")[0], LETTERS.encode("b")[0]] = True
    texts = ["ab，"] * 100
    assert textmark.z_score(texts, LETTERS, green, distinct=False).z > 15
    assert textmark.z_score(texts, LETTERS, green).z < 2


def test_unmarked_text_has_a_normal_z_over_keys():
    """200 keys, one text of random letters: mean 0, deviation about 1."""
    tokenizer = characters.CharTokenizer([chr(0x4E00 + i) for i in range(60)])
    rng = np.random.default_rng(0)
    codes = textmark.pair_codes(["".join(rng.choice(tokenizer.characters, 300))], tokenizer)
    z = [textmark.z_of(codes, textmark.green_lists(len(tokenizer), key)).z for key in range(200)]
    assert np.mean(z) == pytest.approx(0, abs=0.3)
    assert 0.8 < np.std(z) < 1.2


def test_pooling_finds_what_one_text_does_not_show():
    """Half of the pairs green: one text of 16 pairs is too short, a few are not; a text without the mark is none."""
    rng, tokenizer = np.random.default_rng(1), characters.CharTokenizer([chr(0x4E00 + i) for i in range(300)])
    green = textmark.green_lists(len(tokenizer), 1)
    flat = [np.flatnonzero(green), np.flatnonzero(~green)]
    marked = [np.concatenate([rng.choice(flat[0], 8), rng.choice(flat[1], 8)]) for _ in range(200)]
    plain = [rng.choice(green.size, 16) for _ in range(200)]
    k, found = textmark.needed(marked, [plain], green, rng, most=20, pools=200)
    assert 2 <= k <= 8
    assert found[1][0] < 0.8
    assert textmark.needed(plain, [plain], green, rng, most=3, pools=100)[0] is None


# --- poems ---


def test_the_mark_raises_the_share_of_green_and_the_wrong_key_sees_nothing(poet, green):
    titles = ["春夜", "送人之江南", "山居", "月"] * 5
    poems = textmark.write_marked(*poet, titles, green, delta=4.0, seed=1)
    right, wrong = (textmark.z_score(poems, poet[1], lists) for lists in (green, textmark.green_lists(len(poet[1]), 4)))
    assert right.green > 0.6 * right.pairs
    assert right.z > 10
    assert abs(wrong.z) < 4


def test_without_the_mark_nothing_changes(poet, green):
    """δ = 0 writes the poems that no list writes, draw for draw; another seed writes others."""
    plain = textmark.write_marked(*poet, ["春夜", "山居"], seed=2)
    assert plain == textmark.write_marked(*poet, ["春夜", "山居"], green, delta=0.0, seed=2)
    assert plain != textmark.write_marked(*poet, ["春夜", "山居"], seed=3)


def test_bits_are_those_of_the_decoder(poet):
    """Weighted by their characters they give `bits_per_token` of the same rows."""
    _, _, test = tang.split_tang()
    titles, texts = zip(*test[:12], strict=True)
    bits = textmark.bits_of(*poet, titles, texts)
    rows = tang.labelled(poet[1], test[:12])
    counts = (rows[:, 1:] > 0).sum(axis=1)
    assert (bits * counts).sum() / counts.sum() == pytest.approx(transformer.bits_per_token(poet[0], rows), rel=1e-3)


def test_an_attacker_changes_his_share_and_leaves_the_marks(poet):
    _, _, test = tang.split_tang()
    titles, texts = zip(
        *[pair for pair in test[:60] if "□" not in poet[1].decode(poet[1].encode(pair[1]))], strict=True
    )
    changed = textmark.substitute(*poet, titles, texts, 0.3, np.random.default_rng(0))
    differs = np.array(
        [[a != b for a, b in zip(old, new, strict=True)] for old, new in zip(texts, changed, strict=True)]
    )
    assert not differs[:, 5::6].any()
    assert differs.mean() * 24 / 20 == pytest.approx(0.3, abs=0.05)
    assert all(data.is_quatrain(text) for text in changed)
    assert textmark.substitute(*poet, titles, texts, 0.0, np.random.default_rng(0)) == list(texts)


@pytest.mark.long
def test_a_poet_learns_the_form():
    """Thirty steps: fewer bits on quatrains than the untouched decoder."""
    decoder, tokenizer = textmark.train_poet(steps=30)
    base, _ = transformer.load_decoder(data.asset("tang_decoder.npz"))
    rows = tang.labelled(tokenizer, tang.split_tang()[2][:50])
    assert transformer.bits_per_token(decoder, rows) < transformer.bits_per_token(base, rows) - 0.3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: textmark.green_of(0, 10, -1), "key must"),
        (lambda: textmark.green_of(10, 10, 1), "previous must"),
        (lambda: textmark.green_lists(10, 1, 1.0), "gamma must"),
        (lambda: textmark.pair_codes("abc", LETTERS), "list of texts"),
        (lambda: textmark.z_score(["ab"], LETTERS, np.zeros((3, 3), bool)), "a row and a column for each of 15"),
        (lambda: textmark.pooled_z([np.zeros(1, int)], 2, 1, np.zeros((2, 2), bool), None), "There are 1 texts"),
        (lambda: textmark.write_marked(None, LETTERS, ["a"], delta=-1.0), "delta must"),
        (lambda: textmark.write_marked(None, LETTERS, ["a"], temperature=0.0), "temperature must"),
        (lambda: textmark.substitute(None, LETTERS, ["a"], ["b"], 1.5, None), "share must"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(CourseError, match=message):
        call()
