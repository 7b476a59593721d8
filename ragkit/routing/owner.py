"""Which process made a reservation, so that the reservations of dead ones do not hold budgets for ever.

A process id alone is reused. With the boot, the process namespace and the time the process began (``proc(5)``, field 22
of ``/proc/PID/stat``) it names one process for good.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Owner:
    """One process: where it lives, its id there, and when it began in clock ticks since boot."""

    place: str
    pid: int
    began: int

    @classmethod
    def of_this_process(cls) -> Self:
        """Return the process that asks."""
        return cls(_place(os.getpid()), os.getpid(), _began(os.getpid()) or 0)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` wrote."""
        place, pid, began = text.rsplit("/", 2)
        return cls(place, int(pid), int(began))

    def is_dead(self) -> bool | None:
        """Whether the process is gone; ``None`` when it lives in another container or on another host."""
        if self.place != _place(os.getpid()):
            return None
        return _began(self.pid) != self.began

    def __str__(self) -> str:
        return f"{self.place}/{self.pid}/{self.began}"


@lru_cache(maxsize=1)
def _place(_pid: int) -> str:
    """Boot and process namespace of the caller; the argument makes a forked child look again."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{os.readlink('/proc/self/ns/pid')}".replace(" ", "")  # noqa: PTH115 - not a path, a name


def _began(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat.rpartition(b")")[2].split()  # the command's name may hold spaces and brackets
    return None if fields[0] in (b"Z", b"X") else int(fields[19])
