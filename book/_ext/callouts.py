"""Turn a quotation that begins with a bold title into a callout.

    > **Predict.** Where does the student go?

JupyterLab and Colab show that as a quotation. In the book it becomes an
admonition of that title, with a class made from it: here `admonition-predict`.
What these ask of a reader, and what they hide until then, is in predict.js.
"""

from docutils import nodes
from sphinx.transforms import SphinxTransform


class QuotationsToCallouts(SphinxTransform):
    default_priority = 500

    def apply(self):
        for quote in list(self.document.findall(nodes.block_quote)):
            paragraph = quote.children[0]
            content = [child for child in paragraph.children if child.astext()]
            if not content or not isinstance(content[0], nodes.strong):
                continue
            title = content.pop(0).astext().rstrip(".")
            if content and isinstance(content[0], nodes.Text):
                content[0] = nodes.Text(content[0].lstrip())
            paragraph[:] = content
            callout = nodes.admonition(
                "", nodes.title("", title), *quote.children
            )
            callout["classes"] = [f"admonition-{nodes.make_id(title)}"]
            quote.replace_self(callout)


def setup(app):
    app.add_transform(QuotationsToCallouts)
    app.add_js_file("predict.js", defer="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
