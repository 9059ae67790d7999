"""A causal language model as a distribution over texts.

Knows the two verbs and the knob; knows nothing of where weights come from or how they are trained.
"""

import copy
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from kdlite.checks import check_beta, check_kind, check_path, one_line
from kdlite.files import placing
from kdlite.lm.decoder import Decoder
from kdlite.lm.modules import check_device, frozen, quiet
from kdlite.lm.next_token import WHOLE, Truncation
from kdlite.lm.packing import needs, spread
from kdlite.lm.sampling import Generator, draws
from kdlite.lm.scoring import IGNORED, score_tokens
from kdlite.texts.given import encode
from kdlite.texts.language import Language, Reading
from kdlite.texts.prompts import Prompts

POSITIONS = 1 << 13  # scored in one forward pass
# Of a model; the configurations and the language are always written.
_FILES = ("*.safetensors", "*.safetensors.index.json", "generation_config.json", "tokenizer*", "vocab*")
_FILES += ("merges.txt", "added_tokens.json", "special_tokens_map.json", "*chat_template*")
BATCH = 128  # texts drawn at a time


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A causal language model with its prompt, as a distribution over texts of token ids.

    Draws and scores without dropout and without gradients, and leaves the module as it was: somebody may be training it.

    A text is at most ``length`` tokens after the prompt. It ends with the end token where the model says so;
    the end token belongs to it, is sampled and scored once, and pads the array after it, which is neither.

    Raises:
        ValueError: if the language does not fit the model's vocabulary or positions.
    """

    model: PreTrainedModel
    language: Language  #: vocabulary, prompt, length, and the tokens that begin and end a text
    tokenizer: PreTrainedTokenizerBase | None = None  #: for people; nothing here needs it
    beta: float = 1.0  #: inverse temperature of every token's distribution
    #: what ``load`` read, by commit or SHA-256; pruned and trained copies say where they began
    source: str | None = None
    #: what is left out of every token's distribution, once it has its temperature
    truncation: Truncation = WHOLE

    def __post_init__(self) -> None:
        check_kind("model", self.model, PreTrainedModel, "pass a transformers model")
        check_kind("language", self.language, Language, "say what the model's ids mean")
        check_beta(self.beta)
        check_kind("truncation", self.truncation, Truncation, "pass Truncation(), which leaves nothing out")
        self.truncation.check()
        config, language = self.model.config, self.language
        if language.embeddings != config.vocab_size:
            raise ValueError(
                f"the language has {language.vocabulary} token ids, the model {config.vocab_size}; "
                "they must agree, but for a begin token that only the model has (begin = vocabulary)"
            )
        check_device(self.model.device)
        positions = language.longest + language.length - 1
        if positions > getattr(config, "max_position_embeddings", positions):
            raise ValueError(
                f"a prompt of {language.longest} and a length of {language.length} need {positions} "
                f"positions, the model has {config.max_position_embeddings}; lower length"
            )

    def __repr__(self) -> str:
        millions = sum(p.numel() for p in self.model.parameters()) / 1e6
        return f"LanguageModel({millions:.3g}M parameters, length={self.length}, beta={self.beta:g})"

    @property
    def prompt(self) -> tuple[int, ...] | Prompts:
        """Token ids that every text continues, or several prompts."""
        return self.language.prompt

    @property
    def length(self) -> int:
        """Longest text, in tokens."""
        return self.language.length

    @property
    def decoder(self) -> str:
        """What draws the texts. "Decoder" is the fast one, written for Llama's relatives; "Generator" is the cache of
        transformers, which serves every architecture.
        """
        return (Decoder if Decoder.knows(self.model) else Generator).__name__

    def with_prompt(self, prompt: Any, weights: Sequence[float] | None = None) -> "LanguageModel":
        """The same model, whose texts continue another prompt, or several.

        Args:
            prompt, weights: see ``texts.given.encode``.

        """
        prompt = encode(prompt, self.tokenizer, self.language, weights)
        return replace(self, language=replace(self.language, prompt=prompt))

    def sharpen(self, beta: float) -> "LanguageModel":
        """The same weights with each token's distribution at temperature 1/beta: probabilities ∝ p(token)^beta.

        Each token is renormalised by itself, so this is *not* the sequence-level power p(text)^beta of a mixture's
        or a whole distribution's knob: a prefix that leads to few good continuations loses nothing here. 0 makes
        every token equally likely at every place; 1 changes nothing; a large beta decodes greedily.
        """
        return replace(self, beta=self.beta * check_beta(beta))

    def truncate(
        self, *, top_k: int | None = None, top_p: float | None = None, min_p: float | None = None
    ) -> "LanguageModel":
        """The same weights with the unlikely tokens of every place left out, and the rest renormalised.

        A text with a token that is left out has probability 0. Where such a model scores texts of its own, rounding
        may put a token at the very edge on the other side of it: use the log-probabilities that ``draws`` gives.

        ``top_k``, ``top_p``, ``min_p`` are those of ``next_token.Truncation``, and replace an earlier truncation.
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
        return replace(self, model=frozen(copy.deepcopy(self.model)).to(device=device, dtype=dtype))

    def with_weights(self, path: str | Path) -> "LanguageModel":
        """A copy with the parameters of a safetensors file, or a ValueError if they are not of this architecture."""
        path, model = check_path("path", path), frozen(copy.deepcopy(self.model))
        try:
            with safe_open(path, "pt", device="cpu") as file, torch.no_grad():
                for name, parameter in model.named_parameters():
                    parameter.copy_(file.get_tensor(name))
        except (SafetensorError, RuntimeError, OSError, TypeError) as error:
            raise ValueError(
                f"{path} does not hold the weights of {self}: {one_line(error)}; pass what a training of it wrote"
            ) from None
        return replace(self, model=model)

    def sample(self, n: int, seed: int, *, batch: int = BATCH) -> np.ndarray:
        """n texts, shape ``(n, length)``, int64, padded with the end token after the first one. Where there are several
        prompts, shape ``(n, 1 + length)``: the number of a text's own comes first, and each prompt has its share of
        the n (stratified sampling, so that an error over independent draws is never too small).

        A text's noise depends on the seed and its place among the n alone; the batch size matters only through
        rounding.

        Raises:
            ValueError: if a number is out of range, or beta is 0.
        """
        return np.concatenate([tokens for tokens, _ in self.draws(n, seed, batch=batch)])

    def draws(
        self, n: int, seed: int, *, start: int = 0, batch: int = BATCH
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Texts ``start`` to ``start + n`` of a seed, batch by batch, each with its log-probability in nats."""
        return draws(
            self.model, self.language, self.beta, self.truncation, n=n, seed=seed, batch=batch, start=start
        )

    def log_prob(self, tokens: np.ndarray) -> np.ndarray:
        """Log-probability of each text, shape ``(n,)``, float64, in nats, at temperature 1/beta, truncated.

        Up to and including the first end token; what follows it is ignored, and the prompt is not counted. A ValueError
        for tokens of another shape or outside the language.
        """
        return self.read(tokens).log_prob(tokens)

    def read(self, tokens: np.ndarray) -> "Reading":
        """Each token's log-probability, and where each text lies in the hidden space; errors as of ``log_prob``."""
        tokens, sizes = self.language.check(tokens), self.language.size(tokens)
        log_prob = np.zeros((len(tokens), self.length), dtype=np.float32)
        state = np.zeros((len(tokens), self.model.config.hidden_size), dtype=np.float32)
        rows = max(1, POSITIONS // (self.language.longest + self.length))
        order = np.argsort(needs(tokens, self.language), kind="stable")
        with tqdm(total=int(sizes.sum()), unit=" tokens", unit_scale=True, delay=2, leave=False) as bar:
            how = {"beta": self.beta, "begin": self.language.begin, "truncation": self.truncation}
            for i in range(0, len(order), rows):
                batch = order[i : i + rows]
                ids, targets = spread(tokens[batch], self.language)
                inputs = (torch.from_numpy(a).to(self.model.device) for a in (ids, targets))
                scored = score_tokens(self.model, *inputs, **how)
                row, place = np.nonzero(np.arange(self.length) < sizes[batch, None])
                log_prob[batch[row], place] = scored.log_prob.cpu().numpy()[targets != IGNORED]
                state[batch] = scored.state.cpu().numpy()
                bar.update(int(sizes[batch].sum()))
        return Reading(self.language, tokens, log_prob, state)

    def size(self, tokens: np.ndarray) -> np.ndarray:
        """Tokens of each text, shape ``(n,)``: see ``Language.size``."""
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
            ValueError: if the model is truncated, which a folder cannot say, or another model's files would stay.
            OSError: if the folder cannot be written to, or the disk is full; files that are there stay as they were.
        """
        if self.truncation != WHOLE:
            raise ValueError(f"a folder cannot hold {self.truncation}; save the model before you truncate it")
        with placing(check_path("folder", folder), "a model") as temporary:
            with quiet():
                self.model.save_pretrained(temporary)
            if self.tokenizer is not None:
                self.tokenizer.save_pretrained(temporary)
            text = json.dumps(asdict(self.language) | {"beta": self.beta}, indent=2)
            (temporary / "language.json").write_text(text + "\n", encoding="utf-8")
            mixed = {path.name for kind in _FILES for path in Path(folder).glob(kind)}
            if left := sorted(mixed - {path.name for path in temporary.iterdir()}):
                raise ValueError(
                    f"{folder} holds another model, whose {', '.join(left)} would stay; choose another folder"
                )
