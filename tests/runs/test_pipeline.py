"""A whole run at the smallest size; the table of its results; what a run survives and what it refuses."""

import errno
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from runs import SMALL, Fork, kill_often, outcome

import kdlite as kd
from kdlite.lm import Corpus, MarkovMixture, Results, run
from kdlite.provenance import commit
from kdlite.runs.design import Beyond
from kdlite.store import locked, read_json, sha256, write_json


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    run(SMALL, out)
    return out


@pytest.fixture
def out(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "out")


def test_every_model_is_scored(finished):
    found = Results.load(finished / "results.json")
    assert len(found.rows) == 2 + 2 * (2 + 2 + 1)
    assert found.frontier.distilled.precision.shape == (2, 2)
    assert np.array_equal(found.frontier.betas, [1, 2])
    assert np.array_equal(found.frontier.direct.recall[:, 1], found.frontier.cooled.recall[:, 0])
    assert [row["beta"] for row in found.select("selected", seed=1)] == [4.0]


def test_scores_are_those_of_the_two_functions(finished):
    truth = MarkovMixture.random(2, 4, 6, decay=0.5, concentration=0.3, seed=0)
    own = Corpus.open(finished / "score-distilled-0.5-s1" / "samples")
    (row,) = Results.load(finished / "results.json").select("distilled", tau=0.5, seed=1)
    assert row["precision"] == kd.precision(own, truth=truth, n=40)._asdict()
    assert row["entropy"]["value"] == pytest.approx(-own.log_probs().sum() / (40 * 6))
    np.testing.assert_allclose(row["shares"], truth.responsibilities(own.texts()).mean(axis=0))


def test_a_lesson_is_drawn_from_the_sharpened_teacher(finished):
    assert Corpus.open(finished / "lesson-0.5").beta == 2
    assert Corpus.open(finished / "lesson-1").beta == 1


def test_a_run_that_lost_stages_makes_them_again_to_the_bit(out, finished):
    for name in ("score-teacher-1-s0", "distilled-0.5-s1", "score-distilled-0.5-s1", "lesson-1"):
        shutil.rmtree(out / name)
    (out / "direct-s0" / "stage.json").unlink()  # as if killed before the stage was declared done
    (out / "results.json").unlink()
    run(SMALL, out)
    assert outcome(out) == outcome(finished)


def test_a_run_that_other_code_went_on_with_elsewhere_names_both(out, finished):
    (now,) = {read_json(path)["commit"] for path in finished.glob("*/stage.json")}
    before = Results.load(finished / "results.json").provenance
    assert now == commit() == before["commit"]
    for name in ("truth-train", "teacher"):
        other = {"commit": "of old", "device": "a GPU"}
        write_json(out / name / "stage.json", read_json(out / name / "stage.json") | other)
    run(SMALL, out)
    after = Results.load(out / "results.json").provenance
    assert after["commit"] == f"of old, {now}" and after["device"] == f"a GPU, {before['device']}"


def test_a_run_killed_at_random_moments_ends_as_one_that_was_not(smoke, tmp_path):
    kill_often(Fork, 3, tmp_path / "out", smoke, seed=7)


@pytest.mark.parametrize("name", ["teacher/model.safetensors", "score-cooled-1-s0/score.json"])
def test_an_output_that_has_changed_is_named(out, name):
    path = out / name
    content = path.read_bytes()
    for damage in (path.unlink, lambda: path.write_bytes(content[:-2] + b"  ")):
        damage()
        with pytest.raises(ValueError, match=f"{path} is missing or has changed.*delete {path.parent} to"):
            run(SMALL, out)


def test_a_stage_made_again_otherwise_is_not_mixed_with_what_was_made_from_it(out):
    """As if somebody had put another run's teacher, with its record, into this one."""
    done = read_json(out / "teacher" / "stage.json")
    (out / "teacher" / "curve.json").write_text("{}")
    done["writes"]["curve.json"] = sha256(out / "teacher" / "curve.json")
    write_json(out / "teacher" / "stage.json", done)
    with pytest.raises(ValueError, match=f"what {out / 'lesson-1'} was made from has changed"):
        run(SMALL, out)


def test_another_profile_is_refused(out):
    before = outcome(out)
    changed = replace(SMALL, taus=(1.0,), texts=replace(SMALL.texts, train=63))
    with pytest.raises(
        ValueError,
        match=r"holds a run whose texts.train is 64, now it is 63, and taus is \[1.0, 0.5\], now it is \[1.0\]; choose",
    ):
        run(changed, out)
    assert outcome(out) == before


def test_a_second_run_in_the_same_folder_is_refused(out, command):
    with locked(out):
        assert command("run", "smoke", "--out", out) == (
            2,
            "",
            f"error: another run is at work in {out}; wait for it, or choose another folder\n",
        )


def test_a_full_disk_keeps_what_was_finished(finished, tmp_path, monkeypatch):
    """The disk is full at a few of the hundred writes, and each time some space is made."""
    out, write, writes = tmp_path / "out", os.fsync, 0

    def fsync(file):
        nonlocal writes
        writes += 1
        if writes in (1, 20, 77):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(file)

    monkeypatch.setattr(os, "fsync", fsync)
    for _ in range(3):
        with pytest.raises(OSError, match=f"no space left while writing .* in {out}.*free some space"):
            run(SMALL, out)
    run(SMALL, out)
    assert outcome(out) == outcome(finished)


def test_a_run_beyond_temperature(tmp_path):
    """Each curve of ``Beyond`` has its rows; what a truncated writer cannot say has no recall, and a hedge gives it one."""
    lesson = {"tau": 1.0, "jsd_weight": 1.0}
    beyond = Beyond(
        top_k=(1,), best_of=(3,), matched=(lesson,), on_policy=(lesson,), heir_taus=(0.5,), generations=2
    )
    profile = replace(SMALL, beyond=beyond, seeds=(0,), betas=())
    found = Results.load(run(profile, tmp_path / "out"))
    for curve, knob, setting in (
        ("turned", "top_k", 1),
        ("learned", "best_of", 3),
        ("decoded", "best_of", 3),
        ("matched", "jsd_weight", 1.0),
        ("on_policy", "jsd_weight", 1.0),
        ("heir", "generation", 2),
    ):
        (row,) = found.select(curve, knob=knob, setting=setting)
        assert np.isfinite(row["precision"]["value"])
    (greedy,) = found.select("decoded", knob="top_k")
    (plain,) = found.select("cooled", tau=1.0)
    assert greedy["recall"] is None and greedy["unsaid"]["value"] > 0.9
    assert greedy["entropy"]["value"] == pytest.approx(0, abs=1e-6)
    least = plain["recall"]["value"] + np.log(0.1) / 6
    assert greedy["hedged"]["value"] == pytest.approx(least, abs=0.05)
    assert plain["unsaid"]["value"] == 0
    assert plain["hedged"]["value"] == pytest.approx(plain["recall"]["value"])
