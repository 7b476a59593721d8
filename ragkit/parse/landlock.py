"""Files a process may read, by Landlock (landlock(7), Linux 5.13). All others the kernel refuses, and any writing.

Holds native code too, and root. An XML parser that is talked into opening ``/etc/passwd`` finds nothing there.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
"""Numbers of the calls, the same on every architecture."""
_ASK_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_READ_FILE: Final = 1 << 2
_READ_FOLDER: Final = 1 << 3
_RIGHTS: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights over files, by the version that brought the last of them."""
_NETWORK: Final = (4, 0b11)
_SCOPES: Final = (6, 0b11)
"""TCP; abstract sockets and signals outward: the version each came with, and its bits."""


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def may_only_read(paths: Iterable[str]) -> bool:
    """Leave this process the reading of these files and folders, and nothing else of any file system. For good.

    Files that are open stay so. Needs ``PR_SET_NO_NEW_PRIVS``.

    Args:
        paths: Absolute; those that are not there are passed over.

    Returns:
        False where the kernel has no Landlock: nothing has changed.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    if version < 1:
        return False
    rules = _Ruleset(files=_RIGHTS[max(known for known in _RIGHTS if known <= version)])
    size = 8
    if version >= _NETWORK[0]:
        rules.network, size = _NETWORK[1], 16
    if version >= _SCOPES[0]:
        rules.scopes, size = _SCOPES[1], 24
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    try:
        for path in paths:
            with suppress(OSError):
                _allow(libc, ruleset, path)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        allowed = _READ_FILE | _READ_FOLDER if Path(path).is_dir() else _READ_FILE
        rule = _Beneath(allowed=allowed, parent=handle)
        libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(handle)
