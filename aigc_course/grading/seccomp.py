"""Which system calls a notebook may make: a list of what is allowed; everything else answers "no such call".

The list began as that of containers (containers-common's seccomp.json, Apache 2.0, as podman has it), for a process
without capabilities. Left out of it is what no notebook needs and what would carry data or memory past the sandbox:
keyrings, tracing and reading other processes, mounts and namespaces, memory that belongs to no process (memfd, System
V, message queues, shared anonymous maps), sockets of other families than Unix and internet, asynchronous I/O.
`tools/build_seccomp.py` turns it into the kernel's own form with libseccomp; docker and podman take it as JSON.
"""

import base64
import platform
from typing import Any

from aigc_course.grading.seccomp_filters import FILTERS

__all__ = ["ALLOWED", "CONDITIONAL", "NO_SUCH_CALL", "engine_profile", "kernel_filter"]

_NAMES = """
accept accept4 access alarm arch_prctl bind brk cachestat capget capset chdir chmod chown clock_getres clock_gettime
clock_nanosleep close close_range connect copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl
epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64
fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork
fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake futimesat
get_mempolicy get_robust_list getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer getpeername
getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit getrusage getsid getsockname
getsockopt gettid gettimeofday getuid getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch ioctl
ioprio_get ioprio_set kill lchown lgetxattr link linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat
madvise mbind membarrier mincore mkdir mkdirat mknod mknodat mlock mlock2 mprotect mremap mseal msync munlock munmap
nanosleep newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free
pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 pselect6 pwrite64 pwritev pwritev2 read readahead
readlink readlinkat readv recvfrom recvmmsg recvmsg removexattr rename renameat renameat2 restart_syscall rmdir rseq
rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo
sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield select sendfile
sendmmsg sendmsg sendto set_mempolicy set_robust_list set_tid_address setfsgid setfsuid setgid setgroups setitimer
setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr shutdown
sigaltstack signalfd signalfd4 splice stat statfs statx symlink symlinkat sync_file_range sysinfo tee tgkill time
timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create timerfd_gettime timerfd_settime
times tkill truncate umask uname unlink unlinkat utime utimensat utimes vfork wait4 waitid write writev
"""
ALLOWED = _NAMES.split()

_NAMESPACES = 0x7E020000  # the CLONE_NEW* flags
_SHARED, _ANONYMOUS = 0x01, 0x20  # of mmap
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16

# allowed for some arguments only: (call, conditions), each (number of the argument, mask, value of what it leaves)
_WHOLE = 0xFFFFFFFF  # these arguments have 32 bits
CONDITIONAL: list[tuple[str, list[tuple[int, int, int]]]] = [
    ("clone", [(0, _NAMESPACES, 0)]),
    *(("mmap", [(3, _SHARED | _ANONYMOUS, value)]) for value in (0, _SHARED, _ANONYMOUS)),
    *(("socket", [(0, _WHOLE, family)]) for family in (_UNIX, _INET, _INET6)),
    ("socket", [(0, _WHOLE, _NETLINK), (2, _WHOLE, 0)]),  # the list of network interfaces
    ("socketpair", [(0, _WHOLE, _UNIX)]),
    ("personality", [(0, _WHOLE, 0)]),
    ("personality", [(0, _WHOLE, _WHOLE)]),  # a question
]
NO_SUCH_CALL = 38  # ENOSYS: the C library then takes the older way


def kernel_filter() -> bytes | None:
    """The filter of this machine's processor as bytes for `bwrap --seccomp`, or None where there is none."""
    text = FILTERS.get(platform.machine())
    return base64.b64decode(text) if text else None


def engine_profile() -> dict[str, Any]:
    """The same list as a dict in the form that docker and podman read."""
    rules: list[dict[str, Any]] = [{"names": ALLOWED, "action": "SCMP_ACT_ALLOW"}]
    for name, conditions in CONDITIONAL:
        rules.append({"names": [name], "action": "SCMP_ACT_ALLOW", "args": [_engine_condition(*c) for c in conditions]})
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": NO_SUCH_CALL,
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
        "syscalls": rules,
    }


def _engine_condition(index: int, mask: int, value: int) -> dict[str, Any]:
    """A condition on an argument as the engines read it."""
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}
