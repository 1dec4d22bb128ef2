"""Pydantic models in a request, such as messages of the official SDKs or of the caller."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def dumped(model: Any) -> object:
    """Return a model as JSON values: what was set, and the defaults of the other fields.

    A default of None means that the field is not there, so it is left out. A field that was set to
    None is kept. Field names, aliases and excluded fields are those of the model's own dump.
    """
    return _with_defaults(
        model.model_dump(mode="json", exclude_unset=True),
        model.model_dump(mode="json", exclude_none=True),
    )


def _with_defaults(given: Any, full: Any) -> object:
    """Join two dumps of one value: `given` lacks the defaults, `full` lacks every None."""
    if isinstance(given, dict) and isinstance(full, dict):
        joined = {**full, **given}
        for name in given.keys() & full.keys():
            joined[name] = _with_defaults(given[name], full[name])
        return joined
    if isinstance(given, list) and isinstance(full, list) and len(given) == len(full):
        return [_with_defaults(*pair) for pair in zip(given, full, strict=True)]
    return given
