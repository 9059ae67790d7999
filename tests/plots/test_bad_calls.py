"""Every figure refuses what it cannot draw in one line that names value, limit and remedy."""

from functools import partial

import matplotlib
import numpy as np
from mixtures import paper_truth
from refusals import RAGGED, BadCalls, integer, number, public, refuses

import kdlite as kd
from kdlite import plots

matplotlib.use("Agg")
TRUTH = paper_truth(0.25)
SPACE = kd.GaussianMixture([1.0], [[0, 0, 0]], [np.eye(3)])
SWEEP = kd.sweep(TRUTH, betas=[1.0, 10.0], teacher_components=2, student_components=1)
TEXT = "<script>alert(1)</script>"
OTHERS = {
    "text": TEXT,
    "None": None,
    "number": 3.0,
    "list": [1],
    "array": np.zeros((2, 2)),
    "class": kd.Sweep,
}
X = [1.0, 2.0, 3.0]
LINE = {
    "text": TEXT,
    "None": None,
    "number": 1.0,
    "empty": [],
    "few": [1.0],
    "complex": [1j, 2, 3],
    "table": np.zeros((3, 3)),
    "ragged": RAGGED,
    "mixture": TRUTH,
}
NAMES = {"xlabel": "x", "ylabel": "y"}


def tables(name, call):
    """A mapping of what to draw with everything else."""
    for label, other in OTHERS.items():
        yield refuses(f"{name} = {label}", partial(call, other), "must be a Mapping, got", "; ")
    yield refuses(f"{name} = empty", lambda: call({}), "must have ", "got 0; ")


def kinds(name, kind, call, *more):
    """An argument that must be of a kind with everything else."""
    for label, other in OTHERS.items():
        if label not in more:
            yield refuses(f"{name} = {label}", partial(call, other), "must be", kind, "got", "; ")


def values(name, call, bad=LINE):
    """An array of numbers with everything else."""
    for label, other in bad.items():
        yield refuses(f"{name} = {label}", partial(call, other), "must ", "got", "; ")


def cases():
    yield from curves()
    yield from scores()
    yield from shapes()
    yield from planes()
    yield from runs()


def curves():
    curve = {"a": (X, "teacher")}
    for name, call in (
        ("plots.lines", partial(plots.lines, **NAMES)),
        ("plots.bands", partial(plots.bands, **NAMES)),
        ("plots.gains", partial(plots.gains, **NAMES)),
    ):
        yield from tables(f"{name} curves", partial(call, X))
        but = {label: x for label, x in LINE.items() if label != "few"}
        good = {"plots.lines": curve, "plots.bands": {"a": ([X], "teacher")}, "plots.gains": {"a": X}}[name]
        yield from values(f"{name} x", partial(lambda c, g, x: c(x, g), call, good), but)
    yield from values("plots.lines values", lambda v: plots.lines(X, {"a": (v, "teacher")}, **NAMES))
    yield from values(
        "plots.bands values", lambda v: plots.bands(X, {"a": (v, "teacher")}, **NAMES), LINE | {"table": X}
    )
    yield from values("plots.gains values", lambda v: plots.gains(X, {"a": v}, **NAMES))
    yield refuses(
        "plots.gains of five curves",
        lambda: plots.gains(X, dict.fromkeys("abcde", X), **NAMES),
        "1 to 4 entries, got 5; ",
    )
    for label, colour in (
        ("unknown", "pupil"),
        ("markup", TEXT),
        ("None", None),
        ("number", 3.0),
        ("list", ["red"]),
    ):
        yield refuses(f"plots.lines colour = {label}", lambda c=colour: plots.lines(X, {"a": (X, c)}, **NAMES),
                      "the colour of 'a' must be one", "; truth")  # fmt: skip
        yield refuses(f"plots.bands colour = {label}", lambda c=colour: plots.bands(X, {"a": ([X], c)}, **NAMES),
                      "the colour of 'a' must be one of truth", "; choose")  # fmt: skip
    for label, parts in (
        ("a number", 3.0),
        ("text", "ab c"),
        ("one part", (X,)),
        ("four parts", (X, "red", "-", 1)),
    ):
        yield refuses(
            f"plots.lines curve of {label}",
            lambda p=parts: plots.lines(X, {"a": p}, **NAMES),
            "'a' must",
            "; pass",
        )
    yield from kinds("plots.against_beta sweep", "Frontier", plots.against_beta)
    yield from tables("plots.sources sweeps", plots.sources)
    yield from kinds("plots.sources a sweep", "Sweep", lambda v: plots.sources({"a": v}))
    yield refuses(
        "plots.sources of five sweeps",
        lambda: plots.sources(dict.fromkeys("abcde", SWEEP)),
        "1 to 4 entries, got 5; ",
    )


def scores():
    estimates = [kd.Estimate(-1.0, 0.1, 10)] * 3
    yield from tables("plots.cooling curves", lambda v: plots.cooling(X, v, ylabel="y"))
    yield from values("plots.cooling taus", lambda v: plots.cooling(v, {"a": estimates}, ylabel="y"))
    intervals = partial(plots.intervals, ylabel="y")
    for name, call in (
        ("plots.cooling estimates", lambda v: plots.cooling(X, {"a": v}, ylabel="y")),
        ("plots.intervals estimates", lambda v: intervals(v, 0.0)),
    ):
        for label, bad in (
            ("text", TEXT),
            ("None", None),
            ("number", 1.0),
            ("numbers", X),
            ("empty", []),
            ("mapping", {"a": 1}),
        ):
            yield refuses(f"{name} = {label}", partial(call, bad), "must ", "got", "; ")
    yield refuses("plots.cooling of two estimates for three taus", lambda: plots.cooling(X, {"a": estimates[:2]}, ylabel="y"),
                  "(3, 3), got (2, 3); ")  # fmt: skip
    yield from number("plots.intervals exact", lambda v: intervals(estimates, v), "a finite number")
    yield from number(
        "plots.intervals width", lambda v: intervals(estimates, 0.0, width=v), "> 0", zero=0, negative=-1
    )
    yield from kinds("plots.frontier sweep", "Frontier", plots.frontier)
    yield from kinds(
        "plots.frontier truth",
        "a mixture, or a finite number",
        partial(plots.frontier, SWEEP),
        "None",
        "number",
    )
    yield from number("plots.frontier mark", lambda v: plots.frontier(SWEEP, mark=[v]), "finite numbers")
    for mark in (1.0, None, "1", {"a": 1}):
        yield refuses(
            f"plots.frontier mark = {mark!r} alone",
            lambda m=mark: plots.frontier(SWEEP, mark=m),
            "mark must be a sequence",
            "; ",
        )
    cloud = {"direct": np.zeros((5, 2)), "student": np.zeros((5, 2))}
    published = {"direct": (-20.26, -2.64)}
    yield from tables("plots.clouds panels", lambda v: plots.clouds(v, published))
    yield from kinds("plots.clouds a panel", "Mapping", lambda v: plots.clouds({"a": v}, published))
    yield from tables("plots.clouds published", lambda v: plots.clouds({"a": cloud}, v))
    yield from values("plots.clouds points", lambda v: plots.clouds({"a": cloud | {"direct": v}}, published))
    yield from values("plots.clouds pair", lambda v: plots.clouds({"a": cloud}, {"direct": v}))
    yield refuses(
        "plots.clouds of a pupil",
        lambda: plots.clouds({"a": cloud}, {"pupil": (0, 0)}),
        "published must be one of direct, student, got 'pupil'; ",
    )
    yield from kinds(
        "plots.clouds truth", "GaussianMixture", lambda v: plots.clouds({"a": cloud}, published, v), "None"
    )


def shapes():
    yield from tables("plots.weights mixtures", plots.weights)
    yield from kinds("plots.weights a mixture", "GaussianMixture", lambda v: plots.weights({TEXT: v}))
    yield from tables("plots.shares panels", lambda v: plots.shares(v, X))
    yield from values("plots.shares a panel", lambda v: plots.shares({"a": v}, X))
    yield from values("plots.shares reference", lambda v: plots.shares({"a": X}, v))
    yield refuses(
        "plots.shares name = pupil",
        lambda: plots.shares({"a": X}, X, name="pupil"),
        "name must be one of truth",
        "got 'pupil'; ",
    )
    heat = partial(plots.heat, {"a": np.ones((2, 3))})
    yield from tables("plots.heat panels", lambda v: plots.heat(v, X, ["r", "s"]))
    yield from values("plots.heat a panel", lambda v: plots.heat({"a": v}, X, ["r", "s"]))
    yield from values("plots.heat betas", lambda v: heat(v, ["r", "s"]))
    for label, rows in (("text", "ab"), ("None", None), ("few", ["r"]), ("number", 2)):
        yield refuses(f"plots.heat rows = {label}", partial(heat, X, rows), " must ", "got", "; ")
    for label, log in (("text", "a"), ("unknown", ["b"]), ("None", None), ("number", 1)):
        yield refuses(
            f"plots.heat log = {label}", lambda v=log: heat(X, ["r", "s"], log=v), "log must be", "got", "; "
        )
    good = {"a": {"b": np.zeros((2, 3))}}
    knobs = partial(plots.knobs, entropy="nats")
    yield from tables("plots.knobs panels", knobs)
    yield from tables("plots.knobs a panel", lambda v: knobs({"a": v}))
    bad = LINE | {
        "nan": np.full((2, 3), np.nan),
        "four columns": np.zeros((2, 4)),
        "no rows": np.zeros((0, 3)),
    }
    yield from values(
        "plots.knobs points", lambda v: knobs({"a": {"b": v}}), {k: v for k, v in bad.items() if k != "table"}
    )
    for key in ("start", "xlim", "ylim"):
        pair = {k: v for k, v in bad.items() if k != "None"}
        yield from values(f"plots.knobs {key}", partial(lambda k, v: knobs(good, **{k: v}), key), pair)
    many = {f"knob {i}": np.zeros((1, 3)) for i in range(11)}
    yield refuses(
        "plots.knobs of eleven knobs", lambda: knobs({"a": many}), "knobs must have 1 to 10 entries, got 11; "
    )
    for key in ("columns", "rows"):
        yield from integer(f"plots.figure {key}", partial(lambda k, v: plots.figure(**{k: v}), key))
        yield refuses(
            f"plots.figure {key} = a million",
            partial(lambda k: plots.figure(**{k: 10**6}), key),
            "<= 100, got 1000000; ",
        )
    for key in ("width", "height"):
        yield from number(
            f"plots.figure {key}",
            partial(lambda k, v: plots.figure(**{k: v}), key),
            "inches",
            zero=0,
            large=1e9,
        )


def planes():
    panels = {name: {"truth": TRUTH} for name in "abc"}
    three = partial(plots.opening, sweep=SWEEP, truth=TRUTH, mark=(1,))
    for name, call in (("plots.planes", plots.planes), ("plots.opening", three)):
        yield from tables(f"{name} panels", call)
        yield from kinds(f"{name} a panel", "Mapping", partial(lambda c, v: c(panels | {"a": v}), call))
        for label, what in OTHERS.items():
            if label != "array":
                yield refuses(f"{name} truth = {label}", lambda c=call, w=what: c(panels | {"a": {"truth": w}}),
                              "truth of 'a' must be a GaussianMixture or ndarray, got", "; ")  # fmt: skip
        for label, points in (("cube", np.zeros((2, 2, 2))), ("space", np.zeros((2, 3))), ("nan", np.full((2, 2), np.nan)),
                              ("text", np.array([["a", "b"]]))):  # fmt: skip
            yield refuses(
                f"{name} points = {label}",
                lambda c=call, p=points: c(panels | {"a": {"student": p}}),
                "points ",
                "; ",
            )
        yield refuses(
            f"{name} in space", lambda c=call: c(panels | {"a": {"truth": SPACE}}), "plane, got dimension 3; "
        )
        yield refuses(
            f"{name} of a pupil",
            lambda c=call: c(panels | {"a": {"pupil": TRUTH}}),
            "must be one of truth",
            "got 'pupil'; ",
        )
    yield from number(
        "plots.planes extent", lambda v: plots.planes(panels, extent=v), "> 0", zero=0, negative=-1
    )
    yield refuses("plots.opening of one panel", lambda: three({"a": {}}), "panels must be 3", "got 1; ")
    yield from kinds("plots.opening sweep", "Sweep", lambda v: plots.opening(panels, v, TRUTH, mark=(1,)))
    yield refuses(
        "plots.opening mark = 1",
        lambda: plots.opening(panels, SWEEP, TRUTH, mark=1),
        "mark must be a sequence, got 1; ",
    )


def runs():
    for name in ("geometry", "against_tau"):
        yield from kinds(f"plots.{name} results", "those of a run", getattr(plots, name))


class TestFigures(BadCalls):
    cases = tuple(cases())
    names = tuple(public(plots, "plots."))


def test_a_figure_is_drawn_of_what_the_table_spoils():
    plots.lines(X, {TEXT: (X, "teacher", ":")}, **NAMES)
    plots.gains(X, {TEXT: [1, np.nan, 2]}, **NAMES)
    plots.heat({TEXT: np.ones((2, 3))}, X, ["r", TEXT], log=[TEXT])
    plots.planes({TEXT: {"truth": TRUTH, "student": np.zeros((4, 2))}})
    plots.knobs({TEXT: {TEXT: np.zeros((2, 5))}}, entropy=TEXT, start=(0, 0))
