"""The list of a server's models."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tokenwire.clients.api_key import with_key, with_key_async
from tokenwire.errors import LlmUnexpectedContentError

if TYPE_CHECKING:
    from tokenwire._engine import Engine
    from tokenwire.types.prompt import KeySource


def listed(engine: Engine, source: KeySource | None) -> list[str]:
    """Ids of the server's models, in its order; the key may come from a callable."""
    return _ids(engine.models() if source is None else with_key(source, engine.models))


async def listed_async(engine: Engine, source: KeySource | None) -> list[str]:
    """Do the same in an event loop; see `listed`."""
    ask = engine.models_async
    return _ids(await (ask() if source is None else with_key_async(source, ask)))


def _ids(body: str) -> list[str]:
    """Ids in the body of a server's list of models, in its order."""
    try:
        listed = json.loads(body)
        rows = listed if isinstance(listed, list) else listed.get("data", listed.get("models"))
        return [str(row.get("id") or row["name"]) for row in rows]
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise LlmUnexpectedContentError(
            "the server's list of models is not of OpenAI's form", body=body.encode()
        ) from error
