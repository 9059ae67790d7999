"""The cells of a page, run from the first on with one set of names; what they print, draw and raise goes out as messages.

Knows source and outputs; knows nothing of widgets, pages or workers. It runs whatever text it is given: the worker of a
page alone imports it, for what the reader of that page types.

A message is a dict of plain values with a "kind", and bytes beside it: "started" with the number of its "cell"; then of
that cell "text" that it printed or an "error", as Python shows it, with its "text"; a "picture", a PNG; what the object
says of itself (``_message_``); and at last, of all that was asked for, "ended".
"""

import ast
import contextlib
import io
import linecache
import sys
import traceback
from collections.abc import Callable, Sequence

Tell = Callable[[dict, list[bytes]], None]


class Cells:
    """What a notebook does with its cells. Each sees the names that the cells above it left, however often it is run; what
    a cell changes inside an object stays changed until the cell that made the object runs again."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._printed = _Printed(lambda text: tell({"kind": "text", "text": text}, []))
        self._names: dict[str, object] = {"__name__": "__main__", "display": self.display}
        self._left = [dict(self._names)]  # by the cells so far, before the first and after each
        self._ran: list[str] = []

    def run(self, sources: Sequence[str]) -> None:
        """Run the last of these, the cells of a page from the first on, and before it what has not run as it stands."""
        pairs = enumerate(zip(self._ran, sources[:-1], strict=False))
        same = min(len(self._ran), len(sources) - 1)
        kept = next((i for i, (old, new) in pairs if old != new), same)
        del self._ran[kept:], self._left[kept + 1 :]
        # In place, since functions that cells define look here.
        self._names.clear()
        self._names.update(self._left[-1])
        for cell in range(kept, len(sources)):
            self._tell({"kind": "started", "cell": cell}, [])
            if not self._works(sources[cell], f"<cell {cell + 1}>"):
                break
            self._ran.append(sources[cell])
            self._left.append(dict(self._names))
        self._tell({"kind": "ended"}, [])

    def display(self, *values: object) -> None:
        """Show objects as the last line of a cell does: figures as pictures, others as they say or as text."""
        self._printed.flush()
        for value in values:
            if hasattr(value, "_message_"):
                self._tell(*value._message_())
            elif hasattr(value, "savefig"):
                picture = io.BytesIO()
                value.savefig(picture, format="png", bbox_inches="tight")
                self._tell({"kind": "picture"}, [picture.getvalue()])
            elif value is not None:
                print(repr(value))

    def _works(self, source: str, name: str) -> bool:
        # Python shows the lines of a traceback from here.
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        with contextlib.redirect_stdout(self._printed), contextlib.redirect_stderr(self._printed):
            try:
                body = ast.parse(source, name).body
                # The last line is shown if it is an expression, and no semicolon says not to.
                shown = body and isinstance(body[-1], ast.Expr) and not source.rstrip().endswith(";")
                last = body.pop().value if shown else None
                exec(compile(ast.Module(body, []), name, "exec"), self._names)
                if last:
                    self.display(eval(compile(ast.Expression(last), name, "eval"), self._names))
                self._show_open_figures()
            except BaseException as error:  # a cell may raise what it likes, SystemExit as well
                self._printed.flush()
                self._tell({"kind": "error", "text": _as_python_shows(error)}, [])
                return False
        self._printed.flush()
        return True

    def _show_open_figures(self) -> None:
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            for number in pyplot.get_fignums():
                self.display(pyplot.figure(number))
            pyplot.close("all")


def _as_python_shows(error: BaseException) -> str:
    """The traceback from the first line of a cell on."""
    place = error.__traceback__
    while place and not place.tb_frame.f_code.co_filename.startswith("<cell "):
        place = place.tb_next
    return "".join(traceback.format_exception(error.with_traceback(place)))


class _Printed(io.TextIOBase):
    """A stream that hands lines on when they are whole."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell, self._held = tell, ""

    def write(self, text: str) -> int:
        self._held += text
        if "\n" in text:
            self.flush()
        return len(text)

    def flush(self) -> None:
        if self._held:
            self._tell(self._held)
        self._held = ""
