"""A person is erased: denied at once, gone from rows, texts, keys and bytes, and stays gone; others keep theirs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragkit.audit.schema import check as check_event
from ragkit.crypto import signing_public_key
from ragkit.errors import HeldBack, KeyDestroyed, StoreError, SubjectUnclear
from ragkit.lifecycle.bytescan import PatternScanner, spellings
from ragkit.lifecycle.erase import ErasureReport
from ragkit.lifecycle.holds import Holds
from ragkit.lifecycle.receipts import verify
from ragkit.lifecycle.replay import replay
from ragkit.lifecycle.subject import further_items
from ragkit.store.records import check
from ragkit.testing.erasable import ErasableIngest
from ragkit.testing.light import ROOT_KEY
from ragkit.testing.stages import text_item
from ragkit.types import SourceItem

TERMS = {
    "Ada Byronova": "PERSON",
    "Byronova": "PERSON",
    "Bob Byronova": "PERSON",
    "Grace Hopperton": "PERSON",
    "ada.byronova@mail.example": "EMAIL_ADDRESS",
    "grace@mail.example": "EMAIL_ADDRESS",
    "bob@mail.example": "EMAIL_ADDRESS",
    "+49 30 901820": "PHONE_NUMBER",
    "+49 30 555012": "PHONE_NUMBER",
    "KD-471199": "CUSTOMER_NUMBER",
    "KD-471200": "CUSTOMER_NUMBER",
}
ADA = (
    "Name: Ada Byronova\nE-mail: ada.byronova@mail.example\nPhone: +49 30 901820\nCustomer number: KD-471199\n\n"
    "She called about her tent.\n\nAda Byronova will call again."
)
SOURCE: dict[str, str | SourceItem] = {
    "ada byronova.txt": ADA,
    "home.txt": "Name: Ada Byronova\nPhone: +49 30 555012\n\nName: Bob Byronova\nPhone: +49 30 555012\n"
    "E-mail: bob@mail.example",
    "policy.txt": text_item(
        "policy.txt",
        "Ask Grace Hopperton, grace@mail.example.\n\nIn her absence ask Ada Byronova.\n\nBe kind.",
        title="Who to ask",
        metadata={"author": "Ada Byronova"},
    ),
    "missed.txt": "Nobody saw that ada byronova was here.\n\nNothing else.",
    "grace.txt": "Name: Grace Hopperton\nE-mail: grace@mail.example\nCustomer number: KD-471200",
}
GONE = ("ada byronova", "ada.byronova", "901820", "471199")
KEPT = ("Bob Byronova", "555012", "bob@mail.example", "Grace Hopperton", "471200", "Be kind")


def begun(folder: Path) -> ErasableIngest:
    """A synced store."""
    light = ErasableIngest(folder, TERMS)
    light.sync(SOURCE)
    return light


def traces(folder: Path, values: tuple[str, ...] = GONE) -> list[str]:
    """Values found in the bytes of any file."""
    patterns = [one for number, value in enumerate(values) for one in spellings(value, number)]
    return [f"{values[one.item]} in {Path(one.where).name}" for one in PatternScanner(patterns).scan_tree(folder)]


def named(light: ErasableIngest) -> list[str]:
    """Values of Ada's that somebody is still shown."""
    shown = light.shown().casefold()
    return [value for value in GONE if value in shown]


@pytest.fixture
def light(tmp_path: Path) -> ErasableIngest:
    """A synced store of one's own."""
    return begun(tmp_path)


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> tuple[ErasableIngest, ErasureReport]:
    """The same after Ada was erased; for tests that only read."""
    light = begun(tmp_path_factory.mktemp("erased"))
    assert named(light)
    return light, light.erase("ada.byronova@mail.example")


def test_the_person_is_gone_and_others_are_not(erased: tuple[ErasableIngest, ErasureReport]) -> None:
    """Nothing of hers is shown, detected or not; everything of others is."""
    light, report = erased
    assert report.complete
    assert report.levels == {"L0": "true", "L1": "true", "L2": "true", "L3": "true"}
    assert named(light) == []
    shown = light.shown()
    assert [value for value in KEPT if value not in shown] == []
    assert traces(light.folder) == []
    assert light.find("Ada Byronova") == []
    assert light.find("Grace Hopperton")
    check(light.database)


def test_only_what_is_about_nobody_else_is_deleted(erased: tuple[ErasableIngest, ErasureReport]) -> None:
    """Her own file goes; the policy, the home of two and the text that nobody masked stay, redacted."""
    light, report = erased
    assert len(report.deleted) == 1
    assert len(report.redacted) == 3
    texts = light.texts()
    assert "ada byronova.txt" not in texts
    assert "In her absence ask [PERSON]." in texts["policy.txt"]
    assert texts["missed.txt"][0] == "Nobody saw that [PERSON] was here."
    assert {hit.metadata["author"] for hit in light.hits() if hit.metadata} == {"[PERSON]"}


def test_a_shared_number_stays_where_it_is_anothers(erased: tuple[ErasableIngest, ErasureReport]) -> None:
    """The telephone of her home is Bob's too: it stays, and the receipt says so."""
    light, report = erased
    assert report.shared == {"PHONE_NUMBER": 1}
    assert "+49 30 555012" in light.shown()


def test_keys_are_destroyed(erased: tuple[ErasableIngest, ErasureReport]) -> None:
    """No record key of her file, of her values, or of what was redacted is left."""
    light, report = erased
    records = light.collection.records
    for doc_id in report.deleted:
        assert not records.has(f"d/{doc_id}/1")
        with pytest.raises(KeyDestroyed):
            records.unwrap(f"d/{doc_id}/1", b"RK1:" + bytes(90))
    assert all(not records.has(f"d/{doc_id}/1") and records.has(f"d/{doc_id}/2") for doc_id in report.redacted)


def test_the_receipt_is_signed_and_tells_nothing(erased: tuple[ErasableIngest, ErasureReport]) -> None:
    """It verifies; one changed character shows; it holds no value and no name; what is out of reach is in it."""
    _, report = erased
    public = signing_public_key(ROOT_KEY)
    verdict = verify(report.receipt, public=public)
    assert verdict.ok
    facts = verdict.receipt
    assert [facts["levels"][level]["reached"] for level in ("L0", "L1", "L2", "L3")] == ["true"] * 4
    assert facts["levels"]["L2"]["looked_at"]["files"] > 1
    assert facts["out_of_scope"]
    assert facts["shared"] == {"PHONE_NUMBER": 1}
    assert [one["source"] for one in facts["sources_still_naming"]] == ["list"]
    assert len(facts["sources_still_naming"][0]["documents"]) == 4
    text = report.receipt.casefold()
    assert not [value for value in (*GONE, "byronova", "policy.txt") if value in text]
    assert verify(report.receipt.replace('"L2"', '"L4"'), public=public).reason == "altered"
    assert verify(report.receipt, public=signing_public_key(bytes(32))).reason == "other-key"
    assert verify("{}").reason == "malformed"
    assert "." not in "".join(str(value) for value in json.loads(report.receipt)["receipt"]["steps"].values())


def test_events_fit_the_catalogue(erased: tuple[ErasableIngest, ErasureReport]) -> None:
    """Each step leaves an event without content."""
    light, _ = erased
    events = [event for event in light.recorder.events if event.kind.startswith(("erasure.", "key.", "doc.rewritten"))]
    for event in events:
        check_event(event.kind, event.data)
    steps = [event.data["step"] for event in events if event.kind == "erasure.step"]
    assert steps == ["freeze", "survey", "keys", "rows", "evidence", "indexes", "caches", "bytes", "verify"]
    assert not [value for value in GONE if value in repr(events).casefold()]


def test_the_plan_is_wiped(erased: tuple[ErasableIngest, ErasureReport]) -> None:
    """Nothing of the plan is kept once the receipt is there."""
    light, report = erased
    rows = light.database.key_file.look("SELECT sealed, closed_at FROM requests WHERE request = ?", (report.request,))
    assert rows[0][0] == b""
    assert rows[0][1]
    assert light.database.key_file.look("SELECT count(*) FROM denials")[0][0] == 0


def test_it_stays_erased(light: ErasableIngest) -> None:
    """Synced again, touched, changed, masked again under another software: still absent; a file about another comes."""
    report = light.erase("Ada Byronova")
    assert report.complete
    for changed in (
        SOURCE,
        {**SOURCE, "ada byronova.txt": ADA + "\n\nTouched."},
        {**SOURCE, "new.txt": "Ada Byronova, ada.byronova@mail.example, and ADA BYRONOVA (KD 471199)."},
    ):
        light.sync(changed)
        assert named(light) == []
        assert "ada byronova.txt" not in light.texts()
    assert light.vault.reveal(light.texts()["new.txt"][0])[0].startswith("[PERSON], [EMAIL_ADDRESS], and [PERSON]")
    assert light.store.inventory().quarantined == {"erased": 1}
    light.database.checkpoint_truncate()
    assert traces(light.folder) == []


def test_a_place_of_another_content_comes_in_again(tmp_path: Path) -> None:
    """A file that was hers stays away while it names her, and no longer when another one takes its place."""
    light = ErasableIngest(tmp_path, TERMS)
    light.sync({"file 17.txt": ADA, "grace.txt": SOURCE["grace.txt"]})
    assert len(light.erase("Ada Byronova").deleted) == 1
    assert light.sync({"file 17.txt": ADA + " Touched.", "grace.txt": SOURCE["grace.txt"]}).exit_code == 0
    assert "file 17.txt" not in light.texts()
    light.sync({"file 17.txt": "The price list of next year.", "grace.txt": SOURCE["grace.txt"]})
    assert any("The price list" in hit.chunk.record for hit in light.hits())


def test_no_source_name_comes_back(light: ErasableIngest) -> None:
    """The file name that named her is stored nowhere any more, sealed or not, after a sync that meets it again."""
    light.erase("Ada Byronova")
    light.sync({**SOURCE, "ada byronova.txt": ADA + "\n\nTouched.", "ada byronova 2.txt": "Nothing."})
    names = light.store.native_ids([doc_id for _, doc_id, _ in light.store.quarantined()])
    assert not [name for name in names.values() if "byronova" in name]
    every = light.store.native_ids(sorted({hit.doc_id for hit in light.hits()}))
    assert not [name for name in every.values() if "ada byronova" in name]


def test_a_hold_is_stronger(light: ErasableIngest) -> None:
    """A held document of hers stops the erasure before anything is done; the preview names the hold."""
    doc_id = light.find("Ada Byronova")[0].documents[0].doc_id
    hold = Holds(light.database, light.collection).place("document", doc_id=doc_id, reason="case 7")
    assert light.erasure.preview(light.find("Ada Byronova")[0]).holds == (hold.hold,)
    with pytest.raises(HeldBack) as refused:
        light.erase("Ada Byronova")
    assert refused.value.holds == (hold.hold,)
    assert named(light)
    Holds(light.database, light.collection).release(hold.hold, reason="over")
    assert light.erase("Ada Byronova").complete


def test_a_preview_writes_nothing_and_tells_what_is_done(light: ErasableIngest) -> None:
    """What a dry run tells is what the erasure does."""
    before = {path.name: path.read_bytes() for path in light.folder.iterdir() if path.suffix == ".db"}
    told = light.erasure.preview(light.find("Ada Byronova")[0])
    assert {path.name: path.read_bytes() for path in light.folder.iterdir() if path.suffix == ".db"} == before
    done = light.erase("Ada Byronova")
    for name in ("deleted", "redacted", "destroyed", "shared", "uncertain", "naming"):
        assert getattr(told, name) == getattr(done, name), name
    assert not told.request


def test_documents_can_be_kept_or_deleted(light: ErasableIngest) -> None:
    """``keep_documents`` redacts her own file too; ``delete_documents`` deletes another."""
    policy = next(hit.doc_id for hit in light.hits() if hit.metadata)
    report = light.erase("Ada Byronova", keep_documents=True, delete_documents=[policy])
    assert report.complete
    assert report.deleted == (policy,)
    texts = light.shown()
    assert "She called about her tent." in texts
    assert "Be kind" not in texts
    assert named(light) == []


def test_what_nothing_detected_goes_when_an_officer_names_it(tmp_path: Path) -> None:
    """A maiden name that no detector knew stands in clear; told of it, the erasure finds it, and it stays away."""
    light = ErasableIngest(tmp_path, TERMS)
    source = SOURCE | {"choir.txt": "In the choir sings Adalind Kruskova, since May."}
    light.sync(source)
    assert "Kruskova" in light.shown()
    for another in ("Grace Hopperton", "grace@mail.example"):
        with pytest.raises(SubjectUnclear):
            further_items(light.store, light.vault, light.find("KD-471199")[0], [another])
    for unclear in ("471 199 00", "…"):
        with pytest.raises(SubjectUnclear, match="type"):
            further_items(light.store, light.vault, light.find("KD-471199")[0], [unclear])
    given = ["Adalind Kruskova", "ada@new.example", "UNIQUE_ID=Z-9"]
    further = further_items(light.store, light.vault, light.find("KD-471199")[0], given)
    assert [kind for kind, _ in further] == ["PERSON", "EMAIL_ADDRESS", "UNIQUE_ID"]
    assert light.erase("KD-471199", further=further).complete
    assert "Kruskova" not in light.shown()
    light.sync(source | {"choir.txt": "In the choir sings ADALIND KRUSKOVA, and more."})
    assert "kruskova" not in light.shown().casefold()
    assert "and more" in light.shown()
    assert traces(light.folder, ("kruskova",)) == []


def test_a_kill_while_cleaning_up_is_made_good(light: ErasableIngest) -> None:
    """Everything was done and stated, and the copy of the key file still has the plan: going on makes it anew."""
    erasure, renewed = light.erasure, []
    erasure._ground.renew = lambda: renewed.append(1) or ""
    assert erasure.resume() == []
    assert renewed == [1]


def test_unknown_documents_and_people_of_nothing_are_refused(light: ErasableIngest) -> None:
    """Nothing is begun that cannot be done."""
    person = light.find("Ada Byronova")[0]
    with pytest.raises(StoreError, match="not here"):
        light.erasure.begin(person, purpose="", delete_documents=["x" * 26])
    with pytest.raises(StoreError, match="no such open request"):
        light.erasure.run("0" * 32)
    assert light.erasure.resume() == []


def test_readers_are_told_at_once(light: ErasableIngest) -> None:
    """After the first step, with everything still stored, another open store shows nothing of hers."""
    other = ErasableIngest(light.folder, TERMS, writable=False)
    assert named(other)
    request = light.erasure.begin(light.find("Ada Byronova")[0], purpose="")
    from ragkit.lifecycle.erase_plan import Plan
    from ragkit.lifecycle.erase_steps import freeze
    from ragkit.store.requests import Requests

    entry = Requests(light.database.key_file, light.collection).find(request)
    assert entry is not None
    freeze(light.ground, request, Plan.from_json(entry.plan))
    texts = [text for some in other.texts().values() for text in some]
    shown = other.vault.reveal("\n".join(texts))[0].casefold()
    assert [value for value in GONE if value in shown and value != "ada byronova"] == []
    assert "She called" not in shown
    assert light.erasure.resume()[0].complete


def test_a_restored_store_is_erased_again(light: ErasableIngest, tmp_path: Path) -> None:
    """A record store of before, put back beside the key file of now: replayed, she is absent; the rest answers."""
    light.database.checkpoint_truncate()
    backup = (light.folder / "records.db").read_bytes()
    light.erase("Ada Byronova")
    light.database.close()
    for name in ("records.db-wal", "records.db-shm"):
        (light.folder / name).unlink(missing_ok=True)
    (light.folder / "records.db").write_bytes(backup)
    from ragkit.lifecycle.restore_reconcile import drop_unreadable

    again = ErasableIngest(light.folder, TERMS)
    drop_unreadable(again.store)
    replay(again.store, again.vault, again.rulings, again.embedder, recorder=again.recorder)
    assert named(again) == []
    assert "Grace Hopperton" in again.shown()
    again.sync(SOURCE)
    assert named(again) == []
    assert "ada byronova.txt" not in again.texts()
    assert [value for value in KEPT if value not in again.shown()] == []
    again.database.checkpoint_truncate()
    assert traces(again.folder) == []
