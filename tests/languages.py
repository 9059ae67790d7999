"""Tiny language models for tests, and slow but obvious oracles: every text spelt out, one forward pass a text."""

import itertools

import numpy as np
import torch
from scipy.stats import chisquare
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTNeoXConfig,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

from kdlite.lm import Language, LanguageModel, MarkovMixture

# Tests run side by side on few cores, where the threads of a tiny product wait for one another a hundred times as
# long as it takes.
torch.set_num_threads(1)

LANGUAGES = {
    "no end": Language(3, 4, (0,)),
    "end, longer prompt": Language(3, 4, (1, 0, 1), eos=2),
    "the end token is the prompt": Language(3, 4, (2,), eos=2),
    "begin inside": Language(4, 4, (0,), eos=2, begin=0),
    "begin past the end": Language(3, 4, (3, 1), eos=0, begin=3),
}


def llama(language: Language, seed: int = 1, **changes) -> LanguageModel:
    """A Llama with grouped-query heads of a width that hidden / heads is not, and choosy: large weights."""
    settings = {
        "vocab_size": language.embeddings,
        "hidden_size": 12,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "intermediate_size": 20,
        "max_position_embeddings": 256,
        "initializer_range": 0.25,
        "tie_word_embeddings": True,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    return _made(LlamaForCausalLM, LlamaConfig(**settings | changes), language, seed)


def gpt2(language: Language, seed: int = 1, **changes) -> LanguageModel:
    """An architecture that Decoder does not know."""
    settings = {
        "vocab_size": language.embeddings,
        "n_positions": 256,
        "n_embd": 8,
        "n_layer": 2,
        "n_head": 2,
        "initializer_range": 0.25,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    return _made(GPT2LMHeadModel, GPT2Config(**settings | changes), language, seed)


KINDS = {  # architectures, and whether the fast decoder knows them
    "llama with biases": (LlamaConfig, {"attention_bias": True, "mlp_bias": True}, True),
    "mistral": (MistralConfig, {"sliding_window": None}, True),
    "qwen2": (Qwen2Config, {}, True),
    "qwen3": (Qwen3Config, {"head_dim": 8}, True),
    "qwen2 with a window": (
        Qwen2Config,
        {"use_sliding_window": True, "max_window_layers": 1, "sliding_window": 4},
        False,
    ),
    "gpt2": (GPT2Config, {}, False),
    "gpt neox": (GPTNeoXConfig, {}, False),
}


def word_tokenizer(*more: str) -> PreTrainedTokenizerFast:
    """Knows "the" and "lily", and ends texts with id 0."""
    ids = {word: i for i, word in enumerate(("<end>", "?", "<pad>", "the", "lily", *more))}
    words = Tokenizer(WordLevel(ids, unk_token="?"))
    words.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<end>")


def of_kind(name: str, language: Language) -> LanguageModel:
    """A tiny model of one of ``KINDS``, in which biases and norms matter as they do where something was learned."""
    kind, changes, _ = KINDS[name]
    settings = {
        "vocab_size": language.embeddings,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 20,
        "max_position_embeddings": 256,
        "initializer_range": 0.25,
        "bos_token_id": None,
        "eos_token_id": language.eos,
    }
    model = _made(AutoModelForCausalLM.from_config, kind(**settings | changes), language, 1)
    generator = torch.Generator().manual_seed(1)
    for parameter in model.model.parameters():
        if parameter.ndim == 1:
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.3)
    return model


def _made(kind, config, language, seed) -> LanguageModel:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LanguageModel(kind(config).eval().requires_grad_(False), language)


def chains(length: int = 4) -> MarkovMixture:
    """Two chains over three symbols, with zeros in them."""
    return MarkovMixture(
        [0.7, 0.3],
        [[0.5, 0.5, 0.0], [0.2, 0.3, 0.5]],
        [
            [[0.9, 0.1, 0.0], [0.3, 0.3, 0.4], [0.0, 1.0, 0.0]],
            [[0.2, 0.2, 0.6], [0.5, 0.0, 0.5], [0.1, 0.6, 0.3]],
        ],
        length,
    )


def every_text(language: Language) -> np.ndarray:
    """Each text of the language once, padded with the end token."""
    found = set()
    for text in itertools.product(range(language.vocabulary), repeat=language.length):
        if language.begin not in text:
            end = text.index(language.eos) + 1 if language.eos in text else language.length
            found.add(text[:end] + (language.eos,) * (language.length - end))
    return np.array(sorted(found))


def full_log_prob(model: LanguageModel, tokens: np.ndarray, warp=None) -> np.ndarray:
    """Log-probability of each text by a forward pass of its own through the plain transformers model, in float64."""
    language, module, out = model.language, model.to(dtype=torch.float64).model, []
    for text in tokens.tolist():
        end = text.index(language.eos) + 1 if language.eos in text else language.length
        ids = torch.tensor([[*language.prompt, *text[:end]]])
        with torch.no_grad():
            logits = module(ids).logits[0, len(language.prompt) - 1 : -1]
        if language.begin is not None:
            logits[:, language.begin] = -torch.inf
        logits = logits * model.beta if model.beta else torch.where(logits.isinf(), logits, 0.0)
        log_probs = (logits if warp is None else warp(ids, logits)).log_softmax(dim=-1)
        out.append(log_probs[range(end), text[:end]].sum().item())
    return np.array(out)


def p_value(tokens: np.ndarray, texts: np.ndarray, log_probs: np.ndarray) -> float:
    """Chi-square test that ``tokens`` were drawn from ``texts`` with these log-probabilities."""
    names = {tuple(text): i for i, text in enumerate(texts.tolist())}
    drawn, frequency = np.unique(tokens, axis=0, return_counts=True)
    counts = np.zeros(len(texts))
    counts[[names[tuple(text)] for text in drawn.tolist()]] = frequency
    expected = np.exp(log_probs) * len(tokens)
    assert not counts[expected == 0].any()
    rare = expected < 5
    if expected[rare].sum() >= 5:
        counts = np.append(counts[~rare], counts[rare].sum())
        expected = np.append(expected[~rare], expected[rare].sum())
    else:  # too few to be a cell of their own: counted with the least of the others
        order = np.argsort(expected)
        counts, expected = counts[order], expected[order]
        first = np.count_nonzero(rare)
        counts = np.append(counts[: first + 1].sum(), counts[first + 1 :])
        expected = np.append(expected[: first + 1].sum(), expected[first + 1 :])
    return chisquare(counts, expected * counts.sum() / expected.sum()).pvalue


class Widest(TorchDispatchMode):
    """Records the largest tensor that has the vocabulary among its dimensions."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.vocabulary, self.elements = vocabulary, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **kwargs or {})
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, torch.Tensor) and self.vocabulary in tensor.shape:
                self.elements = max(self.elements, tensor.numel())
        return out


def weights(model):
    """All parameters in one vector."""
    return torch.cat([p.flatten() for p in model.model.parameters()])
