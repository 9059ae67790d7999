import numpy as np
import pytest

from kdlite.lm import Language

L = Language(5, 3, (0, 1), eos=4)


def test_a_text_counts_up_to_and_including_its_first_end_token():
    tokens = np.array([[4, 4, 4], [1, 4, 4], [1, 2, 4], [1, 2, 3], [4, 1, 4]])
    assert L.size(tokens).tolist() == [1, 2, 3, 3, 1]
    assert Language(5, 3, (0,)).size(tokens).tolist() == [3] * 5


def test_a_begin_token_may_stand_past_the_vocabulary_or_inside():
    assert (Language(5, 3, (0,)).embeddings, Language(5, 3, (0,), begin=0).embeddings) == (5, 5)
    assert Language(5, 3, (5,), begin=5).embeddings == 6


def test_ids_become_plain_integers_and_the_prompt_a_tuple():
    language = Language(np.int64(5), np.int32(3), np.array([0, 1]), eos=4)
    assert language == L and hash(language) == hash(L)
    assert type(language.vocabulary) is int and type(language.prompt[0]) is int
    found = L.check(np.array([[0, 1, 4]], dtype=np.uint16))
    assert found.dtype == np.int64 and found.tolist() == [[0, 1, 4]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 0}, "length must be an integer >= 1, got 0"),
        ({"prompt": ()}, "prompt is empty"),
        ({"prompt": (0, 5)}, "prompt token must be an integer <= 4, got 5; use an id of the vocabulary of 5"),
        ({"prompt": (6,), "begin": 5}, "prompt token must be an integer <= 5, got 6"),
        ({"eos": 5}, "end token must be an integer <= 4, got 5"),
        ({"begin": 6}, "begin token must be an integer <= 5, got 6"),
        ({"begin": 4}, "token 4 ends texts.*leave begin as None"),
        ({"vocabulary": 1, "prompt": (0,), "eos": None, "begin": 0}, "no text is left"),
        ({"ids": (1, 1, 2, 3, 4)}, "ids must name each of the 5 tokens once"),
    ],
)
def test_impossible_languages_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Language(**{"vocabulary": 5, "length": 3, "prompt": (0,), "eos": 4} | settings)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([[0, 1]], r"shape \(n, 3\), got \(1, 2\); pad short texts with the end token 4"),
        ([[0, 1], [0]], r"shape \(n, 3\), got \[\[0, 1\], \[0\]\]"),
        ([[[0, 1, 2]]], r"got \(1, 1, 3\)"),
        (np.empty((0, 3), dtype=int), r"got \(0, 3\)"),
        ([[True, False, True]], "tokens must be integers, got bool"),
        ([[0, 1, 5]], "token 5 is outside the 5 there are; ids run from 0 to 4"),
        ([[0, -1, 5]], "token -1 is outside"),
        ([[0, 3, 1]], "token 3 is the begin token"),
    ],
)
def test_texts_of_another_kind_are_refused(tokens, message):
    with pytest.raises(ValueError, match=message):
        Language(5, 3, (3,), eos=4, begin=3).check(tokens)


def test_a_mismatch_names_both_values_and_an_unknown_tokenizer_is_none():
    settings = {"vocabulary": 5, "length": 3, "prompt": (0, 1), "eos": 4, "tokenizer": "a"}
    mine = Language(**settings)
    for changes in ({"vocabulary": 6}, {"length": 4}, {"prompt": (1,)}, {"eos": None}, {"tokenizer": "b"}):
        yours = Language(**settings | changes)
        with pytest.raises(
            ValueError, match=r"of mine is .*, that of yours is .*; give both the same"
        ) as caught:
            mine.check_same(yours, ("mine", "yours"))
        assert str(next(iter(changes.values()))) in str(caught.value)
    mine.check_same(L, ("a", "b"))
    L.check_same(mine, ("a", "b"))
