"""Answers and hits as JSON objects and as text; masked, unless the caller has revealed them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ragkit.cli.output import say
from ragkit.cli.shapes import shaped

if TYPE_CHECKING:
    from ragkit.types import Answer, Citation, Hit
    from ragkit.workspace import Workspace

_SNIPPET = 240
_SEPARATOR = "\x1e"
_SEVERAL = {
    "PERSON": "the name in your question matches several people; all of them were searched for. Say more of the name",
    "EMAIL_ADDRESS": "what your question has of an e-mail address matches several; give the whole address",
}
_SEVERAL_VALUES = "something in your question matches several values; give it whole"
_TEXTS = ("title", "uri", "heading", "quote")


def answer_texts(
    workspace: Workspace, answer: Answer, *, purpose: str | None = None
) -> tuple[str, list[dict[str, Any]]]:
    """Return the text and the citations of an answer: masked, or in clear by one recorded reveal for ``purpose``."""
    cited = [_citation_json(one) for one in answer.citations]
    if purpose is None:
        return answer.text, cited
    masked = [answer.text, *(one[key] or "" for one in cited for key in _TEXTS)]
    revealed = workspace.reveal(_SEPARATOR.join(masked), purpose=purpose, collection=answer.collection)
    clear = revealed.split(_SEPARATOR)
    if len(clear) != len(masked):  # a value holds the separator itself: then only the answer is shown in clear
        return workspace.reveal(answer.text, purpose=purpose, collection=answer.collection), cited
    parts = iter(clear[1:])
    for one in cited:
        one.update({key: next(parts) or (None if key == "uri" else "") for key in _TEXTS})
    return clear[0], cited


def answer_json(answer: Answer, text: str, cited: list[dict[str, Any]], *, revealed: bool) -> dict[str, Any]:
    """Return the payload of the shape ``answer``; hits and question stay masked."""
    return {
        "question": answer.question.record,
        "collection": answer.collection,
        "text": text,
        "refused": answer.refused,
        "reason": answer.reason,
        "support": float(answer.support),
        "citations": cited,
        "hits": hits_json(answer.hits),
        "revealed": revealed,
        "ambiguous": dict(answer.ambiguous),
        "request_id": answer.request_id,
        "account": _account_json(answer),
        "checks": shaped("checks", asdict(answer.checks)),
        "timings_ms": {stage: float(ms) for stage, ms in answer.timings_ms.items()},
    }


def hits_json(hits: Iterable[Hit]) -> list[dict[str, Any]]:
    """Return hits as objects of the shape ``hit``."""
    return [shaped("hit", _hit_fields(hit, rank)) for rank, hit in enumerate(hits, 1)]


def print_answer(answer: Answer, text: str, cited: list[dict[str, Any]]) -> None:
    """Print the answer, unless it is printed already, and a line a citation; say on standard error what is wrong."""
    say(text)
    if cited:
        say()
    for one in cited:
        page = f"page {one['page']}" if one["page"] else ""
        place = ", ".join(part for part in (one["title"], page, one["heading"]) if part)
        source = f"document {one['doc_id']}, version {one['version']}, characters {one['start']}-{one['end']}"
        say(f"[{one['marker']}] {place} ({source})")
    if answer.refused:
        say(f"(no answer: {answer.reason})", err=True)
    if answer.account.model:
        say(f"({_account_line(answer)})", err=True)
    for entity_type in sorted(answer.ambiguous):
        say(f"({_SEVERAL.get(entity_type, _SEVERAL_VALUES)})", err=True)


def print_hits(hits: Iterable[Hit]) -> None:
    """Print a title line and the beginning of the text for each hit."""
    count = 0
    for count, hit in enumerate(hits, 1):
        page = f", page {hit.chunk.page}" if hit.chunk.page else ""
        body = " ".join(hit.chunk.record.split())
        say(f"{count}. {hit.title}{page} (score {hit.score:.3f}, document {hit.doc_id})")
        say(f"   {body[:_SNIPPET]}{'…' if len(body) > _SNIPPET else ''}")
    if not count:
        say("Nothing was found.", err=True)


def _account_line(answer: Answer) -> str:
    """Who answered, by which route, with how many tokens and for how much."""
    account, checks = answer.account, answer.checks
    parts = [f"{account.backend}, {account.model}, {account.location.value}"]
    if account.route != "only":
        parts.append(f"route {account.route}" + (f" ({account.reason})" if account.reason else ""))
    about = "about " if account.usage.estimated else ""
    parts.append(f"{about}{account.usage.input:,} tokens in, {account.usage.output:,} out")
    if account.cost_micro is not None:
        parts.append(f"{account.cost_micro / 1_000_000:.4f} {account.currency}")
    parts += [f"{count} {name.replace('_', ' ')}" for name, count in asdict(checks).items() if count]
    return "; ".join(parts)


_UNTOLD = ("usage", "location", "placed", "max_tokens", "temperature", "seed")


def _account_json(answer: Answer) -> dict[str, Any]:
    account = answer.account
    fields = {key: value for key, value in asdict(account).items() if key not in _UNTOLD}
    usage = account.usage
    counted = {"input_tokens": usage.input, "output_tokens": usage.output, "estimated": usage.estimated}
    return shaped("account", {**fields, **counted, "location": account.location.value})


def _hit_fields(hit: Hit, rank: int) -> dict[str, Any]:
    return {
        "rank": rank,
        "doc_id": hit.doc_id,
        "version": hit.version,
        "chunk_id": hit.chunk_id,
        "score": float(hit.score),
        "title": hit.title,
        "uri": hit.uri,
        "source": hit.provenance.source,
        "trust": hit.provenance.trust.value,
        "indexed_at": hit.provenance.indexed_at,
        "page": hit.chunk.page,
        "heading": hit.chunk.heading,
        "start": hit.chunk.source_start,
        "end": hit.chunk.source_end,
        "text": hit.chunk.record,
        "metadata": dict(hit.metadata),
    }


def _citation_json(citation: Citation) -> dict[str, Any]:
    where = ("doc_id", "version", "chunk_id", "title", "uri", "source", "page", "heading", "start", "end")
    return shaped("citation", {key: getattr(citation, key) for key in ("marker", *where, "quote")})
