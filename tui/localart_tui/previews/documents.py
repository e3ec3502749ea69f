"""JSON: nested values as a tree, rows of objects and W&B's tables as a table."""

import json
from collections.abc import Iterator
from typing import Any

from localart_tui.previews.record import (
    MOST_COLUMNS,
    MOST_LINES,
    MOST_ROWS,
    Facts,
    Note,
    Preview,
    Section,
    Table,
    Tree,
    TreeLine,
    cell,
    numeric_columns,
    shortened,
)
from localart_tui.previews.source import ByteSource, NotShown
from localart_tui.previews.texts import TEXT_BYTES, read_text, text_preview

JSON_BYTES = 8 << 20
MOST_VALUES = 300_000
MOST_DEPTH = 64
_LONGEST_KEY = 80


def read_json(source: ByteSource, path: str) -> Preview:
    """The values as a tree; as text where it is too large or is no JSON."""
    if source.size_bytes > JSON_BYTES:
        return _as_text(source, path, f"larger than {JSON_BYTES >> 20} MiB, so shown as text")
    try:
        value = parse_json(source.read(0, JSON_BYTES))
    except NotShown as error:
        return _as_text(source, path, f"{error}, so shown as text")
    return Preview("JSON", (tree_of(value), *_depth_note(value)))


def parse_json(content: bytes) -> Any:
    """The value; `NotShown` when it is no JSON, nested too deep, or holds too many values."""
    count = content.count(b",") + content.count(b"[") + content.count(b"{")
    if count > MOST_VALUES:
        raise NotShown(f"more than {MOST_VALUES:,} values")
    try:
        return json.loads(content)
    except RecursionError:
        raise NotShown("nested too deep") from None
    except UnicodeDecodeError:
        raise NotShown("it is no UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise NotShown(f"no valid JSON (line {error.lineno}, column {error.colno})") from None
    except ValueError:  # a number of thousands of digits
        raise NotShown("no valid JSON") from None


def _as_text(source: ByteSource, path: str, why: str) -> Preview:
    shown = read_text(source, path)
    return Preview(shown.kind, (Note(why), *shown.sections))


# --- trees -----------------------------------------------------------------------------------------


def tree_of(value: Any) -> Tree:
    """Nested plain values line by line, outer before inner, up to the limits of depth and lines."""
    lines: list[TreeLine] = []
    # A stack of iterators, not recursion: the depth is the file's to choose.
    waiting: list[Iterator[tuple[int, str, Any]]] = [iter([(0, "", value)])]
    while waiting and len(lines) < MOST_LINES:
        following = next(waiting[-1], None)
        if following is None:
            waiting.pop()
            continue
        depth, key, one = following
        lines.append(TreeLine(depth, key, cell(one)))
        if depth < MOST_DEPTH:
            waiting.append(_children(depth + 1, one))
    if waiting and any(next(rest, None) is not None for rest in waiting):
        lines.append(TreeLine(0, "…", "more is not shown"))
    return Tree(tuple(lines))


def _children(depth: int, value: Any) -> Iterator[tuple[int, str, Any]]:
    if isinstance(value, dict):
        return ((depth, shortened(str(key), _LONGEST_KEY), one) for key, one in value.items())
    if isinstance(value, list | tuple):
        return ((depth, str(at), one) for at, one in enumerate(value))
    return iter(())


def _depth_note(value: Any) -> list[Section]:
    level, depth = [value], 0
    while level and depth <= MOST_DEPTH:
        level = [inner for one in level for _, _, inner in _children(0, one)]
        depth += 1
    return [Note(f"what lies deeper than {MOST_DEPTH} levels is not shown")] if level else []


# --- tables ----------------------------------------------------------------------------------------


def read_json_lines(source: ByteSource, path: str) -> Preview:
    """Objects, one a line, as a table; as text when they are no objects."""
    head = source.read(0, TEXT_BYTES)
    lines = head.split(b"\n")
    if len(head) < source.size_bytes and len(lines) > 1:
        lines.pop()
    try:
        rows = [parse_json(line) for line in lines[:MOST_ROWS] if line.strip()]
    except NotShown as error:
        return _as_text(source, path, f"{error}, so shown as text")
    if not rows or not all(isinstance(row, dict) for row in rows):
        return text_preview(head, source.size_bytes, path)
    names = list(dict.fromkeys(name for row in rows for name in row))[:MOST_COLUMNS]
    body = tuple(tuple(cell(row.get(name)) for name in names) for row in rows)
    table = Table(tuple(cell(name) for name in names), body, numeric_columns(len(names), body))
    is_cut = len(head) < source.size_bytes or len(lines) > MOST_ROWS
    notes = (Note(f"these are the first {len(rows):,} rows"),) if is_cut else ()
    return Preview("JSON lines", (table, *notes))


def read_wandb_table(source: ByteSource, path: str) -> Preview:
    """A logged table: its columns and rows. Anything else with that name is shown as JSON."""
    if source.size_bytes > JSON_BYTES:
        return _as_text(source, path, f"larger than {JSON_BYTES >> 20} MiB, so shown as text")
    try:
        value = parse_json(source.read(0, JSON_BYTES))
    except NotShown as error:
        return _as_text(source, path, f"{error}, so shown as text")
    table = _table(value)
    if table is None:
        return Preview("JSON", (tree_of(value),))
    rows = len(value["data"])
    facts = Facts((("rows", f"{rows:,}"), ("columns", f"{len(value['columns']):,}")))
    notes: list[Section] = [Note(f"these are the first {MOST_ROWS:,} rows")] if rows > MOST_ROWS else []
    return Preview("W&B table", (facts, table, *notes))


def _table(value: Any) -> Table | None:
    columns, rows = (value.get("columns"), value.get("data")) if isinstance(value, dict) else (None, None)
    if not isinstance(columns, list) or not isinstance(rows, list):
        return None
    if not all(isinstance(row, list) for row in rows):
        return None
    body = tuple(tuple(_rich_cell(one) for one in row[:MOST_COLUMNS]) for row in rows[:MOST_ROWS])
    names = tuple(cell(name) for name in columns[:MOST_COLUMNS])
    return Table(names, body, numeric_columns(len(names), body))


def _rich_cell(value: Any) -> str:
    """Media stand in a table as records with a path."""
    if isinstance(value, dict) and isinstance(value.get("path"), str):
        return cell(value["path"])
    return cell(value)
