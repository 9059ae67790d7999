"""Static pages and notebooks that show explorers, for the tests that look at them in a browser."""

import json

from ipywidgets.embed import dependency_state

from kdlite.page import LOADER

_KIND = "application/vnd.jupyter.widget-{}+json"


def page(explorers, views=None, theme=None, change=lambda state: None):
    """A page as the book writes it: each widget's state, a place for each view, and the book's loader.

    `change` may spoil the state of each widget first.
    """
    states = dependency_state(list(explorers), drop_defaults=False)
    for state in states.values():
        change(state)
    version = {"version_major": 2, "version_minor": 0}
    blocks = [_block("state", {**version, "state": states})]
    blocks += [_block("view", {**version, "model_id": widget.model_id}) for widget in views or explorers]
    theme = f' data-theme="{theme}"' if theme else ""
    return (
        f'<!doctype html><html lang="en"{theme}><head><meta charset="utf-8"><title>Explorer</title>'
        '<meta name="viewport" content="width=device-width"></head><body style="margin: 8px">'
        f"<main><h1>Explorer</h1>{''.join(blocks)}</main><script>{LOADER.read_text()}</script></body></html>"
    )


def _block(kind, content):
    text = json.dumps(content).replace("</", "<\\/")
    return f'<script type="{_KIND.format(kind)}">{text}</script>'


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
