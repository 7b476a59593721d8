"""Every way in which one item can fail on its way to a document, with what to do about it.

The code is the contract: it stands in the sync summary, in scripts and in the child's answers. The words are chosen
here, on the trusted side, so that nothing a parser says about a document can reach an error.
"""

from __future__ import annotations

from typing import Final

from ragkit.errors import ItemError, ItemRefused, ParseError

_PARSE: Final = {
    "unsupported-type": (
        "no parser reads this media type",
        "Convert the item to one of the supported formats, or exclude it in the source's `exclude`.",
    ),
    "encrypted": ("the file is encrypted", "Store it without a password, or exclude it."),
    "no-text-layer": (
        "no page has a text layer: the file holds images of text",
        "Run OCR over the file (such as `ocrmypdf`) and sync again.",
    ),
    "malformed": ("the bytes cannot be read as the format they appear to be", "Open the file and save it again."),
    "parser-timeout": (
        "the parser took longer than allowed",
        "Split the file, or raise `timeout_s` of the parser.",
    ),
    "parser-crashed": ("the parser process died on this item", "Open the file and save it again, or exclude it."),
    "parser-memory": (
        "the parser needed more memory than allowed",
        "Split the file, or raise `memory_mb` of the parser.",
    ),
    "parser-failed": ("the parser met a state it does not know", "Report it with a file like this one, or exclude it."),
    "bad-answer": ("the parser process gave an answer out of form", "Exclude the item and report it."),
}
_REFUSED: Final = {
    "archive-bomb": (
        "the file unpacks to far more than its size",
        "Check where the file comes from; split it if it is honest.",
    ),
    "too-much-text": ("the text is longer than the parser's limit", "Split the file."),
    "too-many-parts": ("the message has more parts than allowed", "Save the attachments as files of their own."),
    "too-large": ("the item is larger than the source's limit", "Split it, or raise `max_bytes` of the source."),
    "too-deep": ("the folder is nested too deeply", "Move it nearer to the top, or exclude it."),
    "unreadable": ("the item cannot be read", "Check that this user may read it."),
    "symbolic-link": (
        "the item is a symbolic link, which is never followed",
        "Put the file itself there, add its folder as a source, or exclude the link.",
    ),
    "not-a-file": ("the item is a pipe, socket or device", "Remove or exclude it."),
    "bad-line": ("the line is no JSON object with an id and a text", "Mend the line."),
    "no-text": ("the document has no text", "Exclude it, or run OCR over it if it is a picture of text."),
    "secret-found": (
        "the text holds credentials",
        'Revoke them and take them out, or set `secrets = "mask"` in the policy.',
    ),
    "policy-refused": ("the policy refuses what the text holds", "Take it out, or give the type another operator."),
    "chunk-too-long": ("a stretch is longer than the encoder reads", "Break it up, or exclude the item."),
    "erased": (
        "the document was deleted with the person it is about",
        "Hand it in again without that person, if it is needed.",
    ),
    "expired": ("it is older than a retention rule allows", "See the rules under [[retention]] in ragkit.toml."),
    "duplicate-id": ("an earlier line has the same id", "Give the line an id of its own, or remove it."),
}


def problem(code: str, *, detail: str = "") -> ItemError:
    """Make the error for a code.

    Args:
        code: One of this page's codes; any other (a connector's own) is refused as unreadable under that code.
        detail: A media type, checked by the caller to be nothing else.
    """
    kind: type[ItemError] = ParseError if code in _PARSE else ItemRefused
    message, remedy = _PARSE.get(code) or _REFUSED.get(code) or ("the connector refused the item", _ASK)
    return kind(f"{message} ({detail})" if detail else message, code=code, remedy=remedy)


_ASK: Final = "See the connector's documentation for this code."
