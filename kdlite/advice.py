"""What a small pilot says about the run to come: how many samples are enough, and which tau to distil at.

Knows estimates and their errors; knows nothing of how they were measured.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kdlite.checks import check_array, check_each, check_integer, check_kind, check_number, check_shape, show
from kdlite.distribution import Estimate, stream_seed

_LARGEST = 1e100  # tau, or recall
_SHRINKING = 1e9  # of an error, at most
_LEAST = 2  # samples without which there is no standard error


def samples_needed(pilot: Estimate, stderr: float) -> int:
    """How many samples bring the standard error of an estimate down to ``stderr``.

    The variance of one sample, n stderr^2, is the pilot's, so the number wanted is n (pilot.stderr / stderr)^2
    (Cochran, *Sampling Techniques*, section 4.7), as uncertain as that variance: by about a factor 1 ± sqrt(2 / n).

    Args:
        pilot: a precision or a recall from a few samples.
        stderr: the standard error wanted, in the unit of the pilot: nats per point, or per token.

    Returns:
        Samples (points or texts, not tokens), the pilot's among them; at least 2.

    Raises:
        ValueError: if the pilot is exact, its error is not finite, or ``stderr`` is not a positive number.
    """
    check_kind("pilot", pilot, Estimate, "pass what precision or recall gave")
    check_number("stderr", stderr, "a positive number of nats", lambda s: s > 0, "0 would take for ever")
    if pilot.n == 0:
        raise ValueError(
            f"the pilot is exact, {pilot.value:g} from n = 0 samples; it needs no more, or estimate it with n samples"
        )
    if not math.isfinite(pilot.stderr):
        raise ValueError(
            f"the pilot's standard error must be finite, got {pilot.stderr} from n = {pilot.n}; "
            "draw at least 2 samples, all of finite log-density"
        )
    ratio = pilot.stderr / stderr
    if ratio > _SHRINKING:
        raise ValueError(
            f"stderr must be at least 1e-9 of the pilot's {pilot.stderr:g}, got {stderr!r}; no machine draws so many"
        )
    wanted = pilot.n * ratio**2
    return max(_LEAST, math.ceil(wanted * (1 - 1e-12)))  # rounding alone does not ask for one more


class TauChoice(NamedTuple):
    """The lowest tau whose recall meets a floor, in the eyes of a pilot.

    Attributes:
        tau: where the pilot's rising curve crosses the floor.
        low: end of the interval; 0.0 where the pilot cannot say how far below its lowest tau it reaches.
        high: end of the interval; infinite where it cannot say how far above its highest. The cautious choice.
        recalls: the rising curve at the pilot's taus in rising order, shape ``(T,)``, in nats.
    """

    tau: float
    low: float
    high: float
    recalls: np.ndarray


def choose_tau(
    taus: Sequence[float],
    recalls: Sequence[Estimate] | np.ndarray,
    floor: float,
    *,
    level: float = 0.95,
    n_boot: int = 4000,
    seed: int = 0,
) -> TauChoice:
    """The lowest tau whose student still has the recall wanted, from a pilot sweep, with its uncertainty.

    Recall is taken to rise with tau, in a straight line between the pilot's taus; where noise makes it fall,
    neighbours are averaged (isotonic regression; Barlow et al. 1972). The interval is a parametric bootstrap:
    the pilot is drawn again and again around its curve, and each draw crosses the floor somewhere. Estimates
    are drawn from normals, independent of each other. A row of recalls for each seed is drawn whole, so that
    what a seed shares along tau stays shared, from a Student t, for the seeds are few. It knows nothing of how
    the curve bends between two taus: add one near the crossing.

    Args:
        taus: T >= 2 different temperatures > 0.
        recalls: T estimates; or an array ``(S, T)`` of S >= 2 seeds, in nats, such as a frontier's
            ``distilled.recall`` with ``taus = 1 / betas``.
        floor: the recall wanted, in nats.
        level: of the interval, between 0 and 1.
        n_boot: draws.
        seed: seeds the draws.

    Raises:
        ValueError: naming the argument at fault, its value and the remedy; also if the pilot's curve is above
            the floor, or below it, at all its taus.
    """
    taus = check_array("taus", taus, _LARGEST)
    if taus.ndim != 1 or len(np.unique(taus)) < max(2, len(taus)) or (taus <= 0).any():
        raise ValueError(
            f"taus must be at least two different numbers > 0, got {show(taus.tolist())}; change them"
        )
    check_number("floor", floor, "a finite number of nats", lambda _: True, "it is the recall wanted")
    check_number("level", level, "between 0 and 1", lambda share: 0 < share < 1, "0.95 is usual")
    n_boot = check_integer("n_boot", n_boot, 100, "an interval takes many draws")
    rng = np.random.default_rng(stream_seed(seed, "tau"))
    means, noise = _pilot(recalls, len(taus), n_boot, rng)
    order = np.argsort(taus)
    taus, curve = taus[order], _rising(means[order])
    if not curve[0] <= floor <= curve[-1]:
        above = "above", -1, "lower the floor, add higher taus or a larger student"
        beyond, end, remedy = ("below", 0, "add lower taus") if floor < curve[0] else above
        raise ValueError(
            f"floor {floor:g} is {beyond} what the pilot reaches, {curve[end]:g} at tau {taus[end]:g}; {remedy}"
        )
    draws = _crossings(taus, _rising(curve + noise[:, order]), floor)
    tail = 0.5 * (1 - level)
    low, high = np.quantile(draws, [tail, 1 - tail], method="inverted_cdf")  # infinities stay themselves
    return TauChoice(float(_crossings(taus, curve[None], floor)[0]), float(low), float(high), curve)


def _pilot(
    recalls: Sequence[Estimate] | np.ndarray, n_taus: int, n_boot: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The mean recalls ``(T,)``, and draws of their noise ``(n_boot, T)``."""
    found = check_each("recalls", recalls, "pass one for each tau")
    if all(isinstance(recall, Estimate) for recall in found):
        means = check_array("recalls", [e.value for e in found], _LARGEST)
        stderr = check_array("standard errors", [e.stderr for e in found], _LARGEST)
        noise = stderr * rng.standard_normal((n_boot, len(stderr)))
    else:
        table = check_array("recalls", recalls, _LARGEST)
        if table.ndim != 2 or len(table) < 2:
            raise ValueError(
                f"recalls must be estimates, or an array (seeds, taus) of at least 2 seeds, got shape {table.shape}; "
                "with one seed pass its estimates"
            )
        n, means = len(table), table.mean(axis=0)
        shares = rng.standard_normal((n_boot, n)) / np.sqrt(rng.chisquare(n - 1, (n_boot, 1)) * n)
        noise = shares @ (table - means)
    check_shape("recalls", means, n_taus, remedy="pass one for each tau")
    return means, noise


def _rising(values: np.ndarray) -> np.ndarray:
    """The closest rising curves, in least squares, shape ``(..., T)``: at i the largest over starts <= i of the
    smallest over ends >= i of the mean from start to end (the max-min formula; Barlow et al. 1972, section 1.2).
    """
    n = values.shape[-1]
    sums = np.concatenate([np.zeros_like(values[..., :1]), np.cumsum(values, axis=-1)], axis=-1)
    rising = np.full(values.shape, -np.inf)
    for start in range(n):
        means = (sums[..., start + 1 :] - sums[..., start, None]) / np.arange(1, n - start + 1)
        smallest = np.minimum.accumulate(means[..., ::-1], axis=-1)[..., ::-1]
        rising[..., start:] = np.maximum(rising[..., start:], smallest)
    return rising


def _crossings(taus: np.ndarray, curves: np.ndarray, floor: float) -> np.ndarray:
    """The lowest tau at which each rising curve ``(B, T)`` meets the floor, shape ``(B,)``; 0 below, infinite above."""
    right = np.count_nonzero(curves < floor, axis=1)
    inside = (right > 0) & (right < len(taus))
    crossings = np.where(right == 0, np.where(curves[:, 0] > floor, 0.0, taus[0]), np.inf)
    rows, above = np.flatnonzero(inside), right[inside]
    left, rise = curves[rows, above - 1], curves[rows, above] - curves[rows, above - 1]
    share = (floor - left) / rise
    crossings[rows] = taus[above - 1] + share * (taus[above] - taus[above - 1])
    return crossings
