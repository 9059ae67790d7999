"""An audit, as a stranger with models of their own meets it, and against what is known of it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from bs4 import BeautifulSoup
from languages import llama
from strangers import train

import kdlite as kd
from kdlite.frontier import Curve
from kdlite.lm import Language
from kdlite.runs import report
from kdlite.runs.audit import TAUS, Auditing, lead
from kdlite.runs.verdict import clear, verdict

LANGUAGE = Language(12, 8, (11, 3), eos=2, begin=11)
MODEL = llama(LANGUAGE)
MODELS = {
    "truth": MODEL.sharpen(1.3),
    "student": MODEL.sharpen(1.5),
    "direct": MODEL,
    "teacher": llama(LANGUAGE, seed=5),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return Auditing(MODELS, tmp_path_factory.mktemp("audit") / "texts", n=100, seed=3).carry_out()


@pytest.fixture(scope="session")
def strangers(once):
    """The folder of three models, none of which has met kdlite."""

    def make(folder):
        train("llama", 300, folder / "truth", seed=1)
        train("gpt2", 150, folder / "good", seed=2)
        train("llama", 30, folder / "poor", seed=3)

    return once("strangers", make)[0]


CHATS = [json.dumps({"messages": [{"role": "user", "content": f"w{i}"}]}) for i in range(20)]
ASKED = {"one prompt": ["<user> w1 <assistant>"], "twenty chats": CHATS}


@pytest.mark.slow
@pytest.mark.parametrize("asked", ASKED)
def test_a_strangers_better_model_is_ahead(asked, strangers, command, tmp_path):
    models = ["--truth", strangers / "truth", "--student", strangers / "good", "--direct", strangers / "poor"]
    words = [
        *models,
        "--prompt",
        "<user> w1 <assistant>",
        "--length",
        16,
        "--n",
        96,
        "--out",
        tmp_path / "r.html",
    ]
    status, said, _ = command("audit", *words)
    plain = json.loads((tmp_path / "r.json").read_text())
    good, poor = (plain[role] for role in ("student", "direct"))
    assert status == 0 and plain["leads"]["direct"]["called"] == "ahead"
    for name, sign in (("kl", -1), ("recall", 1)):
        gap = sign * (good[name]["value"] - poor[name]["value"])
        assert gap > (2 * np.hypot(good[name]["stderr"], poor[name]["stderr"]) if name == "kl" else 0)
    assert "more precise than the direct student" in said.splitlines()[0]


def test_uncooled_numbers_are_those_of_the_two_functions(found):
    for role in ("student", "direct", "teacher"):
        first = found.rows[role][0]
        for name, function in (("precision", kd.precision), ("recall", kd.recall)):
            expected = function(MODELS[role], truth=MODELS["truth"], n=100, seed=3)
            assert first[name] == pytest.approx(expected, rel=1e-5)
        assert first["precision"].value == pytest.approx(-first["entropy"].value - first["kl"].value)


def test_a_student_that_is_the_direct_one_cooled_has_no_lead(found):
    lead = found.leads["direct"]
    assert lead.cooled == "direct" and lead.tau == pytest.approx(1 / 1.5, abs=0.05)
    assert not clear(lead.gap)
    assert verdict(found)[0].startswith(
        f"At the same recall, the direct student cooled to τ = {lead.tau:.2f} does as well"
    )


def test_whoever_says_more_is_cooled_to_the_others_recall():
    """On curves straight in recall: where they overlap, one is 0.5 above the other."""
    taus = np.array(TAUS)
    wide = Curve(np.vstack([-2 - taus] * 3), np.vstack([-3 + taus] * 3))
    narrow = Curve(np.vstack([-1.5 - taus + 0.25] * 3), np.vstack([-3 + taus - 0.25] * 3))
    one, other = lead(narrow, wide, "direct", 9), lead(wide, narrow, "direct", 9)
    assert (one.cooled, other.cooled) == ("direct", "student")
    assert one.gap.value == pytest.approx(0.5) and other.gap.value == pytest.approx(-0.5)
    assert one.tau == other.tau == pytest.approx(0.75) and one.recall == other.recall == -2.25
    assert lead(Curve(narrow.precision, narrow.recall - 9), wide, "direct", 9) is None


def test_killed_it_ends_with_what_it_would_have_ended_with(found, tmp_path, monkeypatch):
    settings = []
    whole = Auditing._measure

    def measure(self, name, role, tau):
        if len(settings) == 3:
            settings.append("killed")
            raise KeyboardInterrupt
        settings.append(name)
        whole(self, name, role, tau)

    monkeypatch.setattr(Auditing, "_measure", measure)
    with pytest.raises(KeyboardInterrupt):
        Auditing(MODELS, tmp_path, n=100, seed=3).carry_out()
    again = Auditing(MODELS, tmp_path, n=100, seed=3)
    assert "19 of 22 settings are left" in again.forecast()
    plain = report.to_dict(again.carry_out())
    assert plain == report.to_dict(found)
    assert len(settings) == len(set(settings)) == 3 * len(TAUS) + 2


def test_two_models_are_enough_and_other_numbers_do_not_mix_with_theirs(tmp_path):
    two = {role: MODELS[role] for role in ("truth", "student")}
    assert "cannot be said without a direct student" in verdict(Auditing(two, tmp_path, n=6).carry_out())[0]
    with pytest.raises(ValueError, match="n is 6, now it is 7; choose another folder"):
        Auditing(two, tmp_path, n=7).carry_out()


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [("teacher", "student and truth can still be compared: leave out --teacher"),
     ("student", "what can still be compared is each with a truth of its own tokenizer")],
)  # fmt: skip
def test_another_tokenizer_is_refused_with_what_can_be_compared(wrong, remedy, tmp_path):
    other = replace(MODEL, language=replace(LANGUAGE, tokenizer="bbb"))
    known = {k: replace(m, language=replace(LANGUAGE, tokenizer="aaa")) for k, m in MODELS.items()}
    with pytest.raises(
        ValueError, match=f"tokenizer of the {wrong} is bbb, that of the truth is aaa"
    ) as error:
        Auditing(known | {wrong: other}, tmp_path)
    assert remedy in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_the_page_asks_nobody_and_says_what_the_json_says(found, tmp_path):
    table = report.save(found, tmp_path / "r.html")
    plain, page = (
        json.loads(table.read_text()),
        BeautifulSoup((tmp_path / "r.html").read_text(), "html.parser"),
    )
    assert page.find_all(["script", "link", "img", "iframe"]) == [] and page.find_all(src=True) == []
    assert [li.get_text() for li in page.select(".verdict li")] == plain["verdict"] == verdict(found)
    assert {text.get_text() for text in page.select("svg text")} >= {
        "student",
        "direct student",
        "teacher",
        "truth",
    }
    assert "--kd-student: #D55E00" in str(page.main.style) and "color-scheme: dark" in str(page.main.style)
    own = plain["student"]["precision"]
    assert own == {
        "value": round(found.rows["student"][0]["precision"].value, 4),
        "stderr": own["stderr"],
        "n": 100,
    }
    assert len(page.select(".kd-surprisal")) == 4
