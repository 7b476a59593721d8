"""``/v1/search``: the chunks that are found for a question, masked."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from ragkit.auth.callers import Caller
from ragkit.serve.authenticate import calling
from ragkit.serve.state import State, tenant_named

router = APIRouter(tags=["search"])


class SearchBody(BaseModel):
    """A question to search for."""

    question: str = Field(min_length=1)
    collection: str | None = None
    k: int = Field(10, ge=1, le=100)


@router.post("/v1/search", summary="Find passages")
async def search(body: SearchBody, caller: Annotated[Caller, Depends(calling("search"))], state: State) -> Any:
    """Return the passages found for a question, best first, masked."""
    workspace = tenant_named(state, caller.tenant).workspace
    hits = await state.admission.run(
        caller,
        lambda: workspace.search(body.question, k=body.k, collection=body.collection, principal=caller.principal),
    )
    return {"hits": [{"doc": hit.doc_id, "text": hit.chunk.record, "score": hit.score} for hit in hits]}
