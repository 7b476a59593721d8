"""Sources of files and tables, with planted values in each of their fields; see :mod:`ragkit.testing.leak_places`."""

from __future__ import annotations

import json
import mailbox
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ragkit.testing import postgres
from ragkit.testing.leak_formats import documents, letter
from ragkit.testing.leak_supply import Supply

if TYPE_CHECKING:
    from ragkit.testing.leak_places import Places

_READER = """
import json, logging, sys
from pathlib import Path
from types import SimpleNamespace

class Loud:
    "A reader that says all that it reads, and fails with it."

    def load_data(self, path, fail=False):
        for one in json.loads(Path(path).read_text()):
            print(one, flush=True)
            print(one, file=sys.stderr, flush=True)
            logging.getLogger(__name__).error("%s", one)
            if fail:
                raise OSError(f"cannot read {one}")
            yield SimpleNamespace(text=one["text"], metadata=one["metadata"], id_=one["id"])
"""
_DAY = 1_767_225_600  # 2026-01-01, midnight UTC


def plant_files(places: Places) -> None:
    """A folder of every format, with files that cannot be read."""
    folder, supply = places.made("files"), places.supply
    inner = folder / supply.say("files folder name", plain=True).rstrip(".")
    inner.mkdir()
    for name, content in documents(supply):
        (inner / name).write_bytes(content)
    for kind, content in (("pdf", b"%PDF-1.7\n"), ("xlsx", b"PK\x03\x04" * 9), ("msg", b"\xd0\xcf\x11\xe0"),
                          ("zip", b"PK\x03\x04"), ("png", b"\x89PNG\r\n\x1a\n")):  # fmt: skip
        name = supply.hide(f"broken {kind} name")
        (folder / f"{name}.{kind}").write_bytes(content + supply.hide(f"broken {kind}").encode())
    for path in sorted(inner.iterdir()):
        if path.suffix in (".pptx", ".srt", ".tsv"):
            new = path.with_name(f"{supply.say('new file name', plain=True)}{path.suffix}")
            places.changes.append(partial(path.rename, new))
        elif path.suffix in (".vtt", ".org", ".adoc"):
            places.changes.append(path.unlink)
    places.add("files", "folder", path=str(folder))


def plant_lines(places: Places) -> None:
    """Lines of JSON, two of them bad."""
    supply, path = places.supply, places.folder / "lines.jsonl"
    rows = [
        {
            "id": supply.hide("jsonl id"), "title": supply.say("jsonl title"), "text": supply.say("jsonl text"),
            "uri": f"https://crm.example/{quote(supply.say('jsonl uri'))}", "meta": {"by": supply.say("jsonl meta")},
        }
        for _ in range(4)
    ]  # fmt: skip
    bad = [f'{{"id": "{supply.hide("bad line")}"', json.dumps({**rows[0], "text": supply.hide("repeated line")})]
    path.write_text("\n".join([*map(json.dumps, rows), *bad]) + "\n")
    places.changes.append(lambda: path.write_text("\n".join(map(json.dumps, rows[1:])) + "\n"))
    places.add("jsonl", "lines", path=str(path))


def plant_export(places: Places) -> None:
    """An export of Slack."""
    folder, supply = places.made("slack"), places.supply
    people = [
        {"id": f"U{n}", "name": supply.hide("slack user name"), "profile": {
            "display_name": f"Ms {supply.say('slack display name', kind='PERSON')}",
            "real_name": supply.hide("slack real name"), "email": supply.say("slack address", kind="EMAIL_ADDRESS"),
        }}
        for n in range(2)
    ]  # fmt: skip
    channel = supply.say("slack channel", plain=True)
    said = {"type": "message", "user": "U0", "text": supply.say("slack text"), "ts": f"{_DAY + 60}.000100"}
    file = {"name": supply.say("slack file name"), "title": supply.say("slack file title")}
    more = {
        **said,
        "user": "U1",
        "text": supply.mention("slack prose"),
        "files": [file],
        "ts": f"{_DAY + 90}.000100",
    }
    lists = {
        "users.json": people,
        "channels.json": [{"id": "C1", "name": channel}],
        "groups.json": [{"id": "G1", "name": "board", "members": ["U0", "U1"]}],
        f"{channel}/2026-01-01.json": [said, more],
        "board/2026-01-01.json": [{**said, "text": supply.say("slack private text")}],
    }
    for name, rows in lists.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(rows))
    (folder / "board" / "2026-01-02.json").write_text(f'[{{"text": "{supply.hide("slack broken day")}"')
    places.changes.append((folder / "board" / "2026-01-01.json").unlink)
    places.add("slack", "chat", path=str(folder), people="email", issuer="corp")


def plant_repository(places: Places) -> None:
    """A bare repository."""
    from dulwich.objects import Blob, Commit, Tree
    from dulwich.repo import Repo

    supply = places.supply
    repo, tree, folder = Repo.init_bare(str(places.made("code.git"))), Tree(), Tree()
    inner = Blob.from_string(f"# Remark\n\n{supply.say('git text')}\n".encode())
    folder.add(f"{supply.say('git file name', plain=True)}.md".encode(), 0o100644, inner.id)
    tree.add(supply.say("git folder name", plain=True).encode(), 0o040000, folder.id)
    commit = Commit()
    commit.tree = tree.id
    commit.author = f"{supply.hide('git author')} <{supply.hide('git author')}@example.org>".encode()
    commit.committer = f"{supply.hide('git committer')} <a@example.org>".encode()
    commit.author_time = commit.commit_time = _DAY
    commit.author_timezone = commit.commit_timezone = 0
    commit.message = supply.hide("git message").encode()
    for one in (inner, folder, tree, commit):
        repo.object_store.add_object(one)
    branch = supply.hide("git branch")
    repo.refs[f"refs/heads/{branch}".encode()] = commit.id
    repo.refs.set_symbolic_ref(b"HEAD", f"refs/heads/{branch}".encode())
    places.add("git", "code", path=str(repo.path))


def plant_reader(places: Places) -> None:
    """A package with a reader that says all it reads, and what it reads."""
    site, supply = places.made("site"), places.supply
    (site / "acme_leaks.py").write_text(_READER)
    info = site / "acme_leaks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-leaks\nVersion: 1.0\n")
    (info / "RECORD").write_text("acme_leaks.py,,\n")
    rows = [
        {"id": supply.hide("reader id"), "text": supply.say("reader text"), "metadata": {
            "file_path": f"/notes/{supply.say('reader path', plain=True)}.txt", "by": supply.say("reader metadata")}}
        for _ in range(2)
    ]  # fmt: skip
    path = places.reader
    path.write_text(json.dumps(rows))
    places.environment["PYTHONPATH"] = str(site)
    places.add("llama_index", "reader", reader="acme_leaks:Loud", load={"path": str(path)})


def plant_boxes(places: Places) -> None:
    """An mbox file and a Maildir."""
    supply, folder = places.supply, places.made("boxes")
    box = mailbox.mbox(folder / f"{supply.say('mbox file name', plain=True)}.mbox")
    maildir = mailbox.Maildir(folder / supply.say("maildir name", plain=True).rstrip("."))
    for one in (box, maildir):
        for _ in range(2):
            one.add(letter(supply, "local mail"))
        one.flush()
        one.close()
    places.add(
        "mailbox", "archive", path=str(folder), access_from="recipients", access_issuer="corp",
        access_domains=["gmail.com", "outlook.com", "web.de", "orange.fr", "example.com"],
    )  # fmt: skip


def plant_sqlite(places: Places) -> None:
    """A table of SQLite."""
    path = places.folder / "crm.db"
    statement = "create table notes (id text primary key, title, body, mark, uri, remark, readers, unread)"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)
        rows = [_row(places.supply, "sqlite", number) for number in range(3)]
        database.executemany("insert into notes values (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    places.changes.append(lambda: _execute(path, "delete from notes where id like '0 %'"))
    _table(places, "crm", f"sqlite:///{path}")


def plant_postgresql(places: Places) -> None:
    """A table on a real PostgreSQL, and a view that fails with a value in its error."""
    if postgres.ABSENT:
        places.absent.append("postgresql")
        return
    import sqlalchemy as sa

    url = places.stack.enter_context(postgres.postgres()).database()
    columns = "id text primary key, title text, body text, mark text, uri text, remark text, readers text, more text"
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as database:
        database.execute(sa.text(f"create table notes ({columns})"))
        for number in range(3):
            values = {f"v{n}": value for n, value in enumerate(_row(places.supply, "postgresql", number))}
            database.execute(sa.text("insert into notes values (:v0, :v1, :v2, :v3, :v4, :v5, :v6, :v7)"), values)
        broken = places.supply.hide("postgresql broken value")
        database.execute(
            sa.text("create table broken as select 1 as id, cast(:value as text) as body"), {"value": broken}
        )
        database.execute(sa.text("create view failing as select id, cast(body as int) as body from broken"))
    _table(places, "desk", url)


def _row(supply: Supply, place: str, number: int) -> tuple[str, ...]:
    return (
        f"{number} {supply.say(f'{place} id', plain=True)}", supply.say(f"{place} title"),
        f"{supply.say(f'{place} text')} {supply.mention(f'{place} prose')}", supply.hide(f"{place} mark"),
        f"https://crm.example/?q={quote(supply.say(f'{place} uri'))}", supply.say(f"{place} metadata"),
        supply.hide(f"{place} access"), supply.hide(f"{place} unread column"),
    )  # fmt: skip


def _table(places: Places, name: str, url: str) -> None:
    places.add(
        "sql", name, url=places.secret(f"RAGKIT_LEAKS_{name.upper()}", url), table="notes", id_column="id",
        title_column="title", text_columns=["body"], updated_column="mark", uri_column="uri",
        metadata_columns=["remark"], access_column="readers", access_prefix="g:crm|",
    )  # fmt: skip


def _execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)
