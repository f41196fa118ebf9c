"""What the doctor says of runs, as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from vae_explorer import text
from vae_explorer.jobs.findings import Finding, Name
from vae_explorer.ui.shell.say import LONGEST

TITLES: dict[Name, str] = {
    "diverged": "Diverged",
    "loss scale": "Loss scale",
    "posterior collapse": "Posterior collapse",
    "under-fitting": "Under-fitting",
    "over-fitting": "Over-fitting",
    "backwards": "Backwards curve",
    "still falling": "Still falling",
    "too early": "Too early to tell",
    "healthy": "Healthy",
}


def show(findings: Mapping[str, Sequence[Finding]]) -> None:
    """Shows the findings of runs, by name; the runs are named where there are several."""
    rows = [row(each, name if len(findings) > 1 else "") for name, found in findings.items() for each in found]
    if rows:
        st.html(f'<div class="findings" role="status" aria-label="The doctor">{"".join(rows)}</div>')


def row(finding: Finding, run: str) -> str:
    """Returns one finding as HTML: a sign that is no colour alone, what is seen, why, and what to try."""
    kind = {"healthy": "well", "too early": "early", "still falling": "early"}.get(finding.name, "ill")
    whose = f"<small>{text.html(run)}</small>" if run else ""
    remedy = f"<p><em>To try:</em> {text.html(finding.remedy, LONGEST)}</p>" if finding.remedy else ""
    seen, why = text.html(finding.seen, LONGEST), text.html(finding.why, LONGEST)
    return (
        f'<section class="finding {kind}"><h4>{TITLES[finding.name]}{whose}</h4>'
        f"<div><p><b>{seen}</b></p><p>{why}</p>{remedy}</div></section>"
    )
