"""A real S3 server on this machine: moto's, with what goes wrong on demand.

::

    with S3Server() as server:
        server.put("a.txt", b"…")
        ...                         # server.url, server.bucket, server.asked
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

KEY, SECRET = "test-key", "test-secret"

Fault = Callable[[dict[str, Any]], str | bytes | None]
"""From a WSGI request to an S3 code to answer with instead, such as ``AccessDenied``, or to the body of a 200;
``None`` to go on."""

_STATUS = {"AccessDenied": 403, "InvalidAccessKeyId": 403, "ExpiredToken": 400, "InvalidObjectState": 403,
           "InvalidRequest": 400, "InternalError": 500, "NoSuchKey": 404}  # fmt: skip


class S3Server:
    """moto's server with one bucket.

    Args:
        versions: The bucket keeps versions.
    """

    bucket = "bucket"

    def __init__(self, *, versions: bool = False) -> None:
        self._versions = versions
        self.fault: Fault | None = None
        self.asked: list[tuple[str, str]] = []
        self.authorizations: list[str] = []

    def __enter__(self) -> Self:
        from moto.backends import get_backend
        from moto.server import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        self._backend = get_backend("s3")["123456789012"]["aws"]
        self._backend.reset()
        self._backend.create_bucket(self.bucket, "us-east-1")
        if self._versions:
            self._backend.put_bucket_versioning(self.bucket, "Enabled")
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
        self._backend.reset()

    @property
    def url(self) -> str:
        """Its root."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def put(self, key: str, content: bytes) -> None:
        """Put an object into the bucket."""
        self._backend.put_object(self.bucket, key, content)

    def delete(self, key: str) -> None:
        """Delete an object; in a bucket with versions that leaves a marker."""
        self._backend.delete_object(self.bucket, key)

    def _answer(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        self.authorizations.append(environ.get("HTTP_AUTHORIZATION", ""))
        code = self.fault(environ) if self.fault else None
        if code is None:
            answer: Iterable[bytes] = self._app(environ, start)
            return answer
        status, body = 200, code if isinstance(code, bytes) else b""
        if isinstance(code, str):
            status = _STATUS.get(code, 400)
            body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>no</Message></Error>'.encode()
        start(f"{status} X", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]
