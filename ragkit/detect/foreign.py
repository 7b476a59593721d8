"""A Python of another environment, asked through two pipes: no socket, no file, no variable of ours.

A frame is four bytes of length, big-endian, then JSON in UTF-8. The child ends when its input does.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

_LENGTH = struct.Struct(">I")
_MOST_ANSWER = 64 * 2**20
_PASSED_ON = ("PATH", "LANG", "LD_LIBRARY_PATH")
_PATIENCE_S = 2


class ForeignProcess:
    """One child at work.

    Args:
        python: The interpreter.
        script: What it runs; only the standard library and the other environment's packages can be imported there.

    Raises:
        OSError: The interpreter cannot be run.
    """

    def __init__(self, python: Path, script: Path) -> None:
        # -I: no variable and no folder of ours on its path, where modules have the names of libraries.
        self._process = subprocess.Popen(  # noqa: S603 - the interpreter that the configuration names
            [str(python), "-I", "-B", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.poll() is None

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and read its answer. After any failure the child is ended: its next answer would be this one.

        Raises:
            OSError, EOFError: The child is gone.
            ValueError: The answer is no frame.
        """
        try:
            return self._ask(request)
        except BaseException:
            self.stop()
            raise

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        pipes = self._process.stdin, self._process.stdout
        assert pipes[0] is not None
        assert pipes[1] is not None
        written = json.dumps(request).encode()
        pipes[0].write(_LENGTH.pack(len(written)) + written)
        pipes[0].flush()
        (length,) = _LENGTH.unpack(_exactly(pipes[1], _LENGTH.size))
        if length > _MOST_ANSWER:
            raise ValueError
        answer = json.loads(_exactly(pipes[1], length))
        if not isinstance(answer, dict):
            raise ValueError
        return answer

    def stop(self) -> int:
        """End the child, kindly first; return its exit status."""
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                continue
        try:
            return self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _exactly(pipe: IO[bytes], count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise EOFError
    return data
