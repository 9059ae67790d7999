"""What all benchmarks found, as one page.

Knows rows, machines and Markdown; knows nothing of how anything was measured.
"""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from typing import NamedTuple

import psutil

from benchmarks.measure import Row
from kdlite.provenance import commit, processor, versions

PACKAGES = ("kdlite", "numpy", "scipy", "scikit-learn", "torch", "transformers", "accelerate", "trl",
            "matplotlib", "ipywidgets", "jupyterlab", "playwright")  # fmt: skip
COMMAND = "make bench"


class Setting(NamedTuple):
    """Where and with what: results of two settings do not belong in one table."""

    commit: str
    machine: str
    versions: str

    @classmethod
    def now(cls) -> "Setting":
        """That of this process."""
        return cls(
            commit(), machine(), ", ".join(f"{name} {number}" for name, number in _installed().items())
        )


class Result(NamedTuple):
    """What one benchmark found."""

    name: str
    rows: list[Row]
    start: str  # ISO 8601
    load: float  # of the machine when it started: processes that wanted to run, in the minute before
    minutes: float


def machine() -> str:
    """The machine in words."""
    import torch  # here, as it takes seconds

    from benchmarks.device import GPU, NAME, best_dtype

    bfloat16 = "with" if best_dtype("cpu") == torch.bfloat16 else "without"
    threads = os.environ.get("OMP_NUM_THREADS")
    parts = [
        f"{processor()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB",
        f"{torch.backends.cpu.get_cpu_capability()} {bfloat16} bfloat16 instructions",
        NAME if GPU else "no GPU",
        threads and f"OMP_NUM_THREADS={threads}",
        platform.platform(),
    ]
    return "; ".join(filter(None, parts))


def _installed() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found |= versions(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def page(setting: Setting, results: Sequence[Result]) -> str:
    """The report, in Markdown."""
    rows = [row for result in results for row in result.rows]
    slower = [f"- **{row.what}**, {row.theirs}: {row.slower}." for row in rows if row.slower]
    parts = [
        "# Side by side",
        f"Written by `{COMMAND}`. Both sides of a row took turns in one run. A ratio is the peer's time, or memory, over "
        "ours in one turn: above 1, kdlite needs less. Given are medians, with the range over the repeats.",
        _table(
            ("", ""),
            [
                ("date", f"{results[0].start} to {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
                ("machine", setting.machine),
                ("versions", setting.versions),
                ("commit", setting.commit),
                ("load before the start", f"{results[0].load:.2f}"),
            ],
        ),
        _table(
            ("what", "kdlite", "peer, or limit", "ratio", "repeats", "remark"),
            [(r.what, r.ours, r.theirs, r.ratio, str(len(r.ratios) or ""), r.remark) for r in rows],
        ),
        "## Where kdlite needs more",
        "\n".join(slower) or "Nowhere in this table.",
        "## How long it took",
        _table(
            ("benchmark", "minutes", "load at its start, with what the one before had left"),
            [(f"`{r.name}.py`", f"{r.minutes:.1f}", f"{r.load:.2f}") for r in results],
        ),
        "[LOG.md](LOG.md) tells what was tried and did not help.",
    ]
    return "\n\n".join(parts) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
