"""The mailbox connector over files: mbox, Maildir, and folders of both."""

from __future__ import annotations

import os
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from ragkit.errors import SourceError
from ragkit.testing.contracts import ConnectorContract, items_of, named_in, read_whole
from ragkit.types import Checkpoint, SourceItem
from ragkit_connectors import mailbox_local
from ragkit_connectors.mailbox import MailboxConnector


def letter(number: int = 1, *, head: str = "", body: str = "Dear all,") -> str:
    """Return a message."""
    return f"Message-ID: <{number}@x.example>\nSubject: Letter {number}\n{head}\n{body}\n"


def mbox(*messages: str) -> str:
    """Return the messages as one file."""
    return "".join(f"From ana@x.example Sat Jan  3 01:05:34 1996\n{message}\n" for message in messages)


def maildir(folder: Path, *messages: str, part: str = "cur") -> Path:
    """Add messages to a Maildir, made if need be."""
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    start = len(list((folder / part).iterdir()))
    for number, message in enumerate(messages, start=start):
        (folder / part / f"17000000{number:02}.M1P2.host{':2,S' if part == 'cur' else ''}").write_text(message)
    return folder


def source(path: Path, **options: Any) -> MailboxConnector:
    """Return a connector."""
    return MailboxConnector(name="mail", path=str(path), **options)


def read(path: Path, **options: Any) -> list[SourceItem]:
    """Return all items of a pass."""
    return read_whole(source(path, **options))


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoint after every second message."""
    monkeypatch.setattr(mailbox_local, "_EVERY", 2)


@pytest.mark.usefixtures("often")
class TestMaildirContract(ConnectorContract):
    @pytest.fixture
    def connector(self, tmp_path: Path) -> MailboxConnector:
        maildir(tmp_path / "mail", *[letter(n) for n in range(5)])
        maildir(tmp_path / "mail", letter(7), part="new")
        maildir(tmp_path / "mail" / ".Archive.Old", letter(8), letter(9))
        (tmp_path / "mail" / "cur" / "1800000000.link").symlink_to("/etc/hostname")
        return source(tmp_path / "mail")

    @pytest.fixture
    def unreadable(self, tmp_path: Path) -> MailboxConnector:
        return source(tmp_path / "absent")


@pytest.mark.usefixtures("often")
class TestMboxContract(ConnectorContract):
    @pytest.fixture
    def connector(self, tmp_path: Path) -> MailboxConnector:
        (tmp_path / "a.mbox").write_text(mbox(*[letter(n) for n in range(5)], letter(2), "no header"))
        return source(tmp_path / "a.mbox")

    @pytest.fixture
    def unreadable(self, tmp_path: Path) -> MailboxConnector:
        (tmp_path / "notes.txt").write_text("no mail")
        return source(tmp_path / "notes.txt")


@pytest.mark.usefixtures("often")
class TestFolderOfBothContract(ConnectorContract):
    @pytest.fixture
    def connector(self, tmp_path: Path) -> MailboxConnector:
        maildir(tmp_path / "Team" / "Inbox", *[letter(n) for n in range(3)])
        (tmp_path / "Team" / "Sent").write_text(mbox(*[letter(n) for n in range(3)]))
        (tmp_path / "Team" / "Sent.msf").write_text("an index of Thunderbird")
        return source(tmp_path, access_from="recipients", access_issuer="i", access_domains=["x.example"])


def test_messages_of_an_mbox_are_told_apart(tmp_path: Path) -> None:
    """A separator follows an empty line; quoting is undone; without Message-ID the bytes are the identity."""
    (tmp_path / "a").write_text(
        mbox(
            letter(1, body="Hi,\nFrom here on 10:00\n\nFrom me\n>From there\n>>From far"),
            "Subject: none\n\nbody",
            letter(1),
        )
    )
    first, nameless, again = items_of(source(tmp_path / "a").changes(None))
    assert first.content == letter(1, body="Hi,\nFrom here on 10:00\n\nFrom me\nFrom there\n>From far").encode()
    assert (first.native_id, again.native_id) == ("a/1@x.example", "a/1@x.example#2")
    assert first.media_type == "message/rfc822"
    assert nameless.content == b"Subject: none\n\nbody\n"
    (tmp_path / "a").write_text(mbox(letter(5), "Subject: none\n\nbody"))
    assert items_of(source(tmp_path / "a").changes(None))[1].native_id == nameless.native_id


def test_an_mbox_with_line_ends_of_windows(tmp_path: Path) -> None:
    """Thunderbird writes such."""
    (tmp_path / "a").write_bytes(mbox(letter(1), letter(2)).replace("\n", "\r\n").encode())
    assert [item.native_id for item in read(tmp_path / "a")] == ["a/1@x.example", "a/2@x.example"]


def test_a_message_too_long_is_named_with_flat_memory(tmp_path: Path) -> None:
    """Also when it is a single line; those around it are read."""
    with (tmp_path / "a").open("w") as file:
        file.write(mbox(letter(1)))
        file.write("From \n" + letter(2))
        for _ in range(100):
            file.write("x" * 1_000_000)
        file.write("\n\n" + mbox(letter(3)))
    tracemalloc.start()
    found = [
        (item.native_id, item.problem) for item in items_of(source(tmp_path / "a", max_bytes=100_000).changes(None))
    ]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [("a/1@x.example", None), ("a/2@x.example", "too-large"), ("a/3@x.example", None)]
    assert peak < 5_000_000


@pytest.mark.usefixtures("often")
def test_an_mbox_that_grows_while_it_is_read_is_whole_next_time(tmp_path: Path) -> None:
    """The pass ends with what was there; its cursor stays good."""
    (tmp_path / "a").write_text(mbox(*[letter(n) for n in range(6)]))
    connector = source(tmp_path / "a")
    stream = connector.changes(None)
    before: list[Any] = []
    while not isinstance(before[-1] if before else None, Checkpoint):
        before.append(next(stream))
    with (tmp_path / "a").open("a") as file:
        file.write(mbox(letter(9)))
    assert len(named_in([*before, *stream])) == 6
    after = list(connector.changes(before[-1].cursor))
    assert [name[2] for name in named_in(after)] == ["2", "3", "4", "5", "9"]


@pytest.mark.usefixtures("often")
def test_an_mbox_that_is_rewritten_while_it_is_read_deletes_nothing(tmp_path: Path) -> None:
    """The pass ends with an error and not as complete; its cursor is void, and the next pass starts over."""
    for how in ("in place", "by another file", "shorter"):
        (tmp_path / "a").write_text(mbox(*[letter(n) for n in range(6)]))
        connector = source(tmp_path / "a")
        stream = connector.changes(None)
        before = [next(stream) for _ in range(3)]
        cursor = next(change.cursor for change in before if isinstance(change, Checkpoint))
        (tmp_path / "b").write_text(mbox(*[letter(n) for n in range(2, 9 if how != "shorter" else 4)]))
        if how == "by another file":
            (tmp_path / "b").replace(tmp_path / "a")
        else:
            (tmp_path / "a").write_text((tmp_path / "b").read_text())
        with pytest.raises(SourceError):
            list(stream)
        assert len(named_in(connector.changes(cursor))) == (7 if how != "shorter" else 2)


def test_flags_are_no_change(tmp_path: Path) -> None:
    """A message that is read or moved from new to cur stays the same; one that is trashed is gone."""
    folder = maildir(tmp_path / "m", letter(1), letter(2), part="new")
    before = read(folder)
    first, second = sorted((folder / "new").iterdir())
    first.rename(folder / "cur" / f"{first.name}:2,RS")
    assert read(folder) == before
    second.rename(folder / "cur" / f"{second.name}:2,ST")
    assert read(folder) == before[:1]
    assert list(source(folder).fetch([item.native_id for item in before])) == before[:1]


def test_a_flag_that_is_set_while_it_is_read_loses_no_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file has another name by the time it is looked at, or opened."""
    folder = maildir(tmp_path / "m", letter(1), letter(2))
    names = named_in(source(folder).changes(None))
    scandir, read_file, times = os.scandir, mailbox_local._read, [0]

    def rename() -> None:
        times[0] += 1
        for file in list((folder / "cur").iterdir()):
            file.rename(f"{file}F")

    def scan(path: Path) -> Any:
        if Path(path).name != "cur":
            return scandir(path)
        entries = list(scandir(path))
        if times[0] < 2:
            rename()
        return entries

    def read_late(path: Path, limit: int) -> Any:
        if times[0] < 1:
            rename()
        return read_file(path, limit)

    with monkeypatch.context() as patch:
        patch.setattr(mailbox_local.os, "scandir", scan)
        assert named_in(source(folder).changes(None)) == names
    assert times == [2]
    times[0] = 0
    monkeypatch.setattr(mailbox_local, "_read", read_late)
    assert sorted(item.native_id for item in source(folder).fetch(names)) == names
    assert times == [1]


def test_a_message_that_goes_between_listing_and_reading_is_left_out(tmp_path: Path) -> None:
    """The others are read."""
    folder = maildir(tmp_path / "m", letter(1), letter(2))
    connector = source(folder)
    names = named_in(connector.changes(None))
    sorted((folder / "cur").iterdir())[0].unlink()
    assert [item.native_id for item in connector.fetch(names)] == names[1:]


def test_odd_files_of_a_maildir_are_problems(tmp_path: Path) -> None:
    """Links, pipes and large ones arrive under a code; nothing is followed and nothing waits."""
    folder = maildir(tmp_path / "m", letter(1, body="x" * 2000))
    (tmp_path / "secret").write_text("secret")
    (folder / "cur" / "2.link").symlink_to(tmp_path / "secret")
    (folder / "cur" / "3.folder").mkdir()
    os.mkfifo(folder / "cur" / "4.pipe")
    (folder / "cur" / b"5.\xff".decode(errors="surrogateescape")).write_text(letter(5))
    found = read(folder, max_bytes=1000)
    assert [item.problem for item in found] == ["too-large", "symbolic-link", "not-a-file", "not-a-file", None]
    assert found[-1].native_id == "/5.\\xff"


def test_folders_behind_links_are_not_read(tmp_path: Path) -> None:
    """Neither a linked Maildir, nor one whose `cur` is a link, nor a linked mbox."""
    outside = maildir(tmp_path / "outside", letter(1))
    (tmp_path / "outside.mbox").write_text(mbox(letter(2)))
    inside = maildir(tmp_path / "inside", letter(3))
    (inside / "linked").symlink_to(outside)
    (inside / "linked.mbox").symlink_to(tmp_path / "outside.mbox")
    (inside / "odd").mkdir()
    (inside / "odd" / "new").mkdir()
    (inside / "odd" / "cur").symlink_to(outside / "cur")
    assert len(read(inside)) == 1


def test_a_folder_without_mail_is_an_error(tmp_path: Path) -> None:
    """Taken as empty, everything would be deleted."""
    with pytest.raises(SourceError, match="no mailbox"):
        list(source(tmp_path).changes(None))
    (tmp_path / "empty.mbox").write_text("")
    (end,) = source(tmp_path / "empty.mbox").changes(None)
    assert isinstance(end, Checkpoint)
    assert end.complete


def test_no_message_takes_the_identity_of_another(tmp_path: Path) -> None:
    """Not by an id that looks like that of a second one."""
    first, second = letter(1, body="one"), letter(1, body="two")
    forged = letter(1, body="forged").replace("<1@x.example>", "<1@x.example#2>")
    (tmp_path / "box").write_text(mbox(first, second, forged))
    assert [item.native_id for item in read(tmp_path)] == [
        "box/1@x.example",
        "box/1@x.example#2",
        "box/1@x.example#2#1",
    ]


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("alice@x.example)bob@x.example", []),
        ("alice@x.example<bob@x.example>", []),
        ("alice@x.example(<bob@x.example>", []),
        ('"Last, First" <alice@x.example>, bob@x.example', ["alice", "bob"]),
        ("Alice (at work) <alice@x.example>", ["alice"]),
        ('"a \\" b, c" <alice@x.example>', ["alice"]),
    ],
)
def test_a_field_that_can_be_read_in_two_ways_names_nobody(tmp_path: Path, field: str, named: list[str]) -> None:
    """As the standard library has it from Python 3.11.10 on."""
    (tmp_path / "box").write_text(mbox(letter(head=f"To: {field}\n")))
    found = read(tmp_path, access_from="recipients", access_issuer="i", access_domains=["x.example"])
    assert found[0].access == {f"u:i|{name}@x.example" for name in named}


def test_globs_and_readers_and_days_hold_for_files_too(tmp_path: Path) -> None:
    """As over IMAP."""
    maildir(tmp_path / "Work", letter(1, head="To: ana@own.example\n"))
    maildir(tmp_path / "Private", letter(2))
    (tmp_path / "old.mbox").write_text(
        mbox(letter(3, head="Date: Mon, 1 Jan 2024 10:00:00 +0100\n"), letter(4, head="Date: nonsense\n"))
    )
    own = {"access_from": "recipients", "access_issuer": "idp", "access_domains": ["own.example"]}
    found = read(tmp_path, exclude=["Private"], since="2024-06-01", **own)
    assert [(item.metadata["folder"], item.access) for item in found] == [
        ("Work", {"u:idp|ana@own.example"}),
        ("old.mbox", frozenset()),
    ]


def test_local_mail_needs_no_imapclient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is asked for when a server is."""
    from ragkit.errors import MissingDependency

    monkeypatch.setitem(sys.modules, "imapclient", None)
    assert len(read(maildir(tmp_path / "m", letter(1)))) == 1
    with pytest.raises(MissingDependency) as caught:
        list(MailboxConnector(name="m", host="h.example", user="u", password="p").changes(None))
    assert "ragkit[mailbox]" in caught.value.remedy
