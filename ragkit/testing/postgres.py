"""Starts a real PostgreSQL for tests, from the system's package, on a Unix socket.

::

    with postgres() as server:               # half a second
        server.url                           # postgresql+psycopg://ragkit@/postgres?host=/tmp/rk-pg-…
        server.database()                    # the URL of a new, empty database: 0.03 s
        server.stop(); server.start()        # a restart; stop(crash=True) is a crash, which needs `durable`

``ABSENT`` is empty where PostgreSQL is installed, else the reason for which a test skips. As root the server runs as
the user ``postgres``, else ``nobody``: it refuses to run as root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from ragkit.errors import RagkitError

_PATIENCE_S = 60
_USER = "ragkit"
_QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
_SMALL = ("listen_addresses=", "shared_buffers=32MB", "max_connections=60", "autovacuum_naptime=1h", "timezone=UTC")


def _programs() -> Path | None:
    """The folder of the newest server installed: Debian keeps each version in its own, none of them in PATH."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").is_file()]
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).parent if elsewhere else None


ABSENT = "" if _programs() else "PostgreSQL is absent"


class PostgresServer:
    """A running server with a superuser ``ragkit`` and no password, for whoever may open its socket's folder.

    Attributes:
        folder: What it keeps: ``data``, the log ``postgres.log`` and the socket.
    """

    def __init__(self, folder: Path, *, durable: bool) -> None:
        programs = _programs()
        if programs is None:
            raise RagkitError(ABSENT, remedy="apt install postgresql")
        self.folder = folder
        self._programs = programs
        self._settings = _SMALL if durable else (*_SMALL, *_QUICK)
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self._account = _account()
        if self._account:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)
        self._call("initdb", "-D", "data", "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        self.start()

    @property
    def url(self) -> str:
        """The URL of the database ``postgres``, for SQLAlchemy with psycopg."""
        return self._url("postgres")

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"d{next(self._numbers)}"
        self._call("createdb", "-h", str(self.folder), "-U", _USER, name)
        return self._url(name)

    def start(self) -> None:
        """Start it, and return when it answers.

        Raises:
            RagkitError: It does not start; its log says why.
        """
        options = [word for setting in self._settings for word in ("-c", setting)]
        with (self.folder / "postgres.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a program of the package
                [str(self._programs / "postgres"), "-D", "data", "-k", str(self.folder), *options],
                cwd=self.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL, **self._as_user(),
            )  # fmt: skip
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end and self._process.poll() is None:
            ready = [str(self._programs / "pg_isready"), "-q", "-h", str(self.folder)]
            if subprocess.run(ready, check=False).returncode == 0:  # noqa: S603 - a program of the package
                return
            time.sleep(0.05)
        self.stop(crash=True)
        raise RagkitError("PostgreSQL does not start", remedy="Read postgres.log in its folder.")

    def stop(self, *, crash: bool = False) -> None:
        """Stop it and its connections; with ``crash`` at once, so that the next start recovers from the log.

        What was committed just before a crash is lost unless the server is ``durable``.
        """
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT if crash else signal.SIGINT)
        try:
            self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://{_USER}@/{database}?host={self.folder}"

    def _as_user(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": ()}

    def _call(self, program: str, *words: str) -> None:
        done = subprocess.run(  # noqa: S603 - a program of the package
            [str(self._programs / program), *words],
            cwd=self.folder, capture_output=True, check=False, **self._as_user(),
        )  # fmt: skip
        if done.returncode:
            raise RagkitError(f"{program} failed: {done.stderr.decode(errors='replace')}", remedy="Run it by hand.")


@contextmanager
def postgres(folder: Path | None = None, *, durable: bool = False) -> Iterator[PostgresServer]:
    """Run a server for the block.

    Args:
        folder: An empty folder for its data, on the file system to be tested; by default a new one under the system's
            temporary folder, gone afterwards. As root it is given to the server's user, who must be able to reach it:
            pytest's ``tmp_path`` is closed to others. At most 90 characters, since the socket is in it.
        durable: Sync to the disk as in production; without, commits are several times faster, and a crash loses some.

    Raises:
        RagkitError: It is not installed or does not start.
    """
    own = folder is None
    where = Path(tempfile.mkdtemp(prefix="rk-pg-")) if folder is None else folder
    server = None
    try:
        server = PostgresServer(where, durable=durable)
        yield server
    finally:
        if server is not None:
            server.stop()
        if own:
            shutil.rmtree(where, ignore_errors=True)


def _account() -> pwd.struct_passwd | None:
    """The account to run as: this one, or one without rights where this one is root's."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RagkitError("there is no user to run PostgreSQL as", remedy="Add a user `postgres`.")
