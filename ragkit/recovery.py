"""Bringing the root key back from its escrow, when its file, variable or command is lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ragkit import escrow
from ragkit.config import Config
from ragkit.errors import KeyMismatch
from ragkit.handles import Handles
from ragkit.rootkey import create_key_file, key_path


def recover(
    config: Config,
    texts: Sequence[str],
    *,
    to: Path | None = None,
    passphrase: str | None = None,
    private_pem: bytes | None = None,
) -> Path:
    """Write the root key from its escrow to a new key file of mode 0600, once it is sure to open the workspace.

    Args:
        config: The workspace's.
        texts: One escrow, or enough shares.
        to: The file; by default the one that ``[keys]`` names.
        passphrase: Opens the escrow, or the private key.
        private_pem: The officer's private key.

    Raises:
        KeyMismatch: The escrow does not open, or its key does not open this workspace.
        ConfigError: The file is there already, or what was given is no escrow.
    """
    shares = len(texts) > 1 or not texts[0].lstrip().startswith("{")
    key = (
        escrow.join_shares(texts)
        if shares
        else escrow.open_escrow(texts[0], passphrase=passphrase, private_pem=private_pem)
    )
    handles = Handles(config, root_key=key)
    try:
        handles.secret("events")
        handles.known()  # of before there was a workspace key
        path = to or key_path(config)
        create_key_file(path, key)
        handles.recorder.record("key.recovered", data={"shares": len(texts) if shares else 0})
    except KeyMismatch:
        raise KeyMismatch(
            "the key in this escrow does not open this workspace",
            remedy="Take the escrow that was made last, after the root key was changed, and of this workspace.",
        ) from None
    finally:
        handles.close()
    return path
