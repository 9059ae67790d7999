"""Every public function of language models refuses bad arguments in one line that names value, limit and remedy."""

import importlib
import re
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from building import ROOT
from corpora import draw
from languages import LANGUAGES, chains, llama
from refusals import BadCalls, integer, number, pages, paths, public, refuses, truncations
from toy_results import language_results, toy_results

from kdlite import lm
from kdlite.lm import objectives
from kdlite.lm import selective as knobs
from kdlite.lm.next_token import Truncation
from kdlite.runs.design import Beyond, Learner, Lesson
from kdlite.runs.plan import plan
from kdlite.runs.profile import Pretrained, Profile, Scratch, Texts, Toy
from kdlite.runs.score import score as compare
from kdlite.runs.status import status
from kdlite.texts.geometry import Plane, coverage
from kdlite.texts.language import Reading

LANGUAGE = LANGUAGES["end, longer prompt"]
OTHERS = {"text": "model", "None": None, "number": 3.0, "list": []}
SHAPE = {"hidden": 8, "layers": 1, "heads": 1, "key_heads": 1, "mlp": 8}
TOY = {"chains": 2, "symbols": 3, "length": 4, "decay": 0.5, "concentration": 1.0, "seed": 0}
TEXTS = {"train": 4, "validation": 4, "lesson": 4, "score": 4}
PROFILE = {
    "taus": [1.0],
    "seeds": [0],
    "truth": TOY,
    "texts": TEXTS,
    "teacher": {"shape": SHAPE},
    "student": {"shape": SHAPE},
}


@cache
def model():
    return llama(LANGUAGE)


def kinds(name, kind, call):
    """An argument that must be of a kind, with everything else."""
    for label, other in OTHERS.items():
        yield refuses(f"{name} = {label}", partial(call, other), "must be a", kind, "; ")


def cases():
    yield from languages()
    yield from markov()
    yield from models()
    yield from recipes()
    yield from profiles()
    yield from corpora()
    yield from losses()
    yield from shown()
    yield from selective()
    yield from tables()
    yield from files()


def languages():
    for name, least in (("vocabulary", 1), ("length", 1), ("eos", 0), ("begin", 0)):
        but = ("None",) if least == 0 else ()
        yield from integer(
            f"Language {name}", partial(lambda key, v: replace(LANGUAGE, **{key: v}), name), least, but=but
        )
    for label, prompt, words in (
        ("empty", (), "the prompt is empty; a model"),
        ("text", "The", "prompt must be a sequence, got 'The'; pass token ids"),
        ("None", None, "prompt must be a sequence, got None; pass"),
        ("negative", (-1,), "a prompt token must be an integer >= 0, got -1; pass"),
        ("fraction", (0.5,), "a prompt token must be an integer >= 0, got 0.5; pass"),
        ("outside", (9,), "prompt token 9 is outside the vocabulary of 3; use ids below 3"),
    ):
        yield refuses(f"Language prompt = {label}", partial(replace, LANGUAGE, prompt=prompt), words)
    yield refuses(
        "Language tokenizer = number",
        lambda: replace(LANGUAGE, tokenizer=3),
        "tokenizer must be a str, got 3; ",
    )
    yield refuses(
        "Language eos outside",
        lambda: replace(LANGUAGE, eos=3),
        "end token 3 is outside the vocabulary of 3; ",
    )
    for verb in ("size", "check"):
        yield from tokens(f"Language.{verb}", getattr(LANGUAGE, verb))
    yield from kinds(
        "Language.check_same other", "Language", lambda v: LANGUAGE.check_same(v, ("one", "the other"))
    )
    yield refuses("Language.check_same of other lengths", lambda: LANGUAGE.check_same(replace(LANGUAGE, length=5), ("one", "two")),
                  "of one is 4, that of two is 5; ")  # fmt: skip


def tokens(name, call):
    for label, bad, words in (
        ("text", "abc", "must have shape (n, 4), got ()"),
        ("None", None, "must have shape (n, 4), got ()"),
        ("ragged", [[0, 1], [2]], "must have shape (n, 4), got [[0, 1], [2]]"),
        ("line", np.zeros(4, int), "must have shape (n, 4), got (4,)"),
        ("narrow", np.zeros((1, 3), int), "must have shape (n, 4), got (1, 3)"),
        ("empty", np.zeros((0, 4), int), "tokens are empty, shape (0, 4)"),
        ("floats", np.zeros((1, 4)), "must be integers, got float64"),
        ("nan", np.full((1, 4), np.nan), "must be integers, got float64"),
        ("truths", np.zeros((1, 4), bool), "must be integers, got bool"),
        ("negative", np.full((1, 4), -1), "token -1 is outside the vocabulary of 3"),
        ("huge", np.full((1, 4), 2**62), f"token {2**62} is outside the vocabulary of 3"),
        (
            "beyond int64",
            np.full((1, 4), 2**64 - 1, np.uint64),
            f"token {2**64 - 1} is outside the vocabulary of 3",
        ),
    ):
        yield refuses(f"{name} tokens = {label}", partial(call, bad), words, "; ")


def markov():
    toy = chains()
    for name in ("weights", "initial", "transitions"):
        good = {"weights": toy.weights, "initial": toy.initial, "transitions": toy.transitions, "length": 4}
        for label, bad, words in (
            ("text", "abc", "real numbers, got 'abc'"),
            ("None", None, "got"),
            ("nan", np.full(good[name].shape, np.nan), "must be finite, got nan in row 0"),
            ("inf", np.full(good[name].shape, np.inf), "must be finite, got inf in row 0"),
            ("negative", -good[name], "must be >= 0 and sum to 1 along the last axis, got"),
            ("doubled", 2 * good[name], "must be >= 0 and sum to 1 along the last axis, got 2"),
            ("empty", [], "must have shapes (M,), (M, V) and (M, V, V), got"),
            ("scalar", 1.0, "must have shapes (M,), (M, V) and (M, V, V), got"),
            ("complex", 1j * good[name], "real numbers, got array"),
        ):
            yield refuses(
                f"MarkovMixture {name} = {label}",
                partial(lambda g: lm.MarkovMixture(**g), good | {name: bad}),
                words,
                "; ",
            )
    yield from integer("MarkovMixture length", chains)
    yield from integer("MarkovMixture.sample n", lambda v: toy.sample(v, 0))
    yield from integer("MarkovMixture.sample seed", lambda v: toy.sample(1, v), 0)
    yield from integer("MarkovMixture.draws batch", lambda v: list(toy.draws(1, 0, batch=v)))
    yield from integer("MarkovMixture.draws start", lambda v: list(toy.draws(1, 0, start=v)), 0)
    yield from number("MarkovMixture.sharpen beta", toy.sharpen, "a finite number >= 0", negative=-1)
    for verb in ("log_prob", "size", "responsibilities"):
        yield from tokens(f"MarkovMixture.{verb}", getattr(toy, verb))
    yield from integer("MarkovMixture.entropy_rate n", toy.entropy_rate, but=("None",))
    yield from integer("MarkovMixture.entropy_rate seed", lambda v: toy.entropy_rate(2, v), 0)
    random = {name: TOY[name] for name in TOY}
    for name, least in (("chains", 1), ("symbols", 1), ("length", 1), ("seed", 0)):
        yield from integer(
            f"MarkovMixture.random {name}",
            partial(lambda key, v: lm.MarkovMixture.random(**random | {key: v}), name),
            least,
        )
    for name, limit in (("decay", "a finite number >= 0"), ("concentration", "in [1e-3, 1e6]")):
        yield from number(f"MarkovMixture.random {name}", partial(lambda key, v: lm.MarkovMixture.random(**random | {key: v}), name),
                          limit, negative=-1)  # fmt: skip
    yield refuses("MarkovMixture.random of a million symbols", lambda: lm.MarkovMixture.random(**random | {"symbols": 10**6}),
                  "at most 268435456, got 2 and 1000000; use")  # fmt: skip


def models():
    yield from integer("LanguageModel.sample n", lambda v: model().sample(v, 0))
    yield from integer("LanguageModel.sample seed", lambda v: model().sample(1, v), 0)
    yield from integer("LanguageModel.sample batch", lambda v: model().sample(1, 0, batch=v))
    yield from integer("LanguageModel.draws start", lambda v: list(model().draws(1, 0, start=v)), 0)
    yield from number(
        "LanguageModel.sharpen beta", lambda v: model().sharpen(v), "a finite number >= 0", negative=-1
    )
    for verb in ("log_prob", "size", "read"):
        yield from tokens(f"LanguageModel.{verb}", partial(lambda name, v: getattr(model(), name)(v), verb))
    yield from truncations("LanguageModel.truncate", lambda **v: model().truncate(**v))
    yield from truncations("LanguageModel.sample", lambda **v: model().sample(1, 0, **v))
    yield from truncations("Truncation.check", lambda **v: Truncation(**v).check())
    for label, bad in OTHERS.items():
        yield refuses(
            f"LanguageModel truncation = {label}",
            lambda v=bad: replace(model(), truncation=v),
            "truncation must be a Truncation, got",
            "; ",
        )
    yield refuses(
        "LanguageModel.sample at beta 0",
        lambda: model().sharpen(0).sample(1, 0),
        "beta = 0",
        "; use beta > 0",
    )
    yield from kinds("LanguageModel model", "PreTrainedModel", lambda v: lm.LanguageModel(v, LANGUAGE))
    yield from kinds("LanguageModel language", "Language", lambda v: lm.LanguageModel(model().model, v))
    yield refuses("LanguageModel of another vocabulary", lambda: replace(model(), language=replace(LANGUAGE, vocabulary=4)),
                  "4 token ids, the model 3; they must agree")  # fmt: skip
    yield refuses("LanguageModel of endless texts", lambda: replace(model(), language=replace(LANGUAGE, length=1000)),
                  "need 1002 positions, the model has 256; lower")  # fmt: skip
    for device in ("nowhere", "", "cuda:99", 3.5, [], "meta0"):
        yield refuses(
            f"LanguageModel.to device = {device!r}",
            lambda d=device: model().to(d),
            "device must be one of this machine's, got",
            repr(device),
            "; ",
        )
    for dtype in ("float32", 32, np.float32):
        yield refuses(
            f"LanguageModel.to dtype = {dtype!r}",
            lambda d=dtype: model().to(dtype=d),
            "dtype must be a dtype, got",
            "; ",
        )
    yield refuses(
        "LanguageModel.with_weights of no file",
        lambda folder: model().with_weights(folder / "none"),
        "none does not hold the weights",
        "; pass",
    )
    yield refuses(
        "LanguageModel.with_weights of a folder",
        lambda folder: model().with_weights(folder),
        "does not hold the weights",
        "; pass",
    )
    for name in ("hidden", "layers", "heads", "key_heads", "mlp", "positions"):
        yield from integer(f"Shape {name}", partial(lambda key, v: lm.Shape(**SHAPE | {key: v}), name))
    yield from number(
        "Shape rope_base",
        lambda v: lm.Shape(**SHAPE, rope_base=v),
        "a finite number > 0",
        zero=0,
        negative=-1,
    )
    yield refuses("Shape of odd heads", lambda: lm.Shape(9, 1, 3, 1, 8), "must be even, got 9 / 3; ")
    yield refuses("Shape of heads that do not divide", lambda: lm.Shape(8, 1, 3, 1, 8), "got 8, 3 and 1; ")
    for label, shape in (
        ("unknown", "SmolLM3"),
        ("None", None),
        ("table", SHAPE),
        ("number", 3),
        ("markup", "<script>"),
    ):
        yield refuses(
            f"new shape = {label}", partial(lm.new, shape, LANGUAGE), "unknown shape", "; known are SmolLM2"
        )
    yield from kinds("new language", "Language", partial(lm.new, lm.Shape(**SHAPE)))
    yield from integer("new seed", lambda v: lm.new(lm.Shape(**SHAPE), LANGUAGE, seed=v), 0)
    yield from kinds("prune model", "LanguageModel", lambda v: lm.prune(v, 1))
    for layers in (0, -1, 3, 2.5, "1", None, True, [], [0, 0], [1, 0], [0, 5], [-1], [0.5], ["a"], 10**400):
        yield refuses(
            f"prune layers = {layers!r:.9}",
            lambda v=layers: lm.prune(model(), v),
            "layers must be",
            "got",
            "; ",
        )
    yield from kinds("compare student", "LanguageModel", lambda v: compare(v, model(), 2))
    yield from kinds("compare truth", "LanguageModel", lambda v: compare(model(), v, 2))
    yield from integer("compare n", lambda v: compare(model(), model(), v), but=())
    yield from integer("compare seed", lambda v: compare(model(), model(), 2, v), 0)
    for name, source, words in (
        ("GPT-5", "auto", "unknown model 'GPT-5'; known are SmolLM2-135M"),
        ("", "auto", "unknown model ''; known"),
        (
            "SmolLM2-360M",
            "package",
            "the package index has SmolLM2-135M-Instruct alone, not SmolLM2-360M; use",
        ),
        ("SmolLM2-135M", "elsewhere", "unknown source 'elsewhere'; use"),
        ("SmolLM2-135M", None, "unknown source None; use"),
        (None, "hub", "unknown model 'None'; known"),
    ):
        yield refuses(f"load {name!r} from {source!r}", partial(lm.load, name, source), words)
    yield from integer("load length", lambda v: lm.load("SmolLM2-135M", length=v), but=("None",))
    yield refuses("load onto no device", lambda: lm.load("SmolLM2-135M", device="nowhere"), "got 'nowhere'; ")


def recipes():
    for name in ("epochs", "texts_per_step", "rows_per_pass", "steps_per_checkpoint"):
        yield from integer(f"Recipe {name}", partial(lambda key, v: lm.Recipe(**{key: v}), name))
    yield from integer("Recipe seed", lambda v: lm.Recipe(seed=v), 0)
    for name, limit in (
        ("learning_rate", "> 0"),
        ("clip", "> 0"),
        ("warmup", "in [0, 1]"),
        ("decay", "in [0, 1]"),
    ):
        yield from number(
            f"Recipe {name}", partial(lambda key, v: lm.Recipe(**{key: v}), name), limit, negative=-1
        )
    for betas in (
        0.9,
        "ab",
        None,
        (),
        (0.9,),
        (0.9, 1.0),
        (0.9, -0.1),
        (0.9, np.nan),
        ("a", "b"),
        (0.9, 0.9, 0.9),
    ):
        yield refuses(
            f"Recipe adam_betas = {betas!r}",
            partial(lm.Recipe, adam_betas=betas),
            "adam_betas must be",
            "got",
            "; ",
        )
    yield refuses(
        "Recipe train_embeddings = text",
        lambda: lm.Recipe(train_embeddings="no"),
        "must be a bool, got 'no'; ",
    )
    yield refuses("Recipe warmup and decay", lambda: lm.Recipe(warmup=0.7, decay=0.7), "got 0.7 + 0.7; lower")
    yield refuses(
        "Recipe.of an unknown key",
        lambda: lm.Recipe.of({"lr": 1}),
        "a recipe has no 'lr'; it has learning_rate",
    )
    yield refuses("Recipe.of a list", lambda: lm.Recipe.of([1]), "recipe must be a Mapping, got [1]; ")
    yield from integer("Recipe.steps n", lm.Recipe().steps)
    yield from integer("Recipe.steps_per_epoch n", lm.Recipe().steps_per_epoch)


def profiles():
    def made(**changes):
        return Profile.of("given", PROFILE | changes)

    assert made()
    for label, other in OTHERS.items():
        yield refuses(
            f"Profile.of {label}",
            partial(Profile.of, "given", other),
            "the profile must be a Mapping, got",
            "; ",
        )
        for key in ("truth", "texts", "teacher", "student"):
            yield refuses(
                f"Profile {key} = {label} itself",
                lambda k=key, v=other: replace(made(), **{k: v}),
                f"{key} must be a",
                "got",
                "; ",
            )
    for key in ("taus", "seeds", "betas"):
        for value in (1.0, "1", None, True, {"a": 1}):
            yield refuses(
                f"Profile {key} = {value!r}",
                partial(made, **{key: value}),
                f"{key} must be a sequence, got",
                repr(value),
                "; ",
            )
    yield from number(
        "Profile one of taus", lambda v: made(taus=[1, v]), "> 0", zero=0, negative=-1, but=("array", "empty")
    )
    yield from number("Profile one of betas", lambda v: made(betas=[v]), "a finite number >= 0", negative=-1)
    yield from integer("Profile one of seeds", lambda v: made(seeds=[v]), 0)
    yield from integer("Profile batch", lambda v: made(batch=v))
    yield from integer("Profile seed", lambda v: made(seed=v), 0)
    for name in TEXTS:
        yield from integer(
            f"Profile texts.{name}", partial(lambda key, v: made(texts=TEXTS | {key: v}), name)
        )
    for key in ("truth", "texts", "teacher", "student"):
        for value in (3, "text", [1]):
            yield refuses(
                f"Profile {key} = {value!r}",
                partial(made, **{key: value}),
                f"{key} must be a table, got {value!r}; ",
            )
        yield refuses(
            f"Profile {key} with an unknown key",
            partial(made, **{key: PROFILE[key] | {"<b>": 1}}),
            f"{key} has no '<b>'; it has",
        )
    for label, changes, words in (
        ("an unknown key", {"colour": 1}, "the profile has no 'colour'; it has"),
        ("no tau of 1", {"taus": [0.5]}, "taus must hold 1, the unchanged teacher, got [0.5]"),
        ("no seeds", {"seeds": []}, "seeds is empty; a run"),
        ("no texts", {"texts": {}}, "texts: missing"),
        ("no truth", {"truth": {}}, "truth: missing"),
        ("layers of text", {"student": {"layers": "2"}}, "layers must be an integer >= 1, got '2'; "),
        ("layers and shape", {"student": {"layers": 2, "shape": SHAPE}}, "either a shape"),
        ("an unknown shape", {"student": {"shape": "SmolLM9"}}, "unknown shape 'SmolLM9'; known"),
        ("a shape of a list", {"student": {"shape": [1]}}, "unknown shape [1]; known"),
        (
            "a recipe of text",
            {"student": {"shape": SHAPE, "recipe": "fast"}},
            "recipe must be a Mapping, got 'fast'; ",
        ),
        (
            "a truth of numbers",
            {"truth": {"name": 3, "source": "hub", "prompt": "The", "length": 4}},
            "name must be a str, got 3; ",
        ),
        (
            "a prompt of ids",
            {"truth": {"name": "SmolLM2-135M", "source": "hub", "prompt": [1], "length": 4}},
            "prompt must be a str, got [1]; ",
        ),
    ):
        yield refuses(f"Profile with {label}", partial(made, **changes), words)
    for name in ("nothing", "", "../cpu", "a\0b", "x" * 5000, 3, None, []):
        yield refuses(
            f"Profile.load {name!r:.9}",
            partial(Profile.load, name),
            "no profile",
            "; built in are",
            "or pass a TOML file",
        )
    yield refuses(
        "Profile.load of a folder", lambda folder: Profile.load(folder), "no profile", "; built in are"
    )
    for label, other in OTHERS.items():
        yield refuses(f"plan profile = {label}", partial(plan, other), "profile must be a Profile, got", "; ")
        yield refuses(
            f"run profile = {label}",
            partial(lambda o, folder: lm.run(o, folder / "out"), other),
            "profile must be a Profile, got",
            "; ",
        )
    for device in ("h200", "", None, 3, ["cpu"]):
        yield refuses(
            f"plan device = {device!r}",
            lambda d=device: plan(made(), d),
            "unknown device",
            repr(device),
            "; known are h100",
        )
    yield refuses(
        "status of a folder without a run", status, "is not the folder of a run: it has no profile.json; "
    )
    yield refuses(
        "status of no folder", lambda folder: status(folder / "none"), "none is not the folder of a run", "; "
    )


def corpora():
    toy = chains()
    for name, least in (("n", 1), ("seed", 0), ("shard", 1), ("batch", 1)):
        yield from integer(
            f"Corpus.draw {name}",
            partial(lambda key, v, folder: draw(toy, folder / "corpus", **{key: v}), name),
            least,
        )
    yield refuses(
        "Corpus.open of an empty folder", lm.Corpus.open, "is not a corpus: it has no manifest.json; "
    )
    yield refuses(
        "Corpus.open of no folder",
        lambda folder: lm.Corpus.open(folder / "none"),
        "none is not a corpus",
        "; ",
    )
    recipe = lm.Recipe()
    for name, call in (
        ("fit model", lambda v, folder: lm.fit(v, None, recipe, folder / "out")),
        ("distil student", lambda v, folder: lm.distil(v, model(), 4, recipe, folder / "out")),
        ("distil teacher", lambda v, folder: lm.distil(model(), v, 4, recipe, folder / "out")),
    ):
        for label, other in OTHERS.items():
            yield refuses(
                f"{name} = {label}",
                lambda folder, c=call, o=other: c(o, folder),
                "must be a LanguageModel, got",
                "; ",
            )
    for label, other in OTHERS.items():
        yield refuses(
            f"fit corpus = {label}",
            lambda folder, o=other: lm.fit(model(), o, recipe, folder / "out"),
            "corpus must be a Corpus, got",
            "; ",
        )
        yield refuses(
            f"distil recipe = {label}",
            lambda folder, o=other: lm.distil(model(), model(), 4, o, folder / "out"),
            "recipe must be a Recipe, got",
            "; ",
        )
    yield from integer(
        "distil texts", lambda v, folder: lm.distil(model(), model(), v, recipe, folder / "out")
    )
    for objective in ("mse", "", None, 3, ["forward_kl"]):
        yield refuses(f"distil objective = {objective!r}",
                      lambda folder, o=objective: lm.distil(model(), model(), 4, recipe, folder / "out", objective=o),
                      "there is no objective", repr(objective), "; choose forward_kl")  # fmt: skip


def files():
    """Places to read from and to write to, and what is there."""
    toy, recipe, results = chains(), lm.Recipe(), toy_results()
    given = Profile.of("given", PROFILE)
    for name, call in (
        ("Corpus.draw folder", lambda v: draw(toy, v)),
        ("Corpus.open folder", lambda v: lm.Corpus.open(v)),
        ("LanguageModel.save folder", lambda v: model().save(v)),
        ("LanguageModel.with_weights path", lambda v: model().with_weights(v)),
        ("Results.load path", lm.Results.load),
        ("status folder", lambda v: status(v)),
        ("run out", partial(lm.run, given)),
        ("plan out", lambda v: plan(given, "t4", v)),
        ("distil out", lambda v: lm.distil(model(), model(), 4, recipe, v)),
    ):
        yield from paths(name, call, but=("None",) if name == "plan out" else ())
    for label, other in OTHERS.items():
        yield refuses(
            f"Corpus.draw model = {label}",
            lambda folder, v=other: draw(v, folder / "c"),
            "model must draw texts, got",
            "; ",
        )
        if label != "None":
            yield refuses(f"distil validation = {label}", lambda folder, v=other: lm.distil(model(), model(), 4, recipe, folder / "out", validation=v),
                          "validation must be a Corpus, got", "; ")  # fmt: skip
    corpus = lm.Corpus(Path("none"), "made up", None, 0, LANGUAGE, (4, 4), 32, 3, "")
    yield from tokens("Corpus.size", corpus.size)
    yield from integer("Corpus.shard i", corpus.shard, 0)
    yield refuses("Corpus.shard i = 2", lambda: corpus.shard(2), "<= 1, got 2; shards run from 0 to 1")
    yield refuses("Corpus.shard of no file", lambda: corpus.shard(0), "00000.parquet is damaged", "; ")
    yield from integer("Corpus.sample n", lambda v: corpus.sample(v, 0))
    yield refuses("Corpus.sample n = 9", lambda: corpus.sample(9, 0), "<= 8, got 9; the corpus has 8 texts")
    good = {"size": 2, "seed": 0, "epoch": 0, "start": 0}
    for key in good:
        yield from integer(
            f"Corpus.steps {key}",
            partial(lambda k, v: list(corpus.steps(**good | {k: v})), key),
            int(key == "size"),
        )
    for label, name in (("unknown", "nothing"), ("empty", ""), ("a path", "../x"), ("a file", "toy-language.json"), ("absolute", "/etc/passwd"),
                        ("a null byte", "a\0b"), ("None", None), ("a number", 3), ("a list", ["toy-language"]), ("long", "x" * 9999)):  # fmt: skip
        yield refuses(
            f"Results.recorded {label}",
            partial(lm.Results.recorded, name),
            "no run is recorded as",
            "; there are: ",
            "toy-language",
        )
    for curve in ("direct", "", None, 3, ["teacher"], "<script>"):
        yield refuses(
            f"Results.select curve = {curve!r}",
            partial(results.select, curve),
            "no curve",
            repr(curve),
            "; there are: teacher, ",
        )
    for name in ("colour", "<b>", "rows"):
        yield refuses(
            f"Results.select {name}",
            partial(lambda n: results.select("teacher", **{n: 1}), name),
            f"no {name!r}; they have curve, ",
        )
    for label, value in (("None", None), ("a list", [1]), ("an array", np.ones(2)), ("a dict", {})):
        yield refuses(
            f"Results.select tau = {label}",
            partial(lambda v: results.select("teacher", tau=v), value),
            "tau must be a str or int or float",
            "got",
            "; ",
        )


def tables():
    """What a profile consists of."""
    for name, least in (("chains", 1), ("symbols", 1), ("length", 1), ("seed", 0)):
        yield from integer(f"Toy {name}", partial(lambda k, v: Toy(**TOY | {k: v}), name), least)
    yield from number("Toy decay", lambda v: Toy(**TOY | {"decay": v}), ">= 0", negative=-1)
    named = {"name": "SmolLM2-135M", "source": "hub", "prompt": "The", "length": 4}
    for name in ("name", "source", "prompt"):
        for value in (None, 3, ["a"]):
            yield refuses(
                f"Pretrained {name} = {value!r}",
                partial(lambda k, v: Pretrained(**named | {k: v}), name, value),
                f"{name} must be a str, got",
                "; ",
            )
    yield from integer("Pretrained length", lambda v: Pretrained(**named | {"length": v}))
    scratch = {"shape": lm.Shape(**SHAPE), "vocabulary": 3, "length": 4, "beta": 1.0, "seed": 0}
    for name, least in (("vocabulary", 1), ("length", 1), ("seed", 0)):
        yield from integer(f"Scratch {name}", partial(lambda k, v: Scratch(**scratch | {k: v}), name), least)
    yield from number("Scratch beta", lambda v: Scratch(**scratch | {"beta": v}), ">= 0", negative=-1)
    yield refuses(
        "Scratch shape = markup", lambda: Scratch(**scratch | {"shape": "<b>"}), "unknown shape '<b>'; known"
    )
    for name in (*TEXTS, "shard"):
        yield from integer(f"Texts {name}", partial(lambda k, v: Texts(**TEXTS | {k: v}), name))
    for label, other in OTHERS.items():
        yield refuses(
            f"Learner recipe = {label}",
            lambda v=other: Learner(v, layers=1),
            "recipe must be a Recipe, got",
            "; ",
        )
    yield from integer("Learner layers", lambda v: Learner(lm.Recipe(), layers=v), but=("None",))
    yield from number("Lesson tau", lambda v: Lesson(v, 0.5), "> 0", zero=0, negative=-1)
    yield from number(
        "Lesson jsd_weight", lambda v: Lesson(1.0, v), "in [0, 1]", but=("None",), negative=-1, large=2
    )
    lists = ("top_k", "top_p", "min_p", "best_of", "power", "heir_taus")
    for name in (*lists, "matched", "on_policy"):
        for value in (3, None, "1", {"a": 1}):
            yield refuses(
                f"Beyond {name} = {value!r}",
                partial(lambda k, v: Beyond(**{k: v}), name, value),
                f"{name} must be a sequence, got",
                "; ",
            )
    for name in lists:
        for value in (-1, np.nan, np.inf, "1", True, [1]):
            yield refuses(
                f"Beyond one of {name} = {value!r}",
                partial(lambda k, v: Beyond(**{k: [v]}), name, value),
                " must be ",
                "got",
                "; ",
            )
    for name in ("matched", "on_policy"):
        yield refuses(
            f"Beyond one of {name} = 3",
            partial(lambda k: Beyond(**{k: [3]}), name),
            f"{name} must be a table, got 3; ",
        )
    yield from integer("Beyond generations", lambda v: Beyond(generations=v))


def selective():
    """The knobs of whole texts."""
    toy = chains()
    best, power = knobs.BestOf(toy, 2), knobs.Power(toy, 2.0)
    yield from integer("knobs.BestOf tries", lambda v: knobs.BestOf(toy, v))
    yield from number("knobs.Power beta", lambda v: knobs.Power(toy, v), ">= 0", negative=-1)
    yield from integer("knobs.Power candidates", lambda v: knobs.Power(toy, 2.0, v))
    for name, knob in (("BestOf", best), ("Power", power)):
        for verb in ("log_prob", "size"):
            yield from tokens(f"knobs.{name}.{verb}", getattr(knob, verb))
        for verb, call in (
            ("sample", knob.sample),
            ("draws", lambda n, seed, k=knob, **more: list(k.draws(n, seed, **more))),
        ):
            yield from integer(f"knobs.{name}.{verb} n", partial(lambda c, v: c(v, 0), call))
            yield from integer(f"knobs.{name}.{verb} seed", partial(lambda c, v: c(1, v), call), 0)
            yield from integer(f"knobs.{name}.{verb} batch", partial(lambda c, v: c(1, 0, batch=v), call))
        yield from integer(f"knobs.{name}.draws start", lambda v, k=knob: list(k.draws(1, 0, start=v)), 0)
    for knob in ("temperature", "", None, 3, ["tau"], "<b>"):
        yield refuses(
            f"knobs.with_knob {knob!r}",
            lambda k=knob: knobs.with_knob(model(), k, 1),
            "there is no knob",
            repr(knob),
            "; choose tau",
        )
    for knob, setting in (
        ("tau", 0),
        ("tau", "1"),
        ("tau", np.nan),
        ("tau", -1),
        ("top_k", 0.5),
        ("top_p", 2),
        ("min_p", 0),
        ("best_of", 0),
        ("power", -1),
    ):
        yield refuses(
            f"knobs.with_knob {knob} to {setting!r}",
            lambda k=knob, s=setting: knobs.with_knob(model(), k, s),
            "must be",
            "got",
            "; ",
        )


def losses():
    logits, mask = torch.zeros(2, 3, 4), torch.ones(2, 3, dtype=torch.bool)
    for name in objectives.OBJECTIVES:
        loss = getattr(objectives, name)
        for label, student, teacher, places, words in (
            ("arrays", logits.numpy(), logits, mask, "student_logits must be a Tensor"),
            ("no teacher", logits, None, mask, "teacher_logits must be a Tensor, got None; "),
            ("no mask", logits, logits, None, "mask must be a Tensor, got None; "),
            ("other shape", logits, logits[:, :2], mask, "(2, 3, 4), the teacher's (2, 2, 4); both"),
            ("line", logits[0, 0], logits[0, 0], mask, "must have shape (B, T, V), got (4,); "),
            (
                "no tokens",
                logits[..., :0],
                logits[..., :0],
                mask,
                "must have shape (B, T, V), got (2, 3, 0); ",
            ),
            (
                "numbers as mask",
                logits,
                logits,
                mask.int(),
                "must be boolean of shape (2, 3), got torch.int32",
            ),
            (
                "narrow mask",
                logits,
                logits,
                mask[:, :2],
                "must be boolean of shape (2, 3), got torch.bool of shape (2, 2); pass",
            ),
            ("empty mask", logits, logits, ~mask, "leaves none of 6 places"),
            ("nan", logits.log() * torch.nan, logits, mask, "must be numbers or -inf, got nan; look"),
        ):
            yield refuses(
                f"objectives.{name} of {label}",
                partial(loss, student, teacher, places),
                words,
                "; " if "; " not in words else "",
            )
    weight = partial(objectives.jensen_shannon, logits, logits, mask)
    yield from number(
        "objectives.jensen_shannon weight", weight, "in [0, 1]", negative=-0.1, large=1.1, but=("None",)
    )
    yield from integer("coverage k", lambda v: coverage(np.eye(9), np.eye(9), v))
    for label, bad in (("text", "ab"), ("None", None), ("nan", np.full((9, 9), np.nan)), ("inf", np.full((9, 9), np.inf)),
                       ("huge", np.full((9, 9), 1e200)), ("line", np.zeros(9)), ("ragged", [[1, 2], [3]]), ("empty", [])):  # fmt: skip
        yield refuses(
            f"coverage points = {label}", partial(coverage, bad, np.eye(9)), "points must", "got", "; "
        )
        yield refuses(
            f"coverage truth = {label}", partial(coverage, np.eye(9), bad), "truth must", "got", "; "
        )
        yield refuses(f"Plane.of = {label}", partial(Plane.of, bad), "points must", "got", "; ")
    yield refuses(
        "coverage of another space", lambda: coverage(np.eye(8), np.eye(9)), "got (8, 8) and (9, 9); read"
    )
    yield refuses("coverage of few points", lambda: coverage(np.eye(3), np.eye(3)), "got 5 and 3; draw")
    yield refuses("Plane.of two points", lambda: Plane.of(np.eye(2)), "at least 3 points, got 2; draw")


def shown():
    yield from number(
        "TemperatureExplorer tau",
        lambda v: lm.TemperatureExplorer(toy_results(), tau=v),
        "a finite number > 0",
        zero=0,
        negative=-1,
    )
    yield from integer("TemperatureExplorer texts", lambda v: lm.TemperatureExplorer(toy_results(), texts=v))
    for curve in ("direct", "", None, 3, ["teacher"], "<script>"):
        yield refuses(f"TemperatureExplorer curve = {curve!r}", partial(lm.TemperatureExplorer, toy_results(), curve=curve),
                      "'curve'", "expected any of", repr(curve))  # fmt: skip
    yield from kinds("TemperatureExplorer results", "Results", lm.TemperatureExplorer)
    yield from kinds("Surprisal reading", "Reading", lm.Surprisal)
    read = Reading(LANGUAGE, np.zeros((1, 4), int), np.zeros((1, 4), np.float32), None)
    for label, other in OTHERS.items():
        if label != "None":
            yield refuses(
                f"Surprisal tokenizer = {label}",
                partial(lm.Surprisal, read, other),
                "tokenizer must decode token ids, got",
                "; ",
            )
    yield refuses(
        "Reading.log_prob of other texts",
        lambda: read.log_prob(np.ones((1, 4), int)),
        "not the texts that were read; ",
    )
    yield from pages("Surprisal.save_html", lm.Surprisal(read).save_html)
    yield from pages("TemperatureExplorer.save_html", lm.TemperatureExplorer(toy_results()).save_html)
    yield refuses(
        "TemperatureExplorer without a piece",
        lambda: lm.TemperatureExplorer(language_results({2: "."})),
        "is not among the 1 pieces; ",
    )


# What the API reference says of the package besides.
REFERRED = re.findall(
    r"autoclass:: (kdlite\.(?:lm|texts|runs)\.\w+)\.(\w+)",
    (ROOT / "book" / "api.md").read_text(encoding="utf-8"),
)


class TestLanguageModels(BadCalls):
    cases = tuple(cases())
    names = (
        *public(lm),
        *public(objectives, "objectives.", objectives.OBJECTIVES),
        *public(knobs, "knobs.", ("BestOf", "Power", "with_knob")),
        *(name for module, kind in REFERRED for name in public(importlib.import_module(module), "", [kind])),
        "compare",
        "status",
    )
    harmless = dict.fromkeys(("Plan", "Reading", "Results", "Row"), "holds what the package computed") | {
        "Corpus": "is drawn or opened",
        "Device": "a data sheet that nobody makes but the package",
        "Sampler": "a protocol: what is asked of others",
        "Sampler.draws": "the same",
        "Truncation": "is checked by the model that takes it",
        "Truncation.apply": "takes the logits of a model",
    }
