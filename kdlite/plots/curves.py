"""Curves over one variable: beta, a size, a weight.

Knows sweeps and arrays; knows nothing of what their estimates are worth.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kdlite.frontier import Frontier
from kdlite.mixtures.sweep import Sweep
from kdlite.plots.style import COLOURS, CURVES, LINES, SHADES, figure

_STYLES = ("-", "--", ":", (0, (3, 1, 1, 1)))  # of sweeps side by side


def lines(
    x: np.ndarray,
    curves: dict[str, tuple[np.ndarray, str] | tuple[np.ndarray, str, str]],
    *,
    xlabel: str,
    ylabel: str,
    log: bool = False,
    ax: Axes | None = None,
) -> Figure:
    """Curves over x: label to (values, colour name) or (values, colour name, line style); a name of the four
    distributions brings its line style.
    """
    if ax is None:
        _, axes = figure(width=5.6, height=3.6)
        ax = axes[0, 0]
    for label, (values, name, *style) in curves.items():
        line = style[0] if style else LINES.get(name, "-")
        ax.plot(x, values, label=label, color=COLOURS.get(name, name), ls=line, lw=1.8)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if log:
        ax.set_xscale("symlog", linthresh=1)
    ax.legend(fontsize=8)
    return ax.figure


def gains(x: np.ndarray, curves: dict[str, np.ndarray], *, xlabel: str, ylabel: str) -> Figure:
    """Differences over x around a line at zero, where neither side is ahead; a gap where a value is NaN."""
    _, axes = figure(width=6.2, height=3.6)
    axes[0, 0].axhline(0, color="#888888", lw=1)
    shades = zip(curves.items(), SHADES, ("--", "-", "-.", ":"), strict=False)
    drawn = {label: (values, colour, style) for (label, values), colour, style in shades}
    return lines(x, drawn, xlabel=xlabel, ylabel=ylabel, ax=axes[0, 0])


def bands(
    x: np.ndarray, curves: dict[str, tuple[np.ndarray, str]], *, xlabel: str, ylabel: str, yscale: str = "log"
) -> Figure:
    """Medians over seeds against x, on a logarithmic axis, with bands from the 10th to the 90th percentile:
    label to (values ``(S, X)``, colour name). The other axis is logarithmic, too, or ``"linear"``.
    """
    fig, axes = figure(width=5.6, height=3.6)
    ax = axes[0, 0]
    for label, (values, name) in curves.items():
        _band(ax, x, values, name, label)
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log", yscale=yscale, xticks=x)
    ax.set_xticklabels([f"{value:g}" for value in x])
    ax.minorticks_off()
    ax.legend(fontsize=8)
    return fig


def against_beta(
    sweep: Frontier,
    *,
    xlabel: str = "β",
    unit: str = "nats",
    entropy: str = "entropy of the teacher's weights (nats)",
) -> Figure:
    """Precision, recall and the teacher's entropy against beta; bands are the 10th to 90th percentile of seeds."""
    fig, axes = figure(3, width=3.5, height=3.2)
    for ax, field in zip(axes[0], ("precision", "recall"), strict=False):
        for curve, (name, label) in CURVES.items():
            _band(ax, sweep.betas, getattr(getattr(sweep, curve), field), name, label)
        ax.set(xlabel=xlabel, ylabel=f"{field} ({unit})")
    _band(axes[0, 2], sweep.betas, sweep.teacher_entropy, "teacher", "teacher")
    axes[0, 2].set(xlabel=xlabel, ylabel=entropy)
    if sweep.betas.max() > 10:
        for ax in axes[0]:
            ax.set_xscale("symlog", linthresh=1)
    axes[0, 1].legend(fontsize=8, loc="lower left")
    return fig


def sources(sweeps: dict[str, Sweep]) -> Figure:
    """The two sources of the trade against beta: how the teacher's own scores change, and how far each
    student is from the teacher it was fitted to. Sweeps of one teacher, by label.
    """
    fig, axes = figure(2, width=4.4, height=3.6)
    first = next(iter(sweeps.values()))
    for ax, field in zip(axes[0], ("precision", "recall"), strict=True):
        own = getattr(first.teacher, field)[0]
        line = {"color": COLOURS["teacher"], "ls": LINES["teacher"], "lw": 2.2}
        ax.plot(first.betas, own - own[0], label="teacher, change from β = 1", **line)
        for (label, sweep), style in zip(sweeps.items(), _STYLES, strict=False):
            gap = getattr(sweep.distilled, field)[0] - getattr(sweep.teacher, field)[0]
            line = {"color": COLOURS["student"], "ls": style, "lw": 1.8}
            ax.plot(sweep.betas, gap, label=f"{label}: student − teacher", **line)
        ax.set(title=field, xlabel="β", ylabel="nats", xscale="log")
        ax.set_xticks([1, 3, 10, 30], ["1", "3", "10", "30"])
        ax.minorticks_off()
    axes[0, 1].legend(fontsize=8, loc="lower left")
    return fig


def _band(ax: Axes, betas: np.ndarray, values: np.ndarray, name: str, label: str) -> None:
    low, middle, high = np.percentile(values, [10, 50, 90], axis=0)
    ax.plot(betas, middle, color=COLOURS[name], ls=LINES[name], label=label, lw=1.8)
    if len(values) > 1:
        ax.fill_between(betas, low, high, color=COLOURS[name], alpha=0.18, lw=0)
