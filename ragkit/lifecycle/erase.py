"""Erasing a person: planned, journaled step by step, resumed after a kill, proven, and stated in a signed receipt.

::

    erasure = Erasure(ground, key=…)
    request = erasure.begin(person, purpose="…")
    report = erasure.run(request)           # or, after a kill: erasure.resume()

The order is that of ``security.md``, B2: denied at once, keys destroyed, rows, index, caches, bytes, proof. Until the
receipt is issued the plan is in the journal, sealed; then it is wiped. A receipt that cannot say that L0 to L2 are
reached is issued too, says so, and leaves the request open: ``resume`` does the last steps again.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ragkit import crypto
from ragkit.crashpoints import reach
from ragkit.errors import StoreError
from ragkit.lifecycle import receipts, verify
from ragkit.lifecycle.erase_plan import PLANNED, STEPS, Item, Person, Plan, plan_for
from ragkit.lifecycle.erase_steps import STEP_OF, Counts, Ground, look_over
from ragkit.lifecycle.holds import Holds
from ragkit.store.denials import Denials
from ragkit.store.erasure import ErasureRows
from ragkit.store.receipts import Receipts
from ragkit.store.requests import Request, Requests

if TYPE_CHECKING:
    from ragkit.types import Principal

_AGAIN = "caches"
"""The step after which an unproven erasure goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureReport:
    """What was erased, or would be. Counts, types and opaque ids only.

    Attributes:
        request: Id of the request; empty for a dry run.
        complete: L0, L1 and L2 are reached.
        deleted: Documents deleted as a whole.
        redacted: Documents in which the person is redacted.
        possible: Documents that name somebody of a name that others have too, and do not tell whom. They stay.
        past: Versions that were kept for replay, and go with the person.
        destroyed: Values by type that nobody else has.
        shared: Values by type that stay, because a living person has them too.
        uncertain: Values by type that may be the person's, and stay.
        naming: By source, how many documents still name the person there.
        holds: Ids of holds in the way; of a dry run only, since they stop an erasure.
        levels: By level, ``true``, ``false`` or ``partly``.
        receipt: The signed receipt.
        ms: By step, how long it took.
    """

    request: str = ""
    complete: bool = False
    deleted: tuple[str, ...] = ()
    redacted: tuple[str, ...] = ()
    possible: tuple[str, ...] = ()
    past: int = 0
    destroyed: Mapping[str, int] = field(default_factory=dict)
    shared: Mapping[str, int] = field(default_factory=dict)
    uncertain: Mapping[str, int] = field(default_factory=dict)
    naming: Mapping[str, int] = field(default_factory=dict)
    holds: tuple[str, ...] = ()
    levels: Mapping[str, str] = field(default_factory=dict)
    receipt: str = field(default="", repr=False)
    ms: Mapping[str, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 for all well, 1 when a level is not reached, or a hold is in the way."""
        return 0 if (self.complete or not self.request) and not self.holds else 1


class Erasure:
    """Erases people of one collection; the workspace's write lock is held, but for :meth:`preview`.

    Args:
        ground: What it works on.
        key: Signs receipts; 32 bytes.
    """

    def __init__(self, ground: Ground, *, key: bytes) -> None:
        self._ground = ground
        self._key = key
        self._collection = ground.store.collection
        self._requests = Requests(ground.store.database.key_file, self._collection)
        self._holds = Holds(ground.store.database, self._collection)

    def preview(self, person: Person, **choices: Any) -> ErasureReport:
        """Tell what would go and what would stay. Writes nothing; takes ``choices`` as :meth:`begin`."""
        plan = plan_for(person, policy=self._ground.store.policy_in_force(), **choices)
        self._check(plan)
        look_over(self._ground, PLANNED, plan)
        return _report("", plan, holds=tuple(hold.hold for hold in self._blocking(plan)))

    def require_possible(self, person: Person, **choices: Any) -> None:
        """Return if this can be begun; takes ``choices`` and raises as :meth:`begin`. Writes nothing."""
        self._require_possible(plan_for(person, policy=self._ground.store.policy_in_force(), **choices))

    def begin(
        self,
        person: Person,
        *,
        purpose: str,
        actor: Principal | None = None,
        keep_documents: bool = False,
        delete_documents: Iterable[str] = (),
        further: Iterable[Item] = (),
    ) -> str:
        """Enter a request and return its id.

        Args:
            person: Whom.
            purpose: Keyed hash of why.
            actor: Who asked for it.
            keep_documents: Redact even documents that are about this person alone.
            delete_documents: Ids of further documents to delete as a whole.
            further: Values that are theirs alone though nothing detected them.

        Raises:
            HeldBack: A legal hold keeps a value or a document of theirs.
            StoreError: There is nothing that is theirs alone.
        """
        plan = plan_for(
            person,
            policy=self._ground.store.policy_in_force(),
            purpose=purpose,
            keep_documents=keep_documents,
            delete_documents=delete_documents,
            further=further,
        )
        self._require_possible(plan)
        request = uuid.uuid4().hex
        counts = {"values": len(plan.own), "documents": len(plan.deleted) + len(plan.redacted)}
        self._tell("erasure.requested", request, {"purpose": purpose, **counts}, actor=actor)
        reach("erase.before_plan")
        self._requests.open(request, "erase", plan.to_json(), step=PLANNED)
        reach("erase.after_plan")
        return request

    def run(self, request: str) -> ErasureReport:
        """Go through the steps that are not done yet.

        Raises:
            StoreError: There is no such request, or it is closed.
        """
        entry = self._requests.find(request)
        if entry is None or entry.closed_at is not None:
            raise StoreError(
                "there is no such open request", remedy="`ragkit subject resume` goes on with all of them."
            )
        plan = Plan.from_json(entry.plan)
        done = STEPS.index(entry.step) + 1 if entry.step in STEPS else 0
        for step in STEPS[done:-2]:
            reach(f"erase.before_{step}")
            self._step(request, plan, step)
            reach(f"erase.after_{step}")
        return self._prove(entry, plan)

    def resume(self) -> list[ErasureReport]:
        """Go on with every erasure that was begun and not finished, or was killed while it cleaned up after itself."""
        done = [self.run(entry.request) for entry in self._requests.unfinished("erase")]
        self._clean_up()
        return done

    # --- inside ------------------------------------------------------------------------------------------------------

    def _step(self, request: str, plan: Plan, step: str) -> None:
        began = time.perf_counter()
        if self._ground.progress:
            self._ground.progress(step, 0, None)
        counts = STEP_OF[step](self._ground, request, plan)
        self._note(request, plan, step, counts, began)

    def _note(self, request: str, plan: Plan, step: str, counts: Counts, began: float) -> None:
        plan.counts[step] = counts
        plan.ms[step] = round((time.perf_counter() - began) * 1000)
        self._tell("erasure.step", request, {"step": step, "counts": counts, "ms": plan.ms[step]})
        self._requests.note(request, step, plan=plan.to_json())

    def _prove(self, entry: Request, plan: Plan) -> ErasureReport:
        request, began = entry.request, time.perf_counter()
        reach("erase.before_verify")
        if self._ground.progress:
            self._ground.progress("verify", 0, None)
        levels = verify.prove(self._ground, request, plan)
        plan.levels = {name: level.to_json() for name, level in levels.items()}
        reached = {name.lower(): level.reached for name, level in levels.items()}
        self._tell("erasure.verified", request, reached)
        self._note(request, plan, "verify", {"levels": list(reached.values()).count(verify.TRUE)}, began)
        reach("erase.after_verify")
        complete = all(levels[name].reached != verify.FALSE for name in ("L0", "L1", "L2"))
        text = receipts.issue(self._facts(entry, plan), key=self._key)
        reach("erase.before_receipt")
        signer = receipts.key_id(crypto.signing_public_key(self._key))
        self._tell("erasure.receipt", request, {"complete": complete, "key_id": signer})
        key_file = self._ground.store.database.key_file
        with key_file.write():
            Receipts(key_file).put(request, text)
            if complete:
                Denials(key_file, self._collection).lift(request)
                self._requests.close(request)
            else:
                self._requests.note(request, _AGAIN, plan=plan.to_json())
        reach("erase.in_receipt")
        self._clean_up()
        reach("erase.after_receipt")
        return _report(request, plan, complete=complete, receipt=text)

    def _clean_up(self) -> None:
        """Leave nothing of a plan or a denial in the key file, nor in the copy of it."""
        self._ground.store.database.key_file.vacuum()
        self._ground.renew()
        self._ground.recorder.flush()

    def _facts(self, entry: Request, plan: Plan) -> dict[str, Any]:
        """What the receipt states: no value, no name, nothing that a float could blur."""
        return {
            "request": entry.request,
            "collection": self._collection.name,
            "policy": plan.policy,
            "purpose": plan.purpose,
            "opened_at": entry.opened_at,
            "issued_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "software": {"ragkit": version("ragkit")},
            "steps": {step: {"counts": plan.counts[step], "ms": plan.ms.get(step, 0)} for step in plan.counts},
            "levels": plan.levels,
            "values": {"destroyed": dict(plan.types), "uncertain": plan.uncertain},
            "shared": dict(Counter(kind for kind, _ in plan.shared)),
            "documents": {
                "deleted": len(plan.deleted),
                "redacted": len(plan.redacted),
                "possible": len(plan.possible),
                "past": len(plan.past),
                "kept_away": len(plan.deleted),
            },
            "sources_still_naming": [
                {"source": source, "documents": sorted(doc_ids)} for source, doc_ids in sorted(plan.naming.items())
            ],
        }

    def _require_possible(self, plan: Plan) -> None:
        self._check(plan)
        self._holds.require_free(numbers=plan.numbers, doc_ids=[*plan.deleted, *plan.redacted])

    def _check(self, plan: Plan) -> None:
        if not plan.own and not plan.deleted:
            raise StoreError(
                "there is nothing that is this person's alone",
                remedy="`ragkit subject find` shows what is held and with whom it is shared.",
            )
        known = set(ErasureRows(self._ground.store.database, self._collection).documents())
        if missing := len(set(plan.deleted) - known):
            raise StoreError(f"{missing} of the documents to delete are not here", remedy="Check their ids.")

    def _blocking(self, plan: Plan) -> list[Any]:
        return self._holds.blocking(numbers=plan.numbers, doc_ids=[*plan.deleted, *plan.redacted])

    def _tell(self, kind: str, request: str, data: Mapping[str, Any], *, actor: Principal | None = None) -> None:
        given = {"collection": self._collection.name, **{key: value for key, value in data.items() if value != ""}}
        self._ground.recorder.record(kind, request=request, actor=actor, data=given)


def _report(request: str, plan: Plan, **more: Any) -> ErasureReport:
    return ErasureReport(
        request=request,
        deleted=tuple(plan.deleted),
        redacted=tuple(plan.redacted),
        possible=tuple(plan.possible),
        past=len(plan.past),
        destroyed=dict(plan.types),
        shared=dict(Counter(kind for kind, _ in plan.shared)),
        uncertain=plan.uncertain,
        naming={source: len(doc_ids) for source, doc_ids in plan.naming.items()},
        levels={name: level["reached"] for name, level in plan.levels.items()},
        ms=plan.ms,
        **more,
    )
