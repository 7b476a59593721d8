"""A bucket of S3, or of what speaks it (MinIO, Ceph, Garage, R2), as a source.

::

    [[collections.NAME.sources]]
    connector = "object_store"
    name = "contracts"
    bucket = "contracts"
    prefix = "2026/"
    endpoint_url = "https://minio.example.org:9000"   # without it: Amazon S3 in `region`
    key = {env = "S3_KEY"}                            # without both: as anybody
    secret = {env = "S3_SECRET"}

**Passes** list the bucket page by page and read only objects whose ETag (with ``versions``: and version id) is not
known; a broken pass goes on after the last key. **Deletions** are by absence, and a delete marker is absence.
An object that changed between listing and reading comes with the newer mark, one that went is left out.

**Permissions** of a bucket are policies that S3 does not tell for each object: every object has the tokens of
``access``, or the collection's. ``s3:ListBucket`` and ``s3:GetObject`` are enough (with ``versions`` also
``s3:ListBucketVersions``); nothing is ever written.

**Quarantined** are ``too-large``, ``forbidden``, ``archived`` (Glacier and the like, not restored) and ``unreadable``
(such as objects under a key of the customer's). **Limits**: keys are names, never paths; a key that ends in a slash and
is empty is a folder of a console, and passed over. Credentials come from the configuration only: no environment, no
``~/.aws``, no metadata service (:mod:`ragkit_connectors.object_store_client`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

from ragkit.errors import ConfigError, MissingDependency, SourceError
from ragkit.types import Change, Checkpoint, Listed, SourceItem
from ragkit_connectors.globs import Globs
from ragkit_connectors.object_store_client import Access, Client, StoreFailure, opened
from ragkit_connectors.texts import MIB, of_source

_PAGE = 500
_IN_A_ROW = 10
_UNTOLD = frozenset({"binary/octet-stream", "application/octet-stream"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStoreConnector:
    """Reads one bucket, or what lies under a prefix of it.

    Args:
        name: The source's name in the configuration.
        bucket: Its name.
        prefix: Only keys that begin so.
        endpoint_url: Of another server than Amazon's.
        region: Of the bucket; by default ``us-east-1``.
        key: Access key id, by reference.
        secret: Secret access key, by reference.
        token: Session token, by reference.
        ca_path: Certificates to trust, instead of the usual ones.
        versions: The bucket keeps versions: their ids are part of the mark, and delete markers are honoured.
        requester_pays: Agree to pay for a bucket whose owner does not.
        include: Globs on the key.
        exclude: Globs that win over ``include``.
        max_bytes: A larger object becomes an item with the problem ``too-large``.
        access: Access tokens of every item; ``None`` takes the collection's.

    Raises:
        ConfigError: One of ``key`` and ``secret`` is given without the other.
        MissingDependency: s3fs is not installed.
    """

    name: str
    bucket: str = field(repr=False)
    prefix: str = field(default="", repr=False)
    endpoint_url: str = field(default="", repr=False)
    region: str = ""
    key: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    ca_path: str = field(default="", repr=False)
    versions: bool = False
    requester_pays: bool = False
    include: Sequence[str] = field(default=("**",), repr=False)
    exclude: Sequence[str] = field(default=(), repr=False)
    max_bytes: int = 50 * MIB
    access: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if bool(self.key) != bool(self.secret):
            raise ConfigError(
                f"source {self.name!r} has one of `key` and `secret`", remedy="Give both by reference, or neither."
            )
        if find_spec("s3fs") is None:
            raise MissingDependency(f"source {self.name!r} is read with s3fs", remedy="pip install 'ragkit[s3]'")

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """List the bucket; ``cursor`` is the last key that was handed over, with a letter before it.

        Raises:
            SourceError: The bucket cannot be listed.
        """
        access = of_source(self.access)
        globs = Globs(self.include, self.exclude)
        after = cursor[1:] if cursor else ""
        with opened(self._access()) as client:
            for page in self._pages(client, after):
                for row in page:
                    if self._is_item(row["Key"], row["Size"], globs):
                        yield Listed(row["Key"], self._mark(row), access)
                if page:
                    yield Checkpoint(f"k{page[-1]['Key']}")
        yield Checkpoint(None, complete=True)

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Read objects as they are now; those that are gone, or out of scope, are left out.

        Raises:
            SourceError: The store cannot be reached, or lets us read nothing any more.
        """
        globs = Globs(self.include, self.exclude)
        refused: list[SourceItem] = []
        with opened(self._access()) as client:
            for key in native_ids:
                if not key.startswith(self.prefix) or not globs.match(key):
                    continue
                item = self._read(client, key)
                if item is None:
                    continue
                if item.problem == "forbidden":
                    refused.append(item)
                    if len(refused) >= _IN_A_ROW:
                        raise self._unreadable("AccessDenied")
                    continue
                yield from refused
                refused.clear()
                yield item
        yield from refused

    def probe(self) -> str:
        """List the first page.

        Raises:
            SourceError: The bucket cannot be listed.
        """
        with opened(self._access()) as client:
            first = next(self._pages(client, ""), [])
        return f"{len(first)} objects{' or more' if len(first) >= _PAGE else ''}"

    def _pages(self, client: Client, after: str) -> Iterator[list[Mapping[str, Any]]]:
        """Pages of current objects in order of their keys, each after the last key of the one before."""
        asked: dict[str, Any] = {"Bucket": self.bucket, "Prefix": self.prefix, "MaxKeys": _PAGE}
        method = "list_object_versions" if self.versions else "list_objects_v2"
        marker = "KeyMarker" if self.versions else "StartAfter"
        more = {marker: after} if after else {}
        while True:
            try:
                answer = client.call(method, **asked, **more)
            except StoreFailure as failed:
                raise self._unreadable(failed.told) from None
            if not isinstance(answer.get("IsTruncated"), bool):  # botocore takes an empty reply for an empty bucket
                raise self._unreadable("malformed")
            rows = answer.get("Versions" if self.versions else "Contents") or []
            found = [row for row in rows if row["Key"] > after and row.get("IsLatest", True)]
            if any(one["Key"] > other["Key"] for one, other in pairwise(found)):  # the next page begins at the last key
                raise self._unreadable("unordered")
            after = found[-1]["Key"] if found else after
            yield found
            if not answer.get("IsTruncated"):
                return
            before, more = more, self._following(answer, after)
            if more == before:  # a server that gives the same page again would be asked for ever
                raise self._unreadable("unordered")

    def _following(self, answer: Mapping[str, Any], after: str) -> dict[str, str]:
        """Where the next page begins."""
        if not self.versions:
            return {"StartAfter": after}
        markers = {name: str(answer.get(f"Next{name}") or "") for name in ("KeyMarker", "VersionIdMarker")}
        return {name: value for name, value in markers.items() if value}

    def _read(self, client: Client, key: str) -> SourceItem | None:
        try:
            answer = client.call("get_object", Bucket=self.bucket, Key=key)
            size = int(answer.get("ContentLength") or 0)
            content = client.body(answer, self.max_bytes if size <= self.max_bytes else -1)
        except StoreFailure as failed:
            if failed.is_absent:
                return None
            problem = {"AccessDenied": "forbidden", "403": "forbidden", "InvalidObjectState": "archived"}.get(
                failed.code
            )
            if problem is None and (failed.is_refused or not failed.code.startswith(("Invalid", "KMS", "4"))):
                raise self._unreadable(failed.told) from None
            return self._item(key, {}, b"", problem or "unreadable")
        return self._item(key, answer, content or b"", "too-large" if content is None else None)

    def _item(self, key: str, answer: Mapping[str, Any], content: bytes, problem: str | None) -> SourceItem:
        kind = str(answer.get("ContentType") or "")
        modified = answer.get("LastModified")
        folder, _, name = key.rpartition("/")
        return SourceItem(
            native_id=key,
            content=content,
            name=name or key,
            media_type=kind if kind.count("/") == 1 and kind not in _UNTOLD else None,
            uri=f"s3://{self.bucket}/{key}",
            version=self._mark(answer) if answer else None,
            modified=modified if isinstance(modified, datetime) else None,
            access=of_source(self.access),
            metadata={"folder": folder, "extension": name.rpartition(".")[2].lower() if "." in name else ""},
            problem=problem,
        )

    def _mark(self, row: Mapping[str, Any]) -> str:
        etag = str(row.get("ETag") or "").strip('"')
        return f"{etag};{row.get('VersionId') or ''}" if self.versions else etag

    @staticmethod
    def _is_item(key: str, size: int, globs: Globs) -> bool:
        return globs.match(key) and not (key.endswith("/") and not size)

    def _access(self) -> Access:
        return Access(
            endpoint_url=self.endpoint_url, region=self.region, key=self.key, secret=self.secret, token=self.token,
            ca_path=self.ca_path, requester_pays=self.requester_pays,
        )  # fmt: skip

    def _unreadable(self, code: str) -> SourceError:
        shown = code if code.isalnum() and len(code) < 50 else "unknown"
        return SourceError(
            f"the bucket of source {self.name!r} cannot be read ({shown})",
            remedy="Check `bucket`, `endpoint_url`, `region` and the credentials; they must allow listing and reading.",
        )
