"""The files that a table's cells name, read together: one by one, each would have to be looked up and unpacked."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from localart.media.base import EntryReader

MANY = 16


def with_files_at_hand(entries: EntryReader, rows: list[list[Any]]) -> EntryReader:
    """A reader that has the files of all media in `rows` in memory, where they will be anyway; else `entries`."""
    if entries.read_many is None:
        return entries
    paths = {
        path for row in rows for cell in row if isinstance(cell, (dict, list)) for path in _paths_in(cell)
    }
    if len(paths) < MANY:
        return entries
    at_hand = dict(entries.read_many(paths))

    def read(path: str) -> bytes:
        content = at_hand.get(path)
        return entries.read(path) if content is None else content

    return replace(entries, read=read)


def _paths_in(cell: Any) -> Iterator[str]:
    """Every text called `path` in a cell. JSON is never nested deeper than Python can walk."""
    items = cell.values() if isinstance(cell, dict) else cell
    for item in items:
        if isinstance(item, (dict, list)):
            yield from _paths_in(item)
    if isinstance(cell, dict) and isinstance(cell.get("path"), str):
        yield cell["path"]
