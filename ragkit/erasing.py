"""Erasing a person from an open workspace, going on after a kill, and the receipts; reached as ``workspace.subjects``.

Parts are put together here; what is done is :mod:`ragkit.lifecycle.erase`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ragkit import crypto
from ragkit.approvals import require_approval
from ragkit.build import build_parser
from ragkit.errors import StoreError
from ragkit.lifecycle import receipts
from ragkit.lifecycle.backup_keys import renew_key_copy
from ragkit.lifecycle.erase import Erasure, ErasureReport
from ragkit.lifecycle.erase_steps import Ground
from ragkit.lifecycle.receipts import Verdict
from ragkit.types import RawQuestion

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.handles import Handles
    from ragkit.lifecycle.erase_survey import Find
    from ragkit.protocols import Progress
    from ragkit.types import Hit, Principal

_HITS = 10


class Erasing:
    """Erasing a person, going on after a kill, and the receipts. :class:`ragkit.subjects.Subjects` has these verbs.

    Args:
        handles: The open workspace.
    """

    def __init__(self, handles: Handles) -> None:
        self._handles = handles

    def erase(
        self,
        value: str,
        *,
        purpose: str,
        entity_type: str | None = None,
        subject: str | None = None,
        dry_run: bool = False,
        keep_documents: bool = False,
        delete_documents: Sequence[str] = (),
        also: Sequence[str] = (),
        collection: str | None = None,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> ErasureReport:
        """Erase a person: denied at once in every open process, then gone from keys, rows, index and bytes.

        Documents that are about them alone are deleted; in others they are redacted for good. Syncs, masking again,
        rebuilding and restoring keep them out. Others read meanwhile. A kill is made good by :meth:`resume`.

        Args:
            value: Any value of theirs, in any usual spelling.
            purpose: Why; its keyed hash is recorded.
            entity_type: What it is, where it could be several things.
            subject: Which of several people, by the id that ``find`` gives.
            dry_run: Tell what would go and what would stay; write nothing, take no lock.
            keep_documents: Redact even documents that are about this person alone.
            delete_documents: Ids of further documents to delete as a whole.
            also: Further values of theirs, which nothing may have detected: names, e-mail addresses, ``TYPE=value``.
            collection: Where; by default the only one.
            principal: Who asks; by default the owner.
            progress: Called with the name of each step.

        Raises:
            AccessDenied: No officer of the collection, or no purpose.
            ApprovalNeeded: ``two_person`` asks for a second officer; the approval is for exactly these arguments.
            SubjectUnclear: Nobody has this value, or several people and none was named; or a further value is unclear.
            HeldBack: A legal hold keeps something of theirs.
            StoreError: There is nothing that is theirs alone.
            WriterBusy: Another process is writing.
        """
        from ragkit.lifecycle.subject import choose, further_items, people_of

        choices: dict[str, Any] = {"keep_documents": keep_documents, "delete_documents": tuple(delete_documents)}
        if dry_run:
            part, asking = self._reading("subject-erase", purpose, principal, collection)
            person = choose(people_of(part.store, part.masker.vault, value, entity_type), subject)
            choices["further"] = further_items(part.store, part.masker.vault, person, also)
            told = _erasure(self._handles, part, None).preview(person, **choices)
            documents = len({*told.deleted, *told.redacted, *told.possible})
            hashed = self._handles.recorder.keyed(purpose)
            data = {"collection": part.name, "people": 1, "documents": documents, "purpose": hashed}
            self._handles.recorder.record("subject.found", actor=asking, data=data)
            return told
        with self._writing("subject-erase", purpose, principal, collection) as (part, asking):
            person = choose(people_of(part.store, part.masker.vault, value, entity_type), subject)
            choices["further"] = further_items(part.store, part.masker.vault, person, also)
            erasure = _erasure(self._handles, part, progress)
            erasure.require_possible(person, **choices)  # an approval is for once: none is used up for nothing
            target = json.dumps([value, entity_type, subject, keep_documents, sorted(delete_documents), sorted(also)])
            require_approval(
                self._handles, "erase", asking=asking, collection=part.name, target=target, purpose=purpose
            )
            hashed = self._handles.recorder.keyed(purpose)
            return erasure.run(erasure.begin(person, purpose=hashed, actor=asking, **choices))

    def resume(
        self,
        *,
        purpose: str = "go on with what was begun",
        collection: str | None = None,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> list[ErasureReport]:
        """Finish the erasures that were killed on their way, or could not be proven. Raises as :meth:`erase`."""
        with self._writing("subject-erase", purpose, principal, collection) as (part, _):
            done = _erasure(self._handles, part, progress).resume()
            self._handles.begun = sum(not one.complete for one in done)
            return done

    def receipt(self, request: str) -> str:
        """Return the signed receipt of an erasure, by the id of its request. It holds no content.

        Raises:
            StoreError: There is none.
        """
        from ragkit.store.receipts import Receipts

        for part in self._handles.known().values():
            if found := Receipts(part.store.database.key_file).find(request):
                return found
        raise StoreError("there is no receipt of this request", remedy="`ragkit subject resume` finishes what is open.")

    def check_receipt(self, text: str, *, public_key: str = "") -> Verdict:
        """Check a receipt against a public key in base64 or hexadecimal; without one, against this workspace's.

        Raises:
            ConfigError: The key is no public key.
        """
        signing = self._handles.secret("signing")
        public = receipts.read_public_key(public_key) if public_key else crypto.signing_public_key(signing)
        return receipts.verify(text, public=public)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _reading(
        self, verb: str, purpose: str, principal: Principal | None, collection: str | None
    ) -> tuple[OpenCollection, Principal]:
        name = self._handles.name(collection)
        asking = self._handles.officer(verb, purpose=purpose, principal=principal, collection=name)
        return self._handles.reader(name), asking

    @contextmanager
    def _writing(
        self, verb: str, purpose: str, principal: Principal | None, collection: str | None
    ) -> Iterator[tuple[OpenCollection, Principal]]:
        name = self._handles.name(collection)
        asking = self._handles.officer(verb, purpose=purpose, principal=principal, collection=name)
        with self._handles.writing(verb) as database:
            part = self._handles.collection(name, database)
            try:
                yield part, asking
            finally:
                part.close()


def _erasure(handles: Handles, part: OpenCollection, progress: Progress | None) -> Erasure:
    def search(question: str) -> list[Hit]:
        principal = handles.config.workspace.principal
        return part.assistant.search(RawQuestion(question), principal=principal, k=_HITS, evidence=False)

    def renew() -> str:
        key_file = part.store.database.key_file
        return renew_key_copy(handles.config, key_file, handles.root_key, handles.recorder)[0]

    def originals(find: Find, deleted: list[str], redacted: list[str]) -> list[str]:
        with build_parser(handles.config) as parser:
            database = part.store.database
            return part.uploads.erase(database, find, parser.parse, deleted=deleted, redacted=redacted)

    ground = Ground(
        store=part.store,
        vault=part.masker.vault,
        embedder=part.embedder,
        recorder=handles.recorder,
        index=lambda: part.index,
        search=search,
        data_folder=handles.config.data_folder,
        progress=progress,
        renew=renew,
        evidence=handles.evidence,
        desk=handles.desk,
        originals=originals,
        uploaded=part.uploads.among,
    )
    return Erasure(ground, key=handles.secret("signing"))
