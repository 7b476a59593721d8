"""Recognises a model that refuses: by the sentinel it was asked to write, or in words of its own at the very start.

The sentinel is never shown, not even half of it. A text that begins like a refusal is held back until it cites a
source, which a refusal does not, or until its end.
"""

from __future__ import annotations

import re
from typing import Literal

from ragkit.generate.citing import MARK
from ragkit.generate.prompt import SENTINEL

_LONGEST_REFUSAL = 600  # characters: what goes on longer without citing anything is a bad answer, not a refusal

_WRAPPED = "*_\"'`([ \t\n"  # what may stand before the first word
_PARTS = SENTINEL.split("_")
_GAP = r"(?:\\?[_ ]){1,2}"
_SENTINEL = re.compile(_GAP.join(_PARTS))


def _begun(parts: list[str]) -> str:
    """A pattern of every beginning of the sentinel, with what may stand between its words."""
    pattern = ""
    for number, part in reversed(list(enumerate(parts))):
        tail = rf"(?:\\?[_ ]?\\?|{_GAP}{pattern})?" if number < len(parts) - 1 else ""
        for sign in reversed(part):
            tail = f"(?:{sign}{tail})?"
        pattern = tail
    return pattern


_SENTINEL_BEGUN = re.compile(rf"{_begun(_PARTS)}\Z")

_OPENINGS = """
not in sources | not in the sources | not_in_sources | i cannot answer | i can't answer
i can not answer | i am unable to | i'm unable to | i am not able to | i'm not able to | i'm sorry
i am sorry | sorry, | i don't know | i do not know | i could not find | i couldn't find
i cannot find | the sources do not | the sources don't | the provided sources do not
the provided sources don't | the given sources do not | the source does not
the provided source does not | none of the sources | none of the provided sources
the documents do not | the provided documents do not | the document does not | the context does not
the provided context does not | the text does not | the provided text does not
there is no information | there is no mention | no information | this question cannot be answered
the question cannot be answered | based on the provided sources, i cannot
based on the sources, i cannot | based on the provided sources, there is no
based on the sources, there is no | unfortunately, the | ich kann diese frage nicht
ich kann die frage nicht | ich kann das nicht | ich weiß es nicht | ich weiß nicht
die quellen enthalten keine | die quellen enthalten dazu | die quellen geben keine
die quellen sagen nichts | die quellen beantworten | die bereitgestellten quellen
in den quellen steht nicht | in den quellen gibt es keine | in den quellen findet sich keine
in den quellen finden sich keine | aus den quellen geht nicht | es tut mir leid | tut mir leid
leider enthalten | leider kann ich | keine der quellen | dazu enthalten die quellen
je ne peux pas répondre | je ne sais pas | je suis désolé | désolé | les sources ne
les documents ne | aucune des sources | aucune source | aucune information | no puedo responder
no lo sé | lo siento | las fuentes no | los documentos no | ninguna de las fuentes | ninguna fuente
no hay información | non posso rispondere | non lo so | mi dispiace | le fonti non
nessuna delle fonti | nessuna fonte | não posso responder | não sei | desculpe | as fontes não
nenhuma das fontes | não há informações | não há informação | ik kan deze vraag niet
ik kan die vraag niet | ik weet het niet | het spijt me | de bronnen bevatten geen
de bronnen geven geen | de bronnen vermelden | geen van de bronnen | jag kan inte svara
källorna innehåller ing | källorna innehåller inte | källorna säger inget | jeg kan ikke svare
kilderne indeholder ikke | kilderne indeholder ing | kildene inneholder ikke
kildene inneholder ing | lähteet eivät | lähteissä ei | en voi vastata | a források nem
nem tudok válaszolni | я не могу ответить | не могу ответить | источники не | в источниках нет
ни один из источников | bu soruyu yanıtlayam | kaynaklar bu soru | kaynaklarda bu
kaynaklarda bilgi | üzgünüm | 抱歉 | 对不起 | 无法回答
我无法回答 | 来源中没有 | 资料中没有 | 提供的来源 | 申し訳 | 回答できません
ソースには | 죄송
"""
OPENINGS = tuple(" ".join(one.split()) for one in re.split(r"\||\n", _OPENINGS.casefold()) if one.strip())
"""How refusals begin, folded."""


def _folded(text: str) -> str:
    return " ".join(_bare(text).casefold().replace("’", "'").split())


def _bare(text: str) -> str:
    return text.replace("\\", "").lstrip(_WRAPPED)


class RefusalGate:
    """Lets a text pass that comes in pieces, but no refusal. It reads marks for citations, as :mod:`.citing` makes."""

    def __init__(self) -> None:
        self._state: Literal["start", "suspect", "open", "refused"] = "start"
        self._held = ""
        self.sentinel = False

    @property
    def refused(self) -> bool:
        """Whether the model refused; to be asked after :meth:`flush`."""
        return self._state == "refused"

    def feed(self, piece: str) -> str:
        """Return all that can be told by now."""
        return self._pass(self._held + piece, final=False)

    def flush(self) -> str:
        """Return what was held back, as no more comes; nothing of a refusal."""
        return self._pass(self._held, final=True)

    def _pass(self, text: str, *, final: bool) -> str:
        self._held = ""
        if self._state == "start":
            self._judge_start(text, final=final)
        if self._state == "suspect":
            cites = MARK.search(text) is not None
            if cites or len(text) > _LONGEST_REFUSAL:
                self._state = "open"
            elif final:
                self._state = "refused"
        if self._state == "open":
            return self._without_sentinel(text, final=final)
        self._held = "" if self._state == "refused" else text
        return ""

    def _judge_start(self, text: str, *, final: bool) -> None:
        if _SENTINEL.match(_bare(text)):
            self.sentinel = True
            self._state = "refused"
            return
        start = _folded(text[: _LONGEST_REFUSAL + 1])
        if any(start.startswith(opening) for opening in OPENINGS):
            self._state = "suspect"
        elif final or (start and not any(opening.startswith(start) for opening in OPENINGS)):
            self._state = "open"

    def _without_sentinel(self, text: str, *, final: bool) -> str:
        if not final:
            begun = _SENTINEL_BEGUN.search(text, max(0, len(text) - 80))
            cut = begun.start() if begun else len(text)
            text, self._held = text[:cut], text[cut:]
        found, count = _SENTINEL.subn(" ", text)
        self.sentinel |= count > 0
        return found
