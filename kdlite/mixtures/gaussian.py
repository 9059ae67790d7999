"""Log-densities of many Gaussians at many points, on plain arrays, and what their parameters have to be.

Knows means and covariances in batches; knows nothing of mixtures as objects, or of fits.
"""

import numpy as np

from kdlite.checks import check_array, show

# glibc hands work arrays back to the system as soon as they are freed, and zeroes them page by page when they
# are wanted again, until it has once seen a large block come and go. Without this line squares take 4 times as long.
np.empty(1 << 21)


FARTHEST = 1e50  # coordinate; squares of it, over the smallest variance, still are numbers
LARGEST, _SMALLEST = 1e100, 1e-100  # variance


def check_parameters(
    weights: np.ndarray, means: np.ndarray, covariances: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Those of a mixture, ``(K,)``, ``(K, D)`` and ``(K, D, D)``, as float64, or a ValueError that names the one at
    fault, its value and the remedy.
    """
    weights = check_array("weights", weights, LARGEST)
    means = check_array("means", means, FARTHEST)
    covariances = check_array("covariances", covariances, LARGEST)
    _check_shapes(weights, means, covariances)
    _check_weights(weights)
    _check_covariances(covariances)
    return weights, means, covariances


def whitening(covariances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """W ``(..., D, D)`` with W (x - mean) standard normal, and half the log-determinant ``(...)``."""
    values, vectors = np.linalg.eigh(covariances)
    return vectors.mT / np.sqrt(values)[..., None], 0.5 * np.log(values).sum(axis=-1)


def log_components(
    x: np.ndarray,
    means: np.ndarray,
    whiten: np.ndarray,
    log_det: np.ndarray,
    log_weights: np.ndarray | float = 0.0,
) -> np.ndarray:
    """log(weight_k N(x_n; k)), shape ``(..., K, N)``, for points ``(..., N, D)`` and a batch of mixtures."""
    *batch, n_components, dim = means.shape
    rows = np.sqrt(0.5) * whiten
    z = rows.reshape(*batch, n_components * dim, dim) @ x.mT  # (..., K * D, N)
    z -= (rows @ means[..., None]).reshape(*batch, n_components * dim, 1)
    z = z.reshape(*z.shape[:-2], n_components, dim, z.shape[-1])
    squares = np.einsum("...dn,...dn->...n", z, z)
    top = log_weights - log_det - 0.5 * dim * np.log(2 * np.pi)
    return np.subtract(top[..., None], squares, out=squares)


def logsumexp(a: np.ndarray) -> np.ndarray:
    """log of the sum of exponentials over the second-to-last axis (components), without underflow."""
    if a.shape[-2] == 1:
        return a[..., 0, :]
    top = a.max(axis=-2)
    terms = a - top[..., None, :]
    # Beside the top term, less than exp(-45) does not count in a double.
    np.exp(np.maximum(terms, -45, out=terms), out=terms)
    return top + np.log(terms.sum(axis=-2))


def _check_shapes(weights: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> None:
    fits = weights.ndim == 1 and means.ndim == 2 and means.size and len(weights) == len(means)
    if not fits or covariances.shape != (*means.shape, means.shape[1]):
        raise ValueError(
            "weights, means and covariances must have shapes (K,), (K, D) and (K, D, D) with K, D >= 1, "
            f"got {weights.shape}, {means.shape} and {covariances.shape}; give each component one of each"
        )


def _check_weights(weights: np.ndarray) -> None:
    if (weights < 0).any():
        raise ValueError(f"weights must be >= 0, got {weights.min():g}; 0 switches a component off")
    if abs(weights.sum() - 1) > 1e-6:
        raise ValueError(
            f"weights must sum to 1 within 1e-6, got {weights.sum():.9g}; divide them by their sum"
        )


def _check_covariances(covariances: np.ndarray) -> None:
    scale = np.abs(covariances).max(axis=(1, 2))
    skew = np.abs(covariances - covariances.mT).max(axis=(1, 2))
    if (skew > 1e-8 * scale).any():
        k = int(np.argmax(skew > 1e-8 * scale))
        raise ValueError(
            f"covariance {k} must be symmetric, got {show(covariances[k].tolist())}; use (C + C.T) / 2"
        )
    smallest = np.linalg.eigvalsh(covariances)[:, 0]
    flat = smallest <= np.maximum(1e-14 * scale, _SMALLEST)
    if flat.any():
        k = int(np.argmax(flat))
        raise ValueError(
            f"covariance {k} must be positive definite, but its smallest eigenvalue is {smallest[k]:g}; "
            "add a small multiple of the identity"
        )
