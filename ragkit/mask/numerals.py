"""Numbers in words, in the languages that the rules read: ``forty-seven``, ``siete``, ``dix-huit``, ``drei``."""

from __future__ import annotations

_ENGLISH_UNITS = "one|two|three|four|five|six|seven|eight|nine"
ENGLISH = (
    rf"(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ](?:{_ENGLISH_UNITS}))?|"
    rf"ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|{_ENGLISH_UNITS})"
)
"""One to ninety-nine."""
ENGLISH_AMOUNT = rf"(?:(?:{ENGLISH}|a)(?:[ ](?:hundred|thousand|million|billion))+(?:[ ](?:and[ ])?{ENGLISH})?)"
"""Round amounts: ``two thousand``, ``five hundred and fifty``."""
_SPANISH = (
    "un|uno|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|once|doce|trece|catorce|quince|dieciséis|diecisiete|"
    "dieciocho|diecinueve|veinte|veinti[a-zéú]{3,7}|treinta|cuarenta|cincuenta|sesenta|setenta|ochenta|noventa"
)
_FRENCH = (
    "un|une|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize|dix-sept|dix-huit|"
    "dix-neuf|vingt|vingt-[a-z]{2,6}|trente|quarante|cinquante|soixante|soixante-[a-z]{2,8}|"
    "quatre-vingts?(?:-[a-z-]{2,9})?"
)
_GERMAN = (
    "einen?|einem|eines|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf|[a-zü]{3,6}zehn|"
    "(?:[a-züß]{3,8}und)?(?:zwanzig|dreißig|vierzig|fünfzig|sechzig|siebzig|achtzig|neunzig)"
)
OTHERS = rf"(?:{_SPANISH}(?:[ ]y[ ](?:un[oa]?|dos|tres|cuatro|cinco|seis|siete|ocho|nueve))?|{_FRENCH}|{_GERMAN})"
"""Small numbers in Spanish, French and German."""
