"""Every matplotlib figure of the book, in one style.

Knows mixtures and sweeps; computes nothing that a chapter quotes. Each function returns a Figure.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from kdlite.distribution import Estimate
from kdlite.mixture import GaussianMixture
from kdlite.scores import Frontier
from kdlite.sweep import Sweep

if TYPE_CHECKING:
    from kdlite.lm.results import Results

# One colour for each of the four distributions, from the Okabe-Ito set: told apart by the colour-blind,
# and each paired with a line style of its own.
COLOURS = {"truth": "#4d4d4d", "teacher": "#0072B2", "student": "#D55E00", "direct": "#009E73"}
LINES = {"truth": ":", "teacher": "-.", "student": "-", "direct": "--"}
_SHADES = ("#56B4E9", "#E69F00", "#CC79A7", "#000000")  # of quantities and settings: none of the four above
_HEAT = LinearSegmentedColormap.from_list("truth", ["#ffffff", COLOURS["truth"]])
_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.dpi": 160,
    "figure.facecolor": "white",
    "font.size": 10,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "savefig.facecolor": "white",
}


def figure(
    columns: int = 1, rows: int = 1, width: float = 4.2, height: float = 3.8
) -> tuple[Figure, np.ndarray]:
    """An empty figure in the style of the book and its axes, shape ``(rows, columns)``."""
    with mpl.rc_context(_STYLE):
        fig, axes = plt.subplots(
            rows, columns, figsize=(width * columns, height * rows), layout="constrained", squeeze=False
        )
    plt.close(fig)  # the caller shows it; pyplot would show it once more
    return fig, axes


def planes(panels: dict[str, dict[str, GaussianMixture | np.ndarray]], *, extent: float = 2.0) -> Figure:
    """One plane a panel, more than three in two columns: the truth as a heat map, teacher components as ellipses whose opacity is their
    weight, students as contours, points as dots.

    Args:
        panels: title to what to draw: "truth", "teacher", "student" or "direct", each a mixture, or
            ``(n, 2)`` points to draw in the colour of that name.
        extent: the plane shown is [-extent, extent] in both directions.
    """
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
    """Three planes and the frontier, in a square: what the knob does, in one picture."""
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
    curves = (
        ("distilled", "student", "distilled student"),
        ("cooled", "direct", "direct student, cooled"),
        ("teacher", "teacher", "sharpened teacher"),
    )
    for field, name, label in curves:
        curve = getattr(sweep, field)
        ax.plot(
            np.median(curve.recall, 0),
            np.median(curve.precision, 0),
            color=COLOURS[name],
            ls=LINES[name],
            label=label,
            lw=1.8,
        )
        if len(sweep.seeds) > 1:
            ax.plot(curve.recall.T, curve.precision.T, color=COLOURS[name], lw=0.5, alpha=0.25)
    ax.plot(
        np.median(sweep.direct.recall),
        np.median(sweep.direct.precision),
        "D",
        color=COLOURS["direct"],
        label="direct student",
        ms=7,
    )
    for beta in mark:
        i = int(np.argmin(np.abs(sweep.betas - beta)))
        x, y = np.median(sweep.distilled.recall[:, i]), np.median(sweep.distilled.precision[:, i])
        ax.plot(x, y, "o", color=COLOURS["student"], ms=5)
        ax.annotate(
            f"β = {sweep.betas[i]:.3g}",
            (x, y),
            xytext=(5, -11),
            textcoords="offset points",
            fontsize=8,
            color=COLOURS["student"],
        )
    if truth is not None:
        _limits(ax, truth)
    ax.set(xlabel=f"recall: E log p″ over p* ({unit})", ylabel=f"precision: E log p* over p″ ({unit})")
    ax.legend(fontsize=8, loc="lower left")
    return ax.figure


def against_beta(
    sweep: Frontier,
    *,
    xlabel: str = "β",
    unit: str = "nats",
    entropy: str = "entropy of the teacher's weights (nats)",
) -> Figure:
    """Precision, recall and the teacher's entropy against beta; bands are the 10th to 90th percentile of seeds."""
    fig, axes = figure(3, width=3.5, height=3.2)
    curves = (
        ("distilled", "student", "distilled"),
        ("cooled", "direct", "direct, cooled"),
        ("teacher", "teacher", "teacher"),
    )
    for ax, field, label in zip(
        axes[0], ("precision", "recall"), (f"precision ({unit})", f"recall ({unit})"), strict=False
    ):
        for curve, name, legend in curves:
            _band(ax, sweep.betas, getattr(getattr(sweep, curve), field), name, legend)
        ax.set(xlabel=xlabel, ylabel=label)
    _band(axes[0, 2], sweep.betas, sweep.teacher_entropy, "teacher", "teacher")
    axes[0, 2].set(xlabel=xlabel, ylabel=entropy)
    if sweep.betas.max() > 10:
        for ax in axes[0]:
            ax.set_xscale("symlog", linthresh=1)
    axes[0, 1].legend(fontsize=8, loc="lower left")
    return fig


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
    fig, axes = figure(width=6.2, height=3.6)
    ax = axes[0, 0]
    ax.axhline(0, color="#888888", lw=1)
    for (label, values), colour, style in zip(curves.items(), _SHADES, ("--", "-", "-.", ":"), strict=False):
        ax.plot(x, values, color=colour, ls=style, lw=1.8, label=label)
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.legend(fontsize=8)
    return fig


def cooling(taus: Sequence[float], curves: dict[str, Sequence[Estimate]], *, ylabel: str) -> Figure:
    """Estimates along tau, from hot to cold: label to one estimate a tau, each with its 95 % interval."""
    fig, axes = figure(width=6.2, height=3.6)
    ax = axes[0, 0]
    for (label, estimates), colour, marker, style in zip(
        curves.items(), _SHADES, "osD^", ("--", "-", "-.", ":"), strict=False
    ):
        values = [estimate.value for estimate in estimates]
        bars = [1.96 * estimate.stderr for estimate in estimates]
        ax.errorbar(taus, values, bars, color=colour, ls=style, marker=marker, ms=5, lw=1.8, label=label)
    ax.set(xlabel="τ", ylabel=ylabel, xticks=taus)
    ax.invert_xaxis()
    ax.legend(fontsize=8)
    return fig


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
        for name, marker in (("direct", "s"), ("student", "o")):
            label = "direct" if name == "direct" else "distilled"
            ax.plot(*drawn[name].T[::-1], marker, color=COLOURS[name], ms=3.5, alpha=0.4, label=label)
        for name, (precision, recall) in published.items():
            ax.plot(
                recall,
                precision,
                "*",
                color=COLOURS[name],
                mec="black",
                ms=15,
                label=f"published, {'direct' if name == 'direct' else 'distilled'}",
            )
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
    axes[0, 0].legend(fontsize=8, loc="lower left")
    return fig


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


def sources(sweeps: dict[str, Sweep]) -> Figure:
    """The two sources of the trade against beta: how the teacher's own scores change, and how far each
    student is from the teacher it was fitted to. Sweeps of one teacher, by label.
    """
    fig, axes = figure(2, width=4.4, height=3.6)
    first = next(iter(sweeps.values()))
    styles = ("-", "--", ":", (0, (3, 1, 1, 1)))
    for ax, field in zip(axes[0], ("precision", "recall"), strict=True):
        own = getattr(first.teacher, field)[0]
        ax.plot(
            first.betas,
            own - own[0],
            color=COLOURS["teacher"],
            ls="-.",
            lw=2.2,
            label="teacher, change from β = 1",
        )
        for (label, sweep), style in zip(sweeps.items(), styles, strict=False):
            gap = getattr(sweep.distilled, field)[0] - getattr(sweep.teacher, field)[0]
            ax.plot(
                sweep.betas,
                gap,
                color=COLOURS["student"],
                ls=style,
                lw=1.8,
                label=f"{label}: student − teacher",
            )
        ax.set(title=field, xlabel="β", ylabel="nats", xscale="log")
        ax.set_xticks([1, 3, 10, 30], ["1", "3", "10", "30"])
        ax.minorticks_off()
    axes[0, 1].legend(fontsize=8, loc="lower left")
    return fig


def bands(x: np.ndarray, curves: dict[str, tuple[np.ndarray, str]], *, xlabel: str, ylabel: str) -> Figure:
    """Medians over seeds against x, both axes logarithmic, with bands from the 10th to the 90th percentile:
    label to (values ``(S, X)``, colour name).
    """
    fig, axes = figure(width=5.6, height=3.6)
    ax = axes[0, 0]
    for label, (values, name) in curves.items():
        _band(ax, x, values, name, label)
    ax.set(xlabel=xlabel, ylabel=ylabel, xscale="log", yscale="log", xticks=x)
    ax.set_xticklabels([f"{value:g}" for value in x])
    ax.minorticks_off()
    ax.legend(fontsize=8)
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


# What a curve of a run is drawn as, and called.
_MODELS = {
    "distilled": ("student", "distilled student"),
    "cooled": ("direct", "direct student, cooled"),
    "teacher": ("teacher", "teacher"),
}


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
    name, label = _MODELS[curve]
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
        for place, (curve, (name, label)) in enumerate(_MODELS.items()):
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


def intervals(estimates: Sequence[Estimate], exact: float, *, ylabel: str, width: float = 1.96) -> Figure:
    """Estimates of many seeds with their intervals around the exact value; those that miss it stand out."""
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
            cmap=_HEAT,
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


def _limits(ax: Axes, truth: GaussianMixture | float) -> None:
    own = truth.expect_log_prob(truth) if isinstance(truth, GaussianMixture) else truth
    ax.axvline(own, color=COLOURS["truth"], lw=1, ls=LINES["truth"])
    if isinstance(truth, GaussianMixture):
        peak = truth.log_prob(truth.means).max()
        ax.axhline(peak, color=COLOURS["truth"], lw=1, ls=LINES["truth"])
    ax.plot(own, own, "*", color=COLOURS["truth"], ms=11, label="truth with itself")


def _band(ax: Axes, betas: np.ndarray, values: np.ndarray, name: str, label: str) -> None:
    low, middle, high = np.percentile(values, [10, 50, 90], axis=0)
    ax.plot(betas, middle, color=COLOURS[name], ls=LINES[name], label=label, lw=1.8)
    if len(values) > 1:
        ax.fill_between(betas, low, high, color=COLOURS[name], alpha=0.18, lw=0)
