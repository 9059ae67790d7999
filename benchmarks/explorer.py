"""The explorer in a real browser: how soon it is there, how fast it answers, and beside ipywidgets.interact.

In a static page: page load to the first frame, and input event to finished frame over 500 random moves of random
sliders by the mouse. In JupyterLab: the same picture redrawn by ipywidgets.interact with matplotlib, and a mode of
the truth dragged, refitted and redrawn. Prints medians with their range over repeats.
"""

import random
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

from explorer_pages import page as static_page  # noqa: E402
from lab import jupyterlab, run_all, write_notebook  # noqa: E402

from kdlite.explorer import Explorer  # noqa: E402

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOADS, REPEATS, MOVES, REDRAWS, DRAGS, RELEASES = 7, 3, 500, 15, 40, 5

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
DRAGGED = """() => {
  window.refits = [];
  let start = 0;
  document.addEventListener("pointermove", () => (start = performance.now()), true);
  document.addEventListener("pointerup", () => (start = performance.now()), true);
  document.addEventListener("kdlite:frame", ({ detail }) => {
    if (start && !detail.pending) {
      window.refits.push(performance.now() - start);
      start = 0;
    }
  });
}"""
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
from kdlite.explorer.family import BETAS, paper_truth

truth = paper_truth(0.25)
sweep = kd.sweep(truth, betas=BETAS, teacher_components=4, student_components=1)

@ipywidgets.interact(stop=ipywidgets.IntSlider(14, 0, len(BETAS) - 1))
def draw(stop):
    fig, axes = plots.figure(3, width=3.4)
    teacher, student = sweep.sharpened[0][stop], sweep.students[0][stop]
    plots._plane(axes[0, 0], "", {"truth": truth, "teacher": teacher, "student": student}, 2.0)
    plots.frontier(sweep, truth, ax=axes[0, 1], mark=(BETAS[stop],))
    axes[0, 2].bar(np.arange(4), teacher.weights, color=plots.COLOURS["teacher"])
    display(fig)
"""
LIVE = "from kdlite.explorer import Explorer\nexplorer = Explorer(beta=4)\nexplorer"


def spread(values: list[float], unit: str = "ms") -> str:
    """Median and range."""
    return f"{statistics.median(values):.1f} {unit} ({min(values):.1f} to {max(values):.1f})"


def p95(values: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(values, n=20)[-1]


def time_moves(page: Page, rng: random.Random) -> dict[str, list[float]]:
    """Random moves of random sliders by the mouse, and their times; see WATCH."""
    page.evaluate(WATCH)
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


def in_static_page(browser, folder: Path) -> float:
    """Print load and frame times; give the median time from input to drawn picture."""
    (folder / "page.html").write_text(static_page([Explorer(beta=4)]))
    address = (folder / "page.html").as_uri()
    loads, p95s, medians = [], {"drawn": [], "finished": [], "shown": []}, []
    for _ in range(LOADS):
        with browser.new_context(viewport={"width": 1280, "height": 1000}) as context:
            page = context.new_page()
            page.add_init_script(FIRST)
            page.goto(address)
            page.wait_for_function("window.first")
            loads.append(page.evaluate("window.first"))
    print(f"page load to first frame: {spread(loads)}; at most 1500 asked")
    for repeat in range(REPEATS):
        with browser.new_context(viewport={"width": 1280, "height": 1000}) as context:
            page = context.new_page()
            page.goto(address)
            page.locator(".kd-words:not(:empty)").wait_for()
            times = time_moves(page, random.Random(repeat))
            for name, values in p95s.items():
                values.append(p95(times[name]))
            medians.append(statistics.median(times["shown"]))
    print(
        f"input to finished frame, p95 of {MOVES} random moves: {spread(p95s['finished'])}; at most 16 asked"
    )
    print(f"  of that drawing: {spread(p95s['drawn'])}; with the wait for a refresh: {spread(p95s['shown'])}")
    return statistics.median(medians)


def in_jupyterlab(browser, folder: Path, ours: float) -> None:
    """Print the ratio to interact, and the times of dragging a mode."""
    write_notebook(folder / "interact.ipynb", INTERACT)
    write_notebook(folder / "live.ipynb", LIVE)
    with (
        jupyterlab(folder) as address,
        browser.new_context(viewport={"width": 1400, "height": 1200}) as context,
    ):
        page = context.new_page()
        run_all(page, address, "interact.ipynb")
        page.locator(".jp-OutputArea img").wait_for(timeout=60_000)
        page.evaluate(REDRAWN)
        handle = page.locator(".noUi-handle").first
        for i in range(REDRAWS):
            handle.focus()
            page.keyboard.press("ArrowRight" if i % 2 else "ArrowLeft")
            page.wait_for_function(f"window.redraws.length > {i}")
        redraws = page.evaluate("window.redraws")
        print(f"the same picture by interact and matplotlib: {spread(redraws)}")
        print(f"ratio of medians: {statistics.median(redraws) / ours:.0f}; at least 20 asked")

        run_all(page, address, "live.ipynb")
        handle = page.locator(".kd-handles button").first
        handle.wait_for(timeout=60_000)
        page.evaluate(DRAGGED)
        drags, releases = [], []
        for release in range(RELEASES):
            box = handle.bounding_box()
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
            page.mouse.move(x, y)
            page.mouse.down()
            sign = 1 if release % 2 == 0 else -1
            for i in range(1, DRAGS // RELEASES + 1):
                page.evaluate("window.refits.length = 0")
                page.mouse.move(x + sign * 4 * i, y + sign * 3 * i)
                page.wait_for_function("window.refits.length")
                drags += page.evaluate("window.refits.slice(0, 1)")
            page.evaluate("window.refits.length = 0")
            page.mouse.up()
            page.wait_for_function("window.refits.length")
            releases += page.evaluate("window.refits.slice(0, 1)")
        print(f"a mode dragged, refitted and redrawn: {spread(drags)}; median of at most 150 asked")
        print(f"the whole curve after letting go: {spread(releases)}; at most 2000 asked")


def main() -> None:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        sys.exit("no Chrome or Chromium on this machine, so nothing was measured")
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=path)
        ours = in_static_page(browser, Path(folder))
        in_jupyterlab(browser, Path(folder), ours)
        browser.close()


if __name__ == "__main__":
    main()
