"""Turn the exercises of a chapter into those of sphinx-exercise, which numbers them, and link what refers to them.

    > **Exercise 2 (derive).** Show that ...

JupyterLab and Colab show that as a quotation. In the book, in chapter 4, it becomes Exercise 4.2 (derive) with the
anchor `exercise-4-2`. The words "exercise 2", and "exercise 2 of chapter 4" from elsewhere, link to it. A chapter's
number is read from its file's name, `04-trade-off`.
"""

import json
import re
from pathlib import PurePosixPath

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx_exercise.nodes import is_exercise_node

QUOTATION = re.compile(
    r"^> \*\*Exercise (?P<number>\d+) \((?P<kind>[^)\n]+)\)\.\*\* ?(?P<text>.*(?:\n>.*)*)",
    re.MULTILINE,
)
MENTION = re.compile(
    r"\b[Ee]xercise\s+(?P<number>\d+)(?P<of>\s+of\s+(?:chapter\s+(?P<chapter>\d+))?)?"
)
# Inside these, words are not read as a mention.
CLOSED = (nodes.reference, addnodes.pending_xref, nodes.literal, nodes.title)


def chapter_of(docname):
    """The number that a chapter's file name begins with, or None for another page."""
    found = re.match(r"\d+", PurePosixPath(docname).name)
    return int(found[0]) if found else None


def to_directives(markdown, chapter):
    """Markdown with each quotation that is an exercise written as the directive of sphinx-exercise."""

    def directive(match):
        text = re.sub(r"^> ?", "", match["text"], flags=re.MULTILINE)
        label = f"exercise-{chapter}-{match['number']}"
        return (
            f":::{{exercise}} {match['kind']}\n:label: {label}\n\n{text}\n:::"
        )

    return QUOTATION.sub(directive, markdown)


def rewrite_notebook(app, docname, source):
    if not app.env.doc2path(docname).endswith(".ipynb"):
        return
    chapter = chapter_of(docname)
    if chapter is None:
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = to_directives("".join(cell["source"]), chapter)
    source[0] = json.dumps(notebook)


class LinkMentions(SphinxTransform):
    default_priority = 500

    def apply(self):
        for section in self.document.findall(nodes.section):
            if "exercise-content" in section["ids"]:
                # sphinx-exercise gives all of a page this one id.
                section["ids"] = [f"{section.parent['label']}-content"]
        for parent in list(self.document.findall(nodes.TextElement)):
            parent.children = joined(parent)
        for text in list(self.document.findall(nodes.Text)):
            if not any(isinstance(node, CLOSED) for node in ancestors(text)):
                text.parent.replace(text, self.linked(text))

    def linked(self, text):
        """The text as nodes, with a pending reference for each mention."""
        parts, end = [], 0
        for match in MENTION.finditer(text):
            chapter = match["chapter"]
            if (
                match["of"] and not chapter
            ):  # the chapter's name is a link of its own
                following = text.next_node(siblings=True, descend=False)
                found = following and re.search(
                    r"chapter\s+(\d+)", following.astext()
                )
                chapter = found and found[1]
            chapter = chapter or chapter_of(self.env.docname)
            if chapter is None:
                continue
            words = (
                match[0]
                if match["chapter"]
                else text[match.start() : match.end("number")]
            )
            parts += [
                nodes.Text(text[end : match.start()]),
                self.reference(words, chapter, match["number"]),
            ]
            end = match.start() + len(words)
        return [*parts, nodes.Text(text[end:])]

    def reference(self, words, chapter, number):
        pending = addnodes.pending_xref(
            "",
            nodes.inline("", words),
            refdomain="std",
            reftype="ref",
            reftarget=f"exercise-{chapter}-{number}",
            refdoc=self.env.docname,
            refexplicit=True,
            refwarn=True,
        )
        pending.source, pending.line = self.document["source"], None
        return pending


def joined(parent):
    """The children with neighbouring texts made one: a line's end divides what reads as one mention."""
    children = []
    for child in parent.children:
        if children and type(child) is type(children[-1]) is nodes.Text:
            children[-1] = nodes.Text(children[-1] + child)
        else:
            children.append(child)
    for child in children:
        child.parent = parent
    return children


def ancestors(node):
    while node.parent is not None:
        node = node.parent
        yield node


def let_links_reach(app, document):
    """A link of Markdown reaches headings only. Let it reach exercises and the terms of the glossary."""
    slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
    for node in document.findall(
        lambda node: is_exercise_node(node) or isinstance(node, nodes.term)
    ):
        for name in node["ids"]:
            slugs[name] = (None, name, node.astext())


def setup(app):
    app.setup_extension("sphinx_exercise")
    app.connect("source-read", rewrite_notebook)
    app.connect("doctree-read", let_links_reach)
    app.add_transform(LinkMentions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
