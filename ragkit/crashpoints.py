"""Named places where a test may kill the process.

``RAGKIT_CRASH_POINT=sync.after_stage`` makes the process kill itself with SIGKILL the first time it reaches
``reach("sync.after_stage")``; ``name:3`` the third time. Unset, ``reach`` costs one dictionary look-up. The
idea is SQLite's (https://www.sqlite.org/testing.html, section 3): crash at every point in turn, then check.
"""

from __future__ import annotations

import os
import signal

_armed: dict[str, int] = {}

_setting = os.environ.get("RAGKIT_CRASH_POINT", "")
if _setting:
    _name, _, _count = _setting.partition(":")
    _armed[_name] = int(_count or "1")


def reach(name: str) -> None:
    """Die here, without any clean-up, if this crash point is armed and its count is used up."""
    left = _armed.get(name)
    if left is None:
        return
    if left <= 1:
        os.kill(os.getpid(), signal.SIGKILL)
    _armed[name] = left - 1
