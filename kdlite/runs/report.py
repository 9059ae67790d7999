"""An audit for people and programs: one page that needs no other file, and the same numbers as JSON beside it.

Knows what an audit found, and its words; knows nothing of how it was measured.
"""

import re
from html import escape
from importlib import resources
from pathlib import Path

from kdlite import page
from kdlite.checks import check_path
from kdlite.distribution import Estimate
from kdlite.explorer.surprisal import Surprisal
from kdlite.runs import drawing
from kdlite.runs.audit import TAUS, Audit
from kdlite.runs.findings import rounded
from kdlite.runs.record import made_with
from kdlite.runs.verdict import NAMES, called, spell, verdict
from kdlite.store import write_json

_NUMBERS = {
    "Precision": "its texts under the truth",
    "Recall": "the truth's texts under it",
    "Entropy": "of its texts",
    "KL": "what it writes that the truth would not",
    "Repeats": "pairs of tokens said before in the text",
    "Coverage": "share of the truth's texts with one of its near",
}
_STYLE = """\
body { max-width: 860px; } h2 { font-size: 1.1rem; margin: 1.8em 0 0.4em; }
.verdict li:first-child { font-size: 1.15rem; font-weight: 600; } .verdict li { margin: 0.5em 0; }
.verdict { padding: 0; list-style: none; } .note, figcaption { color: var(--kd-muted); font-size: 0.9rem; }
figure { margin: 0; } svg { width: 100%; max-width: 560px; font: 12px system-ui, sans-serif; }
svg path { fill: none; stroke: currentColor; } svg text, svg circle { fill: currentColor; stroke: none; }
svg .lead { stroke-width: 6; stroke-linecap: round; opacity: 0.45; }
svg .axis { color: var(--kd-muted); } svg .grid { color: var(--kd-line); }
.student { color: var(--kd-student-text); } .direct { color: var(--kd-direct-text); }
.teacher { color: var(--kd-teacher); } .truth { color: var(--kd-truth); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 10px 4px 0; text-align: start; vertical-align: top; }
th small, td small { display: block; font-weight: 400; color: var(--kd-muted); white-space: nowrap; }
th small { white-space: normal; } tbody tr { border-top: 1px solid var(--kd-line); } h3 { margin: 1em 0 0; font-size: 1rem; }
dt { font-weight: 600; } dd { margin: 0 0 0.4em; overflow-wrap: anywhere; }"""


def to_dict(found: Audit) -> dict:
    """Plain values: of each role its numbers uncooled, and its curve; leads; the verdict; and what it was made of."""

    def plain(row: dict) -> dict:
        return {name: rounded(value) if isinstance(value, Estimate) else value for name, value in row.items()}

    def judged(gap: Estimate) -> dict:
        return {**rounded(gap), "called": called(gap)}

    by_role = {role: {**plain(rows[0]), "curve": list(map(plain, rows))} for role, rows in found.rows.items()}
    leads = {
        role: lead and judged(lead.gap) | {name: getattr(lead, name) for name in ("cooled", "tau", "recall")}
        for role, lead in found.leads.items()
    }
    return by_role | {
        "truth": plain(found.truth),
        "leads": leads,
        "gains": {role: {name: judged(gap) for name, gap in by.items()} for role, by in found.gains.items()},
        "verdict": verdict(found),
        "unit": "nats per token",
        "models": {role: model.source for role, model in found.models.items()},
        "n": found.n,
        "seed": found.seed,
        "length": found.models["truth"].length,
        "prompts": len(found.models["truth"].language.prompts),
        "provenance": made_with(),
    }


def save(found: Audit, path: str | Path) -> Path:
    """Write the page, and the JSON of the same name beside it; returns the latter's path.

    Raises:
        OSError: if one cannot be written, naming it.
    """
    path = check_path("path", path)
    plain = to_dict(found)
    write_json(path.with_suffix(".json"), plain)
    page.save(path, _body(found, plain), title="What the student has of the truth")
    return path.with_suffix(".json")


def _body(found: Audit, plain: dict) -> str:
    css = (resources.files("kdlite.explorer") / "explorer.css").read_text(encoding="utf-8")
    light, dark = ("".join(re.findall(r"--kd-[^;]*;", block)) for block in css.split("}")[:2])
    said = "".join(f"<li>{escape(text)}</li>" for text in plain["verdict"])
    texts = "".join(
        f"<h3 class='{role}'>{_title(role)}</h3>{Surprisal(reading, found.models['truth'].tokenizer)._repr_html_()}"
        for role, reading in found.readings.items()
    )
    facts = {_title(role): source or "made in memory" for role, source in plain["models"].items()}
    facts["Texts"] = (
        f"{found.n} of each model and temperature, after {plain['prompts']} prompt{'s' * (plain['prompts'] > 1)}, of at most "
        f"{plain['length']} tokens; seed {found.seed}"
    )
    facts["Made"] = ", ".join(plain["provenance"][name] for name in ("date", "commit", "device"))
    uncooled = {role: rows[0] for role, rows in found.rows.items()} | {"truth": found.truth}
    every = "".join(
        f"<h3 class='{role}'>{_title(role)}</h3>{_table({_tau(row): row for row in rows})}"
        for role, rows in found.rows.items()
    )
    return f"""<style>:root {{ {light} }} @media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}
{_STYLE}</style>
<ul class="verdict">{said}</ul>
<p class="note">All in nats per token ± standard error over texts. A difference within twice its error is called none. What
another training of the same student would change is not in these errors. Between two temperatures a curve is drawn straight,
which leaves it about 0.01 low at most places.</p>
<figure>{drawing.frontier(found)}<figcaption>Precision against recall as each model is cooled from τ = {TAUS[0]:g} (large dot) to
{TAUS[-1]:g}; crosses are standard errors. A model that writes and scores as the truth does lies on the truth's dot. The
thick line is the first lead above, at equal recall.</figcaption></figure>
<h2>Uncooled</h2>{_table({_title(role): row for role, row in uncooled.items()})}
<details><summary>Every temperature</summary>{every}</details>
<h2>Their texts, as the truth reads them</h2>
<p>The first that each wrote, none chosen. Tap a token, or go from one to the next with the arrow keys, for its own number.</p>
{texts}
<h2>What this was made of</h2><dl>{"".join(f"<dt>{k}</dt><dd>{escape(v)}</dd>" for k, v in facts.items())}</dl>"""


def _title(role: str) -> str:
    return NAMES[role].removeprefix("the ").capitalize()


def _tau(row: dict) -> str:
    return f"τ = {row['tau']:g}"


def _table(columns: dict[str, dict]) -> str:
    """A row a number, a column a model or a temperature."""
    head = "".join(f'<th scope="col">{name}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{name}<small>{what}</small></th>{"".join(_cell(row.get(name.lower())) for row in columns.values())}</tr>'
        for name, what in _NUMBERS.items()
    )
    return f'<div class="wide" tabindex="0"><table><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(value: Estimate | None) -> str:
    number, error = spell(value).split(" ± ") if value else ("", "")
    return f"<td>{number}<small>{error and '± '}{error}</small></td>"
