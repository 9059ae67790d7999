"""Weights and shares as bars.

Knows mixtures and arrays of shares; knows nothing of sampling.
"""

import numpy as np
from matplotlib.figure import Figure

from kdlite.mixtures.mixture import GaussianMixture
from kdlite.plots.style import COLOURS, SHADES, figure


def weights(mixtures: dict[str, GaussianMixture]) -> Figure:
    """The weights of each mixture as bars, one panel a mixture, titled with their entropy in nats."""
    fig, axes = figure(len(mixtures), width=2.6, height=2.5)
    for ax, (title, mixture) in zip(axes[0], mixtures.items(), strict=True):
        ax.bar(np.arange(1, mixture.n_components + 1), mixture.weights, color=COLOURS["teacher"])
        ax.set(
            title=f"{title}\nentropy {mixture.weight_entropy:.2f}",
            ylim=(0, 1),
            xlabel="component",
            xticks=np.arange(1, mixture.n_components + 1),
        )
        ax.grid(False, axis="x")
    axes[0, 0].set_ylabel("weight")
    return fig


def shares(
    panels: dict[str, np.ndarray], reference: np.ndarray, *, name: str = "teacher", xlabel: str = "mode of p*"
) -> Figure:
    """Shares as bars, one panel a set of shares, with the reference shares as marks on each bar."""
    fig, axes = figure(len(panels), width=2.7, height=2.7)
    number = np.arange(1, len(reference) + 1)
    for ax, (title, values) in zip(axes[0], panels.items(), strict=True):
        ax.bar(number, values, color=COLOURS[name], label=name)
        ax.plot(number, reference, "_", color="black", ms=11, mew=2, label="truth")
        ax.set(title=title, ylim=(0, 0.7), xlabel=xlabel, xticks=number)
        ax.grid(False, axis="x")
    axes[0, 0].set_ylabel("share of samples")
    axes[0, 0].legend(fontsize=8)
    return fig


def parts(bars: dict[str, dict[str, float]], *, xlabel: str) -> Figure:
    """Bars of the same parts, one below the other, each part in a colour of its own and each bar with its total at its end."""
    fig, axes = figure(width=7, height=0.9 + 0.45 * len(bars))
    ax, names = axes[0, 0], [*bars]
    left = np.zeros(len(bars))
    colours = (*SHADES[:3], "#999999", "#D9D9D9")
    for part, colour in zip(next(iter(bars.values())), colours, strict=True):
        width = np.array([bars[name][part] for name in names])
        ax.barh(names, width, left=left, color=colour, label=part, height=0.6)
        left += width
    for y, total in enumerate(left):
        ax.text(total, y, f" {total:.0f}", va="center")
    ax.invert_yaxis()
    ax.margins(x=0.08)
    ax.set(xlabel=xlabel)
    ax.grid(False, axis="y")
    fig.legend(loc="outside lower center", ncols=5, fontsize=8)
    return fig
