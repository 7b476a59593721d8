"""Short texts by numpy here, by torch in a process beside: the same states, and what happens when that process dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files as resource
from pathlib import Path

import numpy as np
import pytest

from ragkit.models import bert_child, bert_few
from ragkit.models.bert_few import FewTextsBert
from ragkit.models.weights import find_model

BATCH = [[101, 2129, 2146, 2003, 1996, 10943, 102], [101, 2054, 102], [101, 12191, 1998, 12668, 102]]
ADAPTER = Path(str(resource("ragkit").joinpath("assets", "detector")))


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is made meanwhile has its passes done by a child, which ends afterwards."""
    monkeypatch.setattr(bert_few, "_staying", True)
    yield
    pool = bert_child._CHILD._pool
    bert_child._CHILD.forget()
    if pool is not None:
        pool.shutdown(cancel_futures=True)


def child() -> int:
    """The process id of the child."""
    pool = bert_child._CHILD._pool
    assert pool is not None
    (number,) = pool._processes
    return number


def same(one: FewTextsBert, other: FewTextsBert, *, within: float, added: bool = False) -> bool:
    """Whether two encoders give the same states wherever there is a word piece."""
    extra = np.random.default_rng(5).normal(0, 0.1, (len(BATCH), 7, 384)).astype(np.float32) if added else None
    (first, kept), (second, kept_too) = (bert.encode(BATCH, added=extra) for bert in (one, other))
    assert kept.sum() == kept_too.sum() == sum(map(len, BATCH))
    return bool(np.abs(first[:, kept] - second[:, kept_too]).max() < within)


def test_both_ways_give_the_same_states(monkeypatch: pytest.MonkeyPatch, beside: None) -> None:
    """Without and with an adapter and something added, in both precisions."""
    model = find_model()
    with monkeypatch.context() as here:
        here.setattr(bert_few, "_staying", False)
        plain, adapted = FewTextsBert(model), FewTextsBert(model, adapter=ADAPTER)
    assert same(plain, FewTextsBert(model), within=1e-4)
    assert same(adapted, FewTextsBert(model, adapter=ADAPTER), within=1e-4, added=True)
    assert same(adapted, FewTextsBert(model, adapter=ADAPTER, precision="bf16"), within=0.25, added=True)
    assert not same(plain, adapted, within=0.25)


def test_a_child_that_is_killed_costs_nobody_an_answer(beside: None) -> None:
    """The pass it was to do is done here, and the next one by another child."""
    bert = FewTextsBert(find_model())
    before = bert.encode(BATCH)
    first = child()
    os.kill(first, signal.SIGINT)  # Ctrl-C goes to all of a terminal's processes; this one leaves it to its parent
    assert np.array_equal(bert.encode(BATCH)[0], before[0])
    assert child() == first
    os.kill(first, signal.SIGKILL)
    for _ in range(2):
        after, kept = bert.encode(BATCH)
        assert np.abs(after[:, kept] - before[0][:, before[1]]).max() < 1e-4
    assert child() != first


def test_the_child_ends_with_its_parent(tmp_path: Path) -> None:
    """Also when that is killed and can tell it nothing."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import time\n"
        "from ragkit.models import bert_child, bert_few\n"
        "from ragkit.models.weights import find_model\n"
        "if __name__ == '__main__':\n"
        "    bert_few.stay()\n"
        "    bert_few.FewTextsBert(find_model()).encode([[101, 2054, 102]])\n"
        "    print(*bert_child._CHILD._pool._processes, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        number = int(parent.stdout.readline())
        assert Path(f"/proc/{number}").exists()
        parent.kill()
    end = time.monotonic() + 20
    while Path(f"/proc/{number}").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
