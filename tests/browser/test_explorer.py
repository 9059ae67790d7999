"""The explorer in a static page, without a kernel: what it shows is right, and everyone can move it."""

import random

import numpy as np
import pytest
from explorer_pages import ask, colours_drawn, page
from playwright.sync_api import expect

import kdlite as kd
from kdlite.explorer import Explorer, family
from kdlite.explorer.storage import to_rows
from kdlite.mixtures import examples

SETTINGS = ("profile", "teacher_components", "student_components", "beta")


@pytest.fixture(params=["http", "file"])
def home(request, serve, tmp_path):
    return serve(tmp_path) if request.param == "http" else tmp_path.as_uri()


def slider(page, name, view=0):
    return page.locator(".kd-explorer").nth(view).get_by_label(name, exact=True)


def more(page):
    """Open what waits behind "More"."""
    page.locator(".kd-more summary").click()
    return page


def beta_shown(page, view=0):
    return float(page.locator(".kd-beta output").nth(view).inner_text())


def numbers(page):
    rows = page.locator(".kd-numbers tbody tr")
    return {
        row.get_attribute("data-curve"): [
            float(cell.replace("−", "-")) for cell in row.locator("td").all_text_contents()
        ]
        for row in rows.all()
    }


def test_explorer_draws_and_asks_no_other_host(show, home, watched):
    page = show(Explorer(beta=4), home=home)
    canvases = (".kd-plane", ".kd-scale", ".kd-frontier", ".kd-parts")
    before = [colours_drawn(page, canvas) for canvas in canvases]
    assert all(ink > 0.01 for ink, _ in before)
    slider(page, "β").press("End")
    after = [colours_drawn(page, canvas) for canvas in canvases]
    assert all(a != b for a, b in zip(after, before, strict=True)), "every change moves everything"
    assert beta_shown(page) == 100
    assert watched.faults == []


def test_mouse_drags_the_slider(show):
    page = show(Explorer(beta=1))
    box = slider(page, "β").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    seen = {beta_shown(page)}
    for step in range(1, 11):
        page.mouse.move(box["x"] + box["width"] * (0.5 + 0.05 * step), middle)
        seen.add(beta_shown(page))
    page.mouse.up()
    assert beta_shown(page) == 100
    assert len(seen) > 8, "the picture follows the hand"


def test_keys_move_each_slider(show):
    page = more(show(Explorer(beta=1)))
    for key, beta in (("ArrowRight", 1.1), ("ArrowLeft", 1), ("Home", 0), ("End", 100)):
        slider(page, "β").press(key)
        expect(page.locator(".kd-beta output")).to_have_text(f"{beta}")
    slider(page, "student components").press("ArrowRight")
    slider(page, "teacher components").press("End")
    slider(page, "truth weights").press("ArrowRight")
    expect(page.locator(".kd-more > .kd-sliders output")).to_have_text(["2", "8", "strong"])
    assert slider(page, "truth weights").get_attribute("aria-valuetext") == "strong"


def test_every_control_is_reached_by_tab(show):
    page = more(show(Explorer()))
    slider(page, "β").focus()
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => document.activeElement.closest('label')?.innerText.trim() || "
                "document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText"
            )
        )
    assert reached == [
        "1",  # of the teacher's weights; arrows go to the others
        "Play",
        "More: components, truth, numbers",
        "student components",
        "teacher components",
        "truth weights",
        "teacher’s dots, too",
    ]


def test_touch_moves_the_slider(browser, tmp_path):
    (tmp_path / "page.html").write_text(page([Explorer(beta=1)]))
    with browser.new_context(
        viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True
    ) as context:
        phone = context.new_page()
        phone.goto((tmp_path / "page.html").as_uri())
        phone.locator(".kd-words:not(:empty)").wait_for()
        slider(phone, "β").scroll_into_view_if_needed()
        box = slider(phone, "β").bounding_box()
        y = box["y"] + box["height"] / 2
        touch = context.new_cdp_session(phone)

        def finger(kind, share=None):
            points = [] if share is None else [{"x": box["x"] + share * box["width"], "y": y}]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        finger("touchStart", 0.3)
        for share in np.linspace(0.3, 0.95, 8):
            finger("touchMove", share)
        finger("touchEnd")
        phone.wait_for_timeout(100)
        assert beta_shown(phone) >= 45


def test_numbers_are_precision_and_recall(show):
    rng = random.Random(0)
    for _ in range(4):
        setting = [
            rng.choice(axis)
            for axis in (
                list(family.RATES),
                family.TEACHER_COMPONENTS,
                family.STUDENT_COMPONENTS,
                family.BETAS,
            )
        ]
        explorer = Explorer(**dict(zip(SETTINGS, setting, strict=True)))
        page = show(explorer)
        profile, n_teacher, n_student, beta = setting
        truth, stored = examples.ring(family.RATES[profile]), explorer._family
        direct, teacher = stored.direct(profile, n_student), stored.teacher(profile, n_teacher).sharpen(beta)
        mixtures = {
            "distilled": stored.student(profile, n_teacher, n_student, beta),
            "direct": direct,
            "cooled": direct.sharpen(beta),
            "teacher": teacher,
        }
        shown = numbers(page)
        for name, mixture in mixtures.items():
            expected = [kd.precision(mixture, truth=truth).value, kd.recall(mixture, truth=truth).value]
            np.testing.assert_allclose(
                shown[name], expected, atol=1e-3, rtol=2e-5, err_msg=f"{name} {setting}"
            )


def test_views_of_one_explorer_move_together_and_others_stay(show):
    one, other = Explorer(beta=2), Explorer(beta=3)
    page = show(one, other, views=[one, one, other])
    slider(page, "β", view=1).press("End")
    assert [beta_shown(page, view) for view in range(3)] == [100, 100, 3]
    page.get_by_role("radio", name="truth’s").first.check()
    checked = [box.is_checked() for box in page.get_by_role("radio", name="truth’s").all()]
    assert checked == [True, True, False]


def test_play_sweeps_beta_and_stops_at_the_end(show):
    page = show(Explorer(beta=45))
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Play").wait_for()
    assert beta_shown(page) == 100
    page.get_by_role("button", name="Play").click()  # again, from the start
    page.wait_for_timeout(600)
    page.get_by_role("button", name="Pause").click()
    paused = beta_shown(page)
    assert 0 < paused < 100
    page.wait_for_timeout(400)
    assert beta_shown(page) == paused


def test_play_steps_slowly_where_motion_is_unwelcome(show, watched):
    watched.page.emulate_media(reduced_motion="reduce")
    page = show(Explorer(beta=0))
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(600)
    assert beta_shown(page) == 0.25


def test_plays_once_by_itself_until_touched(show, watched):
    page = show(Explorer(beta=1, play=True))
    page.wait_for_function("() => Number(document.querySelector('.kd-beta output').innerText) > 1.5")
    page.locator(".kd-plane").click()
    stopped = beta_shown(page)
    page.wait_for_timeout(300)
    assert beta_shown(page) == stopped and page.get_by_role("button", name="Play").count() == 1
    watched.page.emulate_media(reduced_motion="reduce")
    page = show(Explorer(beta=1, play=True))
    page.wait_for_timeout(300)
    assert beta_shown(page) == 1


def test_component_that_is_pointed_at_is_marked_among_bars_and_ellipses(show):
    page = show(Explorer(beta=1))
    plane, bars = page.locator(".kd-plane"), page.locator(".kd-weights button:visible")
    plain, box = colours_drawn(page, ".kd-plane"), plane.bounding_box()
    mean = Explorer()._family.teacher("mild", 4).means[1]
    page.mouse.move(
        *(box[a] + box["width"] * (2 + s * c) / 4 for a, s, c in zip("xy", (1, -1), mean, strict=True))
    )
    expect(page.locator(".kd-pointed")).to_have_text("2")
    page.mouse.move(0, 0)
    expect(page.locator(".kd-pointed")).to_have_count(0)
    bars.first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".kd-pointed")).to_have_text("2")
    assert "Component 2 of the teacher: weight" in bars.nth(1).get_attribute("aria-label")
    assert colours_drawn(page, ".kd-plane") != plain


def test_nothing_is_compared_while_a_fit_is_under_way(show):
    explorer = Explorer(beta=1)
    assert show(explorer).locator(".kd-compared").inner_text().startswith("Against the direct student")
    modes = to_rows(explorer.truth, 8)
    modes[0, 1:3] = -0.5, 0.6
    explorer.modes = modes.tolist()
    ask(explorer, "fit", betas=[1.0])
    assert show(explorer).locator(".kd-compared").inner_text() == ""
    ask(explorer, "fit", betas=[0.0, 1.0, 10.0])
    assert show(explorer).locator(".kd-compared").inner_text() != ""


def test_papers_run_is_left_and_come_back_to_where_it_was_asked_for(show):
    page = show(Explorer(**family.PAPER, runs="paper"))
    back = page.get_by_role("button", name="Back to the paper’s run")
    assert "300 stored runs of the paper’s sampled recipe" in page.locator(".kd-notes").last.inner_text()
    assert back.is_hidden()
    slider(page, "β").press("Home")  # the runs belong to their setting
    expect(page.locator(".kd-notes").last).to_have_text("")
    back.click()
    expect(page.locator(".kd-notes").last).to_contain_text("300 stored runs")
    assert beta_shown(page) == 100
    assert show(Explorer()).get_by_role("button", name="Back").is_hidden()


def test_dead_knob_is_said(show):
    page = more(show(Explorer(profile="equal", teacher_components=8)))
    assert "the knob is dead here" in page.locator(".kd-notes").last.inner_text()
    slider(page, "truth weights").press("ArrowRight")
    assert "the knob is dead here" not in page.locator(".kd-notes").last.inner_text()


def test_without_a_kernel_live_controls_say_so(show):
    page = more(show(Explorer()))
    assert page.get_by_role("button", name="New samples").is_disabled()
    assert "need a live kernel" in page.locator(".kd-more").inner_text()
    assert page.locator(".kd-handles").is_hidden()


def test_words_follow_the_picture_but_do_not_chatter(show):
    page = show(Explorer(beta=4))
    spoken = page.locator(".kd-spoken")
    page.wait_for_timeout(900)
    before = spoken.inner_text()
    assert before.startswith("At β = 4 the teacher speaks with")
    for _ in range(4):
        slider(page, "β").press("ArrowRight")
    assert spoken.inner_text() == before
    page.wait_for_timeout(900)
    assert spoken.inner_text() != before
    assert page.locator(".kd-words").inner_text() in spoken.inner_text()
