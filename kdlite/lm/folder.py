"""What a model's folder holds: weights, tokenizer, language.

Knows the files; knows nothing of where a folder comes from. Only safetensors are read, never pickles, and no code that
comes with a model is run.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from kdlite.checks import check_beta, check_kind, one_line
from kdlite.lm.modules import quiet
from kdlite.store import sha256
from kdlite.texts.language import Language

_LOCAL = {"local_files_only": True, "trust_remote_code": False}


def weight_files(folder: Path) -> list[Path]:
    """The folder's safetensors files, all of them there, or a FileNotFoundError."""
    if not folder.is_dir():
        raise FileNotFoundError(f"the folder {folder} does not exist; pass one that LanguageModel.save wrote")
    index = folder / "model.safetensors.index.json"
    names = {"model.safetensors"}
    if index.is_file():
        names = set(_read_json(index).get("weight_map", {}).values())
    missing = [name for name in ("config.json", *sorted(names)) if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"the folder {folder} holds no model: {missing[0]} is missing, and pickles are not read; pass one that "
            "LanguageModel.save wrote"
        )
    return [folder / name for name in sorted(names)]


@contextmanager
def _refusing(what: str, kinds: type | tuple[type, ...] = Exception) -> Iterator[None]:
    """An error while something is read becomes a RuntimeError of one line."""
    try:
        yield
    except kinds as error:
        raise RuntimeError(f"{what} ({one_line(error)}); copy or download it anew") from error


def read_config(folder: Path) -> PreTrainedConfig:
    """The configuration, or a RuntimeError for a file that is damaged or that transformers does not know."""
    _read_json(folder / "config.json")
    with _refusing(f"transformers cannot read the model in {folder}"):
        return AutoConfig.from_pretrained(folder, **_LOCAL)


def read_model(folder: Path, dtype: torch.dtype | str) -> PreTrainedModel:
    """The module, or a RuntimeError for files that are damaged or not those of one model."""
    read_config(folder)
    for file in weight_files(folder):
        with _refusing(f"{file} is damaged"), safe_open(file, framework="pt"):
            pass  # it has compared the header with the file's size
    options = {"use_safetensors": True, "output_loading_info": True, **_LOCAL}
    with _refusing(f"transformers cannot read the model in {folder}"), quiet():
        model, report = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **options)
    wrong = sorted({*report["missing_keys"], *report["unexpected_keys"]})
    if wrong:
        raise RuntimeError(
            f"the weights in {folder} are not those its config.json describes, {wrong[0]} among {len(wrong)} "
            "differences; save the model anew"
        )
    return model


def read_tokenizer(folder: Path) -> PreTrainedTokenizerBase | None:
    """The tokenizer if the folder has one, or a RuntimeError for damaged files."""
    if not any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json")):
        return None
    with _refusing(f"transformers cannot read the tokenizer in {folder}"):
        return AutoTokenizer.from_pretrained(folder, **_LOCAL)


def read_language(folder: Path) -> tuple[Language, float] | None:
    """What ``LanguageModel.save`` wrote beside the weights: the language and beta."""
    file = folder / "language.json"
    if not file.is_file():
        return None
    values = _read_json(file)
    known = {field.name for field in fields(Language)} | {"beta"}
    if unknown := sorted(values.keys() - known):
        raise RuntimeError(f"{file} has the unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
    with _refusing(f"{file} describes no language", (TypeError, ValueError)):
        beta = check_beta(values.pop("beta", 1.0))
        return Language(**values), beta


def _read_json(file: Path) -> dict[str, Any]:
    with _refusing(f"{file} is damaged", (ValueError, RecursionError)):  # neither JSON nor UTF-8
        values = json.loads(file.read_text(encoding="utf-8"))
        check_kind("its content", values, dict, "it is no object")
        return values


def digest(files: list[Path]) -> str:
    """One file's SHA-256; of several, that of their list as sha256sum prints it."""
    if len(files) == 1:
        return sha256(files[0])
    return hashlib.sha256("".join(f"{sha256(f)}  {f.name}\n" for f in files).encode()).hexdigest()
