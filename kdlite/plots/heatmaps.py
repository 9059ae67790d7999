"""Values over two variables as colours.

Knows arrays; knows nothing of what they measure.
"""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from kdlite.plots.style import figure


def heat(
    panels: dict[str, np.ndarray], betas: np.ndarray, rows: Sequence[str], *, log: Sequence[str] = ()
) -> Figure:
    """Heat maps ``(rows, betas)`` side by side, one panel a quantity, each with a scale of its own.

    Args:
        panels: title to values.
        betas: one a column.
        rows: a label a row.
        log: titles of the panels whose colours are spaced logarithmically.
    """
    fig, axes = figure(len(panels), width=3.8, height=3.3)
    edges = np.arange(len(betas) + 1) - 0.5
    ticks = np.unique(np.linspace(0, len(betas) - 1, 5).round().astype(int))
    for ax, (title, values) in zip(axes.flat, panels.items(), strict=True):
        norm = mpl.colors.LogNorm() if title in log else None
        drawn = ax.pcolormesh(edges, np.arange(len(rows) + 1) - 0.5, values, cmap="cividis", norm=norm)
        ax.set(title=title, xlabel="β", xticks=ticks, yticks=range(len(rows)))
        ax.set_xticklabels([f"{betas[i]:.3g}" for i in ticks])
        ax.set_yticklabels(rows)
        ax.invert_yaxis()
        ax.grid(False)
        ax.figure.colorbar(drawn, ax=ax)
    return fig
