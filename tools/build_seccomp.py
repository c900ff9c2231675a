"""Builds aigc_course/grading/seccomp_filters.py from the list in seccomp.py, with libseccomp.

`apt install libseccomp2`, then `python tools/build_seccomp.py`; --check only says whether it is up to date.
"""

import argparse
import base64
import ctypes
import ctypes.util
import sys
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "aigc_course" / "grading" / "seccomp_filters.py"
ARCHITECTURES = {"x86_64": b"x86_64", "aarch64": b"aarch64"}  # platform.machine(): libseccomp's name
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
MASKED_EQ = 7
HEAD = '''"""Filters of system calls as the kernel takes them, by processor. Made by tools/build_seccomp.py."""

__all__ = ["FILTERS"]

FILTERS = {
'''


class Condition(ctypes.Structure):
    """libseccomp's scmp_arg_cmp."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


def library():
    """libseccomp with the types of the functions that are used."""
    found = ctypes.util.find_library("seccomp")
    if found is None:
        raise OSError("libseccomp is not installed: apt install libseccomp2")
    seccomp = ctypes.CDLL(found)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    seccomp.seccomp_init.argtypes = [ctypes.c_uint32]
    seccomp.seccomp_arch_resolve_name.restype = ctypes.c_uint32
    seccomp.seccomp_arch_native.restype = ctypes.c_uint32
    for name in ("seccomp_arch_add", "seccomp_arch_remove"):
        getattr(seccomp, name).argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    conditions = ctypes.c_uint, ctypes.POINTER(Condition)  # how many, and where they stand
    seccomp.seccomp_rule_add_array.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, *conditions]
    seccomp.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    seccomp.seccomp_release.argtypes = [ctypes.c_void_p]
    return seccomp


def build(seccomp, architecture, allowed, conditional, errno):
    """The bytes of the filter for one processor."""
    context = seccomp.seccomp_init(ERRNO | errno)
    code = seccomp.seccomp_arch_resolve_name(architecture)
    if code != seccomp.seccomp_arch_native():
        check(seccomp.seccomp_arch_add(context, code), "seccomp_arch_add")
        check(seccomp.seccomp_arch_remove(context, seccomp.seccomp_arch_native()), "seccomp_arch_remove")
    for name, conditions in [*((name, []) for name in allowed), *conditional]:
        if seccomp.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(code), name.encode()) < 0:
            continue  # this processor has no such call
        number = seccomp.seccomp_syscall_resolve_name(name.encode())  # rules take this machine's numbers, for any other
        array = (Condition * len(conditions))(*(Condition(i, MASKED_EQ, mask, value) for i, mask, value in conditions))
        check(seccomp.seccomp_rule_add_array(context, ALLOW, number, len(conditions), array), name)
    with tempfile.TemporaryFile() as file:
        check(seccomp.seccomp_export_bpf(context, file.fileno()), "seccomp_export_bpf")
        file.seek(0)
        blob = file.read()
    seccomp.seccomp_release(context)
    return blob


def check(code, what):
    """Raises if libseccomp refused."""
    if code != 0:
        raise OSError(f"libseccomp refused {what}: {code}")


def text():
    """The whole file."""
    if not TARGET.exists():
        TARGET.write_text(HEAD + "}\n", encoding="utf-8")
    sys.path.insert(0, str(ROOT))
    from aigc_course.grading import seccomp as rules

    seccomp, parts = library(), [HEAD]
    for machine, name in ARCHITECTURES.items():
        blob = build(seccomp, name, rules.ALLOWED, rules.CONDITIONAL, rules.NO_SUCH_CALL)
        lines = textwrap.wrap(base64.b64encode(blob).decode(), 100)
        parts += [f'    "{machine}": (\n', *(f'        "{line}"\n' for line in lines), "    ),\n"]
    return "".join([*parts, "}\n"])


def main():
    """Writes the file, or compares; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only")
    arguments, made = parser.parse_args(), text()
    if arguments.check:
        same = made == TARGET.read_text(encoding="utf-8")
        print(f"{TARGET.name} is {'up to date' if same else 'out of date: run python tools/build_seccomp.py'}")
        return 0 if same else 1
    TARGET.write_text(made, encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {', '.join(ARCHITECTURES)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
