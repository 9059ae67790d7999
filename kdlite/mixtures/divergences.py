"""Objectives beyond forward KL, and the student mixture that minimises one of them, without sampling noise.

Knows two mixtures and how far apart they are; knows nothing of betas, samples or EM.
"""

import warnings
from collections.abc import Callable

import numpy as np

from kdlite.checks import check_integer, check_kind, check_number, check_seed, show
from kdlite.distribution import stream_seed
from kdlite.mixtures.descent import Integrand, Objective, pack, smallest_variance
from kdlite.mixtures.mixture import GaussianMixture
from kdlite.mixtures.starts import merge_components
from kdlite.selection import safe_log

_STEP = 0.5  # of the narrowest component of the teacher, between the nodes of the lattice
_MAX_REFINEMENTS = 3
_FLOOR = 0.1  # of the smallest variance in the teacher: the smallest of a student's component
_TOL = 3e-3  # nats by which lattice and cubature (good to 1e-3) may differ, else the step is halved


def forward_kl(teacher: GaussianMixture, student: GaussianMixture) -> float:
    """KL(teacher || student) = E over x ~ teacher of log teacher(x) - log student(x), in nats.

    The student must cover whatever the teacher produces: what maximum likelihood on teacher samples minimises.
    Closed form in any dimension for two Gaussians, else within 1e-3 nats by cubature in 1 or 2 dimensions.

    Raises:
        ValueError: if the dimensions differ, or exceed 2 with no closed form.
    """
    _check_mixtures(teacher=teacher, student=student)
    return max(0.0, teacher.expect_log_prob(teacher) - teacher.expect_log_prob(student))


def reverse_kl(teacher: GaussianMixture, student: GaussianMixture) -> float:
    """KL(student || teacher) = E over x ~ student of log student(x) - log teacher(x), in nats.

    The student must stay where the teacher would go. Accuracy and errors are those of :func:`forward_kl`.
    """
    _check_mixtures(teacher=teacher, student=student)
    return forward_kl(teacher=student, student=teacher)


def jensen_shannon(teacher: GaussianMixture, student: GaussianMixture, jsd_weight: float = 0.5) -> float:
    """w KL(teacher || m) + (1 - w) KL(student || m) with m = w teacher + (1 - w) student, in nats.

    The generalised Jensen-Shannon divergence (Agarwal et al. 2024, *GKD*, equation 1), at most the entropy of
    (w, 1 - w). It vanishes at both ends: divided by w it tends to the forward KL as w falls to 0, and divided
    by 1 - w to the reverse KL as w rises to 1. Accuracy and other errors are those of :func:`forward_kl`.

    Args:
        teacher: the reference.
        student: what is compared with it.
        jsd_weight: w, the teacher's share of m, strictly between 0 and 1.

    Raises:
        ValueError: if the weight is not between 0 and 1.
    """
    w = _check_jsd_weight(jsd_weight)
    _check_mixtures(teacher=teacher, student=student)
    both = ((teacher, w), (student, 1 - w))
    middle = GaussianMixture(
        np.concatenate([share * mixture.weights for mixture, share in both]),
        np.concatenate([teacher.means, student.means]),
        np.concatenate([teacher.covariances, student.covariances]),
    )
    return sum(share * forward_kl(mixture, middle) for mixture, share in both)


def minimise(
    divergence: Callable[..., float],
    teacher: GaussianMixture,
    n_components: int,
    *,
    jsd_weight: float | None = None,
    n_init: int = 8,
    seed: int = 0,
) -> GaussianMixture:
    """The mixture of ``n_components`` Gaussians that is closest to the teacher, by BFGS from several starts.

    The divergence is summed on a lattice fine enough for the teacher's narrowest component, with its exact
    gradient in the logits of the weights, the means and the Cholesky factors of what the covariances have above
    a floor (a tenth of the teacher's smallest variance). What it finds is checked by cubature. A teacher that
    has few enough components is returned as it is. For the forward KL alone, ``fit_mixture`` is faster.

    Args:
        divergence: ``forward_kl``, ``reverse_kl`` or ``jensen_shannon``.
        teacher: a mixture in 1 or 2 dimensions.
        n_components: K'' >= 1, of the student.
        jsd_weight: of ``jensen_shannon``, and of that alone; ``None`` is 0.5.
        n_init: starts at most: the teacher merged to K'' components, its K'' heaviest components, then K'' of
            them drawn by their weights. More starts never end further from the teacher.
        seed: seeds the drawn starts.

    Raises:
        ValueError: naming the argument at fault, its value and the remedy.
    """
    n_components = check_integer("n_components", n_components, 1, "a mixture has at least one component")
    n_init = check_integer("n_init", n_init, 1, "make at least one start")
    integrand, arguments = _integrand(divergence, jsd_weight)
    check_seed(seed)
    _check_mixtures(teacher=teacher)
    if np.count_nonzero(teacher.weights) <= n_components:
        return teacher
    if teacher.dim > 2:
        raise ValueError(
            f"the lattice takes at most 2 dimensions, got {teacher.dim}; "
            "use fit_mixture, the forward KL, which takes samples too"
        )
    centre = teacher.weights @ teacher.means
    scale = np.sqrt(np.trace(merge_components(teacher, 1).covariances[0]) / teacher.dim)
    scaled = GaussianMixture(
        teacher.weights, (teacher.means - centre) / scale, teacher.covariances / scale**2
    )
    floor = _FLOOR * smallest_variance(scaled)
    starts = [pack(start, floor) for start in _starts(scaled, n_components, n_init, seed)]
    step = _STEP
    for _ in range(_MAX_REFINEMENTS):
        problem = Objective.on_lattice(scaled, n_components, integrand, floor, step)
        ends = [problem.descend(start) for start in starts]
        value, best = min(ends, key=lambda end: end[0])  # of equals the first
        student = problem.student(best)
        gap = abs(value - divergence(scaled, student, **arguments))
        if gap <= _TOL * max(1.0, abs(value)):
            break
        starts, step = [best], step / 2
    else:
        warnings.warn(
            f"lattice and cubature still differ by {gap:.1e} nats; fit fewer components",
            RuntimeWarning,
            stacklevel=2,
        )
    return GaussianMixture(student.weights, scale * student.means + centre, scale**2 * student.covariances)


def _integrand(
    divergence: Callable[..., float], jsd_weight: float | None
) -> tuple[Integrand, dict[str, float]]:
    if divergence is jensen_shannon:
        w = _check_jsd_weight(0.5 if jsd_weight is None else jsd_weight)

        def log_middle(p: np.ndarray, q: np.ndarray) -> np.ndarray:
            return np.logaddexp(np.log(w) + p, np.log1p(-w) + q)

        def value(p: np.ndarray, q: np.ndarray) -> np.ndarray:
            m = log_middle(p, q)
            return w * np.exp(p) * (p - m) + (1 - w) * np.exp(q) * (q - m)

        def slope(p: np.ndarray, q: np.ndarray) -> np.ndarray:
            return (1 - w) * np.exp(q) * (q - log_middle(p, q))

        return Integrand(value, slope, lambda p: -(1 - w) * np.log1p(-w)), {"jsd_weight": w}
    if divergence not in (forward_kl, reverse_kl):
        raise ValueError(
            f"divergence must be forward_kl, reverse_kl or jensen_shannon, got {show(divergence)}; "
            "pass the function itself"
        )
    if jsd_weight is not None:
        raise ValueError(
            f"jsd_weight weighs the two sides of jensen_shannon, {divergence.__name__} has one, "
            f"got {jsd_weight!r}; leave it out"
        )
    if divergence is forward_kl:
        return Integrand(lambda p, q: np.exp(p) * (p - q), lambda p, q: -np.exp(p), lambda p: 0.0), {}
    return Integrand(
        lambda p, q: np.exp(q) * (q - p), lambda p, q: np.exp(q) * (q - p + 1), lambda p: -p.min()
    ), {}


def _starts(teacher: GaussianMixture, n_components: int, n_init: int, seed: int) -> list[GaussianMixture]:
    """The teacher merged, then subsets of its components: the heaviest, and others drawn without replacement
    in proportion to their weights (the largest of log-weights plus Gumbel noise; Kool et al. 2019).
    """
    rng = np.random.default_rng(stream_seed(seed, "starts"))
    noise = rng.gumbel(size=(max(n_init - 1, 1), teacher.n_components))
    noise[0] = 0.0
    order = np.argsort(-(safe_log(teacher.weights) + noise), axis=1, kind="stable")[: n_init - 1]
    subsets = dict.fromkeys(tuple(sorted(row)) for row in order[:, :n_components].tolist())
    drawn = []
    for subset in map(list, subsets):
        weights = np.maximum(teacher.weights[subset], 1e-300)
        drawn.append(
            GaussianMixture(weights / weights.sum(), teacher.means[subset], teacher.covariances[subset])
        )
    return [merge_components(teacher, n_components), *drawn]


def _check_jsd_weight(jsd_weight: float) -> float:
    return check_number(
        "jsd_weight",
        jsd_weight,
        "strictly between 0 and 1",
        lambda w: 0 < w < 1,
        "for its limits use forward_kl (0) or reverse_kl (1)",
    )


def _check_mixtures(**mixtures: GaussianMixture) -> None:
    for name, mixture in mixtures.items():
        check_kind(name, mixture, GaussianMixture, "objectives compare mixtures")
    if len({mixture.dim for mixture in mixtures.values()}) > 1:
        dims = " and ".join(f"{mixture.dim} of the {name}" for name, mixture in mixtures.items())
        raise ValueError(f"dimensions must agree, got {dims}; compare mixtures of the same dimension")
