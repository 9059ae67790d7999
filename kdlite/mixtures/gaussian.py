"""Log-densities of many Gaussians at many points, on plain arrays.

Knows means and covariances in batches; knows nothing of mixtures as objects, or of fits.
"""

import numpy as np

# glibc hands work arrays back to the system as soon as they are freed, and zeroes them page by page when they
# are wanted again, until it has once seen a large block come and go. Without this line squares take 4 times as long.
np.empty(1 << 21)


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
