"""The same for language models: each parameter of each public name refuses one wrong value in a line that names it."""

from types import SimpleNamespace

import numpy as np
import pytest
import wrong
from corpora import draw
from languages import LANGUAGES, chains, llama
from toy_results import language_results

from kdlite import lm
from kdlite.lm import objectives
from kdlite.runs.design import Beyond, Lesson
from kdlite.runs.profile import Pretrained, Texts, Toy
from kdlite.runs.score import score
from kdlite.runs.status import status

LANGUAGE = LANGUAGES["end, longer prompt"]
MODEL, MARKOV = llama(LANGUAGE), chains()
TEXT = np.zeros((1, 4), int)
SHAPE = {"hidden": 8, "layers": 1, "heads": 1, "key_heads": 1, "mlp": 8}
TOY = {"chains": 2, "symbols": 3, "length": 4, "decay": 0.5, "concentration": 1.0, "seed": 0}
TEXTS = {"train": 4, "validation": 4, "lesson": 4, "score": 4}
LEARNER = {"shape": SHAPE}
PROFILE = lm.Profile.of(
    "tiny",
    {"truth": TOY, "texts": TEXTS, "teacher": LEARNER, "student": LEARNER, "taus": [1.0], "seeds": [0]},
)
VALUES = {name: getattr(PROFILE, name) for name in ("truth", "texts", "teacher", "student", "taus", "seeds")}
SPEAKER = SimpleNamespace(language=LANGUAGE, tokenizer=lambda texts, **_: {"input_ids": [[0]] * len(texts)})
RESULTS, RECIPE = language_results(), lm.Recipe()
MATRICES = {"weights": MARKOV.weights, "initial": MARKOV.initial, "transitions": MARKOV.transitions}
GOOD = {
    lm.Language: {"vocabulary": 3, "length": 4, "prompt": (0,)},
    lm.Prompts: {"ids": [[0], [1]]},
    LANGUAGE.size: {},
    LANGUAGE.check_same: {"other": LANGUAGE, "names": ("one", "two")},
    lm.MarkovMixture: MATRICES | {"length": 4},
    lm.MarkovMixture.random: TOY,
    MARKOV.sample: {"n": 1, "seed": 0},
    MARKOV.draws: {"n": 1, "seed": 0},
    MARKOV.sharpen: {},
    MARKOV.responsibilities: {},
    MARKOV.entropy_rate: {"n": 2},
    lm.LanguageModel: {"model": MODEL.model, "language": LANGUAGE},
    MODEL.sample: {"n": 1, "seed": 0},
    MODEL.draws: {"n": 1, "seed": 0},
    MODEL.sharpen: {},
    MODEL.truncate: {},
    MODEL.with_prompt: {"prompt": [[0], [1]]},
    MODEL.to: {},
    MODEL.log_prob: {},
    MODEL.read: {},
    MODEL.save: {},
    MODEL.with_weights: {},
    lm.Shape: SHAPE,
    lm.new: {"shape": lm.Shape(**SHAPE), "language": LANGUAGE},
    lm.prune: {"model": MODEL, "layers": 1},
    lm.load: {"name": "SmolLM2-135M"},
    lm.Recipe: {},
    lm.Recipe.of: {"values": {}},
    RECIPE.steps: {},
    lm.Corpus.draw: {"model": MARKOV, "folder": "corpus", "n": 1, "seed": 0, "sampler": "truth"},
    lm.Corpus.open: {},
    lm.Corpus.from_tokens: {"texts": TEXT, "language": LANGUAGE, "folder": "corpus"},
    lm.Corpus.from_texts: {"texts": ["a"], "model": SPEAKER, "folder": "corpus"},
    lm.Corpus.from_dataset: {"data": [{"text": "a"}], "model": SPEAKER, "folder": "corpus"},
    lm.fit: {"model": MODEL, "corpus": None, "recipe": RECIPE, "out": "out"},
    lm.distil: {"student": MODEL, "teacher": MODEL, "texts": 4, "recipe": RECIPE, "out": "out"},
    lm.Profile: {"name": "tiny"} | VALUES,
    lm.Profile.load: {},
    lm.Profile.of: {"name": "tiny", "values": {}},
    Toy: TOY,
    Pretrained: {"name": "SmolLM2-135M", "source": "package", "prompt": "The", "length": 4},
    Texts: TEXTS,
    Lesson: {"tau": 1.0, "jsd_weight": 0.5},
    Beyond: {},
    lm.plan: {"profile": PROFILE, "device": "t4"},
    lm.run: {"profile": PROFILE, "out": "out"},
    lm.Results.load: {},
    lm.Results.recorded: {},
    RESULTS.select: {"curve": "distilled"},
    lm.TemperatureExplorer: {"results": RESULTS},
    lm.Surprisal: {"reading": MODEL.read(TEXT)},
    status: {},
    score: {"student": MODEL, "truth": MODEL, "n": 2, "seed": 0},
    objectives.measure: {"objective": "jensen_shannon", "jsd_weight": 0.5},
}
# Names of people's own choice, those who draw together, and what is looked at when a model has been found.
FREE = {"state", "tokenizer", "source", "names", "Profile-name", "Profile.of-name", "load-prompt"}
FREE |= {"load-dtype", "ids", "work_through", "beyond", "study", "choose", "narrowed"}
# They hold what the package computed.
HELD = {"Corpus", "Plan", "Results"}


@pytest.mark.parametrize(("call", "arguments", "name"), wrong.cases(GOOD, FREE))
def test_a_wrong_value_is_named(call, arguments, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if call is lm.fit:
        arguments = arguments | {"corpus": draw(MODEL, tmp_path / "corpus", n=1)}
    before = set(tmp_path.rglob("*"))
    wrong.check(call, arguments, name)
    assert set(tmp_path.rglob("*")) == before


def test_no_public_name_is_left_out():
    assert wrong.public(lm) == HELD | {call.__name__ for call in GOOD} & wrong.public(lm)
