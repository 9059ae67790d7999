"""Two models compared on texts drawn for the purpose, as the command line does it.

Knows models and the two scores; knows nothing of runs.
"""

from typing import NamedTuple

import numpy as np

from kdlite.checks import check_integer, check_kind
from kdlite.distribution import Estimate, precision, ratio_estimate, recall
from kdlite.lm.model import LanguageModel


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
    check_integer("n", n, 2, "one text has no standard error")
    own, other = _Drawn(student), _Drawn(truth)
    scores = precision(own, truth=truth, n=n, seed=seed), recall(student, truth=other, n=n, seed=seed)
    entropy = own.score._replace(value=-own.score.value)
    return Scores(student.source, truth.source, *scores, other.score, entropy)


class _Drawn:
    """A model to draw from. It keeps the score of its texts under itself, which comes with the draw."""

    score: Estimate

    def __init__(self, model: LanguageModel) -> None:
        self.model, self.language, self.size = model, model.language, model.size

    def sample(self, n: int, seed: int) -> np.ndarray:
        """The model's own texts of this seed."""
        drawn, log_probs = map(np.concatenate, zip(*self.model.draws(n, seed), strict=True))
        self.score = ratio_estimate(log_probs, self.size(drawn))
        return drawn
