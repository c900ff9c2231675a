"""What a large pre-trained model costs, computed from its shape before anything is fetched: bytes, memory, seconds.

Chapter 15 shows these numbers above the cells that fetch. Neither TensorFlow nor KerasHub is needed here.
"""

from typing import NamedTuple

from aigc_course.errors import CourseError, one_of

__all__ = [
    "CLIP",
    "GIB",
    "MODELS",
    "T4",
    "DecoderShape",
    "DiffusionShape",
    "Model",
    "Speed",
    "cost",
    "find",
    "lora_parameters",
    "parameters",
    "table",
]

GIB = 2**30


class DecoderShape(NamedTuple):
    """The shape of a decoder-only transformer, or of a CLIP text encoder, in KerasHub's terms."""

    layers: int
    width: int
    heads: int
    kv_heads: int  # fewer than heads: several queries share a key and a value (Ainslie et al., 2023)
    head_dim: int
    mlp: int
    vocabulary: int
    positions: int = 0  # learned places; 0: rotary ones, which have no weights
    gated: bool = True  # three matrices in the MLP (Shazeer, 2020) instead of two
    biases: bool = False  # in every layer, and in the norms: GPT-2 and CLIP
    qkv_biases: bool = False
    qk_norms: bool = False
    post_norms: bool = False
    tied: bool = True  # the output matrix is the embedding


class DiffusionShape(NamedTuple):
    """The shape of Stable Diffusion 3 (Esser et al., 2024): text encoders, transformer of two streams, image coder."""

    layers: int
    width: int
    heads: int
    patch: int
    positions: int  # along one side
    channels: int  # of the latent image, an eighth as wide and as high
    encoders: tuple  # of DecoderShape
    filters: tuple  # of the image encoder; the decoder has them in reverse and one block more at each size
    blocks: int
    context: int = 4096  # width of the text's tokens
    frequencies: int = 256  # of the time's embedding


class Model(NamedTuple):
    """A preset of KerasHub. `stored`: bytes of a parameter in its file. `terms`: to be accepted on the hub's site."""

    task: str
    shape: DecoderShape | DiffusionShape
    stored: int
    licence: str
    terms: bool = False


class Speed(NamedTuple):
    """Of a device: FLOP/s of large matrix products, and bytes/s read from its memory."""

    flops: float
    read: float


T4 = Speed(65e12, 320e9)  # NVIDIA's data sheet, half precision: what it cannot exceed; its memory is 16 GB

CLIP = {"vocabulary": 49408, "positions": 77, "gated": False, "biases": True, "head_dim": 64}
# Shapes: the presets' published configurations.
_GPT2 = DecoderShape(12, 768, 12, 12, 64, 3072, 50257, positions=1024, gated=False, biases=True)
_QWEN_25 = DecoderShape(24, 896, 14, 2, 64, 4864, 151936, qkv_biases=True)
_QWEN_3 = DecoderShape(28, 1024, 16, 8, 128, 3072, 151936, qk_norms=True)
_GEMMA_3 = DecoderShape(26, 1152, 4, 1, 256, 6912, 262144, qk_norms=True, post_norms=True)
_LLAMA_32 = DecoderShape(16, 2048, 32, 8, 64, 8192, 128256, tied=False)
_MISTRAL = DecoderShape(32, 4096, 32, 8, 128, 14336, 32000, tied=False)
_SMALL_CLIP = DecoderShape(12, 768, 12, 12, mlp=3072, **CLIP)
_LARGE_CLIP = DecoderShape(32, 1280, 20, 20, mlp=5120, **CLIP)
_DIFFUSION_3 = DiffusionShape(24, 1536, 24, 2, 192, 16, (_SMALL_CLIP, _LARGE_CLIP), (128, 256, 512, 512), 2)
MODELS = {
    "gpt2_base_en": Model("text", _GPT2, 4, "MIT"),
    "qwen2.5_0.5b_en": Model("text", _QWEN_25, 4, "Apache-2.0"),
    "qwen3_0.6b_en": Model("text", _QWEN_3, 4, "Apache-2.0"),
    "gemma3_1b": Model("text", _GEMMA_3, 2, "Gemma Terms of Use", terms=True),
    "llama3.2_1b": Model("text", _LLAMA_32, 2, "Llama 3.2 Community License", terms=True),
    "mistral_7b_en": Model("text", _MISTRAL, 2, "Apache-2.0"),
    "stable_diffusion_3_medium": Model("image", _DIFFUSION_3, 2, "Stability AI Community License", terms=True),
}


def find(name):
    """The `Model` of a preset's name, or a CourseError that lists the names."""
    return one_of(name, MODELS, "the preset")


def parameters(shape):
    """How many numbers a network of this shape has, in closed form.

    Args:
        shape: `DecoderShape` or `DiffusionShape`.
    """
    return _decoder_parameters(shape) if isinstance(shape, DecoderShape) else _diffusion_parameters(shape)


def _decoder_parameters(s):
    """Embeddings, then for each layer attention, MLP and norms, then the last norm."""
    queries, keys = s.heads * s.head_dim, s.kv_heads * s.head_dim
    norm = s.width * (2 if s.biases else 1)
    attention = 2 * s.width * (queries + keys) + (queries + 2 * keys) * (s.biases or s.qkv_biases) + s.width * s.biases
    mlp = (3 if s.gated else 2) * s.width * s.mlp + (s.mlp + s.width) * s.biases
    norms = (4 if s.post_norms else 2) * norm + 2 * s.head_dim * s.qk_norms
    embeddings = s.vocabulary * s.width * (1 if s.tied else 2) + s.positions * s.width
    return embeddings + s.layers * (attention + mlp + norms) + norm


def _diffusion_parameters(s):
    """Text encoders with their projections, the transformer of two streams, and both halves of the image coder."""
    w, cell = s.width, s.patch**2 * s.channels
    pooled = sum(encoder.width for encoder in s.encoders)
    places = cell * w + w + s.positions**2 * w
    embeddings = places + s.context * w + w + sum(n * w + w + w * w + w for n in (pooled, s.frequencies))
    stream = 18 * w * w + 15 * w  # modulation 6 w², queries, keys, values and output 4 w², MLP 8 w², and their biases
    last_text = 13 * w * w + 10 * w  # the last layer's text stream only lends its keys and values
    coder = (*_convolutions(s.filters, s.blocks, 3, 2 * s.channels, False), *_image_decoder(s))
    return (
        sum(parameters(encoder) + encoder.width**2 for encoder in s.encoders)
        + embeddings
        + 2 * s.layers * stream
        - last_text
        + 2 * w * w
        + 2 * w
        + w * cell
        + cell
        + sum(k * k * i * o + o + 2 * i * normed for k, i, o, _, normed in coder)
    )


def _image_decoder(s):
    """The convolutions from latent image to picture."""
    return _convolutions(s.filters[::-1], s.blocks + 1, s.channels, 3, True)


def _convolutions(filters, blocks, inputs, outputs, decoder):
    """Yields (kernel, inputs, outputs, level, normed) for one half of the image coder; each level doubles the side."""

    def residual(i, o, level):
        yield 3, i, o, level, True
        yield 3, o, o, level, True
        if i != o:
            yield 1, i, o, level, False

    top, level = (filters[0], 0) if decoder else (filters[-1], len(filters) - 1)
    yield 3, inputs, filters[0], 0, False
    for _ in range(2):
        yield from residual(top, top, level)
    for place in range(4):  # attention: queries, keys, values, output
        yield 1, top, top, level, place == 0
    width = filters[0]
    for level, here in enumerate(filters):
        for block in range(blocks):
            yield from residual(width if block == 0 else here, here, level)
        width = here
        if level < len(filters) - 1:
            yield 3, here, here, level + 1, False
    yield 3, width, outputs, len(filters) - 1, True


def lora_parameters(s, rank):
    """What `backbone.enable_lora(rank)` adds: A and B at the queries and the values of each layer.

    KerasHub splits the kernel (width, heads, head_dim) before its last axis: A is (width, heads, rank) and B
    (rank, head_dim). In the paper (Hu et al., 2022) A is (width, rank) and B (rank, heads · head_dim).
    """
    return s.layers * rank * (s.width * (s.heads + s.kv_heads) + 2 * s.head_dim)


def _activations(s, tokens, batch):
    """How many numbers training keeps for the way back: an estimate after Korthikanti et al. (2023).

    For each token and layer: four of the residual's width, queries, keys, values and mixed values, scores before and
    after the softmax, the MLP's hidden layers; at the end logits, probabilities and their gradient.
    """
    each = 4 * s.width + 2 * (s.heads + s.kv_heads) * s.head_dim + 2 * s.heads * tokens
    each += s.mlp * (4 if s.gated else 2)
    return batch * tokens * (s.layers * each + 3 * s.vocabulary)


def _text_cost(s, bytes_each, context, batch, rank):
    """(what `cost` says of a text model, bytes that one token of one text reads)."""
    n, extra = parameters(s), lora_parameters(s, rank)
    weights = bytes_each * n
    # Keys and values of one text: kept, or else each token would compute those of all before it again.
    cache = 2 * s.layers * s.kv_heads * s.head_dim * context * bytes_each
    attention = 4 * s.layers * s.heads * s.head_dim * context
    lookups = s.positions * s.width + (0 if s.tied else s.vocabulary * s.width)  # read a row of, never multiplied
    # Single precision: weights, and of LoRA's also gradient and Adam's two. Products are in `bytes_each`, if that is
    # less with a copy of the weights (mixed precision, Micikevicius et al., 2018: small gradients vanish in float16).
    copies = n if bytes_each < 4 else 0
    training = 4 * (n + 4 * extra) + bytes_each * (copies + _activations(s, context, batch))
    forward = 2 * (n - lookups) + attention
    found = {
        "generate_bytes": weights + batch * cache,
        "tune_bytes": training,
        "generate_flops": forward,
        # Forward and the way back through the activations; the third part, slopes of frozen weights, is not needed.
        "tune_flops": 2 * forward * batch * context,
    }
    return found, weights + cache


def _image_cost(s, bytes_each, side, steps):
    """What `cost` says of a picture. Guidance runs each step for two prompts, the given and the empty one."""
    latent = side // 8
    tokens = (latent // s.patch) ** 2 + 2 * 77  # patches, and the places of two text encoders
    step = 4 * s.layers * s.width * tokens * (12 * s.width + 2 * tokens)
    coder = [(k, i, o, (latent * 2**level) ** 2) for k, i, o, level, _ in _image_decoder(s)]
    painting = sum(2 * k * k * i * o * area for k, i, o, area in coder) + 4 * latent**4 * s.filters[-1]
    reading = sum(2 * 2 * 77 * parameters(encoder) for encoder in s.encoders)
    scores = 2 * 2 * 4 * s.heads * tokens**2  # float32, before and after the softmax
    maps = 3 * bytes_each * max(i * area for _, i, _, area in coder)
    # What the weights leave is taken by the largest of three, which are never there at once.
    largest = max(scores, maps, 2 * 4 * latent**4)
    return {
        "generate_bytes": bytes_each * parameters(s) + largest,
        "generate_flops": steps * step + painting + reading,
    }


def cost(name, device_memory_gib=None, speed=T4, context=1024, batch=1, rank=8, bytes_each=2, side=512, steps=28):
    """What a preset costs on a device.

    One token needs about 2 FLOPs for each parameter, and every parameter read once: reading decides the time of a
    single text. LoRA needs about 4 for each parameter and token, full fine-tuning 6 (Kaplan et al., 2020).

    Args:
        name: str, a key of `MODELS`.
        device_memory_gib: float, what the device has; None: not compared.
        speed: `Speed` of the device, given or from `load.measure_speed()`; None: no seconds.
        context: int, tokens of a text, those given and those written.
        batch: int, texts at a time.
        rank: int, of LoRA.
        bytes_each: int, bytes of a number in memory: 2 in half precision, 4 in single.
        side: int, pixels of an image's side, a multiple of 16.
        steps: int, of the diffusion.

    Returns:
        dict: parameters; fetch_bytes; generate_bytes and, for text, tune_bytes (both without what CUDA takes for
        itself; activations are an estimate); generate_flops (a token, or an image); generate_seconds (a token, or an
        image) and tune_seconds (a step of `batch` texts), which are lower bounds; fits, whether the memory to
        generate is there (None: not compared); licence; terms, whether its owner asks to accept some.
    """
    model = find(name)
    if side % 16 or min(context, batch, rank, bytes_each, side, steps) < 1:
        raise CourseError(
            f"every size must be positive and side a multiple of 16; received context={context}, batch={batch}, "
            f"rank={rank}, bytes_each={bytes_each}, side={side}, steps={steps}."
        )
    n = parameters(model.shape)
    found = {"parameters": n, "fetch_bytes": n * model.stored, "licence": model.licence, "terms": model.terms}
    if model.task == "text":
        costs, read = _text_cost(model.shape, bytes_each, context, batch, rank)
    else:
        costs, read = _image_cost(model.shape, bytes_each, side, steps), 0  # many places at once: products decide
    found |= costs
    memory, flops = costs["generate_bytes"], costs["generate_flops"]
    if speed:
        found["generate_seconds"] = max(flops / speed.flops, read / speed.read)
        if model.task == "text":
            found["tune_seconds"] = costs["tune_flops"] / speed.flops
    fits = None if device_memory_gib is None else memory <= device_memory_gib * GIB
    return found | {"fits": fits}


def table(names=tuple(MODELS), device_memory_gib=None, **options):
    """The costs of presets as text, one line each, with the licence; options as for `cost`."""

    def gib(size):
        large = device_memory_gib is not None and size > device_memory_gib * GIB
        return f"{size / GIB:.1f} GiB" + (" (too large)" if large else "")

    rows = [("preset", "parameters", "to fetch", "to generate", "LoRA", "time, at least", "licence")]
    for name in [names] if isinstance(names, str) else names:
        c, text = cost(name, device_memory_gib, **options), find(name).task == "text"
        seconds = c.get("generate_seconds")
        spent = "" if seconds is None else f"{1000 * seconds:.0f} ms a token" if text else f"{seconds:.1f} s an image"
        rows.append(
            (
                name,
                f"{c['parameters'] / 1e6:,.0f} M",
                f"{c['fetch_bytes'] / 1e9:.1f} GB",
                gib(c["generate_bytes"]),
                gib(c["tune_bytes"]) if text else "–",
                spent,
                c["licence"] + (" *" if c["terms"] else ""),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:{n}}" for cell, n in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(
        [*lines, *(["* terms to accept on the hub's site first"] if any(line.endswith("*") for line in lines) else [])]
    )
