"""Counts as text: a table for people, and Prometheus's format."""

from __future__ import annotations

from tokenwire._engine import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from tokenwire.observability.counts import Distribution, ModelMetrics


def table(models: Sequence[ModelMetrics], total: ModelMetrics) -> str:
    """One line per model, and a line for all if there are several."""
    counts = [*models, total] if len(models) > 1 else models
    columns = [_columns(one) for one in (total, *counts)]
    rows = [[name for name, _ in columns[0]], *([cell for _, cell in row] for row in columns[1:])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    # The first column is the name; numbers are aligned to the right.
    signs = ["<", *">" * (len(widths) - 1)]
    return "\n".join(
        "  ".join(
            f"{cell:{sign}{width}}" for cell, sign, width in zip(row, signs, widths, strict=True)
        )
        for row in rows
    )


def _columns(counts: ModelMetrics) -> list[tuple[str, str]]:
    # Without a known price, no figure is better than a wrong one.
    priced = counts.calls - counts.without_usage - counts.without_price
    return [
        ("model", one_line(f"{counts.provider}:{counts.model}") if counts.provider else "all"),
        ("calls", str(counts.calls)),
        ("failed", str(counts.failed)),
        ("left", str(counts.cancelled)),
        ("retries", str(counts.retries)),
        ("prompt", str(counts.prompt_tokens)),
        ("reply", str(counts.completion_tokens)),
        ("USD", f"{counts.cost_usd:.6f}" if priced else "-"),
        ("seconds", _rounded(counts.latency.mean, 3)),
        ("p95", _rounded(counts.latency.p95, 3)),
        ("first token", _rounded(counts.first_token.mean, 3)),
        ("p95", _rounded(counts.first_token.p95, 3)),
        ("tokens/s", _rounded(counts.tokens_per_second.mean, 1)),
    ]


def _rounded(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


_COUNTERS = (
    ("retries", "Attempts after the first one of each call."),
    ("prompt_tokens", "Prompt tokens as reported, including cached tokens."),
    ("completion_tokens", "Completion tokens as reported."),
    ("cached_tokens", "Prompt tokens read from a cache."),
    ("reasoning_tokens", "Reasoning tokens."),
    ("cost_usd", "US dollars, for the calls with a known price."),
    ("without_price", "Calls with tokens but without a known price."),
)
_HISTOGRAMS = (
    ("call_seconds", "latency", "Seconds from the start of a call to its end."),
    ("failed_call_seconds", "failed_latency", "Seconds from the start of a call to its error."),
    (
        "first_token_seconds",
        "first_token",
        "Seconds from the start of a stream to its first token.",
    ),
    ("reply_tokens_per_second", "tokens_per_second", "The speed of each reply."),
)


def exposition(models: Iterable[ModelMetrics]) -> str:
    """The text format 0.0.4 of Prometheus."""
    labelled = [({"provider": one.provider, "model": one.model}, one) for one in models]
    lines = _family("calls_total", "counter", "Finished calls by outcome.")
    for labels, one in labelled:
        succeeded = one.calls - one.failed - one.cancelled
        outcomes = {"ok": succeeded, "error": one.failed, "cancelled": one.cancelled}
        lines += _counts("calls_total", labels, "outcome", outcomes)
    lines += _family("errors_total", "counter", "Failed calls by kind of error.")
    for labels, one in labelled:
        lines += _counts("errors_total", labels, "kind", one.errors)
    for name, text in _COUNTERS:
        lines += _family(f"{name}_total", "counter", text)
        lines += [_sample(f"{name}_total", labels, getattr(one, name)) for labels, one in labelled]
    for name, attribute, text in _HISTOGRAMS:
        lines += _family(name, "histogram", text)
        for labels, one in labelled:
            lines += _histogram(name, labels, getattr(one, attribute))
    return "\n".join([*lines, ""])


def _family(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP tokenwire_{name} {text}", f"# TYPE tokenwire_{name} {kind}"]


def _counts(
    name: str, labels: dict[str, str], label: str, counts: Mapping[str, int]
) -> Iterator[str]:
    for value, count in counts.items():
        yield _sample(name, {**labels, label: value}, count)


def _histogram(name: str, labels: dict[str, str], spread: Distribution) -> Iterator[str]:
    so_far = 0
    for bound, count in zip((*map(str, spread.bounds), "+Inf"), spread.counts, strict=True):
        so_far += count
        yield _sample(f"{name}_bucket", {**labels, "le": bound}, so_far)
    yield _sample(f"{name}_sum", labels, spread.sum)
    yield _sample(f"{name}_count", labels, spread.count)


def _sample(name: str, labels: dict[str, str], value: float | Decimal) -> str:
    pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"tokenwire_{name}{{{pairs}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
