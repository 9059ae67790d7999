"""What a distribution is, and the two numbers that compare a student with the truth.

Knows sampling and scoring; knows nothing of mixtures, tokens or plots.
"""

import math
import zlib
from typing import NamedTuple, Protocol, Self, runtime_checkable

import numpy as np

from kdlite.checks import check_integer, check_seed, show


class Distribution(Protocol):
    """The two verbs and the knob that mixtures and language models share."""

    def sample(self, n: int, seed: int) -> np.ndarray:
        """Draw ``n`` samples, stacked along the first axis; the same seed gives the same samples."""

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        """Log-density of each sample, shape ``(n,)``, in nats."""

    def size(self, x: np.ndarray) -> np.ndarray:
        """How much each sample counts, shape ``(n,)``: 1 for a point, the number of tokens for a text."""

    def sharpen(self, beta: float) -> Self:
        """The distribution with its entropy knob at ``beta``: 1 unchanged, larger more selective."""


@runtime_checkable
class Integrable(Protocol):
    """A distribution that can integrate log-densities itself, without drawing samples."""

    def expect_log_prob(self, scored: Distribution) -> float:
        """The expectation of ``scored.log_prob`` under this distribution, in nats."""


class Estimate(NamedTuple):
    """An expected log-density.

    Attributes:
        value: sum of log-densities over sum of sizes: nats per point, or nats per token.
        stderr: standard error of ``value`` over samples, by the delta method for that ratio;
            0.0 when the value is an exact integral, infinite when one sample is all there is.
        n: number of samples drawn; 0 when exact.
    """

    value: float
    stderr: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.4f}" if self.n == 0 else f"{self.value:.4f} ± {self.stderr:.4f}"


def precision(student: Distribution, *, truth: Distribution, n: int | None = None, seed: int = 0) -> Estimate:
    """Sample quality: E over x ~ student of log truth(x) (Cha & Cho 2025, section 3).

    Args:
        student: the distribution that is judged; its samples are scored.
        truth: the reference, passed by name so that it cannot be mistaken for another.
        n: samples to draw; ``None`` integrates exactly (a mixture in 1 or 2 dimensions).
        seed: seeds the samples, on a stream that no fit uses.

    Raises:
        ValueError: if ``n`` is ``None`` and ``student`` cannot be integrated, ``n < 1``, or the two are
            distributions over texts of different languages.
    """
    _check_pair(student, truth, sampled="student")
    return _expected_log_prob(student, truth, n, stream_seed(seed, "precision"))


def recall(student: Distribution, *, truth: Distribution, n: int | None = None, seed: int = 0) -> Estimate:
    """Coverage: E over x ~ truth of log student(x) (Cha & Cho 2025, section 3).

    Arguments and errors are those of :func:`precision`, with the truth as the sampled side.
    """
    _check_pair(student, truth, sampled="truth")
    return _expected_log_prob(truth, student, n, stream_seed(seed, "recall"))


def stream_seed(seed: int, name: str) -> int:
    """A seed for the random stream called ``name``: the same pair gives the same seed, and the streams
    of two names share nothing, so scoring with seed 0 never meets points fitted to with seed 0.

    Raises:
        ValueError: if ``seed`` is not an integer of at least 0.
    """
    entropy = [check_seed(seed), zlib.crc32(name.encode())]
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0])


def check_verb(name: str, distribution: Distribution, *verbs: str) -> None:
    """Nothing, or a ValueError for something that has none of these verbs."""
    if not any(callable(getattr(distribution, verb, None)) for verb in verbs):
        raise ValueError(
            f"{name} must be a distribution, got {show(distribution)}; pass a mixture or a language model"
        )


def _check_pair(student: Distribution, truth: Distribution, sampled: str) -> None:
    """Nothing, or a ValueError if one is no distribution, or the two do not share a language (points have none)."""
    for name, distribution in (("student", student), ("truth", truth)):
        check_verb(name, distribution, *(("sample", "expect_log_prob") if name == sampled else ("log_prob",)))
    languages = [getattr(distribution, "language", None) for distribution in (student, truth)]
    if languages == [None, None]:
        return
    if None in languages:
        raise ValueError(
            f"a {type(student).__name__} and a {type(truth).__name__} have no samples in common; "
            "compare points with points, or texts with texts"
        )
    languages[0].check_same(languages[1], ("the student", "the truth"))


def _expected_log_prob(sampled: Distribution, scored: Distribution, n: int | None, seed: int) -> Estimate:
    if n is None:
        if not isinstance(sampled, Integrable):
            raise ValueError(
                f"no exact integral over a {type(sampled).__name__}; pass n, the number of samples to draw"
            )
        return Estimate(sampled.expect_log_prob(scored), 0.0, 0)
    n = check_integer("n", n, 1, "pass at least one sample, or None for the exact integral")
    x = sampled.sample(n, seed)
    return ratio_estimate(scored.log_prob(x), sampled.size(x))


def ratio_estimate(log_probs: np.ndarray, sizes: np.ndarray) -> Estimate:
    """Sum of log-densities over sum of sizes, with the delta-method error of that ratio.

    With r the ratio and s the mean size, the variance of r is that of the residuals l - r s, over n s^2
    (Cochran, *Sampling Techniques*, section 2.11).

    Args:
        log_probs: nats per sample, shape ``(n,)``.
        sizes: points or tokens per sample, shape ``(n,)``.
    """
    n = len(log_probs)
    value = float(np.sum(log_probs) / np.sum(sizes))
    if n == 1 or not math.isfinite(value):
        return Estimate(value, math.inf, n)
    residuals = log_probs - value * sizes
    stderr = math.sqrt(float(residuals @ residuals) / (n - 1) / n) / float(np.mean(sizes))
    return Estimate(value, stderr, n)
