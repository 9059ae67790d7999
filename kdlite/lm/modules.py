"""Modules of torch, ours and other people's: for drawing and scoring alone, left as they were, on a device of this machine.

Knows modules and devices; knows nothing of texts.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from transformers import PreTrainedModel

from kdlite.checks import show


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Without dropout and without gradients; whoever trains the module finds each of its parts as it was."""
    training = [part for part in module.modules() if part.training]
    module.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for part in training:
            part.training = True


def frozen(module: PreTrainedModel) -> PreTrainedModel:
    """A module of our own, for drawing and scoring alone."""
    return module.eval().requires_grad_(False)


def check_device(device: str | torch.device) -> torch.device:
    """A device of this machine, or a ValueError; also for Apple's, which lacks the float64 that texts are summed in."""
    if str(device).startswith("mps"):
        raise ValueError(
            f"device {str(device)!r} has no float64, in which texts are drawn and scored; use 'cpu'"
        )
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, TypeError, ValueError):
        raise ValueError(
            f"device must be one of this machine's, got {show(device)}; 'cpu' always is"
        ) from None
