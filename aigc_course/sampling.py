"""python -m aigc_course sample --model digits|fashion|flow: the shipped generators from the shell."""

from pathlib import Path

import numpy as np

from aigc_course import data, files, runtime
from aigc_course.errors import CourseError
from aigc_course.files import write_whole

__all__ = ["add_parser", "run"]

_MODELS = ("digits", "fashion", "flow")
_USUAL = 10  # evaluations of the flow, if nothing is said
_MOST = 1000


def add_parser(commands):
    """Adds `run` to the command line's grammar."""
    sample = commands.add_parser("sample", help="draw images from trained weights")
    sample.add_argument("--model", default="digits", help="digits (default), fashion or flow")
    sample.add_argument(
        "--weights", default=None, help=".keras checkpoint or .weights.h5, for digits (default: shipped)"
    )
    sample.add_argument("--class", dest="kind", default=None, help='fashion: "ankle boot" or 9; flow: a digit')
    sample.add_argument("--evaluations", type=int, default=None, help=f"of the flow's network (default {_USUAL})")
    sample.add_argument("--n", type=int, default=40, help="how many images (default 40)")
    sample.add_argument("--seed", type=int, default=0, help="of the noise (default 0)")
    sample.add_argument("--out", default="samples.png", help="file: .png, or .npz for the array (default samples.png)")


def run(arguments):
    """Draws images and writes them as one picture or as an array; returns the exit code."""
    out, label = _check(arguments)
    runtime.start(7, report=False)
    images = {"digits": _digits, "fashion": _fashion, "flow": _flow}[arguments.model](arguments, label)
    if out.suffix.lower() == ".npz":
        write_whole(out, lambda part: np.savez_compressed(part, images=images))
    else:
        from aigc_course import plots

        columns = max(1, int(np.ceil(np.sqrt(arguments.n * 1.6))))
        picture = plots.png(plots.image_grid(images, columns=columns))
        write_whole(out, lambda part: part.write_bytes(picture))
    print(f"{arguments.n} images in {out}")
    return 0


def _check(arguments):
    """(path, class as an int or None) from the arguments, or a CourseError of one line."""
    model, out = arguments.model, Path(arguments.out)
    if model not in _MODELS:
        raise CourseError(f"--model must be digits, fashion or flow; received {model!r}.")
    if not 1 <= arguments.n <= 10_000:
        raise CourseError(f"--n must lie in 1 … 10000; received {arguments.n}.")
    if arguments.seed < 0:
        raise CourseError(f"--seed must be 0 or more; received {arguments.seed}.")
    if arguments.evaluations is not None and model != "flow":
        raise CourseError(f"--evaluations is for --model flow; {model} takes one. Leave it out.")
    if arguments.evaluations is not None and not 1 <= arguments.evaluations <= _MOST:
        raise CourseError(f"--evaluations must lie in 1 … {_MOST}; received {arguments.evaluations}.")
    if arguments.weights and model != "digits":
        raise CourseError(f"--weights is for --model digits; {model} draws with the shipped weights. Leave it out.")
    label = None if arguments.kind is None else _label(model, arguments.kind)
    if out.suffix.lower() not in (".png", ".npz"):
        raise CourseError(f"--out must end in .png or .npz; received {out.name!r}.")
    files.check_writable(out.parent)
    if arguments.weights and not Path(arguments.weights).is_file():
        raise CourseError(f"--weights must name a file; there is no {arguments.weights}. Train first: make train.")
    return out, label


def _label(model, kind):
    """The class's number, from its name or number."""
    if model == "digits":
        raise CourseError("--class is for --model fashion and flow: the digits' generator was told no class.")
    names = data.FASHION_CLASSES if model == "fashion" else data.DIGIT_WORDS[0]
    asked = " ".join(kind.lower().split())
    found = {str(i): i for i in range(10)} | {name: i for i, name in enumerate(names)}
    found |= {name.replace("-", " "): i for i, name in enumerate(names)} | {
        name.replace(" ", "-"): i for i, name in enumerate(names)
    }
    if asked not in found:
        raise CourseError(f"--class must be 0 … 9 or one of: {', '.join(names)}; received {kind!r}.")
    return found[asked]


def _digits(arguments, label):
    from aigc_course import gan

    generator = gan.load_generator(arguments.weights)
    size = (arguments.n, generator.input_shape[-1])
    return gan.generate_images(generator, np.random.default_rng(arguments.seed).standard_normal(size, dtype=np.float32))


def _labels(arguments, label):
    return np.arange(arguments.n) % 10 if label is None else np.full(arguments.n, label)


def _fashion(arguments, label):
    from aigc_course.studio import conditional

    generator, _ = conditional.load_conditional_generator(data.asset("fashion_generator.npz"))
    return conditional.sample_classes(generator, arguments.n, _labels(arguments, label), arguments.seed)[0]


def _flow(arguments, label):
    from aigc_course.flow import model

    flow, _ = model.load_flow(data.asset("flow.npz"))
    evaluations = arguments.evaluations or _USUAL
    return flow.sample(arguments.n, _labels(arguments, label), evaluations, seed=arguments.seed)
