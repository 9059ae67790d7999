"""The tau slider of a run in a static page, without a kernel: what it shows is right, and everyone can move it."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from explorer_pages import page
from toy_results import TAUS, toy_results

from kdlite import plots
from kdlite.lm import TemperatureExplorer

SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
CROSSING = """() => {
  const boxes = [...document.querySelectorAll("svg text")].map((text) => text.getBoundingClientRect());
  const cross = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom - 2 && b.top < a.bottom - 2;
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => cross(a, b))).length;
}"""
TOO_WIDE = """() => {
  const right = document.querySelector(".kd-figure").getBoundingClientRect().right - 12;
  const parts = document.querySelectorAll(".kd-figure :is(table, ul, fieldset, svg)");
  return [...parts].filter((part) => part.getBoundingClientRect().right > right).map((part) => part.className);
}"""
NAMES = {"distilled": "distilled student", "cooled": "direct student, cooled", "teacher": "teacher"}


@pytest.fixture
def show(watched, tmp_path):
    """Open a page of explorers and wait until each has drawn, or has said why not."""

    def open_page(*explorers, **options):
        (tmp_path / "page.html").write_text(page(explorers, **options))
        watched.open(f"{tmp_path.as_uri()}/page.html")
        views = options.get("views") or explorers
        ready = ".kd-explorer :is(.kd-words:not(:empty), .kd-message:not([hidden]))"
        watched.page.locator(ready).nth(len(views) - 1).wait_for()
        return watched.page

    return open_page


def slider(page, view=0):
    return page.get_by_role("slider", name="τ").nth(view)


def points(page):
    """Where the point of each curve is drawn."""
    return {
        point.get_attribute("data-curve"): [float(point.get_attribute(name)) for name in ("cx", "cy")]
        for point in page.locator(".kd-point").all()
    }


def texts(page):
    """Each text as its number and its letters."""
    return [
        (
            row.locator(".kd-number").text_content(),
            "".join(row.locator(".kd-tokens > span").all_text_contents()),
        )
        for row in page.locator(".kd-texts li").all()
    ]


def expected_texts(explorer, curve, tau):
    index = explorer.run["taus"].index(tau)
    rows = explorer.run["curves"][curve]["rows"][index]["texts"]
    return [(f"{row['mark'] + 1}", f"chain {row['mark'] + 1}: {row['tokens']}") for row in rows]


def numbers(page):
    rows = page.locator(".kd-numbers tbody tr").all()
    return {
        row.get_attribute("data-curve"): [
            float(cell.replace("−", "-")) for cell in row.locator("td").all_inner_texts()
        ]
        for row in rows
    }


def test_keys_move_the_point_and_change_the_texts(show, watched):
    explorer = TemperatureExplorer(toy_results())
    page = show(explorer)
    last = {}
    for key, tau in ((None, 1), ("ArrowLeft", 0.8), ("Home", 0.5), ("ArrowUp", 0.8), ("End", 1)):
        if key:
            slider(page).press(key)
        assert slider(page).get_attribute("aria-valuetext") == f"tau = {tau}"
        assert page.locator(".kd-tau output").inner_text() == f"{tau}"
        assert texts(page) == expected_texts(explorer, "distilled", tau)
        index = explorer.run["taus"].index(tau)
        for curve, (precision, recall) in (
            (curve, explorer.run["curves"][curve]["points"][index]) for curve in NAMES
        ):
            assert numbers(page)[curve] == pytest.approx([precision, recall], abs=6e-4)
        assert all(points(page)[curve] != last.get(curve) for curve in NAMES)
        last = points(page)
    assert watched.faults == []


def test_point_lies_on_its_curve(show):
    page = show(TemperatureExplorer(toy_results()))
    for step, tau in enumerate(sorted(TAUS, reverse=True)):
        if step:
            slider(page).press("ArrowLeft")
        assert page.locator(".kd-tau output").inner_text() == f"{tau:g}"
        for curve, (x, y) in points(page).items():
            corners = page.locator(f".kd-curve[data-curve={curve}]").get_attribute("points").split()
            assert [x, y] == pytest.approx([float(v) for v in corners[-1 - step].split(",")], abs=0.1)


def test_choice_by_keys_shows_whose_texts(show, watched):
    explorer = TemperatureExplorer(toy_results(), tau=0.8)
    page = show(explorer)
    slider(page).focus()
    page.keyboard.press("Tab")
    for curve, name in NAMES.items():
        assert page.get_by_role("radio", name=name, exact=True).is_checked()
        assert texts(page) == expected_texts(explorer, curve, 0.8)
        assert page.locator(".kd-curve[data-shown]").get_attribute("data-curve") == curve
        assert f"At τ = 0.8 the {name} has precision" in page.locator(".kd-words").inner_text()
        page.keyboard.press("ArrowDown")
    assert page.get_by_role("radio", name="distilled student").is_checked(), "the choice goes round"
    assert watched.faults == []


def test_bars_are_the_shares(show):
    explorer = TemperatureExplorer(toy_results(), tau=0.5)
    page = show(explorer)
    shares = explorer.run["curves"]["distilled"]["rows"][0]["shares"]
    widths = [bar.bounding_box()["width"] for bar in page.locator(".kd-bar i").all()]
    assert [width / widths[0] for width in widths] == pytest.approx([s / shares[0] for s in shares], abs=0.01)
    said = [line.split(",")[0] for line in page.locator(".kd-share").all_text_contents()]
    assert said == [f"{100 * share:.0f}\u00a0%" for share in shares]


def test_tokens_take_the_colour_of_their_chain(show):
    page = show(TemperatureExplorer(toy_results()))
    colour = "(e) => getComputedStyle(e).backgroundColor"
    bars = [bar.evaluate(colour) for bar in page.locator(".kd-bar i").all()]
    assert len(set(bars)) == len(bars)
    for row in page.locator(".kd-texts li").all():
        tokens = row.locator(".kd-tokens > span:not(.kd-spoken)").all()
        chain = int(row.locator(".kd-number").text_content()) - 1
        assert {token.evaluate(colour) for token in tokens} == {bars[chain]}


def test_lines_are_those_of_the_figures(show):
    page = show(TemperatureExplorer(toy_results()), theme="light")
    for curve, name in (("distilled", "student"), ("cooled", "direct"), ("teacher", "teacher")):
        line = page.locator(f".kd-curve[data-curve={curve}]")
        colour = plots.COLOURS[name].lstrip("#")
        rgb = ", ".join(str(int(colour[i : i + 2], 16)) for i in (0, 2, 4))
        assert line.evaluate("(e) => getComputedStyle(e).stroke") == f"rgb({rgb})"
        dashes = line.evaluate("(e) => getComputedStyle(e).strokeDasharray")
        assert {"-": "none", "--": "6px, 3px", "-.": "8px, 3px, 2px, 3px"}[plots.LINES[name]] == dashes


def test_text_is_never_markup(show, watched):
    results = toy_results()
    explorer = TemperatureExplorer(results)

    def spoil(state):
        if "run" in state["state"]:
            state["state"]["run"]["curves"]["distilled"]["rows"][-1]["texts"][0]["tokens"] = [
                "<img src=x onerror=alert(1)>"
            ]

    page = show(explorer, change=spoil)
    assert texts(page)[0][1].endswith("<img src=x onerror=alert(1)>")
    assert page.locator(".kd-explorer img").count() == 0
    assert watched.faults == []


def test_views_of_one_explorer_move_together_and_others_stay(show):
    one, other = TemperatureExplorer(toy_results()), TemperatureExplorer(toy_results(), tau=0.8)
    page = show(one, other, views=[one, one, other])
    slider(page, 1).press("Home")
    page.get_by_role("radio", name="teacher").first.check()
    assert page.locator(".kd-tau output").all_inner_texts() == ["0.5", "0.5", "0.8"]
    checked = [radio.is_checked() for radio in page.get_by_role("radio", name="teacher").all()]
    assert checked == [True, True, False]


@pytest.mark.parametrize("width", [360, 638, 1280])
def test_everything_fits(show, watched, width):
    watched.page.set_viewport_size({"width": width, "height": 800})
    page = show(TemperatureExplorer(toy_results()))
    assert page.evaluate(SIDEWAYS) <= 0
    assert page.evaluate(CROSSING) == 0
    assert page.evaluate(TOO_WIDE) == []
    box = page.locator(".kd-chart").bounding_box()
    assert all(0 < x < box["width"] and 0 < y < box["height"] for x, y in points(page).values())


def test_theme_follows_the_page(show):
    page = show(TemperatureExplorer(toy_results()), theme="dark")
    ground = "(e) => getComputedStyle(e).backgroundColor"
    dark = page.locator(".kd-figure").evaluate(ground)
    page.evaluate("() => (document.documentElement.dataset.theme = 'light')")
    page.locator(".kd-explorer[data-theme=light]").wait_for()
    assert page.locator(".kd-figure").evaluate(ground) == "rgb(255, 255, 255)" != dark


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault(show, theme):
    page = show(TemperatureExplorer(toy_results()), theme=theme)
    found = Axe().run(page).response["violations"]
    serious = [(fault["id"], fault["help"]) for fault in found if fault["impact"] in ("serious", "critical")]
    assert serious == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"run": {}}, "its run is missing"),
        ({"run": {"taus": [1], "curves": {}}}, "its run is damaged"),
        ({"tau": 0.3}, "it has no tau of 0.3"),
        ({"curve": "selected"}, 'it has no curve "selected"'),
    ],
)
def test_what_cannot_be_drawn_is_said(show, values, message):
    def spoil(state):
        if "run" in state["state"]:
            state["state"].update(values)

    page = show(TemperatureExplorer(toy_results()), change=spoil)
    assert page.locator(".kd-message").inner_text() == f"This interactive figure cannot be shown: {message}."
    assert page.locator("svg:visible").count() == 0
