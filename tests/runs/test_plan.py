"""What a run will take: counted against closed forms, against real tensors, and at the full size of the paper."""

import re
from collections import namedtuple
from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from kdlite.cli import main
from kdlite.lm import Language, Profile, Results, Shape, new, plan, run
from kdlite.lm.packing import pack
from kdlite.lm.scoring import TokenLoss
from kdlite.runs import tracing
from kdlite.runs.devices import find
from kdlite.runs.stages import stages
from kdlite.texts.results import records

SHAPE = Shape(hidden=24, layers=3, heads=6, key_heads=2, mlp=40)
LANGUAGE = Language(vocabulary=50, length=80, prompt=(7,))  # 80 steps: looks after 32, 64 and 80
ROWS, WIDTH = 4, 80
SMOKE = Profile.load("smoke")
RECORDED = [Results.recorded(name) for name in records()]
# What `plan cpu` measured of the two cores that the run was recorded on, just before it began.
RATES = {torch.float32: 188e9, torch.bfloat16: 428e9}
BANDWIDTH = 38e9


def products(shape: Shape, tokens: int) -> int:
    """Operations of tokens through all matrices but the head."""
    keys = shape.key_heads * shape.hidden // shape.heads
    matrices = 2 * shape.hidden**2 + 2 * shape.hidden * keys + 3 * shape.hidden * shape.mlp
    return 2 * shape.layers * matrices * tokens


def head(shape: Shape, vocabulary: int, tokens: int) -> int:
    return 2 * shape.hidden * vocabulary * tokens


def attention(shape: Shape, tokens: int, span: int) -> int:
    """Scores and weighted sums of tokens that look at a span of places."""
    return 2 * 2 * shape.layers * shape.hidden * tokens * span


def forward(shape: Shape, vocabulary: int, rows: int, width: int) -> int:
    tokens = rows * width
    return products(shape, tokens) + head(shape, vocabulary, tokens) + attention(shape, tokens, width)


def drawn(shape: Shape, vocabulary: int, rows: int, spans: list[int]) -> int:
    """Operations of one step for each span."""
    tokens = rows * len(spans)
    looked = sum(attention(shape, rows, span) for span in spans)
    return products(shape, tokens) + head(shape, vocabulary, tokens) + looked


def spans(length: int) -> list[int]:
    """What each step looks back over: the cache up to the next look, with one token of prompt."""
    return [1 + min(step // 32 * 32 + 32, length) for step in range(length)]


def test_operations_are_those_of_the_closed_form():
    mean = 2 * ROWS * WIDTH * SHAPE.hidden  # of the hidden states, which is where a text lies
    reading = tracing.reading(SHAPE, LANGUAGE, ROWS, torch.float32)
    assert reading.operations == forward(SHAPE, 50, ROWS, WIDTH) + mean
    assert tracing.validating(SHAPE, LANGUAGE, ROWS).operations == forward(SHAPE, 50, ROWS, WIDTH)
    assert tracing.drawing(SHAPE, LANGUAGE, ROWS, torch.float32).operations == drawn(
        SHAPE, 50, ROWS, spans(80)
    )


def test_a_gradient_takes_twice_the_forward_pass():
    whole = tracing.fitting(SHAPE, LANGUAGE, ROWS, train_embeddings=True).operations
    assert whole == 3 * forward(SHAPE, 50, ROWS, WIDTH)


def test_frozen_embeddings_need_no_gradient_of_the_head_and_no_moments():
    whole, frozen = (tracing.fitting(SHAPE, LANGUAGE, ROWS, train) for train in (True, False))
    assert whole.operations - frozen.operations == head(SHAPE, 50, ROWS * WIDTH)
    assert whole.memory - frozen.memory >= 3 * 4 * 50 * SHAPE.hidden  # gradient and two moments, float32


@pytest.fixture
def real():
    model = new(SHAPE, LANGUAGE)
    model.model.set_attn_implementation(
        "eager"
    )  # the counter knows its products, but not torch's fused attention
    return model


def counted(work) -> int:
    with FlopCounterMode(display=False) as counter:
        work()
    return counter.get_total_flops()


def test_tensors_without_content_count_as_real_ones_do(real):
    texts = real.sample(ROWS, seed=0)
    drawing = tracing.drawing(SHAPE, LANGUAGE, ROWS, torch.float32)
    assert counted(lambda: real.sample(ROWS, seed=0, batch=ROWS)) == drawing.operations
    assert (
        counted(lambda: real.read(texts)) == tracing.reading(SHAPE, LANGUAGE, ROWS, torch.float32).operations
    )
    rows = pack(texts, LANGUAGE)
    inputs = [torch.from_numpy(a) for a in (rows.ids, rows.targets, rows.positions, rows.mask())]
    loss = TokenLoss(real.model.requires_grad_(True), None)
    fitting = tracing.fitting(SHAPE, LANGUAGE, ROWS, train_embeddings=True)
    assert counted(lambda: loss(*inputs).backward()) == fitting.operations
    validating = tracing.validating(SHAPE, LANGUAGE, ROWS)
    assert counted(lambda: torch.no_grad()(loss)(*inputs)) == validating.operations


def test_a_draw_moves_weights_and_cache_at_every_step_and_holds_them():
    one, two = (tracing.drawing(SHAPE, LANGUAGE, n, torch.float32) for n in (ROWS, 2 * ROWS))
    weights = 4 * tracing.parameters(SHAPE, LANGUAGE)
    row = 4 * 2 * SHAPE.layers * SHAPE.key_heads * SHAPE.hidden // SHAPE.heads  # of the cache, a place
    assert one.bytes > 80 * 0.9 * weights + ROWS * row * sum(spans(80))  # 0.9: norms are in no product
    assert two.bytes - one.bytes > ROWS * row * sum(spans(80))
    assert one.memory > weights + ROWS * row * 81
    assert two.memory - one.memory > ROWS * row * 81


def test_bfloat16_halves_what_a_draw_moves():
    wide, narrow = (tracing.drawing(SHAPE, LANGUAGE, ROWS, d) for d in (torch.float32, torch.bfloat16))
    assert narrow.operations == wide.operations
    assert narrow.bytes == wide.bytes / 2


@pytest.mark.parametrize(
    ("name", "device"), [("smoke", "t4"), ("toy", "t4"), ("colab", "t4"), ("paper", "h100")]
)
def test_every_stage_has_one_row(name, device):
    profile = Profile.load(name)
    found = plan(profile, device)
    assert [row.stage for row in found.rows] == [stage.name for stage in stages(profile)]
    assert found.total.hours == pytest.approx(sum(row.hours for row in found.rows))


def test_the_paper_fits_together_at_full_size():
    profile, found = Profile.load("paper"), plan(Profile.load("paper"), "h100")
    rows = {row.stage: row for row in found.rows}
    truth, teacher, student = (
        Shape(2048, 24, 32, 32, 8192),
        Shape(960, 32, 15, 5, 2560),
        Shape(576, 30, 9, 3, 1536),
    )
    for name, shape in (("truth-train", truth), ("lesson-0.8", teacher)):
        assert rows[name].operations == pytest.approx(drawn(shape, 49_152, 10_000_000, spans(512)))
        assert rows[name].bound == "bandwidth"
    for name, shape, epochs, steps in (("teacher", teacher, 5, 5000), ("distilled-0.8-s4", student, 1, 4000)):
        looks = -(-epochs * 39_063 // steps)
        passes = 3 * epochs * 10_000_000 + looks * 100_000
        assert rows[name].operations == pytest.approx(passes * forward(shape, 49_152, 1, 512))
        assert looks * 100_000 < 0.05 * 3 * epochs * 10_000_000  # looks are a small part
    assert not found.short
    assert found.total.disk == pytest.approx(80e9, rel=0.05)
    assert len(profile.seeds) == 5


def test_the_colab_profile_fits_a_t4_in_one_to_two_hours():
    found = plan(Profile.load("colab"), "t4")
    assert not found.short
    assert 1 < found.total.hours < 2


def test_memory_that_does_not_suffice_is_reported():
    small = replace(find("t4"), memory=3e9)
    found = plan(Profile.load("colab"), small)
    assert len(found.short) == 1
    assert re.search(
        r"teacher: \d\.\d+ GB of memory needed, one T4 has 3 GB; lower rows_per_pass", found.short[0]
    )
    assert "does not fit: teacher: " in str(found)
    all_short = plan(Profile.load("colab"), replace(small, memory=1e8)).short
    assert [reason.split(":")[0] for reason in all_short] == [
        *(
            "truth-train",
            "truth-validation",
            "truth-score",
            "truth-points",
            "teacher",
            "lesson-1 and 4 alike",
        ),
        *("direct-s0 and 17 alike", "score-teacher-1-s0 and 4 alike", "score-cooled-1-s0 and 29 alike"),
    ]
    assert "lower batch" in all_short[0]


def free(monkeypatch, size):
    usage = namedtuple("usage", "total used free")(0, 0, size)
    monkeypatch.setattr("kdlite.runs.footprint.shutil.disk_usage", lambda folder: usage)


def test_a_disk_that_does_not_suffice_is_reported(monkeypatch, tmp_path):
    free(monkeypatch, 1000)
    (reason,) = plan(SMOKE, "t4", tmp_path / "not" / "there").short
    assert (
        f"772 kB are still to be written to {tmp_path / 'not' / 'there'}, where 1 kB of disk are free"
        in reason
    )
    assert not plan(SMOKE, "t4").short  # nobody asked


def test_a_run_whose_disk_does_not_suffice_is_refused(monkeypatch, tmp_path):
    free(monkeypatch, 1000)
    with pytest.raises(OSError, match="1 kB of disk are free"):
        run(SMOKE, tmp_path / "out")
    assert not any((tmp_path / "out" / stage.name).exists() for stage in stages(SMOKE))


def test_what_is_on_the_disk_needs_no_room(monkeypatch, tmp_path):
    todo = list(stages(SMOKE))
    for stage in todo:
        (tmp_path / stage.name).mkdir()
        (tmp_path / stage.name / "stage.json").write_text("{}")
    free(monkeypatch, 0)
    assert not plan(SMOKE, "t4", tmp_path).short
    (tmp_path / "lesson-1" / "stage.json").unlink()
    (tmp_path / "lesson-1" / "00000.parquet").write_bytes(bytes(4000))  # of 256 texts of 40 bytes
    assert "6.24 kB are still to be written" in plan(SMOKE, "t4", tmp_path).short[0]


def test_trained_weights_are_as_large_as_planned(tmp_path):
    run(SMOKE, tmp_path)
    rows = {row.stage: row for row in plan(SMOKE, "t4").rows}
    for name in ("teacher", "direct-s1"):
        size = (tmp_path / name / "model.safetensors").stat().st_size
        assert size == pytest.approx(rows[name].disk, rel=0.1)


def test_a_processor_is_measured():
    device = find("cpu")
    assert device.rates[torch.float32] > 1e9 and device.bandwidth > 1e8 and device.memory > 1e8
    assert "measured" in str(device)


@pytest.mark.parametrize("results", [r for r in RECORDED if r.profile["name"] == "cpu"])
def test_an_estimate_is_within_a_factor_of_two_of_the_recorded_run(results):
    profile = Profile.of("cpu", results.profile)
    there = replace(find("cpu"), rates=RATES, sampling=torch.bfloat16, bandwidth=BANDWIDTH)
    hours = sum(results.provenance["seconds"].values()) / 3600
    assert 0.5 < plan(profile, there).total.hours / hours < 2


def test_gpus_say_that_nothing_was_measured():
    for name, rate in (("h100", "989 in bfloat16"), ("a100", "312 in bfloat16"), ("t4", "8.1 in float32")):
        text = " ".join(str(plan(SMOKE, name)).split())
        assert rate in text and "the vendor's peaks" in text and "40%: assumed, not measured" in text


def test_an_unknown_device_is_named():
    with pytest.raises(ValueError, match="unknown device 'abacus'; known are h100, a100, t4, cpu"):
        plan(SMOKE, "abacus")


def test_an_unknown_truth_is_named():
    profile = Profile.load("colab")
    with pytest.raises(ValueError, match=r"shape of 'Other' is not known; known are SmolLM2-1\.7B"):
        plan(replace(profile, truth=replace(profile.truth, name="Other")), "t4")


def test_the_command_prints_a_table(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["kdlite", "plan", "smoke", "--device", "t4"])
    assert main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "smoke: 23 stages on one T4"
    assert any(line.startswith("lesson-1 and 1 alike ") for line in lines)
    assert max(map(len, lines)) <= 100


def test_the_command_names_the_devices(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["kdlite", "plan", "smoke", "--device", "abacus"])
    assert main() == 2
    assert capsys.readouterr().err == "error: unknown device 'abacus'; known are h100, a100, t4, cpu\n"
