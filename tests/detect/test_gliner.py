"""GLiNER in a process of its own: a real child with a stand-in for the library, and slowly the real library."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ragkit.detect.gliner import GlinerDetector
from ragkit.errors import ConfigError, MaskingError, ModelError
from ragkit.testing.contracts import DetectorContract
from ragkit.types import Span

REAL_PYTHON = os.environ.get("RAGKIT_GLINER_PYTHON")
"""An interpreter with the real gliner; read before the fixtures clear the environment."""

LIBRARY = '''
"""What the worker needs of GLiNER: finds given words, cuts silently as the real one does, prints what it reads."""
import json, os, re, signal, socket, sys
from pathlib import Path

class Tokenizer:
    model_max_length = 160
    def __call__(self, words, is_split_into_words=False, add_special_tokens=True):
        ids = [[0] * -(-len(word) // 4) for word in words]
        return {"input_ids": [one for some in ids for one in some] if is_split_into_words else ids}

class GLiNER:
    def __init__(self, folder):
        settings = json.loads(Path(folder, "gliner_config.json").read_text())
        self.words = settings["words"]
        self.config = type("Config", (), {"max_len": settings["max_len"]})
        self.data_processor = type("Processor", (), {"transformer_tokenizer": Tokenizer()})
        assert "gliner_worker" not in sys.modules and os.environ["HF_HUB_OFFLINE"] == "1"

    @classmethod
    def from_pretrained(cls, folder, *, local_files_only, map_location):
        assert local_files_only
        return cls(folder)

    def eval(self):
        return self

    def inference(self, texts, labels, *, threshold, flat_ner, batch_size):
        print("READ", texts, flush=True)
        sys.stderr.write(str(texts))
        out = []
        for text in texts:
            if "DIE" in text:
                os.kill(os.getpid(), signal.SIGKILL)
            if "FAIL" in text:
                raise RuntimeError("cannot read: " + text)
            if "CALL" in text:
                socket.create_connection(("192.0.2.1", 80), 1)
            places = [m.span() for m in re.finditer(r"\\w+(?:[-_]\\w+)*|\\S", text)][: self.config.max_len]
            pieces = sum(-(-(end - start) // 4) for start, end in places)
            assert len(places) == 1 or pieces + len(labels) <= Tokenizer.model_max_length, "would be cut"
            end = places[-1][1]
            out.append([
                {"start": m.start(), "end": m.end(), "label": label, "score": score, "text": m.group()}
                for label, word, score in self.words if label in labels and score >= threshold
                for m in re.finditer(word, text[:end])
            ])
        if any("LIE" in text for text in texts):
            out[0][0]["end"] = 10_000
        return out
'''
WORDS = [["person", "Galip Yalman", 0.9], ["person", "Anna", 0.6], ["organization", "Acme", 0.8]]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An environment of its own, with a stand-in for the library and for torch."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "gliner.py").write_text(LIBRARY)
    (packages / "torch.py").write_text("def set_num_threads(n): pass\n")
    return str(folder / "bin" / "python")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a model's folder holds, as far as the stand-in reads it."""
    path = tmp_path_factory.mktemp("gliner")
    (path / "gliner_config.json").write_text(json.dumps({"words": WORDS, "max_len": 60}))
    (path / "tokenizer_config.json").write_text("{}")
    (path / "model.safetensors").write_bytes(b"weights")
    return path


@pytest.fixture
def detector(folder: Path, python: str) -> Iterator[GlinerDetector]:
    """Loaded, and ended after the test."""
    made = GlinerDetector(str(folder), python=python, threads=1, batch_size=3)
    made.load()
    yield made
    made.close()


def found(text: str, spans: list[Span]) -> list[tuple[str, str]]:
    """What stands at the spans, with its type."""
    return [(text[span.start : span.end], span.entity_type) for span in spans]


def test_it_finds_with_offsets_and_types(detector: GlinerDetector) -> None:
    """What was asked for comes out under ragkit's types, whatever letters stand before it."""
    text = "Für Zoë 🙂: Galip Yalman of Acme met Anna."
    (spans,) = detector.detect([text])
    assert found(text, spans) == [("Galip Yalman", "PERSON"), ("Acme", "ORGANIZATION"), ("Anna", "PERSON")]
    assert {span.recognizer for span in spans} == {"learned:gliner"}
    assert [span.score for span in spans] == [0.9, 0.8, 0.6]


def test_a_long_text_is_read_whole(detector: GlinerDetector) -> None:
    """Beyond 60 words and 160 word pieces, at which GLiNER cuts without a word; whole names, each once."""
    for shift in range(0, 60, 11):
        text = "so " * shift + "it was a particularly fine day and Galip Yalman of Acme said that it was so. " * 300
        (spans,) = detector.detect([text])
        assert found(text, spans) == [("Galip Yalman", "PERSON"), ("Acme", "ORGANIZATION")] * 300
    endless = "x" * 5_000 + " Anna " + "-" * 5_000 + " Acme"
    assert found(endless, detector.detect([endless])[0]) == [("Anna", "PERSON"), ("Acme", "ORGANIZATION")]


def test_alone_and_in_a_batch_and_in_threads_alike(detector: GlinerDetector) -> None:
    """Company changes nothing, and callers take turns."""
    texts = ["Anna came. " * n + "Acme paid Galip Yalman. " * (n % 5) for n in range(40)] + ["", " \n"]
    together = detector.detect(texts)
    assert together == [detector.detect([text])[0] for text in texts]
    with ThreadPoolExecutor(4) as pool:
        assert all(one == together for one in pool.map(lambda _: detector.detect(texts), range(8)))
    assert detector.detect([]) == []


def test_settings_reach_the_model(folder: Path, python: str) -> None:
    """Questions, types, threshold; nothing is started where nothing is wanted."""
    text = "Galip Yalman of Acme met Anna."
    own = GlinerDetector(str(folder), python=python, labels={"organization": "VENDOR"}, name="own", threshold=0.7)
    assert found(text, own.detect([text])[0]) == [("Acme", "VENDOR")]
    own.close()
    sure = GlinerDetector(str(folder), python=python, entities=["PERSON"], threshold=0.7)
    assert found(text, sure.detect([text])[0]) == [("Galip Yalman", "PERSON")]
    sure.close()
    assert GlinerDetector(str(folder), python="/nowhere", entities=["IBAN_CODE"]).detect([text]) == [[]]


def test_failures_tell_nothing_of_the_text(detector: GlinerDetector) -> None:
    """A raise, a death, a lie and a socket in the child: a MaskingError without text, and the next call works."""
    for text in ("FAIL for Anna", "DIE with Anna", "LIE about Anna", "CALL Anna"):
        with pytest.raises(MaskingError) as caught:
            detector.detect([text])
        assert "Anna" not in f"{caught.value!r}{caught.value.remedy}{caught.value.__cause__}"
        assert len(detector.detect(["Anna"])[0]) == 1


def test_a_child_that_was_killed_is_started_again(detector: GlinerDetector) -> None:
    """Between two calls, without a word."""
    first = detector._process
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    while first.alive:
        time.sleep(0.01)
    assert len(detector.detect(["Anna"])[0]) == 1
    assert detector._process is not first


def test_the_child_outlives_the_thread_that_started_it(folder: Path, python: str) -> None:
    """But not its parent's pipe."""
    detector = GlinerDetector(str(folder), python=python)
    starting = threading.Thread(target=detector.load)
    starting.start()
    starting.join()
    process = detector._process
    assert process is not None
    assert len(detector.detect(["Anna"])[0]) == 1
    assert detector._process is process
    detector.close()
    assert process.stop() == 0


def test_the_child_sees_no_secret(folder: Path, python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its environment holds no variable of ours."""
    monkeypatch.setenv("RAGKIT_ROOT_KEY", "secret")
    detector = GlinerDetector(str(folder), python=python)
    detector.load()
    assert detector._process is not None
    environment = Path(f"/proc/{detector._process.pid}/environ")
    if os.getuid() == 0:  # the child is not dumpable, so that only root may look
        assert b"secret" not in environment.read_bytes()
    detector.close()


def test_what_is_absent_is_an_error_with_a_remedy(folder: Path, python: str, tmp_path: Path) -> None:
    """No environment, no library in it, no model, pickled weights: no path is named."""
    pickled = tmp_path / "pickled"
    shutil.copytree(folder, pickled)
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    torn = tmp_path / "torn"
    shutil.copytree(folder, torn)
    (torn / "gliner_config.json").write_text("{")
    cases = [
        (folder, str(tmp_path / "nowhere")),
        (folder, sys.executable),
        (folder, "/bin/true"),
        (tmp_path / "absent", python),
        (pickled, python),
        (torn, python),
    ]
    for path, interpreter in cases:
        with pytest.raises(ModelError) as caught:
            GlinerDetector(str(path), python=interpreter).load()
        assert caught.value.remedy
        assert str(tmp_path) not in f"{caught.value}{caught.value.remedy}"
    with pytest.raises(ConfigError):
        GlinerDetector(str(folder), python=python, labels={"person": "a person"})


def test_the_fingerprint_is_of_files_and_settings(folder: Path, python: str, tmp_path: Path) -> None:
    """Equal for equal files; another for another threshold, question or weight. Starts no process."""
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    first = GlinerDetector(str(folder), python=python).fingerprint
    assert GlinerDetector(str(copy), python="/nowhere", batch_size=1, threads=4).fingerprint == first
    assert GlinerDetector(str(copy), python=python, threshold=0.4).fingerprint != first
    assert GlinerDetector(str(copy), python=python, labels={"person": "PERSON"}).fingerprint != first
    (copy / "model.safetensors").write_bytes(b"others")
    assert GlinerDetector(str(copy), python=python).fingerprint != first


class TestContract(DetectorContract):
    """The suite that every detector passes."""

    @pytest.fixture
    def detector(self, folder: Path, python: str) -> Iterator[GlinerDetector]:
        """Not loaded; ended after the test."""
        made = GlinerDetector(str(folder), python=python, threads=1, batch_size=3)
        yield made
        made.close()

    @pytest.fixture
    def texts(self) -> list[str]:
        """With findings, and without."""
        return ["Galip Yalman of Acme met Anna.", "Nothing.", "Anna came and paid Acme. " * 30]


REAL = """
import sys, torch
from gliner import GLiNER, GLiNERConfig
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast
torch.manual_seed(0); torch.set_num_threads(1)
base, folder = sys.argv[1:]
words = "[PAD] [UNK] [CLS] [SEP] galip yalman anna acme of met in the day was fine person organization location".split()
raw = Tokenizer(models.WordPiece({w: n for n, w in enumerate(words)}, unk_token="[UNK]"))
raw.normalizer, raw.pre_tokenizer = normalizers.BertNormalizer(lowercase=True), pre_tokenizers.BertPreTokenizer()
raw.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
names = dict(unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]")
tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, model_max_length=128, **names)
tokenizer.save_pretrained(base)
BertModel(BertConfig(vocab_size=len(words), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
                     intermediate_size=64, max_position_embeddings=128)).save_pretrained(base)
model = GLiNER.from_config(GLiNERConfig(model_name=base, hidden_size=32, max_len=64, max_width=4, dropout=0.0))
data = [{"tokenized_text": f"{a} met {b} of acme in the day".split(), "ner": spans}
        for a, b, spans in [("galip yalman", "anna", [[0, 1, "person"], [3, 3, "person"], [5, 5, "organization"]]),
                            ("anna", "galip yalman", [[0, 0, "person"], [2, 3, "person"], [5, 5, "organization"]]),
                            ("the", "anna", [[2, 2, "person"], [4, 4, "organization"]])]]
collator = model._create_data_collator()
optimizer = torch.optim.Adam(model.parameters(), 5e-3)
model.train()
for step in range(400):
    batch = collator(data)
    loss = model(**{k: v for k, v in batch.items() if k not in ("tokens", "id_to_classes", "classes_to_id")}).loss
    optimizer.zero_grad(); loss.backward(); optimizer.step()
print(loss.item())
model.eval()
model.save_pretrained(folder, safe_serialization=True)
tokenizer = model.data_processor.transformer_tokenizer.save_pretrained(folder)
import json
text = "Galip Yalman met Anna of Acme in the day."
found = model.inference([text], ["person", "organization"], threshold=0.3)[0]
print(json.dumps([[one["start"], one["end"], one["label"].upper(), round(one["score"], 2)] for one in found]))
"""


@pytest.mark.slow
@pytest.mark.skipif(REAL_PYTHON is None, reason="RAGKIT_GLINER_PYTHON is absent")
def test_the_real_library_finds_what_it_learned(tmp_path: Path) -> None:
    """A tiny GLiNER made on the spot: what the package itself finds, and on to the end of a long text."""
    assert REAL_PYTHON is not None
    command = [REAL_PYTHON, "-I", "-c", REAL, str(tmp_path / "base"), str(tmp_path / "model")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    expected = json.loads(done.stdout.splitlines()[-1])
    labels = {"person": "PERSON", "organization": "ORGANIZATION"}
    detector = GlinerDetector(
        str(tmp_path / "model"), python=REAL_PYTHON, labels=labels, threshold=0.3, threads=1, batch_size=16
    )
    (spans,) = detector.detect(["Galip Yalman met Anna of Acme in the day."])
    assert [[span.start, span.end, span.entity_type, span.score] for span in spans] == expected
    assert expected, "the model learned nothing"
    long = "the met anna of acme in the day " * 60
    (spans,) = detector.detect([long])
    assert {span.start * 8 // len(long) for span in spans} == set(range(8)), "a part was not read"
    detector.close()
