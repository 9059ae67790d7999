"""A page of its own: one HTML file that holds a widget, or other HTML, and needs no kernel, network or further file.

Knows the two JSON blocks by which a notebook keeps a widget, and the script of the book that draws it from them; knows
nothing of what is shown.
"""

import json
from html import escape
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from kdlite.checks import check_kind, check_path
from kdlite.files import replacing

if TYPE_CHECKING:
    from ipywidgets import Widget

# The book's pages load the same file.
LOADER = resources.files("kdlite.explorer") / "js" / "anywidget-static.js"
_KIND = "application/vnd.jupyter.widget-{}+json"
_RUNTIME = "kdlite-runtime"
_VERSION = {"version_major": 2, "version_minor": 0}
_FRAME = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
html {{ background: #fff; color: #24292f; color-scheme: light dark; }}
@media (prefers-color-scheme: dark) {{ html {{ background: #16191e; color: #e8eaed; }} }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 16px auto; max-width: 1080px; padding: 0 12px; }}
h1 {{ font-size: 1.3rem; font-weight: 600; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def save(path: str | Path, body: str, *, title: str) -> None:
    """Write a page with this body, over any file that is there. It is light or dark as the reader's system says.

    Args:
        path: of the file, such as "explorer.html".
        body: HTML that loads nothing.
        title: plain text, the heading of the page.

    Raises:
        ValueError: if the path names no file, or the title is not text.
        OSError: if the file cannot be written, naming it.
    """
    path = check_path("path", path)
    check_kind("title", title, str, "it is the heading of the page")
    # Half a surrogate pair has no bytes.
    content = _FRAME.format(title=escape(title), body=body).encode("utf-8", "replace")
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def widget(shown: "Widget", runtime: str = "") -> str:
    """The body of a page that shows one anywidget as it stands.

    Args:
        shown: the widget.
        runtime: the JSON of the Python that answers it in the page, where the page has one.
    """
    from ipywidgets.embed import dependency_state  # slow to import, and not every page holds a widget

    state = _block("state", {**_VERSION, "state": dependency_state([shown], drop_defaults=False)})
    view = _block("view", {**_VERSION, "model_id": shown.model_id})
    carried = (
        f'<script type="application/json" id="{_RUNTIME}">{_safe(runtime)}</script>\n' if runtime else ""
    )
    start = f'<script data-runtime="{_RUNTIME}">' if runtime else "<script>"
    return f"{state}\n{view}\n{carried}{start}\n{LOADER.read_text(encoding='utf-8')}</script>"


def _block(kind: str, content: dict) -> str:
    return f'<script type="{_KIND.format(kind)}">{_safe(json.dumps(content))}</script>'


def _safe(text: str) -> str:
    """JSON of which no text inside can end the block that it stands in."""
    return text.replace("<", "\\u003c")
