"""Put Python into the pages: for whoever takes hold of an explorer, and in
Part I for whoever runs a cell where it stands.

The files are loaded when they are first needed and not before. `make book
LIVE=0` builds the pages without them; their sliders work from stored fits all
the same.
"""

import json
import os
from pathlib import Path

from docutils import nodes
from kdlite.explorer.runtime import scripts
from kdlite.files import replacing
from kdlite.page import LOADER
from sphinx.errors import ExtensionError

# Beside the script that draws widgets, which loads them.
RUNTIME, PACKAGES = "runtime.js", "cells-runtime.js"
SCRIPT = LOADER.parent / "cells.js"
STYLE = LOADER.parents[1] / "cells.css"
RUNS = "part1/"  # pages whose cells need no more than NumPy and matplotlib


def set_paths(app, config):
    config.nb_ipywidgets_js[LOADER.name]["data-runtime"] = RUNTIME
    config.html_static_path += map(str, (SCRIPT, STYLE))


def write_runtime(app):
    try:
        contents = scripts()
    except OSError as error:
        raise ExtensionError(str(error)) from error
    for name, content in contents.items():
        with replacing(Path(app.outdir) / "_static" / name) as new:
            new.write_text(content, encoding="utf-8")
    app.live_megabytes = round(sum(map(len, contents.values())) / 1e6)


def name_cells(app, doctree, docname):
    if docname.startswith(RUNS):
        for cell in doctree.findall(nodes.container):
            if cell.get("nb_element") == "cell_code":
                cell["ids"].append(f"cell-{cell['cell_index']}")


def carry_cells(app, page, template, context, doctree):
    """The source of all cells of a page, also of those that it does not show.

    But for the cell that installs kdlite.
    """
    if doctree is None or not page.startswith(RUNS):
        return
    path = Path(app.env.doc2path(page))
    cells = [
        {"id": f"cell-{index}", "source": "".join(cell["source"])}
        for index, cell in enumerate(json.loads(path.read_text())["cells"])
        if cell["cell_type"] == "code" and "cellView" not in cell["metadata"]
    ]
    block = json.dumps(cells).replace("<", "\\u003c")
    context["body"] += (
        f'<script type="application/json" id="kdlite-cells">{block}</script>'
    )
    # Once, also where the page shows a widget.
    app.add_js_file(LOADER.name, **app.config.nb_ipywidgets_js[LOADER.name])
    sizes = {"data-packages": PACKAGES, "data-size": str(app.live_megabytes)}
    app.add_js_file(SCRIPT.name, **sizes)
    app.add_css_file(STYLE.name)


def setup(app):
    if os.environ.get("LIVE", "1") != "0":
        app.connect("config-inited", set_paths, priority=100)
        app.connect("builder-inited", write_runtime)
        app.connect("doctree-resolved", name_cells)
        app.connect("html-page-context", carry_cells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
