"""Eight explorers on one page beside one: how soon they are there, how fast each answers, and the memory of the page.

In static pages as the book writes them. Input to finished frame is timed while the mouse drags beta of the first
explorer: with the others at rest, and with all others playing.
"""

import random
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.explorer import VIEW, WATCH, in_browser, p95, static_page
from benchmarks.measure import Row, hand_over, ratios, spread
from kdlite.explorer import Explorer

MANY, REPEATS, MOVES = 8, 5, 200
FRAMES = """window.frames_ = []; document.addEventListener("kdlite:frame", () => frames_.push(performance.now()));"""
# The frames of the explorers that are not dragged are kept from WATCH, which times the next one after an input event.
HUSH = """document.querySelectorAll(".anywidget-static").forEach(
  (place, i) => i && place.addEventListener("kdlite:frame", (event) => event.stopPropagation()))"""
PLAY = """document.querySelectorAll(".kd-play").forEach(
  (button, i) => i && button.textContent === "Play" && button.click())"""


def p95_of_moves(page: Page, rng: random.Random, playing: bool) -> float:
    """Milliseconds from input to finished frame, the 95th percentile over random moves of the first slider."""
    page.evaluate("window.times.finished.length = 0")
    box = page.get_by_label("β", exact=True).first.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"], y)
    page.mouse.down()
    while page.evaluate("window.times.finished.length") < MOVES:
        if playing:
            page.evaluate(PLAY)  # those that have come to the end begin again
        page.mouse.move(box["x"] + rng.random() * box["width"], y)
        page.wait_for_timeout(30 * rng.random())  # at any moment of the browser's own frames
    page.mouse.up()
    return p95(page.evaluate("window.times.finished"))


def costs(browser: Browser, address: str, explorers: int, rng: random.Random) -> dict[str, float]:
    """What one visit to the page costs, in milliseconds and MB."""
    with browser.new_context(viewport=VIEW) as context:
        page = context.new_page()
        page.add_init_script(FRAMES)
        page.goto(address)
        page.wait_for_function(f"frames_.length >= {explorers}")
        first, *_, last = page.evaluate("[frames_[0], ...frames_]")
        page.evaluate(HUSH)
        page.evaluate(WATCH)
        page.wait_for_timeout(1000)  # until the browser has nothing left to do for the load
        rest, playing = (p95_of_moves(page, rng, playing) for playing in (False, True))
        session = context.new_cdp_session(page)
        session.send("HeapProfiler.collectGarbage")
        memory = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
        return {"first": first, "last": last, "rest": rest, "playing": playing, "memory": memory}


def measure(browser: Browser, folder: Path) -> list[Row]:
    """The costs of a page with eight explorers beside those of a page with one, in turn."""
    visits: dict[int, list[dict[str, float]]] = {1: [], MANY: []}
    for n in visits:
        (folder / f"{n}.html").write_text(static_page([Explorer(beta=4) for _ in range(n)]))
    for repeat in range(REPEATS):
        for n, found in visits.items():
            found.append(costs(browser, (folder / f"{n}.html").as_uri(), n, random.Random(repeat)))

    def row(what: str, name: str, unit: str, limit: str = "") -> Row:
        one, many = ([visit[name] for visit in found] for found in visits.values())
        remark = f"a page of one {spread(one, unit)}; their ratio {spread(ratios(many, one))}"
        return Row(f"page of {MANY} explorers: {what}", spread(many, unit), limit, remark=remark)

    moved, asked = "95th percentile from input to finished frame", "at most 16 ms asked"
    return [
        row("load to the first frame", "first", "ms"),
        row("load to the last frame", "last", "ms", "at most 1500 ms asked of one"),
        row(moved, "rest", "ms", asked),
        row(f"{moved}, while the others play", "playing", "ms", asked),
        row("memory of its scripts", "memory", "MB"),
    ]


def rows() -> list[Row]:
    """All of it, in the first browser found."""
    return in_browser("page of explorers", measure)


if __name__ == "__main__":
    hand_over(rows())
