import copy
import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import kdlite.runs.profile
from kdlite.lm import Language, Profile, Shape
from kdlite.runs.profile import Pretrained, Scratch, Toy

TOY = tomllib.loads(
    (Path(kdlite.runs.profile.__file__).parent / "profiles" / "toy.toml").read_text(encoding="utf-8")
)


def changed(path, value):
    """The toy profile's tables with one value replaced."""
    values = copy.deepcopy(TOY)
    *tables, key = path.split(".")
    table = values
    for name in tables:
        table = table[name]
    table[key] = value
    return values


def test_the_built_in_profile_is_read_whole():
    profile = Profile.load("toy")
    assert profile.name == "toy"
    assert isinstance(profile.truth, Toy)
    assert profile.student.shape == Shape(**TOY["student"]["shape"])
    assert profile.teacher.recipe.epochs == TOY["teacher"]["recipe"]["epochs"]
    assert profile.taus == tuple(TOY["taus"])


def test_a_profile_can_be_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    text = 'taus = [1.0]\nseeds = [0]\n[truth]\nname = "m"\nsource = "hub"\nprompt = "The"\nlength = 8\n'
    path.write_text(
        text + "[texts]\ntrain = 6\nvalidation = 2\nlesson = 1\nscore = 6\n"
        "[teacher]\nlayers = 2\n[student]\nlayers = 1\n"
    )
    profile = Profile.load(path)
    assert profile.name == "mine"
    assert profile.truth == Pretrained("m", "hub", "The", 8)
    assert profile.student.layers == 1


def test_a_truth_from_scratch_is_told_by_its_shape():
    truth = Profile.load("smoke").truth
    assert truth == Scratch(Shape(32, 2, 2, 1, 64), vocabulary=64, length=16, beta=3.0, seed=0)
    assert truth.language == Language(64, 16, (64,), eos=0, begin=64)


@pytest.mark.parametrize("name", ["toy", "smoke", "cpu", "knobs"])
def test_what_is_written_beside_a_run_is_the_profile(name):
    profile = Profile.load(name)
    assert Profile.of("another", json.loads(json.dumps(profile.to_dict()))) == profile


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocabulary": 0}, "vocabulary must be an integer >= 1, got 0"),
        ({"chains": 2}, "truth has no 'chains'; it has shape, vocabulary, length, beta, seed"),
        ({"shape": {"hidden": 32}}, "truth.shape: missing 4 required"),
    ],
)
def test_what_is_wrong_with_a_truth_from_scratch_is_named(changes, message):
    values = Profile.load("smoke").to_dict()
    with pytest.raises(ValueError, match=re.escape(message)):
        Profile.of("smoke", values | {"truth": values["truth"] | changes})


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("tau", [1.0], "the profile has no 'tau'; it has name, truth"),
        ("texts.trane", 3, "texts has no 'trane'; it has train"),
        ("teacher.recipe.lr", 3, "a recipe has no 'lr'; it has learning_rate"),
        ("teacher.layers", 3, "either a shape"),
        ("teacher.shape", "SmolLM2-2B", "unknown shape 'SmolLM2-2B'"),
        ("student.shape.width", 3, "student.shape has no 'width'"),
        ("texts.train", 0, "texts.train must be an integer >= 1, got 0"),
        ("texts.score", 1, "texts.score must be an integer >= 2, got 1"),  # or a run fails at its last stage
        ("texts.validation", 1, "texts.validation must be an integer >= 2, got 1"),
        ("teacher", {"layers": 1}, "teacher.layers must be at most the truth's, 0, got 1"),
        ("taus", [0.5], "taus must hold 1"),
        ("taus", [1.0, 0.0], "taus must be > 0, got 0.0"),
        ("taus", [1.0, 1.0], "taus must differ"),
        ("seeds", [], "seeds must be different seeds, at least one"),
        ("betas", [-1.0], "beta must be a finite number >= 0"),
        ("batch", 0, "batch must be an integer >= 1"),
        ("truth", 3, "truth must be a table"),
        ("beyond", {"top_q": [1]}, "beyond has no 'top_q'"),
        ("beyond", {"heir_taus": [0.3]}, "taus must hold those of beyond, [0.3] are"),
        ("beyond", {"on_policy": [{"tau": 1.0, "jsd_weight": 2.0}]}, "jsd_weight must be in [0, 1], got 2.0"),
        ("texts", {"train": 3}, "missing 3 required"),
    ],
)
def test_what_is_wrong_is_named(path, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Profile.of("toy", changed(path, value))


def test_betas_need_a_toy_truth():
    pretrained = {"name": "m", "source": "hub", "prompt": "The", "length": 8}
    with pytest.raises(ValueError, match="this truth has none"):
        Profile.of("toy", changed("truth", pretrained))


def test_an_unknown_profile_and_a_broken_file_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"no profile 'papr'; built in are .*toy"):
        Profile.load("papr")
    path = tmp_path / "broken.toml"
    path.write_text("taus = [")
    with pytest.raises(ValueError, match=r"broken\.toml"):
        Profile.load(path)


LESSON = {"tau": 1.0, "jsd_weight": 0.0}


@pytest.mark.parametrize(
    ("name", "value"),
    [("top_p", [0.9, 0.90000001]), ("top_k", [8, 8]), ("power", [1, 1.0]), ("matched", [LESSON, LESSON])],
)
def test_one_name_is_one_setting(name, value):
    """The second would report the first's scores."""
    with pytest.raises(ValueError, match=f"{name} must differ in their first six digits"):
        Profile.of("a", changed("beyond", {name: value}))


def test_a_truth_that_is_a_model_needs_neighbours():
    smoke = Profile.load("smoke")
    with pytest.raises(ValueError, match=r"texts.train and texts.score must be above 5, got \d+ and 5"):
        replace(smoke, texts=replace(smoke.texts, score=5))
