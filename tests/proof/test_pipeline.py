"""What takes minutes: runs killed in every stage, at a hundred moments, and one process of two."""

import random
import shutil
import signal
import time
from functools import partial

import psutil
import pytest
from runs import SMOKE, Command, Fork, finish, kill_often, outcome, seconds

from kdlite.runs.stages import stages
from kdlite.store import is_locked


def test_a_run_killed_at_a_hundred_moments_ends_as_one_that_was_not(smoke, tmp_path):
    kill_often(Fork, 100, tmp_path / "out", smoke, seed=1)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_command_killed_with_all_its_processes_ends_as_one_that_was_not(smoke, shared, tmp_path, processes):
    whole = smoke if processes == 1 else shared
    kill_often(partial(Command, processes=processes), 4, tmp_path / "out", whole, seed=2)


def test_a_run_killed_in_each_of_its_stages_ends_as_one_that_was_not(smoke, tmp_path):
    moments = random.Random(3)
    for stage in stages(SMOKE):
        folder, delay = tmp_path / stage.name, seconds(smoke)[stage.name]
        while not folder.exists():
            started = Fork(tmp_path)
            while not folder.exists():
                assert started.process.is_alive()
                time.sleep(0.0005)
            started.kill(moments.uniform(0, delay))
            if (folder / "stage.json").exists():  # too late
                shutil.rmtree(folder)
                delay /= 2
    finish(tmp_path)
    assert outcome(tmp_path) == outcome(smoke)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_dies_takes_the_other_with_it(shared, tmp_path, rank):
    out = tmp_path / "out"
    command = Command(out, processes=2)
    while not (out / "direct-s0").exists():
        time.sleep(0.01)
    ranks = psutil.Process(command.process.pid).children()
    (one,) = (p for p in ranks if p.environ()["RANK"] == str(rank))
    one.send_signal(signal.SIGKILL)
    assert command.process.wait(120) == 1
    assert not psutil.wait_procs(ranks, 60)[1]
    assert not is_locked(out)
    finish(out, processes=2)
    assert outcome(out) == outcome(shared)
