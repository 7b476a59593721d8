"""The shop's chatbot in the browser: prepares a folder once, takes in what changed, and serves it.

::

    python examples/customer_care/chatbot.py            # http://127.0.0.1:8321/chat
    python examples/customer_care/chatbot.py --port 8400

Everything lies in ``.shop/`` beside this file: a copy of the documents and of ``ragkit.toml``, the index, and the root
key. Delete the folder to begin anew. An edit of ``ragkit.toml`` or a document here is taken over at the next start.
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import secrets
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PLACE = HERE / ".shop"


def prepare(place: Path, *, port: int | None = None) -> Path:
    """Copy the documents and the configuration to ``place/shop``, make a root key outside it the first time."""
    from orders import write_orders

    shop = place / "shop"
    shutil.copytree(HERE / "documents", shop / "documents", dirs_exist_ok=True)
    write_orders(shop)
    text = (HERE / "ragkit.toml").read_text(encoding="utf-8")
    if port is not None:
        text = re.sub(r"(?m)^port = \d+", f"port = {port}", text)
    (shop / "ragkit.toml").write_text(text, encoding="utf-8")
    key = place / "config" / "ragkit" / "brackenfold-care-demo.key"
    key.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    if not key.exists():
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(32)))
    os.environ["XDG_CONFIG_HOME"] = str(place / "config")
    return shop


def main() -> None:
    """Prepare, take in what changed, and become ``ragkit serve``."""
    parser = argparse.ArgumentParser(description="The chatbot of an invented shop, in the browser.")
    parser.add_argument("--place", type=Path, default=PLACE, metavar="DIR", help="where it lives; default: .shop/ here")
    parser.add_argument("--port", type=int, metavar="N", help="another port than that of ragkit.toml")
    arguments = parser.parse_args()
    shop = prepare(arguments.place.absolute(), port=arguments.port)

    import screen

    from ragkit import open_workspace
    from ragkit.errors import RagkitError

    try:
        with open_workspace(shop) as workspace:
            screen.first_sync(workspace)
            address = f"http://{workspace.config.serve.host}:{workspace.config.serve.port}"
    except RagkitError as error:
        raise SystemExit(f"{error}\n{error.remedy}") from None
    screen.chatbot(address)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "ragkit", "serve", "--workspace", str(shop)])


if __name__ == "__main__":
    main()
