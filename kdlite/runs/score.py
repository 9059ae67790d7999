"""A model measured under a truth, on texts of both that were drawn for the purpose.

Knows models and the four numbers; knows nothing of runs.
"""

from typing import NamedTuple

import numpy as np

from kdlite.checks import check_integer, check_kind
from kdlite.distribution import Estimate, ratio_estimate, stream_seed
from kdlite.lm.model import LanguageModel
from kdlite.texts.language import Reading

OWN, OTHERS = "precision", "recall"  # the streams from which a model's texts come, and the truth's


def measure(
    model: LanguageModel, own: tuple[np.ndarray, np.ndarray], *, truth: LanguageModel, others: np.ndarray
) -> tuple[dict[str, np.ndarray], Reading]:
    """What a model's numbers and their errors are made of, text by text; and the truth's reading of its texts.

    Args:
        model: who is measured.
        own: texts of the model, ``(n, length)``, and their log-probabilities under it, ``(n,)``.
        truth: who judges them.
        others: texts of the truth, ``(m, length)``.

    Returns:
        Nats of each text of the model under itself (``own``) and under the ``truth``, and its tokens (``size``); nats of
        each text of the truth under the model (``recall``), and its tokens (``recall_size``).
    """
    texts, log_probs = own
    read = truth.read(texts)
    return {
        "own": log_probs,
        "truth": read.log_prob(texts),
        "size": truth.size(texts).astype(float),
        "recall": model.log_prob(others),
        "recall_size": truth.size(others).astype(float),
    }, read


def numbers(kept: dict[str, np.ndarray]) -> dict[str, Estimate]:
    """The four numbers of what ``measure`` gave, in nats per token; precision is -entropy - kl."""
    return {
        "precision": ratio_estimate(kept["truth"], kept["size"]),
        "recall": ratio_estimate(kept["recall"], kept["recall_size"]),
        "entropy": ratio_estimate(-kept["own"], kept["size"]),
        "kl": ratio_estimate(kept["own"] - kept["truth"], kept["size"]),
    }


class Scores(NamedTuple):
    """Scores of a student under a truth, in nats per token. ``print`` shows them to people."""

    student: str | None  # which weights
    truth: str | None  # which weights
    precision: Estimate  # the student's texts under the truth
    recall: Estimate  # the truth's texts under the student
    truth_score: Estimate  # the truth's texts under the truth: minus its entropy; a perfect student's score
    student_entropy: Estimate  # minus the student's texts under the student

    def __str__(self) -> str:
        scores = {
            "precision": (self.precision, "the student's texts under the truth"),
            "recall": (self.recall, "the truth's texts under the student"),
            "truth": (self.truth_score, "the truth's texts under the truth: minus its entropy"),
            "entropy": (self.student_entropy, "of the student"),
        }
        lines = [f"student    {self.student}", f"truth      {self.truth}", ""]
        lines += [f"{name:10} {estimate!s:>17}  {what}" for name, (estimate, what) in scores.items()]
        return "\n".join(
            [*lines, "", f"nats per token ± standard error, over {self.precision.n} texts of each"]
        )

    def to_dict(self) -> dict:
        """Plain values, for JSON."""
        values = {k: v._asdict() if isinstance(v, Estimate) else v for k, v in self._asdict().items()}
        return values | {"unit": "nats per token"}


def score(student: LanguageModel, truth: LanguageModel, n: int, seed: int = 0) -> Scores:
    """Precision and recall on n texts of each model, and each model's score of its own texts.

    Raises:
        ValueError: if the two do not share a language, or n < 2.
    """
    for name, model in (("student", student), ("truth", truth)):
        check_kind(name, model, LanguageModel, "pass one that new or load made")
    student.language.check_same(truth.language, ("the student", "the truth"))
    check_integer("n", n, 2, "one text has no standard error")
    own, (others, nats) = (
        [np.concatenate(part) for part in zip(*model.draws(n, stream_seed(seed, stream)), strict=True)]
        for model, stream in ((student, OWN), (truth, OTHERS))
    )
    found = numbers(measure(student, own, truth=truth, others=others)[0])
    best = ratio_estimate(nats, truth.size(others))
    return Scores(student.source, truth.source, found["precision"], found["recall"], best, found["entropy"])
