"""What a run will take, before it starts: operations, bytes, memory, disk and hours of each stage.

Knows what stages cost on which device; knows nothing of how a stage is carried out.
"""

import math
import textwrap
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from kdlite.checks import check_integer, check_kind, check_path
from kdlite.runs.costs import Costs, spell
from kdlite.runs.devices import Device, find
from kdlite.runs.jobs import Draw, Fit, Measure, Score, Stage
from kdlite.runs.profile import Pretrained, Profile

_BYTES = {"float32": 4, "bfloat16": 2}
_NOTES = (
    "Operations are the additions and multiplications of matrix products, bytes the weights and caches that they read.",
    "Memory holds weights, caches, gradients, AdamW's moments, and a training's activations in float32. Host is what a "
    "process holds beside it (on a CPU: with it): libraries, weights on their way, texts. Disk holds tokens uncompressed; "
    "in total, also the checkpoints of one training.",
    "Hours are those of arithmetic or bandwidth, whichever are more. Left out are loading, talk between "
    "devices, and what is done number by number: it weighs more, the smaller the models.",
    "Every text counts at its full length of {length} tokens; real ones may end before.",
)


class Row(NamedTuple):
    """What one stage takes on one device, if no text ends early."""

    stage: str
    operations: float  # additions and multiplications in matrix products
    bytes: float  # of weights and caches, read anew by each pass
    memory: float  # bytes held on each device at the busiest moment
    host: float  # bytes held by each process, in the host's memory
    disk: float  # bytes that stay in the stage's folder
    hours: float  # of the busiest device, if it waits for no other
    bound: str  # what most of the hours wait for: "arithmetic" or "bandwidth"; "" if for nothing


@dataclass(frozen=True)
class Plan:
    """What a run will take. ``print`` shows it to people.

    Attributes:
        profile: what is planned.
        device: on which.
        n: how many of these, a process each.
        rows: one a stage, in order.
        total: their sums; but of memory the most, of disk the most at any moment, with a training's checkpoints, and
            of the hours of scores, which processes share out among them, those of the busiest.
        short: what does not suffice, a sentence each.
    """

    profile: Profile
    device: Device
    n: int
    rows: tuple[Row, ...]
    total: Row
    short: tuple[str, ...]

    def __str__(self) -> str:
        groups = _alike(self.rows)
        width = max(32, *(len(_names(group)) for group in groups))
        rows = [_line(group, width) for group in groups]
        columns = "".join(f"{name:>9}" for name in ("bytes", "memory", "host", "disk", "hours"))
        head, rule = f"{'stage':{width}}{'operations':>11}{columns}  bound by", "-" * (width + 68)
        notes = (note.format(length=self.profile.truth.length) for note in _NOTES)
        words = (*notes, str(self.device), *(f"does not fit: {reason}" for reason in self.short))
        many = "one" if self.n == 1 else self.n
        title = f"{self.profile.name}: {len(self.rows)} stages on {many} {self.device.name}"
        table = [title, "", head, rule, *rows, rule, _line([self.total], width), ""]
        return "\n".join([*table, *(textwrap.fill(line, 100) for line in words)])


def plan(profile: Profile, device: str | Device = "cpu", out: str | Path | None = None, n: int = 1) -> Plan:
    """What a run of a profile will take. Nothing is loaded or written, and nothing downloaded but the configuration of a
    model that this machine does not have.

    Args:
        profile: of the run.
        device: a name for ``devices.find``, such as "h100", or "cpu" for this machine's processor; or a Device, such as
            ``devices.measured`` reads from a file.
        out: folder of the run, to see whether its disk has room for what is left; None: the disk is not looked at.
        n: devices, a process each, which share the work as those of ``run`` do.

    Raises:
        ValueError: for an unknown device, or learners that do not fit the truth.
    """
    check_kind("profile", profile, Profile, "pass Profile.load(name)")
    check_integer("n", n, 1, "a run has at least one device")
    device = device if isinstance(device, Device) else find(device)
    out = out if out is None else check_path("out", out)
    costs = Costs(profile)
    rows = tuple(_row(stage, costs, device, n) for stage in costs.stages)
    hours = [0.0] * n
    for i, (stage, row) in enumerate(zip(costs.stages, rows, strict=True)):
        for j in [i % n] if isinstance(stage.job, Score | Measure) else range(n):
            hours[j] += row.hours
    _, operations, moved, memory, host, *_ = zip(*rows, strict=True)
    total = Row(
        "total", sum(operations), sum(moved), max(memory), max(host), costs.most_disk(), max(hours), ""
    )
    short, trained = [], {stage.name for stage in costs.stages if isinstance(stage.job, Fit)}
    for group in _alike(rows):
        need = group[0].host if device.name == "cpu" else group[0].memory
        if need > device.memory:
            short.append(
                f"{_names(group)}: {spell(need)} of memory needed, one {device.name} has {spell(device.memory)}; lower "
                f"{'rows_per_pass' if group[0].stage in trained else 'batch'}, or take a larger device"
            )
    if out is not None and (shortage := costs.shortage(out)):
        short.append(shortage)
    return Plan(profile, device, n, rows, total, tuple(short))


def _row(stage: Stage, costs: Costs, device: Device, n: int) -> Row:
    fastest = max(device.rates, key=device.rates.__getitem__)
    kind = fastest if isinstance(costs.profile.truth, Pretrained) else "float32"
    training = "float32" if device.name == "cpu" else fastest
    passes, hours = list(costs.passes(stage, _BYTES[kind])), {"arithmetic": 0.0, "bandwidth": 0.0}
    workers = 1.0
    match stage.job:
        case Draw(n=texts):  # whole shards are shared out
            shards = math.ceil(texts / costs.profile.texts.shard)
            workers = shards / math.ceil(shards / n)
        case Fit():
            workers = n
    for work in passes:
        arithmetic = work.operations / device.rates[training if work.kind == "learn" else kind]
        moving = work.bytes / device.bandwidth
        bound = "arithmetic" if arithmetic > moving else "bandwidth"
        share = workers * device.reaches(work.kind, work.parameters, work.rows)
        hours[bound] += work.times * max(arithmetic, moving) / share / 3600
    memory = max((work.memory for work in passes), default=0)
    return Row(
        stage.name,
        operations=sum(work.times * work.operations for work in passes),
        bytes=sum(work.times * work.bytes for work in passes),
        memory=memory,
        host=costs.host(stage) + (memory if device.name == "cpu" else 0),
        disk=costs.disk(stage),
        hours=sum(hours.values()),
        bound=max(hours, key=hours.__getitem__) if passes else "",
    )


def _alike(rows: tuple[Row, ...]) -> list[list[Row]]:
    """Stages in a row that take the same."""
    return [list(group) for _, group in groupby(rows, lambda row: row[1:])]


def _names(rows: list[Row]) -> str:
    return rows[0].stage + (f" and {len(rows) - 1} alike" if len(rows) > 1 else "")


def _line(rows: list[Row], width: int) -> str:
    """Stages that take the same, one after another."""
    row, n = rows[0], len(rows)
    hours = f"{n * row.hours:.{0 if n * row.hours >= 100 else 1 if n * row.hours >= 10 else 3}f}"
    sizes = "".join(f"{spell(size):>9}" for size in (n * row.bytes, row.memory, row.host, n * row.disk))
    return f"{_names(rows):{width}}{n * row.operations:>11.1e}{sizes}{hours:>9}  {row.bound}".rstrip()
