"""``/v1/embeddings``: vectors of texts in OpenAI's dialect, masked as questions are before they are embedded."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from ragkit.auth.callers import Caller
from ragkit.errors import ChunkTooLong
from ragkit.masking import Embedded
from ragkit.serve.authenticate import calling
from ragkit.serve.choices import ModelNotFound, choice_of
from ragkit.serve.completions_routes import Unsupported
from ragkit.serve.replies import ServiceError, errors
from ragkit.serve.state import State, tenant_named
from ragkit.serve.texts import BadText, readable_all

router = APIRouter(tags=["openai"])

MOST = 256
"""Texts of one request."""
EXAMPLES: list[Any] = [
    {"model": "shop", "input": "How long is the warranty on a tent?"},
    {"model": "shop", "input": ["a tent", "a stove"], "encoding_format": "base64"},
]


class EmbeddingBody(BaseModel):
    """Texts to embed."""

    model_config = ConfigDict(title="EmbeddingRequest", extra="ignore", json_schema_extra={"examples": EXAMPLES})

    model: str = Field(max_length=200, description="Under whose policy they are masked: `COLLECTION`, or `ragkit`.")
    input: str | list[str] | list[int] | list[list[int]] = Field(
        description=f"One text, or up to {MOST}. Arrays of tokens are refused: what is not text cannot be masked."
    )
    encoding_format: Literal["float", "base64"] | None = Field("float", description="`base64`: little-endian float32.")
    dimensions: int | None = Field(None, description="Refused unless it is the encoder's own.")


class EmbeddingRow(BaseModel):
    """One vector, of length 1."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str = Field(description="A string with `encoding_format` `base64`.")


class EmbeddingUsage(BaseModel):
    """Word pieces that the encoder read."""

    prompt_tokens: int
    total_tokens: int


class EmbeddingReply(BaseModel):
    """The vectors, in the order of the texts."""

    model_config = ConfigDict(
        title="EmbeddingList",
        json_schema_extra={
            "examples": [
                {
                    "object": "list",
                    "data": [{"object": "embedding", "index": 0, "embedding": [0.031, -0.052, 0.017]}],
                    "model": "shop",
                    "usage": {"prompt_tokens": 11, "total_tokens": 11},
                }
            ]
        },
    )

    object: Literal["list"] = "list"
    data: list[EmbeddingRow]
    model: str
    usage: EmbeddingUsage


@router.post(
    "/v1/embeddings", summary="Embed texts", operation_id="create_embeddings", responses=errors(401, 403, 404, 504)
)
async def create_embeddings(
    body: EmbeddingBody, caller: Annotated[Caller, Depends(calling("embed"))], state: State
) -> EmbeddingReply:
    """Return vectors of texts, which can be compared with each other and with the collection's index.

    Names and other personal data count by what stands for them in the index; nothing of the texts is kept.
    """
    tenant = tenant_named(state, caller.tenant)
    texts = _texts(body, most=state.settings.limits.question_characters)

    def embed() -> Embedded:
        choice = choice_of(tenant, caller, body.model)
        if choice.generator is not None:
            raise ModelNotFound
        try:
            return tenant.workspace.embed(texts, collection=choice.collection, principal=caller.principal)
        except ChunkTooLong as error:
            raise BadText(
                str(error), param="input", remedy="Cut the text; it is never cut silently.", code="text_too_long"
            ) from None

    made = await state.admission.run(caller, embed)
    size = int(made.vectors.shape[1])
    if body.dimensions not in (None, size):
        raise Unsupported("dimensions", f"vectors have {size} dimensions here, and no others")
    rows = made.vectors.astype("<f4")
    if body.encoding_format == "base64":
        given: list[Any] = [base64.b64encode(row.tobytes()).decode("ascii") for row in rows]
    else:
        given = rows.tolist()
    return EmbeddingReply(
        data=[EmbeddingRow(index=number, embedding=one) for number, one in enumerate(given)],
        model=made.collection,
        usage=EmbeddingUsage(prompt_tokens=made.tokens, total_tokens=made.tokens),
    )


def _texts(body: EmbeddingBody, *, most: int) -> tuple[str, ...]:
    given = [body.input] if isinstance(body.input, str) else body.input
    texts = [one for one in given if isinstance(one, str)]
    if len(texts) < len(given):
        raise _bad("unsupported_input", "arrays of tokens cannot be masked", "Send texts.")
    if not 1 <= len(texts) <= MOST:
        raise _bad("invalid_input", f"there are {len(texts)} texts (1 to {MOST} are taken)", "Send them in parts.")
    return readable_all(texts, param="input", most=most)


def _bad(code: str, message: str, remedy: str) -> ServiceError:
    error = ServiceError(message, remedy=remedy)
    error.code, error.param = code, "input"
    return error
