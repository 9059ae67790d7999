"""A quotation that begins with a bold title becomes a callout; any other stays a quotation."""

import re

import pytest
from callouts import QuotationsToCallouts
from chapters import BOOK, TEXTS
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


@pytest.mark.parametrize("name", TEXTS)
def test_each_choice_says_which_is_right(name):
    text = (BOOK / "text" / f"{name}.md").read_text()
    for box in re.findall(r"^> \*\*Predict\.\*\*.*\n(?:>.*\n)*", text, re.MULTILINE):
        options = re.findall(r"^> - ", box, re.MULTILINE)
        right = [int(number) for number in re.findall(r"<!-- (\d+) -->", box)]
        assert len(right) == bool(options) and all(1 <= number <= len(options) for number in right), box
