"""A day at the customer care desk, told in eight scenes: what `make demo` runs.

::

    python examples/customer_care/demo.py             # in a temporary folder, removed afterwards
    python examples/customer_care/demo.py --keep DIR  # in a folder that stays, to look around in

The documents are copied first, since one scene changes them. Any attempt to open a socket, in this process or in a
child, ends the demo with an error.
"""

from __future__ import annotations

import argparse
import base64
import os
import secrets
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.testing import sockets

HERE = Path(__file__).resolve().parent
NOTE = "tickets/call-2026-09-15-gas-smell.txt"
LETTER, UNSEEN = "emails/Mrs Odile Marchbank - stove complaint.eml", "Tamsin"
CUSTOMER = "Odile Marchbank"
QUESTIONS = (
    ("a policy", "How many days do I have to send back an unused article?"),
    ("a table in a PDF manual", "What should I do if the Kestrel 2 has a yellow, unsteady flame?"),
    ("a sheet of the price list", "What does the Hearthwell HEPA filter cost in euros?"),
    ("a customer, by name", f"What did Mrs {CUSTOMER} complain about?"),
    ("a message in the team's mailbox", "When does Felsbrand deliver the burner heads for the Kestrel 2?"),
    ("a row of the order database", "When does the next lot of the Harrier 45 rucksack in moss green arrive?"),
    ("something nobody wrote down", "Do you rent out canoes by the weekend?"),
)
CHANGED = (
    "policies/price-promise.html",
    "Tell us within 14 days of the purchase.",
    "Tell us within 21 days of the purchase.",
)
ABOUT_CHANGED = "Within how many days of the purchase must I tell you for the price promise?"
DELETED = "policies/summer-sale-2026.md"
MOVED = "policies/loyalty-programme-terms.md"
ABOUT_DELETED = "What discount did the code LARKSUMMER give?"
ABOUT_ORDER = dict(QUESTIONS)["a row of the order database"]

if TYPE_CHECKING:
    from ragkit.workspace import Workspace


def prepare(folder: Path) -> Path:
    """Copy the documents and the configuration to ``folder/shop``, and make a root key outside it."""
    shop = folder / "shop"
    from orders import write_orders

    shutil.copytree(HERE / "documents", shop / "documents")
    write_orders(shop)
    shutil.copy(HERE / "ragkit.toml", shop)
    os.environ["XDG_CONFIG_HOME"] = str(folder / "config")
    key = folder / "config" / "ragkit" / "brackenfold-care-demo.key"
    key.parent.mkdir(parents=True, mode=0o700)
    with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.b64encode(secrets.token_bytes(32)))
    return shop


def play(workspace: Workspace, shop: Path) -> None:
    """Play the scenes in order."""
    import orders
    import screen

    screen.scene(1, "The documents go in")
    screen.first_sync(workspace)
    screen.scene(2, "What is masked")
    documents = shop / "documents"
    screen.before_and_after(workspace, (documents / NOTE).read_text(encoding="utf-8"))
    screen.known_limit(workspace, (documents / LETTER).read_text(encoding="utf-8"), UNSEEN)
    screen.scene(3, "Seven questions, from files, a mailbox and a database")
    about_customer = None
    for kind, question in QUESTIONS:
        answer = screen.ask(workspace, question, kind=kind)
        about_customer = answer if kind == "a customer, by name" else about_customer
    screen.scene(4, "The same answer, revealed to somebody entitled")
    assert about_customer is not None
    screen.reveal(workspace, about_customer, purpose="answering the customer's complaint")
    screen.scene(5, "The documents change")
    for question in (ABOUT_CHANGED, ABOUT_DELETED, ABOUT_ORDER):
        screen.ask(workspace, question, kind="before")
    change(documents)
    orders.note(shop, *orders.LATER)
    screen.second_sync(workspace, "one page corrected, one removed, one moved, one row of the database changed")
    for question in (ABOUT_CHANGED, ABOUT_DELETED, ABOUT_ORDER):
        screen.ask(workspace, question, kind="after")
    screen.scene(6, "A customer wants to be forgotten")
    screen.erase(workspace, CUSTOMER, purpose="request of the customer, 3 October")
    workspace.sync()
    screen.ask(workspace, dict(QUESTIONS)["a customer, by name"], kind="after a further sync")
    screen.scene(7, "What lies on the disk")
    screen.disk(shop)


def change(documents: Path) -> None:
    """Correct one page, remove another and move a third, as the shop would."""
    name, before, after = CHANGED
    page = (documents / name).read_text(encoding="utf-8")
    if before not in page:
        raise SystemExit(f"{name} no longer says what the demo corrects")
    (documents / name).write_text(page.replace(before, after), encoding="utf-8")
    (documents / DELETED).unlink()
    (documents / MOVED).rename((documents / MOVED).with_name(f"archived-{Path(MOVED).name}"))


def main() -> None:
    """Run the demo."""
    arguments = argparse.ArgumentParser(description="A day at the customer care desk of an invented shop.")
    arguments.add_argument("--keep", type=Path, metavar="DIR", help="an empty folder to work in; it stays")
    keep: Path | None = arguments.parse_args().keep
    if keep is not None and keep.exists() and any(keep.iterdir()):
        arguments.error("the folder is not empty")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ragkit-demo-") as temporary:
        os.environ.update(sockets.guarded_environment(Path(temporary) / "guard"))
        sockets.forbid()
        folder = keep.absolute() if keep is not None else Path(temporary)
        shop = prepare(folder)
        from ragkit import open_workspace

        with open_workspace(shop) as workspace:
            play(workspace, shop)
        import screen

        screen.scene(8, "What left this machine")
        screen.sockets_opened(sockets.logged_attempts(Path(temporary) / "guard") + sockets.attempts())
        screen.farewell(time.monotonic() - started, folder if keep is not None else None)


if __name__ == "__main__":
    main()
