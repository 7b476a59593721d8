"""Replaying an answer: retrieval, passages, prompt, request and answer are made again as of then, and compared.

::

    replayer = Replayer(handles)
    replay = replayer.replay(request)
    print(replay.whole, replay.causes)

From the event log (who could see what, which generation answered), the evidence store (the masked question, what the
prompt drew at random) and the history of the record store (the chunks of then). What is the same is so byte by byte;
where something is not, the cause is named. Nothing is sent anywhere, and no content is in what is returned unless an
officer asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from ragkit.compliance.events import EventLog
from ragkit.compliance.replay_answer import AnswerReplay
from ragkit.compliance.replay_changes import configs_of
from ragkit.compliance.replay_evidence import open_evidence
from ragkit.compliance.replay_hits import classes_of_groups
from ragkit.compliance.replay_log import Recorded, recorded, recorded_each
from ragkit.compliance.replay_passages import blank, hits_of, passages_of
from ragkit.compliance.replay_report import Replay
from ragkit.compliance.replay_search import PastSearches
from ragkit.errors import EvidenceGone

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.handles import Handles


class Replayer:
    """Replays answers of one workspace. What is put back for one serves the next.

    Args:
        handles: The open workspace.
        contents: Keep what was compared in the result: for officers.
    """

    def __init__(self, handles: Handles, *, contents: bool = False) -> None:
        self._handles = handles
        self._contents = contents
        self._log = EventLog(handles.config.data_folder / "events")
        self._searches: dict[str, PastSearches] = {}
        self._seen: dict[tuple[str, str], frozenset[str] | None] = {}

    def replay(self, request: str) -> Replay:
        """Replay one answer, or search.

        Raises:
            UnknownId: No event has this id.
            NotReproducible: It was no question.
            ConfigError: Its collection is not configured any more.
        """
        self._handles.recorder.flush()
        return self._replay(recorded(self._log, request))

    def replay_each(self, requests: Iterable[str]) -> Iterator[Replay]:
        """Replay many answers, in the order in which they were given: the log is read once for some hundreds."""
        self._handles.recorder.flush()
        return (self._replay(found) for found in recorded_each(self._log, requests))

    def _replay(self, found: Recorded) -> Replay:
        part = self._handles.reader(found.collection)
        try:
            kept = open_evidence(self._handles.evidence, found)
        except EvidenceGone as gone:
            left = passages_of(found, part, hits_of(part, found), (), {})
            return replace(blank(found), reason=gone.cause, passages=tuple(left))
        classes = self._classes_then(found, part)
        return AnswerReplay(
            found,
            part,
            kept,
            searches=self._searches.setdefault(part.name, PastSearches(part, self._log)),
            configs=self._configs,
            classes=classes,
            software=self._software,
            contents=self._contents,
        ).run()

    def _classes_then(self, found: Recorded, part: OpenCollection) -> frozenset[str] | None:
        """Return what the asker could see, by the tokens they had then; ``None`` where nothing tells."""
        owner = self._handles.config.workspace.principal
        if self._handles.recorder.groups(owner) == found.groups:
            return part.store.history().classes_of(owner)
        key = (part.name, found.groups)
        if key not in self._seen:
            self._seen[key] = classes_of_groups(self._log, found.groups, collection=part.name)
        return self._seen[key]

    @cached_property
    def _configs(self) -> dict[str, dict[str, str]]:
        """The keyed hash of each part of each configuration there was."""
        return configs_of(self._log)

    @cached_property
    def _software(self) -> Mapping[str, str]:
        """What stands in events now."""
        last = self._log.last("log.opened", "workspace.opened")
        return last["sw"] if last is not None else {}
