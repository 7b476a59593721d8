"""What happens at the insurer's before the faults: asked, answered, shown, reviewed, erased, signed and anchored."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import time
from pathlib import Path

import ragkit
from ragkit import Principal
from ragkit.testing.model_servers import ModelServer

HERE = Path(__file__).resolve().parent
CLERK, BEN = Principal("local|clerk"), Principal("local|ben")
OFFICER, AUDITOR = Principal("local|officer"), Principal("local|auditor")
QUESTIONS = (
    (CLERK, "What is the excess for water damage?"),
    (BEN, "How long are photographs of the damage kept?"),
    (CLERK, "Within how many days is a complaint answered?"),
    (CLERK, "What does Odile Marchbank report?"),
    (BEN, "Who is the mayor of Exeter?"),
)
ERASED = "Perpetua Lindqvist"
OLD_LETTER = "documents/letters/claim-1042.md"
THREE_YEARS = 3 * 365 * 86_400


def prepare(folder: Path, *, port: int) -> Path:
    """Copy the workspace to ``folder/insurer`` and make a root key outside it; the inbox is masked loosely at first."""
    place = folder / "insurer"
    shutil.copytree(HERE / "documents", place / "documents")
    shutil.copytree(HERE / "inbox", place / "inbox")
    old = time.time() - THREE_YEARS
    os.utime(place / OLD_LETTER, (old, old))
    text = (HERE / "ragkit.toml").read_text(encoding="utf-8")
    text = text.replace("{port}", str(port)).replace('"{inbox_policy}"', '"lax"')
    (place / "ragkit.toml").write_text(text, encoding="utf-8")
    (folder / "archive").mkdir()
    os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
    key = folder / "config" / "ragkit" / "hartwell-audit-example.key"
    key.parent.mkdir(parents=True, mode=0o700)
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(32)))
    return place


def live(folder: Path) -> Path:
    """Make the workspace and its history; return its folder."""
    with ModelServer(lambda _: "The excess for water damage is 300 euros. [1]", model="letter-writer") as server:
        place = prepare(folder, port=int(server.url.split(":")[2].split("/")[0]))
        with ragkit.open_workspace(place) as workspace:
            workspace.sync()
            answers = [workspace.ask(question, collection="claims", principal=who) for who, question in QUESTIONS]
            workspace.audit.checkpoint(principal=AUDITOR)
            workspace.ask(QUESTIONS[0][1], collection="claims", principal=CLERK, generator="summariser")
            workspace.reveal(answers[3].text, collection="claims", principal=OFFICER, purpose="claim 1041")
            workspace.audit.reviewed(answers[0].request_id, "right", principal=CLERK)
            workspace.subjects.erase(ERASED, collection="claims", purpose="Article 17", principal=OFFICER)
            workspace.audit.checkpoint(principal=AUDITOR)
            workspace.audit.anchor(principal=CLERK)
    return place
