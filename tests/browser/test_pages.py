"""Each page is whole without a network: mathematics, pictures and fonts, light and dark, wide and narrow."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from chapters import pages

CONTRAST = """() => {
  const light = (css) => {
    const [r, g, b] = css.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll("math :is(.truth, .teacher, .student, .direct)")].map((symbol) => {
    const ink = light(getComputedStyle(symbol).color);
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  });
}"""


@pytest.fixture(params=["http", "file"])
def home(request, site, serve):
    return serve(site) if request.param == "http" else site.as_uri()


def sideways(page):
    return page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize("name", [*pages(), "search", "genindex"])
def test_page_is_complete_without_a_network(name, home, watched):
    page = watched.page
    watched.open(f"{home}/{name}.html")

    assert page.locator("main merror").count() == 0
    if page.locator("main math").count():
        loaded = "() => [...document.fonts].some((f) => f.family.includes('STIX') && f.status === 'loaded')"
        assert page.evaluate(loaded)
    assert page.evaluate("() => [...document.fonts].filter((f) => f.status === 'error').length") == 0
    assert page.evaluate("() => [...document.images].filter((i) => !i.naturalWidth).map((i) => i.src)") == []

    assert page.get_by_text("This control needs a live kernel.").count() == 0  # a progress bar, say

    too_wide = (
        "() => [...document.querySelectorAll('.cell pre')].filter((p) => p.scrollWidth > p.clientWidth)"
    )
    assert page.evaluate(f"{too_wide}.map((p) => p.innerText)") == [], "a cell needs a scroll bar"
    assert sideways(page) <= 0

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function("(scheme) => document.documentElement.dataset.theme === scheme", arg=scheme)
        assert all(contrast >= 4.5 for contrast in page.evaluate(CONTRAST))

    page.set_viewport_size({"width": 360, "height": 800})
    assert sideways(page) <= 0
    cut_off = "(f) => f.checkVisibility() && f.getBoundingClientRect().left < f.parentElement.getBoundingClientRect().left - 1"
    assert (
        page.evaluate(f"() => [...document.querySelectorAll('.formula math')].filter({cut_off}).length") == 0
    )
    weight = "() => performance.getEntries().reduce((sum, e) => sum + (e.decodedBodySize || 0), 0)"
    assert page.evaluate(weight) < 2_000_000  # bytes, without compression; a file's are not counted
    assert watched.faults == []


def test_search_finds_a_page(home, watched):
    watched.open(f"{home}/search.html?q=teacher")
    watched.page.locator("#search-results li a").first.wait_for()
    assert watched.faults == []


# Contrast is of themes and kinds of content, and takes most of the time: these pages have all kinds between them.
CONTRASTED = [
    name for name in pages() if name in ("intro", "widgets") or name.endswith(("trade-off", "smollm2"))
]
CHECKED = [(name, "light", {"rules": {"color-contrast": {"enabled": False}}}) for name in pages()]
CHECKED += [
    (name, scheme, {"runOnly": ["color-contrast"]}) for name in CONTRASTED for scheme in ("light", "dark")
]


@pytest.mark.parametrize(("name", "scheme", "options"), CHECKED)
def test_axe_finds_no_serious_fault(name, scheme, options, site, serve, watched):
    watched.page.emulate_media(color_scheme=scheme)
    watched.open(f"{serve(site)}/{name}.html")
    watched.page.wait_for_function("() => document.getAnimations().every((a) => a.playState !== 'running')")
    found = Axe().run(watched.page, options=options).response["violations"]
    faults = [fault for fault in found if fault["impact"] in ("serious", "critical")]
    assert [(fault["id"], [node["html"][:160] for node in fault["nodes"][:4]]) for fault in faults] == []
