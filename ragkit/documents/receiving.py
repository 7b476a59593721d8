"""One document on its way in: written to the disk encrypted as it comes, then accepted under its name, or forgotten.

::

    with documents.receive(collection="handbook") as receiving:
        for piece in stream:
            receiving.write(piece)
        doc_id = receiving.accept(name="terms.pdf")        # durable from here on

File names come from strangers: of a path the last part stays, control characters and direction marks go, and a long
name is cut. Nothing here looks into the content; the parser does, in its sandbox.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pydantic import TypeAdapter, ValidationError

from ragkit import crypto
from ragkit.config_sections import AccessToken
from ragkit.connect.identity import document_id
from ragkit.errors import ExternalIdTaken, ItemRefused
from ragkit.parse.problems import problem
from ragkit.parse.sniff import media_type_of

if TYPE_CHECKING:
    from ragkit.lifecycle.uploads import Uploads
    from ragkit.store.catalog import Collection
    from ragkit.store.originals import OriginalWriter
    from ragkit.store.uploads import UploadRow

LONGEST_NAME = 200
MOST_METADATA = 32
LONGEST_VALUE = 1_000
LONGEST_ID = 500
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_TOKENS = TypeAdapter(tuple[AccessToken, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where an upload goes.

    Attributes:
        source: Name of the source of uploads.
        by: Stands for who hands it in.
        most: Most bytes that it may have.
        tell: Records that it came: document id, bytes, and how many access tokens it has.
        may_replace: Whether who hands it in may put it in the place of this upload.
    """

    source: str
    by: str
    most: int
    tell: Callable[[str, int, int], None]
    may_replace: Callable[[UploadRow], bool]


class Receiving:
    """An upload under way. A context manager: what is not accepted at its end leaves nothing on the disk.

    Args:
        uploads: Of the collection, open for writing.
        collection: Which.
        target: Where it goes.
    """

    def __init__(self, uploads: Uploads, collection: Collection, target: Target) -> None:
        self._uploads = uploads
        self._collection = collection
        self._target = target
        self._writer: OriginalWriter = uploads.files.create()

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._writer.size

    def write(self, piece: bytes) -> None:
        """Take more of the content.

        Raises:
            ItemRefused: It is larger than the source allows, code ``too-large``.
            StoreError: The disk refuses.
        """
        if self._writer.size + len(piece) > self._target.most:
            raise problem("too-large")
        self._writer.write(piece)

    def accept(
        self,
        *,
        name: str,
        media_type: str | None = None,
        title: str | None = None,
        access: Sequence[str] | None = None,
        metadata: Mapping[str, str] | None = None,
        external_id: str | None = None,
    ) -> str:
        """Enter the document: when this returns, it survives a kill. It answers once a sync has taken it in.

        Args:
            name: File name; its extension helps to tell text formats apart.
            media_type: As the caller says; what the bytes are decides.
            title: Title; by default that of the content, or the file name.
            access: Access tokens of who may see it; by default as the source says.
            metadata: Flat key to text.
            external_id: The caller's own id: the same again replaces the document, for who handed it in or may see
                it. Only its keyed hash is kept.

        Returns:
            The document's id.

        Raises:
            ItemRefused: A field is not as it must be, code ``bad-field``; or there is no content, code ``no-text``.
            ExternalIdTaken: Another's document came with this id, which this caller may not see.
            StoreError: The disk refuses.
            AuditUnavailable: It could not be recorded, so it was not taken.
        """
        if not self._writer.size:
            raise problem("no-text")
        header: dict[str, Any] = {
            "name": clean_name(name),
            "media_type": media_type_of(media_type),
            "title": clean_name(title, empty="") if title else "",
            "access": _access(access),
            "metadata": _metadata(metadata or {}),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "by": self._target.by,
            "size": self._writer.size,
        }
        upload = self._upload_id(external_id)
        doc_id = document_id(self._collection.keys, self._target.source, upload)
        self._require_mine(doc_id)
        self._writer.finish(header)
        self._target.tell(doc_id, self._writer.size, len(header["access"] or ()))
        self._uploads.rows.add(
            source=self._target.source,
            upload=upload,
            doc_id=doc_id,
            file=self._writer.file,
            key=self._writer.key,
            require=lambda: self._require_mine(doc_id),  # again: another may have been quicker
        )
        self._writer.keep()
        return doc_id

    def _require_mine(self, doc_id: str) -> None:
        row = self._uploads.rows.of(doc_id)
        if row is not None and row.state != "gone" and not self._target.may_replace(row):
            raise ExternalIdTaken("this external_id is taken")

    def _upload_id(self, external_id: str | None) -> str:
        if external_id is None:
            return crypto.opaque_id(crypto.new_key(), "upload")
        if not 0 < len(external_id) <= LONGEST_ID:
            raise _bad("external_id", f"Give 1 to {LONGEST_ID} characters.")
        return crypto.opaque_id(self._collection.keys.ids, "upload", self._target.source, external_id)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._writer.__exit__(kind, error, traceback)

    def __repr__(self) -> str:
        return f"Receiving({self._writer.size} bytes)"


def clean_name(name: str, *, empty: str = "document") -> str:
    """Return a file name or title without path, control characters and direction marks, of bearable length."""
    last = re.split(r"[/\\]", name)[-1] if empty else name
    shown = "".join(one if unicodedata.category(one) not in _HIDDEN else " " for one in last)
    shown = " ".join(unicodedata.normalize("NFC", shown).split()).strip(". ") if empty else " ".join(shown.split())
    if len(shown) > LONGEST_NAME:
        stem, dot, extension = shown.rpartition(".")
        kept = dot + extension if dot and len(extension) <= 10 else ""
        shown = (stem if kept else shown)[: LONGEST_NAME - len(kept)] + kept
    return shown or empty


def _access(access: Sequence[str] | None) -> list[str] | None:
    if access is None:
        return None
    try:
        return sorted(set(_TOKENS.validate_python(tuple(access))))
    except ValidationError:
        raise _bad("access", "Write `u:issuer|name`, `g:source|name` or `pub`, such as `u:local|ana`.") from None


def _metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    if len(metadata) > MOST_METADATA:
        raise _bad("metadata", f"Give at most {MOST_METADATA} keys.")
    for key, value in metadata.items():
        if not _KEY.fullmatch(key) or not isinstance(value, str) or len(value) > LONGEST_VALUE or _unwritable(value):
            raise _bad(
                "metadata", f"A key is a word of letters, digits, - and _; a value at most {LONGEST_VALUE} long."
            )
    return dict(metadata)


def _unwritable(value: str) -> bool:
    return any(unicodedata.category(one) == "Cs" for one in value)


def _bad(name: str, remedy: str) -> ItemRefused:
    return ItemRefused(f"`{name}` is not as it must be", code="bad-field", remedy=remedy)
