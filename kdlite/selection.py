"""Knobs that make a distribution more selective, as functions of log-probabilities: keep the heaviest, raise to a
power, take the best of several draws.

Knows arrays; knows nothing of mixtures, texts or who learns from whom.
"""

import numpy as np

from kdlite.checks import check_array, check_beta, check_integer, check_number, check_real, check_shape, show

_LEAST = -1e300  # stands for log 0, which times 0 is not a number
_LARGEST = 1e100  # weight
_MOST = 1 << 16  # tries: each takes a pass over all outcomes


def safe_log(weights: np.ndarray) -> np.ndarray:
    """log of the weights, -inf where one is 0."""
    with np.errstate(divide="ignore"):
        return np.log(weights)


def sharpened(weights: np.ndarray, beta: float) -> np.ndarray:
    """Weights ``(K,)`` proportional to weights**beta: 0 spreads them evenly over those that are positive, 1 changes
    nothing, a large beta leaves the heaviest (and its exact ties).

    Raises:
        ValueError: if beta is negative, infinite or NaN.
    """
    beta, on = check_beta(beta), weights > 0
    logs = safe_log(weights)
    powered = np.where(on, np.exp(beta * np.where(on, logs - logs.max(), 0)), 0)
    return powered / powered.sum()


def heaviest(
    weights: np.ndarray, *, top_k: int | None = None, top_p: float | None = None, min_p: float | None = None
) -> np.ndarray:
    """Which weights to keep, shape ``(K,)``, boolean. Applied in the order of the arguments, each to what the one
    before has left, renormalised: what ``lm.LanguageModel.truncate`` does to tokens.

    Args:
        weights: shape ``(K,)``, non-negative.
        top_k: keep the k heaviest, and ties with the last of them.
        top_p: keep the heaviest up to this share of the total.
        min_p: keep those at least this fraction of the heaviest.

    Raises:
        ValueError: if a number is out of range, or no weight is positive.
    """
    check_truncation(top_k, top_p, min_p, "weight")
    weights = check_array("weights", weights, _LARGEST)
    check_shape("weights", weights, "K", remedy="pass one row")
    if (weights < 0).any() or not weights.any():
        raise ValueError(
            f"weights must be >= 0 and not all 0, got {show(weights.tolist())}; leave some to keep"
        )
    kept = weights > 0
    if top_k is not None and top_k < len(weights):
        kept &= weights >= np.sort(weights)[-top_k]
    if top_p is not None and top_p < 1:
        order = np.argsort(-np.where(kept, weights, 0), kind="stable")
        share = weights[order] * kept[order] / weights[kept].sum()
        kept[order[np.cumsum(share) - share >= top_p]] = False
    if min_p is not None:
        kept &= weights >= min_p * weights.max()
    return kept


def check_truncation(top_k: int | None, top_p: float | None, min_p: float | None, each: str) -> None:
    """Nothing, or a ValueError for a number out of range; ``each`` is what is kept or left out."""
    if top_k is not None:
        check_integer("top_k", top_k, 1, f"keep at least one {each}, or None for all")
    for name, value in (("top_p", top_p), ("min_p", min_p)):
        if value is not None:
            check_number(name, value, "in (0, 1]", lambda v: 0 < v <= 1, f"None keeps every {each}")


def power(log_p: np.ndarray, beta: float) -> np.ndarray:
    """Log-probabilities ``(N,)`` of p^beta / Z, from those of all N outcomes of p, or of all nodes of a lattice.

    Raises:
        ValueError: if beta is negative, infinite or NaN, or ``log_p`` is not as described.
    """
    beta, log_p = check_beta(beta), _check_logs("log_p", log_p, "N")
    # What never happens stays so.
    powered = np.where(log_p == -np.inf, log_p, beta * np.maximum(log_p, _LEAST))
    return powered - np.logaddexp.reduce(powered)


def best_of(log_p: np.ndarray, tries: int) -> np.ndarray:
    """Log-probabilities ``(N,)`` of the likeliest of ``tries`` draws from p, from those of all N outcomes of p.

    With F(x) the probability of a draw no likelier than x, and F⁻(x) that of a less likely one, x is the best with
    probability p(x) (F^n − F⁻^n) / (F − F⁻): equally likely outcomes share theirs. Where no two are equally likely
    and all are rare it is n p(x) F(x)^(n−1), a density.

    Raises:
        ValueError: if tries < 1, or ``log_p`` is not as described.
    """
    log_p = _check_logs("log_p", log_p, "N")
    _, place = np.unique(log_p, return_inverse=True)
    at_most = np.cumsum(np.bincount(place, np.exp(log_p)))
    at_most = at_most / at_most[-1]
    below = np.append(0, at_most[:-1])
    return log_p + log_favour(at_most, below, tries)[place]


def log_favour(at_most: np.ndarray, below: np.ndarray, tries: int) -> np.ndarray:
    """log of (F^n − F⁻^n) / (F − F⁻) = Σ_j F^(n−1−j) F⁻^j with F = ``at_most`` > 0, F⁻ = ``below``, n = ``tries``: how
    much more often an outcome is the best of n draws than it is drawn. Nothing cancels in the sum.
    """
    tries = check_integer("tries", tries, 1, "the best of one draw is that draw", most=_MOST)
    at_most, below = check_array("at_most", at_most, 1), check_array("below", below, 1)
    with np.errstate(divide="ignore"):
        log_f, log_less = np.log(at_most), np.maximum(np.log(below), _LEAST)
    total = np.full(np.shape(at_most), -np.inf)
    for j in range(tries):
        total = np.logaddexp(total, (tries - 1 - j) * log_f + j * log_less)
    return total


def resample(log_weights: np.ndarray, u: np.ndarray) -> np.ndarray:
    """One candidate of each row of ``(n, M)``, drawn in proportion to the weights; its index ``(n,)``.

    With weights target / proposal and candidates of the proposal, what is chosen follows the target, the better the
    larger M (sampling importance resampling, Rubin 1987).

    Args:
        log_weights: in nats, any constant added; a row needs one that is finite.
        u: uniforms in [0, 1), shape ``(n,)``.

    Raises:
        ValueError: for other shapes, or a row of weights that are all zero.
    """
    log_weights, u = _check_logs("log_weights", log_weights, "n", "M"), check_array("u", u, 1)
    check_shape("u", u, len(log_weights), remedy="draw one uniform for each row")
    upto = np.cumsum(np.exp(log_weights - log_weights.max(axis=1, keepdims=True)), axis=1)
    return np.minimum((upto <= u[:, None] * upto[:, -1:]).sum(axis=1), log_weights.shape[1] - 1)


def effective_sample_size(log_weights: np.ndarray) -> float:
    """(Σ w)² / Σ w²: how many equally weighted draws N weighted ones ``(N,)`` are worth (Kish 1965).

    Raises:
        ValueError: for another shape, or weights that are all zero.
    """
    log_weights = _check_logs("log_weights", log_weights, "N")
    w = np.exp(log_weights - log_weights.max())
    return float(w.sum() ** 2 / (w @ w))


def _check_logs(name: str, values: np.ndarray, *shape: str) -> np.ndarray:
    """``values`` as logarithms of weights, -inf among them, but not in the whole of a row; or a ValueError."""
    logs = check_real(name, values)
    check_shape(name, logs, *shape, remedy="pass logarithms of weights")
    if not np.isfinite(top := logs.max(axis=-1)).all():  # NaN and infinity are the largest of their row
        worst = np.ravel(top)[~np.isfinite(np.ravel(top))][0]
        raise ValueError(f"{name} must be finite or -inf, and not -inf throughout, got {worst}; leave it out")
    return logs
