"""Files that are damaged, hostile or of another kind are refused in one line: profiles, results, corpora, weights."""

import json
import os
import shutil

import pytest
from corpora import draw
from languages import LANGUAGES, chains, llama
from toy_results import toy_results

from kdlite import lm
from kdlite.lm.weights import load
from kdlite.runs.status import status

DEEP = "[" * 100_000
LANGUAGE = LANGUAGES["end, longer prompt"]


def refused(function, *arguments, says):
    """The call is refused in one line that names the file, by an error that the command line prints."""
    with pytest.raises((ValueError, TypeError, OSError, RuntimeError)) as caught:
        function(*arguments)
    message = str(caught.value)
    assert not isinstance(caught.value, RecursionError)
    assert "\n" not in message and len(message) <= 500, message
    assert says in message, message


def results(**changes):
    """What a run writes, as text, with some of its tables replaced."""
    made, truth = toy_results(), {"value": 1.2, "stderr": 0.01, "n": 100}
    table = {"profile": made.profile, "truth_entropy": truth, "rows": made.rows, "provenance": {}}
    return json.dumps({name: value for name, value in (table | changes).items() if value is not None})


def row(**changes):
    """Results with something wrong in one row."""
    rows = toy_results().rows
    return results(rows=[*rows[:3], rows[3] | changes, *rows[4:]])


PROFILES = {"empty": "", "nesting": f"taus = {DEEP}", "half a line": "score =", "twice": "a = 1\na = 1"}
RESULTS = {
    "no rows": results(rows=None),
    "a list of profiles": results(profile=[[1]]),
    "a tau that is text": results(profile=toy_results().profile | {"taus": ["1"]}),
    "a curve without a name": row(curve=3),
    "nan": row(tau=float("nan")),
    "half an estimate": row(precision={"value": 1}),
    "an infinite entropy": results().replace("1.2", "Infinity"),
    "pieces in a list": results(pieces=["a"]),
    "a list": "[1, 2]",
    "half": results()[:500],
    "nesting": DEEP,
}


@pytest.mark.parametrize("case", PROFILES)
def test_hostile_profiles(case, tmp_path):
    (tmp_path / "mine.toml").write_text(PROFILES[case])
    refused(lm.Profile.load, tmp_path / "mine.toml", says="mine.toml")


@pytest.mark.parametrize("content", [PROFILES["half a line"].encode("utf-16"), bytes(100)])
def test_files_that_are_no_text(content, tmp_path):
    for name, read in (("mine.toml", lm.Profile.load), ("profile.json", lambda path: status(path.parent))):
        (tmp_path / name).write_bytes(content)
        refused(read, tmp_path / name, says=name)


@pytest.mark.parametrize("case", RESULTS)
def test_hostile_results(case, tmp_path):
    (tmp_path / "results.json").write_text(RESULTS[case])
    refused(lm.Results.load, tmp_path / "results.json", says="results.json")


def test_what_is_spoiled_here_is_good(tmp_path):
    (tmp_path / "results.json").write_text(results())
    assert lm.Results.load(tmp_path / "results.json").frontier.betas.shape == (3,)


@pytest.mark.parametrize("case", ["a list", "half", "nesting"])
def test_a_run_whose_profile_is_hostile(case, tmp_path, command):
    (tmp_path / "profile.json").write_text(RESULTS[case])
    for words in (("status", tmp_path), ("run", "smoke", "--out", tmp_path)):
        code, said, error = command(*words)
        assert (code, said, error.count("\n")) == (2, "", 1) and error.startswith("error: "), error
    assert {path.name for path in tmp_path.iterdir()} <= {"profile.json", ".lock"}


def test_a_cut_shard_with_and_without_the_manifest_that_vouches_for_it(tmp_path):
    draw(chains(), tmp_path)
    os.truncate(tmp_path / "00001.parquet", 300)
    refused(lm.Corpus.open, tmp_path, says="00001.parquet is damaged")
    (tmp_path / "manifest.json").unlink()
    refused(draw, chains(), tmp_path, says="00001.parquet is damaged")


@pytest.mark.parametrize("content", ["[]", DEEP, '{"language": {"vocabulary": -1}, "shards": [3]}'])
def test_hostile_manifests(content, tmp_path):
    (tmp_path / "manifest.json").write_text(content)
    refused(lm.Corpus.open, tmp_path, says="manifest.json")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder of a small saved model."""
    folder = tmp_path_factory.mktemp("bad") / "model"
    llama(LANGUAGE).save(folder)
    return folder


def test_truncated_safetensors(saved, tmp_path):
    file = shutil.copytree(saved, tmp_path / "copy") / "model.safetensors"
    os.truncate(file, file.stat().st_size - 100)
    refused(load, file.parent, says="model.safetensors is damaged")
    refused(llama(LANGUAGE).with_weights, file, says="does not hold the weights")


@pytest.mark.parametrize("name", ["config.json", "language.json"])
@pytest.mark.parametrize("content", ["[]", DEEP, '{"vocab_size": "many"}', '{"length": NaN}'])
def test_models_with_hostile_json(name, content, saved, tmp_path):
    (shutil.copytree(saved, tmp_path / "copy") / name).write_text(content)
    refused(load, tmp_path / "copy", says=str(tmp_path))


WORDS = {
    "nothing": (),
    "an unknown verb": ("train",),
    "run without a folder": ("run", "smoke"),
    "run of a long name": ("run", "x" * 5000, "--out", "OUT"),
    "run below a file": ("run", "smoke", "--out", "FILE/below"),
    "run of a text": ("run", "FILE", "--out", "OUT"),
    "plan of an unknown profile": ("plan", "nothing"),
    "score with n huge": ("score", "--student", "MODEL", "--truth", "MODEL", "--n", str(10**30)),
}


@pytest.mark.parametrize("case", WORDS)
def test_the_command_line_refuses_in_one_line_with_status_2(case, command, tmp_path, saved):
    (tmp_path / "file").write_text("hello")
    places = {"OUT": tmp_path / "out", "FILE": tmp_path / "file", "MODEL": saved}
    words = [str(places.get(word, word)).replace("FILE", str(tmp_path / "file")) for word in WORDS[case]]
    code, out, err = command(*words)
    assert (code, out, err.count("\n")) == (2, "", 1) and err.startswith("error: ") and len(err) <= 500
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
