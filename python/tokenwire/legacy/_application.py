"""What the factory takes from the application: its configuration class and its key files."""

from __future__ import annotations

import importlib
from types import ModuleType
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
_FOUND = ("ConfigurationManager", "du")
_given_out: list[object] = []


class FindingModule(ModuleType):
    """A module whose names of the application's are found anew after a test has put them back.

    pytest's `monkeypatch` does that by an assignment, which would keep them for ever: also for the
    next application of the process.
    """

    def __setattr__(self, name: str, value: object) -> None:
        """Replace a name; what was found here before is no replacement."""
        if name in _FOUND and any(value is one for one in _given_out):
            vars(self).pop(name, None)
        else:
            super().__setattr__(name, value)


def application_names(name: str, module: str) -> Any:
    """The application's thing of this name, or what stands for it.

    Raises:
        AttributeError: The old module had no such name.
    """
    if name not in _FOUND:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    if name == "du":
        found = _application_module("utils.util") or _no_key_files
    else:
        configuring = _application_module("config.configuration_manager")
        found = configuring.ConfigurationManager if configuring else _given_configuration
    if not any(found is one for one in _given_out):
        _given_out.append(found)
    return found


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
