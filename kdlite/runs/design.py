"""Who learns, and how: learners, lessons, and what a run tries beyond one student of one teacher.

Knows shapes, recipes and what is valid in a table of a profile; knows nothing of truths or stages.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from kdlite.checks import check_beta, check_each, check_integer, check_kind, check_number, check_seed, show
from kdlite.lm.architecture import Shape, find_shape
from kdlite.lm.objectives import measure
from kdlite.lm.recipe import Recipe
from kdlite.selection import check_truncation

_BRACKETS = "put it between brackets"


@dataclass(frozen=True)
class Learner:
    """A teacher or a student: from scratch with a shape, the truth with fewer layers, or a trained model to start from;
    and how it learns.
    """

    recipe: Recipe
    shape: Shape | str | None = None
    layers: int | None = None
    start: str | None = None  # a folder or a Hub id, with the truth's tokenizer; see ``load``

    def __post_init__(self) -> None:
        check_kind("recipe", self.recipe, Recipe, "Recipe() is the paper's")
        if [self.shape, self.layers, self.start].count(None) != 2:
            raise ValueError(
                "a learner has either a shape, to start from scratch, or layers, to keep of the truth, or a model to "
                "start from"
            )
        if self.shape is not None:
            find_shape(self.shape)
        elif self.layers is not None:
            check_integer("layers", self.layers, 1, "keep at least one layer of the truth")
        else:
            check_kind("start", self.start, str, "put a folder or a Hub id between quotation marks")


@dataclass(frozen=True)
class Lesson:
    """Matching the teacher's distributions; see ``distil``."""

    tau: float  # of the teacher
    jsd_weight: float  # 0 is forward KL, 1 reverse KL

    def __post_init__(self) -> None:
        _check_tau("a lesson's tau", self.tau)
        measure("jensen_shannon", self.jsd_weight)  # has errors of its own

    def __str__(self) -> str:
        return f"{self.tau:g}-{self.jsd_weight:g}"


@dataclass(frozen=True)
class Beyond:
    """Other knobs than temperature, other objectives than the likelihood of texts, and students of students.

    Attributes:
        top_k: settings of this knob, of the teacher whose texts a student learns from, and of the direct student when
            it writes; see ``lm.selective.with_knob``.
        top_p: the same of this one.
        min_p: and of this.
        best_of: and of this.
        power: and of this.
        matched: students fitted to the teacher's distributions on its own texts at its temperature.
        on_policy: the same on the student's own texts.
        heir_taus: temperatures at which a student, too, teaches.
        generations: how many students in a row, the first one included.
    """

    top_k: tuple[int, ...] = ()
    top_p: tuple[float, ...] = ()
    min_p: tuple[float, ...] = ()
    best_of: tuple[int, ...] = ()
    power: tuple[float, ...] = ()
    matched: tuple[Lesson, ...] = ()
    on_policy: tuple[Lesson, ...] = ()
    heir_taus: tuple[float, ...] = ()
    generations: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name == "generations":
                check_integer("generations", self.generations, 1, "the first student is one")
                continue
            values = check_each(field.name, getattr(self, field.name), _BRACKETS)
            if field.name in ("matched", "on_policy"):
                values = [make(Lesson, v, field.name) for v in values]
            object.__setattr__(
                self, field.name, settings(field.name, values, partial(_check_setting, field.name))
            )


@dataclass(frozen=True)
class Scarce:
    """A few texts of the truth for everybody, the teacher too; of the teacher's as many as in the rest of the run.

    Attributes:
        texts: of the truth, the first of its training texts; whole shards.
        validation: the last of them, kept back to choose checkpoints by; whole shards.
        taus: temperatures of this teacher; 1 among them.
        teacher_epochs: its passes over the few texts.
        epochs: those of a direct student.
    """

    texts: int
    validation: int
    taus: tuple[float, ...]
    teacher_epochs: int
    epochs: int

    def __post_init__(self) -> None:
        for name in ("texts", "validation", "teacher_epochs", "epochs"):
            check_integer(f"scarce.{name}", getattr(self, name), 1, "take at least one")
        if self.validation >= self.texts:
            raise ValueError(
                f"of {self.texts} scarce texts {self.validation} are kept back, and none is left; lower validation"
            )
        object.__setattr__(self, "taus", temperatures("scarce.taus", self.taus))


@dataclass(frozen=True)
class Study:
    """Students of several capacities and two teachers beside cooled ones, and what few texts of the truth change.

    Attributes:
        student: the name of the profile's own student among the capacities.
        capacities: the others, by name.
        teachers: seeds of teachers. The first teaches everybody, the others the profile's own student.
        cooled: temperatures at which direct students, and the truth, write; 1 among them.
        matched: temperatures of the teacher whose distributions the profile's student learns, on its texts and on the
            truth's.
        both: pairs: temperature of the teacher, and that at which its student writes.
        scarce: the arm with few texts of the truth.
        words: tokens among which different words are counted.
    """

    student: str
    capacities: dict[str, Learner]
    teachers: tuple[int, ...]
    cooled: tuple[float, ...]
    matched: tuple[float, ...] = ()
    both: tuple[tuple[float, float], ...] = ()
    scarce: Scarce | None = None
    words: int = 4096

    def __post_init__(self) -> None:
        check_kind("study.student", self.student, str, "name the profile's student")
        check_kind("study.capacities", self.capacities, Mapping, "name each learner")
        found = {k: make(Learner, v, f"study.capacities.{k}") for k, v in self.capacities.items()}
        if self.student in found:
            raise ValueError(f"{self.student!r} names two students; give each capacity a name of its own")
        for name in (self.student, *found):
            if not name.replace("_", "").replace(".", "").isalnum():
                raise ValueError(f"{name!r} names folders; use letters, digits, dots and underscores")
        pairs = settings("study.both", map(tuple, self.both), _check_pair)
        known = {
            "capacities": found,
            "teachers": seeds("study.teachers", self.teachers),
            "cooled": temperatures("study.cooled", self.cooled),
            "matched": settings("study.matched", self.matched, partial(_check_tau, "study.matched")),
            "both": pairs,
            "scarce": self.scarce and make(Scarce, self.scarce, "study.scarce"),
        }
        for name, value in known.items():
            object.__setattr__(self, name, value)
        check_integer("study.words", self.words, 1, "count words among at least one token")


def settings(name: str, values: Any, check: Callable[[Any], object]) -> tuple:
    """Checked values. They name folders, so they differ in their first six digits."""
    found = tuple(check_each(name, values, _BRACKETS))
    for value in found:
        check(value)
    if len(set(map(_name, found))) < len(found):
        raise ValueError(f"{name} must differ in their first six digits, got {show(list(found))}")
    return found


def temperatures(name: str, values: Any) -> tuple[float, ...]:
    """Checked temperatures, that of the unchanged model among them."""
    found = settings(name, values, partial(_check_tau, name))
    if 1 not in found:
        raise ValueError(f"{name} must hold 1, the unchanged model, got {show(list(found))}; add it")
    return found


def seeds(name: str, values: Any) -> tuple[int, ...]:
    """Checked seeds."""
    found = tuple(check_each(name, values, _BRACKETS))
    if not found or len(set(map(check_seed, found))) < len(found):
        raise ValueError(f"{name} must be different seeds, at least one, got {show(list(found))}")
    return found


def _check_tau(name: str, tau: float) -> None:
    check_number(name, tau, "> 0", lambda v: v > 0, "1 leaves a model unchanged")


def _check_pair(pair: tuple) -> None:
    if len(pair) != 2 or pair[1] == 1:
        raise ValueError(
            f"study.both are pairs of temperatures, got {show(pair)}; leave out those that end in 1"
        )
    for tau in pair:
        _check_tau("study.both", tau)


def _check_setting(knob: str, value: object) -> None:
    """Nothing, or a ValueError for a setting that a knob of ``Beyond`` does not have."""
    match knob:
        case "top_k" | "top_p" | "min_p":
            numbers = dict.fromkeys(("top_k", "top_p", "min_p")) | {knob: value}
            check_truncation(*numbers.values(), each="token")
        case "best_of":
            check_integer(knob, value, 1, "the best of one text is that text")
        case "power":
            check_beta(value)
        case "heir_taus":
            _check_tau(knob, value)


def _name(setting: float | tuple | Lesson) -> str:
    """Of a setting, in the names of folders."""
    if isinstance(setting, tuple):
        return "-".join(map(_name, setting))
    return str(setting) if isinstance(setting, Lesson) else f"{setting:g}"


def make(kind: type, values: Any, where: str) -> Any:
    """An instance of a dataclass, or one from a table, unknown and missing keys named."""
    if isinstance(values, kind):
        return values
    if not isinstance(values, Mapping):
        raise ValueError(f"{where} must be a table, got {show(values)}; see the built-in profiles")
    values = dict(values)
    for name in values:
        if name not in (known := [field.name for field in fields(kind)]):
            raise ValueError(f"{where} has no {name!r}; it has {', '.join(known)}")
    if kind is Learner:
        values["recipe"] = Recipe.of(values.get("recipe", {}))
    if isinstance(values.get("shape"), Mapping):
        values["shape"] = make(Shape, values["shape"], f"{where}.shape")
    try:
        return kind(**values)
    except TypeError as error:
        raise ValueError(f"{where}: {str(error).partition(') ')[2] or error}") from None
