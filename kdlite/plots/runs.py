"""The recorded run of a language model, and of a toy language.

Knows the results of a run; knows nothing of how it was carried out.
"""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from kdlite.plots.style import COLOURS, CURVES, LINES, figure

if TYPE_CHECKING:
    from kdlite.texts.results import Results


def geometry(results: "Results", curve: str = "distilled") -> Figure:
    """Texts as points in the truth's hidden space, one panel a temperature: the truth's in grey, and those of the
    first seed's model. Titles give the coverage of the truth's texts and its standard error.

    Args:
        results: of a run whose truth is a language model.
        curve: whose texts: "distilled", "cooled" (the direct student) or "teacher".

    Raises:
        ValueError: if the results hold no points.
    """
    if results.plane is None:
        raise ValueError(
            "the results have no plane of the truth's texts; pass those of a language model's run"
        )
    name, label = CURVES[curve]
    taus = sorted(results.profile["taus"], reverse=True)
    rows = [results.select(curve, tau=tau)[0] for tau in taus]  # they stand seed by seed
    truth, *clouds = (np.array(row["points"]) for row in (results.plane, *rows))
    across, up = np.ptp(np.concatenate([truth, *clouds]), axis=0)
    columns = len(taus) if len(taus) <= 4 else -(-len(taus) // 2)
    fig, axes = figure(columns, -(-len(taus) // columns), width=2.6, height=2.5 * up / across + 0.7)
    fig.set_layout_engine("compressed")  # knows that panels keep their proportions
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, tau, row, points in zip(axes.flat, taus, rows, clouds, strict=False):
        ax.plot(*truth.T, "o", mfc="none", mec=COLOURS["truth"], mew=0.6, alpha=0.6, ms=3.5)
        ax.plot(*points.T, ".", color=COLOURS[name], alpha=0.75, ms=5)
        ax.set_title(f"τ = {tau:g}\ncoverage {_plus_minus(row)}", fontsize=10)
        ax.set_aspect("equal")
        ax.sharex(axes[0, 0])
        ax.sharey(axes[0, 0])
    reference = f"truth (coverage by new texts of its own: {_plus_minus(results.plane)})"
    fig.legend(axes[0, 0].lines, (reference, label), loc="outside lower center", fontsize=9, frameon=False)
    return fig


def against_tau(results: "Results") -> Figure:
    """Precision and recall along tau of the three curves of a run: each seed's estimate as a point with its 95 %
    interval over texts, and a line through their means. The truth's own score is the dotted line.
    """
    fig, axes = figure(2, width=4.2, height=3.4)
    taus = np.array(sorted(results.profile["taus"]))
    for ax, score in zip(axes[0], ("precision", "recall"), strict=True):
        for place, (curve, (name, label)) in enumerate(CURVES.items()):
            rows = [results.select(curve, tau=tau) for tau in taus]
            found = np.array([[(r[score]["value"], r[score]["stderr"]) for r in seeds] for seeds in rows])
            for seed, (value, error) in enumerate(found.transpose(1, 2, 0)):
                at = taus + 0.006 * (place - 1) + 0.003 * seed  # beside one another
                ax.errorbar(at, value, 1.96 * error, fmt=".", color=COLOURS[name], ms=4, lw=1)
            mean = found[:, :, 0].mean(axis=1)
            ax.plot(taus, mean, color=COLOURS[name], ls=LINES[name], lw=1.6, label=label)
        ax.axhline(results.truth.value, color=COLOURS["truth"], ls=":", lw=1.2, label="truth with itself")
        ax.set(xlabel="τ", ylabel=f"{score} (nats per token)")
        ax.invert_xaxis()
    axes[0, 0].legend(fontsize=8)
    return fig


def _plus_minus(row: dict) -> str:
    return f"{row['coverage']['value']:.2f} ± {row['coverage']['stderr']:.2f}"
