"""Estimates with their intervals.

Knows values and standard errors; knows nothing of where they come from.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from kdlite.checks import check_each, check_kind, check_number
from kdlite.distribution import Estimate
from kdlite.plots.drawable import check_table, check_values
from kdlite.plots.style import COLOURS, LINES, SHADES, figure


def cooling(taus: Sequence[float], curves: dict[str, Sequence[Estimate]], *, ylabel: str) -> Figure:
    """Estimates along tau, from hot to cold: label to one estimate a tau, each with its 95 % interval.

    Raises:
        ValueError: for what cannot be drawn, naming it.
    """
    taus = check_values("taus", taus, "T")
    for label, estimates in check_table("curves", curves, len(SHADES)).items():
        check_values(f"{label!r}", _table(f"{label!r}", estimates), len(taus), 3)
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
    """Estimates of many seeds with their intervals around the exact value; those that miss it stand out.

    Raises:
        ValueError: for what cannot be drawn, naming it.
    """
    _table("estimates", estimates)
    check_number("exact", exact, "a finite number of nats", lambda _: True, "pass the integral's value")
    check_number("width", width, "a finite number > 0", lambda w: w > 0, "1.96 is a 95 % interval")
    fig, axes = figure(width=6.2, height=3.2)
    ax = axes[0, 0]
    for seed, (value, stderr, _) in enumerate(estimates):
        missed = abs(value - exact) > width * stderr
        ax.errorbar(
            seed,
            value,
            width * stderr,
            fmt="s" if missed else "o",
            color=COLOURS["student"] if missed else COLOURS["teacher"],
            ms=4,
            lw=2.2 if missed else 1,
        )
    ax.axhline(exact, color=COLOURS["truth"], ls=LINES["truth"], lw=1.5)
    ax.set(xlabel="seed", ylabel=ylabel)
    return fig


def _table(name: str, estimates: Sequence[Estimate]) -> np.ndarray:
    """Value, standard error and n of each estimate, ``(N, 3)``."""
    remedy = "pass what precision or recall gave"
    found = check_each(name, estimates, remedy)
    for estimate in found:
        check_kind(f"each of {name}", estimate, Estimate, remedy)
    return check_values(name, found, "N", 3)
