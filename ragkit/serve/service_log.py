"""The service's log: one JSON object a line, none with content.

A line holds ids, counts, times, and names of ragkit's own: of routes, methods, classes of errors, modules. Never a
path, a query, a header, a body, a question, a file name, or what an error said.
"""

from __future__ import annotations

import json
import logging
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import blake2b
from types import TracebackType
from typing import Any, TextIO

from ragkit.auth.callers import Caller

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FRAMES = 12
_QUIET = ("uvicorn", "uvicorn.error", "asyncio")


class ServiceLog:
    """Writes the log. Safe to use from several threads.

    Args:
        stream: Where to; default: standard error.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()

    def write(self, event: str, *, level: str = "info", **fields: Any) -> None:
        """Write one line; what is ``None`` is left out. A stream that is closed or full stops nobody."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said = {name: value for name, value in fields.items() if value is not None}
        line = json.dumps({"time": now, "level": level, "event": event, **said}, separators=(",", ":"))
        with self._lock, suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    def request(
        self, *, request_id: str, method: str, route: str, status: int, ms: float, caller: Caller | None, **more: Any
    ) -> None:
        """Write the line of one request. ``route`` is the template, such as ``/v1/documents/{doc}``; empty for none."""
        self.write(
            "request",
            level="error" if status == 500 else "info",
            request_id=request_id,
            method=method if method in _METHODS else "other",
            route=route or None,
            status=status,
            ms=round(ms, 1),
            tenant=caller.tenant if caller else None,
            caller=self.name_of(caller) if caller else None,
            via=caller.via if caller else None,
            **more,
        )

    def fault(self, error: BaseException, *, event: str = "fault", **more: Any) -> None:
        """Write what kind of error came from where; not what it said, for that may be content."""
        self.write(event, level="error", **more, **where(error))

    def name_of(self, caller: Caller) -> str:
        """Return the name of a caller in this process's log: a hash under a key that nobody has after it."""
        who = f"{caller.tenant}\0{caller.principal.subject}\0{caller.credential}".encode()
        return blake2b(who, key=self._key, digest_size=8).hexdigest()

    @contextmanager
    def takes_over(self, *, whole_process: bool = False) -> Iterator[None]:
        """Take what the server, and with ``whole_process`` any library, logs, and write its place instead of its words.

        With ``whole_process`` also what would be printed of errors that nobody caught.
        """
        handler = _Contentless(self)
        loggers = [logging.getLogger(name) for name in _QUIET]
        before = [(one, one.handlers[:], one.propagate, one.level) for one in loggers]
        for one in loggers:
            one.handlers, one.propagate = [handler], False
            one.setLevel(logging.ERROR)
        root, hooks = logging.getLogger(), (sys.excepthook, threading.excepthook, sys.unraisablehook)
        if whole_process:
            before.append((root, root.handlers[:], root.propagate, root.level))
            root.handlers = [handler]
            root.setLevel(logging.WARNING)
            logging.captureWarnings(True)
            sys.excepthook = self._uncaught
            threading.excepthook = lambda args: self._uncaught(args.exc_type, args.exc_value, args.exc_traceback)
            sys.unraisablehook = lambda args: self._uncaught(args.exc_type, args.exc_value, args.exc_traceback)
        try:
            yield
        finally:
            for one, handlers, propagate, level in before:
                one.handlers, one.propagate = handlers, propagate
                one.setLevel(level)
            if whole_process:
                logging.captureWarnings(False)
                sys.excepthook, threading.excepthook, sys.unraisablehook = hooks

    def _uncaught(
        self, kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None, /
    ) -> None:
        self.fault(error if error is not None else kind(), event="uncaught")


class _Contentless(logging.Handler):
    """Writes the place of a log record and the kind of its error."""

    def __init__(self, log: ServiceLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        level = "error" if record.levelno >= logging.ERROR else "warning"
        about = where(error) if error is not None else {}
        self._log.write("log", level=level, at=f"{record.name}:{record.module}:{record.lineno}", **about)


def where(error: BaseException) -> dict[str, Any]:
    """Return the class of an error, those of what it came from, and the last places it passed: ``module:line``."""
    classes: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(classes) < _FRAMES:
        classes.append(type(seen).__name__)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    places, trace = [], error.__traceback__
    while trace is not None:
        places.append(f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno}")
        trace = trace.tb_next
    return {"error": classes[0], "from": classes[1:] or None, "places": places[-_FRAMES:]}
