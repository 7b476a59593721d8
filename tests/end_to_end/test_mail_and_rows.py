"""A mailbox and a database beside a folder, as `ragkit.toml` names them: found, masked, permitted, and in step."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

import pytest

from ragkit import Principal, open_workspace
from ragkit.testing import sockets
from ragkit.testing.dovecot import ABSENT, dovecot

from .conftest import MakeWorkspace

SALES = Principal("local|sam", groups=frozenset({"crm|sales"}))
SOURCES = """
[[collections.shop.sources]]
connector = "mailbox"
name = "mail"
host = "127.0.0.1"
port = {port}
user = "{user}"
password = {{ env = "TEST_IMAP_PASSWORD" }}
ca_path = "{ca}"
[[collections.shop.sources]]
connector = "sql"
name = "crm"
url = {{ env = "TEST_CRM_URL" }}
table = "tickets"
id_column = "id"
text_columns = ["body"]
updated_column = "revision"
access_column = "teams"
access_prefix = "g:crm|"
[[collections.shop.sources]]
connector = "llama_index"
name = "notes"
reader = "llama_index.core:SimpleDirectoryReader"
input_dir = "{notes}"
raise_on_error = true
[plugins]
allow = ["llama-index-core"]
"""


def letter() -> bytes:
    """Return a message with a person in it and a table attached."""
    message = EmailMessage()
    message["From"] = "Galina Yalmanova <galina.yalmanova@example.org>"
    message["Subject"] = "Delivery of the lantern"
    message.set_content("Dear all,\n\nthe Glow lantern was delivered to Galina Yalmanova on Tuesday.\n")
    message.add_attachment(b"article,price\nGlow lantern,33.20\n", maintype="text", subtype="csv", filename="list.csv")
    return message.as_bytes()


@pytest.mark.slow
@pytest.mark.skipif(bool(ABSENT), reason=ABSENT or "-")
def test_sources_of_three_kinds_stay_in_step(
    make_workspace: MakeWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they hold is answered to whom it may be; what is deleted at the source is gone with the next sync."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "oven.txt").write_text("The oven in the back room is serviced every spring.")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm:
        crm.execute("CREATE TABLE tickets (id INTEGER PRIMARY KEY, body TEXT, revision INTEGER, teams TEXT)")
        crm.execute("INSERT INTO tickets VALUES (1, 'The discount for large orders is seven per cent.', 1, 'sales')")
        crm.execute("INSERT INTO tickets VALUES (2, 'Wages are paid on the last working day.', 1, NULL)")
        crm.commit()
    monkeypatch.setenv("TEST_CRM_URL", f"sqlite:///{tmp_path / 'crm.db'}")
    with dovecot() as server, sockets.loopback():
        monkeypatch.setenv("TEST_IMAP_PASSWORD", server.password)
        with server.client() as client:
            client.append("INBOX", letter())
        options = {"port": server.tls_port, "user": server.user, "ca": server.ca, "notes": tmp_path / "notes"}
        folder = make_workspace({"tents.md": "# Tents\n\nTents are green.\n"}, extra=SOURCES.format(**options))
        with open_workspace(folder) as workspace:
            assert workspace.sync().exit_code == 0
            assert "33.20" in workspace.ask("What is the price of the Glow lantern?").text
            hits = workspace.search("To whom was the Glow lantern delivered?")
            assert "Yalmanova" not in "".join(hit.chunk.record for hit in hits)
            assert "spring" in workspace.ask("When is the oven in the back room serviced?").text
            assert workspace.ask("What is the discount for large orders?").refused
            assert "seven" in workspace.ask("What is the discount for large orders?", principal=SALES).text
            assert workspace.ask("When are wages paid?", principal=SALES).refused

            with server.client() as client:
                client.select_folder("INBOX")
                client.delete_messages([1])
            with closing(sqlite3.connect(tmp_path / "crm.db")) as crm:
                crm.execute("UPDATE tickets SET teams = 'hr' WHERE id = 1")
                crm.commit()
            assert workspace.sync().exit_code == 0
            assert workspace.ask("What is the price of the Glow lantern?").refused
            assert workspace.ask("What is the discount for large orders?", principal=SALES).refused
