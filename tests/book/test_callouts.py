"""A quotation that begins with a bold title becomes a callout; any other stays a quotation."""

from callouts import QuotationsToCallouts
from docutils import nodes
from docutils.utils import new_document


def transformed(*content):
    document = new_document("test")
    document += nodes.block_quote("", nodes.paragraph("", "", *content))
    QuotationsToCallouts(document).apply()
    return document[0]


def test_bold_title_makes_a_callout():
    callout = transformed(nodes.Text(""), nodes.strong("", "What you need."), nodes.Text(" A pencil."))
    assert isinstance(callout, nodes.admonition)
    assert callout["classes"] == ["admonition-what-you-need"]
    assert [child.astext() for child in callout] == ["What you need", "A pencil."]


def test_other_quotation_stays():
    assert isinstance(
        transformed(nodes.Text("As "), nodes.strong("", "they"), nodes.Text(" say.")), nodes.block_quote
    )
