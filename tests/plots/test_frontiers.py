import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from mixtures import paper_truth

import kdlite as kd
from kdlite import plots

matplotlib.use("Agg")


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
