"""What a run does, as plain numbers: the truth, the sizes, the shapes, the recipes.

Knows TOML and what is valid in it; knows nothing of how a stage is carried out.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from kdlite.checks import check_beta, check_integer, check_kind, check_path, check_seed, show
from kdlite.lm.architecture import Shape, find_shape
from kdlite.runs.design import Beyond, Learner, Study, make, seeds, settings, temperatures
from kdlite.texts.geometry import NEIGHBOUR
from kdlite.texts.language import Language
from kdlite.texts.markov import check_random

_FOLDER = Path(__file__).with_name("profiles")
BUILT_IN = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))
_POINTS = 1024  # at most so many texts of each model are made points


@dataclass(frozen=True)
class Toy:
    """The truth as a random mixture of Markov chains; see ``MarkovMixture.random``."""

    chains: int
    symbols: int
    length: int
    decay: float
    concentration: float
    seed: int

    def __post_init__(self) -> None:
        check_random(**asdict(self))


@dataclass(frozen=True)
class Pretrained:
    """The truth as a pretrained model; see ``load``."""

    name: str
    source: str
    prompt: str
    length: int
    tokens: int | None = None  # the likeliest token ids, all that the truth knows; see ``narrow``

    def __post_init__(self) -> None:
        if self.tokens is not None:
            check_integer("tokens", self.tokens, 1, "keep at least one, or leave it out to keep all")
        for name in ("name", "source", "prompt"):
            check_kind(name, getattr(self, name), str, "put it between quotation marks")
        check_integer("length", self.length, 1, "a text has at least one token")


@dataclass(frozen=True)
class Scratch:
    """The truth as a model from scratch, which has learned nothing: for trying a run out. See ``new``."""

    shape: Shape
    vocabulary: int
    length: int
    beta: float  # its texts are drawn at temperature 1/beta: at 1, all tokens are about equally likely
    seed: int

    def __post_init__(self) -> None:
        check_beta(self.beta)
        check_seed(self.seed)
        find_shape(self.shape)
        _ = self.language  # has errors of its own

    @property
    def language(self) -> Language:
        """Ids from 0, which ends a text; the one past the last begins it."""
        return Language(self.vocabulary, self.length, (self.vocabulary,), eos=0, begin=self.vocabulary)


@dataclass(frozen=True)
class Texts:
    """How many texts each corpus holds."""

    train: int  # of the truth: what the teacher and the direct students learn from
    validation: int  # of the truth: chooses checkpoints
    lesson: int  # of the sharpened teacher, at each tau: what the students learn from
    score: int  # behind each precision and each recall
    shard: int = 1 << 16  # in one file

    def __post_init__(self) -> None:
        for field in fields(self):
            scored = field.name in ("validation", "score")
            least, why = (
                (2, "one text has no standard error") if scored else (1, "a corpus has at least one text")
            )
            check_integer(f"texts.{field.name}", getattr(self, field.name), least, why)

    @property
    def points(self) -> int:
        """Texts made points, the same number of the truth and of each model."""
        return min(self.train, self.score, _POINTS)


@dataclass(frozen=True)
class Profile:
    """A whole run.

    Attributes:
        name: of the profile.
        truth: what is to be learned.
        texts: sizes of the corpora.
        teacher: learns from the truth.
        student: learns from the truth (direct), and from the teacher at each tau.
        taus: temperatures of the teacher, and of the direct student when it is cooled; 1 among them.
        seeds: one direct student and one student a tau for each.
        betas: where the truth is a toy, students are also fitted to the truth with its chain weights sharpened.
        batch: texts drawn at a time.
        seed: of every draw; each has a stream of its own.
        beyond: what else a run tries, if it does.
        study: its design, if there are several capacities; ``betas`` and ``beyond`` then have no part in it.
    """

    name: str
    truth: Toy | Pretrained | Scratch
    texts: Texts
    teacher: Learner
    student: Learner
    taus: tuple[float, ...]
    seeds: tuple[int, ...]
    betas: tuple[float, ...] = ()
    batch: int = 128
    seed: int = 0
    beyond: Beyond | None = None
    study: Study | None = None

    def __post_init__(self) -> None:
        kinds = {"truth": (Toy, Pretrained, Scratch), "texts": Texts, "teacher": Learner, "student": Learner}
        for name, kind in kinds.items():
            check_kind(name, getattr(self, name), kind, "Profile.of makes it from a table")
        object.__setattr__(self, "taus", temperatures("taus", self.taus))
        object.__setattr__(self, "seeds", seeds("seeds", self.seeds))
        object.__setattr__(self, "betas", settings("betas", self.betas, check_beta))
        check_seed(self.seed)
        if self.betas and not isinstance(self.truth, Toy):
            raise ValueError("betas sharpen the weights of a toy truth's chains; this truth has none")
        if self.beyond:
            self._check_taus("beyond", [lesson.tau for lesson in self.beyond.matched])
            self._check_taus("beyond", self.beyond.heir_taus)
        check_integer("batch", self.batch, 1, "draw at least one text at a time")
        for name in ("teacher", "student"):
            if getattr(self, name).start and getattr(self.truth, "tokens", 0) is not None:
                raise ValueError(
                    f"{name}.start is a pretrained model, and so must the truth be, with all its tokens; give it a shape"
                )
            if (layers := getattr(self, name).layers) is None or isinstance(self.truth, Pretrained):
                continue
            depth = find_shape(self.truth.shape).layers if isinstance(self.truth, Scratch) else 0
            if layers > depth:
                raise ValueError(
                    f"{name}.layers must be at most the truth's, {depth}, got {layers}; keep fewer, or give it a shape"
                )
        if self.study:
            self._check_study(self.study)
        elif not isinstance(self.truth, Toy) and self.texts.points <= NEIGHBOUR:
            raise ValueError(
                f"texts.train and texts.score must be above {NEIGHBOUR}, got {self.texts.train} and "
                f"{self.texts.score}; coverage needs that many neighbours"
            )

    def _check_study(self, study: Study) -> None:
        """Nothing, or a ValueError for a study that this profile cannot carry out."""
        if self.betas or self.beyond:
            raise ValueError(
                "a study has no betas and nothing beyond; leave them out, or leave the study out"
            )
        if isinstance(self.truth, Toy):
            raise ValueError("a study's truth is a language model; leave toys to other profiles")
        if min(self.taus) not in study.cooled:
            raise ValueError(
                f"study.cooled must hold the coldest of taus, {min(self.taus)}, for both to be compared there; add it"
            )
        self._check_taus("study.matched", study.matched)
        self._check_taus("study.both", [tau for tau, _ in study.both])
        scarce = study.scarce
        if scarce and (
            scarce.texts > self.texts.train
            or any(n % self.texts.shard for n in (scarce.texts, scarce.validation))
        ):
            raise ValueError(
                f"scarce texts are whole shards of {self.texts.shard}, at most {self.texts.train} in all, got "
                f"{scarce.texts} of which {scarce.validation} for validation; change one"
            )

    def _check_taus(self, name: str, taus: Iterable[float]) -> None:
        if missing := sorted(set(taus) - set(self.taus)):
            raise ValueError(f"taus must hold those of {name}, {missing} are missing; add them to taus")

    @classmethod
    def load(cls, name: str | Path) -> "Profile":
        """A built-in profile by its name, or one in a TOML file.

        Raises:
            ValueError: if there is none, or it is not valid, naming the key.
        """
        path = _FOLDER / f"{name}.toml" if name in BUILT_IN else check_path("the profile", name)
        if not _is_file(path):
            known = ", ".join(BUILT_IN)
            raise ValueError(f"no profile {show(str(name))}; built in are {known}, or pass a TOML file")
        try:
            return cls.of(path.stem, tomllib.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"profile {path}: {error}") from None

    @classmethod
    def of(cls, name: str, values: Mapping[str, Any]) -> "Profile":
        """A profile from the tables of a TOML file, which are the attributes above."""
        check_kind("the profile", values, Mapping, "pass the tables of a TOML file")
        values = dict(values)
        truth = values.pop("truth", {})
        known = {"texts": Texts, "teacher": Learner, "student": Learner}
        tables = {key: make(kind, values.pop(key, {}), key) for key, kind in known.items()}
        keys = truth if isinstance(truth, Mapping) else {}
        kind = Pretrained if "name" in keys else Scratch if "shape" in keys else Toy
        for key, extra in (("beyond", Beyond), ("study", Study)):
            if values.get(key) is not None:
                values[key] = make(extra, values[key], key)
        rest = {
            "name": name,
            "truth": make(kind, truth, "truth"),
            "taus": (),
            "seeds": (),
            **tables,
            **values,
        }
        return make(cls, rest, "the profile")

    def to_dict(self) -> dict:
        """Plain values, for JSON."""
        return asdict(self)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long
        return False
