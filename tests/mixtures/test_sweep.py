import sys

import numpy as np
import pytest
from mixtures import paper_truth

import kdlite as kd
from kdlite.distribution import stream_seed

BETAS = [0.0, 1.0, 4.0, 100.0]
CURVES = ["distilled", "direct", "cooled", "teacher"]


@pytest.fixture(scope="module")
def exact():
    return kd.sweep(paper_truth(0.25), betas=BETAS, teacher_components=4, student_components=2)


@pytest.fixture(scope="module")
def sampled():
    return kd.sweep(
        paper_truth(0.25),
        betas=BETAS,
        teacher_components=4,
        student_components=2,
        sizes=kd.Sizes(teacher=100, student=500, score=4000),
        seeds=range(3),
        covariance="diag",
    )


def test_each_curve_is_what_its_mixtures_score(exact):
    truth = paper_truth(0.25)
    teacher, direct = exact.teachers[0], exact.directs[0]
    for b, beta in enumerate(BETAS):
        mixtures = [exact.students[0][b], direct, direct.sharpen(beta), teacher.sharpen(beta)]
        for curve, mixture in zip(CURVES, mixtures, strict=True):
            found = getattr(exact, curve)
            assert found.precision[0, b] == pytest.approx(kd.precision(mixture, truth=truth).value, abs=2e-3)
            assert found.recall[0, b] == pytest.approx(kd.recall(mixture, truth=truth).value, abs=2e-3)
        assert exact.teacher_entropy[0, b] == pytest.approx(teacher.sharpen(beta).weight_entropy)


def test_students_are_two_lines(exact):
    truth = paper_truth(0.25)
    teacher = kd.fit_mixture(truth, 4)
    student = kd.fit_mixture(teacher.sharpen(4.0), 2)
    assert exact.distilled.precision[0, 2] == pytest.approx(
        kd.precision(student, truth=truth).value, abs=5e-3
    )


def test_sampled_scores_agree_with_exact_scores_of_the_same_mixtures(sampled):
    truth = paper_truth(0.25)
    for s in range(3):
        teacher, direct = sampled.teachers[s], sampled.directs[s]
        for b, beta in enumerate(BETAS[:3]):
            mixtures = [sampled.students[s][b], direct, direct.sharpen(beta), teacher.sharpen(beta)]
            for curve, mixture in zip(CURVES, mixtures, strict=True):
                found = getattr(sampled, curve)
                for value, measure in ((found.precision, kd.precision), (found.recall, kd.recall)):
                    spread = measure(mixture, truth=truth, n=4000, seed=99)
                    assert value[s, b] == pytest.approx(
                        measure(mixture, truth=truth).value, abs=5 * spread.stderr
                    )


def test_a_seed_gives_the_same_row_in_any_company(sampled):
    alone = kd.sweep(
        paper_truth(0.25),
        betas=BETAS,
        teacher_components=4,
        student_components=2,
        sizes=kd.Sizes(teacher=100, student=500, score=4000),
        seeds=[2],
        covariance="diag",
    )
    np.testing.assert_allclose(alone.distilled.recall[0], sampled.distilled.recall[2], rtol=1e-6)


def test_scoring_never_meets_points_that_something_was_fitted_to(monkeypatch):
    fitted, scored = [], []
    fit, log_prob = kd.fit_mixtures, kd.GaussianMixture.log_prob

    def record_fit(x, *args, **kwargs):
        fitted.append(np.asarray(x).reshape(-1, 2))
        return fit(x, *args, **kwargs)

    def record_score(self, x):
        scored.append(np.asarray(x))
        return log_prob(self, x)

    monkeypatch.setattr(sys.modules["kdlite.mixtures.sweep"], "fit_mixtures", record_fit)
    monkeypatch.setattr(kd.GaussianMixture, "log_prob", record_score)
    kd.sweep(
        paper_truth(),
        betas=[1.0, 5.0],
        teacher_components=2,
        student_components=1,
        sizes=kd.Sizes(50, 60, 70),
        seeds=[0],
    )
    fitted_points = {tuple(p) for x in fitted for p in x}
    scored_points = {tuple(p) for x in scored for p in x}
    assert len(fitted_points) >= 50 + 60 and len(scored_points) >= 70
    assert not fitted_points & scored_points
    assert stream_seed(0, "teacher data") != stream_seed(0, "recall")


def test_an_exact_curve_is_no_worse_than_a_neighbours_student():
    """EM alone left spikes: at one beta a worse optimum than the neighbours' was kept."""
    found = kd.sweep(
        paper_truth(0.25), betas=np.geomspace(1, 10, 9), teacher_components=4, student_components=3
    )
    for b, teacher in enumerate(found.sharpened[0]):
        own = teacher.expect_log_prob(found.students[0][b])
        for neighbour in found.students[0][max(b - 1, 0) : b + 2]:
            assert own >= teacher.expect_log_prob(neighbour) - 1e-3


def test_precision_rises_and_recall_falls_as_beta_grows():
    found = kd.sweep(
        paper_truth(0.25), betas=np.geomspace(1, 100, 9), teacher_components=4, student_components=1
    )
    assert np.all(np.diff(found.distilled.precision[0]) > -1e-3)
    assert np.all(np.diff(found.distilled.recall[0]) < 1e-3)
    np.testing.assert_allclose(found.cooled.precision, found.direct.precision, atol=1e-3)
