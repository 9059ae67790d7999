"""The prose of the project as plain words, by file: chapters, descriptions of figures, other pages, docstrings."""

import ast
import re

import jupytext
from building import ROOT
from chapters import BOOK, TEXTS

MARKDOWN = ("README.md", "CONTRIBUTING.md", *(f"book/{path.name}" for path in sorted(BOOK.glob("*.md"))))
CODE = ("kdlite", "book/_ext", "tests", "benchmarks", "tools")
NOT_PROSE = re.compile(
    r"""^(?P<fence>`{3,})(?!\{glossary).*?^(?P=fence)$  # blocks of code
      | \\begin\{align.*?\\end\{align\*?\}             # formulas
      | \$\$.*?\$\$ | \$[^$]*\$ | `[^`]*`               # formulas, code
      | \]\([^)]*\) | <[^>]*> | \w+://\S+               # targets of links, tags, addresses
      | ^>?[ ]?(?:-[ ])?(?=\S|$)                        # marks of a quotation and of a list
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)

CAPTION = re.compile(r"""!\[[^]]*\]\(\S+\.svg "([^"]*)"\)""")


def plain(markdown):
    return NOT_PROSE.sub(" ", markdown)


def sources():
    """Pairs of a file's name and a piece of its prose."""
    for name in TEXTS:
        for cell in jupytext.read(BOOK / "text" / f"{name}.md").cells:
            if cell.cell_type == "markdown":
                yield f"book/text/{name}.md", plain(cell.source)
                yield from ((f"book/text/{name}.md", caption) for caption in CAPTION.findall(cell.source))
            else:
                figure = cell.metadata.get("mystnb", {})
                yield f"book/text/{name}.md", figure.get("image", {}).get("alt", "")
                yield f"book/text/{name}.md", figure.get("figure", {}).get("caption", "")
    for path in sorted((BOOK / "images").glob("*.svg")):
        yield path.name, plain(re.sub(r"<style>.*?</style>", "", path.read_text(), flags=re.DOTALL))
    for name in MARKDOWN:
        yield name, plain((ROOT / name).read_text())
    for path in (path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                yield path.relative_to(ROOT).as_posix(), plain(ast.get_docstring(node) or "")


def words(text):
    """The words of a text, without names in code: those with a dot, an underscore or a capital letter inside."""
    for chunk in text.split():
        if not re.search(r"\w[._/=^]\w|_\w|\(\)|--\w|[a-z][A-Z]", chunk):
            for word in re.findall(r"[A-Za-zÀ-ž]+(?:['’][a-z]+)?", chunk):
                yield re.sub(r"['’]s?$", "", word)
