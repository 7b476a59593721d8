"""Bearer tokens: what is believed, and each known way to have a false one believed."""

from __future__ import annotations

import base64
import hmac
import json
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ragkit.auth.jwks import IssuerUnavailable, Jwks
from ragkit.auth.oidc import MOST_CHARACTERS, MOST_GROUPS, Issuer, TokenRefused, read_token
from ragkit.config_serve import OidcSection
from ragkit.testing.issuer import AUDIENCE, TestIssuer, encoded, make_key, signed


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def made() -> Iterator[TestIssuer]:
    """An issuer whose key stays."""
    with TestIssuer() as issuer:
        yield issuer


def section(issuer: TestIssuer, **more: Any) -> OidcSection:
    """What trusts an issuer."""
    plain = {"issuer": issuer.name, "audience": AUDIENCE, "jwks_url": issuer.jwks_url, **more}
    return OidcSection.model_validate(plain)


def trusting(issuer: TestIssuer, *, name: str = "corp", **more: Any) -> Issuer:
    """An issuer as a tenant sees it, with its keys at hand."""
    told = section(issuer, **more)
    return Issuer(name, told, jwks=Jwks(told, fetch=lambda: json.dumps(issuer.jwks()).encode()))


def refusal(issuer: Issuer, text: str) -> str:
    """Why a token is refused; empty when it is not."""
    try:
        issuer.verify(read_token(text))
    except TokenRefused as refused:
        return refused.code
    return ""


@pytest.mark.parametrize("algorithm", ["RS256", "PS384", "ES256", "ES384", "EdDSA"])
def test_a_good_token_says_who_calls(algorithm: str) -> None:
    """For every family of algorithms that may be allowed."""
    issuer = TestIssuer(algorithm=algorithm)
    told = OidcSection(issuer=issuer.name, audience=AUDIENCE, jwks_url="https://login.example.org/keys",
                       algorithms=(algorithm,), groups={"sales": ("crm|sales", "crm|staff")})  # type: ignore[arg-type]  # fmt: skip
    trusted = Issuer("corp", told, jwks=Jwks(told, fetch=lambda: json.dumps(issuer.jwks()).encode()))
    found = trusted.verify(read_token(issuer.token("auth0|ana", groups=["sales", "everybody"])))
    assert found.principal.subject == "corp|auth0|ana"
    assert found.principal.groups == {"corp|sales", "corp|everybody", "crm|sales", "crm|staff"}
    assert found.scopes == {"search", "ask", "feedback", "documents.read"}
    assert "ana" not in repr(found.credential)


CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "another audience": ({"aud": "billing"}, "token-issuer"),
    "no audience": ({"aud": None}, "token-issuer"),
    "an audience that begins alike": ({"aud": AUDIENCE + "-admin"}, "token-issuer"),
    "another issuer": ({"iss": "https://login.example.com/"}, "token-issuer"),
    "an issuer without its slash": ({"iss": "https://login.example.org"}, "token-issuer"),
    "expired": ({"exp": int(time.time()) - 61}, "token-expired"),
    "long expired": ({"exp": 1}, "token-expired"),
    "no end": ({"exp": None}, "token-endless"),
    "an end in words": ({"exp": "2030-01-01"}, "token-times"),
    "an end that is true": ({"exp": True}, "token-times"),
    "an end beyond all time": ({"exp": 10**400}, "token-times"),
    "an end below zero": ({"exp": -1}, "token-times"),
    "not yet": ({"nbf": int(time.time()) + 86_400}, "token-early"),
    "issued tomorrow": ({"iat": int(time.time()) + 86_400}, "token-early"),
    "a beginning in words": ({"nbf": "now"}, "token-times"),
    "nobody": ({"sub": None}, "token-subject"),
    "a number": ({"sub": 7}, "token-subject"),
    "blanks": ({"sub": " "}, "token-subject"),
    "a line": ({"sub": "ana\nbo"}, "token-subject"),
    "a name with a mark of direction": ({"sub": "ana\u202e"}, "token-subject"),
    "half a character": ({"sub": "ana\ud800"}, "token-subject"),
    "a very long name": ({"sub": "a" * 256}, "token-subject"),
    "too many groups": ({"groups": [f"g{n}" for n in range(MOST_GROUPS + 1)]}, "token-groups"),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_a_token_with_wrong_claims_opens_nothing(made: TestIssuer, case: str) -> None:
    """Signed by the right key all the same."""
    claims, code = CLAIMS[case]
    assert refusal(trusting(made), made.token(**claims)) == code


def test_clocks_may_differ_by_the_leeway_and_no_more(made: TestIssuer) -> None:
    """A minute by default."""
    now = time.time()
    trusted = trusting(made)
    assert refusal(trusted, made.token(exp=int(now) - 50)) == ""
    assert refusal(trusted, made.token(nbf=int(now) + 50)) == ""
    assert refusal(trusting(made, leeway_seconds=0), made.token(exp=int(now) - 1)) == "token-expired"


def test_no_algorithm_is_no_signature(made: TestIssuer) -> None:
    """`alg: none` in every spelling, with and without something after the last point."""
    for name in ("none", "None", "NONE", "nOnE", ""):
        head = encoded(json.dumps({"alg": name, "typ": "at+jwt"}).encode())
        body = encoded(json.dumps(made.claims()).encode())
        for tail in ("", "AAAA", encoded(b"signature")):
            with pytest.raises(TokenRefused):
                trusting(made).verify(read_token(f"{head}.{body}.{tail}"))


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_public_key_is_no_secret_to_sign_with(made: TestIssuer, algorithm: str) -> None:
    """The confusion of RSA and HMAC: the public key, in each of its spellings, as the secret."""
    public = made.key.as_dict(private=False)
    spellings = [
        made.key.as_pem(private=False),
        made.key.as_pem(private=False).strip(),
        json.dumps(public).encode(),
        base64.urlsafe_b64decode(str(public["n"]) + "=="),
    ]
    body = encoded(json.dumps(made.claims()).encode())
    for secret in spellings:
        head = encoded(json.dumps({"alg": algorithm, "kid": made.kid, "typ": "at+jwt"}).encode())
        mac = hmac.digest(secret, f"{head}.{body}".encode(), "sha" + algorithm[2:])
        assert refusal(trusting(made), f"{head}.{body}.{encoded(mac)}") == "token-algorithm"
        forged = trusting(made)
        object.__setattr__(forged, "section", forged.section.model_copy(update={"algorithms": (algorithm,)}))
        with pytest.raises((TokenRefused, KeyError)):  # even if somebody allowed it: no key is of that kind
            forged.verify(read_token(f"{head}.{body}.{encoded(mac)}"))


def test_a_secret_among_the_keys_is_left_out(made: TestIssuer) -> None:
    """An issuer that publishes a symmetric key, a small RSA key or one to encrypt with has not published a key."""
    small = {"kty": "RSA", "n": encoded((2**1023 + 1).to_bytes(128, "big")), "e": "AQAB", "kid": "small"}
    public = made.key.as_dict(private=False)
    keys = [
        {"kty": "oct", "k": encoded(b"x" * 32), "kid": "secret"},
        small,
        {**public, "use": "enc", "kid": "encrypts"},
        {**public, "key_ops": ["encrypt"], "kid": "encrypts-too"},
        {**public, "alg": "PS256", "kid": "for-another"},
        {"kty": "RSA", "kid": "empty"},
        "no key",
    ]
    told = section(made)
    jwks = Jwks(told, fetch=lambda: json.dumps({"keys": keys}).encode())
    for kid in ("secret", "small", "encrypts", "encrypts-too", "for-another", "empty", None):
        assert jwks.matching(kid, "RS256") == []


def test_a_key_fits_one_kind_of_algorithm() -> None:
    """An elliptic key of another curve, an RSA key for an elliptic algorithm."""
    issuer = TestIssuer(algorithm="ES256")
    told = OidcSection(issuer=issuer.name, audience=AUDIENCE, jwks_url="https://login.example.org/keys",
                       algorithms=("RS256", "ES256", "ES384", "EdDSA"))  # fmt: skip
    jwks = Jwks(told, fetch=lambda: json.dumps(issuer.jwks()).encode())
    assert len(jwks.matching(issuer.kid, "ES256")) == 1
    assert [jwks.matching(issuer.kid, other) for other in ("ES384", "RS256", "EdDSA")] == [[], [], []]


@pytest.mark.parametrize("header", ["jku", "x5u", "jwk", "x5c", "crit", "b64", "zip", "enc"])
def test_a_token_does_not_say_how_it_is_checked(made: TestIssuer, header: str) -> None:
    """Signed by a key of the attacker's that the token itself brings or points at."""
    mine = make_key("RS256")
    value: Any = {"jwk": mine.as_dict(private=False), "crit": ["exp"], "x5c": ["AAAA"], "b64": False}.get(
        header, "https://attacker.example/keys"
    )
    text = signed({"alg": "RS256", "typ": "at+jwt", "kid": made.kid, header: value}, made.claims(), mine)
    assert refusal(trusting(made), text) == "token-header"


@pytest.mark.parametrize("kid", [
    "../../../../dev/null", "/dev/null", "' OR 1=1 --", "key-1' UNION SELECT 'x", "key-1\0", "KEY-1", "", "x" * 5000,
    "http://attacker.example/keys",
])  # fmt: skip
def test_a_key_id_is_a_name_and_nothing_else(made: TestIssuer, kid: str) -> None:
    """Not a path, not a query, not an address."""
    assert refusal(trusting(made), made.token(header={"kid": kid})) in ("token-signature", "token-malformed")


@pytest.mark.parametrize("kid", [7, ["key-1"], {"a": 1}, True])
def test_a_key_id_is_text(made: TestIssuer, kid: Any) -> None:
    """Anything else is refused before keys are looked at."""
    assert refusal(trusting(made), made.token(header={"kid": kid})) == "token-malformed"


def test_without_a_key_id_the_only_key_is_meant() -> None:
    """With two keys it is not clear which, and none is tried."""
    with TestIssuer() as issuer:
        assert refusal(trusting(issuer), issuer.token(header={"kid": None})) == ""
        issuer.rotate()
        assert refusal(trusting(issuer), issuer.token(header={"kid": None})) == "token-signature"


@pytest.mark.parametrize(("kind", "any_type", "access_only"), [
    ("at+jwt", "", ""), ("application/at+jwt", "", ""), ("AT+JWT", "", ""), ("JWT", "", "token-type"),
    (None, "", "token-type"), ("logout+jwt", "token-type", "token-type"), ("dpop+jwt", "token-type", "token-type"),
    ("secevent+jwt", "token-type", "token-type"), (7, "token-type", "token-type"),
])  # fmt: skip
def test_the_type_of_a_token(made: TestIssuer, kind: Any, any_type: str, access_only: str) -> None:
    """A token that is for something else opens nothing; only access tokens do where that is asked for."""
    text = made.token(header={"typ": kind})
    assert refusal(trusting(made), text) == any_type
    assert refusal(trusting(made, access_tokens_only=True), text) == access_only


def test_malformed_tokens_are_refused_and_break_nothing(made: TestIssuer) -> None:
    """Wrong parts, foreign characters, JSON that says two things, depth, size."""
    head, body, tail = made.token().split(".")
    deep = encoded(b'{"a":' * 50_000 + b"1" + b"}" * 50_000)
    twice = encoded(json.dumps(made.claims()).encode()[:-1] + b', "sub": "owner"}')
    never = encoded(b'{"exp": NaN}')
    wrong = [
        "", ".", "..", "a.b", f"{head}.{body}", f"{head}.{body}.{tail}.x", f"{head}.{body}.{tail}.x.y",
        f"{head}.{body}=.{tail}", f"{head}.{body}.{tail} ", f"{head}.{twice}.{tail}", f"{head}.{deep}.{tail}",
        f"{head}.{never}.{tail}", f"{head}.{encoded(b'[]')}.{tail}", f"{encoded(b'7')}.{body}.{tail}",
        f"{encoded(b'{}')}.{body}.{tail}", f"{encoded(bytes([255]))}.{body}.{tail}",
        f"{encoded(json.dumps({'alg': 'RS256', 'pad': 'x' * 4000}).encode())}.{body}.{tail}",
        "x" * (MOST_CHARACTERS + 1),
    ]  # fmt: skip
    for text in wrong:
        with pytest.raises(TokenRefused):
            read_token(text)


def test_a_changed_token_is_refused(made: TestIssuer) -> None:
    """Other claims under the same signature, another signature, a signature of another key."""
    head, body, tail = made.token().split(".")
    richer = encoded(json.dumps(made.claims(groups=["admins"])).encode())
    trusted = trusting(made)
    assert refusal(trusted, f"{head}.{body}.{tail}") == ""
    assert refusal(trusted, f"{head}.{richer}.{tail}") == "token-signature"
    assert refusal(trusted, f"{head}.{body}.{tail[:-8]}AAAAAAAA") == "token-signature"
    assert refusal(trusted, f"{head}.{body}.AAAA") == "token-signature"
    foreign = signed({"alg": "RS256", "kid": made.kid, "typ": "at+jwt"}, made.claims(), make_key("RS256"))
    assert refusal(trusted, foreign) == "token-signature"


def test_required_claims_have_their_value(made: TestIssuer) -> None:
    """A token of another customer of the same issuer is another's."""
    trusted = trusting(made, required={"tid": "t-1"})
    assert refusal(trusted, made.token(tid="t-1")) == ""
    for other in ("t-2", None, ["t-1"], {"t-1": 1}, True):
        assert refusal(trusted, made.token(tid=other)) == "token-issuer"


def test_groups_are_taken_to_the_letter(made: TestIssuer) -> None:
    """Case, forms of Unicode, blanks, a bar, what is no text: none of them is the group that it looks like."""
    trusted = trusting(made, groups={"Sales": ["crm|sales"]})
    composed, decomposed = unicodedata.normalize("NFC", "Zürich"), unicodedata.normalize("NFD", "Zürich")

    def groups(*theirs: Any) -> frozenset[str]:
        return trusted.verify(read_token(made.token(groups=list(theirs)))).principal.groups

    assert groups("Sales") == {"corp|Sales", "crm|sales"}
    assert groups("sales") == {"corp|sales"}
    assert groups("SALES", "sa\u200bles", "ѕales") == {"corp|SALES", "corp|ѕales"}  # Cyrillic dze, seen as an s
    assert groups(composed).isdisjoint(groups(decomposed))
    assert (
        groups("crm|sales", " Sales", "Sales ", "", "a\nb", 7, None, ["Sales"], {"Sales": 1}, "x" * 256) == frozenset()
    )
    assert trusted.verify(read_token(made.token(groups="Sales"))).principal.groups == {"corp|Sales", "crm|sales"}
    assert trusted.verify(read_token(made.token(groups={"Sales": True}))).principal.groups == frozenset()


def test_the_same_group_of_two_issuers_is_two_groups(made: TestIssuer) -> None:
    """`sales` here and `sales` there."""
    text = made.token(groups=["sales"])
    one, two = (trusting(made, name=name).verify(read_token(text)).principal for name in ("crm", "erp"))
    assert one.tokens & two.tokens == {"pub"}


def test_five_thousand_groups_are_taken(made: TestIssuer) -> None:
    """As many as there may be; one more is refused in CLAIMS, and none is left out in silence."""
    found = trusting(made).verify(read_token(made.token(groups=[f"g{n}" for n in range(MOST_GROUPS - 1)])))
    assert len(found.principal.groups) == MOST_GROUPS - 1


@pytest.mark.parametrize(("claim", "scopes"), [
    (None, {"search", "ask"}), ("search", {"search"}), ("openid profile", set()), ("", set()),
    ("search operate reveal", {"search"}), (["ask", "operate"], {"ask"}), (7, set()), ("SEARCH", set()),
])  # fmt: skip
def test_scopes_are_what_is_in_both(made: TestIssuer, claim: Any, scopes: set[str]) -> None:
    """The claim narrows what the configuration allows, and never widens it."""
    found = trusting(made, scopes=("search", "ask")).verify(read_token(made.token(scope=claim)))
    assert found.scopes == scopes


# --- the keys -------------------------------------------------------------------------------------------------------


def test_keys_come_over_the_network_once(loopback: None) -> None:
    """From a real server; a second token asks for nothing."""
    with TestIssuer() as issuer:
        trusted = Issuer("corp", section(issuer))
        for _ in range(3):
            assert refusal(trusted, issuer.token()) == ""
        assert issuer.fetches == 1


def test_a_new_key_works_at_once_and_made_up_ones_cost_nothing(loopback: None) -> None:
    """One more fetch for a key that is not known; then none for half a minute."""
    with TestIssuer() as issuer:
        clock = Clock()
        told = section(issuer)
        trusted = Issuer("corp", told, jwks=Jwks(told, clock=clock))
        before = issuer.token()
        assert refusal(trusted, before) == ""
        issuer.rotate()
        assert refusal(trusted, issuer.token()) == ""
        assert refusal(trusted, before) == ""
        assert issuer.fetches == 2
        for number in range(20):
            assert refusal(trusted, issuer.token(header={"kid": f"made-up-{number}"})) == "token-signature"
        assert issuer.fetches == 2
        clock.now += 31
        assert refusal(trusted, issuer.token(header={"kid": "made-up"})) == "token-signature"
        assert issuer.fetches == 3


def test_a_key_that_was_taken_back_opens_nothing_after_a_while(loopback: None) -> None:
    """When the keys are fetched again."""
    with TestIssuer() as issuer:
        clock = Clock()
        told = section(issuer)
        trusted = Issuer("corp", told, jwks=Jwks(told, clock=clock))
        stolen = issuer.token()
        assert refusal(trusted, stolen) == ""
        issuer.rotate()
        del issuer.keys["key-1"]
        clock.now += told.keys_seconds + 1
        assert refusal(trusted, stolen) == "token-signature"


def test_an_issuer_that_is_down_is_waited_for_and_then_no_more(loopback: None) -> None:
    """Known keys go on for as long again; then nobody is let in by them, until it is back."""
    with TestIssuer() as issuer:
        clock = Clock()
        told = section(issuer)
        trusted = Issuer("corp", told, jwks=Jwks(told, clock=clock))
        token = issuer.token(exp=int(time.time()) + 100_000)
        assert refusal(trusted, token) == ""
        issuer.down = True
        clock.now = told.keys_seconds * 2 - 1
        assert refusal(trusted, token) == ""
        asked = issuer.fetches
        assert refusal(trusted, token) == ""
        assert issuer.fetches == asked  # not with every token
        clock.now = told.keys_seconds * 2 + 1
        with pytest.raises(IssuerUnavailable):
            trusted.verify(read_token(token))
        issuer.down = False
        clock.now += 6
        assert refusal(trusted, token) == ""


def test_before_the_first_keys_nothing_is_let_in(loopback: None) -> None:
    """An issuer that never answered, is not there, or says something else."""
    with TestIssuer() as issuer:
        issuer.down = True
        with pytest.raises(IssuerUnavailable):
            Issuer("corp", section(issuer)).verify(read_token(issuer.token()))
        gone = section(issuer)
    with pytest.raises(IssuerUnavailable):
        Issuer("corp", gone).verify(read_token(issuer.token()))
    for said in (b"", b"[]", b"{}", b'{"keys": 7}', b"\xff", json.dumps({"keys": [{}] * 300}).encode(), b"[" * 90_000):
        jwks = Jwks(gone, fetch=lambda said=said: said)  # type: ignore[misc]
        with pytest.raises(IssuerUnavailable):
            jwks.matching("key-1", "RS256")


def test_the_address_of_the_keys_is_never_the_tokens(made: TestIssuer) -> None:
    """Nothing of a token reaches the configuration of its issuer."""
    trusted = trusting(made)
    before = replace(read_token(made.token()))
    trusted.verify(before)
    assert trusted.section == section(made)
