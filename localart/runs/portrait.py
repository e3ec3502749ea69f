"""A run as a small HTML table, for notebooks. All text of users is escaped."""

import sys
from collections.abc import Mapping
from typing import Any

from localart.facts_table import facts_table
from localart.model import RunRecord


def run_html(run: RunRecord, *, config: Mapping[str, Any], summary: Mapping[str, Any], hidden: bool) -> str:
    """What the run is, its config and its summary; folded together when `hidden`."""
    from html import escape  # 2 ms, and most runs are never shown

    title = escape(f"{run.name} ({run.project}/{run.id}, {run.state})")
    body = facts_table("config", config) + facts_table("summary", summary)
    return f"<details{'' if hidden else ' open'}><summary>{title}</summary>{body}</details>"


def show_html(html: str) -> bool:
    """Show it below the notebook's cell; False outside of a notebook."""
    ipython = sys.modules.get("IPython")  # a notebook has it already, others need not
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return False
    from importlib import import_module

    shows = import_module("IPython.display")
    shows.display(shows.HTML(html))
    return True
