"""Sources that are servers, with planted values in each of their fields; see :mod:`ragkit.testing.leak_places`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ragkit.testing import dovecot
from ragkit.testing.confluence_server import ConfluenceServer
from ragkit.testing.leak_formats import letter, page
from ragkit.testing.s3_server import KEY, SECRET, S3Server
from ragkit.testing.web_server import WebServer
from ragkit.testing.zendesk_server import ZendeskServer

if TYPE_CHECKING:
    from ragkit.testing.leak_places import Places


class _Wiki(ConfluenceServer):
    """Tells people by their names, too, and labels."""

    told = ""
    labels: tuple[str, ...] = ()

    def _person(self, name: str) -> dict[str, Any]:
        return {**super()._person(name), "displayName": self.told}

    def _content(self, content_id: str, expand: str) -> dict[str, Any]:
        found = super()._content(content_id, expand)
        found.get("metadata", {}).get("labels", {})["results"] = [{"name": one} for one in self.labels]
        return found


class _Desk(ZendeskServer):
    """Tells who commented."""

    told = ""

    def comments_of(self, number: str, *, query: dict[str, str]) -> Any:
        return {**super().comments_of(number, query=query), "users": [{"id": 9, "name": self.told}]}


def plant_bucket(places: Places) -> None:
    """A bucket."""
    supply, store = places.supply, places.stack.enter_context(S3Server())
    for number in range(3):
        key = f"{number}/{supply.say('bucket prefix', plain=True)}/{supply.say('bucket key', plain=True)}.txt"
        store.put(key, f"{supply.say('bucket text')}\n".encode())
        if number == 0:
            places.changes.append(lambda key=key: store.delete(key))  # type: ignore[misc]
    secrets = {"key": places.secret("RAGKIT_LEAKS_S3_KEY", KEY), "secret": places.secret("RAGKIT_LEAKS_S3", SECRET)}
    places.add("object_store", "bucket", bucket=store.bucket, endpoint_url=store.url, **secrets)


def plant_site(places: Places) -> None:
    """A web site; one of its pages is an error."""
    supply, site = places.supply, places.stack.enter_context(WebServer())
    paths = [f"/wiki/{quote(supply.say('web path', plain=True).rstrip('.'))}" for _ in range(3)]
    paths.append(f"/wiki/found?q={quote(supply.say('web query', plain=True))}")
    links = "".join(f'<a href="{path}">{supply.hide("web link")}</a>' for path in [*paths, "/wiki/lost"])
    site.put("/wiki/", f"<html><body><main><p>Welcome to the wiki.</p></main><nav>{links}</nav></body></html>")
    for path in paths:
        headers = {"ETag": f'"{supply.hide("web etag")}"', "X-Served-By": supply.hide("web header")}
        site.put(path, page(supply, "web"), headers=headers, validators=False)
    site.put(
        "/wiki/lost", supply.hide("web error page"), status=500, headers={"X-Why": supply.hide("web error header")}
    )
    places.changes.append(lambda: site.pages.pop(paths[0]))
    places.add(
        "web", "wiki", start=f"{site.url}/wiki/", allow_networks=["127.0.0.1/32"], allow_ports=[site.port],
        per_second=0, retry_seconds=0.01,
    )  # fmt: skip


def plant_wiki(places: Places) -> None:
    """Two spaces of Confluence."""
    supply, wiki = places.supply, places.stack.enter_context(_Wiki())
    wiki.told, wiki.labels = supply.hide("confluence reader's name"), (supply.say("confluence label"),)
    people, groups = [supply.hide("confluence user") for _ in range(2)], supply.hide("confluence group")
    wiki.groups[groups] = {people[1]}
    for space in ("HR", supply.say("confluence space", kind="UUID")):
        wiki.spaces[space] = {"users": {people[0]}, "groups": {groups}}
        number = 100 * len(wiki.spaces)
        for one in range(number, number + 3):
            wiki.add(str(one), space, supply.say("confluence title"), page(supply, "confluence"))
        wiki.attach(str(number), f"att{number}", f"{supply.say('confluence file name', plain=True)}.txt",
                    supply.say("confluence file").encode())  # fmt: skip
    wiki.restrict("101", users={people[1]}, groups={groups})
    places.changes.append(lambda: wiki.contents.pop("102"))
    token = places.secret("RAGKIT_LEAKS_WIKI", "the-token")
    places.add("confluence", "pages", url=wiki.site, edition="datacenter", token=token, per_second=0)


def plant_desk(places: Places) -> None:
    """Tickets and articles of Zendesk."""
    supply, desk = places.supply, places.stack.enter_context(_Desk())
    desk.told = f"Ms {supply.say('zendesk author', kind='PERSON')}"
    desk.groups[7], desk.organizations[70] = supply.hide("zendesk group"), supply.hide("zendesk organization")
    for number in range(1, 4):
        more = {"requester": {"name": supply.hide("zendesk requester")}, "tags": [supply.hide("zendesk tag")]}
        desk.ticket(number, supply.say("zendesk subject"), group_id=7, organization_id=70, **more)
        name = f"{supply.say('zendesk file name', plain=True)}.txt".replace(" ", "_")
        desk.files[name] = supply.say("zendesk file").encode()
        desk.comment(number, supply.say("zendesk comment"), files=[name])
        desk.comment(number, supply.hide("zendesk internal note"), public=False)
    for number in range(11, 13):
        title, labels = supply.say("zendesk article"), [supply.say("zendesk label")]
        link = f"{desk.url}/hc/articles/{number}-{quote(supply.say('zendesk link', plain=True))}"
        desk.article(number, title, page(supply, "zendesk"), label_names=labels, html_url=link, author_id=9)
    places.changes.append(lambda: desk.ticket(1, status="deleted"))
    reached = {"url": desk.url, "token": places.secret("RAGKIT_LEAKS_ZENDESK", "the-token"), "per_second": 0}
    places.add("zendesk", "tickets", **reached, attachments=True, exports_per_minute=0, group_names=True,
              readers=["group", "organization"])  # fmt: skip
    places.add("zendesk", "help", **reached, what="articles")


def plant_mail(places: Places) -> None:
    """A mailbox on a real dovecot."""
    if dovecot.ABSENT:
        places.absent.append("dovecot")
        return
    supply, server = places.supply, places.stack.enter_context(dovecot.dovecot())
    user = supply.hide("imap user").lower()
    folder = supply.say("imap folder", plain=True).rstrip(".")
    with server.client(user) as client:
        client.create_folder(folder)
        client.multiappend("INBOX", [letter(supply, "imap") for _ in range(2)])
        client.multiappend(folder, [letter(supply, "imap")])

    def delete() -> None:
        with server.client(user) as client:
            client.select_folder("INBOX")
            client.delete_messages([1])

    places.changes.append(delete)
    places.add(
        "mailbox", "imap", host="127.0.0.1", port=server.tls_port, user=places.secret("RAGKIT_LEAKS_USER", user),
        password=places.secret("RAGKIT_LEAKS_IMAP", server.password), ca_path=str(server.ca),
    )  # fmt: skip
