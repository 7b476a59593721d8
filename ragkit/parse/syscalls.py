"""Calls to the kernel that a parser has no use for, refused by a filter (seccomp(2)): native code is held, and root.

The numbers are those of ``asm/unistd.h``. What is refused fails with EPERM; two newer calls fail with ENOSYS, on which
the C library takes the older one that the filter can look into.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator
from typing import Final

_SET_SECCOMP: Final = 22
_MODE_FILTER: Final = 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW: Final = 0x7FFF0000
_FAIL: Final = 0x00050000
_CLONE_THREAD: Final = 0x10000
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_X32: Final = 0x40000000
"""From this number on: the x32 interface of x86-64, by which the numbers below would be got round."""

_MACHINES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Processes, other processes' memory and signals, sockets, files by name, mounts, kernel objects that outlive it.
_REFUSED: Final = {
    "x86_64": {
        57, 58, 59, 322, 62, 200, 129, 297, 424, 101, 310, 311, 41, 53, 425, 133, 259, 304, 85, 86, 88, 265, 266, 87,
        263, 82, 264, 316, 83, 258, 84, 90, 91, 268, 92, 93, 94, 260, 76, 132, 235, 261, 280, 188, 189, 165, 166, 155,
        161, 272, 308, 428, 429, 430, 321, 298, 323, 319, 248, 249, 250, 175, 313, 246, 169, 29, 64, 68, 240,
    },
    "aarch64": {
        221, 281, 129, 130, 138, 240, 424, 117, 270, 271, 198, 199, 425, 33, 265, 34, 35, 36, 37, 38, 276, 53, 52, 54,
        55, 45, 88, 5, 6, 40, 39, 41, 51, 97, 268, 428, 429, 430, 280, 241, 282, 279, 217, 218, 219, 105, 273, 104,
        142, 194, 190, 186, 180,
    },
}  # fmt: skip
_ABSENT: Final = (435, 437)
"""``clone3`` and ``openat2``: their arguments lie in memory, which a filter cannot read."""
_CLONE: Final = {"x86_64": 56, "aarch64": 220}
_TGKILL: Final = {"x86_64": 234, "aarch64": 131}
_OPEN: Final = {"x86_64": ((2, 1), (257, 2)), "aarch64": ((56, 2),)}
"""Calls that open by name, and which argument holds the flags."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def refuse_calls() -> bool:
    """Refuse this process all that the tables name. For good; needs ``PR_SET_NO_NEW_PRIVS``.

    Returns:
        False where the kernel takes no filter, or the machine is another: nothing has changed.
    """
    machine = platform.machine()
    if machine not in _MACHINES or sys.byteorder != "little" or sys.maxsize < 2**32:
        return False
    code = b"".join(_filter(machine))
    program = _Program(len(code) // 8, code)
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.prctl(_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _filter(machine: str) -> Iterator[bytes]:
    """The program (linux/filter.h); each test is followed by the answer it jumps over when it fails."""
    refuse = _step(_RETURN, _FAIL | errno.EPERM)
    yield _step(_LOAD, 4)  # the machine
    yield _step(_EQUAL, _MACHINES[machine], 1, 0)
    yield refuse
    yield _step(_LOAD, 0)  # the call
    if machine == "x86_64":
        yield _step(_AT_LEAST, _X32, 0, 1)
        yield refuse
    for number in sorted(_REFUSED[machine]):
        yield _step(_EQUAL, number, 0, 1)
        yield refuse
    for number in _ABSENT:
        yield _step(_EQUAL, number, 0, 1)
        yield _step(_RETURN, _FAIL | errno.ENOSYS)
    for number, argument in _OPEN[machine]:
        yield _step(_EQUAL, number, 0, 4)
        yield _step(_LOAD, 16 + 8 * argument)
        yield _step(_ANY_BIT, _WRITING, 0, 1)
        yield refuse
        yield _step(_RETURN, _ALLOW)
    yield _step(_EQUAL, _CLONE[machine], 0, 4)  # threads, which the process limit counts, but no processes
    yield _step(_LOAD, 16)
    yield _step(_ANY_BIT, _CLONE_THREAD, 1, 0)
    yield refuse
    yield _step(_RETURN, _ALLOW)
    yield _step(_EQUAL, _TGKILL[machine], 0, 4)  # abort(3) signals the process itself
    yield _step(_LOAD, 16)
    yield _step(_EQUAL, os.getpid(), 1, 0)
    yield refuse
    yield _step(_RETURN, _ALLOW)
    yield _step(_RETURN, _ALLOW)


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)
