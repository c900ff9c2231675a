"""The machine: profiles, seeds, imports without TensorFlow, work folders."""

import os
import random
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from aigc_course import runtime
from aigc_course.runtime import CourseError

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
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    monkeypatch.chdir(notebooks)
    inside = runtime.work_folder("chapter04")
    monkeypatch.chdir(tmp_path)
    assert runtime.work_folder("chapter04") == inside == tmp_path / "runs" / "chapter04"
    assert inside.is_dir()


def test_work_folder_that_cannot_be_made_is_one_line(monkeypatch, tmp_path):
    """A file in the way (as for a read-only folder): the path, the reason, what to do."""
    (tmp_path / "runs").write_text("in the way")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match=r"must be writable; .*runs.* is not .*Start Jupyter") as caught:
        runtime.work_folder("chapter04")
    assert "\n" not in str(caught.value)


def test_ctrl_c_waits_for_the_end_of_an_uninterrupted_block():
    """SIGINT inside: the block ends, then KeyboardInterrupt comes, and the old handler is back."""
    import os
    import signal

    before, done = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt), runtime.uninterrupted():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        done.append("the rest of the block")
    assert done
    assert signal.getsignal(signal.SIGINT) is before
    with runtime.uninterrupted():
        done.append("again")
    assert len(done) == 2
