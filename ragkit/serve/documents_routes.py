"""``/v1/documents``: documents handed in, listed, read masked, deleted."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from ragkit.auth.callers import Caller
from ragkit.protocols import Progress
from ragkit.serve.authenticate import calling
from ragkit.serve.choices import collection_of
from ragkit.serve.documents_bodies import FORM, DocumentBody, DocumentsBody, PassageBody, PassagesBody, UploadedBody
from ragkit.serve.jobs import Begun, Report, jobs_of, outcome
from ragkit.serve.replies import Overloaded, Stopping, errors
from ragkit.serve.state import ServiceState, State, tenant_named
from ragkit.serve.sync_routes import JobBody
from ragkit.serve.tenants import Tenant
from ragkit.serve.texts import Id
from ragkit.serve.uploading import DocumentFields, Upload

router = APIRouter(tags=["documents"])

UPLOADING = 32
"""Uploads of a service whose bytes are coming; further ones get 429."""


@router.post(
    "/v1/documents",
    summary="Hand a document in",
    operation_id="add_document",
    status_code=201,
    response_model=UploadedBody,
    responses={
        202: {"model": JobBody, "description": "It is kept, encrypted; the job, or the next sync, makes it findable."},
        **errors(401, 403, 408, 409, 422),
    },
    openapi_extra=FORM,
)
async def add_document(
    request: Request, caller: Annotated[Caller, Depends(calling("documents.write"))], state: State
) -> Response:
    """Take a document in. What it is, its bytes say; what is refused is not kept.

    From the reply on it survives a crash. With ``wait`` (the default) the reply comes when it is found, or with 202
    when that takes longer than a request may, or was stopped: it is kept then, and the next sync or start finds it.
    """
    tenant = tenant_named(state, caller.tenant)
    documents = tenant.workspace.documents
    limit = state.settings.limits.upload_bytes

    def receive(said: DocumentFields) -> Any:
        return documents.receive(collection=said.collection, source=said.source, most=limit, principal=caller.principal)

    jobs_of(tenant).require_room(caller)  # before the document is kept: who is told to come again hands it in again
    with _Place(state):
        upload = Upload(receive, limit=limit)
        try:
            await upload.read(request)
            doc_id = await run_in_threadpool(upload.accept)
        finally:
            await run_in_threadpool(upload.close)
    job = jobs_of(tenant).begin(
        caller, "upload", lambda progress: _take_in(tenant, caller, doc_id, progress), beyond=True
    )
    waits = upload.fields.wait
    place = {"Location": f"/v1/documents/{doc_id}"}
    try:
        done = await outcome(job, seconds=state.settings.limits.request_seconds) if waits else None
    except Stopping:  # of the job alone: the document is durable, and the next sync or start takes it in
        done = None
    if done is None:
        return accepted(job, {**place, "Retry-After": "1"})
    return JSONResponse(UploadedBody(**done).model_dump(), 201, place)


@router.get(
    "/v1/documents",
    summary="List documents",
    operation_id="list_documents",
    responses=errors(401, 403, 404, 504),
)
async def list_documents(
    caller: Annotated[Caller, Depends(calling("documents.read"))],
    state: State,
    collection: Annotated[str | None, Query(max_length=63, description="By default the only one.")] = None,
    source: Annotated[str | None, Query(max_length=63, description="Only of this source.")] = None,
    cursor: Annotated[str, Query(max_length=64, description="Of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DocumentsBody:
    """Return the documents that the caller may see, masked."""
    tenant = tenant_named(state, caller.tenant)

    def look() -> DocumentsBody:
        name = collection_of(tenant, caller, collection)
        found = tenant.workspace.documents.list(
            collection=name, source=source, cursor=cursor, limit=limit, principal=caller.principal
        )
        return DocumentsBody(documents=[DocumentBody.of(one) for one in found.documents], cursor=found.cursor or None)

    return await state.admission.run(caller, look)


@router.get(
    "/v1/documents/{document}",
    summary="A document",
    operation_id="get_document",
    responses=errors(401, 403, 404, 504),
)
async def get_document(
    document: Id, caller: Annotated[Caller, Depends(calling("documents.read"))], state: State
) -> DocumentBody:
    """Return what is known of a document that the caller may see, masked."""
    documents = tenant_named(state, caller.tenant).workspace.documents
    view = await state.admission.run(caller, lambda: documents.get(document, principal=caller.principal))
    return DocumentBody.of(view)


@router.get(
    "/v1/documents/{document}/passages",
    summary="The passages of a document",
    operation_id="list_passages",
    responses=errors(401, 403, 404, 504),
)
async def list_passages(
    document: Id,
    caller: Annotated[Caller, Depends(calling("documents.read"))],
    state: State,
    cursor: Annotated[str, Query(max_length=64, description="Of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> PassagesBody:
    """Return the passages of a document that the caller may see, in order, masked."""
    documents = tenant_named(state, caller.tenant).workspace.documents
    found = await state.admission.run(
        caller, lambda: documents.passages(document, cursor=cursor, limit=limit, principal=caller.principal)
    )
    return PassagesBody(passages=[PassageBody.of(one) for one in found.passages], cursor=found.cursor or None)


@router.delete(
    "/v1/documents/{document}",
    summary="Delete a document that was handed in",
    operation_id="delete_document",
    status_code=204,
    responses=errors(401, 403, 404, 409, 504),
)
async def delete_document(
    document: Id, caller: Annotated[Caller, Depends(calling("documents.write"))], state: State
) -> Response:
    """Delete a document: from the reply on nobody finds it, and nothing opens its original.

    Its rows go by a job that is not waited for. A document of another source is deleted there: 409.
    """
    tenant = tenant_named(state, caller.tenant)
    documents = tenant.workspace.documents
    await state.admission.run(caller, lambda: documents.take_back(document, principal=caller.principal))
    with suppress(Overloaded):  # nobody finds it any more; the next sync does the rest
        jobs_of(tenant).begin(caller, "delete", lambda progress: _clear_away(tenant, caller, document, progress))
    return Response(status_code=204)


def accepted(job: Begun, headers: dict[str, str] | None = None) -> Response:
    """Return the reply for a job that goes on."""
    return JSONResponse(JobBody.of(job).model_dump(), 202, headers)


def _take_in(tenant: Tenant, caller: Caller, doc_id: str, progress: Progress) -> Report:
    done = tenant.workspace.documents.take_in(doc_id, principal=caller.principal, progress=progress)
    return {
        "id": done.doc_id,
        "collection": done.collection,
        "source": done.source,
        "version": done.version,
        "passages": done.chunks,
    }


def _clear_away(tenant: Tenant, caller: Caller, doc_id: str, progress: Progress) -> Report:
    done = tenant.workspace.documents.clear_away(doc_id, principal=caller.principal, progress=progress)
    return {"id": done.doc_id, "collection": done.collection}


class _Place:
    """One of the uploads under way."""

    def __init__(self, state: ServiceState) -> None:
        self._parts = state.parts

    def __enter__(self) -> None:
        if self._parts.get("uploading", 0) >= UPLOADING:
            raise Overloaded("too many documents are being handed in")
        self._parts["uploading"] = self._parts.get("uploading", 0) + 1

    def __exit__(self, *_: object) -> None:
        self._parts["uploading"] -= 1
