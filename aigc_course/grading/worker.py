"""Runs inside the sandbox: a learner's cells in IPython's shell, then a learner's function on the inputs that come.

It reads frames from standard input and answers on what was standard output when it began; whatever the cells print goes
to standard error. It holds no expectation and no solution: a learner's code may do with it what it likes.
"""

import os
import sys

sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != os.path.dirname(os.path.abspath(__file__))]
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import calling  # noqa: E402
import frames  # noqa: E402

sys.path[0] = ""  # as in a notebook: modules that a cell has written to the working folder can be imported
NOTHING = ("pip", "conda", "mamba", "micromamba", "uv")  # there is no network


def main():
    """Answers frames until the stream ends."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    printed, streams = os.dup(2), (sys.stdout, sys.stderr)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        """IPython's shell without a window or a terminal; commands that only a notebook or Colab has do nothing."""

        def enable_gui(self, gui=None):
            """For %matplotlib: there is no window."""

        def ask_exit(self):
            """For exit(): the cells behind it run all the same, as in a notebook."""

        def run_line_magic(self, magic_name, line, _stack_depth=1):
            """%autosave, %tensorflow_version …; an extension that is not installed is passed over too."""
            if magic_name in NOTHING or self.find_line_magic(magic_name) is None:
                return print(f"%{magic_name} does nothing here")
            try:
                return super().run_line_magic(magic_name, line, _stack_depth + 1)
            except ImportError:
                if magic_name != "load_ext":
                    raise
                return print(f"%load_ext: {line} is not installed here")

        def run_cell_magic(self, magic_name, line, cell):
            """%%shell and others of Colab."""
            if self.find_cell_magic(magic_name) is None and self.find_line_magic(magic_name) is None:
                return print(f"%%{magic_name} does nothing here")
            return super().run_cell_magic(magic_name, line, cell)

    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    shell = Shell.instance(config=config)
    frames.write(replies, {"ready": os.getpid()})
    while request := frames.read(requests):
        header, arrays = request
        for number in (1, 2):  # a cell may have closed or replaced them
            os.dup2(printed, number)
        sys.stdout, sys.stderr = streams
        if header["do"] == "run":
            result = shell.run_cell(header["source"], store_history=False)
            error = result.error_before_exec or result.error_in_exec
            reply, values = {"error": describe(error) if error else None}, []
        else:
            reply, values = call(shell.user_ns.get(header["function"]), header, arrays)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # closed, or replaced by something that is no stream
                continue
        frames.write(replies, {"id": header["id"], **reply}, values)


def call(function, header, arrays):
    """Calls a function on each case; stops at the first error."""
    if not callable(function):
        return {"answers": [], "error": ["Missing", ""]}, []
    counts, values = [], []
    for case in header["cases"]:
        try:
            answer = calling.call(function, header["how"], frames.unpack(case, arrays), header["outputs"])
            counts.append(len(answer))
            values.extend(answer)
        except BaseException as error:  # SystemExit and KeyboardInterrupt too: they are the learner's own
            return {"answers": counts, "error": describe(error)}, values
    return {"answers": counts, "error": None}, values


def describe(error):
    """[class, text] of an exception; its own methods may fail."""
    try:
        text = " ".join(str(error).split())[:300]
    except BaseException:
        text = ""
    return [str(type(error).__name__)[:80], text]


if __name__ == "__main__":
    main()
