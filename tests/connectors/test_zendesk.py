"""The Zendesk connector against a server of our own: tickets and articles, permissions, faults, syncs in step."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from ragkit.connect.patience import Patience
from ragkit.errors import SourceError
from ragkit.parse.sandbox import SandboxedParser
from ragkit.testing.contracts import ConnectorContract, items_of, named_in, read_whole
from ragkit.testing.light import LightIngest
from ragkit.testing.zendesk_server import ZendeskServer
from ragkit.types import Checkpoint, Delete, Document, Principal, SourceItem
from ragkit_connectors.rest_calls import Calls
from ragkit_connectors.zendesk import ZendeskConnector

SUPPORT = Principal("corp|ada", frozenset({"zd|group-7"}))
SALES = Principal("corp|ben", frozenset({"zd|group-8"}))


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch, loopback: None) -> None:
    monkeypatch.setattr(Calls, "backoff_s", 0.01)
    monkeypatch.setattr(Patience, "_wait", lambda *_: None)


@pytest.fixture
def server() -> Iterator[ZendeskServer]:
    """An account with seven tickets and five articles."""
    with ZendeskServer() as account:
        account.groups |= {7: "Support", 8: "Sales"}
        account.organizations |= {70: "Acme", 71: "Sales"}
        for number in range(1, 8):
            account.ticket(number, f"Ticket {number}", group_id=7, organization_id=70, assignee_id=5, requester_id=6)
            account.comment(number, f"Text {number}.")
        for number in range(11, 16):
            account.article(number, f"Article {number}", f"<p>Help {number}.</p>")
        yield account


def connect(server: ZendeskServer, what: str = "tickets", **options) -> ZendeskConnector:
    """Return a connector over the account."""
    given = {"name": "zd", "url": server.url, "token": "the-token", "per_second": 0, "exports_per_minute": 0}
    return ZendeskConnector(**{**given, "what": what, **options})


def tickets(server: ZendeskServer, **options) -> dict[str, SourceItem]:
    """Return the tickets of a whole pass by their ids."""
    return {item.native_id: item for item in items_of(connect(server, **options).changes(None))}


class TestTicketsContract(ConnectorContract):
    @pytest.fixture
    def connector(self, server: ZendeskServer) -> ZendeskConnector:
        server.files["log.txt"] = b"It was hot."
        server.comment(3, "See the log.", files=["log.txt"])
        return connect(server, attachments=True)

    @pytest.fixture
    def unreadable(self, server: ZendeskServer) -> ZendeskConnector:
        return connect(server, token="revoked")


class TestArticlesContract(ConnectorContract):
    @pytest.fixture(params=[(), ("de", "en-us")])
    def connector(self, server: ZendeskServer, request: pytest.FixtureRequest) -> ZendeskConnector:
        server.article(21, "Staff", "<p>Only staff.</p>", segments=[3])
        for locale in request.param:
            for number in (11, 12, 13):
                server.article(number, f"Artikel {number}", "<p>Hilfe.</p>", locale=locale)
        return connect(server, "articles", locales=request.param)

    @pytest.fixture
    def unreadable(self, server: ZendeskServer) -> ZendeskConnector:
        return connect(server, "articles", token="revoked")


def test_a_ticket_becomes_an_item(server: ZendeskServer) -> None:
    """Subject, comments with authors and times, link, version and status; all pages of comments."""
    for number in range(4):
        server.comment(2, f"More {number}.")
    item = tickets(server)["2"]
    text = item.content.decode()
    assert [f"More {n}." in text for n in range(4)] == [True] * 4
    assert "<h2>Ada Example, 2026-01-01T" in text
    assert (item.title, item.media_type, item.problem) == ("Ticket 2", "text/html", None)
    assert item.uri == f"{server.url}/agent/tickets/2"
    assert item.version == server.tickets[2]["updated_at"]
    assert item.metadata == {"status": "open", "priority": "high"}


def test_text_that_cannot_be_stored_is_replaced(server: ZendeskServer) -> None:
    """JSON holds lone surrogates, and nothing else does."""
    server.ticket(5, subject="a\ud800b", priority="\udfff")
    assert tickets(server)["5"].title == "a?b"
    server.article(99, "\ud800", "<p>x</p>", label_names=["\ud800x"])
    found = {item.native_id: item for item in read_whole(connect(server, "articles"))}
    assert (found["99"].title, found["99"].metadata["labels"]) == ("?", "?x")


def test_internal_notes_stay_out(server: ZendeskServer) -> None:
    """Unless they are asked for; a ticket of nothing else is no document."""
    server.comment(1, "He is rude.", public=False)
    server.ticket(30, "Between us", group_id=7)
    server.comment(30, "Fire him.", public=False)
    changes = list(connect(server).changes(None))
    assert Delete("30") in changes
    assert b"rude" not in tickets(server)["1"].content
    assert not list(connect(server).fetch(["30"]))
    whole = tickets(server, internal_notes=True)
    assert b"rude" in whole["1"].content
    assert b", internal note</h2>" in whole["30"].content


def test_attachments_become_part_of_the_ticket(server: ZendeskServer) -> None:
    """As a message with parts, the same at every sync; those elsewhere, gone or too large are named only."""
    server.files |= {"log.txt": b"It was hot.", "big.txt": b"x" * 5000}
    server.comment(3, "See the log.", files=["log.txt", "gone.txt", "big.txt"])
    server.comments[3][-1]["attachments"].append({"file_name": "far.txt", "content_url": "https://127.0.0.1:9/far.txt"})
    assert b"Attachment: log.txt" in tickets(server)["3"].content
    item = tickets(server, attachments=True, max_bytes=4000)["3"]
    assert item.media_type == "message/rfc822"
    message = message_from_bytes(item.content, policy=default)
    assert [part.get_filename() for part in message.iter_attachments()] == ["log.txt"]
    assert [part.get_content().strip() for part in message.iter_attachments()] == ["It was hot."]
    assert tickets(server, attachments=True, max_bytes=4000)["3"] == item


def test_the_parser_takes_a_ticket_apart(server: ZendeskServer) -> None:
    """Text, what is hidden in it, and a table that is attached."""
    server.files["heat.csv"] = b"name,heat\nAda,40\n"
    server.comment(3, 'See. <b style="display:none">buried</b>', files=["heat.csv"])
    (document,) = (found for _, found in SandboxedParser().parse_all([tickets(server, attachments=True)["3"]]))
    assert isinstance(document, Document)
    assert "| Ada | 40 |" in document.text
    assert "buried" not in document.text
    assert document.title == "Ticket 3"


def test_readers_of_tickets(server: ZendeskServer) -> None:
    """Fields that count become tokens; none of them set is nobody, none asked for is the source's access."""
    server.ticket(5, group_id=8)
    server.ticket(6, group_id=None)

    def access(number: int, **options) -> frozenset[str] | None:
        return tickets(server, **options)[str(number)].access

    assert access(1) == {"g:zd|group-7"}
    assert access(6) == frozenset()
    assert access(1, readers=["assignee", "requester"], issuer="corp") == {"u:corp|5", "u:corp|6"}
    named = {"readers": ["group", "organization"], "group_names": True, "groups": "corp"}
    assert access(1, **named) == {"g:corp|Support", "g:corp|Acme"}
    assert access(5, **named) == {"g:corp|group-8", "g:corp|Acme"}, "two are called Sales"
    server.groups[7] = "organization-9"
    assert access(1, **named) == {"g:corp|group-7", "g:corp|Acme"}, "a name that is another's id"
    assert access(1, readers=[]) is None
    assert access(1, readers=[], access=["pub"]) == {"pub"}


def test_changes_and_deletions_come_by_the_cursor(server: ZendeskServer) -> None:
    """After a pass only what changed is told; a deleted ticket as such."""
    connector = connect(server)
    last = list(connector.changes(None))[-1]
    assert isinstance(last, Checkpoint)
    assert not last.complete
    server.comment(4, "Newer.")
    server.ticket(5, status="deleted")
    changes = list(connector.changes(last.cursor))
    assert named_in(changes) == ["4"]
    assert Delete("5") in changes
    assert named_in(connector.changes(changes[-1].cursor)) == []
    list(connect(server, since="2026-01-02").changes(None))
    assert any("start_time=1767312000" in path for path in server.asked)


def test_other_options_start_anew(server: ZendeskServer) -> None:
    """Notes that are not to be read any more go from every ticket, not only from those that change."""
    cursor = list(connect(server, internal_notes=True).changes(None))[-1].cursor
    assert named_in(connect(server, internal_notes=True).changes(cursor)) == []
    assert len(named_in(connect(server).changes(cursor))) == 7
    assert len(named_in(connect(server).changes("no cursor of ours"))) == 7


@pytest.mark.parametrize("fault", ["forgotten", "404", "410", "422"])
def test_a_lost_cursor_starts_anew(server: ZendeskServer, fault) -> None:
    """All tickets come again, and the stream goes on from there."""
    connector = connect(server)
    cursor = list(connector.changes(None))[-1].cursor
    if fault == "forgotten":
        server.forget_cursors()
    else:
        server.fault(fault, on="cursor=", times=1)
    changes = list(connector.changes(cursor))
    assert sorted(named_in(changes)) == [str(number) for number in range(1, 8)]
    assert named_in(connector.changes(changes[-1].cursor)) == []


def test_a_cursor_lost_over_and_over_is_an_error(server: ZendeskServer) -> None:
    """Not a circle."""
    server.fault("422", on="cursor=")
    with pytest.raises(SourceError):
        list(connect(server).changes(None))


@pytest.mark.parametrize("what", ["tickets", "articles"])
def test_a_listing_that_is_not_there_is_no_empty_one(server: ZendeskServer, what: str) -> None:
    """It would count as the deletion of everything."""
    server.fault("404", on=r"start_time|articles\.json")
    for read in (connect(server, what).changes(None), connect(server, what).permissions()):
        with pytest.raises(SourceError, match="404"):
            list(read)


@pytest.mark.parametrize(
    "reply",
    [{"articles": [], "count": 40}, {"articles": [], "meta": {"has_more": True}, "links": {}},
     {"message": "The service is being maintained."}],
)  # fmt: skip
def test_half_a_listing_is_no_whole_one(server: ZendeskServer, monkeypatch: pytest.MonkeyPatch, reply: dict) -> None:
    """A reply that does not tell how it goes on, paged otherwise than was asked for, ends the pass."""
    monkeypatch.setattr(server, "article_list", lambda query: reply)
    source = connect(server, "articles")
    for read in (source.changes(None), source.permissions()):
        with pytest.raises(SourceError, match="form that is not known"):
            list(read)


def test_permissions_see_what_the_export_does_not_yet(server: ZendeskServer) -> None:
    """Changes of the last minute count, and a ticket that is gone unreported is named no more."""
    server.ticket(3, group_id=8)
    server.lagging = {3}
    del server.tickets[2]
    found = dict(connect(server).permissions())
    assert found["3"] == {"g:zd|group-8"}
    assert found["1"] == {"g:zd|group-7"}
    assert "2" not in found


def test_articles_are_listed_and_read(server: ZendeskServer) -> None:
    """Without drafts; user segments are groups, none is everybody."""
    server.article(21, "Staff", "<p>Only staff.</p>", segments=[3, 4])
    server.article(22, "Draft", "<p>Soon.</p>", draft=True)
    found = {item.native_id: item for item in read_whole(connect(server, "articles", access=["pub"], groups="corp"))}
    assert sorted(found) == ["11", "12", "13", "14", "15", "21"]
    assert found["21"].access == {"g:corp|segment-3", "g:corp|segment-4"}
    assert found["11"].access == {"pub"}
    assert (found["11"].title, b"<p>Help 11.</p>" in found["11"].content) == ("Article 11", True)
    assert found["11"].metadata == {"locale": "en-us", "labels": "fire"}
    assert not list(connect(server, "articles").fetch(["22", "99", "11:de"]))
    del server.articles[12, ""]["user_segment_id"]
    assert dict(connect(server, "articles", access=["pub"]).permissions())["12"] == frozenset(), "unknown is nobody"


def test_translations_are_documents_each(server: ZendeskServer) -> None:
    """One id a language."""
    server.article(11, "Artikel", "<p>Hilfe.</p>", locale="de")
    found = read_whole(connect(server, "articles", locales=["de"]))
    assert [(item.native_id, item.title) for item in found] == [("11:de", "Artikel")]


@pytest.mark.parametrize("what", ["tickets", "articles"])
@pytest.mark.parametrize("fault", ["429", "429-date", "500", "503", "truncated", "not-json", "hang-up", "repeat"])
def test_a_passing_fault_changes_nothing(server: ZendeskServer, what: str, fault) -> None:
    """In the listing and in reading."""
    whole = {item.native_id: item for item in read_whole(connect(server, what))}
    server.fault(fault, on=r"cursor=|articles\.json", times=1, after=1)
    if fault != "repeat":
        server.fault(fault, on=r"comments|articles/", times=2, after=1)
    assert {item.native_id: item for item in read_whole(connect(server, what))} == whole


@pytest.mark.parametrize("what", ["tickets", "articles"])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("401", "credentials"),
        ("403", "HTTP 403"),
        ("429-long", "left alone"),
        ("500", "HTTP 500"),
        ("odd-form", "a form that is not known"),
        ("redirect", "redirects"),
    ],
)
def test_a_lasting_fault_is_an_error_without_content(server: ZendeskServer, what: str, fault, said: str) -> None:
    """What came before is good; the error names no address, item or secret."""
    server.fault(fault, on=r"cursor\.json|articles\.json", after=1)
    before = []
    with pytest.raises(SourceError) as caught:
        before.extend(connect(server, what).changes(None))
    assert said in str(caught.value)
    assert caught.value.remedy
    for secret in ("the-token", "127.0.0.1", "Ticket", "Article"):
        assert secret not in f"{caught.value}{caught.value.remedy}{caught.value.__cause__}"


def test_a_ticket_at_which_the_server_fails_is_one_problem(server: ZendeskServer) -> None:
    """It stops no others; a server that fails at each is an error."""
    server.fault("500", on="tickets/4/comments")
    found = tickets(server)
    assert len(found) == 7
    assert {key for key, item in found.items() if item.problem == "unreadable"} == {"4"}
    server.fault("500", on="comments")
    with pytest.raises(SourceError, match="500"):
        tickets(server)


def test_a_long_ticket_is_too_large(server: ZendeskServer) -> None:
    """It arrives under the code, without content."""
    server.comment(2, "x" * 5000)
    assert tickets(server, max_bytes=4000)["2"].problem == "too-large"


def test_links_to_other_hosts_are_not_followed(server: ZendeskServer) -> None:
    """Of a listing; the export's own link is not needed."""
    server.fault("other-host")
    with pytest.raises(SourceError, match="another host"):
        list(connect(server, "articles").changes(None))
    assert len(named_in(connect(server).changes(None))) == 7


def test_a_ticket_that_goes_while_it_is_read_is_deleted(server: ZendeskServer) -> None:
    """Between the export and its comments."""

    def meanwhile(path: str) -> None:
        if "tickets/4/comments" in path:
            del server.tickets[4]

    server.before = meanwhile
    changes = list(connect(server).changes(None))
    assert Delete("4") in changes
    assert len(named_in(changes)) == 6


def test_comments_that_are_not_found_delete_no_ticket(server: ZendeskServer) -> None:
    """Of one ticket that is there they are a problem, of all the end of the pass."""
    server.fault("404", on="tickets/4/comments")
    changes = list(connect(server).changes(None))
    assert not [one for one in changes if isinstance(one, Delete)]
    assert {item.native_id for item in items_of(changes) if item.problem == "unreadable"} == {"4"}
    server.fault("404", on="comments")
    with pytest.raises(SourceError, match="404"):
        list(connect(server).changes(None))


@pytest.mark.parametrize(
    "options",
    [{"what": "calls"}, {"readers": ["everybody"]}, {"since": "yesterday"}, {"groups": "a|b"},
     {"what": "articles", "locales": ["../x"]}],
)  # fmt: skip
def test_bad_options_are_refused(options: dict) -> None:
    """Before anything is asked."""
    with pytest.raises(ValueError, match=r"."):
        ZendeskConnector(**{"name": "zd", "url": "https://example.zendesk.com", "token": "x", **options})


def test_basic_authentication_names_the_token() -> None:
    """As the vendor wants it: ``user/token`` for the name."""
    with ZendeskServer(authorization="Basic YWRhQGV4YW1wbGUub3JnL3Rva2VuOnM=") as server:
        server.ticket(1, "One", group_id=7)
        connector = connect(server, user="ada@example.org", token="s")
        assert connector.probe() == "1 tickets that are not archived"
        assert "ada" not in repr(connector)


def test_syncs_of_tickets_keep_in_step(server: ZendeskServer, tmp_path: Path) -> None:
    """New, changed, deleted, handed over and vanished tickets: the index equals the account after one sync."""
    connector = connect(server)
    light = LightIngest(tmp_path, words=["Ada"])
    assert light.sync(connector).added == 7
    assert len(light.texts(SUPPORT)) == 7
    server.comment(4, "Newer.")
    server.ticket(5, status="deleted")
    del server.tickets[6]
    server.ticket(8, "Ticket 8", group_id=7)
    server.comment(8, "Text 8.")
    server.ticket(3, group_id=8)
    server.lagging = {3}
    report = light.sync(connector)
    assert (report.added, report.updated, report.deleted, report.failed) == (1, 1, 1, "")
    assert sorted(light.texts(SUPPORT)) == ["1", "2", "4", "7", "8"]
    assert sorted(light.texts(SALES)) == ["3"]
    assert "Newer." in "".join(light.texts(SUPPORT)["4"])
    server.forget_cursors()
    server.lagging = set()
    again = light.sync(connector)
    assert (again.added, again.deleted, again.access_changed, again.failed) == (0, 0, 0, "")
    assert sorted(light.texts(SUPPORT)) == ["1", "2", "4", "7", "8"]


def test_a_broken_sync_is_made_good(server: ZendeskServer, tmp_path: Path) -> None:
    """Signed out in the middle: what came is kept, nothing is deleted, and the next sync brings the rest."""
    light = LightIngest(tmp_path, words=["Ada"])
    server.fault("401", on="comments", after=4)
    with pytest.raises(SourceError, match="credentials"):
        light.sync(connect(server))
    assert sorted(light.texts(SUPPORT)) == ["1", "2", "3", "4"]
    server.mend()
    assert light.sync(connect(server)).added == 3
    server.fault("403", on="cursor=")
    with pytest.raises(SourceError, match="403"):
        light.sync(connect(server))
    assert len(light.texts(SUPPORT)) == 7


def test_syncs_of_articles_keep_in_step(server: ZendeskServer, tmp_path: Path) -> None:
    """Edited, deleted, restricted; what is unchanged is not read again."""
    connector = connect(server, "articles")
    light = LightIngest(tmp_path, words=["Ada"])
    everybody, staff = Principal("local|ana"), Principal("corp|eve", frozenset({"zd|segment-3"}))
    assert light.sync(connector).added == 5
    server.article(11, "Article 11", "<p>Newer.</p>")
    server.article(12, "Article 12", "<p>Help 12.</p>", segments=[3])
    del server.articles[13, ""]
    asked = len(server.asked)
    report = light.sync(connector)
    assert (report.updated, report.deleted, report.failed) == (1, 1, "")
    assert sum("articles/1" in path for path in server.asked[asked:]) == 2
    assert sorted(light.texts(everybody)) == ["11", "14", "15"]
    assert sorted(light.texts(staff)) == ["12"]
