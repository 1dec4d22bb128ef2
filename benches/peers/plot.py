"""The plot: for each scenario one bar per contestant, on a logarithmic scale of "times ours"."""

from __future__ import annotations

from html import escape
from math import log10
from typing import TYPE_CHECKING

from contestants import OURS

if TYPE_CHECKING:
    from report import Results
    from scenarios import Scenario

WIDTH = 860
LEFT = 210
RIGHT = 110
BAR = 16
GAP = 4
OURS_COLOUR = "#0b7285"
PEER_COLOUR = "#adb5bd"


def svg(results: Results) -> str:
    """Return the whole picture."""
    body: list[str] = []
    top = 34
    longest = max((_ratio(results, *pair) for pair in _pairs(results)), default=10.0)
    scale = (WIDTH - LEFT - RIGHT) / max(1.0, log10(max(longest, 10.0)) + 0.5)
    for scenario in results.scenarios():
        ours = results.middle(scenario, OURS, scenario.metric)
        names = [
            name
            for name in results.names(scenario)
            if results.middle(scenario, name, scenario.metric) is not None
        ]
        if not ours or len(names) < 2:
            continue
        body.append(_text(10, top, scenario.title, "bold", "start"))
        top += 8
        for name in names:
            value = results.middle(scenario, name, scenario.metric) or ours
            length = max(2.0, (log10(value / ours) + 0.5) * scale)
            colour = OURS_COLOUR if name.startswith(OURS) else PEER_COLOUR
            body.append(_text(LEFT - 8, top + BAR - 4, name, "normal", "end"))
            body.append(
                f'<rect x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>'
            )
            label = f"{value:.3g} {scenario.unit.split()[0]} · {value / ours:.3g} ×"
            body.append(_text(LEFT + length + 6, top + BAR - 4, label, "normal", "start"))
            top += BAR + GAP
        top += 26
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" '
        f'viewBox="0 0 {WIDTH} {top}" font-family="sans-serif" font-size="12">'
    )
    title = _text(
        10, 14, "Cost, logarithmic; × is times tokenwire's; shorter is better", "normal", "start"
    )
    background = f'<rect width="{WIDTH}" height="{top}" fill="white"/>'
    return "\n".join([head, background, title, *body, "</svg>", ""])


def _pairs(results: Results) -> list[tuple[Scenario, str]]:
    return [(one, name) for one in results.scenarios() for name in results.names(one)]


def _ratio(results: Results, scenario: Scenario, name: str) -> float:
    ours = results.middle(scenario, OURS, scenario.metric)
    value = results.middle(scenario, name, scenario.metric)
    return value / ours if ours and value else 1.0


def _text(x: float, y: float, text: str, weight: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )
