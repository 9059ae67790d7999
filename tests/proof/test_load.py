"""What is large: two million texts on disk in bounded memory, and mixtures of two hundred components."""

import subprocess
import sys

import numpy as np
import pytest
from mixtures import random_mixture
from sklearn.mixture import GaussianMixture as SkGaussianMixture

import kdlite as kd

TEXTS, LENGTH = 2_000_000, 32
LIMIT, FIT_LIMIT = 1.5e9, 0.5e9  # bytes
WRITE = """
from kdlite.lm import Corpus, MarkovMixture
truth = MarkovMixture.random(8, 32, {length}, decay=0.35, concentration=0.08, seed=0)
Corpus.draw(truth, {folder!r}, n={n}, seed=0, sampler="truth", batch=8192)
"""
READ = """
from kdlite.lm import Corpus
corpus = Corpus.open({folder!r})
texts = sum(len(step) for step in corpus.steps(256, seed=0, epoch=0))
assert texts == len(corpus) == {n}, texts
assert corpus.log_probs().shape == ({n},)
"""
FIT = """
import numpy as np
import kdlite as kd
means = 3 * np.random.default_rng(0).normal(size=(200, 2))
truth = kd.GaussianMixture(np.full(200, 1 / 200), means, np.tile(0.02 * np.eye(2), (200, 1, 1)))
kd.fit_mixture(truth, 20, n_init=1)
kd.fit_mixture(truth.sample(20_000, 0), 20, n_init=1)
"""
# ru_maxrss would count what the parent held before, too.
PEAK = """
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""


def peak(script: str) -> int:
    """The most bytes that a Python of its own held at once while it ran the script."""
    done = subprocess.run([sys.executable, "-c", script + PEAK], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-2]) * 1024  # Linux counts KiB


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_two_million_texts_are_written_and_read_in_bounded_memory(tmp_path, record_property):
    names = {"folder": str(tmp_path), "n": TEXTS, "length": LENGTH}
    written, read = (peak(script.format(**names)) for script in (WRITE, READ))
    record_property("measured", f"at most {written / 1e9:.2f} GB to write, {read / 1e9:.2f} GB to read")
    assert written < LIMIT and read < LIMIT


def test_two_hundred_components_are_sampled_scored_and_integrated():
    rng = np.random.default_rng(0)
    truth = random_mixture(rng, 200, 2, (0.05, 0.3), 3.0)
    student = random_mixture(rng, 200, 2, (0.1, 0.5), 3.0)
    for score in (kd.precision, kd.recall):
        exact, drawn = score(student, truth=truth), score(student, truth=truth, n=20_000)
        assert abs(exact.value - drawn.value) < 5 * drawn.stderr


@pytest.mark.parametrize("n_components", [3, 20])
def test_two_hundred_components_are_fitted_by_few(n_components):
    """As well as scikit-learn does from the same start; and the population fit goes on from there."""
    truth = random_mixture(np.random.default_rng(0), 200, 2, (0.05, 0.3), 3.0)
    x = truth.sample(20_000, 0)
    start = kd.fit_mixture(x[:2_000], n_components, n_init=2)
    drawn = kd.fit_mixture(x, n_components, init=start)
    theirs = SkGaussianMixture(
        n_components,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=np.linalg.inv(start.covariances),
        reg_covar=0,
        tol=1e-6,
        max_iter=2_000,
    ).fit(x)
    assert drawn.log_prob(x).mean() >= theirs.score(x) - 1e-4
    exact = kd.fit_mixture(truth, n_components, init=drawn)
    assert kd.recall(exact, truth=truth).value >= kd.recall(drawn, truth=truth).value - 1e-3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_a_fit_to_two_hundred_components_fits_in_memory(record_property):
    fitted = peak(FIT)
    record_property("measured", f"at most {fitted / 1e9:.2f} GB")
    assert fitted < FIT_LIMIT
