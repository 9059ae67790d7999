"""A student audited: what it has of the truth, and what cooling a direct student would have bought for nothing.

Knows models, their texts on disk, and comparisons; knows nothing of words or pages.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load_file, save_file
from tqdm import tqdm

from kdlite.checks import check_integer, check_kind, check_path, check_seed
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
_BAR = "audit: {percentage:.0f}% after {elapsed}, {remaining} left{postfix}"


class Lead(NamedTuple):
    """How far the student is ahead of another model at the same recall, where one of the two is cooled to it."""

    gap: Estimate  # in precision, nats per token
    cooled: str  # who is brought to the recall that the other has at tau = 1: "student", or the other's role
    tau: float  # that it takes, from two temperatures that were measured
    recall: float  # that both have then, nats per token


@dataclass(frozen=True)
class Audit:
    """What an audit has found.

    Attributes:
        models: by role, the truth among them.
        rows: of each other role, a row a temperature, the first of them 1: its tau, and its estimates by name:
            "precision", "recall", "entropy" and "kl" in nats per token, "repeats" and "coverage" as shares.
        truth: its estimates: "entropy", "repeats".
        leads: of the student over each other role; None where no temperature brings the two to one recall.
        gains: of the student over each other role at tau = 1: a curve's "precision" and "recall".
        readings: by role, the truth's of some texts at tau = 1.
        n: texts of each model and temperature.
        seed: of the draws.
    """

    models: dict[str, LanguageModel]
    rows: dict[str, list[dict]]
    truth: dict[str, Estimate]
    leads: dict[str, Lead | None]
    gains: dict[str, dict[str, Estimate]]
    readings: dict[str, Reading]
    n: int
    seed: int


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
        self.models, self.truth = dict(models), models["truth"]
        self.folder, self.seed = check_path("folder", folder), check_seed(seed)
        self.n = check_integer("n", n, NEIGHBOUR + 1, f"coverage looks at {NEIGHBOUR} neighbours of a text")
        _check_languages(self.models)
        self.settings = [("truth", "truth", 1.0)]  # a folder's name, a role, and a temperature
        self.settings += [(f"{role}-{tau:g}", role, tau) for role in ROLES if role in models for tau in TAUS]
        self._paces: dict[str, tuple[float, float]] = {}

    def forecast(self) -> str:
        """How long what is left will take, and how much memory, by arithmetic and a moment's trial of each model."""
        left = self._left()
        minutes = math.ceil(sum(self._seconds(role) for _, role, _ in left) / 60)
        memory = sum(model.model.get_memory_footprint() for model in self.models.values())
        memory += max(_while_drawing(model, min(self.n, BATCH)) for model in self.models.values())
        return (
            f"{len(left)} of {len(self.settings)} settings are left, {self.n} texts each: at most about {minutes} min, and "
            f"{spell(memory)} of memory on {self.truth.model.device}. Stopped and started again, it goes on from {self.folder}."
        )

    def carry_out(self) -> Audit:
        """Draw and score what is left, and compare.

        Raises:
            ValueError: if the folder holds another audit.
            BlockingIOError: if another process is at work in it.
            OSError: if the disk is full; what was finished is kept.
        """
        about = {"n": self.n, "seed": self.seed, "taus": TAUS, "language": asdict(self.truth.language)}
        about |= {role: f"{model.digest()} at beta {model.beta:g}" for role, model in self.models.items()}
        with locked(self.folder):
            remove_unfinished(self.folder)
            claim(self.folder / "audit.json", about)
            left = self._left()
            with tqdm(total=sum(self._seconds(role) for _, role, _ in left), bar_format=_BAR) as bar:
                for name, role, tau in left:
                    bar.set_postfix_str(name)
                    self._measure(name, role, tau)
                    bar.update(self._seconds(role))
            return self._found()

    def _left(self) -> list[tuple[str, str, float]]:
        return [s for s in self.settings if not (self.folder / s[0] / "score.json").exists()]

    def _measure(self, name: str, role: str, tau: float) -> None:
        """One setting: draw, score, and keep of each text what errors need."""
        folder, truth, model = self.folder / name, self.truth, self.models[role].sharpen(1 / tau)
        stream = OTHERS if role == "truth" else OWN if tau == 1 else f"{OWN} at {tau:g}"
        draw = {"n": self.n, "seed": stream_seed(self.seed, stream), "sampler": name, "shard": BATCH}
        corpus = Corpus.draw(model, folder / "samples", **draw)
        texts, log_probs = corpus.texts(), corpus.log_probs()
        if role == "truth":
            read = truth.read(texts)
            kept = {"points": read.state}
            found = {"entropy": ratio_estimate(-log_probs, truth.size(texts))}
        else:
            others = Corpus.open(self.folder / "truth" / "samples").texts()
            points = load_file(self.folder / "truth" / "texts.safetensors")["points"]
            kept, read = measure(model, (texts, log_probs), truth=truth, others=others)
            found = {"tau": tau, **numbers(kept), "coverage": coverage(read.state, points)}
        found["repeats"] = repeated_bigrams(truth.language.split(texts)[1], truth.size(texts))
        with replacing(folder / "texts.safetensors") as temporary:
            save_file(kept | {"token_log_prob": read.token_log_prob[:_SHOWN]}, temporary)
        write_json(folder / "score.json", found)  # an estimate becomes a list

    def _found(self) -> Audit:
        draws = Replicates(self.n, seed=stream_seed(self.seed, "replicates"))
        rows, points, readings = {}, {}, {}
        for name, role, tau in self.settings:
            folder = self.folder / name
            kept = load_file(folder / "texts.safetensors")
            score = {
                k: Estimate(*v) if k != "tau" else v for k, v in read_json(folder / "score.json").items()
            }
            rows.setdefault(role, []).append(score)
            if tau == 1:
                texts = Corpus.open(folder / "samples").sample(_SHOWN, seed=0)
                readings[role] = Reading(self.truth.language, texts, kept["token_log_prob"], None)
            if role != "truth":
                own, others = (kept["truth"], kept["size"]), (kept["recall"], kept["recall_size"])
                points.setdefault(role, []).append(draws.curve(own, others))
        curves = {role: Curve(*np.array(found).transpose(1, 2, 0)) for role, found in points.items()}
        student, truth = curves.pop("student"), rows.pop("truth")[0]
        gains = {
            role: {
                name: estimate((a - b)[:, 0], self.n)
                for name, a, b in zip(Curve._fields, student, curve, strict=True)
            }
            for role, curve in curves.items()
        }
        ahead = {role: lead(student, curve, role, self.n) for role, curve in curves.items()}
        return Audit(self.models, rows, truth, ahead, gains, readings, self.n, self.seed)

    def _seconds(self, role: str) -> float:
        """What a setting will take at most, if it goes on as fast as in a trial."""
        drawing, reading = self._pace(role)
        return self.n * (drawing + reading + (self._pace("truth")[1] if role != "truth" else 0))

    def _pace(self, role: str) -> tuple[float, float]:
        """Seconds for drawing a text and for reading one, by a trial with short ones that is made once."""
        if role not in self._paces:
            language, rows = self.models[role].language, min(self.n, BATCH)
            short = replace(language, length=min(_TRIAL, language.length))
            model = replace(self.models[role], language=short)
            batches = model.draws(2 * rows, 0, batch=rows)
            next(batches)  # the first is slower: memory is found, and on a GPU a step compiled
            clock = [perf_counter()]
            tokens, _ = next(batches)
            clock.append(perf_counter())
            model.read(tokens)
            clock.append(perf_counter())
            drawing, reading = np.diff(clock) * language.length / short.length / rows
            self._paces[role] = float(drawing), float(reading)
        return self._paces[role]


def lead(student: Curve, other: Curve, role: str, n: int) -> Lead | None:
    """The student's lead at equal recall, of curves ``(B + 1, T)`` at ``TAUS``: the other is cooled to the recall that the
    student has at tau = 1. Where it has less at each temperature, the student is cooled to the other's.
    """
    hot, other_hot = (Curve(*(part[:, :1] for part in curve)) for curve in (student, other))
    ahead, behind = leads(hot, other)[:, 0], -leads(other_hot, student)[:, 0]
    gap = estimate(np.where(np.isnan(ahead), behind, ahead), n)
    if gap is None:
        return None
    cooled, curve, still = ("student", student, other) if np.isnan(ahead[0]) else (role, other, student)
    recall = float(still.recall[0, 0])
    tau = -Curve(-np.array(TAUS), curve.recall[0]).at_recall(
        recall
    )  # the lowest: it has the highest precision
    return Lead(gap, cooled, float(tau), recall)


def _check_languages(models: dict[str, LanguageModel]) -> None:
    """Nothing, or a ValueError that says what can still be compared."""
    wrong = {}
    for role, model in models.items():
        try:
            model.language.check_same(models["truth"].language, (f"the {role}", "the truth"))
        except ValueError as error:
            wrong[role] = str(error)
    if not wrong:
        return
    remedy = "a truth scores only texts in its own tokens; what can still be compared is each with a truth of its own tokenizer"
    if "student" not in wrong:
        remedy = f"student and truth can still be compared: leave out {' and '.join(f'--{role}' for role in wrong)}"
    raise ValueError(f"{next(iter(wrong.values()))}; {remedy}")


def _while_drawing(model: LanguageModel, rows: int) -> int:
    """Bytes of keys, values and logits while so many texts are drawn."""
    config, size, span = model.model.config, model.model.dtype.itemsize, model.language.longest + model.length
    keys = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    keys *= getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return rows * (2 * config.num_hidden_layers * keys * span * size + (size + 4 * 8) * config.vocab_size)
