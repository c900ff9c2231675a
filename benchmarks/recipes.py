"""One training recipe for the article's networks, its judge distance along the way: how the recipe was found.

`python benchmarks/recipes.py --name NAME [options]` trains on one thread and appends its scores to
runs/bench/recipes.csv. Two of them run side by side on two cores; each shows its distances against images seen.
`report.py` takes the table from recipes.json, written by `--table`.
"""

import argparse
import csv
import sys

from common import RESULTS, keep

from aigc_course import runtime

COLUMNS = ("name", "images", "seconds", "distance", "distance_raw")


def arguments():
    parser = argparse.ArgumentParser()
    add = parser.add_argument
    add("--table", action="store_true", help="write recipes.json from recipes.csv and stop")
    add("--name", default="trial")
    add("--images", type=int, default=48_000)
    add("--every", type=int, default=16_000, help="images between two scores")
    add("--batch", type=int, default=16)
    add("--later-batch", type=int, default=0, help="batch size after --switch of the images (0: no change)")
    add("--switch", type=float, default=0.4)
    add("--lr-d", type=float, default=1e-3)
    add("--lr-g", type=float, default=5e-4)
    add("--beta-1", type=float, default=0.5)
    add("--beta-2", type=float, default=0.999)
    add("--decay", type=float, default=0.0, help="share of the run over which the rates fall linearly to zero")
    add("--d-first", action="store_true", help="D moves, then G answers with the same images")
    add("--d-steps", type=int, default=1, help="D's steps for each of G's, on the same fakes and new reals (d-first)")
    add("--drop-for-d", type=int, default=1, help="0: D learns without dropout")
    add("--drop-for-g", type=int, default=1, help="0: G's gradient passes D without dropout (d-first)")
    add("--loss", default="ns", choices=("ns", "hinge", "relativistic"))
    add("--r1", type=float, default=0.0)
    add("--smooth", type=float, default=0.0, help="one-sided label smoothing (Salimans et al., 2016)")
    add("--seed", type=int, default=7)
    add("--threads", type=int, default=1)
    return parser.parse_args()


def train(a):
    runtime.configure()
    import keras
    import numpy as np
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(a.threads)
    keras.utils.set_random_seed(a.seed)
    import time

    from aigc_course import data, gan, metrics, models, objectives

    generator, discriminator = models.build_generator(), models.build_discriminator()
    average = [tf.Variable(weight) for weight in generator.weights]
    d_weights, g_weights = discriminator.trainable_variables, generator.trainable_variables
    d_adam, g_adam = (keras.optimizers.Adam(rate, beta_1=a.beta_1, beta_2=a.beta_2) for rate in (a.lr_d, a.lr_g))
    d_adam.build(d_weights)
    g_adam.build(g_weights)
    softplus, mean, seen = tf.nn.softplus, tf.reduce_mean, tf.Variable(0.0)

    def opinion(images, dropout=True):
        if dropout:
            return discriminator(images, training=True)
        for layer in discriminator.layers:
            normal = isinstance(layer, keras.layers.BatchNormalization)
            images = (
                images
                if isinstance(layer, keras.layers.Dropout)
                else layer(images, **{"training": True} if normal else {})
            )
        return images

    def d_loss(real, fake):
        if a.loss == "hinge":
            return mean(tf.nn.relu(1 - real)) + mean(tf.nn.relu(1 + fake))
        if a.loss == "relativistic":
            return mean(softplus(fake - real))
        return mean((1 - a.smooth) * softplus(-real) + a.smooth * softplus(real)) + mean(softplus(fake))

    def g_loss(real, fake):
        if a.loss == "hinge":
            return -mean(fake)
        return mean(softplus(real - fake)) if a.loss == "relativistic" else mean(softplus(-fake))

    def d_part(real_images, fake_images):
        see = lambda images: opinion(images, bool(a.drop_for_d))  # noqa: E731
        real, penalty = objectives.r1_penalty(see, real_images) if a.r1 else (see(real_images), 0.0)
        fake = see(fake_images)
        return d_loss(real, fake) + a.r1 * penalty, real, fake

    def step(real_images):
        n = tf.shape(real_images)[0] // a.d_steps
        with tf.GradientTape(persistent=True) as tape:
            fake_images = generator(tf.random.normal((n, 100)), training=True)
            if not a.d_first:
                loss, real, fake = d_part(real_images, fake_images)
                answer = g_loss(real, fake)
        if a.d_first:
            for i in range(a.d_steps):
                with tf.GradientTape() as d_tape:
                    loss, real, _ = d_part(real_images[i * n : (i + 1) * n], fake_images)
                d_adam.apply(d_tape.gradient(loss, d_weights), d_weights)
            with tf.GradientTape() as g_tape:
                g_tape.watch(fake_images)
                fake = opinion(fake_images, bool(a.drop_for_g))
                again = opinion(real_images[:n], bool(a.drop_for_g)) if a.loss == "relativistic" else real
                answer = g_loss(again, fake)
            slopes = g_tape.gradient(answer, fake_images)
            g_slopes = tape.gradient(fake_images, g_weights, output_gradients=slopes)
        else:
            d_slopes, g_slopes = tape.gradient(loss, d_weights), tape.gradient(answer, g_weights)
            d_adam.apply(d_slopes, d_weights)
        g_adam.apply(g_slopes, g_weights)
        count = tf.cast(n, tf.float32)
        seen.assign_add(count)
        share = tf.minimum(1.0, 9.0 * count / (seen + 9.0 * count))  # the average covers the last ninth of the images
        for mean_weight, weight in zip(average, generator.weights, strict=True):
            mean_weight.assign_add(share * (weight - mean_weight))
        return answer

    compiled = tf.function(step, input_signature=[tf.TensorSpec((None, 28, 28, 1))])
    pixels, judged = data.scale(data.load_mnist()[0][0]), models.build_generator()
    z = np.random.default_rng(0).standard_normal((5000, 100), dtype=np.float32)

    def distance(weights):
        judged.set_weights([np.asarray(weight) for weight in weights])
        return float(metrics.judge_distance(gan.generate_images(judged, z), verbose=False))

    rng, order, images, seconds, next_score = np.random.default_rng(a.seed), np.array([], int), 0, 0.0, a.every
    while images < a.images:
        done = images / a.images
        batch = a.later_batch if a.later_batch and done >= a.switch else a.batch
        if a.decay:
            left = min(1.0, (1.0 - done) / a.decay)
            d_adam.learning_rate.assign(a.lr_d * left)
            g_adam.learning_rate.assign(a.lr_g * left)
        if len(order) < batch * a.d_steps:
            order = rng.permutation(len(pixels))
        chosen, order = order[: batch * a.d_steps], order[batch * a.d_steps :]
        started = time.perf_counter()
        compiled(pixels[chosen]).numpy()
        seconds += time.perf_counter() - started
        images += batch
        if images >= next_score or images >= a.images:
            next_score += a.every
            row = (
                a.name,
                images,
                round(seconds, 1),
                round(distance(average), 2),
                round(distance(generator.weights), 2),
            )
            print(*row, flush=True)
            with open(RESULTS / "recipes.csv", "a", newline="", encoding="utf-8") as file:
                csv.writer(file).writerow(row)


def table():
    """recipes.json: one row for each recipe, its distances by images seen."""
    rows = {}
    with open(RESULTS / "recipes.csv", newline="", encoding="utf-8") as file:
        for name, images, _, distance, _ in csv.reader(file):
            rows.setdefault(name, {})[str(int(images) // 1000 * 1000)] = float(distance)
    note = "One seed each, one thread each, two at a time; averaged generator, n = 5,000."
    keep("recipes", {"note": note, "rows": [{"change": name, "distance": found} for name, found in rows.items()]})


if __name__ == "__main__":
    asked = arguments()
    RESULTS.mkdir(parents=True, exist_ok=True)
    sys.exit(table() if asked.table else train(asked))
