"""A query engine of llama-index that answers from a workspace: `python examples/llama_index_engine.py`.

Give it to a router, an agent's tool or a chat engine like any other. With a model in `ragkit.toml`, name it:
`RagkitQueryEngine(workspace, generator="small")`; or let llama-index write the prompt, with what ragkit finds and a
model that is told nothing unmasked:

    RetrieverQueryEngine.from_args(RagkitRetriever(workspace), llm=RagkitLLM(workspace, generator="small"))
"""

import tempfile
from pathlib import Path

from llama_index.core.tools import QueryEngineTool

from ragkit import create_workspace, open_workspace
from ragkit.interop.retriever import RagkitQueryEngine, RagkitRetriever

documents = Path(__file__).parent / "quickstart"
with tempfile.TemporaryDirectory() as folder:  # for a workspace that stays, choose a folder of yours
    create_workspace(folder, source=documents)
    with open_workspace(folder) as workspace:
        workspace.sync()

        engine = RagkitQueryEngine(workspace)  # principal=… for whoever asks; by default the owner
        handbook = QueryEngineTool.from_defaults(engine, name="handbook", description="Rules of the company.")
        said = handbook.call("How many days of holiday do I have in a year?").raw_output
        print(said)
        for source in said.source_nodes:
            print(f"[{source.metadata['marker']}] {source.metadata['title']}, {source.metadata['heading']}")

        refused = engine.query("Who painted the Night Watch?")
        print(refused, f"(refused: {refused.metadata['reason']})")

        for found in RagkitRetriever(workspace, k=2).retrieve("lost phone"):
            print(f"{found.score:.2f} {found.metadata['title']}: {found.text[:60]!r}")
