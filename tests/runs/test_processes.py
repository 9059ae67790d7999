"""A run in two processes: what it shares with the run in one."""

import math
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace

import pytest
from accelerate import PartialState
from corpora import draw, ending
from runs import SMOKE, outcome

from kdlite.distribution import stream_seed
from kdlite.lm import Corpus, Results
from kdlite.runs.pipeline import Run


def test_two_processes_share_the_shards_of_one_corpus(tmp_path):
    """The barriers are those of threads: one process more or less at any of them, and it would hang or break."""
    barrier, model = Barrier(2, timeout=60), ending()

    def share(i):
        state = SimpleNamespace(
            process_index=i, num_processes=2, is_main_process=i == 0, wait_for_everyone=barrier.wait
        )
        return draw(model, tmp_path / "two", state=state)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(share, range(2))
    assert first == second
    draw(model, tmp_path / "one")
    assert outcome(tmp_path / "two") == outcome(tmp_path / "one")


@pytest.mark.parametrize("name", ["truth-train", "truth-validation", "truth-score", "truth-points"])
def test_what_comes_from_the_truth_is_the_same(smoke, shared, name):
    assert outcome(shared / name) == outcome(smoke / name)


def test_a_lesson_is_what_one_process_draws_from_the_same_teacher(shared, tmp_path):
    teacher = Run(SMOKE, shared, PartialState(cpu=True))._trained("teacher", 1 / 0.7)
    seed = stream_seed(SMOKE.seed, "lesson-0.7")
    options = {"sampler": "lesson-0.7", "shard": SMOKE.texts.shard, "batch": SMOKE.batch}
    alone = Corpus.draw(teacher, tmp_path, n=SMOKE.texts.lesson, seed=seed, **options)
    assert alone.digest == Corpus.open(shared / "lesson-0.7").digest


def test_scores_agree_within_their_errors(smoke, shared):
    one, two = (Results.load(folder / "results.json") for folder in (smoke, shared))
    assert one.truth == two.truth
    for a, b in zip(one.rows, two.rows, strict=True):
        for name in ("precision", "recall", "entropy", "perplexity", "coverage"):
            error = math.hypot(a[name]["stderr"], b[name]["stderr"])
            assert abs(a[name]["value"] - b[name]["value"]) < 3 * error


def test_a_launch_that_starts_one_process_after_all_says_so(tmp_path, command, monkeypatch):
    """accelerate launch --num_processes 2 does, where there is no GPU: its own variables are those below."""
    said = command("run", "none", "--out", tmp_path)[2]
    for name in ("ACCELERATE_MIXED_PRECISION", "MASTER_PORT"):
        assert "note" not in said
        monkeypatch.setenv(name, "1")
        said = command("run", "none", "--out", tmp_path)[2]
    assert said.startswith("note: accelerate launch has started one process only; ") and "--multi_gpu" in said
    monkeypatch.setenv("RANK", "0")
    assert "note" not in command("run", "none", "--out", tmp_path)[2]
