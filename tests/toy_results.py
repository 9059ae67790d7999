"""The results of tiny runs, made up: what a run writes, for tests that only show it."""

import numpy as np

from kdlite.distribution import Estimate
from kdlite.lm import Results

TAUS = [1.0, 0.8, 0.5]
TRUTH = {"chains": 3, "symbols": 5, "length": 6, "decay": 0.5, "concentration": 0.1, "seed": 0}
MODEL = {"name": "SmolLM2-135M-Instruct", "source": "package", "prompt": "The", "length": 6}
PIECES = {2: "<|im_end|>", 3: " the", 4: " Paris", 5: "\n", 6: " & <b>", 7: ","}
SHOWN = 4
DOTS = 20


def toy_results():
    """A run of a toy language."""
    rng = np.random.default_rng(0)

    def texts(tau):
        return {
            "texts": rng.integers(TRUTH["symbols"], size=(SHOWN, TRUTH["length"])).tolist(),
            "shares": [0.9 - 0.3 * tau, 0.2 * tau, 0.1 + 0.1 * tau],
            "chains": rng.integers(TRUTH["chains"], size=SHOWN).tolist(),
        }

    return _results(TRUTH, texts)


def language_results(pieces=PIECES):
    """A run of a language model, whose first text ends early and whose others have full length."""
    rng = np.random.default_rng(0)

    def texts(tau):
        tokens = rng.integers(3, 8, size=(SHOWN, MODEL["length"]))
        log_prob = -rng.exponential(3 * tau, size=tokens.shape).round(2)
        size = rng.integers(1, 5)
        tokens[0, size - 1 :], log_prob[0, size:] = 2, 0
        return {
            "texts": tokens.tolist(),
            "token_log_prob": log_prob.tolist(),
            "points": (tau * rng.normal(size=(DOTS, 2))).round(2).tolist(),
            "coverage": _estimate(0.8 * tau),
            "perplexity": _estimate(40.0),
        }

    points = rng.normal(size=(DOTS, 2)).round(2).tolist()
    plane = {"share": [0.4, 0.2], "points": points, "coverage": _estimate(0.9)}
    truth = MODEL if pieces else {"shape": {}, "vocabulary": 8, "length": 6, "beta": 3.0, "seed": 0}
    return _results(truth, texts, source="made up", end=2, plane=plane, pieces=pieces)


def _results(truth, texts, **rest):
    """Three taus, two seeds; each score is a number of its own, each model has texts of its own."""

    def row(curve, seed, tau):
        place = ("distilled", "cooled", "teacher").index(curve)
        scores = {"precision": -3 * tau + 0.3 * place + 0.1 * seed, "recall": -2.5 + tau / 2 + 0.2 * place}
        estimates = {name: _estimate(value) for name, value in {**scores, "entropy": tau}.items()}
        return {"curve": curve, "seed": seed, "tau": tau, "beta": 1.0, **estimates, **texts(tau)}

    rows = [row("teacher", 0, tau) for tau in TAUS]
    rows += [row(curve, seed, tau) for seed in (0, 1) for tau in TAUS for curve in ("cooled", "distilled")]
    profile = {"truth": dict(truth), "taus": TAUS, "seeds": [0, 1]}
    return Results(profile, Estimate(-1.2, 0.01, 100), rows, {}, **rest)


def _estimate(value):
    return {"value": value, "stderr": 0.01, "n": 100}
