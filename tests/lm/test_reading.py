"""What a model makes of texts, against one plain forward pass for each text."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from corpora import draw
from languages import gpt2, llama

import kdlite as kd
from kdlite.lm import Language

MAKERS = {"llama": llama, "gpt2": gpt2}
LANGUAGE = Language(11, 20, (10, 3, 4), eos=2, begin=10)


def plain(model, text):
    """Nats of each token of a text, and the mean of the last hidden states that they are predicted from."""
    prompt, end = list(model.prompt), int(model.size(text[None])[0])
    ids = torch.tensor([[*prompt, *text[: end - 1]]])
    with torch.no_grad():
        out = model.model(ids, output_hidden_states=True, use_cache=False)
    logits = out.logits[0, len(prompt) - 1 :] * model.beta
    logits[:, model.language.begin] = -torch.inf
    nats = logits.log_softmax(dim=-1)[range(end), text[:end]]
    return nats.numpy(), out.hidden_states[-1][0, len(prompt) - 1 :].mean(dim=0).numpy()


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("beta", [1, 1.5])
def test_a_reading_is_that_of_one_forward_pass_a_text(maker, beta):
    model = MAKERS[maker](LANGUAGE).sharpen(beta)
    texts = model.sample(40, 0)
    sizes = model.size(texts)
    assert sizes.min() < 5 and sizes.max() == 20  # both kinds are there
    found = model.read(texts)
    assert found.token_log_prob.dtype == found.state.dtype == np.float32
    for i, text in enumerate(texts):
        nats, state = plain(model, text)
        np.testing.assert_allclose(found.token_log_prob[i, : sizes[i]], nats, rtol=1e-4, atol=1e-5)
        assert (found.token_log_prob[i, sizes[i] :] == 0).all()
        np.testing.assert_allclose(found.state[i], state, rtol=1e-4, atol=1e-5)


def test_a_reading_stands_for_the_model_in_precision(tmp_path):
    truth, student = llama(LANGUAGE), llama(LANGUAGE, seed=2)
    own = draw(student, tmp_path)
    with pytest.raises(ValueError, match="not the texts that were read; read them first"):
        truth.read(own.texts()).log_prob(own.texts()[::-1])
    assert kd.precision(own, truth=truth.read(own.texts()), n=60) == kd.precision(own, truth=truth, n=60)
    shorter = llama(replace(LANGUAGE, length=19))
    with pytest.raises(ValueError, match="length of the student is 20, that of the truth is 19"):
        kd.precision(own, truth=shorter.read(shorter.sample(60, 0)), n=60)
