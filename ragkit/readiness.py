"""Whether a workspace can answer now, loading ahead what the first question would wait for, and marks of a service."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ragkit.errors import RagkitError
from ragkit.handles import Handles
from ragkit.types import RawQuestion

if TYPE_CHECKING:
    from ragkit.build import OpenCollection

Part = Literal["record-store", "index", "audit-log", "encoder"]
"""A part that a question needs."""

_FREE_BYTES = 16 * 2**20
_QUESTION = RawQuestion("How long does it take?")


class Readiness:
    """Looks and loads; both change nothing, and record nothing but which models were loaded.

    Args:
        handles: The open workspace.
    """

    def __init__(self, handles: Handles) -> None:
        self._handles = handles

    def open(self) -> None:
        """Open the files: log, record store, collections. Where nothing was ever synced there is nothing to open.

        Raises:
            StoreError, KeyMismatch: As any question would.
        """
        if not self._synced():
            return
        for handle in ("recorder", "evidence", "spending"):
            getattr(self._handles, handle)
        self._handles.known()

    def warm(self) -> None:
        """Load detectors, encoder, index and the default generator of every collection, and encode one question.

        Raises:
            RagkitError: A part cannot be loaded, as any question would be told.
        """
        if not self._synced():
            return
        for part in self._handles.known().values():
            part.masker.load()
            asked = part.masker.mask_question(_QUESTION, principal=self._handles.config.workspace.principal)
            part.embedder.embed_question(asked.text.index)
            part.index.load()
            part.answering.generator().load()

    def missing(self) -> list[Part]:
        """Return the parts without which no question can be answered now; empty when all are there."""
        if not self._synced():
            return ["record-store"]
        missing: list[Part] = []
        if not self._recordable():
            missing.append("audit-log")
        try:
            parts = self._handles.known()
            if not parts:
                return [*missing, "record-store"]
        except (RagkitError, OSError):
            return [*missing, "record-store"]
        if not all(_is_indexed(part) for part in parts.values()):
            missing.append("index")
        return missing

    def note_service(self, kind: Literal["service.started", "service.stopped"], about: Mapping[str, Any]) -> None:
        """Record that a service began or ended to answer from here; where nothing was synced there is no log yet.

        Args:
            kind: The event.
            about: ``authentication``, ``host``, and what else the catalogue lets it hold.

        Raises:
            AuditUnavailable: It could not be recorded.
        """
        if self._synced():
            self._handles.recorder.record(kind, actor=self._handles.config.workspace.principal, data=about)

    def _synced(self) -> bool:
        return (self._handles.config.data_folder / "records.keys.db").exists()

    def _recordable(self) -> bool:
        """Whether the next event can be written, as far as can be told without writing one."""
        if self._handles.config.audit.writes != "required":
            return True
        folder = self._handles.config.data_folder / "events"
        writable = os.access(folder, os.W_OK | os.X_OK) and not os.statvfs(folder).f_flag & os.ST_RDONLY
        return writable and shutil.disk_usage(folder).free > _FREE_BYTES


def _is_indexed(part: OpenCollection) -> bool:
    try:
        part.index.status()
    except (RagkitError, OSError):
        return False
    return True
