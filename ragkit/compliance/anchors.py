"""The ways in which a checkpoint leaves this machine; each within its time. See :mod:`ragkit.compliance.anchoring`."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ragkit.audit.notes import Note
from ragkit.config import Config
from ragkit.config_audit import AnchorSection

PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSH_AUTH_SOCK")
"""What a program that takes a checkpoint gets of our environment: no key, no token."""

_CODES = {errno.ENOSPC: "disk-full", errno.EROFS: "read-only", errno.EACCES: "not-permitted", errno.ENOENT: "not-there"}


class AnchorFailed(Exception):
    """A place did not take the checkpoint.

    Args:
        code: A short word for the event: ``timeout``, ``unreachable``, ``exit-1``, …
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def take(config: Config, section: AnchorSection, note: Note) -> None:
    """Take a note to a place.

    Raises:
        AnchorFailed: It was not taken, or nobody knows whether it was.
    """
    if section.kind == "command":
        _to_command(section, note.written, folder=config.folder)
        return
    if section.kind == "file":
        path = config.resolve(section.path or "")
        if path.resolve().is_relative_to(config.data_folder.resolve()):
            raise AnchorFailed("in-data-directory")
        _within(section.timeout, lambda: _to_file(path, note.written))
        return
    address, timeout = str(section.address), section.timeout
    _within(timeout, lambda: _to_syslog(address, note.written, name=section.name, timeout=timeout))


def _to_file(path: Path, data: bytes) -> None:
    """Append the note and an empty line, so that the file reads like ``checkpoints.txt``. Never through a link."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    handle = os.open(path, flags, 0o600)
    try:
        if os.write(handle, data + b"\n") < len(data) + 1:
            os.write(handle, b"\n\n")
            raise OSError(errno.ENOSPC, "short write")
        os.fsync(handle)
    finally:
        os.close(handle)


def _to_syslog(address: str, data: bytes, *, name: str, timeout: float) -> None:
    from ragkit.net_syslog import SyslogSink

    sink = SyslogSink(address, name=name, timeout=timeout, message_id="checkpoint")
    try:
        sink.write([data])
    finally:
        sink.close()


def _to_command(section: AnchorSection, data: bytes, *, folder: Path) -> None:
    """Run a program with the note on its input, in a session of its own that ends with the time."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment["RAGKIT_ANCHOR"] = section.name
    try:
        running = subprocess.Popen(  # noqa: S603 - the command is the owner's own, from ragkit.toml
            section.command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as failed:
        raise AnchorFailed(_CODES.get(failed.errno or 0, "not-started")) from None
    try:
        running.communicate(data, timeout=section.timeout)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        raise AnchorFailed("timeout") from None
    if running.returncode:
        raise AnchorFailed(f"exit-{abs(running.returncode)}" if running.returncode > 0 else "killed")


def _within(seconds: float, action: Callable[[], None]) -> None:
    """Run an action in a thread that is left behind when it takes too long: a network file system may hang for ever."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except BaseException as bad:
            failed.append(bad)

    thread = threading.Thread(target=run, name="ragkit-anchor", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise AnchorFailed("timeout")
    if not failed:
        return
    bad = failed[0]
    if isinstance(bad, TimeoutError):
        raise AnchorFailed("timeout") from None
    if isinstance(bad, ValueError):
        raise AnchorFailed("bad-address") from None
    if isinstance(bad, OSError):
        raise AnchorFailed(_CODES.get(bad.errno or 0, "unreachable")) from None
    raise bad
