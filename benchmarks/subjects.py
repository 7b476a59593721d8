"""Finds, exports, corrects and restricts people of an invented company, and counts what is missed and what is mixed up.

Run ``python benchmarks/subjects.py``; ``--people 400 --sample 60`` for a trial, ``--rules-only`` without the learned
detector, ``--workspace FOLDER`` to keep and use again what was synced.

The company (``benchmarks/company``) has people of one name, families of one address and telephone with father and son
of one name, and people with a name before marriage; the truth of every document is known. For a sample of each group:

- *values*: of the planted values of a person, how many ``subjects.find`` returns (recall), and of the values returned,
  how many are the person's and not somebody else's (precision); a value that detection never found in a document cannot
  be linked, so it is counted apart;
- *documents*: the same for the documents that hold a value of the person;
- *export*: how many planted values are in it, and whether any value of anybody else is in it in clear (byte search);
- *correct*, *restrict*: whether the next question, in a process that has the workspace open, shows it.

Peer in the same run: what a company does by hand, a text search for the full name over all documents. Intervals are
Wilson's, 95 %.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from reporting import print_table, write_json

from benchmarks.company.asker import Asker
from benchmarks.company.generate import PEOPLE, Company, generate
from benchmarks.company.held import Held
from benchmarks.company.people import Person
from benchmarks.company.setting import COLLECTION, PURPOSE, prepare, write_config
from benchmarks.company.truth import SHORT, Truth, plain, same
from ragkit import open_workspace
from ragkit.folding import fold
from ragkit.metrics import wilson
from ragkit.workspace import Workspace

SEED = 2026
SAMPLE = 240
CHANGED = 24
GROUPS = ("unique", "changed", "same-name", "family", "namesake-family")
_KINDS = ("name", "former-name", "email", "phone", "number", "iban", "birth-date", "address")


@dataclass(slots=True)
class Tally:
    """Successes and trials by what was counted."""

    counts: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def add(self, name: str, good: int, of: int) -> None:
        """Count."""
        self.counts[name][0] += good
        self.counts[name][1] += of

    def shown(self, name: str) -> str:
        """Share with its interval, in percent."""
        good, of = self.counts[name]
        if not of:
            return "-"
        told = wilson(good, of)
        return f"{100 * good / of:.1f} ({100 * told.low:.1f}-{100 * told.high:.1f}) of {of:,}"

    def figures(self) -> dict[str, Any]:
        """For the JSON."""
        return {
            name: {
                "good": good,
                "of": of,
                **({"low": wilson(good, of).low, "high": wilson(good, of).high} if of else {}),
            }
            for name, (good, of) in self.counts.items()
        }


# --- one person ---------------------------------------------------------------------------------------------------


def find(workspace: Workspace, value: str) -> list[Any]:
    """The people whom ragkit knows by this value."""
    from ragkit.lifecycle.people import People

    part = workspace._handles.reader(COLLECTION)  # ``subjects.find`` gives counts of the same, for officers
    return People(part.store, part.masker.vault).find(value)


def best(found: Sequence[Any], truth: Truth, person: str) -> Any | None:
    """Of several people, the one whom an officer would take: who has most values that this person alone has."""

    def fit(one: Any) -> int:
        own = Counter(truth.whose(person, held.value) for held in one.values)
        return own["own"] - own["another"]

    return max(found, key=fit, default=None)


def count_values(tally: Tally, found: Any | None, truth: Truth, held: Held, person: str) -> Counter[str]:
    """Count values found, lost and mixed up; return what was lost, by reason and kind."""
    values = [one.value for one in found.values] if found else []
    whose = Counter(truth.whose(person, one) for one in values)
    tally.add("values right", whose["own"], whose["own"] + whose["another"])
    tally.add("values somebody's", whose["own"] + whose["another"], len(values))
    certain = [one.value for one in found.values if one.certain] if found else []
    sure = Counter(truth.whose(person, one) for one in certain)
    tally.add("certain values right", sure["own"], sure["own"] + sure["another"])
    lost: Counter[str] = Counter()
    for value in truth.planted(person):
        detected = any(held.has(path, value) for path in truth.places(person, value))
        got = any(same(one, value) for one in values)
        tally.add("values", got, 1)
        if detected:
            tally.add("detected values", got, 1)
        if not got:
            lost[f"{truth.kind(person, value)}, {'not linked' if detected else 'not detected'}"] += 1
    return lost


def count_documents(
    tally: Tally, paths: set[str], possible: set[str], truth: Truth, held: Held, person: str
) -> Counter[str]:
    """Count documents found and lost, and those of others; return the lost ones by folder."""
    real = truth.named_in(person)
    tally.add("documents, with possible ones", len(real & (paths | possible)), len(real))
    tally.add("documents right, with possible ones", len(real & (paths | possible)), len(paths | possible))
    tally.add("documents", len(real & paths), len(real))
    tally.add("documents right", len(real & paths), len(paths))
    for path in real:
        if any(held.has(path, value) for value in truth.documents[path].truth[person]):
            tally.add("detected documents", path in paths, 1)
    return Counter(f"a document of {re.split('[/#]', path)[0]}" for path in real - paths - possible)


def count_wholly(tally: Tally, found: Any | None, paths: Mapping[str, str], truth: Truth, person: str) -> None:
    """Count documents said to be about this person alone: those are deleted when the person is erased."""
    said = {paths[one.doc_id] for one in found.documents if one.wholly and one.doc_id in paths} if found else set()
    real = {path for path in truth.named_in(person) if truth.documents[path].wholly == person}
    tally.add("wholly own", len(said & real), len(real))
    tally.add("wholly own right", len(said & real), len(said))


def count_export(tally: Tally, text: str, truth: Truth, person: str) -> list[tuple[str, str]]:
    """Count planted values in an export, and return the values of others that are there in clear."""
    for value in truth.planted(person):
        tally.add("in the export", value in text or plain(value) in plain(text), 1)
    strange = [
        (other, value)
        for other, value in truth.strange(person)
        if value in text and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)
    ]
    tally.add("exports clean", not strange, 1)
    return strange


def by_hand(company: Company) -> Callable[[Person], set[str]]:
    """The peer: full-text search for the name in every document."""
    texts = {one.path: fold(f"{one.path}\n{one.content.decode('utf-8', 'replace')}") for one in company.documents}

    def search(person: Person) -> set[str]:
        return {path for path, text in texts.items() if fold(person.full) in text}

    return search


def links(held: Held, truth: Truth) -> Tally:
    """The links of each document by themselves, pair by pair: what stands in one group, and whose it is there."""
    tally = Tally()
    for path, groups in held.groups.items():
        owners = truth.documents[path].truth
        known = held.values(path)
        whose = {value: {key for key, own in owners.items() if any(same(value, one) for one in own)} for value in known}
        together = {pair for group in groups for pair in combinations(sorted(group), 2)}
        for one, other in together:
            if whose.get(one) and whose.get(other):
                tally.add("pairs right", bool(whose[one] & whose[other]), 1)
        for one, other in combinations(sorted(known), 2):
            if whose[one] & whose[other] and not _short(one, other, owners, truth):
                tally.add("pairs linked", (one, other) in together, 1)
    return tally


def _short(one: str, other: str, owners: Mapping[str, Sequence[str]], truth: Truth) -> bool:
    """Whether one of two values is only a part of a name."""
    kinds = {plain(value): truth.kind(key, value) for key, values in owners.items() for value in values}
    return SHORT in {kinds.get(plain(one)), kinds.get(plain(other))}


# --- all of it ----------------------------------------------------------------------------------------------------


def chosen(company: Company, count: int, dice: random.Random) -> list[Person]:
    """A sample: a third unique names, the rest of the other groups in turn, as many as there are."""
    people: list[Person] = []
    wanted = {"unique": count // 3} | dict.fromkeys(GROUPS[1:], count // 6)
    for group, size in wanted.items():
        members = [one for one in company.people if one.group == group]
        people += dice.sample(members, min(size, len(members)))
    return people


def measure(workspace: Workspace, truth: Truth, sample: Sequence[Person]) -> dict[str, Any]:
    """Find and export each person of the sample."""
    held = Held(workspace)
    hand = by_hand(truth.company)
    tallies = {group: Tally() for group in (*GROUPS, "all")}
    named = {group: Tally() for group in (*GROUPS, "all")}
    lost: Counter[str] = Counter()
    leaks: Counter[str] = Counter()
    seconds: dict[str, list[float]] = {"find": [], "export": []}
    for person in sample:
        started = time.perf_counter()
        by_mail = find(workspace, person.email)
        seconds["find"].append(time.perf_counter() - started)
        found = best(by_mail, truth, person.id)
        paths, possible = (
            {held.paths[one.doc_id] for one in some if one.doc_id in held.paths}
            for some in ((found.documents, found.possible) if found else ((), ()))
        )
        started = time.perf_counter()
        text = export(workspace, found, person.email) if found else ""
        seconds["export"].append(time.perf_counter() - started)
        by_name = find(workspace, person.full)
        for group in (person.group, "all"):
            one = tallies[group]
            one.add("found", found is not None, 1)
            gone = count_values(one, found, truth, held, person.id)
            gone += count_documents(one, paths, possible, truth, held, person.id)
            count_wholly(one, found, held.paths, truth, person.id)
            strange = count_export(one, text, truth, person.id)
            other = named[group]
            count_values(other, best(by_name, truth, person.id), truth, held, person.id)
            other.add("as many people as there are", len(by_name) == len(truth.of_one_name(person.id)), 1)
            real, read = truth.named_in(person.id), hand(person)
            other.add("by hand", len(real & read), len(real))
            other.add("by hand right", len(real & read), len(read))
        lost += gone
        for owner, value in strange:
            here = [path for path in truth.places(owner, value) if path in paths]
            seen = all(held.has(path, value) for path in here)  # in every exported document where it stands
            leaks[f"{truth.kind(owner, value)}, {'shown though found' if seen else 'not detected'}"] += 1
    return {
        "by_email": {group: one.figures() for group, one in tallies.items()},
        "by_name": {group: one.figures() for group, one in named.items()},
        "lost": dict(lost.most_common()),
        "of_others_in_exports": dict(leaks.most_common()),
        "seconds": {name: _spread(times) for name, times in seconds.items()},
        "_tallies": tallies,
        "_named": named,
    }


def export(workspace: Workspace, found: Any, value: str) -> str:
    """The export as text, characters unescaped."""
    told = workspace.subjects.export(value, subject=found.subject, purpose=PURPOSE, collection=COLLECTION)
    return json.dumps(told if isinstance(told, dict) else json.loads(str(told)), ensure_ascii=False)


def _spread(times: Iterable[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {"p50": ordered[len(ordered) // 2], "p95": ordered[int(len(ordered) * 0.95)], "max": ordered[-1]}


def at_once(folder: Path, workspace: Workspace, truth: Truth, people: Sequence[Person]) -> Tally:
    """Correct and restrict, and ask in a process that was open before."""
    tally = Tally()
    with Asker(folder) as asker:
        for number, person in enumerate(people):
            question = f"What is known of {person.full} with the number {person.number}?"
            before = asker.ask(question)
            shown = {text for text in before if person.full in asker.reveal(text)}
            tally.add("shown before", bool(shown), 1)
            if number % 2:
                found = best(find(workspace, person.email), truth, person.id)
                subject = found.subject if found else None
                told = workspace.subjects.restrict(
                    person.email, reason="disputed", subject=subject, purpose=PURPOSE, collection=COLLECTION
                )
                after = [asker.reveal(text) for text in asker.ask(question)]
                tally.add("restricted at once", not any(person.number in text for text in after), 1)
                workspace.subjects.lift(told.request, reason="settled", purpose=PURPOSE, collection=COLLECTION)
                again = [asker.reveal(text) for text in asker.ask(question)]
                tally.add("lifted at once", any(person.number in text for text in again) or not shown, 1)
            else:
                fresh = f"moved.{number}.{person.email}"
                found = best(find(workspace, person.email), truth, person.id)
                workspace.subjects.correct(
                    person.email,
                    fresh,
                    subject=found.subject if found else None,
                    purpose=PURPOSE,
                    collection=COLLECTION,
                )
                after = [asker.reveal(text) for text in asker.ask(f"Who has the e-mail {fresh}?")]
                old = re.compile(rf"(?<![\w.]){re.escape(person.email)}")
                tally.add("corrected at once", any(fresh in text for text in after), 1)
                tally.add("old value gone at once", not any(old.search(text) for text in after), 1)
    return tally


def main() -> None:
    """Sync, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--sample", type=int, default=SAMPLE)
    parser.add_argument("--rules-only", action="store_true")
    parser.add_argument("--workspace", type=Path, help="keep the workspace here, and use it again if it is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = options.workspace or Path(made)
        company = generate(options.people, SEED)
        if (folder / ".ragkit").is_dir():
            write_config(folder, policy="rules" if options.rules_only else "")
        else:
            prepare(company, folder, rules_only=options.rules_only)
        truth, dice = Truth(company), random.Random(SEED)
        started = time.perf_counter()
        with open_workspace(folder) as workspace:
            report = workspace.sync()
            print(
                f"{report.added} documents, {report.chunks} chunks in {time.perf_counter() - started:.0f} s",
                file=sys.stderr,
            )
            pairs = links(Held(workspace), truth)
            print_table("Links of documents", ("", "percent"), [(name, pairs.shown(name)) for name in pairs.counts])
            sample = chosen(company, options.sample, dice)
            figures = measure(workspace, truth, sample)
            told, named = figures.pop("_tallies"), figures.pop("_named")
            show(told, named, figures)
            effects = at_once(folder, workspace, truth, dice.sample(sample, min(CHANGED, len(sample))))
    rows = [(name, effects.shown(name)) for name in effects.counts]
    print_table("At once, in another process", ("", "percent"), rows)
    trial = options.people != PEOPLE or options.sample != SAMPLE
    write_json(
        "subjects_rules" if options.rules_only else "subjects",
        {"people": options.people, "documents": len(company.documents), "sample": len(sample), **figures,
         "links": pairs.figures(), "at_once": effects.figures()},
        trial=trial,
    )  # fmt: skip


def show(told: Mapping[str, Tally], named: Mapping[str, Tally], figures: Mapping[str, Any]) -> None:
    """Print the tables."""
    groups = [*GROUPS, "all"]
    for title, tallies, names in (
        ("Found by e-mail address, percent", told, (
            "found", "values", "detected values", "values right", "certain values right", "documents",
            "detected documents", "documents right", "documents, with possible ones",
            "documents right, with possible ones", "wholly own", "wholly own right", "in the export",
            "exports clean")),
        ("Found by full name, percent", named, (
            "as many people as there are", "values", "detected values", "values right", "by hand", "by hand right")),
    ):  # fmt: skip
        rows = [(name, *(tallies[group].shown(name) for group in groups)) for name in names]
        print_table(title, ("", *groups), rows)
    print_table("What was lost", ("value, why", "times"), list(figures["lost"].items()))
    print_table("Values of others in exports", ("value, why", "times"), list(figures["of_others_in_exports"].items()))
    times = [(name, *one.values()) for name, one in figures["seconds"].items()]
    print_table("Seconds", ("", "p50", "p95", "max"), times)


if __name__ == "__main__":
    main()
