"""The threads between components in a static page: a mouse, a finger and keys move them, and they show Python's numbers."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

import kdlite as kd
from kdlite.explorer import Threads

WIDTHS = "(threads) => threads.map((thread) => parseFloat(thread.style.getPropertyValue('--width')))"
COSTS = np.array([[[9.0, 40.0], [90.0, 3.0]], [[0.5, 40.0], [80.0, 3.0]]])


@pytest.fixture
def threads():
    truth = kd.examples.ring()
    teacher = kd.fit_mixture(truth, 2)
    teachers = [teacher.sharpen(beta) for beta in (1, 100)]
    return Threads(truth, [1, 100], teachers, [teacher, teacher], COSTS)


def test_threads_are_as_wide_as_the_charge_and_follow_the_knob(threads, show, watched):
    page = show(threads, ready=".kd-threads select")
    drawn = page.locator(".kd-thread")
    bars = page.locator(".kd-charge output")
    for b, key in enumerate(("Home", "End")):
        page.get_by_role("slider", name="β").press(key)
        charges = np.ravel(threads.stops["charges"][b])
        assert np.allclose(drawn.evaluate_all(WIDTHS), np.maximum(0.012, 0.035 * charges), atol=1e-4)
    assert (charges < 0.005).tolist() == [
        "kd-free" in (thread.get_attribute("class")) for thread in drawn.all()
    ]

    for k, j in np.ndindex(2, 2):  # keys
        page.get_by_role("combobox").select_option(f"{k} {j}")
        cost, weight = (threads.stops[name][1][k][j] for name in ("costs", "weights"))
        assert float(bars.nth(0).inner_text().split()[0]) == pytest.approx(cost, abs=0.5)
        assert float(bars.nth(1).inner_text()) == pytest.approx(weight, abs=0.0005)
    page.get_by_role("slider", name="β").press("Home")
    box = page.locator("svg").bounding_box()
    middle = page.evaluate(
        """() => { const thread = document.querySelectorAll(".kd-thread")[2];
        const { x, y } = thread.getPointAtLength(thread.getTotalLength() / 2).matrixTransform(thread.getScreenCTM());
        return [x, y]; }"""
    )
    assert box["x"] < middle[0] < box["x"] + box["width"]
    page.mouse.move(*middle)  # a finger, too, is a pointer
    assert page.get_by_role("combobox").input_value() == "1 0"
    assert watched.faults == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_threads_are_accessible_and_fit_a_phone(theme, threads, show):
    page = show(threads, theme=theme, ready=".kd-threads select")
    assert Axe().run(page).response["violations"] == []
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
