"""Names and values as an HTML table, for notebooks. All text of users is escaped."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

MOST_ROWS = 20
_MOST_CHARACTERS = 200


def facts_table(title: str, values: Mapping[str, Any]) -> str:
    """Names and values in two columns, the first 20 of them; nothing when there are none."""
    if not values:
        return ""
    rows = "".join(
        f"<tr><td>{_cell(key)}</td><td>{_cell(value)}</td></tr>"
        for key, value in islice(values.items(), MOST_ROWS)
    )
    more = len(values) - MOST_ROWS
    rest = f'<tr><td colspan="2">and {more:,} more</td></tr>' if more > 0 else ""
    caption = f"<caption>{title}</caption>" if title else ""
    return f"<table>{caption}{rows}{rest}</table>"


def _cell(value: object) -> str:
    from html import escape

    text = str(value)
    return escape(text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…")
