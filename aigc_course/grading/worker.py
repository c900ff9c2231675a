"""Runs inside the sandbox: a learner's cells in IPython's shell, then a learner's function on the inputs that come.

It reads frames from standard input and answers on what was standard output when it began; whatever the cells print goes
to standard error. It holds no expectation and no solution: a learner's code may do with it what it likes.
"""

import os
import sys
from typing import Any

sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != os.path.dirname(os.path.abspath(__file__))]
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import calling  # noqa: E402
import frames  # noqa: E402

__all__: list[str] = []  # a program: it is asked by frames

sys.path[0] = ""  # as in a notebook: modules that a cell has written to the working folder can be imported
_NOTHING = ("pip", "conda", "mamba", "micromamba", "uv")  # there is no network


def _main() -> None:
    """Answers frames until the stream ends."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    printed, streams = os.dup(2), (sys.stdout, sys.stderr)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        """IPython's shell without a window or a terminal; commands that only a notebook or Colab has do nothing."""

        def enable_gui(self, gui: str | None = None) -> None:
            """For %matplotlib: there is no window."""

        def ask_exit(self) -> None:
            """For exit(): the cells behind it run all the same, as in a notebook."""

        def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1) -> Any:
            """%autosave, %tensorflow_version …; an extension that is not installed is passed over too."""
            if magic_name in _NOTHING or self.find_line_magic(magic_name) is None:
                return print(f"%{magic_name} does nothing here")
            try:
                return super().run_line_magic(magic_name, line, _stack_depth + 1)
            except ImportError:
                if magic_name != "load_ext":
                    raise
                return print(f"%load_ext: {line} is not installed here")

        def run_cell_magic(self, magic_name: str, line: str, cell: str) -> Any:
            """%%shell and others of Colab."""
            if self.find_cell_magic(magic_name) is None and self.find_line_magic(magic_name) is None:
                return print(f"%%{magic_name} does nothing here")
            return super().run_cell_magic(magic_name, line, cell)

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    shell = Shell.instance(config=config)
    frames.write_frame(replies, {"ready": os.getpid()})
    while request := frames.read_frame(requests):
        header, arrays = request
        for number in (1, 2):  # a cell may have closed or replaced them
            os.dup2(printed, number)
        sys.stdout, sys.stderr = streams
        values: list[Any] = []
        if header["do"] == "run":
            result = shell.run_cell(header["source"], store_history=False)
            error = result.error_before_exec or result.error_in_exec
            reply = {"error": _class_and_text(error) if error else None}
        else:
            reply, values = _call(shell.user_ns.get(header["function"]), header, arrays)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # closed, or replaced by something that is no stream
                continue
        frames.write_frame(replies, {"id": header["id"], **reply}, values)


def _call(function: Any, header: dict[str, Any], arrays: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    """Calls a function on each case; stops at the first error."""
    if not callable(function):
        return {"answers": [], "error": ["Missing", ""]}, []
    counts: list[int] = []
    values: list[Any] = []
    for case in header["cases"]:
        try:
            answer = calling.call(function, header["how"], frames.unpack(case, arrays), header["outputs"])
            counts.append(len(answer))
            values.extend(answer)
        except BaseException as error:  # SystemExit and KeyboardInterrupt too: they are the learner's own
            return {"answers": counts, "error": _class_and_text(error)}, values
    return {"answers": counts, "error": None}, values


def _class_and_text(error: BaseException) -> list[str]:
    """[class, text] of an exception; its own methods may fail."""
    try:
        text = " ".join(str(error).split())[:300]
    except BaseException:
        text = ""
    return [str(type(error).__name__)[:80], text]


if __name__ == "__main__":
    _main()
