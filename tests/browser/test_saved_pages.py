"""Saved explorers and texts, opened from file:// with every host out of reach: they move, and fit a narrow page."""

from dataclasses import replace

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from explorer_pages import drawn
from languages import llama
from toy_results import language_results, toy_results

import kdlite as kd
from kdlite.lm import Language, Surprisal, TemperatureExplorer
from kdlite.runs import report
from kdlite.runs.audit import Auditing
from kdlite.texts.language import Reading

TRUTH = kd.GaussianMixture([0.7, 0.3], [(-1.2, 0), (1, 0.5)], [0.1 * np.eye(2), 0.2 * np.eye(2)])


# Each would set window.hacked, or end the script or the comment it stands in.
HOSTILE = "</script><img src=x onerror='hacked = 1'><script>hacked = 1</script><!-- ]]> &amp; \u2028"


def texts(tokenizer=None):
    language = Language(vocabulary=9, length=3, prompt=(1,), eos=0)
    return Surprisal(Reading(language, np.array([[7, 8, 0]]), np.float32([[-0.2, -9, -3]]), None), tokenizer)


class Hostile:
    """A tokenizer of which every token, also that of the prompt, is hostile."""

    def decode(self, ids):
        return HOSTILE * len(ids)


def hostile_run():
    """A run whose tokens, prompt and names are hostile."""
    results = language_results(dict.fromkeys(range(2, 8), HOSTILE))
    results.profile["truth"]["prompt"] = results.profile["name"] = HOSTILE
    return TemperatureExplorer(replace(results, source=HOSTILE, provenance={"device": HOSTILE}))


SAVED = {
    "explorer": lambda: kd.Explorer(TRUTH, teacher_components=2, beta=4),
    "chains": lambda: TemperatureExplorer(toy_results()),
    "texts of a model": lambda: TemperatureExplorer(language_results()),
    "surprisal": texts,
}


@pytest.fixture(params=SAVED)
def saved(request, tmp_path, watched):
    """A saved page, opened, and what went wrong on it."""
    SAVED[request.param]().save_html(tmp_path / "page.html", title="My truth <b>")
    watched.open((tmp_path / "page.html").as_uri())
    watched.page.locator(".kd-words:not(:empty), .kd-surprisal").first.wait_for()
    return watched


def test_heading_and_content_are_there(saved):
    assert saved.page.get_by_role("heading", level=1).inner_text() == "My truth <b>"
    assert saved.page.locator(".kd-message:visible, .widget-note").count() == 0
    assert saved.faults == []


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (SAVED["explorer"], "h1"),
        (hostile_run, ".kd-tokens span"),
        (lambda: texts(Hostile()), ".kd-surprisal span"),
    ],
    ids=["explorer", "run", "surprisal"],
)
def test_hostile_text_stays_text(shown, text, tmp_path, watched):
    shown().save_html(tmp_path / "page.html", title=HOSTILE)
    watched.open((tmp_path / "page.html").as_uri())
    page = watched.page
    page.locator(".kd-words:not(:empty), .kd-surprisal").first.wait_for()
    assert page.title().split() == HOSTILE.split()
    for place in ("h1", text):  # a browser shows the line separator as it is, the package as an arrow
        assert HOSTILE.split("\u2028")[0] in "".join(page.locator(place).all_text_contents())
    assert page.locator("img").count() == 0 and page.locator("script").count() <= 3
    assert page.evaluate("() => window.hacked") is None
    assert watched.faults == []


def test_the_knob_turns_without_a_kernel(saved):
    for knob in saved.page.get_by_role("slider").all()[:1]:  # of beta, or of tau; texts alone have none
        ends = []
        for key in ("Home", "End"):
            knob.press(key)
            drawn(saved.page)
            ends.append(
                (knob.get_attribute("aria-valuetext"), saved.page.locator(".kd-words").text_content())
            )
        assert ends[0][0] != ends[1][0] and ends[0][1] != ends[1][1]
    assert saved.faults == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_page_shows_all_in_either_theme(saved, scheme):
    page = saved.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 800})
    page.wait_for_timeout(300)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    faults = [f for f in Axe().run(page).response["violations"] if f["impact"] in ("serious", "critical")]
    assert [(fault["id"], fault["nodes"][0]["html"][:160]) for fault in faults] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_audit_is_read_by_keyboard_on_a_narrow_page_in_either_theme(scheme, tmp_path, watched):
    language = Language(12, 8, (1, 3), eos=2)
    models = {"truth": llama(language), "student": llama(language, seed=2), "direct": llama(language, seed=3)}
    report.save(Auditing(models, tmp_path / "texts", n=8).carry_out(), tmp_path / "page.html")
    page = watched.page
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 800})
    watched.open((tmp_path / "page.html").as_uri())
    page.locator("summary").press("Enter")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    page.get_by_role("radio").first.press("Space")
    first = page.locator(".kd-surprisal small:visible").inner_text()
    page.keyboard.press("ArrowRight")
    second = page.locator(".kd-surprisal small:visible").inner_text()
    assert first != second and " nats, probability " in second
    faults = [f for f in Axe().run(page).response["violations"] if f["impact"] in ("serious", "critical")]
    assert [(fault["id"], fault["nodes"][0]["html"][:160]) for fault in faults] == watched.faults == []


def test_an_own_truth_keeps_its_numbers(tmp_path, watched):
    explorer = kd.Explorer(TRUTH, teacher_components=2, beta=4)
    explorer.save_html(tmp_path / "page.html")
    watched.open((tmp_path / "page.html").as_uri())
    row = watched.page.locator(".kd-numbers tbody tr[data-curve=distilled]")
    row.wait_for(state="attached")
    shown = [float(cell.replace("−", "-")) for cell in row.locator("td").all_text_contents()[:2]]
    student = kd.fit_mixture(kd.fit_mixture(TRUTH, 2).sharpen(4), 1)
    expected = [score(student, truth=TRUTH).value for score in (kd.precision, kd.recall)]
    assert shown == pytest.approx(expected, abs=0.006)
