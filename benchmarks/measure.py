"""What every benchmark shares: jobs in turn, their spread, and the rows that the report is made of.

Knows costs, which are seconds or bytes; knows nothing of what is measured. A ratio is the peer's cost over ours in one
turn: above 1, we need less.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One line of the report."""

    what: str
    ours: str
    theirs: str = ""  # the peer's figure, or the limit that ours is held to
    ratios: Sequence[float] = ()
    remark: str = ""
    why: str = ""  # we should need more; told only where we do

    def __str__(self) -> str:
        parts = (
            self.what,
            self.ours,
            self.theirs,
            self.ratio,
            self.remark,
            self.slower and f"SLOWER: {self.slower}",
        )
        return " | ".join(filter(None, parts))

    @property
    def ratio(self) -> str:
        """Median and range, or nothing."""
        return spread(self.ratios) if self.ratios else ""

    @property
    def slower(self) -> str:
        """Why we need more than the peer, or nothing where we do not."""
        if not self.ratios or statistics.median(self.ratios) >= 1:
            return ""
        return self.why or "no reason is known"


def seconds(job: Callable[[], object]) -> float:
    """How long a job takes."""
    start = time.perf_counter()
    job()
    return time.perf_counter() - start


def in_turn(jobs: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Seconds of each job in each turn. All take part in every turn, so that what slows the machine slows them all."""
    turns = [{name: seconds(job) for name, job in jobs.items()} for _ in range(repeats)]
    return {name: [turn[name] for turn in turns] for name in jobs}


def ratios(theirs: Sequence[float], ours: Sequence[float]) -> list[float]:
    """Their cost over ours, turn by turn."""
    return [a / b for a, b in zip(theirs, ours, strict=True)]


def spread(values: Sequence[float], unit: str = "") -> str:
    """Median and range."""
    middle, low, high = (_number(v) for v in (statistics.median(values), min(values), max(values)))
    return f"{middle} {unit}".strip() + (f" ({low} to {high})" if len(values) > 1 else "")


def _number(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def hand_over(rows: Sequence[Row]) -> None:
    """Print the rows; write them to the file that the command line names, if it names one."""
    for row in rows:
        print(row)
    for path in sys.argv[1:]:
        Path(path).write_text(json.dumps([row._asdict() for row in rows]), encoding="utf-8")
