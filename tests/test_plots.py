import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from mixtures import paper_truth
from toy_results import TAUS, language_results, toy_results

import kdlite as kd

matplotlib.use("Agg")
plots = pytest.importorskip("kdlite.plots")


@pytest.fixture(scope="module")
def found():
    return kd.sweep(paper_truth(0.25), betas=[1.0, 10.0], teacher_components=3, student_components=2)


def test_the_frontier_draws_the_four_curves(found):
    fig = plots.frontier(found, paper_truth(0.25))
    labels = fig.axes[0].get_legend_handles_labels()[1]
    assert isinstance(fig, Figure)
    for wanted in ("distilled student", "direct student", "direct student, cooled", "sharpened teacher"):
        assert wanted in labels
    drawn = {line.get_label(): line for line in fig.axes[0].lines}
    np.testing.assert_allclose(drawn["distilled student"].get_xdata(), found.distilled.recall[0])
    np.testing.assert_allclose(drawn["distilled student"].get_ydata(), found.distilled.precision[0])


def test_every_distribution_has_a_colour_and_a_line_of_its_own():
    assert set(plots.COLOURS) == set(plots.LINES) == {"truth", "teacher", "student", "direct"}
    assert len(set(plots.COLOURS.values())) == len(set(plots.LINES.values())) == 4


@pytest.mark.parametrize(
    ("curve", "name"), [("distilled", "student"), ("cooled", "direct"), ("teacher", "teacher")]
)
def test_the_geometry_draws_a_panel_for_each_tau(curve, name):
    results = language_results()
    fig = plots.geometry(results, curve)
    assert [ax.get_title() for ax in fig.axes] == [f"τ = {t:g}\ncoverage {0.8 * t:.2f} ± 0.01" for t in TAUS]
    for ax, tau in zip(fig.axes, TAUS, strict=True):
        truth, model = ax.lines
        np.testing.assert_array_equal(truth.get_xydata(), results.plane["points"])
        np.testing.assert_array_equal(model.get_xydata(), results.select(curve, tau=tau)[0]["points"])
        assert model.get_color() == plots.COLOURS[name]
    assert {ax.get_xlim() for ax in fig.axes} == {fig.axes[0].get_xlim()}
    assert "0.90 ± 0.01" in fig.legends[0].get_texts()[0].get_text()


def test_the_geometry_of_a_toy_run_is_refused():
    with pytest.raises(
        ValueError, match="no plane of the truth's texts; pass those of a language model's run"
    ):
        plots.geometry(toy_results())


def test_scores_against_tau_carry_the_interval_of_each_seed():
    results = language_results()
    fig = plots.against_tau(results)
    for ax, score in zip(fig.axes, ("precision", "recall"), strict=True):
        drawn = {line.get_label(): line for line in ax.lines}
        for curve, label in (("distilled", "distilled student"), ("teacher", "teacher")):
            means = [
                np.mean([row[score]["value"] for row in results.select(curve, tau=t)]) for t in sorted(TAUS)
            ]
            np.testing.assert_allclose(drawn[label].get_ydata(), means)
        bars = [bar.get_segments() for bar in ax.collections]
        assert len(bars) == 2 + 2 + 1  # seeds of the two students, and the teacher
        (low, high) = bars[0][0][:, 1]
        assert high - low == pytest.approx(2 * 1.96 * 0.01)


def test_cooling_draws_each_estimate_with_its_interval_and_runs_from_hot_to_cold():
    hot, cold = kd.Estimate(4.0, 0.5, 16), kd.Estimate(1.0, 0.25, 16)
    ax = plots.cooling((1, 0.4), {"entropy": [hot, cold]}, ylabel="nats per token").axes[0]
    (drawn,) = ax.containers
    np.testing.assert_array_equal(drawn.lines[0].get_ydata(), [4, 1])
    bars = drawn.lines[2][0].get_segments()
    np.testing.assert_allclose([bar[:, 1] for bar in bars], [(3.02, 4.98), (0.51, 1.49)])
    left, right = ax.get_xlim()
    assert left > 1 > 0.4 > right
