import matplotlib
import numpy as np
import pytest
from toy_results import TAUS, language_results, toy_results

from kdlite import plots

matplotlib.use("Agg")


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
        for curve, label in (("distilled", "distilled student"), ("teacher", "sharpened teacher")):
            means = [
                np.mean([row[score]["value"] for row in results.select(curve, tau=t)]) for t in sorted(TAUS)
            ]
            np.testing.assert_allclose(drawn[label].get_ydata(), means)
        bars = [bar.get_segments() for bar in ax.collections]
        assert len(bars) == 2 + 2 + 1  # seeds of the two students, and the teacher
        (low, high) = bars[0][0][:, 1]
        assert high - low == pytest.approx(2 * 1.96 * 0.01)
