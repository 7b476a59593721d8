"""The head of a GGUF file, read without llama.cpp."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import pytest

from ragkit.backends.gguf_header import context_of_gguf
from ragkit.backends.llama_cpp import LlamaCppModel
from ragkit.errors import ConfigError, MissingDependency, ModelError
from ragkit.testing.tiny_models import make_gguf, make_llama


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real one, with its vocabulary among the metadata."""
    folder = tmp_path_factory.mktemp("gguf")
    return make_gguf(make_llama(folder / "llama", context=2048), folder / "tiny.gguf")


def test_the_context_is_read(file: Path) -> None:
    """Without the library, and held to what the configuration allows."""
    assert context_of_gguf(str(file)) == 2048
    assert LlamaCppModel(path=str(file)).context_tokens == 2048
    assert LlamaCppModel(path=str(file), context_tokens=0).context_tokens == 2048
    assert LlamaCppModel(path=str(file), context_tokens=512).context_tokens == 512


def string(text: bytes) -> bytes:
    """A string of the format."""
    return struct.pack("<Q", len(text)) + text


def head(*pairs: bytes, version: int = 3, tensors: int = 1, magic: bytes = b"GGUF") -> bytes:
    """A file that is only its head."""
    return magic + struct.pack("<IQQ", version, tensors, len(pairs)) + b"".join(pairs)


NAMED = string(b"general.architecture") + struct.pack("<I", 8) + string(b"llama")
LONG = string(b"llama.context_length") + struct.pack("<II", 4, 64)
WORDS = string(b"words") + struct.pack("<IIQ", 9, 8, 2) + string(b"a") + string(b"bc")
NUMBERS = string(b"numbers") + struct.pack("<IIQ", 9, 4, 2) + struct.pack("<II", 1, 2)


def test_arrays_are_passed_over(tmp_path: Path) -> None:
    """Of strings and of numbers alike."""
    made = tmp_path / "made.gguf"
    made.write_bytes(head(NAMED, WORDS, NUMBERS, LONG))
    assert context_of_gguf(str(made)) == 64


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GGUF",
        b"PK\x03\x04" + bytes(100),
        head(NAMED, LONG, magic=b"GGML"),
        head(NAMED, LONG, version=1),
        head(NAMED, LONG, version=0x03000000),
        head(NAMED, LONG, tensors=0),
        head(NAMED),
        head(LONG),
        head(NAMED, string(b"llama.context_length") + struct.pack("<II", 4, 0)),
        head(NAMED, string(b"odd") + struct.pack("<II", 99, 0), LONG),
        head(NAMED, struct.pack("<Q", 2**60), LONG),
        head(NAMED, string(b"words") + struct.pack("<IIQ", 9, 8, 2**60), LONG),
        head(NAMED, LONG)[:-3],
    ],
)
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    """Cut, foreign, absurd lengths: a typed error at once, without the path."""
    made = tmp_path / "odd.gguf"
    made.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        LlamaCppModel(path=str(made)).load()
    assert caught.value.remedy
    assert "odd" not in f"{caught.value} {caught.value.remedy}"


def test_an_absent_file_is_an_error(tmp_path: Path) -> None:
    """With a remedy, and a folder is no file."""
    for path in (tmp_path / "absent.gguf", tmp_path):
        with pytest.raises(ModelError, match="absent"):
            context_of_gguf(str(path))


@pytest.mark.parametrize("options", [{"template": "mine"}, {"threads": -1}, {"gpu_layers": -2}, {"context_tokens": -1}])
def test_options_out_of_form_are_refused(options: dict[str, object]) -> None:
    """At construction."""
    with pytest.raises(ConfigError):
        LlamaCppModel(path="/nowhere", **options)  # type: ignore[arg-type]


def test_a_missing_library_names_the_extra(file: Path) -> None:
    """Where llama-cpp-python is not installed, the error says what to install."""
    code = (
        "import sys; sys.modules['llama_cpp'] = None\n"
        "from ragkit.backends.llama_cpp import LlamaCppModel\n"
        "from ragkit.errors import MissingDependency\n"
        "try: LlamaCppModel(path=sys.argv[1]).load()\n"
        "except MissingDependency as missing: print(missing.remedy)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "pip install 'ragkit[llama-cpp]'"
    assert issubclass(MissingDependency, ImportError)
