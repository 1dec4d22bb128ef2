"""The comparison of what the client says with the plain reading, field by field."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

from tests.wire.plain_errors import PlainError
from tests.wire.plain_reading import PlainReply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The client's own words, which name the fix: the recording does not contain them.
_OWN_WORDS = (
    "LlmConnectionLostError",
    "LlmDecodeError",
    "LlmStreamIncompleteError",
    "LlmStreamInterruptedError",
    "LlmUnexpectedContentError",
)


class Comparison:
    """Counts what was compared, so that nothing is skipped in silence."""

    def __init__(self) -> None:
        self.rows = 0
        self.fields = 0
        self.otherwise: dict[str, list[str]] = {}

    def add(self, name: str, seen: PlainReply, expected: PlainReply) -> None:
        """Compare one reply with its reading."""
        self.rows += 1
        if expected.error is not None:
            seen, expected = _with_content(seen), _with_content(expected)
        problems = []
        for path, left, right in _leaves("", seen, expected):
            self.fields += 1
            if left != right:
                problems.append(f"{path}: seen {left!r:.300}, expected {right!r:.300}")
        if problems:
            self.otherwise[name] = problems

    def check(self, report_line: Callable[[str], None]) -> None:
        """Report how much was compared, and fail if anything differs."""
        report_line(
            f"{self.rows} replies, {self.fields} fields compared, {len(self.otherwise)} differ"
        )
        some = [f"{name}:\n    " + "\n    ".join(said) for name, said in self.otherwise.items()]
        assert not some, f"{len(some)} of {self.rows} differ\n  " + "\n  ".join(some[:20])


def _with_content(reply: PlainReply) -> PlainReply:
    """Leave out of a partial reply what has no content, such as a choice that only has a role.

    The client may give it or not. Without any content there is no reply.
    """
    choices = [choice for choice in reply.choices if choice.order]
    if choices:
        return replace(reply, choices=choices)
    return PlainReply(error=reply.error, contradictions=reply.contradictions)


def _leaves(path: str, seen: Any, expected: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield (path, seen, expected) of every field, down to the values."""
    if isinstance(expected, float) and not isfinite(expected):
        # JSON has no such number: the client may say None.
        yield path, expected if seen is None else seen, expected
    elif type(seen) is not type(expected):
        yield path, seen, expected
    elif isinstance(expected, PlainError):
        yield from error_leaves(path, seen, expected)
    elif is_dataclass(expected):
        for one in fields(expected):
            at = f"{path}.{one.name}".lstrip(".")
            yield from _leaves(at, getattr(seen, one.name), getattr(expected, one.name))
    elif path.endswith("kept.reasoning_details"):
        yield path, joined_details(seen), joined_details(expected)
    elif isinstance(expected, (dict, list, tuple)):
        yield from _item_leaves(path, seen, expected)
    else:
        yield path, seen, expected


def _item_leaves(path: str, seen: Any, expected: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(expected, dict):
        yield f"{path} (keys)", sorted(seen), sorted(expected)
        for key in sorted(expected.keys() & seen.keys()):
            yield from _leaves(f"{path}.{key}", seen[key], expected[key])
        return
    yield f"{path} (length)", len(seen), len(expected)
    for number, (left, right) in enumerate(zip(seen, expected, strict=False)):
        yield from _leaves(f"{path}[{number}]", left, right)


def error_leaves(
    path: str, seen: PlainError, expected: PlainError
) -> Iterator[tuple[str, Any, Any]]:
    yield f"{path}.kind", seen.kind, expected.kind
    if expected.kind in _OWN_WORDS:
        yield f"{path}.message", bool(seen.message), True
        return
    # The client puts its own words around the provider's, and escapes and shortens them.
    said, heard = (" ".join(one.message.split()) for one in (expected, seen))
    said = said[:300]
    yield f"{path}.message", said if said in heard else seen.message, said
    for name in ("status_code", "type", "code", "param", "body", "retry_after"):
        yield f"{path}.{name}", getattr(seen, name), getattr(expected, name)
    if expected.retryable is not None:
        yield f"{path}.retryable", seen.retryable, expected.retryable


def joined_details(details: Any) -> Any:
    """Join the fragments of OpenRouter's reasoning details that continue each other.

    The provider takes them back joined or as they came, if the order is kept (wire.md 18.4).
    """
    joined: list[dict[str, Any]] = []
    for detail in details:
        last = joined[-1] if joined else None
        if last and all(last.get(key) == detail.get(key) for key in ("type", "index")):
            for key, value in detail.items():
                is_text = key in ("text", "summary", "data") and last.get(key) and value
                last[key] = last[key] + value if is_text else value or last.get(key)
        else:
            joined.append(dict(detail))
    return joined


def json_leaves(path: str, seen: Any, expected: Any) -> Iterator[str]:
    """Yield every place where the JSON that was sent differs from what was recorded."""
    if isinstance(seen, dict) and isinstance(expected, dict):
        for key in sorted({*seen, *expected}):
            if key not in seen or key not in expected:
                where = "sent" if key in seen else "recorded"
                yield f"{path}.{key}: only {where}: {seen.get(key, expected.get(key))!r:.200}"
            else:
                yield from json_leaves(f"{path}.{key}", seen[key], expected[key])
    elif isinstance(seen, list) and isinstance(expected, list):
        if len(seen) != len(expected):
            yield f"{path}: {len(seen)} sent, {len(expected)} recorded"
        for number, (left, right) in enumerate(zip(seen, expected, strict=False)):
            yield from json_leaves(f"{path}[{number}]", left, right)
    elif seen != expected or type(seen) is not type(expected):
        yield f"{path}: sent {seen!r:.200}, recorded {expected!r:.200}"
