"""The stored family: complete, small, right, and what its command would compute again."""

import random

import numpy as np
import pytest

import kdlite as kd
from kdlite.explorer import family
from kdlite.explorer.storage import Family
from kdlite.mixtures import examples


@pytest.fixture(scope="module")
def stored():
    return Family.from_bytes(family.stored_bytes())


def random_setting(rng):
    return (
        rng.choice(list(family.RATES)),
        rng.choice(family.TEACHER_COMPONENTS),
        rng.choice(family.STUDENT_COMPONENTS),
    )


def test_family_is_complete_and_small(stored):
    assert stored.arrays["student"].shape[:4] == (3, 4, 4, len(family.BETAS))
    assert all(np.isfinite(array).all() for array in stored.arrays.values())
    assert len(family.stored_bytes()) * 4 / 3 < 300_000  # on a page it is base64
    assert {0.0, 0.25, 1.0, 100.0} <= set(stored.header["betas"])


def test_family_says_where_it_comes_from(stored):
    provenance = stored.header["provenance"]
    assert {"command", "commit", "date", "versions", "rates", "centres", "variance", "runs"} <= set(
        provenance
    )
    assert provenance["rates"] == family.RATES


def test_truths_are_the_papers(stored):
    for profile, rate in family.RATES.items():
        truth, paper = stored.truth(profile), examples.ring(rate)
        np.testing.assert_allclose(truth.weights, paper.weights, rtol=1e-6)
        np.testing.assert_array_equal(truth.means, paper.means)


def test_numbers_are_precision_and_recall(stored):
    rng = random.Random(0)
    for _ in range(40):
        profile, n_teacher, n_student = random_setting(rng)
        beta = rng.choice(family.BETAS)
        truth = examples.ring(family.RATES[profile])
        p = stored.at("profiles", profile)
        a = stored.at("teacher_components", n_teacher)
        s = stored.at("student_components", n_student)
        b = stored.at("betas", beta)
        scored = {
            "distilled_score": (stored.student(profile, n_teacher, n_student, beta), (p, a, s, b)),
            "direct_score": (stored.direct(profile, n_student), (p, s)),
            "cooled_score": (stored.direct(profile, n_student).sharpen(beta), (p, s, b)),
            "teacher_score": (stored.teacher(profile, n_teacher).sharpen(beta), (p, a, b)),
        }
        for name, (mixture, at) in scored.items():
            expected = [kd.precision(mixture, truth=truth).value, kd.recall(mixture, truth=truth).value]
            np.testing.assert_allclose(stored.arrays[name][at], expected, atol=1e-3, rtol=2e-5, err_msg=name)
        teacher = stored.teacher(profile, n_teacher).sharpen(beta)
        np.testing.assert_allclose(stored.arrays["entropy"][p, a, b], teacher.weight_entropy, atol=1e-4)
        for name in ("distilled", "direct"):  # precision = -H - KL, and KL by its own definition
            (mixture, at), entropy = scored[f"{name}_score"], stored.arrays[f"{name}_entropy"]
            x = mixture.sample(4000, 0)
            kl = mixture.log_prob(x) - truth.log_prob(x)
            precision = stored.arrays[f"{name}_score"][at][0]
            assert -entropy[at] - precision == pytest.approx(
                kl.mean(), abs=5 * kl.std() / np.sqrt(len(x)) + 1e-3
            )


def test_no_student_does_better_than_the_teacher_itself_and_none_is_lost(stored):
    """Each student is at least as good as its neighbours along beta would be in its place."""
    rng = random.Random(1)
    for _ in range(30):
        profile, n_teacher, n_student = random_setting(rng)
        b = rng.randrange(1, len(family.BETAS))
        here, there = (stored.student(profile, n_teacher, n_student, family.BETAS[i]) for i in (b, b - 1))
        teacher = stored.teacher(profile, n_teacher).sharpen(family.BETAS[b])
        own = teacher.expect_log_prob(here)
        assert own <= teacher.expect_log_prob(teacher) + 1e-3
        assert own >= teacher.expect_log_prob(there) - 2e-3


def test_a_random_part_is_computed_again(stored):
    seed = random.SystemRandom().randrange(1000)
    profile, n_teacher, n_student = random_setting(random.Random(seed))
    print(f"seed {seed}: {profile}, {n_teacher} teacher and {n_student} student components")
    betas = sorted(random.Random(seed).sample(family.BETAS, 4))
    truth = examples.ring(family.RATES[profile])
    again = family.compute(
        {profile: truth}, betas=betas, teacher_components=[n_teacher], student_components=[n_student]
    )
    sharpened = stored.teacher(profile, n_teacher)
    for beta in betas:
        teacher = sharpened.sharpen(beta)
        old = stored.student(profile, n_teacher, n_student, beta)
        new = again.student(profile, n_teacher, n_student, beta)
        # The stored curve also had the help of the betas between.
        assert teacher.expect_log_prob(old) >= teacher.expect_log_prob(new) - 2e-3
    p, a = stored.at("profiles", profile), stored.at("teacher_components", n_teacher)
    s, b = stored.at("student_components", n_student), [stored.at("betas", beta) for beta in betas]
    for name, at in {
        "entropy": (p, a, b),
        "teacher_score": (p, a, b),
        "direct_score": (p, s),
        "cooled_score": (p, s, b),
    }.items():
        computed = again.arrays[name].reshape(stored.arrays[name][at].shape)
        np.testing.assert_allclose(stored.arrays[name][at], computed, atol=2e-3, rtol=1e-3, err_msg=name)


def test_random_runs_are_computed_again(stored):
    setting = {name: value for name, value in family.PAPER.items() if name != "profile"}
    truth = examples.ring(family.RATES[family.PAPER["profile"]])
    seeds = random.Random(2).sample(range(family.RUNS), 5)
    again = family.sampled_runs(truth, **setting, seeds=seeds)
    np.testing.assert_allclose(stored.arrays["runs"][seeds], again, rtol=1e-3)


def test_truth_in_space_is_refused():
    truth = kd.GaussianMixture([1.0], [[0, 0, 0]], [np.eye(3)])
    with pytest.raises(ValueError, match="dimension 3"):
        family.compute({"given": truth}, teacher_components=[1], student_components=[1])
