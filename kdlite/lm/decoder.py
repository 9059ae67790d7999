"""Llama and its relatives rewritten for drawing a token at a time, many texts side by side.

Knows weights, caches and uniforms; knows nothing of corpora or training.
"""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm
from transformers import PreTrainedModel

from kdlite.lm.next_token import Truncation, choose, temper
from kdlite.texts.language import Language

_CHECK = 32  # steps between two looks at which texts have ended; each look waits for the device
_GRAIN = 8  # a batch shrinks by eighths, so that a GPU meets few shapes


class _Layer(nn.Module):
    """The weights of one layer, fused where one product can do the work of several."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        attention, mlp = layer.self_attn, layer.mlp
        self.fused = {}
        for name, parts in {
            "qkv": (attention.q_proj, attention.k_proj, attention.v_proj),
            "out": (attention.o_proj,),
            "gate_up": (mlp.gate_proj, mlp.up_proj),
            "down": (mlp.down_proj,),
        }.items():
            self._keep(name, [part.weight for part in parts])
            self._keep(f"{name}_bias", [part.bias[:, None] for part in parts if part.bias is not None])
        for name, norm in {
            "norm": layer.input_layernorm,
            "mlp_norm": layer.post_attention_layernorm,
            "q_norm": getattr(attention, "q_norm", None),
            "k_norm": getattr(attention, "k_norm", None),
        }.items():
            self._keep(name, [] if norm is None else [norm.weight])

    def _keep(self, name: str, parts: list[Tensor]) -> None:
        parts = [part.detach() for part in parts]
        if len(parts) > 1:
            self.fused[name] = parts
        whole = torch.cat(parts) if name in self.fused else next(iter(parts), None)
        self.register_buffer(name, whole, persistent=False)

    def refresh(self) -> None:
        """Fuse the weights anew, at the same addresses."""
        for name, parts in self.fused.items():
            torch.cat(parts, out=getattr(self, name))

    def product(self, name: str, x: Tensor, onto: Tensor | None = None) -> Tensor:
        """Weights times columns ``(H, rows)``, with the bias if there is one, added to other columns if there are any."""
        weight, bias = getattr(self, name), getattr(self, f"{name}_bias")
        if bias is not None:
            onto = bias if onto is None else onto + bias
        return weight @ x if onto is None else torch.addmm(onto, weight, x)


class Decoder(nn.Module):
    """A Llama-shaped model (with biases or norms of its heads too, as Qwen's have) rewritten for drawing one token at a
    time, over a cache of fixed size.

    Everything that changes lives in buffers of fixed address, and a step neither takes nor returns a tensor
    nor looks at one's values, so a GPU can replay it as a graph. Activations have the batch as their last
    axis: a product of weights and columns is the fastest layout on CPUs, and as fast as any on GPUs. ``rows`` texts are
    drawn at a time.
    """

    def __init__(
        self, model: PreTrainedModel, language: Language, beta: float, truncation: Truncation, rows: int
    ) -> None:
        super().__init__()
        self.language, self.beta, self.truncation, self.rows = language, beta, truncation, rows
        config, backbone, device = model.config, model.model, model.device
        self.groups, self.dim = config.num_key_value_heads, backbone.layers[0].self_attn.head_dim
        self.heads = config.num_attention_heads // self.groups  # query heads that share a key head
        self.scale, self.eps = backbone.layers[0].self_attn.scaling, config.rms_norm_eps
        self.activate = backbone.layers[0].mlp.act_fn
        self.layers = nn.ModuleList(_Layer(layer) for layer in backbone.layers)
        span = language.longest + language.length
        places = torch.arange(span, device=device)
        cos, sin = backbone.rotary_emb(model.lm_head.weight.detach(), places[None])
        cache = cos.new_zeros(len(self.layers), rows, self.groups, span, self.dim)
        number = {"dtype": torch.long, "device": device}
        nats = {"dtype": torch.float64, "device": device}
        for name, buffer in {
            "embedding": backbone.embed_tokens.weight.detach(),
            "norm": backbone.norm.weight.detach(),
            "head": model.lm_head.weight.detach(),
            "cos": cos[0, :, :, None],  # (span, D, 1)
            "sin": sin[0, :, :, None],
            "places": places,
            "keys": cache,
            "values": cache.clone(),
            "text": torch.zeros(span, rows, **number),  # prompt and text, a column each
            "u": torch.zeros(span, rows, **nats),
            "log_prob": torch.zeros(rows, **nats),
            "ended": torch.zeros(rows, dtype=torch.bool, device=device),
            "place": torch.zeros(1, **number),  # of the newest token in text
            "pad": torch.zeros(rows, **number),  # places before a shorter prompt
        }.items():
            self.register_buffer(name, buffer, persistent=False)
        self._step = _replayed(self.step) if device.type == "cuda" else self.step

    def refresh(self) -> None:
        """Draw from the weights as they are now: the model may have learned, in place."""
        for layer in self.layers:
            layer.refresh()

    @staticmethod
    def knows(model: PreTrainedModel) -> bool:
        """Whether the model has an architecture that is written out here."""
        config = model.config
        window = getattr(config, "sliding_window", None)  # some layers, or all, would not look further back
        return config.model_type in ("llama", "mistral", "qwen2", "qwen3") and window is None

    def logits(self, rows: int, span: int) -> Tensor:
        """Logits of the next token of the first ``rows`` texts, shape ``(rows, V)``, looking back over the first
        ``span`` places; writes the newest token's keys and values to the cache.
        """
        token = self.text[:, :rows].index_select(0, self.place)[0]
        # Rotary encodings meet as differences of places: a shorter prompt may begin late.
        cos, sin = self.cos.index_select(0, self.place)[0], self.sin.index_select(0, self.place)[0]
        pad = self.pad[:rows]
        before = (self.places[:span] < pad[:, None]) & (self.place >= pad)[:, None]  # padding sees padding
        unseen = ((self.places[:span] > self.place) | before)[:, None, None]  # (rows, 1, 1, span)
        x = self.embedding[token].T  # (H, rows)
        for i, layer in enumerate(self.layers):
            qkv = layer.product("qkv", self._normalise(x, layer.norm))
            qkv = qkv.unflatten(0, (-1, self.dim))  # (heads, D, rows)
            queries = self.groups * self.heads
            looking = qkv[: queries + self.groups]
            if layer.q_norm is not None:
                q, k = looking.split((queries, self.groups))
                looking = torch.cat((self._normalise(q, layer.q_norm), self._normalise(k, layer.k_norm)))
            first, second = looking.chunk(2, dim=-2)  # rotary position encoding
            turned = looking * cos + torch.cat((-second, first), dim=-2) * sin
            for cache, new in ((self.keys, turned[queries:]), (self.values, qkv[queries + self.groups :])):
                cache[i, :rows].index_copy_(2, self.place, new.permute(2, 0, 1)[:, :, None])
            q = turned[:queries].unflatten(0, (self.groups, self.heads)).permute(3, 0, 1, 2)
            scores = (q * self.scale) @ self.keys[i, :rows, :, :span].mT  # (rows, groups, heads, span)
            attention = scores.float().masked_fill(unseen, -math.inf).softmax(dim=-1).to(q.dtype)
            seen = (attention @ self.values[i, :rows, :, :span]).flatten(1).T  # (heads * D, rows)
            x = layer.product("out", seen, onto=x)
            gate, up = layer.product("gate_up", self._normalise(x, layer.mlp_norm)).chunk(2)
            x = layer.product("down", self.activate(gate) * up, onto=x)
        return (self.head @ self._normalise(x, self.norm)).T

    def step(self, rows: int, span: int) -> None:
        """Append one token to each of the first ``rows`` texts."""
        logits = temper(self.logits(rows, span), self.beta, self.language.begin)
        u = self.u[:, :rows].index_select(0, self.place)[0]
        token, log_prob = choose(self.truncation.apply(logits), u)
        if self.language.eos is not None:
            ended = self.ended[:rows]
            token = token.masked_fill(ended, self.language.eos)
            log_prob = log_prob.masked_fill(ended, 0.0)
            self.ended[:rows] = ended | (token == self.language.eos)
        self.log_prob[:rows] += log_prob
        self.place += 1
        self.text[:, :rows].index_copy_(0, self.place, token[None])

    @torch.no_grad()
    def draw(self, u: np.ndarray, number: np.ndarray, bar: tqdm) -> tuple[np.ndarray, np.ndarray]:
        """One text for each row of uniforms ``(n, length)``, after the prompts of these numbers ``(n,)``: tokens
        ``(n, length)`` and nats ``(n,)``.
        """
        n, start, length, eos = len(u), self.language.longest, self.language.length, self.language.eos
        rows = self._shape(n)
        self.u[start - 1 : -1, :n] = torch.from_numpy(u.T).to(self.u.device)
        self.log_prob.zero_()
        self.ended.zero_()
        self.ended[n:] = eos is not None
        different, whose = np.unique(number, return_inverse=True)
        whose = torch.from_numpy(np.pad(whose, (0, rows - n))).to(self.text.device)
        for row, k in enumerate(different):  # one row stands for all texts with the same prompt
            prompt = torch.tensor(self.language.prompts[k], device=self.text.device)
            self.pad[row] = start - len(prompt)
            self.text[:start, row] = F.pad(prompt, (start - len(prompt), 0))
        for place in range(start - 1):
            self.place.fill_(place)
            self.logits(len(different), place + 1)
        for buffer in (self.keys, self.values):
            buffer[:, :rows, :, : start - 1] = buffer[:, whose, :, : start - 1]
        for buffer in (self.text, self.pad):
            buffer[..., :rows] = buffer[..., whose]
        self.place.fill_(start - 1)

        origin = torch.arange(rows, device=self.text.device)
        tokens = torch.full((rows, length), eos or 0, device=self.text.device)
        log_prob = torch.zeros(rows, dtype=torch.float64, device=self.text.device)
        for done in range(0, length, _CHECK):
            upto = min(done + _CHECK, length)
            span = start + upto  # places that these steps look back over
            for _ in range(done, upto):
                self._step(rows, span)
            bar.update((upto - done) * n)
            log_prob[origin] = self.log_prob[:rows]
            tokens[origin, :upto] = self.text[start:span, :rows].T
            if eos is None or upto == length:
                continue
            alive = rows - int(self.ended[:rows].sum())
            if not alive:
                bar.update((length - upto) * n)
                break
            if self._shape(alive) < rows:
                rows = self._shape(alive)
                kept = self.ended[: len(origin)].int().argsort(stable=True)[:rows]
                origin = origin[kept]
                for buffer in (self.keys, self.values):
                    buffer[:, :rows, :, :span] = buffer[:, kept, :, :span]
                for buffer in (self.text, self.u, self.log_prob, self.ended, self.pad):
                    buffer[..., :rows] = buffer[..., kept]
        return tokens[:n].cpu().numpy(), log_prob[:n].cpu().numpy()

    def _shape(self, n: int) -> int:
        """The least allowed number of rows that holds n texts."""
        grain = -(-self.rows // _GRAIN)
        return min(self.rows, -(-n // grain) * grain)

    def _normalise(self, x: Tensor, weight: Tensor) -> Tensor:
        """Root-mean-square normalisation of columns ``(…, H, rows)``, in float32."""
        wide = x.float()
        scale = torch.rsqrt(wide.square().mean(dim=-2, keepdim=True) + self.eps)
        return weight[:, None] * (wide * scale).to(x.dtype)


def _replayed(step: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """A step as graphs of the GPU, one for each rows and span: the hundreds of kernels of a step are launched as one."""
    graphs, pool = {}, torch.cuda.graph_pool_handle()

    def replay(*shape: int) -> None:
        if shape not in graphs:  # kernels are loaded when they are first called, which no graph can hold
            graphs[shape] = None
            return step(*shape)
        if graphs[shape] is None:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=pool):
                step(*shape)
            graphs[shape] = graph
        graphs[shape].replay()

    return replay
