"""What an open workspace can do besides asking, room by room; each is imported when it is first asked for."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from ragkit.handles import Handles
from ragkit.roles import require

if TYPE_CHECKING:
    from ragkit.auditing import Audit
    from ragkit.auth.keys import ApiKeys
    from ragkit.desking import Desk
    from ragkit.doctor import Check
    from ragkit.documents.room import Documents
    from ragkit.explaining import Egress
    from ragkit.generators import Generators
    from ragkit.keeping import Keeping
    from ragkit.keys import Keys
    from ragkit.masking import Embedded
    from ragkit.principals import Principal
    from ragkit.readiness import Readiness
    from ragkit.sources import Sources
    from ragkit.spending import Usage
    from ragkit.store.turns import WriterTurns
    from ragkit.subjects import Subjects


class WorkspaceParts:
    """The rooms of a :class:`ragkit.workspace.Workspace`."""

    _handles: Handles

    @property
    def turns(self) -> WriterTurns:
        """Whose turn it is to write; a service holds it."""
        return self._handles.turns

    @property
    def usage(self) -> partial[Usage]:
        """What generators have used, and what the budgets have left: :func:`ragkit.spending.usage_of`."""
        from ragkit.spending import usage_of

        return partial(usage_of, self._handles)

    @property
    def embed(self) -> partial[Embedded]:
        """Texts as vectors, masked before: :func:`ragkit.masking.embed_texts`."""
        from ragkit.masking import embed_texts

        return partial(embed_texts, self._handles)

    def visible_collections(self, *, principal: Principal | None = None) -> list[str]:
        """Return the names of the collections in which a principal, by default the owner, may see something."""
        from ragkit.roles import visible_collections

        return visible_collections(self._handles, principal)

    def status(self, *, principal: Principal | None = None) -> dict[str, Any]:
        """Return figures of the workspace and of each collection, plain values only; for operators."""
        from ragkit.doctor import describe

        require(self._handles, "operator", verb="status", principal=principal)
        return describe(self._handles.config, self._handles.known())

    def doctor(self, *, principal: Principal | None = None) -> list[Check]:
        """Examine every part; each check says what was found and what to do, and shows no content. For operators."""
        from ragkit.doctor import examine

        asking = require(self._handles, "operator", verb="doctor", principal=principal)
        return examine(
            self._handles.config,
            self._handles.known(),
            embedder=self._handles.embedder,
            recorder=self._handles.recorder,
            actor=asking,
        )

    @property
    def subjects(self) -> Subjects:
        """What can be done for a person whose data is held: find, export, correct, restrict."""
        from ragkit.subjects import Subjects

        return Subjects(self._handles)

    @cached_property
    def documents(self) -> Documents:
        """Documents one by one: handed in, listed, read masked, deleted."""
        from ragkit.documents.room import Documents

        return Documents(self._handles)

    @cached_property
    def sources(self) -> Sources:
        """The sources: listed, tested, compared with what is here, tried again item by item."""
        from ragkit.sources import Sources

        return Sources(self._handles)

    @cached_property
    def readiness(self) -> Readiness:
        """Whether questions can be answered now, and loading ahead what the first one would wait for."""
        from ragkit.readiness import Readiness

        return Readiness(self._handles)

    @cached_property
    def keys(self) -> Keys:
        """The keys: shown by what may be told of them, changed, put into escrow."""
        from ragkit.keys import Keys

        return Keys(self._handles)

    @cached_property
    def api_keys(self) -> ApiKeys:
        """The keys with which others call the service: made, listed, revoked, replaced."""
        from ragkit.auth.keys import ApiKeys

        return ApiKeys(self._handles)

    @cached_property
    def keeping(self) -> Keeping:
        """Backups, retention and legal holds."""
        from ragkit.keeping import Keeping

        return Keeping(self._handles)

    @cached_property
    def audit(self) -> Audit:
        """What happened, what left the building, and the proof of the record."""
        from ragkit.auditing import Audit

        return Audit(self._handles)

    @cached_property
    def desk(self) -> Desk:
        """What the chatbot keeps, and what agents and operators do with it."""
        from ragkit.desking import Desk

        return Desk(self._handles)

    @cached_property
    def egress(self) -> Egress:
        """What would leave for a question, to whom and why it may."""
        from ragkit.explaining import Egress

        return Egress(self._handles)

    @cached_property
    def generators(self) -> Generators:
        """Which generators there are, and whether one works."""
        from ragkit.generators import Generators

        return Generators(self._handles)
