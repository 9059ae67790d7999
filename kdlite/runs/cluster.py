"""A run on a Ray cluster: its machines draw and score, and the process that was started trains.

Knows which stages are tasks, and what a task has to be told; knows nothing of which machine takes one, nor of how a stage is
carried out.
"""

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list

from kdlite.runs.jobs import DONE, Draw, Fit, Stage
from kdlite.runs.pipeline import Run
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
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None
    except ray.exceptions.RayError as error:
        raise ChildProcessError(f"{error}; start again: what was finished is kept") from error
    finally:
        ray.shutdown()


def _work_through(work: Run, todo: list[Stage]) -> Iterator[Stage]:
    """Give Ray whatever it may begin or will be able to once it has done the rest, and train as soon as a corpus is there.
    Says which stage is trained, or was done. Processes of ``accelerate launch`` train together, and the first one asks Ray.
    """
    if not work.state.is_main_process:
        while stage := _agree(None):
            work.carry_out(stage)
        return
    import ray

    promises, open_, done = {}, {}, set()  # of names; promises of stages that Ray has not done; names
    while len(done) < len(todo):
        for stage in todo:
            if stage.name in done or stage.name in promises or isinstance(stage.job, Fit):
                continue
            if all(name in done or name in promises for name in stage.reads):
                promise = _give(work, stage, [promises[name] for name in stage.reads if name in promises])
                promises[stage.name] = promise
                open_[promise] = stage
        fits = (stage for stage in todo if isinstance(stage.job, Fit) and stage.name not in done)
        fit = next((stage for stage in fits if done.issuperset(stage.reads)), None)
        if open_:
            options = {"num_returns": len(open_), "timeout": 0} if fit else {"num_returns": 1}
            for promise in ray.wait(list(open_), **options)[0]:
                ray.get(promise)  # or what went wrong
                yield (stage := open_.pop(promise))
                done.add(stage.name)
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
    told = work.profile, work.out.absolute(), stage
    if isinstance(stage.job, Draw) and not (work.out / stage.name / DONE).exists():
        shards = range(-(-stage.job.n // work.profile.texts.shard))
        after = [draw.remote(*told, i, *after) for i in shards]
    return carry_out.remote(*told, *after)


def _draw(profile: Profile, out: Path, stage: Stage, i: int, *_: float) -> float:
    """Draw the i-th shard of a corpus, and say how many seconds it took; a task."""
    start = time.monotonic()
    _run(profile, out).draw(stage, only=i)
    return time.monotonic() - start


def _carry_out(profile: Profile, out: Path, stage: Stage, *spent: float) -> float:
    """Carry out a stage on which others have spent some seconds, and leave none to account for; a task."""
    _run(profile, out).carry_out(stage, spent=sum(spent))
    return 0.0


def _run(profile: Profile, out: Path) -> Run:
    return Run(profile, out, PartialState(cpu=not torch.cuda.is_available()))
