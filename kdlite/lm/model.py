"""A causal language model as a distribution over texts, new ones from scratch, and shallower copies.

Knows the two verbs and the knob; knows nothing of where weights come from or how they are trained.
"""

import copy
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import nn
from tqdm import tqdm
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, PreTrainedTokenizerBase

from kdlite.checks import check_beta, check_integer, check_kind, check_number, check_seed, show
from kdlite.lm.language import Language
from kdlite.lm.packaged import quiet
from kdlite.lm.sampling import WHOLE, Truncation, draws
from kdlite.lm.scoring import IGNORED, score_tokens

POSITIONS = 1 << 13  # scored in one forward pass
BATCH = 128  # texts drawn at a time


class Reading(NamedTuple):
    """What a model makes of n texts. It can stand for the model in ``precision``, for these texts."""

    language: Language
    tokens: np.ndarray  # (n, length)
    token_log_prob: (
        np.ndarray
    )  # (n, length), float32: nats of each token given those before it; 0 in the padding
    state: (
        np.ndarray
    )  # (n, H), float32: mean of the last hidden states that a text's tokens are predicted from

    def log_prob(self, tokens: np.ndarray) -> np.ndarray:
        """Log-probability of each text, shape ``(n,)``, float64, in nats.

        Raises:
            ValueError: for texts that were not read.
        """
        if not np.array_equal(tokens, self.tokens):
            raise ValueError("these are not the texts that were read; read them first")
        return self.token_log_prob.sum(axis=1, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A causal language model with its prompt, as a distribution over texts of token ids. Frozen.

    A text is at most ``length`` tokens after the prompt. It ends with the end token where the model says so;
    the end token belongs to it, is sampled and scored once, and pads the array after it, which is neither.

    Attributes:
        model: the ``transformers`` module.
        language: vocabulary, prompt, length, and the tokens that begin and end a text.
        tokenizer: turns ids into text for people; nothing here needs it.
        beta: inverse temperature of every token's distribution.
        source: what ``load`` read, with its commit or SHA-256; copies keep it, pruned and trained ones too: it says
            where they began.
        truncation: what is left out of every token's distribution, once it has its temperature.

    Raises:
        ValueError: if the language does not fit the model's vocabulary or positions.
    """

    model: PreTrainedModel
    language: Language
    tokenizer: PreTrainedTokenizerBase | None = None
    beta: float = 1.0
    source: str | None = None
    truncation: Truncation = WHOLE

    def __post_init__(self) -> None:
        check_kind("model", self.model, PreTrainedModel, "pass a transformers model")
        check_kind("language", self.language, Language, "say what the model's ids mean")
        check_beta(self.beta)
        self.truncation.check()
        config, language = self.model.config, self.language
        if language.embeddings != config.vocab_size:
            raise ValueError(
                f"the language has {language.vocabulary} token ids, the model {config.vocab_size}; "
                "they must agree, but for a begin token that only the model has (begin = vocabulary)"
            )
        positions = len(language.prompt) + language.length - 1
        if positions > config.max_position_embeddings:
            raise ValueError(
                f"a prompt of {len(language.prompt)} and a length of {language.length} need {positions} "
                f"positions, the model has {config.max_position_embeddings}; lower length"
            )
        self.model.eval().requires_grad_(False)

    def __repr__(self) -> str:
        millions = sum(p.numel() for p in self.model.parameters()) / 1e6
        return f"LanguageModel({millions:.3g}M parameters, length={self.length}, beta={self.beta:g})"

    @property
    def prompt(self) -> tuple[int, ...]:
        """Token ids that every text continues."""
        return self.language.prompt

    @property
    def length(self) -> int:
        """Longest text, in tokens."""
        return self.language.length

    def sharpen(self, beta: float) -> "LanguageModel":
        """The same weights with each token's distribution at temperature 1/beta: probabilities ∝ p(token)^beta.

        Each token is renormalised by itself, so this is *not* the sequence-level power p(text)^beta of a mixture's
        or a whole distribution's knob: a prefix that leads to few good continuations loses nothing here. 0 makes
        every token equally likely at every place; 1 changes nothing; a large beta decodes greedily.

        Raises:
            ValueError: if beta is negative, infinite or NaN.
        """
        return replace(self, beta=self.beta * check_beta(beta))

    def truncate(
        self, *, top_k: int | None = None, top_p: float | None = None, min_p: float | None = None
    ) -> "LanguageModel":
        """The same weights with the unlikely tokens of every place left out, and the rest renormalised.

        A text with a token that is left out has probability 0. Where such a model scores texts of its own, rounding
        may put a token at the very edge on the other side of it: use the log-probabilities that ``draws`` gives.

        Args:
            top_k, top_p, min_p: see ``sampling.Truncation``; they replace an earlier truncation.

        Raises:
            ValueError: if a number is out of range.
        """
        return replace(self, truncation=Truncation(top_k, top_p, min_p))

    def to(
        self, device: str | torch.device | None = None, dtype: torch.dtype | None = None
    ) -> "LanguageModel":
        """A copy on another device, or in another precision."""
        if device is not None:
            device = check_device(device)
        if dtype is not None:
            check_kind("dtype", dtype, torch.dtype, "torch.float32 works everywhere")
        return replace(self, model=copy.deepcopy(self.model).to(device=device, dtype=dtype))

    def with_weights(self, path: str | Path) -> "LanguageModel":
        """A copy with the parameters of a safetensors file, which must be those of this architecture.

        Raises:
            ValueError: if the file is not one, or a parameter is missing or of another shape.
        """
        model = copy.deepcopy(self.model)
        try:
            with safe_open(path, "pt", device="cpu") as file, torch.no_grad():
                for name, parameter in model.named_parameters():
                    parameter.copy_(file.get_tensor(name))
        except (SafetensorError, RuntimeError, OSError, TypeError) as error:
            said = " ".join(str(error).split())
            raise ValueError(
                f"{path} does not hold the weights of {self}: {said}; pass what a training of it wrote"
            ) from None
        return replace(self, model=model)

    def sample(
        self,
        n: int,
        seed: int,
        *,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        batch: int = BATCH,
    ) -> np.ndarray:
        """n texts, shape ``(n, length)``, int64, padded with the end token after the first one.

        A text's noise depends on the seed and its place among the n alone; the batch size matters only through
        rounding.

        Args:
            n: number of texts.
            seed: of the noise.
            top_k, top_p, min_p: those of ``truncate``, for these texts alone; ``log_prob`` knows nothing of them.
            batch: texts drawn at a time.

        Raises:
            ValueError: if a number is out of range, or beta is 0.
        """
        asked = Truncation(top_k, top_p, min_p)
        model = self if asked == WHOLE else replace(self, truncation=asked)
        return np.concatenate([tokens for tokens, _ in model.draws(n, seed, batch=batch)])

    def draws(
        self, n: int, seed: int, *, start: int = 0, batch: int = BATCH
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Texts ``start`` to ``start + n`` of a seed, batch by batch, each with its log-probability in nats."""
        return draws(
            self.model, self.language, self.beta, self.truncation, n=n, seed=seed, batch=batch, start=start
        )

    def log_prob(self, tokens: np.ndarray) -> np.ndarray:
        """Log-probability of each text, shape ``(n,)``, float64, in nats, at temperature 1/beta, truncated.

        Up to and including the first end token; what follows it is ignored, and the prompt is not counted.

        Raises:
            ValueError: for tokens of another shape or outside the language.
        """
        return self.read(tokens).log_prob(tokens)

    def read(self, tokens: np.ndarray) -> "Reading":
        """The model's reading of texts: each token's log-probability, and where each text lies in its hidden space.

        Raises:
            ValueError: for tokens of another shape or outside the language.
        """
        tokens, sizes = self.language.check(tokens), self.language.size(tokens)
        log_prob = np.zeros(tokens.shape, dtype=np.float32)
        state = np.zeros((len(tokens), self.model.config.hidden_size), dtype=np.float32)
        prompt = np.array(self.prompt)
        rows = max(1, POSITIONS // (len(prompt) + self.length))
        order = np.argsort(sizes, kind="stable")
        with tqdm(total=int(sizes.sum()), unit=" tokens", unit_scale=True, delay=2, leave=False) as bar:
            for i in range(0, len(order), rows):
                batch = order[i : i + rows]
                longest = sizes[batch].max()
                text = tokens[batch, :longest]
                ids = np.concatenate([np.tile(prompt, (len(batch), 1)), text[:, :-1]], axis=1)
                targets = np.full(ids.shape, IGNORED)
                targets[:, len(prompt) - 1 :] = np.where(
                    np.arange(longest) < sizes[batch, None], text, IGNORED
                )
                scored = score_tokens(
                    self.model,
                    torch.from_numpy(ids).to(self.model.device),
                    torch.from_numpy(targets).to(self.model.device),
                    beta=self.beta,
                    begin=self.language.begin,
                    truncation=self.truncation,
                )
                log_prob[batch, :longest] = scored.log_prob[:, len(prompt) - 1 :].cpu().numpy()
                state[batch] = scored.state.cpu().numpy()
                bar.update(int(sizes[batch].sum()))
        return Reading(self.language, tokens, log_prob, state)

    def size(self, tokens: np.ndarray) -> np.ndarray:
        """Tokens up to and including the first end token, or ``length`` if there is none, shape ``(n,)``."""
        return self.language.size(tokens)

    def digest(self) -> str:
        """SHA-256 of architecture and parameters: equal where the same ids get the same probabilities at beta = 1."""
        config = self.model.config.to_dict()
        for name in ("_name_or_path", "architectures", "dtype", "transformers_version"):
            config.pop(name, None)  # where it came from, not what it computes
        total = hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode())
        for name, parameter in sorted(self.model.named_parameters()):
            total.update(name.encode())
            total.update(parameter.detach().cpu().contiguous().view(torch.uint8).numpy())
        return total.hexdigest()

    def save(self, folder: str | Path) -> None:
        """Write weights (safetensors), tokenizer, language and beta into a folder that ``load`` opens.

        Raises:
            ValueError: if the model is truncated, which a folder cannot say.
        """
        if self.truncation != WHOLE:
            raise ValueError(
                f"a folder has no place for {self.truncation}; save the model before you truncate it"
            )
        if Path(folder).is_file():
            raise NotADirectoryError(f"{folder} is a file; choose a folder")
        with quiet():
            self.model.save_pretrained(folder)
        if self.tokenizer is not None:
            self.tokenizer.save_pretrained(folder)
        text = json.dumps(asdict(self.language) | {"beta": self.beta}, indent=2)
        Path(folder, "language.json").write_text(text + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Shape:
    """The architecture of a Llama-shaped model with tied embeddings."""

    hidden: int
    layers: int
    heads: int
    key_heads: int
    mlp: int
    rope_base: float = 10_000.0
    positions: int = 2048

    def __post_init__(self) -> None:
        for name in ("hidden", "layers", "heads", "key_heads", "mlp", "positions"):
            check_integer(name, getattr(self, name), 1, "a model has at least one of each")
        check_number("rope_base", self.rope_base, "a finite number > 0", lambda v: v > 0, "10000 is usual")
        if self.hidden % self.heads or self.heads % self.key_heads:
            raise ValueError(
                f"heads must divide hidden, and key_heads heads, got {self.hidden}, {self.heads} and "
                f"{self.key_heads}; change one"
            )
        if self.hidden // self.heads % 2:
            raise ValueError(
                f"rotary positions turn pairs, so hidden / heads must be even, got {self.hidden} / {self.heads}; change one"
            )


# From the models' published configurations.
SHAPES = {
    "SmolLM2-1.7B": Shape(2048, 24, 32, 32, 8192, rope_base=130_000, positions=8192),
    "SmolLM2-360M": Shape(960, 32, 15, 5, 2560, rope_base=100_000, positions=8192),
    "SmolLM2-135M": Shape(576, 30, 9, 3, 1536, rope_base=100_000, positions=8192),
}


def find_shape(shape: str | Shape) -> Shape:
    """A shape, by its name if it has one.

    Raises:
        ValueError: for an unknown name, or what is no shape.
    """
    if not isinstance(shape, str | Shape) or (isinstance(shape, str) and shape not in SHAPES):
        raise ValueError(f"unknown shape {show(shape)}; known are {', '.join(SHAPES)}, or pass a Shape")
    return SHAPES[shape] if isinstance(shape, str) else shape


def check_device(device: str | torch.device) -> torch.device:
    """A device of this machine, or a ValueError."""
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, TypeError, ValueError):
        raise ValueError(
            f"device must be one of this machine's, got {show(device)}; 'cpu' always is"
        ) from None


def new(
    shape: str | Shape,
    language: Language,
    *,
    seed: int = 0,
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> LanguageModel:
    """A model from scratch: every parameter, the norms included, is newly made from the seed.

    Matrices are normal with standard deviation ``hidden ** -0.5``, SmolLM2-135M's own; norms are ones.

    Raises:
        ValueError: for an unknown shape, or a language that the shape cannot hold.
    """
    shape = find_shape(shape)
    check_kind("language", language, Language, "say what the model's ids mean")
    config = LlamaConfig(
        vocab_size=language.embeddings,
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.key_heads,
        intermediate_size=shape.mlp,
        max_position_embeddings=shape.positions,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_base},
        initializer_range=shape.hidden**-0.5,
        tie_word_embeddings=True,
        bos_token_id=language.begin,
        eos_token_id=language.eos,
        pad_token_id=None,
        dtype=torch.float32,
    )
    with torch.random.fork_rng(devices=[]):  # the global generator stays where it is
        torch.default_generator.manual_seed(check_seed(seed))  # torch.manual_seed would seed GPUs too
        model = LlamaForCausalLM(config)
    return LanguageModel(model, language, tokenizer)


def prune(model: LanguageModel, layers: int | Sequence[int]) -> LanguageModel:
    """A copy of a Llama-shaped model with fewer layers.

    Args:
        model: is left as it is.
        layers: which layers stay, by index; or how many: then as many of the first as of the last. Of SmolLM2-135M-
            Instruct's 30 layers 24 chosen so leave -4.5 nats per token on its own texts, evenly spread ones -6.0
            (whole: -3.7); 12 after a pass over 256 texts -5.7, evenly spread ones -6.2.

    Raises:
        ValueError: if it is not Llama-shaped, or has no such layers.
    """
    check_kind("model", model, LanguageModel, "pass one that new or load made")
    stack = getattr(getattr(model.model, "model", None), "layers", None)
    if not isinstance(stack, nn.ModuleList):
        raise ValueError(f"cannot prune a {type(model.model).__name__}; pass a Llama-shaped model")
    depth = len(stack)
    whole = isinstance(layers, int | np.integer) and not isinstance(layers, bool)
    kept = (
        _kept(depth, min(int(layers), depth + 1)) if whole else list(layers) if _are_indices(layers) else []
    )
    if not kept or sorted(set(kept)) != kept or kept[0] < 0 or kept[-1] >= depth:
        raise ValueError(
            f"layers must be between 1 and {depth}, or rising indices below {depth}, got {show(layers)}; keep fewer"
        )
    pruned = copy.deepcopy(model.model)
    pruned.model.layers = nn.ModuleList(pruned.model.layers[i] for i in kept)
    for i, layer in enumerate(pruned.model.layers):
        layer.self_attn.layer_idx = i
    pruned.config.num_hidden_layers = len(kept)
    return replace(model, model=pruned)


def _are_indices(layers: object) -> bool:
    several = isinstance(layers, Sequence | np.ndarray) and not isinstance(layers, str)
    return several and all(isinstance(i, int | np.integer) and not isinstance(i, bool) for i in layers)


def _kept(depth: int, n: int) -> list[int]:
    """The first and the last n / 2 layers."""
    first = n - n // 2
    return [*range(first), *range(depth - n // 2, depth)]


def fingerprint(tokenizer: PreTrainedTokenizerBase) -> str:
    """SHA-256 of a tokenizer's table of ids: equal where the same id stands for the same piece of text."""
    table = json.dumps(sorted(tokenizer.get_vocab().items(), key=lambda item: (item[1], item[0])))
    return hashlib.sha256(table.encode()).hexdigest()
