"""Precision against recall.

Knows the scores of sweeps and of many seeds; computes none of them.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kdlite.frontier import Frontier
from kdlite.mixtures.mixture import GaussianMixture
from kdlite.plots.style import COLOURS, CURVES, LINES, figure

_CLOUDS = {"direct": ("s", "direct"), "student": ("o", "distilled")}


def frontier(
    sweep: Frontier,
    truth: GaussianMixture | float | None = None,
    *,
    ax: Axes | None = None,
    mark: Sequence[float] = (1.0,),
    unit: str = "nats",
) -> Figure:
    """Precision against recall along beta: distilled student, direct student, direct student cooled at
    decoding, sharpened teacher; with bands over seeds where there are several.

    Args:
        sweep: what to draw.
        truth: draws its own score, and the two limits recall <= -H(p*) and precision <= max log p*. A number is
            the truth's own score, -H(p*), where the other limit says nothing.
        mark: betas to write beside the distilled curve.
        unit: of both axes.
    """
    if ax is None:
        _, axes = figure(width=6.2, height=4.6)
        ax = axes[0, 0]
    for field, (name, label) in CURVES.items():
        curve, colour = getattr(sweep, field), COLOURS[name]
        x, y = np.median(curve.recall, 0), np.median(curve.precision, 0)
        ax.plot(x, y, color=colour, ls=LINES[name], label=label, lw=1.8)
        if len(sweep.seeds) > 1:
            ax.plot(curve.recall.T, curve.precision.T, color=colour, lw=0.5, alpha=0.25)
    x, y = np.median(sweep.direct.recall), np.median(sweep.direct.precision)
    ax.plot(x, y, "D", color=COLOURS["direct"], label="direct student", ms=7)
    note = {"xytext": (5, -11), "textcoords": "offset points", "fontsize": 8, "color": COLOURS["student"]}
    for beta in mark:
        i = int(np.argmin(np.abs(sweep.betas - beta)))
        x, y = np.median(sweep.distilled.recall[:, i]), np.median(sweep.distilled.precision[:, i])
        ax.plot(x, y, "o", color=COLOURS["student"], ms=5)
        ax.annotate(f"β = {sweep.betas[i]:.3g}", (x, y), **note)
    if truth is not None:
        _limits(ax, truth)
    ax.set(xlabel=f"recall: E log p″ over p* ({unit})", ylabel=f"precision: E log p* over p″ ({unit})")
    ax.legend(fontsize=8, loc="best")
    return ax.figure


def clouds(
    panels: dict[str, dict[str, np.ndarray]],
    published: dict[str, tuple[float, float]],
    truth: GaussianMixture | None = None,
) -> Figure:
    """Scores of many seeds on one plane a panel, recall against precision, with a published pair on each.

    Args:
        panels: title to clouds: "direct" and "student", each ``(S, 2)`` of precision and recall.
        published: the same names to one (precision, recall), drawn as a star on every panel.
        truth: draws the ceiling precision <= max log p* on the last panel.
    """
    fig, axes = figure(len(panels), width=4.4, height=4.0)
    for ax, (title, drawn) in zip(axes[0], panels.items(), strict=True):
        for name, (marker, label) in _CLOUDS.items():
            across, up = np.transpose(drawn[name])[::-1]
            ax.plot(across, up, marker, color=COLOURS[name], ms=3.5, alpha=0.4, label=label)
        for name, (precision, recall) in published.items():
            star = {"color": COLOURS[name], "mec": "black", "ms": 15}
            ax.plot(recall, precision, "*", label=f"published, {_CLOUDS[name][1]}", **star)
        ax.set(title=title, xlabel="recall (nats)")
        ax.set_xscale("symlog", linthresh=2)
        ax.set_yscale("symlog", linthresh=1)
        ax.set(xlim=(-130, -2), ylim=(-45, 0), xticks=[-100, -30, -10, -3], yticks=[-30, -10, -3, -1, 0])
        ax.set_xticklabels(["−100", "−30", "−10", "−3"])
        ax.set_yticklabels(["−30", "−10", "−3", "−1", "0"])
        ax.minorticks_off()
    if truth is not None:
        axes[0, -1].axhline(truth.log_prob(truth.means).max(), color=COLOURS["truth"], lw=1.2, ls=":")
    axes[0, 0].set_ylabel("precision (nats)")
    axes[0, 0].legend(fontsize=8, loc="best")
    return fig


def _limits(ax: Axes, truth: GaussianMixture | float) -> None:
    own = truth.expect_log_prob(truth) if isinstance(truth, GaussianMixture) else truth
    ax.axvline(own, color=COLOURS["truth"], lw=1, ls=LINES["truth"])
    if isinstance(truth, GaussianMixture):
        peak = truth.log_prob(truth.means).max()
        ax.axhline(peak, color=COLOURS["truth"], lw=1, ls=LINES["truth"])
    ax.plot(own, own, "*", color=COLOURS["truth"], ms=11, label="truth with itself")
