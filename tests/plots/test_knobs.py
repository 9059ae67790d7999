"""What the figure of knobs draws."""

import numpy as np
import pytest

from kdlite import plots

PANELS = {
    "left": {"a": np.array([[-2.0, -3.0, 1.0], [-3.0, -2.0, 0.5]]), "b": np.array([[-2.5, -2.5, 0.0]])},
    "right": {"b": np.array([[-4.0, -1.0, 2.0, 0.1, 0.2]])},
}


def points(ax):
    return {
        drawn.get_label(): drawn
        for drawn in ax.collections
        if drawn.get_offsets().size and drawn.get_array() is not None
    }


def test_every_setting_is_a_point_in_the_colour_of_its_entropy():
    figure = plots.knobs(PANELS, entropy="nats", start=(-1.9, -3.1))
    for ax, drawn in zip(figure.axes, PANELS.values(), strict=False):
        found = points(ax)
        for name, values in drawn.items():
            np.testing.assert_array_equal(found[name].get_offsets(), values[:, :2])
            np.testing.assert_array_equal(found[name].get_array(), values[:, 2])
            assert found[name].get_clim() == (0.0, 2.0)


def test_a_knob_keeps_its_marker_in_every_panel():
    left, right = (points(ax)["b"] for ax in plots.knobs(PANELS, entropy="nats").axes[:2])
    np.testing.assert_array_equal(left.get_paths()[0].vertices, right.get_paths()[0].vertices)


def test_intervals_are_drawn_where_errors_are_given():
    left, right = plots.knobs(PANELS, entropy="nats").axes[:2]
    assert not left.containers
    (bars,) = right.containers
    across, up = (np.ptp(lines.get_segments()[0], axis=0) for lines in bars.lines[2])
    assert across[0] == pytest.approx(2 * 1.96 * 0.1)
    assert up[1] == pytest.approx(2 * 1.96 * 0.2)
