"""What an audit says in words, each difference with its error; one within twice its error is called none.

Knows what an audit found; knows nothing of how it was measured or is shown.
"""

import math

from kdlite.distribution import Estimate
from kdlite.runs.audit import TAUS, Audit, Lead

NAMES = {
    "student": "the student",
    "direct": "the direct student",
    "teacher": "the teacher",
    "truth": "the truth",
}
_UNIT = "nats per token"


def spell(value: Estimate) -> str:
    """An estimate for people, with two digits, or more where its error is small: "−2.75 ± 0.02"."""
    digits = 2
    if 0 < value.stderr < 0.01:
        digits = min(4, math.ceil(-math.log10(value.stderr)))
    return f"{value.value:.{digits}f} ± {value.stderr:.{digits}f}".replace("-", "−")


def difference(a: Estimate, b: Estimate) -> Estimate:
    """a - b of independent texts."""
    return Estimate(a.value - b.value, math.hypot(a.stderr, b.stderr), min(a.n, b.n))


def clear(gap: Estimate) -> bool:
    """Whether a difference is beyond twice its error."""
    return abs(gap.value) > 2 * gap.stderr


def called(gap: Estimate) -> str:
    """ "ahead", "behind", or "none"."""
    return "none" if not clear(gap) else "ahead" if gap.value > 0 else "behind"


def verdict(found: Audit) -> list[str]:
    """Sentences, the most important first."""
    by_role = {role: [_lead(role, lead), _gain(role, found)] for role, lead in found.leads.items()}
    without = (
        "What cooling would have bought for nothing cannot be said without a direct student: one of the same size that "
        "learned from the truth's own texts (--direct)."
    )
    return [*by_role.get("direct", [without]), *_loops(found), _own(found), *by_role.get("teacher", [])]


def _lead(role: str, lead: Lead | None) -> str:
    if lead is None:
        return (
            f"No temperature from {TAUS[0]:g} to {TAUS[-1]:g} brings the student and {NAMES[role]} to the same recall, so "
            "there is no lead of one over the other."
        )
    names = {one: NAMES[one] for one in ("student", role)}
    names[lead.cooled] += f" cooled to τ = {lead.tau:.2f}" if lead.tau < 0.995 else ""
    still = role if lead.cooled == "student" else "student"
    if not clear(lead.gap):
        return f"At the same recall, {names[lead.cooled]} does as well as {names[still]}: {spell(lead.gap)} {_UNIT}."
    won, lost = ("student", role) if lead.gap.value > 0 else (role, "student")
    gap = lead.gap._replace(value=abs(lead.gap.value))
    said = f"At the same recall, {names[won]} is {spell(gap)} {_UNIT} more precise than {names[lost]}"
    if role != "direct":
        return f"{said}."
    bought = (
        "cooling alone would not have bought that" if won == "student" else "cooling would have bought more"
    )
    return f"{said}: {bought}."


def _gain(role: str, found: Audit) -> str:
    """What parts the two as they are, and which part of precision it is."""
    gains, (own, other) = found.gains[role], (found.rows[one][0] for one in ("student", role))
    said = [
        f"{abs(gain.value):.2f} ± {gain.stderr:.2f} {'higher' if gain.value > 0 else 'lower'}"
        if clear(gain)
        else f"no different ({spell(gain)})"
        for gain in (gains["precision"], gains["recall"])
    ]
    text = f"Uncooled, against {NAMES[role]}, the student's precision is {said[0]} and its recall {said[1]}."
    if not clear(gains["precision"]):
        return text
    entropy, kl = (spell(difference(other[name], own[name])) for name in ("entropy", "kl"))
    return f"{text} Of the difference in precision, {entropy} comes from its entropy and {kl} from its KL from the truth."


def _own(found: Audit) -> str:
    own = {name: spell(value) for name, value in found.rows["student"][0].items() if name != "tau"}
    best = found.truth["entropy"]
    return (
        f"By itself, the student has a precision of {own['precision']}, which is minus its entropy, {own['entropy']}, and minus "
        f"its KL from the truth, {own['kl']}. Its recall is {own['recall']}; the best possible one, minus the truth's entropy, "
        f"is {spell(best._replace(value=-best.value))}."
    )


def _loops(found: Audit) -> list[str]:
    own, truth = found.rows["student"][0]["repeats"], found.truth["repeats"]
    if called(difference(own, truth)) != "ahead":
        return []
    return [
        f"The student repeats itself: {own.value:.0%} of its pairs of neighbouring tokens were in the same text before, of the "
        f"truth's {truth.value:.0%}. Some of its precision may be loops."
    ]
