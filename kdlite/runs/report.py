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

COLUMNS = {
    "precision": "its texts under the truth",
    "recall": "the truth's texts under it",
    "entropy": "of its texts",
    "kl": "what it writes that the truth would not",
    "repeats": "pairs of tokens said before in the text",
    "coverage": "share of the truth's texts with one of its near",
}
_STYLE = """\
body { max-width: 860px; } h2 { font-size: 1.1rem; margin: 1.8em 0 0.4em; }
.verdict li:first-child { font-size: 1.15rem; font-weight: 600; } .verdict li { margin: 0.5em 0; }
.verdict { padding: 0; list-style: none; } .note, figcaption, caption { color: var(--kd-muted); font-size: 0.9rem; }
figure { margin: 0; } svg { width: 100%; max-width: 560px; font: 12px system-ui, sans-serif; }
svg path { fill: none; stroke: currentColor; } svg text, svg circle { fill: currentColor; stroke: none; }
svg .lead { stroke-width: 4; stroke-linecap: round; }
svg .axis { color: var(--kd-muted); } svg .grid { color: var(--kd-line); }
.student { color: var(--kd-student-text); } .direct { color: var(--kd-direct-text); }
.teacher { color: var(--kd-teacher); } .truth { color: var(--kd-truth); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: start; } th, td { padding: 4px 10px 4px 0; text-align: start; vertical-align: top; }
th small, td small { display: block; font-weight: 400; color: var(--kd-muted); white-space: nowrap; }
th small { white-space: normal; } tbody tr { border-top: 1px solid var(--kd-line); } h3 { margin: 1em 0 0; font-size: 1rem; }
dt { font-weight: 600; } dd { margin: 0 0 0.4em; overflow-wrap: anywhere; }"""


def to_dict(found: Audit) -> dict:
    """Plain values: of each role its numbers uncooled, and its curve; leads; the verdict; and what it was made of."""
    made = {
        role: {**_plain(rows[0]), "curve": [_plain(row) for row in rows]} for role, rows in found.rows.items()
    }
    made["truth"] = _plain(found.truth)
    leads = {
        role: lead
        and {**rounded(lead.gap), "called": called(lead.gap), "cooled": lead.cooled}
        | {"tau": round(lead.tau, 3), "recall": round(lead.recall, 4)}
        for role, lead in found.leads.items()
    }
    gains = {
        role: {name: {**rounded(gap), "called": called(gap)} for name, gap in by.items()}
        for role, by in found.gains.items()
    }
    return {
        **made,
        "leads": leads,
        "gains": gains,
        "verdict": verdict(found),
        "unit": "nats per token",
        "models": {role: model.source for role, model in found.models.items()},
        "n": found.n,
        "seed": found.seed,
        "length": found.models["truth"].length,
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


def _plain(row: dict) -> dict:
    return {name: rounded(value) if isinstance(value, Estimate) else value for name, value in row.items()}


def _body(found: Audit, plain: dict) -> str:
    css = (resources.files("kdlite.explorer") / "explorer.css").read_text(encoding="utf-8")
    light, dark = ("".join(re.findall(r"--kd-[^;]*;", block)) for block in css.split("}")[:2])
    said = "".join(f"<li>{escape(text)}</li>" for text in plain["verdict"])
    texts = "".join(
        f"<h3 class='{role}'>{_title(role)}</h3>{Surprisal(reading, found.models['truth'].tokenizer)._repr_html_()}"
        for role, reading in found.readings.items()
    )
    facts = {_title(role): source or "made in memory" for role, source in plain["models"].items()}
    facts |= {
        "Texts": f"{found.n} of each model and temperature, of at most {plain['length']} tokens; seed {found.seed}"
    }
    facts |= {"Made": ", ".join(plain["provenance"][name] for name in ("date", "commit", "device"))}
    return f"""<style>:root {{ {light} }} @media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}
{_STYLE}</style>
<ul class="verdict">{said}</ul>
<p class="note">All in nats per token ± standard error over texts. A difference within twice its error is called none. What
another training of the same student would change is not in these errors. Between two temperatures a curve is drawn straight,
which leaves it about 0.01 low at most places.</p>
<figure>{drawing.frontier(found)}<figcaption>Precision against recall as each model is cooled from τ = {TAUS[0]:g} (large dot) to
{TAUS[-1]:g}; crosses are standard errors. A model that writes and scores as the truth does lies on the truth's dot. The
thick line is the lead at equal recall.</figcaption></figure>
<h2>Uncooled</h2>{_table(found)}
<details><summary>Every temperature</summary>{"".join(_curve(role, rows) for role, rows in found.rows.items())}</details>
<h2>Their texts, as the truth reads them</h2>
<p>The first that each wrote, none chosen. Tap a token, or go from one to the next with the arrow keys, for its own number.</p>
{texts}
<h2>What this was made of</h2><dl>{"".join(f"<dt>{k}</dt><dd>{escape(v)}</dd>" for k, v in facts.items())}</dl>"""


def _title(role: str) -> str:
    return NAMES[role].removeprefix("the ").capitalize()


def _table(found: Audit) -> str:
    truth = {"entropy": found.truth["entropy"], "repeats": found.truth["repeats"]}
    by_role = {role: rows[0] for role, rows in found.rows.items()} | {"truth": truth}
    head = "".join(f"<th scope='col' class='{role}'>{_title(role)}</th>" for role in by_role)
    rows = "".join(
        f"<tr><th scope='row'>{_column(name)}<small>{what}</small></th>{''.join(_cell(row.get(name)) for row in by_role.values())}</tr>"
        for name, what in COLUMNS.items()
    )
    return f"<div class='wide' tabindex='0'><table><thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table></div>"


def _curve(role: str, rows: list[dict]) -> str:
    head = "".join(f"<th scope='col'>{_column(name)}</th>" for name in COLUMNS)
    body = "".join(
        f"<tr><th scope='row'>{row['tau']:g}</th>{''.join(_cell(row[name]) for name in COLUMNS)}</tr>"
        for row in rows
    )
    return (
        f"<div class='wide' tabindex='0'><table><caption class='{role}'>{_title(role)}</caption><thead><tr><th scope='col'>τ</th>"
        f"{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _column(name: str) -> str:
    return "KL" if name == "kl" else name.capitalize()


def _cell(value: Estimate | None) -> str:
    if value is None:
        return "<td></td>"
    number, error = spell(value).split(" ± ")
    return f"<td>{number}<small>± {error}</small></td>"
