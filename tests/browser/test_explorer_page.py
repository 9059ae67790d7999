"""The explorer on pages of any width and theme, for everyone, and where it cannot be drawn."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from explorer_pages import colours_drawn

from kdlite import plots
from kdlite.explorer import Explorer, family

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize(
    ("attribute", "scheme", "dark"),
    [("dark", "light", True), ("light", "dark", False), (None, "dark", True), (None, "light", False)],
)
def test_light_and_dark_follow_the_page(show, watched, attribute, scheme, dark):
    watched.page.emulate_media(color_scheme=scheme)
    page = show(Explorer(), theme=attribute)
    root = page.locator(".kd-explorer")
    assert root.get_attribute("data-theme") == ("dark" if dark else "light")
    drawn = colours_drawn(page, ".kd-plane")
    page.evaluate("(theme) => (document.documentElement.dataset.theme = theme)", "light" if dark else "dark")
    page.wait_for_function(
        "(theme) => document.querySelector('.kd-explorer').dataset.theme === theme",
        arg="light" if dark else "dark",
    )
    assert colours_drawn(page, ".kd-plane") != drawn


def test_colours_are_those_of_the_figures(show):
    page = show(Explorer(), theme="light")
    read = "(root, name) => getComputedStyle(root).getPropertyValue(`--kd-${name}`)"
    for name, colour in plots.COLOURS.items():
        assert page.locator(".kd-explorer").evaluate(read, name) == colour


@pytest.mark.parametrize("width", [360, 480, 640, 800, 1600])
def test_no_width_scrolls_sideways(show, watched, width):
    watched.page.set_viewport_size({"width": width, "height": 800})
    page = show(Explorer(teacher_components=8, student_components=3))
    assert page.evaluate(SIDEWAYS) <= 0
    box = page.locator(".kd-plane").bounding_box()
    assert box["width"] == pytest.approx(box["height"], abs=1)
    cut = "() => [...document.querySelectorAll('.kd-figure *')].filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth && !e.matches('.kd-track, .kd-ticks, .kd-ticks *, canvas')).map((e) => e.outerHTML.slice(0, 80))"
    assert page.evaluate(cut) == []


def test_on_a_phone_the_slider_has_a_row_of_its_own_and_a_finger_finds_each_target(show, watched):
    watched.page.set_viewport_size({"width": 360, "height": 800})
    page = show(Explorer(teacher_components=8, student_components=3))
    slider, figure = (page.locator(f".kd-{name}").bounding_box() for name in ("beta input", "figure"))
    assert slider["width"] > figure["width"] - 40
    assert figure["height"] < 900
    for target in (".kd-beta input", ".kd-knob > button:visible", ".kd-left .kd-check", "summary"):
        assert all(each.bounding_box()["height"] >= 44 for each in page.locator(target).all()), target


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault(show, theme):
    page = show(Explorer(**family.PAPER, runs="paper"), theme=theme)
    found = Axe().run(page).response["violations"]
    assert [
        (fault["id"], fault["help"]) for fault in found if fault["impact"] in ("serious", "critical")
    ] == []


def spoil_family(change):
    def spoil(state):
        for buffer in state.get("buffers", []):
            if buffer["path"] == ["family"]:
                change(buffer)

    return spoil


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (spoil_family(lambda buffer: buffer.update(data=buffer["data"][:-800])), "its fits are damaged"),
        (spoil_family(lambda buffer: buffer.update(data="")), "its fits are missing"),
        (
            lambda state: state.pop("buffers", None) and state["state"].update(family=None),
            "its fits are missing",
        ),
        (
            lambda state: "beta" in state["state"] and state["state"].update(beta=120),
            "it has no beta of 120",
        ),
        (
            lambda state: "beta" in state["state"] and state["state"].update(profile="flat"),
            'it has no profile of "flat"',
        ),
    ],
)
def test_what_cannot_be_drawn_is_said(show, change, message):
    page = show(Explorer(), change=change)
    assert page.locator(".kd-message").inner_text() == f"This interactive figure cannot be shown: {message}."
    assert page.locator("canvas:visible").count() == 0


def test_browser_without_canvas_says_so(show, watched):
    watched.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page = show(Explorer())
    assert "this browser has no canvas to draw on" in page.locator(".kd-message").inner_text()
