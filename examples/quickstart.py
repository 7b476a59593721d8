"""Index a folder and ask it a question: `python examples/quickstart.py`."""

import tempfile
from pathlib import Path

from ragkit import create_workspace, open_workspace

documents = Path(__file__).parent / "quickstart"
with tempfile.TemporaryDirectory() as folder:  # for a workspace that stays, choose a folder of yours
    create_workspace(folder, source=documents)
    with open_workspace(folder) as workspace:
        workspace.sync()
        answer = workspace.ask("How many days of holiday do I have in a year?")
        print(answer.text)
        for cited in answer.citations:
            print(f"[{cited.marker}] {cited.title}, {cited.heading}: {cited.quote}")
