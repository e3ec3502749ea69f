"""A run in other words: what can be copied of it, and the Python that tells the same as a tab."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from localart_tui.page import Copy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localart_tui.data.run_page import RunFacts

_TOLD = {
    "config": "print(run.config)",
    "charts": "for row in run.scan_history():\n    print(row)",
    "inputs": "for version in run.used_artifacts():\n    print(version.name)",
    "outputs": "for version in run.logged_artifacts():\n    print(version.name)",
    "files": "for file in run.files():\n    print(file.name, file.size)",
}


def run_code(path: str, tab: str) -> str:
    """The Python that shows what a tab of the run at `project/id` shows."""
    told = _TOLD.get(tab, "print(run.name, run.state, dict(run.summary))")
    return f"import localart\n\nrun = localart.Api().run({path!r})\n{told}"


def run_copies(facts: RunFacts, of_row: Sequence[Copy], *, code: str, command: str) -> tuple[Copy, ...]:
    """The run's names, config, summary, traceback and code; before them what the row says."""
    run = facts.run
    return (
        Copy("r", "reference", facts.address),
        *of_row,
        Copy("n", "name", run.name),
        Copy("i", "id", run.id),
        Copy("j", "config as JSON", _json(run.config), several_lines=True),
        Copy("s", "summary as JSON", _json(facts.summary), several_lines=True),
        Copy("t", "traceback", run.error or "", several_lines=True),
        Copy("c", "Python", code, several_lines=True),
        Copy("g", "command", command),
    )


def _json(values: object) -> str:
    return json.dumps(values, indent=2, default=str)
