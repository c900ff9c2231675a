"""Tiny presets: KerasHub's real architectures with two layers and random weights, made and saved here, offline.

`load` does with them what it does with a preset of billions of parameters.
"""

import collections
import importlib
import itertools

import keras

from aigc_course import data
from aigc_course.lmdg.hub import costs, load

__all__ = [
    "CLOSE",
    "END",
    "START",
    "byte_letters",
    "byte_pairs",
    "qwen",
    "stable_diffusion",
    "tiny_image_preset",
    "tiny_language_preset",
]

END, START = "<|endoftext|>", "<|startoftext|>"
CLOSE = "</w>"  # CLIP marks the last letter of a word


def tiny_language_preset(folder, text=None, merges=60, seed=0):
    """Saves a Qwen of two layers with a tokenizer of its own; returns the folder.

    Args:
        folder: where to.
        text: str, what the tokenizer's pairs are learnt from; None: the beginning of Shakespeare's sonnets.
        merges: int, pairs.
        seed: int, of the weights.
    """
    models = load.import_hub().models
    keras.utils.set_random_seed(seed)
    vocabulary, pairs = byte_pairs(text or data.load_shakespeare("sonnets")[:20_000], merges)
    tokenizer = models.QwenTokenizer(vocabulary=vocabulary, merges=pairs)
    shape = costs.DecoderShape(2, 32, 4, 2, 8, 64, len(vocabulary), qkv_biases=True)
    backbone = qwen(shape)
    embeddings = backbone.token_embedding.embeddings
    embeddings.assign(20 * embeddings)  # KerasHub draws them so small that every token stays about equally probable
    model = models.QwenCausalLM(backbone, models.QwenCausalLMPreprocessor(tokenizer, sequence_length=64))
    model.save_to_preset(str(folder))
    return folder


def qwen(shape):
    """KerasHub's network for a `costs.Decoder` with biases at queries, keys and values: Qwen 2.5."""
    return load.import_hub().models.QwenBackbone(
        vocabulary_size=shape.vocabulary,
        num_layers=shape.layers,
        hidden_dim=shape.width,
        num_query_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        intermediate_dim=shape.mlp,
        tie_word_embeddings=shape.tied,
    )


def tiny_image_preset(folder, side=32, seed=0):
    """Saves a Stable Diffusion 3 of two layers, random weights, for images (side, side, 3); returns the folder."""
    models = load.import_hub("image").models
    keras.utils.set_random_seed(seed)
    vocabulary, pairs = byte_pairs("a red bird on a blue bird", 4, CLOSE)
    tokenizer = models.CLIPTokenizer(vocabulary=vocabulary, merges=pairs, pad_with_end_token=True)
    clip = {**costs.CLIP, "vocabulary": len(vocabulary), "positions": 16, "head_dim": 8}
    encoders = tuple(costs.DecoderShape(2, width, width // 8, width // 8, mlp=2 * width, **clip) for width in (16, 24))
    shape = costs.DiffusionShape(2, 16, 2, 2, 8, 4, encoders, (32, 32, 32, 32), 1)
    prepare = [models.CLIPPreprocessor(tokenizer, sequence_length=16, name=f"clip_{name}_words") for name in "lg"]
    preprocessor = models.StableDiffusion3TextToImagePreprocessor(*prepare)
    models.StableDiffusion3TextToImage(stable_diffusion(shape, side), preprocessor).save_to_preset(str(folder))
    return folder


def stable_diffusion(shape, side):
    """KerasHub's network for a `costs.Diffusion`."""
    models = load.import_hub().models
    coder = importlib.import_module("keras_hub.src.models.vae.vae_backbone").VAEBackbone  # no public name
    sizes = len(shape.filters)
    return models.StableDiffusion3Backbone(
        mmdit_patch_size=shape.patch,
        mmdit_hidden_dim=shape.width,
        mmdit_num_layers=shape.layers,
        mmdit_num_heads=shape.heads,
        mmdit_position_size=shape.positions,
        mmdit_qk_norm=None,
        mmdit_dual_attention_indices=None,
        latent_channels=shape.channels,
        image_shape=(side, side, 3),
        vae=coder(
            list(shape.filters),
            [shape.blocks] * sizes,
            list(shape.filters[::-1]),
            [shape.blocks + 1] * sizes,
            sample_channels=2 * shape.channels,
            name="vae",
        ),
        **{f"clip_{name}": _clip_encoder(e, f"clip_{name}") for name, e in zip("lg", shape.encoders, strict=True)},
    )


def _clip_encoder(shape, name):
    """KerasHub's CLIP text encoder for a `costs.Decoder`; the diffusion reads its last layer but one."""
    return load.import_hub().models.CLIPTextEncoder(
        vocabulary_size=shape.vocabulary,
        embedding_dim=shape.width,
        hidden_dim=shape.width,
        num_layers=shape.layers,
        num_heads=shape.heads,
        intermediate_dim=shape.mlp,
        intermediate_output_index=-2,
        max_sequence_length=shape.positions,
        name=name,
    )


def byte_pairs(text, merges, close=""):
    """A byte-level tokenizer learnt from a text: the commonest neighbours become one token (Sennrich et al., 2016).

    Args:
        text: str.
        merges: int, how many pairs at most.
        close: str, appended to the last letter of each word (CLIP's "</w>").

    Returns:
        (token -> number, list of "left right").
    """
    letters = byte_letters()
    words = collections.Counter(text.split())
    pieces = {word: [letters[byte] for byte in word.encode()] for word in words}
    pieces = {word: [*parts[:-1], parts[-1] + close] for word, parts in pieces.items()}
    pairs = []
    for _ in range(merges):
        seen = collections.Counter()
        for word, parts in pieces.items():
            for pair in itertools.pairwise(parts):
                seen[pair] += words[word]
        if not seen:
            break
        (left, right), _ = max(seen.items(), key=lambda item: (item[1], item[0]))
        pairs.append(f"{left} {right}")
        pieces = {word: _merged(parts, left, right) for word, parts in pieces.items()}
    tokens = [
        *letters,
        *([letter + close for letter in letters] if close else []),
        *dict.fromkeys(pair.replace(" ", "") for pair in pairs),
        START,
        END,
    ]
    return {token: number for number, token in enumerate(tokens)}, pairs


def byte_letters():
    """GPT-2's printable letter for each of the 256 bytes: its own if it has one, else one from 256 on."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def _merged(parts, left, right):
    """The parts of a word with each left-right pair joined."""
    found = []
    for part in parts:
        if found and found[-1] == left and part == right:
            found[-1] = left + right
        else:
            found.append(part)
    return found
