"""The main job: folders in, personal data masked, a question answered with citations, in step with the folders."""

from __future__ import annotations

import shutil
import unicodedata
from pathlib import Path

import pytest

from ragkit import Principal, open_workspace
from ragkit.errors import AccessDenied, KeyMismatch, ManifestMismatch, MassDeletion, RagkitError
from ragkit.workspace import Workspace

from .conftest import DOCUMENTS, MakeWorkspace, write_documents

STRANGER = Principal("local|eve")


def test_a_question_is_answered_with_a_citation_into_the_source(shop: Workspace) -> None:
    """The answer's citation points at the very characters of the parsed source."""
    answer = shop.ask("How long is the warranty on a tent?")
    assert not answer.refused
    assert "five years" in answer.text
    cited = answer.citations[0]
    assert cited.marker == 1
    assert "five years" in cited.quote
    assert cited.title == "Warranty"
    assert cited.end - cited.start == len(cited.quote)


def test_a_question_without_an_answer_is_refused(shop: Workspace) -> None:
    """Nothing in the shop's documents tells about this; no citation is invented."""
    answer = shop.ask("Which element has the atomic number 79?")
    assert answer.refused
    assert not answer.citations


def test_a_table_row_is_found(shop: Workspace) -> None:
    """A price in a CSV file is answered with its header."""
    answer = shop.ask("What does the Ember stove cost?")
    assert "59.50" in answer.text


def test_a_named_customer_is_found_masked_and_revealed(shop: Workspace) -> None:
    """The name finds its ticket, the answer does not show it, and the entitled see it for a purpose."""
    hits = shop.search("What was repaired for Galina Yalmanova?", k=3)
    assert "zip" in hits[0].chunk.record
    shown = hits[0].chunk.record
    assert "Yalmanova" not in shown
    assert "galina" not in shown.lower()
    assert "0018" not in shown
    clear = shop.reveal(shown, purpose="customer called back")
    assert "Galina Yalmanova" in clear
    assert "galina.yalmanova@example.org" in clear
    assert "+44 20 7946 0018" in clear


def test_titles_and_places_are_masked_too(make_workspace: MakeWorkspace) -> None:
    """A customer's name in a file name does not reach a hit's title, place or metadata."""
    name = "letters/Dear_Galina_Yalmanova.txt"
    folder = make_workspace({name: "Dear Ms Galina Yalmanova,\n\nyour tent is repaired and on its way to you.\n"})
    with open_workspace(folder) as workspace:
        workspace.sync()
        (hit,) = workspace.search("Which tent is repaired?", k=3)
    shown = f"{hit.title} {hit.uri} {dict(hit.metadata)} {hit.chunk.heading} {hit.chunk.embedded}"
    assert "yalmanova" not in shown.lower()


def test_a_stranger_sees_and_reveals_nothing(shop: Workspace) -> None:
    """A principal without access gets no hits, a refusal, and no values."""
    assert shop.search("warranty", principal=STRANGER) == []
    assert shop.ask("How long is the warranty on a tent?", principal=STRANGER).refused
    with pytest.raises(AccessDenied):
        shop.reveal("[PERSON:AAAAAAAAAA-AA]", purpose="curious", principal=STRANGER)
    with pytest.raises(AccessDenied):
        shop.reveal("[PERSON:AAAAAAAAAA-AA]", purpose="  ")


def test_a_question_inserts_nothing_into_the_vault(shop: Workspace) -> None:
    """Asking about somebody unknown leaves the vault as it was."""
    before = shop.status()["collections"]["shop"]["masked_values"]
    shop.ask("What did Mr Ludovic Brandenhagen complain about?")
    assert shop.status()["collections"]["shop"]["masked_values"] == before


def test_doctor_finds_a_healthy_workspace(shop: Workspace) -> None:
    """Every check passes, and none says a name."""
    checks = shop.doctor()
    assert [check for check in checks if not check.ok] == []
    assert len(checks) >= 9


def test_the_index_follows_the_folder(make_workspace: MakeWorkspace) -> None:
    """Unchanged costs nothing, an edit replaces, a deletion deletes, an addition is found; all in one pass."""
    folder = make_workspace(DOCUMENTS, collection="max_delete_share = 1.0")
    with open_workspace(folder) as workspace:
        assert workspace.sync().added == 5
        again = workspace.sync()
        assert (again.unchanged, again.added, again.updated, again.deleted) == (5, 0, 0, 0)
        assert not {"parse", "mask", "embed"} & {stage for stage, spent in again.seconds.items() if spent > 0.2}
        (folder / "documents" / "returns.md").write_text("# Returns\n\nUnused goods come back within ninety days.\n")
        (folder / "documents" / "warranty.md").unlink()
        write_documents(folder / "documents", {"hours.md": "# Hours\n\nThe shop opens at nine on Saturdays.\n"})
        preview = workspace.sync(dry_run=True)
        assert (preview.added, preview.updated, preview.deleted) == (1, 1, 1)
        changed = workspace.sync()
        assert (changed.added, changed.updated, changed.deleted, changed.unchanged) == (1, 1, 1, 3)
        assert "ninety" in workspace.ask("Within how many days can unused goods be returned?").text
        texts = " ".join(hit.chunk.record for hit in workspace.search("warranty on a tent, five years", k=20))
        assert "five years" not in texts
        assert "thirty days" not in texts
        assert "nine" in workspace.ask("When does the shop open on Saturdays?").text


def test_documents_equal_after_masking_stay_two(make_workspace: MakeWorkspace) -> None:
    """Two tickets that differ only in the customer are two documents; deleting one leaves the other."""
    text = "Dear Mr {},\n\nyour parcel was lost by the carrier and is sent again.\n"
    documents = {"a.txt": text.format("Ivo Karlsen"), "b.txt": text.format("Jan Petrov"), "c.md": "# Other\n\nText.\n"}
    folder = make_workspace(documents, collection="max_delete_share = 1.0")
    with open_workspace(folder) as workspace:
        workspace.sync()
        assert len({hit.doc_id for hit in workspace.search("parcel lost by the carrier", k=10)}) >= 2
        (folder / "documents" / "a.txt").unlink()
        assert workspace.sync().deleted == 1
        hits = [hit for hit in workspace.search("parcel lost by the carrier", k=10) if "parcel" in hit.chunk.record]
        assert len(hits) == 1


def test_an_emptied_folder_deletes_nothing_unasked(make_workspace: MakeWorkspace) -> None:
    """A source that seems to have lost nearly everything stops the pass; the documents go on answering."""
    folder = make_workspace({f"{n}.md": f"# Note {n}\n\nThe note number {n} is about item {n}.\n" for n in range(30)})
    with open_workspace(folder) as workspace:
        workspace.sync()
        shutil.rmtree(folder / "documents")
        (folder / "documents").mkdir()
        with pytest.raises(MassDeletion):
            workspace.sync()
        assert workspace.search("note number 7", k=1)


def test_a_bad_file_is_set_aside_and_the_rest_is_indexed(make_workspace: MakeWorkspace) -> None:
    """A damaged PDF and a file with credentials are quarantined by code, and the exit code says so."""
    secret = "The deploy key is AKIAIOSFODNN7EXAMPLE and password=hunter2hunter2 for now.\n"
    folder = make_workspace({**DOCUMENTS, "broken.pdf": b"%PDF-1.7 broken", "keys.txt": secret})
    with open_workspace(folder) as workspace:
        report = workspace.sync()
        assert report.exit_code == 1
        assert sum(report.quarantined.values()) == 2
        assert report.added == 5
        assert "AKIA" not in str(report)
        assert workspace.sync().exit_code == 1


def test_another_policy_refuses_the_old_index(make_workspace: MakeWorkspace) -> None:
    """An index made under another policy does not answer until it is synced under the new one."""
    folder = make_workspace(DOCUMENTS)
    with open_workspace(folder) as workspace:
        workspace.sync()
    file = folder / "ragkit.toml"
    file.write_text(
        file.read_text().replace("[[collections", 'policy = "narrow"\n[[collections', 1)
        + '\n[policies.narrow.entities]\nEMAIL_ADDRESS = "token"\n'
    )
    with open_workspace(folder) as workspace:
        with pytest.raises(ManifestMismatch):
            workspace.ask("How long is the warranty on a tent?")
        assert workspace.sync().updated == 5
        assert "five years" in workspace.ask("How long is the warranty on a tent?").text


def test_another_key_opens_nothing(make_workspace: MakeWorkspace, tmp_path: Path) -> None:
    """With a wrong root key the workspace refuses, with a remedy and without a trace of content."""
    folder = make_workspace(DOCUMENTS)
    with open_workspace(folder) as workspace:
        workspace.sync()
    other = make_workspace({})
    key = next(line for line in (other / "ragkit.toml").read_text().splitlines() if line.startswith('path = "/'))
    lines = [
        key if line.startswith('path = "/') else line for line in (folder / "ragkit.toml").read_text().splitlines()
    ]
    (folder / "ragkit.toml").write_text("\n".join(lines))
    with open_workspace(folder) as workspace, pytest.raises(KeyMismatch) as refused:
        workspace.ask("How long is the warranty on a tent?")
    assert refused.value.remedy


def test_masked_text_is_restored_exactly(shop: Workspace) -> None:
    """``reveal`` undoes ``mask`` for a text that was never indexed."""
    text = "Dear Ms Oduya Nakamura,\r\ncall +44 20 7946 0999 or write to o.nakamura@example.net.\tThanks!"
    masked, spans = shop.mask_text(text)
    assert "Nakamura" not in masked.record
    assert {"EMAIL_ADDRESS", "PERSON", "PHONE_NUMBER"} <= {span.entity_type for span in spans}
    assert shop.reveal(masked.record, purpose="test") == text


def test_errors_have_a_remedy_and_no_content(make_workspace: MakeWorkspace) -> None:
    """Asking before the first sync is refused with what to do."""
    with open_workspace(make_workspace(DOCUMENTS)) as workspace, pytest.raises(RagkitError) as refused:
        workspace.ask("What about Galina Yalmanova?")
    assert "sync" in refused.value.remedy
    assert "Galina" not in str(refused.value)


def test_a_name_spelt_to_get_past_detection_is_masked(make_workspace: MakeWorkspace) -> None:
    """Combining marks and invisible characters inside a name, in text and file name, do not get past the masker."""
    name = unicodedata.normalize("NFD", "Müllerová")
    text = f"Dear Ms Ren\u200bata {name},\n\nthe stove is repaired. {name} was told.\n"
    folder = make_workspace({f"Dear_Ms_Ren\u200bata_{name}.txt": text})
    with open_workspace(folder) as workspace:
        workspace.sync()
        (hit,) = workspace.search(f"What was repaired for {name}?", k=3)
    shown = unicodedata.normalize("NFKD", f"{hit.title} {hit.uri} {hit.chunk.record} {hit.chunk.embedded}").casefold()
    assert "mullerova" not in shown.replace("\u0308", "").replace("\u0301", "")
    assert "renata" not in shown.replace("\u200b", "")
