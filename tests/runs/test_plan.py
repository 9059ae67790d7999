"""What a run will take: against torch's own counter, against what a run leaves, and at the full size of the paper."""

import json
from collections import namedtuple
from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from kdlite.cli import main
from kdlite.lm import Language, Profile, Results, Shape, new, plan, run
from kdlite.lm.packing import pack
from kdlite.lm.scoring import TokenLoss
from kdlite.runs.costs import forward, parameters, places
from kdlite.runs.devices import find, measured
from kdlite.runs.stages import stages
from kdlite.texts.results import folder, records

ROWS = 4
LANGUAGE = Language(vocabulary=50, length=80, prompt=(7,))  # 80 steps: looks after 32, 64 and 80
SMOKE = Profile.load("smoke")
RECORDED = [Results.recorded(name) for name in records()]
# What `plan cpu` measured of the two cores that the run was recorded on, just before it began.
RATES = {"float32": 188e9, "bfloat16": 428e9}
BANDWIDTH = 38e9


@pytest.mark.parametrize(
    "shape", [Shape(24, 3, 6, 2, 40), Shape(64, 2, 4, 4, 96)], ids=["shared-keys", "own-keys"]
)
def test_operations_are_those_that_torch_counts(shape):
    model = new(shape, LANGUAGE)
    # The counter knows the products of this attention, but not torch's fused one.
    model.model.set_attn_implementation("eager")
    assert parameters(shape, 50) == sum(p.numel() for p in model.model.parameters())

    def counted(work) -> int:
        with FlopCounterMode(display=False) as counter:
            work()
        return counter.get_total_flops()

    texts = model.sample(ROWS, seed=0)
    drawn = counted(lambda: model.sample(ROWS, seed=0, batch=ROWS))
    assert drawn == pytest.approx(ROWS * 80 * forward(shape, 50, places(LANGUAGE)), rel=0.03)
    once = ROWS * 80 * forward(shape, 50, 80)
    assert counted(lambda: model.read(texts)) == pytest.approx(once, rel=0.03)
    rows = pack(texts, LANGUAGE)
    inputs = [torch.from_numpy(a) for a in (rows.ids, rows.targets, rows.positions, rows.mask())]
    loss = TokenLoss(model.model.requires_grad_(True), None)
    assert counted(lambda: loss(*inputs).backward()) == pytest.approx(3 * once, rel=0.03)


@pytest.mark.parametrize("name", ["smoke", "toy", "knobs", "colab", "stories"])
def test_every_stage_has_one_row(name):
    profile = Profile.load(name)
    found = plan(profile, "t4")
    assert [row.stage for row in found.rows] == [stage.name for stage in stages(profile)]
    assert found.total.hours == pytest.approx(sum(row.hours for row in found.rows))


def test_the_paper_fits_together_at_full_size():
    profile, found = Profile.load("paper"), plan(Profile.load("paper"), "h100")
    rows = {row.stage: row for row in found.rows}
    assert rows["truth-train"].bound == "bandwidth" and rows["teacher"].bound == "arithmetic"
    token = rows["teacher"].operations / (5 * 10_000_000 * 512)  # five epochs
    assert token == pytest.approx(6 * 362e6, rel=0.25)  # six operations a parameter, attention, and looks
    assert not found.short
    assert found.total.disk == pytest.approx(80e9, rel=0.05)
    assert len(profile.seeds) == 5


def test_measured_rates_give_the_hours_that_were_measured(tmp_path):
    """Of drawing at a shape and a batch that were measured, to the approximation of the cache's mean length."""
    record = folder() / "gpu" / "h200.json"
    steps, paper = json.loads(record.read_text())["steps"], Profile.load("paper")
    (row,) = [r for r in steps["draw-1.7B"]["figures"]["batches"] if r["batch"] == 512]
    found = plan(replace(paper, batch=512), measured(record)).rows[0]
    assert found.stage == "truth-train"
    tokens = paper.texts.train * paper.truth.length
    assert found.hours == pytest.approx(tokens / row["tokens/s"] / 3600, rel=0.08)
    step = steps["train-360M"]["figures"]  # six operations a parameter and token; attention comes on top
    seconds = 5 * paper.texts.train * paper.truth.length / step["packed"]["tokens/s"]
    teacher = plan(paper, measured(record)).rows[4]
    assert teacher.stage == "teacher" and teacher.hours == pytest.approx(seconds / 3600, rel=0.25)
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(ValueError, match=r"other\.json is no record of make gpu"):
        measured(tmp_path / "other.json")


def test_devices_share_whole_shards_steps_and_scores():
    one, many = (plan(SMOKE, "t4", n=n) for n in (1, 3))
    jobs = {stage.name: type(stage.job).__name__ for stage in stages(SMOKE)}
    ratios = {jobs[a.stage]: b.hours / a.hours for a, b in zip(one.rows, many.rows, strict=True)}
    assert ratios["Fit"] == pytest.approx(1 / 3)
    assert ratios["Embed"] == ratios["Score"] == 1
    rest = sum(row.hours for row in many.rows if jobs[row.stage] != "Score")
    scores = [row.hours for row in many.rows if jobs[row.stage] == "Score"]
    assert max(scores) <= many.total.hours - rest < sum(scores)
    whole = replace(SMOKE, texts=replace(SMOKE.texts, shard=SMOKE.texts.train // 2))  # two, for three devices
    drawn = [plan(whole, "t4", n=n).rows[0].hours for n in (1, 3)]
    assert drawn[1] == pytest.approx(drawn[0] / 2)


def test_memory_that_does_not_suffice_is_reported():
    colab, small = Profile.load("colab"), replace(find("t4"), memory=3e9)
    (reason,) = plan(colab, small).short[:1]
    assert reason.startswith("teacher: 6.13 GB of memory needed, one T4 has 3 GB; lower rows_per_pass")
    all_short = plan(colab, replace(small, memory=1e8)).short
    assert all_short[0].startswith("truth-train: ") and "lower batch" in all_short[0]
    host = replace(small, name="cpu", memory=6e9)  # whose memory is also the libraries'
    assert "teacher" in plan(colab, host).short[0]


def free(monkeypatch, size):
    usage = namedtuple("usage", "total used free")(0, 0, size)
    monkeypatch.setattr("kdlite.runs.costs.shutil.disk_usage", lambda folder: usage)


def test_a_disk_that_does_not_suffice_is_reported_and_a_run_refused(monkeypatch, tmp_path):
    free(monkeypatch, 1000)
    out = tmp_path / "not" / "there"
    (reason,) = plan(SMOKE, "t4", out).short
    assert f"772 kB are still to be written to {out}, where 1 kB of disk are free" in reason
    assert not plan(SMOKE, "t4").short  # nobody asked
    with pytest.raises(OSError, match="1 kB of disk are free"):
        run(SMOKE, out)
    assert not any((out / stage.name).exists() for stage in stages(SMOKE))


def test_what_is_on_the_disk_needs_no_room(monkeypatch, tmp_path):
    for stage in stages(SMOKE):
        (tmp_path / stage.name).mkdir()
        (tmp_path / stage.name / "stage.json").write_text("{}")
    free(monkeypatch, 0)
    assert not plan(SMOKE, "t4", tmp_path).short
    (tmp_path / "lesson-1" / "stage.json").unlink()
    (tmp_path / "lesson-1" / "00000.parquet").write_bytes(bytes(4000))  # of 256 texts of 40 bytes
    assert "6.24 kB are still to be written" in plan(SMOKE, "t4", tmp_path).short[0]


def test_trained_weights_are_as_large_as_planned(smoke):
    rows = {row.stage: row for row in plan(SMOKE, "t4").rows}
    for name in ("teacher", "direct-s1"):
        size = (smoke / name / "model.safetensors").stat().st_size
        assert size == pytest.approx(rows[name].disk, rel=0.1)


@pytest.mark.parametrize("results", [r for r in RECORDED if r.profile["name"] == "cpu"])
def test_an_estimate_is_within_a_factor_of_two_of_the_recorded_run(results):
    there = replace(find("cpu"), rates=RATES, bandwidth=BANDWIDTH)
    hours = sum(results.provenance["seconds"].values()) / 3600
    assert 0.5 < plan(Profile.of("cpu", results.profile), there).total.hours / hours < 2


def test_an_unknown_device_or_truth_is_named():
    with pytest.raises(ValueError, match="unknown device 'abacus'; known are h200, h100, a100, t4, cpu"):
        plan(SMOKE, "abacus")
    profile = Profile.load("colab")
    with pytest.raises(ValueError, match=r"unknown model 'Other'; pass a folder that exists, a Hub id"):
        plan(replace(profile, truth=replace(profile.truth, name="Other")), "t4")


def test_the_command_prints_a_table(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["kdlite", "plan", "smoke", "--device", "t4"])
    assert main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "smoke: 23 stages on one T4"
    assert any(line.startswith("lesson-1 and 1 alike ") for line in lines)
    assert max(map(len, lines)) <= 100
    record = str(folder() / "gpu" / "h200.json")
    monkeypatch.setattr("sys.argv", ["kdlite", "plan", "smoke", "--measured", record, "-n", "2"])
    assert main() == 0 and "smoke: 23 stages on 2 H200 SXM" in capsys.readouterr().out
