"""The table of the last whole run of this folder, RESULTS.md. A run of a part of it leaves the table as it is."""

import os
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import psutil

from kdlite.provenance import commit, processor, versions

HERE = Path(__file__).parent
PACKAGES = ("kdlite", "numpy", "scipy", "torch", "transformers")


def pytest_configure(config):
    folder = config.invocation_params.dir
    whole = [(folder / path).resolve() for path in config.args] == [HERE]
    partly = any(getattr(config.option, name, None) for name in ("keyword", "markexpr", "deselect", "lf"))
    if whole and not partly and not hasattr(config, "workerinput"):  # not in a worker, who reports to us
        config.pluginmanager.register(Table(config.getoption("numprocesses", None) or 1))


class Table:
    """Outcomes, seconds and what was measured, of each proof by its name."""

    def __init__(self, processes):
        self.outcomes, self.seconds, self.measured = defaultdict(Counter), Counter(), defaultdict(list)
        machine = f"{processor()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB"
        self.made = {"date": datetime.now(UTC).date().isoformat(), "commit": commit(), "machine": machine}
        self.made["versions"] = ", ".join(f"{name} {n}" for name, n in versions(*PACKAGES).items())
        self.made["processes"], self.start = processes, time.perf_counter()

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.partition("[")[0].rpartition("/")[2]
        self.seconds[name] += report.duration
        if report.when == "call" or not report.passed:  # what fails in its fixtures has failed
            self.outcomes[name][report.outcome] += 1
            self.measured[name] += [value for key, value in report.user_properties if key == "measured"]

    def pytest_sessionfinish(self):
        self.made["minutes"] = round((time.perf_counter() - self.start) / 60)
        self.made["outcome"] = count(sum(self.outcomes.values(), Counter()))
        lines = ["# The last whole run of the proofs", "", "Written by `make proof`.", ""]
        lines += ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in self.made.items()), ""]
        lines += ["| proof | outcome | seconds | measured |", "|---|---|--:|---|"]
        for name, found in sorted(self.outcomes.items()):
            measured = "; ".join(self.measured[name])
            lines.append(f"| `{name}` | {count(found)} | {self.seconds[name]:.0f} | {measured} |")
        (HERE / "RESULTS.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def count(outcomes):
    """Outcomes in words, the worst first."""
    return ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items()))
