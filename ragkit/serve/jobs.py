"""What callers had begun and did not wait for: a job each, with an id, its progress, and what came of it.

A job runs in the tenant's writing thread (:mod:`ragkit.serve.writer`), one after another, whether or not the request
that began it is still there. It belongs to who began it; operators see all of their tenant. What a job had not done
when the service ended is not lost: an upload lies encrypted on the disk, and the next start takes it in; a sync is
begun again and goes on where it was.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from ragkit.auth.callers import Caller
from ragkit.errors import RagkitError, WriterBusy
from ragkit.protocols import Progress
from ragkit.serve.replies import NotFound, Overloaded, Stopping, described
from ragkit.serve.state import ServiceState
from ragkit.serve.tenants import Tenant
from ragkit.serve.writer import Job as Turn
from ragkit.serve.writer import writer_of

Kind = Literal["upload", "delete", "sync"]
Status = Literal["waiting", "running", "done", "failed", "cancelled"]
Report = dict[str, Any]

MOST = 1_000
"""Finished jobs that are remembered, of a tenant."""
MOST_OF_ONE = 16
"""Jobs of one caller that wait or run."""
_RETRY_S = 5

_making = threading.Lock()


@dataclass(slots=True)
class Begun:
    """A job.

    Attributes:
        id: Random.
        tenant: Whose.
        subject: Who began it.
        kind: What it does.
        turn: Its turn in the writing thread.
        at: When it was begun, ISO 8601.
        ended: When it was over; empty before.
    """

    id: str
    tenant: str
    subject: str
    kind: Kind
    turn: Turn[Report] = field(repr=False)
    at: str
    ended: str = ""

    @property
    def status(self) -> Status:
        """Where it is."""
        future = self.turn.future
        if not future.done():
            return "running" if self.turn.begun else "waiting"
        if future.cancelled():
            return "cancelled"
        failed = future.exception()
        if failed is None:
            return "done"
        return "failed" if isinstance(failed, Exception) else "cancelled"

    @property
    def report(self) -> Report | None:
        """What came of it; counts and ids."""
        return self.turn.future.result() if self.status == "done" else None

    @property
    def error(self) -> Report | None:
        """Why it failed, as a reply would say it."""
        if self.status != "failed":
            return None
        failed = self.turn.future.exception()
        if isinstance(failed, RagkitError):
            return described(failed)[1]
        return {"code": "internal_error", "message": "the service is at fault", "remedy": "", "param": None}


class Jobs:
    """The jobs of one tenant, in memory."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._lock = threading.Lock()
        self._every: dict[str, Begun] = {}

    def require_room(self, caller: Caller) -> None:
        """Return if a job of this caller would be taken now.

        Raises:
            Overloaded: Too many wait, of everybody or of this caller.
        """
        with self._lock:
            self._require_few(caller)
        if writer_of(self._tenant).full:
            raise Overloaded("too much waits to be written", seconds=_RETRY_S)

    def begin(self, caller: Caller, kind: Kind, work: Callable[[Progress], Report], *, beyond: bool = False) -> Begun:
        """Put a job into the queue; ``beyond`` what may wait, where what it is about is kept already.

        Raises:
            Overloaded: Too many wait, of everybody or of this caller.
        """
        with self._lock:
            if not beyond:
                self._require_few(caller)
            try:
                name = f"documents-{kind}" if kind != "sync" else kind
                turn = writer_of(self._tenant).submit(name, work, beyond=beyond)
            except WriterBusy:
                raise Overloaded("too much waits to be written", seconds=_RETRY_S) from None
            made = Begun(
                id=uuid.uuid4().hex,
                tenant=self._tenant.name,
                subject=caller.principal.subject,
                kind=kind,
                turn=turn,
                at=_now(),
            )
            self._every[made.id] = made
            self._forget()
        turn.future.add_done_callback(lambda _: _end(made))
        return made

    def find(self, caller: Caller, job_id: str) -> Begun:
        """Return a job of the caller's own, or of anybody of the tenant for an operator.

        Raises:
            NotFound: There is none, or it is somebody else's.
        """
        found = self._every.get(job_id)
        if found is None or found.tenant != caller.tenant:
            raise NotFound
        if found.subject != caller.principal.subject and not caller.may("operate"):
            raise NotFound
        return found

    def _require_few(self, caller: Caller) -> None:
        mine = [one for one in self._every.values() if one.subject == caller.principal.subject and not one.ended]
        if len(mine) >= MOST_OF_ONE:
            raise Overloaded("too many jobs of this caller wait", seconds=_RETRY_S)

    def _forget(self) -> None:
        over = [one.id for one in self._every.values() if one.ended]
        for job_id in over[: max(len(over) - MOST, 0)]:
            del self._every[job_id]


def jobs_of(tenant: Tenant) -> Jobs:
    """Return a tenant's jobs, made when they are first asked for."""
    with _making:
        found = tenant.parts.get("jobs")
        if not isinstance(found, Jobs):
            found = tenant.parts["jobs"] = Jobs(tenant)
    return found


async def outcome(job: Begun, *, seconds: float) -> Report | None:
    """Wait for a job and return its report; ``None`` when it is not over within so many seconds, and goes on.

    Raises:
        RagkitError: Its error.
        Stopping: It was cancelled.
    """
    over, loop = asyncio.Event(), asyncio.get_running_loop()

    def tell(_: object) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(over.set)

    job.turn.future.add_done_callback(tell)
    with suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), seconds)  # the job is not cancelled with us
    if not job.turn.future.done():
        return None
    if job.status == "cancelled":
        raise Stopping("it was stopped")
    return job.turn.future.result()


@asynccontextmanager
async def while_running(state: ServiceState) -> AsyncIterator[None]:
    """Take in what was handed in before the last end of the service and waits still."""
    for tenant in state.tenants:
        with suppress(RagkitError):
            if await asyncio.to_thread(_waits, tenant):
                writer_of(tenant).submit("documents-waiting", _catch_up(tenant))
    yield


def _waits(tenant: Tenant) -> bool:
    return bool(tenant.workspace.documents.waiting())


def _catch_up(tenant: Tenant) -> Callable[[Progress], None]:
    return lambda progress: tenant.workspace.documents.catch_up(progress=progress)


def _end(job: Begun) -> None:
    job.ended = _now()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
