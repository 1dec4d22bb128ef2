"""The list of a server's models, in the forms of OpenAI, Anthropic and Gemini."""

from __future__ import annotations

import json

from tokenwire.errors import LlmUnexpectedContentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# No provider has so many, and a server may never come to an end.
_MOST_PAGES = 100


class ModelList:
    """The ids of a server's models, which may come in pages.

    Attributes:
        ids: What came so far, in the server's order.
        page: The query parameter that asks for the next page; None for the first one.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.page: tuple[str, str] | None = None
        self._pages = 0
        self._seen: set[str] = set()

    def add(self, body: str) -> bool:
        """Add the page in this body.

        Returns:
            Whether there is another page.

        Raises:
            LlmUnexpectedContentError: The body does not have the form of a list of models, or the
                list does not end.
        """
        try:
            listed = json.loads(body)
            rows = listed if isinstance(listed, list) else listed.get("data", listed.get("models"))
            ids = [_id(row) for row in rows]
            page = None if isinstance(listed, list) else _next_page(listed)
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            text = "the server's list of models does not have the form that an API uses"
            raise LlmUnexpectedContentError(text, body=body.encode()) from error
        self._pages += 1
        # A proxy may ignore which page is asked for, and send the same one again.
        if self._pages > 1 and self._seen.issuperset(ids):
            return False
        if self._pages >= _MOST_PAGES and page is not None:
            text = f"the server's list of models has over {_MOST_PAGES} pages"
            raise LlmUnexpectedContentError(text, body=body.encode())
        self.ids += ids
        self._seen.update(ids)
        self.page = page
        return page is not None


def _id(row: Any) -> str:
    """The id of a model, as a call names it. Gemini lists `models/ID`."""
    found = row.get("id")
    return str(found) if found else str(row["name"]).removeprefix("models/")


def _next_page(listed: Any) -> tuple[str, str] | None:
    """The query parameter for the page after this one; None for the last one."""
    if token := listed.get("nextPageToken"):
        return "pageToken", str(token)
    last = listed.get("last_id")
    return ("after_id", str(last)) if listed.get("has_more") is True and last else None
