"""The sandbox: what a submission can read and take, as root and as an ordinary user."""

import base64
import json
import os
import re
import shutil
import struct
import subprocess
import sys

import pytest
from sandboxed import ROOT, SMALL, ends_with, in_a_container, kind_here, once_more, said_in

from aigc_course.errors import CourseError
from aigc_course.grading import bubblewrap, containers, kinds, layout, limits, sandbox
from aigc_course.grading.seccomp_filters import FILTERS

TOKEN = "PLANTED-TOKEN-7f3a"


@pytest.fixture(scope="module")
def kind():
    return kind_here()


@pytest.fixture
def only_bwrap(kind):
    if kind != "bwrap":
        pytest.skip("this is about bubblewrap")


# --- what can be read ---

SEARCH = """
import glob, os
TOKEN = bytes.fromhex({token!r})
found = [path for pattern in ('/proc/[0-9]*/environ', '/proc/[0-9]*/cmdline', '/proc/[0-9]*/task/*/environ',
                              '/proc/[0-9]*/mountinfo', '/proc/keys', '/proc/cmdline', '/tmp/*', '/dev/shm/*')
         for path in glob.glob(pattern)]
for path in found:
    try:
        if TOKEN in open(path, 'rb').read():
            print('LEAKED', path)
    except OSError:
        pass
try:
    if os.getpid() == 1:
        raise OSError('in a container this is the search itself')
    with open('/proc/1/maps') as maps, open('/proc/1/mem', 'rb') as memory:
        for line in maps:
            start, end = (int(part, 16) for part in line.split()[0].split('-'))
            try:
                memory.seek(start)
                print('LEAKED memory of 1' if TOKEN in memory.read(end - start) else '', end='')
            except (OSError, OverflowError, ValueError):
                pass
except OSError:
    pass
print('LEAKED variable' if TOKEN in repr(dict(os.environ)).encode() else 'searched', len(found))
"""


def test_nothing_of_the_graders_environment_can_be_read(kind, monkeypatch):
    """A token in the grader's variables is in no process of the sandbox, not in its memory, and nowhere in /proc."""
    monkeypatch.setenv("AIGC_SECRET", TOKEN)
    said, _ = said_in(kind, SEARCH.format(token=TOKEN.encode().hex()))
    assert "searched" in said
    assert "LEAKED" not in said


def test_only_the_sandboxs_own_processes_are_seen(kind):
    """No process of the host has a number in there; the first one has no variables but PATH and the like."""
    said, _ = said_in(kind, "import os; print('SEEN', sorted(int(n) for n in os.listdir('/proc') if n.isdigit()))")
    seen = json.loads(re.search(r"SEEN (\[.*\])", said)[1])
    assert len(seen) <= 3
    assert os.getpid() not in seen or os.getpid() < 10


def test_keys_of_the_host_stay_there(kind):
    """A key in the grader's session keyring: no system call of the sandbox finds it, or any other keyring."""
    import ctypes

    number = {"x86_64": (248, 250), "aarch64": (217, 219)}.get(os.uname().machine)
    if number is None:
        pytest.skip(f"no numbers of system calls for {os.uname().machine}")
    libc = ctypes.CDLL(None)
    libc.syscall(ctypes.c_long(number[0]), b"user", b"aigc-test", TOKEN.encode(), len(TOKEN), ctypes.c_long(-3))
    source = f"""
import ctypes
libc, found = ctypes.CDLL(None, use_errno=True), []
for ring in (-1, -2, -3, -4, -5, -7, -8):
    for number, arguments in (({number[1]}, (0, ring, 1)),
                              ({number[1]}, (11, ring, ctypes.create_string_buffer(99), 99)),
                              ({number[0]}, (b'user', b'mine', b'x', 1, ring)),
                              ({number[0] + 1}, (b'user', b'aigc-test', None, ring))):
        found.append(libc.syscall(ctypes.c_long(number), *arguments))
print('KEYS', set(found))
"""
    assert "KEYS {-1}" in said_in(kind, source)[0]


FORBIDDEN = {  # x86_64, aarch64
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "setns": (308, 268),
    "unshare": (272, 97),
    "clone3": (435, 435),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "pidfd_getfd": (438, 438),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "syslog": (103, 116),
    "fsopen": (430, 430),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "process_madvise": (440, 440),
    "io_setup": (206, 0),
}
NEEDED = {
    "read": (0, 63),
    "openat": (257, 56),
    "execve": (59, 221),
    "futex": (202, 98),
    "getrandom": (318, 278),
    "prlimit64": (302, 261),
    "setresuid": (117, 147),
    "wait4": (61, 260),
    "statx": (332, 291),
}
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW = 0x7FFF0000


def verdict(machine, number, arguments=(), architecture=None):
    """What a filter answers: the kernel's small machine, as far as libseccomp uses it."""
    program = base64.b64decode(FILTERS[machine])
    data = struct.pack("<IIQ6Q", number, architecture or MACHINES[machine], 0, *(list(arguments) + [0] * 6)[:6])
    at = accumulator = 0
    while True:
        operation, yes, no, constant = struct.unpack_from("<HBBI", program, 8 * at)
        at += 1
        if operation == 0x20:  # load
            accumulator = struct.unpack_from("<I", data, constant)[0]
        elif operation == 0x54:  # and
            accumulator &= constant
        elif operation == 0x06:  # return
            return constant
        elif operation == 0x05:
            at += constant
        else:
            jump = {0x15: accumulator == constant, 0x25: accumulator > constant, 0x35: accumulator >= constant}
            at += yes if jump[operation] else no


@pytest.mark.parametrize("machine", MACHINES)
def test_the_filter_lets_through_what_notebooks_need_and_nothing_else(machine):
    """Each system call that can carry data or memory out is refused, by number; so is a foreign architecture."""
    place = list(MACHINES).index(machine)
    refused = {name: numbers[place] for name, numbers in FORBIDDEN.items()}
    assert {name for name, number in refused.items() if verdict(machine, number) == ALLOW} == set()
    assert {name for name, numbers in NEEDED.items() if verdict(machine, numbers[place]) != ALLOW} == set()
    clone, mmap, socket = ((56, 9, 41), (220, 222, 198))[place]
    for flag in (0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x08000000, 0x04000000, 0x02000000):
        assert verdict(machine, clone, [flag | 17]) != ALLOW
    assert verdict(machine, clone, [17]) == ALLOW
    assert verdict(machine, mmap, [0, 4096, 3, 0x21]) != ALLOW  # shared and of nobody
    assert [verdict(machine, mmap, [0, 4096, 3, flags]) for flags in (0x22, 0x01, 0x02)] == [ALLOW] * 3
    families = {family for family in (1, 2, 10, 16, 17, 38, 40) if verdict(machine, socket, [family, 1]) == ALLOW}
    assert families == {1, 2, 10, 16}
    assert verdict(machine, socket, [16, 3, 9]) != ALLOW  # audit
    assert verdict(machine, 0, architecture=0x40000003) != ALLOW  # 32-bit x86
    assert verdict(machine, 600) != ALLOW  # what a later kernel has


def test_the_filter_is_in_force_inside(kind):
    """The kernel of this machine refuses the same calls from within the sandbox."""
    if os.uname().machine not in MACHINES:
        pytest.skip(f"no filter for {os.uname().machine}")
    place = list(MACHINES).index(os.uname().machine)
    numbers = {name: pair[place] for name, pair in FORBIDDEN.items() if pair[place]}
    said, _ = said_in(
        kind,
        f"""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for name, number in {numbers!r}.items():
    answer = libc.syscall(ctypes.c_long(number), 0, 0, 0, 0, 0, 0)
    if not (answer == -1 and ctypes.get_errno() in (1, 38)):
        print('ALLOWED', name, answer, ctypes.get_errno())
print('Seccomp:', [line.split()[1] for line in open('/proc/self/status') if line.startswith(('Seccomp:', 'CapEff:'))])
""",
    )
    assert "ALLOWED" not in said
    assert "['0000000000000000', '2']" in said


def test_the_filters_are_those_that_the_tool_builds():
    """seccomp_filters.py was not edited by hand, and is not older than the list."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "build_seccomp.py", "--check"], capture_output=True, text=True, check=False
    )
    if "libseccomp is not installed" in done.stderr:
        pytest.skip("libseccomp is not installed: apt install libseccomp2")
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_installed_copy_of_the_course_is_hidden(kind, only_bwrap, tmp_path, monkeypatch):
    """The package in site-packages, a checkout beside it, and lib64: nothing of them can be read; the rest can."""
    prefix = tmp_path / "prefix"
    packages_folder = prefix / "lib" / "python3.11" / "site-packages"
    for folder in (packages_folder, prefix / "lib" / "course"):
        shutil.copytree(ROOT / "aigc_course", folder / "aigc_course", ignore=shutil.ignore_patterns("__pycache__"))
    (prefix / "lib" / "course" / "solutions").mkdir()
    (prefix / "lib" / "course" / "solutions" / "answers.txt").write_text(TOKEN)
    (packages_folder / "other.py").write_text("WORDS = 'readable'\n")
    (prefix / "lib64").symlink_to("lib")
    open_to_all(tmp_path)
    trees = bubblewrap._shown_trees()
    monkeypatch.setattr(bubblewrap, "_shown_trees", lambda: sorted([*trees, prefix / "lib", prefix / "lib64"]))
    monkeypatch.setattr(layout, "PACKAGE", prefix / "lib" / "course" / "aigc_course")
    bubblewrap.forget()
    try:
        said, _ = said_in(
            kind,
            f"""
import glob, os, sys
sys.path.append({str(packages_folder)!r})
import other, aigc_course
print(other.WORDS, aigc_course.__file__, len(os.listdir('/course/aigc_course')) > 5)
top = {str(prefix)!r}
print('FOUND', glob.glob(top + '/**/chapter_*.py', recursive=True) + glob.glob(top + '/**/answers.txt', recursive=True))
""",
        )
    finally:
        bubblewrap.forget()
    assert "readable /course/aigc_course/__init__.py True" in said
    assert "FOUND []" in said


def open_to_all(folder):
    """Folders above a file that another user is to read; pytest's are closed."""
    for path in (folder, *folder.parents):
        if path.owner() == folder.owner() and str(path).startswith(("/tmp/", "/var/", "/private/")):
            path.chmod(path.stat().st_mode | 0o055)


def test_a_copy_that_is_not_hidden_stops_the_grader(only_bwrap, tmp_path, monkeypatch):
    """Should the expectations ever be readable after all, no submission runs: the probe finds them first."""
    found = {"copies": ["/x/aigc_course"], "in_force": {"namespaces": True, "root": False, "first": []}}
    with pytest.raises(CourseError, match="can be read in the sandbox, at /x/aigc_course"):
        kinds._refuse_what_is_open(found)
    shown = ["--perms", "0755", "--dir", "/course", "--ro-bind", str(ROOT / "aigc_course"), layout.COURSE]
    monkeypatch.setattr(bubblewrap, "_course", lambda: shown)
    kinds.forget()
    try:
        with pytest.raises(CourseError, match=r"checks/chapter_\d\d.py"):
            kinds.inside("bwrap")
    finally:
        kinds.forget()


# --- what can be taken ---

HOARDS = {
    "shared map": "import mmap\nhold = [mmap.mmap(-1, 50_000_000) for _ in range(100)]",
    "memory files": "import os\nfor _ in range(60):\n    os.write(os.memfd_create('x'), bytes(60_000_000))",
    "zero device": "import mmap, os\nhold = [mmap.mmap(os.open('/dev/zero', os.O_RDWR), 50_000_000) for _ in range(9)]",
    "folders": "for place in ('/tmp', '.', '/dev/shm'):\n    open(place + '/x', 'wb').write(bytes(200_000_000))",
    "read-only places": "for place in ('/', '/dev', '/course', '/proc', '/usr'):\n    open(place + '/x', 'wb')",
    "address space": "import mmap\nhold = [mmap.mmap(-1, 2**34, 0x02 | 0x4000, 1) for _ in range(100)]",
}


@pytest.mark.parametrize("name", HOARDS)
def test_memory_that_no_process_owns_is_refused(kind, name):
    """Memory that the count of processes cannot see is not given at all: an error in the cell, nothing ends."""
    if kind != "bwrap" and name in ("zero device", "address space"):
        pytest.skip("an engine counts it: it always has a control group")
    _, [error] = said_in(kind, HOARDS[name])
    assert error is not None
    assert error[0] in ("OSError", "PermissionError", "FileNotFoundError", "MemoryError")


def test_a_flood_of_files_ends_the_sandbox(kind, only_bwrap):
    """A file takes a kilobyte that is counted nowhere: tens of thousands are too many."""
    source = "import os\nfor i in range(10**7):\n    os.mknod(f'/tmp/{i}') if i % 2 else os.mkdir(f'/home/learner/{i}')"
    assert "more than 20,000 files" in ends_with(kind, source)


def test_buffers_of_sockets_end_the_sandbox(kind):
    """Each socket keeps 200 kB outside every process: many processes with many sockets do not stand."""
    source = """
import os, socket, time
for _ in range(60):
    if os.fork() == 0:
        hold = []
        try:
            while True:
                hold.append(socket.socketpair())
                hold[-1][0].setblocking(False)
                hold[-1][0].send(bytes(100_000))
        except OSError:
            time.sleep(60)
        os._exit(0)
time.sleep(60)
"""
    assert re.search("files open|of memory", ends_with(kind, source) or "nothing")


def test_a_pool_that_shares_its_memory_is_honest(kind):
    """Eight processes that share 300 MB hold 300 MB, not 2.4 GB; eight that fill 300 MB of their own do not stand."""
    source = """
import os, time
data = bytearray(b'x') * 300_000_000
children = []
for _ in range(8):
    pid = os.fork()
    if pid == 0:
        BODY
        time.sleep(3)
        os._exit(0)
    children.append(pid)
for pid in children:
    os.waitpid(pid, 0)
print('all', len(children))
"""
    shares = source.replace("BODY", "total = sum(data[::4096])")
    said, errors = said_in(kind, shares)
    assert "all 8" in said
    assert errors == [None]
    copies = source.replace("BODY", "for i in range(0, len(data), 4096):\n            data[i] = 1")
    assert "of memory" in (ends_with(kind, copies) or "nothing")


def test_a_control_group_holds_what_the_count_does_not_see(kind, only_bwrap, monkeypatch):
    """With the grader's own count switched off, the kernel's group ends a sandbox that takes too much, and says why."""
    if kinds.group_for(kind, SMALL).__class__ is limits.Group:
        pytest.skip("no control group can be made here: neither systemd nor a folder of /sys/fs/cgroup that is ours")
    monkeypatch.setattr(limits, "memory_of", lambda pids: 0)
    bounds = SMALL._replace(memory=200 * 2**20, data=2 * 2**30)
    assert "0.2 GB of memory" in ends_with(kind, "hold = bytearray(b'x') * 400_000_000", bounds)
    assert ends_with(kind, "hold = bytearray(b'x') * 50_000_000", bounds) is None


def test_groups_are_taken_away(kind, only_bwrap):
    """No folder of a control group is left behind."""
    with sandbox.Sandbox(kind, SMALL) as box:
        folders = getattr(box.group, "folders", [])
        if not folders:
            pytest.skip("no control group is made by hand here")
        assert all(folder.is_dir() for folder in folders)
        box.run("import os\nfor _ in range(5):\n    os.fork()")
    assert not any(folder.exists() for folder in folders)


def test_systemd_is_asked_for_a_scope_with_limits(monkeypatch, tmp_path):
    """The command line for systemd; a trial that does not show the limit in force is not believed."""
    line = limits.Scope(SMALL).wrap(["bwrap"])
    assert line[0] == "systemd-run"
    assert {f"--property=MemoryMax={SMALL.memory}", "--property=MemorySwapMax=0", "--scope"} <= set(line)
    assert line[-4:] == ["env", "-i", f"PATH={os.defpath}", "bwrap"]

    class Liar(limits.Group):
        def wrap(self, command):
            return ["echo", "0::/aigc-x.scope\nmax"]

    class Honest(limits.Group):
        def wrap(self, command):
            return ["echo", f"0::/aigc-x.scope\n{SMALL.memory}"]

    assert [limits.holds(way(), SMALL) for way in (Liar, Honest)] == [False, True]


def test_namespaces_cannot_be_nested(kind):
    """unshare, as a program and as a call, and clone with a flag: refused, so no file system of one's own either."""
    said, _ = said_in(
        kind,
        """
import ctypes, os, subprocess
print('PROGRAM', subprocess.run('unshare -Ur true', shell=True, capture_output=True).returncode != 0)
print('CALLS', [ctypes.CDLL(None).unshare(flag) for flag in (0x10000000, 0x20000, 0x40000000)])
""",
    )
    assert "PROGRAM True" in said
    assert "CALLS [-1, -1, -1]" in said


def mounts(name):
    """{place: what of the host is shown there, read-only}, from the command line of bubblewrap, docker or podman."""
    if name == "bwrap":
        with bubblewrap.bubblewrap_command(0, SMALL, [layout.WORKER], None) as (_, files):
            words = os.pread(files[-1], 10**6, 0).decode().split("\0")
        return {words[i + 2]: words[i + 1] for i, word in enumerate(words) if word == "--ro-bind"}
    words = containers.container_line(name, "x", SMALL)
    shown = [words[i + 1].rsplit(":", 2) for i, word in enumerate(words) if word == "--volume"]
    assert all(mode == "ro" for _, _, mode in shown)
    return {place: source for source, place, _ in shown}


def test_every_kind_of_sandbox_shows_the_same_of_the_course():
    """The whole package with its sub-packages; of checks and grader the stub, the worker and what that imports."""
    package = ROOT / "aigc_course"
    own = {"/course/aigc_course/checks/__init__.py": package / "grading" / "stub.py"}
    own |= {f"/worker/{name}.py": package / "grading" / f"{name}.py" for name in ("worker", "frames")}
    own["/worker/calling.py"] = package / "checks" / "calling.py"
    for name in ("bwrap", "docker", "podman"):
        course = {place: source for place, source in mounts(name).items() if place.startswith(("/course", "/worker"))}
        others = {place: source for place, source in course.items() if place not in own}
        assert {place: course[place] for place in own} == {place: str(path) for place, path in own.items()}
        assert others == {f"/course/aigc_course/{path.name}": str(path) for path in to_be_shown(package)}, name


def to_be_shown(package):
    """Modules and folders at the package's top that a submission may see."""
    return [path for path in package.iterdir() if path.name not in ("checks", "grading")]


def test_every_module_but_checks_and_grader_is_there(kind):
    """Also those of sub-packages; the files of checks and grader are not."""
    package = ROOT / "aigc_course"
    files = [path.relative_to(package.parent) for path in package.rglob("*.py")]
    hidden = [str(path) for path in files if path.parts[1] in ("checks", "grading") and path.name != "__init__.py"]
    there = [str(path) for path in files if path.parts[1] not in ("checks", "grading")]
    assert {"aigc_course/data/__init__.py", "aigc_course/lmdg/core/transformer.py"} <= set(there)
    source = f"""
import os
print('MISSING', [path for path in {there!r} if not os.access('/course/' + path, os.R_OK)])
print('OPEN', [path for path in {hidden!r} if os.path.exists('/course/' + path)])
from aigc_course import data, lmdg
print('FROM', data.__file__, lmdg.__file__)
"""
    said, [error] = said_in(kind, source)
    assert error is None
    assert "MISSING []" in said
    assert "OPEN []" in said
    assert "FROM /course/aigc_course/data/__init__.py /course/aigc_course/lmdg/__init__.py" in said


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_the_container_command_locks_as_much(engine):
    """The command line is checked for what it must forbid, and for what it must not show."""
    line = " ".join(containers.container_line(engine, "x", limits.Limits(), profile="/p.json"))
    for wanted in (
        "--network none",
        "--read-only",
        "--cap-drop ALL",
        "no-new-privileges",
        "--user 65534:65534",
        f"--memory {3 * 2**30}",
        "--pids-limit 128",
        "seccomp=/p.json",
        "/stub.py:/course/aigc_course/checks/__init__.py:ro",
    ):
        assert wanted in line
    assert ("nr_inodes=20000" in line) == (engine == "docker")
    for hidden in ("chapter_02", "solutions", "grader.py", "/grading:"):
        assert hidden not in line


def test_all_of_this_holds_for_an_ordinary_user():
    """The same tests as a user without rights."""
    once_more(__file__)


def test_all_of_this_holds_in_a_container():
    """The same tests with docker or podman."""
    in_a_container(__file__)
