"""The paper's sampled recipe, 41 betas and 20 seeds, beside the same job written with scikit-learn in a loop.

Checks on identical draws that both compute the same.
"""

import copy

import numpy as np
from sklearn.mixture import GaussianMixture as ScikitMixture

import kdlite as kd
from benchmarks.measure import Row, hand_over, in_turn, ratios, spread
from kdlite.distribution import stream_seed
from kdlite.mixtures.examples import ring

TRUTH, REPEATS = ring(0.0), 5
BETAS, SEEDS, SIZES = np.geomspace(1, 100, 41), range(20), kd.Sizes()


def scikit(mixture: kd.GaussianMixture) -> ScikitMixture:
    """The same mixture as a scikit-learn estimator."""
    model = ScikitMixture(mixture.n_components)
    model.weights_, model.means_, model.covariances_ = mixture.weights, mixture.means, mixture.covariances
    model.precisions_cholesky_ = np.linalg.cholesky(np.linalg.inv(mixture.covariances))
    return model


def loop() -> np.ndarray:
    """Precision and recall of distilled, cooled direct and teacher, shape (3, 2, seeds, betas)."""
    truth = scikit(TRUTH)
    scores = np.empty((3, 2, len(SEEDS), len(BETAS)))
    for s in SEEDS:
        options = {"covariance_type": "diag", "max_iter": 1000, "random_state": s}
        points, fresh = truth.sample(SIZES.teacher)[0], truth.sample(SIZES.score)[0]
        teacher, direct = ScikitMixture(4, **options).fit(points), ScikitMixture(1, **options).fit(points)
        logs = np.log(teacher.weights_)
        for b, beta in enumerate(BETAS):
            sharpened = copy.copy(teacher)
            sharpened.weights_ = np.exp(beta * (logs - logs.max()))
            sharpened.weights_ /= sharpened.weights_.sum()
            student = ScikitMixture(1, **options).fit(sharpened.sample(SIZES.student)[0])
            for i, model in enumerate((student, direct, sharpened)):
                scores[i, :, s, b] = truth.score(model.sample(SIZES.score)[0]), model.score(fresh)
    return scores


def ours() -> kd.Sweep:
    """The same job by kdlite."""
    return kd.sweep(
        TRUTH,
        betas=BETAS,
        teacher_components=4,
        student_components=1,
        sizes=SIZES,
        seeds=SEEDS,
        covariance="diag",
    )


def check() -> None:
    """On identical draws, fit and score of scikit-learn equal those of the sweep."""
    found = ours()
    truth, b = scikit(TRUTH), 20
    for s in SEEDS:
        rng = np.random.default_rng(stream_seed(s, "student data"))
        lesson = found.sharpened[s][b].push(
            rng.random(SIZES.student), rng.standard_normal((SIZES.student, 2))
        )
        student = ScikitMixture(1, covariance_type="diag", reg_covar=0).fit(lesson)
        rng = np.random.default_rng(stream_seed(s, "precision"))
        x = found.students[s][b].push(rng.random(SIZES.score), rng.standard_normal((SIZES.score, 2)))
        fresh = TRUTH.sample(SIZES.score, stream_seed(s, "recall"))
        np.testing.assert_allclose(student.means_, found.students[s][b].means, atol=1e-8)
        np.testing.assert_allclose(truth.score(x), found.distilled.precision[s, b], rtol=1e-6)
        np.testing.assert_allclose(student.score(fresh), found.distilled.recall[s, b], rtol=1e-6)


def rows() -> list[Row]:
    """Both, in turn."""
    check()
    times = in_turn({"theirs": loop, "ours": ours}, REPEATS)
    return [
        Row(
            f"sampled sweep, {len(BETAS)} betas x {len(SEEDS)} seeds",
            spread(times["ours"], "s"),
            f"scikit-learn: {spread(times['theirs'], 's')}",
            ratios(times["theirs"], times["ours"]),
            "three curves each; kdlite's fits are as exact as scikit-learn's on the same draws",
        )
    ]


if __name__ == "__main__":
    hand_over(rows())
