"""The months by language, full and short, so that another month can be written the way one was.

:data:`ragkit.mask.dates.MONTHS` finds a month in any language; here every row has its twelve in order.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

_ROWS: tuple[tuple[str, str], ...] = (
    ("en", "january february march april may june july august september october november december"),
    ("en", "jan feb mar apr may jun jul aug sep oct nov dec"),
    ("en", "jan feb mar apr may june july aug sept oct nov dec"),
    ("de", "januar februar märz april mai juni juli august september oktober november dezember"),
    ("de", "jan feb mrz apr mai jun jul aug sep okt nov dez"),
    ("de", "jänner feber märz april mai juni juli august september oktober november dezember"),
    ("fr", "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
    ("fr", "janv févr mars avr mai juin juil août sept oct nov déc"),
    ("fr", "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre"),
    ("es", "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
    ("es", "ene feb mar abr may jun jul ago sep oct nov dic"),
    ("es", "enero febrero marzo abril mayo junio julio agosto setiembre octubre noviembre diciembre"),
    ("it", "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"),
    ("it", "gen feb mar apr mag giu lug ago set ott nov dic"),
    ("nl", "januari februari maart april mei juni juli augustus september oktober november december"),
    ("nl", "jan feb mrt apr mei jun jul aug sep okt nov dec"),
    ("pt", "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"),
    ("pt", "jan fev mar abr mai jun jul ago set out nov dez"),
    ("sv", "januari februari mars april maj juni juli augusti september oktober november december"),
    ("no", "januar februar mars april mai juni juli august september oktober november desember"),
    ("da", "januar februar marts april maj juni juli august september oktober november december"),
    ("pl", "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia"),
    ("pl", "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień"),
    ("tr", "ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık"),
)
_TWELVE = tuple((language, tuple(words.split())) for language, words in _ROWS)


@cache
def months() -> dict[str, int]:
    """Month from 1 by name in lower case."""
    return {word: number for _, row in _TWELVE for number, word in enumerate(row, 1)}


def languages(words: Iterable[str]) -> tuple[str, ...]:
    """The languages that these names of months may be of, the likeliest first. English and German write capitals."""
    votes = dict.fromkeys((language for language, _ in _TWELVE), 0.0)
    for word in words:
        for language in {language for language, row in _TWELVE if word.lower() in row}:
            votes[language] += 0.5 if word.islower() and language in {"en", "de"} else 1
    return tuple(sorted(votes, key=lambda language: -votes[language]))


def named_as(word: str, month: int, preferred: tuple[str, ...] = ()) -> str | None:
    """Another month in the language and length in which one is written, in its case; ``None`` for no month.

    ``("Mai", 6)`` is ``Juni``, ``("mai", 6)`` is ``juin``.

    Args:
        word: A month as written.
        month: The other, from 1.
        preferred: Languages, the likeliest first, for a word of several.
    """
    lowered = word.lower()
    rows = [(language, row) for language, row in _TWELVE if lowered in row]
    if not rows:
        return None
    order = (*preferred, *languages((word,))).index
    language = min(rows, key=lambda one: order(one[0]))[0]
    name = next(row for own, row in rows if own == language)[month - 1]
    if word.isupper():
        return name.upper()
    return name.title() if word[0].isupper() else name
