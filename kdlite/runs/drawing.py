"""The frontier of an audit as inline SVG, with a label at each curve.

Knows what an audit found; knows nothing of the page around it, whose colours it takes by the class of a role.
"""

import math
from collections.abc import Iterable, Iterator

import numpy as np

from kdlite.runs.audit import Audit, Lead
from kdlite.runs.verdict import NAMES, spell

_WIDTH, _HEIGHT = 360, 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 350, 28, 290  # of the plane
_LINE = 14  # height of a label
_LETTER = 6.2  # width of a letter, about


def frontier(found: Audit) -> str:
    """Precision against recall: each model's curve from tau = 1, where its dot is large, with crosses of standard errors;
    the truth's own dot; and the first lead at equal recall as a thick line.
    """
    best = -found.truth["entropy"].value
    rows = [row for one in found.rows.values() for row in one]
    x = _Scale([best, *(row["recall"].value for row in rows)], _LEFT, _RIGHT)
    y = _Scale([best, *(row["precision"].value for row in rows)], _BOTTOM, _TOP)
    dots = {"truth": (x(best), y(best))}
    curves = []
    for role, points in found.rows.items():
        curves.append(_curve(role, points, x, y))
        dots[role] = (x(points[0]["recall"].value), y(points[0]["precision"].value))
    leads = [_lead(role, lead, found, x, y) for role, lead in [*found.leads.items()][:1] if lead]
    said = "; ".join(
        f"{NAMES[role]} {spell(one[0]['precision'])}, {spell(one[0]['recall'])}"
        for role, one in found.rows.items()
    )
    dot = f'<circle class="truth" cx="{x(best):.1f}" cy="{y(best):.1f}" r="5"/>'
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="Precision and recall uncooled: {said}">'
        f"{''.join([*_axes(x, y), *leads, dot, *curves, *_names(dots)])}</svg>"
    )


class _Scale:
    """Values on a line of the picture."""

    def __init__(self, values: Iterable[float], start: float, stop: float) -> None:
        low, high = min(values), max(values)
        room = 0.06 * (high - low) or 1.0
        self.low, self.high, self.start, self.stop = low - room, high + room, start, stop

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start)

    def ticks(self) -> np.ndarray:
        """Round numbers, four to eight."""
        rough = (self.high - self.low) / 4
        power = 10.0 ** math.floor(math.log10(rough))
        step = max(s * power for s in (1, 2, 5) if s * power <= rough)
        return step * np.arange(math.ceil(self.low / step), math.floor(self.high / step) + 1)


def _axes(x: _Scale, y: _Scale) -> Iterator[str]:
    for tick in x.ticks():
        yield f'<path class="grid" d="M{x(tick):.1f} {_TOP}V{_BOTTOM}"/>'
        yield _text(x(tick), _BOTTOM + 16, _number(tick), "axis", "middle")
    for tick in y.ticks():
        yield f'<path class="grid" d="M{_LEFT} {y(tick):.1f}H{_RIGHT}"/>'
        yield _text(_LEFT - 6, y(tick) + 4, _number(tick), "axis", "end")
    yield _text(_RIGHT, _HEIGHT - 6, "recall (nats per token) →", "axis", "end")
    yield _text(2, 14, "↑ precision (nats per token)", "axis")


def _curve(role: str, rows: list[dict], x: _Scale, y: _Scale) -> str:
    line, dots = [], []
    crosses = ""
    for i, row in enumerate(rows):
        p, r = row["precision"], row["recall"]
        u, v = x(r.value), y(p.value)
        line.append(f"{u:.1f} {v:.1f}")
        crosses += f"M{x(r.value - r.stderr):.1f} {v:.1f}H{x(r.value + r.stderr):.1f}"
        crosses += f"M{u:.1f} {y(p.value - p.stderr):.1f}V{y(p.value + p.stderr):.1f}"
        dots.append(f'<circle cx="{u:.1f}" cy="{v:.1f}" r="{2 if i else 5}"/>')
    end = _text(u, v - 8, f"τ = {rows[-1]['tau']:g}", anchor="middle")
    return f'<g class="{role}"><path d="M{"L".join(line)}"/><path d="{crosses}"/>{"".join(dots)}{end}</g>'


def _lead(role: str, lead: Lead, found: Audit, x: _Scale, y: _Scale) -> str:
    """From whoever is not cooled up or down to the other's curve."""
    still = "student" if lead.cooled == role else role
    start = found.rows[still][0]["precision"].value
    end = start - lead.gap.value if still == "student" else start + lead.gap.value
    return f'<path class="lead {role}" d="M{x(lead.recall):.1f} {y(start):.1f}V{y(end):.1f}"/>'


def _names(dots: dict[str, tuple[float, float]]) -> Iterator[str]:
    """A name beside each large dot, moved down where it would cover another."""
    taken = []
    for role, (u, v) in sorted(dots.items(), key=lambda item: item[1][1]):
        name = NAMES[role].removeprefix("the ")
        width = len(name) * _LETTER
        left = u + 9 if u + 9 + width < _WIDTH else u - 9 - width
        while any(
            abs(v - other) < _LINE and left < right and first < left + width for first, right, other in taken
        ):
            v += 2
        taken.append((left, left + width, v))
        yield _text(left, v + 4, name, role)


def _text(x: float, y: float, said: str, role: str = "", anchor: str = "start") -> str:
    return f'<text class="{role}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{said}</text>'


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
