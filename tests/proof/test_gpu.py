"""The steps of ``make gpu``, rehearsed on a processor."""

import json
import subprocess
import sys

from benchmarks.gpu.steps import STEPS


def test_every_step_of_the_first_minutes_on_a_gpu_can_be_rehearsed(tmp_path):
    words = [sys.executable, "-m", "benchmarks.gpu", "--device", "cpu", "--scale", "tiny", "--out", tmp_path]
    done = subprocess.run(words, capture_output=True, text=True)
    found = json.loads((tmp_path / "results.json").read_text())["steps"]
    assert {name: step["error"] for name, step in found.items()} == dict.fromkeys(STEPS)
    assert done.returncode == 0
