"""Where old clients are made and used, and which of them the new API can take over."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tokenwire.legacy.migrate._arguments import POSITIONAL, LeftAloneError, constructor, of_a_run
from tokenwire.legacy.migrate._errors import errors_differ
from tokenwire.legacy.migrate._holder import Holder, Site
from tokenwire.legacy.migrate._reach import defined, named, reached, rebound
from tokenwire.legacy.migrate._source import absolute

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tokenwire.legacy.migrate._source import Source

MODULES_OF_CLIENTS = ("chat_client", "completion_client", "llm_client")
_CLEANED = "clean_llm_response"
_LINE_LENGTH = 100


def bindings(nodes: Iterable[ast.ImportFrom]) -> dict[str, str]:
    """The old classes that a file imports, by the names it uses."""
    return {
        alias.asname or alias.name: alias.name
        for node in nodes
        for alias in node.names
        if alias.name in POSITIONAL
    }


def holders(
    bound: dict[Source, dict[str, str]],
    everything: list[Source],
    stays: dict[tuple[Source, str], str],
) -> list[Holder]:
    """All clients of the tree, grouped by what holds them; `problem` says which stay.

    Args:
        bound: The old classes that each file imports, by the names it uses.
        everything: All files, for uses of names and attributes.
        stays: Names that cannot be imported from elsewhere, and why.
    """
    found: dict[object, Holder] = {}
    elsewhere = dict(stays)
    _find_sites(bound, found, elsewhere)
    _check_names(bound, found, elsewhere)
    _check_reach(bound, found, elsewhere, everything)
    for key, holder in found.items():
        if isinstance(key, tuple):
            _follow(key, holder, everything)
        _convert(holder)
        if not holder.problem:
            holder.problem = errors_differ(
                [(site.source, site.call) for site in holder.sites] + holder.runs, everything
            )
    _agree(list(found.values()), elsewhere)
    return list(found.values())


def _find_sites(
    bound: dict[Source, dict[str, str]],
    found: dict[object, Holder],
    elsewhere: dict[tuple[Source, str], str],
) -> None:
    for source, names in bound.items():
        for node in (node for name in names for node in source.using.get(name, ())):
            if not isinstance(node, ast.Name):
                continue
            above = source.parents[node]
            if isinstance(above, ast.Call) and above.func is node:
                site = Site(source, above, node.id, names[node.id])
                _place(site, found)
            else:
                elsewhere[source, node.id] = (
                    f"{node.id} is used in another way at line {node.lineno}"
                )


def _check_names(
    bound: dict[Source, dict[str, str]],
    found: dict[object, Holder],
    elsewhere: dict[tuple[Source, str], str],
) -> None:
    """`LlmClient` becomes a class of another name, which the file must not use for its own."""
    sites = [site for holder in found.values() for site in holder.sites]
    used = {(site.source, site.local) for site in sites}
    for source in {site.source for site in sites if site.local == site.kind == "LlmClient"}:
        for name in ("ChatClient", "CompletionClient"):
            old = bound[source].get(name) == name and (source, name) in used
            if name in _names_of(source) and not old:
                elsewhere[source, "LlmClient"] = f"the file has a {name} of its own"


def _check_reach(
    bound: dict[Source, dict[str, str]],
    found: dict[object, Holder],
    elsewhere: dict[tuple[Source, str], str],
    everything: list[Source],
) -> None:
    """A class that somebody else takes from the file stays what it was."""
    for source, local in {(site.source, site.local) for h in found.values() for site in h.sites}:
        why = reached(source, local, everything)
        if not why:
            imports = [
                node
                for node in source.binding.get(local, ())
                if isinstance(node, ast.ImportFrom) and _brings(bound, source, node, local)
            ]
            why = rebound(source, local, imports)
        if why:
            elsewhere.setdefault((source, local), why)


def _brings(
    bound: dict[Source, dict[str, str]], source: Source, node: ast.ImportFrom, local: str
) -> bool:
    """Whether an import is the one that brings an old class."""
    module = absolute(source, node).rpartition(".")[2]
    return module in MODULES_OF_CLIENTS and any(
        (alias.asname or alias.name) == local and alias.name == bound[source][local]
        for alias in node.names
    )


def _names_of(source: Source) -> set[str]:
    """The names that a file binds."""
    stored = {
        name
        for name, nodes in source.using.items()
        if any(isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) for node in nodes)
    }
    return stored | set(source.binding)


def _agree(found: list[Holder], elsewhere: dict[tuple[Source, str], str]) -> None:
    """An import leads one way only: all clients of one name in a file go, or none."""
    changed = True
    while changed:
        changed = False
        for holder in found:
            names_used = [(site.source, site.local) for site in holder.sites]
            names_needed = names_used + [
                (site.source, site.new.kind)
                for site in holder.sites
                if site.new is not None and site.local == site.kind
            ]
            if holder.problem:
                for used in names_used:
                    changed = changed or used not in elsewhere
                    elsewhere.setdefault(used, f"another {used[1]} of this file stays")
            elif any(used in elsewhere for used in names_needed):
                holder.problem = next(elsewhere[used] for used in names_needed if used in elsewhere)
                changed = True


def _place(site: Site, found: dict[object, Holder]) -> None:
    source, call = site.source, site.call
    above = source.parents[call]
    target = above.targets[0] if isinstance(above, ast.Assign) and len(above.targets) == 1 else None
    key: object = call
    problem = ""
    runs = []
    if isinstance(above, ast.Attribute) and (run := _run_of(source, above)) is not None:
        runs.append((source, run))
    elif isinstance(target, ast.Name):
        key = ("name", source, target.id)
        if isinstance(source.parents[above], ast.ClassDef):
            problem = f"{target.id} belongs to a class; its uses are not told from others"
    elif isinstance(target, ast.Attribute):
        key = ("attribute", None, target.attr)
    else:
        problem = "the client is passed on; what is done with it there is not seen"
    holder = found.setdefault(key, Holder())
    holder.sites.append(site)
    holder.runs += runs
    holder.problem = holder.problem or problem


def _run_of(source: Source, attribute: ast.AST) -> ast.Call | None:
    """The call `….run(…)` or `….run_async(…)` of which this is the function."""
    above = source.parents.get(attribute)
    if (
        isinstance(attribute, ast.Attribute)
        and attribute.attr in ("run", "run_async")
        and isinstance(above, ast.Call)
        and above.func is attribute
    ):
        return above
    return None


def _follow(key: tuple[str, Source, str], holder: Holder, everything: list[Source]) -> None:
    """Look at every use of a name or an attribute."""
    what, home, name = key
    made = {site.call for site in holder.sites}
    if what == "name":
        holder.problem = holder.problem or reached(home, name, everything) or rebound(home, name)
    else:
        holder.problem = holder.problem or named(name, everything) or defined(name, everything)
    for source in everything:
        for node in source.using.get(name, ()):
            if what == "name" and source is not home:
                if isinstance(node, (ast.ImportFrom, ast.Attribute)):
                    place = f"{source.path}:{node.lineno}"
                    holder.problem = f"{name} may be used by another file ({place})"
                continue
            if isinstance(node, ast.arg) and what == "name" and node.arg == name:
                holder.problem = f"{name} is also an argument at line {node.lineno}"
            if (what == "name" and isinstance(node, ast.Name) and node.id == name) or (
                what == "attribute" and isinstance(node, ast.Attribute) and node.attr == name
            ):
                _use(source, node, made, holder, name)


def _use(
    source: Source, node: ast.Name | ast.Attribute, made: set[ast.Call], holder: Holder, name: str
) -> None:
    above = source.parents[node]
    if isinstance(node.ctx, ast.Store) and isinstance(above, ast.Assign) and above.value in made:
        return
    run = _run_of(source, above)
    if isinstance(node.ctx, ast.Load) and run is not None:
        holder.runs.append((source, run))
        return
    holder.problem = holder.problem or (
        f"{name} is used at {source.path}:{node.lineno} for more than run() and run_async()"
    )


def _convert(holder: Holder) -> None:
    """Find out whether the new API does the same for all that a holder holds."""
    if holder.problem:
        return
    if len({site.kind == "CompletionClient" for site in holder.sites}) > 1:
        holder.problem = "clients of several classes go by one name"
        return
    try:
        for source, call in [(site.source, site.call) for site in holder.sites] + holder.runs:
            _check_place(source, call)
        for site in holder.sites:
            site.new = constructor(site.source, site.call, site.kind)
        for source, run in holder.runs:
            if of_a_run(source, run) is not None:
                _check_same_file(holder, source, run)
            if _is_cleaned(holder):
                _check_cleaning(holder, source, run)
    except LeftAloneError as error:
        holder.problem = str(error)


def _check_same_file(holder: Holder, source: Source, run: ast.Call) -> None:
    """Another file's attribute of that name may be another thing: nothing is changed there."""
    if all(site.source is not source for site in holder.sites):
        raise LeftAloneError(f"its use at {source.path}:{run.lineno} would have to change")


def _check_cleaning(holder: Holder, source: Source, run: ast.Call) -> None:
    """The old client cleaned its text, so the call is wrapped; that is not possible anywhere."""
    _check_same_file(holder, source, run)
    known = source.binding.get(_CLEANED, []) + [
        node
        for node in source.using.get(_CLEANED, ())
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    ]
    if any(not _is_top_import(source, node) for node in known):
        raise LeftAloneError(f"the file has a {_CLEANED} of its own")
    if not any(
        _is_top_import(source, node) for node in source.binding.get(holder.sites[0].local, ())
    ):
        raise LeftAloneError("its class is not imported at the top of the file")
    if _is_async(run) and not isinstance(source.parents[run], ast.Await):
        raise LeftAloneError(f"run_async() of line {run.lineno} is not awaited there")


def _is_top_import(source: Source, node: ast.AST) -> bool:
    if not isinstance(node, ast.ImportFrom) or source.parents[node] is not source.tree:
        return False
    return absolute(source, node).rpartition(".")[2] == "completion_client"


def _check_place(source: Source, call: ast.Call) -> None:
    """Until Python 3.12 `ast` names wrong places inside an f-string."""
    node: ast.AST = call
    while node in source.parents:
        node = source.parents[node]
        if isinstance(node, ast.JoinedStr):
            raise LeftAloneError(f"line {call.lineno} is inside an f-string")


def _is_cleaned(holder: Holder) -> bool:
    return holder.sites[0].kind == "CompletionClient"


def _is_async(run: ast.Call) -> bool:
    return isinstance(run.func, ast.Attribute) and run.func.attr == "run_async"


def rewrite(holder: Holder) -> set[Source]:
    """Collect the edits of a holder's clients; the files that need `clean_llm_response` now."""
    for site in holder.sites:
        _rewrite_constructor(site)
    cleaned = set()
    for source, run in holder.runs:
        new = of_a_run(source, run)
        if new is not None:
            source.replace(source.end(run.func), source.end(run), f"({', '.join(new)})")
        if _is_cleaned(holder):
            whole = source.parents[run] if _is_async(run) else run
            source.replace(source.start(whole), source.start(whole), f"{_CLEANED}(")
            source.replace(source.end(whole), source.end(whole), ")")
            cleaned.add(source)
    return cleaned


def _rewrite_constructor(site: Site) -> None:
    source, call = site.source, site.call
    if site.new is None:
        raise ValueError("only what was converted is rewritten")
    # An alias stays; a class of another name brings its own.
    name = site.new.kind if site.local == site.kind else site.local
    arguments = site.new.arguments
    text = f"{name}({', '.join(arguments)})"
    if call.lineno != call.end_lineno or call.col_offset + len(text) > _LINE_LENGTH:
        # One argument a line, as deep as before.
        first = call.args[0] if call.args else call.keywords[0]
        outer = source.indent(call)
        inner = outer + "    " if first.lineno == call.lineno else source.indent(first)
        end = source.newline
        text = f"{name}({end}{inner}" + f",{end}{inner}".join(arguments) + f",{end}{outer})"
    source.replace(source.start(call), source.end(call), text)
