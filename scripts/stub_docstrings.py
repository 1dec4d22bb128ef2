"""Writes the docstrings of the compiled classes into their stub, where editors look for them.

`make stub-docs` runs it after a change of a docstring in `rust/bindings`;
`tests/contract/test_stub.py` fails until then.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from tokenwire import _engine

if TYPE_CHECKING:
    from collections.abc import Iterator

STUB = Path(__file__).resolve().parent.parent / "python" / "tokenwire" / "_engine.pyi"

Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def documented(tree: ast.Module) -> Iterator[tuple[str, Documented, str]]:
    """Each public definition that the compiled module documents.

    Yields:
        Its dotted name, its node in the stub, and the compiled docstring.
    """
    for node in tree.body:
        if not isinstance(node, Documented) or node.name.startswith("_"):
            continue
        compiled = getattr(_engine, node.name)
        if text := inspect.getdoc(compiled):
            yield node.name, node, text
        if isinstance(node, ast.ClassDef):
            for member in node.body:
                if not isinstance(member, Documented) or member.name.startswith("_"):
                    continue
                # Not inherited ones: those are in the stub of their own class.
                text = inspect.getdoc(vars(compiled).get(member.name))
                if text:
                    yield f"{node.name}.{member.name}", member, text


def with_docstrings(stub: str) -> str:
    """The stub's text with the compiled docstrings in it."""
    lines = stub.splitlines(keepends=True)
    # From the last to the first, so that line numbers stay right.
    found = sorted(documented(ast.parse(stub)), key=lambda it: it[1].lineno, reverse=True)
    for _, node, text in found:
        indent = " " * (node.col_offset + 4)
        end_quotes = '\n"""' if "\n" in text else '"""'
        docstring = textwrap.indent(f'"""{text}{end_quotes}', indent)
        first = node.body[0]
        is_value = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
        if is_value:  # `...`, or the docstring so far
            start, end = first.lineno - 1, first.end_lineno or first.lineno
            before = lines[start][: first.col_offset].rstrip()
            after = lines[end - 1][first.end_col_offset :].strip()
            kept = f"{before}{f'  {after}' if after else ''}\n" if before else ""
            lines[start:end] = [f"{kept}{docstring}\n"]
        else:
            decorators = getattr(first, "decorator_list", [])
            start = min([first, *decorators], key=lambda it: it.lineno).lineno - 1
            lines[start:start] = [f"{docstring}\n\n"]
    return "".join(lines)


if __name__ == "__main__":
    STUB.write_text(with_docstrings(STUB.read_text(encoding="utf-8")), encoding="utf-8")
