"""The machine: profiles, seeds, imports without TensorFlow, work folders."""

import errno
import io
import math
import os
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from aigc_course import container, folders, runtime
from aigc_course import files as aigc_course_files
from aigc_course.errors import CourseError

IMPORTS = """
import sys, time
before = time.process_time()
import aigc_course, aigc_course.runtime, aigc_course.data
seconds = time.process_time() - before
print(seconds, ",".join(name for name in ("tensorflow", "keras", "matplotlib") if name in sys.modules))
"""


@pytest.mark.parametrize(("value", "fast"), [(None, False), ("", False), ("0", False), ("1", True), ("yes", True)])
def test_the_environment_chooses_the_profile(monkeypatch, value, fast):
    """AIGC_FAST unset, empty or 0 is the full profile, anything else the fast one."""
    monkeypatch.delenv("AIGC_FAST", raising=False)
    if value is not None:
        monkeypatch.setenv("AIGC_FAST", value)
    assert runtime.is_fast() is fast
    assert runtime.steps(full=1500, fast=20) == (20 if fast else 1500)


@pytest.mark.parametrize("seed", [0, 7, np.int64(7), 2**32 - 1])
def test_seeds_repeat_every_source_of_random_numbers(seed):
    """The same seed gives the same numbers from Python, NumPy, TensorFlow and Keras; NumPy integers are seeds too."""

    def draw():
        runtime.set_seeds(seed)
        keras_draw = keras.ops.convert_to_numpy(keras.random.normal((3,)))
        return [random.random(), np.random.rand(), *tf.random.normal((3,)).numpy(), *keras_draw]

    first = draw()
    assert first == draw()
    assert len(set(first)) == len(first)


def test_other_seeds_give_other_numbers():
    """Two seeds do not share their stream, in any of the three libraries."""
    draws = []
    for seed in (1, 2):
        runtime.set_seeds(seed)
        draws.append((random.random(), np.random.rand(), float(tf.random.normal(()))))
    assert all(a != b for a, b in zip(*draws, strict=True))


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "7", True, None])
def test_what_is_no_seed_is_refused(seed):
    """A seed is an integer from 0 to 2**32 - 1; the error shows what came."""
    with pytest.raises(CourseError, match=r"seed must be an integer") as caught:
        runtime.set_seeds(seed)
    assert repr(seed) in str(caught.value)


def test_imports_are_quick_and_leave_tensorflow_out():
    """`import aigc_course` with runtime and data costs under 0.3 s of CPU, and no TensorFlow, Keras, matplotlib."""
    seconds = []
    for _ in range(5):
        answer = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
        taken, _, heavy = answer.stdout.rstrip("\n").partition(" ")
        assert heavy == ""
        seconds.append(float(taken))
    assert min(seconds) < 0.3, seconds


def test_configure_keeps_what_the_environment_says(monkeypatch):
    """A setting that the user made stands; a missing one is filled in."""
    monkeypatch.setenv("TF_CPU_ALLOCATOR_USE_BFC", "false")
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    runtime.configure()
    assert os.environ["TF_CPU_ALLOCATOR_USE_BFC"] == "false"
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
    assert os.environ["KERAS_BACKEND"] == "tensorflow"


@pytest.mark.parametrize("value", [None, "TRUE", "BEST_EFFORT"])
def test_hdf5_asks_for_no_locks_unless_the_user_wants_them(monkeypatch, value):
    """Network drives without locks are usual; who sets the variable knows better."""
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", value or "")
    if value is None:
        monkeypatch.delenv("HDF5_USE_FILE_LOCKING")
    runtime.configure()
    assert os.environ["HDF5_USE_FILE_LOCKING"] == (value or "FALSE")


def test_configure_after_tensorflow_says_so_once(monkeypatch, capsys):
    """Settings that come too late are announced; a second call has nothing left to say."""
    monkeypatch.delenv("TF_CPU_ALLOCATOR_USE_BFC", raising=False)
    runtime.configure()
    assert "too late" in capsys.readouterr().out
    runtime.configure()
    assert capsys.readouterr().out == ""


def test_start_reports_the_machine_in_one_line(capsys):
    """One line: versions, device, cores and the seed; nothing at all with report=False."""
    runtime.start(seed=5)
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert tf.__version__ in line
    assert keras.__version__ in line
    assert "seed 5" in line
    runtime.start(seed=5, report=False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("version", ["2.19.1", "1.15.0"])
def test_an_old_tensorflow_is_refused(monkeypatch, version):
    """TensorFlow older than 2.20: the error names the version and the command that mends it."""
    monkeypatch.setattr(tf, "__version__", version)
    with pytest.raises(CourseError, match=rf"found {version}.*pip install"):
        runtime.import_tensorflow()


@pytest.mark.parametrize("hidden", [["tensorflow"], ["tensorflow", "keras"]])
def test_a_missing_tensorflow_is_one_line_with_the_command(monkeypatch, hidden):
    """Without TensorFlow (or Keras) start() and versions() say how to install it, not ModuleNotFoundError."""
    for name in hidden:
        monkeypatch.setitem(sys.modules, name, None)  # makes `import name` fail
    for function in (lambda: runtime.start(report=False), runtime.versions):
        with pytest.raises(CourseError, match="pip install"):
            function()


def test_versions_order():
    """Release candidates and two-figure minor versions compare as numbers, not as text."""
    assert runtime.version_tuple("2.21.0-rc1") == (2, 21)
    assert runtime.version_tuple("2.9.1") < runtime.version_tuple("2.20.0")


def test_quiet_stderr_hides_noise_and_shows_it_on_error(capfd):
    """What C++ writes to file descriptor 2 is swallowed, unless an exception makes it worth reading."""
    with runtime.quiet_stderr():
        os.write(2, b"noise")
    assert capfd.readouterr().err == ""

    def fail():
        with runtime.quiet_stderr():
            os.write(2, b"the cause")
            raise OSError("x")

    with pytest.raises(OSError, match="x"):
        fail()
    os.write(2, b" after")
    assert capfd.readouterr().err == "the cause after"


def test_xla_works_is_a_plain_answer():
    """True or False, and the truth: where it says True, a compiled function runs."""
    answer = runtime.xla_works()
    assert isinstance(answer, bool)
    if answer:
        assert float(tf.function(lambda x: x + 1, jit_compile=True)(tf.constant(1.0))) == 2.0


def test_xla_missing_is_answered_with_false(monkeypatch):
    """A build without XLA is no error: the answer is False."""

    def refuse(*_, **__):
        raise tf.errors.UnimplementedError(None, None, "no XLA")

    monkeypatch.setattr(tf, "function", refuse)
    assert runtime.xla_works.__wrapped__() is False


def test_work_folder_lies_beside_the_notebooks(monkeypatch, tmp_path):
    """From notebooks/ and from the folder above it is the same runs/<name>."""
    monkeypatch.delenv("AIGC_RUNS", raising=False)
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    monkeypatch.chdir(notebooks)
    inside = runtime.work_folder("chapter04")
    monkeypatch.chdir(tmp_path)
    assert runtime.work_folder("chapter04") == inside == tmp_path / "runs" / "chapter04"
    assert inside.is_dir()


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """A working directory in which runs/ cannot be made (a file is in its way), and a home: (directory, home)."""
    course, home = tmp_path / "course", tmp_path / "home"
    course.mkdir()
    home.mkdir()
    (course / "runs").write_text("in the way")
    monkeypatch.chdir(course)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    for name in ("AIGC_RUNS", "COLAB_RELEASE_TAG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delitem(sys.modules, "google.colab", raising=False)
    runtime.say_once.cache_clear()
    runtime.temporary_folder.cache_clear()
    yield course, home
    runtime.temporary_folder.cache_clear()


def test_results_go_to_the_home_where_the_course_cannot_be_written(elsewhere, capsys):
    """One line, once, that says where and why; a file can be written there."""
    course, home = elsewhere
    folder = runtime.work_folder("chapter04")
    assert folder == home / "aigc-course" / "runs" / "chapter04"
    (folder / "x").write_text("x")
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert f"{home / 'aigc-course' / 'runs'}: {course / 'runs'} cannot be written" in line
    assert runtime.work_folder("chapter01").parent == folder.parent
    assert runtime.runs() == folder.parent
    assert capsys.readouterr().out == ""


def test_results_go_to_a_temporary_folder_where_no_home_can_be_written(elsewhere, capsys, monkeypatch, tmp_path):
    """A file in the way there too, as for a container's user without a home: the same new folder each time."""
    _, home = elsewhere
    (home / "aigc-course").write_text("in the way")
    monkeypatch.setattr(runtime.tempfile, "tempdir", str(tmp_path))
    folder = runtime.work_folder("chapter04")
    assert folder.parent.parent == tmp_path
    assert runtime.work_folder("chapter04") == folder
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert f"the temporary folder {folder.parent}: neither" in line


def test_no_folder_at_all(elsewhere, monkeypatch):
    """Nothing can be written: one line that names the variable that helps."""
    monkeypatch.setattr(folders, "can_write", lambda _: False)
    monkeypatch.setattr(runtime.tempfile, "mkdtemp", lambda **_: os.mkdir("/nowhere/at/all"))
    with pytest.raises(CourseError, match=r"there is none: No such file or directory\. Set AIGC_RUNS"):
        runtime.work_folder("chapter04")


def test_a_home_that_is_not_known(elsewhere, monkeypatch, tmp_path):
    """Python leaves "~" as it is then: no folder of that name is made."""
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setattr(runtime.tempfile, "tempdir", str(tmp_path))
    assert runtime.work_folder("x").parent.parent == tmp_path
    assert [path.name for path in elsewhere[0].iterdir()] == ["runs"]


def test_a_base_folder_of_ones_own(elsewhere, capsys, monkeypatch):
    """AIGC_RUNS, with ~ and variables, is made and used without a word; empty means unset."""
    _, home = elsewhere
    monkeypatch.setenv("CLASS", "ai 1")
    monkeypatch.setenv("AIGC_RUNS", "~/$CLASS/results")
    assert runtime.runs() == home / "ai 1" / "results"
    assert runtime.work_folder("chapter04") == home / "ai 1" / "results" / "chapter04"
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("AIGC_RUNS", "")
    assert runtime.runs() == home / "aigc-course" / "runs"


def test_a_base_folder_of_ones_own_that_cannot_be_written(elsewhere, monkeypatch):
    """It is not passed over: the reader asked for it."""
    monkeypatch.setenv("AIGC_RUNS", str(elsewhere[0] / "runs" / "mine"))
    with pytest.raises(CourseError, match="AIGC_RUNS must name a folder that can be written"):
        runtime.runs()


def test_work_folder_that_is_a_file_is_one_line(monkeypatch, tmp_path):
    """A file of the folder's own name: the path, the reason, what to do."""
    monkeypatch.delenv("AIGC_RUNS", raising=False)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "chapter04").write_text("in the way")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        CourseError, match=r"must be writable; .*chapter04 is not .*Remove what is in its way"
    ) as caught:
        runtime.work_folder("chapter04")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("how", ["module", "variable"])
def test_results_on_colab(monkeypatch, capsys, tmp_path, how):
    """With a mounted Drive they go there and outlive the session; without one, a line says how to mount it, once."""
    runtime.say_once.cache_clear()
    monkeypatch.delenv("AIGC_RUNS", raising=False)
    if how == "module":
        monkeypatch.setitem(sys.modules, "google.colab", sys)
    else:
        monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    monkeypatch.setattr(folders, "DRIVE", tmp_path / "MyDrive")
    monkeypatch.chdir(tmp_path)
    assert runtime.work_folder("chapter04") == tmp_path / "runs" / "chapter04"
    runtime.work_folder("chapter01")
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert "drive.mount('/content/drive')" in line
    (tmp_path / "MyDrive").mkdir()
    folder = runtime.work_folder("chapter04")
    assert folder == tmp_path / "MyDrive" / "aigc-course" / "runs" / "chapter04"
    assert folder.is_dir()
    runtime.runs()
    assert capsys.readouterr().out == f"Results go to {folder.parent} and outlive this session.\n"


def test_the_usual_folder_is_named_as_before(monkeypatch, tmp_path):
    """`runs`, relative, so that `train` goes on saying runs/train; asking leaves nothing but the folder."""
    monkeypatch.delenv("AIGC_RUNS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert str(runtime.runs()) == "runs"
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


# --- errors of the machine -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        (errno.ENOLCK, "HDF5_USE_FILE_LOCKING=FALSE"),
        (errno.EACCES, "chmod"),
        (errno.EMFILE, "restart the kernel"),
        (errno.ENOSPC, "Make room"),
        (errno.EIO, "copy it to another disk"),
    ],
)
def test_an_error_of_the_machine_is_told_as_such(code, mend):
    """The cause in the system's words and what to do, also when a library wrapped the error in one of its own."""
    told = aigc_course_files.unreadable("a.h5", OSError(code, "words of HDF5"))
    assert str(told).startswith(f"a.h5 could not be read: {os.strerror(code)}. ")
    assert mend in str(told)
    assert "words of HDF5" not in str(told)
    wrapped = ValueError("cannot load")
    wrapped.__cause__ = OSError(code, "x")
    assert str(aigc_course_files.unreadable("a.h5", wrapped)) == str(told)


@pytest.mark.parametrize(
    "error", [ValueError("bad"), OSError("truncated file"), OSError(errno.EINVAL, "a place before the beginning")]
)
def test_an_error_of_the_file_is_left_to_the_caller(error):
    """No errno, as HDF5 and Pillow say "damaged", or EINVAL: a header that points outside its file."""
    assert aigc_course_files.unreadable("a.h5", error) is None


def test_too_little_memory_is_no_damage():
    """NumPy's own words, with the size that was asked for."""
    told = str(aigc_course_files.unreadable("a.npz", MemoryError("Unable to allocate 7.28 TiB for an array")))
    assert "Unable to allocate 7.28 TiB" in told
    assert "not enough memory" in str(aigc_course_files.unreadable("a.npz", MemoryError()))


def test_what_cannot_be_written_says_what_helps(monkeypatch, tmp_path):
    """write_whole passes the cause on with its own mend: room for a full disk, the setting where there are no locks."""
    for code, mend in ((errno.ENOSPC, "Make room"), (errno.ENOLCK, "HDF5_USE_FILE_LOCKING"), (errno.EIO, "Make room")):

        def write(_part, code=code):
            raise OSError(code, os.strerror(code))

        with pytest.raises(CourseError, match=rf"{os.strerror(code)} \(.*free\)\. Nothing was changed\. .*{mend}"):
            aigc_course_files.write_whole(tmp_path / "a.bin", write)
    assert not list(tmp_path.iterdir())


def test_a_file_is_flushed_through_a_handle_that_may_write(monkeypatch, tmp_path):
    """Windows flushes no file that is open for reading only: its rule, kept here too."""
    fcntl = pytest.importorskip("fcntl", reason="Windows: every other test of write_whole shows it")
    flush = os.fsync

    def strict(descriptor):
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", strict)
    aigc_course_files.write_whole(tmp_path / "a.txt", lambda part: part.write_text("whole"))
    assert (tmp_path / "a.txt").read_text() == "whole"


# --- output that lacks characters ------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_output_forgives(monkeypatch, encoding):
    """A character that the encoding lacks becomes "?"; those that it has stay."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    monkeypatch.setattr(sys, "stderr", None)  # pythonw has none
    runtime.forgiving_output()
    print("→ · ✓ 七 abc", flush=True)
    assert written.getvalue().decode(encoding) == ("? ? ? ? abc" if encoding == "ascii" else "? · ? ? abc") + os.linesep


def test_output_that_is_no_file_is_left_alone(monkeypatch):
    """A notebook's stream, or one that is closed."""
    closed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    closed.close()
    for stream in (io.StringIO(), closed):
        monkeypatch.setattr(sys, "stdout", stream)
        runtime.forgiving_output()


# --- what a container allows -----------------------------------------------------------------------------


def system(root, files):
    """Writes files below a stand-in for the root of the file system; returns it."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return root


V2 = "sys/fs/cgroup"
CGROUPS = {  # files, memory (limit, free) in MiB, processors
    "no cgroups": ({}, None, math.inf),
    "version 2, no limit": (
        {"proc/self/cgroup": "0::/user", f"{V2}/user/memory.max": "max", f"{V2}/user/cpu.max": "max 100000"},
        None,
        math.inf,
    ),
    "version 2, own name space": (
        {
            "proc/self/cgroup": "0::/",
            f"{V2}/memory.max": 512 << 20,
            f"{V2}/memory.current": 400 << 20,
            f"{V2}/memory.stat": f"anon 1\ninactive_file {100 << 20}\nactive_file {50 << 20}\nslab_reclaimable 0",
            f"{V2}/cpu.max": "150000 100000",
        },
        (512, 262),
        1.5,
    ),
    "version 2, the host's path is not seen": (
        {"proc/self/cgroup": "0::/docker/abc", f"{V2}/memory.max": 512 << 20, f"{V2}/memory.current": 12 << 20},
        (512, 500),
        math.inf,
    ),
    "version 2, a group above is smaller and fuller": (
        {
            "proc/self/cgroup": "0::/pod/main",
            f"{V2}/pod/main/memory.max": 900 << 20,
            f"{V2}/pod/main/memory.current": 100 << 20,
            f"{V2}/pod/memory.max": 600 << 20,
            f"{V2}/pod/memory.current": 550 << 20,
            f"{V2}/pod/main/cpu.max": "400000 100000",
            f"{V2}/pod/cpu.max": "200000 100000",
        },
        (600, 50),
        2.0,
    ),
    "version 2, a path that leads out": (
        {"proc/self/cgroup": "0::/../other", f"{V2}/memory.max": 512 << 20, f"{V2}/memory.current": 0},
        (512, 512),
        math.inf,
    ),
    "version 1": (
        {
            "proc/self/cgroup": "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/",
            f"{V2}/memory/docker/abc/memory.limit_in_bytes": 2048 << 20,
            f"{V2}/memory/docker/abc/memory.usage_in_bytes": 1024 << 20,
            f"{V2}/memory/docker/abc/memory.stat": f"cache 5\ntotal_inactive_file {24 << 20}",
            f"{V2}/memory/memory.limit_in_bytes": 9223372036854771712,
            f"{V2}/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": 50000,
            f"{V2}/cpu,cpuacct/docker/abc/cpu.cfs_period_us": 100000,
            f"{V2}/cpu,cpuacct/cpu.cfs_quota_us": -1,
            f"{V2}/cpu,cpuacct/cpu.cfs_period_us": 100000,
        },
        (2048, 1048),
        0.5,
    ),
    "both: version 1 has the memory": (
        {
            "proc/self/cgroup": "4:memory:/a\n0::/",
            f"{V2}/unified/cgroup.procs": 1,
            f"{V2}/memory/a/memory.limit_in_bytes": 1024 << 20,
            f"{V2}/memory/a/memory.usage_in_bytes": 0,
        },
        (1024, 1024),
        math.inf,
    ),
}


@pytest.mark.parametrize("name", CGROUPS)
def test_a_containers_limits_are_seen(tmp_path, name):
    """Control groups of both versions: the smallest limit of the own group and those above it; cache is free."""
    files, memory, processors = CGROUPS[name]
    root = system(tmp_path, files)
    assert container.memory(root) == (memory and tuple(value << 20 for value in memory))
    assert container.processors(root) == processors


def test_memory_and_cores_are_the_containers(monkeypatch, tmp_path):
    """The machine's or the container's, whichever is less; a share of a core is one core."""
    total, _ = runtime.memory_gib()
    cores = runtime.cores()
    monkeypatch.setattr(container, "ROOT", system(tmp_path, CGROUPS["version 2, own name space"][0]))
    assert runtime.memory_gib()[0] == min(total, 0.5)
    assert runtime.memory_gib()[1] <= 262 / 1024
    assert runtime.cores() == min(cores, 2)
    monkeypatch.setattr(container, "ROOT", system(tmp_path / "v1", CGROUPS["version 1"][0]))
    assert runtime.cores() == 1
    assert runtime.memory_gib()[0] == min(total, 2.0)


def test_cores_where_the_system_does_not_tell_which_are_allowed(monkeypatch):
    """Windows and macOS have no sched_getaffinity; a count that is not known is one."""
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(container, "processors", lambda: math.inf)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert runtime.cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert runtime.cores() == 1


# --- speed -----------------------------------------------------------------------------------------------


def test_speed_is_of_a_matrix_product(monkeypatch):
    """2 m n k operations over the best of the times: with a clock of our own, exactly that."""
    times = iter([0.0, 1.0, 1.25, 2.0, 4.0, 5.0, 9.0])  # end at 0.0 + 3; products of 0.25 s, then of 2 s
    monkeypatch.setattr(runtime.time, "perf_counter", lambda: next(times))
    assert runtime.speed(seconds=3) == pytest.approx(2 * 2048**3 / 0.25 / 1e9)


def test_speed_here():
    """A number that a machine can have; asking for no time at all measures once."""
    assert 0.1 < runtime.speed(seconds=0) < 1e5


def test_the_factor_of_time():
    """The reference machine has 1; a faster one is not promised more than four times the speed."""
    assert runtime.time_factor(runtime.REFERENCE_GFLOPS) == 1.0
    assert runtime.time_factor(runtime.REFERENCE_GFLOPS / 3) == pytest.approx(3.0)
    assert runtime.time_factor(1e6) == 0.25


def test_ctrl_c_waits_for_the_end_of_an_uninterrupted_block():
    """SIGINT inside: the block ends, then KeyboardInterrupt comes, and the old handler is back."""
    import os
    import signal

    before, done = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt), aigc_course_files.uninterrupted():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        done.append("the rest of the block")
    assert done
    assert signal.getsignal(signal.SIGINT) is before
    with aigc_course_files.uninterrupted():
        done.append("again")
    assert len(done) == 2
