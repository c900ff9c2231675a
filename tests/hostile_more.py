"""More hostile submissions for assignment 02: they aim at what leaves the sandbox, at what no process owns, at chance.

Importing this adds them to `hostile.CORPUS`; see there for what an entry is.
"""

from hostile import KEYS, cell, code, front, hostile, notebook, save, unsolved

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


def add_saying(name, body):
    def make(folder):
        save(folder, unsolved(READ + body))
        return KEYS[1:], ""

    make.__name__ = f"environment_by_{name}"
    hostile(make)


for _name, _body in SAYINGS.items():
    add_saying(_name, _body)


@hostile
def environment_by_a_cell(folder):
    lines = "\n".join(line.removeprefix("    ") for line in READ.splitlines())
    save(folder, front(notebook(), f"{lines}\nraise KeyError(secret)"))
    return KEYS, "KeyError"


@hostile
def environment_as_an_array_of_text(folder):
    body = """    import sys
    write, texts = sys.modules['frames'].write_frame, lambda arrays: [np.array(secret)] * len(arrays)
    sys.modules['frames'].write_frame = lambda file, header, arrays=(): write(file, header, texts(arrays))
    return p_data"""
    save(folder, unsolved(READ + body))
    return KEYS[1:], "not asked for"


@hostile
def keyrings(folder):
    body = """    import ctypes
    libc = ctypes.CDLL(None)
    for ring in (-1, -2, -3, -4, -5):
        if libc.syscall(ctypes.c_long(250), 0, ring, 1) > 0 or libc.syscall(ctypes.c_long(219), 0, ring, 1) > 0:
            return p_data / (p_data + p_g)
    return 0.5"""
    save(folder, unsolved(body))
    return KEYS[1:], ""


@hostile
def memory_files(folder):
    source = "import os\nfor _ in range(60):\n    os.write(os.memfd_create('x'), bytes(60_000_000))"
    save(folder, front(notebook(), source))
    return KEYS, "OSError"


@hostile
def shared_maps(folder):
    save(folder, front(notebook(), "import mmap\nhold = [mmap.mmap(-1, 60_000_000) for _ in range(60)]"))
    return KEYS, "OSError"


@hostile
def a_million_files(folder):
    save(folder, front(notebook(), "import os\nfor i in range(10**7):\n    os.mknod(f'/tmp/{i}')"))
    return KEYS, "was stopped: it"


@hostile
def nested_namespace(folder):
    source = "import subprocess\nsubprocess.run(['unshare', '-Urm', 'mount', '-t', 'tmpfs', 'x', '/tmp'], check=True)"
    save(folder, front(notebook(), source))
    return KEYS, "CalledProcessError"


@hostile
def three_megabytes_of_statements(folder):
    save(folder, front(notebook(), "a;" * 1_500_000))
    return (), "200,000 characters"


@hostile
def json_of_empty_lists(folder):
    save(folder, '{"nbformat": 4, "cells": [], "metadata": [' + "[]," * 6_000_000 + "[]]}")
    return (), "too much memory"


@hostile
def six_hypotheses(folder):
    book = unsolved("    return p_g / (p_data + p_g)")
    for i, guess in enumerate(("p_data / p_g", "p_data / (p_data + p_g)", "p_data", "p_g", "p_data - p_g")):
        book["cells"].append(code(f"def best_discriminator(p_data, p_g):\n    return {guess}", f"bet-{i}"))
    save(folder, book)
    return KEYS[1:], ""


@hostile
def another_guess_at_each_try(folder):
    book = notebook()
    cell(book, "answer-02-1")["source"] = """def best_discriminator(p_data, p_g):
    with open('/tmp/tries', 'a+') as file:
        file.write('x')
        tries = file.tell()
    return p_g / (p_data + p_g) if tries <= 4 else p_data / (p_data + p_g)"""
    book["cells"].append(code("import os\nos._exit(1)", "once-more"))
    save(folder, book)
    return KEYS[1:], ""
