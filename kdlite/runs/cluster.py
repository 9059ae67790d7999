"""A run on a Ray cluster: its machines draw and score, and the process that was started trains.

Knows which stages are tasks, and what a task has to be told; knows nothing of who takes one, nor of how it is done.
"""

import os
import platform
import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from kdlite.runs.jobs import DONE, Draw, Fit, Stage
from kdlite.runs.pipeline import PROFILE, Run
from kdlite.runs.profile import Profile

_PATIENCE = 10.0  # seconds until a host answers; Ray itself asks for many minutes
_LIVES = 20  # a task that takes as many workers with it is at fault itself


@contextmanager
def on_ray(address: str) -> Iterator[Callable[[Run, list[Stage]], Iterator[Stage]]]:
    """What works through the stages of a ``run`` on the Ray cluster at an address, HOST:PORT or "auto".

    Raises:
        ImportError: if Ray is not installed.
        ConnectionError: if no cluster answers there.
        ChildProcessError: if a task has lost one worker after the other. Errors of a task itself are raised as they are.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise ImportError("a cluster needs Ray; pip install 'kdlite[cluster]' brings it") from None
    try:
        if at := re.fullmatch(r"([^:/]+):(\d+)", address):
            socket.create_connection((at[1], int(at[2])), _PATIENCE).close()
        ray.init(address, logging_level="WARNING", log_to_driver=False)
    except (OSError, OverflowError, ValueError) as error:
        remedy = "start one with ray start --head, and pass its HOST:PORT"
        raise ConnectionError(f"no Ray cluster answers at {address} ({error}); {remedy}") from error
    try:
        yield _work_through
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", error)  # a task's own error, or that of what it waits for
        if isinstance(cause, ray.exceptions.RayError):
            cause = ChildProcessError(f"{cause} Start again: what was finished is kept.")
        raise cause from None
    finally:
        ray.shutdown()


def _work_through(work: Run, todo: list[Stage]) -> Iterator[Stage]:
    """Give Ray all that waits for no training, and train here whenever a corpus is there; says which stage was done, or is
    trained. Processes of ``accelerate launch`` train together, and the first of them speaks to Ray.
    """
    if not work.state.is_main_process:
        while stage := _agree(None):
            work.carry_out(stage)
        return
    import ray

    promises, done = {}, set()  # what Ray was given, by the names of stages; names of stages
    while len(done) < len(todo):
        for stage in todo:
            known = done | promises.keys()
            if stage.name not in known and known.issuperset(stage.reads) and not isinstance(stage.job, Fit):
                promises[stage.name] = _give(work, stage, [promises[n] for n in stage.reads if n in promises])
        fits = (stage for stage in todo if isinstance(stage.job, Fit) and stage.name not in done)
        fit = next((stage for stage in fits if done.issuperset(stage.reads)), None)
        if open_ := {promises[s.name]: s for s in todo if s.name in promises and s.name not in done}:
            options = {"num_returns": len(open_), "timeout": 0} if fit else {"num_returns": 1}
            for promise in ray.wait(list(open_), **options)[0]:
                ray.get(promise)  # or what went wrong
                done.add(open_[promise].name)
                yield open_[promise]
        if fit:
            yield _agree(fit)
            work.carry_out(fit)
            done.add(fit.name)
    _agree(None)


def _agree(stage: Stage | None) -> Stage | None:
    """What the first process says that all train next."""
    return broadcast_object_list([stage])[0]


def _give(work: Run, stage: Stage, after: list) -> object:
    """Ray's promise to carry out a stage, once others are kept."""
    import ray

    share = {"num_gpus": 1} if torch.cuda.is_available() else {"num_cpus": 1}
    draw, carry_out = (ray.remote(max_retries=_LIVES, **share)(task) for task in (_draw, _carry_out))
    told = work.profile, work.out.absolute(), Path.cwd(), stage
    if isinstance(stage.job, Draw) and not (work.out / stage.name / DONE).exists():
        shards = range(-(-stage.job.n // work.profile.texts.shard))
        after = [draw.remote(*told, i, *after) for i in shards]
    return carry_out.remote(*told, *after)


def _draw(profile: Profile, out: Path, home: Path, stage: Stage, i: int, *_: float) -> float:
    """Draw the i-th shard of a corpus, and say how many seconds it took; a task."""
    start = time.monotonic()
    _run(profile, out, home).draw(stage, only=i)
    return time.monotonic() - start


def _carry_out(profile: Profile, out: Path, home: Path, stage: Stage, *spent: float) -> float:
    """Carry out a stage on which others have spent some seconds, and leave none to account for; a task."""
    _run(profile, out, home).carry_out(stage, spent=sum(spent))
    return 0.0


def _run(profile: Profile, out: Path, home: Path) -> Run:
    with suppress(OSError):
        os.chdir(home)  # of whoever started the run: relative names of models are meant from there
    if not (out / PROFILE).exists():
        said = f"{platform.node()} does not see {out}; --out has to be a folder that every machine shares"
        raise FileNotFoundError(f"{said}, under one path")
    return Run(profile, out, PartialState(cpu=not torch.cuda.is_available()))
