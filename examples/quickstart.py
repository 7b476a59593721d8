"""Index a folder and ask it a question: `python examples/quickstart.py`."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ragkit import open_workspace

documents = Path(__file__).parent / "quickstart"
with tempfile.TemporaryDirectory() as folder:  # for a workspace that stays, run `ragkit init` in a folder of yours
    os.environ["XDG_CONFIG_HOME"] = f"{folder}/config"  # where the root key goes: never beside the data
    subprocess.run([sys.executable, "-m", "ragkit", "init", f"{folder}/handbook", "--source", documents], check=True)
    with open_workspace(f"{folder}/handbook") as workspace:
        workspace.sync()
        answer = workspace.ask("How many days of holiday do I have in a year?")
        print(answer.text)
        for cited in answer.citations:
            print(f"[{cited.marker}] {cited.heading or cited.title}, characters {cited.start} to {cited.end}")
