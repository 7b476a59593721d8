"""The tables of ``ragkit.toml`` on what is kept, for how long, and where a copy of it goes.

::

    [backup]
    keys = "/mnt/safe/ragkit-keys"     # one copy of the key file, the newest, on another device
    keep_days = 35

    [[retention]]
    collection = "tickets"
    days = 1095
    by = "modified"
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ragkit.config_sections import FilterKey, Section, Slug

_LONGEST_DAYS = 36_525


class BackupSection(Section):
    """Copies of the record store and of the key file."""

    keys: Path | None = Field(
        None,
        description="Where the one copy of the key file is kept, outside the data directory and away from the backups. "
        "Each backup, and each erasure, replaces it. Default: none.",
    )
    keep_days: int = Field(
        35,
        ge=0,
        le=_LONGEST_DAYS,
        description="How long keys of replaced and deleted documents stay for older backups; keep no backup longer.",
    )


class RetentionSection(Section):
    """One rule of how long documents may be kept; `ragkit retention run` carries it out."""

    collection: Slug = Field(description="Whose documents.")
    source: Slug | None = Field(None, description="Only those of this source; default: of all.")
    days: int = Field(ge=1, le=_LONGEST_DAYS, description="A document older than so many days is deleted.")
    by: Literal["modified", "indexed"] = Field(
        "modified",
        description="Age counts from the last change at the source, or from when this content was first read.",
    )
    at: FilterKey | None = Field(
        None, description="A metadata key whose value is the date that age counts from, such as `closed_at`."
    )

    @model_validator(mode="after")
    def _one_clock(self) -> RetentionSection:
        if self.at is not None and self.by == "indexed":
            raise PydanticCustomError(
                "retention_clock",
                "names both `at` and `by = indexed`",
                {"remedy": "Leave one of them out: age counts from one date."},
            )
        return self
