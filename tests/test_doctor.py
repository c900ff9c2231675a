"""The doctor: the commonest failures, each one made here, its finding and its mend; and Pythons without the course."""

import ast
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from aigc_course import container, doctor, folders, runtime
from aigc_course.errors import CourseError

ROOT = Path(__file__).resolve().parent.parent
BARE = (
    "__init__",
    "__main__",
    "container",
    "doctor",
    "errors",
    "files",
    "folders",
    "runtime",
)  # what a bare Python reads
WITHOUT_PACKAGES = [sys.executable, "-S"]  # -S: the standard library and nothing else


def examine(name):
    """The finding of one check."""
    return doctor.examine(doctor.CHECKS[name])


def alone(**more):
    """The environment, without packages from elsewhere."""
    return {**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, **more}


def course(*arguments, python=WITHOUT_PACKAGES, **environment):
    """`PYTHON -m aigc_course …` in the course's folder; returns (exit code, stdout, stderr)."""
    command = [*python, "-m", "aigc_course", *arguments]
    options = {"cwd": ROOT, "env": alone(**environment), "capture_output": True, "encoding": "utf-8", "check": False}
    done = subprocess.run(command, timeout=120, **options)
    return done.returncode, done.stdout, done.stderr


def findings(out):
    """name -> state of what the doctor printed; each MEND must be followed by its mend."""
    lines = out.splitlines()
    for line, after in itertools.pairwise(lines):
        assert not line.startswith("MEND") or after.startswith("      → "), line
    return {line.split()[1]: line.split()[0] for line in lines[:-1] if not line.startswith(" ")}


# --- 1: no environment, packages missing -----------------------------------------------------------------


def test_a_python_without_packages_is_told_what_to_type():
    """The standard library alone: no traceback, packages and JupyterLab to mend, the rest is looked at or left."""
    code, out, err = course("doctor")
    assert (code, err) == (1, "")
    found = findings(out)
    assert list(found) == list(doctor.CHECKS)
    assert {name for name, state in found.items() if state == "MEND"} == {"packages", "Jupyter"}
    assert "lacks IPython, ipywidgets, matplotlib, numpy" in out
    assert "`make setup`" in out
    assert "`. .venv/bin/activate`" in out
    assert "2 to mend" in out


@pytest.mark.parametrize(
    "command", [["train"], ["sample", "--n", "2"], ["generate", "seven"], ["grade"], ["--help"], []]
)
def test_other_commands_of_such_a_python_end_in_one_line(command):
    """Exit code 2, one line: which Python, `make setup`, then `. .venv/bin/activate`."""
    code, out, err = course(*command)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith(f"error: {sys.executable} lacks ")
    assert err.index("`make setup`") < err.index("`. .venv/bin/activate`")


def test_the_list_of_packages_is_pyprojects():
    """Each package that the course depends on is asked for by the name under which it is imported."""
    import tomllib

    from packaging.requirements import Requirement

    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {"ipython": "IPython", "pillow": "PIL"}
    wanted = {Requirement(text).name for text in listed}
    assert {names.get(name, name) for name in wanted} == set(doctor.PACKAGES)


# --- 2: another Python -----------------------------------------------------------------------------------


def old_pythons():
    """Commands of old Pythons: one that says so of itself, and those that this machine has."""
    said = "import runpy, sys; sys.version_info = (3, 9, 18); runpy.run_module('aigc_course', run_name='__main__')"
    yield [sys.executable, "-S", "-c", said], "3.9.18"
    for minor in (7, 8, 9, 10):
        places = [shutil.which(f"python3.{minor}"), *Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python")]
        for place in filter(None, places):
            if subprocess.run([place, "-c", "pass"], capture_output=True, check=False).returncode:
                continue  # the stand-in of a version manager
            yield [str(place), "-m", "aigc_course"], f"3.{minor}."


def test_an_old_python_is_told_which_one_is_wanted():
    """Python 3.7 … 3.10: doctor reports, train says it in one line; both name the versions that work."""
    options = {"cwd": ROOT, "env": alone(PYTHONIOENCODING="utf-8"), "capture_output": True, "encoding": "utf-8"}
    for command, version in old_pythons():
        done = {name: subprocess.run([*command, name], check=False, **options) for name in ("doctor", "train")}
        line = next(line for line in done["doctor"].stdout.splitlines() if line.startswith("MEND  Python"))
        assert done["doctor"].returncode == 1
        assert done["doctor"].stderr == ""
        assert done["train"].returncode == 2
        assert done["train"].stderr.count("\n") == 1, done["train"].stderr
        for told in (line, done["train"].stderr):
            assert f"Python {version}" in " ".join(told.split())
            assert "the course needs 3.11, 3.12 or 3.13" in told


@pytest.mark.parametrize("name", BARE)
def test_what_a_bare_python_reads_has_no_newer_words(name):
    """The modules that doctor needs are read by Python 3.7 too, and import nothing outside the standard library."""
    tree = ast.parse((ROOT / "aigc_course" / f"{name}.py").read_text(encoding="utf-8"), feature_version=(3, 7))
    if name == "__main__":
        return  # it imports more, behind its guard
    for node in tree.body:
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= sys.stdlib_module_names
        elif isinstance(node, ast.ImportFrom):
            top = node.module.split(".")[0]
            own = node.module.removeprefix("aigc_course.") in BARE or {a.name for a in node.names} <= set(BARE)
            assert top in sys.stdlib_module_names or own, ast.unparse(node)


# --- 3: no disk ------------------------------------------------------------------------------------------


def test_a_full_disk(monkeypatch, tmp_path):
    """Half a GiB left where results go: MEND, and how to get room. It is that disk that is looked at."""
    asked = []
    monkeypatch.setenv("AIGC_RUNS", str(tmp_path / "results"))
    usage = shutil._ntuple_diskusage(2**40, 2**40, 2**29)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: asked.append(place) or usage)
    state, found, mend = examine("disk")
    assert (state, found) == ("MEND", "0.5 GiB free")
    assert "make room" in mend
    assert asked == [str(tmp_path)]


# --- 4: TensorFlow ---------------------------------------------------------------------------------------


def test_tensorflow_is_missing(monkeypatch, capsys):
    """One finding, not one of each check that needs it."""
    for name in ("tensorflow", "keras"):
        monkeypatch.setitem(sys.modules, name, None)
    assert doctor.doctor(None) == 1
    found = findings(capsys.readouterr().out)
    assert found["TensorFlow"] == "MEND"
    assert found["device"] == found["speed"] == found["locks"] == "note"
    assert "none is installed" in examine("TensorFlow").found
    assert "make setup" in examine("TensorFlow").mend


def test_tensorflow_is_too_old(monkeypatch):
    """The version that is there, the one that is wanted, the command."""
    monkeypatch.setattr(tf, "__version__", "2.15.0")
    state, found, mend = examine("TensorFlow")
    assert (state, found) == ("MEND", "the course needs TensorFlow 2.20 or newer; found 2.15.0")
    assert "pip install -U" in mend


def test_tensorflow_that_cannot_be_loaded_is_not_called_missing(tmp_path):
    """A library that it needs is not there: its own words, not "none is installed"."""
    (tmp_path / "tensorflow.py").write_text("raise ImportError('libfoo.so.1: cannot open shared object file')\n")
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    code, out, _ = course("doctor", python=[sys.executable], PYTHONPATH=path)
    assert code == 1
    assert "cannot be loaded (libfoo.so.1: cannot open shared object file)" in out
    assert "none is installed" not in out


# --- 5: a GPU that TensorFlow does not see ---------------------------------------------------------------


@pytest.fixture
def no_gpu_here(monkeypatch, tmp_path):
    """A machine on which TensorFlow lists a CPU only, and none of the signs of a GPU is there."""
    monkeypatch.setattr(runtime, "device", lambda: "CPU")
    monkeypatch.setattr(doctor, "GPU_DEVICES", str(tmp_path / "nvidia[0-9]*"))
    monkeypatch.setattr(doctor, "GPU_PROGRAM", str(tmp_path / "nvidia-smi"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


@pytest.mark.parametrize("sign", ["device file", "program"])
def test_a_gpu_that_tensorflow_does_not_see(no_gpu_here, sign):
    """Its device file, or a driver that lists it: the course works, so a note, and how to get CUDA's libraries."""
    assert examine("device").state == "ok"
    if sign == "device file":
        (no_gpu_here / "nvidia3").touch()
    else:
        program = no_gpu_here / "nvidia-smi"
        program.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA A100 (UUID: 1)'\n")
        program.chmod(0o755)
    state, found, mend = examine("device")
    assert state == "note"
    assert "which TensorFlow does not see" in found
    assert "[gpu]" in mend


def test_a_driver_without_a_gpu_is_no_gpu(no_gpu_here):
    """nvidia-smi that fails, as on a machine with the driver's package only: nothing to say."""
    program = no_gpu_here / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'; exit 9\n")
    program.chmod(0o755)
    assert examine("device").state == "ok"


def test_a_gpu_that_the_environment_hides(no_gpu_here, monkeypatch):
    """CUDA_VISIBLE_DEVICES=-1: no library is missing, the variable hides the GPU."""
    (no_gpu_here / "nvidia0").touch()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert examine("device").state == "note"
    assert "unset CUDA_VISIBLE_DEVICES" in examine("device").mend


# --- 6: the kernel ---------------------------------------------------------------------------------------


def kernelspec(monkeypatch, tmp_path, program):
    """A kernel named python3 in the user's folder, in front of the environment's own."""
    place = tmp_path / "kernels" / "python3"
    place.mkdir(parents=True)
    spec = {"argv": [str(program), "-m", "ipykernel_launcher", "-f", "{connection_file}"], "display_name": "Python 3"}
    (place / "kernel.json").write_text(json.dumps({**spec, "language": "python"}), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    return place


def test_a_kernel_of_a_removed_environment(monkeypatch, tmp_path):
    """The usual case: python3 in the user's folder starts a Python that is gone. Where it stands, how to remove it."""
    place = kernelspec(monkeypatch, tmp_path, tmp_path / "gone" / "bin" / "python")
    state, found, mend = examine("kernel")
    assert state == "MEND"
    assert str(place) in found
    assert "which is gone" in found
    assert "jupyter kernelspec remove" in mend
    assert "ipykernel install --sys-prefix" in mend


def test_a_kernel_of_a_python_without_the_course(monkeypatch, tmp_path):
    """It starts, but the first import of a notebook would fail."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    program.chmod(0o755)
    kernelspec(monkeypatch, tmp_path, program)
    state, found, _ = examine("kernel")
    assert state == "MEND"
    assert "which lacks ipykernel, aigc_course, tensorflow" in found


def test_no_kernel_at_all(monkeypatch):
    """JupyterLab has no python3: the command that makes it."""
    from jupyter_client import kernelspec as specs

    def missing(_self, name):
        raise specs.NoSuchKernel(name)

    monkeypatch.setattr(specs.KernelSpecManager, "get_kernel_spec", missing)
    assert examine("kernel").state == "MEND"
    assert "-m ipykernel install --sys-prefix" in examine("kernel").mend


def test_a_kernel_that_names_no_path_is_jupyters_own_python(monkeypatch, tmp_path):
    """ "python3" alone means the Python that runs JupyterLab, as jupyter_client reads it."""
    kernelspec(monkeypatch, tmp_path, "python3")
    monkeypatch.setattr(doctor, "lacking", lambda _: "")
    assert examine("kernel") == ("ok", f"python3 starts {sys.executable}", "")
    monkeypatch.setattr(doctor, "lacking", lambda _: "aigc_course")
    assert examine("kernel").state == "MEND"
    assert f"{sys.executable} -m pip install -e {ROOT}" in examine("kernel").mend


# --- 7: the port -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("jupyter", [True, False])
def test_the_port_is_in_use(monkeypatch, tmp_path, jupyter):
    """Another server listens: a note on what `make lab` does, and whose page the usual address is."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setattr(doctor, "PORT", port)
        if jupyter:
            server = {
                "pid": os.getpid(),
                "port": port,
                "root_dir": "/home/li/other",
                "url": f"http://localhost:{port}/",
            }
            (tmp_path / f"jpserver-{os.getpid()}.json").write_text(json.dumps(server))
        state, found, mend = examine("port")
    assert state == "note"
    assert f"{port} is in use by {'the JupyterLab of /home/li/other' if jupyter else 'another program'}" in found
    assert "`make lab` takes the next that is free" in found
    assert f"http://127.0.0.1:{port} is the other's page" in mend
    assert examine("port").state == "ok"


# --- 8: a proxy ------------------------------------------------------------------------------------------


@pytest.fixture
def no_proxy(monkeypatch):
    """An environment without any proxy variable."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "ALL_PROXY"])
def test_a_proxy_without_exemption(no_proxy, monkeypatch, name):
    """The line to type, which keeps what is exempt already and does not show the proxy's password."""
    monkeypatch.setenv(name, "http://li:secret@proxy.school.example:3128")
    monkeypatch.setenv("no_proxy", "school.example")
    state, found, mend = examine("proxy")
    assert state == "MEND"
    assert "without an exemption for localhost and 127.0.0.1" in found
    wanted = "school.example,localhost,127.0.0.1"
    assert f"export no_proxy={wanted} NO_PROXY={wanted}" in mend
    assert "secret" not in found + mend
    monkeypatch.setenv("no_proxy", wanted)
    assert examine("proxy").state == "ok"


@pytest.mark.parametrize("exempt", ["*", "localhost,127.0.0.0/8", "localhost, 127.0.0.1"])
def test_a_proxy_with_an_exemption(no_proxy, monkeypatch, exempt):
    """Everything, a network, a list with spaces."""
    monkeypatch.setenv("http_proxy", "http://proxy.school.example:3128")
    monkeypatch.setenv("NO_PROXY", exempt)
    assert examine("proxy").state == "ok"


def test_half_an_exemption(no_proxy, monkeypatch):
    """127.0.0.1 alone: `localhost` is named."""
    monkeypatch.setenv("http_proxy", "http://proxy.school.example:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert "for localhost:" in examine("proxy").found


# --- 9: folders that are read-only, file systems without locks -------------------------------------------


def test_a_folder_that_cannot_be_written(monkeypatch, tmp_path):
    """Something in the way of runs/ (read-only mounts: test_machine.py): a note on where results go instead."""
    monkeypatch.delenv("AIGC_RUNS", raising=False)
    (tmp_path / "runs").write_text("in the way")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    state, found, mend = examine("results")
    assert state == "note"
    assert f"{tmp_path / 'home' / 'aigc-course' / 'runs'}" in found
    assert "export AIGC_RUNS=" in mend
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]


def test_aigc_runs_that_cannot_be_written(monkeypatch, tmp_path):
    """The reader's own choice is not passed over in silence."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("AIGC_RUNS", str(tmp_path / "file" / "runs"))
    state, found, mend = examine("results")
    assert state == "MEND"
    assert "AIGC_RUNS must name a folder that can be written" in found
    assert mend


def test_a_file_system_without_locks(monkeypatch):
    """HDF5 asks for none, so it works: a note. Where it asks (the user's own setting): MEND, with the setting."""
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "FALSE")
    monkeypatch.setattr(doctor, "can_lock", lambda _: False)
    state, found, _ = examine("locks")
    assert state == "note"
    assert "HDF5_USE_FILE_LOCKING=FALSE" in found


# --- 10: memory ------------------------------------------------------------------------------------------


def test_too_little_memory_in_a_container(monkeypatch, tmp_path):
    """1 GiB of a large machine: MEND; the limit is the container's, and so is the mend."""
    group = tmp_path / "sys" / "fs" / "cgroup"
    group.mkdir(parents=True)
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text("0::/\n")
    (group / "memory.max").write_text(f"{2**30}\n")
    (group / "memory.current").write_text(f"{2**28}\n")
    monkeypatch.setattr(container, "ROOT", tmp_path)
    state, found, mend = examine("memory")
    assert state == "MEND"
    assert found == "0.8 of 1.0 GiB free (the limit of this container)"
    assert "docker run --memory" in mend


# --- speed, and the whole --------------------------------------------------------------------------------


@pytest.mark.parametrize(("gflops", "times"), [(485, "1"), (312, "1.6"), (60, "8.1"), (9000, "0.25")])
def test_the_speed_says_how_long_chapters_take(monkeypatch, gflops, times):
    """In times the README's minutes; never less than a quarter of them."""
    monkeypatch.setattr(runtime, "REFERENCE_GFLOPS", 485)
    monkeypatch.setattr(runtime, "device", lambda: "CPU")
    monkeypatch.setattr(runtime, "speed", lambda: gflops)
    assert examine("speed").found == f"{gflops} GFLOP/s: chapters take about {times} × the minutes in the README"


def test_notes_are_not_to_be_mended(monkeypatch, capsys):
    """Works, but worth knowing: exit code 0."""
    monkeypatch.setattr(
        doctor, "CHECKS", {"one": lambda: doctor.note("odd", "what to do"), "two": lambda: doctor.fine("x")}
    )
    assert doctor.doctor(None) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["note  one          odd", "      → what to do"]


def test_a_check_that_fails_is_a_finding(monkeypatch):
    """An error with a text, without one, and the course's own, whose second sentence is the mend."""
    for error, expected in (
        (ValueError("bad\nworse"), ("MEND", "ValueError: bad", "see the message")),
        (ValueError(), ("MEND", "ValueError", "see the message")),
        (CourseError("a is b. Do c."), ("MEND", "a is b", "Do c.")),
    ):

        def check(error=error):
            raise error

        assert doctor.examine(check) == expected


def test_colab_has_its_own_notebook_server(monkeypatch):
    """No JupyterLab there, and none is missed."""
    monkeypatch.setattr(folders, "on_colab", lambda: True)
    assert examine("Jupyter") == examine("kernel") == ("ok", "Colab's own", "")
