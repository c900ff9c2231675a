"""Costs of large models in closed form, and the code that runs them, on tiny presets made here. Nothing is fetched."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from aigc_course.errors import CourseError
from aigc_course.lmdg.hub import costs, load, tiny

LINE = "Shall I compare thee to a summer's day?"
SMALL = costs.DecoderShape(2, 16, 4, 2, 4, 24, 50)


@pytest.fixture(scope="module")
def keras_hub():
    """KerasHub; without it the tests that need it are skipped, but never in CI."""
    try:
        return load.import_hub()
    except CourseError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI needs KerasHub: {error}")
        pytest.skip(str(error))


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """A connection to another machine fails, loudly: no test may reach for the network."""

    def refuse(self, address):
        raise AssertionError(f"a test reached for the network: {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="module")
def language_folder(keras_hub, tmp_path_factory):
    return tiny.tiny_language_preset(tmp_path_factory.mktemp("language") / "tiny")


@pytest.fixture(scope="module")
def painter(keras_hub, tmp_path_factory):
    if sys.platform == "win32":
        pytest.skip("tensorflow-text, which CLIP's tokenizer needs, has no build for Windows")
    return load.load_preset(tiny.tiny_image_preset(tmp_path_factory.mktemp("image") / "tiny"), "image")


# --- costs -------------------------------------------------------------------------------------------------


def common(shape):
    """The settings that KerasHub's decoders share."""
    return {
        "vocabulary_size": shape.vocabulary,
        "num_layers": shape.layers,
        "num_query_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "hidden_dim": shape.width,
        "intermediate_dim": shape.mlp,
    }


BUILDERS = {
    "gpt2_base_en": (
        SMALL._replace(kv_heads=4, positions=9, gated=False, biases=True),
        lambda models, s: models.GPT2Backbone(s.vocabulary, s.layers, s.heads, s.width, s.mlp, max_sequence_length=9),
    ),
    "qwen2.5_0.5b_en": (SMALL._replace(qkv_biases=True), lambda models, s: tiny.qwen(s)),
    "qwen3_0.6b_en": (
        SMALL._replace(head_dim=6, qk_norms=True),
        lambda models, s: models.Qwen3Backbone(**common(s), head_dim=s.head_dim, tie_word_embeddings=True),
    ),
    "gemma3_1b": (
        SMALL._replace(head_dim=6, qk_norms=True, post_norms=True),
        lambda models, s: models.Gemma3Backbone(
            **common(s),
            head_dim=s.head_dim,
            image_size=None,
            vision_encoder=None,
            dtype="float32",
            use_post_ffw_norm=True,
            use_post_attention_norm=True,
        ),
    ),
    "llama3.2_1b": (SMALL._replace(tied=False), lambda models, s: models.Llama3Backbone(**common(s))),
    "mistral_7b_en": (SMALL._replace(tied=False), lambda models, s: models.MistralBackbone(**common(s))),
}


@pytest.mark.parametrize("name", BUILDERS)
def test_parameters_and_lora_weights_are_those_that_kerashub_counts(keras_hub, name):
    """The closed forms against a small network of each architecture, exactly; the table differs in size only."""
    shape, build = BUILDERS[name]
    kinds = ("gated", "biases", "qkv_biases", "qk_norms", "post_norms", "tied")
    assert all(getattr(shape, kind) == getattr(costs.find(name).shape, kind) for kind in kinds)
    assert bool(shape.positions) == bool(costs.find(name).shape.positions)
    network = build(keras_hub.models, shape)
    assert costs.parameters(shape) == network.count_params()
    load.only_low_rank(network, 3)
    assert costs.lora_parameters(shape, 3) == sum(int(np.prod(w.shape)) for w in network.trainable_weights)


@pytest.mark.parametrize("filters", [(32, 32, 32, 32), (32, 64, 64, 96)])
def test_diffusion_parameters_are_those_that_kerashub_counts(keras_hub, filters):
    """Stable Diffusion 3 with few layers: text encoders, transformer and image coder, exactly."""
    encoder = costs.DecoderShape(2, 16, 2, 2, 8, 40, 30, positions=8, gated=False, biases=True)
    shape = costs.DiffusionShape(
        3, 16, 2, 2, 6, 4, (encoder, encoder._replace(layers=3, width=24, heads=3, kv_heads=3)), filters, 1
    )
    assert costs.parameters(shape) == tiny.stable_diffusion(shape, 32).count_params()


def test_parameters_are_those_that_are_published(keras_hub):
    """Every preset of the table against the number in KerasHub's own list of presets: within 2 %; in fact equal."""
    for name, model in costs.MODELS.items():
        published = keras_hub.models.Backbone.presets[name]["metadata"]["params"]
        assert costs.parameters(model.shape) == pytest.approx(published, rel=0.02), name


PUBLISHED_FILES = {  # GB, as the files are listed beside the models' cards
    "gpt2_base_en": 0.498,
    "qwen2.5_0.5b_en": 1.98,
    "qwen3_0.6b_en": 2.39,
    "llama3.2_1b": 3.00,
    "mistral_7b_en": 14.5,
    "stable_diffusion_3_medium": 5.98,
}


@pytest.mark.parametrize("name", PUBLISHED_FILES)
def test_bytes_to_fetch_are_those_of_the_file(name):
    """Parameters times the bytes that each has in the file, within 1 % of the file's size."""
    assert costs.cost(name)["fetch_bytes"] / 1e9 == pytest.approx(PUBLISHED_FILES[name], rel=0.01)


def test_memory_and_time_follow_from_the_shape():
    """Memory grows with context by two numbers a layer, key head and place; time by what is read or multiplied."""
    shape = costs.find("qwen2.5_0.5b_en").shape
    short, long = (costs.cost("qwen2.5_0.5b_en", context=n) for n in (1000, 3000))
    assert long["generate_bytes"] - short["generate_bytes"] == 2000 * 2 * 24 * 2 * 64 * 2
    assert short["generate_bytes"] == 2 * costs.parameters(shape) + 1000 * 2 * 24 * 2 * 64 * 2
    slow_memory, slow_products = costs.Speed(1e15, 1e9), costs.Speed(1e6, 1e15)
    read, multiplied = (costs.cost("qwen2.5_0.5b_en", speed=s) for s in (slow_memory, slow_products))
    assert read["generate_seconds"] == pytest.approx(read["generate_bytes"] / 1e9)
    assert multiplied["generate_seconds"] == pytest.approx(2 * costs.parameters(shape) / 1e6, rel=0.1)
    assert multiplied["tune_flops"] == pytest.approx(4 * costs.parameters(shape) * 1024, rel=0.1)
    assert read["tune_bytes"] > read["generate_bytes"]
    ranks = [costs.cost("qwen2.5_0.5b_en", rank=r)["tune_bytes"] for r in (4, 8)]
    assert ranks[1] - ranks[0] == 4 * 4 * 4 * costs.lora_parameters(shape, 1)


def test_a_larger_picture_costs_more_than_its_pixels():
    """Attention grows with the square of the number of places: twice the side, more than four times the FLOPs."""
    small, large = (costs.cost("stable_diffusion_3_medium", side=side) for side in (512, 1024))
    assert large["generate_flops"] > 4 * small["generate_flops"]
    assert large["generate_bytes"] > small["generate_bytes"]
    steps = [costs.cost("stable_diffusion_3_medium", steps=n)["generate_flops"] for n in (1, 2, 3)]
    assert steps[2] - steps[1] == steps[1] - steps[0] > 0


def test_the_table_names_every_licence_and_what_is_too_large():
    """One line for each preset, with licence, terms and size; a model larger than the device is marked."""
    lines = costs.table(device_memory_gib=8.0).splitlines()
    assert len(lines) == 2 + len(costs.MODELS)
    assert lines[-1].startswith("* terms to accept")
    assert max(map(len, lines)) <= 145
    for line, (name, model) in zip(lines[1:-1], costs.MODELS.items(), strict=True):
        assert line.startswith(name)
        assert model.licence in line
        assert line.endswith("*") == model.terms
        cost = costs.cost(name, device_memory_gib=8.0)
        needs = [cost[use] for use in ("generate_bytes", "tune_bytes") if use in cost]
        assert line.count("too large") == sum(size > 8 * 2**30 for size in needs)
        assert cost["fits"] == (name != "mistral_7b_en")
    assert "s an image" not in costs.table(speed=None)
    assert "*" not in costs.table("gpt2_base_en")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "gpt5"}, "preset must be one of gpt2_base_en"),
        ({"side": 500}, "multiple of 16"),
        ({"batch": 0}, "batch=0"),
    ],
)
def test_costs_of_nonsense_are_refused(options, message):
    """One line that lists the presets, or the sizes."""
    with pytest.raises(CourseError, match=message) as caught:
        costs.cost(**{"name": "gpt2_base_en", **options})
    assert "\n" not in str(caught.value)


# --- guards ------------------------------------------------------------------------------------------------


def test_without_consent_nothing_is_fetched_and_the_cost_is_shown(capsys):
    """Size and licence are printed, and one line says how to agree; `agreed` must be True itself."""
    for agreed in (False, "no", 1):
        with pytest.raises(CourseError, match=r"2\.0 GB under the licence Apache-2\.0.*agreed=True"):
            load.fetch_preset("qwen2.5_0.5b_en", agreed)
    assert "Apache-2.0" in capsys.readouterr().out


def test_without_a_gpu_nothing_is_fetched(monkeypatch, keras_hub):
    """With consent but on a CPU: one line, no call of from_preset."""
    monkeypatch.setattr(load, "has_gpu", lambda: False)
    monkeypatch.setattr(keras_hub.models.CausalLM, "from_preset", lambda *a, **k: pytest.fail("fetched"))
    with pytest.raises(CourseError, match="needs a GPU"):
        load.fetch_preset("gpt2_base_en", agreed=True)


def test_without_kerashub_the_package_is_named(monkeypatch):
    """One line that says what to install."""
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(CourseError, match=r"pip install 'aigc-course\[hub\]'"):
        load.fetch_preset("gpt2_base_en", agreed=True)


def test_without_tensorflow_text_images_are_refused(monkeypatch, keras_hub):
    """As on Windows, for which tensorflow-text is not built: one line that says where it runs."""
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    with pytest.raises(CourseError, match="images need tensorflow-text"):
        load.load_preset(".", "image")


@pytest.mark.skipif(sys.platform == "win32", reason="tensorflow-text has no build for Windows")
def test_a_failed_download_says_what_to_check(monkeypatch, keras_hub):
    """With consent and a GPU, from_preset is called with size and precision; its error becomes one line."""
    asked = {}

    def fail(name, **options):
        asked.update(options, name=name)
        raise OSError("403 Client Error\nand a page of details")

    monkeypatch.setattr(load, "has_gpu", lambda: True)
    monkeypatch.setattr(keras_hub.models.TextToImage, "from_preset", fail)
    with pytest.raises(CourseError, match=r"403 Client Error.*accept its terms") as caught:
        load.fetch_preset("stable_diffusion_3_medium", agreed=True, side=256)
    assert "\n" not in str(caught.value)
    assert asked == {"name": "stable_diffusion_3_medium", "dtype": "float16", "image_shape": (256, 256, 3)}


def test_only_a_folder_with_a_preset_is_loaded(tmp_path, keras_hub):
    """A preset's name is no folder: `load` never downloads."""
    for folder in (tmp_path, "gpt2_base_en"):
        with pytest.raises(CourseError, match="holds no preset"):
            load.load_preset(folder, "text")


def test_importing_the_module_does_not_import_kerashub():
    """The course runs without the extra: KerasHub is imported when a function needs it."""
    code = "import sys; from aigc_course.lmdg.hub import load, tiny; sys.exit('keras_hub' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


# --- the tiny presets --------------------------------------------------------------------------------------


def test_pairs_are_the_commonest_neighbours():
    """Counted by hand: in "low lower lowest" l-o stands three times, then lo-w, and so on to the end of the words."""
    tokens, pairs = tiny.byte_pairs("low lower lowest", 3)
    assert pairs == ["o w", "l ow", "low e"]
    assert [tokens[t] for t in ("ow", "low", "lowe", tiny.START, tiny.END)] == [256, 257, 258, 259, 260]
    assert tiny.byte_pairs("ab ab", 9, tiny.CLOSE)[1] == ["a b</w>"]
    assert len(set(tiny.byte_letters())) == 256


def test_any_text_comes_back_from_the_tiny_tokenizer(language_folder):
    """Bytes have tokens: Chinese and signs that the tokenizer never saw come back; seen pairs make a text shorter."""
    tokenizer = load.load_preset(language_folder, "text").preprocessor.tokenizer
    for text in (LINE, "春眠不覺曉", "{1} & ~"):
        assert tokenizer.detokenize(tokenizer(text)) == text
    assert len(tokenizer(LINE)) < len(LINE)


def test_lora_changes_its_own_weights_only_and_lowers_the_loss(language_folder):
    """After 40 steps on one line: frozen weights bit by bit the same, A and B changed, the loss below the first."""
    model = load.load_preset(language_folder, "text")
    before = {w.path: np.array(w) for w in model.backbone.weights}
    losses = load.fine_tune_preset(model, [LINE] * 4, rank=4, steps=40, length=24, learning_rate=3e-2)
    shape = costs.DecoderShape(2, 32, 4, 2, 8, 64, model.backbone.vocabulary_size, qkv_biases=True)
    assert sum(w.size for w in before.values()) == costs.parameters(shape)
    changed = {w.path for w in model.backbone.weights if w.path not in before or not np.array_equal(before[w.path], w)}
    assert changed == {w.path for w in model.trainable_weights}
    assert len(changed) == 2 * 2 * shape.layers
    assert all("lora_kernel" in path for path in changed)
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == costs.lora_parameters(shape, 4)
    assert len(losses) == 40
    assert losses[-1] < 0.8 * losses[0], (losses[0], losses[-1])
    assert model.preprocessor is not None
    again = load.fine_tune_preset(model, [LINE] * 4, rank=4, steps=2, length=24, learning_rate=1e-4)
    assert again[0] == pytest.approx(losses[-1], rel=0.2)  # goes on, does not begin anew


def test_texts_begin_with_their_prompts_and_follow_the_seed(language_folder):
    """Greedy and drawn: prompt first, more after it; one seed one text, another seed another."""
    model, prompts = load.load_preset(language_folder, "text"), ["Shall I", "Thou art"]
    greedy = load.write_texts(model, prompts, length=20, temperature=0)
    drawn = [load.write_texts(model, prompts, length=20, seed=seed) for seed in (1, 1, 2)]
    for texts in (greedy, *drawn):
        assert all(
            text.startswith(prompt) and len(text) > len(prompt) for text, prompt in zip(texts, prompts, strict=True)
        )
    assert drawn[0] == drawn[1] != drawn[2]


def test_images_have_their_shape_and_follow_seed_and_prompt(painter):
    """uint8 (N, 32, 32, 3); the same seed gives the same image, another seed another."""
    prompts = ["a red bird", "a blue bird"]
    first, same, other = (load.paint(painter, prompts, steps=2, seed=seed) for seed in (1, 1, 2))
    assert first.shape == (2, 32, 32, 3)
    assert first.dtype == np.uint8
    assert first.std() > 1
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


def test_a_saved_preset_is_what_kerashub_reads(language_folder):
    """The folder holds KerasHub's files, with the settings of the network that was asked for."""
    config = json.loads((language_folder / "config.json").read_text(encoding="utf-8"))
    assert config["registered_name"].endswith("QwenBackbone")
    assert config["config"]["num_layers"] == 2


@pytest.mark.parametrize("options", [{"texts": []}, {"rank": 0}, {"steps": 0}, {"length": 1}])
def test_nothing_to_train_on_is_refused(options):
    """One line, before the model is touched."""
    with pytest.raises(CourseError, match="texts must not be empty"):
        load.fine_tune_preset(None, **{"texts": [LINE], **options})


@pytest.mark.parametrize("prompts", [[], [""], [3]])
def test_empty_prompts_are_refused(prompts):
    with pytest.raises(CourseError, match="prompts must be a list of texts"):
        load.write_texts(None, prompts)


def test_speed_is_measured():
    """Both numbers of this device are plausible: between a slow laptop and beyond any GPU of today."""
    speed = load.measure_speed(size=256)
    assert 1e8 < speed.flops < 1e17
    assert 1e8 < speed.read < 1e15
