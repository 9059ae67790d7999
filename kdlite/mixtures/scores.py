"""The scores of many mixtures at once, by integrals or from shared draws.

Knows mixtures and a truth; knows nothing of who was fitted to whom.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from kdlite.distribution import Estimate, precision, recall, stream_seed
from kdlite.frontier import Curve
from kdlite.mixtures.gaussian import log_components, logsumexp, safe_log, whitening
from kdlite.mixtures.mixture import GaussianMixture


class ExactScores(NamedTuple):
    """Scores by integrals."""

    truth: GaussianMixture

    def each(self, mixtures: list[GaussianMixture]) -> Curve:
        """Curve of arrays ``(B,)``."""
        return Curve(self._values(precision, mixtures), self._values(recall, mixtures))

    def family(self, mixtures: list[GaussianMixture]) -> Curve:
        """The same for mixtures that differ in their weights alone: each component is integrated once."""
        weights = np.stack([m.weights for m in mixtures])
        by_component = mixtures[0].expect_by_component(self.truth, weights.max(axis=0))
        return Curve(weights @ by_component, self._values(recall, mixtures))

    def _values(self, score: Callable[..., Estimate], mixtures: list[GaussianMixture]) -> np.ndarray:
        # An integral is long enough for numpy to let go of the interpreter's lock.
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return np.array([e.value for e in pool.map(lambda m: score(m, self.truth), mixtures)])


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

    def each(self, mixtures: list[GaussianMixture]) -> Curve:
        """Curve of arrays ``(B,)``."""
        x = np.stack([m.push(self.u, self.z) for m in mixtures])  # (B, n, D)
        log_truth = self.truth.log_prob(x.reshape(-1, self.truth.dim)).reshape(x.shape[:2])
        weights, means, covariances = (
            np.stack(arrays)
            for arrays in zip(*((m.weights, m.means, m.covariances) for m in mixtures), strict=True)
        )
        log_mixture = log_components(self.x, means, *whitening(covariances), safe_log(weights))  # (B, K, n)
        return Curve(log_truth.mean(axis=1), logsumexp(log_mixture).mean(axis=1))

    def family(self, mixtures: list[GaussianMixture]) -> Curve:
        """The same for mixtures that differ in their weights alone: each component is scored once."""
        base = mixtures[0]
        x = base.place(self.z)  # (K, n, D)
        log_truth = self.truth.log_prob(x.reshape(-1, base.dim)).reshape(x.shape[:2])
        weights = safe_log(np.stack([m.weights for m in mixtures]))  # (B, K)
        log_mixture = base.component_log_prob(self.x) + weights[:, :, None]  # (B, K, n)
        n = np.arange(len(self.u))
        return Curve(
            np.array([log_truth[m.choose(self.u), n].mean() for m in mixtures]),
            logsumexp(log_mixture).mean(axis=1),
        )
