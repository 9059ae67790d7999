"""The runner of ``make gpu``, and one of its steps: the first minutes on a GPU must not be lost to either."""

import json
import sys

import pytest

from benchmarks.gpu import __main__ as gpu


def run(monkeypatch, out, *words):
    monkeypatch.setattr(sys, "argv", ["gpu", "--device", "cpu", "--scale", "tiny", "--out", str(out), *words])
    return gpu.main()


def test_what_failed_is_recorded_and_alone_is_run_again(monkeypatch, tmp_path):
    ran, broken = [], {"draw-360M"}

    def carried_out(names, *_):
        for name in names:
            ran.append(name)
            yield name, {"ok": name not in broken, "error": "no memory", "seconds": 1.0, "figures": {}}
            if name in broken:
                return

    monkeypatch.setattr(gpu, "carried_out", carried_out)
    assert run(monkeypatch, tmp_path) == 1 and ran == list(gpu.STEPS)
    found = json.loads((tmp_path / "results.json").read_text())["steps"]
    assert [name for name, step in found.items() if not step["ok"]] == ["draw-360M"]
    broken.clear()
    assert run(monkeypatch, tmp_path) == 0 and ran[len(gpu.STEPS) :] == ["draw-360M"]


def test_the_steps_take_twelve_minutes_at_most():
    assert sum(step.seconds for step in gpu.STEPS.values()) <= 720


@pytest.mark.slow
def test_the_decoder_agrees_with_plain_transformers_in_the_first_step(monkeypatch, tmp_path):
    assert run(monkeypatch, tmp_path, "--step", "decoder") == 0
    found = json.loads((tmp_path / "decoder.json").read_text())["float32"]
    assert found["texts like those of plain transformers"] == found["texts"]
