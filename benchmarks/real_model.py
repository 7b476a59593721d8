r"""Any model that you have, beside ``extractive``: answers on open sets and orders hidden in documents, in one run.

A folder, a GGUF file or a server; ``--limit 20`` for a trial::

    python benchmarks/real_model.py --kind transformers --path /models/qwen3-4b
    python benchmarks/real_model.py --kind llama_cpp --path /models/qwen3-4b-q4.gguf --set context_tokens=8192
    python benchmarks/real_model.py --preset ollama --model qwen3:4b
    python benchmarks/real_model.py --kind openai_compatible --url https://api.example.com/v1 --model small \
        --location remote --key-env EXAMPLE_KEY --keep runs/small

Both generators, ``top chunk`` and ``one threshold`` are given the same eight chunks of the same collections: the whole
of ``answers.py``, then of ``injection.py`` (each poisoned document alone). With ``--keep FOLDER`` an interrupted run
goes on: the collections stay, every answer that was judged is kept (figures only), and injection is kept when it is
done. All documents are public; they are declared ``internal``, and so is the ceiling of the destination.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from answer_sets import NAMES, AnswerPart, answer_sets
from answers import K, keep_key, measure, report
from reporting import print_table, write_json
from workspaces import make_workspace, synced

from ragkit.evaluate.answers import AnswerRun
from ragkit.protocols import Generator
from ragkit.workspace import Workspace

CANDIDATE = "candidate"
LOCAL = ("transformers", "llama_cpp")

More = Callable[[Any], Mapping[str, Generator]]


def section(
    *,
    kind: str = "",
    preset: str = "",
    model: str = "",
    path: str = "",
    url: str = "",
    location: str = "",
    provider: str = "",
    key_env: str = "",
    options: Mapping[str, Any] | None = None,
) -> str:
    """Write a generator's table from ``kind = …`` on, with the destination it needs.

    Raises:
        SystemExit: What was given names no model.
    """
    if bool(kind) == bool(preset):
        raise SystemExit("give exactly one of --kind and --preset")
    lines = [f"preset = {json.dumps(preset)}" if preset else f"kind = {json.dumps(kind)}"]
    if preset:
        from ragkit.backends.presets import find_preset

        found = find_preset(preset)
        url, location, kind = url or found.url, location or found.location.value, found.kind
    if kind in LOCAL:
        if not path:
            raise SystemExit("give --path, the folder or the file of the model")
        lines.append(f"path = {json.dumps(str(Path(path).resolve()))}")
    if model:
        lines.append(f"model = {json.dumps(model)}")
    if key_env:
        lines.append(f"api_key = {{ env = {json.dumps(key_env)} }}")
    lines += [f"{key} = {_toml(value)}" for key, value in (options or {}).items()]
    if url:
        lines += [
            'destination = "candidate"',
            "[destinations.candidate]",
            f"url = {json.dumps(url)}",
            f"location = {json.dumps(location or 'remote')}",
            f"provider = {json.dumps(provider or preset or 'candidate')}",
            'max_data_class = "internal"',
            "total_seconds = 600",
            "idle_seconds = 120",
        ]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


def run_answers(
    folder: Path,
    sets: Mapping[str, Sequence[AnswerPart]],
    *,
    generator: str = "",
    more: More | None = None,
    prices: str = "",
) -> dict[str, AnswerRun]:
    """Index what is not indexed yet, and ask what was not asked yet.

    Args:
        folder: Keeps the collections, their key and the rows.
        sets: Questions by set.
        generator: The candidate's table from ``kind = …`` on.
        more: Generators that come from elsewhere, by name, instead.
        prices: A catalogue of prices.
    """
    keep_key(folder)
    sources = {part.collection: part.source for parts in sets.values() for part in parts}
    extra = f"[generators.{CANDIDATE}]\n{generator}" if generator else ""
    if prices:
        extra += f"[prices]\nfile = {json.dumps(str(Path(prices).resolve()))}\n"
    rows = folder / "rows"
    rows.mkdir(exist_ok=True)

    def configured(bench: Any) -> Mapping[str, Generator]:
        return {CANDIDATE: bench.generator(CANDIDATE)}

    began = time.monotonic()
    with synced(make_workspace(folder / "workspace", sources, extra=extra)) as workspace:
        print(f"in step after {time.monotonic() - began:.0f} s", flush=True)
        _check(workspace, generator)
        return measure(workspace, sets, more=more or configured, kept=rows)


def _check(workspace: Workspace, generator: str) -> None:
    """Ask the model or its server what is wrong before a thousand questions are put to it."""
    if not generator:
        return
    model = workspace._handles.reader(next(iter(workspace.config.collections))).answering.bare(CANDIDATE)
    model.load()
    if hasattr(model, "probe"):
        model.probe()


def run_injection(folder: Path, generator: str, limit: int) -> dict[str, Any]:
    """The poisoned documents, each alone, for the candidate and for ``extractive``; kept when done."""
    import injection

    path = folder / "injection.json"
    if path.exists():
        kept: dict[str, Any] = json.loads(path.read_text())
        return kept
    rows = injection.measure(generator, limit=limit, name=CANDIDATE)
    rows |= injection.measure('kind = "extractive"\n', limit=limit, name="extractive")
    figures = injection.summary(rows)
    path.write_text(json.dumps(figures))
    return figures


def _options(given: Sequence[str]) -> dict[str, Any]:
    """From ``key=value``, the value JSON or a text."""
    found: dict[str, Any] = {}
    for one in given:
        key, _, value = one.partition("=")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def show_cost(runs: Mapping[str, AnswerRun]) -> None:
    """What a thousand questions cost, where the price is known."""

    def money(micro: float | None, currency: str) -> str:
        return "no price known" if micro is None else f"{micro / 1000:.4f} {currency}"

    rows = [
        (
            name,
            one.generator,
            one.input_tokens / one.questions,
            one.output_tokens / one.questions,
            money(None if one.cost_micro is None else one.cost_micro / one.questions, one.currency),
            money(one.cost_per_correct_micro, one.currency),
        )
        for name, run in runs.items()
        for one in run.scores
        if one.output_tokens
    ]
    columns = ("set", "generator", "tokens in", "tokens out", "cost of 1,000 questions", "of 1,000 right answers")
    print_table("Cost", columns, rows)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", default="", help="transformers, llama_cpp, openai_compatible, anthropic, …")
    parser.add_argument("--preset", default="", help="a usual server: `ragkit generators list`")
    parser.add_argument("--model", default="", help="its name at the server")
    parser.add_argument("--path", default="", help="folder or GGUF file of a local model")
    parser.add_argument("--url", default="", help="root of the server's API")
    parser.add_argument("--location", default="", choices=("", "on-prem", "managed", "remote"))
    parser.add_argument("--provider", default="", help="who runs it, as the prices name it")
    parser.add_argument("--key-env", default="", help="environment variable of the key")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a further option, as JSON")
    parser.add_argument("--prices", default="", help="a catalogue of prices of your own")
    parser.add_argument("--sets", default=",".join(NAMES))
    parser.add_argument("--every-report", action="store_true", help="sec10q with all sixteen reports; slow")
    parser.add_argument("--limit", type=int, default=0, help="questions a set and poisoned documents, for a trial")
    parser.add_argument("--keep", type=Path, help="folder in which an interrupted run goes on")
    parser.add_argument("--no-injection", action="store_true", help="answers only")
    options = parser.parse_args()
    generator = section(
        kind=options.kind,
        preset=options.preset,
        model=options.model,
        path=options.path,
        url=options.url,
        location=options.location,
        provider=options.provider,
        key_env=options.key_env,
        options=_options(options.set),
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep.resolve() if options.keep else Path(temporary)
        sets = answer_sets(
            folder / "sources", options.sets.split(","), options.limit, every_report=options.every_report
        )
        runs = run_answers(folder, sets, generator=generator, prices=options.prices)
        report(runs)
        show_cost(runs)
        hidden = {} if options.no_injection else run_injection(folder, generator, options.limit)
    if hidden:
        import injection

        injection.show(hidden)
    name = re.sub(r"[^a-z0-9]+", "-", (options.model or Path(options.path).name or options.preset).casefold()).strip(
        "-"
    )
    figures = {
        "candidate": {
            "kind": options.kind,
            "preset": options.preset,
            "model": options.model or Path(options.path).name,
        },
        "k": K,
        "sets": {one: run.as_json() for one, run in runs.items()},
        "injection": hidden,
    }
    write_json(f"real_model-{name}", figures, trial=bool(options.limit))


if __name__ == "__main__":
    main()
