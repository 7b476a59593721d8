"""The service's end of the control socket: takes what the command line wants written, and does it on its own workspace.

::

    control = ControlSocket(workspace, writer)
    control.open()                               # the writer's lock of the data directory is held
    ...
    control.close()

A thread takes connections and one more serves each; what is to be written runs in the writer's thread. Whatever comes
over the socket, the worst that happens is an error to whoever sent it.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from typing import Any, Protocol

from ragkit.control import wire
from ragkit.control.deeds import DEEDS, result
from ragkit.control.orders import read_order
from ragkit.control.wire import Lines, Malformed
from ragkit.errors import AccessDenied, ConfigError, ServiceGone, WriterBusy
from ragkit.protocols import Progress
from ragkit.workspace import Workspace

CONNECTIONS = 16
"""Callers served at the same time; further ones are told that the service is busy."""
REQUEST_S = 30.0
SEND_S = 30.0
HANG_UP_S = 2.0
WAIT_S = 60.0
"""How long a caller waits for its turn to write before it is told what is being written."""
_TELL_S = 0.1
_SHORTER = "Send less at once, or stop the service and run it without."


class Job(Protocol):
    """Something that waits for its turn, is being written, or is written."""

    @property
    def future(self) -> Future[Any]:
        """Its result."""
        ...

    @property
    def progress(self) -> tuple[str, int, int | None] | None:
        """What it told last."""
        ...

    def cancel(self) -> None:
        """Stop it where it next tells its progress."""
        ...


class Writer(Protocol):
    """The thread that writes: :class:`ragkit.serve.writer.Writer`."""

    def submit(self, verb: str, work: Callable[[Progress], Any]) -> Job:
        """Put something into the queue. Raises ``WriterBusy``."""
        ...

    def busy(self) -> WriterBusy:
        """Return the error that says what is being written."""
        ...


class ControlSocket:
    """The socket of one workspace.

    Args:
        workspace: Open; everything is done on it.
        writer: Where what is to be written waits for its turn.
    """

    def __init__(self, workspace: Workspace, writer: Writer) -> None:
        self._workspace = workspace
        self._writer = writer
        self._folder = workspace.config.data_folder
        self._mark = wire.config_mark(workspace.config)
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self._listening: socket.socket | None = None
        self._serving: set[threading.Thread] = set()

    def open(self) -> None:
        """Listen; a socket that a killed service left is replaced.

        Raises:
            ConfigError: The file system of the data directory has no sockets.
        """
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path = self._folder / wire.SOCKET
        try:
            path.unlink(missing_ok=True)  # whose it was is dead: we have its lock
            with wire.address(self._folder) as address:
                listening.bind(address)
            path.chmod(0o600)
            listening.listen(CONNECTIONS)
        except OSError as failed:
            listening.close()
            raise ConfigError(
                f"the control socket cannot be made in the data directory ({type(failed).__name__})",
                remedy="Keep `.ragkit` on a local file system that has Unix sockets, and writable.",
            ) from None
        self._listening = listening
        threading.Thread(target=self._accept, args=(listening,), name="ragkit-control", daemon=True).start()

    def close(self) -> None:
        """Take no more, and remove the socket. What is being served goes on until the writer stops it."""
        listening, self._listening = self._listening, None
        if listening is None:
            return
        (self._folder / wire.SOCKET).unlink(missing_ok=True)
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        listening.close()

    def finish(self) -> None:
        """Wait, not long, until everybody has been told what became of theirs."""
        for thread in list(self._serving):
            thread.join(1.0)

    def _accept(self, listening: socket.socket) -> None:
        while self._listening is listening:
            try:
                connection, _ = listening.accept()
            except OSError:
                if self._listening is listening:
                    time.sleep(_TELL_S)  # out of descriptors, for the moment
                continue
            thread = threading.Thread(target=self._serve, args=(connection,), name="ragkit-control", daemon=True)
            self._serving.add(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        """Serve one caller. Nothing that happens here is worth more than this connection."""
        lines = Lines(connection)
        try:
            with connection, suppress(OSError):
                try:
                    self._answer(connection, lines)
                except OSError:
                    raise
                except Exception as failed:
                    bad = ConfigError(str(failed), remedy=_SHORTER) if isinstance(failed, Malformed) else failed
                    lines.send({"error": wire.told(bad)}, wait_s=SEND_S)
                    lines.hang_up(wait_s=HANG_UP_S)
        finally:
            self._serving.discard(threading.current_thread())

    def _answer(self, connection: socket.socket, lines: Lines) -> None:
        if not wire.trusted(wire.peer(connection), folder=self._folder):
            raise AccessDenied("the service takes orders of its own user only", remedy="Run it as that user.")
        with ExitStack() as stack:
            if not self._places.acquire(blocking=False):
                raise self._writer.busy()
            stack.callback(self._places.release)
            request = lines.receive(wait_s=REQUEST_S)
            if request is None:
                return
            verb, work = read_order(self._workspace, request, mark=self._mark)
            job = self._writer.submit(verb, work)
            lines.send({"taken": True}, wait_s=SEND_S)
            self._follow(connection, lines, job, verb)

    def _follow(self, connection: socket.socket, lines: Lines, job: Job, verb: str) -> None:
        """Tell the caller what becomes of a job, and the job what the caller says."""
        waker, woken = socket.socketpair()
        with waker, woken, selectors.DefaultSelector() as watch:
            job.future.add_done_callback(lambda _: _wake(waker))
            watch.register(woken, selectors.EVENT_READ)
            watch.register(connection, selectors.EVENT_READ)
            shown, cancelled, until = None, False, time.monotonic() + WAIT_S
            while not job.future.done():
                ready = [key.fileobj for key, _ in watch.select(_TELL_S)]
                if connection in ready:
                    if not _says_cancel(lines):
                        _left(job, verb)
                        return
                    cancelled = True
                    job.cancel()
                started = job.future.running() or job.future.done()
                if not started and time.monotonic() > until and job.future.cancel():
                    raise self._writer.busy()
                now = job.progress or (None if started else ("wait", 0, None))
                if now is not None and now != shown:
                    try:
                        lines.send({"progress": now}, wait_s=SEND_S)
                    except OSError:
                        _left(job, verb)
                        return
                    shown = now
            lines.send(_outcome(job, verb, cancelled=cancelled, begun=self._workspace.begun), wait_s=SEND_S)


def _outcome(job: Job, verb: str, *, cancelled: bool, begun: int) -> dict[str, Any]:
    """Return the last message about a job that is done."""
    failed = None if job.future.cancelled() else job.future.exception()
    if job.future.cancelled() or isinstance(failed, KeyboardInterrupt):
        stopping = ServiceGone(
            "the service is stopping, and what it was writing for this command was interrupted",
            remedy="Run it again, through the service when it runs again or without it; it goes on where it was.",
        )
        return {"stopped": True} if cancelled else {"error": wire.told(stopping)}
    if failed is not None:
        return {"error": wire.told(failed)}
    return {"result": result(verb).dump_python(job.future.result(), mode="json"), "begun": begun}


def _left(job: Job, verb: str) -> None:
    """The caller is gone: stop what would have died with it, and leave alone what should not be left half done."""
    if not DEEDS[verb].finishes:
        job.cancel()


def _says_cancel(lines: Lines) -> bool:
    """Whether a caller who says something says that it be stopped; everything else is its end."""
    try:
        said = lines.receive(wait_s=1.0, most=wire.SHORT_BYTES)
    except (OSError, Malformed):
        return False
    return said is not None and said.get("cancel") is True


def _wake(waker: socket.socket) -> None:
    with suppress(OSError):
        waker.send(b".")
