"""Counts as text: a table for people, and Prometheus's format."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from tokenwire.observability.counts import Distribution, ModelMetrics

_HEAD = (
    "model",
    "calls",
    "failed",
    "left",
    "retries",
    "prompt",
    "reply",
    "USD",
    "seconds",
    "first token",
    "tokens/s",
)


def table(models: Sequence[ModelMetrics], total: ModelMetrics) -> str:
    """A line for each model, and one for all where there are several."""
    several = [total] if len(models) > 1 else []
    rows = [_HEAD, *(_line(counts) for counts in (*models, *several))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in rows
    )


def _line(counts: ModelMetrics) -> tuple[str, ...]:
    name = f"{counts.provider}:{counts.model}" if counts.provider else "all"
    # No figure rather than a wrong one: nothing has a price where no price is known.
    priced = counts.calls - counts.without_usage - counts.without_price
    return (
        name,
        *map(str, (counts.calls, counts.failed, counts.cancelled, counts.retries)),
        *map(str, (counts.prompt_tokens, counts.completion_tokens)),
        f"{counts.cost_usd:.6f}" if priced else "-",
        *(_mean(spread, 3) for spread in (counts.latency, counts.first_token)),
        _mean(counts.tokens_per_second, 1),
    )


def _mean(spread: Distribution, digits: int) -> str:
    return "-" if spread.mean is None else f"{spread.mean:.{digits}f}"


_COUNTERS = (
    ("retries", "Attempts beyond the first of each call."),
    ("prompt_tokens", "Prompt tokens as reported, cached ones included."),
    ("completion_tokens", "Completion tokens as reported."),
    ("cached_tokens", "Prompt tokens that came from a cache."),
    ("reasoning_tokens", "Tokens of reasoning."),
    ("cost_usd", "US dollars, for the calls with a known price."),
    ("without_price", "Calls with tokens but without a known price."),
)
_HISTOGRAMS = (
    ("call_seconds", "latency", "Seconds from the start of a call to its end."),
    ("failed_call_seconds", "failed_latency", "Seconds from the start of a call to its error."),
    ("first_token_seconds", "first_token", "Seconds from the start of a stream to its token."),
    ("reply_tokens_per_second", "tokens_per_second", "How fast each reply came."),
)


def exposition(models: Iterable[ModelMetrics]) -> str:
    """The text format 0.0.4 of Prometheus."""
    labelled = [({"provider": one.provider, "model": one.model}, one) for one in models]
    lines = _family("calls_total", "counter", "Finished calls by outcome.")
    for labels, one in labelled:
        succeeded = one.calls - one.failed - one.cancelled
        outcomes = {"ok": succeeded, "error": one.failed, "cancelled": one.cancelled}
        for outcome, count in outcomes.items():
            lines.append(_sample("calls_total", {**labels, "outcome": outcome}, count))
    lines += _family("errors_total", "counter", "Failed calls by kind of the error.")
    for labels, one in labelled:
        for kind, count in one.errors.items():
            lines.append(_sample("errors_total", {**labels, "kind": kind}, count))
    for name, text in _COUNTERS:
        lines += _family(f"{name}_total", "counter", text)
        for labels, one in labelled:
            lines.append(_sample(f"{name}_total", labels, getattr(one, name)))
    for name, attribute, text in _HISTOGRAMS:
        lines += _family(name, "histogram", text)
        for labels, one in labelled:
            lines += _buckets(name, labels, getattr(one, attribute))
    return "\n".join([*lines, ""])


def _family(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP tokenwire_{name} {text}", f"# TYPE tokenwire_{name} {kind}"]


def _buckets(name: str, labels: dict[str, str], spread: Distribution) -> list[str]:
    lines, so_far = [], 0
    for bound, count in zip((*map(str, spread.bounds), "+Inf"), spread.counts, strict=True):
        so_far += count
        lines.append(_sample(f"{name}_bucket", {**labels, "le": bound}, so_far))
    lines.append(_sample(f"{name}_sum", labels, spread.sum))
    lines.append(_sample(f"{name}_count", labels, spread.count))
    return lines


def _sample(name: str, labels: dict[str, str], value: float | Decimal) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"tokenwire_{name}{{{inside}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
