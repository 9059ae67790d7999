"""The explorer in a static page, without a kernel: what it shows is right, and everyone can move it."""

import json
import random

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from explorer_pages import page

import kdlite as kd
from kdlite import plots
from kdlite.explorer import Explorer, family
from kdlite.mixtures import examples

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
SETTINGS = ("profile", "teacher_components", "student_components", "beta")
# Log-densities that the browser computes at these points for mixtures of these settings.
DENSITIES = """async ({ esm, bytes, settings, points }) => {
  const module = await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })));
  const family = module.decodeFamily(new DataView(Uint8Array.from(bytes).buffer));
  return settings.map((setting) => {
    const picture = module.pictureOf(family, setting);
    return ["truth", "teacher", "student", "direct"].map((name) => {
      const prepared = module.prepare(picture[name]);
      return points.map(([x, y]) => module.logDensity(prepared, x, y));
    });
  });
}"""


@pytest.fixture(params=["http", "file"])
def home(request, serve, tmp_path):
    return serve(tmp_path) if request.param == "http" else tmp_path.as_uri()


def slider(page, name, view=0):
    return page.locator(".kd-explorer").nth(view).get_by_label(name, exact=True)


def beta_shown(page, view=0):
    return float(page.locator(".kd-beta output").nth(view).inner_text())


def colours_drawn(page, canvas):
    """The share of a canvas's pixels that carries ink, and the pixels themselves as a checksum."""
    return page.locator(f".kd-explorer {canvas} canvas").first.evaluate(
        """(canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let ink = 0, sum = 0;
          for (let i = 0; i < data.length; i += 4) {
            if (data[i + 3]) ink += 1;
            sum = (sum * 31 + data[i] + 3 * data[i + 1] + 7 * data[i + 2] + data[i + 3]) % 1000003;
          }
          return [(4 * ink) / data.length, sum];
        }"""
    )


def numbers(page):
    rows = page.locator(".kd-numbers tbody tr")
    return {
        row.get_attribute("data-curve"): [
            float(cell.replace("−", "-")) for cell in row.locator("td").all_inner_texts()
        ]
        for row in rows.all()
    }


def test_explorer_draws_and_asks_no_other_host(show, home, watched):
    page = show(Explorer(beta=4), home=home)
    for canvas in (".kd-plane", ".kd-frontier", ".kd-weights"):
        assert colours_drawn(page, canvas)[0] > 0.01
    before = [colours_drawn(page, canvas) for canvas in (".kd-plane", ".kd-frontier", ".kd-weights")]
    slider(page, "β").press("End")
    after = [colours_drawn(page, canvas) for canvas in (".kd-plane", ".kd-frontier", ".kd-weights")]
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
    page = show(Explorer(beta=1))
    for key, beta in (("ArrowRight", 1.1), ("ArrowLeft", 1), ("Home", 0), ("End", 100)):
        slider(page, "β").press(key)
        assert beta_shown(page) == beta
    slider(page, "student components").press("ArrowRight")
    slider(page, "teacher components").press("End")
    slider(page, "truth weights").press("ArrowRight")
    outputs = page.locator(".kd-sliders output").all_inner_texts()
    assert outputs == ["2", "8", "strong"]
    assert slider(page, "truth weights").get_attribute("aria-valuetext") == "strong"


def test_every_control_is_reached_by_tab(show):
    page = show(Explorer())
    slider(page, "β").focus()
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "() => document.activeElement.closest('label')?.innerText.trim() || "
                "document.activeElement.labels?.[0]?.innerText || document.activeElement.innerText"
            )
        )
    assert reached == [
        "Play",
        "student components",
        "teacher components",
        "truth weights",
        "The paper’s run",
        "truth",
        "teacher",
        "student",
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
        entropy = float(page.locator(".kd-entropy").inner_text().split()[1])
        assert entropy == pytest.approx(teacher.weight_entropy, abs=1e-3)


def test_densities_are_those_of_the_mixtures(watched):
    rng = random.Random(1)
    settings = [
        {
            "profile": rng.choice(list(family.RATES)),
            "teacher_components": rng.choice(family.TEACHER_COMPONENTS),
            "student_components": rng.choice(family.STUDENT_COMPONENTS),
            "beta": rng.choice(family.BETAS),
        }
        for _ in range(12)
    ]
    x = np.random.default_rng(1).uniform(-2, 2, size=(1000, 2))
    explorer = Explorer()
    drawn = watched.page.evaluate(
        DENSITIES,
        {"esm": explorer._esm, "bytes": list(explorer.family), "settings": settings, "points": x.tolist()},
    )
    stored = explorer._family
    for setting, densities in zip(settings, drawn, strict=True):
        profile, n_teacher, n_student, beta = (setting[name] for name in SETTINGS)
        p, a = stored.at("profiles", profile), stored.at("teacher_components", n_teacher)
        weights = stored.arrays["sharpened"][p, a, stored.at("betas", beta), :n_teacher].astype(float)
        teacher = stored.teacher(profile, n_teacher)
        sharpened = kd.GaussianMixture(weights / weights.sum(), teacher.means, teacher.covariances)
        expected = [
            stored.truth(profile),
            sharpened,
            stored.student(profile, n_teacher, n_student, beta),
            stored.direct(profile, n_student),
        ]
        for values, mixture in zip(densities, expected, strict=True):
            np.testing.assert_allclose(values, mixture.log_prob(x), atol=1e-5, rtol=0)


def test_views_of_one_explorer_move_together_and_others_stay(show):
    one, other = Explorer(beta=2), Explorer(beta=3)
    page = show(one, other, views=[one, one, other])
    slider(page, "β", view=1).press("End")
    assert [beta_shown(page, view) for view in range(3)] == [100, 100, 3]
    page.get_by_role("checkbox", name="student").first.check()
    assert [box.is_checked() for box in page.get_by_role("checkbox", name="student").all()] == [
        True,
        True,
        False,
    ]


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


def test_papers_run_shows_its_setting_and_the_stored_runs(show):
    page = show(Explorer(beta=2, student_components=3))
    button = page.get_by_role("button", name="The paper’s run")
    button.click()
    assert beta_shown(page) == 100
    assert page.locator(".kd-sliders output").all_inner_texts() == ["1", "4", "equal"]
    assert "300 stored runs of the paper’s sampled recipe" in page.locator(".kd-notes").inner_text()
    assert button.get_attribute("aria-pressed") == "true"
    slider(page, "β").press("Home")  # the runs belong to their setting
    assert "runs" not in page.locator(".kd-notes").inner_text()


def test_dead_knob_is_said(show):
    page = show(Explorer(profile="equal", teacher_components=8))
    assert "the knob is dead here" in page.locator(".kd-notes").inner_text()
    slider(page, "truth weights").press("ArrowRight")
    assert "the knob is dead here" not in page.locator(".kd-notes").inner_text()


def test_without_a_kernel_live_controls_say_so(show):
    page = show(Explorer())
    assert page.get_by_role("button", name="New samples").is_disabled()
    assert "need a live kernel" in page.locator(".kd-notes").inner_text()
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
    assert spoken.inner_text() == page.locator(".kd-words").inner_text() != before


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
    page = show(Explorer(samples=["truth"]))
    assert page.evaluate(SIDEWAYS) <= 0
    box = page.locator(".kd-plane").bounding_box()
    assert box["width"] == pytest.approx(box["height"], abs=1)
    cut = "() => [...document.querySelectorAll('.kd-figure *')].filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth && !e.matches('.kd-track, .kd-ticks, .kd-ticks *, canvas')).map((e) => e.outerHTML.slice(0, 80))"
    assert page.evaluate(cut) == []


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
            lambda state: "beta" in state["state"] and state["state"].update(beta=1.2345),
            "it has no beta of 1.2345",
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


def test_closing_a_view_leaves_nothing_behind(watched):
    explorer = Explorer()
    left = watched.page.evaluate(
        """async ({ esm, bytes, settings }) => {
          const { default: widget } = await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })));
          const state = { ...settings, family: new DataView(Uint8Array.from(bytes).buffer) };
          const calls = new Set();
          const model = { get: (name) => state[name], set() {}, save_changes() {}, send() {},
            on: (name, call) => calls.add(call), off: (name, call) => calls.delete(call) };
          const close = widget.render({ model, el: document.body });
          const before = calls.size;
          close();
          return [before, calls.size];
        }""",
        {
            "esm": explorer._esm,
            "bytes": list(explorer.family),
            "settings": json.loads(
                json.dumps(
                    {
                        k: v
                        for k, v in explorer.get_state().items()
                        if isinstance(v, str | int | float | list | dict)
                    }
                )
            ),
        },
    )
    assert left[0] > 0 and left[1] == 0
