"""Which collections and generators a caller may name. What is not there and what may not be known are one answer."""

from __future__ import annotations

from dataclasses import dataclass

from ragkit.auth.callers import Caller
from ragkit.egress.boundary import fits
from ragkit.generator_listing import Listed, list_generators
from ragkit.serve.replies import NotFound, ServiceError
from ragkit.serve.tenants import Tenant

ONLY = "ragkit"
"""The name of a model that means the only collection."""


_WHICH = (
    "`GET /v1/models` lists the collections that this credential sees. If one is missing, name its subject or group "
    "in `access` of the collection in ragkit.toml, run `ragkit sync`, and start the service again."
)


class CollectionUnnamed(ServiceError):
    """The caller knows of several collections, and named none."""

    code = "collection_unnamed"


class ModelNotFound(NotFound):
    """No such collection or generator, or none that the caller may know of."""

    code = "model_not_found"

    def __init__(self) -> None:
        super().__init__("there is no such model here", remedy=_WHICH)
        self.param = "model"


@dataclass(frozen=True, slots=True)
class Choice:
    """A collection, and the generator that was asked for; ``None`` leaves it to ``[generator]`` and ``[routing]``."""

    collection: str
    generator: str | None = None

    @property
    def model(self) -> str:
        """As a model's name."""
        return self.collection if self.generator is None else f"{self.collection}:{self.generator}"


def collection_of(tenant: Tenant, caller: Caller, name: str | None) -> str:
    """Return the collection meant: the one named, or the only one that the caller may know of.

    Reads the record store, so call it where blocking work is done.

    Raises:
        NotFound: There is none, or the caller may not know of it.
        CollectionUnnamed: There are several, and none was named.
    """
    visible = tenant.workspace.visible_collections(principal=caller.principal)
    if name is None and len(visible) > 1:
        raise CollectionUnnamed("there are several collections", remedy=f"Name one of: {', '.join(visible)}.")
    if not visible or name not in (None, *visible):
        raise NotFound(remedy=_WHICH)
    return name or visible[0]


def generators_of(tenant: Tenant, collection: str) -> list[Listed]:
    """Return the generators that a collection's content may go to, the usual one first."""
    config = tenant.config
    listed = tenant.parts.get("generators") or list_generators(config)
    tenant.parts["generators"] = listed
    data_class = config.collections[collection].data_class
    allowed = [one for one in listed if not one.problem and fits(data_class, one.ceiling)]
    return sorted(allowed, key=lambda one: not one.default)


def generator_of(tenant: Tenant, collection: str, name: str | None) -> str | None:
    """Return the name of a generator that may answer from a collection.

    Raises:
        ModelNotFound: There is none of that name, or it may not be given this content.
    """
    if name is not None and name not in {one.name for one in generators_of(tenant, collection)}:
        raise ModelNotFound
    return name


def choice_of(tenant: Tenant, caller: Caller, model: str) -> Choice:
    """Return what the name of a model means: ``COLLECTION``, ``COLLECTION:GENERATOR``, or ``ragkit`` for the only one.

    Raises:
        ModelNotFound: There is none of that name, or the caller may not know of it.
        CollectionUnnamed: It is ``ragkit``, and there are several collections.
    """
    name, colon, generator = model.partition(":")
    visible = tenant.workspace.visible_collections(principal=caller.principal)
    try:
        collection = collection_of(tenant, caller, None if name == ONLY and ONLY not in visible else name)
    except NotFound:
        raise ModelNotFound from None
    return Choice(collection, generator_of(tenant, collection, generator if colon else None))


def choices_of(tenant: Tenant, caller: Caller) -> list[tuple[Choice, Listed | None]]:
    """Return every model that a caller may name: each collection by itself and with each generator."""
    found: list[tuple[Choice, Listed | None]] = []
    for name in tenant.workspace.visible_collections(principal=caller.principal):
        found.append((Choice(name), None))
        found += [(Choice(name, one.name), one) for one in generators_of(tenant, name)]
    return found
