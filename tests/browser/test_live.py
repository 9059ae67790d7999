"""Python in a page of the book: a mode of p* is dragged on a static page, and the numbers are those of a native fit."""

import base64
import json
import os
import re
import shutil

import numpy as np
import pytest
from explorer_pages import drawn
from explorer_pages import page as static_page

import kdlite as kd
from kdlite.explorer import Explorer, runtime
from kdlite.explorer.family import BETAS
from kdlite.explorer.storage import Family
from kdlite.page import LOADER

# Keeps what each worker says, and counts workers.
SPY = """
window.said = [];
window.workers = [];
window.Worker = class extends Worker {
  constructor(address) {
    super(address);
    window.workers.push(this);
    this.addEventListener("message", ({ data }) => {
      const content = data.content && btoa(String.fromCharCode(...data.content));
      window.said.push({ ...data, content });
    });
  }
};
"""
SETTLED = "(view) => !document.querySelectorAll('.kd-notes[role=status]')[view].innerText.includes('Fitting')"


@pytest.fixture(scope="session")
def live_site(once):
    """A page with two explorers, and Python beside it as in the book."""

    def make(folder):
        try:
            content = runtime.scripts()["runtime.js"]
        except ConnectionError as error:
            return str(error)
        write(folder, content, Explorer(beta=4), Explorer(beta=10, student_components=2))
        return ""

    folder, missing = once("live", make)
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return folder


def write(folder, runtime, *explorers):
    (folder / "_static").mkdir()
    shutil.copy(LOADER, folder / "_static")
    if runtime:
        (folder / "_static" / "runtime.js").write_text(runtime)
    (folder / "page.html").write_text(static_page(explorers, live=True))


@pytest.fixture(params=["http", "file"])
def live(request, live_site, serve, watched):
    """The page once both explorers are drawn; what was loaded is in ``loaded``."""
    watched.loaded = []
    watched.page.on("request", lambda asked: watched.loaded.append(asked.url.split("/")[-1]))
    watched.page.add_init_script(SPY)
    home = serve(live_site) if request.param == "http" else live_site.as_uri()
    watched.open(f"{home}/page.html")
    watched.page.locator(".kd-words:not(:empty)").nth(1).wait_for()
    return watched


def handle(page, view=0, k=0):
    return page.locator(".kd-explorer").nth(view).locator(".kd-handles button").nth(k)


def drag(page, dx, dy, view=0, k=0):
    """Drag a mode by this many pixels, and wait for the whole curve."""
    handle(page, view, k).scroll_into_view_if_needed()
    box = handle(page, view, k).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx, y + dy, steps=8)
    page.mouse.up()
    settle(page, view)


def settle(page, view=0):
    drawn(page)
    page.wait_for_function(SETTLED, arg=view, timeout=60_000)


def last_answer(page):
    """The family that the page got last, and whose explorer's."""
    said = page.evaluate("said.filter(({ content }) => content).at(-1)")
    return Family.from_bytes(base64.b64decode(said["content"])), said["model"]


def numbers(page, view=0):
    cells = page.locator(".kd-explorer").nth(view).locator("[data-curve=distilled] td").all_text_contents()
    return [float(cell.replace("−", "-")) for cell in cells]


def native(answer, truth, beta, n_student):
    teacher = kd.fit_mixture(truth, 4, n_init=4)
    student = kd.fit_mixture(teacher.sharpen(beta), n_student, n_init=4)
    return [score(student, truth=truth).value for score in (kd.precision, kd.recall)]


def test_a_dragged_mode_ends_at_the_numbers_of_a_native_fit(live):
    page = live.page
    assert "runtime.js" not in live.loaded and page.evaluate("workers.length") == 0, "nothing before a touch"
    before = numbers(page)
    drag(page, 60, 40)
    answer, model = last_answer(page)
    assert model == 0 and answer.header["betas"] == list(BETAS)
    place = [
        float(v.replace("−", "-")) for v in re.findall(r"[−\d.]+\d", handle(page).get_attribute("aria-label"))
    ]
    np.testing.assert_allclose(answer.header["modes"][0][1:3], place, atol=0.006)
    rows = np.array(answer.header["modes"])
    truth = kd.GaussianMixture(
        rows[:, 0] / rows[:, 0].sum(), rows[:, 1:3], rows[:, [3, 4, 4, 5]].reshape(-1, 2, 2)
    )
    expected = native(answer, truth, 4, 1)
    found = answer.arrays["distilled_score"][0, 0, 0, answer.at("betas", 4)]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    assert numbers(page) == pytest.approx(expected, abs=6e-4) and numbers(page) != before

    handle(page).focus()
    handle(page).press("ArrowDown")
    settle(page)
    assert last_answer(page)[0].header["modes"][0][2] == pytest.approx(place[1] - 0.05, abs=0.006)

    drag(page, -30, 10, view=1, k=2)  # the other explorer is answered by the same worker
    answer, model = last_answer(page)
    assert model == 1 and answer.header["student_components"] == [2]
    assert page.evaluate("workers.length") == 1 and live.loaded.count("runtime.js") == 1

    page.locator("summary").first.click()
    page.get_by_role("button", name="New samples").first.click()
    runs = page.get_by_text(re.compile("[0-9]+ new runs of the paper’s sampled recipe"))
    runs.wait_for(timeout=60_000)
    first = runs.inner_text()
    page.wait_for_function(
        "([e, first]) => e.innerText !== first", arg=[runs.element_handle(), first], timeout=60_000
    )
    page.get_by_role("button", name="Put the modes back").first.click()
    assert numbers(page) == before
    assert live.faults == []


def test_questions_do_not_queue_and_leaving_the_page_ends_python(live_site, watched):
    """While a fit is under way the reader goes on; then one question is asked, about where the reader is."""
    page = watched.page
    page.add_init_script(SPY)
    watched.open(f"{live_site.as_uri()}/page.html")
    handle(page).wait_for()
    drag(page, 10, 10)
    page.evaluate("said.length = 0")
    box = handle(page).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(
        """([clientX, clientY]) => { for (let i = 0; i < 200; i++) document.activeElement.dispatchEvent(
          new PointerEvent("pointermove", { pointerId: 1, clientX: clientX + i / 5, clientY })); }""",
        [x, y],
    )
    page.mouse.up()
    settle(page)
    assert 1 < page.evaluate("said.length") <= 4  # the first, the last and the curve
    place = handle(page).get_attribute("aria-label").split(" at ")[1].replace("−", "-").split(", ")
    np.testing.assert_allclose(last_answer(page)[0].header["modes"][0][1:3], [*map(float, place)], atol=0.006)

    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    drag(page, 20, 10)  # it wakes again where the reader comes back
    assert page.evaluate("workers.length") == 2


def test_a_truth_of_ones_own_is_made_and_kept_in_the_address(live_site, watched):
    page = watched.page
    page.add_init_script(SPY)
    watched.open(f"{live_site.as_uri()}/page.html")
    handle(page).wait_for()
    page.locator("summary").first.click()
    page.get_by_label("Start from").first.select_option("a far outlier")
    settle(page)
    handle(page, k=2).focus()
    page.get_by_label("its weight").first.press("ArrowRight")
    settle(page)
    page.get_by_label("its width").first.press("ArrowRight")
    settle(page)
    page.get_by_role("button", name="Add a mode").first.click()
    settle(page)
    handle(page, k=0).press("Delete")
    settle(page)
    rows = np.array(last_answer(page)[0].header["modes"])
    assert rows.shape == (6, 6) and rows[:, 0].sum() == pytest.approx(1)
    np.testing.assert_allclose(rows[1, 3:], [0.2**2, 0, 0.2**2])  # the next width after 0.16
    np.testing.assert_allclose(rows[4, 1:3], [1.7, 1.7])  # the outlier has moved up, the new mode is last

    other = watched.page.context.new_page()
    other.goto(page.url)
    handle(other).wait_for()
    assert other.locator(".kd-explorer").first.locator(".kd-handles button").count() == 6
    assert other.locator(".kd-explorer").nth(1).locator(".kd-handles button").count() == 8, "the first has it"
    assert "Touch a mode" in other.locator(".kd-notes[role=status]").first.inner_text()
    handle(other).press("ArrowUp")
    settle(other)
    assert numbers(other) != numbers(other, view=1)
    other.locator("summary").first.click()
    other.get_by_role("button", name="Put the modes back").first.click()
    other.wait_for_function("!location.hash")
    other.close()


@pytest.mark.parametrize(
    "truth",
    [
        "",
        "1",
        "1,0,0,1,0",
        "1,0,0,1,2,1",
        "NaN,0,0,1,0,1",
        "1,9,0,1,0,1",
        "-1,0,0,1,0,1",
        ";" * 30,
        "<img src=x>",
    ],
)
def test_an_address_that_holds_no_truth_is_said_and_changes_nothing(live_site, watched, truth):
    watched.open(f"{live_site.as_uri()}/page.html#truth={truth}")
    handle(watched.page).wait_for()
    assert watched.page.locator(".kd-handles").first.locator("button").count() == 8
    said = watched.page.locator(".kd-notes[role=status]").first.inner_text()
    assert said.startswith("This truth cannot be fitted: the address of this page")
    assert watched.faults == []


def another_numpy(packed):
    packed["files"][runtime.NUMPY] = packed["files"]["kdlite.zip"]
    return packed


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda packed: None, "a file of the page is missing"),
        (another_numpy, "numpy"),
    ],
    ids=["missing", "another NumPy"],
)
def test_where_python_cannot_start_the_page_says_so_once_and_sliders_go_on(
    live_site, watched, tmp_path, spoil, reason
):
    start, content = (live_site / "_static" / "runtime.js").read_text().split(" = ", 1)
    packed = spoil(json.loads(content.removesuffix(";\n")))
    write(tmp_path, packed and f"{start} = {json.dumps(packed)}", Explorer(beta=4), Explorer(beta=4))
    page = watched.page
    watched.open((tmp_path / "page.html").as_uri())
    handle(page).wait_for()
    before = numbers(page)
    handle(page).focus()
    handle(page).press("ArrowDown")
    note = page.get_by_text(re.compile(f"Python could not start in this page \\(.*{re.escape(reason)}"))
    note.first.wait_for(timeout=60_000)
    assert note.count() == 1
    assert numbers(page) == before, "the stored fits are back"
    page.locator(".kd-explorer").first.get_by_label("β", exact=True).press("End")
    assert numbers(page) != before


def test_a_saved_page_may_carry_python(live_site, watched, tmp_path):
    truth = kd.GaussianMixture([0.7, 0.3], [(-1.2, 0), (1, 0.5)], [0.1 * np.eye(2), [[0.2, 0.1], [0.1, 0.2]]])
    explorer = Explorer(truth, teacher_components=2, beta=4)
    explorer.save_html(tmp_path / "page.html", live=True)
    watched.page.add_init_script(SPY)
    watched.open((tmp_path / "page.html").as_uri())
    handle(watched.page).wait_for()
    drag(watched.page, 30, 10, k=1)
    answer, _ = last_answer(watched.page)
    np.testing.assert_allclose(answer.header["modes"][1][3:], [0.2, 0.1, 0.2], rtol=1e-6)
    assert watched.faults == []
