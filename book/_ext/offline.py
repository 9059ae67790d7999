"""Keep the built pages complete without a network.

kdlite's own loader of widgets is served beside the pages. Thebe, which Jupyter
Book adds to each page and which loads itself from another host, is taken out,
and so is the theme's script of 1.5 MB that draws icons its style sheet draws
anyway. From file:// a browser refuses to fetch pages, so there the search shows
titles without excerpts.
"""

import re
from pathlib import Path

from kdlite.page import LOADER

ICONS = re.compile(r"<(?:script|link)[^>]*fontawesome\.js[^>]*>(?:</script>)?")
TITLES_ONLY = """
if (location.protocol === "file:")
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
"""


def set_paths(app, config):
    config.html_static_path.append(str(LOADER))


def drop_icons(app, error):
    if error:
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(ICONS.sub("", text), encoding="utf-8")
    for file in (Path(app.outdir) / "_static" / "scripts").glob("fontawesome*"):
        file.unlink()


def drop_thebe(app, pagename, templatename, context, doctree):
    for kind in ("script_files", "css_files"):
        context[kind] = [
            file
            for file in context[kind]
            if "thebe" not in f"{file.filename} {file.attributes}".lower()
        ]


def setup(app):
    app.connect("config-inited", set_paths)
    app.connect("html-page-context", drop_thebe)
    app.connect("build-finished", drop_icons)
    app.add_js_file(None, body=TITLES_ONLY)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
