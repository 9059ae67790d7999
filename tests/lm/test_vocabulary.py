"""A model over fewer token ids is the model itself, restricted and renormalised token by token."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from kdlite import lm
from kdlite.lm.vocabulary import likeliest, narrow, use

LANGUAGE = lm.Language(20, 6, (3, 5), eos=0)
KEPT = [0, 2, 3, 5, 7, 11, 13]


@pytest.fixture(scope="module")
def whole():
    return lm.new(lm.Shape(16, 2, 2, 1, 32), LANGUAGE, seed=1)


def conditional(model, text):
    """The model's probabilities at each place of a text of its ids, (places, V)."""
    ids = torch.tensor([[*model.prompt, *text]])
    with torch.no_grad():
        return model.model(ids).logits[0, len(model.prompt) - 1 : -1].double().softmax(dim=-1)


def test_each_token_is_renormalised_over_what_is_kept(whole):
    small = narrow(whole, KEPT)
    texts = small.sample(20, seed=0)
    for text, n, found in zip(texts, small.size(texts), small.log_prob(texts), strict=True):
        spelled = small.language.spelled(text[:n])
        p = conditional(whole, spelled)
        picked = p[torch.arange(n), torch.tensor(spelled)] / p[:, KEPT].sum(dim=1)
        assert found == pytest.approx(picked.log().sum().item(), abs=1e-5)


def test_ids_in_another_order_are_the_same_model(whole):
    order = [13, 5, 0, 2, 11, 3, 7]
    small, other = narrow(whole, KEPT), narrow(whole, order)
    texts = small.sample(20, seed=0)
    place = np.array([order.index(t) for t in KEPT])
    assert other.log_prob(place[texts]) == pytest.approx(small.log_prob(texts), abs=1e-5)


def test_narrowed_twice_is_narrowed_once(whole):
    once, twice = narrow(whole, [0, 3, 5, 7]), narrow(narrow(whole, KEPT), [0, 2, 3, 4])
    assert twice.language == once.language
    assert twice.digest() == once.digest()


def test_the_model_it_was_cut_from_stays_whole(whole):
    before = whole.digest()
    narrow(whole, KEPT).sample(1, 0)
    assert whole.digest() == before and whole.model.config.vocab_size == 20


def test_the_likeliest_are_those_of_the_largest_mean_probability(whole):
    texts = whole.sample(64, seed=0)
    places = torch.cat(
        [conditional(whole, text[:n]) for text, n in zip(texts, whole.size(texts), strict=True)]
    )
    mean = places.mean(dim=0)
    found = likeliest(whole, texts, 9)
    always = {0, 3, 5}
    others = [t for t in mean.argsort(descending=True).tolist() if t not in always][:6]
    assert found == tuple(sorted(always | set(others)))
    measured = use(whole, texts, found)
    assert measured.token == pytest.approx(places[:, list(found)].sum(dim=1).mean().item(), abs=1e-6)
    inside = [set(text[:n]) <= set(found) for text, n in zip(texts, whole.size(texts), strict=True)]
    assert measured.text == np.mean(inside)


def test_languages_of_other_ids_are_not_compared(whole):
    small, other = narrow(whole, KEPT), narrow(whole, [0, 2, 3, 5, 7, 11, 14])
    with pytest.raises(ValueError, match="list of kept ids"):
        small.language.check_same(other.language, ("one", "other"))


def test_what_cannot_be_narrowed_is_refused(whole):
    for tokens, said in (
        ([], "at least one"),
        ([0, 3, 5, 5], "take each of them once"),
        ([0, 3, 5, 20], "got 20"),
        ([0, 3], "token 5, of prompt or end, is not among those kept"),
        ([3, 5], "token 0, of prompt or end, is not among those kept"),
    ):
        with pytest.raises(ValueError, match=said):
            narrow(whole, tokens)
    untied = copy.deepcopy(whole.model)
    untied.lm_head.weight = torch.nn.Parameter(untied.lm_head.weight.clone())
    with pytest.raises(ValueError, match="not tied to its embedding"):
        narrow(replace(whole, model=untied), KEPT)
