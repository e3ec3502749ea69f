"""An artifact as a small HTML table, for notebooks. All text of users is escaped."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

_MOST_ROWS = 20
_MOST_CHARACTERS = 200


def artifact_html(
    title: str,
    *,
    facts: Mapping[str, Any],
    metadata: Mapping[str, Any],
    files: Iterable[tuple[str, int | None]],
) -> str:
    """What it is, its metadata, and its first files with their sizes in bytes."""
    from html import escape  # 2 ms, and most artifacts are never shown

    some = list(islice(files, _MOST_ROWS + 1))
    sizes = {path: "" if size is None else f"{size:,} bytes" for path, size in some[:_MOST_ROWS]}
    named = "files" if len(some) <= _MOST_ROWS else f"the first {_MOST_ROWS} files"
    body = facts_table("", facts) + facts_table("metadata", metadata) + facts_table(named, sizes)
    return f"<details open><summary>{escape(title)}</summary>{body}</details>"


def facts_table(title: str, values: Mapping[str, Any]) -> str:
    """Names and values in two columns, the first 20 of them; nothing when there are none."""
    if not values:
        return ""
    rows = "".join(_row((key, value)) for key, value in islice(values.items(), _MOST_ROWS))
    more = len(values) - _MOST_ROWS
    rest = f'<tr><td colspan="2">and {more:,} more</td></tr>' if more > 0 else ""
    caption = f"<caption>{title}</caption>" if title else ""
    return f"<table>{caption}{rows}{rest}</table>"


def _row(cells: Sequence[object]) -> str:
    return f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in cells)}</tr>"


def _cell(value: object) -> str:
    from html import escape

    text = str(value)
    return escape(text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…")
