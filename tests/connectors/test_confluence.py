"""The Confluence connector against a server of our own: the contract, permissions, faults, and two syncs in step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.connect.patience import Patience
from ragkit.errors import SourceError
from ragkit.testing.confluence_server import ConfluenceServer
from ragkit.testing.contracts import ConnectorContract, named_in, read_whole
from ragkit.testing.light import LightIngest
from ragkit.types import Checkpoint, Listed, Principal, SourceItem
from ragkit_connectors.confluence import ConfluenceConnector
from ragkit_connectors.confluence_access import Level, Readers
from ragkit_connectors.rest import Refused
from ragkit_connectors.rest_calls import Calls

EDITIONS = ["cloud", "datacenter"]


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch, loopback: None) -> None:
    monkeypatch.setattr(Calls, "backoff_s", 0.01)
    monkeypatch.setattr(Patience, "_wait", lambda *_: None)


@pytest.fixture(params=EDITIONS)
def server(request: pytest.FixtureRequest) -> Iterator[ConfluenceServer]:
    """A site with a space of nine pages and a blog post, one of another space, and a personal one."""
    with ConfluenceServer(request.param) as site:
        site.spaces["HR"] = {"groups": {"staff"}, "users": {"eve"}}
        site.spaces["IT"] = {"groups": {"admins"}}
        site.spaces["~ada"] = {"users": {"ada"}, "type": "personal"}
        site.spaces["OLD"] = {"groups": {"staff"}, "status": "archived"}
        site.groups |= {"staff": {"ada", "ben", "cleo", "dora", "finn"}, "board": {"ada", "zoe"}, "admins": {"gus"}}
        for number in range(100, 109):
            site.add(
                str(number), "HR", f"Page {number}", f"<p>Text {number}.</p>", parent="100" if number > 100 else ""
            )
        site.add("201", "HR", "News", "<p>We moved.</p>", kind="blogpost")
        site.add("301", "IT", "Network", "<p>Cables.</p>")
        site.add("401", "~ada", "Diary", "<p>Mine.</p>")
        site.add("501", "OLD", "Past", "<p>Gone.</p>")
        site.attach("101", "att7", "form.txt", b"Fill in.")
        yield site


def connect(server: ConfluenceServer, **options) -> ConfluenceConnector:
    """Return a connector over the site."""
    given = {"name": "wiki", "url": server.site, "edition": server.edition, "token": "the-token", "per_second": 0}
    return ConfluenceConnector(**{**given, **options})


def access_of(connector: ConfluenceConnector) -> dict[str, frozenset[str] | None]:
    """Return who may read each listed item."""
    return {one.native_id: one.access for one in connector.changes(None) if isinstance(one, Listed)}


def items(connector: ConfluenceConnector) -> dict[str, SourceItem]:
    """Return every item by its id."""
    return {item.native_id: item for item in read_whole(connector)}


class TestConfluenceContract(ConnectorContract):
    @pytest.fixture
    def connector(self, server: ConfluenceServer) -> ConfluenceConnector:
        server.restrict("103", users={"ada"})
        return connect(server, checkpoint_every=2)

    @pytest.fixture
    def unreadable(self, server: ConfluenceServer) -> ConfluenceConnector:
        return connect(server, token="revoked")


def test_a_page_becomes_an_item(server: ConfluenceServer) -> None:
    """Title, link, version, time, labels and the rendered body; an attachment is an item of its own."""
    found = items(connect(server))
    assert sorted(found) == sorted([*map(str, range(100, 109)), "201", "301", "att7"])
    page = found["101"]
    assert b"<p>Text 101.</p>" in page.content
    assert (page.title, page.version, page.media_type) == ("Page 101", "1", "text/html")
    assert page.uri == f"{server.site}/spaces/HR/pages/101"
    assert page.modified is not None
    assert page.modified.year == 2026
    assert page.metadata == {"space": "HR", "kind": "page", "labels": "policy"}
    assert found["201"].metadata["kind"] == "blogpost"
    file = found["att7"]
    assert (file.content, file.title, file.media_type) == (b"Fill in.", "form.txt", "text/plain")
    assert file.access == page.access == {"g:wiki|staff", "u:wiki|eve"}


def test_spaces_are_chosen(server: ConfluenceServer) -> None:
    """By key, left out by key, personal ones only by type; attachments may be left out."""
    assert named_in(connect(server, spaces=["IT"]).changes(None)) == ["301"]
    assert named_in(connect(server, exclude_spaces=["HR"]).changes(None)) == ["301"]
    assert named_in(connect(server, types=["personal"]).changes(None)) == ["401"]
    assert "att7" not in named_in(connect(server, attachments=False).changes(None))
    assert not list(connect(server, spaces=["IT"]).fetch(["101", "att7"])), "a space that is not chosen any more"


def test_only_current_content_is_there(server: ConfluenceServer) -> None:
    """Trashed, archived and draft pages are absent, also when they are asked for by id."""
    for number, status in (("102", "trashed"), ("103", "archived"), ("104", "draft")):
        server.contents[number]["status"] = status
    assert not {"102", "103", "104"} & set(named_in(connect(server).changes(None)))
    assert not list(connect(server).fetch(["102", "103", "104"]))


@pytest.mark.parametrize(
    ("restrictions", "readers"),
    [
        ({}, {"g:wiki|staff", "u:wiki|eve"}),
        ({"105": ({"ada", "zoe"}, set())}, {"u:wiki|ada"}),
        ({"100": (set(), {"staff"})}, {"g:wiki|staff", *(f"u:wiki|{one}" for one in ("ada", "ben", "cleo", "dora"))}),
        ({"100": ({"eve", "ada"}, set()), "105": ({"ada", "ben"}, set())}, {"u:wiki|ada"}),
        ({"100": ({"ada"}, set()), "105": ({"ben"}, set())}, set()),
        ({"105": (set(), {"board"})}, {"u:wiki|ada"}),
        ({"105": (set(), {"unknown"})}, set()),
        ({"100": ({"eve"}, set()), "105": (set(), {"staff"})}, set()),
    ],
)
def test_levels_are_cut_with_each_other(server: ConfluenceServer, restrictions: dict, readers: set[str]) -> None:
    """A reader has to pass the space, every ancestor and the page; groups are taken apart where they differ."""
    for content_id, (users, groups) in restrictions.items():
        server.restrict(content_id, users=users, groups=groups)
    found = access_of(connect(server))["105"]
    assert found is not None
    assert found - {"u:wiki|finn"} == readers
    fetched = next(iter(connect(server).fetch(["105"])))
    assert fetched.access == found, "without a listing before"


PEOPLE, GROUPS = ("ada", "ben", "cleo", "dora"), ("staff", "board", "ops")
LEVELS = st.none() | st.builds(
    Level, st.frozensets(st.sampled_from(PEOPLE), max_size=3), st.frozensets(st.sampled_from(GROUPS), max_size=2)
)


class Told:
    """Permissions as they were drawn; the members of some groups cannot be read."""

    def __init__(self, levels: list[Level | None], members: dict[str, set[str]], hidden: set[str]) -> None:
        self.levels, self.all_members, self.hidden = levels, members, hidden

    def readers(self, space: str) -> Level | None:
        return self.levels[0]

    def restriction(self, content_id: str) -> Level | None:
        return self.levels[int(content_id)]

    def members(self, group: str) -> Iterator[str]:
        if group in self.hidden:
            raise Refused("no", status=403, remedy="no")
        return iter(self.all_members[group])

    def group_name(self, group: str) -> str | None:
        return group


@given(
    levels=st.lists(LEVELS, min_size=2, max_size=4),
    members=st.fixed_dictionaries({group: st.sets(st.sampled_from(PEOPLE)) for group in GROUPS}),
    hidden=st.sets(st.sampled_from(GROUPS)),
)
def test_exactly_those_who_pass_every_level_are_let_in(levels, members, hidden) -> None:
    """Whoever passes all of them, by name or by a group; with groups that cannot be read, nobody more."""
    above, last = [str(number) for number in range(1, len(levels) - 1)], str(len(levels) - 1)
    whole = Readers(Told(levels, members, set())).of("S", above, last)
    known = Readers(Told(levels, members, hidden)).of("S", above, last)
    for person in PEOPLE:
        groups = {group for group in GROUPS if person in members[group]}
        passes = all(level is None or person in level.users or groups & level.groups for level in levels)

        def let_in(level: Level | None, person: str = person, groups: set[str] = groups) -> bool:
            return level is None or person in level.users or bool(groups & level.groups)

        assert let_in(whole) == passes
        assert let_in(known) <= passes


def test_open_spaces_take_the_access_of_the_source(server: ConfluenceServer) -> None:
    """What anonymous users may read is the source's to say; a restriction below still holds."""
    server.spaces["HR"]["anonymous"] = True
    server.restrict("105", users={"ada"})
    assert access_of(connect(server))["101"] is None
    found = access_of(connect(server, access=["pub"], issuer="corp", groups="ldap"))
    assert (found["101"], found["105"]) == ({"pub"}, {"u:corp|ada"})
    assert found["301"] == {"g:ldap|admins"}
    assert access_of(connect(server, access=["pub"], read_permissions=False))["105"] == {"pub"}


@pytest.mark.parametrize("fault", ["403", "404"])
def test_what_cannot_be_read_lets_nobody_in(server: ConfluenceServer, fault) -> None:
    """Unreadable permissions of a space hide it, of a group whom only it would let in; the probe says so."""
    server.fault(fault, on=r"space.*/permissions")
    assert set(access_of(connect(server)).values()) == {frozenset()}
    server.mend()
    server.restrict("105", users={"ada"})
    server.fault(fault, on=r"group/.*member")
    found = access_of(connect(server))
    assert (found["105"], found["101"]) == (frozenset(), {"g:wiki|staff", "u:wiki|eve"})
    server.mend()
    assert connect(server).probe() == "2 spaces"
    server.fault("403", on=r"space.*/permissions")
    assert connect(server).probe() == "2 spaces, the permissions of 2 cannot be read"


def test_an_ancestor_out_of_sight_lets_nobody_in(server: ConfluenceServer) -> None:
    """A page below one that the account cannot see may be restricted there."""
    server.contents["100"]["status"] = "draft"
    server.fault("404", on=r"content/100/restriction")
    found = access_of(connect(server))
    assert "100" not in found
    assert found["101"] == found["att7"] == frozenset()


@pytest.mark.parametrize("untold", ["ancestors", "restrictions"])
def test_what_is_not_told_lets_nobody_in(
    server: ConfluenceServer, untold: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reply without the fields that were asked for is not one without restrictions."""
    whole = server._content
    monkeypatch.setattr(
        server, "_content", lambda *given: {key: value for key, value in whole(*given).items() if key != untold}
    )
    assert set(access_of(connect(server)).values()) == {frozenset()}
    assert next(iter(connect(server).fetch(["101"]))).access == frozenset()


def test_all_attachments_of_a_page_are_listed(server: ConfluenceServer) -> None:
    """More of them than come with the page."""
    for number in range(20, 29):
        server.attach("102", f"att{number}", "x.txt", b"x")
    assert {f"att{number}" for number in range(20, 29)} <= set(named_in(connect(server).changes(None)))


def test_too_large_and_elsewhere_are_problems(server: ConfluenceServer) -> None:
    """Such items arrive under a code, without content."""
    server.add("106", "HR", "Long", "x" * 2000)
    server.attach("101", "att8", "big.bin", b"x" * 2000)
    found = items(connect(server, max_bytes=1000))
    assert (found["106"].problem, found["att8"].problem) == ("too-large", "too-large")
    server.fault("redirect", on="/download/")
    assert next(iter(connect(server).fetch(["att7"]))).problem == "other-host"


@pytest.mark.parametrize("fault", ["429", "429-date", "500", "503", "truncated", "not-json", "hang-up"])
def test_a_passing_fault_changes_nothing(server: ConfluenceServer, fault) -> None:
    """Two bad replies in a row, in the middle of the listing and of reading, and the result is the same."""
    whole = items(connect(server))
    server.fault(fault, on="content", times=2, after=2)
    if fault != "not-json":  # a page for signing in would be a file like any other
        server.fault(fault, on="download", times=2)
    assert items(connect(server)) == whole


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("401", "credentials"),
        ("403", "HTTP 403"),
        ("410", "HTTP 410"),
        ("429-long", "left alone"),
        ("500", "HTTP 500"),
        ("huge", "longer than it may be"),
        ("not-json", "no JSON"),
        ("odd-form", "a form that is not known"),
        ("redirect", "redirects"),
    ],
)
def test_a_lasting_fault_is_an_error_without_content(server: ConfluenceServer, fault, said: str) -> None:
    """What was listed before is good; the error names no address, item or secret, and says what to do."""
    server.fault(fault, on="/content", after=1)
    stream = connect(server, max_bytes=1000).changes(None)
    with pytest.raises(SourceError) as caught:
        list(stream)
    assert said in str(caught.value)
    assert caught.value.remedy
    for secret in ("the-token", "127.0.0.1", "HR", "Page"):
        assert secret not in f"{caught.value}{caught.value.remedy}{caught.value.__cause__}"


def test_a_link_to_another_host_is_not_followed() -> None:
    """Credentials would go there."""
    with ConfluenceServer("cloud") as server:
        server.spaces |= {key: {} for key in "ABCDE"}
        server.fault("other-host")
        with pytest.raises(SourceError, match="another host"):
            list(connect(server).changes(None))


def test_a_repeated_page_is_told_once_or_refused(server: ConfluenceServer) -> None:
    """Once repeated it changes nothing; a listing that goes in a circle ends with an error."""
    whole = named_in(connect(server).changes(None))
    server.fault("repeat", on="content.*(start=2|cursor)", times=1)
    assert named_in(connect(server).changes(None)) == whole
    server.mend()
    server.fault("repeat", on="content.*(start|cursor)=[^0]")
    with pytest.raises(SourceError):
        list(connect(server).changes(None))


def test_a_page_at_which_the_server_fails_is_one_problem(server: ConfluenceServer) -> None:
    """A macro that cannot be carried out, or a file lost on its disk, does not stop the others."""
    whole = items(connect(server))
    alone = r"id in \((?:\d+, )*104.*body\." if server.edition == "cloud" else r"content/104\?.*body\."
    server.fault("500", on=alone)
    server.fault("500", on="/download/")
    found = items(connect(server))
    assert found.keys() == whole.keys()
    assert {key for key, item in found.items() if item.problem == "unreadable"} == {"104", "att7"}
    assert found["104"].version == "1"
    server.mend()
    server.fault("huge", on=alone)
    assert items(connect(server, max_bytes=1000))["104"].problem == "too-large"
    server.mend()
    server.fault("500")
    with pytest.raises(SourceError, match="500"):
        list(connect(server).fetch(["104"]))


@pytest.mark.parametrize("fault", ["404", "410", "422"])
def test_a_lost_cursor_starts_the_listing_anew(fault) -> None:
    """Once it changes nothing; over and over it is an error, and never half a listing."""
    with ConfluenceServer("cloud") as server:
        server.spaces["HR"] = {}
        for number in range(100, 109):
            server.add(str(number), "HR", "x", "x")
        server.fault(fault, on="search.*cursor=", times=1, after=1)
        assert len(named_in(connect(server).changes(None))) == 9
        server.fault(fault, on="search.*cursor=", after=1)
        with pytest.raises(SourceError, match=fault):
            list(connect(server).changes(None))


@pytest.mark.parametrize("on", ["space", r"content(/search)?\?"])
def test_a_listing_that_is_not_there_is_no_empty_one(server: ConfluenceServer, on: str) -> None:
    """It would count as the deletion of everything."""
    server.fault("404", on=on)
    with pytest.raises(SourceError, match="404"):
        list(connect(server).changes(None))


@pytest.mark.parametrize("on", ["space", r"content(/search)?\?", r"(start=[1-9]|cursor)", "child/attachment"])
def test_an_error_with_status_200_is_no_empty_listing(server: ConfluenceServer, on: str) -> None:
    """A page of maintenance in JSON would count as the deletion of everything."""
    server.attach("101", "att8", "second.txt", b"x")
    server.attach("101", "att9", "third.txt", b"x")
    server.fault("error-with-200", on=on)
    with pytest.raises(SourceError, match=r"form that is not known"):
        list(connect(server).changes(None))


def test_an_account_that_sees_no_space_is_an_error(server: ConfluenceServer) -> None:
    """Some servers take a token that is void for nobody's, and answer with empty listings."""
    server.spaces.clear()
    with pytest.raises(SourceError, match="no space"):
        list(connect(server).changes(None))
    with pytest.raises(SourceError, match="no space"):
        connect(server).probe()


def test_a_deletion_while_pages_turn_loses_nothing(server: ConfluenceServer) -> None:
    """Items that move up when one before them goes are still listed: they would count as deleted otherwise."""

    def meanwhile(path: str) -> None:
        if "start=2" in path or "cursor" in path:
            server.contents.pop("101", None)

    server.before = meanwhile
    found = set(named_in(connect(server).changes(None)))
    assert set(map(str, range(102, 109))) <= found


def test_what_goes_between_listing_and_reading_is_left_out(server: ConfluenceServer) -> None:
    """A page that is gone by now is not there; one that was edited carries its new version."""
    connector = connect(server)
    listed = named_in(connector.changes(None))
    del server.contents["104"], server.files["att7"]
    server.add("105", "HR", "Page 105", "<p>Newer.</p>", parent="100")
    found = {item.native_id: item for item in connector.fetch(listed)}
    assert found.keys() == set(listed) - {"104", "att7"}
    assert (found["105"].version, b"Newer" in found["105"].content) == ("2", True)


def test_a_checkpoint_costs_no_second_listing_of_what_was_done(server: ConfluenceServer) -> None:
    """A pass resumes in the space where it broke, not at the first."""
    changes = list(connect(server, checkpoint_every=1).changes(None))
    cursor = [one.cursor for one in changes if isinstance(one, Checkpoint)][-2]
    assert list(connect(server).changes(cursor)) == [Checkpoint(None, complete=True)]
    assert named_in(connect(server).changes("no cursor of ours")) == named_in(changes)


@pytest.mark.parametrize(
    "options", [{"edition": "server"}, {"spaces": ['x" or space = "y']}, {"issuer": "a b"}, {"token": "a\nb"}]
)
def test_bad_options_are_refused(options: dict) -> None:
    """Before anything is asked."""
    with pytest.raises(ValueError, match=r"."):
        ConfluenceConnector(**{"name": "wiki", "url": "https://wiki.example.org", "token": "x", **options})


def test_the_repr_has_no_secret(server: ConfluenceServer) -> None:
    """Nor the address."""
    shown = repr(connect(server, user="someone"))
    assert not any(word in shown for word in ("the-token", "someone", "127.0.0.1"))


def test_a_page_that_moves_while_spaces_are_listed_ends_where_it_is(server: ConfluenceServer) -> None:
    """It is told again with the permissions of where it is now."""

    def meanwhile(path: str) -> None:
        if "IT" in path:
            server.contents["102"]["space"] = "IT"

    server.before = meanwhile
    assert access_of(connect(server))["102"] == {"g:wiki|admins"}


def test_another_rendering_is_read_anew(server: ConfluenceServer) -> None:
    """The version mark tells how a page was rendered."""
    assert items(connect(server))["101"].version == "1"
    assert items(connect(server, body="storage"))["101"].version == "1 storage"


def test_a_broken_sync_is_made_good(server: ConfluenceServer, tmp_path: Path) -> None:
    """Signed out in the middle: nothing is deleted or shown to others, and the next sync brings the rest."""
    staff = Principal("corp|ada", frozenset({"wiki|staff"}))
    light = LightIngest(tmp_path, words=["Ada"])
    connector = connect(server)
    assert light.sync(connector).added == 12
    server.restrict("103", users={"zoe"})
    server.add("105", "HR", "Page 105", "<p>Changed.</p>", parent="100")
    for on, after in (("content", 1), ("body", 0)):
        server.fault("401", on=on, after=after)
        with pytest.raises(SourceError, match="credentials"):
            light.sync(connector)
        server.mend()
        assert len(light.texts(staff)) >= 10
    report = light.sync(connector)
    assert (report.deleted, report.failed) == (0, "")
    assert "103" not in light.texts(staff)
    assert "Changed." in light.texts(staff)["105"][0]


def test_two_syncs_keep_in_step(server: ConfluenceServer, tmp_path: Path) -> None:
    """New, edited, moved, deleted and newly restricted pages: the index equals the source after one sync."""
    staff = Principal("corp|ada", frozenset({"corp|staff"}))
    eve = Principal("corp|eve")
    connector = connect(server, issuer="corp", groups="corp")
    light = LightIngest(tmp_path, words=["Ada"])
    assert light.sync(connector).added == 12
    assert len(light.texts(staff)) == 11
    assert "Text 103." in light.texts(eve)["103"][0]
    asked = len(server.asked)
    server.restrict("103", users={"ada"})
    server.groups["staff"].discard("ben")
    del server.contents["104"]
    server.add("105", "HR", "Page 105", "<p>Changed.</p>", parent="100")
    server.add("110", "HR", "Page 110", "<p>New.</p>", parent="103")
    report = light.sync(connector)
    assert (report.added, report.updated, report.deleted, report.failed) == (1, 1, 1, "")
    assert "103" not in light.texts(eve), "a permission that went is still effective"
    assert "110" not in light.texts(eve), "a page below a restricted one is open"
    assert "Changed." in light.texts(staff)["105"][0]
    assert "104" not in light.texts(staff)
    assert "103" in light.texts(staff)
    fetched = [path for path in server.asked[asked:] if "body." in path]
    assert 1 <= len(fetched) <= 2, "unchanged pages were read again"
    again = light.sync(connector)
    assert (again.added, again.updated, again.deleted, again.access_changed) == (0, 0, 0, 0)
