"""What a whole run consists of: who learns from whom, and who is scored under whom.

Knows profiles; knows nothing of how a stage is carried out.
"""

from collections.abc import Iterator

from kdlite.lm.selective import KNOBS
from kdlite.runs.design import Learner
from kdlite.runs.jobs import Draw, Embed, Fit, Keep, Score, Stage
from kdlite.runs.profile import Profile, Toy
from kdlite.runs.study import study


def stages(profile: Profile) -> Iterator[Stage]:
    """The stages of a run, in an order in which each finds what it reads."""
    p, texts = profile, profile.texts
    narrowed = getattr(p.truth, "tokens", None)
    kept = ("truth-tokens",) if narrowed else ()
    for name in kept:
        yield Stage(name, (), Keep(narrowed))
    for name, n in (("train", texts.train), ("validation", texts.validation), ("score", texts.score)):
        yield Stage(f"truth-{name}", kept, Draw("truth", n))
    if p.study:
        yield from study(p, p.study)
        return
    embedded = () if isinstance(p.truth, Toy) else ("truth-points",)
    for name in embedded:
        yield Stage(name, ("truth-score", "truth-train"), Embed())
    yield _fit("teacher", p.teacher, "truth-train", texts.train)
    for tau in p.taus:
        yield Stage(f"lesson-{tau:g}", ("teacher",), Draw("teacher", texts.lesson, tau))
    for beta in p.betas:
        yield Stage(f"modes-{beta:g}", (), Draw("truth", texts.lesson, beta=beta))
    for seed in p.seeds:
        yield _fit(f"direct-s{seed}", p.student, "truth-train", texts.train, seed)
        for tau in p.taus:
            yield _fit(f"distilled-{tau:g}-s{seed}", p.student, f"lesson-{tau:g}", texts.lesson, seed)
        for beta in p.betas:
            yield _fit(f"selected-{beta:g}-s{seed}", p.student, f"modes-{beta:g}", texts.lesson, seed)
    yield from _beyond(p)
    for row in rows(p):
        yield Stage(row.name, (row.model, "truth-score", "truth-validation", *embedded), row)


def rows(profile: Profile) -> Iterator[Score]:
    """What is scored, one row of the results each; of a study see ``study``."""
    for tau in profile.taus:
        yield Score("teacher", "teacher", 0, tau)
    for seed in profile.seeds:
        for tau in profile.taus:
            yield Score("cooled", f"direct-s{seed}", seed, tau)
            yield Score("distilled", f"distilled-{tau:g}-s{seed}", seed, tau)
        for beta in profile.betas:
            yield Score("selected", f"selected-{beta:g}-s{seed}", seed, 1.0, beta)
    if profile.beyond:
        yield from _rows_beyond(profile)


def _beyond(profile: Profile) -> Iterator[Stage]:
    """Students of other knobs, of other objectives, and of students."""
    if not (beyond := profile.beyond):
        return
    p, n = profile, profile.texts.lesson
    for knob, at in _knobs(p):
        yield Stage(f"lesson-{knob}-{at:g}", ("teacher",), Draw("teacher", n, knob=knob, setting=at))
    for seed in p.seeds:
        for knob, at in _knobs(p):
            yield _fit(f"learned-{knob}-{at:g}-s{seed}", p.student, f"lesson-{knob}-{at:g}", n, seed)
        for lesson in beyond.matched:
            corpus = f"lesson-{lesson.tau:g}"
            reads = (corpus, "teacher", "truth-validation")
            yield Stage(f"matched-{lesson}-s{seed}", reads, Fit(p.student, corpus, n, seed, lesson))
        for lesson in beyond.on_policy:
            reads = ("teacher", "truth-validation")
            yield Stage(f"on_policy-{lesson}-s{seed}", reads, Fit(p.student, None, n, seed, lesson))
        for tau, age, parent, name in _heirs(p, seed):
            corpus = f"heirloom-{tau:g}-{age}-s{seed}"
            yield Stage(corpus, (parent,), Draw(parent, n, tau))
            yield _fit(name, p.student, corpus, n, seed)


def _rows_beyond(profile: Profile) -> Iterator[Score]:
    """Rows of these: ``turned`` is the teacher with a knob, ``learned`` its student, ``decoded`` the direct student with
    the same knob when it writes.
    """
    p, beyond = profile, profile.beyond
    for knob, at in _knobs(p):
        yield Score("turned", "teacher", 0, 1.0, knob=knob, setting=at)
    for seed in p.seeds:
        for knob, at in _knobs(p):
            yield Score("learned", f"learned-{knob}-{at:g}-s{seed}", seed, 1.0, knob=knob, setting=at)
            yield Score("decoded", f"direct-s{seed}", seed, 1.0, knob=knob, setting=at)
        for curve, lessons in (("matched", beyond.matched), ("on_policy", beyond.on_policy)):
            for lesson in lessons:
                model = f"{curve}-{lesson}-s{seed}"
                yield Score(curve, model, seed, lesson.tau, knob="jsd_weight", setting=lesson.jsd_weight)
        for tau, age, _, name in _heirs(p, seed):
            yield Score("heir", name, seed, tau, knob="generation", setting=age)


def _knobs(profile: Profile) -> Iterator[tuple[str, float]]:
    """Knobs other than temperature, and their settings."""
    for knob in KNOBS[1:]:
        for setting in getattr(profile.beyond, knob):
            yield knob, setting


def _heirs(profile: Profile, seed: int) -> Iterator[tuple[float, int, str, str]]:
    """Students of students: temperature, how many students it is from the teacher, parent, and name."""
    for tau in profile.beyond.heir_taus:
        parent = f"distilled-{tau:g}-s{seed}"
        for age in range(2, profile.beyond.generations + 1):
            name = f"heir-{tau:g}-{age}-s{seed}"
            yield tau, age, parent, name
            parent = name


def _fit(name: str, learner: Learner, corpus: str, n: int, seed: int = 0) -> Stage:
    return Stage(name, (corpus, "truth-validation"), Fit(learner, corpus, n, seed))
