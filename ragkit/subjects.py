"""People's requests about their data, in an open workspace: find, export, correct, restrict, lift that again, erase.

::

    subjects = workspace.subjects
    for person in subjects.find("Galip Yalman", purpose="request 17"):
        ...
    everything = subjects.export("galip@mail.example", purpose="request 17")

Each takes a value of the person, and asks which one is meant where several go by it. Only a collection's ``officers``
may, with a purpose, and every call is recorded. What writes goes on where it was when the process was killed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ragkit.erasing import Erasing
from ragkit.protocols import Progress
from ragkit.revealing import reveal_native_ids
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.lifecycle.correct import Correction, Tools
    from ragkit.lifecycle.erase import ErasureReport
    from ragkit.lifecycle.restrict import Restriction
    from ragkit.lifecycle.subject import Found


class Subjects(Erasing):
    """What can be done for a data subject. Reached as ``workspace.subjects``.

    Every method takes ``purpose``, whose keyed hash is recorded; ``principal``, by default the owner; ``collection``,
    by default the only one; and raises ``AccessDenied`` for who is no officer of it. Those that act on one person take
    ``subject``, the id that :meth:`find` gives, where several have the value, and raise ``SubjectUnclear`` without.

    Args:
        handles: The open workspace.
    """

    def find(
        self,
        value: str,
        *,
        purpose: str,
        entity_type: str | None = None,
        native_ids: bool = False,
        collection: str | None = None,
        principal: Principal | None = None,
    ) -> list[Found]:
        """Return the people who have a value, with what is held of each in counts; several where a name is several's.

        Args:
            value: A name, an address, a number: any value of theirs, in any usual spelling.
            purpose: Why.
            entity_type: What it is, where it could be several things.
            native_ids: Also the sources' own ids of their documents.
            collection: Where.
            principal: Who asks.
        """
        from ragkit.lifecycle.restrict import requests_of
        from ragkit.lifecycle.subject import describe, people_of

        part, asking = self._reading("subject-find", purpose, principal, collection)
        vault = part.masker.vault
        people = people_of(part.store, vault, value, entity_type)
        found = describe(part.store, people, partial(requests_of, part.store, vault))
        documents = sorted({doc_id for one in found for doc_id in one.documents})
        self._tell("subject.found", part, asking, purpose, {"people": len(found), "documents": len(documents)})
        if native_ids:
            names = reveal_native_ids(part, self._handles.recorder, documents, asking=asking, purpose=purpose)
            found = [one.with_names(names) for one in found]
        return found

    def export(
        self,
        value: str,
        *,
        purpose: str,
        entity_type: str | None = None,
        subject: str | None = None,
        collection: str | None = None,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> dict[str, Any]:
        """Return everything held of a person, for that person; its shape is ``subject_export`` in ``docs/json.md``.

        Their own values are in clear, everybody else's are hidden. A restricted person's are exported too.

        Raises:
            AuditUnavailable: The disclosure could not be recorded, so nothing is given.
        """
        from ragkit.lifecycle.subject import choose, people_of
        from ragkit.subject_export import everything_held

        part, asking = self._reading("subject-export", purpose, principal, collection)
        person = choose(people_of(part.store, part.masker.vault, value, entity_type), subject)
        held = everything_held(part, person, self._handles, progress=progress)
        types = [one["type"] for one in held["values"]]
        counts = {
            "values": len(types),
            "entities": {kind: types.count(kind) for kind in sorted(set(types))},
            "documents": len(held["documents"]),
            "passages": sum(len(one["passages"]) for one in held["documents"]),
        }
        self._tell("subject.exported", part, asking, purpose, counts)
        return held

    def correct(
        self,
        old: str,
        new: str,
        *,
        purpose: str,
        entity_type: str | None = None,
        subject: str | None = None,
        collection: str | None = None,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> Correction:
        """Make a person's value another one: in the vault, in every stored view, and in all that is read later.

        A correction that was killed is finished first.

        Raises:
            ConfigError: The new value is empty or the same.
            WriterBusy: Another process is writing.
        """
        from ragkit.lifecycle.correct import begin, carry_out, plan_correction, unfinished
        from ragkit.lifecycle.subject import choose, people_of

        with self._writing("subject-correct", purpose, principal, collection) as (part, asking):
            tools = self._tools(part, progress)
            for left in unfinished(part.store):
                carry_out(tools, left.request)
                self._handles.begun -= 1
            person = choose(people_of(part.store, part.masker.vault, old, entity_type), subject)
            plan, request = plan_correction(person, old, new, entity_type=entity_type), uuid4().hex
            counts = {"documents": len(plan["documents"]), "values": len(plan["old"]), "shared": int(plan["shared"])}
            self._tell("subject.corrected", part, asking, purpose, counts, request=request)
            begin(tools, request, plan)
            done = carry_out(tools, request)
            self._renew_key_copy(part)
            self._fold(part, progress)
        return done

    def finish_corrections(
        self, *, purpose: str, collection: str | None = None, principal: Principal | None = None
    ) -> list[Correction]:
        """Finish the corrections that were killed on their way, and return what they did."""
        from ragkit.lifecycle.correct import carry_out, unfinished

        with self._writing("subject-correct", purpose, principal, collection) as (part, _asking):
            done = [carry_out(self._tools(part), left.request) for left in unfinished(part.store)]
            self._handles.begun -= len(done)
            if done:
                self._renew_key_copy(part)
                self._fold(part)
        return done

    def _renew_key_copy(self, part: OpenCollection) -> None:
        """Make the copy of the key file anew: the one before has keys that were destroyed."""
        from ragkit.lifecycle.backup_keys import renew_key_copy

        handles = self._handles
        renew_key_copy(handles.config, part.store.database.key_file, handles.root_key, handles.recorder)

    def resume(
        self,
        *,
        purpose: str = "go on with what was begun",
        collection: str | None = None,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> list[ErasureReport]:
        """Finish the corrections and erasures that were killed on their way; return what the erasures did."""
        self.finish_corrections(purpose=purpose, collection=collection, principal=principal)
        return super().resume(purpose=purpose, collection=collection, principal=principal, progress=progress)

    def restrict(
        self,
        value: str,
        *,
        reason: str,
        purpose: str,
        entity_type: str | None = None,
        subject: str | None = None,
        collection: str | None = None,
        principal: Principal | None = None,
    ) -> Restriction:
        """Show a person's data to nobody from now on, in every open process, until that is lifted.

        Syncs, masking again, rebuilding and restoring keep it so. ``export`` still gives everything.

        Raises:
            ConfigError: No reason.
            WriterBusy: Another process is writing.
        """
        from ragkit.lifecycle.restrict import restrict
        from ragkit.lifecycle.subject import choose, people_of

        with self._writing("subject-restrict", purpose, principal, collection) as (part, asking):
            person = choose(people_of(part.store, part.masker.vault, value, entity_type), subject)
            done = restrict(part.store, person, request=uuid4().hex, reason=reason)
            counts = {"tokens": done.tokens, "documents": done.documents, "shared": done.places}
            self._tell("subject.restricted", part, asking, purpose, counts, request=done.request, reason=reason)
        return done

    def lift(
        self,
        request: str,
        *,
        reason: str,
        purpose: str,
        collection: str | None = None,
        principal: Principal | None = None,
    ) -> None:
        """Lift a restriction by its id, which :meth:`restrict` gave and :meth:`find` tells.

        Raises:
            ConfigError: No reason, or no such restriction in force.
            WriterBusy: Another process is writing.
        """
        from ragkit.lifecycle.restrict import lift

        with self._writing("subject-lift", purpose, principal, collection) as (part, asking):
            tell = partial(self._tell, "subject.lifted", part, asking, purpose, {}, request=request, reason=reason)
            lift(part.store, request, reason=reason, before=tell)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _tools(self, part: OpenCollection, progress: Progress | None = None) -> Tools:
        from ragkit.lifecycle.correct import Tools
        from ragkit.mask.rulings import Rulings

        rulings = part.masker.rulings or Rulings(part.collection.keys, part.masker.vault, part.store.rulings())
        handles = self._handles
        return Tools(
            part.store, part.masker.vault, rulings, part.embedder, handles.recorder, progress, handles.evidence
        )

    def _fold(self, part: OpenCollection, progress: Progress | None = None) -> None:
        from ragkit.lifecycle.rebuild import fold

        fold(part.index, recorder=self._handles.recorder, collection=part.name, progress=progress)

    def _tell(
        self,
        kind: str,
        part: OpenCollection,
        asking: Principal,
        purpose: str,
        counts: Mapping[str, Any],
        *,
        request: str | None = None,
        reason: str = "",
    ) -> None:
        recorder = self._handles.recorder
        about = {"collection": part.name, "purpose": recorder.keyed(purpose), **counts}
        if reason:
            about["cause"] = recorder.keyed(reason)
        recorder.record(kind, actor=asking, request=request, data=about)
