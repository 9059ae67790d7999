"""Many knobs on one plane of precision and recall, coloured by the entropy they leave.

Knows scores; knows nothing of which knob does what.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from kdlite.plots.style import COLOURS, figure

_MARKERS = "osD^vP*X<>"
_MAP = "cividis"  # told apart by the colour-blind, and in grey
_LINE = "#9a9a9a"


def knobs(
    panels: dict[str, dict[str, np.ndarray]],
    *,
    entropy: str,
    start: tuple[float, float] | None = None,
    unit: str = "nats",
    log: bool = False,
    xlim: Sequence[float] | None = None,
    ylim: Sequence[float] | None = None,
) -> Figure:
    """Precision against recall, one panel beside the other on the same axes; a marker for each knob, a point for each
    setting, a colour for the entropy of what the student learned from.

    Args:
        panels: title to knobs, each a name to ``(S, 3)`` of recall, precision and entropy; or ``(S, 5)`` with the
            standard errors of recall and precision, drawn as 95 % intervals. A knob keeps its marker in all panels.
        entropy: what the colour is.
        start: recall and precision of the direct student, a diamond in its colour.
        unit: of both axes.
        log: spaces recall by the logarithm of its distance from 0.
        xlim, ylim: what is shown of recall and precision; all of it where None.
    """
    fig, axes = figure(len(panels), width=4.6, height=4.4)
    names = dict.fromkeys(name for drawn in panels.values() for name in drawn)
    markers = dict(zip(names, _MARKERS, strict=False))
    shades = np.concatenate([points[:, 2] for drawn in panels.values() for points in drawn.values()])
    norm = Normalize(shades.min(), shades.max())
    for ax, (title, drawn) in zip(axes[0], panels.items(), strict=True):
        for name, points in drawn.items():
            x, y, colour = points.T[:3]
            ax.plot(x, y, color=_LINE, lw=0.8, zorder=1)
            if points.shape[1] == 5:
                bars = 1.96 * points.T[3:]
                ax.errorbar(x, y, bars[1], bars[0], fmt="none", ecolor=_LINE, lw=0.8, zorder=1)
            shape = {"marker": markers[name], "edgecolor": "black", "linewidth": 0.5}
            ax.scatter(x, y, 38, colour, cmap=_MAP, norm=norm, label=name, **shape)
        if start is not None:
            ax.plot(*start, "D", color=COLOURS["direct"], ms=9, mfc="none", mew=2, label="direct student")
        if log:
            ax.set_xscale("symlog", linthresh=1)
            ticks = [-50, -20, -10, -5, -3, -2]
            ax.set_xticks(ticks, [f"−{-tick}" for tick in ticks])
            ax.minorticks_off()
        ax.set(title=title, xlabel=f"recall ({unit})", xlim=xlim, ylim=ylim)
        ax.legend(fontsize=7, loc="lower left")
    axes[0, 0].set_ylabel(f"precision ({unit})")
    mappable = axes[0, 0].collections[-1]
    fig.colorbar(mappable, ax=list(axes[0]), label=entropy)
    return fig
