"""Leave out of the API reference what nobody wrote: the stock text of a named tuple's fields."""


def skip_stock_text(app, what, name, obj, skip, options):
    stock = (getattr(obj, "__doc__", None) or "").startswith("Alias for field")
    return True if stock else None


def setup(app):
    app.connect("autodoc-skip-member", skip_stock_text)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
