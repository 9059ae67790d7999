"""A whole study at the smallest size: who learns from whom, what is chosen by what, and a record that adds up."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from kdlite import lm
from kdlite.lm import Corpus, Profile
from kdlite.runs.design import Learner, Scarce, Study
from kdlite.runs.findings import Comparisons
from kdlite.runs.jobs import Draw, Fit, Keep, Measure, Part
from kdlite.runs.stages import stages

STORIES = Profile.load("stories")


@pytest.fixture(scope="module")
def tiny():
    """Three temperatures, two capacities, two teachers and a scarce arm, of a truth that has learned nothing."""
    smoke = Profile.load("smoke")
    small = replace(smoke.student, shape=replace(smoke.student.shape, hidden=8, mlp=16))
    study = Study(
        student="16x1",
        capacities={"8x1": small},
        teachers=(0, 1),
        cooled=(1.0, 0.8, 0.6),
        matched=(1.0,),
        both=((0.8, 0.9),),
        scarce=Scarce(texts=128, validation=64, taus=(1.0, 0.8), teacher_epochs=2, epochs=2),
    )
    texts = replace(smoke.texts, score=32, lesson=128)
    return replace(smoke, name="tiny", taus=(1.0, 0.8, 0.6), texts=texts, study=study)


@pytest.fixture(scope="module")
def studied(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "run"
    lm.run(tiny, folder)
    return folder


def test_every_stage_reads_what_it_uses_and_only_earlier_ones():
    earlier = {}
    for stage in stages(STORIES):
        assert set(stage.reads) <= set(earlier)
        assert stage.name not in earlier
        job = stage.job
        if isinstance(job, Fit):
            sources = [c.corpus if isinstance(c, Part) else c for c in (job.corpus, job.validation)]
            assert set(stage.reads) == {*sources, *([job.teacher] if job.lesson else [])}
        if isinstance(job, Measure):
            assert {job.judge, "truth-score"} <= set(stage.reads)
        earlier[stage.name] = job


def test_the_design_is_the_one_asked_for():
    found = list(stages(STORIES))
    counts = Counter((s.job.curve, s.job.arm) for s in found if isinstance(s.job, Measure))
    s, seeds, taus = STORIES.study, len(STORIES.seeds), len(STORIES.taus)
    capacities, cooled = 1 + len(s.capacities), len(s.cooled) - 1
    assert counts == {
        ("direct", "full"): capacities * seeds,
        ("cooled", "full"): capacities * seeds * cooled,
        ("distilled", "full"): (capacities + len(s.teachers) - 1) * seeds * taus,
        ("teacher", "full"): len(s.teachers) * taus,
        ("truth", "full"): len(s.cooled),
        ("distributions", "full"): 2 * len(s.matched) * seeds,
        ("both", "full"): len(s.teachers) * len(s.both) * seeds,
        ("teacher", "scarce"): len(s.scarce.taus),
        ("direct", "scarce"): seeds,
        ("cooled", "scarce"): seeds * cooled,
        ("distilled", "scarce"): seeds * len(s.scarce.taus),
    }
    assert isinstance(found[0].job, Keep)


def test_direct_and_distilled_students_make_the_same_number_of_updates():
    """And those on half of the texts, and the students of distributions."""
    updates = {}
    for stage in stages(STORIES):
        job = stage.job
        if isinstance(job, Fit) and not stage.name.startswith(("teacher", "scarce", "half-teacher")):
            shape = job.learner.shape
            updates.setdefault(shape, set()).add(job.learner.recipe.steps(job.n))
    assert all(len(steps) == 1 for steps in updates.values())


def test_no_checkpoint_is_chosen_by_what_recall_is_measured_on():
    """A checkpoint is the last one, or the best on texts that are held out of the very texts that were learned from."""
    named = {stage.name: stage.job for stage in stages(STORIES)}
    for job in named.values():
        if isinstance(job, Fit) and job.choose:
            assert isinstance(job.corpus, Part) and isinstance(job.validation, Part)
            assert job.corpus.corpus == job.validation.corpus
            assert job.corpus.stop <= job.validation.start
            assert job.validation.stop == STORIES.study.scarce.texts  # they count among the few
    for name in ("toy", "knobs", "cpu", "paper"):
        assert not any(s.job.choose for s in stages(Profile.load(name)) if isinstance(s.job, Fit))


def test_a_students_judge_is_not_its_teacher():
    for stage in stages(STORIES):
        job = stage.job
        if isinstance(job, Measure) and job.arm == "full" and job.teacher_seed is not None:
            assert job.judge != f"teacher-t{job.teacher_seed}"


def test_a_row_is_what_its_texts_say(studied, tiny):
    """Of one row, every number from the texts and models themselves."""
    table = json.loads((studied / "results.json").read_text())
    rows = [r for r in table["rows"] if (r["curve"], r["capacity"], r["seed"]) == ("cooled", "8x1", 1)]
    row = next(r for r in rows if r["tau"] == 0.6)
    student = tiny.study.capacities["8x1"]
    language = tiny.truth.language
    model = (
        lm.new(student.shape, language)
        .with_weights(studied / "direct-8x1-s1" / "model.safetensors")
        .sharpen(1 / 0.6)
    )
    truth = lm.new(tiny.truth.shape, language, seed=tiny.truth.seed).sharpen(tiny.truth.beta)
    texts = Corpus.open(studied / "score-direct-8x1-s1-at-0.6" / "samples").texts()
    others = Corpus.open(studied / "truth-score").texts()[: tiny.texts.score]
    size = language.size(texts).sum()
    own, judged = model.log_prob(texts).sum() / size, truth.log_prob(texts).sum() / size
    assert row["precision"]["value"] == pytest.approx(judged, abs=1e-4)
    assert row["entropy"]["value"] == pytest.approx(-own, abs=1e-4)
    assert row["kl"]["value"] == pytest.approx(own - judged, abs=1e-4)
    recall = model.log_prob(others).sum() / language.size(others).sum()
    assert row["recall"]["value"] == pytest.approx(recall, abs=1e-4)


def test_the_first_comparison_is_precision_at_equal_recall(studied, tiny):
    """The mean over temperatures below 1 is the mean of theirs, where each is known."""
    table = json.loads((studied / "results.json").read_text())
    comparisons = [c for c in table["comparisons"] if c["capacity"] == "16x1" and c["curve"] == "distilled"]
    first = comparisons[0]
    assert (first["number"], first["against"], first["tau"]) == ("precision at equal recall", "cooled", None)
    below = [c["found"] for c in comparisons[1:4] if c["tau"] < 1]
    assert len(below) == 2
    if first["found"] and all(below):
        assert first["found"]["value"] == pytest.approx(np.mean([e["value"] for e in below]), abs=2e-4)
    prices = {c["number"]: c["found"]["value"] for c in comparisons if c["against"] == "tau 1"}
    gained, lost = prices["precision gained"], prices["recall lost"]
    assert prices["recall lost for each nat gained"] == pytest.approx(lost / gained, rel=0.01, abs=1e-3)


def test_a_study_without_distributions_compares_the_rest(studied, tiny):
    less = replace(tiny, study=replace(tiny.study, matched=()))
    whole, rest = (Comparisons(studied, p, list(stages(p))).table() for p in (tiny, less))
    asked = [[(c["curve"], c["tau"], c["number"]) for c in table] for table in (whole, rest)]
    assert asked[1] == [c for c in asked[0] if c[0] != "distributions"] != asked[0]


def test_a_record_holds_all_that_was_measured(studied, tiny):
    table = json.loads((studied / "results.json").read_text())
    measures = [s for s in stages(tiny) if isinstance(s.job, Measure)]
    assert len(table["rows"]) == len(measures)
    fits = {s.name for s in stages(tiny) if isinstance(s.job, Fit)}
    assert set(table["losses"]) == fits
    done = table["provenance"]["stages"]
    assert set(done) == {s.name for s in stages(tiny)}
    assert all({"commit", "seconds"} <= set(stage) for stage in done.values())


def test_exported_students_are_the_trained_ones_in_half_precision(studied, tiny):
    found = json.loads((studied / "weights" / "language.json").read_text())
    assert len(found["shapes"]) == 2 * 4  # two capacities, direct and at three temperatures
    for name in found["shapes"]:
        half = load_file(studied / "weights" / f"{name}.safetensors")
        whole = load_file(studied / name / "model.safetensors")
        assert half.keys() == whole.keys()
        for key, value in whole.items():
            assert np.array_equal(half[key], value.astype(np.float16))


def test_a_part_of_a_corpus_is_whole_shards(studied):
    corpus = Corpus.open(studied / "truth-train")
    part = corpus.part(64, 192)
    assert np.array_equal(part.texts(), corpus.texts()[64:192])
    assert part.tokens == corpus.size(part.texts()).sum()
    assert part.digest not in (corpus.digest, corpus.part(0, 128).digest)
    with pytest.raises(ValueError, match=r"bounded by \[0, 64, 128, 192, 256\], got 0 and 100"):
        corpus.part(0, 100)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cooled": (1.0, 0.9)}, "must hold the coldest of taus, 0.5"),
        ({"matched": (0.85,)}, r"study.matched, \[0.85\] are missing"),
        ({"both": ((0.8, 1.0),)}, "leave out those that end in 1"),
        ({"capacities": {"32x1": STORIES.student}}, "names two students"),
        ({"teachers": (0, 0)}, "must be different seeds"),
    ],
)
def test_a_study_that_cannot_be_carried_out_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(STORIES, study=replace(STORIES.study, **change))


def test_scarce_texts_are_whole_shards():
    scarce = replace(STORIES.study.scarce, texts=4000)
    with pytest.raises(ValueError, match="whole shards of 1024"):
        replace(STORIES, study=replace(STORIES.study, scarce=scarce))


def test_a_profile_survives_its_own_json():
    assert Profile.of("stories", json.loads(json.dumps(STORIES.to_dict()))) == STORIES
    assert isinstance(STORIES.study.capacities["16x1"], Learner)
    assert isinstance(
        next(iter(stages(replace(STORIES, truth=replace(STORIES.truth, tokens=None))))).job, Draw
    )
