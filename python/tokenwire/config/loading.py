"""Reads a configuration. The import of this module also gives `ModelRegistry` its `load`.

The catalog is below this package, so it cannot import it.
"""

from __future__ import annotations

from tokenwire.catalog.registry import ModelRegistry
from tokenwire.errors import LlmConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenwire.catalog.registry import Source
    from tokenwire.config.configuration import Configuration


def read(source: Source, registry: ModelRegistry | None = None) -> Configuration:
    """Read a configuration, without a client and without the network.

    Args:
        source: The path of a TOML file, or a mapping of the same form.
        registry: Where to look for other providers; the default is the registry of the process.

    Raises:
        LlmConfigError: It cannot be read, or has problems: `problems` holds all of them.
    """
    # Imported late, because the checks import both clients and pydantic.
    from tokenwire.config.checks import checked

    configuration, problems = checked(source, registry)
    where = "configuration" if hasattr(source, "keys") else str(source)
    # It may hold secrets, and a traceback may show local variables.
    del source
    if configuration is None:
        lines = [str(problem) for problem in problems]
        count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
        raise LlmConfigError(f"{where}: {count}: {'; '.join(lines)}", problems=tuple(lines))
    return configuration


ModelRegistry._read = staticmethod(read)  # type: ignore[method-assign]
