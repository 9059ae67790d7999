"""Maximum-likelihood fits of Gaussian mixtures: weighted EM, many problems and restarts at once.

Knows points, weights and components; knows nothing of teachers, students or betas.
"""

import warnings
from collections.abc import Sequence

import numpy as np

from kdlite.checks import check_array, check_each, check_integer, check_kind, check_seed, check_shape, show
from kdlite.mixtures.em_batch import (
    Components,
    Covariance,
    Problem,
    em_step,
    maximize,
    run_em,
    stack_components,
    store,
    to_mixtures,
)
from kdlite.mixtures.gaussian import FARTHEST
from kdlite.mixtures.mixture import GaussianMixture, check_points
from kdlite.mixtures.quadrature import normal_nodes
from kdlite.mixtures.starts import kmeans_centres, merge_components

_NODE_STEP = 0.7  # of a component's width, between the nodes of a population fit
_NODE_TOL = 1e-4  # nats, relative where they are many: lattices that differ by more are too coarse
_MAX_STEPS = 4  # tried, each half the one before
_POPULATION_FLOOR = 0.1  # of the smallest variance in the mixture: the smallest of a component fitted to it
_POINTS_FLOOR = 1e-6  # of the mean variance of the points, likewise
_HEAVIEST = 1e100  # of a point
_TOL = 1e-10  # relative improvement at which a fit stops
_ROUGH_POINTS_TOL = 1e-8  # the same while starts compete; EM on points rests on plateaus before it climbs on
_ROUGH_POPULATION_TOL = 1e-6  # populations have smooth likelihoods and a start that knows their components
Init = Sequence[GaussianMixture] | None


def fit_mixture(
    x: np.ndarray | GaussianMixture,
    n_components: int,
    *,
    weights: np.ndarray | None = None,
    covariance: Covariance = "full",
    n_init: int = 8,
    seed: int = 0,
    init: GaussianMixture | None = None,
) -> GaussianMixture:
    """The mixture of ``n_components`` Gaussians that makes ``x`` most likely, by EM.

    Fitting to a mixture is the population fit: the forward-KL projection, what ever more samples tend to,
    computed on quadrature nodes without sampling noise. One component is closed form, and a mixture that has
    few enough components is returned as it is.

    Args:
        x: points ``(N, D)``; or a mixture, in at most 3 dimensions unless the fit is in closed form.
        n_components: K >= 1, at most the number of points that carry weight.
        weights: how much each point counts, ``(N,)``, non-negative; ``None`` counts each the same.
        covariance: "full", or "diag" for components along the axes.
        n_init: starts, from k-means++ centres; the most likely fit wins.
        seed: seeds the starts.
        init: the one start to use instead.

    Raises:
        ValueError: naming the argument at fault, its value and the remedy.
    """
    if isinstance(x, GaussianMixture):
        problems: np.ndarray | list[GaussianMixture] = [x]
    else:
        problems = check_points(x)[None]
        weights = None if weights is None else check_array("weights", weights, _HEAVIEST)[None]
    options = {"weights": weights, "covariance": covariance, "n_init": n_init}
    return fit_mixtures(
        problems, n_components, seeds=(seed,), init=None if init is None else [init], **options
    )[0]


def fit_mixtures(
    x: np.ndarray | Sequence[GaussianMixture],
    n_components: int,
    *,
    weights: np.ndarray | None = None,
    covariance: Covariance = "full",
    n_init: int = 8,
    seeds: Sequence[int],
    init: Sequence[GaussianMixture] | None = None,
) -> list[GaussianMixture]:
    """:func:`fit_mixture` for P problems of one shape at once.

    Args:
        x: points ``(P, N, D)``, or P mixtures with the same number of components and dimension.
        weights: ``(P, N)``, only with points.
        seeds: P seeds; a fit depends on its own seed, not on the company it is in.
        init: P starts to use instead of restarts.
    """
    n_components = check_integer("n_components", n_components, 1, "a mixture has at least one component")
    n_init = check_integer("n_init", n_init, 1, "make at least one start")
    seeds = [check_seed(seed) for seed in check_each("seeds", seeds, "pass one for each problem")]
    if not isinstance(covariance, str) or covariance not in ("full", "diag"):
        raise ValueError(
            f"covariance must be 'full' or 'diag', got {show(covariance)}; 'diag' keeps components along the axes"
        )
    _check_problems(x, weights, seeds, init, n_components)
    if isinstance(x, np.ndarray):
        problem = _points_problem(x, weights, n_components, covariance)
        return _fit_points(problem, n_components, n_init, seeds, init)
    fits = [_closed_form(mixture, n_components, covariance) for mixture in x]
    todo = [i for i, fit in enumerate(fits) if fit is None]
    if todo:
        mixtures, own_seeds = [x[i] for i in todo], [seeds[i] for i in todo]
        own_init = None if init is None else [init[i] for i in todo]
        found = iter(_fit_population(mixtures, n_components, covariance, n_init, own_seeds, own_init))
        fits = [next(found) if fit is None else fit for fit in fits]
    return fits


def _fit_points(
    problem: Problem, n_components: int, n_init: int, seeds: list[int], init: Init
) -> list[GaussianMixture]:
    if n_components == 1 and init is None:
        everyone = np.ones((len(problem.x), 1, problem.x.shape[1]))
        return to_mixtures(maximize(problem, everyone, None), problem)
    starts = _starts(problem, n_components, n_init, seeds, init)
    best = _most_likely(problem, problem, starts, _ROUGH_POINTS_TOL)
    return to_mixtures(run_em(problem, best, _TOL).components, problem)


def _fit_population(
    mixtures: list[GaussianMixture],
    n_components: int,
    covariance: Covariance,
    n_init: int,
    seeds: list[int],
    init: Init,
) -> list[GaussianMixture]:
    """Fits on nodes that are made finer until a lattice between the nodes finds the same likelihood.

    On nodes too coarse, narrow components gain likelihood that the mixture does not have.
    """
    # Lattices are symmetric about each component, so all of these problems share one centre.
    whole, held_out = _lattices(mixtures, covariance, _NODE_STEP)
    starts = _starts(whole, n_components, n_init, seeds, init)
    if init is None:
        merged = [merge_components(mixture, n_components) for mixture in mixtures]
        starts = stack_components(merged, whole).join(starts)
    best = _most_likely(whole, held_out, starts, _ROUGH_POPULATION_TOL)
    result = Components(*map(np.empty_like, best))
    todo = np.arange(len(mixtures))
    for halvings in range(_MAX_STEPS):
        problem, held_out = _lattices([mixtures[i] for i in todo], covariance, _NODE_STEP / 2**halvings)
        fitted = run_em(problem, best, _TOL)
        gap = np.abs(fitted.log_likelihood - em_step(held_out, fitted.components).log_likelihood)
        store(result, todo, fitted.components)
        coarse = gap > _NODE_TOL * np.maximum(1, np.abs(fitted.log_likelihood))
        todo, best = todo[coarse], best.take(coarse)
        if not len(todo):
            break
    else:
        moves = f"the population fit still moves by {gap.max():.1e} nats on finer nodes; fit fewer components"
        warnings.warn(moves, RuntimeWarning, stacklevel=3)
    return to_mixtures(result, whole)


def _starts(problem: Problem, n_components: int, n_init: int, seeds: list[int], init: Init) -> Components:
    if init is not None:
        return stack_components(init, problem)
    owners = kmeans_centres(problem.x, problem.weights, n_components, n_init, seeds)
    first, *others = (maximize(problem, owner, None) for owner in owners)
    return first.join(*others)


def _most_likely(problem: Problem, judge: Problem, starts: Components, tol: float) -> Components:
    """For each problem, the start that a rough run makes most likely in the eyes of ``judge``.

    Of starts that end alike the first wins, so that rounding does not choose.
    """
    n_problems, n_starts = len(problem.x), len(starts.weights) // len(problem.x)
    if n_starts == 1:
        return starts
    ends = run_em(problem, starts, tol).components
    log_likelihood = np.empty((n_starts, n_problems))
    for start in range(n_starts):
        rows = start * n_problems + np.arange(n_problems)
        log_likelihood[start] = em_step(judge, ends.take(rows)).log_likelihood
    top = log_likelihood.max(axis=0)
    winner = np.argmax(log_likelihood >= top - tol * np.maximum(1, np.abs(top)), axis=0)
    return ends.take(winner * n_problems + np.arange(n_problems))


def _points_problem(
    x: np.ndarray, weights: np.ndarray | None, n_components: int, covariance: Covariance
) -> Problem:
    n_problems, n, _ = x.shape
    weights = np.ones((n_problems, n)) if weights is None else check_array("weights", weights, _HEAVIEST)
    if weights.shape != (n_problems, n) or (weights < 0).any():
        raise ValueError(
            f"weights must be one finite number >= 0 for each of the {n} points, got shape {weights.shape[1:]}, "
            f"least {weights.min(initial=np.inf):g}; 0 leaves a point out"
        )
    counted = int((weights > 0).sum(axis=1).min())
    if n_components > counted:
        raise ValueError(
            f"n_components must be at most the number of points that carry weight, {counted}, got {n_components}; "
            "use fewer components or more points"
        )
    problem = _centred(x, weights, np.zeros(n_problems), covariance)
    variance = np.einsum("bn,bnd->bd", problem.weights, problem.x**2).mean(axis=1)
    least = np.maximum(1e-24 * np.max(problem.centre**2, axis=1), 1e-280)  # else the floor has no digits left
    if (variance <= least).any():
        raise ValueError("all points that carry weight coincide; a Gaussian needs points that differ")
    return problem._replace(floor=_POINTS_FLOOR * variance)


def _lattices(mixtures: list[GaussianMixture], covariance: Covariance, step: float) -> tuple[Problem, ...]:
    """The problem on nodes, and the same between them."""
    return tuple(_population_problem(mixtures, covariance, step, shift) for shift in (0.0, 0.5))


def _population_problem(
    mixtures: list[GaussianMixture], covariance: Covariance, step: float, shift: float
) -> Problem:
    dim = mixtures[0].dim
    if dim > 3:
        raise ValueError(
            f"a population fit takes at most 3 dimensions, got {dim}; fit to samples of the mixture"
        )
    z, w = normal_nodes(dim, step, shift)
    x = [(m.means[:, None] + z @ np.linalg.cholesky(m.covariances).mT).reshape(-1, dim) for m in mixtures]
    narrowest = [np.linalg.eigvalsh(m.covariances[m.weights > 0]).min() for m in mixtures]
    weights = [(m.weights[:, None] * w).ravel() for m in mixtures]
    return _centred(np.stack(x), np.stack(weights), _POPULATION_FLOOR * np.array(narrowest), covariance)


def _centred(x: np.ndarray, weights: np.ndarray, floor: np.ndarray, covariance: Covariance) -> Problem:
    weights = weights / weights.sum(axis=1, keepdims=True)
    centre = np.einsum("bn,bnd->bd", weights, x)
    x = x - centre[:, None]
    outer = (x[..., :, None] * x[..., None, :]).reshape(*x.shape[:2], -1)
    return Problem(x, outer, weights, floor, centre, covariance)


def _closed_form(
    mixture: GaussianMixture, n_components: int, covariance: Covariance
) -> GaussianMixture | None:
    diagonal = mixture.covariances * np.eye(mixture.dim)
    if np.count_nonzero(mixture.weights) <= n_components and (
        covariance == "full" or np.array_equal(diagonal, mixture.covariances)
    ):
        return mixture
    if n_components > 1:
        return None
    merged = merge_components(mixture, 1)
    if covariance == "full":
        return merged
    return GaussianMixture([1.0], merged.means, merged.covariances * np.eye(mixture.dim))


def _check_problems(
    x: np.ndarray | Sequence[GaussianMixture],
    weights: np.ndarray | None,
    seeds: list[int],
    init: Init,
    size: int,
) -> None:
    """Nothing, or a ValueError unless the problems are of one shape, as many as seeds and starts, and the starts of the
    size of the fits.
    """
    if isinstance(x, np.ndarray):
        check_shape("points", x, "P", "N", "D", remedy="use x[None] for one")
        check_array("points", x, FARTHEST)
        dim = x.shape[2]
    else:
        remedy = "pass points (P, N, D), or a list of mixtures"
        for mixture in check_each("x", x, remedy):
            check_kind("each of x", mixture, GaussianMixture, remedy)
        shapes = {(mixture.n_components, mixture.dim) for mixture in x}
        if len(shapes) != 1:
            raise ValueError(
                f"mixtures must be of one size, got (components, dimensions) {sorted(shapes)}; fit them one by one"
            )
        if weights is not None:
            raise ValueError(
                "weights count points, and a mixture has none; leave weights out, or sample the mixture"
            )
        dim = x[0].dim
    for name, given in (("seeds", seeds), ("init", init)):
        if given is not None and len(check_each(name, given, "pass one for each problem")) != len(x):
            raise ValueError(
                f"{name} must be as many as problems, {len(x)}, got {len(given)}; pass one for each"
            )
    for start in [] if init is None else init:
        check_kind("init", start, GaussianMixture, "it is where the fit starts")
        if (start.n_components, start.dim) != (size, dim):
            raise ValueError(
                f"init must have {size} components in {dim} dimensions, "
                f"got {start.n_components} in {start.dim}; it is where the fit starts"
            )
