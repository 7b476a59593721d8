"""``ragkit serve`` as a process of its own: what it says, whom it lets in, how it ends."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from ragkit.cli.main import app
from ragkit.testing.faulty_server import certificate_pem
from ragkit.testing.logs import soon
from ragkit.testing.service import CHAT, KEYED, OPEN, served

pytestmark = pytest.mark.usefixtures("loopback")
SEED = "GalinaYalmanova"


@contextmanager
def process(folder: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run ``ragkit serve --json`` and give what it says when it takes requests."""
    command = [sys.executable, "-m", "ragkit", "serve", "--json", "-w", str(folder), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                line = running.stdout.readline()
                if not line:
                    running.wait(10)
                    raise AssertionError(running.stderr.read() if running.stderr else "")
                text += line
            yield running, json.loads(text)
        finally:
            running.kill()


def events(folder: Path) -> list[dict[str, Any]]:
    """The audit log."""
    files = sorted((folder / ".ragkit" / "events").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def closed(folder: Path) -> bool:
    """Whether the log ends as one does whose process ended in order; the shop's signing key may be another test's.

    A process that ends while its models load may have loaded them before it is at its end.
    """
    kinds = [one["type"] for one in events(folder) if one["type"] != "model.loaded"]
    return kinds[-3:-1] == ["service.stopped", "log.closed"] and kinds[-1].startswith("checkpoint")


def ready(url: str) -> bool:
    """Wait until it can answer."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if httpx.get(f"{url}/readyz", trust_env=False, timeout=60).status_code == 200:
            return True
        time.sleep(0.1)
    return False


def encoders(pid: int) -> list[int]:
    """The processes beside a service that do the encoder's passes."""
    children = [one for path in Path(f"/proc/{pid}/task").glob("*/children") for one in path.read_text().split()]
    return [int(one) for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def refuses(url: str) -> bool:
    """Whether nobody listens there any more."""
    try:
        httpx.get(f"{url}/healthz", trust_env=False, timeout=60)
    except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError):  # closed before or after it was accepted
        return True
    return False


def test_the_chatbot_of_a_further_tenant_is_announced(make_copy: Callable[[str], Path]) -> None:
    """The pages are there wherever the chat answers, so the start says that they are."""
    other = make_copy(OPEN + CHAT)
    with process(make_copy(OPEN + f'[serve.tenants]\nother = "{other}"\n')) as (_, said):
        assert said["tenants"] == ["shop", "other"]
        assert said["pages"] == ["/chat", "/agent", "/operator"]
        assert httpx.get(f"{said['url']}/chat", trust_env=False, timeout=60).status_code == 200


def test_it_answers_lets_a_running_request_finish_and_ends_in_order(make_copy: Callable[[str], Path]) -> None:
    """SIGTERM in the middle of a request: it is answered, nothing new is, the log is closed and signed, exit 0."""
    folder = make_copy(OPEN + CHAT)
    with process(folder) as (running, said):
        url = said["url"]
        assert (said["authentication"], said["pages"][0], said["tenants"]) == ("unsafe_none", "/chat", ["shop"])
        assert ready(url)
        (encoder,) = encoders(running.pid)
        body = json.dumps({"question": f"How long is the warranty of {SEED}?"}).encode()
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])), timeout=60) as line:
            line.sendall(
                b"POST /v1/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body[:10]
            )
            time.sleep(0.3)
            running.send_signal(signal.SIGTERM)
            assert soon(lambda: refuses(url))
            line.sendall(body[10:])
            assert b" 200 " in line.recv(100)
        assert running.wait(60) == 0
        assert not Path(f"/proc/{encoder}").exists()
        log = running.stderr.read() if running.stderr else ""
    lines = [json.loads(one) for one in log.splitlines()]
    assert [one["event"] for one in lines if one["event"] != "request"] == ["started", "loaded", "stopped"]
    assert SEED not in log
    assert closed(folder)
    started = next(one for one in events(folder) if one["type"] == "service.started")
    assert started["data"] == {"authentication": "none", "host": "loopback", "tenants": 1}


def test_a_second_signal_ends_it_at_once(make_copy: Callable[[str], Path]) -> None:
    """Whatever runs; what was recorded is closed all the same."""
    folder = make_copy(KEYED)
    with process(folder) as (running, said):
        assert (said["keys"], said["pages"]) == (0, [])
        with socket.create_connection(("127.0.0.1", int(said["url"].rsplit(":", 1)[1])), timeout=60) as line:
            line.sendall(b"POST /session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nx")
            time.sleep(0.3)
            running.send_signal(signal.SIGINT)
            time.sleep(0.3)
            assert running.poll() is None
            running.send_signal(signal.SIGINT)
            assert running.wait(60) == 0
    assert closed(folder)


def test_tls_by_a_certificate_of_ones_own(make_copy: Callable[[str], Path], tmp_path: Path) -> None:
    """The address says https; a client that trusts the certificate is answered, a plain one is not."""
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    for path, content in zip((certificate, key), certificate_pem()):
        path.write_bytes(content)
    key.chmod(0o644)
    folder = make_copy(f'{KEYED}certificate = "{certificate}"\ncertificate_key = "{key}"\n')
    refused = CliRunner().invoke(app, ["serve", "-w", str(folder)])
    assert (refused.exit_code, "open to others" in refused.output) == (2, True)
    key.chmod(0o600)
    with served(folder) as service:
        assert service.url.startswith("https://127.0.0.1:")
        trusted = ssl.create_default_context(cafile=str(certificate))
        assert httpx.get(f"{service.url}/healthz", verify=trusted, trust_env=False).json() == {"status": "ok"}
        with pytest.raises(httpx.TransportError):
            httpx.get(service.url.replace("https", "http") + "/healthz", trust_env=False)


@pytest.mark.parametrize(
    ("extra", "arguments", "said"),
    [
        (KEYED, ["--host", "0.0.0.0"], "would answer other machines in clear"),
        (OPEN, ["--host", "0.0.0.0"], "would let everybody in from other machines"),
        (KEYED + 'certificate = "a.pem"\ncertificate_key = "b.pem"\n', [], "certificate or its key cannot be used"),
        (KEYED, ["--host", "203.0.113.7"], "would answer other machines in clear"),
        (KEYED + "behind_proxy = true\n", ["--host", "203.0.113.7"], "none of this machine"),
    ],
)
def test_it_refuses_to_listen_where_it_should_not(
    make_copy: Callable[[str], Path], extra: str, arguments: list[str], said: str
) -> None:
    """Options of the command line are held to the same rules as the configuration; nothing is recorded as started."""
    folder = make_copy(extra)
    done = CliRunner().invoke(app, ["serve", "-w", str(folder), *arguments])
    assert done.exit_code == 2
    assert said in done.output
    assert not [one for one in events(folder) if one["type"] == "service.started"]


def test_a_port_that_is_taken_is_named(make_copy: Callable[[str], Path]) -> None:
    """Before anything is opened."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = CliRunner().invoke(app, ["serve", "-w", str(make_copy(KEYED)), "--port", str(port)])
    assert done.exit_code == 2
    assert f"port {port} is taken" in done.output
