"""A run's tasks in any order, without Ray: tests/proof kills workers of a real one."""

import random
import socket
import sys
from types import SimpleNamespace

import pytest
from runs import SMALL, outcome

from kdlite.lm import run
from kdlite.runs.cluster import on_ray


class Promise:
    """What a task will have returned; it is done twice, as if its first worker had died just before it could say so."""

    def __init__(self, task, args):
        self.task, self.args, self.found = task, args, None

    def keep(self):
        if self.found is None:
            args = [arg.keep() if isinstance(arg, Promise) else arg for arg in self.args]
            self.task(*args)
            self.found = self.task(*args)
        return self.found


@pytest.fixture
def ray(monkeypatch):
    """Ray's few words. Nothing is done while the driver has something to train, and then whatever chance takes."""
    order = random.Random(5)

    def wait(promises, *, num_returns, timeout=None):
        taken = [] if timeout == 0 else order.sample(promises, num_returns)
        return taken, []

    stand_in = SimpleNamespace(
        init=lambda *_, **__: None,
        shutdown=lambda: None,
        remote=lambda **_: lambda task: SimpleNamespace(remote=lambda *args: Promise(task, args)),
        wait=wait,
        get=Promise.keep,
        exceptions=SimpleNamespace(RayError=ZeroDivisionError),
    )
    monkeypatch.setitem(sys.modules, "ray", stand_in)


def test_tasks_in_any_order_and_done_twice_leave_the_bytes_of_one_process(ray, tmp_path):
    with on_ray("auto") as work_through:
        run(SMALL, tmp_path / "cluster", work_through)
    run(SMALL, tmp_path / "one")
    assert outcome(tmp_path / "cluster") == outcome(tmp_path / "one")


def test_where_no_cluster_is_nothing_begins(ray, tmp_path, command, monkeypatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        status, _, said = command("run", "smoke", "--out", tmp_path / "out", "--ray", address)
    assert status == 2 and said.startswith(f"error: no Ray cluster answers at {address} (")
    monkeypatch.setitem(sys.modules, "ray", None)
    status, _, said = command("run", "smoke", "--out", tmp_path / "out", "--ray", address)
    assert status == 2 and said.endswith("pip install 'kdlite[cluster]' brings it\n")
    assert not (tmp_path / "out").exists()
