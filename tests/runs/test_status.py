"""What a run is said to have done, in every state that it can be found in."""

import json
import shutil

import pytest
import torch
from runs import SMOKE

from kdlite.lm import run
from kdlite.runs.stages import stages
from kdlite.runs.status import status
from kdlite.store import locked

NAMES = tuple(stage.name for stage in stages(SMOKE))


@pytest.fixture
def out(smoke, tmp_path):
    return shutil.copytree(smoke, tmp_path / "out")


@pytest.mark.parametrize("content", [None, {"name": "a"}, {"trainer": "b"}])
def test_a_folder_without_a_run_is_named(content, tmp_path, command):
    said = "is not the folder of a run: it has no profile.json; pass what --out was"
    if content:
        (tmp_path / "profile.json").write_text(json.dumps(content))
        said = "profile.json is not the profile of a run: "
    code, out, error = command("status", tmp_path)
    assert (code, out, error.count("\n")) == (2, "", 1) and error.startswith("error: ") and said in error


def undo(out, *names):
    """As if these stages had not begun."""
    for name in names:
        shutil.rmtree(out / name)
    (out / "results.json").unlink(missing_ok=True)


def test_a_finished_run(smoke, command):
    found = status(smoke)
    assert found == ("smoke", False, NAMES, (), (), True)
    code, said, _ = command("status", smoke)
    assert code == 0
    assert said.startswith("smoke: finished, 23 of 23 stages done\ndone    truth-train, truth-validation,")
    assert " ".join(said.split()).endswith("score-distilled-0.7-s1") and "left" not in said


def test_a_run_that_has_not_begun(out):
    undo(out, *NAMES)
    assert status(out) == ("smoke", False, (), (), NAMES, False)
    with locked(out):
        found = status(out)
    assert found.at_work and found.begun == (("truth-train", 0, 256, "texts"),)
    assert found.left == NAMES[1:]


def test_progress_inside_a_training(out, monkeypatch):
    """Stopped in its seventh step; the last checkpoint is of the fourth."""
    steps, step = [], torch.optim.AdamW.step

    def stop(*args):
        steps.append(1)
        if len(steps) == 7:
            raise InterruptedError
        return step(*args)

    undo(out, "distilled-0.7-s1")
    monkeypatch.setattr(torch.optim.AdamW, "step", stop)
    with pytest.raises(InterruptedError):
        run(SMOKE, out)
    found = status(out)
    assert found.begun == (("distilled-0.7-s1", 4, 8, "steps"),)
    assert len(found.done) == 22 and not found.left and not found.at_work
    assert "\nbegun   distilled-0.7-s1 (4 of 8 steps)" in str(found)
    with locked(out):
        assert "\nrunning distilled-0.7-s1 (4 of 8 steps)" in str(status(out))
    (out / "distilled-0.7-s1" / "checkpoint.safetensors").write_bytes(b"")
    assert status(out).begun[0].done == 0


def test_progress_inside_the_others(out):
    """Two processes may each be at a score of its own."""
    for path in (
        "lesson-1/00001.parquet",
        "score-cooled-1-s1/samples/00001.parquet",
        "truth-points/plane.json",
    ):
        (out / path).unlink()
    for name in ("lesson-1", "score-cooled-1-s1", "truth-points", "direct-s0"):
        (out / name / "stage.json").unlink()
    (out / "lesson-1" / ".00001.parquet.01234567.unfinished").touch()
    undo(out, "score-teacher-1-s0")
    assert status(out).begun == (
        ("truth-points", 0, 1, "planes"),
        ("lesson-1", 192, 256, "texts"),
        ("direct-s0", 8, 8, "steps"),
        ("score-cooled-1-s1", 64, 128, "texts"),
    )
    assert status(out).left == ("score-teacher-1-s0",)


def test_a_reader_who_may_not_write_there(out, monkeypatch):
    def refuse(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("kdlite.runs.status.is_locked", refuse)
    assert status(out).finished
    (out / "results.json").unlink()
    before = sorted(out.rglob("*"))
    assert str(status(out)).startswith("smoke: ") and not status(out).finished
    assert sorted(out.rglob("*")) == before  # looking changes nothing
    assert status(out).at_work is None and "at work or stopped" in str(status(out))
