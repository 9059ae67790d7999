"""What the stages of a run cost, by arithmetic on parameters and tokens: operations, bytes, memory, disk.

Knows stages and the shapes of models; knows nothing of how fast a device is. Loads nothing.
"""

import copy
import math
import shutil
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from kdlite.lm.architecture import SHAPES, Shape, find_shape, shape_of
from kdlite.lm.selective import tries
from kdlite.lm.weights import config_of
from kdlite.runs.design import Learner
from kdlite.runs.jobs import DONE, Draw, Embed, Fit, Keep, Measure, Part, Score, Stage
from kdlite.runs.profile import Pretrained, Profile, Scratch, Toy
from kdlite.runs.stages import stages
from kdlite.texts.language import Language
from kdlite.texts.markov import MarkovMixture

VOCABULARY = 49_152  # of every SmolLM2
_KEPT_ON = 2500  # texts on which the token ids that a truth keeps are found
_LOOK = 32  # a drawn token looks back over the places up to the next multiple of this
_READ, _LOGITS = (
    1 << 13,
    1 << 27,
)  # places scored in one pass, and logits held while texts are scored or learned
_LIBRARIES = 1e9  # bytes of host memory for Python and torch
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def parameters(shape: Shape, vocabulary: int) -> int:
    """Parameters of a model with tied embeddings."""
    return _matrices(shape) + (2 * shape.layers + 1 + vocabulary) * shape.hidden


def forward(shape: Shape, vocabulary: int, places: float) -> float:
    """Operations of one token that looks back over so many places, from its embedding to its logits."""
    return 2 * (_matrices(shape) + vocabulary * shape.hidden) + 4 * shape.layers * shape.hidden * places


def places(language: Language) -> float:
    """Places that a drawn token looks back over, in the mean."""
    return len(language.prompt) + min(language.length, (language.length + _LOOK) / 2)


class Pass(NamedTuple):
    """A pass through a model that a stage makes many times."""

    operations: float  # additions and multiplications in matrix products
    bytes: float  # of weights and caches that it reads
    memory: float  # bytes held on the device
    times: float
    kind: str  # "draw", "read" or "learn"
    parameters: int  # of the model
    rows: float  # texts side by side


class Costs:
    """The stages of a profile, and what they take.

    Attributes:
        language: of the texts; a prompt counts a token a word.
        stages: in order.
        shapes: of each trained model by its stage, and of the "truth": None for a toy.

    Raises:
        ValueError: for a learner that does not fit the truth.
        ConnectionError: if the Hub cannot be asked for the sizes of a model.
        RuntimeError: for files of a model that are damaged.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile, self.stages = profile, list(stages(profile))
        self.language, truth, self._whole = _truth(profile.truth)
        self.shapes = {"truth": truth}
        self._vocabulary = self.language.embeddings
        learners = {stage.name: stage.job.learner for stage in self.stages if isinstance(stage.job, Fit)}
        found = {learner: self._shape(learner, truth) for learner in set(learners.values())}
        self.shapes |= {name: found[learner] for name, learner in learners.items()}
        self._span = len(self.language.prompt) + self.language.length

    def _shape(self, learner: Learner, truth: Shape | None) -> Shape:
        """What a learner begins as, or a ValueError if it cannot."""
        if learner.layers is not None:
            if learner.layers > truth.layers:
                raise ValueError(
                    f"the truth has {truth.layers} layers, a learner keeps {learner.layers}; keep fewer"
                )
            return replace(truth, layers=learner.layers)
        if learner.start is None:
            return find_shape(learner.shape)
        shape, vocabulary = _pretrained(learner.start, "auto")
        if vocabulary != self._whole:
            raise ValueError(
                f"{learner.start} has {vocabulary} token ids, the truth {self._whole}; start from a model with the "
                "truth's tokenizer"
            )
        return shape

    def passes(self, stage: Stage, size: int) -> Iterator[Pass]:
        """What a stage consists of, where models are sampled and scored in numbers of ``size`` bytes. A toy's texts take
        no product.
        """
        texts, truth = self.profile.texts, self.shapes["truth"]
        own = self._weights(truth, size)
        match stage.job:
            case Draw(sampler):
                if shape := self.shapes[sampler]:
                    yield self._draw(shape, stage.job.drawn, size, 0 if shape is truth else own)
            case Keep():
                whole = copy.copy(self)
                whole._vocabulary = self._whole
                yield whole._draw(truth, _KEPT_ON, size, 0)
                yield whole._read(truth, _KEPT_ON, size, 0)
            case Embed():
                yield self._read(truth, 2 * texts.points, size, 0)
            case Fit(learner, corpus, n, _, lesson, teacher, validation):
                shape, recipe = self.shapes[stage.name], learner.recipe
                part = isinstance(validation, Part)
                seen = validation.stop - validation.start if part else texts.validation
                seen *= math.ceil(recipe.steps(n) / recipe.steps_per_checkpoint)
                others = own + self._weights(shape, 4)  # the truth, and what the learner starts from
                yield self._learn(shape, learner, recipe.epochs * n, seen, others)
                if lesson:
                    yield self._read(self.shapes[teacher], recipe.epochs * n, size, others)
                if corpus is None:
                    yield self._draw(shape, recipe.epochs * n, size, others)
            case Score(model=model) as job:
                shape = self.shapes[model]
                tried = tries(job.knob, job.setting) if job.curve in ("turned", "decoded") else 1
                yield self._draw(shape, texts.score * tried, size, own)
                yield self._read(shape, texts.score + texts.validation, size, own)
                if truth:
                    yield self._read(truth, texts.score, size, self._weights(shape, size))
            case Measure(model=model, judge=judge):
                shape = self.shapes[model]
                yield self._draw(shape, texts.score, size, own)
                for reader in (shape, truth, self.shapes[judge]):
                    yield self._read(reader, texts.score, size, own)

    def _weights(self, shape: Shape | None, size: int) -> int:
        return parameters(shape, self._vocabulary) * size if shape else 0

    def _draw(self, shape: Shape, n: int, size: int, others: float) -> Pass:
        """One step of a batch of texts: it reads all weights and the cache, and chooses from logits in float64."""
        rows, back = min(n, self.profile.texts.shard, self.profile.batch), places(self.language)
        weights = self._weights(shape, size)
        place = (
            2 * shape.layers * shape.key_heads * (shape.hidden // shape.heads) * size
        )  # of one text's cache
        memory = weights + rows * (place * self._span + (size + 4 * 8) * self._vocabulary) + others
        operations = rows * forward(shape, self._vocabulary, back)
        return Pass(
            operations,
            weights + rows * place * back,
            memory,
            times=self.language.length * n / rows,
            kind="draw",
            parameters=parameters(shape, self._vocabulary),
            rows=rows,
        )

    def _read(self, shape: Shape, n: int, size: int, others: float) -> Pass:
        """Scoring some texts: one layer's activations are held, and some logits in float32."""
        rows, width = min(n, max(1, _READ // self._span)), self._span - 1
        weights, tokens = self._weights(shape, size), rows * width
        held = tokens * size * (6 * shape.hidden + 3 * shape.mlp) + self._logits(tokens)
        operations = tokens * forward(shape, self._vocabulary, width)
        size = parameters(shape, self._vocabulary)
        return Pass(operations, weights, weights + held + others, n / rows, "read", size, rows)

    def _learn(self, shape: Shape, learner: Learner, n: int, validated: int, others: float) -> Pass:
        """Learning from n texts, and looks at validation texts. A gradient takes twice the pass forward."""
        rows, width = min(learner.recipe.rows_per_pass, learner.recipe.texts_per_step), self._span - 1
        once, weights = width * forward(shape, self._vocabulary, width), self._weights(shape, 4)
        frozen = 0 if learner.recipe.train_embeddings else self._vocabulary * shape.hidden
        operations = n * (3 * once - 2 * width * frozen) + validated * once
        # What a layer keeps for its gradient: norms, queries, keys and values, products; and each head's scores.
        kept = shape.layers * (10 * shape.hidden + 4 * shape.mlp + shape.heads * width)
        held = 4 * rows * width * kept + self._logits(rows * width)
        moments = 3 * (weights - 4 * frozen)  # with the gradient
        times = (n + validated) / rows
        memory = weights + moments + held + others
        size = parameters(shape, self._vocabulary)
        return Pass(operations / times, weights, memory, times, "learn", size, rows)

    def _logits(self, tokens: int) -> int:
        return 3 * 4 * min(_LOGITS, tokens * self._vocabulary)

    def host(self, stage: Stage) -> float:
        """Most bytes of the host's memory besides what is on a device: libraries, a model on its way there, and two
        shards of texts, or all that are scored, with their points.
        """
        texts, truth = self.profile.texts, self.shapes["truth"]
        scored = isinstance(stage.job, Score | Measure)
        held = 2 * (texts.score if scored else min(getattr(stage.job, "n", texts.train), texts.shard))
        text = 16 * self.language.length + (
            4 * truth.hidden if truth and scored else 0
        )  # two copies of its ids
        return _LIBRARIES + max(self._weights(shape, 4) for shape in self.shapes.values()) + held * text

    def disk(self, stage: Stage) -> int:
        """Most bytes that stay in the stage's folder: compression gains on that."""
        text = self.language.length * (2 if self.language.vocabulary <= 1 << 16 else 4) + 8
        texts, truth = self.profile.texts, self.shapes["truth"]
        match stage.job:
            case Embed():
                return texts.points * truth.hidden * 4
            case Fit():
                return self._weights(self.shapes[stage.name], 4)
            case Measure():  # and nats: of each text in float64, of each token in half precision
                return texts.score * (text + 6 * 8 + 2 * self.language.length)
            case Draw(n=n):
                return n * text
        return (texts.score if isinstance(stage.job, Score) else _KEPT_ON) * text

    def checkpoints(self, stage: Stage) -> int:
        """Most bytes on the disk while a stage is at work: two checkpoints, weights and two moments each."""
        return 2 * 3 * self.disk(stage) if isinstance(stage.job, Fit) else 0

    def most_disk(self) -> int:
        """Most bytes on the disk at any moment of a whole run."""
        return sum(map(self.disk, self.stages)) + max(map(self.checkpoints, self.stages))

    def shortage(self, out: Path) -> str | None:
        """A sentence on what the disk lacks for the stages that are not done in a folder, or None if it lacks nothing."""
        left = [stage for stage in self.stages if not (out / stage.name / DONE).exists()]
        need = sum(max(0, self.disk(stage) - _size(out / stage.name)) for stage in left)
        need += max(map(self.checkpoints, left), default=0)
        free = shutil.disk_usage(next(f for f in (out, *out.absolute().parents) if f.exists())).free
        if free >= need:
            return None
        return (
            f"up to {spell(need)} are still to be written to {out.absolute()}, where {spell(free)} of disk are free; "
            "make room, or choose another folder"
        )


def spell(size: float) -> str:
    """Bytes for people."""
    power = 0
    while size >= 999.5 and power < len(_UNITS) - 1:
        size, power = size / 1000, power + 1
    return f"{size:.3g} {_UNITS[power]}"


def _matrices(shape: Shape) -> int:
    """Parameters of all layers' matrices."""
    square, keys = shape.hidden**2, shape.hidden * shape.key_heads * shape.hidden // shape.heads
    return shape.layers * (2 * square + 2 * keys + 3 * shape.hidden * shape.mlp)


def _truth(truth: Toy | Pretrained | Scratch) -> tuple[Language, Shape | None, int]:
    """Its language, its shape, and how many token ids it has before any are left out."""
    if isinstance(truth, Toy):
        language = MarkovMixture.random(**asdict(truth)).language
        return language, None, language.embeddings
    if isinstance(truth, Scratch):
        return truth.language, find_shape(truth.shape), truth.language.embeddings
    shape, vocabulary = _pretrained(truth.name, truth.source)
    prompt = (0,) * max(1, len(truth.prompt.split()))
    return Language(truth.tokens or vocabulary, truth.length, prompt, eos=0), shape, vocabulary


def _pretrained(name: str, source: str) -> tuple[Shape, int]:
    """Shape and token ids of a model that ``load`` takes by these names."""
    known = name.rpartition("/")[2].removesuffix("-Instruct")
    if known in SHAPES and source in ("auto", "hub", "package") and not Path(name).is_dir():
        return SHAPES[known], VOCABULARY
    config = config_of(name, source)
    return shape_of(config), config.vocab_size


def _size(folder: Path) -> int:
    """Bytes in a folder; 0 if it is not there."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
