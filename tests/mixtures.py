"""Mixtures for tests: the paper's truth, random ones, and slow but obvious integrals."""

import numpy as np

from kdlite import GaussianMixture

MODES = np.array([(-1, 1), (0, 1), (1, 1), (-1, 0), (1, 0), (-1, -1), (0, -1), (1, -1)], dtype=float)


def paper_truth(rate: float = 0.0) -> GaussianMixture:
    """The paper's eight modes; weights proportional to exp(-rate * rank)."""
    weights = np.exp(-rate * np.arange(8))
    return GaussianMixture(weights / weights.sum(), MODES, np.tile(0.025 * np.eye(2), (8, 1, 1)))


def random_mixture(
    rng: np.random.Generator, n_components: int, dim: int, widths: tuple[float, float], spread: float
) -> GaussianMixture:
    """Dirichlet weights, normal means, log-uniform widths along random axes."""
    rotations = np.linalg.qr(rng.normal(size=(n_components, dim, dim)))[0]
    variances = np.exp(rng.uniform(*np.log(widths), size=(n_components, 1, dim))) ** 2
    return GaussianMixture(
        rng.dirichlet(np.ones(n_components)),
        spread * rng.normal(size=(n_components, dim)),
        (rotations * variances) @ rotations.mT,
    )


def dense_integral(sampled: GaussianMixture, scored: GaussianMixture, step: float) -> float:
    """E over sampled of log scored by a uniform grid of 8 widths around each component."""
    axis = np.arange(-8, 8, step) + 0.37 * step
    z = np.stack(np.meshgrid(*[axis] * sampled.dim, indexing="ij"), axis=-1).reshape(-1, sampled.dim)
    mass = np.exp(-0.5 * np.sum(z**2, axis=1))
    total = 0.0
    for weight, mean, covariance in zip(sampled.weights, sampled.means, sampled.covariances, strict=True):
        x = mean + z @ np.linalg.cholesky(covariance).T
        total += weight * (mass @ scored.log_prob(x)) / mass.sum()
    return total
