import json
import multiprocessing
import os
import signal
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from corpora import RECIPE, SHAPE, draw, ending
from languages import Widest, gpt2, llama

from kdlite.lm import Corpus, Language, distil, distilling, fit, new, scoring
from kdlite.lm.distilling import OwnTexts, TeacherLoss
from kdlite.lm.objectives import forward_kl, jensen_shannon, measure, reverse_kl
from kdlite.lm.packing import pack
from kdlite.lm.scoring import IGNORED

MAKERS = {"llama": llama, "gpt2": gpt2}
ONE_EPOCH = replace(RECIPE, epochs=1)  # 8 steps, a checkpoint at 3, 6 and 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Holds a corpus of 60 of the teacher's texts, which end."""
    folder = tmp_path_factory.mktemp("distilling")
    draw(teacher(), folder / "corpus")
    return folder


@pytest.fixture(scope="module")
def corpus(folder):
    return Corpus.open(folder / "corpus")


def teacher():
    return llama(ending().language, seed=2)


def student():
    return new(SHAPE, ending().language, seed=1)


def losses(out):
    return json.loads((out / "curve.json").read_text())["loss"]


def whole(model, ids, begin, beta=1.0):
    """Logits of a batch of rows of one text each."""
    logits = beta * model(ids).logits
    return logits if begin is None else logits.index_fill(-1, torch.tensor([begin]), -torch.inf)


@pytest.mark.parametrize(("own", "other"), [("llama", "llama"), ("llama", "gpt2"), ("gpt2", "llama")])
@pytest.mark.parametrize("begin", [None, 100])
def test_the_loss_and_its_gradients_are_those_of_the_objective_on_whole_logits(
    own, other, begin, monkeypatch
):
    monkeypatch.setattr(scoring, "_CHUNK", 101 * 7)
    language = Language(101, 8, (100,), begin=begin)
    model, guide = MAKERS[own](language, 1).model, MAKERS[other](language, 2).sharpen(1.5)
    rows = pack(np.random.default_rng(0).integers(0, 100, (4, 8)), language)
    ids, targets, positions, mask = (
        torch.from_numpy(a) for a in (rows.ids, rows.targets, rows.positions, rows.mask())
    )
    targets[1, 3:] = IGNORED
    model.requires_grad_(True)
    for name, plain in {
        "forward_kl": forward_kl,
        "reverse_kl": reverse_kl,
        "jensen_shannon": jensen_shannon,
    }.items():
        expected = plain(
            whole(model, ids, begin), whole(guide.model, ids, begin, 1.5), targets != IGNORED
        ).float()
        slopes = torch.autograd.grad(expected, list(model.parameters()), allow_unused=True)
        model.zero_grad()
        found = TeacherLoss(model, guide, measure(name))(ids, targets, positions, mask)
        (0.5 * found).backward()
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)
        for p, slope in zip(model.parameters(), slopes, strict=True):
            assert (2 * p.grad - slope).norm() <= 1e-5 * slope.norm() + 1e-6
    assert not any(p.requires_grad or p.grad is not None for p in guide.model.parameters())


def test_neither_models_logits_of_a_batch_are_ever_held(monkeypatch):
    monkeypatch.setattr(scoring, "_CHUNK", 101 * 10)
    language = Language(101, 30, (100,))
    model, guide = (
        llama(language, hidden_size=8).model.requires_grad_(True),
        llama(language, 2, hidden_size=8),
    )
    rows = pack(np.random.default_rng(0).integers(0, 100, (8, 30)), language)
    args = [torch.from_numpy(a) for a in (rows.ids, rows.targets, rows.positions, rows.mask())]
    with Widest(101) as seen:
        TeacherLoss(model, guide, measure("jensen_shannon"))(*args).backward()
    assert seen.elements == 101 * 10


@pytest.mark.parametrize("texts", ["the teacher's", "its own"])
@pytest.mark.parametrize("objective", ["forward_kl", "reverse_kl", "jensen_shannon"])
def test_a_student_comes_closer_to_its_teacher(corpus, tmp_path, texts, objective):
    begun, guide = student(), teacher()
    before = {name: p.clone() for name, p in begun.model.named_parameters()}
    recipe = replace(RECIPE, learning_rate=2e-2, rows_per_pass=20, epochs=6, steps_per_checkpoint=100)
    source = corpus if texts == "the teacher's" else 60
    trained = distil(begun, guide, source, recipe, tmp_path, objective=objective)
    found = losses(tmp_path)
    assert len(found) == 48 and min(found) >= 0 and np.mean(found[-8:]) < 0.6 * np.mean(found[:8])
    assert all(torch.equal(p, before[name]) for name, p in begun.model.named_parameters())
    assert trained.language == begun.language and trained.beta == 1.0


def test_the_first_loss_is_the_objective_per_token_at_the_teachers_temperature(corpus, tmp_path):
    """Enumerated: KL(student ‖ teacher) over places, each text by itself."""
    begun, guide = student(), teacher().sharpen(2.0)
    distil(begun, guide, corpus, ONE_EPOCH, tmp_path, objective="reverse_kl")
    total, prompt = 0.0, list(corpus.language.prompt)
    first = next(corpus.steps(8, 0, 0))
    sizes = corpus.size(first)
    for text, size in zip(first.tolist(), sizes, strict=True):
        ids = torch.tensor([prompt + text[: size - 1]])
        with torch.no_grad():
            q = begun.model(ids).logits[0, len(prompt) - 1 :].log_softmax(-1)
            p = (2.0 * guide.model(ids).logits[0, len(prompt) - 1 :]).log_softmax(-1)
        total += (q.exp() * (q - p)).sum().item()
    assert losses(tmp_path)[0] == pytest.approx(total / sizes.sum(), rel=1e-5)


def test_own_texts_follow_the_model_as_it_learns():
    language = ending().language
    module = student().model
    source = OwnTexts(module, language, 20)
    texts = list(source.steps(8, 0, 0))
    assert [len(t) for t in texts] == [8, 8, 4] and len(source) == 20
    assert len({t[:4].tobytes() for t in texts}) == 3  # each step has a noise of its own
    np.testing.assert_array_equal(next(source.steps(8, 0, 0, 1)), texts[1])
    assert not np.array_equal(next(source.steps(8, 0, 1)), texts[0])
    assert not np.array_equal(next(source.steps(8, 1, 0)), texts[0])
    steps = source.steps(8, 0, 0)
    next(steps)
    module.load_state_dict(new(SHAPE, language, seed=9).model.state_dict())
    assert not np.array_equal(next(steps), texts[1])


def run(folder, out, own, die_after=None):
    """A distillation, killed after an update or not at all."""
    torch.set_num_threads(1)
    if die_after is not None:
        calls, original = [], torch.optim.AdamW.step

        def deadly(*args):
            original(*args)
            calls.append(1)
            if len(calls) == die_after:
                os.kill(os.getpid(), signal.SIGKILL)

        torch.optim.AdamW.step = deadly
    texts = 60 if own else Corpus.open(folder / "corpus")
    distil(student(), teacher(), texts, ONE_EPOCH, folder / out, objective="jensen_shannon", jsd_weight=0.7)


@pytest.mark.slow
@pytest.mark.parametrize("own", [False, True])
def test_a_killed_distillation_ends_with_the_bits_of_one_that_was_not(folder, own):
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["kdlite.lm.training"])
    killed, kept = f"killed {own}", f"whole {own}"
    process = context.Process(target=run, args=(folder, killed, own, 5))
    process.start()
    process.join(300)
    assert process.exitcode == -signal.SIGKILL
    assert (folder / killed / "checkpoint.safetensors").exists()
    for out in (killed, kept):
        run(folder, out, own)
    for name in ("model.safetensors", "curve.json", "run.json"):
        assert (folder / killed / name).read_bytes() == (folder / kept / name).read_bytes(), name


def test_another_training_in_the_same_folder_is_refused(corpus, tmp_path):
    distil(student(), teacher(), corpus, ONE_EPOCH, tmp_path, objective="jensen_shannon", jsd_weight=0.5)
    for changes, message in (
        ({"objective": "reverse_kl"}, "objective is jensen_shannon, now it is reverse_kl"),
        ({"jsd_weight": 0.3}, "jsd_weight is 0.5, now it is 0.3"),
        ({"teacher": teacher().sharpen(2.0)}, "teacher_beta is 1.0, now it is 2.0"),
        ({"teacher": llama(corpus.language, seed=3)}, "teacher is [0-9a-f]{64}, now it is [0-9a-f]{64}"),
        ({"texts": 60}, f"corpus is {corpus.digest}, now it is None"),
    ):
        asked = {"teacher": teacher(), "texts": corpus, "objective": "jensen_shannon", "jsd_weight": 0.5}
        asked |= changes
        if asked["objective"] != "jensen_shannon":
            asked["jsd_weight"] = None
        with pytest.raises(ValueError, match=message):
            distil(student(), recipe=ONE_EPOCH, out=tmp_path, **asked)
    with pytest.raises(ValueError, match=r"teacher is [0-9a-f]{64}, now it is None.*; choose another folder"):
        fit(student(), corpus, ONE_EPOCH, tmp_path)


def test_errors_come_before_anything_is_written(corpus, tmp_path):
    out, other = tmp_path / "out", new(SHAPE, Language(7, 12, (0, 3, 1), eos=2))
    with pytest.raises(ValueError, match="vocabulary size of the student is 5, that of the teacher is 7"):
        distil(student(), other, corpus, RECIPE, out)
    with pytest.raises(
        ValueError, match=r"vocabulary size of the student is 7, that of the corpus in .* is 5"
    ):
        distil(other, other, corpus, RECIPE, out)
    with pytest.raises(ValueError, match="there is no objective 'kl'"):
        distil(student(), teacher(), corpus, RECIPE, out, objective="kl")
    with pytest.raises(ValueError, match="forward_kl has no jsd_weight"):
        distil(student(), teacher(), corpus, RECIPE, out, jsd_weight=0.5)
    with pytest.raises(ValueError, match="texts must be an integer >= 1, got 0; pass a corpus, or how many"):
        distil(student(), teacher(), 0, RECIPE, out)
    with pytest.raises(ValueError, match="the student is on cpu, the teacher on meta; move one with"):
        distil(student(), meta(), corpus, RECIPE, out)
    assert not out.exists()


def meta():
    found = teacher()
    found.model.to("meta")
    return found


def test_the_best_checkpoint_is_chosen_by_the_same_objective(corpus, tmp_path):
    distil(student(), teacher(), corpus, ONE_EPOCH, tmp_path, objective="reverse_kl", validation=corpus)
    found = json.loads((tmp_path / "curve.json").read_text())
    assert [step for step, _ in found["validation"]] == [3, 6, 8]
    assert all(0 < value < found["loss"][0] for _, value in found["validation"])


@pytest.mark.parametrize("change", [{"length": 9}, {"prompt": (1, 0)}, {"eos": None}])
def test_another_language_is_another_training(change, tmp_path):
    """A student's own texts have no corpus that vouches for their prompt and length."""
    recipe = replace(RECIPE, epochs=1)
    distil(student(), teacher(), 8, recipe, tmp_path)
    language = replace(ending().language, **change)
    changed = [replace(model, language=language) for model in (student(), teacher())]
    with pytest.raises(ValueError, match=f"holds a run whose language.{next(iter(change))} is "):
        distil(*changed, 8, recipe, tmp_path)


def test_a_teacher_is_no_part_of_the_loss():
    """Or whatever moves, trains or wraps the loss would do so to the caller's model."""
    guide = teacher()
    loss = TeacherLoss(student().model, guide, measure("forward_kl"))
    loss.to("meta").train().requires_grad_(True)
    assert {p.device.type for p in guide.model.parameters()} == {"cpu"}
    assert not guide.model.training and not any(p.requires_grad for p in guide.model.parameters())


def test_own_texts_make_one_decoder_for_all_steps(monkeypatch):
    """On a GPU each would be compiled."""
    made, original = [], distilling.drawer
    monkeypatch.setattr(distilling, "drawer", lambda *a: made.append(1) or original(*a))
    assert len(list(OwnTexts(student().model, ending().language, 20).steps(8, 0, 0))) == 3
    assert len(made) == 1


def test_each_process_draws_its_share_of_own_texts(monkeypatch):
    def steps(i, workers):
        state = SimpleNamespace(process_index=i, num_processes=workers)
        monkeypatch.setattr(distilling, "PartialState", lambda: state)
        monkeypatch.setattr(distilling, "gather", lambda mine: mine)
        return list(OwnTexts(student().model, ending().language, 20).steps(8, 0, 0))

    shares = [steps(0, 2), steps(1, 2)]
    assert [len(s) for s in shares[0]] == [len(s) for s in shares[1]] == [4, 4, 2]
    for whole, *parts in zip(steps(0, 1), *shares, strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), whole)
