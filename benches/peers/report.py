"""Medians, spreads, ratios and gates, as a table in Markdown and as raw numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from contestants import OURS
from machine import load
from scenarios import SCENARIOS, Gate, Scenario

TITLES = {
    "loop_thread_us": "loop thread µs",
    "units_per_wake": "per wake",
    "wall_s": "wall s",
    "lag_p50_ms": "lag p50 ms",
    "lag_p99_ms": "lag p99 ms",
    "lag_max_ms": "lag max ms",
    "kib_per_stream": "KiB / stream",
    "cpu_us": "CPU µs",
    "p99_us": "p99 µs",
    "cpu_ms": "CPU ms",
    "rss_mib": "RSS MiB",
    "modules": "modules",
    "first_us": "first µs",
    "first_ms": "first ms",
    "later_ms": "later ms",
}


@dataclass
class Verdict:
    """One gate and whether it holds."""

    text: str
    holds: bool | None


@dataclass
class Results:
    """Every measurement of one run."""

    facts: dict[str, str]
    command: str
    rounds: int
    runs: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    cannot_install: dict[str, str] = field(default_factory=dict)

    def add(self, scenario: Scenario, name: str, result: dict[str, Any]) -> None:
        """Add one measurement."""
        self.runs.setdefault(scenario.name, {}).setdefault(name, []).append(result)

    def finish(self) -> None:
        """Note what else the machine did."""
        self.facts["load after"] = load()

    def scenarios(self) -> list[Scenario]:
        """Return the scenarios that ran, in their order."""
        return [one for one in SCENARIOS if one.name in self.runs]

    def names(self, scenario: Scenario) -> list[str]:
        """Return the contestants that took part, in the order of the list."""
        from contestants import CONTESTANTS

        present = self.runs[scenario.name]
        return [one.name for one in CONTESTANTS if one.name in present]

    def values(self, scenario: Scenario, name: str, metric: str) -> list[float]:
        """Return all rounds of one number; empty if it was not measured, or if one is wrong."""
        runs = self.runs.get(scenario.name, {}).get(name, [])
        if any("wrong" in run for run in runs):
            return []
        return [run[metric] for run in runs if isinstance(run.get(metric), (int, float))]

    def middle(self, scenario: Scenario, name: str, metric: str) -> float | None:
        """Return the median of all rounds."""
        values = self.values(scenario, name, metric)
        return median(values) if values else None

    def trouble(self, scenario: Scenario, name: str) -> str:
        """Return why a contestant has no number here, or one that cannot be trusted."""
        for run in self.runs[scenario.name][name]:
            if "unsupported" in run:
                return str(run["unsupported"])
            if "wrong" in run:
                return f"wrong output: {run['wrong']}"
        return ""

    def verdicts(self, scenario: Scenario) -> list[Verdict]:
        """Return the gates of a scenario, each with the numbers that it compares."""
        return [self._verdict(scenario, gate) for gate in scenario.gates]

    def _verdict(self, scenario: Scenario, gate: Gate) -> Verdict:
        metric = gate.metric or scenario.metric
        ours = self.middle(scenario, gate.ours, metric)
        whose = "" if gate.ours == OURS else f"{gate.ours}: "
        if gate.limit is not None:
            text = f"{whose}{TITLES.get(metric, metric)} ≤ {gate.limit:g} {gate.unit}"
            if ours is None:
                return Verdict(f"{text}: not measured", None)
            return Verdict(f"{text}: {ours:.2f}", ours <= gate.limit)
        text = f"{whose}≤ {gate.factor:.3g} × {gate.peer}"
        peer = self.middle(scenario, gate.peer, metric)
        if ours is None or peer is None:
            return Verdict(f"{text}: not measured", None)
        return Verdict(f"{text}: {ours / peer:.4f}", ours <= gate.factor * peer)

    def passes(self) -> bool:
        """Return whether every measured gate holds, and tokenwire read no wrong text."""
        gates = [v.holds for one in self.scenarios() for v in self.verdicts(one)]
        ours = [
            self.trouble(one, name)
            for one in self.scenarios()
            for name in self.names(one)
            if name.startswith(OURS)
        ]
        return all(holds is not False for holds in gates) and not any(ours)

    def raw(self) -> dict[str, Any]:
        """Return everything, for programs."""
        return {
            "facts": self.facts,
            "command": self.command,
            "rounds": self.rounds,
            "cannot_install": self.cannot_install,
            "gates": {
                one.name: [[v.text, v.holds] for v in self.verdicts(one)]
                for one in self.scenarios()
            },
            "runs": self.runs,
        }


def markdown(results: Results) -> str:
    """Return all tables."""
    lines = ["# tokenwire beside other clients", ""]
    lines += [f"- {name}: {value}" for name, value in results.facts.items()]
    lines += [
        f"- command: `{results.command}`",
        f"- median of {results.rounds} interleaved rounds; the spread is lowest … highest",
        "",
    ]
    lines += summary(results)
    for scenario in results.scenarios():
        lines += table(results, scenario)
    if results.cannot_install:
        lines += ["## Not installed", ""]
        lines += [f"- {name}: {reason}" for name, reason in results.cannot_install.items()]
    return "\n".join(lines).rstrip() + "\n"


def summary(results: Results) -> list[str]:
    """Return the gates of all scenarios."""
    lines = ["| gate | measured | |", "|---|---|---|"]
    for scenario in results.scenarios():
        for verdict in results.verdicts(scenario):
            claim, _, found = verdict.text.rpartition(": ")
            mark = {True: "pass", False: "**FAIL**", None: "–"}[verdict.holds]
            lines.append(f"| {scenario.title}: {claim} | {found} | {mark} |")
    return [*lines, ""]


def table(results: Results, scenario: Scenario) -> list[str]:
    """Return one scenario."""
    shows = [one for one in scenario.shows if one != scenario.metric]
    head = ["", scenario.unit, "spread", "× ours", *(TITLES.get(one, one) for one in shows)]
    lines = [f"## {scenario.title}", "", _row(head), "|---" + "|---:" * (len(head) - 1) + "|"]
    ours = results.middle(scenario, OURS, scenario.metric)
    for name in results.names(scenario):
        values = results.values(scenario, name, scenario.metric)
        trouble = results.trouble(scenario, name)
        if not values:
            lines.append(_row([name, "–", trouble, *[""] * (len(head) - 3)]))
            continue
        middle = median(values)
        row = [
            name,
            _number(middle),
            f"{_number(min(values))} … {_number(max(values))}",
            f"{middle / ours:.2f}" if ours else "",
            *(_number(results.middle(scenario, name, one)) for one in shows),
        ]
        lines.append(_row(row))
        if trouble:
            lines.append(_row(["", trouble, *[""] * (len(head) - 2)]))
    return [*lines, ""]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
