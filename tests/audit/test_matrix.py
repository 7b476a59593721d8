"""Every public way into a workspace, and the events that it must leave: what acts without its event fails here.

A new method or verb without a row fails, too. A row without events says why there are none.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ragkit import Principal, open_workspace
from ragkit.auditing import Audit
from ragkit.auth.keys import ApiKeys
from ragkit.cli.main import app
from ragkit.control.deeds import DEEDS
from ragkit.desk.records import Summary
from ragkit.desking import Desk
from ragkit.documents.room import Documents
from ragkit.errors import AccessDenied
from ragkit.explaining import Egress
from ragkit.generators import Generators
from ragkit.keeping import Keeping
from ragkit.keys import Keys
from ragkit.readiness import Readiness
from ragkit.rootkey import create_key_file
from ragkit.sources import Sources
from ragkit.subjects import Subjects
from ragkit.workspace import Workspace

STRANGER = Principal("crm|eve")
MAIL, OTHER, NEW = "galina.yalmanova@example.org", "henrik.thorvald@example.org", "galina.petrova@example.org"
QUESTION = "How long is the warranty on a tent?"
WHY = {"purpose": "case 7"}


@dataclass
class Scene:
    """An open workspace and what earlier rows left: an answer, a hold, a restriction, an incident."""

    workspace: Workspace
    folder: Path
    kept: dict[str, Any] = field(default_factory=dict)

    def events(self) -> list[dict[str, Any]]:
        """All events so far."""
        files = sorted((self.workspace.config.data_folder / "events").glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]

    def __getattr__(self, room: str) -> Any:
        return getattr(self.workspace, room)


Act = Callable[..., Any]


@dataclass(frozen=True)
class Row:
    """One way in.

    Attributes:
        leaves: Types of events that it must leave when it acts.
        act: Does it; takes the scene and, where somebody may be refused, the principal.
        refused: Whether a stranger is refused, which must leave ``auth.denied`` and nothing of ``leaves``.
        none: Why it leaves nothing.
    """

    leaves: frozenset[str]
    act: Act | None
    refused: bool = False
    none: str = ""


def row(leaves: str, act: Act, *, refused: bool = True) -> Row:
    """A way in that leaves events."""
    return Row(frozenset(leaves.split()), act, refused)


def none(why: str, act: Act | None = None, *, refused: bool = False) -> Row:
    """A way in that leaves none."""
    return Row(frozenset(), act, refused, why)


def _keep(name: str, act: Act) -> Act:
    def kept(scene: Scene, **who: Any) -> Any:
        scene.kept[name] = found = act(scene, **who)
        return found

    return kept


def _public_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _listed(act: Act) -> Act:
    return lambda scene, **who: list(act(scene, **who))


ASKING = "query.received retrieval.done"
WORKSPACE: dict[str, Row] = {
    "sync": row(
        "ingest.run.started ingest.run.finished doc.added pii.masked acl.class index.generation.activated "
        "ingest.run.checkpoint index.generation.built model.loaded",
        lambda s, **who: (_write(s), s.sync(**who)),
    ),
    "ask": row(
        f"{ASKING} generation.done answer.released",
        _keep("answer", lambda s, **who: s.ask(QUESTION, **who)),
        refused=False,
    ),
    "ask_stream": row(
        f"{ASKING} answer.begun generation.done answer.released",
        _listed(lambda s, **who: s.ask_stream(QUESTION, **who)),
        refused=False,
    ),
    "search": row(ASKING, lambda s, **who: s.search(QUESTION, **who), refused=False),
    "search_many": row(ASKING, lambda s, **who: s.search_many([QUESTION, "returns"], **who), refused=False),
    "mask_text": row("text.masked", _keep("masked", lambda s, **who: s.mask_text(f"Write to {MAIL}.", **who))),
    "embed": row("text.masked", lambda s, **who: s.embed(["the warranty"], **who), refused=False),
    "visible_collections": none("it names collections", lambda s, **who: s.visible_collections(**who)),
    "reveal": row("pii.unmasked", lambda s, **who: s.reveal(s.kept["masked"][0].record, **WHY, **who)),
    "reveal_stream": row(
        "pii.unmasking pii.unmasked",
        _listed(lambda s, **who: s.reveal_stream([s.kept["masked"][0].record], **WHY, **who)),
    ),
    "quarantined": row("pii.unmasked", lambda s, **who: s.quarantined(**WHY, **who)),
    "unsafe_native_ids": row("pii.unmasked", lambda s, **who: s.unsafe_native_ids([], **who), refused=False),
    "remask": row("remask.started remask.finished ingest.run.finished", lambda s, **who: s.remask(**who)),
    "rebuild": row(
        "index.generation.built index.generation.activated index.generation.removed", lambda s, **who: s.rebuild(**who)
    ),
    "status": none("it shows figures and no content", lambda s, **who: s.status(**who), refused=True),
    "doctor": row("health.checked", lambda s, **who: s.doctor(**who)),
    "usage": row("auth.ok", lambda s, **who: s.usage(**who)),
    "open": none("nothing was done yet; the first event says `workspace.opened`"),
    "begun": none("a number that the last writer found"),
    "turns": none("whose turn it is to write; what is written leaves its own events"),
    "close": none("`log.closed` ends the log of the process; see test_a_process_says_that_it_begins_and_ends"),
}
CONTENT = b"# Kayaks\n\nThe Ottermere kayak floats.\n"
ADDED = "ingest.run.started ingest.run.finished doc.added"
DOCUMENTS: dict[str, Row] = {
    "add": row(
        f"upload.received {ADDED}", _keep("added", lambda s, **who: s.documents.add(CONTENT, name="kayak.md", **who))
    ),
    "hand_in": row(
        "upload.received", _keep("handed", lambda s, **who: s.documents.hand_in(CONTENT, name="second.md", **who))
    ),
    "take_in": row(ADDED, lambda s, **who: s.documents.take_in(s.kept.get("handed", "x"), **who)),
    "receive": none("nothing is accepted here", lambda s, **who: _received(s, **who), refused=True),
    "list": row("doc.shown", lambda s, **who: s.documents.list(**who), refused=False),
    "get": row("doc.shown", lambda s, **who: s.documents.get(s.kept["added"].doc_id, **who), refused=False),
    "passages": row("doc.shown", lambda s, **who: s.documents.passages(s.kept["added"].doc_id, **who), refused=False),
    "require_sync": none("it begins nothing", lambda s, **who: s.documents.require_sync(**who), refused=True),
    "delete": row(
        "upload.destroyed doc.deleted",
        lambda s, **who: s.documents.delete(s.kept["added"].doc_id, **who),
    ),
    "take_back": row("upload.destroyed", lambda s, **who: s.documents.take_back(s.kept["handed"], **who)),
    "waiting": none("it names ids", lambda s, **who: s.documents.waiting()),
    "clear_away": row("doc.deleted", lambda s, **who: s.documents.clear_away(s.kept["handed"], **who)),
    "catch_up": none("nothing waits any more; tests/serve/test_documents.py leaves something", lambda s, **who: None),
}


def _received(scene: Scene, **who: Any) -> None:
    with scene.documents.receive(**who):
        pass


SOURCES: dict[str, Row] = {
    "list": none("it shows figures and no content", lambda s, **who: s.sources.list(**who), refused=True),
    "test": row("auth.ok", lambda s, **who: s.sources.test(**who)),
    "diff": row("ingest.run.started ingest.run.finished pii.unmasked", lambda s, **who: s.sources.diff(**WHY, **who)),
    "set_aside": none("it shows ids and codes", lambda s, **who: s.sources.set_aside()),
    "dropped": none("it shows counts", lambda s, **who: s.sources.dropped()),
    "name": row("pii.unmasked", lambda s, **who: s.sources.name("0" * 26, collection="shop", **WHY, **who)),
    "retry": row(
        "ingest.run.started ingest.run.finished",
        lambda s, **who: (None if who else _spoil(s), s.sources.retry(**who)),
    ),
}


def _spoil(scene: Scene) -> None:
    """Have something set aside."""
    (scene.folder / "documents" / "bad.pdf").write_bytes(b"%PDF-1.7 no")
    scene.workspace.sync()


SUBJECTS: dict[str, Row] = {
    "find": row("subject.found", lambda s, **who: s.subjects.find(MAIL, **WHY, **who)),
    "export": row("subject.exported", lambda s, **who: s.subjects.export(MAIL, **WHY, **who)),
    "restrict": row(
        "subject.restricted",
        _keep("restricted", lambda s, **who: s.subjects.restrict(OTHER, reason="asked", **WHY, **who)),
    ),
    "lift": row(
        "subject.lifted", lambda s, **who: s.subjects.lift(s.kept["restricted"].request, reason="done", **WHY, **who)
    ),
    "correct": row("subject.corrected", lambda s, **who: s.subjects.correct(MAIL, NEW, **WHY, **who)),
    "finish_corrections": none(
        "there is none to finish; `subject.corrected` stands before the first step",
        lambda s, **who: s.subjects.finish_corrections(**WHY, **who),
        refused=True,
    ),
    "erase": row(
        "erasure.requested erasure.step key.destroyed erasure.verified erasure.receipt",
        _keep("erased", lambda s, **who: s.subjects.erase(NEW, **WHY, **who)),
    ),
    "resume": none(
        "there is none to finish; tests/crash and tests/lifecycle finish erasures, which go on with `erasure.step`",
        lambda s, **who: s.subjects.resume(**WHY, **who),
        refused=True,
    ),
    "receipt": none("a receipt is made to be shown and holds no content"),
    "check_receipt": none("a receipt is made to be checked by anybody"),
}
KEEPING: dict[str, Row] = {
    "place_hold": row(
        "hold.placed", _keep("hold", lambda s, **who: s.keeping.place_hold(whole=True, reason="case", **who))
    ),
    "holds": row("auth.ok", lambda s, **who: s.keeping.holds(**who)),
    "release_hold": row(
        "hold.released", lambda s, **who: s.keeping.release_hold(s.kept["hold"].hold, reason="over", **who)
    ),
    "backup": row("backup.made", lambda s, **who: s.keeping.backup(s.folder / "copy", **who)),
    "due": none("it shows counts", lambda s, **who: s.keeping.due(**who), refused=True),
    "retain": row("retention.purged", lambda s, **who: s.keeping.retain(**who)),
}
KEYS: dict[str, Row] = {
    "show": none("it shows check values and counts", lambda s, **who: s.keys.show(**who), refused=True),
    "escrow_to_passphrase": row(
        "key.escrowed", lambda s, **who: s.keys.escrow_to_passphrase(s.folder / "a.key", "p" * 40, **who)
    ),
    "escrow_to_officer": row(
        "key.escrowed", lambda s, **who: s.keys.escrow_to_officer(s.folder / "b.key", _public_key(), **who)
    ),
    "escrow_in_shares": row("key.escrowed", lambda s, **who: s.keys.escrow_in_shares(s.folder / "shares", 2, 3, **who)),
    "rotate_wrapping": row("key.rotated", lambda s, **who: s.keys.rotate_wrapping(**who)),
    "rotate": row("key.rotated", lambda s, **who: s.keys.rotate(**who)),
    "finish": row("key.rotated", lambda s, **who: s.keys.finish(**who)),
}
API_KEYS: dict[str, Row] = {
    "create": row("caller.key.created", _keep("api_key", lambda s, **who: s.api_keys.create("crm|bo", **who))),
    "list": row("auth.ok", lambda s, **who: s.api_keys.list(**who)),
    "rotate": row(
        "caller.key.created caller.key.revoked",
        lambda s, **who: s.api_keys.rotate(s.kept["api_key"].record.id, **who),
    ),
    "revoke": row("caller.key.revoked", lambda s, **who: s.api_keys.revoke(s.kept["api_key"].record.id, **who)),
    "prune": row("caller.key.pruned", lambda s, **who: s.api_keys.prune(days=0, **who)),
    "gate": none("it checks credentials for a service; who is let in or not leaves `auth.ok` and `auth.denied`"),
}
_ANA = Principal("local|ana", kind="local")


def _ticket(scene: Scene) -> Any:
    talk = scene.kept["talk"]
    made = scene.desk.open_ticket(talk, principal=_ANA, topic="person", summary=Summary(why="person"))
    scene.kept["ticket"] = made.id


DESK: dict[str, Row] = {
    "begin": row(
        "chat.begun disclosure.shown",
        _keep("talk", lambda s: s.desk.begin(principal=_ANA, collection="shop", disclosure="1")),
        refused=False,
    ),
    "mask": row("text.masked", lambda s: s.desk.mask(MAIL, collection="shop", principal=_ANA), refused=False),
    "preview": row("text.masked", lambda s: s.desk.preview(MAIL, collection="shop", principal=_ANA), refused=False),
    "look_up": row(
        "text.masked retrieval.done",
        lambda s: s.desk.look_up(
            s.desk.mask(MAIL, collection="shop", principal=_ANA), principal=_ANA, k=3, session=s.kept["talk"].id
        ),
        refused=False,
    ),
    "generator": none("it tells a name of the configuration", lambda s: s.desk.generator("shop")),
    "passage": none(
        "it opens what an answer cited, whose events there are; the record store asks who may",
        lambda s: s.desk.passage(1, collection="shop", principal=_ANA),
    ),
    "give_feedback": row(
        "feedback.given",
        lambda s: s.desk.give_feedback(request_id="0" * 32, principal=_ANA, rating="up", collection="shop"),
        refused=False,
    ),
    "open_ticket": row("human.handoff", _ticket, refused=False),
    "tickets": row("auth.ok", lambda s, **who: s.desk.tickets(**who)),
    "find_ticket": none(
        "it reads a ticket, masked, for agents whom the service let in", lambda s: s.desk.find_ticket(s.kept["ticket"])
    ),
    "take": row("human.handoff", lambda s: s.desk.take(s.kept["ticket"], agent=_ANA), refused=False),
    "reply": row("ticket.replied", lambda s: s.desk.reply(s.kept["ticket"], "Hello", agent=_ANA), refused=False),
    "reveal": row(
        "ticket.revealed",
        lambda s, principal=_ANA: s.desk.reveal(s.kept["ticket"], purpose="case 7", agent=principal),
    ),
    "close": row(
        "ticket.closed", lambda s: s.desk.close(s.kept["ticket"], outcome="solved", agent=_ANA), refused=False
    ),
    "forget": row(
        "chat.forgotten",
        lambda s: s.desk.forget([s.kept["talk"].id], cause="request", principal=_ANA),
        refused=False,
    ),
    "sweep": none("nothing is past its time; what is leaves `chat.forgotten`", lambda s: s.desk.sweep(days=3650)),
    "require_operator": row("auth.ok", lambda s, **who: s.desk.require_operator("desk.figures", **who)),
    "use_tickets": none("it says where tickets are from now on"),
    "store": none("what is kept, for the chatbot, whose calls leave the events of this room"),
    "ticket_system": none("likewise"),
}
EGRESS: dict[str, Row] = {
    "explain": row(ASKING, lambda s, **who: s.egress.explain(QUESTION, **who), refused=False),
}
GENERATORS: dict[str, Row] = {
    "listed": none("it shows what ragkit.toml says"),
    "test": row("generator.tested", lambda s, **who: s.generators.test(**who)),
    "tell": none("no model is told here; `text.masked` and the events of a generator: tests/interop/test_faces.py"),
    "context": none("it tells a size"),
}
READS = "access.audit"
AUDIT: dict[str, Row] = {
    "log": row(READS, _listed(lambda s, **who: s.audit.log(limit=1, **who))),
    "show": row(READS, lambda s, **who: s.audit.show(s.kept["answer"].request_id, **who)),
    "egress": row(READS, lambda s, **who: s.audit.egress(**who)),
    "access": row(READS, _listed(lambda s, **who: s.audit.access(**who))),
    "sight": row(READS, lambda s, **who: s.audit.sight(s.kept["answer"].hits[0].doc_id, **who)),
    "diff": row(READS, lambda s, **who: s.audit.diff(1, 9, **who)),
    "gaps": row(READS, lambda s, **who: s.audit.gaps(**who)),
    "retained": row(READS, lambda s, **who: s.audit.retained(**who)),
    "guards": row(READS, lambda s, **who: s.audit.guards(**who)),
    "oversight": row(READS, lambda s, **who: s.audit.oversight(**who)),
    "export": row(f"{READS} audit.exported", lambda s, **who: s.audit.export("csv", s.folder / "events.csv", **who)),
    "blast_radius": row(READS, lambda s, **who: s.audit.blast_radius(s.kept["answer"].hits[0].doc_id, **who)),
    "verify": row(f"{READS} verify.run", lambda s, **who: s.audit.verify(**who)),
    "approvals": row(READS, lambda s, **who: s.audit.approvals(**who)),
    "evidence": row("access.evidence", lambda s, **who: s.audit.evidence(s.kept["answer"].request_id, **WHY, **who)),
    "replay": row(f"{READS} replay.run", lambda s, **who: s.audit.replay(s.kept["answer"].request_id, **who)),
    "replays": row(f"{READS} replay.run", _listed(lambda s, **who: s.audit.replays(**who))),
    "report": row(f"{READS} audit.reported", lambda s, **who: s.audit.report(**who)),
    "checkpoint": row(f"{READS} checkpoint", _keep("signed", lambda s, **who: s.audit.checkpoint(**who))),
    "check": row("audit.checked", lambda s, **who: s.audit.check(sample=5, **who)),
    "review_permissions": row("permissions.reviewed", lambda s, **who: s.audit.review_permissions(**who)),
    "signing_key": row(READS, lambda s, **who: s.audit.signing_key(**who)),
    "anchor": row("anchor.done", lambda s, **who: s.audit.anchor(**who)),
    "anchored": row(READS, lambda s, **who: s.audit.anchored(**who)),
    "prove": row(READS, lambda s, **who: s.audit.prove(1, **who)),
    "prove_growth": row(READS, lambda s, **who: s.audit.prove_growth(s.kept["signed"].size, **who)),
    "rotate_key": row("key.rotated", lambda s, **who: s.audit.rotate_key(**who)),
    "accept_log": row(READS, lambda s, **who: s.audit.accept_log(**WHY, **who)),
    "forget": row(
        "evidence.destroyed", lambda s, **who: s.audit.forget(request=s.kept["answer"].request_id, **WHY, **who)
    ),
    "names": none("the hashes of names that ragkit.toml holds"),
    "approve": none("nothing waits here; tests/test_approvals.py goes through all states"),
    "reviewed": row("human.reviewed", lambda s, **who: s.audit.reviewed(s.kept["answer"].request_id, "right", **who)),
    "handed_off": row(
        "human.handoff", lambda s, **who: s.audit.handed_off(s.kept["answer"].request_id, **who), refused=False
    ),
    "disclosed": row("disclosure.shown", lambda s, **who: s.audit.disclosed(text="2026-11", **who), refused=False),
    "report_incident": row(
        "incident.reported",
        _keep("incident", lambda s, **who: s.audit.report_incident("low", reason="odd", **who)),
        refused=False,
    ),
    "close_incident": row(
        "incident.closed", lambda s, **who: s.audit.close_incident(s.kept["incident"], reason="seen", **who)
    ),
}
READINESS: dict[str, Row] = {
    "open": none("it opens files", lambda s, **who: s.readiness.open()),
    "warm": none("it loads models and asks nothing", lambda s, **who: s.readiness.warm()),
    "missing": none("it says whether questions can be answered", lambda s, **who: s.readiness.missing()),
    "note_service": row(
        "service.started",
        lambda s, **who: s.readiness.note_service("service.started", {"authentication": "none", "host": "loopback"}),
        refused=False,
    ),
}
ROOMS: dict[str, tuple[type, dict[str, Row]]] = {
    "workspace": (Workspace, WORKSPACE),
    "documents": (Documents, DOCUMENTS),
    "sources": (Sources, SOURCES),
    "audit": (Audit, AUDIT),
    "readiness": (Readiness, READINESS),
    "generators": (Generators, GENERATORS),
    "egress": (Egress, EGRESS),
    "keeping": (Keeping, KEEPING),
    "subjects": (Subjects, SUBJECTS),
    "api_keys": (ApiKeys, API_KEYS),
    "desk": (Desk, DESK),
    "keys": (Keys, KEYS),
}
"""In the order in which they are gone through: what destroys comes last."""

VERBS: dict[str, Sequence[str] | str] = {
    "ask": ["ask_stream"],
    "search": ["search"],
    "sync": ["sync"],
    "remask": ["remask"],
    "rebuild": ["rebuild"],
    "mask": ["mask_text"],
    "reveal": ["reveal_stream"],
    "quarantine list": ["quarantined"],
    "quarantine show": ["sources.set_aside", "sources.name"],
    "quarantine retry": ["sources.retry"],
    "sources list": ["sources.list"],
    "sources test": ["sources.test"],
    "sources add": "writes ragkit.toml; the next opening leaves `config.changed`",
    "diff": ["sources.diff"],
    "status": ["status"],
    "doctor": ["doctor"],
    "usage": ["usage"],
    "attack": "leaves `attack.run`, held by tests/attack/test_run.py",
    "backup": ["keeping.backup"],
    "restore": "leaves `backup.restored` in the restored workspace, held by tests/end_to_end/test_keeping.py",
    "retention run": ["keeping.retain", "keeping.due"],
    "hold place": ["keeping.place_hold"],
    "hold list": ["keeping.holds"],
    "hold release": ["keeping.release_hold"],
    "documents list": ["documents.list"],
    "documents show": ["documents.get", "documents.passages"],
    "documents add": ["documents.hand_in", "documents.take_in"],
    "documents delete": ["documents.take_back", "documents.clear_away"],
    "mcp": "its tools leave the events of search, ask, documents; with a key `auth.ok`: tests/serve/test_mcp_stdio.py",
    "serve": "leaves `service.started` and `service.stopped`, held by tests/serve/test_serve_command.py",
    "keys create": ["api_keys.create"],
    "keys list": ["api_keys.list"],
    "keys revoke": ["api_keys.revoke"],
    "keys rotate": ["api_keys.rotate"],
    "keys prune": ["api_keys.prune"],
    "key show": ["keys.show"],
    "key rotate": ["keys.rotate", "keys.finish", "keys.rotate_wrapping"],
    "key escrow": ["keys.escrow_to_passphrase", "keys.escrow_to_officer", "keys.escrow_in_shares"],
    "key recover": "leaves `key.recovered`, held by tests/end_to_end/test_keys.py",
    "subject find": ["subjects.find"],
    "subject export": ["subjects.export"],
    "subject correct": ["subjects.correct"],
    "subject restrict": ["subjects.restrict"],
    "subject lift": ["subjects.lift"],
    "subject erase": ["subjects.erase"],
    "subject resume": ["subjects.resume"],
    "subject receipt": ["subjects.receipt", "subjects.check_receipt"],
    "egress explain": ["egress.explain"],
    "generators list": ["generators.listed"],
    "generators test": ["generators.test"],
    "eval retrieval": "asks with `search_many` and `unsafe_native_ids`, which leave theirs",
    "eval answers": "asks as `ask` does, which leaves its events",
    "eval pii": "reads a labelled file and no workspace content",
    "init": "makes a workspace; there is no log yet",
    "config check": "reads ragkit.toml alone",
    "config show": "reads ragkit.toml alone",
    "config reference": "prints documentation",
    "models verify": "reads model files alone",
    "policy list": "reads ragkit.toml alone",
    "policy show": "reads ragkit.toml alone",
    "audit log": ["audit.log"],
    "audit show": ["audit.show"],
    "audit egress": ["audit.egress"],
    "audit access": ["audit.access", "audit.sight"],
    "audit diff": ["audit.diff"],
    "audit gaps": ["audit.gaps"],
    "audit retention": ["audit.retained"],
    "audit guards": ["audit.guards"],
    "audit oversight": ["audit.oversight"],
    "audit export": ["audit.export"],
    "audit blast-radius": ["audit.blast_radius"],
    "audit verify": ["audit.verify"],
    "audit evidence": ["audit.evidence"],
    "audit forget": ["audit.forget"],
    "audit replay": ["audit.replay", "audit.replays"],
    "audit report": ["audit.report"],
    "audit checkpoint": ["audit.checkpoint", "audit.accept_log"],
    "audit anchor": ["audit.anchor", "audit.anchored"],
    "audit prove": ["audit.prove", "audit.prove_growth"],
    "audit check": ["audit.check"],
    "audit review-permissions": ["audit.review_permissions"],
    "audit key show": ["audit.signing_key"],
    "audit key rotate": ["audit.rotate_key"],
    "audit approvals list": ["audit.approvals"],
    "audit approvals grant": ["audit.approve"],
    "audit review": ["audit.reviewed"],
    "audit incident report": ["audit.report_incident"],
    "audit incident close": ["audit.close_incident"],
}


def _write(scene: Scene) -> None:
    documents = scene.folder / "documents"
    documents.mkdir(exist_ok=True)
    (documents / "warranty.md").write_text(
        f"# Warranty\n\nThe warranty on every tent lasts five years. Write to {MAIL}."
    )
    (documents / "1043.txt").write_text(f"The stove has a broken burner. It was sent in by {OTHER}.\n")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A workspace that nobody has synced."""
    folder = tmp_path_factory.mktemp("matrix")
    (folder / "shares").mkdir()
    (folder / "ragkit.toml").write_text(
        f"""
[workspace]
name = "test"
owner = "local|ana"
[keys]
source = "file"
path = "{folder / "root.key"}"
[audit]
mode = "compliance"
[audit.key]
path = "{folder / "audit.key"}"
[[audit.anchors]]
name = "safe"
kind = "file"
path = "{folder / "anchors.txt"}"
[roles]
auditors = ["u:local|ana"]
[policies.forms]
profile = "default"
detectors = []
[collections.shop]
policy = "forms"
access = ["u:local|ana"]
reveal = ["u:local|ana"]
officers = ["u:local|ana"]
[[collections.shop.sources]]
connector = "files"
name = "folder"
path = "documents"
[[collections.shop.sources]]
connector = "uploads"
name = "uploads"
[[retention]]
collection = "shop"
days = 1000
"""
    )
    create_key_file(folder / "root.key")
    with open_workspace(folder) as workspace:
        yield Scene(workspace, folder)


def _rows() -> list[Any]:
    return [
        pytest.param(room, name, id=name if room == "workspace" else f"{room}.{name}")
        for room, (_, rows) in ROOMS.items()
        for name in rows
    ]


@pytest.mark.parametrize(("room", "name"), _rows())
def test_every_way_in_leaves_its_events(scene: Scene, room: str, name: str) -> None:
    """Acting leaves the events of the row, named after who acted; refusing leaves ``auth.denied`` and none of them."""
    row = ROOMS[room][1][name]
    if row.act is None:
        assert row.none
        return
    if row.refused and (room, name) != ("workspace", "sync"):
        before = len(scene.events())
        with pytest.raises(AccessDenied):
            row.act(scene, principal=STRANGER)
        denied = [event for event in scene.events()[before:] if event["type"] == "auth.denied"]
        assert [event["outcome"] for event in denied] == ["denied"]
        assert denied[0]["actor"]["id"] == scene.workspace._handles.recorder.known_as(STRANGER.subject)
        assert not row.leaves & {event["type"] for event in scene.events()[before:]}
    before = len(scene.events())
    with turns_taken(scene) as taken:
        row.act(scene)
    left = scene.events()[before:]
    through = (name if room == "workspace" else f"{room}.{name}") in DEEDS
    assert bool(taken) == through or (room, name) in COMPOSED, (
        "what takes the writer's lock goes through a service that runs: see control/deeds.py"
    )
    assert row.leaves <= {event["type"] for event in left}, sorted({event["type"] for event in left})
    if not row.leaves:
        assert row.none
        assert {event["type"] for event in left} <= {"model.loaded"}
    me = scene.workspace._handles.recorder.known_as("local|ana")
    unnamed = {event["type"] for event in left if event["actor"]["id"] not in (me,)}
    assert not (unnamed & row.leaves) - BY_THE_SYSTEM, "these do not say who did it"


@contextmanager
def turns_taken(scene: Scene) -> Iterator[list[str]]:
    """Collect the verbs for which the writer's lock is taken."""
    turns, taken = scene.workspace.turns, list[str]()
    turn = turns.turn

    def watched(verb: str) -> Any:
        taken.append(verb)
        return turn(verb)

    turns.turn = watched  # type: ignore[method-assign]
    try:
        yield taken
    finally:
        del turns.turn


COMPOSED = {("documents", "add"), ("documents", "delete")}
"""Libraries' verbs, of a part that needs no lock and one that the command line has done by the service."""

BY_THE_SYSTEM = {
    "model.loaded", "erasure.step", "erasure.verified", "erasure.receipt", "key.destroyed", "verify.run", "checkpoint",
}  # fmt: skip
"""Steps of something whose first event names who asked for it, joined to it by the request; and what a process does."""


def test_a_stranger_is_told_apart_before_the_first_sync(tmp_path: Path) -> None:
    """Where nothing was synced there is no log, and who may not is refused all the same."""
    (tmp_path / "ragkit.toml").write_text(
        f"""
[workspace]
name = "test"
owner = "local|ana"
[keys]
source = "file"
path = "{tmp_path / "root.key"}"
[collections.shop]
access = ["u:local|ana"]
"""
    )
    create_key_file(tmp_path / "root.key")
    with open_workspace(tmp_path) as workspace, pytest.raises(AccessDenied):
        workspace.sync(principal=STRANGER)


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_method_has_a_row(room: str) -> None:
    """A method that is added must say what it leaves."""
    of, rows = ROOMS[room]
    public = {name for name in dir(of) if not name.startswith("_")} - (set(ROOMS) if room == "workspace" else set())
    assert public == set(rows)


def _verbs(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from _verbs(inner, (*path, name))
    else:
        yield " ".join(path), command


def test_every_verb_has_a_row_and_goes_through_its_methods() -> None:
    """A verb of the command line acts through the methods of its row, which leave the events."""
    verbs = dict(_verbs(typer.main.get_command(app)))
    assert set(verbs) == set(VERBS)
    for verb, through in VERBS.items():
        if isinstance(through, str):
            assert through
            continue
        module = inspect.getsource(inspect.getmodule(inspect.unwrap(verbs[verb].callback)))  # type: ignore[arg-type]
        for name in through:
            room, _, method = name.rpartition(".")
            assert method in ROOMS[room or "workspace"][1]
            assert f"here.{name}(" in module, f"{verb} does not call {name}"


def test_a_process_says_that_it_begins_and_ends(scene: Scene) -> None:
    """The first events of a process say what was opened and who acts; the last how much it did."""
    kinds = [event["type"] for event in scene.events()]
    assert kinds[:3] == ["log.opened", "workspace.opened", "config.changed"]
    assert kinds.count("principal.seen") == 2, "Ana and Eve, once each"
    with open_workspace(scene.folder) as again:
        again.status()
        again.usage()
    last = [event for event in scene.events() if event["writer"] == scene.events()[-1]["writer"]]
    told = [event["type"] for event in last if event["type"] not in ("model.loaded", "checkpoint")]
    assert told == ["log.opened", "workspace.opened", "principal.seen", "auth.ok", "log.closed"]


def test_a_request_joins_the_events_of_a_question(scene: Scene) -> None:
    """Question, search, generation and answer have one request id."""
    answer = scene.workspace.ask(QUESTION)
    joined = [event["type"] for event in scene.events() if event["request"] == answer.request_id]
    assert joined == ["query.received", "retrieval.done", "request.assembled", "generation.done", "answer.released"]
