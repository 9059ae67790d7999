"""Keep the built pages complete without a network.

MathJax is copied from an installed package into the site and loaded from there,
and so is kdlite's own loader of widgets.
Thebe, which Jupyter Book adds to each page and which loads itself from another
host, is taken out. From file:// a browser refuses to fetch pages, so there the
search shows titles without excerpts.
"""

import shutil
from pathlib import Path

import mathjax  # from django-static-mathjax: the MathJax release as plain files
from kdlite.page import LOADER

SOURCE = Path(mathjax.__file__).parent / "static" / "mathjax" / "es5"
SCRIPT = "tex-chtml-full.js"  # the one file that never asks for a further one
TITLES_ONLY = """
if (location.protocol === "file:")
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
"""
FONTS = (
    "output/chtml/fonts/woff-v2"  # where that file looks, relative to itself
)


def set_paths(app, config):
    config.mathjax_path = f"mathjax/{SCRIPT}"
    config.html_static_path.append(str(LOADER))


def copy_mathjax(app, error):
    if error:
        return
    target = Path(app.outdir) / "_static" / "mathjax"
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(SOURCE / SCRIPT, target)
    shutil.copytree(SOURCE / FONTS, target / FONTS, dirs_exist_ok=True)


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
    app.connect("build-finished", copy_mathjax)
    app.add_js_file(None, body=TITLES_ONLY)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
