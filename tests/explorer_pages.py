"""Static pages and notebooks that show explorers, for the tests that look at them in a browser."""

import json
from itertools import count

from ipywidgets.embed import dependency_state

from kdlite.explorer.storage import Family, to_rows
from kdlite.page import LOADER

_IDS = map(str, count(1))
_KIND = "application/vnd.jupyter.widget-{}+json"


def page(explorers, views=None, theme=None, change=lambda state: None, live=False):
    """A page as the book writes it: each widget's state, a place for each view, and the book's loader.

    `change` may spoil the state of each widget first. A live page loads the loader
    from beside it, as the book's pages do.
    """
    states = dependency_state(list(explorers), drop_defaults=False)
    for state in states.values():
        change(state)
    version = {"version_major": 2, "version_minor": 0}
    blocks = [_block("state", {**version, "state": states})]
    blocks += [_block("view", {**version, "model_id": widget.model_id}) for widget in views or explorers]
    script = f"<script>{LOADER.read_text()}</script>"
    if live:
        script = f'<script src="_static/{LOADER.name}" data-runtime="runtime.js"></script>'
    theme = f' data-theme="{theme}"' if theme else ""
    return (
        f'<!doctype html><html lang="en"{theme}><head><meta charset="utf-8"><title>Explorer</title>'
        '<meta name="viewport" content="width=device-width"></head><body style="margin: 8px">'
        f"<main><h1>Explorer</h1>{''.join(blocks)}</main>{script}</body></html>"
    )


def ask(explorer, kind, **more):
    """What the page does: a question about the truth that is shown, as a message."""
    setting = {n: getattr(explorer, n) for n in ("profile", "teacher_components", "student_components")}
    modes = explorer.modes or to_rows(explorer.truth, 8).tolist()
    question = {"id": next(_IDS), "kind": kind, "truth": modes, **setting, **more}
    explorer._handle_custom_msg(question, [])
    return Family.from_bytes(explorer.cloud if kind == "runs" else explorer.answer)


def _block(kind, content):
    text = json.dumps(content).replace("</", "<\\/")
    return f'<script type="{_KIND.format(kind)}">{text}</script>'


def drawn(page):
    """Wait until what was asked for is on the screen: pictures are drawn in the frame after."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def colours_drawn(page, canvas):
    """The share of a canvas's pixels that carries ink, and the pixels themselves as a checksum."""
    return page.locator(f".kd-explorer {canvas} canvas").first.evaluate(
        """(canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let ink = 0, sum = 0;
          for (let i = 0; i < data.length; i += 4) {
            if (data[i + 3]) ink += 1;
            sum = (sum * 31 + data[i] + 3 * data[i + 1] + 7 * data[i + 2] + data[i + 3]) % 1000003;
          }
          return [(4 * ink) / data.length, sum];
        }"""
    )
