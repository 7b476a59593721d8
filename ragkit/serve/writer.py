"""Writing in a service: one thread a tenant, one job after another, so that nothing waits for a lock it cannot see.

::

    job = writer_of(tenant).submit("sync", lambda progress: tenant.workspace.sync(progress=progress))
    await asyncio.wrap_future(job.future)     # or job.future.result()
    job.cancel()                              # stops it where Ctrl-C would: what was done stays, it can be begun again

    with one_writer(tenants): ...             # the locks of all tenants, and their control sockets, while it serves
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, Generic, TypeVar

from ragkit.control.server import ControlSocket
from ragkit.errors import WriterBusy
from ragkit.protocols import Progress
from ragkit.serve.tenants import Tenant, Tenants
from ragkit.store.lock import SERVICE

_T = TypeVar("_T")

WAITING = 32
"""Jobs that may wait behind the one that runs."""
START_S = 10.0
"""How long a service waits at its start for a write of another process, such as a sync by cron."""
PATIENCE_S = 10.0
"""How long a write that did not come through the queue waits for the one that runs."""

_making = threading.Lock()


class Stopped(KeyboardInterrupt):
    """A job was cancelled. Like Ctrl-C, and unlike an error, nothing on the way takes it for a failure of its own."""


class Job(Generic[_T]):
    """Something that is to be written, waiting, running or done.

    Attributes:
        verb: What it is; never its arguments.
        future: Its result, or the error.
        progress: The last stage, count and total that were told; ``None`` before.
        begun: When it began, ISO 8601; empty while it waits.
    """

    def __init__(self, verb: str, work: Callable[[Progress], _T]) -> None:
        self.verb = verb
        self.future: Future[_T] = Future()
        self.progress: tuple[str, int, int | None] | None = None
        self.begun = ""
        self._work = work
        self._stop = threading.Event()

    def cancel(self) -> None:
        """Stop it: before it begins, or where it next tells its progress. What does not tell any runs to its end."""
        self._stop.set()
        self.future.cancel()

    @property
    def cancelled(self) -> bool:
        """Whether it was stopped, or is about to be."""
        return self._stop.is_set()

    def run(self) -> Callable[[], None]:
        """Do it, in the writing thread; return what tells the outcome to whoever waits for it."""
        self.begun = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            done = self._work(self._advance)
        except BaseException as failed:
            return partial(self.future.set_exception, failed)
        return partial(self.future.set_result, done)

    def _advance(self, stage: str, done: int, total: int | None) -> None:
        self.progress = (stage, done, total)
        if self._stop.is_set():
            raise Stopped


class Writer:
    """The writing thread of one tenant. It begins with the first job.

    Args:
        name: The tenant, for the thread's name.
        waiting: Jobs that may wait.
    """

    def __init__(self, name: str, *, waiting: int = WAITING) -> None:
        self._name = name
        self._most = waiting
        self._queue: deque[Job[Any]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._running: Job[Any] | None = None
        self._closed = False

    @property
    def running(self) -> Job[Any] | None:
        """The job that runs now."""
        return self._running

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        with self._changed:
            return sum(not job.future.cancelled() for job in self._queue)

    def submit(self, verb: str, work: Callable[[Progress], _T], *, beyond: bool = False) -> Job[_T]:
        """Put something into the queue.

        Args:
            verb: What it is; never its arguments.
            work: Does it; takes what is to be called with its progress, from which a cancelled job does not return.
            beyond: Take it although too many wait: what it is about was promised already.

        Raises:
            WriterBusy: Too many wait already, or the service stops.
        """
        job = Job(verb, work)
        with self._changed:
            if self._closed:
                raise WriterBusy("the service is stopping", remedy="Try again when it runs again.")
            if self.full and not beyond:
                raise self.busy()
            self._queue.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=f"ragkit-write-{self._name}", daemon=True)
                self._thread.start()
            self._changed.notify()
        return job

    @property
    def full(self) -> bool:
        """Whether too many wait already."""
        return self.waiting >= self._most

    def busy(self) -> WriterBusy:
        """Return the error that says what runs and what waits."""
        running, waiting = self._running, self.waiting
        doing = f"{running.verb}, since {running.begun}" if running else "something else"
        behind = f", and {waiting} more wait" if waiting else ""
        return WriterBusy(
            f"the service is writing ({doing}){behind}",
            remedy="Try again when it is done; asking and searching work meanwhile.",
        )

    def close(self, *, wait_s: float = 20.0) -> bool:
        """Take nothing more, stop what runs and waits. Returns whether the thread has ended within this time."""
        with self._changed:
            self._closed = True
            for job in [*self._queue, *([self._running] if self._running else [])]:
                job.cancel()
            self._changed.notify()
            thread = self._thread
        if thread is None:
            return True
        thread.join(wait_s)
        return not thread.is_alive()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            tell = job.run()
            self._running = None
            tell()

    def _next(self) -> Job[Any] | None:
        """Wait for the next job that nobody cancelled; ``None`` at the end."""
        with self._changed:
            while True:
                while self._queue:
                    job = self._queue.popleft()
                    if job.future.set_running_or_notify_cancel():
                        self._running = job
                        return job
                if self._closed:
                    return None
                self._changed.wait()


def writer_of(tenant: Tenant) -> Writer:
    """Return a tenant's writer, made when it is first asked for and closed with the tenant."""
    with _making:
        if "writer" not in tenant.parts:
            tenant.parts["writer"] = Writer(tenant.name)
        found = tenant.parts["writer"]
    assert isinstance(found, Writer)
    return found


@contextmanager
def one_writer(tenants: Tenants) -> Iterator[None]:
    """Be the one writer of every tenant's data directory for as long as this lasts.

    Raises:
        WriterBusy: Another service serves one of them, or another process does not finish writing; it is named.
    """
    with ExitStack() as stack:
        for tenant in tenants:
            turns, writer = tenant.workspace.turns, writer_of(tenant)
            turns.hold(SERVICE, wait_s=START_S)
            turns.patience = PATIENCE_S
            control = ControlSocket(tenant.workspace, writer)
            stack.callback(_stop, tenant, writer, control)
            control.open()
        yield


def _stop(tenant: Tenant, writer: Writer, control: ControlSocket) -> None:
    """Take nothing more, stop what is written, tell whoever waits, and let others write."""
    control.close()
    stopped = writer.close(wait_s=tenant.config.serve.limits.stop_seconds)
    control.finish()
    if stopped:  # else the kernel lets go when the process ends, and not before what it writes does
        tenant.workspace.turns.let_go()
