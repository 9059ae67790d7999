"""Every matplotlib figure of the book, in one style.

Knows mixtures, sweeps and the results of runs; computes nothing that a chapter quotes. Each function returns a Figure.
"""

from kdlite.plots.bars import parts, shares, weights
from kdlite.plots.curves import against_beta, bands, gains, lines, sources
from kdlite.plots.estimates import cooling, intervals
from kdlite.plots.frontiers import clouds, frontier
from kdlite.plots.knobs import knobs
from kdlite.plots.plane import opening, planes
from kdlite.plots.runs import against_tau, geometry
from kdlite.plots.style import COLOURS, LINES, figure

__all__ = [
    "COLOURS",
    "LINES",
    "against_beta",
    "against_tau",
    "bands",
    "clouds",
    "cooling",
    "figure",
    "frontier",
    "gains",
    "geometry",
    "intervals",
    "knobs",
    "lines",
    "opening",
    "parts",
    "planes",
    "shares",
    "sources",
    "weights",
]
