"""``/v1/feedback``: what the asker thinks of an answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from ragkit.auth.callers import Caller
from ragkit.desk.feedback import Reason
from ragkit.serve.access import take
from ragkit.serve.asked import asked_of
from ragkit.serve.authenticate import calling
from ragkit.serve.feedback_store import feedback_of
from ragkit.serve.replies import errors
from ragkit.serve.state import State, tenant_named
from ragkit.serve.texts import Id, readable

router = APIRouter(tags=["feedback"])

MOST = 2_000
"""Characters of a comment."""
EXAMPLES: list[Any] = [
    {"request_id": "0f5c1f7e8b9a4d2c8e7f6a5b4c3d2e1f", "rating": "up"},
    {
        "request_id": "0f5c1f7e8b9a4d2c8e7f6a5b4c3d2e1f",
        "rating": "down",
        "reason": "outdated",
        "comment": "The warranty was changed in spring.",
    },
]


class FeedbackBody(BaseModel):
    """What the asker thinks of an answer; of two, the last counts."""

    model_config = ConfigDict(title="Feedback", extra="forbid", json_schema_extra={"examples": EXAMPLES})

    request_id: Id = Field(description="Of the answer, as `/v1/ask` and `/v1/chat/completions` gave it.")
    rating: Literal["up", "down"]
    reason: Reason = Field("", description="Why, as a word; may be left out.")
    comment: str = Field("", description="In the asker's words; masked before it is kept.")


@router.post(
    "/v1/feedback",
    summary="Rate an answer",
    operation_id="give_feedback",
    status_code=204,
    responses=errors(401, 403, 404),
)
async def give_feedback(
    body: FeedbackBody, caller: Annotated[Caller, Depends(calling("feedback"))], state: State
) -> Response:
    """Keep what the asker thinks of an answer. Only who asked may rate it, for as long as the service remembers."""
    tenant = tenant_named(state, caller.tenant)
    readable(body.comment, param="comment", most=MOST, empty=True)
    asked = take(caller, asked_of(tenant).find(body.request_id))
    await state.admission.run(
        caller,
        lambda: feedback_of(tenant).add(
            request_id=body.request_id,
            subject=asked.subject,
            rating=body.rating,
            reason=body.reason,
            comment=body.comment,
            collection=asked.collection,
        ),
    )
    return Response(status_code=204)
