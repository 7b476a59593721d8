"""The object store connector against moto's S3 server: pages, versions, odd keys, faults, and nothing ambient."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from s3fs import S3FileSystem

from ragkit.errors import ConfigError, SourceError
from ragkit.testing import sockets
from ragkit.testing.contracts import ConnectorContract, named_in, read_whole
from ragkit.testing.faulty_server import self_signed
from ragkit.testing.s3_server import KEY, SECRET, S3Server
from ragkit.testing.web_server import WebServer
from ragkit.types import Checkpoint, Listed, SourceItem
from ragkit_connectors.object_store import ObjectStoreConnector


@pytest.fixture(autouse=True)
def _loopback() -> Iterator[None]:
    with sockets.loopback():
        yield


@pytest.fixture
def store() -> Iterator[S3Server]:
    """Return a server with one empty bucket."""
    with S3Server() as server:
        yield server


@pytest.fixture
def versioned() -> Iterator[S3Server]:
    """Return a server whose bucket keeps versions."""
    with S3Server(versions=True) as server:
        yield server


def source(store: S3Server, **options: Any) -> ObjectStoreConnector:
    """A connector over the server's bucket."""
    chosen = {"name": "s3", "bucket": store.bucket, "endpoint_url": store.url, "key": KEY, "secret": SECRET, **options}
    return ObjectStoreConnector(**chosen)


def read(store: S3Server, **options: Any) -> dict[str, SourceItem]:
    """A whole pass by key."""
    return {item.native_id: item for item in read_whole(source(store, **options))}


def marks(store: S3Server, **options: Any) -> dict[str, str | None]:
    """What a pass lists, with the versions."""
    return {c.native_id: c.version for c in source(store, **options).changes(None) if isinstance(c, Listed)}


@pytest.fixture
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ragkit_connectors.object_store._PAGE", 2)


@pytest.mark.usefixtures("_small_pages")
class TestObjectStoreContract(ConnectorContract):
    @pytest.fixture
    def connector(self, store: S3Server) -> ObjectStoreConnector:
        for key in ("a.txt", "b/c.md", "b/d.md", "b/e.md", "z.pdf"):
            store.put(key, key.encode())
        return source(store, access=["g:s3|staff"])

    @pytest.fixture
    def unreadable(self, store: S3Server) -> ObjectStoreConnector:
        return source(store, bucket="no-such-bucket")


@pytest.mark.usefixtures("_small_pages")
class TestVersionedContract(ConnectorContract):
    @pytest.fixture
    def connector(self, versioned: S3Server) -> ObjectStoreConnector:
        for key in ("a.txt", "b/c.md", "b/d.md", "gone.md", "z.pdf"):
            for content in (b"1", b"2", key.encode()):
                versioned.put(key, content)
        versioned.delete("gone.md")
        return source(versioned, versions=True)

    @pytest.fixture
    def unreadable(self, versioned: S3Server) -> ObjectStoreConnector:
        versioned.fault = lambda _: "AccessDenied"
        return source(versioned, versions=True)


ODD_KEYS = (
    "../../etc/passwd", "/abs", "//double//", "a/./b", "a/../b", " space ", "tab\there", "bell\x07", "ü/ß.md",
    "\u202eabc", "a?b=c&d#e%20f+g", "quote'\"`$(x)", "😀.txt", "back\\slash", "*[a-z]?", "a" * 900, "%2e%2e/x", "dot.",
    "~", "-rf",
)  # fmt: skip


def test_keys_are_names_and_never_paths(store: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands in them, they are listed and read as they are, and no file is touched."""
    monkeypatch.chdir(tmp_path)
    for number, key in enumerate(ODD_KEYS):
        store.put(key, b"%d" % number)
    items = read(store)
    assert {key: item.content for key, item in items.items()} == {key: b"%d" % n for n, key in enumerate(ODD_KEYS)}
    assert all(item.name for item in items.values())
    assert list(tmp_path.iterdir()) == []


def test_an_item_carries_what_the_store_knows(store: S3Server) -> None:
    """Mark, time with zone, folder and extension; a media type that says nothing is left out."""
    store.put("hr/2026/Leave.PDF", b"%PDF-")
    item = read(store, access=[])["hr/2026/Leave.PDF"]
    assert (item.content, item.name, item.uri) == (b"%PDF-", "Leave.PDF", "s3://bucket/hr/2026/Leave.PDF")
    assert item.metadata == {"folder": "hr/2026", "extension": "pdf"}
    assert item.media_type is None
    assert item.modified is not None
    assert item.modified.tzinfo is not None
    assert item.access == frozenset()


def test_prefix_and_globs_choose(store: S3Server) -> None:
    """In the listing and in what may be fetched; folders of a console are no items."""
    for key in ("a/x.md", "a/y.txt", "b/x.md", "ab.md", "a/folder/"):
        store.put(key, b"" if key.endswith("/") else b"x")
    assert set(marks(store)) == {"a/x.md", "a/y.txt", "b/x.md", "ab.md"}
    assert set(marks(store, prefix="a/")) == {"a/x.md", "a/y.txt"}
    assert set(marks(store, include=["**/*.md"], exclude=["b/**"])) == {"a/x.md", "ab.md"}
    assert list(source(store, prefix="a/", exclude=["**/*.txt"]).fetch(["b/x.md", "a/y.txt", "a/none"])) == []
    assert source(store).probe() == "5 objects"


@pytest.mark.usefixtures("_small_pages")
def test_a_pass_goes_on_where_it_stopped(store: S3Server) -> None:
    """From page to page and after a break; a key that came before the cursor waits for the next pass."""
    keys = [f"k{number:02}" for number in range(9)]
    for key in keys:
        store.put(key, b"x")
    changes = list(source(store).changes(None))
    assert named_in(changes) == keys
    cursors = [change.cursor for change in changes if isinstance(change, Checkpoint) and not change.complete]
    assert len(cursors) == 5
    store.put("a", b"early")
    store.delete("k05")
    assert named_in(source(store).changes(cursors[1])) == ["k04", "k06", "k07", "k08"]


def test_the_mark_is_of_the_content(store: S3Server) -> None:
    """The same content keeps it; another brings another; an item read later carries the newer one."""
    store.put("a", b"one")
    before = marks(store)["a"]
    store.put("a", b"one")
    assert marks(store)["a"] == before
    store.put("a", b"two")
    (item,) = source(store).fetch(["a"])
    assert (item.content, item.version) == (b"two", marks(store)["a"])
    assert item.version != before


def test_versions_are_marks_and_delete_markers_are_absence(versioned: S3Server) -> None:
    """A version written anew has another mark, though its content is the same."""
    versioned.put("a", b"one")
    versioned.put("b", b"one")
    before = marks(versioned, versions=True)
    versioned.put("a", b"one")
    versioned.delete("b")
    after = marks(versioned, versions=True)
    assert set(after) == {"a"}
    assert after["a"] != before["a"]
    assert list(source(versioned, versions=True).fetch(["b"])) == []
    assert set(marks(versioned)) == {"a"}  # without the option too


def test_what_cannot_be_read_is_seen_and_not_lost(store: S3Server) -> None:
    """Too large, forbidden, archived, under a key that we do not have; what went since it was listed is left out."""
    for key in ("big", "secret", "frozen", "sealed", "gone", "good"):
        store.put(key, b"x" * (101 if key == "big" else 100))
    codes = {"secret": "AccessDenied", "frozen": "InvalidObjectState", "sealed": "InvalidRequest"}
    store.fault = lambda environ: codes.get(environ["PATH_INFO"].rpartition("/")[2])
    connector = source(store, max_bytes=100)
    listed = named_in(connector.changes(None))
    store.delete("gone")
    assert {item.native_id: item.problem for item in connector.fetch(listed)} == {
        "big": "too-large", "secret": "forbidden", "frozen": "archived", "sealed": "unreadable", "good": None,
    }  # fmt: skip


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAccessKeyId", "ExpiredToken", "InternalError"])
@pytest.mark.usefixtures("_small_pages")
def test_a_fault_midway_ends_the_pass_and_names_nothing_gone(store: S3Server, code: str) -> None:
    """Credentials taken back, a server that fails: no complete checkpoint, and the pass goes on afterwards."""
    for number in range(6):
        store.put(f"k{number}", b"x")
    calls: list[int] = []

    def fault(_: dict[str, Any]) -> str | None:
        calls.append(1)
        return code if len(calls) > 2 else None

    store.fault = fault
    seen: list[Any] = []
    with pytest.raises(SourceError) as caught:
        seen.extend(source(store).changes(None))
    assert caught.value.remedy
    assert SECRET not in f"{caught.value}{caught.value.remedy}"
    assert not any(change.complete for change in seen if isinstance(change, Checkpoint))
    store.fault = None
    rest = source(store).changes(seen[-1].cursor)
    assert named_in(seen) + named_in(rest) == [f"k{number}" for number in range(6)]


def test_reading_that_is_refused_throughout_is_no_bad_item(store: S3Server) -> None:
    """Ten in a row, or credentials that are not accepted any more, are the source's trouble."""
    keys = [f"k{number:02}" for number in range(12)]
    for key in keys:
        store.put(key, b"x")
    for code in ("AccessDenied", "InvalidAccessKeyId", "InternalError"):
        store.fault = lambda environ, code=code: code if "/k" in environ["PATH_INFO"] else None
        seen: list[SourceItem] = []
        with pytest.raises(SourceError):
            seen.extend(source(store).fetch(keys))
        assert seen == []


@pytest.mark.usefixtures("_small_pages")
def test_a_listing_that_repeats_itself_ends(store: S3Server) -> None:
    """A server that gives the first page again and again is not asked for ever, and nothing is named twice."""
    for number in range(6):
        store.put(f"k{number}", b"x")

    def fault(environ: dict[str, Any]) -> None:
        environ["QUERY_STRING"] = environ["QUERY_STRING"].replace("start-after", "ignored")

    store.fault = fault
    seen: list[Any] = []
    with pytest.raises(SourceError):
        seen.extend(source(store).changes(None))
    assert named_in(seen) == ["k0", "k1"]


@pytest.mark.parametrize("versions", [False, True])
@pytest.mark.parametrize(
    "body",
    [b"", b"<html><body>Sign in</body></html>", b'<?xml version="1.0"?><Error><Code>Busy</Code></Error>',
     b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>b</Key></Contents><Contents><Key>a</Key>"],
)  # fmt: skip
def test_what_is_no_listing_is_no_empty_bucket(store: S3Server, body: bytes, versions: bool) -> None:
    """An empty reply, a login page or an error with status 200 would delete everything; so would one out of order."""
    body += b"</Contents></ListBucketResult>" if body.startswith(b"<List") else b""
    body = body if not versions else body.replace(b"BucketResult", b"VersionsResult").replace(b"Contents", b"Version")
    store.fault = lambda environ: body
    seen: list[Any] = []
    with pytest.raises(SourceError, match="cannot be read"):
        seen.extend(source(store, versions=versions).changes(None))
    assert seen == []


def test_a_store_that_is_not_there(store: S3Server) -> None:
    """No server, no bucket."""
    with pytest.raises(SourceError, match="unreachable"):
        list(source(store, endpoint_url="http://127.0.0.1:1").changes(None))
    with pytest.raises(SourceError, match="NoSuchBucket"):
        source(store, bucket="other").probe()
    with pytest.raises(ConfigError):
        source(store, secret="")


def test_nothing_comes_from_the_surroundings(store: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials, endpoints, proxies, programs and the metadata service are there, and are not asked."""
    ran = tmp_path / "ran"
    aws = tmp_path / ".aws"
    aws.mkdir()
    aws.joinpath("config").write_text(
        f"[default]\nregion = nowhere-1\nendpoint_url = http://127.0.0.1:1\ncredential_process = touch {ran}\n"
        "s3 =\n  addressing_style = virtual\n"
    )
    ambient = "[default]\naws_access_key_id = AMBIENT\naws_secret_access_key = ambient\n"
    aws.joinpath("credentials").write_text(ambient)
    for name, value in {
        "HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "AMBIENT", "AWS_SECRET_ACCESS_KEY": "ambient",
        "AWS_PROFILE": "nobody",
        "AWS_DEFAULT_REGION": "nowhere-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_CA_BUNDLE": "/nowhere",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "REQUESTS_CA_BUNDLE": "/nowhere", "HTTP_PROXY": "http://127.0.0.1:1",
        "http_proxy": "http://127.0.0.1:1", "AWS_DEFAULTS_MODE": "auto", "AWS_CONFIG_FILE": str(aws / "config"),
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere", "AWS_ROLE_ARN": "arn:aws:iam::1:role/x",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.2/x", "S3FS_LOGGING_LEVEL": "DEBUG",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    store.put("a", b"x")
    assert read(store)["a"].content == b"x"
    assert all(f"Credential={KEY}/" in sent and "/us-east-1/s3/" in sent for sent in store.authorizations)
    store.authorizations.clear()
    assert (
        read(store, key="", secret="", region="eu-central-1")["a"].problem == "forbidden"
    )  # moto asks anybody's rights
    assert set(store.authorizations) == {""}
    assert {method for method, _ in store.asked} == {"GET"}
    assert not ran.exists()


def test_nothing_comes_from_the_surroundings_of_fsspec(store: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """``FSSPEC_S3_*`` and ``~/.config/fsspec`` could switch TLS off or name a user."""
    from fsspec.config import conf

    made: list[dict[str, Any]] = []
    own = S3FileSystem.__init__

    def watched(self: Any, *args: Any, **given: Any) -> None:
        made.append(given)
        own(self, *args, **given)

    monkeypatch.setattr(S3FileSystem, "__init__", watched)
    ambient = {"use_ssl": False, "username": "ambient", "s3_additional_kwargs": {"RequestPayer": "requester"}}
    monkeypatch.setitem(conf, "s3", ambient)
    store.put("a", b"x")
    assert read(store)["a"].content == b"x"
    assert made
    assert not any(ambient.keys() & given.keys() for given in made)


def test_keys_of_tls_are_not_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``SSLKEYLOGFILE`` would let whoever reads the file read what is sent."""
    log = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    context, pem = self_signed()
    (tmp_path / "ca.pem").write_bytes(pem)
    with WebServer(tls=context) as server:
        server.put("/bucket", status=404)
        chosen = {"name": "s3", "bucket": "bucket", "endpoint_url": server.url, "key": KEY, "secret": SECRET}
        with pytest.raises(SourceError):
            ObjectStoreConnector(**chosen, ca_path=str(tmp_path / "ca.pem")).probe()
        assert server.hits  # it got through
        server.hits.clear()
        with pytest.raises(SourceError, match="unreachable"):
            ObjectStoreConnector(**chosen).probe()
        assert not server.hits
    assert not log.exists()


def test_nothing_is_logged_or_shown(store: S3Server, caplog: pytest.LogCaptureFixture) -> None:
    """Not even by the libraries when everything is logged: no key, no content, no secret."""
    store.put("a-very-secret-name.txt", b"very secret words")
    with caplog.at_level(logging.DEBUG):
        items = read(store)
    logged = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]  # the server's own
    shown = f"{logged}{source(store)!r}{list(items.values())}"
    assert not [word for word in ("very-secret", "very secret", SECRET, KEY) if word in shown]
