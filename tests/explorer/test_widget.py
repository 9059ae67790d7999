"""The Python side of the explorer: its settings, and its answers to a live page."""

import re
from itertools import count

import numpy as np
import pytest
import traitlets

import kdlite as kd
from kdlite import plots
from kdlite.explorer import Explorer
from kdlite.explorer.storage import Family, to_mixture

_IDS = map(str, count(1))


def ask(explorer, kind, **settings):
    """What the page does: settings and a question in one message."""
    explorer.set_state({**settings, "question": {"id": next(_IDS), "kind": kind}})
    return Family.from_bytes(explorer.cloud if kind == "runs" else explorer.answer)


def moved():
    modes = Explorer().truth.means.tolist()
    modes[0] = [-0.5, 0.6]
    return modes


def test_settings_are_values():
    explorer = Explorer(beta=4, teacher_components=8, student_components=3, profile="strong")
    assert (explorer.beta, explorer.teacher_components, explorer.student_components) == (4.0, 8, 3)
    explorer.beta = 4.3
    assert explorer.beta == 4.3
    explorer.beta = 1000
    assert explorer.beta == 100.0  # the end of the slider


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"beta": -1}, "beta must be a finite number >= 0, got -1"),
        ({"beta": float("nan")}, "beta must be"),
        ({"teacher_components": 3}, "3 is not among the teacher_components"),
        ({"student_components": 0}, "0 is not among the student_components"),
        ({"profile": "flat"}, "'flat' is not among the profiles"),
    ],
)
def test_unknown_setting_is_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        Explorer(**setting)


@pytest.mark.parametrize("setting", [{"samples": ["noise"]}, {"runs": "other"}])
def test_unknown_display_is_refused(setting):
    with pytest.raises(traitlets.TraitError):
        Explorer(**setting)


def test_colours_are_those_of_the_figures():
    for name, colour in plots.COLOURS.items():
        assert re.search(rf"--kd-{name}: {colour};", Explorer._css), name


def test_script_needs_no_other_host_and_no_eval():
    assert not re.search(
        r"https?://|\beval\b|new Function|\son[a-z]+=|innerHTML|^import ", Explorer._esm, re.MULTILINE
    )


def test_answer_is_right_for_moved_modes():
    explorer = Explorer(beta=4, student_components=2)
    modes = moved()
    answer = ask(explorer, "current", modes=modes)
    assert answer.header["question"] == explorer.question["id"]
    assert answer.header["modes"] == modes
    assert answer.header["betas"] == [4.0]
    np.testing.assert_allclose(explorer.truth.means, modes)
    student = to_mixture(answer.arrays["student"][0, 0, 0, 0])
    expected = [
        kd.precision(student, truth=explorer.truth).value,
        kd.recall(student, truth=explorer.truth).value,
    ]
    np.testing.assert_allclose(answer.arrays["distilled_score"].ravel(), expected, atol=1e-3)


@pytest.mark.parametrize("n_student", [1, 2, 3])
def test_curve_agrees_with_a_sweep(n_student):
    explorer = Explorer(student_components=n_student)
    ask(explorer, "current", modes=moved())
    answer = ask(explorer, "curve", modes=moved())
    teacher = answer.teacher("mild", 4)
    sweep = kd.sweep(explorer.truth, betas=[1, 10], teacher_components=4, student_components=n_student)
    assert explorer.truth.expect_log_prob(teacher) >= explorer.truth.expect_log_prob(sweep.teachers[0]) - 5e-3
    for beta in (1.0, 10.0):
        lesson = teacher.sharpen(beta)
        best = kd.fit_mixture(lesson, n_student, n_init=4)
        found = answer.student("mild", 4, n_student, beta)
        assert lesson.expect_log_prob(found) >= lesson.expect_log_prob(best) - 2e-2


def test_new_runs_differ_each_time_and_carry_their_setting():
    explorer = Explorer(beta=10)
    first, second = ask(explorer, "runs"), ask(explorer, "runs")
    assert first.arrays["runs"].shape == (100, 4)
    assert not np.isin(first.arrays["runs"][:, 0], second.arrays["runs"][:, 0]).any()
    assert first.header["runs"]["beta"] == 10


def test_given_truth_is_fitted_at_once():
    truth = kd.GaussianMixture([0.6, 0.3, 0.1], [[-1, 0], [0, 1], [1, 0]], [0.05 * np.eye(2)] * 3)
    explorer = Explorer(truth, teacher_components=2)
    family = Family.from_bytes(explorer.family)
    assert family.header["profiles"] == ["given"] and family.header["teacher_components"] == [2]
    np.testing.assert_allclose(explorer.truth.means, truth.means)
    with pytest.raises(traitlets.TraitError):
        explorer.modes = [[1.0]]


def test_hello_is_answered(monkeypatch):
    explorer, sent = Explorer(), []
    monkeypatch.setattr(explorer, "send", sent.append)
    explorer._handle_custom_msg({"kind": "hello"}, [])
    explorer._handle_custom_msg("noise", [])
    assert sent == [{"kind": "here"}]
