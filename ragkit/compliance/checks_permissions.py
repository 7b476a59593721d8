"""Check ``permissions``: what is written down about who may do what, and when somebody last looked at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ragkit.compliance.checks import Check, Scope, some
from ragkit.compliance.events import stamped
from ragkit.config import Config
from ragkit.handles import Handles
from ragkit.types import DataClass, Principal

_ROLES = ("ingesters", "operators", "auditors")


def permissions(scope: Scope) -> Iterator[Check]:
    """Lists with `pub`, collections without officers, roles that are nobody's by name, and the last review."""
    config = scope.handles.config
    everybody = scope.handles.recorder.token("pub")
    open_classes: dict[str, list[int]] = {}
    for event in scope.log.read("acl.class"):
        if everybody in event["data"].get("tokens", ()):
            open_classes.setdefault(str(event["data"].get("collection", "")), []).append(int(event["seq"]))
    for name, section in config.collections.items():
        lists = {"access": section.access} | {f"access of {one.name}": one.access or () for one in section.sources}
        opened = [key for key, tokens in lists.items() if "pub" in tokens]
        if opened and section.data_class is not DataClass.PUBLIC:
            yield Check(
                name="permissions",
                level="finding",
                code="everybody",
                detail=f"Everybody may read these {section.data_class.value} documents: `pub` in {', '.join(opened)}.",
                remedy=f'Name who may under [collections.{name}], or write `data_class = "public"`.',
                collection=name,
                seqs=some(open_classes.get(name, ())),
            )
        elif name in open_classes and section.data_class is not DataClass.PUBLIC:
            classes = open_classes[name]
            yield Check(
                name="permissions",
                level="notice",
                code="source-everybody",
                detail="Documents that the source itself opens to everybody were read.",
                remedy="Look at the permissions at the source.",
                collection=name,
                seqs=some(classes),
                counts={"classes": len(classes)},
            )
        if not section.officers:
            yield Check(
                name="permissions",
                level="finding",
                code="no-officer",
                detail="Nobody may answer people's requests: no officers.",
                remedy=f"Name `officers` under [collections.{name}].",
                collection=name,
            )
    unwritten = [role for role in _ROLES if getattr(config.roles, role) is None]
    if unwritten:
        yield Check(
            name="permissions",
            level="finding" if config.audit.mode == "compliance" else "notice",
            code="roles",
            detail=f"Not written down, so the owner's: {', '.join(unwritten)}.",
            remedy="Write them under [roles].",
        )
    yield from _reviewed(scope)


def _reviewed(scope: Scope) -> Iterator[Check]:
    last, first = scope.log.last("permissions.reviewed"), next(scope.log.read(), None)
    since = last or first
    days = (scope.now - stamped(since)).days if since is not None else 0
    if days >= scope.review_days:
        what = f"{days:,} days ago" if last else f"never, in {days:,} days"
        yield Check(
            name="permissions",
            level="finding",
            code="review",
            detail=f"Who may do what was last looked at {what}.",
            remedy="Look at it and say so: `ragkit audit review-permissions`.",
            seqs=some([int(last["seq"])] if last else []),
            counts={"days": days},
        )
    elif last is not None and last["data"].get("permissions") != mark_of(scope.handles):
        yield Check(
            name="permissions",
            level="notice",
            code="changed",
            detail="Who may do what was changed since it was last looked at.",
            remedy="Look at it and say so: `ragkit audit review-permissions`.",
            seqs=some([int(last["seq"])]),
            counts={"days": days},
        )


def listed(config: Config) -> Mapping[str, Mapping[str, tuple[str, ...] | None]]:
    """Return who may do what: by collection (``access``, ``reveal``, ``officers``, sources), and ``roles``.

    ``None`` is the owner's; an empty list is nobody's.
    """
    found: dict[str, Mapping[str, tuple[str, ...] | None]] = {}
    for name, section in config.collections.items():
        lists: dict[str, tuple[str, ...] | None] = {
            "access": section.access, "reveal": section.reveal, "officers": section.officers,
        }  # fmt: skip
        lists |= {f"access of {one.name}": one.access for one in section.sources if one.access is not None}
        found[name] = lists
    found["roles"] = {role: getattr(config.roles, role) for role in _ROLES} | {"two_person": config.roles.two_person}
    return found


def mark_of(handles: Handles) -> str:
    """Return the keyed hash of who may do what, ``h:…``: equal while nothing changed."""
    told = ";".join(
        f"{name}/{key}={'' if tokens is None else ','.join(sorted(tokens)) or '-'}"
        for name, lists in sorted(listed(handles.config).items())
        for key, tokens in sorted(lists.items())
    )
    return handles.recorder.keyed(f"permissions\0{told}")


def review(handles: Handles, *, principal: Principal) -> Mapping[str, Mapping[str, tuple[str, ...] | None]]:
    """Record, as the event ``permissions.reviewed``, that somebody looked at who may do what; return it."""
    found = listed(handles.config)
    tokens = {token for lists in found.values() for given in lists.values() for token in given or ()}
    data = {"collections": len(handles.config.collections), "tokens": len(tokens), "permissions": mark_of(handles)}
    handles.recorder.record("permissions.reviewed", actor=principal, data=data)
    return found
