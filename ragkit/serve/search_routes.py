"""``/v1/search``: the passages that are found for a question, masked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ragkit.auth.callers import Caller
from ragkit.serve.answer_bodies import HitBody
from ragkit.serve.authenticate import calling
from ragkit.serve.choices import collection_of
from ragkit.serve.replies import errors
from ragkit.serve.state import State, tenant_named
from ragkit.serve.texts import MOST_FILTERS, MOST_QUESTIONS, readable, readable_all, readable_filters
from ragkit.types import Hit

router = APIRouter(tags=["search"])

Filters = Annotated[
    dict[str, str] | None,
    Field(max_length=MOST_FILTERS, description="Metadata that documents must have, by the collection's `filter_keys`."),
]
CollectionName = Annotated[
    str | None,
    Field(max_length=63, description="Where to look; may be left out where the caller knows of one collection only."),
]
EXAMPLES: list[Any] = [
    {"question": "How long is the warranty on a tent?", "k": 3},
    {"questions": ["How long is the warranty on a tent?", "Can I return a stove?"], "collection": "shop", "k": 2},
]


class SearchBody(BaseModel):
    """One question to search for, or several at once."""

    model_config = ConfigDict(title="Search", extra="forbid", json_schema_extra={"examples": EXAMPLES})

    question: str | None = Field(None, description="In plain words; masked before anything else happens.")
    questions: list[str] | None = Field(
        None, min_length=1, max_length=MOST_QUESTIONS, description="Several instead of one."
    )
    collection: CollectionName = None
    k: int = Field(10, ge=1, le=100, description="How many passages at most, for each question.")
    filters: Filters = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.question is None) == (self.questions is None):
            raise PydanticCustomError("one_of_both", "needs either `question` or `questions`")
        return self


class FoundBody(BaseModel):
    """What was found."""

    model_config = ConfigDict(title="Found")

    collection: str
    hits: list[HitBody] = Field(description="For `question`, best first; empty where nothing is found.")
    results: list[list[HitBody]] | None = Field(None, description="For `questions`, in their order.")


@router.post("/v1/search", summary="Find passages", operation_id="search", responses=errors(401, 403, 404, 504))
async def search(body: SearchBody, caller: Annotated[Caller, Depends(calling("search"))], state: State) -> FoundBody:
    """Return the passages that the caller may see, found for a question or for several, best first, masked."""
    tenant = tenant_named(state, caller.tenant)
    several = body.questions is not None
    most = state.settings.limits.question_characters
    if body.questions is not None:
        questions = readable_all(body.questions, param="questions", most=most)
    else:
        questions = (readable(body.question or "", param="question", most=most),)
    filters = readable_filters(body.filters)

    def find() -> tuple[str, Sequence[Sequence[Hit]]]:
        collection = collection_of(tenant, caller, body.collection)
        how: dict[str, Any] = {
            "k": body.k, "collection": collection, "principal": caller.principal, "filters": filters
        }  # fmt: skip
        if several:
            return collection, tenant.workspace.search_many(questions, **how)
        return collection, [tenant.workspace.search(questions[0], **how)]

    collection, found = await state.admission.run(caller, find)
    made = [[HitBody.of(hit) for hit in hits] for hits in found]
    return FoundBody(collection=collection, hits=[] if several else made[0], results=made if several else None)
