r"""Starts a real IMAP server for tests: dovecot 2.3 of the system's package, with a configuration of its own.

::

    with dovecot() as server:                    # a tenth of a second
        with server.client() as client:          # imapclient, logged in, free to write
            client.append("INBOX", b"Subject: Hi\r\n\r\nHello.\r\n")
        server.port, server.tls_port, server.ca  # STARTTLS; TLS from the first byte; its certificate
        server.user, server.password
        server.stop(); server.start()            # connections are cut

``ABSENT`` is empty where dovecot is installed, else the reason for which a test skips. Started by root, mail belongs to
the user ``nobody``.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ragkit.errors import RagkitError
from ragkit.testing import sockets
from ragkit.testing.faulty_server import certificate_pem

_PATIENCE_S = 20
_PROGRAM = shutil.which("dovecot") or ("/usr/sbin/dovecot" if Path("/usr/sbin/dovecot").is_file() else None)

ABSENT = "" if _PROGRAM else "dovecot is absent"

_CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
auth_failure_delay = 0
mail_location = maildir:{folder}/mail/%u:LAYOUT=fs
mailbox_list_index = no
first_valid_uid = 1
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
disable_plaintext_auth = no
default_process_limit = 20
{users}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Trash {{
    special_use = \\Trash
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
"""


class DovecotServer:
    """A running server with any user, all of one password.

    Attributes:
        folder: What it keeps; the user's mail is in ``mail``.
        port: Plain text and STARTTLS, on 127.0.0.1.
        tls_port: TLS from the first byte.
        ca: The certificate of both, a PEM file.
    """

    user = "ana"
    password = "only-a-test"  # noqa: S105

    def __init__(self, folder: Path, *, starttls: bool = True) -> None:
        if _PROGRAM is None:
            raise RagkitError(ABSENT, remedy="apt install dovecot-imapd")
        self.folder = folder
        self.port, self.tls_port = _free_ports()
        self.ca = folder / "server.pem"
        self._process: subprocess.Popen[bytes] | None = None
        certificate, key = certificate_pem()
        self.ca.write_bytes(certificate)
        (folder / "server.key").write_bytes(key)
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        (folder / "mail").mkdir()
        os.chown(folder / "mail", account.pw_uid, account.pw_gid)
        users = ""
        if os.geteuid():
            users = f"default_internal_user = {account.pw_name}\ndefault_login_user = {account.pw_name}\n"
        configuration = _CONFIGURATION.format(
            folder=folder,
            port=self.port,
            tls_port=self.tls_port,
            uid=account.pw_uid,
            gid=account.pw_gid,
            users=users,
            password=self.password,
        )
        if not starttls:
            configuration = configuration.replace("ssl = yes\nssl_cert", "ssl = no\nssl_cert", 1)
        (folder / "dovecot.conf").write_text(configuration)
        self.start()

    def start(self) -> None:
        """Start it, and return when it answers.

        Raises:
            RagkitError: It does not start; its log says why.
        """
        with (self.folder / "stderr.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - a program of the package
                [str(_PROGRAM), "-F", "-c", str(self.folder / "dovecot.conf")],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + _PATIENCE_S
        with sockets.loopback():
            while time.monotonic() < end and self._process.poll() is None:
                try:
                    with socket.create_connection(("127.0.0.1", self.port), timeout=5) as greeted:
                        if greeted.recv(4) == b"* OK":
                            return
                except OSError:
                    time.sleep(0.02)
        self.stop()
        raise RagkitError("dovecot does not start", remedy="Read dovecot.log and stderr.log in its folder.")

    def stop(self) -> None:
        """Stop it and cut its connections."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):  # a session in the middle of a command would outlive the master
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def new_user(self) -> str:
        """Return the name of a user with an empty mailbox and the same password."""
        return f"u{secrets.token_hex(4)}"

    @contextmanager
    def client(self, user: str | None = None) -> Iterator[Any]:
        """An imapclient over TLS, logged in: for filling and changing the mailbox."""
        from imapclient import IMAPClient

        from ragkit.net_sockets import tls_context

        with sockets.loopback():
            client = IMAPClient("127.0.0.1", self.tls_port, ssl_context=tls_context(self.ca))
            client.login(user or self.user, self.password)
            with client:
                yield client


@contextmanager
def dovecot(*, starttls: bool = True) -> Iterator[DovecotServer]:
    """Run a server for the block, in a folder of its own that its processes can reach and that is gone afterwards.

    Args:
        starttls: Offer STARTTLS; without it nothing of the server is encrypted, as after somebody on the way took
            the offer out.

    Raises:
        RagkitError: It is not installed or does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix="rk-dc-"))
    folder.chmod(0o711)
    server = None
    try:
        server = DovecotServer(folder, starttls=starttls)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return int(one.getsockname()[1]), int(other.getsockname()[1])
