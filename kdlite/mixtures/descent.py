"""A divergence from a teacher to a mixture of Gaussians, summed on a lattice, and the way down its slope.

Knows an integrand and the parameters of a student; knows nothing of which divergence it is, or of starts.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kdlite.mixtures.gaussian import log_components, logsumexp, whitening
from kdlite.mixtures.mixture import GaussianMixture
from kdlite.mixtures.quadrature import RADIUS
from kdlite.selection import safe_log

_MAX_NODES = 1 << 21
_GTOL = 1e-6  # nats per unit of a parameter: the slope at which a descent stops
_MAX_ITERATIONS = 500


class Integrand(NamedTuple):
    """A divergence as an integral over x of value(log p, log q), with p the teacher and q the student."""

    value: Callable[[np.ndarray, np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray, np.ndarray], np.ndarray]  # derivative of value with respect to log q
    outside: Callable[[np.ndarray], float]  # from log p on the lattice: the cost of student mass beyond it


class Objective(NamedTuple):
    """One divergence on one lattice: a function of a vector of parameters.

    The vector holds logits ``(K,)``, means ``(K, D)`` and the lower triangles of L ``(K, D (D + 1) / 2)``, with
    covariances L L^T + floor I.
    """

    x: np.ndarray  # (N, D)
    log_teacher: np.ndarray  # (N,)
    cell: float  # the volume that a node stands for
    integrand: Integrand
    floor: float
    n_components: int

    @classmethod
    def on_lattice(
        cls, teacher: GaussianMixture, n_components: int, integrand: Integrand, floor: float, step: float
    ) -> "Objective":
        """Nodes over all the teacher's components, out to the radius of the other integrals."""
        step = step * np.sqrt(smallest_variance(teacher))
        active = teacher.weights > 0
        reach = RADIUS * np.sqrt(np.diagonal(teacher.covariances, axis1=1, axis2=2))[active]
        low, high = (teacher.means[active] - reach).min(0), (teacher.means[active] + reach).max(0)
        counts = np.ceil((high - low) / step).astype(int) + 1
        if np.prod(counts.astype(float)) > _MAX_NODES:
            raise ValueError(
                f"the lattice would have {np.prod(counts.astype(float)):.1e} nodes, at most {_MAX_NODES:.1e}: the "
                "teacher's narrowest component is too narrow for its width; widen it, or use fit_mixture"
            )
        axes = [a + step * np.arange(n) for a, n in zip(low, counts, strict=True)]
        x = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, teacher.dim)
        return cls(x, teacher.log_prob(x), step**teacher.dim, integrand, floor, n_components)

    def descend(self, start: np.ndarray) -> tuple[float, np.ndarray]:
        """The value and parameters at the bottom that a start leads to."""
        from scipy.optimize import minimize

        options = {"gtol": _GTOL, "maxiter": _MAX_ITERATIONS}
        end = minimize(self.value_and_gradient, start, jac=True, method="BFGS", options=options)
        return float(end.fun), end.x

    def student(self, parameters: np.ndarray) -> GaussianMixture:
        """The mixture that the parameters stand for."""
        weights, means, cholesky = self._unpack(parameters)
        return GaussianMixture(weights, means, self._covariances(cholesky))

    def value_and_gradient(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """The divergence in nats, and its derivative by each parameter."""
        weights, means, cholesky = self._unpack(parameters)
        covariances = self._covariances(cholesky)
        log_joint = log_components(self.x, means, *whitening(covariances), safe_log(weights))  # (K, N)
        log_student = logsumexp(log_joint)
        beyond = self.integrand.outside(self.log_teacher)
        mass = self.cell * np.exp(log_student)
        value = self.cell * self.integrand.value(self.log_teacher, log_student).sum()
        slope = self.cell * self.integrand.slope(self.log_teacher, log_student) - beyond * mass

        share = slope * np.exp(log_joint - log_student)  # (K, N), adds up to slope over K
        precisions = np.linalg.inv(covariances)
        y = precisions @ (self.x - means[:, None]).mT  # (K, D, N)
        by_covariance = 0.5 * ((share[:, None] * y) @ y.mT - share.sum(axis=1)[:, None, None] * precisions)
        rows, columns = np.tril_indices(means.shape[1])
        gradient = (
            share.sum(axis=1) - weights * slope.sum(),
            np.einsum("kn,kdn->kd", share, y),
            (2 * by_covariance @ cholesky)[:, rows, columns],
        )
        return value + beyond * (1 - mass.sum()), np.concatenate([g.ravel() for g in gradient])

    def _unpack(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n, dim = self.n_components, self.x.shape[1]
        logits, means, lower = np.split(parameters, [n, n + n * dim])
        weights = np.exp(logits - logits.max())
        cholesky = np.zeros((n, dim, dim))
        cholesky[:, *np.tril_indices(dim)] = lower.reshape(n, -1)
        return weights / weights.sum(), means.reshape(n, dim), cholesky

    def _covariances(self, cholesky: np.ndarray) -> np.ndarray:
        return cholesky @ cholesky.mT + self.floor * np.eye(cholesky.shape[-1])


def pack(mixture: GaussianMixture, floor: float) -> np.ndarray:
    """The parameters of a mixture whose covariances exceed the floor."""
    cholesky = np.linalg.cholesky(mixture.covariances - floor * np.eye(mixture.dim))
    rows, columns = np.tril_indices(mixture.dim)
    logits = np.log(np.maximum(mixture.weights, 1e-12))  # a start with a dead component stays dead
    return np.concatenate([logits, mixture.means.ravel(), cholesky[:, rows, columns].ravel()])


def smallest_variance(mixture: GaussianMixture) -> float:
    """The variance of the narrowest component that has weight, along its narrowest axis."""
    return float(np.linalg.eigvalsh(mixture.covariances[mixture.weights > 0]).min())
