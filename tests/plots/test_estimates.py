import matplotlib
import numpy as np

import kdlite as kd
from kdlite import plots

matplotlib.use("Agg")


def test_cooling_draws_each_estimate_with_its_interval_and_runs_from_hot_to_cold():
    hot, cold = kd.Estimate(4.0, 0.5, 16), kd.Estimate(1.0, 0.25, 16)
    ax = plots.cooling((1, 0.4), {"entropy": [hot, cold]}, ylabel="nats per token").axes[0]
    (drawn,) = ax.containers
    np.testing.assert_array_equal(drawn.lines[0].get_ydata(), [4, 1])
    bars = drawn.lines[2][0].get_segments()
    np.testing.assert_allclose([bar[:, 1] for bar in bars], [(3.02, 4.98), (0.51, 1.49)])
    left, right = ax.get_xlim()
    assert left > 1 > 0.4 > right
