"""The experiment of the book: distil at many betas, and score the four curves of a frontier.

Knows who is fitted to whom and scored under whom; knows nothing of how a fit or an integral is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kdlite.distribution import check_beta, check_integer, precision, recall, stream_seed
from kdlite.em import fit_mixtures
from kdlite.em_batch import Covariance
from kdlite.mixture import GaussianMixture, logsumexp, safe_log

_CURVES = ("distilled", "direct", "cooled", "teacher")
_POPULATION_STARTS = 4  # a restart at one beta serves its neighbours too


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


class Curve(NamedTuple):
    """One curve of a frontier."""

    precision: np.ndarray  # (S, B), nats per point
    recall: np.ndarray  # (S, B), nats per point


@dataclass(frozen=True)
class Sweep:
    """What a sweep over S seeds and B betas found; every array is indexed by (seed, beta).

    Attributes:
        seeds: shape ``(S,)``.
        betas: shape ``(B,)``.
        distilled: students fitted to the teacher sharpened at beta.
        direct: the student fitted to the truth; the same at each beta.
        cooled: the direct student sharpened at beta after it was fitted: cooling at decoding.
        teacher: the sharpened teacher itself.
        teacher_entropy: entropy of the sharpened teacher's weights in nats, shape ``(S, B)``.
        teachers: the S teachers, before sharpening.
        directs: the S direct students.
        students: the S rows of B distilled students.
    """

    seeds: np.ndarray
    betas: np.ndarray
    distilled: Curve
    direct: Curve
    cooled: Curve
    teacher: Curve
    teacher_entropy: np.ndarray
    teachers: list[GaussianMixture]
    directs: list[GaussianMixture]
    students: list[list[GaussianMixture]]


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
    betas = np.array([check_beta(beta) for beta in betas])
    seeds = np.array(
        [check_integer("seed", seed, 0, "every draw has an explicit seed, and 0 is one") for seed in seeds]
    )
    if not len(betas) or not len(seeds):
        raise ValueError(f"a sweep needs at least one beta and one seed, got {len(betas)} and {len(seeds)}")
    if len(np.unique(seeds)) < len(seeds):
        raise ValueError(f"seeds must differ, got {seeds.tolist()}; a seed twice is one run counted twice")
    fit = _Fit(betas, seeds, teacher_components, student_components, covariance)
    teachers, directs, students = fit.exact(truth) if sizes is None else fit.sampled(truth, sizes)
    curves = {name: Curve(*np.empty((2, len(seeds), len(betas)))) for name in _CURVES}
    entropy = np.empty((len(seeds), len(betas)))
    for s, (teacher, direct, row) in enumerate(zip(teachers, directs, students, strict=True)):
        sharpened = [teacher.sharpen(beta) for beta in betas]
        cooled = [direct.sharpen(beta) for beta in betas]
        entropy[s] = [mixture.weight_entropy for mixture in sharpened]
        scorer = _Exact(truth) if sizes is None else _Sampled.draw(truth, sizes.score, int(seeds[s]))
        scores = (scorer.each(row), scorer.each([direct]), scorer.family(cooled), scorer.family(sharpened))
        for name, score in zip(_CURVES, scores, strict=True):
            curves[name].precision[s], curves[name].recall[s] = score
    return Sweep(
        seeds, betas, **curves, teacher_entropy=entropy, teachers=teachers, directs=directs, students=students
    )


class _Exact(NamedTuple):
    """Scores by integrals."""

    truth: GaussianMixture

    def each(self, mixtures: list[GaussianMixture]) -> Curve:
        return Curve(
            np.array([precision(m, self.truth).value for m in mixtures]),
            np.array([recall(m, self.truth).value for m in mixtures]),
        )

    def family(self, mixtures: list[GaussianMixture]) -> Curve:
        """The same for mixtures that differ in their weights alone: each component is integrated once."""
        weights = np.stack([m.weights for m in mixtures])
        by_component = mixtures[0].expect_by_component(self.truth, weights.max(axis=0))
        return Curve(weights @ by_component, np.array([recall(m, self.truth).value for m in mixtures]))


class _Sampled(NamedTuple):
    """Scores by one seed's draws, which every mixture that the seed scores shares."""

    truth: GaussianMixture
    u: np.ndarray  # (n,) uniforms
    z: np.ndarray  # (n, D) standard normals
    x: np.ndarray  # (n, D) points of the truth

    @classmethod
    def draw(cls, truth: GaussianMixture, n: int, seed: int) -> "_Sampled":
        rng = np.random.default_rng(stream_seed(seed, "precision"))
        return cls(
            truth,
            rng.random(n),
            rng.standard_normal((n, truth.dim)),
            truth.sample(n, stream_seed(seed, "recall")),
        )

    def each(self, mixtures: list[GaussianMixture]) -> Curve:
        return Curve(
            np.array([self.truth.log_prob(m.push(self.u, self.z)).mean() for m in mixtures]),
            np.array([m.log_prob(self.x).mean() for m in mixtures]),
        )

    def family(self, mixtures: list[GaussianMixture]) -> Curve:
        """The same for mixtures that differ in their weights alone: each component is scored once."""
        base = mixtures[0]
        x = base.place(self.z)  # (K, n, D)
        by_component = self.truth.log_prob(x.reshape(-1, base.dim)).reshape(x.shape[:2])
        components = base.component_log_prob(self.x)  # (K, n)
        return Curve(
            np.array(
                [np.take_along_axis(by_component, m.choose(self.u)[None], axis=0).mean() for m in mixtures]
            ),
            np.array([logsumexp(components + safe_log(m.weights)[:, None]).mean() for m in mixtures]),
        )


@dataclass(frozen=True)
class _Fit:
    """Teachers (S), direct students (S) and distilled students (S rows of B), exact or from samples."""

    betas: np.ndarray
    seeds: np.ndarray
    teacher_components: int
    student_components: int
    covariance: Covariance

    def exact(self, truth: GaussianMixture) -> tuple[list, list, list[list]]:
        truths = [truth] * len(self.seeds)
        teachers = self._fit(truths, self.teacher_components, "teacher fit", self.seeds)
        directs = self._fit(truths, self.student_components, "direct fit", self.seeds)
        rows = []
        for seed, teacher in zip(self.seeds, teachers, strict=True):
            sharpened = [teacher.sharpen(beta) for beta in self.betas]
            students = self._fit(
                sharpened, self.student_components, "student fit", np.repeat(seed, len(self.betas))
            )
            rows.append(self._share(sharpened, students))
        return teachers, directs, rows

    def sampled(self, truth: GaussianMixture, sizes: Sizes) -> tuple[list, list, list[list]]:
        data = np.stack(
            [truth.sample(sizes.teacher, stream_seed(int(seed), "teacher data")) for seed in self.seeds]
        )
        teachers = self._fit(data, self.teacher_components, "teacher fit", self.seeds)
        directs = self._fit(data, self.student_components, "direct fit", self.seeds)
        samples = []
        for seed, teacher in zip(self.seeds, teachers, strict=True):
            rng = np.random.default_rng(stream_seed(int(seed), "student data"))
            u, z = rng.random(sizes.student), rng.standard_normal((sizes.student, truth.dim))
            placed, n = teacher.place(z), np.arange(sizes.student)
            samples += [placed[teacher.sharpen(beta).choose(u), n] for beta in self.betas]
        repeated = np.repeat(self.seeds, len(self.betas))
        students = self._fit(np.stack(samples), self.student_components, "student fit", repeated)
        n = len(self.betas)
        return teachers, directs, [students[i : i + n] for i in range(0, len(students), n)]

    def _fit(
        self, x: np.ndarray | list, n_components: int, stream: str, seeds: np.ndarray
    ) -> list[GaussianMixture]:
        seeds = [stream_seed(int(seed), stream) for seed in seeds]
        return fit_mixtures(x, n_components, covariance=self.covariance, seeds=seeds, n_init=4)

    def _share(
        self, sharpened: list[GaussianMixture], students: list[GaussianMixture]
    ) -> list[GaussianMixture]:
        """Offer each student's optimum to the next beta on either side, for as long as one is better there.

        EM finds local optima; along beta the best one moves little, so a curve found beta by beta has
        spikes that this removes.
        """
        students = list(students)
        scores = np.array([t.expect_log_prob(s) for t, s in zip(sharpened, students, strict=True)])
        fresh = set(range(len(students)))
        while fresh:
            offers = [
                (i, i + step) for i in sorted(fresh) for step in (-1, 1) if 0 <= i + step < len(students)
            ]
            offers = [
                (i, j)
                for i, j in offers
                if students[i].n_components == students[j].n_components == self.student_components
            ]
            fresh = set()
            if not offers:
                break
            targets = [sharpened[j] for _, j in offers]
            found = fit_mixtures(
                targets,
                self.student_components,
                covariance=self.covariance,
                seeds=[0] * len(offers),
                init=[students[i] for i, _ in offers],
            )
            for (_, j), fit in zip(offers, found, strict=True):
                score = sharpened[j].expect_log_prob(fit)
                if score > scores[j] + 1e-4:
                    students[j], scores[j] = fit, score
                    fresh.add(j)
        return students
