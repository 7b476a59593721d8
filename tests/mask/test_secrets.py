"""Credentials: each format that is found, and the examples and explanations that are not."""

from __future__ import annotations

import pytest

from ragkit.errors import SecretFound
from ragkit.mask.build import build_masker
from ragkit.mask.secrets import SecretDetector
from ragkit.policy import Policy
from ragkit.testing.fakes import MemoryVaultTable

KEYS = [
    ("AWS_ACCESS_KEY", "AKIA" + "QWERTYUIOPASDF23"),
    ("GITHUB_TOKEN", "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"),
    ("SLACK_TOKEN", "xoxb-" + "123456789012-abcdefGHIJKL"),
    ("STRIPE_KEY", "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"),
    ("GOOGLE_API_KEY", "AIza" + "SyD4f6Gh8jK0lMnOpQrStUvWxYz1234567A"),
    ("JWT", "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"),
    (
        "PRIVATE_KEY",
        "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA7bq2" * 8 + "\n-----END RSA PRIVATE KEY-----",
    ),
    ("API_KEY", "f3A9kQ2xL7vR1tZ8bN4m"),
    ("PASSWORD", "Hunter22!x"),
    ("URL_PASSWORD", "s3cr3tPw9"),
]
SETTINGS = {"API_KEY": "api_key = '{}'", "PASSWORD": "password: {}", "URL_PASSWORD": "postgres://app:{}@db.internal/x"}


@pytest.mark.parametrize(("kind", "value"), KEYS)
def test_each_kind_is_found(kind, value):
    """The value itself is the span, under its type."""
    text = f"before {SETTINGS.get(kind, '{}').format(value)} after"
    spans = [span for span in SecretDetector().detect([text])[0] if span.entity_type == kind]
    assert [text[span.start : span.end] for span in spans] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "api_key = 'your-api-key-goes-here-0'",
        "password: ********",
        "Your password must have 8 characters.",
        "password: string",
        "the secret = something",
        "git commit 9f8c2b7d",
        "https://example.org/path:80@2x.png",
        "-----BEGIN CERTIFICATE-----\nMIIEowIBAAKCAQEA\n-----END CERTIFICATE-----",
        "access_token=<ACCESS_TOKEN>",
        "sha256 is the token of choice in this_is_a_long_identifier",
    ],
)
def test_examples_and_prose_are_let_through(text):
    """Published examples, placeholders and explanations are no credentials."""
    assert SecretDetector().detect([text])[0] == []


def test_a_document_with_a_secret_is_quarantined_without_showing_it(masker, document):
    """The error names types and counts; the key is in neither message, remedy nor repr."""
    secret = KEYS[0][1]
    result = masker.mask([document(f"use {secret} and again {secret}"), document("nothing here")])
    assert isinstance(result[0], SecretFound)
    assert result[0].code == "secret-found"
    assert "AWS_ACCESS_KEY 2" in str(result[0])
    assert secret not in f"{result[0]} {result[0]!r} {result[0].remedy}"
    assert result[1].text.record == "nothing here"


def test_secrets_in_any_field_count(masker, document):
    """A key in the file name or in metadata quarantines too."""
    assert isinstance(masker.mask([document("x", name=f"{KEYS[0][1]}.txt")])[0], SecretFound)
    assert isinstance(masker.mask([document("x", metadata={"note": KEYS[1][1]})])[0], SecretFound)


def test_policy_may_mask_or_keep_secrets(keys, document):
    """``mask`` replaces them; only ``unsafe_keep`` leaves them in."""
    secret = KEYS[0][1]
    masked = build_masker(Policy(secrets="mask"), keys, MemoryVaultTable(), "c").mask([document(f"use {secret}")])[0]
    assert masked.text.record.startswith("use [AWS_ACCESS_KEY:")
    assert secret not in masked.text.index
    kept = build_masker(Policy(secrets="unsafe_keep"), keys, MemoryVaultTable(), "c").mask([document(f"use {secret}")])[
        0
    ]
    assert secret in kept.text.record
