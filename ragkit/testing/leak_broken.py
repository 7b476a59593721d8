"""Sources that cannot be read, and whose servers and files say planted words while they fail.

::

    with Broken(supply, folder, places) as broken:
        broken.tables                  # for ragkit.toml: a source of each kind; none can be read
        broken.fail(world)             # every connector against every fault; tracebacks, reprs and pickles are kept

Every word is one that nothing masks: a message, a log or a chained exception that repeats it is a leak.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest import mock

from ragkit.protocols import Connector
from ragkit.registry import Registry
from ragkit.testing import sockets
from ragkit.testing.faulty_server import self_signed
from ragkit.testing.leak_places import Places, table
from ragkit.testing.leak_sources import logged
from ragkit.testing.leak_supply import Supply
from ragkit.testing.leaks import World, keep_error
from ragkit.testing.recording_server import RecordingServer, plain

FAULTS = (
    "500",
    "401",
    "redirect",
    "truncated",
    "not-json",
    "odd-form",
    "no-http",
    "odd-header",
    "s3-error",
    "tls",
    "gone",
)
"""Of what is reached by HTTP."""
IMAP_FAULTS = ("greeting", "no-imap", "login", "folders", "select")


class RudeServer(RecordingServer):
    """Answers every request with one fault, and planted words in each place of the reply."""

    def __init__(self, fault: str, supply: Supply) -> None:
        super().__init__(tls=self_signed()[0] if fault == "tls" else None)
        self._reply = _reply(fault, *(supply.hide(f"{fault}: {part}") for part in ("status", "header", "body")))

    def handle(self, connection: socket.socket, request: bytes) -> bool:
        """Answer one request."""
        del request
        connection.sendall(self._reply)
        return False


def _reply(fault: str, status: str, header: str, body: str) -> bytes:
    told = json.dumps({"message": body, "errors": [body]}).encode()
    heads = {
        "500": f"500 {status}\r\nX-Why: {header}",
        "401": f'401 {status}\r\nWWW-Authenticate: Basic realm="{header}"',
        "redirect": f"302 {status}\r\nLocation: http://127.0.0.1:1/{header}?q={body}",
        "odd-header": f"200 {status}\r\nX {header}\x01: {header}",
        "s3-error": f"400 {status}\r\nx-amz-request-id: {header}",
    }
    if fault == "truncated":
        return b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + told
    if fault == "no-http":
        return f"{status} {header}\r\n{body}\r\n\r\n".encode()
    if fault == "not-json":
        return plain(f"<html>{body}".encode(), status=f"200 {status}\r\nX-Why: {header}", kind="text/html")
    if fault == "s3-error":
        told = f"<?xml version='1.0'?><Error><Code>{body}</Code><Message>{body}</Message></Error>".encode()
    if fault == "odd-form":
        row = {"id": body, "key": header, "title": [body], "url": f"http://127.0.0.1:1/{header}"}
        told = json.dumps({"results": [row, body], "tickets": [row, body], "articles": [row], "_links": body}).encode()
    return plain(told, status=heads.get(fault, f"200 {status}"))


class _Imap(socketserver.ThreadingTCPServer):
    """A mail server that fails at one point of the conversation, with a planted word."""

    daemon_threads = True

    def __init__(self, fault: str, word: str) -> None:
        self.fault, self.word = fault, word
        super().__init__(("127.0.0.1", 0), _Conversation)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def server_close(self) -> None:
        """End it, and the thread that accepts."""
        self.shutdown()
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The client left."""


class _Conversation(socketserver.StreamRequestHandler):
    server: _Imap

    def handle(self) -> None:
        fault, word = self.server.fault, self.server.word
        greeting = {"greeting": f"* BYE {word}", "no-imap": f"{word} {word}"}
        self.wfile.write(f"{greeting.get(fault, f'* OK {word}')}\r\n".encode())
        while line := self.rfile.readline():
            tag, verb = line.decode().split()[:2]
            failing = {"login": "LOGIN", "folders": "LIST", "select": "EXAMINE"}.get(fault)
            if verb == failing:
                self.wfile.write(f'* LIST (\\X) "/" "{word}" {word}\r\n{tag} NO [ALERT] {word} "{word}"\r\n'.encode())
                continue
            more = {"CAPABILITY": "* CAPABILITY IMAP4rev1\r\n", "LIST": '* LIST (\\HasNoChildren) "/" INBOX\r\n'}
            self.wfile.write(f"{more.get(verb, '')}{tag} OK {word}\r\n".encode())


class Broken:
    """One source of each kind that cannot be read.

    Args:
        supply: Says what fails.
        folder: For files; not scanned.
        places: Open; its database has a view that fails.
    """

    def __init__(self, supply: Supply, folder: Path, places: Places) -> None:
        self._supply = supply
        self._folder = folder
        self._places = places
        self._stack = ExitStack()
        self._sources: list[tuple[str, str, dict[str, Any]]] = []

    def __enter__(self) -> Self:
        for fault in FAULTS:
            self._by_http(fault)
        for fault in IMAP_FAULTS:
            server = self._stack.enter_context(_Imap(fault, self._supply.hide(f"imap {fault}")))
            options = {"host": "127.0.0.1", "port": server.server_address[1], "tls": "none"}
            self._add("mailbox", f"imap-{fault}", **options, user="a", password="x")  # noqa: S106 - of nobody
        self._in_files()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def tables(self) -> str:
        """A few of them, of each connector one at least, for ``ragkit.toml``."""
        chosen = [one for one in self._sources if not one[1].endswith(FAULTS) or one[1].endswith(("-500", "-redirect"))]
        return "".join(table(connector, name, self._by_reference(options)) for connector, name, options in chosen)

    def fail(self, world: World) -> None:
        """Read each in this process; keep what is raised, with all that it was raised from."""
        from ragkit_connectors.rest_calls import Calls

        with logged(world.said / "log-broken.txt"), sockets.loopback(), mock.patch.object(Calls, "backoff_s", 0.01):
            for connector, name, options in self._sources:
                keep_error(world.said / f"error-{name}.txt", lambda: list(self._read(connector, name, options)))  # noqa: B023

    def _read(self, connector: str, name: str, options: Mapping[str, Any]) -> Iterator[object]:
        made: Connector = Registry(allow=["acme-leaks"]).load("connectors", connector)(name=name, **options)
        yield from made.changes(None)

    def _by_http(self, fault: str) -> None:
        server = self._stack.enter_context(RudeServer(fault, self._supply))
        url, port = server.url, server.port
        if fault == "gone":
            with socket.create_server(("127.0.0.1", 0)) as once:
                port = once.getsockname()[1]
            url = f"http://127.0.0.1:{port}"
        word = self._supply.hide(f"secret of {fault}")
        reach = {"allow_networks": ["127.0.0.1/32"], "allow_ports": [port], "per_second": 0, "retry_seconds": 0.01}
        self._add("web", f"web-{fault}", start=f"{url}/", **reach)
        self._add("confluence", f"wiki-{fault}", url=url, edition="datacenter", token=word, per_second=0)
        for what in ("tickets", "articles"):
            options = {"url": url, "token": word, "per_second": 0, "exports_per_minute": 0}
            self._add("zendesk", f"desk-{what}-{fault}", what=what, **options)
        if fault in ("401", "s3-error", "not-json", "truncated"):  # each with the waits of the library between tries
            self._add("object_store", f"s3-{fault}", bucket="b", endpoint_url=url, key="k", secret=word)

    def _in_files(self) -> None:
        supply, folder = self._supply, self._folder / "broken-files"
        folder.mkdir()
        chat, code, text = folder / "chat", folder / "code.git", folder / "text.db"
        for made in (chat, code / "objects", code / "refs"):
            made.mkdir(parents=True)
        (chat / "users.json").write_text(f'[{{"id": "{supply.hide("broken list of users")}"')
        (chat / "channels.json").write_text(f'[{{"id": "C1", "name": "{supply.hide("broken list of channels")}"')
        (code / "HEAD").write_text(f"ref: refs/heads/{supply.hide('broken branch')}\n")
        (code / "config").write_text(f"[core]\n\tbare = {supply.hide('broken configuration of git')}\n")
        text.write_text(f"{supply.hide('text instead of a database')}\n" * 99)
        packed = folder / "lines.jsonl.gz"
        packed.write_bytes(b"\x1f\x8b\x08\x00" + supply.hide("broken gzip").encode())
        self._add("slack", "chat", path=str(chat))
        self._add("git", "code", path=str(code))
        self._add("jsonl", "lines", path=str(packed))
        self._add("mailbox", "box", path=str(folder / supply.hide("absent folder")))
        rows = {"id_column": "id", "text_columns": ["body"]}
        word = supply.hide("password of a database")
        for name, address in (
            ("no-database", f"sqlite:///{text}"),
            ("no-server", f"postgresql+psycopg://{word}:{word}@127.0.0.1:1/{word}"),
            ("no-driver", f"nodriver://{word}:{word}@db.example.com/{word}"),
            ("no-url", f"{word} {word}"),
        ):
            self._add("sql", name, url=address, table="notes", **rows)
        if url := self._places.environment.get("RAGKIT_LEAKS_DESK"):
            self._add("sql", "failing", url=url, table="failing", **rows)
            query = f"select id, body as {supply.hide('name in a query')}, nothing from broken"  # noqa: S608 - has to fail
            self._add("sql", "no-column", url=url, query=query, **rows)
        load = {"path": str(self._places.reader), "fail": True}
        self._add("llama_index", "reader", reader="acme_leaks:Loud", load=load, allow=["acme-leaks"])

    def _add(self, connector: str, name: str, **options: Any) -> None:
        self._sources.append((connector, name, options))

    def _by_reference(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The same with secrets by reference, and without what the workspace gives."""
        told = {key: value for key, value in options.items() if key != "allow"}
        for key in ("password", "token", "secret", "key", "url"):
            if key in told and (key != "url" or "//" not in told[key] or not told[key].startswith("http")):
                name = f"RAGKIT_LEAKS_BROKEN_{len(self._places.environment)}"
                self._places.environment[name] = told[key]
                told[key] = {"env": name}
        return told
