import errno
import json
import os
from dataclasses import asdict

import pytest
from safetensors import SafetensorError

from kdlite.files import replacing
from kdlite.lm import Recipe
from kdlite.store import claim, read_json, sha256, write_json

# safetensors 0.8 says a full disk so, and only so.
FULL = "Error while serializing: I/O error: No space left on device (os error 28)"


def fail(path, message):
    """Half a file, and an error of safetensors."""
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise SafetensorError(message)


def test_a_full_disk_is_named_though_safetensors_gives_no_number(tmp_path):
    with pytest.raises(OSError, match=f"no space left while writing file.bin in {tmp_path}; free") as caught:
        fail(tmp_path / "file.bin", FULL)
    assert caught.value.errno == errno.ENOSPC
    assert isinstance(caught.value.__cause__, SafetensorError)
    assert not os.listdir(tmp_path)


def test_other_errors_of_safetensors_are_not_a_full_disk(tmp_path):
    with pytest.raises(SafetensorError):
        fail(tmp_path / "file.bin", "Error while deserializing header: incomplete metadata")


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


def test_a_run_begun_under_an_older_name_of_a_setting_is_the_same_run(tmp_path):
    """And one begun when recipes had fewer settings."""
    now, added = asdict(Recipe()), ("adam_betas", "dtype", "gradient_checkpointing", "weight_decay")
    before = {name: value for name, value in now.items() if name not in added}
    path = tmp_path / "run.json"
    write_json(path, {"betas": [1.0], "teacher": {"recipe": before | {"betas": now["adam_betas"]}}})
    claim(path, {"betas": [1.0], "teacher": {"recipe": now}})
    with pytest.raises(ValueError, match=r"teacher\.recipe\.adam_betas is \[.*\], now it is \[0\.5, 0\.99\]"):
        claim(path, {"betas": [1.0], "teacher": {"recipe": now | {"adam_betas": (0.5, 0.99)}}})
