"""What the service does for the command line: the methods that take the writer's lock, and how they travel.

Everything else a command does by itself. It reads, and what it leaves besides (events, evidence, usage, API keys and
their use, the entry of a backup) goes to files that are made for many writers, as a question leaves the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import Base64Bytes, TypeAdapter

from ragkit.types import MaskedText, Principal, Span


def _named(place: str) -> Callable[[], Any]:
    """Return what imports a type only when it is needed."""
    module, _, name = place.partition(":")
    return lambda: getattr(import_module(module), name)


def _many(place: str) -> Callable[[], Any]:
    one = _named(place)
    return lambda: list[one()]  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Deed:
    """One method that writes.

    Attributes:
        returns: Gives the type of its result.
        reads_with: An argument and the value with which it only reads, and is not sent to the service.
        finishes: Goes on when the caller is gone without a word: half of it would be worse than all of it. Others stop
            where Ctrl-C stops them, and are begun again.
    """

    returns: Callable[[], Any] = lambda: None
    reads_with: tuple[str, bool] | None = None
    finishes: bool = False


_ERASURE = "ragkit.lifecycle.erase:ErasureReport"
_DRY = ("dry_run", True)

DEEDS: Mapping[str, Deed] = {
    "sync": Deed(_named("ragkit.ingest.report:SyncReport")),
    "remask": Deed(_named("ragkit.lifecycle.remask:RemaskReport"), reads_with=_DRY),
    "rebuild": Deed(),
    "mask_text": Deed(lambda: tuple[MaskedText, list[Span]], reads_with=("store", False), finishes=True),
    "subjects.erase": Deed(_named(_ERASURE), reads_with=_DRY, finishes=True),
    "subjects.resume": Deed(_many(_ERASURE), finishes=True),
    "subjects.correct": Deed(_named("ragkit.lifecycle.correct:Correction"), finishes=True),
    "subjects.finish_corrections": Deed(_many("ragkit.lifecycle.correct:Correction"), finishes=True),
    "subjects.restrict": Deed(_named("ragkit.lifecycle.restrict:Restriction"), finishes=True),
    "subjects.lift": Deed(finishes=True),
    "keeping.place_hold": Deed(_named("ragkit.holding:HoldReport"), finishes=True),
    "keeping.release_hold": Deed(_named("ragkit.holding:HoldReport"), finishes=True),
    "keeping.retain": Deed(_named("ragkit.lifecycle.retention:RetentionReport"), reads_with=_DRY),
    "keys.rotate": Deed(_named("ragkit.keys:Rotation"), finishes=True),
    "keys.finish": Deed(_named("ragkit.keys:Rotation"), finishes=True),
    "keys.rotate_wrapping": Deed(_named("ragkit.keys:Rotation"), finishes=True),
    "keys.escrow_to_passphrase": Deed(finishes=True),
    "keys.escrow_to_officer": Deed(finishes=True),
    "keys.escrow_in_shares": Deed(lambda: list[Path], finishes=True),
    "sources.retry": Deed(_named("ragkit.source_views:Retried")),
    "documents.take_in": Deed(_named("ragkit.documents.views:Uploaded")),
    "documents.clear_away": Deed(_named("ragkit.documents.views:Deleted")),
    "audit.forget": Deed(_named("ragkit.audit.evidence_destroying:Destroyed"), finishes=True),
}
"""By the method's name in a workspace, such as ``subjects.erase``. Nothing else is done for anybody."""

ROOMS = frozenset(name.partition(".")[0] for name in DEEDS if "." in name)

_TEXT = str | None
_ARGUMENTS: Mapping[str, Any] = {
    **dict.fromkeys(("collection", "source", "code", "entity_type", "subject", "value", "document", "doc_id"), _TEXT),
    **dict.fromkeys(("text", "old", "new", "purpose", "reason", "request", "hold", "passphrase"), str),
    **dict.fromkeys(("conversation", "asker"), str),
    **dict.fromkeys(("dry_run", "retry_quarantined", "store", "keep_documents", "whole"), bool),
    **dict.fromkeys(("allow_mass_delete", "permissions"), bool),
    **dict.fromkeys(("delete_documents", "also", "only", "doc_ids"), tuple[str, ...]),
    **dict.fromkeys(("path", "folder"), Path),
    **dict.fromkeys(("threshold", "count", "jobs"), int),
    "keep_old": Path | None,
    "new_key": Base64Bytes | None,
    "public_pem": Base64Bytes,
}


@cache
def argument(name: str) -> TypeAdapter[Any]:
    """Return what reads and writes an argument of this name.

    Raises:
        KeyError: No method has such an argument.
    """
    return TypeAdapter(_ARGUMENTS[name])


@cache
def result(method: str) -> TypeAdapter[Any]:
    """Return what reads and writes the result of a method."""
    return TypeAdapter(DEEDS[method].returns())


@cache
def principal() -> TypeAdapter[Principal | None]:
    """Return what reads and writes who asks."""
    return TypeAdapter(Principal | None)
