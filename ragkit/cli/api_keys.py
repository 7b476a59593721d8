"""Keys of callers: ``keys create|list|revoke|rotate|prune``. A key is shown once, when it is made."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.session import JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped
from ragkit.errors import ConfigError

if TYPE_CHECKING:
    from ragkit.auth.keys import KeyRecord, NewKey
    from ragkit.config_serve import Scope
    from ragkit.workspace import Workspace

PANEL = "Serve"

keys_verbs = typer.Typer(no_args_is_help=True, help="Make, list and revoke the API keys with which others call.")

_DURATION = re.compile(r"([0-9]{1,4})([dw])")
_DAYS = {"d": 1, "w": 7}

_READING = frozenset({"search", "ask", "documents.read"})

IdArgument = Annotated[str, typer.Argument(help="Its id: the part between `rk_` and the second `_`.")]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    keys_verbs.command("create")(create)
    keys_verbs.command("list")(list_keys)
    keys_verbs.command("revoke")(revoke)
    keys_verbs.command("rotate")(rotate)
    keys_verbs.command("prune")(prune)
    app.add_typer(keys_verbs, name="keys", rich_help_panel=PANEL)


def create(
    subject: Annotated[str, typer.Option("--subject", help='Who calls with it, such as "crm|ana".')],
    group: Annotated[
        list[str] | None,
        typer.Option("--group", help='A group of theirs, such as "crm|staff"; may be repeated.', show_default=False),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            help="What it may be used for; may be repeated. Default: search, ask, feedback, documents.read.",
            show_default=False,
        ),
    ] = None,
    expires: Annotated[str, typer.Option("--expires", help="When it ends: `90d`, `12w` or `never`.")] = "90d",
    name: Annotated[str, typer.Option("--name", help="What to call it in lists.", show_default=False)] = "",
    unsafe_no_expiry: Annotated[
        bool, typer.Option("--unsafe-no-expiry", help="With `--expires never`: whoever finds it can use it for ever.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an API key, and print it: once, alone on standard output, so that it can be piped into a secret store.

    What it may be used for narrows what its bearer may see and do by access lists and roles; it never widens that.
    """
    from ragkit.auth.keys import DEFAULT_SCOPES

    days, scopes = _days(expires), cast("list[Scope]", scope) if scope else DEFAULT_SCOPES
    with opened(workspace) as here:
        made = here.api_keys.create(
            subject, groups=group or (), scopes=scopes, days=days, name=name, unsafe_no_expiry=unsafe_no_expiry
        )
        hints = _hints(here, made.record)
    _print_new("keys_create", made, as_json=as_json)
    for hint in hints:
        say(hint, err=True)


def list_keys(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Show what is known of each API key; the keys themselves are kept nowhere."""
    with opened(workspace) as here:
        found = here.api_keys.list()
    if as_json:
        emit("keys_list", {"keys": [_record_json(one) for one in found]})
        return
    if not found:
        say("There is no API key: `ragkit keys create --subject … ` makes one.")
        return
    headings = ("id", "state", "name", "subject", "groups", "scopes", "expires", "last used")
    rows = [_record_json(one) for one in found]
    table("API keys", headings, [
        (one["id"], one["state"], one["name"], one["subject"], ", ".join(one["groups"]), ", ".join(one["scopes"]),
         (one["expires"] or "never")[:10], one["last_used"] or "never")
        for one in rows
    ])  # fmt: skip


def revoke(number: IdArgument, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Revoke an API key: it opens nothing any more, also in a service that runs, and its sessions end."""
    with opened(workspace) as here:
        record = here.api_keys.revoke(number)
    if as_json:
        emit("keys_revoke", {"record": _record_json(record)})
    else:
        say(f"The key {record.id} opens nothing any more.")


def rotate(
    number: IdArgument,
    overlap_hours: Annotated[
        float, typer.Option("--overlap-hours", help="How long the old key still opens; 0 revokes it now.")
    ] = 24,
    expires: Annotated[
        str | None,
        typer.Option("--expires", help="When the new one ends. Default: it lasts as long.", show_default=False),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an API key of the same rights in place of another, print it, and let the old one end after a while."""
    if expires is not None and _days(expires) is None:
        raise ConfigError("a key is not rotated into one that never ends", remedy="Give `--expires` a time.")
    with opened(workspace) as here:
        made = here.api_keys.rotate(number, days=_days(expires) if expires else None, overlap_hours=overlap_hours)
    _print_new("keys_rotate", made, as_json=as_json)


def prune(
    days: Annotated[int, typer.Option("--days", min=0, help="Over for at least so many days.")] = 30,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take out the records of API keys that are revoked or expired for a while."""
    with opened(workspace) as here:
        removed = here.api_keys.prune(days=days)
    if as_json:
        emit("keys_prune", {"removed": removed})
    else:
        say(f"{removed:,} records taken out.")


def _hints(here: Workspace, record: KeyRecord) -> list[str]:
    """What a new key cannot do, though it looks as if: scopes do not stand in for access lists and roles."""
    from ragkit.principals import Principal
    from ragkit.roles import holds

    bearer, hints = Principal(record.subject, groups=frozenset(record.groups)), []
    if record.scopes & _READING and not here.visible_collections(principal=bearer):
        tokens = " or ".join(f'"{token}"' for token in sorted(bearer.tokens - {"pub"}))
        hints.append(
            f"It sees no document yet: no `access` of a collection or source in ragkit.toml names {tokens}. "
            "Once one does, run `ragkit sync`."
        )
    if "operate" in record.scopes and not holds(here.config, "operator", bearer):
        hints.append(
            "It sees no figures yet: they are for operators; name its bearer in ragkit.toml, beside the owner: "
            f'[roles] operators = ["u:{here.config.workspace.owner}", "u:{record.subject}"]'
        )
    return hints


def _print_new(shape: str, made: NewKey, *, as_json: bool) -> None:
    if as_json:
        emit(shape, {"key": made.key, "record": _record_json(made.record)})
        return
    until = _moment(made.record.expires)
    typer.echo(made.key)
    say(f"Key {made.record.id}, {f'until {until}' if until else 'without an end'}. It is not shown again.", err=True)


def _record_json(record: KeyRecord) -> dict[str, Any]:
    over = record.expires is not None and record.expires <= datetime.now(UTC).timestamp()
    return shaped(
        "api_key",
        {
            "id": record.id,
            "state": "revoked" if record.revoked is not None else "expired" if over else "valid",
            "name": record.name,
            "subject": record.subject,
            "groups": sorted(record.groups),
            "scopes": sorted(record.scopes),
            "created": _moment(record.created),
            "expires": _moment(record.expires),
            "revoked": _moment(record.revoked),
            "last_used": record.last_used,
            "replaces": record.replaced,
        },
    )


def _moment(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()


def _days(written: str) -> int | None:
    if written == "never":
        return None
    parts = _DURATION.fullmatch(written)
    if parts is None:
        raise ConfigError("an end is written as `90d`, `12w` or `never`", remedy="Write it so.")
    return int(parts[1]) * _DAYS[parts[2]]
