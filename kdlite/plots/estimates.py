"""Estimates with their intervals.

Knows values and standard errors; knows nothing of where they come from.
"""

from collections.abc import Sequence

from matplotlib.figure import Figure

from kdlite.distribution import Estimate
from kdlite.plots.style import COLOURS, LINES, SHADES, figure


def cooling(taus: Sequence[float], curves: dict[str, Sequence[Estimate]], *, ylabel: str) -> Figure:
    """Estimates along tau, from hot to cold: label to one estimate a tau, each with its 95 % interval."""
    fig, axes = figure(width=6.2, height=3.6)
    ax = axes[0, 0]
    for (label, estimates), colour, marker, style in zip(
        curves.items(), SHADES, "osD^", ("--", "-", "-.", ":"), strict=False
    ):
        values = [estimate.value for estimate in estimates]
        bars = [1.96 * estimate.stderr for estimate in estimates]
        ax.errorbar(taus, values, bars, color=colour, ls=style, marker=marker, ms=5, lw=1.8, label=label)
    ax.set(xlabel="τ", ylabel=ylabel, xticks=taus)
    ax.invert_xaxis()
    ax.legend(fontsize=8)
    return fig


def intervals(estimates: Sequence[Estimate], exact: float, *, ylabel: str, width: float = 1.96) -> Figure:
    """Estimates of many seeds with their intervals around the exact value; those that miss it stand out."""
    fig, axes = figure(width=6.2, height=3.2)
    ax = axes[0, 0]
    for seed, (value, stderr, _) in enumerate(estimates):
        missed = abs(value - exact) > width * stderr
        name, marker, thick = ("student", "s", 2.2) if missed else ("teacher", "o", 1)
        ax.errorbar(seed, value, width * stderr, fmt=marker, color=COLOURS[name], ms=4, lw=thick)
    ax.axhline(exact, color=COLOURS["truth"], ls=LINES["truth"], lw=1.5)
    ax.set(xlabel="seed", ylabel=ylabel)
    return fig
