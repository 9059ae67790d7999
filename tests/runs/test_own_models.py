"""A run whose truth, teacher and student are somebody's own models, of other architectures than the book's."""

import json

import numpy as np
import pytest
from languages import of_kind, word_tokenizer

from kdlite.lm import Language, Profile, plan, run
from kdlite.lm.packing import Rows

RECIPE = {"learning_rate": 1e-3, "texts_per_step": 8, "rows_per_pass": 8, "epochs": 1}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Folders that plain transformers wrote: two architectures with one tokenizer, and two that do not go with them."""
    folder = tmp_path_factory.mktemp("models")
    for name, kind, size, words in (
        ("neox", "gpt neox", 9, ()),
        ("gpt2", "gpt2", 9, ()),
        ("large", "gpt2", 10, ()),
        ("foreign", "gpt2", 9, ("fox",)),
    ):
        of_kind(kind, Language(size, 8, (3,), eos=0)).model.save_pretrained(folder / name)
        word_tokenizer(*words).save_pretrained(folder / name)
    return folder


def profile(models, teacher, student):
    return Profile.of(
        "own",
        {
            "truth": {"name": str(models / "neox"), "source": "auto", "prompt": "the lily", "length": 8},
            "texts": {"train": 16, "validation": 4, "lesson": 16, "score": 8},
            "teacher": {"recipe": RECIPE, **teacher},
            "student": {"recipe": RECIPE, **student},
            "taus": [1.0, 0.7],
            "seeds": [0],
        },
    )


def test_truth_teacher_and_student_may_be_anybodys(models, tmp_path):
    own = profile(models, {"start": str(models / "gpt2")}, {"layers": 1})
    assert Profile.of("own", json.loads(json.dumps(own.to_dict()))) == own
    assert plan(own, "t4").total.hours > 0
    rows = json.loads(run(own, tmp_path).read_text())["rows"]
    scores = [row[name]["value"] for row in rows for name in ("precision", "recall")]
    assert len(rows) == 6 and np.isfinite(scores).all() and max(scores) < 0


@pytest.mark.parametrize(
    ("teacher", "says"),
    [
        ({"start": "large"}, "has 10 token ids, the truth 9; start from a model with the truth's tokenizer"),
        ({"start": "foreign"}, "the tokenizer of the truth is"),
        ({"start": "nowhere"}, "unknown model"),
        ({"layers": 3}, "the truth has 2 layers, a learner keeps 3; keep fewer"),
    ],
)
def test_a_learner_that_does_not_fit_is_refused_before_a_text_is_drawn(models, tmp_path, teacher, says):
    if "start" in teacher:
        teacher = {"start": str(models / teacher["start"])}
    with pytest.raises(ValueError, match=says):
        run(profile(models, teacher, {"layers": 1}), tmp_path)
    assert not (tmp_path / "truth-train").exists()


def test_a_learner_that_cannot_learn_is_refused_before_a_text_is_drawn(models, tmp_path, monkeypatch):
    monkeypatch.setattr(
        Rows, "mask", lambda rows: np.ones((len(rows.ids), 1, *[rows.ids.shape[1]] * 2), bool)
    )
    with pytest.raises(ValueError, match="a GPTNeoXForCausalLM cannot be trained here"):
        run(profile(models, {"layers": 1}, {"layers": 1}), tmp_path)
    assert not (tmp_path / "truth-train").exists()
