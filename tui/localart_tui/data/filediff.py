"""One file of two versions: the lines that differ, or a short comparison of what both files are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localart.errors import LocalartError
from localart.operations.diff import ValueDifference, compare_values
from localart.operations.file_diff import diff_texts
from localart_tui.data.compare import find_entries
from localart_tui.data.contents import preview_file
from localart_tui.previews.record import Facts, Note, Table
from localart_tui.text import size_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from localart.model import Entry, VersionRecord
    from localart_tui.data.store import Store

MOST_LINES = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDifferences:
    """`lines` of a unified diff; or `facts` of both, and `note` says why there are no lines."""

    path: str
    names: tuple[str, str]
    lines: tuple[str, ...] = ()
    facts: tuple[ValueDifference, ...] = ()
    note: str = ""


def diff_file(
    store: Store, connection: sqlite3.Connection, pair: tuple[VersionRecord, VersionRecord], path: str
) -> FileDifferences:
    """What differs in the file at `path`. Damaged or missing bytes are told in the note. For a reading thread."""
    before, after = find_entries(connection, pair, path)
    names = (f"{pair[0].full_name}/{path}", f"{pair[1].full_name}/{path}")
    if before is not None and after is not None and before.digest == after.digest:
        return FileDifferences(path=path, names=names, note="it is the same file in both")
    try:
        found = diff_texts(store.repository, before, after, names=names)
    except LocalartError as error:
        return FileDifferences(path=path, names=names, note=error.message)
    if found.lines:
        return FileDifferences(
            path=path, names=names, lines=found.lines[:MOST_LINES], note=_cut_off(found.lines)
        )
    facts = compare_values([_facts(store, entry) for entry in (before, after)])
    return FileDifferences(path=path, names=names, facts=tuple(facts), note=found.why_not)


def _cut_off(lines: tuple[str, ...]) -> str:
    more = len(lines) - MOST_LINES
    return f"{more:,} more lines are not shown" if more > 0 else ""


def _facts(store: Store, entry: Entry | None) -> dict[str, object]:
    """What a preview of the file says in words and figures: kind, shape, columns, and its digest."""
    if entry is None:
        return {}
    preview = preview_file(store, entry)
    facts: dict[str, object] = {"kind": preview.kind, "size": size_text(entry.size_bytes)}
    for section in preview.sections:
        facts |= dict(_section_facts(section))
    return {**facts, "digest": entry.digest.hex()}


def _section_facts(section: object) -> Iterator[tuple[str, object]]:
    match section:
        case Facts(rows=rows):
            yield from rows
        case Table(columns=columns, rows=rows):
            yield "columns", ", ".join(columns)
            yield "first row", ", ".join(rows[0]) if rows else ""
        case Note(text=text) if text.strip():
            yield "note", text
