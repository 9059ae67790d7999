"""Gaussian mixtures: density, samples, the entropy knob, exact expectations.

Knows parameters and densities; knows nothing of fitting or plots.
"""

import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from kdlite.checks import check_array, check_integer, check_seed, check_shape, freeze, show
from kdlite.distribution import Distribution, check_verb
from kdlite.mixtures.gaussian import FARTHEST, LARGEST, check_parameters, log_components, logsumexp, whitening
from kdlite.mixtures.quadrature import Spikes, expect_normal
from kdlite.selection import heaviest, safe_log, sharpened

_CHUNK = 1 << 13  # points scored at a time: the work arrays stay in cache


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """A mixture of K Gaussians in D dimensions, validated and frozen.

    Attributes:
        weights: shape ``(K,)``, non-negative, summing to 1 within 1e-6 (then renormalised).
        means: shape ``(K, D)``.
        covariances: shape ``(K, D, D)``, symmetric positive definite.

    Raises:
        ValueError: naming the parameter at fault, its value and the remedy.
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    def __post_init__(self) -> None:
        weights, means, covariances = check_parameters(self.weights, self.means, self.covariances)
        freeze(
            self,
            weights=weights / weights.sum(),
            means=np.array(means),
            covariances=0.5 * (covariances + covariances.mT),
        )

    @classmethod
    def from_sklearn(cls, fitted: Any) -> "GaussianMixture":
        """The mixture that a fitted ``sklearn.mixture.GaussianMixture`` holds, whatever its type of covariance.

        Raises:
            ValueError: if it is no mixture, or was not fitted.
        """
        kind = getattr(fitted, "covariance_type", None)
        if kind not in ("full", "tied", "diag", "spherical") or not hasattr(fitted, "covariances_"):
            raise ValueError(f"from_sklearn takes a fitted mixture, got {show(fitted)}; fit it first")
        c, eye = np.asarray(fitted.covariances_), np.eye(fitted.means_.shape[1])
        if kind == "tied":
            c = np.tile(c, (len(fitted.means_), 1, 1))
        elif kind != "full":
            c = c.reshape(len(c), -1, 1) * eye
        return cls(fitted.weights_, fitted.means_, c)

    def to_sklearn(self) -> Any:
        """A fitted ``sklearn.mixture.GaussianMixture`` with these parameters.

        Raises:
            ImportError: if scikit-learn is not installed.
        """
        from sklearn.mixture import GaussianMixture as Fitted

        fitted = Fitted(self.n_components)
        fitted.weights_, fitted.means_, fitted.covariances_ = map(
            np.array, (self.weights, self.means, self.covariances)
        )
        fitted.precisions_cholesky_ = np.linalg.inv(self._cholesky).mT
        fitted.precisions_ = fitted.precisions_cholesky_ @ fitted.precisions_cholesky_.mT
        fitted.converged_, fitted.n_features_in_ = True, self.dim
        return fitted

    def __repr__(self) -> str:
        return f"GaussianMixture(n_components={self.n_components}, dim={self.dim})"

    @property
    def n_components(self) -> int:
        """K, the number of components."""
        return len(self.weights)

    @property
    def dim(self) -> int:
        """D, the dimension of a point."""
        return self.means.shape[1]

    @property
    def weight_entropy(self) -> float:
        """Entropy of the weights, which the knob turns down, in nats."""
        w = self.weights[self.weights > 0]
        return float(max(0.0, -(w @ np.log(w))))

    @property
    def effective_components(self) -> float:
        """Perplexity of the weights, ``exp(weight_entropy)``, between 1 and K."""
        return float(np.exp(self.weight_entropy))

    def sharpen(self, beta: float) -> "GaussianMixture":
        """A new mixture with weights proportional to weights**beta (Cha & Cho 2025, section 3).

        Components stay where they are. 0 spreads the weight evenly over the components that have any;
        1 changes nothing; a large beta leaves the heaviest component (and its exact ties).

        Raises:
            ValueError: if beta is negative, infinite or NaN.
        """
        return self._weighed(sharpened(self.weights, beta))

    def truncate(
        self, *, top_k: int | None = None, top_p: float | None = None, min_p: float | None = None
    ) -> "GaussianMixture":
        """A new mixture of the heaviest components alone, their weights divided by their sum.

        Args:
            top_k, top_p, min_p: how many, up to which share, from which fraction of the heaviest; see
                ``selection.heaviest``.

        Raises:
            ValueError: if a number is out of range.
        """
        return self._weighed(self.weights * heaviest(self.weights, top_k=top_k, top_p=top_p, min_p=min_p))

    def _weighed(self, weights: np.ndarray) -> "GaussianMixture":
        other = copy.copy(self)  # shares the components, and what is known of them
        freeze(other, weights=weights / weights.sum())
        return other

    def sample(self, n: int, seed: int) -> np.ndarray:
        """n points, shape ``(n, D)``.

        Raises:
            ValueError: if ``n < 1`` or ``seed < 0``.
        """
        n = check_integer("n", n, 1, "draw at least one point")
        rng = np.random.default_rng(check_seed(seed))
        return self.push(rng.random(n), rng.standard_normal((n, self.dim)))

    def push(self, u: np.ndarray, z: np.ndarray) -> np.ndarray:
        """The points that uniforms ``(n,)`` (which component) and standard normals ``(n, D)`` (where in it)
        turn into, shape ``(n, D)``: the same noise through two mixtures gives a paired comparison.

        Raises:
            ValueError: for uniforms outside [0, 1], or another shape.
        """
        k, z = self.choose(u), check_points(z, self.dim)
        check_shape("z", z, len(k), self.dim, remedy="give each point one row")
        x = self.means[k]  # the Cholesky factors are lower triangular
        for row in range(self.dim):
            for column in range(row + 1):
                x[:, row] += self._cholesky[k, row, column] * z[:, column]
        return x

    def place(self, z: np.ndarray) -> np.ndarray:
        """Where each component takes standard normals ``(n, D)``, shape ``(K, n, D)``."""
        return self.means[:, None] + check_points(z, self.dim) @ self._cholesky.mT

    def choose(self, u: np.ndarray) -> np.ndarray:
        """The component that each uniform ``(n,)`` falls into, by the inverse of the cumulative weights."""
        u = check_array("u", u, 1)
        if u.ndim != 1 or (u < 0).any():
            raise ValueError(f"u must be (n,) numbers in [0, 1], got {show(u)}; draw uniforms")
        last = np.flatnonzero(self.weights)[-1]
        return np.minimum(np.searchsorted(np.cumsum(self.weights), u, side="right"), last)

    def log_prob(self, x: np.ndarray) -> np.ndarray:
        """Log-density of each point, shape ``(n,)``, in nats; right even where the density underflows.

        Args:
            x: points, shape ``(n, D)``.

        Raises:
            ValueError: if x has another shape, or a value that is not finite.
        """
        x = check_points(x, self.dim)
        chunks = [logsumexp(self._log_joint(x[i : i + _CHUNK])) for i in range(0, len(x), _CHUNK)]
        return np.concatenate(chunks) if chunks else np.empty(0)

    def size(self, x: np.ndarray) -> np.ndarray:
        """Ones, shape ``(n,)``: a point counts one."""
        return np.ones(len(check_points(x, self.dim)))

    def component_log_prob(self, x: np.ndarray) -> np.ndarray:
        """Log-density of each component alone at each point, shape ``(K, n)``, in nats; the weights play no part."""
        return log_components(check_points(x, self.dim), self.means, *self._whitening)

    def responsibilities(self, x: np.ndarray) -> np.ndarray:
        """Posterior probability of each component at each point, shape ``(n, K)``."""
        log_joint = self._log_joint(check_points(x, self.dim))
        return np.exp(log_joint - logsumexp(log_joint)).T

    def expect_log_prob(self, scored: Distribution) -> float:
        """E over x ~ self of scored.log_prob(x), in nats, as an exact integral.

        In closed form, in any dimension, when ``scored`` is one Gaussian; otherwise by adaptive cubature,
        within 1e-3 nats, or 1e-5 of the value where that is more.

        Raises:
            ValueError: if the dimensions differ, or exceed 2 with no closed form.
        """
        return float(self.weights @ self.expect_by_component(scored, self.weights))

    def expect_by_component(self, scored: Distribution, weights: np.ndarray) -> np.ndarray:
        """The expectation of scored.log_prob under each component of self, shape ``(K,)``, in nats.

        Sharpening moves no component, so these serve every beta: the expectation under
        ``self.sharpen(beta)`` is ``self.sharpen(beta).weights @ self.expect_by_component(...)``.

        Args:
            scored: the distribution whose log-density is integrated.
            weights: shape ``(K,)``; the error of the sum with these weights is held to that of
                :meth:`expect_log_prob`, and a component of weight 0 is left at 0.

        Raises:
            ValueError: as :meth:`expect_log_prob`, or for weights of another shape.
        """
        weights = check_array("weights", weights, LARGEST)
        check_shape("weights", weights, self.n_components, remedy="give each component one")
        check_verb("scored", scored, "log_prob")
        if isinstance(scored, GaussianMixture):
            if scored.dim != self.dim:
                raise ValueError(
                    f"cannot score points of dimension {self.dim} under a mixture of dimension {scored.dim}; "
                    "compare a student and a truth of the same dimension"
                )
            if np.count_nonzero(scored.weights) == 1:
                return self._expect_one_gaussian(scored)
        if self.dim > 2:
            raise ValueError(
                f"no exact integral in {self.dim} dimensions (at most 2); pass n, the number of samples"
            )

        def log_prob(k: np.ndarray, z: np.ndarray) -> np.ndarray:
            x = self.means[k][:, None] + z @ self._cholesky[k].mT
            return scored.log_prob(x.reshape(-1, self.dim)).reshape(x.shape[:2])

        spikes = _spikes(self, scored) if isinstance(scored, GaussianMixture) else None
        return expect_normal(log_prob, weights, self.dim, spikes)

    def _expect_one_gaussian(self, scored: "GaussianMixture") -> np.ndarray:
        whiten, log_det = scored._whitening
        k = int(np.argmax(scored.weights))
        offsets = (self.means - scored.means[k]) @ whiten[k].T
        spread = np.einsum("ij,kjl,il->k", whiten[k], self.covariances, whiten[k])
        return -0.5 * (np.sum(offsets**2, axis=1) + spread + self.dim * np.log(2 * np.pi)) - log_det[k]

    @cached_property
    def _cholesky(self) -> np.ndarray:
        return np.linalg.cholesky(self.covariances)

    @cached_property
    def _whitening(self) -> tuple[np.ndarray, np.ndarray]:
        return whitening(self.covariances)

    def _log_joint(self, x: np.ndarray) -> np.ndarray:
        return log_components(x, self.means, *self._whitening, safe_log(self.weights))


def check_points(x: np.ndarray, dim: int | None = None) -> np.ndarray:
    """x as a finite float64 array ``(n, D)``, or a ValueError that says what is wrong with it."""
    x = check_array("points", x, FARTHEST)
    if x.ndim != 2 or not x.shape[1]:
        raise ValueError(f"points must have shape (n, D), got {x.shape}; use x[:, None] for points on a line")
    if dim is not None and x.shape[1] != dim:
        raise ValueError(
            f"points have dimension {x.shape[1]}, the mixture has {dim}; use points of its dimension"
        )
    return x


def _spikes(sampled: GaussianMixture, scored: GaussianMixture) -> Spikes:
    """Where one component of ``scored`` outweighs the others, seen from each component of ``sampled``: at its
    mean it leads by some nats, and keeps that lead over sqrt(2 lead) of its widths.
    """
    on = scored.weights > 0
    centres, covariances = scored.means[on], scored.covariances[on]
    log_joint = scored._log_joint(centres)[on]
    lead = np.diag(log_joint).copy()
    np.fill_diagonal(log_joint, -np.inf)
    lead -= log_joint.max(axis=0)
    size = np.maximum(2 * lead, 0.5)
    inverse = np.linalg.inv(sampled._cholesky)  # takes x - mean to the frame where the component is standard
    means = np.einsum("kij,kmj->kmi", inverse, centres - sampled.means[:, None])
    shapes = np.einsum("kij,mjl,knl->kmin", inverse, covariances, inverse)
    return Spikes(means, shapes * size[:, None, None])
