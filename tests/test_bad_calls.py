"""Every public function of mixtures refuses bad arguments in one line that names value, limit and remedy."""

from functools import partial

import numpy as np
from mixtures import paper_truth
from refusals import RAGGED, BadCalls, array, integer, number, pages, public, refuses, truncations

import kdlite as kd
from kdlite import page
from kdlite import selection as knobs
from kdlite.explorer.storage import Family

TRUTH = paper_truth(0.25)
ONE = kd.fit_mixture(TRUTH, 1)
CUBE = kd.GaussianMixture([0.5, 0.5], np.eye(2, 3), [np.eye(3)] * 2)
POINTS = TRUTH.sample(20, 0)
EYES = np.stack([np.eye(2)] * 2)
SWEEP = partial(kd.sweep, TRUTH, betas=[1.0], teacher_components=2, student_components=1)
ESTIMATES = [kd.Estimate(-3.0 + i, 0.1, 100) for i in range(3)]
TAUS = [0.5, 0.8, 1.0]
OTHERS = {"text": "mixture", "None": None, "number": 3.0, "array": np.zeros((2, 2)), "list": [TRUTH]}


def kinds(name, call):
    """An argument that must be a mixture with everything else."""
    for label, other in OTHERS.items():
        yield refuses(f"{name} = {label}", partial(call, other), "must be a GaussianMixture, got", "; ")


def cases():
    yield from mixtures()
    yield from scores()
    yield from fits()
    yield from sweeps()
    yield from divergences()
    yield from pilots()
    yield from explorers()
    yield from selective()


def mixtures():
    make = kd.GaussianMixture
    yield from array("GaussianMixture means", lambda v: make([0.5, 0.5], v, EYES), but=("line", "cube"))
    yield from array("GaussianMixture weights", lambda v: make(v, np.zeros((2, 2)), EYES), but=("huge",))
    yield from array(
        "GaussianMixture covariances", lambda v: make([0.5, 0.5], np.zeros((2, 2)), v), but=("huge",)
    )
    for weights, words in (
        ([0.5, 0.6], "must sum to 1 within 1e-6, got 1.1; divide"),
        ([1.5, -0.5], "must be >= 0, got -0.5; 0 switches"),
        ([0, 0], "must sum to 1 within 1e-6, got 0; divide"),
        ([1.0], "shapes (K,), (K, D) and (K, D, D) with K, D >= 1, got (1,)"),
        ([], "K, D >= 1, got (0,)"),
        ([1e200, 0], "at most 1e+100 in size, got 1e+200"),
    ):
        yield refuses(
            f"GaussianMixture weights = {weights}", partial(make, weights, np.zeros((2, 2)), EYES), words
        )
    for label, covariance, words in (
        ("zero", np.zeros((2, 2)), "positive definite, but its smallest eigenvalue is 0; add"),
        ("negative", -np.eye(2), "positive definite, but its smallest eigenvalue is -1; add"),
        ("tiny", 1e-200 * np.eye(2), "positive definite, but its smallest eigenvalue is 1e-200; add"),
        ("huge", 1e200 * np.eye(2), "at most 1e+100 in size, got 1e+200 in row 0; leave"),
        ("skew", [[1.0, 0.5], [0.0, 1.0]], "must be symmetric, got [[1.0, 0.5], [0.0, 1.0]]; use"),
        ("flat", [[1.0, 1.0], [1.0, 1.0]], "positive definite"),
        ("nan", np.full((2, 2), np.nan), "must be finite, got nan in row 0; leave"),
    ):
        yield refuses(
            f"GaussianMixture covariance = {label}", partial(make, [1.0], [[0, 0]], [covariance]), words
        )
    for verb in ("log_prob", "component_log_prob", "responsibilities", "size", "place"):
        yield from array(f"GaussianMixture.{verb}", getattr(TRUTH, verb))
        yield refuses(f"GaussianMixture.{verb} of another dimension", partial(getattr(TRUTH, verb), np.zeros((2, 3))),
                      "points have dimension 3, the mixture has 2; use")  # fmt: skip
    yield from number(
        "GaussianMixture.sharpen beta", TRUTH.sharpen, "a finite number >= 0", negative=-1, hair=-1e-300
    )
    yield from integer("GaussianMixture.sample n", lambda v: TRUTH.sample(v, 0))
    yield from integer("GaussianMixture.sample seed", lambda v: TRUTH.sample(1, v), 0)
    yield from truncations("GaussianMixture.truncate", TRUTH.truncate)
    verbs = {"choose": TRUTH.choose, "push": lambda u: TRUTH.push(u, np.zeros((3, 2)))}
    for verb, call in verbs.items():
        for label, u in (("text", "ab"), ("None", None), ("nan", [np.nan] * 3), ("large", [0, 0.5, 1.5]),
                         ("negative", [0, 0.5, -0.1]), ("table", np.zeros((3, 2))), ("number", 0.5)):  # fmt: skip
            yield refuses(f"GaussianMixture.{verb} u = {label}", partial(call, u), "u must be", "got", "; ")
    yield from array("GaussianMixture.push z", lambda z: TRUTH.push([0.5], z))
    yield refuses(
        "GaussianMixture.push of other numbers",
        lambda: TRUTH.push([0.5], np.zeros((3, 2))),
        "(1, 2), got (3, 2); ",
    )
    for verb, call in (
        ("expect_log_prob", TRUTH.expect_log_prob),
        ("expect_by_component", lambda v: TRUTH.expect_by_component(v, TRUTH.weights)),
    ):
        name = f"GaussianMixture.{verb}"
        for label, other in OTHERS.items():
            yield refuses(
                f"{name} scored = {label}", partial(call, other), "scored must be a distribution, got", "; "
            )
        yield refuses(f"{name} of two dimensions", partial(call, CUBE), "dimension 2", "dimension 3; compare")
    for label, weights in (
        ("text", "ab"),
        ("None", None),
        ("few", [1.0]),
        ("nan", [np.nan] * 8),
        ("table", np.eye(8)),
    ):
        yield refuses(f"GaussianMixture.expect_by_component weights = {label}",
                      partial(TRUTH.expect_by_component, TRUTH, weights), "weights must", "got", "; ")  # fmt: skip


def selective():
    """The knobs as functions of log-probabilities."""
    logs = np.log([0.5, 0.3, 0.2])
    yield from truncations("knobs.heaviest", partial(knobs.heaviest, [0.5, 0.5]))
    for label, weights in (("text", "ab"), ("None", None), ("empty", []), ("nan", [np.nan]), ("negative", [1, -1]),
                           ("zero", [0, 0]), ("table", np.eye(2)), ("number", 1.0)):  # fmt: skip
        yield refuses(
            f"knobs.heaviest weights = {label}",
            partial(knobs.heaviest, weights, top_k=1),
            "weights must",
            "got",
            "; ",
        )
    yield from number("knobs.power beta", partial(knobs.power, logs), "a finite number >= 0", negative=-1)
    yield from integer("knobs.best_of tries", partial(knobs.best_of, logs))
    yield from integer("knobs.log_favour tries", partial(knobs.log_favour, np.ones(1), np.zeros(1)))
    yield refuses(
        "knobs.best_of endless tries", lambda: knobs.best_of(logs, 10**9), "<= 65536, got 1000000000; "
    )
    bad = {"text": "ab", "None": None, "empty": [], "nan": [np.nan, 0], "inf": [np.inf, 0], "complex": [1j],
           "impossible": [-np.inf], "cube": np.zeros((2, 2, 2)), "number": 1.0, "ragged": RAGGED}  # fmt: skip
    for label, values in bad.items():
        for name, call in (
            ("power log_p", lambda v: knobs.power(v, 2)),
            ("best_of log_p", lambda v: knobs.best_of(v, 2)),
            ("resample log_weights", lambda v: knobs.resample([v], [0.5])),
            ("effective_sample_size log_weights", knobs.effective_sample_size),
        ):
            yield refuses(
                f"knobs.{name} = {label}", partial(call, values), f"{name.split()[1]} must", "got", "; "
            )
    for label, u in (("text", "ab"), ("None", None), ("nan", [np.nan]), ("few", []), ("table", [[0.5]])):
        yield refuses(
            f"knobs.resample u = {label}", partial(knobs.resample, logs[None], u), "u must", "got", "; "
        )
    for label, at_most in (("text", "ab"), ("None", None), ("nan", [np.nan]), ("large", [1.5])):
        yield refuses(
            f"knobs.log_favour at_most = {label}",
            partial(knobs.log_favour, at_most, [0], 2),
            "at_most must",
            "; ",
        )


def scores():
    for score in (kd.precision, kd.recall):
        name = score.__name__
        yield from integer(f"{name} n", partial(lambda f, v: f(ONE, truth=TRUTH, n=v), score), but=("None",))
        yield from integer(f"{name} seed", partial(lambda f, v: f(ONE, truth=TRUTH, n=2, seed=v), score), 0)
        for label, other in OTHERS.items():
            for side in ("student", "truth"):
                both = {"student": ONE, "truth": TRUTH} | {side: other}
                yield refuses(
                    f"{name} {side} = {label}",
                    partial(score, **both),
                    f"{side} must be a distribution, got",
                    "; ",
                )
        yield refuses(
            f"{name} in 3 dimensions", partial(score, CUBE, truth=CUBE), "3 dimensions (at most 2); pass n"
        )
        yield refuses(
            f"{name} of two dimensions", partial(score, CUBE, truth=TRUTH), "dimension", "3", "2", "; compare"
        )
    curve = kd.Curve(*np.zeros((2, 1, 3)))
    yield from array("Curve.at_recall", curve.at_recall, but=("huge", "scalar", "line", "cube", "no columns"))


def fits():
    yield from array("fit_mixture x", lambda v: kd.fit_mixture(v, 1))
    yield from integer("fit_mixture n_components", lambda v: kd.fit_mixture(POINTS, v))
    yield from integer("fit_mixture n_init", lambda v: kd.fit_mixture(POINTS, 2, n_init=v))
    yield from integer("fit_mixture seed", lambda v: kd.fit_mixture(POINTS, 1, seed=v), 0)
    for label, weights, words in (
        ("few", [1.0], "for each of the 20 points, got shape (1,), least 1; 0 leaves"),
        ("negative", [-1.0] * 20, "got shape (20,), least -1; 0 leaves"),
        ("nan", [np.nan] * 20, "must be finite, got nan in row 0; leave"),
        ("text", ["a"] * 20, "must be an array of real numbers, got ['a'"),
        ("zero", [0.0] * 20, "at most the number of points that carry weight, 0, got 1; use"),
        ("huge", [1e200] * 20, "at most 1e+100 in size, got 1e+200"),
    ):
        yield refuses(
            f"fit_mixture weights = {label}", partial(kd.fit_mixture, POINTS, 1, weights=weights), words
        )
    for label, covariance in (("tied", "tied"), ("None", None), ("matrix", np.eye(2)), ("number", 1)):
        yield refuses(f"fit_mixture covariance = {label}", partial(kd.fit_mixture, POINTS, 1, covariance=covariance),
                      "covariance must be 'full' or 'diag', got", "; ")  # fmt: skip
    for label, init in (("text", "k-means"), ("array", np.zeros((2, 2))), ("larger", TRUTH)):
        yield refuses(
            f"fit_mixture init = {label}",
            partial(kd.fit_mixture, POINTS, 2, init=init),
            "init must",
            "got",
            "; ",
        )
    yield refuses(
        "fit_mixture of no points",
        lambda: kd.fit_mixture(np.zeros((0, 2)), 1),
        "points in it, got (1, 0, 2); ",
    )
    yield refuses(
        "fit_mixture of one point 5 times", lambda: kd.fit_mixture(np.ones((5, 2)), 1), "coincide; "
    )
    yield refuses(
        "fit_mixture of more components than points", lambda: kd.fit_mixture(POINTS, 21), "20, got 21; use"
    )
    yield refuses(
        "fit_mixture of a mixture with weights",
        lambda: kd.fit_mixture(TRUTH, 1, weights=[1]),
        "weights count points",
        "; ",
    )
    for label, problems, words in (
        ("plane", POINTS, "must have shape (P, N, D) with points in it, got (20, 2); use x[None]"),
        ("text", "abc", "x must be a sequence, got 'abc'; pass"),
        ("numbers", [1, 2], "each of x must be a GaussianMixture, got 1; pass"),
        (
            "sizes",
            [TRUTH, ONE],
            "mixtures must be of one size, got (components, dimensions) [(1, 2), (8, 2)]; fit",
        ),
        ("nothing", [], "mixtures must be of one size, got (components, dimensions) []; fit"),
    ):
        yield refuses(f"fit_mixtures x = {label}", partial(kd.fit_mixtures, problems, 1, seeds=[0]), words)
    for label, seeds, words in (
        ("few", [], "seeds must be as many as problems, 1, got 0; pass"),
        ("many", [0, 1], "seeds must be as many as problems, 1, got 2; pass"),
        ("number", 0, "seeds must be a sequence, got 0; pass"),
        ("negative", [-1], "seed must be an integer >= 0, got -1; "),
    ):
        yield refuses(
            f"fit_mixtures seeds = {label}", partial(kd.fit_mixtures, POINTS[None], 1, seeds=seeds), words
        )


def sweeps():
    for name in ("teacher_components", "student_components"):
        yield from integer(f"sweep {name}", partial(lambda key, v: SWEEP(**{key: v}), name))
    yield from number("sweep betas", lambda v: SWEEP(betas=[v]), "a finite number >= 0", negative=-1)
    yield from integer("sweep seeds", lambda v: SWEEP(seeds=[v]), 0)
    yield from kinds(
        "sweep truth", lambda v: kd.sweep(v, betas=[1], teacher_components=2, student_components=1)
    )
    for name in ("teacher", "student", "score"):
        yield from integer(f"Sizes {name}", partial(lambda key, v: kd.Sizes(**{key: v}), name))
    for label, settings, words in (
        ("betas empty", {"betas": []}, "at least one beta and one seed, got 0 and 1; add"),
        ("betas a number", {"betas": 1.0}, "betas must be a sequence, got 1.0; "),
        ("betas text", {"betas": "1"}, "betas must be a sequence, got '1'; "),
        ("seeds twice", {"seeds": [1, 1]}, "seeds must differ, got [1, 1]; "),
        ("seeds a number", {"seeds": 0}, "seeds must be a sequence, got 0; "),
        ("sizes a number", {"sizes": 100}, "sizes must be a Sizes, got 100; "),
        ("sizes too small", {"sizes": kd.Sizes(1, 10, 10)}, "carry weight, 1, got 2; use"),
        ("covariance", {"covariance": "tied"}, "covariance must be 'full' or 'diag', got 'tied'; "),
    ):
        yield refuses(f"sweep {label}", partial(SWEEP, **settings), words)


def divergences():
    for divergence in (kd.forward_kl, kd.reverse_kl, kd.jensen_shannon):
        name = divergence.__name__
        yield from kinds(f"{name} teacher", partial(lambda f, v: f(v, TRUTH), divergence))
        yield from kinds(f"{name} student", partial(lambda f, v: f(TRUTH, v), divergence))
        yield refuses(
            f"{name} of two dimensions", partial(divergence, CUBE, TRUTH), "dimension", "3", "2", "; compare"
        )
        yield refuses(
            f"{name} in 3 dimensions", partial(divergence, CUBE, CUBE), "3 dimensions (at most 2); "
        )
    weights = {"zero": 0, "one": 1, "negative": -0.5, "large": 1.5}
    yield from number(
        "jensen_shannon jsd_weight",
        lambda v: kd.jensen_shannon(TRUTH, ONE, v),
        "strictly between 0 and 1",
        **weights,
    )
    yield from number("minimise jsd_weight", lambda v: kd.minimise(kd.jensen_shannon, TRUTH, 1, jsd_weight=v),
                      "strictly between 0 and 1", but=("None",), **weights)  # fmt: skip
    yield from integer("minimise n_components", lambda v: kd.minimise(kd.reverse_kl, TRUTH, v))
    yield from integer("minimise n_init", lambda v: kd.minimise(kd.reverse_kl, TRUTH, 1, n_init=v))
    yield from integer("minimise seed", lambda v: kd.minimise(kd.reverse_kl, TRUTH, 1, seed=v), 0)
    yield from kinds("minimise teacher", lambda v: kd.minimise(kd.reverse_kl, v, 1))
    for label, divergence in (("text", "reverse_kl"), ("None", None), ("precision", kd.precision)):
        yield refuses(f"minimise divergence = {label}", partial(kd.minimise, divergence, TRUTH, 1),
                      "divergence must be forward_kl, reverse_kl or jensen_shannon, got", "; pass")  # fmt: skip
    yield refuses(
        "minimise in 3 dimensions",
        lambda: kd.minimise(kd.reverse_kl, CUBE, 1),
        "at most 2 dimensions, got 3; use",
    )
    yield refuses(
        "minimise a useless jsd_weight",
        lambda: kd.minimise(kd.reverse_kl, TRUTH, 1, jsd_weight=0.5),
        "got 0.5; leave it out",
    )


def pilots():
    needed = kd.samples_needed
    yield from number(
        "samples_needed stderr",
        lambda v: needed(ESTIMATES[0], v),
        "a positive number of nats",
        zero=0,
        negative=-1,
    )
    for label, pilot in (("text", "a"), ("None", None), ("number", -3.0), ("tuple", (-3.0, 0.1, 100))):
        yield refuses(
            f"samples_needed pilot = {label}",
            partial(needed, pilot, 0.1),
            "pilot must be an Estimate, got",
            "; pass",
        )
    yield refuses(
        "samples_needed of an integral",
        lambda: needed(kd.Estimate(-3, 0.0, 0), 0.1),
        "exact, -3 from n = 0",
        "; it needs",
    )
    yield refuses(
        "samples_needed of one sample",
        lambda: needed(kd.Estimate(-3, np.inf, 1), 0.1),
        "must be finite, got inf from n = 1; draw",
    )
    yield refuses(
        "samples_needed of a tiny error", lambda: needed(ESTIMATES[0], 1e-300), "stderr", "1e-300", "; "
    )
    choose = partial(kd.choose_tau, TAUS, ESTIMATES)
    yield from number("choose_tau floor", choose, "a finite number of nats")
    yield from number(
        "choose_tau level", lambda v: choose(-2.0, level=v), "between 0 and 1", zero=0, one=1, negative=-1
    )
    yield from integer("choose_tau n_boot", lambda v: choose(-2.0, n_boot=v))
    yield from integer("choose_tau seed", lambda v: choose(-2.0, seed=v), 0)
    for label, taus in (("one", [1.0]), ("zero", [0.0, 1.0, 2.0]), ("negative", [-1.0, 1.0, 2.0]), ("nan", [np.nan, 1, 2]),
                        ("text", "abc"), ("None", None), ("twice", [1, 1, 2]), ("table", np.ones((2, 2)))):  # fmt: skip
        yield refuses(
            f"choose_tau taus = {label}",
            partial(kd.choose_tau, taus, ESTIMATES, -2.0),
            "taus must",
            "got",
            "; ",
        )
    for label, recalls in (("few", ESTIMATES[:2]), ("text", "abc"), ("None", None), ("one seed", [[1, 2, 3]]),
                           ("nan", np.full((2, 3), np.nan)), ("ragged", [[1, 2, 3], [1]]), ("line", [1.0, 2.0, 3.0]),
                           ("inf", [kd.Estimate(-1, np.inf, 1)] * 3)):  # fmt: skip
        yield refuses(
            f"choose_tau recalls = {label}",
            partial(kd.choose_tau, TAUS, recalls, -2.0),
            "must be",
            "got",
            "; ",
        )
    yield refuses(
        "choose_tau floor out of reach",
        lambda: choose(5.0),
        "floor 5 is above what the pilot reaches, -1 at tau 1; lower",
    )


def explorers():
    make = kd.Explorer
    yield from number("Explorer beta", lambda v: make(beta=v), "a finite number >= 0", negative=-1)
    for name, values in (("teacher_components", (3, 0, -1, 2.5, "4", None, True, 10**30)), ("student_components", (0, 5, "1", None)),
                         ("profile", ("flat", "", None, 3, ["mild"]))):  # fmt: skip
        for value in values:
            yield refuses(
                f"Explorer {name} = {value!r}",
                partial(make, **{name: value}),
                f"{value!r} is not among",
                "; ",
            )
    for value in (["noise"], [3]):
        yield refuses(
            f"Explorer samples = {value!r}",
            partial(make, samples=value),
            "samples",
            "expected any of",
            repr(value[0]),
        )
    for value in ("truth", None, 5):
        yield refuses(
            f"Explorer samples = {value!r}",
            partial(make, samples=value),
            "samples must be a sequence, got",
            repr(value),
            "; ",
        )
    for value in ("other", None, 3, ["paper"]):
        yield refuses(
            f"Explorer runs = {value!r}", partial(make, runs=value), "runs", "expected any of", repr(value)
        )
    for label, other in OTHERS.items():
        if other is not None:
            yield refuses(
                f"Explorer truth = {label}",
                partial(make, other),
                "truth must be a GaussianMixture, got",
                "; ",
            )
    yield refuses("Explorer of a truth in space", lambda: make(CUBE), "dimension 3; use")
    explorer = make()
    yield from pages("Explorer.save_html", explorer.save_html)
    yield from pages("page.save", lambda path, title="": page.save(path, "", title=title))
    for label, content in (
        ("empty", b""),
        ("text", b"KDLF"),
        ("zeros", bytes(100)),
        ("markup", b"<script>alert(1)</script>"),
    ):
        yield refuses(
            f"Family.from_bytes = {label}",
            partial(Family.from_bytes, content),
            f"{len(content)} bytes",
            "; rebuild",
        )


class TestMixtures(BadCalls):
    cases = tuple(cases())
    names = (*public(kd), *public(knobs, "knobs."), "page.save")
    harmless = (
        dict.fromkeys(
            ("Curve", "Estimate", "Frontier", "Sweep", "TauChoice"), "holds what the package computed"
        )
        | dict.fromkeys(
            (n for n in public(kd) if n.startswith("Distribution")), "a protocol: what is asked of others"
        )
        | {"knobs.check_truncation": "is such a check itself"}
        | dict.fromkeys(("knobs.safe_log", "knobs.sharpened"), "is called by what is checked already")
    )


def test_what_is_public_is_seen():
    names = set(public(kd))
    assert {"GaussianMixture.sharpen", "Explorer.save_html", "fit_mixture", "Distribution.sample"} <= names
    assert (
        not {"GaussianMixture.dim", "Explorer.open", "Explorer.truth"} & names
    )  # no argument, another's, no argument
