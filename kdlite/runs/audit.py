"""A student audited: what it has of the truth, and what cooling a direct student would have bought for nothing.

Knows models, their texts on disk, and comparisons; knows nothing of words or pages.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load_file, save_file
from tqdm import tqdm

from kdlite.checks import check_integer, check_kind, check_path
from kdlite.distribution import Estimate, ratio_estimate, stream_seed
from kdlite.files import remove_unfinished, replacing
from kdlite.frontier import Curve
from kdlite.lm.model import BATCH, LanguageModel
from kdlite.runs.comparison import Replicates, estimate, leads
from kdlite.runs.costs import spell
from kdlite.runs.score import OTHERS, OWN, measure, numbers
from kdlite.store import claim, locked, read_json, write_json
from kdlite.texts.corpus import Corpus
from kdlite.texts.geometry import NEIGHBOUR, coverage
from kdlite.texts.language import Reading
from kdlite.texts.stories import repeated_bigrams

TAUS = (1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5)  # decoding temperatures of each curve
ROLES = ("student", "direct", "teacher")  # who may be audited, beside the truth
_SHOWN = 3  # texts of each model, for people to read
_TRIAL = 8  # tokens of the texts by which the speed is measured
_ABOUT = "audit.json"


class Lead(NamedTuple):
    """How far the student is ahead of another model at the same recall, where one of the two is cooled to it."""

    gap: Estimate  # in precision, nats per token
    cooled: str  # whose recall is the higher at tau = 1: "student" or the other
    tau: float  # that it takes, between two temperatures that were measured
    recall: float  # that both have then, nats per token


@dataclass(frozen=True)
class Audit:
    """What an audit has found.

    Attributes:
        rows: of each role, a row a temperature, the first of them 1: its tau and its estimates by name: "precision",
            "recall", "entropy" and "kl" in nats per token, "repeats" and "coverage" as shares.
        truth: its estimates: "entropy", "repeats".
        leads: of the student over each other role; None where no temperature brings the two to one recall.
        gains: of the student over each other role at tau = 1, by name: "precision" and "recall".
        readings: the truth's of some texts of each role at tau = 1, and of its own.
        models: by role.
        n: texts of each model and temperature.
        seed: of the draws.
    """

    rows: dict[str, list[dict]]
    truth: dict[str, Estimate]
    leads: dict[str, Lead | None]
    gains: dict[str, dict[str, Estimate]]
    readings: dict[str, Reading]
    models: dict[str, LanguageModel]
    n: int
    seed: int


def clear(gap: Estimate) -> bool:
    """Whether a difference is beyond twice its error; another is called none."""
    return abs(gap.value) > 2 * gap.stderr


class Auditing:
    """An audit in a folder, or what of it is left to do: killed at any moment, it goes on where it was.

    Args:
        models: "truth", "student", and if there are "direct" and "teacher".
        folder: keeps the texts that are drawn, and their scores.
        n: texts of each model and temperature.
        seed: of the draws.

    Raises:
        ValueError: if a model is missing, or has another language than the truth, saying what can be compared; or for
            numbers out of range.
    """

    def __init__(
        self, models: Mapping[str, LanguageModel], folder: str | Path, n: int = 512, seed: int = 0
    ) -> None:
        for role in dict.fromkeys(["truth", "student", *models]):
            check_kind(role, models.get(role), LanguageModel, "pass one that load opened")
        self.truth, self.models = models["truth"], {r: models[r] for r in ROLES if r in models}
        self.folder, self.seed = check_path("folder", folder), seed
        self.n = check_integer("n", n, NEIGHBOUR + 1, f"coverage looks at {NEIGHBOUR} neighbours of a text")
        stream_seed(seed, OWN)  # has errors of its own
        _check_languages(self.truth, self.models)

    def settings(self) -> Iterator[tuple[str, LanguageModel, float]]:
        """What is measured, in turn: a folder's name, a model, and its temperature."""
        yield "truth", self.truth, 1.0
        for role, model in self.models.items():
            yield from ((f"{role}-{tau:g}", model, tau) for tau in TAUS)

    def forecast(self) -> str:
        """A sentence on how long what is left will take, and how much memory, by arithmetic and a moment's trial."""
        left = sum(self._seconds(name, model) for name, model, _ in self._left())
        memory = sum(m.model.get_memory_footprint() for m in (self.truth, *self.models.values()))
        memory += max(_cache(model, min(self.n, BATCH)) for model in (self.truth, *self.models.values()))
        done = len(list(self.settings())) - len(list(self._left()))
        kept = f", {done} of them done before" if done else ""
        return (
            f"{len(list(self.settings()))} settings of {self.n} texts{kept}; "
            f"at most about {_spell_time(left)} and {spell(memory)} of memory on {self.truth.model.device}. "
            f"Stopped, it goes on from {self.folder} when it is started again."
        )

    def carry_out(self) -> Audit:
        """Draw and score what is left, and compare.

        Raises:
            ValueError: if the folder holds another audit.
            BlockingIOError: if another process is at work in it.
            OSError: if the disk is full; what was finished is kept.
        """
        with locked(self.folder):
            remove_unfinished(self.folder)
            claim(self.folder / _ABOUT, self._about())
            total = sum(self._seconds(name, model) for name, model, _ in self._left())
            with tqdm(
                total=total,
                desc="audit",
                bar_format="{desc}: {percentage:.0f}% after {elapsed}, {remaining} left{postfix}",
                file=sys.stderr,
            ) as bar:
                for name, model, tau in list(self._left()):
                    bar.set_postfix_str(name)
                    self._measure(name, model, tau)
                    bar.update(self._seconds(name, model))
            return self._found()

    def _left(self) -> Iterator[tuple[str, LanguageModel, float]]:
        return (s for s in self.settings() if not (self.folder / s[0] / "score.json").exists())

    def _about(self) -> dict:
        models = {"truth": self.truth, **self.models}
        digests = {role: f"{model.digest()} at beta {model.beta:g}" for role, model in models.items()}
        return {
            "n": self.n,
            "seed": self.seed,
            "taus": TAUS,
            "language": asdict(self.truth.language),
            "models": digests,
        }

    def _measure(self, name: str, model: LanguageModel, tau: float) -> None:
        """One setting: draw, score, and keep of each text what errors need."""
        folder, truth = self.folder / name, self.truth
        stream = OTHERS if model is truth else OWN if tau == 1 else f"{OWN} at {tau:g}"
        model = model.sharpen(1 / tau)
        corpus = Corpus.draw(
            model,
            folder / "samples",
            n=self.n,
            seed=stream_seed(self.seed, stream),
            sampler=name,
            shard=BATCH,
        )
        texts, log_probs = corpus.texts(), corpus.log_probs()
        if name == "truth":
            read, size = truth.read(texts), truth.size(texts).astype(float)
            kept = {"points": read.state}
            found = {"entropy": ratio_estimate(-log_probs, size)}
        else:
            others = Corpus.open(self.folder / "truth" / "samples").texts()
            points = load_file(self.folder / "truth" / "texts.safetensors")["points"]
            kept, read = measure(model, (texts, log_probs), truth=truth, others=others)
            found = {"tau": tau, **numbers(kept), "coverage": coverage(read.state, points)}
        found["repeats"] = repeated_bigrams(texts, truth.size(texts))
        with replacing(folder / "texts.safetensors") as temporary:
            save_file(kept | {"token_log_prob": read.token_log_prob[:_SHOWN]}, temporary)
        write_json(folder / "score.json", found)  # an estimate becomes a list

    def _found(self) -> Audit:
        draws = Replicates(self.n, seed=stream_seed(self.seed, "replicates"))
        rows, curves, readings = {}, {}, {}
        for role in self.models:
            rows[role], points = [], []
            for tau in TAUS:
                folder = self.folder / f"{role}-{tau:g}"
                rows[role].append(_score(folder))
                kept = load_file(folder / "texts.safetensors")
                points.append(
                    draws.curve((kept["truth"], kept["size"]), (kept["recall"], kept["recall_size"]))
                )
            curves[role] = Curve(
                *(np.stack(part, axis=1) for part in zip(*points, strict=True))
            )  # (B + 1, T)
        for role in ("truth", *self.models):
            folder = self.folder / (role if role == "truth" else f"{role}-1")
            texts = Corpus.open(folder / "samples").sample(_SHOWN, seed=0)
            nats = load_file(folder / "texts.safetensors")["token_log_prob"]
            readings[role] = Reading(self.truth.language, texts, nats, None)
        student = curves["student"]
        others = {role: curve for role, curve in curves.items() if role != "student"}
        return Audit(
            rows,
            _score(self.folder / "truth"),
            {role: lead(student, curve, role, self.n) for role, curve in others.items()},
            {
                role: {
                    name: estimate((a - b)[:, 0], self.n)
                    for name, a, b in zip(Curve._fields, student, curve, strict=True)
                }
                for role, curve in others.items()
            },
            readings,
            {"truth": self.truth, **self.models},
            self.n,
            self.seed,
        )

    def _seconds(self, name: str, model: LanguageModel) -> float:
        """What a setting will take at most, if time goes with parameters and tokens as in the trial."""
        drawing, reading = self._speed
        own, judge, tokens = _size(model), _size(self.truth), self.n * self.truth.length
        read = judge if name == "truth" else judge + own
        return tokens * (own / drawing + read / reading)

    @property
    def _speed(self) -> tuple[float, float]:
        """Parameters times tokens a second of the truth, drawing and reading, in a trial that is made once."""
        if "_trial" not in self.__dict__:
            short = replace(self.truth.language, length=min(_TRIAL, self.truth.length))
            model, rows = replace(self.truth, language=short), min(self.n, BATCH)
            batches = model.draws(2 * rows, 0, batch=rows)
            next(batches)  # the first is slower: memory is found, and on a GPU a step compiled
            clock = [perf_counter()]
            tokens, _ = next(batches)
            clock.append(perf_counter())
            model.read(tokens)
            clock.append(perf_counter())
            work = _size(model) * rows * short.length
            self._trial = tuple(work / seconds for seconds in np.diff(clock))
        return self._trial


def lead(student: Curve, other: Curve, role: str, n: int) -> Lead | None:
    """The student's lead at equal recall, of curves ``(B + 1, T)``, whose first temperature is 1: of the two at that
    temperature, whoever has the higher recall is cooled to the other's.
    """
    ahead, behind = leads(_hot(student), other)[:, 0], -leads(_hot(other), student)[:, 0]
    gap = estimate(np.where(np.isnan(ahead), behind, ahead), n)
    if gap is None:
        return None
    cooled, curve, still = (role, other, student) if not np.isnan(ahead[0]) else ("student", student, other)
    recall = float(still.recall[0, 0])
    tau = -Curve(-np.array(TAUS), curve.recall[0]).at_recall(
        recall
    )  # the lowest: it has the highest precision
    return Lead(gap, cooled, float(tau), recall)


def _hot(curve: Curve) -> Curve:
    return Curve(curve.precision[:, :1], curve.recall[:, :1])


def _score(folder: Path) -> dict:
    return {
        k: Estimate(*v) if isinstance(v, list) else v for k, v in read_json(folder / "score.json").items()
    }


def _check_languages(truth: LanguageModel, models: dict[str, LanguageModel]) -> None:
    """Nothing, or a ValueError that says what can still be compared."""
    wrong = {}
    for role, model in models.items():
        try:
            model.language.check_same(truth.language, (f"the {role}", "the truth"))
        except ValueError as error:
            wrong[role] = str(error)
    if not wrong:
        return
    said = next(iter(wrong.values()))
    if "student" not in wrong:
        options = " and ".join(f"--{role}" for role in wrong)
        raise ValueError(f"{said}. Student and truth can be compared all the same: leave out {options}")
    raise ValueError(
        f"{said}. A truth can score only texts in its own tokens; what can still be compared is each model with a truth "
        "of its own tokenizer, and the texts of both, as people read them"
    )


def _size(model: LanguageModel) -> int:
    return sum(p.numel() for p in model.model.parameters())


def _cache(model: LanguageModel, rows: int) -> int:
    """Bytes of keys, values and logits while so many texts are drawn."""
    config, size = model.model.config, model.model.dtype.itemsize
    heads = config.num_attention_heads
    keys = config.hidden_size * getattr(config, "num_key_value_heads", heads) // heads
    span = len(model.prompt) + model.length
    return rows * (2 * config.num_hidden_layers * keys * span * size + (size + 4 * 8) * config.vocab_size)


def _spell_time(seconds: float) -> str:
    for unit, most in (("s", 90), ("min", 90), ("h", 48)):
        if seconds < most:
            return f"{max(1, round(seconds))} {unit}"
        seconds /= 60 if unit != "h" else 24
    return f"{seconds:.0f} days"
