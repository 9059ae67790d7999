"""Where EM starts: k-means++ centres for points, merged components for mixtures.

Knows distances and moments; knows nothing of likelihoods.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from kdlite.distribution import stream_seed
from kdlite.mixtures.gaussian import whitening
from kdlite.mixtures.mixture import GaussianMixture


def kmeans_centres(
    x: np.ndarray, weights: np.ndarray, n_components: int, n_init: int, seeds: Sequence[int]
) -> Iterator[np.ndarray]:
    """For each of n_init starts, who owns each point: 0 or 1, shape ``(B, K, N)``.

    Centres are drawn far apart with probability weight * distance^2 to the nearest centre so far
    (k-means++, Arthur & Vassilvitskii 2007); a point belongs to its nearest centre.

    Args:
        x: points of B problems, ``(B, N, D)``.
        weights: ``(B, N)``.
        seeds: one a problem.
    """
    noise = np.stack(
        [np.random.default_rng(stream_seed(s, "starts")).random((n_init, n_components)) for s in seeds]
    )
    rows = np.arange(len(x))
    for start in range(n_init):
        nearest = np.full(weights.shape, np.inf)
        owner = np.zeros(weights.shape, dtype=int)
        chance = weights
        for k in range(n_components):
            cumulative = np.cumsum(chance, axis=1)
            target = noise[:, start, k] * cumulative[:, -1]
            picked = (cumulative <= target[:, None]).sum(axis=1).clip(max=x.shape[1] - 1)
            distance = np.sum((x - x[rows, picked][:, None]) ** 2, axis=2)
            owner[distance < nearest] = k
            nearest = np.minimum(nearest, distance)
            chance = weights * nearest
        yield (owner[:, None] == np.arange(n_components)[:, None]).astype(float)


def merge_components(mixture: GaussianMixture, n_components: int) -> GaussianMixture:
    """Merge the cheapest pair of components, keeping its moments, until ``n_components`` are left.

    The cost of a merge bounds from above the KL divergence that it causes (Runnalls 2007, equation 21).
    """
    # A weight that sharpening took to zero still says where its component is.
    weights = np.maximum(mixture.weights, 1e-300)
    means, covariances = mixture.means.copy(), mixture.covariances.copy()
    while len(weights) > n_components:
        i, j = np.triu_indices(len(weights), 1)
        total = weights[i] + weights[j]
        share_i, share_j = weights[i] / total, weights[j] / total
        cost = weights[i] * _log_growth(means, covariances, i, j, share_j)
        cost += weights[j] * _log_growth(means, covariances, j, i, share_i)
        best = int(np.argmin(cost))
        p, q, a, b = i[best], j[best], share_i[best], share_j[best]
        gap = means[p] - means[q]
        covariances[p] = a * covariances[p] + b * covariances[q] + a * b * np.outer(gap, gap)
        means[p] = a * means[p] + b * means[q]
        weights[p] = total[best]
        weights, means, covariances = (np.delete(array, q, axis=0) for array in (weights, means, covariances))
    return GaussianMixture(weights / weights.sum(), means, covariances)


def _log_growth(
    means: np.ndarray, covariances: np.ndarray, i: np.ndarray, j: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """log det of the merged covariance less that of component i, when j has this share of the pair.

    From the eigenvalues of the relative change, so that a share of 1e-100 still counts.
    """
    whiten, _ = whitening(covariances[i])
    gap = means[i] - means[j]
    spread = covariances[j] + (1 - share)[:, None, None] * gap[:, :, None] * gap[:, None]
    change = np.linalg.eigvalsh(whiten @ spread @ whiten.mT) - 1
    return np.log1p(share[:, None] * change).sum(axis=1)
