"""A student fitted to a teacher's distributions, on given texts or on its own: logit and on-policy distillation.

Knows students, teachers and objectives; leaves the loop to ``training``, and the formulas to ``objectives``.
Distillation by a teacher's texts alone is ``fit``.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from accelerate import PartialState
from accelerate.utils import gather
from torch import Tensor, nn
from transformers import PreTrainedModel

from kdlite.checks import check_integer, check_kind, check_path
from kdlite.distribution import stream_seed
from kdlite.lm.curve import Callback
from kdlite.lm.decoder import Decoder
from kdlite.lm.model import BATCH, LanguageModel
from kdlite.lm.modules import evaluating
from kdlite.lm.next_token import WHOLE
from kdlite.lm.objectives import Measure, measure
from kdlite.lm.recipe import Recipe
from kdlite.lm.sampling import Generator, drawer, draws
from kdlite.lm.scoring import IGNORED, HeadLoss, outputs, project
from kdlite.lm.training import train
from kdlite.texts.corpus import Corpus
from kdlite.texts.language import Language

_COVERING = (("forward_kl", None), ("jensen_shannon", 0))  # what a truncated teacher can teach by


def distil(
    student: LanguageModel,
    teacher: LanguageModel,
    texts: Corpus | int,
    recipe: Recipe,
    out: str | Path,
    *,
    objective: str = "forward_kl",
    jsd_weight: float | None = None,
    validation: Corpus | None = None,
    choose: bool = True,
    callback: Callback | None = None,
    tensorboard: bool = False,
) -> LanguageModel:
    """A new model: a copy of ``student`` trained to match ``teacher`` at every place of the texts.

    Resumes, ends and is opened as ``fit``'s trainings are: bit for bit, on a CPU.

    Args:
        student: where to start from; is left as it is.
        teacher: what to match, at its own temperature 1/beta and truncated as it is (which forward KL alone can take);
            its logits are computed as they are needed.
        texts: a corpus to compare the two on (logit distillation, which the teacher's own texts suit best); or a
            number: so many texts an epoch, drawn at each step from the student as it then is (on-policy).
        recipe: how to train. Its seed is also that of the student's own texts.
        out: folder for checkpoints, the loss curve and the trained ``model``, as ``fit``'s.
        objective: ``"forward_kl"``, ``"reverse_kl"`` or ``"jensen_shannon"``; see ``objectives``. The loss is its
            mean per token. On the student's own texts, reverse KL is the on-policy objective.
        jsd_weight: of ``"jensen_shannon"`` alone, from 0 (forward KL) to 1 (reverse KL); None is 0.5.
        validation: texts to look at along the way, and to choose the best checkpoint by, under the same objective.
        choose: False, or no validation texts: the last one is taken.
        callback, tensorboard: who else is told of each step, as by ``fit``.

    Raises:
        ValueError: if languages or devices differ, the objective is unknown, or ``out`` holds another training.
        FloatingPointError: if the loss is no longer finite.
    """
    for name, model in (("student", student), ("teacher", teacher)):
        check_kind(name, model, LanguageModel, "pass one that new or load made")
    check_kind("recipe", recipe, Recipe, "pass Recipe() for the paper's")
    if validation is not None:
        check_kind("validation", validation, Corpus, "None takes the last checkpoint")
    out, divergence, language = check_path("out", out), measure(objective, jsd_weight), student.language
    language.check_same(teacher.language, ("the student", "the teacher"))
    given = texts if isinstance(texts, Corpus) else None
    if given is None:
        texts = check_integer("texts", texts, 1, "pass a corpus, or how many texts the student is to draw")
    for corpus in filter(None, (given, validation)):
        language.check_same(corpus.language, ("the student", f"the corpus in {corpus.folder}"))
    here, there = student.model.device, teacher.model.device
    if here != there:
        raise ValueError(
            f"the student is on {here}, the teacher on {there}; move one with .to({str(here)!r})"
        )
    if teacher.truncation != WHOLE and (objective, jsd_weight) not in _COVERING:
        raise ValueError(
            f"{objective} takes a whole teacher, this one is left with {teacher.truncation}: what the student may say "
            "and it cannot would cost without end; use forward_kl"
        )
    run = {
        "model": student.digest(),
        "corpus": given and given.digest,
        "own_texts": None if given else texts,
        "language": None if given else asdict(language),  # a corpus vouches for its own
        "teacher": teacher.digest(),
        "teacher_beta": teacher.beta,
        "teacher_truncation": teacher.truncation._asdict(),
        "objective": objective,
        "jsd_weight": jsd_weight,
    }

    def lesson(module: PreTrainedModel) -> tuple[nn.Module, Corpus | OwnTexts]:
        return TeacherLoss(module, teacher, divergence), given or OwnTexts(module, language, texts)

    watched = {"callback": callback, "tensorboard": tensorboard}
    return train(student, lesson, recipe, out, run, validation, choose, **watched)


@dataclass(frozen=True)
class OwnTexts:
    """Texts of a model that is learning, drawn when they are asked for. ``len`` is their number in an epoch."""

    module: PreTrainedModel
    language: Language
    n: int
    _made: dict = field(default_factory=dict)

    def __len__(self) -> int:
        return self.n

    @property
    def tokens(self) -> int:
        """Tokens of an epoch, at most."""
        return self.n * self.language.length

    def steps(self, size: int, seed: int, epoch: int, start: int = 0) -> Iterator[np.ndarray]:
        """One pass, ``size`` texts at a time, shape ``(size, length)``; the last may be smaller. The noise of a step
        is a function of seed, epoch and step: whoever starts later, with the same weights, gets the same texts.
        """
        state = PartialState()
        for step in range(start, math.ceil(self.n / size)):
            n = min(size, self.n - step * size)
            share = math.ceil(n / state.num_processes)  # of each process; the last may draw a few too many
            source = self._source(min(BATCH, math.ceil(size / state.num_processes)))
            source.refresh()
            found = draws(
                self.module,
                self.language,
                1.0,
                WHOLE,
                n=share,
                seed=stream_seed(seed, f"own texts of epoch {epoch}, step {step}"),
                batch=BATCH,
                start=state.process_index * share,
                source=source,
                before=epoch * self.n + step * size,
            )
            mine = np.concatenate([tokens for tokens, _ in found])
            yield gather(torch.from_numpy(mine).to(self.module.device)).cpu().numpy()[:n]

    def _source(self, rows: int) -> Decoder | Generator:
        """What draws the texts: made once, when the module is where it will learn, and compiled once on a GPU."""
        if self._made.get("rows") != rows:
            self._made.update(rows=rows, source=drawer(self.module, self.language, 1.0, WHOLE, rows))
        return self._made["source"]


class TeacherLoss(nn.Module):
    """A divergence between a model and its teacher, in nats, summed over the targets' places. The teacher learns
    nothing. Neither model's logits of a whole batch are ever held.
    """

    def __init__(self, model: PreTrainedModel, teacher: LanguageModel, divergence: Measure) -> None:
        super().__init__()
        self.model, self.divergence = model, divergence
        # No part of this module: it is neither moved nor trained.
        self.teacher = partial(outputs, teacher.model)
        self.guide = partial(evaluating, teacher.model)
        self.beta, self.begin, self.truncation = teacher.beta, teacher.language.begin, teacher.truncation

    def forward(self, ids: Tensor, targets: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """A scalar; arguments as those of ``TokenLoss``."""
        keep = targets != IGNORED
        with self.guide():
            seen, head = self.teacher(ids, positions, mask, keep)
        return HeadLoss.apply(
            *outputs(self.model, ids, positions, mask, keep),
            self.begin,
            lambda logits, part: self.divergence(logits, self._logits(seen[part], head)),
        )

    def _logits(self, hidden: Tensor, head: Tensor | None) -> Tensor:
        """The teacher's, as it would draw from them."""
        return self.truncation.apply(project(hidden, head, self.beta, self.begin))
