"""Reading an uploaded document from a request: piece by piece to the encrypted file, never whole, never in clear.

Two forms: ``multipart/form-data`` with the part ``file`` and fields beside it, or the document itself as the body.
Starlette's own form parser writes large parts to a temporary file as they are, so it is not used.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, ExitStack
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from ragkit.documents.receiving import LONGEST_ID, LONGEST_NAME, MOST_METADATA, Receiving
from ragkit.errors import ItemRefused
from ragkit.serve.limits import BodyTooLong
from ragkit.serve.replies import ServiceError

_HOP = 256 * 1024
"""Bytes that are handed to a thread at once."""
_FIELD = 65_536
_MOST_FIELDS = 64
_JSON = ("metadata", "document")
_LISTS = ("access",)


class DocumentFields(BaseModel):
    """What is said of a document beside its bytes."""

    model_config = ConfigDict(title="DocumentFields", extra="forbid")

    name: str | None = Field(None, max_length=4_096, description="File name; by default that of the part `file`.")
    title: str | None = Field(None, max_length=LONGEST_NAME, description="By default that of the content.")
    collection: str | None = Field(None, max_length=63, description="Where to; by default the only one.")
    source: str | None = Field(None, max_length=63, description="Which source of uploads, where there are several.")
    access: list[str] | None = Field(
        None, max_length=1_000, description="Access tokens of who may see it; by default as the source says."
    )
    metadata: dict[str, str] = Field({}, max_length=MOST_METADATA, description="Flat key to text.")
    external_id: str | None = Field(
        None,
        min_length=1,
        max_length=LONGEST_ID,
        description="The caller's own id; a document that came with it before is replaced. Kept as a keyed hash.",
    )
    wait: bool = Field(True, description="Answer when it is indexed; otherwise at once, with a job.")


class BadForm(ServiceError):
    """The form is not as it must be."""

    code = "bad_form"

    def __init__(self, message: str, *, param: str | None = None, remedy: str = "") -> None:
        super().__init__(
            message, remedy=remedy or "Send `multipart/form-data` with a part `file`, or the document as the body."
        )
        self.param = param


Receive = Callable[[DocumentFields], AbstractContextManager[Receiving]]


class Upload:
    """One upload under way. A context manager: what is not accepted leaves nothing on the disk.

    Args:
        receive: Gives what takes the document, once the fields before it are known.
        limit: Most bytes of the document.
    """

    def __init__(self, receive: Receive, *, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._stack = ExitStack()
        self._receiving: Receiving | None = None
        self._fields: dict[str, Any] = {}
        self._said = DocumentFields()
        self._name = ""
        self._media_type: str | None = None

    @property
    def fields(self) -> DocumentFields:
        """What was said of the document."""
        return self._said

    def accept(self) -> str:
        """Enter the document, and return its id. Blocks.

        Raises:
            BadForm: There is no document, or a field came too late or is not as it must be.
            ItemRefused: As :meth:`ragkit.documents.receiving.Receiving.accept`.
        """
        if self._receiving is None:
            raise BadForm("there is no document in the request")
        said = self._checked()
        if (said.collection, said.source) != (self._said.collection, self._said.source):
            raise BadForm("`collection` and `source` must stand before `file`", param="collection")
        self._said = said
        return self._receiving.accept(
            name=said.name or self._name or "document",
            media_type=self._media_type,
            title=said.title,
            access=said.access,
            metadata=said.metadata,
            external_id=said.external_id,
        )

    async def read(self, request: Request) -> None:
        """Read the body to its end.

        Raises:
            BadForm: It is no form that is understood.
            BodyTooLong: The document is longer than allowed.
        """
        header = request.headers.get("content-type", "")
        kind, options = parse_options_header(header)
        if kind == b"multipart/form-data":
            parser = MultipartParser(options.get(b"boundary", b"") or _no_boundary(), _Parts(self).callbacks())
            try:
                async for piece in _hops(request):
                    await run_in_threadpool(parser.write, piece)
                await run_in_threadpool(parser.finalize)
            except FormParserError:
                raise BadForm("the form cannot be read") from None
            return
        self._media_type = header
        async for piece in _hops(request):
            await run_in_threadpool(self.document, piece)

    def document(self, piece: bytes) -> None:
        """Take more of the document. Blocks."""
        if self._receiving is None:
            self._said = self._checked()
            self._receiving = self._stack.enter_context(self._receive(self._said))
        if self._receiving.size + len(piece) > self._limit:
            raise BodyTooLong(self._limit)
        try:
            self._receiving.write(piece)
        except ItemRefused:
            raise BodyTooLong(self._limit) from None

    def begin_document(self, name: str, media_type: str | None) -> None:
        """Note what the part with the document says of it."""
        if self._receiving is not None:
            raise BadForm("there are several documents", param="file", remedy="Send each by itself.")
        self._name, self._media_type = name, media_type
        self.document(b"")

    def field(self, name: str, raw: bytes) -> None:
        """Take a field."""
        try:
            text = raw.decode("utf-8")
            value: Any = json.loads(text) if name in _JSON else text
        except (ValueError, RecursionError):
            raise BadForm(
                "a field cannot be read", param=name if name in DocumentFields.model_fields else None
            ) from None
        if name in _LISTS:
            self._fields.setdefault(name, []).append(value)
        elif name == "document" and isinstance(value, dict):
            self._fields |= value
        elif name in DocumentFields.model_fields:
            self._fields[name] = value
        else:
            raise BadForm("there is a field that no document has", remedy="The fields are in the API description.")

    def close(self) -> None:
        """Let go of it. Blocks."""
        self._stack.close()

    def _checked(self) -> DocumentFields:
        try:
            return DocumentFields.model_validate(self._fields)
        except ValidationError as bad:
            place = next(iter(bad.errors()))["loc"]
            name = str(place[0]) if place and place[0] in DocumentFields.model_fields else None
            raise BadForm(f"`{name}` is not as it must be" if name else "a field is not known", param=name) from None


class _Parts:
    """Turns the parser's calls into fields and pieces of the document."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._number = 0
        self._begin()

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: self._head_name.extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._head_value.extend(data[start:end]),
            "on_header_end": self._header,
            "on_headers_finished": self._headers,
            "on_part_data": self._data,
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._head_name, self._head_value, self._value = bytearray(), bytearray(), bytearray()
        self._heads: dict[bytes, bytes] = {}
        self._part = ""
        self._number += 1
        if self._number > _MOST_FIELDS:
            raise BadForm("the form has too many parts")

    def _header(self) -> None:
        self._heads[bytes(self._head_name).lower()] = bytes(self._head_value)
        self._head_name.clear()
        self._head_value.clear()

    def _headers(self) -> None:
        kind, options = parse_options_header(self._heads.get(b"content-disposition", b""))
        if kind != b"form-data" or b"name" not in options:
            raise BadForm("a part of the form has no name")
        self._part = options[b"name"].decode("utf-8", "replace")
        if self._part == "file":
            name = options.get(b"filename", b"").decode("utf-8", "replace")
            claimed = self._heads.get(b"content-type", b"").decode("latin-1") or None
            self._upload.begin_document(name, claimed)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part == "file":
            self._upload.document(bytes(data[start:end]))
            return
        self._value += data[start:end]
        if len(self._value) > _FIELD:
            raise BadForm("a field is too long")

    def _end(self) -> None:
        if self._part != "file":
            self._upload.field(self._part, bytes(self._value))


async def _hops(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces worth a thread's while."""
    held = bytearray()
    async for piece in request.stream():
        held += piece
        if len(held) >= _HOP:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _no_boundary() -> bytes:
    raise BadForm("the form has no boundary")
