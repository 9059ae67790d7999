"""Each parameter of each public name refuses one wrong value in a line that names it. What is wrong at a limit stands
below, and beside the checks themselves.
"""

import matplotlib
import numpy as np
import pytest
import wrong
from mixtures import paper_truth
from toy_results import language_results

import kdlite as kd
from kdlite import page, plots
from kdlite import selection as knobs

matplotlib.use("Agg")
TRUTH = paper_truth(0.25)
ONE = kd.fit_mixture(TRUTH, 1)
CUBE = kd.GaussianMixture([0.5, 0.5], np.eye(2, 3), [np.eye(3)] * 2)
POINTS = TRUTH.sample(20, 0)
X = [1.0, 2.0, 3.0]
ESTIMATES = [kd.Estimate(-3.0 + i, 0.1, 100) for i in range(3)]
SWEEP = kd.sweep(TRUTH, betas=[1.0, 10.0], teacher_components=2, student_components=1)
PAIR = {"student": ONE, "truth": TRUTH}
AXES = {"xlabel": "x", "ylabel": "y"}
CLOUD = {"direct": np.zeros((5, 2)), "student": np.zeros((5, 2))}
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
    plots.against_beta: {"sweep": SWEEP},
    plots.against_tau: {},
    plots.bands: {"x": X, "curves": {"a": ([X], "teacher")}} | AXES,
    plots.clouds: {"panels": {"a": CLOUD}, "published": {"direct": (-20.0, -2.6)}},
    plots.cooling: {"taus": X, "curves": {"a": ESTIMATES}, "ylabel": "y"},
    plots.figure: {},
    plots.frontier: {"sweep": SWEEP},
    plots.gains: {"x": X, "curves": {"a": X}} | AXES,
    plots.geometry: {"results": language_results()},
    plots.heat: {"panels": {"a": np.ones((2, 3))}, "betas": X, "rows": ["r", "s"]},
    plots.intervals: {"estimates": ESTIMATES, "exact": 0.0, "ylabel": "y"},
    plots.knobs: {"panels": {"a": {"direct": np.zeros((3, 3))}}, "entropy": "e"},
    plots.lines: {"x": X, "curves": {"a": (X, "teacher")}} | AXES,
    plots.opening: {
        "panels": {key: {"truth": TRUTH} for key in "abc"},
        "sweep": SWEEP,
        "truth": TRUTH,
        "mark": [1.0],
    },
    plots.planes: {"panels": {"a": {"truth": TRUTH}}},
    plots.shares: {"panels": {"a": X}, "reference": X},
    plots.sources: {"sweeps": {"a": SWEEP}},
    plots.weights: {"mixtures": {"a": ONE}},
}
# Labels and bodies, which may be anything that can be shown; truth values; and axes, which matplotlib checks.
FREE = {"xlabel", "ylabel", "unit", "entropy", "ax", "body", "log", "yscale"}
# They hold what the package computed, or say what is asked of others.
HELD = {"Curve", "Distribution", "Estimate", "Frontier", "Sweep", "TauChoice"}


@pytest.mark.parametrize(("call", "arguments", "name"), wrong.cases(GOOD, FREE))
def test_a_wrong_value_is_named(call, arguments, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wrong.check(call, arguments, name)
    assert list(tmp_path.iterdir()) == []


def test_no_public_name_is_left_out():
    assert wrong.public(kd, plots) == HELD | {call.__name__ for call in GOOD} & wrong.public(kd, plots)
