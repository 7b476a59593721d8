"""Proof that a person is erased, level by level; what was looked at and what was found, never rounded up.

L0 asks questions by the person's values. L1 counts rows and reads every text. L2 looks through the bytes of every file
in the data directory: for the values however they are written, for vectors, sealed texts and wrapped keys of what was
removed. L3 looks whether the record keys are gone, and which copies of the key file may still have them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.errors import IndexProblem
from ragkit.lifecycle.bytescan import Found, Pattern, PatternScanner, raw, spellings
from ragkit.lifecycle.desk import naming
from ragkit.lifecycle.erase_plan import Plan
from ragkit.lifecycle.evidence import about, empty_log
from ragkit.mask.tokens import TOKEN
from ragkit.store.erasure import ErasureRows
from ragkit.store.erasure_traces import ErasureTraces
from ragkit.store.pastrows import PastRows
from ragkit.store.receipts import Receipts
from ragkit.store.transfer import row_bytes

if TYPE_CHECKING:
    from ragkit.lifecycle.erase_steps import Ground
    from ragkit.lifecycle.erase_survey import Find

TRUE, FALSE, PARTLY = "true", "false", "partly"
LEAST_CHARACTERS = 5
"""Shorter values are not looked for as bytes: some file of random bytes has them."""
_QUESTIONS = 8
_FIRST = ("PERSON", "EMAIL_ADDRESS", "CUSTOMER_NUMBER", "PHONE_NUMBER")


@dataclass(frozen=True, slots=True)
class Level:
    """One level. ``looked_at`` and ``found`` are counts by kind; ``copies`` ids of copies of the key file."""

    reached: str
    looked_at: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    copies: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "reached": self.reached,
            "looked_at": self.looked_at,
            "found": self.found,
            **({"copies": list(self.copies)} if self.copies else {}),
        }


def prove(ground: Ground, request: str, plan: Plan) -> dict[str, Level]:
    """Look at every level."""
    return {
        "L0": hidden(ground, request, plan),
        "L1": absent_from_rows(ground, request, plan),
        "L2": absent_from_bytes(ground, plan),
        "L3": keys_destroyed(ground, plan),
    }


def hidden(ground: Ground, request: str, plan: Plan) -> Level:
    """L0: ask by the person's values, and look whether anything of theirs comes back."""
    find, deleted = ground.find(request, plan), set(plan.deleted)
    asked = sorted(plan.own, key=lambda item: (item[0] not in _FIRST, item))[:_QUESTIONS]
    tokens = frozenset(filter(None, plan.tokens))
    hits = found = refused = 0
    for _, value in asked:
        try:
            answers = ground.search(value)
        except IndexProblem:
            refused += 1
            continue
        for hit in answers:
            hits += 1
            texts = (hit.title, hit.chunk.record, hit.before, hit.after, hit.uri or "", *hit.metadata.values())
            named = any(token in text for token in tokens for text in texts) or any(
                find(TOKEN.sub(" ", text)) for text in texts
            )
            found += hit.doc_id in deleted or named
    looked = {"questions": len(asked) - refused, "hits": hits, "refused": refused}
    return Level(FALSE if found else PARTLY if refused else TRUE, looked, {"hits": found} if found else {})


def absent_from_rows(ground: Ground, request: str, plan: Plan) -> Level:
    """L1: count the rows that should be gone, and read every text that is left."""
    database, collection = ground.store.database, ground.store.collection
    rows, traces = ErasureRows(database, collection), ErasureTraces(database, collection)
    left = traces.left(macs=[bytes.fromhex(mac) for mac in plan.macs], numbers=plan.numbers, doc_ids=plan.deleted)
    find, tokens = ground.find(request, plan), frozenset(filter(None, plan.tokens))
    documents = texts = named = 0
    for _, held in rows.texts():
        documents += 1
        texts += len(held)
        named += _naming(held, find, tokens)
    past, older, named_there = PastRows(database, collection), 0, 0
    for _, held in past.texts():
        older += 1
        named_there += _naming(held, find, tokens)
    left |= {"texts": named, "past_texts": named_there, "past": len(past.present(plan.past))}
    kept = 0
    if ground.evidence is not None and ground.evidence.exists:
        theirs, kept, _ = about(ground.evidence, collection.name, plan, find)
        left["evidence"] = len(theirs)
    talks = 0
    if ground.desk is not None and ground.desk.exists:
        named_in, talks = naming(ground.desk, collection.name, plan, find, ground.vault)
        left["conversations"] = len(named_in)
    found = {name: number for name, number in left.items() if number}
    looked = {"documents": documents, "texts": texts}
    more = (("past", older), ("evidence", kept), ("conversations", talks))
    looked |= {name: number for name, number in more if number}
    return Level(FALSE if found else TRUE, looked, found)


def _naming(texts: Sequence[str], find: Find, tokens: frozenset[str]) -> int:
    """How many of these texts name the person."""
    return sum(bool(find(TOKEN.sub(" ", text))) or any(token in text for token in tokens) for text in texts)


def absent_from_bytes(ground: Ground, plan: Plan) -> Level:
    """L2: look through every file. A page that a row was moved away from is written anew when it still has traces.

    Of records on a server, what its rows hold is looked through, and the level is reached in part: the server's own
    files, log, replicas and backups are not, and what they keep is unreadable by L3.
    """
    patterns, short = _patterns(plan)
    looked = {"patterns": len(patterns), "too_short": short}
    if not patterns:
        return Level(TRUE if not short else PARTLY, looked)
    scanner = PatternScanner(patterns)
    found = _unexplained(ground, plan, _everywhere(ground, scanner))
    if any(Path(one.where).name.startswith(("records.db", "evidence.db", "desk.")) for one in found):
        _write_anew(ground)
        found = _unexplained(ground, plan, _everywhere(ground, scanner))
        looked["written_anew"] = 1
    files = [path for path in ground.data_folder.rglob("*") if path.is_file()]
    looked |= {"files": len(files), "bytes": sum(path.stat().st_size for path in files)}
    if remote := ground.store.database.backend.remote:
        looked["server_files_not_read"] = 1
    kinds: dict[str, int] = {}
    for one in found:
        kind = one.encoding if one.item >= len(plan.own) else "values"
        kinds[kind] = kinds.get(kind, 0) + 1
    return Level(FALSE if found else PARTLY if short or remote else TRUE, looked, kinds)


def _everywhere(ground: Ground, scanner: PatternScanner) -> list[Found]:
    """What is found in the files of the data directory, and in the rows that are on a server."""
    found = scanner.scan_tree(ground.data_folder)
    if ground.store.database.backend.remote:
        for table, held in row_bytes(ground.store.database):
            found += scanner.scan_bytes(held, where=f"records.db ({table})")
    return found


def keys_destroyed(ground: Ground, plan: Plan) -> Level:
    """L3: the record keys are gone from the key file, and from every copy of it that is known."""
    records, database = ground.store.collection.records, ground.store.database
    places = set(plan.places) - _current(ground, plan)
    left = records.present(places)
    fresh = ground.renew()
    copies = tuple(copy for copy, _ in Receipts(database.key_file).copies("keys") if copy != fresh)
    reached = FALSE if left else PARTLY if copies else TRUE
    return Level(reached, {"keys": len(places), "copies": len(copies)}, {"keys": len(left)} if left else {}, copies)


def _current(ground: Ground, plan: Plan) -> set[str]:
    """The places of what documents answer with now, after redaction."""
    traces = ErasureTraces(ground.store.database, ground.store.collection)
    return set(traces.places_of(plan.redacted)) - set(traces.replaced_places(plan.redacted))


def _patterns(plan: Plan) -> tuple[list[Pattern], int]:
    """What to look for, the values first, and how many values are too short for that."""
    long = [place for place, (_, value) in enumerate(plan.own) if len(value) >= LEAST_CHARACTERS]
    patterns = [pattern for place in long for pattern in spellings(plan.own[place][1], place)]
    patterns = [one for one in patterns if len(one.data) >= LEAST_CHARACTERS]
    number = len(plan.own)
    for kind, traces in plan.traces.items():
        for trace in traces:
            patterns.append(raw(bytes.fromhex(trace), kind, number))
            number += 1
    return patterns, len(plan.own) - len(long)


def _unexplained(ground: Ground, plan: Plan, found: Sequence[Found]) -> list[Found]:
    """Without what is there for a reason: a vector of an equal text, an everyday word that is a value too."""
    if not found:
        return []
    traces = [bytes.fromhex(one) for kind in plan.traces.values() for one in kind]
    vectors = {traces[one.item - len(plan.own)] for one in found if one.encoding == "vector"}
    alive = ErasureTraces(ground.store.database, ground.store.collection).vectors_alive(vectors)
    words = {one.item for one in found if one.item < len(plan.own)}
    spoken = _spoken(ground, plan, words) if words else set()
    return [
        one
        for one in found
        if not (one.encoding == "vector" and traces[one.item - len(plan.own)] in alive)
        and not (one.item in spoken and "/index/" in one.where)
    ]


def _spoken(ground: Ground, plan: Plan, items: set[int]) -> set[int]:
    """Single words that texts of others hold in the index view: as surrogates, or with another meaning."""
    words = {item: plan.own[item][1].casefold() for item in items if len(plan.own[item][1].split()) == 1}
    found: set[int] = set()
    for row in ground.store.index_source().rows() if words else ():
        text = row.text.casefold()
        found |= {item for item, word in words.items() if word in text}
    return found


def _write_anew(ground: Ground) -> None:
    """Rewrite record store and evidence: where rows were moved, pages may keep what stood there before."""
    database = ground.store.database
    database.vacuum()
    database.checkpoint_truncate()
    if ground.evidence is not None:
        ground.evidence.write_anew()
        empty_log(ground.evidence)
    if ground.desk is not None:
        ground.desk.write_anew()
