"""Put Python into the pages, for whoever takes hold of an explorer.

The file is loaded when it is first needed and not before. `make book LIVE=0`
builds the pages without it; their sliders work from stored fits all the same.
"""

import os
from pathlib import Path

from kdlite.explorer.runtime import script
from kdlite.files import replacing
from kdlite.page import LOADER
from sphinx.errors import ExtensionError

RUNTIME = "runtime.js"  # beside the script that draws widgets, which loads it


def name_runtime(app, config):
    config.nb_ipywidgets_js[LOADER.name]["data-runtime"] = RUNTIME


def write_runtime(app):
    try:
        content = script()
    except OSError as error:
        raise ExtensionError(str(error)) from error
    with replacing(Path(app.outdir) / "_static" / RUNTIME) as new:
        new.write_text(content, encoding="utf-8")


def setup(app):
    if os.environ.get("LIVE", "1") != "0":
        app.connect("config-inited", name_runtime, priority=100)
        app.connect("builder-inited", write_runtime)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
