"""A decoder-only transformer (Vaswani et al., 2017; GPT-2's pre-norm order, Radford et al., 2019), small but whole.

Chapter 08 writes it step by step. Tokens are integers; 0 is padding, which no loss counts.
"""

import math

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from aigc_course import fast, files
from aigc_course.errors import CourseError, whole_number
from aigc_course.lmdg.core.characters import PAD

__all__ = [
    "NEVER",
    "Attention",
    "Block",
    "Decoder",
    "LoRA",
    "TokenLoss",
    "bits_per_token",
    "compile_decoder",
    "graph_of",
    "load_decoder",
    "put_weights",
    "save_decoder",
    "take_weights",
]

NEVER = -1e9  # added to a score that must not count


class LoRA(layers.Layer):
    """A frozen Dense layer plus a trainable low-rank change: x W + b + scale · (x A) B (Hu et al., 2022).

    B starts at zero, so that the layer starts as the Dense layer itself.

    Args:
        units: int, outputs of the Dense layer.
        rank: int, columns of A and rows of B.
        scale: float, factor of the change; the paper's alpha / rank.
    """

    def __init__(self, units, rank, scale=2.0, **options):
        super().__init__(**options)
        self.units, self.rank, self.scale = units, rank, scale
        self.dense = layers.Dense(units, name="dense")
        self.dense.trainable = False

    def build(self, shape):
        self.dense.build(shape)
        self.a = self.add_weight(name="a", shape=(shape[-1], self.rank), initializer="he_normal")
        self.b = self.add_weight(name="b", shape=(self.rank, self.units), initializer="zeros")
        self.built = True

    def call(self, x):
        return self.dense(x) + self.scale * ops.matmul(ops.matmul(x, self.a), self.b)

    def kernel(self):
        """The Dense kernel (in, units) with the change merged in."""
        kernel, a, b = map(ops.convert_to_numpy, (self.dense.kernel, self.a, self.b))
        return kernel + self.scale * a @ b


def _projection(units, rank, name):
    """A Dense layer; with a rank, one that only learns a low-rank change."""
    return LoRA(units, rank, name=name) if rank else layers.Dense(units, name=name)


class Attention(layers.Layer):
    """Causal self-attention with several heads: each place mixes the values of the places up to itself."""

    def __init__(self, width, heads, rank=0, **options):
        super().__init__(**options)
        self.width, self.heads = width, heads
        self.qkv = _projection(3 * width, rank, "qkv")
        self.out = _projection(width, rank, "out")

    def build(self, shape):
        self.qkv.build(shape)
        self.out.build(shape)
        self.built = True

    def split(self, x):
        """(B, T, 3 width) -> queries, keys, values, each (B, H, T, D)."""
        shape = ops.shape(x)
        parts = ops.reshape(x, (shape[0], shape[1], 3, self.heads, self.width // self.heads))
        return ops.unstack(ops.transpose(parts, (2, 0, 3, 1, 4)), 3)

    def mix(self, q, k, v, allowed):
        """softmax(q kᵀ / √D) v, with scores of places that are not allowed left out: (B, T, width)."""
        scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) / math.sqrt(self.width // self.heads)
        weights = ops.softmax(ops.where(allowed, scores, NEVER))
        mixed = ops.transpose(ops.matmul(weights, v), (0, 2, 1, 3))  # (B, T, H, D)
        shape = ops.shape(mixed)
        return self.out(ops.reshape(mixed, (shape[0], shape[1], self.width)))

    def call(self, x):
        q, k, v = self.split(self.qkv(x))
        places = ops.arange(ops.shape(x)[1])
        return self.mix(q, k, v, places[None, :] <= places[:, None])

    def step(self, x, cache, place):
        """One new place x (B, 1, width) against the keys and values so far, cache (2, B, H, T, D)."""
        q, k, v = self.split(self.qkv(x))
        cache = ops.slice_update(cache, (0, 0, 0, place, 0), ops.stack([k, v]))
        allowed = ops.arange(ops.shape(cache)[3])[None, :] <= place
        return self.mix(q, cache[0], cache[1], allowed), cache


class Block(layers.Layer):
    """x + attention(norm(x)), then x + MLP(norm(x))."""

    def __init__(self, width, heads, dropout_rate=0.0, rank=0, **options):
        super().__init__(**options)
        self.first_norm = layers.LayerNormalization(epsilon=1e-5, name="first_norm")
        self.attention = Attention(width, heads, rank, name="attention")
        self.second_norm = layers.LayerNormalization(epsilon=1e-5, name="second_norm")
        self.up = _projection(4 * width, rank, "up")
        self.down = _projection(width, rank, "down")
        self.dropout = layers.Dropout(dropout_rate)

    def build(self, shape):
        for layer in (self.first_norm, self.attention, self.second_norm, self.up):
            layer.build(shape)
        self.down.build((*shape[:-1], 4 * shape[-1]))
        self.built = True

    def think(self, x, training=False):
        """The MLP: each place by itself."""
        return self.dropout(self.down(ops.gelu(self.up(self.second_norm(x)))), training=training)

    def call(self, x, training=False):
        x = x + self.dropout(self.attention(self.first_norm(x)), training=training)
        return x + self.think(x, training=training)

    def step(self, x, cache, place):
        """One new place; returns it and the cache with its key and value."""
        mixed, cache = self.attention.step(self.first_norm(x), cache, place)
        x = x + mixed
        return x + self.think(x), cache


class Decoder(keras.Model):
    """Tokens (B, T) -> logits (B, T, vocabulary) of the token that follows each.

    The output matrix is the embedding itself (tied weights, Press & Wolf, 2017).

    Args:
        vocabulary: int, number of tokens, padding included.
        context: int, the longest sequence.
        width, depth, heads: int; heads must divide width.
        dropout_rate: float in [0, 1).
        rank: int; above 0 every Dense layer is frozen and learns a change of that rank, all else is frozen (LoRA).
    """

    def __init__(self, vocabulary, context, width=128, depth=4, heads=4, dropout_rate=0.0, rank=0, **options):
        super().__init__(**options)
        sizes = {"vocabulary": vocabulary, "context": context, "width": width, "depth": depth, "heads": heads}
        sizes = {name: whole_number(value, name) for name, value in sizes.items()}
        if width % heads:
            raise CourseError(f"heads must divide width; received width {width} and {heads} heads.")
        self.settings = {
            **sizes,
            "dropout_rate": dropout_rate,
            "rank": rank,
        }
        self.context, self.depth, self.heads, self.width = context, depth, heads, width
        self.tokens, self.places = self.tables(vocabulary, context, width)
        self.blocks = [Block(width, heads, dropout_rate, rank, name=f"block_{i}") for i in range(depth)]
        self.norm = layers.LayerNormalization(epsilon=1e-5, name="norm")
        self.dropout = layers.Dropout(dropout_rate)
        for layer in (self.tokens, self.places):
            layer.build((None, None))
        for layer in (*self.blocks, self.norm):
            layer.build((None, None, width))
        if rank:
            for layer in (self.tokens, self.places, self.norm):
                layer.trainable = False
            for block in self.blocks:
                block.first_norm.trainable = block.second_norm.trainable = False
        self.built = True

    def tables(self, vocabulary, context, width):
        """The layers whose `embeddings` are a row for each token and a row for each place."""
        small = keras.initializers.RandomNormal(stddev=0.02)
        return [
            layers.Embedding(size, width, embeddings_initializer=small, name=name)
            for size, name in ((vocabulary, "tokens"), (context, "places"))
        ]

    def call(self, tokens, training=False):
        length = tokens.shape[1]
        if length is not None and length > self.context:
            raise CourseError(f"at most {self.context} tokens fit into the context; received {length}.")
        x = self.tokens(tokens) + self.places(ops.arange(ops.shape(tokens)[1]))  # (B, T, width)
        x = self.dropout(x, training=training)
        for block in self.blocks:
            x = block(x, training=training)
        return self.logits(x)

    def logits(self, x):
        """(…, width) -> (…, vocabulary)."""
        return ops.matmul(self.norm(x), ops.transpose(self.tokens.embeddings))

    def empty_cache(self, batch):
        """Keys and values of no place yet: (depth, 2, B, H, context, D)."""
        return tf.zeros((self.depth, 2, batch, self.heads, self.context, self.width // self.heads))

    def step(self, tokens, cache, place):
        """Logits (B, vocabulary) after one more token (B,), and the cache: no earlier place is computed again."""
        x = self.tokens(tokens[:, None]) + self.places(ops.reshape(place, (1,)))
        kept = []
        for i, block in enumerate(self.blocks):
            x, new = block.step(x, cache[i], place)
            kept.append(new)
        return self.logits(x)[:, 0], tf.stack(kept)

    # --- other forms of the same network ---

    def with_lora(self, rank, dropout_rate=0.0):
        """A decoder with the same weights, frozen, and a trainable change of rank `rank` in every Dense layer."""
        rank = whole_number(rank, "rank", hint="4 or 8 are usual.")
        other = Decoder(**{**self.settings, "rank": rank, "dropout_rate": dropout_rate})
        put_weights(other, take_weights(self))
        return other

    def copy(self, dropout_rate=0.0):
        """A decoder of its own with the same weights; changes of low rank are merged in."""
        other = Decoder(**{**self.settings, "rank": 0, "dropout_rate": dropout_rate})
        put_weights(other, take_weights(self))
        return other

    def parameters(self):
        """(all, trainable) numbers."""
        return tuple(int(sum(np.prod(w.shape) for w in found)) for found in (self.weights, self.trainable_weights))


def _dense_layers(decoder):
    """(name, layer) of every projection."""
    for i, block in enumerate(decoder.blocks):
        for name, layer in (
            ("qkv", block.attention.qkv),
            ("out", block.attention.out),
            ("up", block.up),
            ("down", block.down),
        ):
            yield f"block_{i}/{name}", layer


def _plain_variables(decoder):
    """name -> variable of the plain network, those under a change of low rank included."""
    found = {"tokens": decoder.tokens.embeddings, "places": decoder.places.embeddings}
    norms = {"norm": decoder.norm}
    for i, block in enumerate(decoder.blocks):
        norms |= {f"block_{i}/first_norm": block.first_norm, f"block_{i}/second_norm": block.second_norm}
    for name, norm in norms.items():
        found |= {f"{name}/gamma": norm.gamma, f"{name}/beta": norm.beta}
    for name, layer in _dense_layers(decoder):
        inner = layer.dense if isinstance(layer, LoRA) else layer
        found |= {f"{name}/kernel": inner.kernel, f"{name}/bias": inner.bias}
    return found


def take_weights(decoder):
    """name -> array of the plain network; changes of low rank merged into their kernels."""
    found = {name: np.asarray(ops.convert_to_numpy(value)) for name, value in _plain_variables(decoder).items()}
    merged = {f"{name}/kernel": layer.kernel() for name, layer in _dense_layers(decoder) if isinstance(layer, LoRA)}
    return found | merged


def put_weights(decoder, weights):
    """Sets the plain network's weights from `take_weights`."""
    for name, variable in _plain_variables(decoder).items():
        got = weights[name].shape if name in weights else "nothing"
        if got != tuple(variable.shape):
            raise CourseError(
                f"{name} needs shape {tuple(variable.shape)}; received {got}: weights of another decoder."
            )
    for name, variable in _plain_variables(decoder).items():
        variable.assign(weights[name])


def save_decoder(decoder, path, **facts):
    """Writes a decoder, weights in float16, whole or not at all; `facts` are kept beside its sizes."""
    files.save_network(path, {"settings": {**decoder.settings, "rank": 0}, "facts": facts}, take_weights(decoder))


def load_decoder(path, dropout_rate=0.0):
    """(decoder, facts) from a file that `save_decoder` wrote.

    Raises:
        CourseError: no such file, or not such a file.
    """

    def build(header, weights):
        decoder = Decoder(**{**header["settings"], "dropout_rate": dropout_rate})
        put_weights(decoder, weights)
        return decoder, header["facts"]

    return files.load_network(path, build, "a decoder")


class TokenLoss(keras.losses.Loss):
    """Mean cross-entropy in nats of the tokens that are not padding.

    Args:
        below: int; tokens with smaller numbers count `weight` times. Chapter 09: the few letters of an answer.
        weight: float.
    """

    def __init__(self, below=0, weight=1.0, **options):
        super().__init__(**{"reduction": "sum", "name": "nats", **options})
        self.below, self.weight = below, weight

    def call(self, wanted, logits):
        counted = ops.cast(wanted != PAD, "float32") * ops.where(wanted < self.below, self.weight, 1.0)
        each = fast.token_cross_entropy(wanted, logits)  # (B, T)
        return ops.sum(each * counted) / ops.maximum(ops.sum(counted), 1.0)


def compile_decoder(decoder, learning_rate=1e-3, steps=None, warm_up=50, loss=None):
    """Adam with a warm-up and, if `steps` is given, a cosine to a tenth (as GPT-3, Brown et al., 2020).

    `loss` is a `TokenLoss`; by default all tokens count alike.
    """
    if steps:
        warm_up = min(warm_up, max(1, steps // 10))
        rate = keras.optimizers.schedules.CosineDecay(
            learning_rate / warm_up,
            max(1, steps - warm_up),
            alpha=0.1,
            warmup_target=learning_rate,
            warmup_steps=warm_up,
        )
    else:
        rate = learning_rate
    optimizer = keras.optimizers.AdamW(rate, beta_2=0.99, weight_decay=0.01, clipnorm=1.0)
    decoder.compile(optimizer, loss or TokenLoss(), jit_compile=False)
    if decoder.built:  # variables that appear while a step is traced have TensorFlow trace it twice
        optimizer.build(decoder.trainable_variables)
    return decoder


def bits_per_token(decoder, sequences, batch_size=64):
    """Mean -log2 probability of each token that is not padding, given those before it; the first is given.

    Args:
        decoder: `Decoder`.
        sequences: int array (N, T), padded with 0. Tokens below 0 are read as given, not scored: -t stands for token t.

    Returns:
        float, bits per token: log2 of the perplexity.
    """
    sequences = np.asarray(sequences)
    total = count = 0.0
    for start in range(0, len(sequences), batch_size):
        part = sequences[start : start + batch_size]
        wanted = np.where(part[:, 1:] > 0, part[:, 1:], PAD)
        bits, n = graph_of(decoder, _count_bits)(tf.constant(np.abs(part[:, :-1])), tf.constant(wanted))
        total, count = total + float(bits), count + float(n)
    if not count:
        raise CourseError("there is no token to score: every sequence is empty or given.")
    return total / count


def graph_of(model, function):
    """function(model, *arguments) as a graph that belongs to the model: one for all would be traced anew for each."""
    kept = model.__dict__.setdefault("_graphs", {})
    if function not in kept:
        kept[function] = tf.function(lambda *arguments: function(model, *arguments), reduce_retracing=True)
    return kept[function]


def _count_bits(decoder, tokens, wanted):
    """(sum of bits, number of tokens)."""
    logits = decoder(tokens, training=False)
    each = fast.token_cross_entropy(wanted, logits)
    counted = tf.cast(wanted != PAD, tf.float32)
    return tf.reduce_sum(each * counted) / math.log(2), tf.reduce_sum(counted)
