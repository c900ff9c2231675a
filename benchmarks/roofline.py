"""Where everything stands under this machine's roofline: layers of the article's networks, heaviest cells of chapters.

    python benchmarks/roofline.py                  measures all, writes runs/bench/roofline.json (about three minutes)
    python benchmarks/roofline.py --only "flow"    pieces whose name has these words
    python benchmarks/roofline.py --table          writes runs/bench/roofline.csv

Products and memory are measured first and last; the better of both is the roof. FLOPs are counted in the traced graph.
Bytes have two bounds: `bytes` with every operation reading its inputs from memory, `least` with inputs, outputs and
weights passing once. The real traffic lies between; a piece's place is drawn as a line from one to the other. The last
line of stdout is one JSON line.
"""

import argparse
import csv
import json
import math
import sys

from common import RESULTS, keep, kept, progress

from aigc_course import runtime
from aigc_course.scale import flops, roofline

BATCH = 64
COLUMNS = ("piece", "kind", "gflop", "mb", "least_mb", "ms", "gflops", "intensity", "least_intensity", "of_the_roof")


def forward_and_backward(tf, layer):
    """Function of a batch: the layer, and the slopes of its input and its weights."""

    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return [y, *tape.gradient(y, [x, *layer.trainable_variables], output_gradients=0.01 * y)]

    return step


def layers_of(tf, net):
    """(name, function, inputs, weights) of each layer that has something to do."""
    for layer in net.layers:
        if type(layer).__name__ in ("Reshape", "Flatten", "ZeroPadding2D"):
            continue
        shape = tuple(layer.input.shape[1:])
        name = f"{net.name}: {type(layer).__name__} {' × '.join(map(str, shape))}"
        yield name, forward_and_backward(tf, layer), [tf.random.normal((BATCH, *shape))], layer.weights


def gan_step(tf, name, **options):
    """The engine's training step."""
    from aigc_course import gan, models

    made = gan.GAN(models.build_generator(), models.build_discriminator(), **options)
    made.compile(jit_compile=False)
    return name, made.train_step, [tf.random.uniform((BATCH, 28, 28, 1), -1, 1)], made.weights


def decoder_step(tf):
    """Chapter 08's larger decoder on 32 windows of 96 characters."""
    from aigc_course.lmdg.core import transformer

    decoder = transformer.compile_decoder(transformer.Decoder(3000, 96, width=96, depth=3, heads=4), 3e-3, 1000)
    tokens = tf.random.uniform((32, 96), 3, 3000, tf.int32)
    return "chapter 08: decoder", lambda x: decoder.train_step((x, x)), [tokens], decoder.weights


def codec_step(tf):
    """Chapter 09's codec of pictures."""
    import keras

    from aigc_course.lmdg.codecs import image, quantizer

    codec = image.build_image_codec()
    codec.compile(keras.optimizers.Adam(2e-3), quantizer.ink_loss, jit_compile=False)
    codec(tf.zeros((1, 28, 28, 1)))
    codec.optimizer.build(codec.trainable_variables)
    images = tf.random.uniform((128, 28, 28, 1), -1, 1)
    return "chapter 09: codec", lambda x: codec.train_step((x, x)), [images], codec.weights


def flow_step(tf):
    """Chapter 11's network of velocities."""
    from aigc_course.flow import model, network

    flow = model.Flow(network.build_velocity())
    model.compile_flow(flow, 1000)
    images, labels = tf.random.uniform((BATCH, 28, 28, 1), -1, 1), tf.zeros((BATCH,), tf.int32)
    return "chapter 11: flow", lambda x, y: flow.train_step((x, y)), [images, labels], flow.weights


def many_gans(tf):
    """Chapter 06's small GANs, ten of them side by side."""
    from aigc_course import collapse

    arena = collapse.Arena("best", "ring", tuple(range(10)), 1000)
    inputs = [tf.constant(0), tf.constant(0.0), tf.constant(1.0), tf.constant(1.0)]
    weights = [*arena.generator.weights, *arena.discriminator.weights]
    return "chapter 06: ten small GANs", arena.train_step, inputs, weights


def pieces(tf):
    """name -> (kind, function without arguments that builds the piece); nothing is built yet."""
    from aigc_course import models

    found = {}
    for net in (models.build_generator(), models.build_discriminator()):
        for piece in layers_of(tf, net):
            found[piece[0]] = ("layer", lambda piece=piece: piece)
    return found | {
        "GAN, fused": ("step", lambda: gan_step(tf, "GAN, fused")),
        "GAN, D first, R1": ("step", lambda: gan_step(tf, "GAN, D first, R1", step="d_first", r1=0.1)),
        "chapter 06: ten small GANs": ("step", lambda: many_gans(tf)),
        "chapter 08: decoder": ("step", lambda: decoder_step(tf)),
        "chapter 09: codec": ("step", lambda: codec_step(tf)),
        "chapter 11: flow": ("step", lambda: flow_step(tf)),
    }


def measured(tf, piece, repeats):
    """A row without its place under the roof, which is not known before the end."""
    name, function, inputs, weights = piece
    compiled = tf.function(function)
    concrete = compiled.get_concrete_function(*inputs)
    work = flops.graph_work(concrete, name)

    def run():
        tf.nest.flatten(compiled(*inputs))[-1].numpy()

    seconds = roofline.clock(run, repeats)
    outputs = [value for value in tf.nest.flatten(concrete.structured_outputs) if hasattr(value, "shape")]
    once = sum(value.dtype.size * value.shape.num_elements() for value in (*inputs, *outputs))
    once += sum(4 * math.prod(weight.shape) for weight in weights)
    return {"piece": name, "flops": work.flops, "bytes": work.bytes, "least": once, "seconds": seconds}


def placed(row, machine):
    """The row with what it attains, in units that are read."""
    most = roofline.attainable(row["flops"] / row["least"], machine)
    rate = row["flops"] / row["seconds"]
    # A piece without products has its time compared with the memory's alone
    share = rate / most if row["flops"] else row["least"] / machine.bytes / row["seconds"]
    return {
        "piece": row["piece"],
        "kind": row["kind"],
        "gflop": round(row["flops"] / 1e9, 3),
        "mb": round(row["bytes"] / 1e6, 2),
        "least_mb": round(row["least"] / 1e6, 2),
        "ms": round(1000 * row["seconds"], 2),
        "gflops": round(rate / 1e9, 1),
        "intensity": round(row["flops"] / max(1, row["bytes"]), 2),
        "least_intensity": round(row["flops"] / row["least"], 2),
        "of_the_roof": round(float(share), 3),
    }


def measure(asked):
    import tensorflow as tf

    first, rows = roofline.measure_machine(), []
    chosen = {name: piece for name, piece in pieces(tf).items() if (asked.only or "") in name}
    if not chosen:
        sys.exit(f"no piece has {asked.only!r} in its name; there are: {', '.join(pieces(tf))}")
    for name, (kind, build) in progress(chosen.items(), "pieces"):
        rows.append({**measured(tf, build(), asked.repeats), "piece": name, "kind": kind})
    last = roofline.measure_machine()
    machine = roofline.Machine(*map(max, zip(first, last, strict=True)))
    told = {
        "product_gflops": round(machine.flops / 1e9, 1),
        "memory_gb_per_second": round(machine.bytes / 1e9, 2),
        "ridge": round(roofline.ridge(machine), 2),
    }
    result = {**told, "batch": BATCH, "rows": [placed(row, machine) for row in rows]}
    if not asked.only:
        keep("roofline", result)
    return result if asked.only else told | {"pieces": len(rows)}


def table():
    """runs/bench/roofline.csv."""
    found = kept("roofline")
    if not found:
        sys.exit("nothing is measured yet: python benchmarks/roofline.py")
    roof = {"kind": "roof", "gflops": found["product_gflops"], "intensity": found["ridge"], "mb": ""}
    machine = {"piece": "this machine", **roof, "least_mb": round(1000 * found["memory_gb_per_second"])}
    with open(RESULTS / "roofline.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n", restval="")
        writer.writeheader()
        writer.writerows([machine, *found["rows"]])
    return {"rows": len(found["rows"])}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="pieces whose name has these words; nothing is kept")
    parser.add_argument("--repeats", type=int, default=12)
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if asked.repeats < 1:
        parser.error("--repeats must be 1 or more")
    if asked.table:
        print(json.dumps(table()))
        return 0
    runtime.configure()
    runtime.start(7, report=False)
    print(json.dumps(measure(asked)))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped; nothing was kept", file=sys.stderr)
        sys.exit(130)
