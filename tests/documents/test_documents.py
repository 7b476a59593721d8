"""Documents that are handed in: found, read by whom they are for, replaced, refused, deleted, gone from the disk."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ragkit import Principal
from ragkit.documents import handing_in
from ragkit.documents.receiving import clean_name
from ragkit.errors import (
    AccessDenied,
    ConfigError,
    ExternalIdTaken,
    HeldBack,
    ItemError,
    ItemRefused,
    NoSuchDocument,
    NotUploaded,
    RagkitError,
)
from ragkit.lifecycle.uploads import Settled, Uploads
from ragkit.store.key_schema import record_keys
from ragkit.store.originals import OriginalWriter
from ragkit.testing.uploading import Desk, change, make_desk, uploading
from ragkit.workspace import Workspace

BO = Principal("crm|bo", frozenset({"crm|staff"}))
EVE = Principal("crm|eve")
KAYAK = b"# Kayaks\n\nThe Ottermere kayak floats on every lake.\n"
CANOE = b"# Canoes\n\nThe Ottermere canoe carries two people.\n"


def keys(desk: Desk) -> set[str]:
    """The record keys of a workspace."""
    database = desk.workspace._handles.reader("handbook").store.database
    with database.key_file.read() as connection:
        return {row.place for row in connection.execute(record_keys.select())}


def test_what_is_handed_in_is_found_until_it_is_deleted(desk: Desk) -> None:
    """Found at once, gone at once: the original, its key, the key of the masked text, and every byte of it."""
    added = desk.documents.add(KAYAK, name="kayak-of-brandstetter.md", metadata={"topic": "boats"})
    assert (added.status, added.version, added.chunks) == ("indexed", 1, 1)
    assert desk.found("Ottermere kayak") == [added.doc_id]
    (original,) = desk.files()
    assert {f"u/{original.name}", f"d/{added.doc_id}/1"} <= keys(desk)
    assert not desk.holds("Ottermere kayak", "brandstetter")
    deleted = desk.documents.delete(added.doc_id)
    assert deleted.finished
    assert desk.found("Ottermere kayak") == []
    assert desk.files() == []
    left = {place for place in keys(desk) if original.name in place or added.doc_id in place}
    assert left == set()
    with pytest.raises(NoSuchDocument):
        desk.documents.get(added.doc_id)
    with pytest.raises(NoSuchDocument):
        desk.documents.delete(added.doc_id)


def test_a_document_is_shown_masked(desk: Desk) -> None:
    """Title, name and metadata are masked like the text; the passages come in order and by pages."""
    text = "# Complaint of galina.yalmanova@example.org\n\n" + "\n\n".join(
        f"## Part {number}\n\n" + f"Sentence {number} about the kayak. " * 30 for number in range(5)
    )
    added = desk.documents.add(
        io.BytesIO(text.encode()), name="x.md", metadata={"from": "galina.yalmanova@example.org"}
    )
    view = desk.documents.get(added.doc_id)
    assert "[EMAIL_ADDRESS:" in view.title
    assert "[EMAIL_ADDRESS:" in view.metadata["from"]
    assert (view.original, view.connector, view.status) == ("kept", "uploads", "indexed")
    found, cursor = list[int](), ""
    while True:
        page = desk.documents.passages(added.doc_id, cursor=cursor, limit=2)
        found += [one.place for one in page.passages]
        cursor = page.cursor
        if not cursor:
            break
    assert found == list(range(added.chunks))
    assert added.chunks > 4
    assert not desk.holds("galina.yalmanova")


def test_nobody_sees_what_is_not_for_them(desk: Desk) -> None:
    """The upload's own access list counts, for searching, listing, reading and its passages alike."""
    own = desk.documents.add(KAYAK, name="own.md", access=["u:local|ana"])
    staff = desk.documents.add(CANOE, name="staff.md")
    everybody = desk.documents.add(b"Ottermere opens at nine.", name="hours.txt", access=["pub"])
    sees = {
        None: {own.doc_id, staff.doc_id, everybody.doc_id},
        BO: {staff.doc_id, everybody.doc_id},
        EVE: {everybody.doc_id},
    }
    for principal, mine in sees.items():
        assert {one.doc_id for one in desk.documents.list(principal=principal).documents} == mine
        assert set(desk.found("Ottermere", principal=principal)) == mine
        for added in (own, staff, everybody):
            for look in (desk.documents.get, desk.documents.passages):
                if added.doc_id in mine:
                    look(added.doc_id, principal=principal)
                    continue
                with pytest.raises(NoSuchDocument) as hidden:
                    look(added.doc_id, principal=principal)
                with pytest.raises(NoSuchDocument) as absent:
                    look("a" * 26, principal=principal)
                assert (str(hidden.value), hidden.value.remedy) == (str(absent.value), absent.value.remedy)
    for verb in (desk.documents.delete, desk.documents.take_in):
        with pytest.raises(AccessDenied):
            verb(staff.doc_id, principal=BO)
    with pytest.raises(AccessDenied):
        desk.documents.add(KAYAK, name="x.md", principal=BO)


def test_pages_have_every_visible_document_once(desk: Desk) -> None:
    """Pages of two go through all that a principal sees; what others see leaves no gap that could be counted."""
    for number in range(5):
        desk.documents.hand_in(f"Notice {number}".encode(), name="n.txt", access=["pub"] if number % 2 else None)
    desk.documents.catch_up()
    for principal, many in ((None, 5), (EVE, 2)):
        found, cursor = list[str](), ""
        while True:
            page = desk.documents.list(principal=principal, cursor=cursor, limit=2)
            found += [one.doc_id for one in page.documents]
            cursor = page.cursor
            if not cursor:
                break
            assert len(page.documents) == 2
        assert len(found) == len(set(found)) == many
    with pytest.raises(RagkitError, match="cursor"):
        desk.documents.list(cursor="' OR 1=1")
    with pytest.raises(ConfigError):
        desk.documents.list(collection="nowhere")
    assert desk.documents.list(source="nowhere").documents == ()


def test_the_same_external_id_replaces(desk: Desk) -> None:
    """Same document, next version, the old original gone; the id itself is kept nowhere."""
    first = desk.documents.add(KAYAK, name="boat.md", external_id="order-of-brandstetter")
    before = desk.files()
    second = desk.documents.add(CANOE, name="boat.md", external_id="order-of-brandstetter")
    assert (second.doc_id, second.version) == (first.doc_id, 2)
    assert len(desk.files()) == 1
    assert desk.files() != before
    (hit,) = desk.workspace.search("Ottermere")
    assert "canoe" in hit.chunk.record
    again = desk.documents.add(CANOE, name="boat.md", external_id="order-of-brandstetter")
    assert again.version == 2, "what is the same is no new version"
    assert len(desk.files()) == 1
    assert not desk.holds("order-of-brandstetter")


REFUSED = {
    "malformed": ("x.pdf", b"%PDF-1.7 nothing of the kind"),
    "unsupported-type": ("x.7z", b"7z\xbc\xaf\x27\x1c" + b"\x00" * 64),
    "no-text": ("x.txt", b" \n\n \t"),
    "secret-found": ("x.txt", b"aws_access_key_id = AKIAIOSFODNN7EXAMPLA and that is the Ottermere secret"),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_is_refused_is_told_and_not_kept(desk: Desk, code: str) -> None:
    """The caller learns why and what to do; no original, no key, nothing in quarantine stays behind."""
    name, content = REFUSED[code]
    with pytest.raises(ItemError) as refused:
        desk.documents.add(content, name=name)
    assert refused.value.code == code
    assert refused.value.remedy
    assert desk.files() == []
    assert {place for place in keys(desk) if place.startswith("u/")} == set()
    assert desk.workspace.sync().quarantined == {}
    assert desk.documents.list().documents == ()


def test_a_refused_replacement_leaves_the_document_as_it_was(desk: Desk) -> None:
    """What answered before answers, original included; a later good one takes its place."""
    added = desk.documents.add(KAYAK, name="boat.md", external_id="7")
    with pytest.raises(ItemError):
        desk.documents.add(b"%PDF-1.7 no", name="boat.pdf", external_id="7")
    assert desk.found("Ottermere kayak") == [added.doc_id]
    assert desk.documents.get(added.doc_id).original == "kept"
    assert len(desk.files()) == 1
    assert desk.workspace.sync().quarantined == {}
    assert desk.documents.add(CANOE, name="boat.md", external_id="7").doc_id == added.doc_id


def test_fields_are_looked_over(desk: Desk) -> None:
    """A wrong access token, metadata that cannot be filtered on, too much of anything: refused, nothing kept."""
    bad: list[dict[str, object]] = [
        {"access": ["everybody"]},
        {"metadata": {"a b": "x"}},
        {"metadata": {"a": "x" * 1001}},
        {"metadata": {"a": "\ud800"}},
        {"metadata": {f"k{number}": "x" for number in range(33)}},
        {"external_id": ""},
        {"external_id": "x" * 501},
    ]
    for fields in bad:
        with pytest.raises(ItemRefused) as refused:
            desk.documents.hand_in(KAYAK, name="x.md", **fields)  # type: ignore[arg-type]
        assert refused.value.code == "bad-field"
    with pytest.raises(ItemRefused) as large:
        desk.documents.hand_in((b"x" * 100_000 for _ in range(30)), name="x.txt")
    assert large.value.code == "too-large"
    with pytest.raises(ItemRefused) as empty:
        desk.documents.hand_in(b"", name="x.txt")
    assert empty.value.code == "no-text"
    with pytest.raises(ConfigError, match="several sources of uploads, or none"):
        desk.documents.hand_in(KAYAK, name="x.md", source="nowhere")
    assert desk.files() == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd.md", "passwd.md"),
        ("C:\\Users\\ana\\secret.md", "secret.md"),
        ("a\x00b\x1b[31m\u202egpj.md", "a b [31m gpj.md"),
        ("", "document"),
        ("..", "document"),
        ("/", "document"),
        ("\ud800.txt", "txt"),
        ("x" * 4096 + ".md", "x" * 197 + ".md"),
        ("x" * 4096, "x" * 200),
    ],
)
def test_file_names_come_from_strangers(name: str, shown: str) -> None:
    """No path, no control character, no direction mark, no great length."""
    assert clean_name(name) == shown


def test_odd_names_do_no_harm(desk: Desk) -> None:
    """The worst names there are end as titles, and no file of that name is anywhere."""
    for number, name in enumerate(["../../../x.md", "\x00\x1b]0;hi\x07", "x" * 4096, "<script>alert(1)</script>.txt"]):
        desk.documents.hand_in(f"Ottermere notice {number}".encode(), name=name)
    desk.documents.catch_up()
    titles = [str(one.title) for one in desk.documents.list().documents]
    assert len(titles) == 4
    assert not [title for title in titles if any(ord(one) < 32 for one in title) or ".." in title]
    assert all(len(path.name) == 26 for path in desk.files())


def test_markup_comes_out_as_text(desk: Desk) -> None:
    """HTML, script and Markdown in a text document's title, name, metadata and body are characters like others."""
    evil = '<script>alert(1)</script> ![x](http://evil.example/x.png) <img src=x onerror="alert(1)">'
    added = desk.documents.add(
        f"{evil} Ottermere".encode(), name="n.txt", title=evil, metadata={"note": evil}, media_type="text/html; x"
    )
    view = desk.documents.get(added.doc_id)
    (passage,) = desk.documents.passages(added.doc_id).passages
    assert "<script>" in view.title
    assert "onerror" in view.metadata["note"]
    assert "<script>" in passage.text
    assert view.media_type == "text/plain", "what it is, its bytes say"


def test_another_sources_document_is_deleted_there(tmp_path: Path) -> None:
    """Its id is known to be seen, so the error may name the source; the file stays, here and there."""
    folder = make_desk(
        tmp_path,
        extra='[[collections.handbook.sources]]\nconnector = "files"\nname = "folder"\npath = "files"\n',
    )
    (folder / "files").mkdir()
    (folder / "files" / "a.md").write_bytes(KAYAK)
    with uploading(tmp_path) as desk:
        desk.workspace.sync()
        (view,) = desk.documents.list().documents
        assert (view.original, view.connector, view.source) == ("elsewhere", "files", "folder")
        with pytest.raises(NotUploaded) as refused:
            desk.documents.delete(view.doc_id)
        assert refused.value.remedy
        assert desk.found("Ottermere kayak") == [view.doc_id]


def test_a_collection_without_a_source_of_uploads_takes_none(tmp_path: Path) -> None:
    """The remedy is the two lines to write."""
    folder = make_desk(tmp_path)
    change(folder, r"(?s)\[\[collections.handbook.sources\]\].*", "")
    with Workspace.open(folder) as workspace, pytest.raises(ConfigError) as refused:
        workspace.documents.add(KAYAK, name="x.md")
    assert 'connector = "uploads"' in refused.value.remedy


def test_a_held_document_is_not_deleted(desk: Desk) -> None:
    """A legal hold stops the deletion before anything is done; after its release it works."""
    added = desk.documents.add(KAYAK, name="x.md")
    hold = desk.workspace.keeping.place_hold(document=added.doc_id, reason="case 7")
    with pytest.raises(HeldBack):
        desk.documents.delete(added.doc_id)
    assert desk.found("Ottermere") == [added.doc_id]
    assert len(desk.files()) == 1
    desk.workspace.keeping.release_hold(hold.hold, reason="over")
    assert desk.documents.delete(added.doc_id).finished
    assert desk.found("Ottermere") == []


def test_while_somebody_else_writes_an_upload_waits_and_a_deletion_counts(desk: Desk) -> None:
    """The upload is kept and found later; the deleted document is found by nobody from that moment on."""
    gone = desk.documents.add(KAYAK, name="x.md")
    writing, done = threading.Event(), threading.Event()

    def write() -> None:
        with desk.workspace._handles.writing("test"):
            writing.set()
            done.wait(60)

    other = threading.Thread(target=write)
    other.start()
    assert writing.wait(60)
    try:
        waits = desk.documents.add(CANOE, name="y.md")
        assert waits.status == "waiting"
        assert desk.documents.get(waits.doc_id).status == "waiting"
        with pytest.raises(NoSuchDocument):
            desk.documents.get(waits.doc_id, principal=BO)
        assert not desk.documents.delete(gone.doc_id).finished
        assert desk.found("Ottermere") == []
        assert set(desk.documents.waiting()) == {waits.doc_id, gone.doc_id}
        assert len(desk.files()) == 1
    finally:
        done.set()
        other.join()
    desk.documents.catch_up()
    assert desk.documents.waiting() == []
    assert desk.found("Ottermere") == [waits.doc_id]


def test_a_deleted_document_may_come_again(desk: Desk) -> None:
    """The same external id is the same document, and nothing of the deletion hides it."""
    first = desk.documents.add(KAYAK, name="x.md", external_id="7")
    desk.documents.delete(first.doc_id)
    second = desk.documents.add(KAYAK, name="x.md", external_id="7")
    assert second.doc_id == first.doc_id
    assert desk.found("Ottermere") == [first.doc_id]
    desk.documents.take_back(first.doc_id)
    assert desk.found("Ottermere") == []
    third = desk.documents.add(KAYAK, name="x.md", external_id="7")
    assert desk.found("Ottermere") == [third.doc_id]


def test_a_refusal_is_told_although_another_sync_was_quicker(desk: Desk) -> None:
    """Whichever sync meets the upload first refuses it; who handed it in is told all the same."""
    kept = desk.documents.add(KAYAK, name="boat.md", external_id="7")
    for external_id in ("7", None):
        waits = desk.documents.hand_in(b"%PDF-1.7 no", name="x.pdf", external_id=external_id)
        desk.workspace.sync()
        with pytest.raises(ItemError) as refused:
            desk.documents.take_in(waits)
        assert refused.value.code == "malformed"
    assert desk.documents.add(CANOE, name="boat.md", external_id="7").doc_id == kept.doc_id
    other = desk.documents.hand_in(KAYAK, name="x.md")
    desk.documents.take_back(other)
    with pytest.raises(NoSuchDocument):
        desk.documents.take_in(other)


THREE = '[roles]\ningesters = ["u:local|ana", "g:crm|staff", "u:crm|eve"]\n'


def test_anothers_upload_is_replaced_only_by_who_may_see_it(tmp_path: Path) -> None:
    """Knowing its external id is not enough, indexed or waiting; who handed it in may, and who reads it may."""
    with uploading(tmp_path, extra=THREE) as desk:
        own = desk.documents.add(KAYAK, name="x.md", access=["u:local|ana"], external_id="7", principal=EVE)
        staff = desk.documents.add(KAYAK, name="x.md", external_id="9")
        waits = desk.documents.hand_in(KAYAK, name="x.md", external_id="8", principal=EVE)
        for external_id in ("7", "8"):
            with pytest.raises(ExternalIdTaken) as refused:
                desk.documents.add(CANOE, name="y.md", access=["pub"], external_id=external_id, principal=BO)
            assert own.doc_id not in str(refused.value) + refused.value.remedy
        assert len(desk.files()) == 3
        assert desk.found("Ottermere canoe", principal=EVE) == []
        again = desk.documents.add(CANOE, name="x.md", access=["g:crm|staff"], external_id="7", principal=EVE)
        assert (again.doc_id, again.version) == (own.doc_id, 2), "who handed it in, though she does not see it"
        assert desk.documents.add(CANOE, name="x.md", external_id="9", principal=BO).doc_id == staff.doc_id
        desk.documents.delete(waits)
        assert desk.documents.hand_in(CANOE, name="x.md", external_id="8", principal=BO) == waits, "free again"


def test_the_quicker_of_two_has_an_external_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes in between the first look and the row is not replaced."""
    with uploading(tmp_path, extra=THREE) as desk:

        def quicker(*_: object) -> None:
            monkeypatch.undo()
            desk.documents.hand_in(KAYAK, name="x.md", access=["u:crm|eve"], external_id="7", principal=EVE)

        monkeypatch.setattr(OriginalWriter, "finish", _after(OriginalWriter.finish, quicker))
        with pytest.raises(ExternalIdTaken):
            desk.documents.hand_in(CANOE, name="x.md", external_id="7", principal=BO)
        assert len(desk.files()) == 1


def _after(method: Callable[..., None], then: Callable[..., None]) -> Callable[..., None]:
    def both(self: OriginalWriter, *given: object) -> None:
        method(self, *given)
        then()

    return both


def test_who_handed_a_document_in_may_delete_it_unseen(tmp_path: Path) -> None:
    """She may take back what she gave, and read it no more than before; another who does not see it may not."""
    with uploading(tmp_path, extra=THREE) as desk:
        added = desk.documents.add(KAYAK, name="x.md", access=["u:local|ana"], principal=EVE)
        with pytest.raises(NoSuchDocument):
            desk.documents.delete(added.doc_id, principal=BO)
        with pytest.raises(NoSuchDocument):
            desk.documents.get(added.doc_id, principal=EVE)
        assert desk.documents.delete(added.doc_id, principal=EVE).finished
        assert (desk.files(), desk.found("Ottermere")) == ([], [])


@pytest.mark.parametrize(("settles", "error"), [(True, NoSuchDocument), (False, ItemError)])
def test_nothing_is_said_to_be_found_that_is_not(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, settles: bool, error: type[Exception]
) -> None:
    """Another sync refused it and another document waits in its place; or nobody has drawn the consequences yet."""
    bad = desk.documents.hand_in(b"%PDF-1.7 no", name="x.pdf", external_id="7")

    def quicker(*_: object, **__: object) -> None:
        desk.workspace.sync()
        if settles:
            desk.documents.hand_in(KAYAK, name="x.md", external_id="7")

    if not settles:
        monkeypatch.setattr(Uploads, "settle", lambda *_, **__: Settled())
    monkeypatch.setattr(handing_in, "sync_collections", quicker)
    with pytest.raises(error):
        desk.documents.take_in(bad)
    monkeypatch.undo()
    desk.documents.take_back(bad)
