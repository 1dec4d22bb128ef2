"""Serve the older interface under an application's own package path."""

from __future__ import annotations

import importlib
import sys
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

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


class _Served(Loader):
    """Loads a module of the adapter under an old name: the same module object, not a copy."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._own: dict[str, object] = {}

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002
        """Return the adapter's module."""
        module = importlib.import_module(self._home)
        # The import system writes the old name's spec over this one.
        self._own = {name: getattr(module, name) for name in ("__spec__", "__loader__")}
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec back; it has been executed already."""
        for name, value in self._own.items():
            setattr(module, name, value)


class _EmptyPackage(Loader):
    """Makes a package that nothing else provides, so that modules can be served below it."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to the import system."""

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the package is empty."""


class _Finder(MetaPathFinder):
    """Finds the old modules before any file of the same name."""

    def __init__(self) -> None:
        self.packages: tuple[str, ...] = ()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """The spec of an old module; None for any other."""
        package, _, name = fullname.rpartition(".")
        if package in self.packages and name in MODULES:
            return ModuleSpec(fullname, _Served(f"{_HOME}.{name}"), origin=f"{_HOME}.{name}")
        return None


class _LastFinder(MetaPathFinder):
    """Finds the packages above the old modules where nothing else does."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """The spec of an empty package; None for what is not above an old module."""
        if any(f"{package}.".startswith(f"{fullname}.") for package in _FINDER.packages):
            return ModuleSpec(fullname, _EmptyPackage(), is_package=True)
        return None


_FINDER = _Finder()
_LAST_FINDER = _LastFinder()


def install(package: str, *, config: object = None) -> None:
    """Serve the older interface's modules as `package.llm_client`, `package.chat_client` and so on.

    Call it before the application is imported. It wins over files of the same names; everything
    else in that package stays the application's own. Calling it again does no harm, and several
    packages may be served.

    Args:
        package: The package that held the old clients, such as `root.agents`. Its parent is where
            the factory looks for `config.configuration_manager` and `utils.util`.
        config: A configuration for the factory; see `use_config`.

    Raises:
        ValueError: `package` is no dotted name.
    """
    given: Any = package
    if not (isinstance(given, str) and all(part.isidentifier() for part in given.split("."))):
        raise ValueError(f"install: {package!r} is no package path such as root.agents")
    if config is not None:
        from tokenwire.legacy._settings import use_config

        use_config(config)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    if _LAST_FINDER not in sys.meta_path:
        sys.meta_path.append(_LAST_FINDER)
    if package not in _FINDER.packages:
        _FINDER.packages = (*_FINDER.packages, package)
    _forget(package, "was imported before install(): what holds its old classes keeps them")


def uninstall(package: str) -> None:
    """Stop serving `package`: its own files count again from the next import on."""
    _FINDER.packages = tuple(name for name in _FINDER.packages if name != package)
    if not _FINDER.packages:
        sys.meta_path[:] = [
            finder for finder in sys.meta_path if finder not in (_FINDER, _LAST_FINDER)
        ]
    for name in MODULES:
        if _is_served(f"{package}.{name}"):
            _drop(package, name)
    # Packages that were made for it would hide the files of an application that comes later.
    while package and not any(f"{name}.".startswith(f"{package}.") for name in _FINDER.packages):
        spec = getattr(sys.modules.get(package), "__spec__", None)
        parent, _, name = package.rpartition(".")
        if isinstance(getattr(spec, "loader", None), _EmptyPackage):
            _drop(parent, name)
        package = parent


def application_roots() -> tuple[str, ...]:
    """The packages above those that are served: `root` for `root.agents`, `""` for `agents`."""
    return tuple(package.rpartition(".")[0] for package in _FINDER.packages)


def _is_served(fullname: str) -> bool:
    home = f"{_HOME}.{fullname.rpartition('.')[2]}"
    return sys.modules.get(fullname) is sys.modules.get(home, ...)


def _forget(package: str, why: str) -> None:
    """Drop modules of the old files that were imported already, so that ours are served."""
    early = []
    for name in MODULES:
        fullname = f"{package}.{name}"
        if fullname in sys.modules and not _is_served(fullname):
            _drop(package, name)
            early.append(fullname)
    # All are dropped by now: a filter may make an error of the first warning.
    for fullname in early:
        warnings.warn(f"{fullname} {why}", RuntimeWarning, stacklevel=3)


def _drop(package: str, name: str) -> None:
    module = sys.modules.pop(f"{package}.{name}" if package else name, None)
    parent = sys.modules.get(package)
    if parent is not None and vars(parent).get(name) is module:
        delattr(parent, name)
