"""``/v1/documents``, ``/v1/sync``, ``/v1/jobs``: what comes in, what is refused, and that nothing is left in clear."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ragkit.serve import jobs
from ragkit.serve.writer import writer_of
from ragkit.testing.bytescan import ByteScanner
from ragkit.testing.canaries import Canary
from ragkit.testing.in_process import Local, in_process
from ragkit.testing.uploading import make_desk

OPEN = (
    '[[collections.handbook.sources]]\nconnector = "files"\nname = "folder"\npath = "files"\n'
    '[serve]\nauthentication = "unsafe_none"\nlimits = { upload_bytes = 700000 }\n'
)
MAIL, NAME, IDENTITY = "ottokar.brandstetter@example.org", "brandstetter-divorce.md", "brandstetter-7731"
KAYAK = f"# Kayaks\n\nThe Ottermere kayak of {MAIL} floats.\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a source of uploads and one of files."""
    made = make_desk(tmp_path_factory.mktemp("uploads"), extra=OPEN)
    (made / "files").mkdir()
    text = "\n\n".join(f"# Part {n}\n\n" + f"Nothing of note {n}. " * 40 for n in range(30))
    (made / "files" / "a.md").write_text(text)
    return made


@pytest.fixture(scope="module")
def local(folder: Path) -> Iterator[Local]:
    """A service over it, synced by its own route."""
    with in_process(folder) as made:
        job = _over(made, made.client.post("/v1/sync", json={"source": "folder"}))
        assert (job["status"], job["report"]["added"]) == ("done", 1), job
        yield made


def _over(local: Local, reply: Any) -> dict[str, Any]:
    """The job of a reply, when it is over."""
    assert reply.status_code == 202, reply.text
    while True:
        job: dict[str, Any] = local.client.get(f"/v1/jobs/{reply.json()['id']}").json()
        if job["ended"]:
            return job
        time.sleep(0.05)


def _found(local: Local, question: str) -> list[str]:
    hits = local.client.post("/v1/search", json={"question": question}).json()["hits"]
    return [hit["document"] for hit in hits if "Ottermere" in hit["text"]]


def test_upload_list_read_delete(local: Local) -> None:
    """A form is taken, found by a question, listed, read masked by pages, and gone after its deletion."""
    client = local.client
    fields = {"metadata": json.dumps({"from": MAIL}), "external_id": IDENTITY, "access": ["u:local|ana"]}
    reply = client.post("/v1/documents", data=fields, files={"file": (NAME, KAYAK.encode(), "application/pdf")})
    assert reply.status_code == 201, reply.text
    added = reply.json()
    assert reply.headers["location"] == f"/v1/documents/{added['id']}"
    assert _found(local, "Ottermere kayak") == [added["id"]]
    (listed,) = client.get("/v1/documents", params={"source": "uploads"}).json()["documents"]
    assert listed == client.get(f"/v1/documents/{added['id']}").json()
    assert listed["media_type"] == "text/markdown", "what it is, its bytes and name say"
    assert "[EMAIL_ADDRESS:" in listed["metadata"]["from"]
    (passage,) = client.get(f"/v1/documents/{added['id']}/passages").json()["passages"]
    assert "[EMAIL_ADDRESS:" in passage["text"]
    again = client.post("/v1/documents", data={"external_id": IDENTITY}, files={"file": (NAME, b"An Ottermere canoe")})
    assert (again.json()["id"], again.json()["version"]) == (added["id"], 2)
    assert client.delete(f"/v1/documents/{added['id']}").status_code == 204
    assert _found(local, "Ottermere") == []
    gone = client.get(f"/v1/documents/{added['id']}")
    never = client.get(f"/v1/documents/{'a' * 26}")
    without = [{**one.json()["error"], "request_id": ""} for one in (gone, never)]
    assert (gone.status_code, without[0]) == (404, without[1])
    assert client.delete(f"/v1/documents/{added['id']}").status_code == 404


def test_a_body_without_a_form_and_a_job(local: Local) -> None:
    """The document itself may be the body; without waiting there is a job, which tells what came of it."""
    raw = local.client.post(
        "/v1/documents", content=b"Ottermere opens at nine.", headers={"Content-Type": "text/plain"}
    )
    assert raw.status_code == 201, raw.text
    form = {"document": json.dumps({"wait": False, "title": "Opening <b>hours</b>", "name": "../x.txt"})}
    begun = local.client.post("/v1/documents", data=form, files={"file": ("y.txt", b"Ottermere closes at six.")})
    job = _over(local, begun)
    assert (job["status"], job["kind"], job["error"]) == ("done", "upload", None)
    view = local.client.get(f"/v1/documents/{job['report']['id']}").json()
    assert view["title"] == "Opening <b>hours</b>"
    for one in (raw.json()["id"], view["id"]):
        assert local.client.delete(f"/v1/documents/{one}").status_code == 204


REFUSED = {
    "malformed": ("x.pdf", b"%PDF-1.7 nothing of the kind", 422),
    "secret-found": ("x.txt", b"aws_access_key_id = AKIAIOSFODNN7EXAMPLA and more", 422),
    "no-text": ("x.txt", b"", 422),
    "body_too_large": ("x.txt", b"x" * 720_000, 413),
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_refusal_says_why_and_what_to_do(local: Local, folder: Path, code: str) -> None:
    """The code and remedy of a quarantine are in the reply, and nothing is kept."""
    name, content, status = REFUSED[code]
    reply = local.client.post("/v1/documents", files={"file": (name, content)})
    assert reply.status_code == status, reply.text
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (status, code), reply.text
    assert error["remedy"]
    assert not [path for path in (folder / ".ragkit" / "uploads").rglob("*") if path.is_file()]


BAD: dict[str, tuple[dict[str, str], bytes]] = {
    "no boundary": ({"Content-Type": "multipart/form-data"}, b"--x\r\n"),
    "cut": ({"Content-Type": "multipart/form-data; boundary=x"}, b'--x\r\nContent-Disposition: form-data; name="fi'),
    "not a form": ({"Content-Type": "multipart/form-data; boundary=x"}, b"hello"),
    "nothing": ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--\r\n"),
    "unknown field": (
        {"Content-Type": "multipart/form-data; boundary=x"},
        b'--x\r\nContent-Disposition: form-data; name="evil"\r\n\r\n1\r\n--x--\r\n',
    ),
    "a part without a name": (
        {"Content-Type": "multipart/form-data; boundary=x"},
        b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n",
    ),
    "two documents": (
        {"Content-Type": "multipart/form-data; boundary=x"},
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n1\r\n' * 2 + b"--x--\r\n",
    ),
    "bad json": (
        {"Content-Type": "multipart/form-data; boundary=x"},
        b'--x\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{\r\n--x--\r\n',
    ),
    "collection too late": (
        {"Content-Type": "multipart/form-data; boundary=x"},
        (
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n1\r\n'
            b'--x\r\nContent-Disposition: form-data; name="collection"\r\n\r\nhandbook\r\n--x--\r\n'
        ),
    ),
    "many parts": (
        {"Content-Type": "multipart/form-data; boundary=x"},
        b'--x\r\nContent-Disposition: form-data; name="access"\r\n\r\npub\r\n' * 70 + b"--x--\r\n",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_form_is_refused_and_leaves_nothing(local: Local, folder: Path, case: str) -> None:
    """Malformed, cut, late, too much: 400 in the one shape of errors, and no file."""
    headers, body = BAD[case]
    reply = local.client.post("/v1/documents", content=body, headers=headers)
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["code"] == "bad_form"
    assert not [path for path in (folder / ".ragkit" / "uploads").rglob("*") if path.is_file()]


def test_a_document_of_a_folder_is_deleted_there(local: Local) -> None:
    """409, and it says where."""
    (view,) = local.client.get("/v1/documents", params={"source": "folder"}).json()["documents"]
    reply = local.client.delete(f"/v1/documents/{view['id']}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "not_uploaded")


def test_a_parameter_given_twice_is_refused(local: Local) -> None:
    """A proxy might go by the other one of the two."""
    reply = local.client.get("/v1/documents", params=[("source", "folder"), ("source", "uploads")])
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_request")
    assert local.client.get("/v1/documents", params={"source": "folder"}).status_code == 200


def test_jobs_of_syncs(local: Local) -> None:
    """A dry run tells counts; an unknown source is no job; a job that nobody began is not there."""
    job = _over(local, local.client.post("/v1/sync", json={"dry_run": True}))
    assert (job["status"], job["report"]["unchanged"], job["report"]["dry_run"]) == ("done", 1, True)
    assert local.client.post("/v1/sync", json={"source": "nowhere"}).status_code == 400
    assert local.client.get("/v1/jobs/nothing").status_code == 404
    assert local.client.delete("/v1/jobs/nothing").status_code == 404
    assert local.client.delete(f"/v1/jobs/{job['id']}").json()["status"] == "done", "what is over stays as it is"


def test_who_is_told_to_come_again_left_no_document(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the same document is there twice when they did. What was kept when others were quicker is taken in."""
    documents = local.tenants.first.workspace.documents
    before = documents.waiting()
    monkeypatch.setattr(jobs, "MOST_OF_ONE", 0)
    sent = {"data": {"wait": "false"}, "files": {"file": ("x.txt", b"Ottermere is full.")}}
    refused = local.client.post("/v1/documents", **sent)  # type: ignore[arg-type]
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert documents.waiting() == before
    monkeypatch.setattr(jobs.Jobs, "require_room", lambda *_: None)
    taken = _over(local, local.client.post("/v1/documents", **sent))  # type: ignore[arg-type]
    assert taken["status"] == "done"
    monkeypatch.undo()
    assert local.client.delete(f"/v1/documents/{taken['report']['id']}").status_code == 204


def test_an_upload_whose_job_is_stopped_is_said_to_be_kept(local: Local) -> None:
    """202 with the cancelled job, not an error: the document is there, and the next sync makes it findable."""
    first = local.tenants.first
    busy, go = threading.Event(), threading.Event()
    blocker = writer_of(first).submit("test", lambda _: (busy.set(), go.wait(60)))
    assert busy.wait(60)
    replies: list[Any] = []
    sent = {"files": {"file": ("x.txt", b"Ottermere is flooded.")}}
    other = threading.Thread(target=lambda: replies.append(local.client.post("/v1/documents", **sent)))  # type: ignore[arg-type]
    other.start()
    try:
        while not (waits := [one for one in jobs.jobs_of(first)._every.values() if one.status == "waiting"]):
            time.sleep(0.02)
        assert local.client.delete(f"/v1/jobs/{waits[0].id}").status_code == 202
        other.join(60)
    finally:
        go.set()
        blocker.future.result(60)
    (reply,) = replies
    assert (reply.status_code, reply.json()["status"]) == (202, "cancelled"), reply.text
    place = reply.headers["Location"]
    assert local.client.get(place).json()["status"] == "waiting"
    assert _over(local, local.client.post("/v1/sync", json={"source": "uploads"}))["status"] == "done"
    assert local.client.get(place).json()["status"] == "indexed"
    assert local.client.delete(place).status_code == 204


def test_what_waited_is_taken_in_at_the_start(folder: Path) -> None:
    """An upload of before a crash is found after the next start, without anybody asking for a sync."""
    with in_process(folder) as first:
        documents = first.tenants.first.workspace.documents
        waiting = documents.hand_in(b"Ottermere has moved.", name="x.txt")
    with in_process(folder) as second:
        until = time.monotonic() + 60
        while _found(second, "Ottermere has moved") != [waiting]:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert second.client.delete(f"/v1/documents/{waiting}").status_code == 204


def test_nothing_of_an_upload_is_anywhere_in_clear(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not its name, metadata, own id, access list's person or content: in no file, no log line and no error.

    Temporary files included: a form of several hundred kilobytes goes to the encrypted file and to nothing else.
    """
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    secret = "u:crm|ottokar.brandstetter"
    large = KAYAK.encode() + b" " * 600_000
    fields = {"metadata": json.dumps({"from": MAIL}), "external_id": IDENTITY, "access": [secret, "u:local|ana"]}
    said = []
    with in_process(folder) as local:
        said += [
            local.client.post("/v1/documents", data=fields, files={"file": (NAME, content)}).text
            for content in (KAYAK.encode(), b"%PDF-1.7 " + KAYAK.encode())
        ]
        begun = local.client.post("/v1/documents", data={"wait": "false"}, files={"file": (NAME, large)})
        local.client.delete(f"/v1/jobs/{begun.json()['id']}")
        fields["access"] = [MAIL]
        said.append(local.client.post("/v1/documents", data=fields, files={"file": (NAME, b"x")}).text)
        said.append(local.client.post("/v1/documents", data={MAIL: "1"}, files={"file": (NAME, b"x")}).text)
        said.append(json.dumps([view["title"] for view in local.client.get("/v1/documents").json()["documents"]]))
        said.append(local.client.get("/metrics").text)
        for view in local.client.get("/v1/documents", params={"source": "uploads"}).json()["documents"]:
            local.client.delete(f"/v1/documents/{view['id']}")
        lines = local.lines.getvalue()
    needles = [MAIL, "brandstetter", IDENTITY, "Ottermere kayak of"]
    scanner = ByteScanner([Canary("TEXT", one, (one,), one) for one in needles])
    assert not scanner.scan_tree(folder / ".ragkit")
    assert not scanner.scan_tree(tmp_path)
    assert not scanner.scan_bytes("\n".join([*said, lines]).encode(), where="said")
    assert scanner.scan_bytes(large, where="the document"), "the scan would see it"
