"""Parsing in a process of its own, so that a hostile or broken file costs one item and nothing else.

::

    with SandboxedParser(timeout_s=30) as parser:
        for item, result in parser.parse_all(items):
            ...  # result is a Document or an ItemError

Each worker is a thread that owns one child process. ``parse_all`` hands batches to the workers ahead of what the
caller has taken, so parsing overlaps with the caller's masking and embedding, and the look-ahead is bounded in bytes.
A child that hangs is killed, one that dies is replaced, and the items behind the guilty one are sent again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from types import TracebackType

from ragkit.errors import ItemError
from ragkit.parse.ocr_setup import Ocr
from ragkit.parse.problems import problem
from ragkit.parse.worker import ParserProcess
from ragkit.types import Document, SourceItem

Result = Document | ItemError
_MIB = 1024 * 1024
PARSER_VERSION = 5
"""Counts up with every change to ``connect`` that changes the text or blocks of a document."""


class SandboxedParser:
    """Parses items in confined child processes. Implements :class:`ragkit.protocols.Parser`.

    Args:
        workers: Child processes, each with its own thread here.
        timeout_s: Wall time an item may take, in seconds; the same limit holds for processor time.
        memory_mb: Memory an item may take, in MiB, above what the child needs to start.
        batch_items: Most items sent to a child at once.
        batch_bytes: Most content sent at once; a larger item goes alone.
        recycle_after: Items after which a child is replaced, so that no library's leak adds up.
        formats: Further parsers by media type, ``module:function``, imported in the child only.
        ocr: How pictures are read; by default not at all.
    """

    def __init__(
        self,
        *,
        workers: int = 1,
        timeout_s: float = 60.0,
        memory_mb: int = 1024,
        batch_items: int = 32,
        batch_bytes: int = 1 * _MIB,
        recycle_after: int = 20_000,
        formats: Mapping[str, str] | None = None,
        ocr: Ocr | None = None,
    ) -> None:
        self._workers = max(1, workers)
        self._timeout_s = timeout_s
        self._memory_bytes = memory_mb * _MIB
        self._batch_items = batch_items
        self._batch_bytes = batch_bytes
        self._recycle_after = recycle_after
        self._formats = dict(formats or {})
        self._ocr = ocr or Ocr()
        self._pool: ThreadPoolExecutor | None = None
        self._idle: SimpleQueue[ParserProcess] = SimpleQueue()

    def __repr__(self) -> str:
        return f"SandboxedParser(workers={self._workers}, timeout_s={self._timeout_s})"

    @property
    def limits(self) -> tuple[int, float, int]:
        """Child processes, seconds an item may take, and MiB of memory."""
        return self._workers, self._timeout_s, self._memory_bytes // _MIB

    @property
    def fingerprint(self) -> str:
        """Changes when the same bytes may come out as another document, so that sync knows to parse again."""
        added = [f"{kind}={target}" for kind, target in sorted(self._formats.items())]
        return ";".join(filter(None, (f"parse-{PARSER_VERSION}", self._ocr.fingerprint, *added)))

    def __enter__(self) -> SandboxedParser:
        self.load()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def load(self) -> None:
        """Start the worker threads; a child process starts with the first item that reaches its worker."""
        if self._pool is not None:
            return
        # A child asks the kernel to end it with the *thread* that started it, so these threads live until close().
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="ragkit-parser")
        for _ in range(self._workers):
            self._idle.put(
                ParserProcess(
                    timeout_s=self._timeout_s,
                    memory_bytes=self._memory_bytes,
                    recycle_after=self._recycle_after,
                    formats=self._formats,
                    ocr=self._ocr,
                )
            )

    def parse(self, item: SourceItem) -> Document:
        """Parse one item.

        Raises:
            ItemError: This item cannot be read; ``code`` says why.
        """
        (result,) = self._submit([item]).result()
        if isinstance(result, ItemError):
            raise result
        return result

    def parse_all(self, items: Iterable[SourceItem]) -> Iterator[tuple[SourceItem, Result]]:
        """Parse items in order, ahead of the caller by at most two batches a worker.

        ``items`` is drawn from in the caller's thread. An abandoned iterator leaves the parser usable.
        """
        waiting: deque[tuple[list[SourceItem], Future[list[Result]]]] = deque()
        ahead = 2 * self._workers
        try:
            for batch in self._batches(items):
                waiting.append((batch, self._submit(batch)))
                if len(waiting) > ahead:
                    batch, answer = waiting.popleft()
                    yield from zip(batch, answer.result())
            while waiting:
                batch, answer = waiting.popleft()
                yield from zip(batch, answer.result())
        finally:
            for _, answer in waiting:
                answer.cancel()

    def close(self) -> None:
        """End the child processes; a later call starts new ones."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        pool.shutdown(wait=True, cancel_futures=True)
        while not self._idle.empty():
            self._idle.get().stop()

    def _batches(self, items: Iterable[SourceItem]) -> Iterator[list[SourceItem]]:
        batch: list[SourceItem] = []
        size = 0
        for item in items:
            if batch and (len(batch) >= self._batch_items or size + len(item.content) > self._batch_bytes):
                yield batch
                batch, size = [], 0
            batch.append(item)
            size += len(item.content)
        if batch:
            yield batch

    def _submit(self, batch: Sequence[SourceItem]) -> Future[list[Result]]:
        self.load()
        assert self._pool is not None
        return self._pool.submit(self._exchange, batch)

    def _exchange(self, batch: Sequence[SourceItem]) -> list[Result]:
        process = self._idle.get()
        try:
            refused = [self._refused(item) for item in batch]
            answers = iter(process.exchange([item for item, code in zip(batch, refused) if code is None]))
            return [problem(code) if code else next(answers) for code in refused]
        finally:
            self._idle.put(process)

    def _refused(self, item: SourceItem) -> str | None:
        """The problem of an item that is not sent: its own, or its size, as a text is made beside the bytes."""
        return item.problem or ("parser-memory" if 2 * len(item.content) > self._memory_bytes else None)
