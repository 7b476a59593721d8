"""Erasing a person from an open workspace, going on after a kill, and the receipts; reached as ``workspace.subjects``.

Parts are put together here; what is done is :mod:`ragkit.lifecycle.erase`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ragkit import crypto
from ragkit.errors import StoreError
from ragkit.lifecycle import receipts
from ragkit.lifecycle.erase import Erasure, ErasureReport
from ragkit.lifecycle.erase_steps import Ground
from ragkit.lifecycle.receipts import Verdict
from ragkit.types import RawQuestion

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.handles import Handles
    from ragkit.lifecycle.erase_plan import Person
    from ragkit.protocols import Progress
    from ragkit.types import Hit, Principal

_HITS = 10


def erase(
    handles: Handles,
    part: OpenCollection,
    person: Person,
    *,
    purpose: str,
    actor: Principal | None = None,
    keep_documents: bool = False,
    delete_documents: Sequence[str] = (),
    progress: Progress | None = None,
) -> ErasureReport:
    """Erase a person from a collection that is open for writing. Others read meanwhile; the person is denied at once.

    Args:
        handles: The open workspace.
        part: The collection; the write lock is held.
        person: Whom.
        purpose: Why; its keyed hash is recorded.
        actor: Who asked for it.
        keep_documents: Redact even documents that are about this person alone.
        delete_documents: Ids of further documents to delete as a whole.
        progress: Called with the name of each step.

    Raises:
        HeldBack: A legal hold keeps something of theirs.
        StoreError: There is nothing that is theirs alone.
    """
    erasure = _erasure(handles, part, progress)
    request = erasure.begin(
        person,
        purpose=handles.recorder.keyed(purpose),
        actor=actor,
        keep_documents=keep_documents,
        delete_documents=delete_documents,
    )
    return erasure.run(request)


def preview(
    handles: Handles,
    part: OpenCollection,
    person: Person,
    *,
    keep_documents: bool = False,
    delete_documents: Sequence[str] = (),
) -> ErasureReport:
    """Tell what erasing a person would do. Writes nothing."""
    erasure = _erasure(handles, part, None)
    return erasure.preview(person, keep_documents=keep_documents, delete_documents=delete_documents)


def resume(handles: Handles, part: OpenCollection, *, progress: Progress | None = None) -> list[ErasureReport]:
    """Go on with the erasures that were killed on their way; the write lock is held."""
    return _erasure(handles, part, progress).resume()


def unfinished(part: OpenCollection) -> int:
    """Count the erasures of a collection that were begun and not finished."""
    from ragkit.store.requests import Requests

    return len(Requests(part.store.database.key_file, part.collection).unfinished("erase"))


def receipt(part: OpenCollection, request: str) -> str:
    """Return the signed receipt of a request.

    Raises:
        StoreError: There is none.
    """
    from ragkit.store.receipts import Receipts

    found = Receipts(part.store.database.key_file).find(request)
    if found is None:
        raise StoreError("there is no receipt of this request", remedy="`ragkit subject resume` finishes what is open.")
    return found


def check_receipt(handles: Handles, text: str, *, public: str = "") -> Verdict:
    """Check a receipt, against a public key in base64 or hexadecimal or, without one, against this workspace's.

    Raises:
        ConfigError: The key is no public key.
    """
    named = receipts.read_public_key(public) if public else crypto.signing_public_key(handles.secret("signing"))
    return receipts.verify(text, public=named)


def _erasure(handles: Handles, part: OpenCollection, progress: Progress | None) -> Erasure:
    def search(question: str) -> list[Hit]:
        principal = handles.config.workspace.principal
        return part.assistant.search(RawQuestion(question), principal=principal, k=_HITS)

    ground = Ground(
        store=part.store,
        vault=part.masker.vault,
        embedder=part.embedder,
        recorder=handles.recorder,
        index=lambda: part.index,
        search=search,
        data_folder=handles.config.data_folder,
        progress=progress,
    )
    return Erasure(ground, key=handles.secret("signing"))
