"""Let screen readers see the references as what they are.

Docutils calls the block a list, though its entries are not list items but bibliography entries.
"""


def drop_list_role(app, page, template, context, doctree):
    if "body" in context:
        context["body"] = context["body"].replace(
            '<div role="list" class="citation-list">',
            '<div class="citation-list">',
        )


def setup(app):
    app.connect("html-page-context", drop_list_role)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
