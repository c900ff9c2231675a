"""Odd machines, as processes: file systems without locks, output in small encodings, read-only course folders."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKLESS = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

int flock(int file, int operation) { errno = ENOLCK; return -1; }

static int without_locks(const char *name, int file, int command, void *argument) {
    if (command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW) {
        errno = ENOLCK;
        return -1;
    }
    int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);
    return real(file, command, argument);
}

#define WRAP(name) int name(int file, int command, ...) { \\
    va_list rest; va_start(rest, command); void *argument = va_arg(rest, void *); va_end(rest); \\
    return without_locks(#name, file, command, argument); }
WRAP(fcntl)
WRAP(fcntl64)
"""


def needs(condition, reason):
    """Skips a test outside CI, fails it there, where what it needs is to be installed."""
    if not condition:
        pytest.fail(f"CI needs this: {reason}") if os.environ.get("CI") else pytest.skip(reason)


def python(code, *arguments, before=(), cwd=ROOT, **environment):
    """Runs a program in a Python of its own; returns (exit code, stdout, stderr), undecoded characters replaced."""
    kept = {name: value for name, value in os.environ.items() if name != "HDF5_USE_FILE_LOCKING"}
    done = subprocess.run(
        [*before, sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        env={**kept, **environment},
        check=False,
        timeout=300,
    )
    return done.returncode, *(text.decode("utf-8", errors="replace") for text in (done.stdout, done.stderr))


@pytest.fixture(scope="module")
def images_file(tmp_path_factory):
    """A small data file for `train`."""
    path = tmp_path_factory.mktemp("data") / "small.npz"
    np.savez(path, images=np.random.default_rng(3).integers(0, 256, (24, 28, 28), dtype=np.uint8))
    return path


# --- file systems without locks --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lockless(tmp_path_factory):
    """The environment of a process for which every file system refuses locks, as some network drives do."""
    if not sys.platform.startswith("linux"):
        pytest.skip("LD_PRELOAD is Linux'")
    compiler = shutil.which("cc") or shutil.which("gcc")
    needs(compiler, "a C compiler (apt-get install gcc libc6-dev), for a system without locks")
    folder = tmp_path_factory.mktemp("lockless")
    (folder / "lockless.c").write_text(LOCKLESS, encoding="utf-8")
    library = folder / "lockless.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, folder / "lockless.c", "-ldl"], check=True)
    code, out, _ = python("import fcntl; fcntl.flock(0, fcntl.LOCK_SH)", LD_PRELOAD=str(library))
    assert code == 1, out
    return {"LD_PRELOAD": str(library)}


WORK = """
import sys
import aigc_course.__main__ as cli
from aigc_course import recipe
recipe.SCORED, (data, out) = 60, sys.argv[1:]
train = ["train", "--batch-size", "8", "--data", data, "--out", out]
print([cli.main(command) for command in (
    [*train, "--steps", "2"],
    ["train", "--steps", "3", "--out", out, "--resume"],
    ["sample", "--n", "2", "--weights", out + "/generator.weights.h5", "--out", out + "/h5.png"],
    ["sample", "--n", "2", "--weights", out + "/checkpoint.keras", "--out", out + "/keras.png"],
    ["doctor"])])
"""


def test_work_on_a_file_system_without_locks(lockless, tmp_path, images_file):
    """train to its end, resumed, sample from both files; doctor finds a note, not a fault."""
    code, out, err = python(WORK, images_file, tmp_path / "run", **lockless)
    assert code == 0, err
    assert "Traceback" not in err
    assert out.splitlines()[-1] == "[0, 0, 0, 0, 0]", out + err
    assert "note  locks        no locks on this file system" in out
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"checkpoint.keras", "generator.weights.h5", "samples.png", "report.json", "h5.png", "keras.png"} <= names


TOLD = """
import json
from aigc_course import doctor, errors, gan, metrics, runtime
def told(function):
    try:
        function()
    except errors.CourseError as error:
        return str(error)
print(json.dumps([told(gan.load_generator), told(metrics.judge), doctor.examine(doctor.check_locks)]))
"""


def test_locks_that_hdf5_is_made_to_ask_for(lockless):
    """HDF5_USE_FILE_LOCKING=TRUE, the user's own: the cause and the setting; nothing is called damaged."""
    code, out, err = python(TOLD, HDF5_USE_FILE_LOCKING="TRUE", **lockless)
    assert code == 0, err
    weights, judge, (state, found, mend) = json.loads(out)
    for told, name in ((weights, "generator.weights.h5"), (judge, "judge.weights.h5")):
        assert f"{name} could not be read: No locks available. This file system has no locks" in told
        assert "HDF5_USE_FILE_LOCKING=FALSE" in told
        assert "damaged" not in told
    assert (state, "No locks available" in found) == ("MEND", True)
    assert "HDF5_USE_FILE_LOCKING=FALSE" in mend


@pytest.mark.parametrize("kind", ["codec", "weights"])
def test_damage_is_still_called_damage(tmp_path, kind):
    """Half a file: the old words, which say to train anew; a file that cannot be opened: the system's."""
    from aigc_course import data, files, gan
    from aigc_course.errors import CourseError

    if kind == "codec":
        path, words = tmp_path / "a.npz", "cannot be read as a codec .*Train anew"
        files.save_network(path, {}, {"w": np.ones(1000)})
        whole = path.read_bytes()

        def load():
            files.load_network(path, lambda header, weights: weights, "a codec")
    else:
        path, words = tmp_path / "a.weights.h5", "damaged, or of other layer sizes"
        whole = (data.ASSETS / "generator.weights.h5").read_bytes()

        def load():
            gan.load_generator(path)

    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CourseError, match=words):
        load()
    path.unlink()
    path.symlink_to(path.name)
    with pytest.raises(CourseError) as caught:
        load()
    assert "damaged" not in str(caught.value)
    assert "anew" not in str(caught.value)


# --- output in small encodings ---------------------------------------------------------------------------

TALK = """
import sys
import aigc_course.__main__ as cli
from aigc_course import recipe
recipe.SCORED, (data, out), codes = 60, sys.argv[1:], []
for command in (
    ["doctor"],
    ["train", "--steps", "2", "--batch-size", "8", "--data", data, "--out", out],
    ["sample", "--n", "2", "--out", out + "/a.png"],
    ["generate", "seven", "--n", "1", "--out", out + "/b.png"],
    ["grade", "--help"],
    ["sample", "--n", "0"],
    ["generate", "\\u4e03\\u516b"],
):
    try:
        codes.append(cli.main(command))
    except SystemExit as stop:
        codes.append(stop.code)
print(codes)
"""
SMALL = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "C locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.long
@pytest.mark.parametrize("name", ["ascii", "C locale"])  # they lack most: what they can print the others can
def test_every_command_in_a_small_encoding(tmp_path, images_file, name):
    """doctor with something to mend ("→"), training (" · ", "…"), help and refusals: the usual exit codes."""
    proxy = {"http_proxy": "http://proxy.school.example:3128", "no_proxy": ""}  # for doctor to find
    code, out, err = python(TALK, images_file, tmp_path, **proxy, **SMALL[name])
    assert code == 0, err
    assert "Traceback" not in err
    assert out.splitlines()[-1] == "[1, 0, 0, 0, 0, 2, 2]", out + err
    assert "      ? before `make lab`: export no_proxy=" in out


@pytest.mark.parametrize("name", SMALL)
def test_a_bare_pythons_doctor_in_a_small_encoding(name):
    """The standard library alone has something to mend, and says so."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "aigc_course", "doctor"],
        cwd=ROOT,
        capture_output=True,
        env={**os.environ, **SMALL[name]},
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == b""
    assert b"      ? " in done.stdout


def test_a_script_of_ones_own_in_a_small_encoding():
    """runtime.start() prints "·", and what follows may print what it likes."""
    code, out, err = python(
        "from aigc_course import runtime; runtime.start(); print('\\u2713')", PYTHONIOENCODING="ascii"
    )
    assert code == 0, err
    assert out.splitlines()[-1] == "?"


# --- read-only folders -----------------------------------------------------------------------------------


def read_only(*places):
    """The beginning of a command for which some folders cannot be written, not even by root; None if impossible."""
    mounts = " && ".join(f'mount --bind "{p}" "{p}" && mount -o remount,bind,ro "{p}"' for p in places)
    before = ["unshare", "-rm", "sh", "-c", f'{mounts} && exec "$@"', "sh"]
    probe = shutil.which("unshare") and subprocess.run([*before, "true"], capture_output=True, check=False)
    return before if probe and probe.returncode == 0 else None


@pytest.fixture
def locked_up(tmp_path):
    """A function of folders: makes them, and returns what to put before a command so that they are read-only."""

    def lock(*names):
        places = [tmp_path / name for name in names]
        for place in places:
            place.mkdir(exist_ok=True)
        before = read_only(*places)
        if before is None and hasattr(os, "geteuid") and os.geteuid() != 0:
            for place in places:
                place.chmod(0o555)  # an ordinary user needs no mount
            before = []
        if before is None:
            pytest.skip("root may write everywhere, and unshare -rm is not allowed here: no folder can be read-only")
        return before

    yield lock
    for place in tmp_path.iterdir():
        place.chmod(0o755)


PLACES = "from aigc_course import runtime; print(runtime.work_folder('chapter04'), runtime.runs() / 'train', sep='\\n')"


@pytest.mark.parametrize("names", [["course"], ["course", "home"]])
def test_results_of_a_read_only_course(tmp_path, locked_up, names):
    """A course that the teacher installed: results go to the home, without one to a temporary folder; one line."""
    before = locked_up(*names)
    home, rest = tmp_path / "home", tmp_path / "rest"
    home.mkdir(exist_ok=True)
    rest.mkdir()
    environment = {"HOME": str(home), "TMPDIR": str(rest), "AIGC_RUNS": "", "PYTHONPATH": str(ROOT)}
    code, out, err = python(PLACES, before=before, cwd=tmp_path / "course", **environment)
    assert code == 0, err
    line, folder, train = out.splitlines()
    base = home / "aigc-course" / "runs" if names == ["course"] else Path(folder).parent
    assert (Path(folder), Path(train)) == (base / "chapter04", base / "train")
    assert base.parent == (home / "aigc-course" if names == ["course"] else rest)
    assert str(base) in line
    assert "cannot be written" in line or "can be written" in line


def test_lab_starts_from_a_read_only_environment(tmp_path, locked_up):
    """The quiet settings cannot be put into it: one line, no traceback, nothing else."""
    before = locked_up("environment")
    code = "import sys; sys.path.insert(0, 'tools'); import lab; lab.write_settings(sys.argv[1])"
    done, out, err = python(code, tmp_path / "environment", before=before)
    assert (done, err) == (0, "")
    assert out.count("\n") == 1
    assert "JupyterLab will ask" in out


def test_lab_puts_its_settings_where_it_can(tmp_path):
    """Whole, once: settings that are there stay."""
    code = "import sys; sys.path.insert(0, 'tools'); import lab; lab.write_settings(sys.argv[1])"
    path = tmp_path / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert python(code, tmp_path) == (0, "", "")
    assert json.loads(path.read_text(encoding="utf-8"))
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    path.write_text("{}", encoding="utf-8")
    assert python(code, tmp_path) == (0, "", "")
    assert path.read_text(encoding="utf-8") == "{}"


def test_setup_says_where_it_cannot_write(tmp_path, locked_up):
    """A read-only checkout: one line that says where to go, before anything is tried."""
    (tmp_path / "course" / "tools").mkdir(parents=True)
    script = shutil.copy(ROOT / "tools" / "setup.sh", tmp_path / "course" / "tools")
    before = locked_up("course")
    done = subprocess.run(
        [*before, "sh", script],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "AIGC_PYTHON": sys.executable},
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "copy or clone the course into a folder of yours" in done.stderr
