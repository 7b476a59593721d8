"""How a process gives up what a parser does not need: memory, files, network, children, outliving its parent.

The limits are the kernel's: setrlimit(2), prctl(2), unshare(2), landlock(7), seccomp(2). A kernel may lack the last
three, or not permit them; each of them covers much of what the others do. The audit hook (PEP 578) stands before them
all, but holds Python code only, not native code that calls the kernel itself.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn

from ragkit.parse.landlock import may_only_read
from ragkit.parse.syscalls import refuse_calls

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000
_REFUSED: Final = frozenset(
    {
        "socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname",
        "socket.sendto", "socket.gethostbyaddr", "socket.getnameinfo", "socket.sendmsg", "subprocess.Popen",
        "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.remove", "os.rename",
        "os.rmdir", "os.mkdir", "os.chmod", "os.link", "os.symlink", "os.truncate", "shutil.rmtree", "os.kill",
        "os.putenv",
    }
)  # fmt: skip
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LIBRARIES: Final = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share", "/usr/local/share", "/etc/ld.so.cache",
    "/etc/localtime", "/etc/fonts", "/etc/mime.types", "/dev/null", "/dev/urandom",
)  # fmt: skip


def confine(*, memory_bytes: int, parent: int, readable: Sequence[str] = ()) -> None:
    """Give up what parsing does not need. Cannot be undone.

    Args:
        memory_bytes: Address space on top of what the process has now.
        parent: Process id of the parent; the process ends when it does.
        readable: Folders that it may read besides Python's modules and the system's libraries.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # no core, and no other process of this user may read this one's memory
    if os.getppid() != parent:  # it died before the kernel was told to watch it
        os._exit(1)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    for limit, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_AS, address_space() + memory_bytes),
    ):
        _lower(limit, value)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # no child processes; root is exempt, hence the hook as well
    own = f"/proc/{os.getpid()}"
    may_only_read([*_LIBRARIES, own, *sys.path, sys.prefix, sys.base_prefix, *readable])
    refuse_calls()
    sys.addaudithook(_refuse)


def address_space() -> int:
    """Bytes of address space in use, from proc(5)."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def out_of_memory_soon(memory_bytes: int) -> bool:
    """True when half of the allowance is held between items: a leak or fragments; time for a fresh process."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return limit - address_space() < memory_bytes // 2


def _lower(limit: int, value: int) -> None:
    hard = resource.getrlimit(limit)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(limit, (value, value))


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event in _REFUSED:
        _stop(event)
    if event == "open" and len(arguments) == 3 and isinstance(arguments[2], int) and arguments[2] & _WRITING:
        _stop("open for writing")


def _stop(event: str) -> NoReturn:
    raise PermissionError(f"refused in the parser process: {event}")
