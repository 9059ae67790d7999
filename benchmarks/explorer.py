"""The explorer in a real browser: how soon it is there, how fast it answers, and beside ipywidgets.interact.

In a static page: page load to the first frame, and input event to finished frame over 500 random moves of random
sliders by the mouse. In JupyterLab: the same picture redrawn by ipywidgets.interact with matplotlib, in turn with the
moves.
"""

import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

from explorer_pages import page as static_page  # noqa: E402
from lab import jupyterlab, run_all, write_notebook  # noqa: E402

from benchmarks.measure import Row, hand_over, ratios, spread  # noqa: E402
from kdlite.explorer import Explorer  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VIEW = {"width": 1400, "height": 1200}
LOADS, REPEATS, MOVES, REDRAWS = 7, 3, 500, 5

# For each input event: the time to the end of its drawing; that and the time the browser then spends on styles,
# layout and paint; and the time until all of it is done, which includes the wait for the display's next refresh.
WATCH = """() => {
  window.times = { drawn: [], finished: [], shown: [] };
  let start = 0, drawn = 0;
  const channel = new MessageChannel();
  channel.port1.onmessage = ({ data }) => {
    const end = performance.now();
    window.times.drawn.push(data.drawn);
    window.times.finished.push(data.drawn + end - data.refresh);
    window.times.shown.push(end - data.start);
  };
  document.addEventListener("input", () => (start = performance.now()), true);
  document.addEventListener("kdlite:frame", () => {
    if (!start) return;
    const event = { start, drawn: performance.now() - start };
    start = 0;
    requestAnimationFrame(() => channel.port2.postMessage({ ...event, refresh: performance.now() }));
  });
}"""
FIRST = """document.addEventListener("kdlite:frame", () => (window.first ??= performance.now()));"""
REDRAWN = """() => {
  window.redraws = [];
  let start = 0;
  document.addEventListener("keydown", () => (start = performance.now()), true);
  new MutationObserver((records) => {
    for (const { addedNodes } of records)
      for (const node of addedNodes) {
        const image = node.querySelector?.("img");
        if (image && start)
          image.decode().then(() => requestAnimationFrame(() => {
            window.redraws.push(performance.now() - start);
            start = 0;
          }));
      }
  }).observe(document.querySelector(".jp-Notebook"), { childList: true, subtree: true });
}"""
INTERACT = """
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import kdlite as kd
from kdlite import plots
from kdlite.plots.plane import _plane
from kdlite.explorer.family import BETAS
from kdlite.mixtures.examples import ring

truth = ring(0.25)
sweep = kd.sweep(truth, betas=BETAS, teacher_components=4, student_components=1)

@ipywidgets.interact(stop=ipywidgets.IntSlider(14, 0, len(BETAS) - 1))
def draw(stop):
    fig, axes = plots.figure(3, width=3.4)
    teacher, student = sweep.sharpened[0][stop], sweep.students[0][stop]
    _plane(axes[0, 0], "", {"truth": truth, "teacher": teacher, "student": student}, 2.0)
    plots.frontier(sweep, truth, ax=axes[0, 1], mark=(BETAS[stop],))
    axes[0, 2].bar(np.arange(4), teacher.weights, color=plots.COLOURS["teacher"])
    display(fig)
"""


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def time_moves(page: Page, rng: random.Random) -> dict[str, list[float]]:
    """Random moves of random sliders by the mouse, and their times; see WATCH."""
    page.evaluate(WATCH)
    page.locator(".kd-more").evaluate("(more) => (more.open = true)")
    sliders = [page.get_by_label(name, exact=True) for name in
               ("β", "β", "β", "student components", "teacher components", "truth weights")]  # fmt: skip
    boxes = [slider.bounding_box() for slider in sliders]
    held = None
    while page.evaluate("window.times.shown.length") < MOVES:
        box = rng.choice(boxes)
        y = box["y"] + box["height"] / 2
        if box is not held:
            page.mouse.up()
            page.mouse.move(box["x"] + rng.random() * box["width"], y)
            page.mouse.down()
            held = box
        page.mouse.move(box["x"] + rng.random() * box["width"], y)
        page.wait_for_timeout(30 * rng.random())  # at any moment of the browser's own frames
    page.mouse.up()
    return page.evaluate("window.times")


def load(browser, page_file: Path) -> list[float]:
    """Milliseconds from the page's load to the explorer's first frame, each time in a browser that has seen nothing."""
    loads = []
    for _ in range(LOADS):
        with browser.new_context(viewport=VIEW) as context:
            page = context.new_page()
            page.add_init_script(FIRST)
            page.goto(page_file.as_uri())
            page.wait_for_function("window.first")
            loads.append(page.evaluate("window.first"))
    return loads


def move(browser, page_file: Path, seed: int) -> dict[str, list[float]]:
    """Milliseconds of each move in the static page; see WATCH."""
    with browser.new_context(viewport=VIEW) as context:
        page = context.new_page()
        page.goto(page_file.as_uri())
        page.locator(".kd-words:not(:empty)").wait_for()
        return time_moves(page, random.Random(seed))


def redraw(page: Page) -> list[float]:
    """Milliseconds of each redrawing by interact, from the key to the picture."""
    page.evaluate("window.redraws.length = 0")
    handle = page.locator(".noUi-handle").first
    for i in range(REDRAWS):
        handle.focus()
        page.keyboard.press("ArrowRight" if i % 2 else "ArrowLeft")
        page.wait_for_function(f"window.redraws.length > {i}")
    return page.evaluate("window.redraws")


def measure(browser, folder: Path) -> list[Row]:
    """All of it."""
    page_file = folder / "page.html"
    page_file.write_text(static_page([Explorer(beta=4)]))
    write_notebook(folder / "interact.ipynb", INTERACT)
    loads, moves, redraws = load(browser, page_file), [], []
    with jupyterlab(folder) as address, browser.new_context(viewport=VIEW) as context:
        page = context.new_page()
        run_all(page, address, "interact.ipynb")
        page.locator(".jp-OutputArea img").wait_for(timeout=60_000)
        page.evaluate(REDRAWN)
        for seed in range(REPEATS):
            moves.append(move(browser, page_file, seed))
            redraws.append(redraw(page))
    ours, theirs = ([statistics.median(t) for t in times] for times in ([m["shown"] for m in moves], redraws))
    parts = {
        name: spread([p95(times[name]) for times in moves], "ms") for name in ("finished", "drawn", "shown")
    }
    return [
        Row(
            "a slider moved: from input to picture",
            spread(ours, "ms"),
            f"interact and matplotlib: {spread(theirs, 'ms')}",
            ratios(theirs, ours),
            f"medians of {MOVES} moves and of {REDRAWS} key presses; ours in a static page, theirs in JupyterLab; "
            "both have their fits ready",
        ),
        Row(
            "explorer: 95th percentile from input to finished frame",
            parts["finished"],
            "at most 16 ms asked",
            remark=f"of that drawing {parts['drawn']}; with the wait for a refresh {parts['shown']}",
        ),
        Row("explorer: page load to first frame", spread(loads, "ms"), "at most 1500 ms asked"),
    ]


def in_browser(name: str, measure: Callable[[Browser, Path], list[Row]]) -> list[Row]:
    """What is measured in the first browser found, with a folder for its pages."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        return [Row(name, "not measured", remark="no Chrome or Chromium on this machine")]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path)
        found = measure(browser, Path(folder))
        browser.close()
    return found


def rows() -> list[Row]:
    """All of it."""
    return in_browser("explorer", measure)


if __name__ == "__main__":
    hand_over(rows())
