"""Credentials in text: keys, tokens, private keys, passwords in URLs and assignments.

A document that holds one is quarantined by default, because masking the key does not make it safe to have been shared:
it has to be revoked. The error names types and counts only. Published example keys (Amazon's end in ``EXAMPLE``) and
placeholders are let through.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from ragkit.types import Span

SECRETS_VERSION = 1

_FIXED: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    # type, a text that must occur, pattern. The formats are those their issuers publish.
    ("AWS_ACCESS_KEY", "AKIA", re.compile(r"(?<![A-Z0-9])AKIA[A-Z2-7]{16}(?![A-Z0-9])")),
    ("AWS_ACCESS_KEY", "ASIA", re.compile(r"(?<![A-Z0-9])ASIA[A-Z2-7]{16}(?![A-Z0-9])")),
    ("GITHUB_TOKEN", "gh", re.compile(r"(?<!\w)gh[pousr]_[A-Za-z0-9]{36,255}(?!\w)")),
    ("GITHUB_TOKEN", "github_pat_", re.compile(r"(?<!\w)github_pat_[A-Za-z0-9_]{50,255}(?!\w)")),
    ("GITLAB_TOKEN", "glpat-", re.compile(r"(?<!\w)glpat-[\w\-]{20,64}(?![\w\-])")),
    ("SLACK_TOKEN", "xox", re.compile(r"(?<!\w)xox[abeoprs]-[A-Za-z0-9\-]{10,250}")),
    ("SLACK_TOKEN", "hooks.slack.com", re.compile(r"hooks\.slack\.com/services/T\w{6,12}/B\w{6,12}/\w{16,32}")),
    ("STRIPE_KEY", "_live_", re.compile(r"(?<!\w)[rs]k_live_[A-Za-z0-9]{16,247}(?!\w)")),
    ("STRIPE_KEY", "_test_", re.compile(r"(?<!\w)[rs]k_test_[A-Za-z0-9]{16,247}(?!\w)")),
    ("GOOGLE_API_KEY", "AIza", re.compile(r"(?<![\w\-])AIza[\w\-]{35}(?![\w\-])")),
    ("OPENAI_KEY", "sk-", re.compile(r"(?<![\w\-])sk-(?:proj-|ant-)?[A-Za-z0-9_\-]{32,200}(?![\w\-])")),
    ("JWT", "eyJ", re.compile(r"(?<![\w\-])eyJ[\w\-]{10,4096}\.eyJ[\w\-]{10,8192}\.[\w\-]{20,2048}")),
    ("PRIVATE_KEY", "PRIVATE KEY", re.compile(
        r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----"
        r"[A-Za-z0-9+/=\s:,\-]{40,20000}?(?:-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----|\Z)")),
    ("URL_PASSWORD", "://", re.compile(r"(?<=://)[^\s/@:\"'<>]{1,64}:(?P<secret>[^\s/@\"'<>]{3,128})@(?=[\w.\-\[])")),
)  # fmt: skip
_NAMED = re.compile(
    r"(?:api[_\-. ]?key|secret[_\-. ]?(?:access[_\-. ]?)?key|access[_\-. ]?token|auth[_\-. ]?token|"
    r"client[_\-. ]?secret|"
    r"private[_\-. ]?token|bearer|refresh[_\-. ]?token|secret)"
    r"[\"'`]?[ \t]{0,4}(?:[:=]|=>|:=|[ \t]|is)[ \t]{0,4}[\"'`]?(?P<secret>[A-Za-z0-9+/=_\-.]{20,200})"
    r"(?![A-Za-z0-9+/=_\-.])",
)
_NAMED_HINTS = ("key", "token", "secret", "bearer")
_PASSWORD = re.compile(
    r"(?:password|passwort|passphrase|passwd|pwd|kennwort|mot de passe|contraseña|wachtwoord|senha|hasło)"
    r"[\"'`]?[ \t]{0,4}(?:[:=]|=>|\bis\b|\blautet\b)[ \t]{0,4}[\"'`]?(?P<secret>[^\s\"'`<>{}\[\]()$|,;]{6,64})",
)
_PASSWORD_HINTS = ("pass", "pwd", "kennwort", "contrase", "wachtwoord", "senha", "hasło")
_PLACEHOLDER = re.compile(
    r"example|sample|placeholder|your|my[_\-]|changeme|change_me|xxxx|\*\*\*|\.\.\.|dummy|redacted|<|>|\$\{|%s|todo|insert|"
    r"replace|secret$|password$|passwd$|string$|null$|none$|true$|false$",
    re.IGNORECASE,
)


class SecretDetector:
    """Finds credentials. Its spans have types such as ``AWS_ACCESS_KEY``, ``PRIVATE_KEY``, ``PASSWORD``."""

    ENTITIES = frozenset({kind for kind, _, _ in _FIXED} | {"API_KEY", "PASSWORD"})

    @property
    def name(self) -> str:
        """Begins the recognizer names of its spans."""
        return "secrets"

    @property
    def fingerprint(self) -> str:
        """Changes with the patterns."""
        return f"secrets:{SECRETS_VERSION}"

    def load(self) -> None:
        """Nothing to load."""

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans by text, sorted by start."""
        return [sorted(_find(text), key=lambda span: (span.start, span.end)) for text in texts]

    def __repr__(self) -> str:
        return "SecretDetector()"


def _find(text: str) -> Iterator[Span]:
    for entity_type, needle, pattern in _FIXED:
        if needle in text:
            for match in pattern.finditer(text):
                start, end = match.span("secret") if "secret" in pattern.groupindex else match.span()
                if not _PLACEHOLDER.search(text, start, min(end, start + 300)):
                    yield Span(start, end, entity_type, 0.95, f"secrets:{entity_type.lower()}")
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = text
    if any(hint in lowered for hint in _NAMED_HINTS):
        for match in _NAMED.finditer(lowered):
            value = text[slice(*match.span("secret"))]
            if _is_random(value) and not _PLACEHOLDER.search(value):
                yield Span(*match.span("secret"), "API_KEY", 0.8, "secrets:api_key")
    if any(hint in lowered for hint in _PASSWORD_HINTS):
        for match in _PASSWORD.finditer(lowered):
            value = text[slice(*match.span("secret"))]
            if _is_password(value) and not _PLACEHOLDER.search(value):
                yield Span(*match.span("secret"), "PASSWORD", 0.7, "secrets:password")


def _is_random(value: str) -> bool:
    """Digits and letters of both cases or hexadecimal, with the entropy of a drawn key rather than of words."""
    if not any(char.isdigit() for char in value) or not any(char.isalpha() for char in value):
        return False
    if re.fullmatch(r"[0-9a-fA-F\-]+", value):
        return len(value) >= 32 and entropy(value) > 3.0
    return entropy(value) >= 3.7 and not re.search(r"[a-z]{7,}", value)


def _is_password(value: str) -> bool:
    """A word from a dictionary is an explanation; a password has digits or signs among its letters."""
    letters = sum(char.isalpha() for char in value)
    return letters >= 2 and len(value) - letters >= 2 and not re.fullmatch(r"[\w]+\.[\w.]+|[A-Za-z]+[.:;!?]+", value)


def entropy(value: str) -> float:
    """Shannon entropy of the characters, in bits a character."""
    counts = Counter(value)
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
