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
from typing import Any

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

    share = {"num_gpus": 1} if torch.cuda.is_available() else {"num_cpus": 1}
    task = ray.remote(max_retries=_LIVES, **share)(_do)
    promises, done = {}, set()  # what Ray was given, by the names of stages; names of stages
    while len(done) < len(todo):
        for stage in todo:
            known = done | promises.keys()
            if stage.name not in known and known.issuperset(stage.reads) and not isinstance(stage.job, Fit):
                after = [promises[name] for name in stage.reads if name in promises]
                promises[stage.name] = _give(task, work, stage, after)
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


def _give(task: Any, work: Run, stage: Stage, after: list) -> Any:
    """Ray's promise of a stage, once other promises are kept."""
    told = work.profile, work.out.absolute(), Path.cwd(), stage
    if isinstance(stage.job, Draw) and not (work.out / stage.name / DONE).exists():
        shards = range(-(-stage.job.n // work.profile.texts.shard))
        after = [task.remote(*told, shard, *after) for shard in shards]
    return task.remote(*told, None, *after)


def _do(profile: Profile, out: Path, home: Path, stage: Stage, shard: int | None, *spent: float) -> float:
    """Draw a shard of a corpus, and say how many seconds it took; or do all that is left of a stage, told how many seconds
    others have spent on it. What Ray calls a task.
    """
    start = time.monotonic()
    with suppress(OSError):
        os.chdir(home)  # where whoever started the run is: relative names of models are meant from there
    if not (out / PROFILE).exists():
        remedy = "--out has to be a folder that all machines share, under one path"
        raise FileNotFoundError(f"{platform.node()} does not see {out}; {remedy}")
    work = Run(profile, out, PartialState(cpu=not torch.cuda.is_available()))
    if shard is None:
        work.carry_out(stage, spent=sum(spent))
        return 0.0
    work.draw(stage, only=shard)
    return time.monotonic() - start
