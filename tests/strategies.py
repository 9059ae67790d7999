"""Mixtures, points and affine maps for hypothesis to draw.

Knows shapes and ranges; knows nothing of what is claimed of them.
"""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import kdlite as kd

betas = st.one_of(st.sampled_from([0.0, 1.0, 1e6]), st.floats(0, 20), st.floats(0, 1e6))
seeds = st.integers(0, 2**32)


def floats(shape, low: float, high: float) -> st.SearchStrategy[np.ndarray]:
    """Arrays of finite numbers between two limits."""
    return arrays(np.float64, shape, elements=st.floats(low, high))


@st.composite
def weights(draw, n: int) -> np.ndarray:
    """n weights that sum to 1: some may be 0, equal, or as small as 1e-300."""
    few = st.sampled_from([0.0, 1.0, 1e-3, 1e-300])
    raw = draw(arrays(np.float64, n, elements=st.one_of(few, st.floats(0, 1))))
    raw[draw(st.integers(0, n - 1))] = 1
    return raw / raw.sum()


@st.composite
def wild_mixtures(draw) -> kd.GaussianMixture:
    """Whatever the constructor takes, from 1e-100 to 1e100."""
    n, dim = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    reach = draw(st.sampled_from([1, 10, 100]))
    signs = draw(arrays(np.int8, (n, dim), elements=st.integers(-1, 1)))
    means = signs * 10 ** draw(floats((n, dim), -reach, reach))
    factors = np.tril(draw(floats((n, dim, dim), -1, 1)), -1) + _diagonal(10 ** draw(floats((n, dim), -6, 0)))
    factors *= 10 ** draw(floats((n, 1, 1), -reach, reach))
    try:
        return kd.GaussianMixture(draw(weights(n)), means, factors @ factors.mT)
    except ValueError:  # too flat for its size
        assume(False)


@st.composite
def mixtures(draw, dim: int | None = None, most: int = 4, narrowest: float = 0.2) -> kd.GaussianMixture:
    """Mixtures a figure could show: means within 3, widths up to about 1, in 1 or 2 dimensions."""
    n, dim = draw(st.integers(1, most)), dim or draw(st.integers(1, 2))
    factors = np.tril(draw(floats((n, dim, dim), -0.5, 0.5)), -1) + _diagonal(
        draw(floats((n, dim), narrowest, 1))
    )
    return kd.GaussianMixture(draw(weights(n)), draw(floats((n, dim), -3, 3)), factors @ factors.mT)


@st.composite
def families(draw, size: int) -> list[kd.GaussianMixture]:
    """That many mixtures of one dimension."""
    dim = draw(st.integers(1, 2))
    return [draw(mixtures(dim)) for _ in range(size)]


@st.composite
def maps(draw, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """An affine map: a lower triangular matrix ``(D, D)`` with positive diagonal, and a shift ``(D,)``."""
    matrix = np.tril(draw(floats((dim, dim), -2, 2)), -1) + np.diag(draw(floats(dim, 0.1, 10)))
    return 10 ** draw(st.integers(-3, 3)) * matrix, draw(floats(dim, -100, 100))


@st.composite
def clouds(draw) -> tuple[np.ndarray, np.ndarray]:
    """Points ``(N, D)``, often repeated or on a line, and a weight for each, at least one of them positive."""
    n, dim = draw(st.integers(2, 12)), draw(st.integers(1, 3))
    values = st.one_of(st.integers(-3, 3).map(float), st.floats(-100, 100))
    x = draw(arrays(np.float64, (n, dim), elements=values))
    counts = draw(arrays(np.float64, n, elements=st.one_of(st.just(1.0), st.floats(0, 10))))
    assume(counts.any())
    return x, counts


def moved(mixture: kd.GaussianMixture, matrix: np.ndarray, shift: np.ndarray) -> kd.GaussianMixture:
    """The mixture of A x + b for x of this mixture."""
    covariances = matrix @ mixture.covariances @ matrix.T
    return kd.GaussianMixture(
        mixture.weights, mixture.means @ matrix.T + shift, (covariances + covariances.mT) / 2
    )


def _diagonal(widths: np.ndarray) -> np.ndarray:
    return widths[..., None] * np.eye(widths.shape[-1])
