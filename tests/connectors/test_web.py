"""The web connector against a site of its own: crawl, sitemap and list, and what goes wrong with sites."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.errors import ConfigError, SourceError
from ragkit.testing import sockets
from ragkit.testing.contracts import ConnectorContract, items_of, named_in, read_whole
from ragkit.testing.faulty_server import self_signed
from ragkit.testing.web_server import WebServer
from ragkit.types import Checkpoint, Listed, Upsert
from ragkit_connectors.robots import read_robots
from ragkit_connectors.sitemap import read_sitemap
from ragkit_connectors.web import MAIN_TEXT, WebConnector
from ragkit_connectors.web_page import read_signs
from ragkit_connectors.web_state import State


@pytest.fixture(autouse=True)
def _loopback() -> Iterator[None]:
    with sockets.loopback():
        yield


@pytest.fixture
def site() -> Iterator[WebServer]:
    """Return a site of four pages, one of them beyond a folder, and links out of it."""
    with WebServer() as server:
        server.put("/wiki/", '<a href="a">A</a> <a href="/wiki/b?x=1&amp;y=2">B</a> <a href="//evil.example/">out</a>')
        server.put(
            "/wiki/a", '<a href="sub/c#part">C</a> <a href="/elsewhere">no</a> <a href="mailto:x@y.example">m</a>'
        )
        server.put("/wiki/b?x=1&y=2", "<p>b</p> <a href='a'>A</a> <a href=missing>gone</a> <a href=logo.png>i</a>")
        server.put("/wiki/sub/c", '<a href="../a">A</a> <a href="http://[::1">odd</a> <a href="javascript:x">j</a>')
        server.put("/elsewhere", "outside the prefix")
        yield server


def crawler(site: WebServer, **options: object) -> WebConnector:
    """A crawl of the site's wiki, in a hurry."""
    given = {"start": f"{site.url}/wiki/", **options}
    return connector(site, **given)


def connector(site: WebServer, **options: object) -> WebConnector:
    """A connector that may reach the site, in a hurry."""
    chosen = {"name": "wiki", "allow_networks": ["127.0.0.1/32"], "allow_ports": [site.port], "per_second": 0,
              "retry_seconds": 0.01, "main_text": False, **options}  # fmt: skip
    return WebConnector(**chosen)  # type: ignore[arg-type]


def paths(site: WebServer, changes: list) -> list[str]:
    """What is named, without the origin."""
    return [url.removeprefix(site.url) for url in named_in(changes)]


def whole_pass(source: WebConnector, cursor: str | None = None) -> tuple[list, str | None]:
    """One pass and the cursor for the next."""
    changes = list(source.changes(cursor))
    assert isinstance(changes[-1], Checkpoint)
    assert changes[-1].complete
    return changes, changes[-1].cursor


def until_it_breaks(source: WebConnector, cursor: str | None, words: str) -> list:
    """What a pass hands over before its SourceError with these words."""
    seen: list = []
    with pytest.raises(SourceError, match=words):
        seen.extend(source.changes(cursor))
    return seen


def problems(changes: list) -> dict[str, str | None]:
    """The items that have a problem, by id."""
    return {item.native_id: item.problem for item in items_of(changes) if item.problem}


class TestWebContract(ConnectorContract):
    @pytest.fixture
    def connector(self, site: WebServer) -> WebConnector:
        return crawler(site, checkpoint_every=1)

    @pytest.fixture
    def unreadable(self, site: WebServer) -> WebConnector:
        return connector(site, start="http://127.0.0.1:1/", allow_ports=[1])


class TestSitemapContract(ConnectorContract):
    @pytest.fixture
    def connector(self, site: WebServer) -> WebConnector:
        put_sitemap(site, {"/wiki/a": "", "/wiki/": "2026-01-01", "/elsewhere": "2026-01-01T10:00:00Z"})
        return connector(site, sitemap=f"{site.url}/sitemap.xml", checkpoint_every=1)

    @pytest.fixture
    def unreadable(self, site: WebServer) -> WebConnector:
        return connector(site, sitemap=f"{site.url}/nowhere.xml")


class TestListContract(ConnectorContract):
    @pytest.fixture
    def connector(self, site: WebServer) -> WebConnector:
        return connector(
            site, urls=[f"{site.url}{path}" for path in ("/wiki/a", "/wiki/", "/elsewhere")], access=["pub"]
        )

    @pytest.fixture
    def unreadable(self, site: WebServer) -> WebConnector:
        site.put("/robots.txt", status=500)
        return connector(site, urls=[f"{site.url}/wiki/a"])


def put_sitemap(site: WebServer, pages: dict[str, str], path: str = "/sitemap.xml") -> None:
    """Put a sitemap of pages with their ``lastmod``."""
    rows = "".join(
        f"<url><loc>{site.url}{page}</loc>{f'<lastmod>{changed}</lastmod>' if changed else ''}</url>"
        for page, changed in pages.items()
    )
    head = '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    site.put(path, f"{head}{rows}</urlset>", kind="application/xml")


def test_a_crawl_stays_within_origin_and_prefix(site: WebServer) -> None:
    """Links out, anchors, images and other schemes are not asked for; what answers 404 is not named."""
    changes, _ = whole_pass(crawler(site))
    assert sorted(paths(site, changes)) == ["/wiki/", "/wiki/a", "/wiki/b?x=1&y=2", "/wiki/sub/c"]
    assert {path for path, _ in site.hits} == {
        "/robots.txt", "/wiki/", "/wiki/a", "/wiki/b?x=1&y=2", "/wiki/sub/c", "/wiki/missing",
        "/wiki/no-such-page-of-ragkit-7c1f",
    }  # fmt: skip
    item = next(item for item in items_of(changes) if item.native_id.endswith("/sub/c"))
    assert (item.name, item.metadata, item.uri) == ("c", {"folder": "wiki/sub"}, item.native_id)
    assert item.media_type == "text/html; charset=utf-8"
    assert b"User-Agent: ragkit\r\n" in site.received


def test_headers_are_not_believed(site: WebServer) -> None:
    """Validators that cannot be sent back are not kept; of the media type only what it is and its charset."""
    odd = {"ETag": "\xe4" * 300, "Last-Modified": "never\x7f"}
    site.put("/x", "x", kind='text/html; a="b/c"; charset="utf-8"; d=../e', headers=odd, validators=False)
    source = connector(site, urls=[f"{site.url}/x"])
    changes, cursor = whole_pass(source)
    (item,) = items_of(changes)
    assert (item.media_type, item.modified) == ("text/html; charset=utf-8", None)
    assert len(items_of(whole_pass(source, cursor)[0])) == 1


def test_main_text_is_asked_for_by_the_media_type(site: WebServer) -> None:
    """Of pages, not of other files."""
    site.put("/file", "a,b", kind="text/csv")
    source = connector(site, urls=[f"{site.url}/elsewhere", f"{site.url}/file"], main_text=True)
    kinds = [item.media_type for item in items_of(source.changes(None))]
    assert kinds == [f"{MAIN_TEXT}; charset=utf-8", "text/csv"]


def test_globs_depth_and_number_bound_a_crawl(site: WebServer) -> None:
    """What goes over the number of pages shows as an item of its own, in the next pass too."""
    assert sorted(paths(site, whole_pass(crawler(site, exclude=["wiki/b*"]))[0])) == [
        "/wiki/",
        "/wiki/a",
        "/wiki/sub/c",
    ]
    assert sorted(paths(site, whole_pass(crawler(site, max_depth=1))[0])) == ["/wiki/", "/wiki/a", "/wiki/b?x=1&y=2"]
    source = crawler(site, max_pages=2)
    changes, cursor = whole_pass(source)
    assert paths(site, changes) == ["/wiki/", "/wiki/a", "too-many-pages"]
    assert problems(changes) == {"too-many-pages": "too-many-pages"}
    again, _ = whole_pass(source, cursor)
    assert set(paths(site, again)) >= {"/wiki/", "/wiki/a"}


def test_the_next_pass_asks_conditionally(site: WebServer) -> None:
    """304 names the page without content, a change brings it, 404 leaves it out, a new link is followed."""
    source = crawler(site)
    _, cursor = whole_pass(source)
    site.put("/wiki/a", '<a href="new">N</a>')
    site.put("/wiki/new", "new")
    del site.pages["/wiki/sub/c"]
    changes, cursor = whole_pass(source, cursor)
    assert {item.native_id.removeprefix(site.url) for item in items_of(changes)} == {"/wiki/a", "/wiki/new"}
    assert sorted(paths(site, changes)) == ["/wiki/", "/wiki/a", "/wiki/b?x=1&y=2", "/wiki/new"]
    assert all(change.version is None for change in changes if isinstance(change, Listed))
    assert site.asked("/wiki/") == [200, 304]
    changes, _ = whole_pass(source, cursor)
    assert items_of(changes) == []
    assert len(named_in(changes)) == 4


def test_a_page_that_is_linked_no_more_stays_until_it_is_gone(site: WebServer) -> None:
    """Else one page of links that fails would take a whole site with it."""
    source = crawler(site)
    _, cursor = whole_pass(source)
    site.put("/wiki/", status=500)
    changes, cursor = whole_pass(source, cursor)
    assert sorted(paths(site, changes)) == ["/wiki/", "/wiki/a", "/wiki/b?x=1&y=2", "/wiki/sub/c"]
    site.put("/wiki/", "no links")
    assert len(named_in(whole_pass(source, cursor)[0])) == 4


def test_a_crawl_without_memory_is_not_whole_when_a_page_of_links_fails(site: WebServer) -> None:
    """What lies behind it is not known: nothing counts as gone until a pass goes through, however many that takes."""
    links = site.pages["/wiki/a"]
    site.put("/wiki/a", status=500)
    source, cursor = crawler(site), None
    for _ in range(2):
        changes = list(source.changes(cursor))
        assert sorted(paths(site, changes)) == ["/wiki/", "/wiki/a", "/wiki/b?x=1&y=2"]
        assert isinstance(changes[-1], Checkpoint)
        assert not changes[-1].complete
        cursor = changes[-1].cursor
    site.pages["/wiki/a"] = links
    assert len(named_in(whole_pass(source, cursor)[0])) == 4


def test_a_server_fault_deletes_nothing(site: WebServer) -> None:
    """A page that fails is named as it was; a new one is quarantined when it is asked for again, and comes in time."""
    source = crawler(site)
    _, cursor = whole_pass(source)
    site.put("/wiki/a", status=503, headers={"Retry-After": "0"})
    site.put("/wiki/sub/c", hang_up=True)
    changes, cursor = whole_pass(source, cursor)
    assert items_of(changes) == []
    assert len(named_in(changes)) == 4
    assert site.asked("/wiki/a")[-3:] == [503, 503, 503]
    found = {item.native_id.removeprefix(site.url): item.problem for item in source.fetch(named_in(changes))}
    assert found == {"/wiki/": None, "/wiki/b?x=1&y=2": None, "/wiki/a": "server-fault", "/wiki/sub/c": "server-fault"}
    site.put("/wiki/a", "back")
    assert [item.content for item in items_of(whole_pass(source, cursor)[0])] == [b"back"]


def test_a_site_that_fails_throughout_is_a_source_error(site: WebServer) -> None:
    """Nothing must look as if it were gone: neither by faults, nor by robots.txt, nor by the sitemap."""
    source = connector(site, urls=[f"{site.url}/wiki/a", f"{site.url}/elsewhere"])
    _, cursor = whole_pass(source)
    for path in ("/wiki/a", "/elsewhere"):
        site.put(path, status=500)
    with pytest.raises(SourceError, match="none of its pages"):
        list(source.changes(cursor))
    site.put("/robots.txt", status=503)
    with pytest.raises(SourceError, match=r"robots\.txt cannot be read"):
        list(source.changes(cursor))
    site.put("/robots.txt", hang_up=True)
    with pytest.raises(SourceError, match=r"robots\.txt"):
        list(source.changes(cursor))
    for body in ("<urlset><url>", "<!DOCTYPE x [<!ENTITY a 'b'>]><urlset/>", gzip.compress(b"<urlset/>")[:-8]):
        with WebServer() as other:
            other.put("/sitemap.xml", body, kind="text/xml")
            with pytest.raises(SourceError, match="sitemap"):
                list(connector(other, sitemap=f"{other.url}/sitemap.xml").changes(None))


def test_ten_in_a_row_are_not_ten_pages(site: WebServer) -> None:
    """A site that turns us away page after page is no site that lost its pages; nothing of it is handed over."""
    many = [f"/p{number}" for number in range(30)]
    for path in many:
        site.put(path, f"page {path}")
    source = connector(site, urls=[f"{site.url}{path}" for path in many])
    _, cursor = whole_pass(source)
    for status in (403, 500):
        for path in many[5:]:
            site.put(path, status=status)
        seen = until_it_breaks(source, cursor, "10 pages in a row")
        assert items_of(seen) == []
        assert len(site.asked("/p29")) == 1


def test_the_server_dies_midway_and_the_pass_goes_on(site: WebServer) -> None:
    """From the last checkpoint: nothing is asked for twice, nothing is left out."""
    many = [f"/p{number}" for number in range(30)]
    for path in many:
        site.put(path, f"page {path}")
    source = connector(site, urls=[f"{site.url}{path}" for path in many], checkpoint_every=5)
    site.down_after = 18
    seen = until_it_breaks(source, None, "pages in a row")
    last = max(position for position, change in enumerate(seen) if isinstance(change, Checkpoint))
    site.down_after = None
    rest, _ = whole_pass(source, seen[last].cursor)
    assert paths(site, seen[:last]) + paths(site, rest) == many
    assert site.asked("/p0") == [200]


def test_turned_away_is_not_gone(site: WebServer) -> None:
    """403, a login elsewhere, other types and too large pages are items with a problem; 401 ends the run."""
    with WebServer() as login:
        site.put("/login", status=302, headers={"Location": f"{login.url}/?next=x"})
        site.put("/secret", status=403)
        site.put("/image", b"\x89PNG", kind="image/png")
        site.put("/big", "x" * 5000)
        site.put("/odd", status=418)
        listed = ["/login", "/secret", "/image", "/big", "/odd", "/wiki/a"]
        source = connector(site, urls=[f"{site.url}{path}" for path in listed], max_bytes=4000)
        changes, cursor = whole_pass(source)
        assert {url.removeprefix(site.url): problem for url, problem in problems(changes).items()} == {
            "/login": "leads-away", "/secret": "forbidden", "/image": "unsupported-type", "/big": "too-large",
            "/odd": "unreadable",
        }  # fmt: skip
        assert login.requests == []
        assert all(item.content == b"" for item in items_of(changes) if item.problem)
        site.put("/wiki/a", status=401)
        with pytest.raises(SourceError, match="login"):
            list(source.changes(cursor))


@pytest.mark.parametrize("how", ["page", "redirect"])
@pytest.mark.parametrize("kind", ["crawl", "sitemap", "list"])
def test_a_login_page_for_every_address_takes_the_place_of_none(site: WebServer, kind: str, how: str) -> None:
    """With status 200, other tokens each time, by itself or behind a redirect within the site."""
    put_sitemap(site, {"/wiki/": "", "/wiki/a": "", "/wiki/sub/c": ""})
    given = {
        "crawl": {"start": f"{site.url}/wiki/"}, "sitemap": {"sitemap": f"{site.url}/sitemap.xml"},
        "list": {"urls": [f"{site.url}/wiki/", f"{site.url}/wiki/a"]},
    }[kind]  # fmt: skip
    source = connector(site, **given)
    _, cursor = whole_pass(source)
    for path in [*site.pages, "/wiki/no-such-page-of-ragkit-7c1f", "/wiki/sub/no-such-page-of-ragkit-7c1f"]:
        if path != "/sitemap.xml":
            asked = f"/wiki/login?next={path}"
            page = f'<a href="{path}">Sign in</a> <input value="{hash(path)}"><input name="{path}">'
            site.put(asked if how == "redirect" else path, page, validators=False)
            if how == "redirect":
                site.put(path, status=302, headers={"Location": asked})
    assert until_it_breaks(source, cursor, "every address") == []
    assert until_it_breaks(source, None, "every address") == []
    with pytest.raises(SourceError, match="every address"):
        list(source.fetch([f"{site.url}/wiki/sub/c"]))


def test_not_found_with_status_200_is_no_login(site: WebServer) -> None:
    """A page that went and answers as one that never was does not end the pass."""
    source = crawler(site)
    _, cursor = whole_pass(source)
    for path in ("/wiki/a", "/wiki/sub/c", "/wiki/no-such-page-of-ragkit-7c1f"):
        site.put(path, "<p>Nothing here.</p>")
    assert "/wiki/" in paths(site, whole_pass(source, cursor)[0])


def test_robots_and_signs_of_pages_are_honoured(site: WebServer) -> None:
    """Disallowed pages are not asked for, also behind a redirect; noindex, nofollow and canonical are obeyed."""
    rules = "User-agent: *\nDisallow: /\n\nUser-agent: ragkit\nDisallow: /*/no\nAllow: /wiki/no-but-yes\n"
    site.put("/robots.txt", rules, kind="text/plain")
    site.put(
        "/wiki/", "".join(f'<a href="{name}">x</a>' for name in ("no", "no-but-yes", "hidden", "twin", "moved", "x"))
    )
    site.put("/wiki/no", "secret")
    site.put("/wiki/no-but-yes", "<meta name=robots content='nofollow'><a href=unseen>u</a>")
    site.put("/wiki/hidden", "<meta name='ROBOTS' content='noindex'><a href=beyond>b</a>")
    site.put("/wiki/beyond", "found")
    site.put("/wiki/twin", '<link rel="canonical" href="/wiki/beyond">')
    site.put("/wiki/moved", status=301, headers={"Location": "/wiki/no"})
    site.put("/wiki/x", "x", headers={"X-Robots-Tag": "noindex"})
    source = crawler(site)
    changes, _ = whole_pass(source)
    assert sorted(set(paths(site, changes))) == ["/wiki/", "/wiki/beyond", "/wiki/moved", "/wiki/no-but-yes"]
    assert list(problems(changes)) == [f"{site.url}/wiki/moved"]
    assert not site.asked("/wiki/no")
    assert not site.asked("/wiki/unseen")
    assert list(source.fetch([f"{site.url}/wiki/{name}" for name in ("no", "hidden", "gone")])) == []
    site.put("/robots.txt", "User-agent: ragkit\nDisallow: /wiki/\n", kind="text/plain")
    with pytest.raises(SourceError, match="first page"):
        list(source.changes(None))


def test_two_canonical_pages_of_each_other_leave_one(site: WebServer) -> None:
    """Neither a circle nor a page that is not there loses what there is to read."""
    site.put("/wiki/", "<a href=one>1</a><a href=two>2</a>")
    site.put("/wiki/one", '<link rel="canonical" href="two">')
    site.put("/wiki/two", '<link rel="canonical" href="one">')
    assert paths(site, whole_pass(crawler(site))[0]) == ["/wiki/", "/wiki/two"]


def test_a_redirect_in_a_crawl_is_read_where_it_ends(site: WebServer) -> None:
    """Once, under its own address."""
    site.put("/wiki/", "<a href=old>old</a><a href=new>new</a>")
    site.put("/wiki/old", status=301, headers={"Location": "new"})
    site.put("/wiki/new", "new")
    assert paths(site, whole_pass(crawler(site))[0]) == ["/wiki/", "/wiki/new"]


def test_sitemaps_of_sitemaps(site: WebServer) -> None:
    """Index, gzip and plain lists; other hosts are passed over; what is listed no more is not named."""
    index = "".join(f"<sitemap><loc>{site.url}/{name}</loc></sitemap>" for name in ("s1.xml.gz", "s2.txt", "index.xml"))
    site.put("/index.xml", f"<sitemapindex>{index}</sitemapindex>", kind="text/xml")
    inner = f"<urlset><url><loc>{site.url}/wiki/a</loc></url><url><loc>http://10.0.0.1/x</loc></url></urlset>"
    site.put("/s1.xml.gz", gzip.compress(inner.encode()), kind="application/x-gzip")
    site.put("/s2.txt", f"{site.url}/elsewhere\n\n{site.url}/wiki/\nfile:///etc/passwd\n", kind="text/plain")
    source = connector(site, sitemap=f"{site.url}/index.xml")
    changes, cursor = whole_pass(source)
    assert sorted(paths(site, changes)) == ["/elsewhere", "/wiki/", "/wiki/a"]
    site.put("/s2.txt", f"{site.url}/wiki/\n", kind="text/plain")
    assert sorted(paths(site, whole_pass(source, cursor)[0])) == ["/wiki/", "/wiki/a"]


@pytest.mark.parametrize(
    "body",
    ["", "Please sign in.", "<html><body>Sign in</body></html>", "<urlset></urlset>", "<rss><channel/></rss>",
     "<urlset><url><loc>https://elsewhere.example/</loc></url></urlset>"],
)  # fmt: skip
def test_a_sitemap_without_pages_deletes_nothing(site: WebServer, body: str) -> None:
    """A login page, another document or an empty one in its place would be the deletion of everything."""
    put_sitemap(site, {"/wiki/a": ""})
    source = connector(site, sitemap=f"{site.url}/sitemap.xml")
    _, cursor = whole_pass(source)
    site.put("/sitemap.xml", body, kind="application/xml")
    assert until_it_breaks(source, cursor, "sitemap|no page") == []


def test_lastmod_to_the_second_spares_the_request(site: WebServer) -> None:
    """A date alone does not; a page that failed is asked for again though its lastmod is as before."""
    put_sitemap(site, {"/wiki/a": "2026-01-01T10:00:00Z", "/elsewhere": "2026-01-01"})
    source = connector(site, sitemap=f"{site.url}/sitemap.xml")
    _, cursor = whole_pass(source)
    changes, cursor = whole_pass(source, cursor)
    assert sorted(paths(site, changes)) == ["/elsewhere", "/wiki/a"]
    assert (site.asked("/wiki/a"), site.asked("/elsewhere")) == ([200], [200, 304])
    old = site.pages["/wiki/a"]
    site.put("/wiki/a", status=500)
    put_sitemap(site, {"/wiki/a": "2026-02-01T10:00:00Z", "/elsewhere": "2026-01-01"})
    _, cursor = whole_pass(source, cursor)
    site.pages["/wiki/a"] = old
    whole_pass(source, cursor)
    assert site.asked("/wiki/a") == [200, 500, 500, 500, 304]


def test_the_secret_goes_to_the_site_and_into_no_repr(site: WebServer) -> None:
    """By header; a site of another host, and plain HTTP to another machine, are refused from the beginning."""
    site.secret = "Bearer s3cret"
    source = crawler(site, authorization="Bearer s3cret")
    assert len(read_whole(source)) == 4
    assert "s3cret" not in repr(source)
    assert site.url not in repr(source)
    with pytest.raises(SourceError, match="login"):
        list(crawler(site, authorization="Bearer other").changes(None))
    for options in (
        {"start": "http://wiki.example/", "authorization": "x"}, {"urls": ["http://a.example/", "http://b.example/"]},
        {"start": "http://user@wiki.example/"}, {"start": "file:///etc"}, {},
        {"start": "http://a.example/", "sitemap": "x"},
        {"start": "http://a.example/", "allow_networks": ["wide"]},
    ):  # fmt: skip
        with pytest.raises(ConfigError) as wrong:
            WebConnector(name="wiki", main_text=False, **options)  # type: ignore[arg-type]
        assert wrong.value.remedy


def test_private_addresses_need_a_word(site: WebServer) -> None:
    """Without ``allow_networks`` an address of one's own network is refused, and the remedy says what to write."""
    refused = WebConnector(name="wiki", start=f"{site.url}/wiki/", allow_ports=[site.port], main_text=False)
    with pytest.raises(SourceError) as caught:
        list(refused.changes(None))
    assert "allow_networks" in caught.value.remedy
    assert site.hits == []


def test_over_tls_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    """The certificate to trust is an option; without it the site is not read."""
    context, pem = self_signed()
    (tmp_path / "ca.pem").write_bytes(pem)
    with WebServer(tls=context) as site:
        site.put("/wiki/", "<p>safe</p>")
        assert len(items_of(crawler(site, ca_path=str(tmp_path / "ca.pem")).changes(None))) == 1
        with pytest.raises(SourceError, match="certificate"):
            list(crawler(site).changes(None))


def test_a_cursor_of_another_configuration_is_void(site: WebServer) -> None:
    """As is one that is none; what was known is asked for anew."""
    _, cursor = whole_pass(crawler(site))
    for void in (cursor, "{", '{"scope": 1}', "[]", '{"scope": "x", "open": true, "pages": {"u": []}}'):
        changes, _ = whole_pass(crawler(site, prefix="/wiki/s", start=f"{site.url}/wiki/sub/c"), void)
        assert [item.native_id.removeprefix(site.url) for item in items_of(changes)] == ["/wiki/sub/c"]


def test_a_page_is_probed(site: WebServer) -> None:
    """In numbers."""
    assert crawler(site).probe() == "a page with 3 links, 0 rules of robots.txt"
    put_sitemap(site, {"/a": "", "/b": ""})
    assert connector(site, sitemap=f"{site.url}/sitemap.xml").probe() == "a sitemap of 2 pages, 0 rules of robots.txt"
    with pytest.raises(SourceError, match="first page"):
        connector(site, start=f"{site.url}/nowhere").probe()


@pytest.mark.parametrize(
    ("text", "path", "allowed"),
    [
        ("", "/x", True), ("User-agent: *\nDisallow: /", "/x", False), ("User-agent: *\nDisallow:", "/x", True),
        ("User-agent: *\nDisallow: /\nUser-agent: ragkit\nAllow: /", "/x", True),
        ("User-agent: RagKit/2.0\nDisallow: /a\n", "/ab", False), ("User-agent: other\nDisallow: /", "/x", True),
        ("User-agent: a\nUser-agent: ragkit\nDisallow: /x", "/x", False),
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/a/b.pdf?x", True),
        ("User-agent: *\nDisallow: /a*b*c$", "/axbxc", False), ("User-agent: *\nDisallow: /a*bc*c$", "/abc", True),
        ("User-agent: *\nDisallow: /a$", "/a", False), ("User-agent: *\nDisallow: /a$", "/ab", True),
        ("User-agent: *\nDisallow: /", "/robots.txt", True), ("\ufeffuser-agent : *\ndisallow : /x # why", "/x", False),
        ("<html>no such thing</html>", "/x", True), ("Disallow: /", "/x", True),
    ],
)  # fmt: skip
def test_robots_by_the_rfc(text: str, path: str, allowed: bool) -> None:
    """RFC 9309: groups, longest match, both wildcards."""
    assert read_robots(text.encode()).allows(path) is allowed


@given(st.text("ab*$/", max_size=8), st.text("ab/", max_size=10))
def test_robots_patterns_match_as_their_regular_expression(pattern: str, path: str) -> None:
    """The quick search finds what the definition finds."""
    rule, path = f"/{pattern}", f"/{path}"
    body = rule.removesuffix("$")
    expected = re.match(".*".join(map(re.escape, body.split("*"))) + (r"\Z" if rule.endswith("$") else ""), path)
    assert read_robots(f"User-agent: *\nDisallow: {rule}".encode()).allows(path) is (expected is None)


def test_robots_on_purpose_take_no_time() -> None:
    """Patterns of stars, a file of rules, delays that are none."""
    stars = "User-agent: *\nDisallow: /" + "*a" * 5000 + "$\nCrawl-delay: 1e9\n"
    assert read_robots(stars.encode()).allows("/" + "a" * 4000)
    assert read_robots(stars.encode()).delay == 0.0
    assert read_robots(b"User-agent: *\nCrawl-delay: 2.5").delay == 2.5
    assert read_robots(b"User-agent: *\nCrawl-delay: 9999").delay == 60


def test_the_crawl_delay_is_kept(site: WebServer) -> None:
    """Between two requests there is the time that the site asks for."""
    site.put("/robots.txt", "User-agent: *\nCrawl-delay: 0.2", kind="text/plain")
    began = time.monotonic()
    list(crawler(site).changes(None))
    assert time.monotonic() - began > 0.2 * 4


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "page",
    [
        b"<a " * 1_000_000, b"<a href=" * 500_000, b"<!--" * 1_000_000, b"<script>" * 500_000, b"<" * 4_000_000,
        b'<a x="' * 600_000, b"<a " + b"x=" * 2_000_000, b"<a href='" + b"\xff" * 4_000_000, b"\x00" * 4_000_000,
        b"<meta name=" + b"robots " * 500_000, b"<a " + b"a" * 4_000_000 + b">",
        b"<a href=&" + b"amp;" * 900_000 + b">",
    ],
    ids=range(12),
)  # fmt: skip
def test_no_page_takes_long_to_scan(page: bytes) -> None:
    """Linear in its length, whatever it holds."""
    began = time.monotonic()
    read_signs(page)
    assert time.monotonic() - began < 5


def test_signs_of_a_page() -> None:
    """Quotes of all kinds, entities, comments and scripts, base, charset, directives for others."""
    signs = read_signs(
        b"""<BASE HREF='/b/'><a href="x?a=1&amp;b=2"><a class=c href=y>..<A\nHREF = 'z'><area href=w>
        <!-- <a href=commented> --><script>"<a href=scripted>"</script><a rel="nofollow" href=no><a name=n>
        <link rel='x canonical' href="//c.example/p"><meta content="INDEX, NoFollow" name=Robots><a href="\xe4">""",
        content_type="text/html; charset=iso-8859-1",
        robots_tag="otherbot: noindex",
    )
    assert signs.links == ("x?a=1&b=2", "y", "z", "w", "ä")
    assert (signs.base, signs.canonical, signs.noindex, signs.nofollow) == ("/b/", "//c.example/p", False, True)
    assert read_signs(b"", robots_tag="noindex").noindex
    assert read_signs(b"", robots_tag="ragkit: none").noindex
    assert read_signs(b"<meta charset=zlib_codec><a href=a>").links == ("a",)


def test_a_sitemap_is_no_bomb() -> None:
    """Entities, document types, and gzip that unpacks beyond the limit."""
    bomb = gzip.compress(b"<urlset>" + b" " * 60_000_000)
    for content in (bomb, b'<!DOCTYPE a [<!ENTITY b "c">]><urlset/>', b"<urlset><url>", b"\x1f\x8bnothing"):
        with pytest.raises(ValueError, match="sitemap"):
            list(read_sitemap(content))


def test_nothing_shows_what_was_read(site: WebServer) -> None:
    """Neither the reprs nor the errors of what the connector is made of name a page."""
    source = crawler(site)
    changes, cursor = whole_pass(source)
    shown = [repr(change) for change in changes if isinstance(change, Upsert | Listed | Checkpoint)]
    shown += [repr(State.read(cursor, source._configuration())), repr(source)]
    assert not [text for text in shown if "sub/c" in text or str(site.port) in text]
