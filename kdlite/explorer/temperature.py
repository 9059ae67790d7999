"""The widget of a run: a slider for tau, the frontier, and texts of a model at that tau.

Knows the results of a run and traits; knows nothing of models, nor of how the browser draws. The script is that
of the other explorer where the two look alike.
"""

from collections.abc import Callable
from itertools import product
from pathlib import Path

import anywidget
import numpy as np
import traitlets

from kdlite import page
from kdlite.checks import check_kind, check_number
from kdlite.explorer.assets import read
from kdlite.explorer.surprisal import EDGES, GROUNDS, spell
from kdlite.texts.markov import MarkovMixture
from kdlite.texts.results import Results

CURVES = ("distilled", "cooled", "teacher")
_SYMBOLS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_TEXTS = 8  # of a language model that are shown
_LONGEST = 96  # tokens of each
_STRIPS = 128  # that share out a toy model's texts among the chains
_SCRIPTS = ("frontier", "chains", "geometry", "texts", "explorer")  # one module, in this order


class TemperatureExplorer(anywidget.AnyWidget):
    """The frontier of a run, with a slider for tau, and texts of a model at that tau.

    Where the truth is a toy language, texts are strips in the colour of the chain that most likely made them, beside
    the shares of the chains. Where it is a language model, tokens take a ground by how likely the truth finds them,
    beside the texts as dots in its hidden space.

    Works without a kernel. The curves are medians over the run's seeds; shares of chains are means over them, and the
    texts of a language model those of the first.

    Args:
        results: of a run.
        tau: where the slider starts; moves to the nearest tau of the run.
        curve: whose texts to show: "distilled", "cooled" (the direct student) or "teacher".

    Raises:
        ValueError: if the results lack what is shown, or for a tau that is not a finite number > 0.
    """

    _css = read("explorer.css", "temperature.css")
    _esm = read(
        "js/theme.js", "js/controls.js", "js/shapes.js", *(f"js/temperature/{name}.js" for name in _SCRIPTS)
    )

    tau = traitlets.Float(1.0).tag(sync=True)
    curve = traitlets.Enum(CURVES, CURVES[0]).tag(sync=True)
    run = traitlets.Dict().tag(sync=True)  # what `summary` makes

    def __init__(self, results: Results, *, tau: float = 1.0, curve: str = CURVES[0]) -> None:
        check_kind("results", results, Results, "pass what Results.load read")
        _check_tau(tau)
        self._taus = np.array(sorted(results.profile["taus"]))
        super().__init__(run=summary(results), tau=tau, curve=curve)

    def save_html(self, path: str | Path, *, title: str = "A run along τ") -> None:
        """Write the explorer as it stands to an HTML file that works without a kernel and without a network.

        Args:
            path: of the file; one that is there is replaced.
            title: the heading of the page.

        Raises:
            ValueError: if the path names no file, or the title is not text.
            OSError: if the file cannot be written, naming it.
        """
        page.save(path, page.widget(self), title=title)

    @traitlets.validate("tau")
    def _nearest_stop(self, proposal: dict) -> float:
        tau = _check_tau(proposal["value"])
        return float(self._taus[np.argmin(np.abs(self._taus - tau))])


def _check_tau(tau: float) -> float:
    return check_number("tau", tau, "a finite number > 0", lambda t: t > 0, "1 is the model itself")


def summary(results: Results) -> dict:
    """What the browser draws, as plain values: lists along tau, from the lowest.

    Where ``colouring`` is "chain", a row says how many strips each chain gets, and has its texts, as far as the record
    goes. Where it is "surprisal", a text is its tokens and the log-probability of each under the truth, in nats.
    """
    seeds, taus = results.profile["seeds"], sorted(results.profile["taus"])
    for curve, seed, tau in product(CURVES, seeds, taus):
        if not _rows(results, curve, seed, tau):
            raise ValueError(f"the results have no {curve} of seed {seed} at tau {tau:g}; finish the run")
    rows = {curve: [results.select(curve, tau=tau) for tau in taus] for curve in CURVES}
    kind = _chains if "chains" in results.profile["truth"] else _language
    own, truth, show = kind(results, [row for along in rows.values() for several in along for row in several])
    frontier = results.frontier  # from the highest tau

    def points(curve: str) -> list[list[float]]:
        scores = getattr(frontier, curve)
        return _rounded(np.median([scores.precision, scores.recall], axis=1).T[::-1])

    def curve_of(name: str) -> dict:
        return {"points": points(name), "rows": [show(several) for several in rows[name]]}

    return {
        **own,
        "taus": taus,
        "seeds": seeds,
        "truth": {"score": round(results.truth.value, 4), **truth},
        "direct": points("direct")[0],
        "curves": {name: curve_of(name) for name in CURVES},
    }


def _rows(results: Results, curve: str, seed: int, tau: float) -> list[dict]:
    return results.select(curve, tau=tau, **({} if curve == "teacher" else {"seed": seed}))


# What a kind of truth adds to the run and to its truth, and how it shows the texts of the rows of all seeds.
_Kind = tuple[dict, dict, Callable[[list[dict]], dict]]


def _chains(results: Results, rows: list[dict]) -> _Kind:
    truth = results.profile["truth"]
    if truth["symbols"] > len(_SYMBOLS):
        raise ValueError(f"the run has {truth['symbols']} symbols, of which {len(_SYMBOLS)} have a letter")
    _check(rows, "texts", "chains", "shares")

    def show(rows: list[dict]) -> dict:
        shares = np.array([row["shares"] for row in rows])
        strips = _share_out(shares.mean(axis=0), _STRIPS)
        pairs = [pair for row in rows for pair in zip(row["texts"], row["chains"], strict=True)]
        said = [
            ["".join(_SYMBOLS[t] for t in text) for text, of in pairs if of == k] for k in range(len(strips))
        ]
        return {
            "shares": _rounded(shares.mean(axis=0)),
            "effective": round(float(np.mean(_effective(shares))), 2),
            "strips": strips,
            "texts": [texts[:n] for texts, n in zip(said, strips, strict=True)],
        }

    weights = MarkovMixture.random(**truth).weights
    own = {"shares": _rounded(weights), "effective": round(float(_effective(weights)), 2)}
    return {"colouring": "chain"}, own, show


def _language(results: Results, rows: list[dict]) -> _Kind:
    _check(rows, "texts", "token_log_prob", "points", "coverage")
    if not results.plane:
        raise ValueError(
            "the results have no plane of the truth's texts; make the run again with this version"
        )
    prompt = results.profile["truth"].get("prompt", "")

    def show_text(text: list[int], log_prob: list[float]) -> dict:
        tokens = spell(text, results.pieces, results.end)
        own = log_prob[: len(tokens)]
        shown = {"tokens": tokens[:_LONGEST], "mark": own[:_LONGEST]}
        return {**shown, "mean": round(float(np.mean(own)), 2), "size": len(tokens)}

    def show(rows: list[dict]) -> dict:
        row = rows[0]
        texts = [show_text(*pair) for pair in zip(row["texts"][:_TEXTS], row["token_log_prob"], strict=False)]
        return {"points": row["points"], "coverage": _plus_minus(row), "texts": texts}

    plane = {"points": results.plane["points"], "share": _rounded(results.plane["share"])}
    scale = {"edges": EDGES, "grounds": GROUNDS}
    run = {"colouring": "surprisal", "scale": scale, "prompt": prompt}
    return run, {**plane, "coverage": _plus_minus(results.plane)}, show


def _effective(shares: np.ndarray) -> np.ndarray:
    """How many equal shares have the entropy of these, along the last axis."""
    return np.exp(-(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=-1))


def _share_out(shares: np.ndarray, n: int) -> list[int]:
    """Whole numbers that sum to n, as close to the shares as can be: the largest remainders are rounded up."""
    exact = n * shares / shares.sum()
    up = np.argsort(np.floor(exact) - exact, kind="stable")[: n - int(np.floor(exact).sum())]
    return (np.floor(exact) + np.isin(np.arange(len(exact)), up)).astype(int).tolist()


def _check(rows: list[dict], *names: str) -> None:
    for row, name in product(rows, names):
        if not row.get(name):
            raise ValueError(
                f"the row {row['curve']}, tau {row['tau']:g} has no {name}; make the run again with this version"
            )


def _plus_minus(row: dict) -> list[float]:
    return _rounded([row["coverage"]["value"], row["coverage"]["stderr"]])


def _rounded(values: np.ndarray | list[float]) -> list:
    return np.round(values, 4).tolist()
