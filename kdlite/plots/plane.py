"""Mixtures and points on the plane.

Knows mixtures; knows nothing of their scores, which only the opening figure shows beside them.
"""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from kdlite.mixtures.mixture import GaussianMixture
from kdlite.mixtures.sweep import Sweep
from kdlite.plots.frontiers import frontier
from kdlite.plots.style import COLOURS, HEAT, LINES, figure

_EXTENT = 2.0  # the plane shown is [-2, 2] in both directions


def planes(panels: dict[str, dict[str, GaussianMixture | np.ndarray]]) -> Figure:
    """One plane a panel, more than three in two columns: the truth as a heat map, teacher components as ellipses whose opacity is their
    weight, students as contours, points as dots.

    Args:
        panels: title to what to draw: "truth", "teacher", "student" or "direct", each a mixture, or
            ``(n, 2)`` points to draw in the colour of that name.
    """
    columns = len(panels) if len(panels) <= 3 else 2
    fig, axes = figure(columns, -(-len(panels) // columns), width=3.4, height=3.5)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for ax, (title, drawn) in zip(axes.flat, panels.items(), strict=False):
        _plane(ax, title, drawn)
    return fig


def opening(
    panels: dict[str, dict[str, GaussianMixture | np.ndarray]],
    sweep: Sweep,
    truth: GaussianMixture,
    *,
    mark: Sequence[float],
) -> Figure:
    """Three planes and the frontier, in a square: what the knob does, in one picture."""
    fig, axes = figure(2, 2, width=3.9, height=3.7)
    for ax, (title, drawn) in zip(axes.flat[:3], panels.items(), strict=True):
        _plane(ax, title, drawn)
    ax = axes[1, 1]
    frontier(sweep, truth, ax=ax, mark=mark)
    for note in ax.texts[: len(mark) - 1]:  # where the curve bends there is room on its left only
        note.set(position=(-36, -4))
    ax.set_ymargin(0.1)
    handles, labels = ax.get_legend_handles_labels()
    one = sweep.directs[0].n_components == 1  # cooling moves nothing
    shown = [i for i, label in enumerate(labels) if not (one and "cooled" in label)]
    ax.legend([handles[i] for i in shown], [labels[i] for i in shown], fontsize=7, loc="lower left")
    return fig


def _plane(ax: Axes, title: str, drawn: dict[str, GaussianMixture | np.ndarray]) -> None:
    for name, what in drawn.items():
        _draw(ax, name, what)
    limits, ticks = (-_EXTENT, _EXTENT), [-1, 0, 1]
    ax.set(title=title, xlim=limits, ylim=limits, aspect="equal", xticks=ticks, yticks=ticks)
    ax.grid(False)


def _draw(ax: Axes, name: str, what: GaussianMixture | np.ndarray) -> None:
    colour = COLOURS[name]
    if isinstance(what, np.ndarray):
        ax.plot(*what.T, ".", color=colour, ms=3, alpha=0.5)
        return
    axis = np.linspace(-_EXTENT, _EXTENT, 161)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    if name == "teacher":
        for weight, mean, covariance in zip(what.weights, what.means, what.covariances, strict=True):
            values, vectors = np.linalg.eigh(covariance)
            angle = np.degrees(np.arctan2(*vectors[::-1, 1]))
            width, height = 4 * np.sqrt(values[::-1])  # two standard deviations either side
            fill = (*mpl.colors.to_rgb(colour), 0.6 * weight)
            ax.add_patch(Ellipse(mean, width, height, angle=angle, fc=fill, ec=colour, lw=1))
        return
    density = np.exp(what.log_prob(grid.reshape(-1, 2))).reshape(grid.shape[:2])
    if name == "truth":
        shown = {"extent": (-_EXTENT, _EXTENT) * 2, "vmin": 0, "vmax": 1.3 * density.max()}
        ax.imshow(density, origin="lower", cmap=HEAT, **shown)
    else:
        levels = density.max() * np.array([0.1, 0.3, 0.6, 0.9])
        ax.contour(axis, axis, density, levels, colors=colour, linestyles=LINES[name], linewidths=1.4)
