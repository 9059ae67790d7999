"""The processes that train together, on which device and in which precision.

Knows accelerate and what it keeps; knows nothing of models or texts.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState


@contextmanager
def together(device: torch.device) -> Iterator[PartialState]:
    """The processes that train together. Accelerate keeps the device and the precision that were first asked for: a
    process by itself begins anew, and leaves them as they were.
    """
    kept = [(kind._shared_state, dict(kind._shared_state)) for kind in (PartialState, AcceleratorState)]
    cpu = device.type == "cpu"
    if PartialState(cpu=cpu).num_processes > 1:
        yield PartialState()
        return
    try:
        for shared, _ in kept:
            shared.clear()
        yield PartialState(cpu=cpu)
    finally:
        for shared, before in kept:
            shared.clear()
            shared.update(before)


def accelerator(device: torch.device, dtype: str) -> Accelerator:
    """What prepares a module for these processes; ``dtype`` as that of a ``Recipe``."""
    fast = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    half = fast if dtype == "auto" else dtype == "bfloat16"
    return Accelerator(mixed_precision="bf16" if half else "no", cpu=device.type == "cpu")
