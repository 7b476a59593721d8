"""The prompt view and the way back."""

from __future__ import annotations

import random

import pytest

from ragkit.generate.aliases import EXAMPLE, AliasBook, AliasStream, DisarmStream, sized, tokens_in
from ragkit.types import Conversation, Masked

ADA, BEN, MAIL = "[PERSON:K7F3QX9M2T-4B]", "[PERSON:Z9F3QX9M2T-7C]", "[EMAIL_ADDRESS:A1B2C3D4E5-F6]"
SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def book_of(*tokens: str, secret: bytes = b"s" * 16) -> tuple[AliasBook, list[str]]:
    """A book that has handed out aliases for these tokens, and the aliases."""
    book = AliasBook(Conversation(secret=secret))
    return book, [book.hide(Masked(token)) for token in tokens]


def random_tokens(count: int, rng: random.Random) -> list[str]:
    """Tokens of a few types."""
    types = ("PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "IBAN_CODE", "US_SSN")
    return [
        f"[{rng.choice(types)}:{''.join(rng.choices(SIGNS, k=10))}-{''.join(rng.choices(SIGNS, k=2))}]"
        for _ in range(count)
    ]


def test_numbers_follow_first_use_and_come_back_exactly() -> None:
    """One token has one alias, numbers count per type, and the way back is exact."""
    book, _ = book_of()
    text = Masked(f"{ADA} wrote {MAIL}; {BEN} and {ADA} read it.")
    hidden = book.hide(text)
    assert [part.split("·")[0] for part in hidden.split("[")[1:]] == [
        "PERSON_1",
        "EMAIL_ADDRESS_1",
        "PERSON_2",
        "PERSON_1",
    ]
    assert book.restore(hidden) == text
    assert "K7F3QX9M2T" not in hidden
    assert book.hide(text) == hidden


def test_another_conversation_has_other_letters() -> None:
    """An alias of one conversation means nothing in another."""
    _, (first,) = book_of(ADA, secret=b"a" * 16)
    other, (second,) = book_of(BEN, secret=b"b" * 16)
    assert first != second
    assert other.restore(first) == first
    assert other.count_unknown(f"{first} {second}") == 1


def test_letters_are_shared_by_no_two_aliases_and_not_by_the_example() -> None:
    """A slip in type or number alone can never make another alias, nor can the example of the rules be one."""
    book, aliases = book_of(*random_tokens(1100, random.Random(1)))
    letters = [alias.partition("·")[2] for alias in aliases]
    assert len(set(letters)) == len(letters)
    assert EXAMPLE.partition("·")[2] not in letters
    assert book.restore(EXAMPLE) == EXAMPLE


@pytest.mark.parametrize(
    "mangle",
    [
        lambda alias: alias.lower(),
        lambda alias: alias.replace("·", " ·"),
        lambda alias: alias.replace("·", "."),
        lambda alias: alias.replace("·", "•"),
        lambda alias: alias.replace("[", "[ "),
        lambda alias: alias.replace("_", " "),
        lambda alias: alias.replace("·", "·\n"),
        lambda alias: alias.replace("·", "\u200b·"),
        lambda alias: alias[1:-1],
        lambda alias: alias.replace("1", "9"),
        lambda alias: alias.upper(),
        lambda alias: alias.replace("[", "【").replace("]", "】"),
    ],
)
def test_a_mangled_alias_stays_as_it_is_and_is_counted(mangle: object) -> None:
    """Case, spaces, splits, other dots, brackets or numbers: nobody is shown, and the slip is counted."""
    book, (alias,) = book_of(ADA, secret=b"q" * 16)
    mangled = mangle(alias)  # type: ignore[operator]
    if mangled == alias:
        pytest.skip("this alias has no letter that the change touches")
    text = f"Ask {mangled} today."
    assert book.restore(text) == text
    if "\n" not in mangled and "\u200b" not in mangled:
        assert book.count_unknown(text) == 1


def test_a_number_without_letters_is_counted() -> None:
    """``[PERSON_1]``, what small models make of an alias, names nobody; ``[FIG_1]`` is no alias at all."""
    book, _ = book_of(ADA)
    assert book.restore("[PERSON_1]") == "[PERSON_1]"
    assert book.count_unknown("[PERSON_1] in [FIG_1], about 3·4 m") == 1


def _mangled(alias: str, others: list[str], rng: random.Random) -> str:
    text = alias
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        at = rng.randrange(len(text) + 1)
        sign = rng.choice("0123456789abcdefghjkmnpqrstvwxyzABCXYZ_· []:\n\u200b.•")
        match rng.randrange(8):
            case 0:
                text = text[:at] + sign + text[at:]
            case 1:
                text = text[: max(0, at - 1)] + text[at:]
            case 2:
                text = text[: max(0, at - 1)] + sign + text[at:]
            case 3:
                text = text[: max(0, at - 1)] + text[at : at + 1] + text[max(0, at - 1) : at] + text[at + 1 :]
            case 4:
                text = "".join(rng.choice((str.lower, str.upper))(one) for one in text)
            case 5:  # the number of another
                text = text.partition("_")[0] + "_" + str(rng.randint(1, 60)) + "·" + text.rpartition("·")[2]
            case 6:  # the letters of another
                text = text.rpartition("·")[0] + "·" + rng.choice(others).rpartition("·")[2]
            case _:  # the type of another
                text = rng.choice(others).rpartition("_")[0] + "_" + text.rpartition("_")[2]
    return text


def test_twelve_thousand_manglings_show_no_wrong_person() -> None:
    """Whatever is done to an alias, it comes back as its own token or as it is, whole or in pieces."""
    rng = random.Random(5)
    tokens = random_tokens(150, rng)
    book, aliases = book_of(*tokens)
    wrong = changed = swapped = 0
    for _ in range(12_000):
        place = rng.randrange(len(aliases))
        text = f"x {_mangled(aliases[place], aliases, rng)} y"
        shown = book.restore(text)
        if aliases[place] in text:
            wrong += shown.replace(tokens[place], aliases[place]) != text
        elif any(alias in text for alias in aliases):  # number, letters and type all of one other: that alias itself
            swapped += 1
        else:
            changed += 1
            wrong += shown != text
        stream = AliasStream(book)
        cut = rng.randrange(len(text))
        assert stream.feed(text[:cut]) + stream.feed(text[cut:]) + stream.flush() == shown
    assert changed > 10_000
    assert swapped <= 3
    assert wrong == 0


def test_any_cut_of_a_stream_gives_the_whole() -> None:
    """However the text is cut, the pieces joined are the whole restored; at most an alias is held back."""
    rng = random.Random(2)
    book, aliases = book_of(ADA, BEN, MAIL)
    for _ in range(1500):
        parts = [*aliases, *aliases, "[", "]", "[PERSON_1·", "[1]", " ", "·", "[PERSON:K7", "text ", aliases[0][:-1]]
        text = "".join(rng.choices(parts, k=rng.randint(1, 10)))
        stream, shown = AliasStream(book), ""
        at = 0
        while at < len(text):
            piece = text[at : at + rng.choice([1, 2, 5])]
            shown += stream.feed(piece)
            at += len(piece)
        assert shown + stream.flush() == book.restore(text)


def test_what_looks_like_an_alias_in_a_source_is_no_alias() -> None:
    """A document that holds an alias as plain text cannot have it restored, in any of its forms."""
    book, (alias,) = book_of(ADA)
    number = alias[1:-1].partition("·")[0].replace("_", " ")
    for plain in (alias, alias.lower(), alias.replace("·", " • "), alias.replace("[", "[ ")):
        hidden = book.hide(Masked(f"Pay {plain} now, {ADA}."))
        assert hidden == f"Pay ({number}) now, {alias}." or hidden == f"Pay ({number.lower()}) now, {alias}."
        assert book.restore(hidden).count(ADA) == 1


def test_a_record_token_that_was_never_supplied_loses_its_form() -> None:
    """A model that writes a token of the record view shows nobody by it, unless it was given that person."""
    book, _ = book_of(ADA)
    assert book.disarm(f"{ADA} {BEN}") == f"{ADA} ‹{BEN[1:-1]}›"
    assert book.count_unknown(BEN) == 1
    stream = DisarmStream(book)
    assert "".join(map(stream.feed, f"a {BEN} b {ADA}")) + stream.flush() == f"a ‹{BEN[1:-1]}› b {ADA}"


def test_sizes_and_tokens_are_read_without_handing_out_anything() -> None:
    """Counting uses a stand-in; the tokens of a text are found by form."""
    assert sized(f"by {ADA}") == "by [PERSON_10·00]"
    assert tokens_in(f"{ADA} and [PERSON:short]") == {ADA[1:-1]}
