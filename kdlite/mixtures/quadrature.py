"""Expectations under Gaussians in one and two dimensions, without drawing samples.

Knows standard normals and smooth, creased or spiky integrands; knows nothing of mixtures.
"""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np

RADIUS = 6.5  # standard deviations; the mass beyond is 7e-10 in 2D
_ORDER = 6  # Gauss-Legendre nodes per axis and cell
_HALF_WIDTH = RADIUS / 6  # of the first cells
_MAX_ROUNDS = 14
_CHUNK = 1 << 15  # points evaluated at a time


class Spikes(NamedTuple):
    """Ellipsoids (x - mean)^T shape^-1 (x - mean) <= 1 outside which an integrand looks as if they were not there."""

    means: np.ndarray  # (K, J, D), in the frame of each of the K normals
    shapes: np.ndarray  # (K, J, D, D); infinite where there is none

    def touch(self, k: np.ndarray, centres: np.ndarray, half: float) -> np.ndarray:
        """Which cells ``(C,)`` touch an ellipsoid that is narrower than half their half-width."""
        touched = np.zeros(len(k), bool)
        dim = self.means.shape[2]
        finite = np.isfinite(self.shapes).all(axis=(2, 3))
        narrowest = np.full(finite.shape, np.inf)
        narrowest[finite] = np.sqrt(np.linalg.eigvalsh(self.shapes[finite])[:, 0])
        for j in np.flatnonzero(finite.all(axis=0)):
            narrow = np.flatnonzero(narrowest[k, j] < 0.5 * half)
            inflated = np.linalg.inv(self.shapes[:, j] + half**2 * np.eye(dim))[k[narrow]]
            offsets = centres[narrow] - self.means[k[narrow], j]
            touched[narrow] |= np.einsum("ci,cij,cj->c", offsets, inflated, offsets) < 1 + dim
        return touched


def normal_nodes(dim: int, step: float, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Nodes ``(N, dim)`` and weights ``(N,)`` (sum 1) for expectations of smooth functions of a standard normal.

    The trapezoidal rule on a lattice of the given step, cut to a ball and moved by ``shift`` steps: its error
    falls like exp(-2 (pi / step)^2) for entire integrands (Trefethen & Weideman 2014, section 5), and where
    two shifts disagree the integrand is too narrow for the step.
    """
    reach = int(RADIUS / step) + 1
    axis = step * (np.arange(-reach, reach + 1) + shift)
    nodes = np.stack(np.meshgrid(*[axis] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
    nodes = nodes[np.sum(nodes**2, axis=1) <= RADIUS**2]
    weights = np.exp(-0.5 * np.sum(nodes**2, axis=1))
    return nodes, weights / weights.sum()


def expect_normal(
    f: Callable[[np.ndarray, np.ndarray], np.ndarray],
    weights: np.ndarray,
    dim: int,
    spikes: Spikes | None = None,
    atol: float = 5e-4,
    rtol: float = 5e-6,
) -> np.ndarray:
    """E[f(k, z)] for each k, shape ``(K,)``, z standard normal in 1 or 2 dimensions, by adaptive cubature.

    Log-densities of mixtures are smooth but for creases, where the heaviest component changes. Cells whose
    Gauss-Legendre value disagrees with that of their halves are split again until the disagreements that
    remain add up to less than the tolerance.

    Args:
        f: takes the component index of each cell ``(C,)`` and its points ``(C, N, dim)``, returns ``(C, N)``.
        weights: how much each k matters, shape ``(K,)``; 0 for one that weighs nothing.
        spikes: features too narrow for the first cells, so that they are not stepped over.
        atol, rtol: tolerance of the weighted sum, absolute or relative, whichever is larger.

    Raises:
        RuntimeError: if the tolerance is not met after 14 halvings.
    """
    if not weights.any():
        return np.zeros(len(weights))
    roots, root_weights = np.polynomial.legendre.leggauss(_ORDER)
    nodes = np.array(list(product(roots, repeat=dim)))
    node_weights = np.prod(list(product(root_weights, repeat=dim)), axis=1) / (2 * np.pi) ** (dim / 2)
    corners = 0.5 * np.array(list(product((-1, 1), repeat=dim)))

    def cell_values(k: np.ndarray, centres: np.ndarray, half: float) -> np.ndarray:
        values = np.empty(len(k))
        per_chunk = _CHUNK // len(nodes)
        for i in range(0, len(k), per_chunk):
            z = centres[i : i + per_chunk, None] + half * nodes
            density = np.exp(-0.5 * np.einsum("cnd,cnd->cn", z, z))
            values[i : i + per_chunk] = (density * f(k[i : i + per_chunk], z)) @ node_weights
        return values * half**dim

    axis = np.arange(-RADIUS + _HALF_WIDTH, RADIUS, 2 * _HALF_WIDTH)
    grid = np.array(list(product(axis, repeat=dim)))
    k, centres = np.repeat(np.flatnonzero(weights), len(grid)), np.tile(grid, (np.count_nonzero(weights), 1))
    half = _HALF_WIDTH
    values = cell_values(k, centres, half)
    totals, budget = np.zeros(len(weights)), max(atol, rtol * abs(weights[k] @ values))
    for _ in range(_MAX_ROUNDS):
        spiky = np.zeros(len(k), bool) if spikes is None else spikes.touch(k, centres, half)
        k_halves = np.repeat(k, len(corners))
        centres = (centres[:, None] + half * corners).reshape(-1, dim)
        half /= 2
        halves = cell_values(k_halves, centres, half).reshape(-1, len(corners))
        errors = weights[k] * np.abs(values - halves.sum(axis=1))
        # Accept the best cells while they spend at most half of the budget that is left.
        order = np.argsort(np.where(spiky, np.inf, errors))
        spent = np.cumsum(np.where(spiky, np.inf, errors)[order])
        n_done = np.searchsorted(spent, budget if spent[-1] <= budget else budget / 2, side="right")
        done, open_cells = order[:n_done], order[n_done:]
        totals += np.bincount(k[done], halves[done].sum(axis=1), len(totals))
        if not len(open_cells):
            return totals
        budget -= spent[n_done - 1] if n_done else 0.0
        k = np.repeat(k[open_cells], len(corners))
        centres = centres.reshape(-1, len(corners), dim)[open_cells].reshape(-1, dim)
        values = halves[open_cells].ravel()
    raise RuntimeError(
        f"the integral did not reach {budget:.1e} nats after {_MAX_ROUNDS} halvings; pass n to sample it"
    )
