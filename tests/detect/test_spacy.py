"""A real spaCy pipeline, trained on the spot, as a detector."""

from __future__ import annotations

import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import spacy
from spacy.training import Example

from ragkit.detect.spacy import SCORE, SpacyDetector
from ragkit.errors import ConfigError, ModelError
from ragkit.testing.contracts import DetectorContract
from ragkit.types import Span

NAMES = ["Anna Petrosyan", "Galip Yalman", "Zoe Brand", "Karl Ober", "Mina Otieno", "Lars Holm"]
PLACES = ["Leeds", "Hamburg", "Nantes", "Toledo"]
FRAMES = ["{} lives in {}.", "Yesterday {} went to {}.", "We met {} near {} again.", "{} wrote from {}."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline of three components, of which ``ner`` knows these people and places."""
    random.seed(1)
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("attribute_ruler")
    ner = nlp.add_pipe("ner")
    examples = []
    for frame in FRAMES:
        for name in NAMES:
            for place in PLACES:
                text = frame.format(name, place)
                spans = [(text.index(name), text.index(name) + len(name), "PERSON")]
                spans.append((text.index(place), text.index(place) + len(place), "GPE"))
                examples.append(Example.from_dict(nlp.make_doc(text), {"entities": spans}))
    nlp.initialize(lambda: examples)
    for _ in range(6):
        random.shuffle(examples)
        for start in range(0, len(examples), 16):
            nlp.update(examples[start : start + 16])
    assert ner.labels == ("GPE", "PERSON")
    path = tmp_path_factory.mktemp("spacy") / "model"
    nlp.to_disk(path)
    return path


@pytest.fixture(scope="module")
def detector(folder: Path) -> SpacyDetector:
    """Loaded."""
    made = SpacyDetector(str(folder), batch_size=3)
    made.load()
    return made


def found(text: str, spans: list[Span]) -> list[tuple[str, str]]:
    """What stands at the spans, with its type."""
    return [(text[span.start : span.end], span.entity_type) for span in spans]


def test_it_finds_with_offsets_and_types(detector: SpacyDetector) -> None:
    """The pipeline's labels come out as ragkit's types, at the characters where they stand."""
    text = "Yesterday Galip Yalman went to Nantes."
    (spans,) = detector.detect([text])
    assert found(text, spans) == [("Galip Yalman", "PERSON"), ("Nantes", "LOCATION")]
    assert {(span.recognizer, span.score) for span in spans} == {("learned:spacy", SCORE)}


def test_only_what_finds_entities_is_loaded(detector: SpacyDetector) -> None:
    """The sentencizer and the attribute ruler stay on disk."""
    assert detector._pipeline.pipe_names == ["ner"]


def test_alone_and_in_a_batch_and_in_threads_alike(detector: SpacyDetector) -> None:
    """Company changes nothing, nor do several callers at once."""
    texts = [frame.format(name, place) for frame, name, place in zip(FRAMES * 3, NAMES * 2, PLACES * 3)]
    texts += ["", "  \n ", "Nothing here."]
    together = detector.detect(texts)
    assert together == [detector.detect([text])[0] for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert all(one == together for one in pool.map(lambda _: detector.detect(texts), range(8)))
    assert together[-3:-1] == [[], []]


def test_a_text_longer_than_spacy_takes_is_read_to_its_end(detector: SpacyDetector) -> None:
    """Over a million characters, in pieces, with offsets of the whole."""
    line = "Yesterday Galip Yalman went to Nantes.\n\n"
    padding = "The weather was as it is in that part of the year and nobody minded. " * 14 + "\n\n"
    text = (line + padding) * 4 + padding * 1040 + line
    assert len(text) > 1_000_000
    (spans,) = detector.detect([text])
    people = [span for span in spans if text[span.start : span.end] == "Galip Yalman"]
    assert len(people) == 5
    assert people[-1].start > 1_000_000


def test_labels_types_and_entities_are_settings(folder: Path) -> None:
    """A label can be given another type, or dropped; types that nobody wants are not reported."""
    text = "Yesterday Galip Yalman went to Nantes."
    other = SpacyDetector(str(folder), labels={"gpe": "SITE", "PERSON": ""}, name="own")
    assert found(text, other.detect([text])[0]) == [("Nantes", "SITE")]
    assert other.name == "learned:own"
    people = SpacyDetector(str(folder), entities=["PERSON"])
    assert found(text, people.detect([text])[0]) == [("Galip Yalman", "PERSON")]
    assert SpacyDetector(str(folder), entities=["AGE"]).detect([text]) == [[]]


def test_the_fingerprint_is_of_files_and_settings(folder: Path, tmp_path: Path) -> None:
    """Equal for equal files wherever they are; another for another threshold, label, type or weight."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    first = SpacyDetector(str(folder)).fingerprint
    assert SpacyDetector(str(copy), batch_size=1, threads=4).fingerprint == first
    others = [
        SpacyDetector(str(copy), threshold=0.7),
        SpacyDetector(str(copy), labels={"GPE": "SITE"}),
        SpacyDetector(str(copy), entities=["PERSON"]),
        SpacyDetector(str(copy), name="own"),
    ]
    weights = copy / "ner" / "model"
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    assert len({first, *(other.fingerprint for other in others)}) == 5
    weights.write_bytes(bytes(changed))
    assert SpacyDetector(str(copy)).fingerprint != first


def test_what_finds_nothing_is_an_error(folder: Path, tmp_path: Path) -> None:
    """A blank pipeline, an absent one, unknown labels and a threshold over every score are refused with a remedy."""
    blank = tmp_path / "blank"
    spacy.blank("en").to_disk(blank)
    for path in (str(blank), str(tmp_path / "absent"), "no_such_package_here"):
        with pytest.raises(ModelError) as caught:
            SpacyDetector(path).load()
        assert caught.value.remedy
        assert str(tmp_path) not in f"{caught.value}{caught.value.remedy}"
    with pytest.raises(ModelError, match="none of the model's labels"):
        SpacyDetector(str(folder), labels={"PERSON": "", "GPE": ""}).load()
    with pytest.raises(ConfigError, match="no scores"):
        SpacyDetector(str(folder), threshold=0.9)


def test_a_package_is_found_by_name(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``pip`` installs it; its own code is not run."""
    package = tmp_path / "en_tiny_model"
    shutil.copytree(folder, package / "en_tiny-0.0.1")
    (package / "meta.json").write_text('{"lang": "en", "name": "tiny", "version": "0.0.1"}')
    (package / "__init__.py").write_text("raise RuntimeError('run')")
    monkeypatch.syspath_prepend(str(tmp_path))
    text = "Yesterday Galip Yalman went to Nantes."
    assert len(SpacyDetector("en_tiny_model").detect([text])[0]) == 2


class TestContract(DetectorContract):
    """The suite that every detector passes."""

    @pytest.fixture
    def detector(self, folder: Path) -> SpacyDetector:
        """Not loaded."""
        return SpacyDetector(str(folder), batch_size=3)

    @pytest.fixture
    def texts(self) -> list[str]:
        """With findings, and without."""
        return ["Yesterday Galip Yalman went to Nantes.", "Nothing.", "We met Zoe Brand near Leeds again.\n"]
