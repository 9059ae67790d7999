"""Small models as a stranger has them: made, trained and saved with plain transformers, of two architectures."""

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

WORDS = 24  # of a language in which each word is followed by few others
MARKS = ("<end>", "<user>", "<assistant>")
CHAT = "{% for m in messages %}<{{ m.role }}> {{ m.content }} {% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
KINDS = {
    "gpt2": lambda v: GPT2LMHeadModel(GPT2Config(vocab_size=v, n_positions=64, n_embd=32, n_layer=1, n_head=2, **ENDS)),
    "llama": lambda v: LlamaForCausalLM(
        LlamaConfig(vocab_size=v, max_position_embeddings=64, hidden_size=32, intermediate_size=64, num_hidden_layers=1,
                    num_attention_heads=2, num_key_value_heads=1, **ENDS)
    ),
}  # fmt: skip
ENDS = {"bos_token_id": None, "eos_token_id": 0}


def word(i):
    return f"w{i}"


def tokenizer():
    names = [*MARKS, *map(word, range(WORDS))]
    made = Tokenizer(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token=MARKS[0]))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token=MARKS[0], chat_template=CHAT)


def texts(n, seed, length=16):
    """Answers: a chain of words that begins with the user's; it may end at every word."""
    step = np.random.default_rng(0).dirichlet(
        np.full(WORDS + 1, 0.15), size=WORDS
    )  # the last of them: the end
    within = np.vstack([step, np.eye(WORDS + 1)[-1]]).cumsum(axis=1)
    rng = np.random.default_rng(seed)
    chain = [rng.integers(WORDS, size=n)]
    for _ in range(length):
        chain.append((rng.random((n, 1)) > within[chain[-1]]).sum(axis=1))
    words = np.stack(chain, axis=1)
    ids = np.where(words == WORDS, 0, words + len(MARKS))
    return torch.from_numpy(
        np.concatenate([np.full((n, 1), 1), ids[:, :1], np.full((n, 1), 2), ids[:, 1:]], axis=1)
    )


def train(kind, steps, folder, seed):
    """A model that has learned for some steps, in a folder of its own."""
    names, pool = tokenizer(), texts(4096, seed)
    labels = pool.clone()
    labels[:, :3] = -100
    labels[:, 3:][(pool[:, 3:] == 0).int().cumsum(dim=1) > 1] = -100  # after the end
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = KINDS[kind](len(names))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for step in range(steps):
        rows = slice(step % 64 * 64, step % 64 * 64 + 64)
        model(pool[rows], labels=labels[rows]).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    model.save_pretrained(folder)
    names.save_pretrained(folder)
    return folder
