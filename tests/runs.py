"""Whole runs of the smallest profile: by the command line, or killed where one likes; and what they leave behind."""

import hashlib
import json
import multiprocessing
import signal
import subprocess
import sys
from pathlib import Path

from kdlite.lm import Profile, run
from kdlite.lm.store import read_json

SMOKE = Profile.load("smoke")


def command(*words: object) -> subprocess.CompletedProcess:
    """What the command line does with these words."""
    line = [sys.executable, "-m", "kdlite.lm", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def launch(out: Path, port: int) -> subprocess.CompletedProcess:
    """The run in two processes."""
    flags = f"--multi_gpu --num_processes 2 --num_machines 1 --mixed_precision no --main_process_port {port}"
    accelerate = Path(sys.executable).with_name("accelerate")
    line = [accelerate, "launch", *flags.split(), "-m", "kdlite.lm", "run", "smoke", "--out", out]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def start(out: Path) -> multiprocessing.Process:
    """The run at work in a process of its own, without the seconds that imports take."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kdlite.lm"])
    process = context.Process(target=run, args=(SMOKE, out))
    process.start()
    return process


def kill(process: multiprocessing.Process, after: float) -> bool:
    """Kill it after some seconds; False if it was done by then."""
    process.join(after)
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def seconds(out: Path) -> dict[str, float]:
    """How long each stage of a finished run took."""
    return read_json(out / "results.json")["provenance"]["seconds"]


def outcome(out: Path) -> dict[str, str]:
    """SHA-256 of every file of a run, times and the day aside."""
    found = {}
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.name in ("stage.json", "results.json"):
            values = json.loads(content)
            times = values.get("provenance", values)
            times.pop("seconds")
            times.pop("date", None)
            content = json.dumps(values).encode()
        found[str(path.relative_to(out))] = hashlib.sha256(content).hexdigest()
    return found
