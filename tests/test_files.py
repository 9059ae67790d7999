"""Files that are whole or not there, on a disk that is full, closed, or fine."""

import errno
import os
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kdlite.files import placing, remove_unfinished, replacing


def write(path, text="new", error=None):
    """The text, and perhaps an error."""
    with replacing(path) as temporary:
        temporary.write_text(text)
        if error:
            raise error


def test_a_file_has_its_name_only_once_it_is_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    for text in ("whole", "newer"):
        before = path.read_text() if path.exists() else None
        with replacing(path) as temporary:
            temporary.write_text(text)
            assert temporary.name == path.name and temporary.parent.parent == path.parent
            assert (path.read_text() if path.exists() else None) == before
        assert path.read_text() == text
        assert os.listdir(path.parent) == ["file.txt"]


@pytest.mark.parametrize("error", [KeyError("k"), KeyboardInterrupt(), PermissionError(errno.EACCES, "no")])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "file.txt"
    write(path, "old")
    with pytest.raises(type(error)) as caught:
        write(path, error=error)
    assert caught.value is error
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    path = tmp_path / "file.txt"
    with pytest.raises(FileNotFoundError, match=f"nothing was written to {path}"), replacing(path):
        pass
    assert not os.listdir(tmp_path)


def test_several_files_are_placed_together_or_not_at_all(tmp_path):
    path = tmp_path / "model"

    def write_both(text, error=None):
        with placing(path, "a model") as temporary:
            (temporary / "inner").mkdir()
            for name in ("inner/a", "b"):
                (temporary / name).write_text(text)
            if error:
                raise error

    with pytest.raises(ZeroDivisionError):
        write_both("half", ZeroDivisionError())
    assert not os.listdir(path)
    write_both("whole")
    assert sorted(os.listdir(path)) == ["b", "inner"]
    assert (path / "inner" / "a").read_text() == (path / "b").read_text() == "whole"


SAID = {
    errno.ENOSPC: "no space left while writing a.txt in FOLDER; free some space and start again: ",
    errno.EDQUOT: "Disk quota exceeded while writing a.txt in FOLDER; free some space and start again: ",
    errno.EROFS: "Read-only file system while writing a.txt in FOLDER; choose a folder that you may write to",
    errno.EACCES: "Permission denied while writing a.txt in FOLDER; choose a folder that you may write to",
}


@pytest.mark.parametrize("call", ["mkdir", "fsync", "replace"])
@pytest.mark.parametrize("number", SAID)
def test_a_disk_that_refuses_is_named_with_the_remedy(tmp_path, monkeypatch, call, number):
    real = getattr(os, call)

    def refuse(first, *rest):
        if call == "mkdir" and not first.name.endswith(".unfinished"):
            return real(first, *rest)
        raise OSError(number, os.strerror(number))

    path = tmp_path / "a.txt"
    write(path, "old")
    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(
            OSError, match=os.strerror(number) if number != errno.ENOSPC else "space"
        ) as caught:
            write(path)
    assert caught.value.errno == number
    if number != errno.EACCES or call == "mkdir":  # later it may be something that is read
        assert SAID[number].replace("FOLDER", str(tmp_path)) in str(caught.value)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no full device")
def test_a_really_full_device(tmp_path):
    def write_there():
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.symlink_to("/dev/full")
            temporary.write_text("new")

    with pytest.raises(OSError, match=f"no space left while writing a.txt in {tmp_path}"):
        write_there()
    assert not os.listdir(tmp_path)


def test_writers_side_by_side_never_mix(tmp_path):
    path, texts = tmp_path / "file", [str(i) * 20_000 for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        for seen in pool.map(lambda text: (write(path, text), path.read_text())[1], texts):
            assert seen in texts
    assert os.listdir(tmp_path) == ["file"]
    assert path.read_text() in texts


def permissions(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_files_have_the_permissions_that_the_user_gives_to_new_ones(tmp_path):
    """safetensors keeps its files to their owner: nobody else could read a run in a shared folder."""
    for mask in (0o022, 0o077, 0o002):
        before = os.umask(mask)
        try:
            with placing(tmp_path, "both") as temporary:
                (temporary / "folder").mkdir()
                for name in ("a", "folder/a"):
                    (temporary / name).touch(0o600)
        finally:
            os.umask(before)
        assert permissions(tmp_path / "a") == permissions(tmp_path / "folder" / "a") == 0o666 & ~mask
        shutil.rmtree(tmp_path / "folder")


def test_a_sweep_takes_what_the_killed_have_left_and_nothing_else(tmp_path):
    """A run may be pointed at a home directory, which is full of hidden names, and of other runs at work."""
    out, killed = tmp_path / "out", tmp_path / "killed"
    for name in (".lock", ".profile.old", ".config.d/a.b", "00000.parquet", "a/.b.12345678", ".tmp3h7TcN"):
        write(out / name)
    with replacing(out / "a" / "file") as others:
        others.write_text("half")
        before = sorted(path.relative_to(out) for path in out.rglob("*"))
        with placing(out, "a model") as folder, replacing(out / "file") as file:
            for half in (file, file.with_name(".tmpQogPE1"), folder / "b"):  # the second is safetensors' own
                half.write_text("half")
            shutil.copytree(out, killed)
    remove_unfinished(killed)
    assert sorted(path.relative_to(killed) for path in killed.rglob("*")) == before


def test_a_file_where_a_folder_should_be_is_named(tmp_path):
    write(tmp_path / "file")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(NotADirectoryError, match=f"{folder} is, or is in, a file; choose a folder"):
            write(folder / "a.txt")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="this system has no folder that is closed to all")
def test_a_folder_that_nobody_can_make_is_named():
    with pytest.raises(
        OSError, match=r"/proc/self/here cannot be made \(No such file or directory\); choose"
    ):
        write(Path("/proc/self/here/a.txt"))
