"""``/v1/sync`` and ``/v1/jobs``: bringing the index in step with its sources, and what became of it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from ragkit.auth.callers import Caller
from ragkit.protocols import Progress
from ragkit.serve.authenticate import calling
from ragkit.serve.jobs import Begun, Kind, Report, Status, jobs_of
from ragkit.serve.replies import errors
from ragkit.serve.state import State, tenant_named
from ragkit.serve.tenants import Tenant
from ragkit.serve.texts import Id

router = APIRouter(tags=["documents"])

_TOLD = (
    "added", "updated", "unchanged", "renamed", "access_changed", "deleted", "expired", "held", "refused",
    "quarantined", "chunks", "notices", "masked", "dry_run", "policy_changed", "failed", "message", "remedy",
)  # fmt: skip
EXAMPLES: list[Any] = [{}, {"collection": "shop", "source": "open"}, {"dry_run": True}]


class SyncBody(BaseModel):
    """Which sources to sync; all of them by default."""

    model_config = ConfigDict(title="Sync", extra="forbid", json_schema_extra={"examples": EXAMPLES})

    collection: str | None = Field(None, max_length=63, description="Only this one.")
    source: str | None = Field(None, max_length=63, description="Only this one of its sources.")
    dry_run: bool = Field(False, description="Tell what would change; read, and change nothing.")


class JobError(BaseModel):
    """Why a job failed."""

    model_config = ConfigDict(title="JobError")

    code: str
    message: str
    remedy: str = ""
    param: str | None = None


class JobBody(BaseModel):
    """Something that was begun. It goes on whether or not anybody asks for it."""

    model_config = ConfigDict(title="Job")

    id: str
    kind: Kind
    status: Status
    stage: str | None = Field(description="What it does now.")
    done: int | None = Field(description="Items of this stage that are done.")
    total: int | None = Field(description="Items of this stage in all, where that is known.")
    at: str = Field(description="When it was asked for, ISO 8601.")
    began: str | None
    ended: str | None
    report: dict[str, Any] | None = Field(description="What came of it: counts, codes and ids, no content.")
    error: JobError | None

    @classmethod
    def of(cls, job: Begun) -> JobBody:
        """Return the body for a job."""
        progress = job.turn.progress
        stage, done, total = progress if progress is not None else (None, None, None)
        error = job.error
        return cls(
            id=job.id,
            kind=job.kind,
            status=job.status,
            stage=stage,
            done=done,
            total=total,
            at=job.at,
            began=job.turn.begun or None,
            ended=job.ended or None,
            report=job.report,
            error=JobError(**error) if error is not None else None,
        )


@router.post(
    "/v1/sync",
    summary="Bring the index in step with the sources",
    operation_id="sync",
    status_code=202,
    response_model=JobBody,
    responses=errors(401, 403, 504),
)
async def sync(body: SyncBody, caller: Annotated[Caller, Depends(calling("sync"))], state: State) -> JSONResponse:
    """Begin a sync, and return its job. Questions are answered meanwhile; interrupted, it goes on when begun again."""
    tenant = tenant_named(state, caller.tenant)
    require = partial(tenant.workspace.documents.require_sync, collection=body.collection, source=body.source)
    await state.admission.run(caller, lambda: require(principal=caller.principal))
    job = jobs_of(tenant).begin(caller, "sync", lambda progress: _sync(tenant, caller, body, progress))
    return JSONResponse(JobBody.of(job).model_dump(), 202, {"Location": f"/v1/jobs/{job.id}", "Retry-After": "1"})


@router.get("/v1/jobs/{job}", summary="A job", operation_id="get_job", responses=errors(401, 403, 404))
async def get_job(job: Id, caller: Annotated[Caller, Depends(calling())], state: State) -> JobBody:
    """Return how far a job is; the caller's own, or any of the tenant for who has the scope `operate`."""
    return JobBody.of(jobs_of(tenant_named(state, caller.tenant)).find(caller, job))


@router.delete(
    "/v1/jobs/{job}", summary="Stop a job", operation_id="cancel_job", status_code=202, responses=errors(401, 403, 404)
)
async def cancel_job(job: Id, caller: Annotated[Caller, Depends(calling())], state: State) -> JobBody:
    """Stop a job before it begins, or where it next tells its progress; what is done stays, and can be gone on with.

    An upload that is stopped is kept, and the next sync takes it in; delete the document to be rid of it.
    """
    found = jobs_of(tenant_named(state, caller.tenant)).find(caller, job)
    found.turn.cancel()
    return JobBody.of(found)


def _sync(tenant: Tenant, caller: Caller, body: SyncBody, progress: Progress) -> Report:
    report = tenant.workspace.sync(
        collection=body.collection,
        source=body.source,
        dry_run=body.dry_run,
        principal=caller.principal,
        progress=progress,
    )
    told = {name: getattr(report, name) for name in _TOLD}
    parts = [{name: getattr(one, name) for name in ("collection", "source", *_TOLD)} for one in report.sources]
    return {**told, "sources": parts}
