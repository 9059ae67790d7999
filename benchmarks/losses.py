"""Token-level losses, forwards and backwards, beside those of TRL's GKD trainer: time and peak memory.

Logits of 4 texts of 512 places over SmolLM2's vocabulary, in float32, all places in the mask. TRL's side is what its
trainer calls, ``generalized_jsd_loss`` with labels. Times are taken in one process, in turn. Memory is what a fresh
process needs at most beyond the two arrays of logits; the student's gradient, as large as one of them, is part of it.

Checks that both have the same values and gradients.
"""

import multiprocessing
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from benchmarks.device import DEVICE, GPU, peak, reset_peak, wait
from benchmarks.measure import Row, hand_over, in_turn, ratios, spread
from kdlite.lm.objectives import jensen_shannon

try:
    from trl.experimental.gkd import GKDTrainer  # where versions from 0.26 keep it
except ImportError:
    GKDTrainer = None

SHAPE, SCALE = (4, 512, 49_152), 3.0
REPEATS = 5
NAMES = {0.0: "forward KL", 0.5: "Jensen–Shannon, 0.5", 1.0: "reverse KL"}  # by the weight
MISSING = "TRL is not installed: pip install --group dev"


def logits() -> tuple[Tensor, Tensor]:
    """Of a student, which learns, and of a teacher."""
    generator = torch.Generator(DEVICE).manual_seed(0)
    student, teacher = (
        torch.empty(SHAPE, device=DEVICE).normal_(0, SCALE, generator=generator) for _ in range(2)
    )
    return student.requires_grad_(True), teacher


def ours(student: Tensor, teacher: Tensor, weight: float) -> float:
    """The mean over the places; the student's gradient is left in ``student.grad``."""
    mask = torch.ones(SHAPE[:2], dtype=torch.bool, device=DEVICE)
    return _backward(jensen_shannon(student, teacher, mask, weight) / mask.sum(), student)


def theirs(student: Tensor, teacher: Tensor, weight: float) -> float:
    """The same by TRL."""
    labels = torch.zeros(SHAPE[:2], dtype=torch.long, device=DEVICE)
    return _backward(GKDTrainer.generalized_jsd_loss(student, teacher, labels, beta=weight), student)


def _backward(loss: Tensor, student: Tensor) -> float:
    student.grad = None
    loss.backward()
    wait()
    return float(loss.detach())


Side = Callable[[Tensor, Tensor, float], float]


def needed(side: Side, weight: float) -> int:
    """Peak bytes beyond the logits: a GPU counts what its tensors take, a processor's process has to be fresh."""
    if GPU:
        reset_peak()
        return _needed(side, weight)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_needed, (side, weight))


def _needed(side: Side, weight: float) -> int:
    given = logits()
    wait()
    before = torch.cuda.memory_allocated() if GPU else peak()
    side(*given, weight)
    return peak() - before


def check(student: Tensor, teacher: Tensor, weight: float) -> None:
    """Both sides have the same value and gradient."""
    values, gradients = [], []
    for side in (ours, theirs):
        values.append(side(student, teacher, weight))
        gradients.append(student.grad[0, 0].clone())
    torch.testing.assert_close(*values, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-9)


def rows() -> list[Row]:
    """Time and memory of each loss."""
    sides = {"ours": ours} | ({"theirs": theirs} if GKDTrainer else {})
    given, found = logits(), []
    for weight, name in NAMES.items():
        if GKDTrainer:
            check(*given, weight)
        times = in_turn({key: partial(side, *given, weight) for key, side in sides.items()}, REPEATS)
        bytes_ = {key: [needed(side, weight) / 2**30] for key, side in sides.items()}
        for what, unit, costs in (("time", "s", times), ("peak memory", "GiB", bytes_)):
            row = Row(f"{name}, {what}", spread(costs["ours"], unit), remark=MISSING)
            if GKDTrainer:
                row = row._replace(
                    theirs=f"TRL: {spread(costs['theirs'], unit)}",
                    ratios=ratios(costs["theirs"], costs["ours"]),
                    remark="",
                )
            found.append(row)
    return found


if __name__ == "__main__":
    hand_over(rows())
