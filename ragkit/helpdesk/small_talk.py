"""Greetings, thanks, farewells, and who is speaking: answered without a look at the documents, and marked as such.

Only a message that is nothing else: "hello, where is my parcel?" is a question.
"""

from __future__ import annotations

import re
from typing import Literal

from ragkit.helpdesk.topics import plain

SmallTalk = Literal["hello", "thanks", "bye", "who", "human", "ok"]

_WHOM = r"(?: (?:there|all|everyone|team|again|bot|you|dear|alle|zusammen|a tous|to you))*"
_PATTERNS: dict[SmallTalk, str] = {
    "hello": rf"(?:(?:hi+|hello|hey+|hiya|good (?:morning|afternoon|evening|day)|greetings|hallo|moin|servus|"
    rf"guten (?:tag|morgen|abend)|gruss gott|bonjour|bonsoir|salut|coucou){_WHOM} ?)+"
    r"(?:how are you(?: doing)?(?: today)?|wie geht s(?: dir| ihnen)?|ca va)?",
    "thanks": r"(?:ok |okay |great |perfect |super |alles klar |parfait )*"
    r"(?:many thanks|thanks(?: a lot| so much| very much)?|thank you(?: so much| very much)?|thx|ty|cheers|"
    r"that (?:helped|helps|was helpful)|danke(?: schon| sehr| ihnen)?|vielen dank|merci(?: beaucoup| bien)?)"
    rf"{_WHOM}(?: for (?:your|the) (?:help|answer|info|information))?(?: that helps)?(?: (?:bye|goodbye))?",
    "bye": r"(?:(?:good ?bye|bye(?: bye)?|see you(?: later)?|have a (?:nice|good|great) (?:day|evening|weekend)|"
    r"tschuss|auf wiedersehen|schonen tag(?: noch)?|au revoir|bonne journee|a bientot) ?)+",
    "who": r"(?:who (?:are you|is this|am i (?:talking|speaking|chatting) (?:to|with))|what (?:are you|can you do)|"
    r"what is your name|what s your name|how can you help(?: me)?|what can i ask(?: you)?|help|"
    r"wer (?:bist du|sind sie)|was (?:kannst du|konnen sie)|hilfe|qui (?:es tu|etes vous)|aide)",
    "human": r"(?:(?:are|r) (?:you|u) (?:an? |really an? )?(?:human(?: being)?|real(?: person)?|person|bot|robot|"
    r"chatbot|machine|ai|computer|actual person)(?: or an? (?:human|person|bot|robot|machine|ai))?|"
    r"is this an? (?:bot|robot|chatbot|human|ai|real person)(?: or an? \w+)?|"
    r"(?:am i|i am) (?:talking|speaking|chatting) (?:to|with) an? (?:\w+ )?(?:human|person|bot|robot|machine|ai)|"
    r"(?:bist du|sind sie) ein (?:mensch|bot|roboter|computer|automat)(?: oder ein \w+)?|"
    r"(?:es tu|etes vous) un (?:humain|robot|bot)(?: ou un \w+)?)",
    "ok": r"(?:ok|okay|k|alright|all right|i see|got it|understood|fine|good|great|perfect|cool|nice|super|"
    r"alles klar|gut|verstanden|d accord|parfait)(?: then)?",
}
_COMPILED = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}


def small_talk(text: str) -> SmallTalk | None:
    """Return what kind of small talk a message is, or ``None`` where it is anything more."""
    said = plain(text)
    return next((kind for kind, pattern in _COMPILED.items() if pattern.fullmatch(said)), None)
