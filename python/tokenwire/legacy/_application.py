"""What the factory takes from the application: its configuration class and its key files."""

from __future__ import annotations

import importlib
from typing import Any

from tokenwire.legacy._install import application_roots
from tokenwire.legacy._settings import given_config


class _NoKeyFiles:
    """Stands for the application's `utils.util` where there is none."""

    @staticmethod
    def get_api_key(key_name: str) -> str | None:  # noqa: ARG004
        """No key: there is no folder of key files."""
        return None


def _given_configuration(env_var_name: str | None = None) -> Any:  # noqa: ARG001
    """Stands for the application's `ConfigurationManager` where there is none."""
    return given_config()


_no_key_files = _NoKeyFiles()


def application_names(name: str, module: str) -> Any:
    """The application's thing of this name, or what stands for it.

    Raises:
        AttributeError: The old module had no such name.
    """
    if name == "ConfigurationManager":
        found = _application_module("config.configuration_manager")
        return _given_configuration if found is None else found.ConfigurationManager
    if name == "du":
        found = _application_module("utils.util")
        return _no_key_files if found is None else found
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


def _application_module(below_root: str) -> Any:
    """The first of the applications' modules that exists; an error inside it is an error."""
    for root in application_roots():
        wanted = f"{root}.{below_root}" if root else below_root
        try:
            return importlib.import_module(wanted)
        except ModuleNotFoundError as error:
            # A module that it needs and that is missing is another matter.
            if error.name is None or not f"{wanted}.".startswith(f"{error.name}."):
                raise
    return None
