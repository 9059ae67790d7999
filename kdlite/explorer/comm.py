"""anywidget in a page: a widget whose other end is the page's own loader.

Knows traits and messages; knows nothing of any one widget. It stands in for the package anywidget, which leans on a
kernel, wherever Python runs in a worker of the page.

A message is a dict with a "kind", the "model" it is for and bytes beside it: "widget", where one is shown; "update" of
some traits; "custom", with its "content". Traits come as "state", and those that are bytes as names, "bytes".
"""

from collections.abc import Callable
from itertools import count
from typing import Self

import traitlets

TELL: Callable[[dict, list[bytes]], None] | None = (
    None  # the way to the page, set by whoever starts Python there
)
_WIDGETS: dict[str, "AnyWidget"] = {}
_NUMBERS = count(1)


class AnyWidget(traitlets.HasTraits):
    """What a subclass of ``anywidget.AnyWidget`` uses of it: traits that the page shares, and custom messages."""

    _esm = _css = ""

    def __init__(self, **values: object) -> None:
        super().__init__(**values)
        self.model_id = f"cell-{next(_NUMBERS)}"
        self._hearing: list[Callable[[Self, object, list], None]] = []
        self._from_page: dict[str, object] = {}
        self.observe(self._changed, list(self.traits(sync=True)))
        _WIDGETS[self.model_id] = self

    def on_msg(self, call: Callable[[Self, object, list], None]) -> None:
        """Call this with each custom message of the page: the widget, the message, and no buffers."""
        self._hearing.append(call)

    def send(self, content: object) -> None:
        """Send a custom message to the page."""
        TELL({"kind": "custom", "model": self.model_id, "content": content}, [])

    def _message_(self) -> tuple[dict, list[bytes]]:
        """What shows it on the page."""
        message, content = self._said("widget", self.trait_values(sync=True))
        message["state"] |= {"_esm": self._esm, "_css": self._css}
        return message, content

    def _said(self, kind: str, values: dict) -> tuple[dict, list[bytes]]:
        names = [name for name, value in values.items() if isinstance(value, bytes)]
        state = {name: value for name, value in values.items() if name not in names}
        message = {"kind": kind, "model": self.model_id, "state": state, "bytes": names}
        return message, [values[name] for name in names]

    def _changed(self, change: dict) -> None:
        name, value = change["name"], change["new"]
        if name not in self._from_page or self._from_page[name] != value:
            TELL(*self._said("update", {name: value}))


def hear(message: dict) -> None:
    """What the page says to a widget: an "update" of its traits, or "custom"."""
    widget = _WIDGETS[message["model"]]
    if message["kind"] == "custom":
        for call in widget._hearing:
            call(widget, message["content"], [])
        return
    widget._from_page = message["state"]
    for name, value in message["state"].items():
        try:
            setattr(widget, name, value)
        except (traitlets.TraitError, ValueError):  # as it was
            TELL(*widget._said("update", {name: getattr(widget, name)}))
    widget._from_page = {}
