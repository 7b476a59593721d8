"""What an open workspace holds open is made once, whichever threads ask first."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ragkit import handles as module
from ragkit.config import load_config
from ragkit.handles import Handles
from ragkit.testing.uploading import make_desk


@pytest.mark.parametrize("name", ["spending", "desk", "evidence", "embedder", "recorder", "turns"])
def test_two_first_requests_share_what_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """``functools.cached_property`` makes it once a thread from Python 3.12 on."""
    handles = Handles(load_config(make_desk(tmp_path)), root_key=bytes(32))
    made: list[object] = []

    def make(*_: Any, **__: Any) -> object:
        time.sleep(0.05)  # long enough for all of them to have asked
        made.append(object())
        return made[-1]

    monkeypatch.setattr(Handles, "secret", lambda *_: b"x" * 32)
    for builder in ("build_spending", "build_evidence", "build_embedder", "build_recorder"):
        monkeypatch.setattr(module, builder, make)
    monkeypatch.setattr("ragkit.desk.store.DeskStore", make)
    monkeypatch.setattr("ragkit.store.turns.WriterTurns", make)
    got: list[object] = []
    together = threading.Barrier(4)

    def ask() -> None:
        together.wait(30)
        got.append(getattr(handles, name))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(made), got) == (1, made * 4)
    assert getattr(handles, name) is made[0]
    assert handles.__dict__[name] is made[0], "closed with the others"
