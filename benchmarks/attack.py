"""What a stolen index gives away: an invented company of 5,000 people, and TAB, unmasked, by `default` and by `strict`.

Run ``python benchmarks/attack.py``; ``--people 300 --limit 30`` for a trial, ``--sets tab --split dev`` to find out
why. Each policy goes through ragkit's sync into a workspace of its own. A thief in a process without keys then reads
the data directory and looks for the people on a list (``attack_people.py``); the generator's truth says how often
rightly.

- *first*: of the people looked for, those whose own document is the first guess; *first 1 %*: those with an own
  document among the first hundredth; with Wilson's intervals of 95 %, and beside them what drawing by lot comes to.
- *membership* (of ``vectors``): the chance that the name of somebody in the documents fits better than a name put
  together of others', with facts put together likewise; .5 is a coin.
- The thief knows ten people with a document of theirs; they do not count.
- *prompts*: two questions each about a hundred people, as a generator off the machine would get them in the record
  view; how often a conversation is linked with the other one about the same person.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attack_people import Wanted, company, judgments
from reporting import print_table, write_json
from workspaces import make_workspace, synced

from ragkit.attack.clear import provider_prompts
from ragkit.attack.loot import steal
from ragkit.attack.people import KnownPerson, decoys
from ragkit.attack.prompts import Linking, measure_linking, with_aliases
from ragkit.attack.report import of_hundred
from ragkit.attack.thief import Haul, send_thief
from ragkit.attack.truth import Outcome, Truth, score
from ragkit.build import model_of
from ragkit.workspace import Workspace

UNMASKED = "unmasked"
POLICIES = (UNMASKED, "default", "strict")
KNOWN, DECOYS, ASKED_ABOUT = 10, 500, 100
_METHODS = ("tokens", "words", "vectors")


def main() -> None:
    """Make the sets, attack them under each policy, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", default="company,tab")
    parser.add_argument("--policies", default=",".join(POLICIES))
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--limit", type=int, default=0, help="only the first so many judgments")
    parser.add_argument("--split", default="test", choices=("test", "dev"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="keep the workspaces here, and use those that are there (same key)")
    options = parser.parse_args()
    trial = options.people != 5_000 or options.limit > 0 or options.split != "test"
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.sets.split(","):
            folder = (options.keep or Path(scratch)) / name
            folder.mkdir(parents=True, exist_ok=True)
            wanted = (
                company(folder, options.people, 2026 + options.seed)
                if name == "company"
                else judgments(folder, options.split, options.limit)
            )
            found = {policy: attacked(wanted, policy, folder, options.seed) for policy in options.policies.split(",")}
            show(wanted, found)
            figures = {"seed": options.seed, "known": KNOWN, "policies": {p: plain(*one) for p, one in found.items()}}
            write_json(f"attack_{name}", figures, trial=trial)


Found = tuple[dict[str, Outcome], dict[str, list[Linking]], float, float]
"""Outcomes by attack, linking of conversations by view, seconds of masking and indexing, seconds of attacking."""


def attacked(wanted: Wanted, policy: str, folder: Path, seed: int) -> Found:
    """Index under a policy, send the thief, judge."""
    profile = "default" if policy == UNMASKED else policy
    made = make_workspace(
        folder / policy,
        {wanted.name: wanted.source},
        policy=UNMASKED if policy == UNMASKED else "chosen",
        extra=f'[policies.chosen]\nprofile = "{profile}"\n',
    )
    every = [*wanted.people, *decoys(wanted.people, min(DECOYS, len(wanted.people)), random.Random(seed))]
    began = time.monotonic()
    with synced(made) as workspace:
        indexed = time.monotonic()
        truth, doc_ids = _truth(wanted, workspace)
        there = sorted(truth.own)
        known = {
            person: min(truth.own[person]) for person in random.Random(seed).sample(there, min(KNOWN, len(there) // 10))
        }
        haul = send_thief(
            workspace.config.data_folder,
            every,
            collection=wanted.name,
            known={person: doc_ids[place] for person, place in known.items()},
            model=model_of(workspace.config),
            seed=seed,
        )
        away = range(len(wanted.people), len(every))
        outcomes = _judged(haul, truth, known, away)
        stolen = time.monotonic()
        linked = _linked(wanted, workspace, random.Random(seed).sample(there, min(ASKED_ABOUT, len(there))))
    print(
        f"{wanted.name}, {policy}: indexed in {indexed - began:.0f} s, attacked in {stolen - indexed:.0f} s", flush=True
    )
    return outcomes, linked, indexed - began, stolen - indexed


def _truth(wanted: Wanted, workspace: Workspace) -> tuple[Truth, tuple[str, ...]]:
    """The generator's truth, by positions in the loot."""
    doc_ids = steal(workspace.config.data_folder).documents
    native = workspace.unsafe_native_ids(doc_ids)
    places = {native[doc_id]: place for place, doc_id in enumerate(doc_ids)}
    own = {
        person: frozenset(places[name] for name in names if name in places)
        for person, names in wanted.own.items()
        if any(name in places for name in names)
    }
    return Truth(own, frozenset(own)), doc_ids


def _judged(haul: Haul, truth: Truth, known: Mapping[int, int], away: Sequence[int]) -> dict[str, Outcome]:
    return {
        name: score(name, guesses, truth, documents=len(haul.documents), known=known, absent=away)
        for name, guesses in haul.guesses.items()
    }


def _linked(wanted: Wanted, workspace: Workspace, chosen: Sequence[int]) -> dict[str, list[Linking]]:
    part = workspace._handles.reader(wanted.name)
    people: dict[int, KnownPerson] = {number: wanted.people[number] for number in chosen}
    alone, whole, about = provider_prompts(workspace, part, people)
    views = {"question": alone, "question and hits": whole, "both, aliases a conversation": with_aliases(whole)}
    return {
        view: [measure_linking(sent, about, method=method, encoder=part.embedder) for method in _METHODS]
        for view, sent in views.items()
    }


def show(wanted: Wanted, found: Mapping[str, Found]) -> None:
    """Print a table of the attacks and one of the prompts."""
    names = list(dict.fromkeys(name for outcomes, *_ in found.values() for name in outcomes))
    first = next(iter(next(iter(found.values()))[0].values()))
    title = (
        f"{wanted.name}: {first.targets:,} people looked for among {first.documents:,} documents; of 100, found first"
    )
    chance = f"{100 * first.first_chance:.2g} / {100 * first.top_chance:.2g}"
    rows = [
        [name, *(_cell(outcomes.get(name)) for outcomes, *_ in found.values()), chance] for name in names
    ]  # fmt: skip
    print_table(f"{title} / in the first 1 %", ["attack", *found, "by lot"], rows)
    told = [("membership by vectors (AUC)", [outcomes["vectors"].membership for outcomes, *_ in found.values()])]
    shares = [[name, *(f"{value:.3f}" for value in values if value is not None)] for name, values in told]
    shares += [
        [f"{name}: would name; of these right", *(_named(outcomes.get(name)) for outcomes, *_ in found.values())]
        for name in ("words", "linkage")
    ]
    print_table(f"{wanted.name}: who is in it, and who stands out", ["", *found], shares)
    views = list(next(iter(found.values()))[1])
    rows = [
        [view, method, *(of_hundred(linked[view][place].linked) for _, linked, *_ in found.values())]
        for view in views
        for place, method in enumerate(_METHODS)
    ]
    print_table(f"{wanted.name}: conversations linked, of 100", ["what is sent", "by", *found], rows)


def _cell(one: Outcome | None) -> str:
    if one is None:
        return "-"
    return f"{of_hundred(one.first).replace(' of 100', '')} / {_short(100 * one.top.value)}"


def _named(one: Outcome | None) -> str:
    if one is None or one.named.value == 0:
        return "nobody"
    return f"{_short(100 * one.named.value)} of 100; {100 * one.precision.value:.0f} %"


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 1 or value == 0 else f"{value:.1f}"


def plain(
    outcomes: Mapping[str, Outcome], linked: Mapping[str, Sequence[Linking]], indexed: float, stolen: float
) -> dict[str, Any]:
    """Plain values for the JSON."""
    return {
        "attacks": {name: one.as_json() for name, one in outcomes.items()},
        "prompts": {view: [one.as_json() for one in many] for view, many in linked.items()},
        "seconds": {"indexed": round(indexed, 1), "attacked": round(stolen, 1)},
    }


if __name__ == "__main__":
    main()
