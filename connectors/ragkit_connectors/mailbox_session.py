"""One IMAP connection: encrypted, logged in, silent in logs, and with errors that repeat nothing of the server's."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragkit.errors import MissingDependency, SourceError
from ragkit.net_sockets import NetFailure, tls_context


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where the mailbox is and how to get in."""

    host: str
    port: int
    user: str = field(repr=False)
    password: str = field(repr=False)
    tls: str
    ca_path: str | None
    timeout_s: float


@contextmanager
def session(name: str, account: Account) -> Iterator[Any]:
    """Log in, and turn whatever goes wrong in the block into a SourceError without a word of the server's."""
    try:
        from imapclient import IMAPClient
        from imapclient.exceptions import IMAPClientError, LoginError
    except ImportError as absent:
        raise MissingDependency(
            "IMAP needs a package that is not installed", remedy="pip install 'ragkit[mailbox]'"
        ) from absent
    logging.getLogger("imapclient").setLevel(logging.WARNING)  # at DEBUG it logs folder names and messages
    client: Any = None
    try:
        context = None if account.tls == "none" else tls_context(Path(account.ca_path) if account.ca_path else None)
        client = IMAPClient(
            account.host,
            account.port,
            ssl=account.tls == "implicit",
            ssl_context=context,
            timeout=account.timeout_s,
        )
        client.normalise_times = False  # times keep their zone
        if account.tls == "starttls":
            client.starttls(context)
        client.login(account.user, account.password)
        yield client
    except LoginError:
        raise SourceError(
            f"the server of source {name!r} refuses the login",
            remedy="Check `user` and `password`; some providers want a password made for one application.",
        ) from None
    except (OSError, NetFailure, IMAPClientError, ValueError, KeyError, IndexError, TypeError) as failed:
        raise SourceError(
            f"the server of source {name!r} cannot be read ({type(failed).__name__})",
            remedy="Check `host`, `port`, `tls` and `ca_path` of this source, and that the server runs.",
        ) from None
    finally:
        if client is not None:
            with suppress(Exception):  # it may be gone already; what was read is good
                client.shutdown()
