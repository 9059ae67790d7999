"""A whole run at the smallest size; the table of its results; what a run refuses."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

import kdlite as kd
from kdlite.lm import Corpus, MarkovMixture, Profile, Recipe, Results, Shape, run
from kdlite.lm.profile import Learner, Texts, Toy

RECIPE = Recipe(learning_rate=1e-2, texts_per_step=16, rows_per_pass=16)
PROFILE = Profile(
    name="small",
    truth=Toy(chains=2, symbols=4, length=6, decay=0.5, concentration=0.3, seed=0),
    texts=Texts(train=64, validation=16, lesson=64, score=40),
    teacher=Learner(RECIPE, Shape(16, 1, 2, 1, 32)),
    student=Learner(RECIPE, Shape(8, 1, 1, 1, 16)),
    taus=(1.0, 0.5),
    seeds=(0, 1),
    betas=(4.0,),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    run(PROFILE, out)
    return out


@pytest.fixture
def out(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "out")


def results(out):
    table = json.loads((out / "results.json").read_text())
    del table["provenance"]["seconds"], table["provenance"]["date"]
    return table


def test_every_model_is_scored(finished):
    found = Results.load(finished / "results.json")
    assert len(found.rows) == 2 + 2 * (2 + 2 + 1)
    assert found.frontier.distilled.precision.shape == (2, 2)
    assert np.array_equal(found.frontier.betas, [1, 2])
    assert np.array_equal(found.frontier.direct.recall[:, 1], found.frontier.cooled.recall[:, 0])
    assert [row["beta"] for row in found.select("selected", seed=1)] == [4.0]
    assert found.provenance["commit"]


def test_scores_are_those_of_the_two_functions(finished):
    truth = MarkovMixture.random(2, 4, 6, decay=0.5, concentration=0.3, seed=0)
    own = Corpus.open(finished / "score-distilled-0.5-s1" / "samples")
    (row,) = Results.load(finished / "results.json").select("distilled", tau=0.5, seed=1)
    assert row["precision"] == kd.precision(own, truth, n=40)._asdict()
    assert row["entropy"]["value"] == pytest.approx(-own.log_probs().sum() / (40 * 6))
    np.testing.assert_allclose(row["shares"], truth.responsibilities(own.texts()).mean(axis=0))


def test_a_lesson_is_drawn_from_the_sharpened_teacher(finished):
    assert Corpus.open(finished / "lesson-0.5").beta == 2
    assert Corpus.open(finished / "lesson-1").beta == 1


def test_a_run_that_lost_stages_makes_them_again_to_the_bit(out):
    before = results(out)
    for name in ("score-teacher-1-s0", "distilled-0.5-s1", "score-distilled-0.5-s1", "lesson-1"):
        shutil.rmtree(out / name)
    (out / "direct-s0" / "stage.json").unlink()  # as if killed before the stage was declared done
    (out / "results.json").unlink()
    run(PROFILE, out)
    assert results(out) == before


def test_an_output_that_has_changed_is_named(out):
    weights = out / "teacher" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"teacher/model\.safetensors is missing or has changed"):
        run(PROFILE, out)


def test_another_profile_is_refused(out):
    with pytest.raises(ValueError, match=r"holds a run whose taus is \[1.0, 0.5\], now it is \[1.0\]"):
        run(replace(PROFILE, taus=(1.0,)), out)


def test_a_file_without_results_is_named(tmp_path):
    path = tmp_path / "other.json"
    path.write_text('{"rows": []}')
    with pytest.raises(ValueError, match=r"other\.json holds no results"):
        Results.load(path)
