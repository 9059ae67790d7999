"""Python in the page beside Python in a kernel: how soon it is there, how fast it answers a drag, and what it keeps.

A mode of p* is dragged step by step, each from the input to the picture of the new fit, then let go, to the picture of the
whole curve: in a static page and in JupyterLab, in turn. Then one is dragged for a minute without rest.
"""

import time
from pathlib import Path

import psutil
from playwright.sync_api import Browser, Page

from benchmarks.explorer import VIEW, in_browser, jupyterlab, p95, run_all, static_page, write_notebook
from benchmarks.measure import Row, hand_over, ratios, spread
from kdlite.explorer import Explorer, runtime
from kdlite.page import LOADER

TURNS, DRAGS, RELEASES, MINUTE = 3, 40, 5, 60
SETTINGS = {"K'' = 1, K' = 4": (4, 1, 33), "K'' = 3, K' = 8": (8, 3, 80)}  # and the p95 asked, ms
CODE = "from kdlite.explorer import Explorer\nExplorer(beta=4, teacher_components={}, student_components={})"
HANDLE = ".kd-handles button"
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


def next_refit(page: Page) -> float:
    """Milliseconds to the picture of the fit that the last input asked for."""
    page.wait_for_function("window.refits.length", timeout=120_000)
    return page.evaluate("window.refits.splice(0)[0]")


def grasp(page: Page) -> tuple[float, float]:
    """Press the mouse on the first mode; where it is."""
    box = page.locator(HANDLE).first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("window.refits.length = 0")
    return x, y


def drag(page: Page) -> tuple[list[float], list[float]]:
    """Milliseconds of each step of a dragged mode, and of each letting go."""
    drags, releases = [], []
    for release in range(RELEASES):
        x, y = grasp(page)
        sign = 1 if release % 2 == 0 else -1
        for i in range(1, DRAGS // RELEASES + 1):
            page.mouse.move(x + sign * 4 * i, y + sign * 3 * i)
            drags.append(next_refit(page))
        page.mouse.up()
        releases.append(next_refit(page))
    return drags, releases


def open_page(browser: Browser, address: str) -> tuple[Page, float]:
    """A page whose Python is awake, and the milliseconds from the first touch to the first fit."""
    page = browser.new_page(viewport=VIEW)
    page.goto(address)
    page.locator(HANDLE).first.wait_for()
    page.evaluate(DRAGGED)
    x, y = grasp(page)
    page.mouse.move(x + 4, y + 3)
    awake = next_refit(page)
    page.mouse.up()
    next_refit(page)
    return page, awake


def memory() -> float:
    """MB of all processes that this one has started."""
    return sum(p.memory_info().rss for p in psutil.Process().children(recursive=True)) / 1e6


def a_minute(page: Page) -> float:
    """MB that the browser gains while a mode is dragged for a minute, after ten seconds of the same."""
    x, y = grasp(page)
    before, start, i = None, time.monotonic(), 0
    while (gone := time.monotonic() - start) < MINUTE + 10:
        page.mouse.move(x + i % 80, y + i % 60)
        page.wait_for_timeout(15)
        i += 1
        if before is None and gone > 10:
            before = memory()
    page.mouse.up()
    return memory() - before


def measure(browser: Browser, folder: Path) -> list[Row]:
    """All of it."""
    static = folder / "_static"
    static.mkdir()
    (static / LOADER.name).write_text(LOADER.read_text())
    (static / "runtime.js").write_text(runtime.script())
    times: dict[str, list[list[float]]] = {}
    awake = []
    for n, setting in enumerate(SETTINGS.values()):
        explorer = Explorer(beta=4, teacher_components=setting[0], student_components=setting[1])
        (folder / f"{n}.html").write_text(static_page([explorer], live=True))
        write_notebook(folder / f"{n}.ipynb", CODE.format(*setting[:2]))
    with jupyterlab(folder) as server:
        for _ in range(TURNS):
            for n, name in enumerate(SETTINGS):
                page, woken = open_page(browser, (folder / f"{n}.html").as_uri())
                awake.append(woken)
                lab = browser.new_page(viewport=VIEW)
                run_all(lab, server, f"{n}.ipynb")
                lab.locator(HANDLE).first.wait_for(timeout=60_000)
                lab.evaluate(DRAGGED)
                for place, shown in (("page", page), ("kernel", lab)):
                    drags, releases = drag(shown)
                    times.setdefault(f"{name} {place} drag", []).append(drags)
                    times.setdefault(f"{name} {place} curve", []).append(releases)
                    shown.close()
    page, _ = open_page(browser, (folder / "0.html").as_uri())
    gained = a_minute(page)

    def row(name: str, what: str, title: str, summary, asked: str) -> Row:
        ours, theirs = ([summary(t) for t in times[f"{name} {place} {what}"]] for place in ("page", "kernel"))
        remark = f"in a kernel {spread(theirs, 'ms')}, ratio {spread(ratios(theirs, ours))}"
        return Row(f"Python in the page, {name}: {title}", spread(ours, "ms"), asked, remark=remark)

    found = [
        Row(
            "Python in the page: from the first touch to the first fit",
            spread(awake, "ms"),
            "at most 4000 ms asked",
        ),
        Row(
            "Python in the page: memory gained in a minute of dragging",
            f"{gained:.0f} MB",
            "at most 20 MB asked",
        ),
    ]
    for name, (*_, limit) in SETTINGS.items():
        step = "95th percentile from a step of a drag to the drawn fit"
        found.append(row(name, "drag", step, p95, f"at most {limit} ms asked"))
        found.append(
            row(name, "curve", "the whole curve after letting go", max, "at most 1000 ms asked of K'' = 1")
        )
    return found


def rows() -> list[Row]:
    """All of it, in the first browser found."""
    return in_browser("Python in the page", measure)


if __name__ == "__main__":
    hand_over(rows())
