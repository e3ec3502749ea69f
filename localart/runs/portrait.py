"""A run as a small HTML table, for notebooks. All text of users is escaped."""

import sys
from collections.abc import Mapping
from typing import Any

from localart.model import RunRecord

_MOST_ROWS = 20
_MOST_CHARACTERS = 200


def run_html(run: RunRecord, *, config: Mapping[str, Any], summary: Mapping[str, Any], hidden: bool) -> str:
    """What the run is, its config and its summary; folded together when `hidden`."""
    from html import escape  # 2 ms, and most runs are never shown

    title = escape(f"{run.name} ({run.project}/{run.id}, {run.state})")
    body = _table("config", config) + _table("summary", summary)
    return f"<details{'' if hidden else ' open'}><summary>{title}</summary>{body}</details>"


def _table(title: str, values: Mapping[str, Any]) -> str:
    if not values:
        return ""
    rows = "".join(
        f"<tr><td>{_cell(key)}</td><td>{_cell(value)}</td></tr>"
        for key, value in list(values.items())[:_MOST_ROWS]
    )
    more = len(values) - _MOST_ROWS
    rest = f'<tr><td colspan="2">and {more:,} more</td></tr>' if more > 0 else ""
    return f"<table><caption>{title}</caption>{rows}{rest}</table>"


def _cell(value: object) -> str:
    from html import escape

    text = str(value)
    return escape(text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…")


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
