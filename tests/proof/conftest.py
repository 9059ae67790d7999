"""The table of the last whole run of this folder, RESULTS.md. A run of a part of it leaves the table as it is."""

import os
import time
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from kdlite.provenance import commit, processor, versions

HERE = Path(__file__).parent
PACKAGES = ("kdlite", "numpy", "scipy", "torch", "transformers")
SELECTIONS = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):  # the process that workers report to, or the only one
        config.pluginmanager.register(Table(config))


class Table:
    """What is known of each proof, by its name with the case in brackets."""

    def __init__(self, config):
        self.config = config
        self.collected = set()
        self.outcomes = {}
        self.seconds = Counter()
        self.measured = {}
        self.made = {
            "date": datetime.now(UTC).date().isoformat(),
            "commit": commit(),
            "machine": f"{processor()}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB",
            "versions": ", ".join(f"{name} {number}" for name, number in versions(*PACKAGES).items()),
            "processes": config.getoption("numprocesses", None) or 1,
        }
        self.start = time.perf_counter()

    def pytest_collection_finish(self, session):
        self.collected.update(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids):
        self.collected.update(ids)

    def pytest_runtest_logreport(self, report):
        name = report.nodeid
        self.seconds[name] += report.duration
        self.measured.update((name, value) for key, value in report.user_properties if key == "measured")
        if report.when == "call" or not report.passed:  # what fails in its fixtures has failed
            worse = report.failed or name not in self.outcomes
            self.outcomes[name] = report.outcome if worse else self.outcomes[name]

    @property
    def is_whole(self):
        """Whether all of the folder was asked for, and has been run."""
        option, folder = self.config.option, self.config.invocation_params.dir
        everything = [(folder / path).resolve() for path in self.config.args] == [HERE]
        selected = any(getattr(option, name, None) for name in SELECTIONS)
        return everything and not selected and set(self.outcomes) == self.collected

    def pytest_sessionfinish(self):
        if self.is_whole:
            temporary = HERE / ".RESULTS.md"
            temporary.write_text(self.text(), encoding="utf-8")
            temporary.replace(HERE / "RESULTS.md")

    def text(self):
        minutes, seconds = divmod(round(time.perf_counter() - self.start), 60)
        made = self.made | {"time": f"{minutes} min {seconds} s", "outcome": count(self.outcomes.values())}
        proofs = defaultdict(list)
        for name in sorted(self.outcomes):
            proofs[name.partition("[")[0].rpartition("/")[2]].append(name)
        lines = ["# The last whole run of the proofs", "", "Written by `make proof`.", ""]
        lines += ["| | |", "|---|---|", *(f"| {key} | {value} |" for key, value in made.items()), ""]
        lines += ["| proof | cases | outcome | seconds | measured |", "|---|--:|---|--:|---|"]
        for proof, names in proofs.items():
            outcome = count(self.outcomes[name] for name in names)
            seconds = sum(self.seconds[name] for name in names)
            measured = "; ".join(self.measured[name] for name in names if name in self.measured)
            lines.append(f"| `{proof}` | {len(names)} | {outcome} | {seconds:.0f} | {measured} |")
        return "\n".join(lines) + "\n"


def count(outcomes):
    """Outcomes in words, the worst first."""
    return ", ".join(f"{n} {outcome}" for outcome, n in sorted(Counter(outcomes).items()))
