"""``/v1/models``: what a caller may name as ``model``: collections, and collections with a generator."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from ragkit.auth.callers import Caller
from ragkit.generator_listing import Listed
from ragkit.serve.authenticate import calling
from ragkit.serve.choices import Choice, ModelNotFound, choices_of
from ragkit.serve.replies import errors
from ragkit.serve.state import State, tenant_named

router = APIRouter(tags=["openai"])

_MODEL: dict[str, Any] = {
    "id": "shop:extractive",
    "object": "model",
    "created": 0,
    "owned_by": "ragkit",
    "ragkit": {"collection": "shop", "generator": "extractive", "location": "in-process"},
}


class ModelPart(BaseModel):
    """What stands behind a model's name."""

    model_config = ConfigDict(title="ModelDetails")

    collection: str
    generator: str | None = Field(description="`null` leaves it to the service's configuration and routing.")
    location: Literal["in-process", "on-prem", "managed", "remote"] | None = Field(
        description="Where the generator runs."
    )


class ModelReply(BaseModel):
    """A collection, by itself or with a generator."""

    model_config = ConfigDict(title="Model", json_schema_extra={"examples": [_MODEL]})

    id: str = Field(description="What `model` takes.")
    object: Literal["model"] = "model"
    created: int = Field(0, description="Not known: always 0.")
    owned_by: Literal["ragkit"] = "ragkit"
    ragkit: ModelPart

    @classmethod
    def of(cls, choice: Choice, generator: Listed | None) -> ModelReply:
        """Return one of the caller's choices as JSON."""
        part = ModelPart(
            collection=choice.collection,
            generator=choice.generator,
            location=generator.location.value if generator else None,
        )
        return cls(id=choice.model, ragkit=part)


class ModelList(BaseModel):
    """Every model that the caller may name."""

    model_config = ConfigDict(title="ModelList", json_schema_extra={"examples": [{"object": "list", "data": [_MODEL]}]})

    object: Literal["list"] = "list"
    data: list[ModelReply]


@router.get("/v1/models", summary="List models", operation_id="list_models", responses=errors(401, 403))
async def list_models(caller: Annotated[Caller, Depends(calling())], state: State) -> ModelList:
    """List the collections that the caller may know of, each by itself and with each generator that may answer."""
    tenant = tenant_named(state, caller.tenant)
    found = await state.admission.run(caller, lambda: choices_of(tenant, caller))
    return ModelList(data=[ModelReply.of(choice, generator) for choice, generator in found])


@router.get("/v1/models/{model}", summary="Show a model", operation_id="get_model", responses=errors(401, 403, 404))
async def get_model(model: str, caller: Annotated[Caller, Depends(calling())], state: State) -> ModelReply:
    """Show one of the models that `GET /v1/models` lists."""
    tenant = tenant_named(state, caller.tenant)
    for choice, generator in await state.admission.run(caller, lambda: choices_of(tenant, caller)):
        if choice.model == model:
            return ModelReply.of(choice, generator)
    raise ModelNotFound
