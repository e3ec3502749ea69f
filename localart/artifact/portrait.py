"""An artifact as a small HTML table, for notebooks. All text of users is escaped."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from localart.facts_table import MOST_ROWS, facts_table


def artifact_html(
    title: str,
    *,
    facts: Mapping[str, Any],
    metadata: Mapping[str, Any],
    files: Iterable[tuple[str, int | None]],
) -> str:
    """What it is, its metadata, and its first files with their sizes in bytes."""
    from html import escape  # 2 ms, and most artifacts are never shown

    some = list(islice(files, MOST_ROWS + 1))
    sizes = {path: "" if size is None else f"{size:,} bytes" for path, size in some[:MOST_ROWS]}
    named = "files" if len(some) <= MOST_ROWS else f"the first {MOST_ROWS} files"
    body = facts_table("", facts) + facts_table("metadata", metadata) + facts_table(named, sizes)
    return f"<details open><summary>{escape(title)}</summary>{body}</details>"
