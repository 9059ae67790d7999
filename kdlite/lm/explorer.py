"""The widget of a run: a slider for tau, the frontier, and texts of a model at that tau.

Knows the results of a run and traits; knows nothing of models, nor of how the browser draws. The script is that
of the other explorer where the two look alike.
"""

from importlib import resources
from importlib.resources.abc import Traversable
from itertools import product

import anywidget
import numpy as np
import traitlets

from kdlite.distribution import check_integer
from kdlite.lm.markov import MarkovMixture
from kdlite.lm.results import Results

CURVES = ("distilled", "cooled", "teacher")
_SYMBOLS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SHARED, _OWN = resources.files("kdlite.explorer"), resources.files("kdlite.lm")


def _read(*files: Traversable) -> str:
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


class TemperatureExplorer(anywidget.AnyWidget):
    """The frontier of a run of a toy language, with a slider for tau, and texts of a model at that tau.

    Works without a kernel. The curves are medians over the run's seeds; texts and shares of chains are those of
    the run's first seed.

    Args:
        results: of a run whose truth is a mixture of Markov chains.
        tau: where the slider starts; moves to the nearest tau of the run.
        curve: whose texts to show: "distilled", "cooled" (the direct student) or "teacher".
        texts: how many of each model.

    Raises:
        ValueError: if the results lack what is shown, or for a tau that is not a finite number > 0.
    """

    _css = _read(_SHARED / "explorer.css", _OWN / "explorer.css")
    _esm = _read(_SHARED / "js" / "theme.js", _SHARED / "js" / "controls.js", _OWN / "explorer.js")

    tau = traitlets.Float(1.0).tag(sync=True)
    curve = traitlets.Enum(CURVES, CURVES[0]).tag(sync=True)
    run = traitlets.Dict().tag(sync=True)  # what `summary` makes

    def __init__(
        self, results: Results, *, tau: float = 1.0, curve: str = CURVES[0], texts: int = 12
    ) -> None:
        self._taus = np.array(sorted(results.profile["taus"]))
        super().__init__(run=summary(results, texts), tau=tau, curve=curve)

    @traitlets.validate("tau")
    def _nearest_stop(self, proposal: dict) -> float:
        tau = proposal["value"]
        if not 0 < tau < np.inf:
            raise ValueError(f"tau must be a finite number > 0, got {tau}")
        return float(self._taus[np.argmin(np.abs(self._taus - tau))])


def summary(results: Results, texts: int = 12) -> dict:
    """What the browser draws, as plain values: lists along tau, from the lowest.

    A text is its tokens and a ``mark``, which ``colouring`` gives its meaning: for "chain" the one number of the
    chain that most likely made the text. Another colouring may have a number a token.
    """
    check_integer("texts", texts, 1, "show at least one text")
    truth, seeds = results.profile["truth"], results.profile["seeds"]
    if "chains" not in truth:
        raise ValueError(
            "the run's truth has no chains to colour texts by; pass the results of a run of a toy language"
        )
    if truth["symbols"] > len(_SYMBOLS):
        raise ValueError(f"the run has {truth['symbols']} symbols, of which {len(_SYMBOLS)} have a letter")
    taus = sorted(results.profile["taus"])
    for curve, seed, tau in product(CURVES, seeds, taus):
        if not _rows(results, curve, seed, tau):
            raise ValueError(f"the results have no {curve} of seed {seed} at tau {tau:g}; finish the run")
    frontier = results.frontier  # from the highest tau

    def points(curve: str) -> list[list[float]]:
        scores = getattr(frontier, curve)
        return _rounded(np.median([scores.precision, scores.recall], axis=1).T[::-1])

    def rows(curve: str) -> list[dict]:
        return [_shown(_rows(results, curve, seeds[0], tau)[0], texts) for tau in taus]

    return {
        "taus": taus,
        "seeds": seeds,
        "truth": {
            "score": round(results.truth.value, 4),
            "shares": _rounded(MarkovMixture.random(**truth).weights),
        },
        "direct": points("direct")[0],
        "curves": {curve: {"points": points(curve), "rows": rows(curve)} for curve in CURVES},
        "colouring": "chain",
    }


def _rows(results: Results, curve: str, seed: int, tau: float) -> list[dict]:
    return results.select(curve, tau=tau, **({} if curve == "teacher" else {"seed": seed}))


def _shown(row: dict, n: int) -> dict:
    """The share of each chain among a model's texts, and n of them."""
    for name in ("texts", "chains", "shares"):
        if not row.get(name):
            raise ValueError(
                f"the row {row['curve']}, tau {row['tau']:g} has no {name}; make the run again with this version"
            )
    pairs = list(zip(row["texts"], row["chains"], strict=True))[:n]
    texts = [{"tokens": "".join(_SYMBOLS[t] for t in text), "mark": chain} for text, chain in pairs]
    return {"shares": _rounded(row["shares"]), "texts": texts}


def _rounded(values: np.ndarray | list[float]) -> list:
    return np.round(values, 4).tolist()
