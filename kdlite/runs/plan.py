"""What a run will take, before it starts: operations, bytes, memory, disk and hours of each stage.

Knows the stages of a run, what its passes cost, and devices; knows nothing of how a stage is carried out.
"""

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import torch

from kdlite.checks import check_kind, check_path
from kdlite.lm.architecture import Shape
from kdlite.lm.model import POSITIONS
from kdlite.lm.selective import tries
from kdlite.runs import tracing
from kdlite.runs.devices import Device, find
from kdlite.runs.footprint import Footprint, spell
from kdlite.runs.jobs import Draw, Embed, Fit, Score, Stage
from kdlite.runs.profile import Pretrained, Profile
from kdlite.runs.stages import stages

_WIDTH = 100
_NOTES = (
    "Operations are the additions and multiplications of matrix products, counted by torch in the run's own passes, "
    "carried out at full size on tensors without content. Bytes are what these products read and write, one by one.",
    "Memory holds weights, caches, gradients, AdamW's moments, and activations; those of a training in float32 and with "
    "attention in separate products, more than bfloat16 and fused attention need. Disk holds tokens as if they could not "
    "be compressed; in total, also the checkpoints of one training.",
    "Hours are those of the arithmetic, or where texts are drawn those of the bandwidth, if they are more: each step reads "
    "all weights and the cache. Stages follow one another. Left out are loading, compiling, and what is done number by "
    "number, such as the optimiser's step: it weighs more, the smaller the models.",
    "Every text counts at its full length of {length} tokens; real ones may end before.",
)


class Row(NamedTuple):
    """What one stage takes on one device, if no text ends early."""

    stage: str
    operations: float  # additions and multiplications in matrix products
    bytes: float  # read and written by these products
    memory: float  # bytes held on the device at the busiest moment
    disk: float  # bytes that stay in the stage's folder
    hours: float
    bound: str  # what most of the hours wait for: "arithmetic" or "bandwidth"; "" if for nothing


@dataclass(frozen=True)
class Plan:
    """What a run will take. ``print`` shows it to people.

    Attributes:
        profile: what is planned.
        device: on one of which.
        rows: one a stage, in order.
        total: their sums; but of memory the most, and of disk the most at any moment, with a training's checkpoints.
        short: what does not suffice, a sentence each.
    """

    profile: Profile
    device: Device
    rows: tuple[Row, ...]
    total: Row
    short: tuple[str, ...]

    def __str__(self) -> str:
        head = f"{'stage':36}{'operations':>11}{'bytes':>9}{'memory':>9}{'disk':>9}{'hours':>9}   bound by"
        rule = "-" * len(head)
        table = [head, rule, *(_line(_merged(group)) for group in _alike(self.rows)), rule, _line(self.total)]
        notes = (note.format(length=self.profile.truth.length) for note in _NOTES)
        words = (*notes, str(self.device), *(f"does not fit: {reason}" for reason in self.short))
        title = f"{self.profile.name}: {len(self.rows)} stages on one {self.device.name}"
        return "\n".join([title, "", *table, "", *(textwrap.fill(line, _WIDTH) for line in words)])


def plan(profile: Profile, device: str | Device = "cpu", out: str | Path | None = None) -> Plan:
    """What a run of a profile will take on one device. Nothing is downloaded, loaded or written.

    Args:
        profile: of the run.
        device: "h100", "a100", "t4", or "cpu" for this machine's processor, which is measured; or a Device.
        out: folder of the run, to see whether its disk has room for what is left; None: the disk is not looked at.

    Raises:
        ValueError: for an unknown device, or a pretrained truth whose shape is not known.
    """
    check_kind("profile", profile, Profile, "pass Profile.load(name)")
    device = device if isinstance(device, Device) else find(device)
    if out is not None:
        out = check_path("out", out)
    sizes, todo = Footprint(profile), list(stages(profile))
    rows = tuple(_row(stage, sizes, device) for stage in todo)
    _, operations, moved, memory, _, hours, _ = zip(*rows, strict=True)
    total = Row("total", sum(operations), sum(moved), max(memory), sizes.total(), sum(hours), "")
    trained = {stage.name for stage in todo if isinstance(stage.job, Fit)}
    short = [
        f"{_names(group)}: {spell(group[0].memory)} of memory needed, one {device.name} has {spell(device.memory)}; "
        f"lower {'rows_per_pass' if group[0].stage in trained else 'batch'}, or take a larger device"
        for group in _alike(rows)
        if group[0].memory > device.memory
    ]
    if out is not None and (shortage := sizes.shortage(out)):
        short.append(shortage)
    return Plan(profile, device, rows, total, tuple(short))


class _Part(NamedTuple):
    """A pass that a stage makes many times."""

    cost: tracing.Cost
    times: float
    rate: float  # operations a second
    bandwidth: float  # bytes a second; infinite where it does not matter
    others: float  # bytes of other models that are on the device


def _row(stage: Stage, sizes: Footprint, device: Device) -> Row:
    parts = list(_parts(stage.job, sizes, device))
    hours = {"arithmetic": 0.0, "bandwidth": 0.0}
    for cost, times, rate, bandwidth, _ in parts:
        arithmetic, moving = cost.operations / rate, cost.bytes / bandwidth
        hours["arithmetic" if arithmetic > moving else "bandwidth"] += times * max(arithmetic, moving) / 3600
    return Row(
        stage.name,
        operations=sum(part.times * part.cost.operations for part in parts),
        bytes=sum(part.times * part.cost.bytes for part in parts),
        memory=max((part.cost.memory + part.others for part in parts), default=0),
        disk=sizes.disk(stage),
        hours=sum(hours.values()),
        bound=max(hours, key=hours.__getitem__) if parts else "",
    )


def _parts(job: Draw | Embed | Fit | Score, sizes: Footprint, device: Device) -> Iterator[_Part]:
    """What a job consists of; a toy's texts take no product."""
    profile, language, texts = sizes.profile, sizes.language, sizes.profile.texts
    truth, dtype = sizes.truth, device.sampling if isinstance(profile.truth, Pretrained) else torch.float32
    rate, bandwidth = device.rates[dtype] * device.share, device.bandwidth * device.share
    own = sizes.weights(truth, dtype)

    def drawing(shape: Shape, n: int, others: float) -> _Part:
        rows = min(n, texts.shard, profile.batch)
        return _Part(tracing.drawing(shape, language, rows, dtype), n / rows, rate, bandwidth, others)

    def reading(shape: Shape, n: int, others: float) -> _Part:
        rows = min(n, max(1, POSITIONS // (len(language.prompt) + language.length)))
        return _Part(tracing.reading(shape, language, rows, dtype), n / rows, rate, math.inf, others)

    match job:
        case Draw("truth", n):
            if truth:
                yield drawing(truth, n, 0)
        case Draw(sampler):
            yield drawing(sizes.teacher if sampler == "teacher" else sizes.student, job.drawn, own)
        case Embed():
            yield reading(truth, 2 * texts.points, 0)
        case Fit(learner, corpus, n, _, lesson):
            shape, recipe = sizes.shape(learner), learner.recipe
            rows = min(recipe.rows_per_pass, recipe.texts_per_step)
            seen = math.ceil(recipe.steps(n) / recipe.steps_per_checkpoint) * texts.validation
            rate = device.rates[device.training] * device.share
            others = own + sizes.weights(shape, torch.float32)  # the truth, and what the learner starts from
            for cost, read in (
                (tracing.fitting(shape, language, rows, recipe.train_embeddings), recipe.epochs * n),
                (tracing.validating(shape, language, rows), seen),
            ):
                yield _Part(cost, read / rows, rate, math.inf, others)
            if lesson:
                yield reading(sizes.teacher, recipe.epochs * n, others)
            if corpus is None:
                yield drawing(shape, recipe.epochs * n, others)
        case Score(model=model):
            shape = sizes.teacher if model == "teacher" else sizes.student
            tried = tries(job.knob, job.setting) if job.curve in ("turned", "decoded") else 1
            yield drawing(shape, texts.score * tried, own)
            yield reading(shape, texts.score + texts.validation, own)
            if truth:
                yield reading(truth, texts.score, sizes.weights(shape, dtype))


def _alike(rows: tuple[Row, ...]) -> list[list[Row]]:
    """Stages in a row that take the same."""
    return [list(group) for _, group in groupby(rows, lambda row: row[1:])]


def _names(rows: list[Row]) -> str:
    return rows[0].stage + (f" and {len(rows) - 1} alike" if len(rows) > 1 else "")


def _merged(rows: list[Row]) -> Row:
    """Stages that take the same as one row; all of them hold the same memory, one after another."""
    first, n = rows[0], len(rows)
    sums = {name: n * getattr(first, name) for name in ("operations", "bytes", "disk", "hours")}
    return first._replace(stage=_names(rows), **sums)


def _line(row: Row) -> str:
    hours = f"{row.hours:.{0 if row.hours >= 100 else 1 if row.hours >= 10 else 3}f}"
    sizes = "".join(f"{spell(size):>9}" for size in (row.bytes, row.memory, row.disk))
    return f"{row.stage:36}{row.operations:>11.1e}{sizes}{hours:>9}   {row.bound}".rstrip()
