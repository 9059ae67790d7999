"""Say under a chapter's title how to run it.

A page whose notebook is in the JupyterLite that `make book` sets beside the
pages has a button that opens it there. One that needs torch, which no browser
runs, says so.
"""

import os
from pathlib import Path

NEEDS_TORCH = r"    \"torch\","  # as the first cell lists what it looks for
BUTTON = """
<p class="run-here"><a href="{address}">Open as a notebook</a> Change it and run
it in your browser, which loads 40 MB.</p>
<script>
if (location.protocol === "file:")
  document.currentScript.previousElementSibling.textContent =
    "Served by make serve, or any web server, this page opens as a notebook.";
</script>
"""
TORCH = """
<p class="run-here">To run this page you need PyTorch: open it in JupyterLab,
with <code>make lab</code>, or in Colab.</p>
"""


def add(app, pagename, templatename, context, doctree):
    source = Path(app.srcdir) / f"{pagename}.ipynb"
    name = f"{source.stem}-????????.ipynb"
    live = os.environ.get("LIVE", "1") != "0"
    here = Path(app.outdir) / "lite" / "files"
    if source.exists() and NEEDS_TORCH in source.read_text(encoding="utf-8"):
        said = TORCH
    elif live and (found := next(here.glob(name), None)):
        up = "../" * pagename.count("/")
        page = f"{up}lite/notebooks/index.html?path={found.name}"
        said = BUTTON.format(address=page)
    else:
        return
    context["body"] = context["body"].replace("</h1>", f"</h1>{said}", 1)


def setup(app):
    app.connect("html-page-context", add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
