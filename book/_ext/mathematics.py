r"""Mathematics as MathML, made when the book is built: pages carry no typesetter.

KaTeX reads the TeX, in a JavaScript engine of its own. Browsers set MathML by
themselves, in STIX Two Math, of which the site gets the characters it uses.
"""

import html
import re
import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from fonts import cut
from py_mini_racer import MiniRacer

FONT = "stix-two-math.woff2"
TAG = re.compile(r"\\tag\{(.*?)\}")
STYLES = {"script": "SCRIPT", "double-struck": "DOUBLE-STRUCK"}
LETTER = re.compile(r'<mi mathvariant="(script|double-struck)">([A-Z])</mi>')
# KaTeX marks a function applied to what follows; browsers leave no room there.
APPLIED = re.compile(r"(<mo>\u2061</mo>)(?!<mo stretchy=\"false\">[(\[])")
ROOM = r'\1<mspace width="0.1667em"></mspace>'


def place(package, *parts):
    """A file of an installed package, which is not imported."""
    return Path(find_spec(package).submodule_search_locations[0], *parts)


@cache
def katex():
    engine = MiniRacer()
    script = place("sphinxcontrib", "katex.min.js")
    engine.eval(script.read_text(encoding="utf-8"))
    return engine


def letter(match):
    """A letter by its own code point: browsers no longer know its style."""
    style, plain = match.groups()
    for kind in (f"MATHEMATICAL {STYLES[style]}", STYLES[style]):
        try:
            found = unicodedata.lookup(f"{kind} CAPITAL {plain}")
        except KeyError:
            continue
        return f"<mi>{found}</mi>"
    return match[0]


def mathml(tex, display):
    """TeX as an element of MathML; an error for what KaTeX does not know."""
    options = {
        "displayMode": display,
        "output": "mathml",
        "strict": "ignore",
        "throwOnError": True,
    }
    found = katex().call("katex.renderToString", tex, options)
    found = re.sub(r"<annotation .*?</annotation>", "", found, flags=re.DOTALL)
    found = re.search(r"<math.*</math>", found, re.DOTALL)[0]
    found = re.sub(r"</?semantics>", "", found)
    found = re.sub(r'mathcolor="([a-z]+)"', r'class="\1"', found)
    return APPLIED.sub(ROOM, LETTER.sub(letter, found))


def visit_math(self, node):
    self.body.append(mathml(node.astext(), display=False))
    raise nodes.SkipNode


def visit_math_block(self, node):
    tex = node.astext()
    tag = TAG.search(tex)
    number = (
        f'<span class="number">({html.escape(tag[1])})</span>' if tag else ""
    )
    formula = mathml(TAG.sub("", tex), display=True)
    names = " ".join(node["ids"])
    self.body.append(
        f'<div class="math"{names and f" id={names!r}"}>'
        f'<div class="formula" tabindex="0">{formula}</div>{number}</div>\n'
    )
    raise nodes.SkipNode


def finish(app, error):
    """Write the font, and end the engine, whose thread would keep the build."""
    katex().close()
    if not error:
        write_font(app)


def write_font(app):
    text = "".join(
        formula
        for page in Path(app.outdir).rglob("*.html")
        for formula in re.findall(
            r"<math.*?</math>", page.read_text(encoding="utf-8"), re.DOTALL
        )
    )
    characters = html.unescape(re.sub(r"<[^>]*>", "", text))
    source = place("ziamath", "fonts", "STIXTwoMath-Regular.ttf")
    cut(source, characters, Path(app.outdir) / "_static" / FONT)


def setup(app):
    app.add_html_math_renderer(
        "mathml", (visit_math, None), (visit_math_block, None)
    )
    app.connect(
        "config-inited",
        lambda _, config: setattr(config, "html_math_renderer", "mathml"),
    )
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
