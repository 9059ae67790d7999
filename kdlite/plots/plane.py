"""Mixtures and points on the plane.

Knows mixtures; knows nothing of their scores, which only the opening figure shows beside them.
"""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from kdlite.checks import check_each, check_kind, check_number
from kdlite.mixtures.mixture import GaussianMixture
from kdlite.mixtures.sweep import Sweep
from kdlite.plots.drawable import check_name, check_planar, check_table
from kdlite.plots.frontiers import frontier
from kdlite.plots.style import COLOURS, HEAT, LINES, figure


def planes(panels: dict[str, dict[str, GaussianMixture | np.ndarray]], *, extent: float = 2.0) -> Figure:
    """One plane a panel, more than three in two columns: the truth as a heat map, teacher components as ellipses whose opacity is their
    weight, students as contours, points as dots.

    Args:
        panels: title to what to draw: "truth", "teacher", "student" or "direct", each a mixture, or
            ``(n, 2)`` points to draw in the colour of that name.
        extent: the plane shown is [-extent, extent] in both directions.

    Raises:
        ValueError: for what cannot be drawn, naming it.
    """
    _check_panels(panels)
    check_number("extent", extent, "a finite number > 0", lambda e: e > 0, "2 shows all of the paper's truth")
    columns = len(panels) if len(panels) <= 3 else 2
    fig, axes = figure(columns, -(-len(panels) // columns), width=3.4, height=3.5)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    for ax, (title, drawn) in zip(axes.flat, panels.items(), strict=False):
        _plane(ax, title, drawn, extent)
    return fig


def opening(
    panels: dict[str, dict[str, GaussianMixture | np.ndarray]],
    sweep: Sweep,
    truth: GaussianMixture,
    *,
    mark: Sequence[float],
) -> Figure:
    """Three planes and the frontier, in a square: what the knob does, in one picture.

    Raises:
        ValueError: for what cannot be drawn, naming it.
    """
    if len(_check_panels(panels)) != 3:
        raise ValueError(
            f"panels must be 3, beside the frontier, got {len(panels)}; leave some out, or add some"
        )
    check_kind("sweep", sweep, Sweep, "pass what sweep gave")
    check_each("mark", mark, "() marks none")
    fig, axes = figure(2, 2, width=3.9, height=3.7)
    for ax, (title, drawn) in zip(axes.flat[:3], panels.items(), strict=True):
        _plane(ax, title, drawn, 2.0)
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


def _check_panels(panels: dict[str, dict[str, GaussianMixture | np.ndarray]]) -> Mapping:
    for title, drawn in check_table("panels", panels).items():
        check_kind(f"{title!r}", drawn, Mapping, "name what it shows")
        for name, what in drawn.items():
            check_name(f"a name in {title!r}", name, COLOURS)
            check_planar(f"{name} of {title!r}", what)
    return panels


def _plane(ax: Axes, title: str, drawn: dict[str, GaussianMixture | np.ndarray], extent: float) -> None:
    for name, what in drawn.items():
        _draw(ax, name, what, extent)
    ax.set(
        title=title,
        xlim=(-extent, extent),
        ylim=(-extent, extent),
        aspect="equal",
        xticks=[-1, 0, 1],
        yticks=[-1, 0, 1],
    )
    ax.grid(False)


def _draw(ax: Axes, name: str, what: GaussianMixture | np.ndarray, extent: float) -> None:
    colour = COLOURS[name]
    if isinstance(what, np.ndarray):
        ax.plot(*what.T, ".", color=colour, ms=3, alpha=0.5)
        return
    axis = np.linspace(-extent, extent, 161)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    if name == "teacher":
        for weight, mean, covariance in zip(what.weights, what.means, what.covariances, strict=True):
            values, vectors = np.linalg.eigh(covariance)
            angle = np.degrees(np.arctan2(*vectors[::-1, 1]))
            width, height = 4 * np.sqrt(values[::-1])  # two standard deviations either side
            ax.add_patch(
                Ellipse(
                    mean,
                    width,
                    height,
                    angle=angle,
                    fc=(*mpl.colors.to_rgb(colour), 0.6 * weight),
                    ec=colour,
                    lw=1,
                )
            )
        return
    density = np.exp(what.log_prob(grid.reshape(-1, 2))).reshape(grid.shape[:2])
    if name == "truth":
        ax.imshow(
            density,
            extent=(-extent, extent) * 2,
            origin="lower",
            cmap=HEAT,
            vmin=0,
            vmax=1.3 * density.max(),
        )
    else:
        ax.contour(
            axis,
            axis,
            density,
            levels=density.max() * np.array([0.1, 0.3, 0.6, 0.9]),
            colors=colour,
            linestyles=LINES[name],
            linewidths=1.4,
        )
