"""The results of a tiny run, made up: what a run writes, for tests that only show it."""

import numpy as np

from kdlite.distribution import Estimate
from kdlite.lm import Results

TAUS = [1.0, 0.8, 0.5]
TRUTH = {"chains": 3, "symbols": 5, "length": 6, "decay": 0.5, "concentration": 0.1, "seed": 0}
SHOWN = 4


def toy_results():
    """Three taus, two seeds; each score is a number of its own, each model has texts of its own."""
    rng = np.random.default_rng(0)

    def row(curve, seed, tau):
        texts = rng.integers(TRUTH["symbols"], size=(SHOWN, TRUTH["length"])).tolist()
        place = ("distilled", "cooled", "teacher").index(curve)
        scores = {"precision": -3 * tau + 0.3 * place + 0.1 * seed, "recall": -2.5 + tau / 2 + 0.2 * place}
        return {
            "curve": curve,
            "seed": seed,
            "tau": tau,
            "beta": 1.0,
            **{name: {"value": value, "stderr": 0.01, "n": 100} for name, value in scores.items()},
            "entropy": {"value": tau, "stderr": 0.01, "n": 100},
            "texts": texts,
            "shares": [0.9 - 0.3 * tau, 0.2 * tau, 0.1 + 0.1 * tau],
            "chains": rng.integers(TRUTH["chains"], size=SHOWN).tolist(),
        }

    rows = [row("teacher", 0, tau) for tau in TAUS]
    rows += [row(curve, seed, tau) for seed in (0, 1) for tau in TAUS for curve in ("cooled", "distilled")]
    return Results({"truth": dict(TRUTH), "taus": TAUS, "seeds": [0, 1]}, Estimate(-1.2, 0.01, 100), rows, {})
