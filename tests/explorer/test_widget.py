"""The Python side of the explorer: its settings, and its answers to a live page."""

import re

import numpy as np
import pytest
import traitlets
from explorer_pages import ask

import kdlite as kd
from kdlite import plots
from kdlite.explorer import Explorer
from kdlite.explorer.storage import Family, to_mixture, to_rows


def moved():
    modes = to_rows(Explorer().truth, 8).tolist()
    modes[0][1:3] = [-0.5, 0.6]
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


def test_a_question_of_the_page_is_answered_in_its_traits(monkeypatch):
    explorer, sent = Explorer(beta=4, student_components=2), []
    explorer.modes = moved()
    monkeypatch.setattr(explorer, "send", sent.append)
    answer = ask(explorer, "fit", betas=[4.0])
    assert sent == [{"id": answer.header["question"], "kind": "fit", "name": "answer"}]
    np.testing.assert_allclose(explorer.truth.means, np.array(moved())[:, 1:3])
    student = to_mixture(answer.arrays["student"][0, 0, 0, 0])
    expected = [score(student, truth=explorer.truth).value for score in (kd.precision, kd.recall)]
    np.testing.assert_allclose(answer.arrays["distilled_score"].ravel(), expected, atol=1e-3)
    assert ask(explorer, "runs", beta=4).header["runs"]["beta"] == 4


def test_given_truth_is_fitted_at_once():
    truth = kd.GaussianMixture([0.6, 0.3, 0.1], [[-1, 0], [0, 1], [1, 0]], [0.05 * np.eye(2)] * 3)
    explorer = Explorer(truth, teacher_components=2)
    family = Family.from_bytes(explorer.family)
    assert family.header["profiles"] == ["given"] and family.header["teacher_components"] == [2]
    np.testing.assert_allclose(explorer.truth.means, truth.means)
    for modes in ([[1.0]], [[1, 0, 0, -1, 0, 1]]):
        with pytest.raises((traitlets.TraitError, ValueError)):
            explorer.modes = modes


def test_hello_is_answered(monkeypatch):
    explorer, sent = Explorer(), []
    monkeypatch.setattr(explorer, "send", sent.append)
    explorer._handle_custom_msg({"kind": "hello"}, [])
    explorer._handle_custom_msg({"kind": "wake"}, [])
    explorer._handle_custom_msg("noise", [])
    assert [message["kind"] for message in sent] == ["here", "refused"]
