"""What a whole run consists of: who learns from whom, and who is scored under whom.

Knows profiles; knows nothing of how a stage is carried out.
"""

from collections.abc import Iterator
from typing import NamedTuple

from kdlite.lm.profile import Learner, Profile, Toy

DONE = "stage.json"  # a stage whose folder holds it is done


class Draw(NamedTuple):
    """A corpus: n texts of the truth, or of the teacher at temperature tau."""

    sampler: str  # truth or teacher
    n: int
    tau: float = 1.0
    beta: float = 1.0  # of a toy truth's chain weights


class Embed(NamedTuple):
    """The truth's own texts as points, for the others to be compared with."""


class Fit(NamedTuple):
    """A model that learns from a corpus."""

    learner: Learner
    corpus: str  # the stage that drew it
    n: int  # its texts
    seed: int = 0


class Score(NamedTuple):
    """One row of the results: a model at a temperature."""

    curve: str  # teacher, cooled (the direct student, at tau 1 as it is), distilled, or selected
    model: str  # the stage that trained it
    seed: int
    tau: float  # of the teacher whose texts it learned from, or at which it is cooled itself
    beta: float = 1.0  # of the toy truth's chain weights

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
    for row in rows(p):
        at = row.beta if row.curve == "selected" else row.tau
        reads = (row.model, "truth-score", "truth-validation", *embedded)
        yield Stage(f"score-{row.curve}-{at:g}-s{row.seed}", reads, row)


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


def _fit(name: str, learner: Learner, corpus: str, n: int, seed: int = 0) -> Stage:
    return Stage(name, (corpus, "truth-validation"), Fit(learner, corpus, n, seed))
