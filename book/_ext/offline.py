"""Keep the built pages complete without a network.

kdlite's own loader of widgets is served beside the pages. Thebe, which Jupyter
Book adds to each page and which loads itself from another host, is taken out.
So is what no page uses: a library of cards and tabs, and the theme's script of
1.5 MB that draws icons its style sheet draws anyway, from a font of them all.
From file:// a browser refuses to fetch pages, so there the search shows titles
without excerpts.
"""

import re
from pathlib import Path

from fonts import cut
from kdlite.page import LOADER

ICONS = re.compile(r"<(?:script|link)[^>]*fontawesome\.js[^>]*>(?:</script>)?")
ICON = re.compile(r'((?:\.fa-[a-z-]+:+before,?)+)\{content:"\\([0-9a-f]+)"')
UNUSED = re.compile(r"thebe|sphinx-design|design-tabs")
TITLES_ONLY = """
if (location.protocol === "file:")
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
"""


def set_paths(app, config):
    config.html_static_path.append(str(LOADER))


def lighten(app, error):
    """Leave out the script of icons, and of the font all but those in use."""
    if error:
        return
    static, used = Path(app.outdir) / "_static", {"fa-xmark"}  # by a script
    for page in Path(app.outdir).rglob("*.html"):
        text = ICONS.sub("", page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
        used.update(re.findall(r"\bfa-[a-z-]+", text))
    for file in (static / "scripts").glob("fontawesome*"):
        file.unlink()
    style = (static / "styles" / "pydata-sphinx-theme.css").read_text("utf-8")
    characters = "\uf107"  # an arrow of the other theme's
    for names, code in ICON.findall(style):
        if used & set(re.findall(r"fa-[a-z-]+", names)):
            characters += chr(int(code, 16))
    font = static / "vendor" / "fontawesome" / "webfonts" / "fa-solid-900.woff2"
    cut(font, characters, font)


def drop_unused(app, pagename, templatename, context, doctree):
    for kind in ("script_files", "css_files"):
        context[kind] = [
            file
            for file in context[kind]
            if not UNUSED.search(f"{file.filename} {file.attributes}".lower())
        ]


def setup(app):
    app.connect("config-inited", set_paths)
    # Last: others add to these lists, page by page.
    app.connect("html-page-context", drop_unused, priority=900)
    app.connect("build-finished", lighten)
    app.add_js_file(None, body=TITLES_ONLY)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
