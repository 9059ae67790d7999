"""The tau slider of a run in a static page, without a kernel: what it shows is right, and everyone can move it."""

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from toy_results import DOTS, TAUS, language_results, toy_results

from kdlite import plots
from kdlite.explorer.surprisal import EDGES, GROUNDS
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
BOTH = pytest.mark.parametrize("results", [toy_results, language_results])
GROUND = "(e) => getComputedStyle(e).backgroundColor"


def slider(page, view=0):
    return page.get_by_role("slider", name="τ").nth(view)


def points(page):
    """Where the point of each curve is drawn."""
    return {
        point.get_attribute("data-curve"): [float(point.get_attribute(name)) for name in ("cx", "cy")]
        for point in page.locator(".kd-point").all()
    }


def strips(page):
    """Each strip as its chain and its letters."""
    found = page.locator(".kd-mosaic span").evaluate_all(
        "(all) => all.map((one) => [one.style.getPropertyValue('--ground'), one.textContent])"
    )
    return [(int(ground[len("var(--kd-mark-") : -1]), letters) for ground, letters in found]


def expected_strips(explorer, curve, tau):
    row = explorer.run["curves"][curve]["rows"][explorer.run["taus"].index(tau)]
    return [
        (chain, letters)
        for chain, (n, texts) in enumerate(zip(row["strips"], row["texts"], strict=True))
        for letters in [*texts, *[""] * n][:n]
    ]


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
        assert strips(page) == expected_strips(explorer, "distilled", tau)
        index = explorer.run["taus"].index(tau)
        effective = explorer.run["curves"]["distilled"]["rows"][index]["effective"]
        assert page.locator(".kd-effective b").inner_text() == f"{effective:.1f}"
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
        assert strips(page) == expected_strips(explorer, curve, 0.8)
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


def test_strips_take_the_colour_of_their_chain(show):
    page = show(TemperatureExplorer(toy_results()))
    bars = [bar.evaluate(GROUND) for bar in page.locator(".kd-bar i").all()]
    assert len(set(bars)) == len(bars)
    grounds = page.locator(".kd-mosaic span").evaluate_all(f"(all) => all.map({GROUND})")
    assert grounds == [bars[chain] for chain, _ in strips(page)]


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
            state["state"]["run"]["curves"]["distilled"]["rows"][-1]["texts"][0] = [
                "<img src=x onerror=alert(1)>"
            ]

    page = show(explorer, change=spoil)
    assert strips(page)[0] == (0, "<img src=x onerror=alert(1)>")
    assert page.locator(".kd-explorer img").count() == 0
    assert watched.faults == []


def tokens(page, text):
    """The tokens of one text of a language model, as elements."""
    return page.locator(".kd-texts li").nth(text).locator(".kd-tokens > span:not(.kd-spoken)")


def shown_texts(explorer, curve, tau):
    run = explorer.run
    return run["curves"][curve]["rows"][run["taus"].index(tau)]["texts"]


def test_texts_of_a_language_model_follow_tau(show, watched):
    explorer = TemperatureExplorer(language_results())
    page = show(explorer)
    for key, tau in ((None, 1), ("ArrowLeft", 0.8), ("Home", 0.5)):
        if key:
            slider(page).press(key)
        expected = shown_texts(explorer, "distilled", tau)
        for i, text in enumerate(expected):
            row = page.locator(".kd-texts li").nth(i)
            assert tokens(page, i).all_text_contents() == text["tokens"]
            assert row.locator(".kd-tokens > i").all_text_contents() == ["The"]
            assert row.locator(".kd-number").text_content() == f"{text['mean']:.1f}".replace("-", "−")
        assert tokens(page, 0).last.text_content() == "⟨end⟩", "the padding is not shown"
    assert watched.faults == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_tokens_take_the_ground_of_their_log_probability(show, theme):
    explorer = TemperatureExplorer(language_results())
    page = show(explorer, theme=theme)
    legend = page.locator(".kd-scale span")
    assert legend.all_text_contents() == [*(f"≥ −{edge:g}" for edge in EDGES), "less"]
    grounds = [step.evaluate(GROUND) for step in legend.all()]
    assert len(set(grounds)) == len(GROUNDS)
    for i, text in enumerate(shown_texts(explorer, "distilled", 1)):
        own = [token.evaluate(GROUND) for token in tokens(page, i).all()]
        assert own == [grounds[sum(-score > edge for edge in EDGES)] for score in text["mark"]]


def test_arrows_move_from_token_to_token_through_one_tab_stop(show, watched):
    explorer = TemperatureExplorer(language_results(), curve="teacher")
    page = show(explorer)
    texts = shown_texts(explorer, "teacher", 1)
    page.get_by_role("radio", name="teacher").focus()
    page.keyboard.press("Tab")
    last = len(texts[1]["tokens"]) - 1
    steps = ((None, 0, 0), ("ArrowRight", 0, 1), ("ArrowLeft", 0, 0), ("ArrowLeft", 0, 0), ("ArrowDown", 1, 0),
             ("End", 1, last), ("ArrowRight", 2, 0), ("ArrowUp", 1, 0), ("Home", 1, 0))  # fmt: skip
    for key, i, j in steps:
        if key:
            page.keyboard.press(key)
        token, score = texts[i]["tokens"][j], texts[i]["mark"][j]
        assert tokens(page, i).nth(j).evaluate("(e) => e === document.activeElement")
        words = page.locator(".kd-token").text_content()
        assert words.startswith(f"“{token}” {score:.2f} nats, probability ".replace("-", "−"))
        assert float(words.split()[-1]) == pytest.approx(np.exp(score), rel=0.06)
        assert page.locator(".kd-texts [tabindex], .kd-texts [role]").count() == 1
        assert page.get_by_role("slider", name="token").get_attribute("aria-valuetext") == words
    tokens(page, 3).nth(2).click()
    assert page.locator(".kd-token").text_content().startswith(f"“{texts[3]['tokens'][2]}”")
    page.keyboard.press("Tab")
    assert not page.locator(".kd-texts :focus").count(), "the next Tab leaves the texts"
    assert watched.faults == []


def test_dots_follow_tau_and_the_choice_of_model(show):
    explorer = TemperatureExplorer(language_results())
    page = show(explorer, theme="light")
    last = None
    for key, curve, tau in ((None, "distilled", 1), ("Home", "distilled", 0.5), (None, "cooled", 0.5)):
        if key:
            slider(page).press(key)
        page.get_by_role("radio", name=NAMES[curve]).check()
        drawn = {
            kind: [
                [float(dot.get_attribute(name)) for name in ("cx", "cy")]
                for dot in page.locator(f"circle.kd-dot-{kind}").all()
            ]
            for kind in ("truth", "model")
        }
        assert len(drawn["truth"]) == len(drawn["model"]) == DOTS
        assert all(0 < x < 480 and 0 < y < 260 for dots in drawn.values() for x, y in dots)
        given = np.array(explorer.run["truth"]["points"])
        (slope, start), (down, _) = (
            np.polyfit(given[:, i], np.array(drawn["truth"])[:, i], 1) for i in (0, 1)
        )
        assert down == pytest.approx(-slope, rel=0.01), "one scale in both directions"
        row = explorer.run["curves"][curve]["rows"][explorer.run["taus"].index(tau)]
        assert np.array(drawn["model"])[:, 0] == pytest.approx(
            start + slope * np.array(row["points"])[:, 0], abs=0.3
        )
        assert drawn["model"] != last
        last = drawn["model"]
        coverage = f"{0.8 * tau:.2f} ± 0.01"
        assert page.locator(".kd-coverage b").text_content() == coverage
        assert f"of the {NAMES[curve]} at τ = {tau}" in page.locator(".kd-geometry svg").get_attribute(
            "aria-label"
        )
        words = page.locator(".kd-words").text_content()
        assert words.endswith(
            f"Its texts cover {coverage} of the truth’s; new texts of the truth cover 0.90 ± 0.01."
        )
        colour = plots.COLOURS["student" if curve == "distilled" else "direct"].lstrip("#")
        rgb = ", ".join(str(int(colour[i : i + 2], 16)) for i in (0, 2, 4))
        fill = page.locator("circle.kd-dot-model").first.evaluate("(e) => getComputedStyle(e).fill")
        assert fill == f"rgb({rgb})"


@pytest.mark.parametrize("piece", ["<img src=x onerror=alert(1)>", "</script><img src=x>", "\"'&amp;<!--"])
def test_pieces_are_never_markup(show, watched, piece):
    pieces = dict.fromkeys(range(2, 8), piece)
    explorer = TemperatureExplorer(language_results(pieces))
    page = show(explorer)
    assert tokens(page, 1).first.text_content() == pieces[3]
    tokens(page, 1).first.click()
    assert page.locator(".kd-token").text_content().startswith(f"“{pieces[3]}”")
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


@BOTH
@pytest.mark.parametrize("width", [360, 638, 1280])
def test_everything_fits(show, watched, width, results):
    watched.page.set_viewport_size({"width": width, "height": 800})
    page = show(TemperatureExplorer(results()))
    assert page.evaluate(SIDEWAYS) <= 0
    assert page.evaluate(CROSSING) == 0
    assert page.evaluate(TOO_WIDE) == []
    box = page.locator(".kd-chart").bounding_box()
    assert all(0 < x < box["width"] and 0 < y < box["height"] for x, y in points(page).values())


def test_theme_follows_the_page(show):
    page = show(TemperatureExplorer(toy_results()), theme="dark")
    dark = page.locator(".kd-figure").evaluate(GROUND)
    page.evaluate("() => (document.documentElement.dataset.theme = 'light')")
    page.locator(".kd-explorer[data-theme=light]").wait_for()
    assert page.locator(".kd-figure").evaluate(GROUND) == "rgb(255, 255, 255)" != dark


@BOTH
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_serious_fault(show, theme, results):
    page = show(TemperatureExplorer(results()), theme=theme)
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
