"""A spaCy pipeline as a detector: an installed package or a local folder whose pipeline has an ``ner`` component.

::

    detector = SpacyDetector("en_core_web_lg")       # or a folder with a config.cfg
    detector.load()
    detector.detect(["Ms Yalman came."])

Only the components that find entities are loaded, and those that they listen to. A package's own code is not run: its
folder is read.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from ragkit.detect.cuts import Piece, cut, gather
from ragkit.detect.folders import digest, model_folder, read_json
from ragkit.detect.labels import Settings
from ragkit.errors import ConfigError, MaskingError, ModelError
from ragkit.types import Span

SCORE = 0.85
"""Of every finding: spaCy gives none, and 0.85 is what Presidio's ``SpacyRecognizer`` puts in its place."""

_VERSION = 1
_FINDERS = frozenset({"ner", "beam_ner", "entity_ruler", "span_ruler"})
_UPSTREAM = frozenset({"tok2vec", "transformer", "curated_transformer"})
_PIECE = 50_000
"""Characters. spaCy refuses more than ``nlp.max_length`` (a million), and needs memory in proportion long before."""


class SpacyDetector:
    """Implements :class:`ragkit.protocols.Detector`. Calls from several threads take turns.

    Args:
        path: Name of an installed pipeline package, or a folder with a ``config.cfg``.
        labels: Entity type by the pipeline's label, where it is not the usual one; an empty type drops the label.
        threshold: At most 0.85, the score of every finding.
        entities: Types wanted; ``None`` for all.
        name: The findings' recognizer is ``learned:<name>``.
        threads: Accepted as for every detector; spaCy computes on one.
        batch_size: Texts that spaCy takes together.

    Raises:
        ConfigError: A setting is out of form, or the threshold would drop everything.
    """

    def __init__(
        self,
        path: str,
        *,
        labels: Mapping[str, str] | None = None,
        threshold: float = 0.5,
        entities: Collection[str] | None = None,
        name: str = "spacy",
        threads: int | None = None,
        batch_size: int = 64,
    ) -> None:
        self._path = path
        self._given: dict[str, Any] = {
            "labels": None if labels is None else dict(labels),
            "threshold": threshold,
            "entities": None if entities is None else sorted(entities),
            "name": name,
            "threads": threads,
            "batch_size": batch_size,
        }
        self._settings = Settings(name, labels=labels, threshold=threshold, entities=entities)
        if threshold > SCORE:
            raise ConfigError(
                f"a spaCy pipeline gives no scores; each finding counts as {SCORE}, below the threshold",
                remedy=f"Set its threshold to at most {SCORE}.",
            )
        self._batch_size = batch_size
        self._lock = Lock()
        self._pipeline: Any = None
        self._types: Mapping[str, str] = {}

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to a child process by value, unloaded."""
        return partial(type(self), self._path, **self._given), ()

    @property
    def name(self) -> str:
        """``learned:`` and the name."""
        return self._settings.recognizer

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the pipeline's files and the settings.

        Raises:
            ModelError: The pipeline is absent.
        """
        return self._settings.fingerprint("spacy", digest(self._folder), version=_VERSION)

    def load(self) -> None:
        """Load the components that find entities.

        Raises:
            ModelError: The pipeline is absent, finds no entities, or cannot be loaded by the installed spaCy.
        """
        with self._lock:
            if self._pipeline is not None:
                return
            left_out = _left_out(self._folder)
            import spacy

            try:
                pipeline = spacy.load(self._folder, exclude=left_out)
            except (OSError, ValueError, KeyError, ImportError, TypeError) as bad:
                raise ModelError(
                    f"spaCy cannot load the configured pipeline ({type(bad).__name__})",
                    remedy="Use a pipeline made for the installed spaCy, with the packages that it needs: "
                    "`python -m spacy validate` and the pipeline's meta.json name them.",
                ) from None
            self._types = self._settings.types_of(label for some in pipeline.pipe_labels.values() for label in some)
            self._pipeline = pipeline

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Findings by text, in order.

        Raises:
            ModelError: As :meth:`load`.
            MaskingError: The pipeline failed.
        """
        self.load()
        if not self._types:
            return [[] for _ in texts]
        with self._lock:
            return gather(self._found(texts), len(texts))

    def _found(self, texts: Sequence[str]) -> Iterator[tuple[Piece, list[Span]]]:
        limit = min(_PIECE, int(self._pipeline.max_length))
        try:
            tuples = ((piece.text, piece) for piece in cut(texts, limit=limit))
            for document, piece in self._pipeline.pipe(tuples, as_tuples=True, batch_size=self._batch_size):
                yield piece, [self._span(entity) for entity in document.ents if entity.label_ in self._types]
        except Exception as bad:  # any component may raise anything, and its message may hold text
            raise MaskingError(
                f"the spaCy pipeline failed ({type(bad).__name__})", remedy="Check it with spaCy alone."
            ) from None

    def _span(self, entity: Any) -> Span:
        kind = self._types[entity.label_]
        return Span(entity.start_char, entity.end_char, kind, SCORE, self._settings.recognizer)

    @cached_property
    def _folder(self) -> Path:
        return _find(self._path)

    def __repr__(self) -> str:
        return f"SpacyDetector({self.name})"


def _find(path: str) -> Path:
    """The folder with the ``config.cfg`` of a package or path. Imports nothing of it."""
    if path.isidentifier() and not Path(path).is_dir():
        spec = find_spec(path)
        if spec is None or not spec.submodule_search_locations:
            raise ModelError(
                "the configured spaCy package is not installed",
                remedy="Install the pipeline's wheel, or give the path of its folder. ragkit downloads nothing.",
            )
        package = Path(spec.submodule_search_locations[0])
        meta = read_json(package, "meta.json")
        return model_folder(
            str(package / f"{meta.get('lang')}_{meta.get('name')}-{meta.get('version')}"),
            holds=["config.cfg", "meta.json"],
            kind="a spaCy pipeline",
        )
    return model_folder(path, holds=["config.cfg", "meta.json"], kind="a spaCy pipeline (with a config.cfg)")


def _left_out(folder: Path) -> list[str]:
    """The components that find no entities and that no such component listens to.

    Raises:
        ModelError: None finds entities.
    """
    from confection import Config

    try:
        config = Config().from_disk(folder / "config.cfg", interpolate=False)
        parts: Mapping[str, Any] = config.get("components", {})
        names = [str(name) for name in json.loads(json.dumps(config["nlp"]["pipeline"]))]
        factories = {name: str(parts[name].get("factory", "")) for name in names}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ModelError("the pipeline's config.cfg cannot be read", remedy="Copy the pipeline again.") from None
    finders = [name for name in names if factories[name] in _FINDERS]
    if not finders:
        raise ModelError(
            "the configured spaCy pipeline has no component that finds entities",
            remedy="Use one with `ner`, such as a folder of en_core_web_lg; a blank pipeline finds nothing.",
        )
    listening = any("Listener" in json.dumps(parts[name], default=str) for name in finders)
    kept = {*finders, *(name for name in names if listening and factories[name] in _UPSTREAM)}
    return [name for name in names if name not in kept]
