"""Cells of a page and their widgets, without a page: what runs, in which order, and what is said of it."""

import numpy as np
import pytest
import traitlets

from kdlite.explorer import comm
from kdlite.explorer.cells import Cells


@pytest.fixture
def told():
    return []


@pytest.fixture
def run(told):
    """Run some cells; gives which have run and what they printed or raised."""
    cells = Cells(lambda message, content: told.append((message, content)))

    def call(*sources):
        del told[:]
        cells.run(sources)
        assert told[-1] == ({"kind": "ended"}, [])
        texts = "".join(message.get("text", "") for message, _ in told)
        return [message["cell"] for message, _ in told if message["kind"] == "started"], texts

    return call


def test_a_cell_sees_what_is_above_it_and_nothing_else(run):
    first, second, third = "x = 1\ndef f():\n    return y", "y = x + 1", "x = f() + 10\nx"
    assert run(first, second, third) == ([0, 1, 2], "12\n")
    assert run(first, second, third) == ([2], "12\n"), "what has run as it stands is not run again"
    assert run(first, "x") == ([1], "1\n"), "not the 12 that a cell below left"
    assert run(first, "y = x + 2", third) == ([1, 2], "13\n"), "below a change all runs again"
    assert run("x = 5\ndef f():\n    return y", "y = x + 2", third)[0] == [0, 1, 2]
    assert run(first, "1 / 0", third)[0] == [0, 1], "an error ends it"
    assert run(first, "y", third)[1].endswith("NameError: name 'y' is not defined\n")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("print('a', end=' ')\nprint('b', 'c')\nNone", "a b c\n"),
        ("import warnings, sys\nprint('w', file=sys.stderr)\ndisplay(1, 'b')", "w\n1\n'b'\n"),
        ("", ""),
        ("x =", '  File "<cell 1>", line 1\n    x =\n       ^\nSyntaxError: invalid syntax\n'),
        (
            "print(1, end='')\nraise SystemExit(3)",
            '1Traceback (most recent call last):\n  File "<cell 1>", line 2, in <module>\n'
            "    raise SystemExit(3)\nSystemExit: 3\n",
        ),
    ],
)
def test_text_and_errors_are_as_python_shows_them(run, source, text):
    assert run(source) == ([0], text)


def test_figures_become_pictures_shown_or_left_open(run, told):
    for source in ("from kdlite.plots import figure\nfigure()[0]", "import pylab\npylab.plot([1, 2]);"):
        assert run(source)[1] == ""
        (picture,) = (content for message, (*content,) in told if message["kind"] == "picture")
        assert picture[0].startswith(b"\x89PNG")


class Thing(comm.AnyWidget):
    _esm = "export default {}"
    size = traitlets.Float(1.0).tag(sync=True)
    data = traitlets.Bytes(b"abc").tag(sync=True)
    own = traitlets.Int(3)

    @traitlets.validate("size")
    def _at_most_ten(self, proposal):
        if np.isnan(proposal["value"]):
            raise traitlets.TraitError("no number")
        return min(proposal["value"], 10.0)


def test_a_widget_and_its_page_stay_together(run, told, monkeypatch):
    monkeypatch.setattr(comm, "TELL", lambda message, content: told.append((message, content)))
    thing, asked = Thing(size=2), []
    Cells(comm.TELL).display(thing)
    message, content = told[-1]
    assert message["state"] == {"size": 2.0, "_esm": Thing._esm, "_css": ""}
    assert (message["bytes"], content) == (["data"], [b"abc"])

    def page(kind, **more):
        del told[:]
        comm.hear({"kind": kind, "model": thing.model_id, **more})
        return [(message.get("state"), content) for message, content in told]

    assert page("update", state={"size": 3.0}) == [] and thing.size == 3, "no echo"
    assert page("update", state={"size": 30.0}) == [({"size": 10.0}, [])], "what Python makes of it goes back"
    assert page("update", state={"size": float("nan")}) == [({"size": 10.0}, [])]
    del told[:]
    thing.data = b"new"
    assert told[0][0]["bytes"] == ["data"] and told[0][1] == [b"new"]
    thing.on_msg(lambda *said: asked.append(said))
    page("custom", content={"kind": "hi"})
    assert asked == [(thing, {"kind": "hi"}, [])]
