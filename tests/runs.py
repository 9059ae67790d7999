"""Whole runs of the smallest profile: in one process or two, killed where one likes; and what they leave behind."""

import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from safetensors.numpy import load_file

from kdlite.lm import Profile, Recipe, Shape, run
from kdlite.runs.design import Learner
from kdlite.runs.profile import Texts, Toy
from kdlite.store import is_locked, read_json

SMOKE = Profile.load("smoke")
_RECIPE = Recipe(learning_rate=1e-2, texts_per_step=16, rows_per_pass=16)
SMALL = Profile(
    name="small",
    truth=Toy(chains=2, symbols=4, length=6, decay=0.5, concentration=0.3, seed=0),
    texts=Texts(train=64, validation=16, lesson=64, score=40),
    teacher=Learner(_RECIPE, Shape(16, 1, 2, 1, 32)),
    student=Learner(_RECIPE, Shape(8, 1, 1, 1, 16)),
    taus=(1.0, 0.5),
    seeds=(0, 1),
    betas=(4.0,),
)


def words(out: Path) -> list[str]:
    """What the command line is told."""
    return ["run", "smoke", "--out", str(out)]


def line(out: Path, processes: int = 1) -> list[str]:
    """The command line of the run."""
    module = ["-m", "kdlite", *words(out)]
    if processes == 1:
        return [sys.executable, *module]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    flags = f"--multi_gpu --num_processes {processes} --num_machines 1 --mixed_precision no --main_process_port {port}"
    return [str(Path(sys.executable).with_name("accelerate")), "launch", *flags.split(), *module]


def finish(out: Path, processes: int = 1) -> None:
    """The run to its end."""
    done = subprocess.run(line(out, processes), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, f"{out / 'results.json'}\n"), done.stderr


class Command:
    """The run at work, with all its processes, from the moment on at which it has its folder."""

    def __init__(self, out: Path, processes: int = 1) -> None:
        self.process = subprocess.Popen(
            line(out, processes), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not is_locked(out) and self.process.poll() is None:
            time.sleep(0.05)

    def kill(self, after: float) -> bool:
        """Kill it after some seconds; False if it was done by then."""
        try:
            self.process.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait() == -signal.SIGKILL


class Fork:
    """The same without the seconds that imports take: the run at work in a process that has them behind it."""

    def __init__(self, out: Path) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["kdlite.runs.pipeline"])
        self.process = context.Process(target=run, args=(SMOKE, out))
        self.process.start()

    def kill(self, after: float) -> bool:
        """Kill it after some seconds; False if it was done by then."""
        self.process.join(after)
        self.process.kill()
        self.process.join()
        return self.process.exitcode == -signal.SIGKILL


def kill_often(
    begin: Callable[[Path], Command | Fork], kills: int, out: Path, whole: Path, seed: int
) -> None:
    """Kill a run at random moments, start it again, and kill it again, until little is left to do; then compare it with
    ``whole``, which took as long as one may expect, and do the same with the next.
    """
    moments, work = random.Random(seed), sum(seconds(whole).values())
    left = work
    while kills:
        after = moments.uniform(0, left)
        if left > work / 4 and begin(out).kill(after):
            kills, left = kills - 1, left - after
        if left <= work / 4 or not kills or (out / "results.json").exists():
            finished = begin(out)
            assert not finished.kill(600)
            assert outcome(out) == outcome(whole)
            shutil.rmtree(out)
            left = work


def seconds(out: Path) -> dict[str, float]:
    """How long each stage of a finished run took."""
    return read_json(out / "results.json")["provenance"]["seconds"]


def outcome(out: Path) -> dict[str, str]:
    """SHA-256 of every file of a run; when, and by which commit, aside."""
    found = {}
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.name in ("stage.json", "results.json"):
            values = json.loads(content)
            made = values.get("provenance", values)
            for name in ("seconds", "date", "commit"):
                del made[name]
            content = json.dumps(values).encode()
        found[str(path.relative_to(out))] = hashlib.sha256(content).hexdigest()
    return found


def check_whole(whole: Path, out: Path) -> None:
    """Whatever has a name in a folder is what it is in ``whole``; what is kept only until the work is done can be read."""
    assert not [path for path in out.rglob("*") if path.name.startswith(".") and path.name != ".lock"]
    found, finished = outcome(out), outcome(whole)
    for name in found.keys() - finished.keys():
        assert Path(name).name in ("best.safetensors", "checkpoint.safetensors"), name
        assert load_file(out / name)
    assert {name: found[name] for name in found.keys() & finished.keys()}.items() <= finished.items()
