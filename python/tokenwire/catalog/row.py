"""What the values of the catalog share: they are frozen, and all their fields are known."""

from __future__ import annotations

from pydantic import ConfigDict

from tokenwire._pydantic import Model, base_init


class Row(Model):
    """A frozen value whose fields are all known."""

    # A value may be a key, in the wrong place.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    # Without it, type checkers would give each class an __init__ of its fields.
    @base_init
    def __init__(self, /, **data: object) -> None:
        super().__init__(**data)

    def __setattr__(self, name: str, _value: object) -> None:
        # pydantic's own error would leave us otherwise.
        raise AttributeError(f"{type(self).__name__} is frozen: {name} cannot be set")
