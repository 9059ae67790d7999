"""A run on a local Ray cluster, whose workers die where one likes. ``make proof`` installs Ray; ``make test`` does not."""

import random
import shutil
import subprocess
import sys
import time

import psutil
import pytest
from runs import outcome, words

pytest.importorskip("ray")


@pytest.fixture(scope="module")
def cluster():
    """One machine that calls eight processors its own, whatever it has."""
    from ray.cluster_utils import Cluster

    machine = {"num_cpus": 8, "object_store_memory": 1 << 27, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=machine)
    yield cluster
    cluster.shutdown()


def begin(cluster, out):
    line = [sys.executable, "-m", "kdlite", *words(out), "--ray", cluster.address]
    return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def at_work(cluster):
    """The workers that have a task at the moment."""
    (raylet,) = cluster.head_node.all_processes["raylet"]
    for worker in psutil.Process(raylet.process.pid).children():
        try:
            if worker.cmdline()[0].startswith("ray::_do"):
                yield worker
        except (psutil.NoSuchProcess, IndexError):  # it has just ended
            pass


def test_fifty_workers_die_and_the_bytes_are_those_of_one_process(cluster, smoke, tmp_path, record_property):
    moments, kills, runs, out = random.Random(4), 0, 0, tmp_path / "out"
    while kills < 50:
        run = begin(cluster, out)
        while run.poll() is None:
            time.sleep(moments.uniform(0, 0.5))
            if kills < 50 and (found := list(at_work(cluster))):
                moments.choice(found).kill()
                kills += 1
        assert run.returncode == 0, run.stderr.read()
        assert outcome(out) == outcome(smoke)
        shutil.rmtree(out)
        runs += 1
    record_property("measured", f"{kills} kills in {runs} runs")
