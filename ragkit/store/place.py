"""Where the records of a workspace are, by its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ragkit.config import Config
    from ragkit.store.dialect_postgresql import PostgreSQL

RECORDS = "records.db"
KEYS = "records.keys.db"


def record_server(config: Config) -> PostgreSQL | None:
    """Return the schema of the server that ``[store]`` names; ``None`` where the records are in a file.

    Raises:
        SecretUnavailable: The variable or file with the URL is absent.
        ConfigError: The URL is not that of a PostgreSQL database.
    """
    if config.store.url is None:
        return None
    from ragkit.rootkey import read_secret
    from ragkit.store.dialect_postgresql import PostgreSQL

    url = config.store.url
    workspace = config.workspace.id or config.workspace.name
    schema = config.store.schema_name or f"ragkit_{workspace}".replace("-", "_")[:63]
    return PostgreSQL(url if isinstance(url, str) else read_secret(url, folder=config.folder), schema=schema)


def has_records(config: Config) -> bool:
    """Say whether anything was ever synced here; asks no server."""
    return (config.data_folder / (RECORDS if config.store.url is None else KEYS)).exists()
