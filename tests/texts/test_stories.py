import numpy as np
import pytest

from kdlite.texts.stories import distinct_words, is_story, repeated_bigrams, stories


def test_repeats_count_pairs_that_were_said_before():
    tokens = np.array([[1, 2, 1, 2, 0, 9], [1, 2, 3, 4, 5, 6], [7, 7, 7, 7, 0, 0]])
    # (1,2) again; none; (7,7) twice again, and what follows the end is no part of it
    found = repeated_bigrams(tokens, np.array([5, 6, 4]))
    assert found.value == pytest.approx((1 + 0 + 2) / (4 + 5 + 3))


def test_words_are_counted_in_whole_blocks():
    pieces = [" a", " dog", " A", " cat", " a", " dog", "s", "."]
    found = distinct_words(pieces, 4)
    assert (found.value, found.n) == (pytest.approx((3 + 2) / 2), 2)  # a dog cat; a dogs
    with pytest.raises(ValueError, match="among 9 tokens, there are 8"):
        distinct_words(pieces, 9)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (" found a stone. It was blue, and Lily", True),
        (" found a stone that was blue and", False),  # ends no sentence
        (" found a stone. It was blue.", False),  # of whom?
        (" sat. She sat in the sun, she sat in the", False),  # a loop
    ],
)
def test_a_story_names_her_ends_a_sentence_and_does_not_loop(text, is_one):
    assert is_story(text) is is_one


def test_their_share_has_the_error_of_a_share():
    found = stories([" ran. She", " ran"] * 50)
    assert found.value == 0.5
    assert found.stderr == pytest.approx(np.std([0, 1] * 50, ddof=1) / 10)
