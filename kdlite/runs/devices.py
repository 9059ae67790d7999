"""How fast devices are: by their data sheets, by a measurement of this processor, or by the record of a GPU.

Knows rates, bandwidths and records; knows nothing of stages.
"""

import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from kdlite.checks import check_path, one_line, show
from kdlite.lm.architecture import SHAPES
from kdlite.runs.costs import VOCABULARY, parameters
from kdlite.store import read_json


class Reached(NamedTuple):
    """A share of rate or bandwidth that was measured."""

    kind: str  # "draw" or "learn"
    parameters: int  # of the model
    rows: int  # texts side by side
    share: float

    def distance(self, parameters: float, rows: float) -> tuple[float, float]:
        """From another size."""
        return abs(math.log(parameters / self.parameters)), abs(math.log(rows / self.rows))


@dataclass(frozen=True)
class Device:
    """What a plan needs to know of one device.

    Attributes:
        name: for people.
        rates: multiplications and additions of matrix products in a second, by type of number. The fastest is used,
            but to train on a CPU float32.
        bandwidth: bytes read or written in a second.
        memory: bytes it holds.
        share: of ``rates`` and ``bandwidth`` that a run is taken to reach.
        source: where these numbers come from, in words.
        reached: what was measured instead, if it was.
    """

    name: str
    rates: Mapping[str, float]
    bandwidth: float
    memory: float
    share: float
    source: str
    reached: tuple[Reached, ...] = ()

    def __str__(self) -> str:
        rates = ", ".join(f"{rate / 1e12:.3g} in {kind}" for kind, rate in self.rates.items())
        if self.reached:
            each = {kind: [r.share for r in self.reached if r.kind == kind] for kind in ("draw", "learn")}
            draw, learn = (f"{min(shares):.0%} to {max(shares):.0%}" for shares in each.values())
            taken = f"drawing reached {draw}, learning {learn}; what is nearest in size is taken"
        else:
            taken = f"a run is taken to reach {self.share:.0%}"
        return (
            f"{self.name}: tera-operations a second {rates}; bandwidth {self.bandwidth / 1e9:.0f} GB a second; memory "
            f"{self.memory / 1e9:.0f} GB. Of rate and bandwidth {taken}. {self.source}."
        )

    def reaches(self, kind: str, parameters: float, rows: float) -> float:
        """The share of rate or bandwidth that a pass reaches: that measured of the model, and then of the number of texts,
        which is nearest in size. Reading was not measured: it is the first third of learning.
        """
        known = [r for r in self.reached if r.kind == ("draw" if kind == "draw" else "learn")]
        return min(known, key=lambda r: r.distance(parameters, rows)).share if known else self.share


_SHEETS = {  # of the T4's 16 GB the driver leaves about 15
    "h200": ("H200 SXM", {"float32": 67e12, "bfloat16": 989e12}, 4800e9, 141e9),
    "h100": ("H100 SXM", {"float32": 67e12, "bfloat16": 989e12}, 3350e9, 80e9),
    "a100": ("A100 80GB SXM", {"float32": 19.5e12, "bfloat16": 312e12}, 2039e9, 80e9),
    "t4": ("T4", {"float32": 8.1e12}, 300e9, 15e9),
}
DEVICES = (*_SHEETS, "cpu")


def find(name: str) -> Device:
    """A device by its name, one of ``DEVICES``; "cpu" is this machine's processor, measured now.

    Raises:
        ValueError: for an unknown name.
    """
    if not isinstance(name, str) or name not in DEVICES:
        raise ValueError(f"unknown device {show(name)}; known are {', '.join(DEVICES)}")
    if name == "cpu":
        return _measure()
    source = (
        "The vendor's peaks without sparsity, from NVIDIA's data sheet; the share is assumed, not measured"
    )
    return Device(*_SHEETS[name], share=0.4, source=source)


def _measure() -> Device:
    import torch

    from kdlite.lm.weights import best_dtype

    def seconds(work: Callable[[], object]) -> float:
        """Of the fastest of several runs."""
        times = [time.perf_counter()]
        for _ in range(5):
            work()
            times.append(time.perf_counter())
        return min(b - a for a, b in pairwise(times))

    rates, vector, copy = {}, torch.ones(1 << 26), torch.ones(1 << 26)
    for dtype in dict.fromkeys((torch.float32, best_dtype("cpu"))):
        square = torch.ones(2048, 2048, dtype=dtype)
        rates[str(dtype)[6:]] = 2 * 2048**3 / seconds(lambda a=square: a @ a)
    bandwidth = 2 * vector.nbytes / seconds(lambda: copy.copy_(vector))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    source = f"Measured just now on {torch.get_num_threads()} threads; the share is assumed, from pilots"
    return Device("cpu", rates, bandwidth, memory, 0.7, source)


def sheet(name: str) -> Device | None:
    """The device whose data sheet this is, by the name that torch gives it; None for one that is not among them."""
    found = [key for key in _SHEETS if key in name.lower()]
    return find(found[0]) if found else None


def measured(path: str | Path) -> Device:
    """The GPU of a file that ``make gpu`` has written, with the shares of rate and bandwidth that were measured there.

    Raises:
        ValueError: if the file holds no such record, or that of a GPU whose data sheet is not known.
    """
    path = check_path("the record", path)
    try:
        record = read_json(path)
        name, steps = record["setting"]["device"], record["steps"]
        reached = [*_drawn(steps), *_learned(steps)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is no record of make gpu ({one_line(error)}); pass its results.json"
        ) from error
    device = sheet(name)
    if device is None or {r.kind for r in reached} != {"draw", "learn"}:
        raise ValueError(
            f"{path} measured {show(name)} at full size in {len(reached)} places; pass the record of a GPU, one of "
            f"{', '.join(_SHEETS)}, that drew and learned"
        )
    source = f"Rates are the vendor's, bandwidth and shares those of {path.name}, measured at {record['setting']['commit'][:7]}"
    bandwidth = next(
        step["figures"]["bandwidth, bytes/s"]
        for step in steps.values()
        if "bandwidth, bytes/s" in step["figures"]
    )
    return replace(device, bandwidth=bandwidth, source=source, reached=tuple(reached))


def _drawn(steps: dict) -> Iterator[Reached]:
    for size in ("135M", "360M", "1.7B"):
        weights = parameters(SHAPES[f"SmolLM2-{size}"], VOCABULARY)
        for row in steps.get(f"draw-{size}", {}).get("figures", {}).get("batches", []):
            if "tokens/s" in row:
                yield Reached("draw", weights, row["batch"], row["share of the bandwidth limit"])


def _learned(steps: dict) -> Iterator[Reached]:
    for step in steps.values():
        found = step["figures"].get("packed", {})
        if "share of the bfloat16 peak" in found:
            yield Reached(
                "learn",
                step["figures"]["parameters"],
                step["figures"]["texts"],
                found["share of the bfloat16 peak"],
            )
