"""Leave out of the API reference what nobody wrote: the stock text of a named tuple's fields, and the stock arguments
of a protocol, which nobody calls.
"""


def skip_stock_text(app, what, name, obj, skip, options):
    stock = (getattr(obj, "__doc__", None) or "").startswith("Alias for field")
    return True if stock else None


def skip_stock_arguments(app, what, name, obj, options, signature, returned):
    return ("", None) if getattr(obj, "_is_protocol", False) else None


def setup(app):
    app.connect("autodoc-skip-member", skip_stock_text)
    app.connect("autodoc-process-signature", skip_stock_arguments)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
