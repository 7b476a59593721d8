"""The Slack connector over exports made here: the contract, what was said in the end, members, odd files, syncs."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.errors import SourceError
from ragkit.testing.contracts import ConnectorContract, items_of, named_in
from ragkit.testing.light import LightIngest
from ragkit.types import Checkpoint, Principal, SourceItem
from ragkit_connectors.slack import SlackConnector
from ragkit_connectors.slack_export import User
from ragkit_connectors.slack_text import Writer, threads

DAY = 1_767_225_600  # 2026-01-01, midnight UTC
USERS = [
    {"id": "U1", "name": "ada", "profile": {"display_name": "Ada", "real_name": "Ada L.", "email": "Ada@Example.org"}},
    {"id": "U2", "name": "ben", "profile": {"display_name": "", "real_name": "Ben*"}},
    {"id": "U3", "name": "cleo", "deleted": True, "profile": {"email": "cleo@example.org"}},
]
LISTS: dict[str, list[dict[str, Any]]] = {
    "channels.json": [{"id": "C1", "name": "general", "members": ["U1"]}, {"id": "C2", "name": "random"}],
    "groups.json": [{"id": "G1", "name": "board", "members": ["U1", "U2", "U3", "U9"]}, {"id": "G2", "name": "empty"}],
    "dms.json": [{"id": "D1", "members": ["U1", "U2"]}],
    "mpims.json": [{"id": "M1", "name": "mpdm-ada--ben-1", "members": ["U2"]}],
    "users.json": USERS,
}


def said(text: str, at: float = 0, user: str = "U1", **more: Any) -> dict[str, Any]:
    """Return a message so many seconds after midnight."""
    return {"type": "message", "user": user, "text": text, "ts": f"{DAY + at:.6f}", **more}


def reply(text: str, to: float, at: float, **more: Any) -> dict[str, Any]:
    """Return a reply to what was said at a time."""
    return said(text, at, thread_ts=f"{DAY + to:.6f}", **more)


DAYS = {
    "general/2026-01-01.json": [said("Good morning.", 60), said("Lunch?", 120, "U2"), reply("Noon.", 120, 180)],
    "general/2026-01-02.json": [said("Day two.", 86_400), reply("Late.", 120, 90_000)],
    "random/2026-01-01.json": [said("Cats.", 30)],
    "board/2026-01-01.json": [said("We sell.", 30)],
    "empty/2026-01-01.json": [said("Alone.", 30)],
    "D1/2026-01-01.json": [said("Between us.", 30)],
    "mpdm-ada--ben-1/2026-01-01.json": [said("Three of us.", 30)],
}


def folder(place: Path, days: dict[str, Any] | None = None, lists: dict[str, Any] | None = None) -> Path:
    """Write an export to a folder; bytes as they are, else as JSON."""
    for name, content in {**(LISTS if lists is None else lists), **(DAYS if days is None else days)}.items():
        file = place / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return place


def zipped(place: Path, to: Path, top: str = "") -> Path:
    """Pack a folder."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(place.rglob("*.json")):
            archive.write(file, top + str(file.relative_to(place)))
    return to


def read(path: Path, **options) -> dict[str, SourceItem]:
    """Return the items of one pass by their ids."""
    found = items_of(SlackConnector(name="chat", path=str(path), **options).changes(None))
    return {item.native_id: item for item in found}


def text(tmp_path: Path, *messages: dict[str, Any], **options) -> str:
    """Return the one document that messages of a day make."""
    found = read(folder(tmp_path, {"general/2026-01-01.json": list(messages)}), **options)
    return found["C1/2026-01-01"].content.decode() if found else ""


class TestSlackContract(ConnectorContract):
    @pytest.fixture(params=["folder", "zip", "zip with a folder", "threads"])
    def connector(self, tmp_path: Path, request: pytest.FixtureRequest) -> SlackConnector:
        path = folder(tmp_path / "export")
        if "zip" in request.param:
            path = zipped(path, tmp_path / "export.zip", "Example export/" if "folder" in request.param else "")
        unit = "thread" if request.param == "threads" else "day"
        return SlackConnector(name="chat", path=str(path), unit=unit, checkpoint_every=1)

    @pytest.fixture
    def unreadable(self, tmp_path: Path) -> SlackConnector:
        return SlackConnector(name="chat", path=str(tmp_path / "nothing.zip"))


def test_a_day_of_a_channel_is_a_document(tmp_path: Path) -> None:
    """Authors and times; replies under what they answer, also of another day."""
    found = read(folder(tmp_path))
    assert sorted(found) == ["C1/2026-01-01", "C1/2026-01-02", "C2/2026-01-01", "G1/2026-01-01", "G2/2026-01-01"]
    item = found["C1/2026-01-01"]
    assert item.content.decode() == (
        "## Ada, 2026-01-01 00:01\n\nGood morning.\n\n"
        "## Ben\\*, 2026-01-01 00:02\n\nLunch?\n\n"
        "### Ada, 2026-01-01 00:03\n\nNoon.\n\n"
        "### Ada, 2026-01-02 01:00\n\nLate.\n"
    )
    assert b"Late" not in found["C1/2026-01-02"].content
    assert (item.title, item.media_type) == ("#general, 2026-01-01", "text/markdown")
    assert item.modified is not None
    assert item.modified.isoformat() == "2026-01-02T01:00:00+00:00"
    assert item.metadata == {"channel": "general", "kind": "public", "day": "2026-01-01"}


def test_a_thread_is_a_document(tmp_path: Path) -> None:
    """One a thread, with the time of its first message as identity."""
    found = read(folder(tmp_path), unit="thread", channels=["general"])
    assert len(found) == 3
    assert b"Late." in found[f"C1/{DAY + 120}.000000"].content


def test_conversations_are_chosen(tmp_path: Path) -> None:
    """By kind and by name."""
    folder(tmp_path)
    assert set(read(tmp_path, kinds=["direct", "group"])) == {"D1/2026-01-01", "M1/2026-01-01"}
    assert set(read(tmp_path, channels=["random"])) == {"C2/2026-01-01"}
    assert read(tmp_path, kinds=["direct"])["D1/2026-01-01"].title == "Ada, Ben*, 2026-01-01"


def test_members_read_what_is_private(tmp_path: Path) -> None:
    """By id or address; deactivated, unknown and unnamed people are nobody; public channels are the source's to say."""
    folder(tmp_path)
    found = read(tmp_path, kinds=["public", "private", "direct"])
    assert found["G1/2026-01-01"].access == {"u:chat|U1", "u:chat|U2"}
    assert found["D1/2026-01-01"].access == {"u:chat|U1", "u:chat|U2"}
    assert found["G2/2026-01-01"].access == frozenset()
    assert found["C1/2026-01-01"].access is None
    found = read(tmp_path, people="email", issuer="corp", access=["g:corp|staff"])
    assert found["G1/2026-01-01"].access == {"u:corp|ada@example.org"}
    assert found["C1/2026-01-01"].access == {"g:corp|staff"}


@pytest.mark.parametrize(
    ("event", "there"),
    [
        (said("<@U1> has joined", 9, subtype="channel_join"), False),
        (said("renamed", 9, subtype="channel_name"), False),
        (said("Waves.", 9, subtype="me_message"), True),
        (said("Beep.", 9, subtype="bot_message", username="Robot"), False),
        (said("Beep.", 9, bot_id="B1"), False),
        (said("This message was deleted.", 9, subtype="tombstone"), False),
        (said("Broken time", 9) | {"ts": "soon"}, False),
        (said("Huge time", 9) | {"ts": "99999999999999"}, False),
    ],
)
def test_only_what_people_say_counts(tmp_path: Path, event: dict[str, Any], there: bool) -> None:
    """Noise, bots and tombstones are not there."""
    whole = text(tmp_path, said("First."), event)
    assert "First." in whole
    assert (event["text"] in whole) == there


def test_bots_speak_where_they_may(tmp_path: Path) -> None:
    """Under the name that they give themselves."""
    beep = said("Beep.", 9, subtype="bot_message", username="Robot", user="")
    assert "## Robot, 2026-01-01 00:00\n\nBeep." in text(tmp_path, beep, bots=True)


def test_edits_and_deletions_are_carried_out(tmp_path: Path) -> None:
    """In whatever order the events stand."""
    changed = {"subtype": "message_changed", "ts": f"{DAY + 50}.0",
               "message": said("Mended.", 9, edited={"user": "U1", "ts": f"{DAY + 50}.000000"})}  # fmt: skip
    deleted = {"subtype": "message_deleted", "ts": f"{DAY + 60}.0", "deleted_ts": f"{DAY + 10:.6f}"}
    former = {"subtype": "message_deleted", "ts": f"{DAY + 60}.0", "previous_message": said("Regret.", 11)}
    for events in ([changed, deleted, former, said("Wrong.", 9)], [said("Wrong.", 9), changed, deleted, former]):
        whole = text(tmp_path, *events, said("Secret.", 10), said("Regret.", 11))
        assert "Mended." in whole
        assert not any(word in whole for word in ("Wrong", "Secret", "Regret"))


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        ("Ask <@U1> or <@U9|zoe> or <@U9>.", "Ask @Ada or @zoe or @someone."),
        ("In <#C2|random> or <#C1>.", "In #random or #general."),
        ("<!here> <!subteam^S1|@ops> <!date^1^{date}|May 1>", "@here @ops May 1"),
        ("See <https://x.org/a?b=1&amp;c=2|the page>.", "See the page (https://x.org/a?b=1&amp;c=2)."),
        ("<https://x.org> <mailto:a@x.org|a@x.org>", "https://x.org a@x.org"),
        ("&lt;script&gt; &amp; so on", "&lt;script&gt; &amp; so on"),
        ("# no heading\n---", "\\# no heading\n\\---"),
        ("Say `a &lt; b` and `", "Say `a < b` and \\`"),
        ("```if a &lt; b:\n  # note```", "```\nif a < b:\n  # note\n```"),
        ("```never closed", "\\`\\`\\`never closed"),
    ],
)
def test_marking_becomes_markdown(tmp_path: Path, raw: str, written: str) -> None:
    """Names for ids, addresses for links, and nothing that opens a block."""
    assert text(tmp_path, said(raw)) == f"## Ada, 2026-01-01 00:00\n\n{written}\n"


def test_an_enterprise_names_its_people_elsewhere(tmp_path: Path) -> None:
    """``org_users.json`` in the place of ``users.json``."""
    lists = {**{name: rows for name, rows in LISTS.items() if name != "users.json"}, "org_users.json": USERS}
    found = read(folder(tmp_path, DAYS, lists))
    assert found["C1/2026-01-01"].content.startswith(b"## Ada, ")


def test_files_blocks_and_quotations_are_told(tmp_path: Path) -> None:
    """Files by name, blocks where there is no text, quoted messages below."""
    element = [{"type": "text", "text": "Hi <b> "}, {"type": "user", "user_id": "U2"}, {"type": "emoji", "name": "x"}]
    blocks = [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": element}]}]
    whole = text(
        tmp_path,
        said("Look.", 1, files=[{"name": "plan.pdf"}, {"mode": "tombstone", "name": "gone.pdf"}, "odd"]),
        said("", 2, blocks=blocks),
        said("", 3, blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": "To <@U1>"}}]),
        said("Quote:", 4, attachments=[{"title": "News", "text": "It rains."}, {"fallback": "Plain"}]),
    )
    for part in ("File: plan.pdf", "Hi &lt;b&gt; @Ben\\*", "To @Ada", "News\n\nIt rains.", "Plain"):
        assert part in whole
    assert "gone.pdf" not in whole


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["U1", "1.5", "*"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "text", "ts"]), inner),
    max_leaves=6,
)
FIELDS = ("text", "user", "thread_ts", "blocks", "files", "attachments", "edited", "message", "user_profile")
EVENT = st.fixed_dictionaries(
    {"ts": ODD | st.sampled_from(["1767225600.000100", "1767225601"])},
    optional=dict.fromkeys(FIELDS, ODD)
    | {"subtype": ODD | st.sampled_from(["message_changed", "message_deleted", "tombstone"])},
)
ROW = st.fixed_dictionaries(
    {"id": ODD | st.just("U1"), "name": ODD | st.just("U1")},
    optional=dict.fromkeys(("members", "profile", "deleted"), ODD),
)


@given(events=st.lists(EVENT, max_size=5), bots=st.booleans())
def test_no_event_is_too_odd(events: list[dict[str, Any]], bots: bool) -> None:
    """Any JSON in any field; what was said is written or left out."""
    writer = Writer({"U1": User("U1", "Ada", "", False)}, {})
    assert isinstance(writer.write(threads(events, bots=bots)), str)


@given(
    rows=st.lists(st.dictionaries(st.sampled_from(["id", "name", "members", "profile", "deleted"]), ODD), max_size=4)
)
def test_no_list_is_too_odd(rows: list[dict[str, Any]]) -> None:
    """Any JSON in any field of the export's lists."""
    with tempfile.TemporaryDirectory() as place:
        lists = {"channels.json": rows, "groups.json": rows, "dms.json": rows, "users.json": rows}
        read(folder(Path(place), {"U1/2026-01-01.json": [said("Hi.")]}, lists), kinds=["public", "private", "direct"])


def test_odd_files_are_one_problem_each(tmp_path: Path) -> None:
    """The other days are read all the same."""
    days: dict[str, Any] = {
        **DAYS,
        "general/2026-01-03.json": b'[{"ts": ',
        "general/2026-01-04.json": b"[" * 100_000,
        "general/2026-01-05.json": b" " * 5_000,
        "general/2026-01-06.json": [7, None, {"ts": 5}],
        "general/notes.json": b"no",
    }
    folder(tmp_path, days)
    os.mkfifo(tmp_path / "general/2026-01-07.json")
    (tmp_path / "general/2026-01-08.json").symlink_to("/etc/passwd")
    (tmp_path / "random2").symlink_to(tmp_path / "board")
    found = read(tmp_path, max_bytes=4_500)
    problems = {key: item.problem for key, item in found.items() if item.problem}
    assert problems == {
        "C1/2026-01-03": "malformed",
        "C1/2026-01-04": "too-large",
        "C1/2026-01-05": "too-large",
        "C1/2026-01-07": "not-a-file",
        "C1/2026-01-08": "unreadable",
    }
    assert read(tmp_path)["C1/2026-01-04"].problem == "malformed"
    assert "C1/2026-01-01" in found


def test_a_day_that_breaks_keeps_its_document(tmp_path: Path) -> None:
    """Its problem has the document's identity, and late replies to the day do not take its place."""
    before = read(folder(tmp_path))
    folder(tmp_path, {"general/2026-01-01.json": b"[{"})
    found = read(tmp_path)
    assert found.keys() == before.keys()
    assert found["C1/2026-01-01"].problem == "malformed"
    threads = read(tmp_path, unit="thread")
    assert threads["C1/2026-01-01/file"].problem == "malformed"


def test_a_channel_that_cannot_be_listed_ends_the_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken as empty, its documents would be deleted."""
    folder(tmp_path)
    listing = Path.iterdir

    def refused(path: Path) -> Any:
        if path.name == "random":
            raise PermissionError(13, "no", str(path))
        return listing(path)

    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(SourceError, match="PermissionError") as caught:
        read(tmp_path)
    assert "random" not in str(caught.value)


def test_a_folder_of_two_channels_is_nobodys(tmp_path: Path) -> None:
    """Of a private channel that has a public one's name, or of two workspaces, nobody knows who may read."""
    lists = {**LISTS, "groups.json": [{"id": "G9", "name": "general", "members": ["U2"]}]}
    found = read(folder(tmp_path, lists=lists), access=["pub"])
    assert {found[f"{one}/2026-01-01"].access for one in ("C1", "G9")} == {frozenset()}
    assert found["C2/2026-01-01"].access == {"pub"}


def test_names_that_cannot_be_stored_are_replaced(tmp_path: Path) -> None:
    """JSON holds lone surrogates, and nothing else does."""
    users = [{"id": "U1", "profile": {"display_name": "a\ud800"}}]
    found = read(folder(tmp_path, lists={**LISTS, "users.json": users}), kinds=["direct"])
    assert found["D1/2026-01-01"].title == "a?, 2026-01-01"


def test_names_in_lists_lead_nowhere(tmp_path: Path) -> None:
    """A channel whose name is a path is left out, in a folder and in a zip."""
    (tmp_path / "outside").mkdir()
    folder(tmp_path, {"outside/2026-01-01.json": [said("Not here.")]}, {})
    rows = [{"id": f"C{n}", "name": name} for n, name in enumerate(("../outside", "/etc", "..", "a/b", "", None, 7))]
    path = folder(tmp_path / "export", {}, {"channels.json": rows, "users.json": []})
    assert read(path) == {}
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("channels.json", json.dumps(rows))
        archive.writestr("../outside/2026-01-01.json", json.dumps([said("Not here.")]))
    assert read(tmp_path / "x.zip") == {}


def test_a_bomb_in_a_zip_is_too_large(tmp_path: Path) -> None:
    """It is unpacked up to the limit, whatever it says of itself."""
    path = folder(tmp_path / "export", {**DAYS, "general/2026-01-09.json": b" " * 50_000_000})
    bomb = zipped(path, tmp_path / "x.zip")
    assert bomb.stat().st_size < 100_000
    assert read(bomb, max_bytes=100_000)["C1/2026-01-09"].problem == "too-large"
    lying = bomb.read_bytes().replace((50_000_000).to_bytes(4, "little"), (2_000).to_bytes(4, "little"))
    (tmp_path / "y.zip").write_bytes(lying)
    found = read(tmp_path / "y.zip", max_bytes=100_000)
    assert found["C1/2026-01-09"].problem in ("too-large", "malformed")
    assert found["C1/2026-01-01"].problem is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"no zip at all"])
def test_what_is_no_export_is_an_error(tmp_path: Path, content: bytes) -> None:
    """A cut zip, a folder without lists, a broken list; no name of a file is told."""
    (tmp_path / "export.zip").write_bytes(content)
    (tmp_path / "bare").mkdir()
    broken = folder(tmp_path / "broken", {}, {"channels.json": b"{"})
    for path in (tmp_path / "export.zip", tmp_path / "bare", broken):
        with pytest.raises(SourceError) as caught:
            read(path)
        assert caught.value.remedy
        assert "export" not in str(caught.value).replace("the export of", "")


def test_a_cursor_is_void_after_another_export(tmp_path: Path) -> None:
    """A pass begins anew; within one export it goes on after the last channel."""
    path = zipped(folder(tmp_path / "export"), tmp_path / "x.zip")
    connector = SlackConnector(name="chat", path=str(path), checkpoint_every=1)
    changes = list(connector.changes(None))
    cursor = next(one.cursor for one in changes if isinstance(one, Checkpoint))
    assert 0 < len(named_in(connector.changes(cursor))) < len(named_in(changes))
    folder(tmp_path / "export", {"general/2026-02-01.json": [said("More.", 31 * 86_400)]})
    zipped(tmp_path / "export", path)
    assert len(named_in(connector.changes(cursor))) == len(named_in(changes)) + 1


@pytest.mark.parametrize("options", [{"kinds": ["secret"]}, {"unit": "year"}, {"people": "name"}, {"issuer": "a|b"}])
def test_bad_options_are_refused(options: dict) -> None:
    """Before anything is read."""
    with pytest.raises(ValueError, match=r"."):
        SlackConnector(name="chat", path="x", **options)


def test_syncs_keep_in_step(tmp_path: Path) -> None:
    """A new export takes the place of the former: edited, deleted, and a member who left."""
    source, data = tmp_path / "source", tmp_path / "data"
    data.mkdir()
    folder(source)
    connector = SlackConnector(name="chat", path=str(source), issuer="corp")
    light = LightIngest(data, words=["Ada"])
    ada, ben, everybody = Principal("corp|U1"), Principal("corp|U2"), Principal("local|ana")
    assert light.sync(connector).added == 5
    assert list(light.texts(ben)) == ["G1/2026-01-01"]
    (source / "random/2026-01-01.json").unlink()
    lists = {**LISTS, "groups.json": [{"id": "G1", "name": "board", "members": ["U1"]}]}
    folder(source, {"general/2026-01-02.json": [said("Day two, mended.", 86_400)]}, lists)
    report = light.sync(connector)
    assert (report.updated, report.deleted, report.failed) == (2, 2, ""), (
        "a day lost its reply of the next; a channel is listed no more"
    )
    assert light.texts(ben) == {}
    assert list(light.texts(ada)) == ["G1/2026-01-01"]
    assert sorted(light.texts(everybody)) == ["C1/2026-01-01", "C1/2026-01-02"]
