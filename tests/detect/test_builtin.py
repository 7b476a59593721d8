"""The shipped detector, with its real weights."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from ragkit.detect.builtin import _WINDOW, BuiltinDetector
from ragkit.detect.features import WordReader, flat_pieces, windows
from ragkit.detect.tagger import Cut, DetectorFiles, FewTagger, TorchTagger
from ragkit.errors import ModelError
from ragkit.models.adapter import read_deltas
from ragkit.models.weights import find_model
from ragkit.models.word_pieces import load_tokenizer
from ragkit.types import Span

LETTER = (
    "Dear Dr. Brennan,\n\nyesterday I met Anneliese Kowalczyk at the station in Leeds. She said that the "
    "invoice went to 14 Marlborough Road, Flat 2\nOxford OX4 2LP by mistake.\n\nKind regards,\nT. Okonkwo\n"
    "Head of Claims, Birchwood Mutual Ltd"
)


@pytest.fixture(scope="module")
def detector() -> BuiltinDetector:
    """The shipped detector, loaded."""
    made = BuiltinDetector()
    made.load()
    return made


def values(text: str, spans: list[Span], entity_type: str) -> list[str]:
    """The texts of the spans of one type."""
    return [text[span.start : span.end] for span in spans if span.entity_type == entity_type]


def test_names_without_a_cue_are_found_with_places_addresses_and_firms(detector: BuiltinDetector) -> None:
    """Names without a cue are found with places addresses and firms."""
    (spans,) = detector.detect([LETTER])
    assert {"Anneliese Kowalczyk", "Brennan", "T. Okonkwo"} <= set(values(LETTER, spans, "PERSON"))
    assert values(LETTER, spans, "LOCATION")[0] == "Leeds"
    assert any("Marlborough Road" in one for one in values(LETTER, spans, "ADDRESS"))
    assert any("Birchwood" in one for one in values(LETTER, spans, "ORGANIZATION"))
    assert all(span.recognizer == "learned:minilm" and 0.5 <= span.score <= 1 for span in spans)
    assert [span.start for span in spans] == sorted(span.start for span in spans)


def test_case_does_not_hide_a_name(detector: BuiltinDetector) -> None:
    """Case does not hide a name."""
    for text in ("please call anneliese kowalczyk today", "PLEASE CALL ANNELIESE KOWALCZYK TODAY"):
        (spans,) = detector.detect([text])
        assert [one.lower() for one in values(text, spans, "PERSON")] == ["anneliese kowalczyk"]


def test_common_words_that_are_names_too_are_left_alone_where_they_are_words(detector: BuiltinDetector) -> None:
    """Common words that are names too are left alone where they are words."""
    texts = ["You will receive the bill in May.", "The reading room has a mark on the wall.", "Hope this helps!"]
    assert [values(text, spans, "PERSON") for text, spans in zip(texts, detector.detect(texts))] == [[], [], []]


def test_only_wanted_types_are_looked_for() -> None:
    """Only wanted types are looked for."""
    (spans,) = BuiltinDetector(["PERSON"]).detect([LETTER])
    assert {span.entity_type for span in spans} == {"PERSON"}
    assert BuiltinDetector([]).detect([LETTER]) == [[]]


def test_a_lower_threshold_finds_no_less() -> None:
    """A lower threshold finds no less."""
    low, high = (BuiltinDetector(["PERSON"], thresholds={"PERSON": at}).detect([LETTER])[0] for at in (0.2, 0.9))
    assert {at for s in high for at in range(s.start, s.end)} <= {at for s in low for at in range(s.start, s.end)}


def test_many_texts_are_read_as_each_alone(detector: BuiltinDetector) -> None:
    """Many texts are read as each alone."""
    texts = [LETTER, "", "call maria", LETTER * 12, " \n", "Invoice 17 of Ngozi Adeyemi"]
    together = detector.detect(texts)
    alone = [detector.detect([text])[0] for text in texts]
    where = [[(span.start, span.end, span.entity_type) for span in spans] for spans in together]
    assert where == [[(span.start, span.end, span.entity_type) for span in spans] for spans in alone]
    assert where[1] == where[4] == []
    assert len(where[3]) >= 12 * 4


def test_both_forward_passes_agree() -> None:
    """Both forward passes agree."""
    encoder = find_model()
    files = DetectorFiles(Path(__file__).parents[2] / "ragkit" / "assets" / "detector")
    words = WordReader(load_tokenizer(encoder.folder)).read(LETTER * 3)
    cuts = [Cut(*flat_pieces(words, window)) for window in windows(words, most=_WINDOW)]
    exact = np.concatenate(FewTagger(encoder, files).probabilities(cuts))
    full = np.concatenate(TorchTagger(encoder, files, dtype="fp32").probabilities(cuts))
    half = np.concatenate(TorchTagger(encoder, files, dtype="bf16").probabilities(cuts))
    assert np.abs(exact - full).max() < 1e-4
    assert np.abs(exact - half).max() < 0.15
    assert (exact.argmax(axis=1) == half.argmax(axis=1)).mean() > 0.99


def test_the_adapter_is_what_peft_would_add() -> None:
    """The adapter is what peft would add."""
    peft, transformers = pytest.importorskip("peft"), pytest.importorskip("transformers")
    encoder = find_model()
    folder = Path(__file__).parents[2] / "ragkit" / "assets" / "detector"
    bert = transformers.BertModel.from_pretrained(encoder.folder, local_files_only=True, add_pooling_layer=False)
    plain = {name: weight.detach().clone() for name, weight in bert.state_dict().items()}
    merged = peft.PeftModel.from_pretrained(bert, str(folder)).merge_and_unload().state_dict()
    deltas = read_deltas(folder)
    assert {name for name in plain if not (plain[name] == merged[name]).all()} == set(deltas)
    for name, delta in deltas.items():
        np.testing.assert_allclose((merged[name] - plain[name]).numpy(), delta, atol=1e-5)


def test_it_is_pickled_unloaded_and_its_fingerprint_tells_settings_apart(detector: BuiltinDetector) -> None:
    """It is pickled unloaded and its fingerprint tells settings apart."""
    again = pickle.loads(pickle.dumps(detector))
    assert again.fingerprint == detector.fingerprint
    assert again.detect(["call maria"]) == detector.detect(["call maria"])
    others = [BuiltinDetector(["PERSON"]), BuiltinDetector(thresholds={"PERSON": 0.3}), BuiltinDetector(name="other")]
    assert len({detector.fingerprint, *(one.fingerprint for one in others)}) == 4


def test_weights_of_another_version_are_refused(tmp_path: Path) -> None:
    """Weights of another version are refused."""
    (tmp_path / "detector.json").write_text('{"labels": ["PERSON"], "features_version": 1}')
    with pytest.raises(ModelError, match="another version"):
        _ = DetectorFiles(tmp_path).described
