"""Starts real model servers over tiny models, for tests: ``transformers serve`` and llama.cpp's.

::

    with transformers_serve(make_llama(folder)) as server:
        server.url, server.model           # http://127.0.0.1:49152/v1

Each is a process of its own on this machine, gone at the end of the block. A few seconds to start.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ragkit.errors import GeneratorUnavailable
from ragkit.testing import sockets

_PATIENCE_S = 240
_GRACE_S = 5


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A running server: the root of its API, and the name of its model."""

    url: str
    model: str


@contextmanager
def transformers_serve(folder: Path, *, cache: Path) -> Iterator[LocalServer]:
    """``transformers serve`` over a local folder. Needs ``transformers[serving]``.

    Args:
        folder: The model.
        cache: An empty folder; without one its list of models fails (transformers 5.23).

    Raises:
        GeneratorUnavailable: It did not start.
    """
    cache.mkdir(parents=True, exist_ok=True)
    program = Path(sys.executable).with_name("transformers")
    command = [str(program), "serve", str(folder), "--device", "cpu", "--host", "127.0.0.1", "--port"]
    offline = {"HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache), "HF_HOME": str(cache), "DO_NOT_TRACK": "1"}
    with _running(command, path="/health", environment=offline) as address:
        yield LocalServer(f"http://{address}/v1", str(folder))


@contextmanager
def llama_cpp_server(file: Path, *, context: int = 2048) -> Iterator[LocalServer]:
    """llama.cpp's server in Python over a GGUF file. Needs ``llama-cpp-python[server]``.

    Raises:
        GeneratorUnavailable: It did not start.
    """
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(file), "--model_alias", "tiny"]
    command += ["--n_ctx", str(context), "--n_threads", "1", "--host", "127.0.0.1", "--port"]
    with _running(command, path="/v1/models") as address:
        yield LocalServer(f"http://{address}/v1", "tiny")


@contextmanager
def _running(command: Sequence[str], *, path: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    port = _free_port()
    process = subprocess.Popen(  # noqa: S603 - servers of the packages that the tests install
        [*command, str(port)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with sockets.loopback():
            _wait(process, port, path)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], port: int, path: str) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise GeneratorUnavailable("a server of the tests did not start", remedy="Run its command by hand.")
