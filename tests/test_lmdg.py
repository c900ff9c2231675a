"""The decoder, its generation, tokens and training: properties that hold exactly, and known distributions."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from aigc_course import data
from aigc_course.errors import CourseError, Stopped
from aigc_course.lmdg import prefer, tang
from aigc_course.lmdg.core import characters, generation, training, transformer


@pytest.fixture
def decoder():
    """A small decoder with random weights, larger than at the start so that attention matters."""
    keras.utils.set_random_seed(3)
    found = transformer.Decoder(vocabulary=23, context=12, width=16, depth=2, heads=4)
    for weight in found.trainable_weights:
        weight.assign(weight + 0.2 * tf.random.stateless_normal(weight.shape, [1, len(weight.shape)]))
    return found


@pytest.fixture
def rows(rng):
    return rng.integers(1, 23, (5, 12)).astype(np.int32)


# --- the network -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 4, 11])
def test_a_later_token_changes_nothing_before_it(decoder, rows, place):
    """Causality: exactly equal logits before the changed place, other ones from there on."""
    changed = rows.copy()
    changed[:, place] = rows[:, place] % 22 + 1
    before, after = (decoder(tokens, training=False).numpy() for tokens in (rows, changed))
    assert np.array_equal(before[:, :place], after[:, :place])
    assert (np.abs(before[:, place:] - after[:, place:]).max(axis=(0, 2)) > 1e-4).all()


def test_attention_is_the_formula(rng):
    """One head against softmax(q kᵀ / √D) v in NumPy, with the upper triangle left out."""
    layer = transformer.Attention(width=6, heads=1)
    layer.build((None, None, 6))
    x = rng.standard_normal((2, 5, 6)).astype("float32")
    q, k, v = np.split(x @ layer.qkv.kernel.numpy() + layer.qkv.bias.numpy(), 3, axis=-1)
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(6)
    scores[:, np.triu_indices(5, 1)[0], np.triu_indices(5, 1)[1]] = -np.inf
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    wanted = weights @ v @ layer.out.kernel.numpy() + layer.out.bias.numpy()
    assert np.allclose(layer(x).numpy(), wanted, atol=1e-5)


def test_parameters_are_counted_by_the_formula(decoder):
    """Embeddings, 12 width² + 13 width a block (norms, biases), the last norm; the output matrix is tied."""
    width, depth = 16, 2
    assert decoder.parameters()[0] == (23 + 12) * width + depth * (12 * width**2 + 13 * width) + 2 * width


def test_the_cache_gives_the_same_logits(decoder, rows):
    """Place by place with the cache as all at once."""
    whole, cache = decoder(rows, training=False).numpy(), decoder.empty_cache(len(rows))
    for place in range(12):
        logits, cache = decoder.step(tf.constant(rows[:, place]), cache, tf.constant(place))
        assert np.allclose(logits.numpy(), whole[:, place], atol=1e-4)


@pytest.mark.parametrize("knobs", [{}, {"temperature": 0.5}, {"top_k": 3}, {"top_p": 0.7, "temperature": 2.0}])
def test_cached_and_uncached_sampling_agree(decoder, rows, knobs):
    """The same tokens with and without cache, for each knob."""
    both = [
        generation.generate_tokens(decoder, rows[:, :3], 9, seed=5, cached=cached, **knobs) for cached in (True, False)
    ]
    assert np.array_equal(*both)
    assert np.array_equal(both[0][:, :3], rows[:, :3])
    assert not np.array_equal(both[0], generation.generate_tokens(decoder, rows[:, :3], 9, seed=6, **knobs))


def test_lora_starts_as_the_identity_learns_and_merges_exactly(decoder, rows):
    """Same logits at first; only A and B move; the merged decoder equals the one with LoRA; the original stays."""
    before = decoder(rows, training=False).numpy()
    lora = decoder.with_lora(rank=2)
    assert np.array_equal(lora(rows, training=False).numpy(), before)
    all_, trainable = lora.parameters()
    assert trainable == 2 * sum(2 * (a + b) for a, b in ((16, 48), (16, 16), (16, 64), (64, 16)))
    assert all_ - trainable == decoder.parameters()[0]
    frozen = {name: value for name, value in transformer.take_weights(decoder).items() if "kernel" not in name}
    transformer.compile_decoder(lora, 1e-2)
    lora.fit(rows[:, :-1], rows[:, 1:], epochs=8, verbose=0)
    after = lora(rows, training=False).numpy()
    assert np.abs(after - before).max() > 0.1
    merged = lora.copy()
    assert merged.parameters() == (decoder.parameters()[0],) * 2
    assert np.allclose(merged(rows, training=False).numpy(), after, atol=1e-4)
    now = transformer.take_weights(lora)
    assert all(np.array_equal(now[name], value) for name, value in frozen.items())
    assert np.array_equal(decoder(rows, training=False).numpy(), before)


def test_a_decoder_learns_a_known_distribution():
    """Tokens of a fixed Markov chain: bits come down to the chain's entropy rate, and stay above it."""
    rng = np.random.default_rng(0)
    chain = rng.dirichlet(np.full(6, 0.4), 6)
    found = np.zeros((600, 24), np.int32)
    found[:, 0] = rng.integers(0, 6, 600)
    for place in range(1, 24):
        uniform = rng.random(600)[:, None]
        found[:, place] = (uniform > chain[found[:, place - 1]].cumsum(axis=1)).sum(axis=1)
    tokens = np.minimum(found, 5) + 1
    share = np.linalg.matrix_power(chain, 200)[0]
    entropy = -(share[:, None] * chain * np.log2(np.maximum(chain, 1e-12))).sum()
    keras.utils.set_random_seed(1)
    decoder = transformer.compile_decoder(transformer.Decoder(8, 24, width=16, depth=1, heads=2), 1e-2)
    decoder.fit(tokens[:500, :-1], tokens[:500, 1:], batch_size=50, epochs=25, verbose=0)
    bits = transformer.bits_per_token(decoder, tokens[500:])
    assert entropy - 0.06 < bits < entropy + 0.12, (bits, entropy)


def test_bits_of_an_untrained_and_of_a_certain_model(decoder, rows):
    """Uniform logits give log2 V; padding and given tokens are not counted; nothing to score is an error."""
    for weight in decoder.trainable_weights:
        weight.assign(tf.zeros_like(weight))
    assert transformer.bits_per_token(decoder, rows) == pytest.approx(math.log2(23), abs=1e-5)
    loss = transformer.TokenLoss()(tf.constant(rows), tf.zeros((5, 12, 23)))
    assert float(loss) == pytest.approx(math.log(23), abs=1e-5)
    with pytest.raises(CourseError, match="no token to score"):
        transformer.bits_per_token(decoder, -rows)


def test_padding_and_given_tokens_do_not_count(decoder, rows):
    """A padded batch has the bits of its parts; given places change the mean to that of the others."""
    short = np.concatenate([rows[:, :6], np.zeros((5, 6), np.int32)], axis=1)
    assert transformer.bits_per_token(decoder, short) == pytest.approx(
        transformer.bits_per_token(decoder, rows[:, :6]), rel=1e-5
    )
    logits = decoder(rows[:, :-1], training=False).numpy().astype(float)
    each = -(logits - np.log(np.exp(logits).sum(-1, keepdims=True)))
    each = np.take_along_axis(each, rows[:, 1:, None], axis=2)[..., 0] / np.log(2)
    given = rows.copy()
    given[:, :5] *= -1
    assert transformer.bits_per_token(decoder, given) == pytest.approx(each[:, 4:].mean(), rel=1e-4)


def test_saved_weights_come_back_in_half_precision(decoder, rows, tmp_path):
    """float16 on disk: nearly the same logits; facts come back; other files are refused in one line."""
    transformer.save_decoder(decoder, tmp_path / "d.npz", characters="abc", steps=3)
    again, facts = transformer.load_decoder(tmp_path / "d.npz")
    assert facts == {"characters": "abc", "steps": 3}
    assert np.abs(again(rows).numpy() - decoder(rows).numpy()).max() < 0.05
    (tmp_path / "no.npz").write_bytes(b"PK nothing")
    with pytest.raises(CourseError, match="cannot be read"):
        transformer.load_decoder(tmp_path / "no.npz")
    other = transformer.Decoder(vocabulary=23, context=12, width=8, depth=2, heads=4)
    with pytest.raises(CourseError, match="another decoder"):
        transformer.put_weights(other, transformer.take_weights(decoder))


# --- generation ------------------------------------------------------------------------------------------


def test_filters_keep_what_they_say():
    """top-k, top-p, allowed and temperature on logits that can be followed by hand."""
    logits = tf.math.log(tf.constant([[0.5, 0.25, 0.15, 0.1]]))

    def kept(**knobs):
        return (generation.filtered(logits, **knobs).numpy()[0] > -1e8).tolist()

    assert kept(top_k=2) == [True, True, False, False]
    assert kept(top_p=0.5) == [True, False, False, False]
    assert kept(top_p=0.51) == [True, True, False, False]
    assert kept(top_p=1.0) == [True] * 4
    assert kept(allowed=tf.constant([False, True, False, True])) == [False, True, False, True]
    assert kept(allowed=tf.constant([False, True, True, True]), top_k=1) == [False, True, False, False]
    sharp = tf.nn.softmax(generation.filtered(logits, temperature=0.5)).numpy()[0]
    assert np.allclose(sharp, np.square([0.5, 0.25, 0.15, 0.1]) / np.square([0.5, 0.25, 0.15, 0.1]).sum())


def test_draws_have_the_models_frequencies():
    """4,000 draws against the probabilities: a chi-square statistic within its 99.9 % bound (16.3 for 3 degrees)."""
    probabilities = np.array([0.5, 0.25, 0.15, 0.1])
    logits = tf.tile(tf.math.log(tf.constant(probabilities[None], tf.float32)), (4000, 1))
    drawn = generation._draw_tokens(logits, 1.0, None, None, None, seed=tf.constant([1, 2])).numpy()
    counts = np.bincount(drawn, minlength=4)
    assert ((counts - 4000 * probabilities) ** 2 / (4000 * probabilities)).sum() < 16.3


def test_only_allowed_tokens_come_and_an_end_ends(decoder, rows):
    """A mask by place is obeyed; after the stop token there is padding only."""
    even = np.arange(23) % 2 == 0
    made = generation.generate_tokens(
        decoder, rows[:, :2], 10, allowed=lambda place: even if place % 2 else ~even, seed=1
    )
    for place in range(2, 12):
        assert (made[:, place] % 2 == (0 if place % 2 else 1)).all()
    made = generation.generate_tokens(decoder, np.repeat(rows, 20, axis=0)[:, :2], 10, stop=4, temperature=3.0, seed=2)
    ended = [row for row in made if 4 in row[2:]]
    assert ended
    for row in ended:
        assert (row[2 + list(row[2:]).index(4) + 1 :] == 0).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temperature": 0.0}, "temperature must be"),
        ({"temperature": float("nan")}, "temperature must be"),
        ({"temperature": -1}, "temperature must be"),
        ({"top_k": 0}, "top_k must be"),
        ({"top_k": 24}, "from 1 to 23"),
        ({"top_k": 2.0}, "top_k must be"),
        ({"top_p": 0.0}, "top_p must"),
        ({"top_p": float("nan")}, "top_p must"),
        ({"prompts": np.ones((1, 13), int)}, "the context holds 12"),
        ({"prompts": np.full((1, 2), 23)}, "tokens from 0 to 22"),
        ({"prompts": np.ones((1, 0), int)}, "P >= 1"),
        ({"prompts": np.ones((1, 2))}, "must be integers"),
    ],
)
def test_bad_knobs_and_prompts_are_refused(decoder, change, words):
    """One clear line each."""
    arguments = {"prompts": np.ones((1, 2), int), "length": 3, **change}
    with pytest.raises(CourseError, match=words) as caught:
        generation.generate_tokens(decoder, **arguments)
    assert "\n" not in str(caught.value)


def test_sizes_are_checked(decoder):
    """Heads that do not divide, sizes that are none, sequences beyond the context, a rank that is none."""
    with pytest.raises(CourseError, match="heads must divide"):
        transformer.Decoder(10, 10, width=10, heads=3)
    with pytest.raises(CourseError, match="depth must be"):
        transformer.Decoder(10, 10, depth=0)
    with pytest.raises(CourseError, match="at most 12 tokens"):
        decoder(np.ones((1, 13), int))
    with pytest.raises(CourseError, match="rank must be"):
        decoder.with_lora(0)


def test_distinct_and_copies():
    """Distinct-n and the longest common piece on cases that can be counted by hand."""
    assert generation.distinct(["aaaa"], 2) == pytest.approx(1 / 3)
    assert generation.distinct(["abc", "abd"], 2) == pytest.approx(3 / 4)
    assert generation.distinct([], 2) == 0
    assert generation.longest_copy("xabcdy", "zzabcdzz") == 4
    assert generation.longest_copy("abc", "xyz") == 0


# --- tokens ----------------------------------------------------------------------------------------------


def test_characters_come_back():
    """Round trip; unknown characters are marked; rows end, are padded and cut."""
    tokenizer = characters.CharTokenizer.of("床前明月光，疑是地上霜。")
    words = "明月光，地上霜。"
    assert tokenizer.decode(tokenizer.encode(words)) == words
    assert tokenizer.decode(tokenizer.encode("明X")) == "明□"
    rows = tokenizer.rows(["明月", "床前明月光"], 4)
    assert rows[0].tolist()[2:] == [characters.END, characters.PAD]
    assert (rows[1] > 2).all()
    assert tokenizer.decode(rows[0]) == "明月"


@pytest.mark.parametrize("bad", ["", b"bytes", None])
def test_corpora_that_are_none_are_refused(bad):
    """Empty or undecoded corpora: one line."""
    with pytest.raises(CourseError, match="a text is needed"):
        characters.CharTokenizer.of(bad)
    with pytest.raises(CourseError, match="a text is needed"):
        characters.CharTokenizer("ab").encode(bad if bad != "" else 7)


def test_strict_encoding_names_what_is_outside():
    """strict=True names the characters that the vocabulary lacks."""
    with pytest.raises(CourseError, match="not in the vocabulary: Z"):
        characters.CharTokenizer("abc").encode("aZ", strict=True)


# --- training --------------------------------------------------------------------------------------------


def cyclic(step):
    """Batches that are functions of the step."""
    steps = tf.data.Dataset.range(step, 10_000)

    def batch(i):
        tokens = 1 + tf.random.stateless_uniform((4, 9), [7, tf.cast(i, tf.int32)], 0, 5, dtype=tf.int32)
        return tokens[:, :-1], tokens[:, 1:]

    return steps.map(batch)


def small():
    keras.utils.set_random_seed(2)
    return transformer.compile_decoder(transformer.Decoder(8, 10, width=8, depth=1, heads=2), 1e-2, steps=30)


def test_a_resumed_training_ends_as_an_uninterrupted_one(tmp_path):
    """20 steps, then a new process' worth of 10 more, equals 30 in one go, optimizer and schedule included."""
    whole = small()
    rows = training.train_decoder(whole, cyclic, 30, every=10)
    first = small()
    training.train_decoder(first, cyclic, 20, every=10, folder=tmp_path)
    second = small()
    second_rows = training.train_decoder(second, cyclic, 30, every=10, folder=tmp_path)
    for a, b in zip(whole.weights, second.weights, strict=True):
        assert np.allclose(a.numpy(), b.numpy(), atol=1e-6)
    assert [row["step"] for row in second_rows] == [row["step"] for row in rows] == [10, 20, 30]
    again = training.train_decoder(small(), cyclic, 30, every=10, folder=tmp_path)
    assert [row["step"] for row in again] == [10, 20, 30]


def test_a_step_is_traced_once():
    """Half the time until the first step: without its variables ready, an optimizer has TensorFlow trace twice."""
    traced = []

    class Counted(transformer.TokenLoss):
        def call(self, wanted, logits):
            traced.append(1)
            return super().call(wanted, logits)

    decoder = small()
    transformer.compile_decoder(decoder, 1e-2, 4, loss=Counted())
    training.train_decoder(decoder, cyclic, 4, every=2)
    assert len(traced) == 1


def test_ctrl_c_keeps_what_was_learnt(tmp_path, monkeypatch):
    """KeyboardInterrupt in the 15th step: it goes on upwards, in one line; the same call goes on from step 10."""
    calls = []
    show = training.Curve.on_train_batch_end

    def interrupt(self, batch, logs=None):
        calls.append(batch)
        if len(calls) == 15:
            raise KeyboardInterrupt
        show(self, batch, logs)

    monkeypatch.setattr(training.Curve, "on_train_batch_end", interrupt)
    with pytest.raises(Stopped, match=r"Stopped at step 14 of 30.*goes on from step 10"):
        training.train_decoder(small(), cyclic, 30, every=10, folder=tmp_path)
    rows = training.train_decoder(small(), cyclic, 30, every=10, folder=tmp_path)
    assert [row["step"] for row in rows] == [10, 20, 30]


def test_training_refuses_what_it_cannot_go_on_from(tmp_path):
    """Another decoder's folder, a damaged file, steps that are none."""
    training.train_decoder(small(), cyclic, 10, every=10, folder=tmp_path)
    other = transformer.compile_decoder(transformer.Decoder(8, 10, width=16, depth=1, heads=2), 1e-2)
    with pytest.raises(CourseError, match="another decoder"):
        training.train_decoder(other, cyclic, 10, folder=tmp_path)
    (tmp_path / "training.npz").write_bytes(b"nothing")
    with pytest.raises(CourseError, match="Remove it"):
        training.train_decoder(small(), cyclic, 10, folder=tmp_path)
    with pytest.raises(CourseError, match="steps must be"):
        training.train_decoder(small(), cyclic, 0)


# --- the poems -------------------------------------------------------------------------------------------


def test_poems_and_plays_are_what_the_readme_says():
    """Counts, form, split: no quatrain in the pre-training poems, no test poem in the others, the same each time."""
    poems = data.load_tang_poems()
    assert len(poems) == 50_621
    assert len({text for _, _, text in poems}) == len(poems)
    quatrains = data.load_quatrains()
    assert len(quatrains) == 3_736
    others, train, test = tang.split_tang()
    assert (len(others), len(train), len(test)) == (46_885, 3_336, 400)
    assert not {t for _, t in train} & {t for _, t in test}
    assert not any(data.is_quatrain(poem) for poem in others[:2000])
    assert tang.split_tang()[2][:3] == test[:3]
    plays, sonnets = data.load_shakespeare(), data.load_shakespeare("sonnets")
    assert "To be, or not to be" in plays
    assert "Shall I compare thee" in sonnets
    assert "Shall I compare thee" not in plays
    with pytest.raises(CourseError, match="plays, sonnets"):
        data.load_shakespeare("letters")


@pytest.mark.parametrize(
    ("poem", "is_one"),
    [
        ("床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。", True),
        ("床前明月光疑是地上霜。舉頭望明月，低頭思故鄉。", False),
        ("床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉", False),
        ("", False),
        ("，" * 24, False),
    ],
)
def test_the_form_of_a_quatrain(poem, is_one):
    """Four times five characters and a mark, and nothing else."""
    assert data.is_quatrain(poem) is is_one


def test_plays_come_one_by_one_without_milton():
    """37 titles, each text begins with its own, none holds another's name, and what is left out is Milton's."""
    plays = data.load_plays()
    assert len(dict(plays)) == 37
    assert all(text.startswith(title) and text.count("by William Shakespeare") == 1 for title, text in plays)
    assert not any("Milton" in text or "MILTON" in text for _, text in plays)
    assert sum(len(text) for _, text in plays) == 4_948_793
    assert "To be, or not to be" in dict(plays)["HAMLET, PRINCE OF DENMARK"]


def test_versions_of_a_poem_are_dropped_from_the_test():
    """Two lines in one training poem are a leak; one line, or one each in two poems, is none. 44 of the 400 leak."""
    a, b, c, d, x = "一二三四五", "六七八九十", "甲乙丙丁戊", "己庚辛壬癸", "子丑寅卯辰"
    pair = ("題", f"{a}，{b}。{c}，{d}。")
    assert tang.without_leaks([pair], [f"{x}，{b}。{x}，{d}。"]) == []
    assert tang.without_leaks([pair], [f"{a}，{x}。", f"{x}，{b}。"]) == [pair]
    others, train, test = tang.split_tang()
    clean = tang.without_leaks(test, others + [text for _, text in train])
    assert len(clean) == 356
    assert [p for p in test if p in clean] == clean


def test_titles_are_exchanged_for_others_of_about_their_length():
    """No poem keeps its title, poems stay in order, lengths stay near; where all titles are one, it is said."""
    _, _, test = tang.split_tang()
    moved = tang.exchanged(test)
    assert [text for _, text in moved] == [text for _, text in test]
    assert all(new != old for (new, _), (old, _) in zip(moved, test, strict=True))
    gaps = [abs(len(new) - len(old)) for (new, _), (old, _) in zip(moved, test, strict=True)]
    assert np.mean(gaps) < 0.3
    with pytest.raises(CourseError, match="different titles"):
        tang.exchanged([("題", "一"), ("題", "二")])


def test_poems_for_titles_of_all_lengths_are_written_at_once():
    """Rows keep their titles; a very low temperature writes what `write_poems` writes; given marks them as labelled."""
    poem = "床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。"
    tokenizer = tang.tang_tokenizer([poem * 20, "靜夜思月下" * 20])
    decoder = transformer.Decoder(len(tokenizer), tang.LENGTH, width=16, depth=1, heads=2)
    titles = ["月", "靜夜思", "月下"]
    rows = tang.write_all(decoder, tokenizer, titles, temperature=1e-4, batch_size=2)
    assert rows.shape == (3, tang.LENGTH)
    assert [tang.poem_of(tokenizer, row) for row in rows] == tang.write_poems(
        decoder, tokenizer, titles, temperature=1e-4
    )
    marked = tang.given(rows, tokenizer)
    for row, title in zip(marked, titles, strict=True):
        assert (row[: len(title) + 2] < 0).all()
        assert (row[len(title) + 2 :] >= 0).all()
        assert tokenizer.decode(-row[1 : len(title) + 2]) == title + tang.COLON


def test_answers_are_scored_without_what_was_given():
    """ln p of a row is minus ln 2 times its scored tokens times their bits."""
    decoder = transformer.Decoder(9, 8, width=16, depth=1, heads=2)
    rows = np.array([[-2, -3, 4, 5, 2, 0], [-2, 6, 7, 8, 2, 0]])
    logs = prefer.logs_of(decoder, rows, batch_size=1)
    assert -logs.sum() / np.log(2) / 7 == pytest.approx(transformer.bits_per_token(decoder, rows), rel=1e-5)


def test_the_loss_of_preferences():
    """ln 2 where nothing moved; -ln sigmoid of beta times the difference of gains; its slope pulls the two apart."""
    zero = tf.zeros(3)
    assert float(prefer.dpo_loss(zero, zero, zero, zero, 0.1)) == pytest.approx(np.log(2))
    loss = prefer.dpo_loss(tf.constant([2.0]), tf.constant([-1.0]), tf.constant([1.0]), tf.constant([1.0]), 0.5)
    assert float(loss) == pytest.approx(np.log1p(np.exp(-0.5 * 3)))
    better = tf.Variable([0.0])
    with tf.GradientTape() as tape:
        loss = prefer.dpo_loss(better, zero[:1], zero[:1], zero[:1], 0.4)
    assert float(tape.gradient(loss, better)[0]) == pytest.approx(-0.2)


def test_pairs_need_one_good_and_one_bad_answer():
    """The first of either kind; prompts whose answers are all alike give none."""
    better, worse = prefer.pairs_from([[0, 1, 1], [1, 1, 1], [0, 0, 0], [1, 0, 0]])
    assert better.tolist() == [[0, 1], [3, 0]]
    assert worse.tolist() == [[0, 0], [3, 1]]
    with pytest.raises(CourseError, match="prompts, answers"):
        prefer.pairs_from([1, 0])


def test_no_policy_is_cheaper_than_the_floor():
    """Random policies over five answers pay at least the floor of their mean reward; tilting by the reward pays it."""
    rng = np.random.default_rng(1)
    start, good = rng.dirichlet(np.ones(5)), np.array([1, 0, 1, 0, 0])
    for policy in rng.dirichlet(np.ones(5), 50):
        kl = (policy * np.log(policy / start)).sum()
        assert kl >= prefer.least_kl(policy @ good, start @ good) - 1e-12
    tilted = start * np.exp(good / 0.3)
    tilted /= tilted.sum()
    kl = (tilted * np.log(tilted / start)).sum()
    assert kl == pytest.approx(prefer.least_kl(tilted @ good, start @ good))
    assert prefer.least_kl(1.0, 0.5) == pytest.approx(np.log(2))


def test_labelled_rows_count_the_poem_only():
    """Title and colon are given, poem and end are scored; pairs for fit have no target in the title."""
    poem = "床前明月光，疑是地上霜。舉頭望明月，低頭思故鄉。"
    tokenizer = tang.tang_tokenizer([poem * 20, "靜夜思" * 20])
    rows = tang.labelled(tokenizer, [("靜夜思", poem)])
    inputs, targets = tang.pairs_of(rows)
    assert tokenizer.decode(inputs[0][1:]) == "靜夜思：" + poem
    assert (targets[0] > 0).sum() == 25
    assert targets[0][4] == tokenizer.encode("床")[0]
    assert tang.poem_of(tokenizer, inputs[0]) == poem
    assert tang.prompt(tokenizer, "靜夜思", "床前").tolist() == [inputs[0][:7].tolist()]


def test_windows_are_functions_of_seed_and_step():
    """A resumed stream goes on where it was; targets are inputs moved by one; another seed gives others."""
    tokens = np.arange(3, 200)
    first = [pair for _, pair in zip(range(4), tang.windows(tokens, 8, 3, seed=1), strict=False)]
    later = next(iter(tang.windows(tokens, 8, 3, seed=1, start=3)))
    assert np.array_equal(first[3][0], later[0])
    assert np.array_equal(first[0][0][:, 1:], first[0][1][:, :-1])
    assert not np.array_equal(first[0][0], next(iter(tang.windows(tokens, 8, 3, seed=2)))[0])
    with pytest.raises(CourseError, match="longer than a window"):
        tang.windows(tokens[:5], 8, 3, seed=1)


def test_rhymes_are_learnt_from_the_poems():
    """Classes are the connected pieces; a character does not rhyme with itself."""
    poem = "一二三四光，一二三四霜。一二三四月，一二三四鄉。"
    table = tang.rhyme_table([poem] * 5 + ["一二三四天，一二三四年。一二三四地，一二三四邊。"] * 5)
    assert table["霜"] == table["鄉"] != table["年"] == table["邊"]
    assert tang.rhymes(poem, table)
    assert not tang.rhymes(poem[:22] + "年。", table)
    assert not tang.rhymes(poem[:22] + "霜。", table)
