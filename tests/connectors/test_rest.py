"""The HTTP module under the vendors' connectors: one origin, patience, limits, and errors that tell nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragkit.errors import SourceError
from ragkit.testing.faulty_server import FaultyServer, self_signed
from ragkit.testing.recording_server import RecordingServer, plain
from ragkit_connectors.pace import Pace
from ragkit_connectors.rest import Refused, Rest, basic, bearer, when
from ragkit_connectors.rest_calls import Calls, _retry_after
from ragkit_connectors.tokens import check_scope, group_tokens, user_tokens


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch, loopback: None) -> None:
    monkeypatch.setattr(Calls, "backoff_s", 0.01)


@pytest.fixture
def answers() -> Iterator[Callable[..., tuple[RecordingServer, Rest]]]:
    """Start servers that answer in turn, the last again and again, and what asks them."""
    started: list[RecordingServer] = []

    def start(*replies: bytes, root: str = "", **options) -> tuple[RecordingServer, Rest]:
        left = list(replies)
        server = RecordingServer(answer=lambda _: left.pop(0) if len(left) > 1 else left[0])
        server.__enter__()
        started.append(server)
        given = {"source": "wiki", "url": server.url + root, "authorization": bearer("s3cret"), "per_second": 0}
        return server, Rest(**{**given, **options})

    yield start
    for server in started:
        server.__exit__(None, None, None)


def asked(server: RecordingServer, number: int = -1) -> str:
    """Return the target of a request."""
    return server.requests[number].split(b" ")[1].decode()


def test_a_call_says_who_asks_and_what(answers) -> None:
    """Credentials and an encoded query, below the root's path."""
    server, rest = answers(plain(b'{"a": 1}'), root="/wiki/")
    assert rest.get("/rest/x", {"q": 'a & "b"', "n": 1}) == {"a": 1}
    assert asked(server) == "/wiki/rest/x?q=a%20%26%20%22b%22&n=1"
    assert b"Authorization: Bearer s3cret" in server.requests[0]
    assert basic("ada", "x") == "Basic YWRhOng="
    assert "s3cret" not in repr(rest)
    with pytest.raises(ValueError, match="ASCII"):
        bearer("a\r\nX: y")


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("/rest/x?start=2", "/wiki/rest/x?start=2"),
        ("/wiki/rest/x", "/wiki/rest/x"),
        ("/wikipedia", "/wiki/wikipedia"),
        ("{url}/wiki/rest/x?c=a b", "/wiki/rest/x?c=a%20b"),
        ("{url}/other", "/other"),
        ("/rest/%2e\r\nX: y", "/wiki/rest/%2eX:%20y"),
    ],
)
def test_links_stay_on_the_origin(answers, link: str, target: str) -> None:
    """With or without the root's path, whole or without the host."""
    server, rest = answers(plain(b"{}"), root="/wiki")
    rest.get_link(link.format(url=server.url))
    assert asked(server) == target


@pytest.mark.parametrize(
    "link",
    ["https://127.0.0.1/x", "http://example.org/x", "//example.org/x", "http://127.0.0.1:1/x", "x", "", None, 7,
     "\\\\example.org\\x", "javascript:x", "http://user@example.org/", "http://127.0.0.1:port/"],
)  # fmt: skip
def test_links_elsewhere_are_refused(answers, link: object) -> None:
    """Nothing is sent."""
    server, rest = answers(plain(b"{}"), root="/wiki")
    with pytest.raises(SourceError, match="another host") as caught:
        rest.get_link(link)
    assert not server.requests
    assert "example" not in f"{caught.value}{caught.value.remedy}"


def test_a_user_in_a_url_is_sent_nowhere(answers) -> None:
    """It would stand in the header ``Host``, whether the configuration names it or a reply."""
    server, rest = answers(plain(b"x"))
    link = server.url.replace("//", "//ada:hunter2@") + "/file"
    assert rest.download(link, 9).content == b"x"  # read by its path on the origin
    assert b"hunter2" not in server.requests[0]
    _, rest = answers(plain(b"", status=f"302 Found\r\nLocation: {link}"))
    assert rest.download("/x", 9).problem == "other-host"
    with pytest.raises(ValueError, match="user"):
        Rest(source="wiki", url="https://ada:hunter2@wiki.example", authorization="x")


def test_what_is_not_there_is_none(answers) -> None:
    """404; what is refused otherwise tells its status."""
    _, rest = answers(plain(b"{}", status="404 No"), plain(b"secret page", status="403 No"))
    assert rest.get("/x") is None
    with pytest.raises(Refused, match="HTTP 403") as caught:
        rest.get("/secret")
    assert caught.value.status == 403
    assert "secret" not in f"{caught.value}{caught.value.remedy}".replace("`token`", "")


@pytest.mark.parametrize(
    ("name", "word"), [("reset", "reset"), ("cut", "cut"), ("500", "500"), ("garbage", "malformed")]
)
def test_the_network_is_tried_four_times(name: str, word: str) -> None:
    """Then it is an error; a server that mends itself in between is none."""
    with FaultyServer(name) as server:
        rest = Rest(source="wiki", url=server.url, authorization="Bearer x", per_second=0)
        with pytest.raises(SourceError, match=word):
            rest.get("/x")
        assert len(server.requests) == 4
    with FaultyServer(name, first=3) as server:
        assert Rest(source="wiki", url=server.url, authorization="Bearer x", per_second=0).get("/x")["id"] == "1"


def test_a_reply_has_a_limit(answers) -> None:
    """As it comes and decompressed; nothing is tried again."""
    server, rest = answers(plain(b"[" + b"1," * 5000 + b"1]"), max_reply_bytes=5000)
    with pytest.raises(SourceError, match="longer than it may be"):
        rest.get("/x")
    assert len(server.requests) == 1
    with FaultyServer("bomb") as server:
        server.warm()
        with pytest.raises(SourceError, match="longer than it may be"):
            Rest(source="wiki", url=server.url, authorization="Bearer x", per_second=0).get("/x")


def test_nested_json_is_no_crash(answers) -> None:
    """Deeper than the parser goes."""
    _, rest = answers(plain(b"[" * 200_000))
    with pytest.raises(SourceError, match="no JSON"):
        rest.get("/x")


def test_retry_after_is_obeyed(answers) -> None:
    """In seconds; a date; too long is an error at once; over and over too."""
    slow = plain(b"", status="429 Slow\r\nRetry-After: 0.2")
    server, rest = answers(slow, slow, plain(b"[]"))
    before = time.monotonic()
    assert rest.get("/x") == []
    assert time.monotonic() - before >= 0.4
    server, rest = answers(plain(b"", status="503 Later\r\nRetry-After: 7"), max_wait_s=6)
    with pytest.raises(SourceError, match="left alone"):
        rest.get("/x")
    assert len(server.requests) == 1
    server, rest = answers(plain(b"", status="429 Slow\r\nRetry-After: 0"))
    with pytest.raises(SourceError, match="HTTP 429"):
        rest.get("/x")
    assert len(server.requests) == 8


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("3", 3), ("-1", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("soon", None), ("", None), ("nan", None)],
)
def test_retry_after_is_read(value: str, seconds: float | None) -> None:
    """RFC 9110, 10.2.3."""
    assert _retry_after(value) == seconds
    assert (_retry_after("Wed, 21 Oct 2099 07:28:00 GMT") or 0) > 1e9


def test_calls_keep_a_pace(answers) -> None:
    """The source's own, and a stricter one for some calls."""
    _, rest = answers(plain(b"[]"), per_second=20)
    before = time.monotonic()
    for _ in range(4):
        rest.get("/x")
    middle = time.monotonic()
    strict = Pace(5)
    for _ in range(3):
        rest.get("/x", pace=strict)
    assert middle - before >= 0.14
    assert time.monotonic() - middle >= 0.38


def test_links_may_repeat_the_end_of_the_root(answers) -> None:
    """As behind a gateway: ``/wiki`` of ``/ex/site/wiki``."""
    server, rest = answers(plain(b"{}"), root="/ex/site/wiki")
    for link in ("/wiki/api", "/ex/site/wiki/api", "/api", "/site/wiki/api"):
        rest.get_link(link)
        assert asked(server) == "/ex/site/wiki/api"


def test_a_circle_of_pages_ends(answers) -> None:
    """A link that comes a fourth time is an error."""
    server, rest = answers(plain(b'{"next": "/x?page=2"}'))
    with pytest.raises(SourceError, match="repeats itself"):
        list(rest.walk("/x", {}, lambda page: page["next"]))
    assert len(server.requests) == 4


def test_an_unknown_form_is_an_error_without_content(answers) -> None:
    """What a caller trips over within the context does not show."""
    _, rest = answers(plain(b'{"secret": 1}'))
    with pytest.raises(SourceError, match="KeyError") as caught, rest:
        rest.get("/x")["results"]
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    with pytest.raises(ZeroDivisionError), rest:
        _ = 1 / 0


class TestDownload:
    def test_a_file_comes_from_the_origin(self, answers) -> None:
        """By a link with or without the host; gone and too large are told."""
        server, rest = answers(plain(b"abc"), root="/wiki")
        assert rest.download("/download/1", 10).content == b"abc"
        assert asked(server) == "/wiki/download/1"
        assert rest.download(f"{server.url}/download/1", 3).content == b"abc"
        assert rest.download("/download/1", 2).problem == "too-large"
        assert rest.download(None, 2).problem == "unreadable"
        _, rest = answers(plain(b"", status="404 No"))
        assert rest.download("/x", 9).gone
        for status in (403, 500):
            _, rest = answers(plain(b"", status=f"{status} No"))
            assert rest.download("/x", 9).problem == "unreadable"
        _, rest = answers(plain(b"", status="401 No"))
        with pytest.raises(SourceError, match="credentials"):
            rest.download("/x", 9)

    def test_redirects_stay_on_the_origin(self, answers) -> None:
        """A few; then it is unreadable, not a circle."""
        _, rest = answers(plain(b"", status="302 There\r\nLocation: /there"), plain(b"abc"))
        assert rest.download("/x", 9).content == b"abc"
        server, rest = answers(plain(b"", status="302 There\r\nLocation: /there"))
        assert rest.download("/x", 9).problem == "unreadable"
        assert len(server.requests) == 4

    @pytest.mark.parametrize(
        "location", ["http://127.0.0.1:9/x", "https://127.0.0.1:9/x", "file:///etc/passwd", "//a/"]
    )
    def test_other_hosts_are_not_asked(self, answers, location: str) -> None:
        """Unless they are named, and never over plain HTTP."""
        _, rest = answers(plain(b"", status=f"302 There\r\nLocation: {location}"), download_hosts=["example.org"])
        assert rest.download("/x", 9).problem == "other-host"
        assert rest.download(location, 9).problem == "other-host"

    @pytest.mark.parametrize(
        ("named", "host", "may"),
        [("files.example.net", "files.example.net", True), ("*.example.net", "a.b.example.net", True),
         ("*.example.net", "example.net", False), ("*.example.net", "badexample.net", False),
         ("example.net", "a.example.net", False), ("*", "example.net", False)],
    )  # fmt: skip
    def test_hosts_are_named(self, named: str, host: str, may: bool) -> None:
        """As they are, or all below a domain."""
        rest = Rest(source="x", url="https://example.org", authorization="x", download_hosts=[named])
        assert rest._files.named(host.upper()) is may

    def test_named_hosts_get_no_credentials(self, answers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """They are asked over TLS, by the configured certificates."""
        context, pem = self_signed()
        ca = tmp_path / "ca.pem"
        ca.write_bytes(pem)
        with RecordingServer(answer=lambda _: plain(b"from there"), tls=context) as other:
            moved = plain(b"", status=f"302 There\r\nLocation: {other.url}/file?sig=1")
            server, rest = answers(moved, download_hosts=["127.0.0.1"], ca_path=str(ca))
            assert rest.download("/x", 99).content == b"from there"
            assert b"s3cret" in server.received
            assert b"s3cret" not in other.received
            assert asked(other) == "/file?sig=1"


def test_certificates_are_checked(tmp_path: Path) -> None:
    """One that is not trusted is an error at once; ``ca_path`` trusts it."""
    context, pem = self_signed()
    ca = tmp_path / "ca.pem"
    ca.write_bytes(pem)
    with RecordingServer(tls=context) as server:
        with pytest.raises(SourceError, match="certificate"):
            Rest(source="wiki", url=server.url, authorization="Bearer x").get("/x")
        assert Rest(source="wiki", url=server.url, authorization="Bearer x", ca_path=str(ca)).get("/x") == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [("2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05+00:00"), ("2026-01-02T03:04:05", "2026-01-02T03:04:05+00:00"),
     ("2026-01-02T03:04:05+02:00", "2026-01-02T03:04:05+02:00")],
)  # fmt: skip
def test_times_have_a_zone(text: str, told: str) -> None:
    """UTC where none is said."""
    found = when(text)
    assert found is not None
    assert found.isoformat() == told
    assert when("yesterday") is when(None) is when(7) is None


def test_names_become_tokens() -> None:
    """One that no token can hold lets nobody in."""
    assert user_tokens("corp", ["ada", "a|b", "", " ", "x\n", "Ada L."]) == {"u:corp|ada", "u:corp|Ada L."}
    assert group_tokens("corp", ["a b"]) == {"g:corp|a b"}
    for bad in ("", "a b", "a|b"):
        with pytest.raises(ValueError, match="no white space"):
            check_scope(bad)


def test_a_server_that_is_not_there_is_told_apart_from_one_that_answers_badly() -> None:
    """Whose address is wrong has no log to look at."""
    with RecordingServer() as server:
        url = server.url
    with pytest.raises(SourceError, match="connect") as gone:
        Rest(source="wiki", url=url, authorization=bearer("s3cret"), per_second=0).get("/x")
    assert "`url`" in gone.value.remedy
