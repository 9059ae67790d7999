"""The threads between components: what a pair is charged is the bound's, and ellipses are those of the mixtures."""

import numpy as np
import pytest

import kdlite as kd
from kdlite.explorer import Threads


def example(costs=None):
    truth = kd.examples.ring()
    teacher = kd.fit_mixture(truth, 3)
    teachers = [teacher.sharpen(beta) for beta in (1, 4)]
    students = [kd.fit_mixture(teacher, 2) for teacher in teachers]
    costs = np.arange(12.0).reshape(2, 3, 2) if costs is None else costs
    return Threads(truth, [1, 4], teachers, students, costs), teachers, students, costs


def test_charges_add_up_to_the_bound_and_students_go_from_left_to_right():
    threads, teachers, students, costs = example()
    assert threads.beta == 1
    for b, (teacher, student) in enumerate(zip(teachers, students, strict=True)):
        total = np.sum(threads.stops["charges"][b])
        assert total == pytest.approx(teacher.weights @ costs[b] @ student.weights, abs=1e-4)
        shown = np.array(threads.stops["students"][b])
        assert (np.diff(shown[:, 1]) > 0).all()
        order = np.argsort(student.means[:, 0])
        lower = np.zeros((2, 2, 2))
        lower[:, [0, 1, 1], [0, 0, 1]] = shown[:, 3:]
        assert np.allclose(lower @ lower.transpose(0, 2, 1), student.covariances[order], atol=1e-4)
        assert np.allclose(shown[:, 0], student.weights[order], atol=1e-4)
        assert np.allclose(np.array(threads.stops["costs"][b]), costs[b][:, order])


def test_costs_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"costs must have shape \(2, 3, 2\), got \(2, 2, 3\)"):
        example(np.zeros((2, 2, 3)))
