"""Divergences between the next-token distributions of a student and a teacher, summed over places, in nats.

Knows logits and masks; knows nothing of models, texts or training. With p the teacher's distribution at a place and
q the student's:

- ``forward_kl``: KL(p ‖ q), teacher to student. It covers: q must put weight wherever p does. On a teacher's texts it
  is logit distillation. Maximum likelihood on those texts (``lm.fit``; sequence-level distillation, Kim & Rush 2016)
  is its one-sample estimate, less the teacher's entropy: take all of p as the token that was drawn.
- ``reverse_kl``: KL(q ‖ p), student to teacher. It seeks modes: q must put no weight where p has little. On the
  student's own texts it is the on-policy objective (MiniLLM, Gu et al. 2023, arXiv 2306.08543).
- ``jensen_shannon``: between the two, by ``jsd_weight`` (GKD, Agarwal et al. 2023, arXiv 2306.13649; for another way
  to blend p and q see the skew divergences of DistiLLM, Ko et al. 2024, arXiv 2402.03898).

The temperature of a teacher is another matter: it changes p itself, and is set by scaling the teacher's logits
(``teacher.sharpen``) before they come here. Nothing here softens the student.

Every function returns the *sum* over the places in the mask. Divide by ``mask.sum()`` for nats per token; the sums of
the parts of a batch add up to that of the whole. Places are taken a chunk at a time, value and gradient together, so
that beside the two arrays of logits only the student's gradient is ever as large as they are.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from kdlite.checks import check_kind, check_number, show

# Logits held at a time: on a processor so few that the system is not asked for their memory each time.
_CHUNK, _ON_GPU = 1 << 22, 1 << 26
OBJECTIVES = ("forward_kl", "reverse_kl", "jensen_shannon")


class Divergence(NamedTuple):
    """What N places give."""

    value: Tensor  # (N,), nats, >= 0
    gradient: Tensor  # (N, V): of each value by the student's logits


Measure = Callable[[Tensor, Tensor], Divergence]  # of the logits of student and teacher, (N, V) each


def forward_kl(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
    """KL(teacher ‖ student) = Σ p (log p − log q), summed over the mask.

    Args:
        student_logits: shape ``(B, T, V)``; its gradient is made. -inf leaves a token out.
        teacher_logits: shape ``(B, T, V)``; a constant.
        mask: which places count, shape ``(B, T)``, boolean.

    Returns:
        A float64 scalar, nats; infinite where the teacher may say what the student cannot.

    Raises:
        ValueError: if the shapes differ, the mask is not boolean, or it leaves no place.
    """
    return _total(student_logits, teacher_logits, mask, measure("forward_kl"))


def reverse_kl(student_logits: Tensor, teacher_logits: Tensor, mask: Tensor) -> Tensor:
    """KL(student ‖ teacher) = Σ q (log q − log p), summed over the mask.

    On the student's own texts, the mean of its sum over a text is KL(student ‖ teacher) of whole texts. Its gradient
    here takes the texts as given, as GKD does; MiniLLM also follows how the student comes to write them.

    Arguments, result and errors are those of :func:`forward_kl`; infinite where the student may say what the teacher
    cannot.
    """
    return _total(student_logits, teacher_logits, mask, measure("reverse_kl"))


def jensen_shannon(
    student_logits: Tensor, teacher_logits: Tensor, mask: Tensor, jsd_weight: float = 0.5
) -> Tensor:
    """The generalised Jensen–Shannon divergence, summed over the mask: w KL(p ‖ m) + (1 − w) KL(q ‖ m) with
    m = w p + (1 − w) q and w = ``jsd_weight``, the teacher's share of m.

    Never infinite for 0 < w < 1: at most −w log w − (1 − w) log(1 − w). Towards the ends it vanishes, as
    w KL(p ‖ q) where w → 0 and as (1 − w) KL(q ‖ p) where w → 1. At the ends themselves the factor is left out, and
    the value jumps: 0 is ``forward_kl``, 1 is ``reverse_kl``. All this is the ``beta`` of TRL's GKD trainer
    (GKD, section 2), which is not the entropy knob of this book. 0.5 is symmetric in p and q.

    Arguments, result and errors are those of :func:`forward_kl`; a ValueError also for a weight outside [0, 1].
    """
    return _total(student_logits, teacher_logits, mask, measure("jensen_shannon", jsd_weight))


def measure(objective: str, jsd_weight: float | None = None) -> Measure:
    """An objective by its name, one of ``OBJECTIVES``, as a function of the places' logits."""
    if not isinstance(objective, str) or objective not in OBJECTIVES:
        raise ValueError(f"there is no objective {show(objective)}; choose {', '.join(OBJECTIVES)}")
    if objective != "jensen_shannon":
        if jsd_weight is not None:
            raise ValueError(f"{objective} has no jsd_weight, got {show(jsd_weight)}; leave it out")
        return _forward if objective == "forward_kl" else _reverse
    weight = 0.5 if jsd_weight is None else jsd_weight
    remedy = "0 is forward KL, 1 reverse KL, 0.5 halfway"
    check_number("jsd_weight", weight, "in [0, 1]", lambda w: 0 <= w <= 1, remedy)
    if weight in (0, 1):
        return _reverse if weight else _forward
    return partial(_between, jsd_weight=weight)


def _forward(student: Tensor, teacher: Tensor) -> Divergence:
    q, p = _log_probs(student, teacher)
    of_teacher, terms = _terms(p, q)
    value = terms.sum(dim=-1).clamp_(min=0)  # rounding can put a 0 a hair below
    return Divergence(value, q.exp_() - of_teacher)


def _reverse(student: Tensor, teacher: Tensor) -> Divergence:
    q, p = _log_probs(student, teacher)
    of_student, terms = _terms(q, p)
    value = terms.sum(dim=-1)
    return Divergence(value.clamp(min=0), terms - of_student * value[..., None])


def _between(student: Tensor, teacher: Tensor, jsd_weight: float) -> Divergence:
    q, p = _log_probs(student, teacher)
    m = torch.logaddexp(p + math.log(jsd_weight), q + math.log1p(-jsd_weight))
    of_student, terms = _terms(q, m)
    terms *= 1 - jsd_weight
    share = terms.sum(dim=-1)
    value = jsd_weight * _terms(p, m)[1].sum(dim=-1) + share
    return Divergence(value.clamp_(min=0), terms - of_student * share[..., None])


def _log_probs(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probabilities, in float32, or float64 where the student's logits are."""
    dtype = torch.promote_types(student.dtype, torch.float32)
    return student.to(dtype).log_softmax(dim=-1), teacher.to(dtype).log_softmax(dim=-1)


def _terms(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The probabilities a, and a (log a − log b), which is 0 where a token is left out; of log-probabilities."""
    weight = a.exp()
    return weight, torch.where(weight == 0, 0.0, weight * (a - b))  # nan stays nan


def _total(student: Tensor, teacher: Tensor, mask: Tensor, of: Measure) -> Tensor:
    """The checked sum."""
    for name, given in (("student_logits", student), ("teacher_logits", teacher), ("mask", mask)):
        check_kind(name, given, Tensor, "pass tensors, (B, T, V) and (B, T)")
    shapes = [tuple(given.shape) for given in (student, teacher, mask)]
    if student.ndim < 2 or shapes[0] != shapes[1] or shapes[2] != shapes[0][:-1] or mask.dtype != torch.bool:
        raise ValueError(
            "the logits of student and teacher must have one shape, (B, T, V), and the mask (B, T), boolean, got "
            f"{shapes[0]}, {shapes[1]} and {shapes[2]} {mask.dtype}; compare the same tokens at the same places"
        )
    if not mask.any():
        raise ValueError(
            f"the mask leaves none of {mask.numel()} places, so there is nothing to compare; leave such a batch out"
        )
    total = _Total.apply(student if torch.is_grad_enabled() else student.detach(), teacher, mask, of)
    if total.isnan():
        raise ValueError("the logits must be numbers or -inf, got nan; look where the models first say nan")
    return total


class _Total(torch.autograd.Function):
    """A sum over places. Its gradient is made along with it, chunk by chunk, while probabilities are at hand."""

    @staticmethod
    def forward(ctx, student: Tensor, teacher: Tensor, mask: Tensor, of: Measure) -> Tensor:
        ctx.save_for_backward(student, teacher, mask)
        ctx.of = of
        total, ctx.gradient = _sums(student, teacher, mask, of, ctx.needs_input_grad[0])
        return total

    @staticmethod
    def backward(ctx, upstream: Tensor) -> tuple[Tensor, None, None, None]:
        # It is scaled where it is: asked once more, it is made once more.
        gradient, ctx.gradient = ctx.gradient, None
        if gradient is None:
            gradient = _sums(*ctx.saved_tensors, ctx.of, True)[1]
        return gradient.mul_(upstream), None, None, None


def _sums(
    student: Tensor, teacher: Tensor, mask: Tensor, of: Measure, with_gradient: bool
) -> tuple[Tensor, Tensor | None]:
    """The value summed over the mask, and its gradient by the student's logits if it is asked for."""
    total = torch.zeros((), dtype=torch.float64, device=student.device)
    gradient = torch.zeros_like(student) if with_gradient else None
    size = max(1, (_CHUNK if student.device.type == "cpu" else _ON_GPU) // student.shape[-1])
    for places in zip(*(axis.split(size) for axis in mask.nonzero(as_tuple=True)), strict=True):
        found = of(student[places], teacher[places])
        total += found.value.sum(dtype=torch.float64)
        if with_gradient:
            gradient[places] = found.gradient.to(gradient.dtype)
    return total, gradient
