"""The two numbers of many mixtures at once, by integrals or from shared draws.

Knows mixtures and a truth; knows nothing of who was fitted to whom. What precision and recall are is said elsewhere
(``kdlite.distribution``): here is only what many mixtures have in common, computed once.
"""

from typing import NamedTuple

import numpy as np

from kdlite.distribution import Distribution, Estimate, precision, recall, stream_seed
from kdlite.mixtures.gaussian import logsumexp
from kdlite.mixtures.mixture import GaussianMixture
from kdlite.parallel import each
from kdlite.selection import safe_log

Score = tuple[Estimate, Estimate]  # precision, recall


class ExactScores(NamedTuple):
    """Scores by integrals."""

    truth: GaussianMixture

    def each(self, mixtures: list[GaussianMixture]) -> list[Score]:
        """Precision and recall of each."""
        return each(lambda m: (precision(m, truth=self.truth), recall(m, truth=self.truth)), mixtures)

    def family(self, mixtures: list[GaussianMixture]) -> list[Score]:
        """The same for mixtures that differ in their weights alone: each component is integrated once."""
        most = np.max([m.weights for m in mixtures], axis=0)
        by_component = mixtures[0].expect_by_component(self.truth, most)
        return each(
            lambda m: (
                precision(_Integrated(m.weights, by_component), truth=self.truth),
                recall(m, truth=self.truth),
            ),
            mixtures,
        )


class SampledScores(NamedTuple):
    """Scores by one seed's draws, which every mixture that the seed scores shares."""

    truth: GaussianMixture
    u: np.ndarray  # (n,) uniforms
    z: np.ndarray  # (n, D) standard normals
    x: np.ndarray  # (n, D) points of the truth

    @classmethod
    def draw(cls, truth: GaussianMixture, n: int, seed: int) -> "SampledScores":
        """n draws, on streams that no fit uses."""
        rng = np.random.default_rng(stream_seed(seed, "precision"))
        u, z = rng.random(n), rng.standard_normal((n, truth.dim))
        return cls(truth, u, z, truth.sample(n, stream_seed(seed, "recall")))

    def each(self, mixtures: list[GaussianMixture]) -> list[Score]:
        """Precision and recall of each."""
        return [self._score(_Known(m.push(self.u, self.z)), self.truth, m, _Known(self.x)) for m in mixtures]

    def family(self, mixtures: list[GaussianMixture]) -> list[Score]:
        """The same for mixtures that differ in their weights alone: each component is scored once."""
        base, n = mixtures[0], np.arange(len(self.u))
        placed = base.place(self.z)  # (K, n, D)
        log_truth = self.truth.log_prob(placed.reshape(-1, base.dim)).reshape(placed.shape[:2])
        log_components = base.component_log_prob(self.x)  # (K, n)
        found = []
        for m in mixtures:
            k = m.choose(self.u)
            log_mixture = logsumexp(log_components + safe_log(m.weights)[:, None])
            found.append(
                self._score(
                    _Known(placed[k, n]),
                    _Known(placed[k, n], log_truth[k, n]),
                    _Known(self.x, log_mixture),
                    _Known(self.x),
                )
            )
        return found

    def _score(
        self, drawn: Distribution, truth: Distribution, student: Distribution, drawn_truth: Distribution
    ) -> Score:
        n = len(self.u)
        return precision(drawn, truth=truth, n=n), recall(student, truth=drawn_truth, n=n)


class _Integrated(NamedTuple):
    """A mixture whose components are integrated already."""

    weights: np.ndarray  # (K,)
    by_component: np.ndarray  # (K,)

    def expect_log_prob(self, scored: Distribution) -> float:
        """E of the log-density that ``by_component`` holds."""
        return float(self.weights @ self.by_component)


class _Known(NamedTuple):
    """A distribution that was asked already: its points, or its log-density at some."""

    points: np.ndarray  # (n, D)
    values: np.ndarray | None = None  # (n,)

    def sample(self, n: int, seed: int) -> np.ndarray:
        """The points."""
        return self.points

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        """The values at the points."""
        return self.values

    def size(self, x: np.ndarray) -> np.ndarray:
        """A point counts one."""
        return np.ones(len(x))
