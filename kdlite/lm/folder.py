"""What a model's folder holds: weights, tokenizer, language.

Knows the files; knows nothing of where a folder comes from. Only safetensors are read, never pickles, and no code that
comes with a model is run.
"""

import hashlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from kdlite.checks import check_beta, one_line
from kdlite.lm.quiet import quiet
from kdlite.store import sha256
from kdlite.texts.language import Language


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


def read_config(folder: Path) -> PreTrainedConfig:
    """The configuration, or a RuntimeError for a file that is damaged or that transformers does not know."""
    _read_json(folder / "config.json")
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise RuntimeError(f"transformers cannot read the model in {folder}: {one_line(error)}") from error


def read_model(folder: Path, dtype: torch.dtype | str) -> PreTrainedModel:
    """The module, or a RuntimeError for files that are damaged or not those of one model."""
    read_config(folder)
    for file in weight_files(folder):
        try:
            with safe_open(file, framework="pt"):  # compares the header with the file's size
                pass
        except (SafetensorError, OSError) as error:
            raise RuntimeError(f"{file} is damaged ({one_line(error)}); copy or download it anew") from error
    options = {"use_safetensors": True, "local_files_only": True, "trust_remote_code": False}
    try:
        with quiet():
            model, report = AutoModelForCausalLM.from_pretrained(
                folder, dtype=dtype, output_loading_info=True, **options
            )
    except Exception as error:
        raise RuntimeError(f"transformers cannot read the model in {folder}: {one_line(error)}") from error
    wrong = sorted({*report["missing_keys"], *report["unexpected_keys"]})
    if wrong:
        raise RuntimeError(
            f"the weights in {folder} are not those its config.json describes, {wrong[0]} among {len(wrong)} "
            "differences; save the model anew"
        )
    return model


def read_tokenizer(folder: Path) -> PreTrainedTokenizerBase | None:
    """The tokenizer if the folder has one, or a RuntimeError for damaged files."""
    files = [f for f in ("tokenizer.json", "tokenizer_config.json") if (folder / f).is_file()]
    if not files:
        return None
    for name in files:
        _read_json(folder / name)
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:
        raise RuntimeError(
            f"transformers cannot read the tokenizer in {folder}: {one_line(error)}"
        ) from error


def read_language(folder: Path) -> tuple[Language, float] | None:
    """What ``LanguageModel.save`` wrote beside the weights: the language and beta."""
    file = folder / "language.json"
    if not file.is_file():
        return None
    values = _read_json(file)
    known = {field.name for field in fields(Language)} | {"beta"}
    if unknown := sorted(values.keys() - known):
        raise RuntimeError(f"{file} has the unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
    try:
        beta = check_beta(values.pop("beta", 1.0))
        return Language(**values), beta
    except (TypeError, ValueError) as error:
        raise RuntimeError(f"{file} describes no language: {one_line(error)}") from error


def _read_json(file: Path) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # neither JSON nor UTF-8
        raise RuntimeError(f"{file} is damaged ({one_line(error)}); copy or download it anew") from error
    if not isinstance(values, dict):
        raise RuntimeError(f"{file} holds a {type(values).__name__}, not an object; copy or download it anew")
    return values


def digest(files: list[Path]) -> str:
    """One file's SHA-256; of several, that of their list as sha256sum prints it."""
    if len(files) == 1:
        return sha256(files[0])
    return hashlib.sha256("".join(f"{sha256(f)}  {f.name}\n" for f in files).encode()).hexdigest()
