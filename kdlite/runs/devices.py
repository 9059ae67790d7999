"""How fast a device is, and how much it holds.

Knows data sheets, and how to measure the processor it runs on; knows nothing of models.
"""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from kdlite.checks import show
from kdlite.lm.weights import best_dtype

_SIDE, _TRIES = 2048, 5  # of the product that measures a processor


@dataclass(frozen=True)
class Device:
    """What a plan needs to know of one device.

    Attributes:
        name: for people.
        rates: multiplications and additions of matrix products in a second, by type of number.
        bandwidth: bytes read or written in a second.
        memory: bytes it holds.
        sampling: type of number that a pretrained truth, and what learned from it, is sampled and scored in.
        training: type of number that products are computed in while a model learns.
        share: of ``rates`` and ``bandwidth`` that a run reaches.
        source: where rates, bandwidth and memory come from, in words.
        ground: where the share comes from, in words.
    """

    name: str
    rates: Mapping[torch.dtype, float]
    bandwidth: float
    memory: float
    sampling: torch.dtype
    training: torch.dtype
    share: float
    source: str
    ground: str

    def __str__(self) -> str:
        rates = ", ".join(f"{rate / 1e12:.3g} in {str(dtype)[6:]}" for dtype, rate in self.rates.items())
        return (
            f"{self.name}: tera-operations a second {rates}; bandwidth {self.bandwidth / 1e9:.0f} GB a second; memory "
            f"{self.memory / 1e9:.0f} GB: {self.source}. Of rate and bandwidth a run is taken to reach {self.share:.0%}: "
            f"{self.ground}."
        )


def find(name: str) -> Device:
    """A device by its name, one of ``DEVICES``; "cpu" is this machine's processor, measured now.

    Raises:
        ValueError: for an unknown name.
    """
    if not isinstance(name, str) or name not in DEVICES:
        raise ValueError(f"unknown device {show(name)}; known are {', '.join(DEVICES)}")
    return _measure() if name == "cpu" else _GPUS[name]


def _gpu(name: str, rates: Mapping[torch.dtype, float], bandwidth: float, memory: float) -> Device:
    """A GPU by its data sheet, in the fastest numbers that kdlite uses there."""
    fast = max(rates, key=rates.__getitem__)
    source = f"the vendor's peaks without sparsity, from the NVIDIA {name} data sheet"
    return Device(name, rates, bandwidth, memory, fast, fast, 0.4, source, "assumed, not measured")


_GPUS = {
    "h100": _gpu("H100 SXM", {torch.float32: 67e12, torch.bfloat16: 989e12}, 3350e9, 80e9),
    "a100": _gpu("A100 80GB SXM", {torch.float32: 19.5e12, torch.bfloat16: 312e12}, 2039e9, 80e9),
    "t4": _gpu("T4", {torch.float32: 8.1e12}, 300e9, 15e9),  # of its 16 GB the driver leaves about 15
}
DEVICES = (*_GPUS, "cpu")


def _measure() -> Device:
    """This machine's processor, as torch finds it now."""
    fast = best_dtype("cpu")
    rates = {dtype: _product_rate(dtype) for dtype in dict.fromkeys((torch.float32, fast))}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    source = f"measured just now on {torch.get_num_threads()} threads"
    ground = "assumed; in pilots on two cores drawing reached less of the rate, and training more"
    return Device("cpu", rates, _copy_rate(), memory, fast, torch.float32, 0.7, source, ground)


def _product_rate(dtype: torch.dtype) -> float:
    """Multiplications and additions in a second, in a product of square matrices."""
    a = torch.ones(_SIDE, _SIDE, dtype=dtype)
    return 2 * _SIDE**3 / _best(lambda: a @ a)


def _copy_rate() -> float:
    """Bytes read and written in a second, in a copy larger than any cache."""
    a = torch.ones(1 << 26)
    b = torch.empty_like(a)
    return 2 * a.nbytes / _best(lambda: b.copy_(a))


def _best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of several runs."""
    seconds = []
    for _ in range(_TRIES):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
