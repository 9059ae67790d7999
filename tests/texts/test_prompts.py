import json
from dataclasses import asdict
from fractions import Fraction

import numpy as np
import pytest

from kdlite.lm import Language, Prompts

TWO = Language(5, 3, Prompts([[0, 1], [2]], [3, 1]), eos=4)


def seats(weights, n):
    """Sainte-Laguë's apportionment, a seat at a time."""
    held, found = [0] * len(weights), []
    for _ in range(n):
        party = max(range(len(weights)), key=lambda k: Fraction(weights[k], 2 * held[k] + 1))
        held[party] += 1
        found.append(party)
    return np.array(found)


@pytest.mark.parametrize("weights", [[7], [1, 1, 1], [1, 2], [1, 2, 4, 8], [1, 128], [1] * 20])
def test_prompts_take_turns_like_parties_for_seats(weights):
    prompts, expected = Prompts([[k] for k in range(len(weights))], weights), seats(weights, 300)
    for start, n in ((0, 300), (0, 1), (7, 1), (100, 64), (299, 1)):
        np.testing.assert_array_equal(prompts.of(start, n), expected[start : start + n])
    share = np.array(weights) / sum(weights)
    for n in range(1, 300):
        assert np.abs(np.bincount(expected[:n], minlength=len(weights)) - n * share).max() < 1.5


def test_any_stretch_of_a_draw_has_the_turns_of_the_whole():
    """Where weights are no ratios of small numbers, too, and late in a long draw."""
    weights = np.random.default_rng(0).gamma(0.3, size=50) + 1e-6
    prompts = Prompts([[k] for k in range(50)], weights)
    whole = prompts.of(10**9, 5_000)
    for start in (0, 1, 777, 4_000):
        np.testing.assert_array_equal(prompts.of(10**9 + start, 99), whole[start : start + 99])


def test_a_text_carries_its_prompts_number():
    tokens = np.array([[1, 3, 4, 4], [0, 0, 1, 2]])
    number, texts = TWO.split(tokens)
    assert number.tolist() == [1, 0] and texts.shape == (2, 3)
    np.testing.assert_array_equal(TWO.join(number, texts), tokens)
    assert TWO.size(tokens).tolist() == [2, 3] and TWO.longest == 2 and TWO.width == 4
    for wrong, said in (
        ([[2, 0, 0, 0]], "prompt 2 is outside the list of 2"),
        ([[0, 0, 0]], r"\(n, 4\), each"),
    ):
        with pytest.raises(ValueError, match=said):
            TWO.check(wrong)


def test_a_language_of_several_prompts_survives_json():
    assert Language(**json.loads(json.dumps(asdict(TWO)))) == TWO


def test_one_prompt_is_written_as_it_always_was():
    """Manifests of recorded runs, and with them the identity of their corpora, would change."""
    said = '{"vocabulary": 5, "length": 3, "prompt": [0, 1], "eos": 4, "begin": null, "tokenizer": null, "ids": null}'
    for prompt in ((0, 1), Prompts([(0, 1)])):
        language = Language(5, 3, prompt, eos=4)
        assert json.dumps(asdict(language)) == said and language.width == 3


def test_weights_are_relative():
    ids = [[0], [1]]
    assert Prompts(ids) == Prompts(ids, [2, 2]) and Prompts(ids, [1, 3]) == Prompts(ids, [0.5, 1.5])
    other = Language(5, 3, Prompts([[0, 1], [2]], [1, 3]), eos=4)
    with pytest.raises(ValueError, match=r"the prompt of one is Prompts\(2 .*, that of two is Prompts\(2 "):
        TWO.check_same(other, ("one", "two"))


@pytest.mark.parametrize(
    ("ids", "weights", "said"),
    [
        ([], None, "there is none"),
        ([[0], [1], [0]], None, "0 and 2 are the same; give each once, and a weight"),
        ([[0], []], None, "the prompt is empty"),
        ([[0], [1]], [1], "2 prompts have 1 weights"),
        ([[0], [1]], [1, 0], "weight must be > 0, got 0; leave it out"),
        ([[0], [9]], None, "prompt token 9 is outside the vocabulary of 5"),
    ],
)
def test_impossible_prompts_are_refused(ids, weights, said):
    with pytest.raises(ValueError, match=said):
        Language(5, 3, Prompts(ids, weights))
