"""EM on a batch: many mixtures fitted to many weighted samples in lockstep.

Knows arrays of points and components; knows nothing of where points come from or of which start is best.
"""

import warnings
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from kdlite.mixtures.gaussian import log_components, logsumexp, whitening
from kdlite.mixtures.mixture import GaussianMixture
from kdlite.selection import safe_log

Covariance = Literal["full", "diag"]

_MAX_ITERATIONS = 10_000
_BLOCK = 1 << 16  # point-component pairs handled together, so that the work arrays stay in cache


class Components(NamedTuple):
    """B mixtures of K components in D dimensions."""

    weights: np.ndarray  # (B, K)
    means: np.ndarray  # (B, K, D)
    covariances: np.ndarray  # (B, K, D, D)

    def take(self, rows: np.ndarray) -> "Components":
        """The mixtures of these rows."""
        return Components(*(array[rows] for array in self))

    def join(self, *others: "Components") -> "Components":
        """All of them in one batch."""
        return Components(*map(np.concatenate, zip(self, *others, strict=True)))


class Problem(NamedTuple):
    """B weighted samples, moved to mean zero so that second moments lose no digits."""

    x: np.ndarray  # (B, N, D)
    outer: np.ndarray  # (B, N, D * D), x x^T of each point
    weights: np.ndarray  # (B, N), each row sums to 1
    floor: np.ndarray  # (B,), the smallest variance of a component in any direction
    centre: np.ndarray  # (B, D), what was taken off the points
    covariance: Covariance

    def take(self, rows: np.ndarray) -> "Problem":
        """The samples of these rows."""
        return Problem(*(array[rows] for array in self[:-1]), self.covariance)


class Step(NamedTuple):
    """One iteration of EM, from parameters theta.

    Attributes:
        components: theta' of the largest E[log joint(theta')] under the responsibilities of theta.
        log_likelihood: sum over n of w_n log p(x_n; theta) in nats, shape ``(B,)``: of theta, before the step.
    """

    components: Components
    log_likelihood: np.ndarray


def em_step(problem: Problem, components: Components) -> Step:
    """One E-step and one M-step; the likelihood of the result is never below that of ``components``,
    if these are within the problem's bounds."""
    shapes = whitening(components.covariances)
    joint = log_components(problem.x, components.means, *shapes, safe_log(components.weights))
    log_density = logsumexp(joint)
    joint -= log_density[..., None, :]
    responsibilities = np.exp(np.maximum(joint, -700, out=joint), out=joint)
    return Step(
        maximize(problem, responsibilities, components),
        np.einsum("bn,bn->b", problem.weights, log_density),
    )


def maximize(problem: Problem, responsibilities: np.ndarray, current: Components | None) -> Components:
    """Weights, means and covariances given who is responsible ``(B, K, N)``; overwrites responsibilities.

    A covariance whose eigenvalues fall below the floor has them raised to it, which is the best that a
    covariance bounded by the floor can do. A component that nothing is left for stays where it is.
    """
    dim = problem.x.shape[2]
    responsibilities *= problem.weights[:, None]
    mass = responsibilities.sum(axis=-1)
    alive = np.maximum(mass, 1e-300)[..., None]
    means = responsibilities @ problem.x / alive
    moments = (responsibilities @ problem.outer / alive).reshape(*means.shape, dim)
    covariances = _within_bounds(moments - means[..., :, None] * means[..., None, :], problem)
    if current is not None:
        dead = mass < 1e-300
        means[dead], covariances[dead] = current.means[dead], current.covariances[dead]
    return Components(mass / mass.sum(axis=-1, keepdims=True), means, covariances)


def run_em(problem: Problem, start: Components, tol: float) -> Step:
    """EM from each start until the likelihood improves by less than ``tol``, relative.

    With R starts for each of B problems, start r of problem b stands in row r * B + b.
    """
    n_starts, n_components = start.weights.shape
    result = Step(Components(*map(np.empty_like, start)), np.empty(n_starts))
    block = max(1, _BLOCK // (n_components * problem.x.shape[1]))
    for i in range(0, n_starts, block):
        rows = np.arange(i, min(i + block, n_starts))
        part, components, before = problem.take(rows % len(problem.x)), start.take(rows), -np.inf
        for _ in range(_MAX_ITERATIONS):
            step = em_step(part, components)
            done = step.log_likelihood - before <= tol * np.maximum(1, np.abs(step.log_likelihood))
            components, before = step.components, step.log_likelihood
            if done.any():
                store(result.components, rows[done], components.take(done))
                result.log_likelihood[rows[done]] = before[done]
                rows, before = rows[~done], before[~done]
                part, components = part.take(~done), components.take(~done)
                if not len(rows):
                    break
        else:
            message = f"EM had not converged after {_MAX_ITERATIONS} iterations; use fewer components"
            warnings.warn(message, RuntimeWarning, stacklevel=2)
            store(result.components, rows, components)
            result.log_likelihood[rows] = before
    return result


def store(target: Components, rows: np.ndarray, source: Components) -> None:
    """Put the mixtures of ``source`` into these rows of ``target``."""
    for target_array, source_array in zip(target, source, strict=True):
        target_array[rows] = source_array


def stack_components(mixtures: Sequence[GaussianMixture], problem: Problem) -> Components:
    """One mixture a problem as a batch, moved as the problem's points were, and shaped as its fit may be.

    From a start that is tilted where the fit must lie along the axes, or narrower than the floor, the first
    step can lose likelihood, and EM would stop there.
    """
    return Components(
        np.stack([m.weights for m in mixtures]),
        np.stack([m.means for m in mixtures]) - problem.centre[:, None],
        _within_bounds(np.stack([m.covariances for m in mixtures]), problem),
    )


def to_mixtures(components: Components, problem: Problem) -> list[GaussianMixture]:
    """One mixture a problem, moved back to where the problem's points were."""
    return [GaussianMixture(w, m + c, s) for w, m, s, c in zip(*components, problem.centre, strict=True)]


def _within_bounds(covariances: np.ndarray, problem: Problem) -> np.ndarray:
    """The covariances ``(B, K, D, D)`` along the axes, if the problem asks for it, and no narrower than its floor."""
    if problem.covariance == "diag":
        covariances = covariances * np.eye(covariances.shape[-1])
    values, vectors = np.linalg.eigh(covariances)
    floor = problem.floor[:, None, None]
    if (values < floor).any():
        covariances = (vectors * np.maximum(values, floor)[..., None, :]) @ vectors.mT
    return covariances
