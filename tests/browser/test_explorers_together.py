"""Eight explorers on one page: each is drawn for itself, only where it is seen, and what is the same is held once."""

from collections import Counter

import pytest

from kdlite.explorer import Explorer

MANY = 8
CANVASES = 4  # of an explorer; each is cleared once when it is drawn
COUNT = """
window.drawn = [];
const { clearRect } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.clearRect = function (...box) {
  const explorers = [...document.querySelectorAll(".kd-explorer")];
  window.drawn.push(explorers.findIndex((explorer) => explorer.contains(this.canvas)));
  return clearRect.apply(this, box);
};
window.calls = { atob: 0, createObjectURL: 0 };
for (const [owner, name] of [[window, "atob"], [URL, "createObjectURL"]]) {
  const call = owner[name];
  owner[name] = (...values) => (window.calls[name]++, call.apply(owner, values));
}
"""
PIXELS = "(canvas) => canvas.toDataURL()"


def drawn(page):
    """How often each explorer has been drawn since this was last asked, once the browser had time for two frames."""
    page.evaluate(
        "() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(go))))"
    )
    return {view: n / CANVASES for view, n in Counter(page.evaluate("drawn.splice(0)")).items()}


def explorer(page, view):
    return page.locator(".kd-explorer").nth(view)


def slider(page, view):
    return explorer(page, view).get_by_label("β", exact=True)


@pytest.fixture
def many(show, watched):
    """A page of eight explorers that are different, or of eight views of one."""

    def open_page(linked=False):
        watched.page.add_init_script(COUNT)
        watched.page.emulate_media(reduced_motion="reduce")  # samples that glide would draw more frames
        one = Explorer(beta=4)
        return show(*[one], views=[one] * MANY) if linked else show(*[Explorer(beta=4) for _ in range(MANY)])

    return open_page


def test_each_is_drawn_once_at_first(many):
    assert drawn(many()) == dict.fromkeys(range(MANY), 1)


def test_module_and_fits_are_decoded_once(many):
    # The second text is the answer of a kernel, which all are without.
    assert many().evaluate("calls") == {"atob": 2, "createObjectURL": 1}


def test_moving_one_draws_only_that_one(many):
    page = many()
    for view in (0, 5):
        slider(page, view).focus()
        drawn(page)
        page.keyboard.press("ArrowRight")
        assert drawn(page) == {view: 1}


def test_views_of_one_are_drawn_where_they_are_seen(many):
    page = many(linked=True)
    slider(page, 0).focus()
    drawn(page)
    page.keyboard.press("End")
    seen = drawn(page)
    assert 0 in seen and len(seen) < MANY
    assert explorer(page, MANY - 1).locator(".kd-beta output").inner_text() == "100", (
        "words and numbers follow"
    )
    explorer(page, MANY - 1).scroll_into_view_if_needed()
    assert drawn(page)[MANY - 1] == 1
    plane = page.locator(".kd-plane canvas")
    assert plane.nth(0).evaluate(PIXELS) == plane.nth(MANY - 1).evaluate(PIXELS)


def test_one_that_plays_out_of_sight_is_not_drawn(many):
    page = many()
    beta = explorer(page, MANY - 1).locator(".kd-beta output")
    explorer(page, MANY - 1).get_by_role("button", name="Play").click()
    page.evaluate("scrollTo(0, 0)")
    drawn(page)
    before = beta.inner_text()
    page.wait_for_function("([b, before]) => b.innerText !== before", arg=[beta.element_handle(), before])
    assert drawn(page) == {}


def test_a_new_theme_is_drawn_everywhere_and_other_attributes_nowhere(many):
    page = many()
    drawn(page)
    page.evaluate("document.body.classList.add('scrolled')")
    assert drawn(page) == {}
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert drawn(page) == dict.fromkeys(range(MANY), 1)


def test_what_is_out_of_date_is_drawn_before_printing(many):
    page = many(linked=True)
    slider(page, 0).press("End")
    seen = drawn(page)
    page.pdf()
    assert set(drawn(page)) >= set(range(MANY)) - set(seen)
    assert len({canvas.evaluate(PIXELS) for canvas in page.locator(".kd-plane canvas").all()}) == 1
