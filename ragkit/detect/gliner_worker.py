"""The process that runs GLiNER in an environment of its own. Started by ``ragkit.detect.gliner``; imports no ragkit.

``python -I gliner_worker.py``, by any Python from 3.10 with ``gliner`` installed. Requests come on standard input and
answers go to standard output, each a frame: four bytes of length, big-endian, then JSON in UTF-8. Text is in memory and
in the pipes only. The process gives up the network before it imports the library, and ends when its input does.

Requests: ``{"load": folder, "threads": n, "labels": […]}``, answered by ``{"ready": words}``, and ``{"texts": […],
"threshold": t, "batch": n}``, answered by ``{"found": [[[start, end, label number, score], …], …]}``. A failure is
``{"failed": name of the exception}``, never its message, which may hold text.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import struct
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">I")
_WORD = re.compile(r"\w+(?:[-_]\w+)*|\S")  # as GLiNER's WhitespaceTokenSplitter cuts
_OVERLAP = 0.2
_SPARE = 8
_MOST_WORDS, _MOST_PIECES, _LEAST_PIECES = 384, 512, 32
_SOCKETS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")


def main() -> int:
    """Answer requests until end of input."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):  # the library prints and warns, sometimes with text in it
        os.dup2(nothing, descriptor)
    _confine()
    model: Any = None
    while (request := _read(requests)) is not None:
        try:
            if "load" in request:
                model = Model(request["load"], request["threads"], request["labels"])
                answer: dict[str, Any] = {"ready": model.words}
            else:
                answer = {"found": model.find(**request)}
        except Exception as bad:
            answer = {"failed": type(bad).__name__}
        written = json.dumps(answer).encode()
        answers.write(_LENGTH.pack(len(written)) + written)
        answers.flush()
    return 0


def _read(requests: BinaryIO) -> dict[str, Any] | None:
    prefix = requests.read(_LENGTH.size)
    if len(prefix) < _LENGTH.size:
        return None
    request: dict[str, Any] = json.loads(requests.read(_LENGTH.unpack(prefix)[0]))
    return request


def _confine() -> None:
    """Leave no core, and give up the network as far as the kernel and the interpreter allow."""
    libc = ctypes.CDLL(None)
    libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
    if libc.unshare(0x40000000) != 0:  # CLONE_NEWNET
        libc.unshare(0x10000000 | 0x40000000)  # with CLONE_NEWUSER
    sys.addaudithook(_refuse)
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ[name] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    warnings.simplefilter("ignore")


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    del arguments
    if event in _SOCKETS:
        raise PermissionError("no socket may be opened here")


class Model:
    """GLiNER and the sizes that it cuts texts at without a word."""

    def __init__(self, folder: str, threads: int, labels: list[str]) -> None:
        import torch
        from gliner import GLiNER  # type: ignore[import-not-found]

        torch.set_num_threads(threads)
        self._model = GLiNER.from_pretrained(folder, local_files_only=True, map_location="cpu")
        self._model.eval()
        self._tokenizer = self._model.data_processor.transformer_tokenizer
        self.words = min(int(self._model.config.max_len or _MOST_WORDS), _MOST_WORDS)
        prompt = len(self._tokenizer(labels, is_split_into_words=True)["input_ids"]) + 2 * len(labels)
        self._room = min(int(self._tokenizer.model_max_length), _MOST_PIECES) - prompt - _SPARE
        if self._room < _LEAST_PIECES:
            raise OverflowError("the labels leave no room for text")
        self._labels = labels

    def find(self, texts: list[str], threshold: float, batch: int) -> list[list[list[float]]]:
        """Findings of each text, ``[start, end, label number, score]``."""
        windows = [(n, *window) for n, text in enumerate(texts) for window in self._windows(text)]
        windows.sort(key=lambda window: window[1] - window[2])  # the longest first: batches of like length
        found: list[dict[tuple[int, int, int], float]] = [{} for _ in texts]
        numbers = {label: number for number, label in enumerate(self._labels)}
        for first in range(0, len(windows), batch):
            some = windows[first : first + batch]
            parts = [texts[n][start:end] for n, start, end in some]
            results = self._model.inference(parts, self._labels, threshold=threshold, flat_ner=True, batch_size=batch)
            for (n, start, _), entities in zip(some, results):
                for one in entities:
                    key = (one["start"] + start, one["end"] + start, numbers[one["label"]])
                    found[n][key] = max(found[n].get(key, 0.0), float(one["score"]))
        return [[[*key, round(score, 4)] for key, score in sorted(mine.items())] for mine in found]

    def _windows(self, text: str) -> Iterator[tuple[int, int]]:
        """Stretches of whole words that the model reads without cutting, each repeating a fifth of the one before."""
        places = [match.span() for match in _WORD.finditer(text)]
        if not places:
            return
        sizes = self._sizes([text[start:end] for start, end in places])
        first = 0
        while True:
            last, used = first, 0
            while (
                last < len(places) and last - first < self.words and (used + sizes[last] <= self._room or last == first)
            ):
                used += sizes[last]
                last += 1
            yield places[first][0], places[last - 1][1]
            if last == len(places):
                return
            first = max(first + 1, last - max(1, int((last - first) * _OVERLAP)))

    def _sizes(self, words: Sequence[str]) -> list[int]:
        """Word pieces of each word."""
        encoded = self._tokenizer(list(words), add_special_tokens=False)["input_ids"]
        return [max(1, len(ids)) for ids in encoded]


if __name__ == "__main__":
    sys.exit(main())
