"""The fetcher: no URL, name, redirect or answer gets it to connect where it may not."""

from __future__ import annotations

import gzip
import pickle
import re
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ragkit import net_counts
from ragkit.net import HttpClient
from ragkit.net_addresses import FetchRefused, is_allowed, networks, read_url
from ragkit.net_fetch import Fetcher
from ragkit.net_sockets import NetFailure
from ragkit.testing import sockets
from ragkit.testing.faulty_server import certificate_pem, self_signed
from ragkit.testing.web_server import WebServer

HTML = frozenset({"text/html"})
HERE = {"allow_networks": ["127.0.0.0/8"]}

NAMES = {
    "localhost": ["127.0.0.1", "::1"], "localhost.localdomain": ["127.0.0.1"], "wiki": ["10.0.0.5"],
    "loop.example": ["127.0.0.1"], "mixed.example": ["93.184.216.34", "10.0.0.1"],
    "mixed6.example": ["2606:2800:220:1::1", "fd00::1"], "metadata.google.internal": ["169.254.169.254"],
    "aws6.example": ["fd00:ec2::254"], "zero.example": ["0.0.0.0"], "mapped.example": ["::ffff:10.0.0.1"],
    "sixtofour.example": ["2002:a00:1::1"], "nat64.example": ["64:ff9b::a00:1"],
    "teredo.example": ["2001:0:a00:1::f5ff:fffe"],
    "compat.example": ["::10.0.0.1"], "zone.example": ["fe80::1%eth0"], "azure.example": ["168.63.129.16"],
    "none.example": [], "odd.example": ["not an address"], "127.0.0.1.nip.example": ["127.0.0.1"],
    "multicast.example": ["224.0.0.251"], "cgnat.example": ["100.64.0.1"], "site.example": ["fec0::1"],
    "documentation.example": ["203.0.113.5"], "broadcast.example": ["255.255.255.255"],
}  # fmt: skip
SSRF = (
    # other schemes, and what is no URL at all
    "file:///etc/passwd", "ftp://example.org/", "gopher://127.0.0.1:6379/_INFO",
    "javascript:alert(1)", "data:text/html,x",
    "//127.0.0.1/", "/etc/passwd", "", "http:127.0.0.1", "http:/127.0.0.1/", "http:///127.0.0.1/", "http://",
    "jar:http://127.0.0.1!/", "dict://127.0.0.1:11211/stat", "HTTP+unix://%2Frun%2Fx.sock/",
    "view-source:http://127.0.0.1/",
    # this machine, in every way of writing it
    "http://127.0.0.1/", "http://127.0.0.1:80/", "https://127.0.0.1/", "http://127.1/", "http://127.0.1/", "http://2130706433/",
    "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://017700000001/", "http://127.0.0.1./",
    "http://0.0.0.0/", "http://0/", "http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::1",
    "http://[v1.x]/", "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://localhost.localdomain/",
    "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://127．0．0．1/", "http://ｌocalhost/",
    "http://localhoſt/", "http://%6c%6fcalhost/",
    "http://127.0.0.1%2f.example.org/", "http://127.0.0.1\x00.example.org/", "http://127.0.0.256/", "http://1.2.3.4.5/",
    # private, shared and special networks
    "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/", "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials", "http://[fd00:ec2::254]/", "http://100.100.100.200/", "http://168.63.129.16/",
    "http://192.0.0.192/", "http://[fd20:ce::254]/", "http://224.0.0.1/", "http://255.255.255.255/", "http://198.18.0.1/",
    "http://192.0.2.1/", "http://[2001:db8::1]/", "http://[fc00::1]/", "http://[ff02::1]/", "http://[fec0::1]/",
    "http://[2002:7f00:1::]/", "http://[2002:a9fe:a9fe::]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::169.254.169.254]/",
    "http://[64:ff9b:1::a00:1]/", "http://[2001:0:7f00:1::1]/", "http://192.88.99.1/", "http://240.0.0.1/",
    # two readers, two hosts
    "http://a@127.0.0.1/", "http://example.org@127.0.0.1/", "http://127.0.0.1@example.org/", "http://example.org:80@127.0.0.1/",
    "http://example.org\\@127.0.0.1/", "http://example.org\\.127.0.0.1/", "http:\\\\127.0.0.1\\", "http://127.0.0.1#@example.org/",
    "http://127.0.0.1?@example.org/", "http://example.org\t.127.0.0.1/", "http://exa\nmple.org/", " http://example.org/",
    "http://example.org /", "http://example.org\r\nHost: 127.0.0.1/", "http://exämple.org/", "http://example..org/",
    "http://.example.org/",
    "http://-example.org/", "http://" + "a" * 64 + ".org/", "http://" + "a." * 130 + "org/",
    "http://example.org/" + "a" * 9000,
    "http://[::1]example.org/", "http://[::1]:80:80/", "http://example.org:/",
    "http://example\u2024org/", "http://example\u200b.org/",
    # ports
    "http://example.org:22/", "http://example.org:6379/", "https://example.org:8443/", "http://example.org:0/",
    "http://example.org:65616/", "http://example.org:-80/", "http://example.org:٨٠/", "http://example.org:80a/", "http://example.org:+80/",
    *(f"http://{name}/" for name in NAMES),
)  # fmt: skip


def looked_up(host: str, port: int, seconds: float) -> list[str]:
    """Names of the table; addresses as themselves; any other name is public."""
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    except OSError:
        return NAMES.get(host, ["93.184.216.34"])
    return [host]


def looked_up_host(url: str) -> list[str]:
    """The addresses that a URL's host has, in their plain form; none for what is no URL."""
    try:
        found = looked_up(read_url(url).host, 80, 1)
    except FetchRefused:
        return []
    return [one.replace("::ffff:7f00:1", "127.0.0.1") for one in found]


@pytest.fixture(autouse=True)
def _loopback() -> Iterator[None]:
    with sockets.loopback():
        yield


@pytest.fixture
def site() -> Iterator[WebServer]:
    """Return a server without pages."""
    with WebServer() as server:
        yield server


def here(site: WebServer, **options: object) -> Fetcher:
    """A fetcher that may reach the server, under any name."""
    chosen = {
        "purpose": "test",
        "allow_ports": [site.port],
        "resolver": lambda *_: ["127.0.0.1"],
        **HERE,
        **options,
    }
    return Fetcher(**chosen)  # type: ignore[arg-type]


def test_the_table_is_long() -> None:
    """As long as the attempts that are known."""
    assert len(set(SSRF)) > 120


@pytest.mark.parametrize("url", SSRF)
def test_no_attempt_opens_a_connection(url: str) -> None:
    """Refused before a socket is made."""
    since = net_counts.begin()
    with Fetcher(purpose="test", resolver=looked_up) as fetcher, pytest.raises(FetchRefused) as refused:
        fetcher.get(url, accept=HTML)
    assert refused.value.word in {"url", "address", "port"}
    assert refused.value.remedy
    assert since() == {}


ABSOLUTE = [url for url in SSRF if re.match(r"[a-z]+://[\x21-\xff]+$", url) and len(url) < 9000]


@pytest.mark.parametrize("url", [url for url in ABSOLUTE if "127.0.0.1" not in looked_up_host(url)])
def test_no_redirect_leads_there(site: WebServer, url: str) -> None:
    """What is refused at first is refused afterwards; the server that redirects is the only one that is reached."""
    site.put("/", status=302, headers={"Location": url})

    def resolver(host: str, port: int, seconds: float) -> list[str]:
        return ["127.0.0.1"] if host == "start.example" else looked_up(host, port, seconds)

    since = net_counts.begin()
    with (
        here(site, resolver=resolver, allow_networks=["127.0.0.1/32"]) as fetcher,
        pytest.raises(FetchRefused) as refused,
    ):
        fetcher.get(f"http://start.example:{site.port}/", accept=HTML)
    assert refused.value.word in {"url", "address", "port"}
    assert since()["calls"] == {"test": 1}
    assert site.asked("/") == [302]


@pytest.mark.parametrize(
    ("location", "word"),
    [
        ("file:///etc/passwd", "url"), ("http://169.254.169.254/", "address"), ("http://10.9.9.9/", "address"),
        ("//10.9.9.9/x", "address"), ("http://a@start.example/", "url"), ("\\\\10.9.9.9\\x", "url"),
        ("http://start.example:22/", "port"), ("http://xn--lcalhost-4wf.example/", "address"), ("gopher://x/", "url"),
        ("http://[::1", "url"), ("http://\xff\xfe/", "url"), ("/again", "redirects"),
    ],
)  # fmt: skip
def test_redirects_are_judged_like_first_urls(site: WebServer, location: str, word: str) -> None:
    """The first hop is allowed and answers; the second is not connected to."""
    site.put("/start", status=301, headers={"Location": location})
    site.put("/again", status=302, headers={"Location": "/again"})

    def resolver(host: str, port: int, seconds: float) -> list[str]:
        return ["127.0.0.1"] if host == "start.example" else [host if host[0].isdigit() else "10.0.0.1"]

    with here(site, resolver=resolver) as fetcher, pytest.raises(FetchRefused) as refused:
        fetcher.get(f"http://start.example:{site.port}/start", accept=HTML)
    assert refused.value.word == word
    assert len(site.hits) == (6 if word == "redirects" else 1)


def test_a_name_that_changes_its_answer_changes_nothing(site: WebServer) -> None:
    """DNS rebinding: looked up once, and the connection goes to what was judged, on later calls too."""
    site.put("/", "<p>here</p>", headers={"Connection": "close"})
    answers = [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"]]
    asked: list[str] = []

    def resolver(host: str, port: int, seconds: float) -> list[str]:
        asked.append(host)
        return answers[min(len(asked), 3) - 1]

    with here(site, resolver=resolver) as fetcher:
        for _ in range(3):
            assert fetcher.get(f"http://rebind.example:{site.port}/", accept=HTML).body == b"<p>here</p>"
        assert asked == ["rebind.example"]
        fetcher.close()
        with pytest.raises(FetchRefused, match="address"):
            fetcher.get(f"http://rebind.example:{site.port}/", accept=HTML)
    assert b"Host: rebind.example:" in site.received


def test_metadata_is_refused_even_in_an_allowed_network() -> None:
    """No list of networks opens it; what the owner named is open, in its mapped form too."""
    everything = ("0.0.0.0/0", "::/0")
    for address in (
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "fd00:ec2::254",
        "64:ff9b::a9fe:a9fe",
    ):
        assert not is_allowed(address, networks(everything))
    assert not is_allowed("64:ff9b::a01:203", networks(["10.1.0.0/16"]))
    for address in ("10.1.2.3", "::ffff:10.1.2.3"):
        assert is_allowed(address, networks(["10.1.0.0/16"]))
        assert not is_allowed(address, networks(["10.2.0.0/16"]))
    for address in ("93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822", "8.8.8.8"):
        assert is_allowed(address)
    with pytest.raises(ValueError, match="host bits"):
        networks(["10.1.2.3/8"])


@given(
    st.from_regex(r"https?://[\w.\[\]:@%\\-]{0,40}(/[^\n]{0,40})?", fullmatch=True) | st.text(max_size=60),
    st.lists(st.sampled_from(["127.0.0.1", "10.0.0.1", "93.184.216.34", "::1", "fe80::1"]), min_size=1, max_size=3),
)
@example("http://example.org/%2e%2e/%2E/a/../b?x=..", ["93.184.216.34"])
def test_every_url_is_refused_or_read_in_one_way(url: str, addresses: list[str]) -> None:
    """What is read is its own fixed point, in ASCII, without a user, a fragment or dot segments; addresses decide."""
    try:
        place = read_url(url)
    except FetchRefused:
        return
    assert read_url(place.url) == place
    assert re.fullmatch(r"[!-~]+", place.url)
    parts = urlsplit(place.url)
    assert (parts.scheme, parts.hostname, parts.username, parts.fragment) == (place.scheme, place.host, None, "")
    assert parts.port in (None, place.port)
    assert not {".", ".."} & set(place.path.partition("?")[0].split("/"))
    judged = all(is_allowed(one) for one in addresses)
    assert judged is (set(addresses) == {"93.184.216.34"})


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("HTTP://Example.ORG:80", "http://example.org/"), ("https://example.org:443/a/./b/../c", "https://example.org/a/c"),
        ("http://example.org/%7euser/%2e%2e/x", "http://example.org/x"), ("http://example.org/a%2fb#f", "http://example.org/a%2Fb"),
        ("http://example.org/ä?q=ö", "http://example.org/%C3%A4?q=%C3%B6"), ("http://example.org/100%", "http://example.org/100%25"),
        ("http://[2606:2800:0220:1::0001]/", "http://[2606:2800:220:1::1]/"), ("http://example.org/..", "http://example.org/"),
    ],
)  # fmt: skip
def test_ways_of_writing_one_url_are_one(written: str, same: str) -> None:
    """RFC 3986, section 6.2.2."""
    assert read_url(written).url == same


def test_secrets_go_to_one_origin(site: WebServer) -> None:
    """Not to another host, port or scheme, whoever redirects there; over plain HTTP to this machine only."""
    with WebServer() as other:
        site.put("/out", status=302, headers={"Location": f"http://localhost:{other.port}/x"})
        site.put("/in", status=302, headers={"Location": "/page"})
        site.put("/page", "ok")
        other.put("/x", "ok")
        options = {"secret_headers": {"Authorization": "Bearer s3cret"}, "secret_origin": site.url}
        with here(site, allow_ports=[site.port, other.port], **options) as fetcher:
            assert fetcher.get(f"{site.url}/in", accept=HTML).redirected
            assert fetcher.get(f"{site.url}/out", accept=HTML).body == b"ok"
            assert "s3cret" not in repr(fetcher)
        assert site.received.count(b"s3cret") == 3
        assert b"s3cret" not in other.received
    with pytest.raises(ValueError, match="https only"):
        Fetcher(purpose="test", secret_headers={"Authorization": "x"}, secret_origin="http://wiki.example/")
    with pytest.raises(ValueError, match="malformed"):
        Fetcher(purpose="test", secret_headers={"Authorization": "x\r\nHost: y"}, secret_origin="https://wiki.example/")


def test_the_certificate_is_for_the_name(tmp_path: Path) -> None:
    """The address is pinned, the name is what is checked; https never leads to http."""
    pem, key = certificate_pem("wiki.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "server.pem").write_bytes(pem + key)
    context.load_cert_chain(tmp_path / "server.pem")
    (tmp_path / "ca.pem").write_bytes(pem)
    with WebServer(tls=context) as site:
        site.put("/", "<p>safe</p>")
        site.put("/down", status=302, headers={"Location": f"http://wiki.example:{site.port}/"})
        with here(site, ca_file=tmp_path / "ca.pem") as fetcher:
            assert fetcher.get(f"https://wiki.example:{site.port}/", accept=HTML).body == b"<p>safe</p>"
            with pytest.raises(FetchRefused, match="https to http"):
                fetcher.get(f"https://wiki.example:{site.port}/down", accept=HTML)
            with pytest.raises(NetFailure) as other:
                fetcher.get(f"https://other.example:{site.port}/", accept=HTML)
        assert other.value.word == "tls"
    with WebServer(tls=self_signed("wiki.example")[0]) as site, here(site) as fetcher:
        with pytest.raises(NetFailure) as unknown:
            fetcher.get(f"https://wiki.example:{site.port}/", accept=HTML)
        assert unknown.value.word == "tls"


def test_a_pinned_address_is_where_the_client_goes(site: WebServer) -> None:
    """Whatever the name means, and without asking; a proxy would ask itself."""
    site.put("/x", "ok")
    client = HttpClient(f"http://nowhere.invalid:{site.port}", purpose="test", pinned=["127.0.0.1"])
    with client.open("GET", "/x", headers={}, body=b"", seconds=5) as reply:
        assert b"".join(reply.pieces()) == b"ok"
    client.close()
    with pytest.raises(ValueError, match="proxy"):
        HttpClient("http://nowhere.invalid", purpose="test", pinned=["127.0.0.1"], proxy="http://127.0.0.1:1")


def test_the_environment_names_no_proxy(site: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor certificates; nothing is sent to what it names."""
    with WebServer() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        site.put("/", "ok")
        with here(site) as fetcher:
            assert fetcher.get(site.url, accept=HTML).body == b"ok"
        assert proxy.requests == []


def test_bodies_are_bounded_and_of_the_types_asked_for(site: WebServer) -> None:
    """Declared, sent and decompressed length; a bomb ends at the limit; other types are not read."""
    site.put("/big", b"x" * 5001)
    site.put("/bomb", gzip.compress(b"\0" * 10_000_000), headers={"Content-Encoding": "gzip"})
    site.put("/packed", gzip.compress(b"<p>packed</p>"), headers={"Content-Encoding": "gzip"})
    site.put("/brotli", b"x", headers={"Content-Encoding": "br"})
    site.put("/image", b"x", kind="image/png")
    site.put("/fault", b"secret words", status=500)
    site.put("/head", headers={"X-Long": "y" * 200_000})
    with here(site, max_bytes=5000) as fetcher:
        for path, word in (("/big", "size"), ("/bomb", "size"), ("/image", "type")):
            with pytest.raises(FetchRefused) as refused:
                fetcher.get(site.url + path, accept=HTML)
            assert refused.value.word == word
        assert fetcher.get(f"{site.url}/packed", accept=HTML).body == b"<p>packed</p>"
        for path, failure in (("/brotli", "encoding"), ("/head", "malformed")):
            with pytest.raises(NetFailure) as failed:
                fetcher.get(site.url + path, accept=HTML)
            assert failed.value.word == failure
        assert fetcher.get(f"{site.url}/fault", accept=HTML).body == b""
        with pytest.raises(FetchRefused):
            fetcher.get(f"{site.url}/packed", accept=HTML, max_bytes=5)


def test_conditional_requests_and_retry_after(site: WebServer) -> None:
    """304 comes through; seconds and dates are read, and nonsense is not."""
    site.put("/", "words")
    site.put("/busy", status=429, headers={"Retry-After": "7"})
    site.put("/later", status=503, headers={"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"})
    site.put("/odd", status=503, headers={"Retry-After": "soon"})
    with here(site) as fetcher:
        first = fetcher.get(site.url, accept=HTML)
        again = fetcher.get(site.url, accept=HTML, headers={"If-None-Match": first.headers["etag"]})
        assert (again.status, again.body) == (304, b"")
        assert fetcher.get(f"{site.url}/busy", accept=HTML).retry_after() == 7
        assert (fetcher.get(f"{site.url}/later", accept=HTML).retry_after() or 0) > 1e9
        assert fetcher.get(f"{site.url}/odd", accept=HTML).retry_after() is None
        assert first.retry_after() is None
    assert "words" not in repr(first)


def test_the_whole_call_ends_in_time(site: WebServer) -> None:
    """Redirects share one time, and a redirect may be refused by the caller."""
    site.put("/", status=302, headers={"Location": "/x"})
    with here(site, seconds=0.0) as fetcher, pytest.raises(NetFailure) as over:
        fetcher.get(site.url, accept=HTML)
    assert over.value.word == "deadline"
    with here(site) as fetcher, pytest.raises(FetchRefused, match="login"):
        fetcher.get(site.url, accept=HTML, follow=lambda place: False)
    refused = pickle.loads(pickle.dumps(FetchRefused("size")))
    assert (refused.word, bool(refused.remedy)) == ("size", True)
