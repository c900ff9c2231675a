"""The command line: python -m aigc_course train | sample | generate | card | assignment | grade | doctor."""

import argparse
import signal
import sys

from aigc_course import doctor as machine

if __name__ == "__main__" and not machine.can_run():
    sys.exit(machine.without_packages(sys.argv[1:]))

from aigc_course import files, recipe, runtime, sampling
from aigc_course.capstone import command as card_command
from aigc_course.doctor import doctor
from aigc_course.errors import CourseError
from aigc_course.grading import command, exam
from aigc_course.lmdg.words import command as words_command

__all__ = ["main"]


class _Parser(argparse.ArgumentParser):
    """Errors in one line."""

    def error(self, message):
        self.exit(2, f"error: {message} (see `python -m aigc_course --help`)\n")


def _parser():
    """The command line's grammar."""
    top = _Parser(prog="python -m aigc_course", description="AIGC: principles and code. The course's commands.")
    commands = top.add_subparsers(dest="command", required=True, parser_class=_Parser)
    train = commands.add_parser("train", help="train the article's networks from nothing to digits")
    train.add_argument("--steps", type=int, default=None, help=f"training steps in all (default {recipe.STEPS})")
    train.add_argument("--minutes", type=float, default=None, help="as many steps as this machine makes in that time")
    train.add_argument("--batch-size", type=int, default=None, help="images in a step (default: 16, later 64)")
    train.add_argument("--seed", type=int, default=None, help="decides everything random (default 7)")
    train.add_argument(
        "--objective", default=None, help=f"{recipe.OBJECTIVES[0]} (default), {' or '.join(recipe.OBJECTIVES[1:])}"
    )
    halves = "float32 (default), or bfloat16, faster where the processor multiplies in it (AMX, AVX512_BF16)"
    train.add_argument("--precision", default=None, choices=list(recipe.POLICIES), help=halves)
    train.add_argument("--data", default=None, help="an .npz or .npy of uint8 images (N, 28, 28); default MNIST")
    train.add_argument("--out", default=None, help="folder for the results (default runs/train)")
    train.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    train.add_argument("--workers", default=None, help="HOST:PORT,HOST:PORT of all machines, the same on each")
    train.add_argument("--rank", type=int, default=None, help="with --workers: this machine's place, 0 reports")
    train.add_argument("--deterministic", action="store_true", help="the same bits each time (slower)")
    sampling.add_parser(commands)
    words_command.add_parser(commands)
    card_command.add_parser(commands)
    exam.add_parser(commands)
    command.add_parser(commands)
    commands.add_parser("doctor", help="check this machine and say what to mend")
    return top


_COMMANDS = {
    "train": recipe.run,
    "sample": sampling.run,
    "generate": words_command.run,
    "card": card_command.run,
    "assignment": exam.run,
    "grade": command.grade,
    "doctor": doctor,
}


def main(argv=None):
    """Runs a command; returns the exit code: 0, 1 (faults found, a card that fails), 2 (bad input), 130 (Ctrl-C)."""
    runtime.forgiving_output()
    arguments = _parser().parse_args(argv)
    runtime.configure()
    if hasattr(signal, "SIGTERM"):  # a polite kill is treated as Ctrl-C: nothing learnt is lost
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _COMMANDS[arguments.command](arguments)
    except CourseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {files.unreadable(error.filename, error) or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stopped:
        print(str(stopped) or "stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
