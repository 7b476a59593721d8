"""Runs detectors in one child process, so that finding personal data overlaps with embedding.

::

    with DetectionWorker(build_detectors(policy)) as worker:
        future = worker.submit(masker.texts(documents))
        ...                                             # the parent embeds meanwhile
        masker.mask(documents, detections=future.result())

Texts travel through a socket pair and never touch a disk. The child is a fresh interpreter: a fork would copy the
threads of
torch and SQLite half-alive, and multiprocessing's spawn imports the caller's script again, which a script of five
lines does not survive. When the child dies, every pending future fails and nothing passes unmasked.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import queue
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from ragkit.errors import MaskingError, RagkitError
from ragkit.protocols import Detector
from ragkit.types import Span

Found = list[list[Span]]
_CHILD = "import sys; from ragkit.mask.detect_worker import serve; serve(int(sys.argv[1]))"


class DetectionWorker:
    """Several detectors in a process of their own, behind the detector contract.

    Args:
        detectors: Anything picklable; loaded in the child.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = tuple(detectors)
        self._queue: queue.SimpleQueue[tuple[list[str], Future[Found]] | None] = queue.SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Names the detectors inside."""
        return "+".join(detector.name for detector in self._detectors)

    @property
    def fingerprint(self) -> str:
        """Changes with those of the detectors inside."""
        joined = "|".join(detector.fingerprint for detector in self._detectors)
        return "worker:" + hashlib.sha256(joined.encode()).hexdigest()[:12]

    def load(self) -> None:
        """Start the child; its detectors load while the parent goes on."""
        with self._lock:
            if self._thread is not None:
                return
            here, there = multiprocessing.Pipe()
            self._process = subprocess.Popen(  # noqa: S603 (this interpreter, a fixed command)
                [sys.executable, "-c", _CHILD, str(there.fileno())], pass_fds=[there.fileno()], stdin=subprocess.DEVNULL
            )
            there.close()
            self._thread = threading.Thread(target=self._relay, args=(here,), name="ragkit-detect", daemon=True)
            self._thread.start()

    def submit(self, texts: Sequence[str]) -> Future[Found]:
        """Detect in the background; batches are answered in order.

        The future raises :class:`~ragkit.errors.MaskingError` when a detector failed or the child died.
        """
        self.load()
        future: Future[Found] = Future()
        self._queue.put((list(texts), future))
        return future

    def detect(self, texts: Sequence[str]) -> Found:
        """Detect and wait."""
        return self.submit(texts).result()

    def close(self) -> None:
        """End the child after what was submitted; idempotent."""
        with self._lock:
            if self._thread is None or self._process is None:
                return
            self._queue.put(None)
            self._thread.join()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._thread = None

    def _relay(self, pipe: Connection) -> None:
        """Pass batches to the child one by one, and its answers to their futures."""
        dead = not self._hand_over(pipe)
        while (work := self._queue.get()) is not None:
            texts, future = work
            if not future.set_running_or_notify_cancel():
                continue
            try:
                if dead:
                    raise EOFError
                pipe.send(texts)
                answer = pipe.recv()
            except (EOFError, OSError):
                dead = True
                future.set_exception(_child_died())
                continue
            if isinstance(answer, RagkitError):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        pipe.close()

    def _hand_over(self, pipe: Connection) -> bool:
        try:
            pipe.send(self._detectors)
        except OSError:
            return False
        return True

    def __enter__(self) -> Self:
        self.load()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"DetectionWorker({self.name})"


def _child_died() -> MaskingError:
    return MaskingError(
        "the detection process ended before it answered",
        remedy="Run the sync again: nothing of this batch was stored. If it recurs, look for a memory limit.",
    )


def serve(descriptor: int) -> None:
    """The child: take the detectors, then answer each batch with spans, or with an error that quotes no text."""
    pipe = Connection(descriptor)
    try:
        detectors: Sequence[Detector] = pipe.recv()
    except EOFError:
        return
    while True:
        try:
            texts = pipe.recv()
        except (EOFError, KeyboardInterrupt):
            return
        try:
            pipe.send(_detect_all(texts, detectors))
        except RagkitError as error:
            pipe.send(error)
        except Exception as error:  # its message may quote the text
            pipe.send(MaskingError(f"detection failed with {type(error).__name__}", remedy="Report the defect."))


def _detect_all(texts: Sequence[str], detectors: Sequence[Detector]) -> Found:
    found: Found = [[] for _ in texts]
    for detector in detectors:
        for spans, more in zip(found, detector.detect(texts), strict=True):
            spans += more
    return found
