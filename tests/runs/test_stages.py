from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

import kdlite.runs.profile
from kdlite.lm import Profile
from kdlite.runs.design import Beyond
from kdlite.runs.jobs import Draw, Embed, Fit, Score
from kdlite.runs.profile import Toy
from kdlite.runs.stages import rows, stages

PROFILES = [
    Profile.load(path.stem)
    for path in sorted(Path(kdlite.runs.profile.__file__).with_name("profiles").glob("*.toml"))
]
PROFILES = [profile for profile in PROFILES if not profile.study]  # a study's stages: test_study.py


@pytest.fixture(params=PROFILES, ids=lambda profile: profile.name)
def profile(request):
    return request.param


@pytest.fixture
def named(profile):
    """Its stages by their names."""
    found = list(stages(profile))
    assert len({stage.name for stage in found}) == len(found)
    return {stage.name: stage for stage in found}


def added(profile):
    """Names of the stages that ``beyond`` adds."""
    plain = {stage.name for stage in stages(replace(profile, beyond=None))}
    return {stage.name for stage in stages(profile)} - plain


def test_every_stage_reads_only_earlier_ones(named):
    earlier = set()
    for name, stage in named.items():
        assert set(stage.reads) <= earlier
        assert len(set(stage.reads)) == len(stage.reads)
        earlier.add(name)


def test_names_are_those_of_folders(named):
    for name in named:
        assert name == Path(name).name and not name.startswith(".")


def test_who_learns_from_whom(profile, named):
    """The teacher and the direct students from the truth; a student from the teacher at its temperature."""
    beyond = added(profile)
    for name, stage in named.items():
        if isinstance(stage.job, Fit) and name not in beyond:
            corpus = named[stage.job.corpus].job
            assert stage.reads == (stage.job.corpus, "truth-validation")
            assert stage.job.learner == (profile.teacher if name == "teacher" else profile.student)
            kind, _, rest = name.partition("-")
            texts = profile.texts.train if kind in ("teacher", "direct") else profile.texts.lesson
            assert corpus.n == texts
            assert corpus.sampler == ("teacher" if kind == "distilled" else "truth")
            if kind == "distilled":
                assert f"{corpus.tau:g}-s{stage.job.seed}" == rest
            if kind == "selected":
                assert f"{corpus.beta:g}-s{stage.job.seed}" == rest
    lessons = [
        stage
        for name, stage in named.items()
        if isinstance(stage.job, Draw) and stage.job.sampler == "teacher" and name not in beyond
    ]
    assert [stage.job.tau for stage in lessons] == list(profile.taus)
    assert all(stage.reads == ("teacher",) for stage in lessons)


def test_every_model_is_scored_under_the_truth(profile, named):
    scores = [stage for stage in named.values() if isinstance(stage.job, Score)]
    assert [stage.job for stage in scores] == list(rows(profile))
    assert {stage.job.model for stage in scores} == {n for n, s in named.items() if isinstance(s.job, Fit)}
    taus, seeds, betas = len(profile.taus), len(profile.seeds), len(profile.betas)
    beyond = [stage for stage in scores if stage.name in added(profile)]
    assert len(scores) - len(beyond) == taus + seeds * (2 * taus + betas)
    for stage in scores:
        assert {stage.job.model, "truth-score", "truth-validation"} <= set(stage.reads)
        assert stage.job.cooling == (1 / stage.job.tau if stage.job.curve in ("teacher", "cooled") else 1)


def test_every_knob_has_a_teacher_a_student_and_a_decoder():
    """And every objective and every heir a student, for each seed."""
    profile = Profile.load("knobs")
    lessons = ({"tau": 0.6, "jsd_weight": 0.0}, {"tau": 1.0, "jsd_weight": 1.0})
    beyond = Beyond(
        top_k=(8, 2),
        min_p=(0.1,),
        best_of=(4, 16),
        power=(1.5,),
        matched=lessons,
        on_policy=lessons[1:],
        heir_taus=(0.8, 1.0),
        generations=3,
    )
    profile = replace(profile, beyond=beyond)
    found = [stage.job for stage in stages(profile) if stage.name in added(profile)]
    curves = Counter(job.curve for job in found if isinstance(job, Score))
    b, seeds = profile.beyond, len(profile.seeds)
    settings = sum(map(len, (b.top_k, b.top_p, b.min_p, b.best_of, b.power)))
    assert curves == {
        "turned": settings,
        "learned": seeds * settings,
        "decoded": seeds * settings,
        "matched": seeds * len(b.matched),
        "on_policy": seeds * len(b.on_policy),
        "heir": seeds * len(b.heir_taus) * (b.generations - 1),
    }
    named = {stage.name: stage for stage in stages(profile)}
    assert named["lesson-best_of-4"].job == Draw("teacher", 16_000, knob="best_of", setting=4)
    assert named["lesson-best_of-4"].job.drawn == 64_000
    assert named["learned-top_k-2-s1"].job.corpus == "lesson-top_k-2"
    assert named["matched-0.6-0-s1"].reads == ("lesson-0.6", "teacher", "truth-validation")
    assert named["on_policy-1-1-s0"].job.corpus is None
    assert named["heirloom-0.8-2-s1"].job == Draw("distilled-0.8-s1", 16_000, 0.8)
    assert named["heirloom-0.8-3-s1"].job == Draw("heir-0.8-2-s1", 16_000, 0.8)


def test_only_a_truth_with_a_hidden_space_is_embedded(profile, named):
    embedded = [name for name, stage in named.items() if isinstance(stage.job, Embed)]
    assert embedded == ([] if isinstance(profile.truth, Toy) else ["truth-points"])
    for stage in named.values():
        if isinstance(stage.job, Score):
            assert set(embedded) <= set(stage.reads)


@pytest.mark.parametrize("name", ["taus", "betas"])
def test_values_that_folders_could_not_tell_apart_are_refused(name):
    """Both would be lesson-0.333333, and the second would take the first one's texts."""
    toy = Profile.load("toy")
    with pytest.raises(
        ValueError, match=rf"{name} must differ in their first six digits, got \[1.0, 0.3333333, "
    ):
        replace(toy, **{name: (1.0, 0.3333333, 0.3333334)})
    names = [stage.name for stage in stages(replace(toy, **{name: (1.0, 0.333333, 0.333334)}))]
    assert len(set(names)) == len(names)
