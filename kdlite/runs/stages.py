"""What a whole run consists of: who learns from whom, and who is scored under whom.

Knows profiles; knows nothing of how a stage is carried out.
"""

from collections.abc import Iterator
from typing import NamedTuple

from kdlite.lm.knobs import KNOBS, tries
from kdlite.runs.profile import Learner, Lesson, Profile, Toy

DONE = "stage.json"  # a stage whose folder holds it is done


class Draw(NamedTuple):
    """A corpus: n texts of the truth, or of a trained model at temperature tau."""

    sampler: str  # truth, or the stage that trained the model
    n: int
    tau: float = 1.0
    beta: float = 1.0  # of a toy truth's chain weights
    knob: str | None = None  # other than temperature
    setting: float = 1.0  # of the knob

    @property
    def drawn(self) -> int:
        """Texts drawn, for n to be chosen among them."""
        return self.n * tries(self.knob, self.setting)


class Embed(NamedTuple):
    """The truth's own texts as points, for the others to be compared with."""


class Fit(NamedTuple):
    """A model that learns from a corpus, or from the teacher's distributions."""

    learner: Learner
    corpus: str | None  # the stage that drew it; None: the learner's own texts
    n: int  # its texts
    seed: int = 0
    lesson: Lesson | None = None  # how the teacher's distributions are matched; None: texts are all there is


class Score(NamedTuple):
    """One row of the results: a model at a temperature."""

    curve: str  # teacher, cooled (the direct student, at tau 1 as it is), distilled, or selected; or what Beyond adds
    model: str  # the stage that trained it
    seed: int
    tau: float  # of the teacher whose texts it learned from, or at which it is cooled itself
    beta: float = 1.0  # of the toy truth's chain weights
    knob: str | None = None  # what else was set
    setting: float = 1.0  # and to what

    @property
    def name(self) -> str:
        """Of its stage."""
        at = f"{self.beta if self.curve == 'selected' else self.tau:g}"
        if self.knob:
            at = f"{at}-{self.knob}-{self.setting:g}"
        return f"score-{self.curve}-{at}-s{self.seed}"

    @property
    def cooling(self) -> float:
        """Inverse temperature at which the trained model is scored."""
        return 1 / self.tau if self.curve in ("teacher", "cooled") else 1.0


class Stage(NamedTuple):
    """One step of a run. Its outputs go to the folder of its name."""

    name: str
    reads: tuple[str, ...]  # stages whose outputs it needs
    job: Draw | Embed | Fit | Score


def stages(profile: Profile) -> Iterator[Stage]:
    """The stages of a run, in an order in which each finds what it reads."""
    p, texts = profile, profile.texts
    for name, n in (("train", texts.train), ("validation", texts.validation), ("score", texts.score)):
        yield Stage(f"truth-{name}", (), Draw("truth", n))
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
    """What is scored, one row of the results each."""
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
