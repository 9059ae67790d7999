import math

import pytest
import torch
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from kdlite.lm import objectives
from kdlite.lm.objectives import forward_kl, jensen_shannon, measure, reverse_kl

WEIGHTS = (0.1, 0.5, 0.9)
EVERY = {"forward": forward_kl, "reverse": reverse_kl} | {
    f"between, {w}": lambda s, t, m, w=w: jensen_shannon(s, t, m, w) for w in WEIGHTS
}


@pytest.fixture(params=EVERY)
def objective(request):
    return EVERY[request.param]


def logits(seed=0, shape=(3, 5, 7), scale=3.0, dtype=torch.float32):
    """Logits of a student and a teacher, and a mask."""
    generator = torch.Generator().manual_seed(seed)
    student, teacher = (
        scale * torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    mask = torch.rand(shape[:-1], generator=generator) < 0.7
    return student.to(dtype), teacher.to(dtype), mask


def gradient(objective, student, teacher, mask):
    student = student.clone().requires_grad_(True)
    return torch.autograd.grad(objective(student, teacher, mask), student)[0]


def test_zero_with_a_zero_gradient_when_student_equals_teacher(objective):
    student, _, mask = logits()
    teacher = student + 5.0  # the same distributions
    assert 0 <= objective(student, teacher, mask) < 1e-5
    assert gradient(objective, student, teacher, mask).abs().max() < 1e-6


@pytest.mark.parametrize("scale", [1e-4, 1.0, 10.0, 200.0])
def test_never_negative(objective, scale):
    for seed in range(5):
        assert objective(*logits(seed, scale=scale)) >= 0


def test_two_tokens_by_hand():
    """p = (3/4, 1/4), q = (1/2, 1/2)."""
    p, q = torch.tensor([[[0.75, 0.25]]]).log(), torch.zeros(1, 1, 2)
    mask = torch.tensor([[True]])
    forward = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    reverse = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert forward_kl(q, p, mask).item() == pytest.approx(forward, abs=1e-7)
    assert reverse_kl(q, p, mask).item() == pytest.approx(reverse, abs=1e-7)
    # the teacher weighs 1/5: m = (11/20, 9/20)
    to_teacher = 0.75 * math.log(0.75 / 0.55) + 0.25 * math.log(0.25 / 0.45)
    to_student = 0.5 * math.log(0.5 / 0.55) + 0.5 * math.log(0.5 / 0.45)
    between = 0.2 * to_teacher + 0.8 * to_student
    assert jensen_shannon(q, p, mask, 0.2).item() == pytest.approx(between, abs=1e-7)
    assert forward != pytest.approx(reverse, abs=0.01)
    # d/dz of forward KL is q - p
    assert gradient(forward_kl, q, p, mask).flatten().tolist() == pytest.approx([-0.25, 0.25])


def test_the_default_weight_is_symmetric():
    student, teacher, mask = logits()
    found = jensen_shannon(student, teacher, mask)
    assert found == jensen_shannon(student, teacher, mask, 0.5)
    torch.testing.assert_close(found, jensen_shannon(teacher, student, mask), rtol=1e-6, atol=0)


def test_the_same_value_however_the_batch_is_split(objective, monkeypatch):
    student, teacher, mask = logits(shape=(6, 5, 7), dtype=torch.float64)
    whole, slope = objective(student, teacher, mask), gradient(objective, student, teacher, mask)
    parts = sum(objective(s[None], t[None], m[None]) for s, t, m in zip(student, teacher, mask, strict=True))
    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=0)
    for chunk in (1, 7 * 4):
        monkeypatch.setattr(objectives, "_CHUNK", chunk)
        torch.testing.assert_close(objective(student, teacher, mask), whole, rtol=1e-12, atol=0)
        torch.testing.assert_close(gradient(objective, student, teacher, mask), slope, rtol=1e-9, atol=1e-12)


def test_gradients_are_those_of_finite_differences(objective):
    student, teacher, mask = logits(shape=(2, 3, 4), scale=1.0, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: 0.5 * objective(s, teacher, mask), student.requires_grad_(True))


def test_the_teacher_has_no_gradient(objective):
    student, teacher, mask = logits()
    objective(student.requires_grad_(True), teacher.requires_grad_(True), mask).backward()
    assert student.grad is not None and teacher.grad is None


def test_places_outside_the_mask_play_no_part(objective):
    student, teacher, mask = logits()
    spoilt = student.masked_fill(~mask[..., None], math.nan)
    assert objective(spoilt, teacher, mask) == objective(student, teacher, mask)
    assert not gradient(objective, spoilt, teacher, mask)[~mask].any()


def test_the_ends_of_the_weight_are_the_two_divergences():
    """At the ends it jumps: just inside, the divergence is w or 1 - w times the same."""
    student, teacher, mask = logits(scale=1.0, dtype=torch.float64)
    forward, reverse = forward_kl(student, teacher, mask), reverse_kl(student, teacher, mask)
    assert jensen_shannon(student, teacher, mask, 0.0) == forward
    assert jensen_shannon(student, teacher, mask, 1.0) == reverse
    w = 1e-6
    torch.testing.assert_close(jensen_shannon(student, teacher, mask, w) / w, forward, rtol=1e-4, atol=0)
    torch.testing.assert_close(jensen_shannon(student, teacher, mask, 1 - w) / w, reverse, rtol=1e-4, atol=0)


def test_directions_differ_where_one_side_says_what_the_other_cannot():
    teacher, student = torch.zeros(1, 1, 3), torch.tensor([[[0.0, 0.0, -math.inf]]])
    mask = torch.tensor([[True]])
    assert forward_kl(student, teacher, mask) == math.inf
    assert reverse_kl(student, teacher, mask).item() == pytest.approx(math.log(1.5))
    assert reverse_kl(teacher, student, mask) == math.inf
    assert 0 < jensen_shannon(student, teacher, mask) < math.log(2)


def test_a_token_that_both_leave_out_plays_no_part(objective):
    student, teacher, mask = logits()
    expected, slope = objective(student, teacher, mask), gradient(objective, student, teacher, mask)
    student, teacher = (F.pad(x, (0, 1), value=-math.inf) for x in (student, teacher))
    torch.testing.assert_close(objective(student, teacher, mask), expected, rtol=1e-6, atol=0)
    torch.testing.assert_close(
        gradient(objective, student, teacher, mask), F.pad(slope, (0, 1)), rtol=1e-5, atol=1e-7
    )


def test_maximum_likelihood_is_forward_kl_to_the_tokens_themselves():
    student, _, mask = logits()
    tokens = torch.randint(7, mask.shape, generator=torch.Generator().manual_seed(1))
    teacher = torch.full_like(student, -math.inf).scatter_(-1, tokens[..., None], 0.0)
    expected = F.cross_entropy(student[mask], tokens[mask], reduction="sum")
    torch.testing.assert_close(forward_kl(student, teacher, mask).float(), expected)


def test_half_precision_logits_are_compared_in_single(objective):
    student, teacher, mask = logits(dtype=torch.bfloat16)
    expected = objective(student.float(), teacher.float(), mask)
    assert objective(student, teacher, mask) == expected and expected.dtype == torch.float64
    assert gradient(objective, student, teacher, mask).dtype == torch.bfloat16


class AsLarge(TorchDispatchMode):
    """Keeps every tensor of at least so many elements that is made, by its memory."""

    def __init__(self, elements):
        super().__init__()
        self.elements, self.made = elements, {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **kwargs or {})
        if isinstance(out, torch.Tensor) and out.numel() >= self.elements:
            self.made[out.data_ptr()] = out
        return out


def test_only_the_gradient_is_as_large_as_the_logits(objective, monkeypatch):
    monkeypatch.setattr(objectives, "_CHUNK", 101 * 10)
    student, teacher, mask = logits(shape=(4, 20, 101))
    with AsLarge(student.numel()) as large:
        total = objective(student.requires_grad_(True), teacher, mask)
        (found,) = torch.autograd.grad(total, student)
    given = {student.data_ptr(), teacher.data_ptr()}
    assert set(large.made) - given == {found.data_ptr()}
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda x: x):
        objective(student[:, :-1], teacher[:, :-1], mask[:, :-1])
    assert {x.untyped_storage().data_ptr() for x in kept if 101 in x.shape} <= given


def test_without_a_gradient_a_chunk_is_all_that_is_held(objective, monkeypatch):
    monkeypatch.setattr(objectives, "_CHUNK", 101 * 10)
    student, teacher, mask = logits(shape=(4, 20, 101))
    with AsLarge(101 * 10 + 1) as large, torch.no_grad():
        objective(student.requires_grad_(True), teacher, mask)
    assert set(large.made) <= {student.data_ptr(), teacher.data_ptr()}


def test_what_cannot_be_compared_is_refused(objective):
    student, teacher, mask = logits()
    with pytest.raises(ValueError, match=r"leaves none of 15 places.*leave such a batch out"):
        objective(student, teacher, torch.zeros_like(mask))
    with pytest.raises(
        ValueError, match=r"student's logits have shape \(3, 5, 7\), the teacher's \(3, 5, 6\)"
    ):
        objective(student, teacher[..., :6], mask)
    with pytest.raises(ValueError, match=r"boolean of shape \(3, 5\), got torch.bool of shape \(3, 4\)"):
        objective(student, teacher, mask[:, :4])
    with pytest.raises(ValueError, match=r"boolean of shape \(3, 5\), got torch.int64"):
        objective(student, teacher, mask.long())


@pytest.mark.parametrize("weight", [-0.1, 1.5, math.nan])
def test_a_weight_outside_its_range_is_refused(weight):
    with pytest.raises(ValueError, match=r"jsd_weight must be in \[0, 1\], got .*; 0 is forward KL"):
        jensen_shannon(*logits(), weight)


def test_names_of_objectives():
    with pytest.raises(ValueError, match="no objective 'kl'; choose forward_kl, reverse_kl, jensen_shannon"):
        measure("kl")
    with pytest.raises(ValueError, match=r"reverse_kl has no jsd_weight, got 0.5; leave it out"):
        measure("reverse_kl", 0.5)


@pytest.mark.parametrize("weight", [0.0, *WEIGHTS, 1.0])
def test_agrees_with_the_gkd_trainer_of_trl(weight):
    trl = pytest.importorskip("trl", reason="trl is a development extra")
    try:
        from trl.experimental.gkd import GKDTrainer  # where versions from 0.26 keep it
    except ImportError:
        GKDTrainer = trl.GKDTrainer
    student, teacher, mask = logits(scale=2.0)
    labels = torch.where(mask, 0, -100)
    expected = GKDTrainer.generalized_jsd_loss(student, teacher, labels, beta=weight, reduction="batchmean")
    found = jensen_shannon(student, teacher, mask, weight) / mask.sum()
    assert found.item() == pytest.approx(expected.item(), abs=1e-5)
