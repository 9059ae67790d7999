"""What a study consists of: several capacities, two teachers, cooled students, few texts of the truth.

Knows profiles with a study; knows nothing of how a stage is carried out. The stages come in the order of what they are
worth, each student's scores right after its training, so that a run that is cut short lacks the end of the list.
"""

from collections.abc import Iterator
from dataclasses import replace

from kdlite.runs.design import Learner, Lesson, Study
from kdlite.runs.jobs import Draw, Fit, Measure, Part, Stage
from kdlite.runs.profile import Profile

_KL = 0.0  # weight of the Jensen-Shannon divergence that is forward KL


def study(p: Profile, s: Study) -> Iterator[Stage]:
    """The stages after the truth's corpora."""
    students = {s.student: p.student, **s.capacities}
    first = s.teachers[0]
    for t in s.teachers:  # each is also the judge of the other's students
        yield _fit(f"teacher-t{t}", p.teacher, "truth-train", p.texts.train, t)
    for seed in p.seeds:
        for name, learner in students.items():
            direct = f"direct-{name}-s{seed}"
            yield _fit(direct, learner, "truth-train", p.texts.train, seed)
            yield from _cooled(s, direct, name, seed, "full", f"teacher-t{first}")
    for tau in p.taus:
        yield Stage(
            f"lesson-{tau:g}-t{first}", (f"teacher-t{first}",), Draw(f"teacher-t{first}", p.texts.lesson, tau)
        )
    for seed in p.seeds:
        for name, learner in students.items():
            yield from _distilled(p, s, name, learner, first, seed)
    for t in s.teachers:
        for tau in p.taus:
            yield _measure("teacher", f"teacher-t{t}", tau, s, t)
    for tau in s.cooled:
        yield _measure("truth", "truth", tau, s, first)
    yield from _halves(p, s, students)
    for t in s.teachers[1:]:
        for tau in p.taus:
            yield Stage(
                f"lesson-{tau:g}-t{t}", (f"teacher-t{t}",), Draw(f"teacher-t{t}", p.texts.lesson, tau)
            )
        for seed in p.seeds:
            yield from _distilled(p, s, s.student, p.student, t, seed)
    yield from _distributions(p, s)
    for t in s.teachers:
        for tau, decoding in s.both:
            for seed in p.seeds:
                model = f"distilled-{s.student}-{tau:g}-t{t}-s{seed}"
                yield _score(Measure("both", model, s.student, "full", t, seed, tau, decoding, _judge(s, t)))
    if s.scarce:
        yield from _scarce(p, s)


def _fit(name: str, learner: Learner, corpus: str | Part, n: int, seed: int, **options) -> Stage:
    """A training. It reads what it learns from, what it looks at, and the teacher whose distributions it matches."""
    job = Fit(learner, corpus, n, seed, **options)
    sources = [c.corpus if isinstance(c, Part) else c for c in (job.corpus, job.validation)]
    reads = dict.fromkeys([*sources, *([job.teacher] if job.lesson else [])])
    return Stage(name, tuple(reads), job)


def _score(job: Measure) -> Stage:
    models = [] if job.model == "truth" else [job.model]
    return Stage(job.name, (*dict.fromkeys([*models, job.judge, "truth-score"]),), job)


def _judge(s: Study, teacher: int) -> str:
    """A teacher that did not teach this student; the only one, where there is one."""
    others = [t for t in s.teachers if t != teacher]
    return f"teacher-t{(others or s.teachers)[0]}"


def _measure(curve: str, model: str, tau: float, s: Study, t: int) -> Stage:
    """A score of the truth or of a teacher."""
    own = None if curve == "truth" else t
    return _score(Measure(curve, model, None, "full", own, None, tau, tau, _judge(s, t)))


def _cooled(s: Study, model: str, name: str, seed: int, arm: str, judge: str) -> Iterator[Stage]:
    for tau in s.cooled:
        curve = "direct" if tau == 1 else "cooled"
        yield _score(Measure(curve, model, name, arm, None, seed, tau, tau, judge))


def _distilled(p: Profile, s: Study, name: str, learner: Learner, t: int, seed: int) -> Iterator[Stage]:
    for tau in p.taus:
        model = f"distilled-{name}-{tau:g}-t{t}-s{seed}"
        yield _fit(model, learner, f"lesson-{tau:g}-t{t}", p.texts.lesson, seed)
        yield _score(Measure("distilled", model, name, "full", t, seed, tau, 1.0, _judge(s, t)))


def _halves(p: Profile, s: Study, students: dict[str, Learner]) -> Iterator[Stage]:
    """As many updates on half of the texts: whether more texts would have helped."""
    n = p.texts.train // p.texts.shard // 2 * p.texts.shard
    for name, learner in {f"teacher-t{s.teachers[0]}": p.teacher, **students}.items():
        if not n:
            return
        doubled = replace(learner, recipe=replace(learner.recipe, epochs=2 * learner.recipe.epochs))
        seed = s.teachers[0] if learner is p.teacher else p.seeds[0]
        yield _fit(f"half-{name}", doubled, Part("truth-train", 0, n), n, seed)


def _distributions(p: Profile, s: Study) -> Iterator[Stage]:
    """Students of the teacher's distributions, on its own texts and on the truth's."""
    t = s.teachers[0]
    for tau in s.matched:
        for texts, corpus, n in (
            ("teacher", f"lesson-{tau:g}-t{t}", p.texts.lesson),
            ("truth", "truth-train", p.texts.train),
        ):
            for seed in p.seeds:
                model = f"matched-{texts}-{tau:g}-t{t}-s{seed}"
                lesson = Lesson(tau, _KL)
                yield _fit(model, p.student, corpus, n, seed, lesson=lesson, teacher=f"teacher-t{t}")
                yield _score(
                    Measure("distributions", model, s.student, "full", t, seed, tau, 1.0, _judge(s, t), texts)
                )


def _scarce(p: Profile, s: Study) -> Iterator[Stage]:
    """Few texts of the truth, and as many of a teacher that has seen no others. The best checkpoint is chosen on texts
    that are kept back of the few; students of the teacher's many texts keep their last.
    """
    few, n = s.scarce, s.scarce.texts - s.scarce.validation
    train, validation = Part("truth-train", 0, n), Part("truth-train", n, s.scarce.texts)
    t, judge = s.teachers[0], _judge(s, s.teachers[0])
    options = {"validation": validation, "choose": True}
    teacher = replace(p.teacher, recipe=replace(p.teacher.recipe, epochs=few.teacher_epochs))
    direct = replace(p.student, recipe=replace(p.student.recipe, epochs=few.epochs))
    yield _fit("scarce-teacher", teacher, train, n, t, **options)
    for tau in few.taus:
        yield Stage(
            f"scarce-lesson-{tau:g}", ("scarce-teacher",), Draw("scarce-teacher", p.texts.lesson, tau)
        )
        yield _score(Measure("teacher", "scarce-teacher", None, "scarce", t, None, tau, tau, judge))
    for seed in p.seeds:
        model = f"scarce-direct-s{seed}"
        yield _fit(model, direct, train, n, seed, **options)
        yield from _cooled(s, model, s.student, seed, "scarce", judge)
        for tau in few.taus:
            model = f"scarce-distilled-{tau:g}-s{seed}"
            yield _fit(model, p.student, f"scarce-lesson-{tau:g}", p.texts.lesson, seed)
            yield _score(Measure("distilled", model, s.student, "scarce", t, seed, tau, 1.0, judge))
