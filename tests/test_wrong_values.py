"""Each parameter of each public name refuses one wrong value in a line that names it. What is wrong at a limit stands
below, and beside the checks themselves.
"""

import numpy as np
import pytest
import wrong
from mixtures import paper_truth

import kdlite as kd
from kdlite import page
from kdlite import selection as knobs

TRUTH = paper_truth(0.25)
ONE = kd.fit_mixture(TRUTH, 1)
CUBE = kd.GaussianMixture([0.5, 0.5], np.eye(2, 3), [np.eye(3)] * 2)
POINTS = TRUTH.sample(20, 0)
X = [1.0, 2.0, 3.0]
ESTIMATES = [kd.Estimate(-3.0 + i, 0.1, 100) for i in range(3)]
SWEEP = kd.sweep(TRUTH, betas=[1.0, 10.0], teacher_components=2, student_components=1)
PAIR = {"student": ONE, "truth": TRUTH}
EXPLORER = kd.Explorer()
GOOD = {
    kd.GaussianMixture: {"weights": [1.0], "means": [[0, 0]], "covariances": [np.eye(2)]},
    TRUTH.sharpen: {},
    TRUTH.truncate: {},
    TRUTH.sample: {"n": 1, "seed": 0},
    TRUTH.push: {"u": [0.5], "z": [[0, 0]]},
    TRUTH.log_prob: {},
    TRUTH.size: {},
    TRUTH.expect_log_prob: {},
    TRUTH.expect_by_component: {"scored": TRUTH, "weights": TRUTH.weights},
    kd.Explorer: {},
    EXPLORER.save_html: {"path": "a.html", "title": "A"},
    page.save: {"path": "a.html", "body": "", "title": "A"},
    kd.Sizes: {},
    SWEEP.direct.at_recall: {},
    kd.choose_tau: {"taus": X, "recalls": ESTIMATES, "floor": -2.0},
    kd.samples_needed: {"pilot": ESTIMATES[0], "stderr": 0.1},
    kd.fit_mixture: {"x": POINTS, "n_components": 1},
    kd.fit_mixtures: {"x": POINTS[None], "n_components": 1, "seeds": [0]},
    kd.forward_kl: {"teacher": TRUTH, "student": ONE},
    kd.reverse_kl: {"teacher": TRUTH, "student": ONE},
    kd.jensen_shannon: {"teacher": TRUTH, "student": ONE},
    kd.minimise: {"divergence": kd.jensen_shannon, "teacher": TRUTH, "n_components": 1},
    kd.precision: PAIR | {"n": 2},
    kd.recall: PAIR | {"n": 2},
    kd.sweep: {"truth": TRUTH, "betas": [1.0], "teacher_components": 2, "student_components": 1},
    knobs.heaviest: {"weights": [0.5, 0.5], "top_k": 1},
    knobs.power: {"log_p": [-1.0], "beta": 2},
    knobs.best_of: {"log_p": [-1.0], "tries": 2},
    knobs.resample: {"log_weights": [[-1.0]], "u": [0.5]},
    knobs.log_favour: {"at_most": [1.0], "below": [0.0], "tries": 2},
    knobs.effective_sample_size: {},
}
FREE = {"body"}  # may be anything that can be shown
# They hold what the package computed, or say what is asked of others.
HELD = {"Curve", "Distribution", "Estimate", "Frontier", "Sweep", "TauChoice"}


@pytest.mark.parametrize(("call", "arguments", "name"), wrong.cases(GOOD, FREE))
def test_a_wrong_value_is_named(call, arguments, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong.check(call, arguments, name)
    assert list(tmp_path.iterdir()) == []


def test_no_public_name_is_left_out():
    assert wrong.public(kd) == HELD | {call.__name__ for call in GOOD} & wrong.public(kd)
