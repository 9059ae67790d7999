"""A reader commits before the answer shows: by a choice, by a drawing, or by a press; by mouse, finger and keys."""

import json
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from chapters import BOOK

GUESS = {
    "x": [-35, 0],
    "y": [-9, 0],
    "fixed": [{"name": "truth", "role": "truth", "at": [-1, -1]}],
    "guesses": [{"name": "β = 4", "at": [-3, -7]}, {"name": "β = 10", "at": [-8, -4]}],
    "curve": [[-2, -8], [-3, -7], [-8, -4], [-30, -2]],
}
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head><title>Predict</title><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><style>{style}</style></head><body><main class="bd-article"><h1>Predict</h1>
{body}</main><script>{script}</script></body></html>"""
BOX = '<div class="admonition-predict admonition"><p class="admonition-title">Predict</p><p>What?</p>{}</div>'
CELL = '<div class="cell"><div class="cell_output">{}</div></div>'
CHOICE = BOX.format("<ul><li><p>up</p></li><li><p>down</p></li></ul><!-- 2 -->")
ANSWER = CELL.format("<pre>the answer</pre>") + "<p>It is so.</p><p>More.</p>"
DATA = CELL.format(f'<script type="application/json" class="guess">{json.dumps(GUESS)}</script>')


@pytest.fixture
def show(watched, tmp_path):
    def show(body, theme="light"):
        style, script = ((BOOK / "_vendor" / name).read_text() for name in ("book.css", "predict.js"))
        (tmp_path / "page.html").write_text(PAGE.format(body=body, theme=theme, style=style, script=script))
        watched.open((tmp_path / "page.html").as_uri())
        page = watched.page
        return SimpleNamespace(
            page=page,
            answer=page.get_by_text("the answer"),
            why=page.get_by_text("It is so."),
            status=page.locator("[role=status]"),
            button=lambda name: page.get_by_role("button", name=name),
        )

    yield show
    assert watched.faults == []


def test_a_choice_uncovers_the_answer_and_marks_the_right_one(show):
    shown = show(CHOICE + ANSWER)
    assert not shown.answer.is_visible() and not shown.why.is_visible()
    assert shown.page.get_by_text("More.").is_visible()
    shown.button("up").press("Enter")
    assert shown.answer.is_visible() and shown.why.is_visible()
    assert shown.status.inner_text() == "It is the one with the tick."
    assert shown.page.locator("[data-right]").all_inner_texts() == ["down"]
    shown.button("down").click()
    assert shown.status.inner_text() == "That is right."


def test_without_choices_a_press_uncovers_and_a_widget_is_never_covered(show):
    widget = CELL.format('<script type="application/vnd.jupyter.widget-view+json">{}</script><pre>drag</pre>')
    shown = show(BOX.format("") + ANSWER + CHOICE + widget)
    assert shown.page.get_by_text("drag").is_visible()
    shown.button("I have my guess").click()
    assert shown.answer.is_visible() and shown.button("I have my guess").count() == 0


def test_who_runs_or_prints_a_covered_cell_sees_it(show):
    shown = show(CHOICE + ANSWER)
    shown.page.evaluate("() => document.querySelector('.cell_output').append('new')")
    shown.why.wait_for()
    shown = show(CHOICE + ANSWER)
    shown.page.evaluate("() => window.dispatchEvent(new Event('beforeprint'))")
    assert shown.answer.is_visible()


def test_a_drawing_is_held_against_the_numbers_of_the_cell(show):
    shown = show(BOX.format("") + DATA + ANSWER)
    first, second = shown.page.get_by_role("slider").all()
    assert shown.page.locator(".curve, .gap").count() == 0 and not shown.answer.is_visible()
    before = first.get_attribute("aria-valuetext")
    for key in ("ArrowUp", "ArrowLeft"):
        first.press(key)
    assert float(first.get_attribute("aria-valuenow")) == pytest.approx(-4.3)
    assert first.get_attribute("aria-valuetext") != before
    box = second.locator("circle").last.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    shown.page.mouse.move(*middle)
    shown.page.mouse.down()
    shown.page.mouse.move(middle[0] + 50, middle[1] - 4000)  # stays on the plane
    shown.page.mouse.up()
    assert float(second.get_attribute("aria-valuenow")) == 0
    shown.button("Reveal").click()
    one, two = shown.status.inner_text().splitlines()
    assert one.startswith("β = 4: precision −7.0, recall −3.0; you were off by 2.7 in precision")
    assert "off by 4.0 in precision" in two
    assert shown.page.locator(".gap").count() == 2 and shown.answer.is_visible()


def test_a_finger_draws_and_the_page_stays(show):
    shown = show(BOX.format("") + DATA + ANSWER + '<p style="height: 3000px">')
    point = shown.page.get_by_role("slider").last
    box = point.locator("circle").last.bounding_box()
    fingers = shown.page.context.new_cdp_session(shown.page)
    fingers.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    for kind, up in (("touchStart", 0), ("touchMove", 20), ("touchMove", 40), ("touchEnd", None)):
        at = [] if up is None else [{"x": box["x"] + 9, "y": box["y"] + 9 - up}]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
    assert float(point.get_attribute("aria-valuenow")) > -4
    assert shown.page.evaluate("() => scrollY") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_boxes_are_accessible_and_fit_a_phone(theme, show):
    shown = show(CHOICE + ANSWER + BOX.format("") + DATA + ANSWER, theme)
    shown.page.set_viewport_size({"width": 360, "height": 800})
    shown.button("up").click()
    shown.button("Reveal").click()
    found = Axe().run(shown.page, options={"rules": {"color-contrast": {"enabled": False}}})
    assert found.response["violations"] == []
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= 360
