"""Chorales: tokens there and back, keys, measures, sound, score, and what completing keeps."""

import keras
import numpy as np
import pytest

from aigc_course import data
from aigc_course.data import HOLD, REST
from aigc_course.errors import CourseError
from aigc_course.lmdg import bach
from aigc_course.lmdg.bach import score
from aigc_course.lmdg.core import training, transformer


@pytest.fixture(scope="module")
def chorales():
    """(train, test), read once."""
    return data.load_chorales()


@pytest.fixture(scope="module")
def untrained():
    """A small decoder for chorales, not trained."""
    keras.utils.set_random_seed(2)
    return transformer.Decoder(bach.VOCABULARY, bach.CONTEXT, width=16, depth=1, heads=2)


def four(*melody):
    """The same line in four octaves, a beat a tone: (2 T, 4)."""
    notes = np.zeros((2 * len(melody), 4), int)
    for place, pitch in enumerate(melody):
        notes[2 * place] = [pitch, pitch - 5, pitch - 12, pitch - 24]
    return notes


SCALE = (60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60)


# --- data ------------------------------------------------------------------------------------------------


def test_the_chorales_are_what_they_are_said_to_be(chorales):
    """399 pieces, 352 to learn from; bars of 8 or 6; pitches singable; every voice begins by a tone or a rest."""
    assert tuple(map(len, chorales)) == (352, 47)
    for piece in [*chorales[0], *chorales[1]]:
        assert piece.bar in (6, 8)
        assert piece.notes.shape[1] == 4
        assert len(piece.notes) > 50
        assert (piece.notes[0] != HOLD).all()
        tones = piece.notes[piece.notes > REST]
        assert 36 <= tones.min() <= tones.max() <= 81
        bach.check_chorale(piece.notes)


def test_a_known_opening():
    """BWV 269, Aus meines Herzens Grunde: 3/4, one sharp, begins on the third beat with g' d' b G."""
    piece = next(piece for part in data.load_chorales() for piece in part if piece.bwv == "bwv269")
    assert (piece.title, piece.bar, piece.sharps) == ("Aus meines Herzens Grunde", 6, 1)
    assert piece.notes[4].tolist() == [67, 62, 59, 43]  # after two beats of rest


def test_no_tune_stands_in_both_parts(chorales):
    """No melody of the test begins as one of training, transposed or not; no title is in both."""
    openings, titles = [], []
    for part in chorales:
        tones = [bach.sounding(piece.notes)[:, 0] for piece in part]
        openings.append({tuple(np.diff(t[t > REST][:40:2])) for t in tones})
        titles.append({piece.title for piece in part} - {""})
    assert not openings[0] & openings[1]
    assert not titles[0] & titles[1]


# --- tokens ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [0, 1, 8])
def test_tokens_come_back_for_every_chorale(chorales, ahead):
    """decode(encode(x)) = x, with as many tokens as said, the metre first and END last."""
    for piece in [*chorales[0], *chorales[1]]:
        tokens = bach.encode_chorale(piece.notes, piece.bar, ahead)
        assert len(tokens) == 2 + ahead + 4 * len(piece.notes)
        assert (tokens[0] == bach.FOUR) == (piece.bar == 8)
        assert np.array_equal(bach.decode_chorale(tokens, ahead), piece.notes)


def test_the_melody_runs_ahead():
    """With ahead = 2 the token before the first bass is the melody's third step."""
    notes = four(60, 62, 64)
    tokens = bach.encode_chorale(notes, ahead=2)
    pitches = tokens - bach.FIRST - 2 + bach.LOWEST
    assert pitches[1] == 60
    assert pitches[3] == 62
    assert pitches[4] == 36


def test_rows_are_windows_that_keep_to_the_ranges(chorales):
    """Untransposed rows and all of them: each decodes to tones within each voice's range; no window begins held."""
    train = chorales[0][:20]
    plain, all_keys = bach.training_rows(train, shifts=(0,)), bach.training_rows(train)
    assert len(all_keys) > 4 * len(plain)
    limits = bach.ranges(train)
    for row in all_keys[::17]:
        notes = bach.decode_chorale(row)
        assert bach.in_range(notes, limits) == 1
        assert (notes[0] != HOLD).all()


def test_harmony_only_scores_three_of_four_voices(chorales):
    """What is given is metre and melody: exactly the places that decode to the soprano."""
    row = bach.training_rows(chorales[0][:1], shifts=(0,))[:1]
    given = bach.harmony_only(row)
    assert np.array_equal(np.abs(given), row)
    changed = np.where(given < 0, row, bach.FIRST + REST)
    assert np.array_equal(bach.decode_chorale(changed[0])[:, 0], bach.decode_chorale(row[0])[:, 0])
    assert (bach.decode_chorale(changed[0])[:, 1:] == REST).all()


# --- measures --------------------------------------------------------------------------------------------


def test_the_key_of_a_scale_and_of_its_transpositions():
    """C major for its scale, any other tonic for the scale moved there; A minor for its melodic cadence."""
    for by in range(12):
        assert bach.key(bach.transpose(four(*SCALE), by)) == (by, "major")
    assert bach.key(four(69, 71, 72, 74, 76, 77, 76, 68, 69, 69)) == (9, "minor")
    assert bach.in_key(np.repeat(np.array([[60, 64, 67, 72]]), 4, axis=0)) == 1


def test_transposing_moves_what_it_should(chorales):
    """By twelve: the same pitch classes, chords and repetition. By five: the key moves by five."""
    for piece in chorales[1][:10]:
        notes = piece.notes
        up = bach.transpose(notes, 12 if notes.max() < 73 else -12 if notes[notes > REST].min() > 44 else 0)
        assert np.array_equal(bach.pitch_classes(up), bach.pitch_classes(notes))
        other = bach.transpose(notes, 3)
        assert bach.chords(other) == bach.chords(notes)
        assert bach.parallels(other) == bach.parallels(notes)
        (tonic, mode), moved = bach.key(notes), bach.key(other)
        assert moved == ((tonic + 3) % 12, mode)


def test_silence_is_told_and_is_no_copy(chorales):
    """A piece that falls silent after two bars: the rest counts as silence, the copied beats are those that sound."""
    piece = next(p for p in chorales[0] if not bach.silent(p.notes[:64]).any())
    notes = np.array(piece.notes[:64])
    notes[16:] = [[REST] * 4] + [[HOLD] * 4] * 47
    corpus = bach.chords(piece.notes) + "\n" + bach.chords(notes)  # the silence stands in the corpus too
    report = bach.measure_chorale(notes, bach.ranges(chorales[0]), corpus)
    assert report["silence"] == 0.75
    assert report["longest copy (beats)"] == 7  # the first chord has no step before it


def test_a_scale_in_octaves_is_nothing_but_parallels():
    """Three of the six pairs run in octaves, none in fifths: three a move, none where nothing moves."""
    notes = four(60, 62, 64, 65)
    notes[:, 1] = np.where(notes[:, 0] > REST, 55, HOLD)  # a voice that stays
    assert bach.parallels(notes) == pytest.approx(100 * 3 * 3 / 8)
    assert {step for step, _, _ in bach.parallel_places(notes)} == set(np.flatnonzero(notes[1:, 0] > REST) + 1)
    assert bach.parallels(np.repeat(four(60)[:1], 8, axis=0)) == 0


def test_crossing_range_and_repetition_by_hand(chorales):
    """One step of four crosses; one tone of sixteen is too high; a bar said three times repeats."""
    notes = np.tile([72, 67, 60, 48], (4, 1))
    notes[2, 1] = 74
    assert bach.crossings(notes) == 0.25
    assert bach.in_range(notes, np.array([[60, 79], [53, 73], [48, 69], [36, 64]])) == 15 / 16
    bar = four(60, 62, 64, 65)
    assert bach.repetition(np.concatenate([bar] * 3)) > 0.3
    assert bach.repetition(four(*SCALE)) == 0


def test_a_copy_is_found_and_real_test_chorales_are_short_of_it(chorales):
    """A training piece in another key is found whole; a test piece shares a few chords at most."""
    train, test = chorales
    corpus = "\n".join(bach.chords(piece.notes) for piece in train)
    limits = bach.ranges(train)
    stolen = bach.transpose(train[5].notes, 1)
    silent = bach.silent(stolen)
    assert silent[0]  # an upbeat, then no rest
    assert not silent[silent.argmin() :].any()
    assert bach.measure_chorale(stolen, limits, corpus)["longest copy (beats)"] == (~silent).sum()
    assert np.mean([bach.measure_chorale(p.notes, limits, corpus)["longest copy (beats)"] for p in test]) < 8


# --- completing ------------------------------------------------------------------------------------------


def test_harmonising_keeps_the_melody_exactly(chorales, untrained):
    """Even a network that knows nothing keeps every given tone, and writes only music into the free places."""
    known = np.stack([bach.melody_only(piece.notes[:24]) for piece in chorales[1][:3]])
    found = bach.complete(untrained, known, seed=1)
    assert found.shape == known.shape
    assert np.array_equal(found[:, :, 0], known[:, :, 0])
    assert (found[:, :, 1:] != bach.FREE).all()
    bach.check_chorale(found.reshape(-1, 4))
    assert np.array_equal(found, bach.complete(untrained, known, seed=1))
    assert not np.array_equal(found, bach.complete(untrained, known, seed=2))


def test_continuing_keeps_the_opening_and_fills_the_rest(chorales, untrained):
    """Sixteen given steps stay in all voices; with nothing free the chorale comes back untouched."""
    notes = chorales[1][0].notes
    found = bach.complete(untrained, [bach.continued(notes, 16, length=32)])[0]
    assert np.array_equal(found[:16], notes[:16])
    assert found.shape == (32, 4)
    assert np.array_equal(bach.complete(untrained, [notes[:16]])[0], notes[:16])


def test_row_batches_depend_on_seed_and_step_alone(chorales):
    """A stream taken up later goes on exactly; given tokens are inputs and never targets."""
    rows = bach.harmony_only(bach.training_rows(chorales[0][:3], shifts=(0,)))
    whole = list(training.row_batches(rows, 4, seed=3).take(5))
    later = list(training.row_batches(rows, 4, seed=3, start=3).take(2))
    assert all(np.array_equal(a[i], b[i]) for a, b in zip(whole[3:], later, strict=True) for i in (0, 1))
    inputs, targets = (part.numpy() for part in whole[0])
    assert inputs.shape == targets.shape == (4, rows.shape[1] - 1)
    assert (targets[:, : bach.AHEAD] == 0).all()
    assert (inputs >= 0).all()
    with pytest.raises(CourseError, match="rows must be"):
        training.row_batches(np.zeros((0, 3), int), 4, seed=1)


# --- sound and score -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pitch", "hertz"), [(69, 440.0), (57, 220.0), (60, 261.63)])
def test_the_loudest_frequency_is_the_tone(pitch, hertz):
    """The spectrum of a synthesised tone peaks at its pitch; its next partials stand at whole multiples."""
    sound = score.synthesise(np.array([[pitch, REST, REST, REST]] + [[HOLD] * 4] * 15), sample_rate=16_000)
    size = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    found = np.fft.rfftfreq(len(sound), 1 / 16_000)[size.argmax()]
    assert abs(found - hertz) < 0.5
    assert size[int(2 * hertz * len(sound) / 16_000) + np.arange(-3, 4)].max() > 0.1 * size.max()
    assert sound.dtype == np.float32
    assert 0.89 < np.abs(sound).max() <= 0.9001


def test_no_partial_is_folded_back():
    """At 4 kHz a tone of 880 Hz has partials at 880 and 1760 alone: nothing below the tone itself."""
    sound = score.synthesise(np.array([[81, REST, REST, REST]] + [[HOLD] * 4] * 15), sample_rate=4000)
    size = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    assert size[: int(800 * len(sound) / 4000)].max() < 0.01 * size.max()


def test_length_and_silence():
    """An eighth at 60 beats a minute lasts half a second; rests alone are silent."""
    assert len(score.synthesise(four(60, 62), beats_a_minute=60)) == pytest.approx(4 * 0.5 * 8000, abs=2)
    assert not score.synthesise(np.full((4, 4), REST)).any()


def test_spelling_follows_the_key():
    """A minor has G sharp, C minor A flat, F major B flat; each stands on its own line; octaves are seven steps."""
    assert score.spelled(68, 0) == (4 * 7 + 4, 1)
    assert score.spelled(68, -3) == (4 * 7 + 5, -1)
    assert score.spelled(70, -1) == (4 * 7 + 6, -1)
    for sharps in range(-4, 5):
        for pitch in range(40, 80):
            step, accidental = score.spelled(pitch, sharps)
            natural = 12 * (step // 7 + 1) + (0, 2, 4, 5, 7, 9, 11)[step % 7]
            assert natural + accidental == pitch
            assert score.spelled(pitch + 12, sharps) == (step + 7, accidental)
    assert [score.signature(step, 2) for step in range(7)] == [1, 0, 0, 1, 0, 0, 0]
    assert [score.signature(step, -2) for step in range(7)] == [0, 0, -1, 0, 0, 0, -1]


def test_tones_are_cut_at_bar_lines_into_signs_that_exist():
    """Every tone's signs add up to its length and cross no bar line."""
    for begin in range(8):
        for length in range(1, 20):
            found = score.pieces(begin, length, 8)
            assert sum(size for _, size in found) == length
            assert all(size in score.LENGTHS and start % 8 + size <= 8 for start, size in found)


def test_a_score_has_a_head_for_each_sign(chorales):
    """As many ellipses as signs; the model's tones in another colour."""
    from matplotlib import pyplot as plt
    from matplotlib.patches import Ellipse

    piece = chorales[1][0]
    notes = piece.notes[:32]
    fig = score.draw_score(
        notes, piece.bar, piece.sharps, "title", written=np.arange(32)[:, None] >= np.full((1, 4), 16)
    )
    heads = [patch for ax in fig.axes for patch in ax.patches if type(patch) is Ellipse]
    assert len(heads) == sum(len(score.pieces(begin, n, piece.bar)) for _, _, begin, n in score.tones(notes))
    assert len({tuple(head.get_edgecolor()) for head in heads}) == 2
    plt.close(fig)


# --- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: bach.encode_chorale(np.zeros((0, 4), int)), "a chorale is an int array"),
        (lambda: bach.encode_chorale(np.full((4, 4), 120)), "pitches must lie in 33 … 84"),
        (lambda: bach.encode_chorale(np.full((4, 3), 60)), "received int64 .4, 3."),
        (lambda: bach.encode_chorale(np.full((4, 4), 60.0)), "received float64"),
        (lambda: bach.encode_chorale(np.full((4, 4), 60), bar=5), "bar must be 8"),
        (lambda: bach.key(np.full((4, 4), REST)), "no key can be found"),
        (lambda: bach.complete(None, np.full((1, 65, 4), 60)), "at most 64 steps"),
        (lambda: score.synthesise(four(60), sample_rate=100), "sample_rate must be"),
        (lambda: score.synthesise(four(60), sample_rate=8000.0), "sample_rate must be"),
        (lambda: score.synthesise(four(60), beats_a_minute=0), "beats_a_minute"),
    ],
)
def test_bad_input_is_refused_in_one_line(call, words):
    """Wrong pitch, empty chorale, wrong shape, type, metre, sample rate, tempo."""
    with pytest.raises(CourseError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


# --- what is shipped -------------------------------------------------------------------------------------


def test_the_shipped_decoder_knows_chorales_and_stays_in_key(chorales):
    """Bits on unseen tunes as logged; a harmony of a given melody is in key and in range."""
    decoder, facts = bach.load_music_decoder()
    held = bach.training_rows(chorales[1], shifts=(0,), stride=4)
    assert transformer.bits_per_token(decoder, held) == pytest.approx(facts["held_bits"], abs=0.02)
    known = np.stack([bach.melody_only(piece.notes[:32]) for piece in chorales[1][:4]])
    found = bach.complete(decoder, known)
    assert np.mean([bach.in_key(notes) for notes in found]) > 0.85
    assert np.mean([bach.in_range(notes, bach.ranges(chorales[0])) for notes in found]) > 0.98
