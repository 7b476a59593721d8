"""The shop of ``examples/customer_care``: complete, consistent, invented, and made from readable sources."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import re
import sys
import zipfile
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from ragkit.config import load_config

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "customer_care"
DOCUMENTS = EXAMPLE / "documents"
FILES = sorted(path for path in DOCUMENTS.rglob("*") if path.is_file())
BINARY = {".pdf", ".docx", ".xlsx"}
CATALOGUE = json.loads((EXAMPLE / "source" / "catalogue.json").read_text(encoding="utf-8"))
ARTICLES = {row[0]: row for rows in CATALOGUE["sheets"].values() for row in rows}

# Numbers that regulators keep for films and examples: Ofcom (0808 157 0xxx, 020 7946 0xxx, 0113/0131/0161 496 0xxx),
# Bundesnetzagentur ((0)30 23125 xxx), Arcep (01 99 00 xx xx).
FICTIONAL_PHONE = re.compile(
    r"0808 157 0\d{3}|020 7946 0\d{3}|01(?:13|31|61) 496 0\d{3}|\+49 30 23125 \d{3}|01 99 00 \d\d \d\d"
)
# A leading 0 or +, then eight digits or more in groups; dates and article numbers do not begin like that.
PHONE_LIKE = re.compile(r"(?<![\w.,:/-])(?:\+\d{2}|0)\d*(?: ?\d{2,}){2,}(?![\w-])")
DOMAIN = re.compile(r"@([\w.-]+\w)|https?://([\w.-]+)")


def pdf_text(content: bytes) -> str:
    """Return the text of all pages, white space collapsed."""
    import pypdfium2

    pages = pypdfium2.PdfDocument(content)
    return " ".join(" ".join(page.get_textpage().get_text_range() for page in pages).split())


def docx_text(content: bytes) -> str:
    """Return paragraphs, then table cells."""
    from docx import Document

    document = Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])


def xlsx_rows(content: bytes) -> dict[str, list[list[object]]]:
    """Return the rows of each sheet."""
    from python_calamine import load_workbook

    book = load_workbook(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def content_of(name: str, content: bytes) -> str:
    """Return what a reader finds in a binary document."""
    if name.endswith(".pdf"):
        return pdf_text(content)
    return docx_text(content) if name.endswith(".docx") else repr(xlsx_rows(content))


@cache
def text_of(path: Path) -> str:
    """Return the text of one document; e-mails with their encodings undone."""
    if path.suffix in BINARY:
        return content_of(path.name, path.read_bytes())
    if path.suffix == ".eml":
        from email import message_from_bytes, policy

        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        return "\n".join([*(f"{key}: {value}" for key, value in message.items()), body.get_content()])
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """The script that makes the binary documents."""
    return _module("make_documents")


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"customer_care_{name}", EXAMPLE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_the_shop_has_forty_documents_in_six_formats_and_stays_small() -> None:
    """A set large and mixed enough to show every parser, small enough to clone."""
    assert len(FILES) >= 40
    assert {path.suffix for path in FILES} >= {".md", ".html", ".docx", ".xlsx", ".pdf", ".csv", ".txt", ".eml"}
    assert sum(path.stat().st_size for path in FILES) < 1_000_000
    assert all(path.stat().st_size < 60_000 for path in FILES if path.suffix in BINARY)


def test_the_binaries_are_what_the_sources_make(maker: ModuleType) -> None:
    """Nobody edits a workbook by hand: its source and the file in the repository say the same."""
    made = maker.make_all()
    assert {DOCUMENTS / name for name in made} == {path for path in FILES if path.suffix in BINARY}
    for name, content in made.items():
        assert content_of(name, content) == text_of(DOCUMENTS / name), name


def test_office_files_hold_no_clock(maker: ModuleType) -> None:
    """Made again tomorrow, an Office file is the same: no date of the day is in it."""
    for name, content in maker.make_all().items():
        if not name.endswith(".pdf"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                stamps = re.findall(rb">(\d{4}-\d\d-\d\dT[^<]*)<", archive.read("docProps/core.xml"))
                assert set(stamps) == {b"2026-09-01T08:00:00Z"}, name
                assert {entry.date_time for entry in archive.infolist()} == {(2026, 9, 1, 8, 0, 0)}


def test_the_manual_has_several_pages_and_ruled_tables() -> None:
    """Page numbers and tables are worth showing only where there are some."""
    import pdfplumber

    with pdfplumber.open(DOCUMENTS / "manuals" / "kestrel-2-stove.pdf") as manual:
        assert len(manual.pages) >= 3
        headers = [table[0] for page in manual.pages for table in page.extract_tables()]
    assert ["What you see", "Likely cause", "What to do"] in headers
    assert ["Item", "Value"] in headers


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.replace(" ", "-"))
def test_prices_in_every_document_are_those_of_the_price_list(path: Path) -> None:
    """A price written beside an article number is the price of that article, in pounds or in euros."""
    text = text_of(path)
    for article, pounds in re.findall(r"\((BF-\d{4}), £([\d.,]+\d)\)", text):
        assert float(pounds.replace(",", "")) == ARTICLES[article][2], article
    for article, euros in re.findall(r"\((BF-\d{4}), ([\d.,]+) €\)", text):
        assert float(euros.replace(",", ".")) == ARTICLES[article][3], article
    for article in re.findall(r"BF-\d{4}", text):
        assert article in ARTICLES


def test_enough_prices_are_written_to_be_compared() -> None:
    """The comparison above has something to compare, in both currencies and in four formats."""
    found = {path.suffix for path in FILES if re.search(r"\(BF-\d{4}, £", text_of(path))}
    assert found >= {".md", ".html", ".txt"}
    assert sum(len(re.findall(r"\(BF-\d{4}, [£\d]", text_of(path))) for path in FILES) > 50
    assert any("€)" in text_of(path) for path in FILES)


def test_the_workbook_lists_every_article_once_with_its_price() -> None:
    """The price list as published holds what the catalogue says."""
    sheets = xlsx_rows((DOCUMENTS / "price-lists" / "price-list-autumn-2026.xlsx").read_bytes())
    assert len(sheets) >= 4
    rows = [row for sheet in sheets.values() for row in sheet[1:]]
    assert {str(row[0]): row[2] for row in rows} == {article: row[2] for article, row in ARTICLES.items()}
    assert len(rows) == len(ARTICLES)


def test_the_shipping_policy_agrees_with_the_rates() -> None:
    """The table for customers and the workbook for the desk name the same prices and limits."""
    policy = (DOCUMENTS / "policies" / "shipping-policy.md").read_text(encoding="utf-8")
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in policy.splitlines() if line[:1] == "|"]
    expected = [(row[0], row[3], row[4]) for row in CATALOGUE["rates"]["UK delivery"]["rows"]]
    amounts = {"free": 0.0, "always": 0.0, "never": None}
    found = [
        (row[0], *(amounts[cell] if cell in amounts else float(cell.strip("£")) for cell in row[3:5]))
        for row in table[2:]
    ]
    assert found == expected


def test_warranties_in_the_policy_are_those_of_the_price_list() -> None:
    """Each product named in the warranty table has the years that the price list gives."""
    policy = (DOCUMENTS / "policies" / "warranty-policy.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr><td>[^<]*</td><td>([^<]*)</td><td>(\d) years?</td></tr>", policy)
    checked = 0
    for products, years in rows:
        for product in products.split(", "):
            for article in ARTICLES.values():
                if re.match(rf"{product}\b", article[1]) and article[0] < "BF-9":
                    assert article[4] == int(years), article[1]
                    checked += 1
    assert checked >= 25


def test_the_stock_list_names_products_as_the_price_list_does() -> None:
    """Article numbers and names agree."""
    with (DOCUMENTS / "price-lists" / "stock-and-lead-times.csv").open(encoding="utf-8") as file:
        assert all(ARTICLES[row["article"]][1] == row["product"] for row in csv.DictReader(file))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.replace(" ", "-"))
def test_no_real_domain_or_telephone_number_is_used(path: Path) -> None:
    """Everybody is invented: reserved domains (RFC 2606) and numbers kept for fiction only."""
    text = text_of(path)
    for mail, url in DOMAIN.findall(text):
        domain = mail or url
        assert domain.endswith(".example") or re.search(r"(^|\.)example\.(com|org|net)$", domain), domain
    cards_and_accounts = re.sub(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){4,8}\b", "", text)
    for number in PHONE_LIKE.findall(cards_and_accounts):
        assert FICTIONAL_PHONE.fullmatch(number), number


def test_personal_data_of_each_kind_is_there_and_well_formed() -> None:
    """Cards pass Luhn and accounts pass ISO 7064, or the detectors would rightly leave them alone."""
    from stdnum import iban, luhn

    everything = "\n".join(text_of(path) for path in FILES)
    accounts = re.findall(r"\bIBAN:? ((?:[A-Z0-9]{2,4} ?)+)\b", everything)
    cards = re.findall(r"(?<!\d )\b\d{4} \d{4} \d{4} \d{4}\b(?! \d)", everything)
    assert cards
    assert all(luhn.is_valid(card.replace(" ", "")) for card in cards)
    assert len(accounts) >= 3
    assert all(iban.is_valid(account) for account in accounts)
    assert len(set(re.findall(r"\bKC-\d{2}-\d{5}\b", everything))) > 40
    assert len(set(re.findall(r"[\w.-]+@example\.(?:com|org|net)", everything))) > 40


def test_tickets_are_complete() -> None:
    """Every row and line of the exports has a customer, an order and a text."""
    with (DOCUMENTS / "tickets" / "tickets-2026-q3.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 30
    assert all(all(row.values()) and row["article"] in ARTICLES for row in rows)
    lines = (DOCUMENTS / "tickets" / "tickets-2026-october.jsonl").read_text(encoding="utf-8").splitlines()
    tickets = [json.loads(line) for line in lines]
    assert len({ticket["id"] for ticket in tickets}) == len(tickets) >= 15
    assert all(ticket["title"] and ticket["text"].startswith("Customer: ") for ticket in tickets)


def test_questions_name_documents_that_answer_them() -> None:
    """Forty questions have an answer that stands in every document named for it; ten have none."""
    lines = (EXAMPLE / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = {entry["_id"]: entry for entry in map(json.loads, lines)}
    with (EXAMPLE / "qrels.tsv").open(encoding="utf-8") as file:
        qrels = [(row["query-id"], row["corpus-id"]) for row in csv.DictReader(file, delimiter="\t")]
    answerable = {key for key, entry in questions.items() if entry["metadata"]["answerable"]}
    assert (len(questions), len(answerable)) == (50, 40)
    assert {question for question, _ in qrels} == answerable
    october = (DOCUMENTS / "tickets" / "tickets-2026-october.jsonl").read_text(encoding="utf-8")
    tickets = {ticket["id"]: ticket["text"] for ticket in map(json.loads, october.splitlines())}
    for question, native_id in qrels:
        text = tickets[native_id] if native_id in tickets else text_of(DOCUMENTS / native_id)
        expected = questions[question]["metadata"]["expects"]
        stands = expected.lower() in " ".join(text.lower().split())
        if native_id.endswith((".xlsx", ".csv")):  # a cell has the number; its unit is in the heading
            stands = all(float(number) in _numbers(text) for number in re.findall(r"\d+(?:\.\d+)?", expected))
        assert stands, (question, native_id)


def _numbers(text: str) -> set[float]:
    return {float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)}


def test_the_secret_project_is_internal_and_in_the_dictionary() -> None:
    """The name that the policy must hide is really there to be hidden, in internal documents only."""
    policy = load_config(EXAMPLE).policy_of("care")
    terms = [term for dictionary in policy.dictionaries.values() for term in dictionary.terms]
    assert "Project Nightjar" in terms
    where = {path.parent.name for path in FILES if "Nightjar" in text_of(path)}
    assert where == {"internal"}


def test_the_local_user_may_see_and_reveal_and_nobody_else() -> None:
    """The demo can reveal because the configuration says so, not by a back door."""
    config = load_config(EXAMPLE)
    care = config.collections["care"]
    assert set(care.access) == set(care.reveal) == {f"u:{config.workspace.owner}"}
    assert care.data_class == "confidential"


def test_what_the_demo_changes_is_said_in_one_document_only() -> None:
    """After the correction and the deletion the old facts must be gone, so no other document may repeat them."""
    demo = _module("demo")
    name, before, after = demo.CHANGED
    assert [path for path in FILES if before in text_of(path)] == [DOCUMENTS / name]
    assert not [path for path in FILES if after in text_of(path)]
    assert [path for path in FILES if "LARKSUMMER" in text_of(path)] == [DOCUMENTS / demo.DELETED]
    assert (DOCUMENTS / demo.NOTE).is_file()
    assert demo.UNSEEN in text_of(DOCUMENTS / demo.LETTER)


def test_the_demo_looks_for_every_kind_of_personal_value() -> None:
    """The list that the disk is searched for is made from the documents and misses no kind."""
    found = _module("screen").personal_values(DOCUMENTS)
    counts = {kind: sum(1 for one, _ in found if one == kind) for kind, _ in found}
    assert counts["customers"] > 50
    assert counts["e-mail addresses"] > 50
    assert counts["telephone numbers"] > 50
    assert {"bank accounts", "card numbers", "customer numbers", "secret projects", "surnames"} <= set(counts)
