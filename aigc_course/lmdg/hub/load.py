"""Real large models through KerasHub: fetch one, fine-tune it by LoRA, write, paint (chapter 15).

The same functions run on a tiny preset from `tiny`, offline. What a preset costs stands in `costs`. KerasHub is
imported when a function needs it, not before: it is an extra, `pip install 'aigc-course[hub]'`.
"""

import importlib
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from aigc_course import data, errors, runtime
from aigc_course.errors import CourseError
from aigc_course.lmdg.hub import costs

__all__ = [
    "fetch_preset",
    "fine_tune_preset",
    "has_gpu",
    "import_hub",
    "load_preset",
    "measure_speed",
    "missing",
    "only_low_rank",
    "paint",
    "write_texts",
]


def import_hub(task="text"):
    """KerasHub, or a CourseError that says how to get it; for images also what CLIP's tokenizer needs."""
    runtime.configure()
    try:
        found = importlib.import_module("keras_hub")
    except ImportError as error:
        raise CourseError("this needs KerasHub; it is not installed. Run `pip install 'aigc-course[hub]'`.") from error
    if task == "image":
        try:
            importlib.import_module("tensorflow_text")
        except ImportError as error:
            raise CourseError(
                "images need tensorflow-text, which Windows has not: use WSL2, Linux or macOS."
            ) from error
    return found


def missing(task="text"):
    """What to install before presets for "text" or "image" can be used here, in a sentence; None if all is there."""
    try:
        import_hub(task)
    except CourseError as error:
        return str(error)
    return None


def has_gpu():
    """True if TensorFlow sees a GPU."""
    return bool(tf.config.list_physical_devices("GPU"))


def _compiled():
    """XLA where it pays: on a GPU. For the tiny preset on a CPU, compiling took longer than all the rest (measured)."""
    return {"jit_compile": "auto" if has_gpu() else False}


def measure_speed(size=2048, repeats=3):
    """FLOP/s and bytes/s of this device in the precision that models run in: half on a GPU, single on a CPU.

    A product of two matrices (size, size) takes 2 size³ FLOPs. A product with a vector reads the matrix once; this
    one is 16 times as tall, so that no cache holds it.

    Returns:
        `costs.Speed`, of the best of some repetitions.
    """
    dtype = tf.float16 if has_gpu() else tf.float32
    matrix = tf.cast(tf.random.stateless_normal((size, size), [0, 1]), dtype)
    tall = tf.tile(matrix, (16, 1))

    def seconds(left, right):
        begin = time.perf_counter()
        tf.reduce_sum(tf.matmul(left, right)).numpy()  # asking for the number waits for the device
        return time.perf_counter() - begin

    product, reading = (
        min(seconds(left, right) for _ in range(repeats + 1))
        for left, right in ((matrix, matrix), (tall, matrix[:, :1]))
    )
    return costs.Speed(2 * size**3 / product, 16 * size**2 * dtype.size / reading)


# --- real presets ------------------------------------------------------------------------------------------


def fetch_preset(name, agreed=False, dtype="float16", side=512):
    """Downloads a preset of `costs.MODELS` and loads it. Prints what it costs first; without consent, stops there.

    Args:
        name: str, the preset.
        agreed: bool, True says: I have read the licence and the size.
        dtype: str, of weights and computations: "float16" to write or paint, "mixed_float16" to fine-tune.
        side: int, pixels of an image's side, a multiple of 16.

    Returns:
        `keras_hub.models.CausalLM` or `keras_hub.models.TextToImage`.

    Raises:
        CourseError: no consent, no KerasHub, no GPU, or the download failed.
    """
    cost, model = costs.cost(name, side=side), costs.find(name)
    print(costs.table(name, side=side))
    if agreed is not True:
        raise CourseError(
            f"{name} is a download of {cost['fetch_bytes'] / 1e9:.1f} GB under the licence {model.licence}: "
            f"nothing was fetched. Read the licence, then call fetch_preset({name!r}, agreed=True)."
        )
    task = _task_class(model.task)
    if not has_gpu():
        raise CourseError(f"{name} needs a GPU; TensorFlow sees none, nothing was fetched. Use the tiny preset here.")
    options = {} if model.task == "text" else {"image_shape": (side, side, 3)}
    try:
        return task.from_preset(name, dtype=dtype, **options)
    except (OSError, ValueError, ImportError) as error:
        terms = " and accept its terms on the hub's site" if model.terms else ""
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise CourseError(f"fetching {name} failed ({reason}). Check the network{terms}, then try again.") from error


def _task_class(task):
    """KerasHub's class for "text" or "image"."""
    tasks = {"text": "CausalLM", "image": "TextToImage"}
    name = errors.one_of(task, tasks, "task")
    return getattr(import_hub(task).models, name)


def load_preset(folder, task):
    """Loads a preset from a folder, never from the network.

    Args:
        folder: where `save_to_preset` wrote.
        task: "text" or "image".

    Raises:
        CourseError: no such preset.
    """
    folder, task = Path(folder).resolve(), _task_class(task)
    if not (folder / "config.json").is_file():
        raise CourseError(f"{folder} holds no preset: config.json is missing. `tiny` makes tiny ones.")
    return task.from_preset(str(folder))


# --- what a learner does with a model ----------------------------------------------------------------------


def fine_tune_preset(causal_lm, texts, rank=4, steps=20, batch_size=4, length=128, learning_rate=1e-4, seed=0):
    """Trains a low-rank change of queries and values (LoRA, Hu et al., 2022) on texts; every other weight is frozen.

    Args:
        causal_lm: `keras_hub.models.CausalLM`, changed in place. A second call goes on with the same change.
        texts: list of str.
        rank: int, of the change.
        steps, batch_size: int, how many batches of how many texts, in an order given by `seed`.
        length: int, tokens that a text is cut or padded to.
        learning_rate: float, Adam's.

    Returns:
        list of float, the loss of each step in nats a token, padding left out.
    """
    texts = list(texts)
    if not texts or min(rank, steps, batch_size) < 1 or length < 2:
        raise CourseError(
            f"texts must not be empty, rank, steps and batch_size at least 1, length at least 2; received "
            f"{len(texts)} texts, rank={rank}, steps={steps}, batch_size={batch_size}, length={length}."
        )
    only_low_rank(causal_lm.backbone, rank)
    rows = causal_lm.preprocessor(texts, sequence_length=length)  # (inputs, targets, 0 for padding)
    batches = tf.data.Dataset.from_tensor_slices(rows).shuffle(len(texts), seed=seed).repeat()
    batches = data.untuned(batches.batch(batch_size))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
    causal_lm.compile(keras.optimizers.Adam(learning_rate), loss, weighted_metrics=[], **_compiled())
    causal_lm.optimizer.build(causal_lm.trainable_variables)  # so that a step is traced once
    preprocessor, causal_lm.preprocessor = causal_lm.preprocessor, None  # tokenised once, not in each epoch
    try:
        history = causal_lm.fit(batches, epochs=steps, steps_per_epoch=1, shuffle=False, verbose=0)
    finally:
        causal_lm.preprocessor = preprocessor
    return history.history["loss"]


def only_low_rank(backbone, rank):
    """Enables LoRA once and freezes the biases beside it, which KerasHub would train with it."""
    if not getattr(backbone, "_lora_enabled_layers", None):
        backbone.enable_lora(rank)
    for layer in backbone._flatten_layers(include_self=False):
        if getattr(layer, "lora_enabled", False) and layer.bias is not None:
            layer.bias.trainable = False


def write_texts(causal_lm, prompts, length=64, temperature=1.0, top_k=50, seed=0):
    """Continues each prompt.

    Args:
        causal_lm: `keras_hub.models.CausalLM`.
        prompts: list of str.
        length: int, tokens of a whole text, prompt included.
        temperature: float; 0 takes the most probable token.
        top_k: int, how many tokens are drawn from.
        seed: int.

    Returns:
        list of str, each with its prompt.
    """
    prompts = list(prompts)
    if not prompts or not all(isinstance(prompt, str) and prompt for prompt in prompts):
        raise CourseError(f"prompts must be a list of texts, none of them empty; received {prompts!r}.")
    samplers = import_hub().samplers
    sampler = samplers.TopKSampler(k=top_k, temperature=temperature, seed=seed) if temperature else "greedy"
    causal_lm.compile(sampler=sampler, **_compiled())
    return list(causal_lm.generate(prompts, max_length=length))


def paint(text_to_image, prompts, steps=28, guidance=7.0, seed=0):
    """An image for each prompt: uint8 (N, H, W, 3).

    Args:
        text_to_image: `keras_hub.models.TextToImage`.
        prompts: list of str.
        steps: int, of the diffusion.
        guidance: float, how strongly the prompt pulls (Ho & Salimans, 2022).
        seed: int, of the noise that it begins with.
    """
    text_to_image.compile(**_compiled())
    images = text_to_image.generate(list(prompts), num_steps=steps, guidance_scale=guidance, seed=seed)
    return np.asarray(images)
