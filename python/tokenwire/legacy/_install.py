"""Serving the old modules under an application's package, and finding the application's own.

`install` and `uninstall` change which modules Python finds. `application_names` is the other
direction: the factory takes the configuration class and the key files from the application.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

from tokenwire.legacy._settings import configured, use_config

MODULES = (
    "base_llm_client",
    "chat_client",
    "completion_client",
    "llm_client",
    "llm_client_factory",
    "llm_completion",
    "llm_data_types",
    "llm_exceptions",
    "model_registry",
    "token_counter",
)
_HOME = "tokenwire.legacy"


class _ModuleLoader(Loader):
    """Loads a module of the adapter under an old name: the same module object, not a copy."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002
        """Return the adapter's module."""
        module = importlib.import_module(self._name)
        # The import system is about to overwrite it with that of the old name.
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Restore the module's own spec. The module has been executed already."""
        module.__spec__ = self._spec


class _ModuleFinder(MetaPathFinder):
    """Finds the old modules before any file of the same name."""

    packages: tuple[str, ...] = ()

    def find_spec(self, fullname: str, *rest: object) -> ModuleSpec | None:  # noqa: ARG002
        """The spec of an old module, or None for any other."""
        package, _, name = fullname.rpartition(".")
        if package in self.packages and name in MODULES:
            return ModuleSpec(fullname, _ModuleLoader(f"{_HOME}.{name}"), origin=_HOME)
        return None


class _PackageFinder(MetaPathFinder):
    """Finds the packages above the old modules, after all other finders."""

    def find_spec(self, fullname: str, *rest: object) -> ModuleSpec | None:  # noqa: ARG002
        """The spec of an empty package, or None for a name that is not above an old module."""
        if _is_above_served(fullname):
            return ModuleSpec(fullname, None, origin=_HOME, is_package=True)
        return None


_FINDER = _ModuleFinder()
_PACKAGE_FINDER = _PackageFinder()


def install(package: str, *, config: object = None) -> None:
    """Serve the old modules as `package.llm_client`, `package.chat_client` and so on.

    Call it before the application is imported. The modules replace files of the same names;
    everything else in the package stays the application's own. It is safe to call it again, and
    to serve several packages.

    Args:
        package: The package that held the old clients, such as `root.agents`. The factory looks
            for `config.configuration_manager` and `utils.util` in its parent.
        config: A configuration for the factory; see `use_config`.

    Raises:
        ValueError: `package` is not a dotted name.
    """
    name: Any = package
    if not (isinstance(name, str) and all(part.isidentifier() for part in name.split("."))):
        raise ValueError(f'package: pass a dotted name such as "root.agents", not {package!r}')
    if config is not None:
        use_config(config)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
        sys.meta_path.append(_PACKAGE_FINDER)
    if package not in _FINDER.packages:
        _FINDER.packages = (*_FINDER.packages, package)
    names = [f"{package}.{module}" for module in MODULES]
    early = [name for name in names if name in sys.modules and not _is_served(name)]
    for fullname in early:
        _drop(fullname)
    # After the loop: a filter may turn the first warning into an error.
    for fullname in early:
        warnings.warn(
            f"{fullname} was imported before install(): code that imported it keeps its classes",
            RuntimeWarning,
            stacklevel=2,
        )


def uninstall(package: str) -> None:
    """Stop serving `package`; the next import finds its own files again."""
    _FINDER.packages = tuple(name for name in _FINDER.packages if name != package)
    if not _FINDER.packages:
        sys.meta_path[:] = [
            finder for finder in sys.meta_path if finder not in (_FINDER, _PACKAGE_FINDER)
        ]
    for name in MODULES:
        if _is_served(f"{package}.{name}"):
            _drop(f"{package}.{name}")
    # An empty package would hide the application's own.
    while package and not _is_above_served(package):
        spec = getattr(sys.modules.get(package), "__spec__", None)
        if getattr(spec, "origin", None) == _HOME:
            _drop(package)
        package = package.rpartition(".")[0]


def _is_served(fullname: str) -> bool:
    home = f"{_HOME}.{fullname.rpartition('.')[2]}"
    return sys.modules.get(fullname) is sys.modules.get(home, ...)


def _is_above_served(fullname: str) -> bool:
    return any(f"{package}.".startswith(f"{fullname}.") for package in _FINDER.packages)


def _drop(fullname: str) -> None:
    module = sys.modules.pop(fullname, None)
    package, _, name = fullname.rpartition(".")
    parent = sys.modules.get(package)
    if parent is not None and vars(parent).get(name) is module:
        delattr(parent, name)


# These replace the application's `utils.util` and `ConfigurationManager` where it has none.
_no_key_files = SimpleNamespace(get_api_key=lambda key_name: None)  # noqa: ARG005
# What `application_names` has returned so far.
_returned: list[object] = []


def _configuration(env_var_name: str | None = None) -> Any:  # noqa: ARG001
    return configured()


class ApplicationNamesModule(ModuleType):
    """A module that looks up the application's names each time.

    pytest's `monkeypatch` restores a name by assigning it. That would fix the name for the rest of
    the process, also for the next application, so this class ignores such an assignment.
    """

    def __setattr__(self, name: str, value: object) -> None:
        """Set a name, or forget it where the value was found by `application_names`."""
        if name in ("ConfigurationManager", "du") and any(value is one for one in _returned):
            vars(self).pop(name, None)
        else:
            super().__setattr__(name, value)


def application_names(name: str, module: str) -> Any:
    """`ConfigurationManager` or `du` of the application, or a replacement."""
    if name == "du":
        found = _application_module("utils.util") or _no_key_files
    elif name == "ConfigurationManager":
        configuring = _application_module("config.configuration_manager")
        found = configuring.ConfigurationManager if configuring else _configuration
    else:
        raise AttributeError(f"module {module!r} has no attribute {name!r}")
    if not any(found is one for one in _returned):
        _returned.append(found)
    return found


def _application_module(below_root: str) -> Any:
    """The first application's module of this name; None if no application has it."""
    for package in _FINDER.packages:
        root = package.rpartition(".")[0]
        wanted = f"{root}.{below_root}" if root else below_root
        try:
            return importlib.import_module(wanted)
        except ModuleNotFoundError as error:
            # Another missing module, which this one imports, is an error of the application.
            if error.name is None or not f"{wanted}.".startswith(f"{error.name}."):
                raise
    return None
