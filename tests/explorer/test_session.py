"""The session: right answers to questions, one answer for one truth, and a reason where there is none."""

import json
import math

import numpy as np
import pytest

import kdlite as kd
from kdlite.explorer import family
from kdlite.explorer.session import Session
from kdlite.explorer.storage import Family, to_mixture, to_rows
from kdlite.mixtures.examples import ring

TRUTH = to_rows(ring(0.25), 8).tolist()
QUESTION = {"id": "1", "kind": "fit", "truth": TRUTH, "profile": "mild", "teacher_components": 4,
            "student_components": 1, "betas": [1.0, 4.0, 10.0]}  # fmt: skip


def moved(x, y):
    return [[*TRUTH[0][:1], x, y, *TRUTH[0][3:]], *TRUTH[1:]]


def ask(session, **changes):
    reply, content = session.reply(json.loads(json.dumps(QUESTION | changes)))
    json.dumps(reply, allow_nan=False)
    return Family.from_bytes(content)


@pytest.mark.parametrize("n_student", [1, 2, 3])
def test_curve_agrees_with_a_sweep(n_student):
    answer = ask(Session(), truth=moved(-0.5, 0.6), student_components=n_student)
    truth = to_mixture(np.array(moved(-0.5, 0.6)))
    sweep = kd.sweep(truth, betas=[1, 10], teacher_components=4, student_components=n_student)
    teacher = answer.teacher("mild", 4)
    assert truth.expect_log_prob(teacher) >= truth.expect_log_prob(sweep.teachers[0]) - 5e-3
    for beta in (1.0, 10.0):
        lesson = teacher.sharpen(beta)
        best = kd.fit_mixture(lesson, n_student, n_init=4)
        found = answer.student("mild", 4, n_student, beta)
        assert lesson.expect_log_prob(found) >= lesson.expect_log_prob(best) - 2e-2
    # Chapter 1: nobody is likelier under the truth than the best direct student.
    direct = answer.arrays["direct_score"][0, 0, 1]
    assert (answer.arrays["distilled_score"][..., 1] <= direct + 2e-4).all()


def test_a_truth_has_one_answer_however_the_reader_came_to_it():
    session = Session()
    for x in np.linspace(-0.9, -0.5, 6):
        ask(session, truth=moved(x, 0.6), betas=[4.0])
    after, cold = ask(session, truth=moved(-0.5, 0.6)), ask(Session(), truth=moved(-0.5, 0.6))
    for name, array in cold.arrays.items():
        np.testing.assert_allclose(after.arrays[name], array, rtol=1e-6, atol=1e-6, err_msg=name)


def test_runs_add_up_and_none_is_drawn_twice():
    session, at = Session(), {"kind": "runs", "beta": 10}
    first, second = (ask(session, **at).arrays["runs"] for _ in range(2))
    assert len(second) == 2 * len(first) == len(np.unique(second[:, 0]))
    np.testing.assert_array_equal(second[: len(first)], first)
    setting = {"teacher_components": 4, "student_components": 1, "beta": 10}
    again = family.sampled_runs(to_mixture(np.array(TRUTH)), **setting, seeds=range(len(first)))
    np.testing.assert_allclose(first, again, rtol=1e-5)
    other = ask(session, **at, truth=moved(-0.5, 0.6)).arrays["runs"]
    assert len(other) == len(first) and not np.isin(other, second).any()


def mode(k=0, **changes):
    names = ["weight", "x", "y", "xx", "xy", "yy"]
    row = dict(zip(names, TRUTH[k], strict=True)) | changes
    return {"truth": [list(row.values()), *TRUTH[1:]]}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "sing"}, "must be of a kind among"),
        ({"id": None}, "id must be a str"),
        ({"truth": None}, "truth must be a sequence, got None"),
        ({"truth": []}, "the number of modes must be an integer >= 1, got 0"),
        ({"truth": TRUTH * 4}, "the number of modes must be an integer <= 24, got 32"),
        ({"truth": [[1, 0, 0]]}, "a mode is six numbers"),
        ({"truth": [["a"] * 6]}, "truth must be an array of real numbers"),
        (mode(x=math.nan), "truth must be finite"),
        (mode(x=1e5), "modes must lie within 100"),
        (mode(weight=0), "weights must be > 0"),
        (mode(weight=-1), "weights must be > 0"),
        (mode(xx=1e-5), "widths of modes must be 0.01 to 100"),
        (mode(xy=0.03), "widths of modes must be"),
        (mode(yy=1e5), "widths of modes must be"),
        ({"profile": 3}, "profile must be a str"),
        ({"teacher_components": 0}, "teacher_components must be an integer >= 1"),
        ({"student_components": 99}, "student_components must be an integer <= 12"),
        ({"betas": []}, "the number of betas must be"),
        ({"betas": [1.0] * 101}, "the number of betas must be"),
        ({"betas": [-1]}, "beta must be a finite number >= 0, got -1"),
        ({"kind": "runs"}, "beta must be"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_reason(changes, reason):
    reply, content = Session().reply(QUESTION | changes)
    assert reply["kind"] == "refused" and reason in reply["reason"] and content == b""


def test_a_question_that_is_none_is_refused():
    for message in (None, 3, "fit", [], {}):
        assert Session().reply(message)[0]["kind"] == "refused"
