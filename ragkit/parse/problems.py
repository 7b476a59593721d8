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
        "Save it in a supported format, such as DOCX or PDF, or exclude it in the source's `exclude`.",
    ),
    "encrypted": ("the file is encrypted", "Store it without a password, or exclude it."),
    "no-text-layer": (
        "no page has a text layer: the file holds images of text",
        "Install `ragkit[ocr]` and Tesseract's language data (or run OCR over the file), and sync again.",
    ),
    "ocr-absent": (
        "a picture is read by OCR, which is off or not installed",
        "Install `ragkit[ocr]` and Tesseract's data of each of `ocr_languages`, or exclude pictures.",
    ),
    "malformed": ("the bytes cannot be read as the format they appear to be", "Open the file and save it again."),
    "xml-entities": (
        "the XML makes entities of other entities or of files",
        "Save it with its entities resolved, or exclude it.",
    ),
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
    "too-nested": (
        "what the file holds is nested too deeply",
        "Unpack or flatten what lies inside, and index that.",
    ),
    "image-too-large": ("the picture has more points than allowed", "Save it smaller, or exclude it."),
    "too-much-text": ("the text is longer than the parser's limit", "Split the file."),
    "too-many-parts": (
        "the message or mailbox has more parts than allowed",
        "Save the attachments as files of their own; read a mailbox by the `mailbox` connector.",
    ),
    "too-large": ("the item is larger than the source's limit", "Split it, or raise `max_bytes` of the source."),
    "too-deep": ("the folder is nested too deeply", "Move it nearer to the top, or exclude it."),
    "unreadable": ("the item cannot be read", "Check that this user may read it."),
    "other-host": (
        "the file lies on another host than the source",
        "Name that host in `download_hosts` of the source, if it may be read.",
    ),
    "server-fault": (
        "the server could not give the item, and may later",
        "It is asked for again at the next sync; see the server's own log.",
    ),
    "forbidden": ("the source does not let it be read", "Give the account of the source the right, or exclude it."),
    "leads-away": (
        "the page leads to another host, as a page of login does",
        "Give the source `authorization`, or exclude the page.",
    ),
    "too-many-pages": (
        "the site has more pages than the source may read",
        "Raise `max_pages` of the source, or narrow it by `include`, `exclude` or `prefix`.",
    ),
    "archived": ("the object is in an archive from which it must be fetched first", "Restore it, or exclude it."),
    "submodule": ("the path is another repository", "Make a source of that repository, or exclude the path."),
    "lfs-pointer": (
        "the file's content is in Git LFS, on another server",
        "Add a folder into which `git lfs pull` wrote it as a source, or exclude the path.",
    ),
    "corrupt-object": ("the repository no longer holds the file whole", "Repair it: see `git fsck`."),
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
    "duplicate-id": ("another item of the source has the same id", "Give it an id of its own, or remove it."),
    "no-id": ("the item has no id", "Give it one: without it a change cannot be told from a new item."),
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
