"""The jobs that a run is made of, as plain tuples.

Knows what each kind of job needs to be told; knows nothing of how one is carried out, nor of which a run has.
"""

from typing import NamedTuple

from kdlite.lm.selective import tries
from kdlite.runs.design import Learner, Lesson

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


class Part(NamedTuple):
    """Some of a corpus, whole shards."""

    corpus: str  # the stage that drew it
    start: int  # first text
    stop: int  # past the last one


class Fit(NamedTuple):
    """A model that learns from a corpus, or from a teacher's distributions.

    What it validates on is looked at along the way. The last weights are kept, unless the checkpoint is to be the best
    on validation texts, which then are held-out ones of what it learns from: chosen by others of the truth's texts, a
    student would have seen what its recall is measured on.
    """

    learner: Learner
    corpus: str | Part | None  # the stage that drew it; None: the learner's own texts
    n: int  # its texts
    seed: int = 0
    lesson: Lesson | None = None  # how the teacher's distributions are matched; None: texts are all there is
    teacher: str = "teacher"  # the stage that trained it
    validation: str | Part = "truth-validation"
    choose: bool = False  # the best checkpoint


class Keep(NamedTuple):
    """The token ids that a pretrained truth keeps, found on its own texts."""

    n: int  # ids


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


class Measure(NamedTuple):
    """One row of a study: texts of a model at a temperature, and how well it expects the truth's."""

    curve: str  # truth, teacher, direct, cooled, distilled, distributions or both
    model: str  # the stage that trained it, or truth
    capacity: str | None  # None for truth and teacher
    arm: str  # full or scarce
    teacher_seed: int | None  # of the teacher it learned from, or is
    seed: int | None  # of the student
    tau: float  # of the teacher it learned from; at which it writes itself, for truth, teacher, direct and cooled
    decoding: float  # the temperature at which it writes
    judge: str  # the stage that trained another teacher, for a second opinion
    texts: str | None = None  # whose texts it learned distributions on: teacher or truth

    @property
    def name(self) -> str:
        """Of its stage."""
        return f"score-{self.model}-at-{self.decoding:g}"


class Stage(NamedTuple):
    """One step of a run. Its outputs go to the folder of its name."""

    name: str
    reads: tuple[str, ...]  # stages whose outputs it needs
    job: Draw | Embed | Fit | Keep | Score
