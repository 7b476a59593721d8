"""The estimate of tokens against two vocabularies that are at hand."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
import tiktoken

from ragkit.backends.estimate import estimate_prompt, estimate_tokens
from ragkit.testing.asking import call_of

TEXTS = {
    "en": "Every desk comes with a warranty of five years from the day of delivery, unless used outdoors. Ask us.",
    "de": "Für jeden Schreibtisch gilt eine Gewährleistung von fünf Jahren ab dem Tag der Lieferung, außer im Freien.",
    "es": "Cada escritorio tiene una garantía de cinco años desde el día de la entrega, salvo al aire libre.",
    "tr": "Her masa, açık havada kullanılmadığı sürece teslim gününden itibaren beş yıl garantilidir. Bize sorun.",
    "ru": "На каждый письменный стол даётся гарантия пять лет со дня доставки, если он не стоял под открытым небом.",
    "ar": "لكل مكتب ضمان لمدة خمس سنوات من يوم التسليم ما لم يستخدم في الهواء الطلق. اسألنا إذا كان لديك سؤال.",
    "hi": "हर मेज़ पर डिलीवरी के दिन से पाँच साल की वारंटी है, जब तक कि उसे बाहर इस्तेमाल न किया गया हो। हमसे पूछें।",
    "zh": "每张书桌自交货之日起享有五年保修,除非在户外使用。如有疑问,请随时联系我们的客户服务部门。",
    "tokens": "[PERSON_3·k7] wrote to [EMAIL_ADDRESS_1·p2] about order 2024-11873 for 1,249.50 EUR (net).",
}


@pytest.fixture(scope="module")
def vocabularies() -> list[tiktoken.Encoding]:
    """Return the vocabularies that llama-index carries; nothing is downloaded."""
    carrier = find_spec("llama_index.core")
    assert carrier is not None
    patch = pytest.MonkeyPatch()
    patch.setenv("TIKTOKEN_CACHE_DIR", str(Path(str(carrier.origin)).parent / "_static" / "tiktoken_cache"))
    found = [tiktoken.get_encoding(name) for name in ("cl100k_base", "o200k_base")]
    patch.undo()
    return found


@pytest.mark.parametrize("language", TEXTS)
def test_the_estimate_is_near_and_rather_too_high(language: str, vocabularies: list[tiktoken.Encoding]) -> None:
    """At least .8 of what either vocabulary counts, and no more than 1.6 of what the hungrier one does."""
    text = TEXTS[language]
    counts = [len(one.encode(text)) for one in vocabularies]
    assert 0.8 * max(counts) <= estimate_tokens(text) <= 1.6 * max(counts)


def test_it_grows_with_the_text() -> None:
    """Nothing is nothing; more is more; a prompt is more than its texts."""
    assert estimate_tokens("") == 0
    assert 0 < estimate_tokens("one") < estimate_tokens("one two") < estimate_tokens("one two 123 €😀")
    assert estimate_prompt(call_of("one")) > estimate_tokens("one")
    assert estimate_tokens("\ud800") >= 1
