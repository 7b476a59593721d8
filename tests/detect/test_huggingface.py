"""A real token classifier with weights set by hand, as a detector: offsets, labels, windows, batches, refusals."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForTokenClassification

from ragkit.detect.huggingface import HuggingFaceDetector
from ragkit.errors import ModelError
from ragkit.testing.contracts import DetectorContract
from ragkit.types import Span

NAMES = ["galip", "yalman", "anna", "petro", "##syan"]
PLACES = ["leeds", "nantes"]
OTHER = ["yesterday", "went", "to", "and", "met", ".", ",", "the", "weather", "was", "fine", "in"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *NAMES, *PLACES, *OTHER]
BIO = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


def write_model(folder: Path, labels: list[str], meaning: Mapping[str, str], *, positions: int = 64) -> Path:
    """A one-layer BERT that tells a word by its embedding alone: attention and feed-forward give nothing."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=positions,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    model = BertForTokenClassification(config)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if "LayerNorm" not in name:
                weights.zero_()
        words = model.bert.embeddings.word_embeddings.weight
        words.copy_(torch.eye(len(VOCABULARY), 32))
        layer_norm = torch.nn.functional.layer_norm
        for number, word in enumerate(VOCABULARY):
            row = labels.index(meaning.get(word, "O"))
            direction = layer_norm(layer_norm(layer_norm(words[number], (32,)), (32,)), (32,))
            model.classifier.weight[row] += 0.12 * direction  # probabilities near .94, not 1
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordPiece({word: n for n, word in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


BIO_MEANING = {
    **dict.fromkeys(["galip", "anna"], "B-PER"),
    **dict.fromkeys(["yalman", "petro", "##syan"], "I-PER"),
    **dict.fromkeys(PLACES, "B-LOC"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger with BIO labels."""
    return write_model(tmp_path_factory.mktemp("hf"), BIO, BIO_MEANING)


@pytest.fixture(scope="module")
def detector(folder: Path) -> HuggingFaceDetector:
    """Loaded, with two threads."""
    made = HuggingFaceDetector(str(folder), threads=2, batch_size=4)
    made.load()
    return made


def found(text: str, spans: list[Span]) -> list[tuple[str, str]]:
    """What stands at the spans, with its type."""
    return [(text[span.start : span.end], span.entity_type) for span in spans]


def place_of(span: Span) -> tuple[int, int, str]:
    """A span without its score."""
    return span.start, span.end, span.entity_type


def test_it_finds_with_offsets_and_types(detector: HuggingFaceDetector) -> None:
    """Words of pieces come out whole, in the text as given, under ragkit's types."""
    text = "Yesterday  GALIP Yalman, Anna Petrosyan\nwent to Nantes."
    (spans,) = detector.detect([text])
    assert found(text, spans) == [
        ("GALIP Yalman", "PERSON"),
        ("Anna Petrosyan", "PERSON"),
        ("Nantes", "LOCATION"),
    ]
    assert {span.recognizer for span in spans} == {"learned:huggingface"}
    assert all(0.5 < span.score <= 1.0 for span in spans)


def test_a_beginning_parts_neighbours(detector: HuggingFaceDetector) -> None:
    """``B`` after an entity of its type begins another; so does a new paragraph."""
    text = "Galip Yalman Anna Petrosyan. Galip\n\nYalman"
    (spans,) = detector.detect([text])
    assert [words for words, _ in found(text, spans)] == ["Galip Yalman", "Anna Petrosyan", "Galip", "Yalman"]


@pytest.mark.parametrize(
    ("labels", "meaning"),
    [
        (["O", "I-PER", "B-PER", "I-LOC"], {**dict.fromkeys(NAMES, "I-PER"), **dict.fromkeys(PLACES, "I-LOC")}),
        (["PER", "LOC", "O"], {**dict.fromkeys(NAMES, "PER"), **dict.fromkeys(PLACES, "LOC")}),
        (["O", "B-PER", "E-PER", "S-LOC"], {**BIO_MEANING, "yalman": "E-PER", "nantes": "S-LOC", "leeds": "S-LOC"}),
    ],
    ids=["IOB", "plain", "BIOES"],
)
def test_every_scheme_is_read(labels: list[str], meaning: dict[str, str], tmp_path: Path) -> None:
    """IOB, labels without a prefix, and BIOES give the same spans."""
    meaning = {word: label if label in labels else "E-PER" for word, label in meaning.items()}
    text = "Galip Yalman went to Leeds."
    spans = HuggingFaceDetector(str(write_model(tmp_path, labels, meaning)), threads=1).detect([text])[0]
    assert found(text, spans) == [("Galip Yalman", "PERSON"), ("Leeds", "LOCATION")]


def test_a_long_text_is_read_in_windows(detector: HuggingFaceDetector) -> None:
    """What lies beyond the model's 64 pieces is found, at its place, once, wherever a window ends."""
    for shift in range(0, 60, 7):
        text = "the " * shift + "weather was fine, and Anna Petrosyan went to Leeds. " * 400
        (spans,) = detector.detect([text])
        assert found(text, spans) == [("Anna Petrosyan", "PERSON"), ("Leeds", "LOCATION")] * 400


def test_alone_and_in_a_batch_and_in_threads_alike(folder: Path, detector: HuggingFaceDetector) -> None:
    """Company and callers change nothing, scores included."""
    sentence = "Yesterday Galip Yalman met Anna Petrosyan in Leeds, and the weather was fine. "
    texts = [sentence[:cut] * times for cut in range(0, 80, 9) for times in (1, 2, 5)]
    together = detector.detect(texts)
    assert together == [detector.detect([text])[0] for text in texts]
    assert together == HuggingFaceDetector(str(folder), threads=1, batch_size=4).detect(texts)
    assert together == HuggingFaceDetector(str(folder), threads=3, batch_size=4).detect(texts)
    assert [list(map(place_of, spans)) for spans in together] == [
        list(map(place_of, spans)) for spans in HuggingFaceDetector(str(folder), batch_size=64).detect(texts)
    ]
    with ThreadPoolExecutor(4) as pool:
        assert all(one == together for one in pool.map(lambda _: detector.detect(texts), range(8)))


def test_both_precisions_find_the_same(folder: Path) -> None:
    """bf16 and fp32 agree on spans, and on scores to a few hundredths."""
    text = "Yesterday Galip Yalman met Anna Petrosyan in Leeds."
    exact, coarse = (
        HuggingFaceDetector(str(folder), threads=1, dtype=dtype).detect([text])[0] for dtype in ("fp32", "bf16")
    )
    assert found(text, exact) == found(text, coarse)
    assert all(abs(one.score - other.score) < 0.05 for one, other in zip(exact, coarse))


def test_a_lower_threshold_finds_more(folder: Path) -> None:
    """A score is the probability of all the labels of a type together, so it is a dial."""
    text = "Yesterday Galip Yalman met Anna in Leeds."
    counts = [
        sum(map(len, HuggingFaceDetector(str(folder), threshold=level).detect([text]))) for level in (0.999, 0.5, 0.0)
    ]
    assert counts[0] < counts[1] < counts[2]


def test_labels_types_and_entities_are_settings(folder: Path) -> None:
    """A label can be given another type, or dropped; types that nobody wants are not reported."""
    text = "Galip Yalman went to Nantes."
    other = HuggingFaceDetector(str(folder), labels={"LOC": "SITE", "B-PER": ""}, name="own")
    assert found(text, other.detect([text])[0]) == [("Nantes", "SITE")]
    assert other.name == "learned:own"
    assert HuggingFaceDetector(str(folder), entities=["AGE"]).detect([text]) == [[]]


def test_the_work_is_linear_in_the_length(detector: HuggingFaceDetector) -> None:
    """Eight times the text takes about eight times as long, also without a space or a line end."""
    for unit in ("weather was fine, Anna went to Leeds. ", "weather"):
        text = unit * (40_000 // len(unit))
        seconds = []
        for times in (1, 8):
            began = time.process_time()
            detector.detect([text * times])
            seconds.append(time.process_time() - began)
        assert seconds[1] < 16 * seconds[0] + 0.5


def test_the_fingerprint_is_of_files_and_settings(folder: Path, tmp_path: Path) -> None:
    """Equal for equal files wherever they are, with any batch size; another for another setting or weight."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    first = HuggingFaceDetector(str(folder)).fingerprint
    assert HuggingFaceDetector(str(copy), batch_size=1, threads=4, dtype="fp32").fingerprint == first
    assert HuggingFaceDetector(str(copy), threshold=0.4).fingerprint != first
    weights = load_file(copy / "model.safetensors")
    weights["classifier.bias"] += 1
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    assert HuggingFaceDetector(str(copy)).fingerprint != first


def edit_config(folder: Path, **changes: Any) -> None:
    """Write other values into ``config.json``."""
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_cannot_be_trusted_is_refused(folder: Path, tmp_path: Path) -> None:
    """No weights, pickled weights, missing weights, labels without meaning: an error with a remedy and no path."""
    cases = {name: tmp_path / name for name in ("absent", "pickled", "headless", "meaningless", "torn", "coded")}
    for name, copy in cases.items():
        if name != "absent":
            shutil.copytree(folder, copy)
    (cases["pickled"] / "model.safetensors").rename(cases["pickled"] / "pytorch_model.bin")
    weights = load_file(cases["headless"] / "model.safetensors")
    save_file(
        {name: one for name, one in weights.items() if not name.startswith("classifier")},
        cases["headless"] / "model.safetensors",
        metadata={"format": "pt"},
    )
    edit_config(cases["meaningless"], id2label={str(n): f"LABEL_{n}" for n in range(5)})
    (cases["torn"] / "model.safetensors").write_bytes(b"\x00" * 64)
    edit_config(cases["coded"], model_type="own", auto_map={"AutoModelForTokenClassification": "run.Me"})
    (cases["coded"] / "run.py").write_text("raise SystemExit('run')")
    for copy in cases.values():
        with pytest.raises(ModelError) as caught:
            HuggingFaceDetector(str(copy)).load()
        assert caught.value.remedy
        assert str(tmp_path) not in f"{caught.value}{caught.value.remedy}"
    mapped = HuggingFaceDetector(str(cases["meaningless"]), labels={"LABEL_1": "PERSON", "LABEL_2": "PERSON"})
    assert len(mapped.detect(["Galip Yalman went."])[0]) == 1


def test_empty_texts_have_no_spans(detector: HuggingFaceDetector) -> None:
    """Nothing, white space and no texts at all are fine."""
    assert detector.detect([]) == []
    assert detector.detect(["", " \n\t "]) == [[], []]


class TestContract(DetectorContract):
    """The suite that every detector passes."""

    @pytest.fixture
    def detector(self, folder: Path) -> HuggingFaceDetector:
        """Not loaded."""
        return HuggingFaceDetector(str(folder), threads=2, batch_size=4)

    @pytest.fixture
    def texts(self) -> list[str]:
        """With findings, and without."""
        return ["Yesterday Galip Yalman went to Nantes.", "Nothing.", "Anna met Petrosyan in Leeds. " * 30]
