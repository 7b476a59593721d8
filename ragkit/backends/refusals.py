"""What a server's refusal means, told without a word of the server's own.

A server may repeat the prompt in its error, and its model may write anything. So its text is only looked through for
known words; what is shown is ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ragkit.errors import GenerationError, GeneratorRefused, GeneratorUnavailable

ERROR_BYTES: Final = 65_536
"""How much of an error's body is looked through."""

_SIGNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (code, re.compile("|".join(patterns)))
    for code, patterns in (
        (
            "filter",
            ("content_filter", "content management policy", "responsibleaipolicy", "guardrail", "safety system"),
        ),
        (
            "context",
            (
                "context_length",
                "context length",
                "context.{0,20}(size|window)",
                "maximum context",
                "exceed_context",
                "too many (input )?tokens",
                "(prompt|input) is too long",
                "inputs`? (tokens|must have)",
                "max_model_len",
                "input_too_long",
                "maximum (input|sequence) length",
                "reduce the length",
                "at most [0-9]+ (completion )?tokens",
            ),
        ),
        (
            "model",
            (
                "model_?not_?found",
                "deploymentnotfound",
                "(invalid|unknown|unsupported|no such)[ _]model",
                "model.{0,140}(does not exist|not found|doesn't exist|is invalid|not available|isn't supported)",
                "model.{0,140}(is not a valid|no longer|not deployed|end of life)",
                "not_found_error.{0,40}model",
                "try pulling it",
                "deployment.{0,40}does not exist",
                "model identifier",
            ),
        ),
        ("quota", ("insufficient_quota", "billing", "credit", "payment", "exceeded your current quota", "balance")),
        (
            "key",
            (
                "api[ _-]?key",
                "authenticat",
                "unauthorized",
                "invalid token",
                "security token",
                "signature",
                "access ?key",
            ),
        ),
        (
            "parameter",
            (
                "unsupported[_ ](parameter|value)",
                "unrecognized",
                "unknown (field|param|name)",
                "extra_forbidden",
                "extra (inputs|fields)",
                "not permitted",
                "not supported",
                "is deprecated",
                "unexpected (keyword|field)",
                "malformed input request",
            ),
        ),
    )
)


_NOT_THE_KEY = re.compile("signature|security token|expired|(invalid|incorrect|wrong) (api[ _-]?key|token|credentials)")
"""Who is not known is answered 401 by most and 403 by Amazon."""


def words_of(raw: bytes) -> str:
    """Return what an error says, lower-cased, for :func:`code_of`. Never shown, logged or kept."""
    text = raw[:ERROR_BYTES].decode("utf-8", "replace")
    try:
        return " ".join(_strings(json.loads(text))).lower()
    except (ValueError, RecursionError):
        return text.lower()


def _strings(found: Any, *, depth: int = 0) -> Iterable[str]:
    if isinstance(found, str):
        yield found
    elif depth < 6 and isinstance(found, dict):
        for value in found.values():
            yield from _strings(value, depth=depth + 1)
    elif depth < 6 and isinstance(found, list):
        for value in found:
            yield from _strings(value, depth=depth + 1)


def code_of(status: int, words: str) -> str:
    """Return what a refusal is about, as a word: ``model``, ``context``, ``key`` and so on."""
    if status in (401, 407):
        return "key"
    if status == 402:
        return "quota"
    signs = [code for code, pattern in _SIGNS if pattern.search(words)]
    if status == 403:
        wrong_key = "key" if _NOT_THE_KEY.search(words) else "forbidden"
        return next((code for code in signs if code in ("filter", "quota", "model")), wrong_key)
    if status in (404, 405, 410):
        return "model" if "model" in signs and status != 405 else "path"
    if status == 413:
        return "context" if "context" in signs else "size"
    return signs[0] if signs else "refused"


def blamed(words: str, names: Sequence[str]) -> str | None:
    """Return the one of these parameters that a refusal is about."""
    return next((name for name in names if re.search(rf"(?<!\w){re.escape(name.lower())}(?!\w)", words)), None)


_REFUSALS: Mapping[str, tuple[str, str]] = {
    "context": (
        "the prompt and the answer are longer than the model's context",
        "Set `context_tokens` of the generator to what the server allows, or start the server with a longer context.",
    ),
    "model": (
        "the server has no model of this name",
        "Correct `model`: it is the name under which the server lists it.",
    ),
    "key-missing": ("the server asks for a key and none is set", 'Write `api_key = {env = "VARIABLE"}`.'),
    "key": ("the server does not accept the key", "Check that the key is whole, still valid and of this server."),
    "forbidden": ("the key may not use this model or server", "Ask whoever runs the account to allow the model."),
    "quota": ("the account has no credit or quota left", "Top it up, or raise its limit, at the provider."),
    "path": (
        "there is no such API at this URL",
        "Write the root of the API as `url`; often it ends in /v1.",
    ),
    "size": ("the request is larger than the server takes", "Retrieve fewer chunks, or raise the server's limit."),
    "filter": ("the provider's content filter refuses the prompt", "Take another generator for this question."),
    "parameter": (
        "the server does not know one of the parameters, or not with this model",
        "Leave out what `extra_body` adds; take a newer server, or the preset made for it.",
    ),
    "redirect": ("the server sends us elsewhere, and redirects are not followed", "Write the last URL as `url`."),
    "refused": ("the server refuses the call", "Look into the server's own log: its words are not repeated here."),
}


def refusal(status: int, raw: bytes, *, destination: str, model: str, keyed: bool) -> GenerationError:
    """Return the error for a reply of 300 and above: what is wrong and what to do, in our own words.

    Args:
        status: Of the reply.
        raw: Its body, or the beginning of it.
        destination: The destination's name in ``ragkit.toml``.
        model: The model asked for.
        keyed: Whether a key was sent.
    """
    if status == 429 or status >= 500:
        return GeneratorUnavailable(
            f"destination {destination!r} is overloaded or failing (HTTP {status})",
            code="overloaded",
            remedy="Try again later, or see the server's own log.",
        )
    return told("redirect" if status < 400 else code_of(status, words_of(raw)), destination, model, keyed, status)


def told(code: str, destination: str, model: str, keyed: bool, status: int | None = None) -> GeneratorRefused:
    """Return the error for a refusal of this kind."""
    code = "key-missing" if code == "key" and not keyed else code
    message, remedy = _REFUSALS[code]
    about = f" (HTTP {status})" if status is not None else ""
    named = f" {model!r}" if code == "model" else ""
    return GeneratorRefused(f"destination {destination!r}: {message}{named}{about}", code=code, remedy=remedy)


def too_small(destination: str, room: int, wanted: int) -> GeneratorRefused:
    """Return the error for a server whose context is smaller than what ragkit was told."""
    return GeneratorRefused(
        f"destination {destination!r}: the server takes {room} tokens, and `context_tokens` says {wanted}",
        code="context",
        remedy=f"Write `context_tokens = {room}`, or start the server with a longer context.",
    )
