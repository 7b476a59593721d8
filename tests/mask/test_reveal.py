"""Values put back into a text that comes in pieces: as into the whole, as early as is safe, and never by guessing."""

from __future__ import annotations

import pickle
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragkit.crypto import CollectionKeys
from ragkit.mask.reveal import LONGEST, RevealStream, reveal_pieces
from ragkit.mask.tokens import TOKEN, format_token, token_ids, unfinished
from ragkit.mask.vault import Vault
from ragkit.testing.fakes import MemoryVaultTable

PEOPLE = ("Galip Yalman", "Ana Ortega", "Ana [Ortega", "\ud83d", "[PERSON:")
VAULT = Vault(CollectionKeys(bytes(range(32))), MemoryVaultTable(), "support")
TOKENS = [VAULT.allocate("PERSON", name)[0] for name in PEOPLE]
VAULT.flush()
FOREIGN = Vault(CollectionKeys(b"o" * 32), MemoryVaultTable(), "other").allocate("PERSON", "Nobody")[0]

texts = st.lists(
    st.one_of(
        st.sampled_from(TOKENS),
        st.sampled_from(TOKENS).flatmap(lambda token: st.integers(0, len(token)).map(lambda end: token[:end])),
        st.sampled_from(["[", "[[", "]", "[P", "[PERSON:", "[PERSON:K7F3QX9M2T-4", FOREIGN, TOKENS[0].lower(), "-"]),
        st.text(alphabet=st.sampled_from("[]:-_ABPERSON0179K é\n"), max_size=12),
    ),
    max_size=8,
).map("".join)


@settings(deadline=None)
@given(texts, st.lists(st.integers(0, 200), max_size=12))
def test_however_it_is_cut_it_is_the_whole_restored(text: str, cuts: list[int]) -> None:
    """Pieces of any length, empty ones too, give what the whole gives, and the same counts."""
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    stream = RevealStream(VAULT.reveal)
    shown = "".join(stream.feed(text[first:last]) for first, last in pairwise(places)) + stream.flush()
    assert (shown, stream.counts) == VAULT.reveal(text)


@settings(deadline=None)
@given(texts)
def test_character_by_character_little_is_held_back(text: str) -> None:
    """Less than a token's length is held, and all of it begins like one."""
    stream = RevealStream(VAULT.reveal)
    shown = ""
    for char in text:
        shown += stream.feed(char)
        assert len(stream._held) < LONGEST
        assert not stream._held or stream._held[0] == "["
    assert shown + stream.flush() == VAULT.reveal(text)[0]


def test_text_comes_as_soon_as_it_can_be_told() -> None:
    """Nothing waits before a bracket, and what cannot become a token any more waits no longer."""
    stream = RevealStream(VAULT.reveal)
    assert stream.feed("Ask ") == "Ask "
    assert stream.feed("or see [1") == "or see [1"
    assert stream.feed("], then [PERS") == "], then "
    assert stream.feed("on") == "[PERSon"
    assert [stream.feed(piece) for piece in (TOKENS[0][:9], TOKENS[0][9:-1], "]")] == ["", "", "Galip Yalman"]
    assert stream.feed("[PERSON:K7F3QX9M2T-4") == ""
    assert stream.flush() == "[PERSON:K7F3QX9M2T-4"
    assert stream.counts == {"PERSON": 1}


def test_the_longest_token_fits_and_its_beginnings_are_told() -> None:
    """Every beginning of every form of token is held, the shortest type and the longest id too."""
    for entity_type in ("AB", "P" + "X" * 39):
        ids = token_ids(b"k" * 32, entity_type, b"\x01" * 32)
        for _ in range(20):
            token = format_token(entity_type, next(ids))
            assert TOKEN.fullmatch(token)
            assert len(token) <= LONGEST
            assert all(unfinished(f"x{token[:end]}") == 1 for end in range(1, len(token)))
            assert unfinished(f"x{token}") == len(token) + 1


def mangled(token: str) -> list[str]:
    """What people and models make of a token."""
    kind, _, rest = token[1:-1].partition(":")
    one = {"0": "O", "1": "l"}
    other = next(char for char in rest if char.isdigit())
    return [
        token.lower(), token.upper().replace("PERSON", "Person"), token[:-1], token[1:], token[:-2] + "]",
        token.replace(":", ": "), token.replace("-", " - "), token.replace("-", "–"), token.replace("-", "\u2011"),
        token.replace(":", "："), f"［{token[1:-1]}］", token.replace("[", "\\[").replace("]", "\\]"),
        token.replace("_", "\\_").replace("-", "\\-"), f"[{kind}\u200b:{rest}]", token.replace("P", "Р"),
        token.replace(other, one.get(other, "x"), 1) if other in token else token[:-1],
        unicodedata.normalize("NFKD", token.replace("E", "É")), f"[{kind}:{rest[::-1]}]", f"<{token[1:-1]}>",
        f"[{kind}:{rest[:5]}\n{rest[5:]}]", f"[{kind}:{rest}{rest}]", f"[{kind}]", f"[ADDRESS:{rest}]",
        f"[{kind}:{rest[:-2]}]", f"[{kind}:**{rest}**]", "".join(f"{char} " for char in token).strip(),
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(26))
def test_a_mangled_token_stays_as_it_is(number: int) -> None:
    """Changed case, spaces, brackets, look-alikes, escapes, another type: shown as written, whole and in pieces."""
    for token in TOKENS[:2]:
        text = f"ask {mangled(token)[number]} now"
        assert VAULT.reveal(text) == (text, {})
        stream = RevealStream(VAULT.reveal)
        assert "".join(map(stream.feed, text)) + stream.flush() == text


def test_every_other_character_in_a_token_gives_nobody_else() -> None:
    """All single changes, deletions and swaps of neighbours: the text itself, or, where the check fits, no such row."""
    signs = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    for token in TOKENS[:2]:
        ends = range(len("[PERSON:"), len(token) - 1)
        changed = {token[:at] + sign + token[at + 1 :] for at in ends for sign in signs}
        changed |= {token[:at] + token[at + 1 :] for at in ends}
        changed |= {token[:at] + token[at + 1] + token[at] + token[at + 2 :] for at in list(ends)[:-1]}
        for one in changed - {token}:
            assert VAULT.reveal(one)[0] == one


def test_a_revealed_value_is_not_read_again() -> None:
    """A value that reads like a token, or like the beginning of one, is given out as it is."""
    assert VAULT.reveal(f"{TOKENS[4]}{TOKENS[0][1:]}")[0] == "[PERSON:" + TOKENS[0][1:]
    stream = RevealStream(VAULT.reveal)
    assert stream.feed(TOKENS[4]) + stream.feed(TOKENS[0][8:]) + stream.flush() == "[PERSON:" + TOKENS[0][8:]


def test_pieces_end_with_their_counts_also_when_nobody_listens_any_more() -> None:
    """Counted once: at the end, at an early stop, at an error of the source; nothing is read ahead."""
    told: list[tuple[object, int]] = []

    def ended(counts: object, characters: int) -> None:
        told.append((counts, characters))

    pieces = ["a ", TOKENS[0], " b"]
    assert "".join(reveal_pieces(pieces, VAULT.reveal, ended=ended)) == "a Galip Yalman b"
    some = reveal_pieces(iter(pieces), VAULT.reveal, ended=ended)
    assert (next(some), next(some)) == ("a ", "Galip Yalman")
    some.close()

    def broken():  # type: ignore[no-untyped-def]
        yield "[PERSON:"
        raise OSError("torn")

    with pytest.raises(OSError, match="torn"):
        list(reveal_pieces(broken(), VAULT.reveal, ended=ended))
    assert told == [({"PERSON": 1}, 26), ({"PERSON": 1}, 24), ({}, 8)]


def test_a_stream_tells_nothing_of_what_it_holds() -> None:
    """Not by its repr, and it is not pickled."""
    stream = RevealStream(VAULT.reveal)
    stream.feed("[PERSON:K7")
    assert repr(stream) == "RevealStream(10 characters held back)"
    with pytest.raises(TypeError):
        pickle.dumps(stream)
