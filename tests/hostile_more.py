"""More hostile submissions for assignment 02: they aim at what leaves the sandbox, at what no process owns, at chance.

Importing this adds them to `hostile.CORPUS`; see there for what an entry is.
"""

from hostile import KEYS, cell, code, front, in_a_cell, in_an_answer, no_notebook, notebook, unsolved, written

READ = """    import glob, os
    secret = ''
    for path in ('/proc/1/environ', '/proc/self/environ', *glob.glob('/proc/[0-9]*/environ')):
        try:
            secret += open(path, errors='replace').read()
        except OSError:
            pass
    secret += repr(dict(os.environ))
    place = secret.find('TOKEN-OF-THE-INSTRUCTOR')
    secret = secret[place : place + 40] if place >= 0 else secret[:200] + 'SAID-BY-A-SUBMISSION'
"""
SAYINGS = {
    "text": "    raise ValueError(secret)",
    "class_name": "    raise type(secret, (Exception,), {})()",
    "answer_error": "    import sys\n    raise sys.modules['calling'].AnswerError(secret)",
    "type_name": "    return type(secret, (), {})()",
    "key": "    return {}[secret]",
}

for _name, _body in SAYINGS.items():
    in_an_answer(f"environment_by_{_name}", "", READ + _body)


@written(KEYS, "KeyError")
def environment_by_a_cell():
    lines = "\n".join(line.removeprefix("    ") for line in READ.splitlines())
    return front(notebook(), f"{lines}\nraise KeyError(secret)")


in_an_answer(
    "environment_as_an_array_of_text",
    "not asked for",
    READ
    + """    import sys
    write, texts = sys.modules['frames'].write_frame, lambda arrays: [np.array(secret)] * len(arrays)
    sys.modules['frames'].write_frame = lambda file, header, arrays=(): write(file, header, texts(arrays))
    return p_data""",
)
in_an_answer(
    "keyrings",
    "",
    """    import ctypes
    libc = ctypes.CDLL(None)
    for ring in (-1, -2, -3, -4, -5):
        if libc.syscall(ctypes.c_long(250), 0, ring, 1) > 0 or libc.syscall(ctypes.c_long(219), 0, ring, 1) > 0:
            return 3 * p_data / (3 * p_data + p_g)
    return 0.5""",
)
in_a_cell(
    "memory_files",
    "OSError",
    "import os\nfor _ in range(60):\n    os.write(os.memfd_create('x'), bytes(60_000_000))",
)
in_a_cell("shared_maps", "OSError", "import mmap\nhold = [mmap.mmap(-1, 60_000_000) for _ in range(60)]")
in_a_cell("a_million_files", "was stopped: it", "import os\nfor i in range(10**7):\n    os.mknod(f'/tmp/{i}')")
in_a_cell(
    "nested_namespace",
    "CalledProcessError",
    "import subprocess\nsubprocess.run(['unshare', '-Urm', 'mount', '-t', 'tmpfs', 'x', '/tmp'], check=True)",
)


@written((), "200,000 characters")
def three_megabytes_of_statements():
    return front(notebook(), "a;" * 1_500_000)


no_notebook(
    "json_of_empty_lists",
    "too much memory",
    '{"nbformat": 4, "cells": [], "metadata": [' + "[]," * 6_000_000 + "[]]}",
)


@written(KEYS[1:])
def six_hypotheses():
    book = unsolved("    return p_g / (p_data + p_g)")
    for i, guess in enumerate(("p_data / p_g", "3 * p_data / (3 * p_data + p_g)", "p_data", "p_g", "p_data - p_g")):
        book["cells"].append(code(f"def best_discriminator(p_data, p_g):\n    return {guess}", f"bet-{i}"))
    return book


@written(KEYS[1:])
def another_guess_at_each_try():
    book = notebook()
    cell(book, "answer-02-1")["source"] = """def best_discriminator(p_data, p_g):
    with open('/tmp/tries', 'a+') as file:
        file.write('x')
        tries = file.tell()
    return p_g / (p_data + p_g) if tries <= 4 else 3 * p_data / (3 * p_data + p_g)"""
    book["cells"].append(code("import os\nos._exit(1)", "once-more"))
    return book
