"""The mailbox connector over IMAP, against a real dovecot; and what it refuses before it connects."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from imapclient import IMAPClient

from ragkit.errors import ConfigError, SourceError
from ragkit.testing import sockets
from ragkit.testing.contracts import ConnectorContract, named_in, read_whole
from ragkit.testing.dovecot import ABSENT, DovecotServer, dovecot
from ragkit.types import Checkpoint, Listed, SourceItem
from ragkit_connectors.mailbox import MailboxConnector

MANY = 600
"""More than two windows of a listing."""


@pytest.fixture(scope="module")
def server() -> Iterator[DovecotServer]:
    """One server for the module; each test has a user of its own."""
    if ABSENT:
        pytest.skip(ABSENT)
    with dovecot() as running:
        yield running


@pytest.fixture(autouse=True)
def _loopback() -> Iterator[None]:
    with sockets.loopback():
        yield


@dataclass
class Box:
    """One user's mailbox, to be written by ``client`` and read by ``connector``."""

    server: DovecotServer
    user: str = field(default="")

    def __post_init__(self) -> None:
        self.user = self.server.new_user()

    def client(self) -> Any:
        return self.server.client(self.user)

    def fill(self, folder: str, *messages: bytes) -> None:
        with self.client() as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            client.multiappend(folder, messages)

    def connector(self, **options: Any) -> MailboxConnector:
        given: dict[str, Any] = {
            "name": "mail",
            "host": "127.0.0.1",
            "port": self.server.tls_port,
            "user": self.user,
            "password": self.server.password,
            "ca_path": str(self.server.ca),
        }
        return MailboxConnector(**given | options)


@pytest.fixture
def box(server: DovecotServer) -> Box:
    """Return an empty mailbox."""
    return Box(server)


def letter(number: int = 1, *, head: str = "", body: str = "Dear all,") -> bytes:
    """Return a message."""
    return f"Subject: Letter {number}\r\n{head}\r\n{body}\r\n".encode()


def listed(connector: MailboxConnector, cursor: str | None = None) -> list[Listed]:
    """Return what a pass lists."""
    return [change for change in connector.changes(cursor) if isinstance(change, Listed)]


def whole(connector: MailboxConnector) -> list[SourceItem]:
    """Return all items of a pass, by the text of their subject."""
    return sorted(read_whole(connector), key=lambda item: item.content)


class TestMailboxContract(ConnectorContract):
    @pytest.fixture
    def connector(self, box: Box) -> MailboxConnector:
        box.fill("INBOX", *[letter(number) for number in range(5)])
        box.fill("Projects/Köln & Umgebung", letter(10), letter(11))
        return box.connector(per_second=1000)

    @pytest.fixture
    def unreadable(self, box: Box) -> MailboxConnector:
        return box.connector(port=1)


class TestMailboxOfRecipientsContract(ConnectorContract):
    @pytest.fixture
    def connector(self, box: Box) -> MailboxConnector:
        box.fill("INBOX", *[letter(n, head=f"To: p{n}@own.example\r\n") for n in range(3)])
        return box.connector(access_from="recipients", access_issuer="idp", access_domains=["own.example"])


def test_a_message_is_an_item(box: Box) -> None:
    """Bytes as they are, where it is by RFC 5092, when it came, and in which folder."""
    box.fill("Projekte/Köln", letter(1, body="Straße"))
    (item,) = whole(box.connector(access=["pub"]))
    assert item.content == letter(1, body="Straße")
    assert (item.media_type, item.name, item.metadata) == ("message/rfc822", "1.eml", {"folder": "Projekte/Köln"})
    assert item.native_id.startswith("Projekte/K&APY-ln;UIDVALIDITY=")
    assert item.uri
    assert item.uri.startswith(f"imap://127.0.0.1:{box.server.tls_port}/Projekte/K%C3%B6ln;UIDVALIDITY=")
    assert item.uri.endswith("/;UID=1")
    assert item.modified is not None
    assert (item.access, item.problem) == (frozenset({"pub"}), None)


def test_reading_marks_nothing(box: Box) -> None:
    """Neither is a message seen afterwards, nor is it no longer recent: the folder was opened by EXAMINE."""
    box.fill("INBOX", letter())
    before = None
    with box.client() as client:
        before = client.folder_status("INBOX", ["RECENT", "UNSEEN"])
    assert len(whole(box.connector())) == 1
    with box.client() as client:
        assert client.folder_status("INBOX", ["RECENT", "UNSEEN"]) == before
        client.select_folder("INBOX", readonly=True)
        assert b"\\Seen" not in client.get_flags([1])[1]


def test_what_is_deleted_is_not_named(box: Box) -> None:
    """A message that is marked as deleted is as good as gone, in the listing and when it is fetched."""
    box.fill("INBOX", letter(1), letter(2), letter(3))
    connector = box.connector()
    first, second, third = (one.native_id for one in listed(connector))
    with box.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([1])
    assert named_in(connector.changes(None)) == [second, third]
    assert [item.native_id for item in connector.fetch([first, second])] == [second]
    with box.client() as client:
        client.select_folder("INBOX")
        client.expunge()
    assert named_in(connector.changes(None)) == [second, third]
    assert [item.native_id for item in connector.fetch([first, third])] == [third]


def test_a_moved_message_is_another(box: Box) -> None:
    """Its UID is of its folder."""
    box.fill("INBOX", letter(1), letter(2))
    box.fill("Archive", letter(3))
    before = set(named_in(box.connector().changes(None)))
    with box.client() as client:
        client.select_folder("INBOX")
        client.move([1], "Archive")
    after = set(named_in(box.connector().changes(None)))
    assert len(after) == len(before) == 3
    assert len(after - before) == len(before - after) == 1


def test_a_new_uidvalidity_is_new_identities(box: Box) -> None:
    """Old ones are not fetched from the new folder, though the UIDs are the same; an old cursor is void in it."""
    box.fill("Box", letter(1), letter(2))
    connector = box.connector(include=["Box"])
    stream = list(connector.changes(None))
    before, cursor = named_in(stream), next(one.cursor for one in stream if isinstance(one, Checkpoint))
    with box.client() as client:
        client.delete_folder("Box")
    box.fill("Box", letter(3), letter(4))
    assert list(connector.fetch(before)) == []
    after = named_in(connector.changes(cursor))
    assert len(after) == 2
    assert not set(before) & set(after)


def test_folders_come_and_go_while_they_are_read(box: Box) -> None:
    """One that vanished midway is passed over, its messages are not named."""
    for name in ("A", "B", "C"):
        box.fill(name, letter(1))
    stream = box.connector().changes(None)
    first = next(stream)
    assert isinstance(first, Listed)
    assert first.native_id.startswith("A;")
    with box.client() as client:
        client.delete_folder("B")
    assert [name[0] for name in named_in(stream)] == ["C"]


def test_folders_are_chosen_by_glob_and_by_role(box: Box) -> None:
    """What the server calls the trash is left out whatever its name; `*` crosses levels."""
    for name in ("INBOX", "Work", "Work/Old", "Private/Deep/Er", "Trash"):
        box.fill(name, letter(1))

    def folders(**options: Any) -> list[str]:
        return [item.metadata["folder"] for item in read_whole(box.connector(**options))]

    assert folders() == ["INBOX", "Private/Deep/Er", "Work", "Work/Old"]
    assert folders(exclude=["Private/*"]) == ["INBOX", "Work", "Work/Old"]
    assert folders(include=["Work*"], exclude=["Work"]) == ["Work/Old"]
    assert folders(include=["Trash"], exclude_roles=[]) == ["Trash"]
    with pytest.raises(SourceError, match="no folder"):
        folders(include=["Nothing"])


def test_a_large_message_is_not_fetched(box: Box) -> None:
    """It is named with a problem; those beside it are read."""
    box.fill("INBOX", letter(1), letter(2, body="x" * 5000), letter(3))
    small, large, other = read_whole(box.connector(max_bytes=1000))
    assert (large.problem, large.content) == ("too-large", b"")
    assert small.content
    assert other.content


def test_messages_before_a_day_are_left_out(box: Box) -> None:
    """By the day on which they came in, in the listing and when fetched."""
    from datetime import UTC, datetime

    with box.client() as client:
        for year in (2020, 2024):
            client.append("INBOX", letter(year), msg_time=datetime(year, 5, 1, tzinfo=UTC))
    old, new = named_in(box.connector().changes(None))
    recent = box.connector(since="2024-05-01")
    assert named_in(recent.changes(None)) == [new]
    assert [item.native_id for item in recent.fetch([old, new])] == [new]


def test_recipients_are_the_readers(box: Box) -> None:
    """Addresses of one's own domains only; what is out of form, or for others, may be seen by nobody."""
    box.fill(
        "INBOX",
        letter(1, head='From: "Boss@own.example" <X@evil.example>\r\nTo: Ana <ANA@Own.example>, b@own.example\r\n'),
        letter(2, head="To: list@other.example\r\n"),
        letter(3),
        letter(4, head="To: a@evil.example(<c@own.example>)\r\nCc: =?x?\xff?=\r\n"),
        letter(5, head="Bcc: d@own.example\r\n\r\nTo: forged@own.example"),
        letter(6, head="To: x|pub@own.example, e@own.example\r\n"),
    )
    connector = box.connector(access_from="recipients", access_issuer="idp", access_domains=["OWN.example"])
    told = [one.access for one in listed(connector)]
    assert told == [
        {"u:idp|ana@own.example", "u:idp|b@own.example"}, set(), set(), set(), {"u:idp|d@own.example"},
        {"u:idp|e@own.example"},
    ]  # fmt: skip
    assert [item.access for item in read_whole(connector)] == told


def test_a_listing_with_a_hole_is_no_whole_one(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that the server passes over is not gone; one that was removed meanwhile is."""
    box.fill("INBOX", *[letter(number) for number in range(1, 6)])
    fetch = IMAPClient.fetch

    def with_a_hole(client: IMAPClient, messages: Any, *words: Any) -> Any:
        found = fetch(client, messages, *words)
        found.pop(5, None)
        return found

    monkeypatch.setattr(IMAPClient, "fetch", with_a_hole)
    seen: list[Any] = []
    with pytest.raises(SourceError, match="in part"):
        seen.extend(box.connector().changes(None))
    assert not any(one.complete for one in seen if isinstance(one, Checkpoint))

    def after_removal(client: IMAPClient, messages: Any, *words: Any) -> Any:
        with box.client() as other:
            other.select_folder("INBOX")
            other.delete_messages([2])
            other.expunge()
        return fetch(client, messages, *words)

    monkeypatch.setattr(IMAPClient, "fetch", after_removal)
    assert len(listed(box.connector())) == 4


def test_a_cut_connection_is_a_source_error_and_the_pass_goes_on(server: DovecotServer) -> None:
    """What came before the break and what comes after its checkpoint are the whole; the fetch is as exact."""
    box = Box(server)
    box.fill("INBOX", *[letter(number) for number in range(MANY)])
    connector = box.connector()
    stream, before, cursor = connector.changes(None), [], None
    for change in stream:
        before.append(change)
        if isinstance(change, Checkpoint):
            cursor = change.cursor
            break
    server.stop()
    try:
        with pytest.raises(SourceError) as caught:
            list(stream)
        with pytest.raises(SourceError):
            list(connector.changes(cursor))
    finally:
        server.start()
    assert "Letter" not in str(caught.value)
    after = list(connector.changes(cursor))
    assert len(named_in(before)) < MANY
    assert set(named_in(before)) | set(named_in(after)) == set(named_in(connector.changes(None)))
    assert len({*named_in(before), *named_in(after)}) == MANY
    assert isinstance(after[-1], Checkpoint)
    assert after[-1].complete


def test_a_cut_fetch_goes_on_with_what_has_not_come(server: DovecotServer) -> None:
    """The engine's patience asks again; every message comes once."""
    from ragkit.connect.patience import Patience

    box = Box(server)
    box.fill("INBOX", *[letter(number, body="x" * 2_000_000) for number in range(12)])
    connector = box.connector()
    wanted = named_in(connector.changes(None))
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        server.start()

    got = []
    for item in Patience(4, sleep).fetched(connector, wanted):
        if not got:
            server.stop()
        got.append(item.native_id)
    assert len(naps) == 1
    assert sorted(got) == sorted(wanted)


def test_a_message_that_the_server_cannot_read_stops_no_other(server: DovecotServer) -> None:
    """Always, dovecot hangs up at such a one; it becomes a problem, and those before and after are read."""
    box = Box(server)
    box.fill("INBOX", *[letter(number) for number in range(6)])
    for folder in ("cur", "new"):
        files = sorted((server.folder / "mail" / box.user / folder).iterdir())
        for file in files[1:4:2]:
            file.write_bytes(b"")
            file.chmod(0)
    found = read_whole(box.connector())
    assert [item.problem for item in found] == [None, "unreadable", None, "unreadable", None, None]
    assert [item.content for item in found if not item.problem] == [letter(number) for number in (0, 2, 4, 5)]


def test_a_folder_name_out_of_form_is_read_as_it_stands(box: Box) -> None:
    """Some servers never knew of modified UTF-7."""
    from ragkit_connectors.mailbox_imap import _shown

    box.fill("R&D/Büro", letter(1))
    (item,) = read_whole(box.connector())
    assert item.metadata == {"folder": "R&D/Büro"}
    assert [_shown(name) for name in ("R&D", "R&-D", "&&&", "B&APw-ro")] == ["R&D", "R&D", "&&&", "Büro"]


def test_starttls_works_and_is_not_given_up(box: Box) -> None:
    """With it the mailbox is read; where the offer is missing, nothing is sent, the password least of all."""
    box.fill("INBOX", letter(1))
    assert len(whole(box.connector(tls="starttls", port=box.server.port))) == 1
    with dovecot(starttls=False) as stripped:
        bare = Box(stripped)
        connector = bare.connector(tls="starttls", port=stripped.port)
        with pytest.raises(SourceError):
            list(connector.changes(None))
        assert "Login" not in (stripped.folder / "dovecot.log").read_text()


def test_a_certificate_that_nobody_trusts_is_refused(box: Box) -> None:
    """Without `ca_path` the server's own certificate is unknown; a name that it is not for does not pass either."""
    for options in ({"ca_path": None}, {"host": "localhost"}):
        for tls, port in (("implicit", box.server.tls_port), ("starttls", box.server.port)):
            with pytest.raises(SourceError):
                list(box.connector(tls=tls, port=port, **options).changes(None))


def test_a_wrong_password_is_said_without_it(box: Box) -> None:
    """Neither the error nor the repr holds the password or the user."""
    connector = box.connector(password="hunter2")
    with pytest.raises(SourceError, match="refuses the login") as caught:
        list(connector.changes(None))
    for shown in (str(caught.value), caught.value.remedy, repr(connector)):
        assert "hunter2" not in shown
        assert box.user not in shown
    assert caught.value.__cause__ is None


def test_nothing_is_logged_of_messages_and_folders(box: Box, caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG imapclient logs all of the conversation; not here."""
    box.fill("Geheim", letter(1, body="Zanzibar"))
    with caplog.at_level(logging.DEBUG):
        assert len(whole(box.connector())) == 1
    assert "Geheim" not in caplog.text
    assert "Zanzibar" not in caplog.text


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"host": "mail.example", "path": "/x"},
        {"host": "mail.example", "user": "u"},
        {"host": "mail.example", "user": "u", "password": "p", "tls": "none"},
        {"host": "mail.example", "user": "u", "password": "p", "tls": "maybe"},
        {"path": "/x", "access_from": "recipients"},
        {"path": "/x", "access_from": "acl"},
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, str]) -> None:
    """Before anything is opened, with a remedy."""
    with pytest.raises(ConfigError) as caught:
        MailboxConnector(name="mail", **options)  # type: ignore[arg-type]
    assert caught.value.remedy


def test_a_server_on_this_machine_may_be_read_without_tls(box: Box) -> None:
    """`tls = "none"` is for a tunnel or a server beside."""
    box.fill("INBOX", letter(1))
    assert len(whole(box.connector(tls="none", port=box.server.port))) == 1
