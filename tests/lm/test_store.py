import errno
import json
import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import save_file

from kdlite.lm.store import claim, read_json, replacing, sha256, sweep, write_json


def fail(path, error):
    """Half a file, and the error."""
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise error


def test_a_file_has_its_name_only_once_it_is_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with replacing(path) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == path.parent and not path.exists()
    assert path.read_text() == "whole"
    with replacing(path) as temporary:
        temporary.write_text("newer")
        assert path.read_text() == "whole"
    assert path.read_text() == "newer"
    assert os.listdir(path.parent) == ["file.txt"]


@pytest.mark.parametrize("error", [KeyError("k"), KeyboardInterrupt(), PermissionError(errno.EACCES, "no")])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(type(error)) as caught:
        fail(path, error)
    assert caught.value is error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "file.txt"):
        pass
    assert not os.listdir(tmp_path)


def test_a_folder_is_whole_or_not_there(tmp_path):
    path = tmp_path / "folder"

    def write(error):
        with replacing(path) as temporary:
            (temporary / "inner").mkdir(parents=True)
            (temporary / "inner" / "a").write_text("whole")
            if error:
                raise error

    with pytest.raises(ZeroDivisionError):
        write(ZeroDivisionError())
    assert not os.listdir(tmp_path)
    write(None)
    assert (path / "inner" / "a").read_text() == "whole"
    assert os.listdir(tmp_path) == ["folder"]


# safetensors 0.8 says a full disk so, and only so.
FULL = [
    OSError(errno.ENOSPC, "No space left on device"),
    SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
]


@pytest.mark.parametrize("error", FULL, ids=["numbered", "safetensors"])
def test_a_full_disk_is_named(tmp_path, error):
    path = tmp_path / "runs" / "file.bin"
    with pytest.raises(OSError, match="no space left") as caught:
        fail(path, error)
    assert caught.value.errno == errno.ENOSPC
    assert str(path.parent) in str(caught.value) and "file.bin" in str(caught.value)
    assert caught.value.__cause__ is error
    assert not os.listdir(path.parent)


def test_other_errors_of_safetensors_are_not_a_full_disk(tmp_path):
    error = SafetensorError("Error while serializing: I/O error: Permission denied (os error 13)")
    with pytest.raises(SafetensorError):
        fail(tmp_path / "file.bin", error)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_is_full_when_the_bytes_reach_it(tmp_path, monkeypatch, call):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "file.json"
    write_json(path, "old")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(OSError, match=f"file.json in {tmp_path}"):
            write_json(path, "new")
    assert read_json(path) == "old"
    assert os.listdir(tmp_path) == ["file.json"]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no full device")
def test_a_really_full_device(tmp_path, monkeypatch):
    unlink = os.unlink

    def to_full(name):  # the temporary name leads to a device that is always full
        monkeypatch.undo()
        unlink(name)
        os.symlink("/dev/full", name)

    monkeypatch.setattr(os, "unlink", to_full)
    with pytest.raises(OSError, match=f"no space left while writing a.json in {tmp_path}"):
        write_json(tmp_path / "a.json", [1, 2])
    assert not os.listdir(tmp_path)


def test_writers_side_by_side_never_mix(tmp_path):
    path, values = tmp_path / "file.json", [[i] * 2000 for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for seen in pool.map(lambda value: (write_json(path, value), read_json(path))[1], values):
            assert seen in values
    assert os.listdir(tmp_path) == ["file.json"]
    assert read_json(path) in values


def test_json_that_others_could_not_read_is_not_written(tmp_path):
    for value in (float("nan"), [1, {"a": float("inf")}]):
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_json(tmp_path / "file.json", value)
    assert not os.listdir(tmp_path)


def test_json_is_plain(tmp_path):
    path = tmp_path / "file.json"
    write_json(path, {"a": [1, 2.5, None, "é"]})
    assert json.loads(path.read_bytes()) == read_json(path) == {"a": [1, 2.5, None, "é"]}
    assert path.read_text().endswith("}\n")


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"\xff\xfe", b"PAR1"])
def test_what_is_not_json_is_named(tmp_path, content):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path} is not a JSON file"):
        read_json(path)


def test_sha256(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_temporary_names_are_hidden_and_speak(tmp_path):
    with replacing(tmp_path / "00000.parquet") as temporary:
        assert temporary.name.startswith(".00000.parquet.")
        assert not temporary.exists()
        temporary.write_text("x")


def permissions(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_files_have_the_permissions_that_the_user_gives_to_new_ones(tmp_path):
    """safetensors keeps its files to their owner: nobody else could read a run in a shared folder."""
    for mask in (0o022, 0o077, 0o002):
        before = os.umask(mask)
        try:
            with replacing(tmp_path / "weights.safetensors") as temporary:
                save_file({"a": np.zeros(3)}, temporary)
            with replacing(tmp_path / f"folder {mask}") as temporary:
                temporary.mkdir()
                save_file({"a": np.zeros(3)}, temporary / "weights.safetensors")
        finally:
            os.umask(before)
        assert permissions(tmp_path / "weights.safetensors") == 0o666 & ~mask
        assert permissions(tmp_path / f"folder {mask}" / "weights.safetensors") == 0o666 & ~mask


def test_a_sweep_takes_what_the_killed_have_left_and_nothing_else(tmp_path):
    """A run may be pointed at a home directory, which is full of hidden names."""
    for name in (".lock", ".profile.old", ".config.d/a.b", "00000.parquet", "a/.b.12345678"):
        write_json(tmp_path / name, 1)
    before = sorted(tmp_path.rglob("*"))
    with replacing(tmp_path / "a" / "file") as file, replacing(tmp_path / "folder") as folder:
        file.write_text("half")
        (folder / "inner").mkdir(parents=True)
        shutil.copytree(tmp_path, tmp_path / "killed")
    sweep(tmp_path / "killed")
    assert sorted(p.relative_to(tmp_path / "killed") for p in (tmp_path / "killed").rglob("*")) == [
        p.relative_to(tmp_path) for p in before
    ]


def test_a_file_where_a_folder_should_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=str(tmp_path / "file")):
        write_json(tmp_path / "file" / "a.json", 1)


def test_a_folder_is_claimed_once(tmp_path):
    path, asked = tmp_path / "run.json", {"texts": {"train": 64}, "betas": (1.0, 2.0), "seed": 0}
    claim(path, asked)
    claim(path, asked)
    before = path.read_bytes()
    with pytest.raises(
        ValueError,
        match=f"^{tmp_path} holds a run whose texts.train is 64, now it is 63, and seed is 0, now it is None; choose another folder, or delete this one$",
    ):
        claim(path, {"texts": {"train": 63}, "betas": (1.0, 2.0)})
    assert path.read_bytes() == before
