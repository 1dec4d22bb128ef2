"""Lets a registry load configurations: the catalog stands below this package and cannot ask for it.

Importing this module is all there is to do.
"""

from __future__ import annotations

from tokenwire.catalog.registry import ModelRegistry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tokenwire.catalog.registry import Source
    from tokenwire.config.configuration import Configuration


def _read(source: Source, registry: ModelRegistry) -> Configuration:
    # Only now: what checks a configuration is imported where there is one.
    from tokenwire.config.checks import read

    return read(source, registry)


ModelRegistry._read = staticmethod(_read)
