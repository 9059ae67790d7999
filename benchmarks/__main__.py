"""Run every benchmark and write RESULTS.md: python -m benchmarks

Each runs in a process of its own, and what it found is kept in _runs/bench until the page is written. A run that was
killed goes on where it was, if it is called again at the same commit, on the same machine, with the same versions.
One alone prints its rows and keeps nothing: python -m benchmarks.sweep
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Row
from benchmarks.report import Result, Setting, page
from kdlite.files import replacing
from kdlite.store import write_json

ROOT = Path(__file__).parents[1]
NAMES = ("sweep", "integrals", "losses", "sampling", "training", "explorer", "alive", "page")
KEPT, OUT = ROOT / "_runs" / "bench", ROOT / "benchmarks" / "RESULTS.md"


def found(name: str, setting: Setting, kept: Path) -> Result:
    """What a benchmark finds, or has found in this setting."""
    path = kept / f"{name}.json"
    if path.exists() and not setting.commit.endswith("-dirty"):  # the files may have changed once more
        was = json.loads(path.read_text(encoding="utf-8"))
        if was["setting"] == setting._asdict():
            print(f"{name}: kept from {was['start']}")
            rows = [Row(**row) for row in was["rows"]]
            return Result(name, rows, was["start"], was["load"], was["minutes"])
    start, clock, load = f"{datetime.now(UTC):%Y-%m-%d %H:%M}", time.perf_counter(), os.getloadavg()[0]
    rows = measured(name)
    result = Result(name, rows, start, load, (time.perf_counter() - clock) / 60)
    write_json(path, result._asdict() | {"rows": [r._asdict() for r in rows], "setting": setting._asdict()})
    return result


def measured(name: str) -> list[Row]:
    """The rows of a benchmark that runs now, in a process of its own."""
    print(f"== {name}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.json"
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", path], cwd=ROOT, check=False)
        if done.returncode:
            sys.exit(
                f"{name} ended with status {done.returncode}; what was measured before is kept in {KEPT}"
            )
        return [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def main() -> None:
    """Run what has not run, and write the page."""
    setting = Setting.now()
    results = [found(name, setting, KEPT) for name in NAMES]
    with replacing(OUT) as temporary:
        temporary.write_text(page(setting, results), encoding="utf-8")
    shutil.rmtree(KEPT)
    print(f"wrote {OUT}")


if __name__ == "__main__":
    main()
