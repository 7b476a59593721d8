"""Articles of a Zendesk help centre.

Source: developer.zendesk.com, "Articles" and "User Segments".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from ragkit.types import Change, Checkpoint, Listed, SourceItem
from ragkit_connectors.rest import Rest, when
from ragkit_connectors.texts import clean, html_page
from ragkit_connectors.tokens import group_tokens
from ragkit_connectors.zendesk_readers import following

_ID = re.compile(r"([0-9]{1,19})(?::([A-Za-z0-9-]{1,20}))?")


class Articles:
    """Reads articles.

    Args:
        rest: The account.
        locales: Translations to read; none for the default language.
        access: Of articles that everybody may read.
        scope: Of the tokens of user segments.
        max_bytes: Of an article.

    Raises:
        ValueError: A locale is none.
    """

    def __init__(
        self, rest: Rest, locales: Sequence[str], access: frozenset[str] | None, scope: str, max_bytes: int
    ) -> None:
        if not all(_ID.fullmatch(f"0:{locale}") for locale in locales):
            raise ValueError("a locale is one such as en-us")
        self._rest = rest
        self._locales = tuple(locales) or ("",)
        self._access = access
        self._scope = scope
        self._max_bytes = max_bytes

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """List the articles, locale by locale; the cursor counts locales that are done."""
        done = int(cursor) if cursor and cursor.isascii() and cursor.isdigit() else 0
        seen: set[str] = set()
        with self._rest:
            for number, locale in enumerate(self._locales):
                if number < done:
                    continue
                if number:
                    yield Checkpoint(str(number))
                for article in self._articles(locale):
                    native_id = _native_id(article, locale)
                    if native_id not in seen:
                        seen.add(native_id)
                        yield Listed(native_id, _version(article), self._readers(article))
            yield Checkpoint(None, complete=True)

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Yield the articles that there are."""
        with self._rest:
            for native_id in native_ids:
                if (match := _ID.fullmatch(native_id)) is None or (match[2] or "") not in self._locales:
                    continue
                found = self._rest.get(f"{_path(match[2] or '')}/articles/{match[1]}.json")
                if found is not None and not found["article"].get("draft"):
                    yield self._item(found["article"], native_id)

    def permissions(self) -> Iterator[tuple[str, frozenset[str] | None]]:
        """Yield who may read each article."""
        with self._rest:
            for locale in self._locales:
                for article in self._articles(locale):
                    yield _native_id(article, locale), self._readers(article)

    def probe(self) -> str:
        """Count the articles of each language."""
        with self._rest:
            pages = [self._rest.need(f"{_path(locale)}/articles.json", {"per_page": 1}) for locale in self._locales]
            return f"{sum(page['count'] for page in pages)} articles in {len(pages)} languages"

    def _articles(self, locale: str) -> Iterator[dict[str, Any]]:
        """Everything but drafts, oldest first: what is edited meanwhile does not move."""
        query: dict[str, str | int] = {"sort_by": "created_at", "sort_order": "asc", "page[size]": 100}
        for page in self._rest.walk(f"{_path(locale)}/articles.json", query, following):
            yield from (article for article in page["articles"] if not article.get("draft"))

    def _readers(self, article: dict[str, Any]) -> frozenset[str] | None:
        """Any of the user segments may read; no segment means everybody, no word of segments nobody."""
        if "user_segment_id" not in article:
            return frozenset()
        segments = {article.get("user_segment_id"), *(article.get("user_segment_ids") or ())} - {None}
        return group_tokens(self._scope, (f"segment-{one}" for one in segments)) if segments else self._access

    def _item(self, article: dict[str, Any], native_id: str) -> SourceItem:
        body = article.get("body")
        content = html_page(body) if isinstance(body, str) else b""
        large = len(content) > self._max_bytes
        title, link, labels = clean(article.get("title")), article.get("html_url"), article.get("label_names") or ()
        return SourceItem(
            native_id=native_id,
            content=b"" if large else content,
            name=title or f"article {native_id}",
            title=title or None,
            media_type="text/html",
            uri=clean(link) or None,
            version=_version(article),
            modified=when(article.get("edited_at") or article.get("updated_at")),
            access=self._readers(article),
            metadata={
                "locale": clean(article.get("locale")),
                **({"labels": ", ".join(map(clean, labels))} if labels else {}),
            },
            problem="too-large" if large else None if content else "unreadable",
        )


def _path(locale: str) -> str:
    return "/api/v2/help_center" + (f"/{quote(locale.lower(), safe='')}" if locale else "")


def _native_id(article: dict[str, Any], locale: str) -> str:
    return f"{article['id']}:{locale}" if locale else str(article["id"])


def _version(article: dict[str, Any]) -> str:
    return str(article.get("updated_at"))
