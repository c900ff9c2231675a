"""Where a step's time goes: each piece of the article's networks alone, forward and backward, in several ways.

`python benchmarks/layers_time.py` writes runs/bench/layers.json. The ways take turns; the best of the rounds counts.
"""

import time

from common import keep, progress

from aigc_course import runtime

BATCH, ROUNDS = 64, 12


def pieces(tf, keras):
    """name -> (layer or network, input shape, GFLOP forward and backward or None)."""
    from aigc_course import fast, models

    up = keras.layers.Conv2DTranspose
    one = {"filters": 1, "kernel_size": 4, "padding": "same"}
    product = 3 * 2 * 16 / 1e9
    return {
        "transposed convolution 7 → 14": (up(128, 4, 2, "same"), (7, 7, 256), product * 49 * 256 * 128),
        "transposed convolution 14 → 28": (up(64, 4, 2, "same"), (14, 14, 128), product * 196 * 128 * 64),
        "batch norm 14 × 14 × 128, Keras": (keras.layers.BatchNormalization(), (14, 14, 128), None),
        "batch norm 14 × 14 × 128, fused kernel": (fast.BatchNormalization(), (14, 14, 128), None),
        "batch norm 28 × 28 × 64, Keras": (keras.layers.BatchNormalization(), (28, 28, 64), None),
        "batch norm 28 × 28 × 64, fused kernel": (fast.BatchNormalization(), (28, 28, 64), None),
        "last convolution 64 → 1, Keras": (keras.layers.Conv2D(**one), (28, 28, 64), None),
        "last convolution 64 → 1, product and shifts": (fast.Conv2D(**one), (28, 28, 64), None),
        "dense 100 → 12,544": (keras.layers.Dense(12_544), (100,), 3 * 2 * 1.2544e-3),
        "discriminator": (models.build_discriminator(), (28, 28, 1), None),
    }


def main():
    runtime.start(7, report=False)
    import keras
    import tensorflow as tf

    timed = {}
    for name, (layer, shape, gflop) in pieces(tf, keras).items():
        if not layer.built:
            layer.build((BATCH, *shape))
        for way, jit in (("TensorFlow with oneDNN", False), ("XLA", True)):
            timed[name, way] = (compiled(tf, layer, jit), tf.random.normal((BATCH, *shape)), gflop)
    best = dict.fromkeys(timed, float("inf"))
    for step, x, _ in progress(timed.values(), "compiling"):
        step(x)
    for _ in progress(range(ROUNDS), "rounds"):
        for key, (step, x, _) in timed.items():
            started = time.perf_counter()
            step(x)[-1].numpy()
            best[key] = min(best[key], time.perf_counter() - started)
    rows = [
        {
            "piece": name,
            "way": way,
            "ms": round(1000 * best[name, way], 2),
            "gflops": round(BATCH * gflop / best[name, way]) if gflop else None,
        }
        for (name, way), (_, _, gflop) in timed.items()
    ]
    keep("layers", {"batch": BATCH, "rows": rows})


def compiled(tf, layer, jit):
    """One forward and backward pass as a compiled function; all is returned, so that nothing can be left out."""

    @tf.function(jit_compile=jit)
    def step(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        return [y, *tape.gradient(y, [x, *layer.trainable_variables], output_gradients=0.01 * y)]

    return step


if __name__ == "__main__":
    main()
