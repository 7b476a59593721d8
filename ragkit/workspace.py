"""The public face: a folder with a ``ragkit.toml``, opened.

::

    with open_workspace("handbook") as workspace:
        workspace.sync()
        answer = workspace.ask("How long is the warranty?")

Reading needs no lock: any number of processes may ask while one syncs. Writing takes the workspace's lock for as long
as it lasts; a second writer is told who holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ragkit.config import Config, chosen_sources, find_workspace, load_config
from ragkit.handles import Handles, make_private
from ragkit.protocols import Progress
from ragkit.revealing import Quarantined as Quarantined
from ragkit.revealing import (
    approved,
    entitled,
    reveal_native_ids,
    reveal_quarantined,
    reveal_stream,
    reveal_text,
    whole,
)
from ragkit.roles import require
from ragkit.rootkey import load_root_key
from ragkit.types import Answer, Conversation, Hit, Masked, MaskedText, Principal, RawQuestion, Span
from ragkit.workspace_parts import WorkspaceParts

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.config_sections import SourceSection
    from ragkit.ingest.report import SyncReport
    from ragkit.lifecycle.remask import RemaskReport


class Workspace(WorkspaceParts):
    """An open workspace. Use :func:`ragkit.open_workspace`; close it, or use it as a context manager.

    A call without a ``principal`` runs as the workspace's owner, and the events say so. A call without a
    ``collection`` takes the only one there is.

    Args:
        config: The configuration, checked.
        root_key: 32 bytes from outside the data directory.
    """

    def __init__(self, config: Config, *, root_key: bytes) -> None:
        self.config = config
        self._handles = Handles(config, root_key=root_key)

    @classmethod
    def open(cls, path: str | PathLike[str] = ".") -> Self:
        """Open the workspace in this folder or the nearest above. Raises as :func:`ragkit.open_workspace`."""
        config = load_config(find_workspace(path))
        root_key = load_root_key(config)
        make_private(config.data_folder)
        return cls(config, root_key=root_key)

    def sync(
        self,
        *,
        collection: str | None = None,
        source: str | None = None,
        only: Sequence[str] = (),
        dry_run: bool = False,
        retry_quarantined: bool = False,
        allow_mass_delete: bool = False,
        permissions: bool = False,
        jobs: int = 0,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> SyncReport:
        """Bring the index in step with the sources: all of them, or those named.

        Interrupted, it is started again and goes on where it was. Questions are answered meanwhile. A source that
        cannot be read does not stop the others; the report names it under ``failed`` and ``sources``. Where there is
        one source only, its error is raised.

        Args:
            collection: Only this one.
            source: Only sources of this name.
            only: Only these sources, each written ``collection/source``.
            dry_run: Tell what would be done; store nothing.
            retry_quarantined: Try items again that were set aside, changed or not.
            allow_mass_delete: Delete however much is gone at the source, this once.
            permissions: Read again who may see what, and nothing else.
            jobs: How many sources are read side by side; 0 takes `[sync] parallel`.
            principal: Who asks, an ingester; by default the owner.
            progress: Called with ``"sync"``, then ``"index"``.

        Raises:
            AccessDenied: No ingester.
            WriterBusy: Another process is writing; the message names it.
            SourceError: The only source cannot be read; what came before is kept.
            MassDeletion: It would lose more documents than ``max_delete_share`` allows; nothing was deleted.
        """
        from ragkit.syncing import SyncOrder, sync_collections

        order = SyncOrder(
            actor=self._ingester("sync", principal),
            dry_run=dry_run,
            retry=retry_quarantined,
            allow_mass_delete=allow_mass_delete,
            permissions=permissions,
            jobs=jobs,
            whole=source is None and not only and not permissions,
        )
        return sync_collections(self._handles, self._chosen(collection, source, only), order, progress=progress)

    def remask(
        self,
        *,
        collection: str | None = None,
        dry_run: bool = False,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> RemaskReport:
        """Mask again, from the sources, what was masked under another policy or by another detector, and publish it.

        Interrupted, it is started again and goes on where it was. A source that cannot be read is named; its documents
        wait, are found by nobody under the new policy, and are not lost.

        Args:
            collection: Which; by default all.
            dry_run: Tell what would change, and how long it would take. Stores nothing but events, takes no lock.
            principal: Who asks, an ingester; by default the owner.
            progress: Called with ``"mask"`` or ``"sync"``, then ``"index"``.

        Raises:
            AccessDenied: No ingester.
            WriterBusy: Another process is writing; the message names it.
            SourceError: No source of a collection can be read.
        """
        from ragkit.remasking import remask_collections

        asking = self._ingester("remask", principal)
        synced = self._handles.known()
        chosen = [one for one in self._chosen(collection, None) if collection or one[0] in synced]
        return remask_collections(self._handles, chosen, dry_run=dry_run, actor=asking, progress=progress)

    def ask(
        self,
        question: str,
        *,
        collection: str | None = None,
        principal: Principal | None = None,
        k: int = 8,
        filters: Mapping[str, str] | None = None,
        history: Sequence[str] = (),
        conversation: Conversation | None = None,
        generator: str | None = None,
    ) -> Answer:
        """Answer a question from the documents the principal may see, with citations, masked.

        Args:
            question: As typed; it is masked before anything else happens.
            collection: Where to look; by default the only one.
            principal: Who asks; by default the owner.
            k: How many chunks to read.
            filters: Metadata that documents must have, by whitelisted key.
            history: Earlier questions of the conversation, oldest first.
            conversation: The dialogue it belongs to, instead of ``history``; this turn is added to it.
            generator: The name of the generator that answers; by default what ``[generator]`` and ``[routing]`` say.

        Raises:
            ManifestMismatch: The index was built under another policy or encoder; remask or sync first.
            FilterRefused: A filter key is not whitelisted.
            AuditUnavailable: The answer could not be recorded, so it is not given.
            GenerationError: The generator failed, and no other may answer.
            EgressRefused: Policy does not let the prompt leave; nothing was sent.
            BudgetExceeded: Nothing is left to spend.
        """
        part = self._handles.reader(collection)
        return part.assistant.ask(
            RawQuestion(question, tuple(history)),
            principal=self._principal(principal),
            k=k,
            filters=filters,
            conversation=conversation,
            generator=part.answering.generator(generator) if generator else None,
        )

    def ask_stream(
        self,
        question: str,
        *,
        collection: str | None = None,
        principal: Principal | None = None,
        k: int = 8,
        filters: Mapping[str, str] | None = None,
        history: Sequence[str] = (),
        conversation: Conversation | None = None,
        generator: str | None = None,
    ) -> Iterator[Masked | Answer]:
        """Yield the answer's text in pieces as it is written, last the :class:`Answer`. Otherwise as :meth:`ask`."""
        part = self._handles.reader(collection)
        return part.assistant.ask_stream(
            RawQuestion(question, tuple(history)),
            principal=self._principal(principal),
            k=k,
            filters=filters,
            conversation=conversation,
            generator=part.answering.generator(generator) if generator else None,
        )

    def search(
        self,
        question: str,
        *,
        k: int = 10,
        collection: str | None = None,
        principal: Principal | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> list[Hit]:
        """Return the chunks found for a question, best first, masked. Raises as :meth:`ask`."""
        assistant = self._handles.reader(collection).assistant
        return assistant.search(RawQuestion(question), principal=self._principal(principal), k=k, filters=filters)

    def search_many(
        self,
        questions: Sequence[str],
        *,
        k: int = 10,
        collection: str | None = None,
        principal: Principal | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> list[list[Hit]]:
        """Return the chunks found for each question, embedding many together. Raises as :meth:`ask`."""
        assistant = self._handles.reader(collection).assistant
        asked = [RawQuestion(question) for question in questions]
        return assistant.search_many(asked, principal=self._principal(principal), k=k, filters=filters)

    def mask_text(
        self, text: str, *, collection: str | None = None, store: bool = True, principal: Principal | None = None
    ) -> tuple[MaskedText, list[Span]]:
        """Mask a text by a collection's policy; return both views and what was found, in the text as given.

        Args:
            text: Any text.
            collection: Whose policy and vault; by default the only one.
            store: Keep the values in the vault, so that :meth:`reveal` can undo it. Without, unknown values get
                tokens that nothing can turn back, and no lock is taken.
            principal: Who asks, with ``store`` an ingester; by default the owner.

        Raises:
            AccessDenied: No ingester, and ``store`` is true.
            SecretFound, ItemRefused: The policy refuses such a text.
            WriterBusy: Another process is writing, and ``store`` is true.
        """
        from ragkit.masking import mask_text

        asking = self._ingester("mask", principal) if store else self._principal(principal)
        return mask_text(self._handles, text, collection=collection, store=store, actor=asking)

    def reveal(
        self,
        text: str,
        *,
        purpose: str,
        principal: Principal | None = None,
        collection: str | None = None,
    ) -> str:
        """Put the original values back into masked text, for somebody the collection's ``reveal`` names.

        Tokens are restored by exact match with their checksum; a mangled or unknown token stays as it is.

        Args:
            text: Masked text.
            purpose: Why; its keyed hash is recorded with the principal.
            principal: Who asks; by default the owner.
            collection: Whose vault; by default the only one.

        Raises:
            AccessDenied: The principal may not; the same whether or not the tokens exist.
            ApprovalNeeded: ``two_person`` asks for a second officer.
            AuditUnavailable: The access could not be recorded, so nothing is shown.
        """
        part = self._handles.reader(collection)
        asking = self._entitled(part, principal, purpose)
        approved(self._handles, part, text, asking=asking, purpose=purpose)
        return reveal_text(part, self._handles.recorder, text, asking=asking, purpose=purpose)

    def reveal_stream(
        self,
        pieces: Iterable[str],
        *,
        purpose: str,
        principal: Principal | None = None,
        collection: str | None = None,
    ) -> Iterator[str]:
        """Put the original values back into masked text that comes in pieces, cut anywhere, as a generator writes it.

        What comes out, joined, is what :meth:`reveal` makes of the whole. Each part comes as soon as it can no longer
        be the beginning of a token. Who may not is told at once, before a piece is read. Arguments as :meth:`reveal`.

        Raises:
            AccessDenied: The principal may not.
            AuditUnavailable: The access could not be recorded, so nothing is shown.
        """
        part = self._handles.reader(collection)
        asking = self._entitled(part, principal, purpose)
        if "reveal" in self.config.roles.two_person:  # what is approved must be there as a whole
            return map(partial(self.reveal, purpose=purpose, principal=asking, collection=part.name), whole(pieces))
        return reveal_stream(part, self._handles.recorder, pieces, asking=asking, purpose=purpose)

    def quarantined(
        self, *, collection: str | None = None, purpose: str = "", principal: Principal | None = None
    ) -> list[Quarantined]:
        """Return the items that are set aside, by source and code.

        Args:
            collection: Whose; by default the only one.
            purpose: Why the source's own ids are needed; without one they are left out.
            principal: Who asks; by default the owner.

        Raises:
            AccessDenied: A purpose was given, and the principal may not see masked values here.
        """
        part = self._handles.reader(collection)
        asking = self._entitled(part, principal, purpose) if purpose else None
        if asking is not None:
            approved(self._handles, part, "quarantined", asking=asking, purpose=purpose)
        return reveal_quarantined(part, self._handles.recorder, asking=asking, purpose=purpose)

    def unsafe_native_ids(
        self, doc_ids: Sequence[str], *, collection: str | None = None, principal: Principal | None = None
    ) -> dict[str, str]:
        """Return the sources' own ids by document id, which may name people, without asking who may see them.

        For evaluation against judgements that name documents so. Each call leaves a mark in the log.

        Raises:
            AuditUnavailable: The access could not be recorded.
        """
        part = self._handles.reader(collection)
        asking = self._principal(principal)
        return reveal_native_ids(part, self._handles.recorder, doc_ids, asking=asking, purpose="evaluation")

    def rebuild(
        self,
        *,
        collection: str | None = None,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Build the index anew from the record store, without masking or embedding.

        Raises:
            AccessDenied: The principal, by default the owner, is no ingester.
            WriterBusy: Another process is writing.
        """
        from ragkit.syncing import rebuild_collections

        names = [name for name, _ in self._chosen(collection, None)]
        rebuild_collections(self._handles, names, actor=self._ingester("rebuild", principal), progress=progress)

    @property
    def begun(self) -> int:
        """People's requests that the last writer found begun and not finished; ``subjects.resume()`` finishes them."""
        return self._handles.begun

    def close(self) -> None:
        """Close files and record the end."""
        self._handles.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _bad: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Workspace({self.config.workspace.name!r})"

    def _entitled(self, part: OpenCollection, principal: Principal | None, purpose: str) -> Principal:
        return entitled(part, self._handles.recorder, asking=self._principal(principal), purpose=purpose)

    def _principal(self, principal: Principal | None) -> Principal:
        return principal or self.config.workspace.principal

    def _ingester(self, verb: str, principal: Principal | None) -> Principal:
        return require(self._handles, "ingester", verb=verb, principal=principal)

    def _chosen(
        self, collection: str | None, source: str | None, only: Sequence[str] = ()
    ) -> Iterator[tuple[str, list[SourceSection]]]:
        names = [self._handles.name(collection)] if collection else list(self.config.collections)
        return chosen_sources(self.config, names, source, only=only)
