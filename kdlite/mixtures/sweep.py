"""The experiment of the book: distil at many betas, and score the four curves of a frontier.

Knows who is fitted to whom and scored under whom; knows nothing of how a fit or an integral is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kdlite.checks import check_beta, check_each, check_integer, check_kind, check_seed, show
from kdlite.distribution import stream_seed
from kdlite.frontier import Curve, Frontier
from kdlite.mixtures.em import fit_mixtures
from kdlite.mixtures.em_batch import Covariance
from kdlite.mixtures.mixture import GaussianMixture
from kdlite.mixtures.scores import ExactScores, SampledScores

_CURVES = ("distilled", "direct", "cooled", "teacher")
_STARTS = 4  # of each fit
_SHARED_STARTS = 2  # of an exact student, which is also offered what its neighbours in beta find
_BETTER = 1e-4  # nats by which an offer must improve on what it replaces


@dataclass(frozen=True)
class Sizes:
    """Sample sizes of the paper's recipe.

    Attributes:
        teacher: truth samples that the teacher, and the direct student, are fitted to.
        student: samples of the sharpened teacher that a distilled student is fitted to.
        score: fresh samples behind each precision and each recall.
    """

    teacher: int = 100
    student: int = 1000
    score: int = 2000

    def __post_init__(self) -> None:
        for name in ("teacher", "student", "score"):
            check_integer(name, getattr(self, name), 1, "a sample has at least one point")


@dataclass(frozen=True)
class Sweep(Frontier):
    """The frontier that a sweep over S seeds and B betas found, with every mixture behind it.

    Attributes:
        teachers: the S teachers, before sharpening.
        directs: the S direct students.
        sharpened: the S rows of B sharpened teachers.
        students: the S rows of B distilled students.
        errors: standard errors of the scores by the name of their curve, shapes as there; 0 where they are exact.
    """

    teachers: list[GaussianMixture]
    directs: list[GaussianMixture]
    sharpened: list[list[GaussianMixture]]
    students: list[list[GaussianMixture]]
    errors: dict[str, Curve]


def sweep(
    truth: GaussianMixture,
    *,
    betas: Sequence[float],
    teacher_components: int,
    student_components: int,
    sizes: Sizes | None = None,
    seeds: Sequence[int] = (0,),
    covariance: Covariance = "full",
) -> Sweep:
    """Distil at each beta and score distilled, direct and cooled students and the teacher.

    With ``sizes=None`` everything is exact: population fits, integrals, no sampling noise (seeds then only
    seed the restarts). With sizes, it is the paper's sampled recipe (Cha & Cho 2025, section 4). The noise
    of a seed is drawn once and pushed through every mixture, so that along a row only beta differs.

    Raises:
        ValueError: for betas, seeds or sizes out of range, or the same seed twice.
    """
    check_kind("truth", truth, GaussianMixture, "pass the mixture to learn from")
    betas = np.array([check_beta(beta) for beta in check_each("betas", betas, "[1.0] is the shortest")])
    seeds = [check_seed(seed) for seed in check_each("seeds", seeds, "[0] is the shortest")]
    for name, n in (("teacher", teacher_components), ("student", student_components)):
        check_integer(f"{name}_components", n, 1, "a mixture has at least one component")
    if sizes is not None:
        check_kind("sizes", sizes, Sizes, "pass Sizes(), or None for exact fits")
    if not len(betas) or not len(seeds):
        raise ValueError(
            f"a sweep needs at least one beta and one seed, got {len(betas)} and {len(seeds)}; add one"
        )
    seeds = np.array(seeds)
    if len(np.unique(seeds)) < len(seeds):
        raise ValueError(
            f"seeds must differ, got {show(seeds.tolist())}; a seed twice is one run counted twice"
        )
    experiment = _Experiment(truth, betas, seeds, teacher_components, student_components, covariance)
    fits = experiment.exact() if sizes is None else experiment.sampled(sizes)
    return scored(truth, seeds, betas, fits, None if sizes is None else sizes.score)


class Mixtures(NamedTuple):
    """Every mixture of an experiment; attributes as in Sweep."""

    teachers: list[GaussianMixture]
    directs: list[GaussianMixture]
    sharpened: list[list[GaussianMixture]]
    students: list[list[GaussianMixture]]


def scored(
    truth: GaussianMixture, seeds: np.ndarray, betas: np.ndarray, fits: Mixtures, n: int | None = None
) -> Sweep:
    """The frontier of mixtures that are fitted already, by integrals or on n draws of each seed."""
    shape = len(_CURVES), 2, len(seeds), len(betas)  # curves, precision and recall, seeds, betas
    values, errors = np.empty(shape), np.empty(shape)
    for s, seed in enumerate(seeds):
        scorer = ExactScores(truth) if n is None else SampledScores.draw(truth, n, int(seed))
        direct = fits.directs[s]
        own, *cooled = scorer.family([direct, *map(direct.sharpen, betas)])
        scores = scorer.each(fits.students[s]), [own], cooled, scorer.family(fits.sharpened[s])
        for c, found in enumerate(scores):
            values[c, :, s], errors[c, :, s] = np.moveaxis(
                [[e[:2] for e in pair] for pair in found], 0, -1
            ).swapaxes(0, 1)
    curves = {name: Curve(*value) for name, value in zip(_CURVES, values, strict=True)}
    return Sweep(
        seeds,
        betas,
        **curves,
        teacher_entropy=np.array([[mixture.weight_entropy for mixture in row] for row in fits.sharpened]),
        **fits._asdict(),
        errors={name: Curve(*error) for name, error in zip(_CURVES, errors, strict=True)},
    )


class _Experiment(NamedTuple):
    """Who is fitted to whom."""

    truth: GaussianMixture
    betas: np.ndarray
    seeds: np.ndarray
    teacher_components: int
    student_components: int
    covariance: Covariance

    def exact(self) -> Mixtures:
        """Each fit to the whole population."""
        truths = [self.truth] * len(self.seeds)
        teachers = self._fit(truths, self.teacher_components, "teacher fit", self.seeds)
        directs = self._fit(truths, self.student_components, "direct fit", self.seeds)
        sharpened = [[teacher.sharpen(beta) for beta in self.betas] for teacher in teachers]
        students = []
        for seed, row in zip(self.seeds, sharpened, strict=True):
            repeated = np.repeat(seed, len(row))
            found = self._fit(row, self.student_components, "student fit", repeated, _SHARED_STARTS)
            students.append(self._share(row, found))
        return Mixtures(teachers, directs, sharpened, students)

    def sampled(self, sizes: Sizes) -> Mixtures:
        """Each fit to samples, by the paper's recipe."""
        data = [self.truth.sample(sizes.teacher, stream_seed(int(s), "teacher data")) for s in self.seeds]
        teachers = self._fit(np.stack(data), self.teacher_components, "teacher fit", self.seeds)
        directs = self._fit(np.stack(data), self.student_components, "direct fit", self.seeds)
        sharpened = [[teacher.sharpen(beta) for beta in self.betas] for teacher in teachers]
        lessons, n = [], np.arange(sizes.student)
        for seed, row in zip(self.seeds, sharpened, strict=True):
            rng = np.random.default_rng(stream_seed(int(seed), "student data"))
            u, placed = rng.random(len(n)), row[0].place(rng.standard_normal((len(n), self.truth.dim)))
            lessons += [placed[teacher.choose(u), n] for teacher in row]
        seeds = np.repeat(self.seeds, len(self.betas))
        found = self._fit(np.stack(lessons), self.student_components, "student fit", seeds)
        students = [found[i : i + len(self.betas)] for i in range(0, len(found), len(self.betas))]
        return Mixtures(teachers, directs, sharpened, students)

    def _fit(
        self, x: np.ndarray | list, n_components: int, stream: str, seeds: np.ndarray, n_init: int = _STARTS
    ) -> list[GaussianMixture]:
        seeds = [stream_seed(int(seed), stream) for seed in seeds]
        return fit_mixtures(x, n_components, covariance=self.covariance, n_init=n_init, seeds=seeds)

    def _share(
        self, teachers: list[GaussianMixture], students: list[GaussianMixture]
    ) -> list[GaussianMixture]:
        """Offer each student's optimum to the beta on either side, for as long as one is better there.

        EM finds local optima. Along beta the best one moves little, so students fitted beta by beta now and
        then miss what their neighbour found.
        """
        students = list(students)
        scores = [t.expect_log_prob(s) for t, s in zip(teachers, students, strict=True)]
        offers = [(i, j) for i in range(len(students)) for j in (i - 1, i + 1)]
        while offers := [
            (i, j)
            for i, j in offers
            if 0 <= j < len(students)
            and students[i].n_components == students[j].n_components == self.student_components > 1
        ]:
            found = fit_mixtures(
                [teachers[j] for _, j in offers],
                self.student_components,
                covariance=self.covariance,
                seeds=[0] * len(offers),
                init=[students[i] for i, _ in offers],
            )
            improved = set()
            for (_, j), student in zip(offers, found, strict=True):
                score = teachers[j].expect_log_prob(student)
                if score > scores[j] + _BETTER:
                    students[j], scores[j] = student, score
                    improved.add(j)
            offers = [(i, j) for i in sorted(improved) for j in (i - 1, i + 1)]
        return students
