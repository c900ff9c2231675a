"""Pictures and speech as tokens: rounding, round trips, mel frames, Griffin-Lim."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from aigc_course import data
from aigc_course.errors import CourseError
from aigc_course.lmdg import codecs
from aigc_course.lmdg.codecs import sound

# --- rounding --------------------------------------------------------------------------------------------


BUILDERS = {"image": codecs.build_image_codec, "speech": codecs.build_speech_codec}


@pytest.mark.parametrize("levels", [(4, 4, 4), (2, 3, 5), (8,)])
def test_every_code_comes_back(levels):
    """codes(inverse sigmoid of vectors(c)) = c for every code, and the vectors fill [-1, 1] evenly."""
    quantizer = codecs.Quantizer(levels)
    every = np.arange(quantizer.size)
    vectors = quantizer.vectors(every)
    assert vectors.min() == -1
    assert vectors.max() == 1
    assert len(np.unique(vectors, axis=0)) == quantizer.size == np.prod(levels)
    share = (vectors + 1) / 2 * 0.998 + 0.001
    z = np.log(share / (1 - share)).astype(np.float32)
    assert np.array_equal(quantizer.codes(tf.constant(z)).numpy(), every)
    assert np.allclose(quantizer(tf.constant(z)).numpy(), vectors, atol=1e-6)


def test_the_slope_passes_through_the_rounding():
    """Straight-through: the gradient is that of the bounded value, not 0."""
    quantizer = codecs.Quantizer((4, 4))
    z = tf.Variable([[0.3, -1.2]])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(quantizer(z))
    sigmoid = 1 / (1 + np.exp(-z.numpy()))
    assert np.allclose(tape.gradient(total, z), 2 * sigmoid * (1 - sigmoid), atol=1e-6)


@pytest.mark.parametrize("levels", [(), (1, 4), (4.0, 4), (4, -2)])
def test_levels_are_checked(levels):
    """Fewer than two levels, or none: one line."""
    with pytest.raises(CourseError, match="levels must be"):
        codecs.Quantizer(levels)
    with pytest.raises(CourseError, match="codes must lie in 0 … 63"):
        codecs.Quantizer((4, 4, 4)).vectors([64])


# --- codecs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["image", "speech"])
def test_a_codec_learns_saves_and_refuses_other_shapes(kind, tmp_path, rng):
    """Loss falls in a few steps; codes have their shape and range; the file comes back; wrong shapes are named."""
    keras.utils.set_random_seed(1)
    if kind == "image":
        (images, _), _ = data.load_mnist()
        x, codec, tokens = data.scale(images[:256]), codecs.build_image_codec(width=8), codecs.IMAGE_TOKENS
    else:
        clips = data.load_spoken_digits()[0].clips[:128]
        x, codec, tokens = codecs.frames_of(clips), codecs.build_speech_codec(width=16), codecs.SPEECH_TOKENS
    losses = codecs.train_codec(codec, x, steps=200, batch_size=32, learning_rate=5e-3)
    assert len(losses) == 2
    assert losses[1] < 0.9 * losses[0]
    found = codec.encode(x[:7])
    assert found.shape == (7, tokens)
    assert 0 <= found.min() <= found.max() < codec.quantizer.size
    again = codec.decode(found)
    assert again.shape == x[:7].shape
    wide = BUILDERS[kind]()
    codecs.save_codec(wide, tmp_path / "c.npz", steps=1)
    back, facts = codecs.load_codec(tmp_path / "c.npz", BUILDERS[kind])
    assert facts == {"steps": 1}
    assert (back.encode(x[:7]) == wide.encode(x[:7])).mean() > 0.98  # float16 moves a few roundings
    with pytest.raises(CourseError, match="the codec takes"):
        codec.encode(x[:, :5])
    with pytest.raises(CourseError, match="codes must be"):
        codec.decode(found[:, :5])
    (tmp_path / "no.npz").write_bytes(b"PK")
    with pytest.raises(CourseError, match="cannot be read"):
        codecs.load_codec(tmp_path / "no.npz", BUILDERS[kind])


# --- sound -----------------------------------------------------------------------------------------------


def tone(frequency, seconds=0.5):
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * data.SAMPLE_RATE)) / data.SAMPLE_RATE)


def test_spectra_turn_back_into_the_sound(rng):
    """wave(spectrum(x)) = x: the windows' overlap is divided out."""
    x = rng.standard_normal(3000)
    assert np.allclose(sound.wave(sound.spectrum(x))[:3000], x, atol=1e-6)


@pytest.mark.parametrize("frequency", [200, 440, 1000, 3000])
def test_a_tone_stands_in_its_band(frequency):
    """The loudest mel band is the one whose middle is nearest to the tone; twice as loud is 6 dB on the scale."""
    frames = sound.log_mel(tone(frequency))
    middle = len(frames) // 2
    centres = (sound.mel_filters() * np.fft.rfftfreq(sound.WINDOW, 1 / data.SAMPLE_RATE)).sum(axis=1)
    assert abs(frames[middle].argmax() - np.abs(centres - frequency).argmin()) <= 1
    louder = sound.log_mel(2 * tone(frequency))
    assert louder[middle].max() - frames[middle].max() == pytest.approx(np.log10(2) / 2.75, abs=1e-3)


def test_silence_is_minus_one_and_comes_back_silent():
    """No sound: every band at -1; Griffin-Lim of it is 0."""
    frames = sound.log_mel(np.zeros(2000))
    assert (frames == -1).all()
    assert np.abs(sound.griffin_lim(frames)).max() < 1e-6


def test_griffin_lim_comes_back_to_the_frames():
    """The sound found for a clip's frames has nearly those frames, and more rounds come nearer."""
    clips = data.load_spoken_digits()[0].clips[:6]
    differences = []
    for rounds in (1, 60):
        each = []
        for clip in clips:
            frames = sound.log_mel(clip)
            again = sound.log_mel(sound.griffin_lim(frames, rounds))[: len(frames)]
            each.append(np.abs(again - frames).mean())
        differences.append(np.mean(each))
    assert differences[1] < 0.03 < differences[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.zeros(100), 16000), "received 16000 Hz"),
        ((np.zeros((2, 100)),), "row of finite samples"),
        ((np.array([np.nan]),), "row of finite samples"),
        ((np.zeros(0),), "row of finite samples"),
    ],
)
def test_sound_of_another_kind_is_refused(arguments, words):
    """Another sample rate, two channels, NaN, nothing: one line."""
    with pytest.raises(CourseError, match=words):
        sound.log_mel(*arguments)
    with pytest.raises(CourseError, match="log-mel frames"):
        sound.griffin_lim(np.zeros((5, 3)))


def test_spoken_digits_are_split_by_voice():
    """2,400 clips; every digit and language as often; no voice in both parts; 8-bit mu-law loses little."""
    train, test = data.load_spoken_digits()
    assert (len(train.clips), len(test.clips)) == (1920, 480)
    assert not set(train.voices) & set(test.voices)
    assert len(set(train.voices) | set(test.voices)) == 40
    for part in (train, test):
        counts = np.bincount(part.labels + 10 * part.languages, minlength=20)
        assert counts.min() == counts.max()
        assert all(clip.dtype == np.float32 and 1000 < len(clip) <= 8000 for clip in part.clips)
    x = np.linspace(-1, 1, 10_001)
    assert np.abs(data.from_mu_law(data.mu_law(x)) - x).max() < 0.025
    assert np.abs(data.from_mu_law(data.mu_law(x / 100)) - x / 100).max() < 0.0006


# --- what is shipped -------------------------------------------------------------------------------------


def test_the_judge_reads_what_comes_back_of_test_digits():
    """At least 98 % of the test digits are read as labelled behind 49 codes of 64 (99.2 % before)."""
    from aigc_course import metrics

    codec, facts = codecs.load_shipped_codec("image")
    _, (images, labels) = data.load_mnist()
    back = codec.decode(codec.encode(data.scale(images)))
    assert back.min() >= -1
    assert back.max() <= 1
    assert np.mean(metrics.judge().labels(back) == labels) > 0.98
    assert facts["judge_reads"] > 0.98


def test_speech_of_unheard_voices_comes_back():
    """Behind 24 codes of 256 the frames of new voices are far nearer to their own than to another clip of the digit."""
    codec, _ = codecs.load_shipped_codec("speech")
    _, test = data.load_spoken_digits()
    frames = codecs.frames_of(test.clips)
    back = codec.decode(codec.encode(frames))
    error = np.square(back - frames).mean()
    same = np.flatnonzero((test.labels[:-1] == test.labels[1:]) & (test.languages[:-1] == test.languages[1:]))
    assert error < 0.015
    assert error < 0.3 * np.square(frames[same] - frames[same + 1]).mean()
