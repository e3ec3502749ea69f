"""What speaks for keeping versions, told for the whole store at once. Rows are read, never changed."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from localart.catalog import counts, seals

_SPEAKING = ("versions", "artifacts", "aliases", "links", "edges", "run_files")


def refuse_damage(connection: sqlite3.Connection) -> None:
    """CatalogDamaged when a row that may speak for keeping something was changed. 5 µs a row."""
    for _, name in seals.iter_unsealed(connection, _SPEAKING):
        raise seals.damaged(name)
    for kind in counts.SETS:
        counts.refuse_any_missing(connection, kind)


def linked_as(connection: sqlite3.Connection) -> dict[int, list[str]]:
    """Version → its places in portfolios."""
    rows = connection.execute(
        "SELECT l.version, p.name || '/' || a.name || ':v' || l.number FROM links l"
        " JOIN artifacts a ON a.id = l.artifact JOIN projects p ON p.id = a.project"
        " WHERE l.removed_at IS NULL ORDER BY 1, 2"
    )
    return _grouped(rows)


def protected_by(connection: sqlite3.Connection) -> dict[int, list[str]]:
    """Version → the protected aliases that point to it, its own and those of portfolios."""
    rows = connection.execute(
        "SELECT al.version, al.name FROM aliases al JOIN protected_aliases p"
        " ON p.artifact = al.artifact AND p.alias = al.name ORDER BY 1, 2"
    )
    return _grouped(rows)


def used_by(connection: sqlite3.Connection) -> dict[int, list[str]]:
    """Version → the ids of the runs that used it, in the order they were made."""
    rows = connection.execute(
        "SELECT e.version, r.run_id FROM edges e JOIN runs r ON r.id = e.run"
        " WHERE e.direction = 'input' ORDER BY e.version, r.id"
    )
    return _grouped(rows)


def used_now(connection: sqlite3.Connection) -> dict[int, list[str]]:
    """Version → the ids of the runs that use it and have not ended."""
    rows = connection.execute(
        "SELECT e.version, r.run_id FROM runs r JOIN edges e ON e.run = r.id"
        " WHERE r.state = 'running' AND e.direction = 'input' ORDER BY e.version, r.id"
    )
    return _grouped(rows)


def _grouped(rows: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for version, name in rows:
        found[version].append(name)
    return dict(found)


def summary_of_maker(connection: sqlite3.Connection, version_id: int) -> Mapping[str, Any]:
    """The summary of the run that made the version; empty when none is known."""
    row = connection.execute(
        "SELECT r.summary FROM edges e JOIN runs r ON r.id = e.run"
        " WHERE e.version = ? AND e.direction = 'output' AND e.made = 1",
        (version_id,),
    ).fetchone()
    summary: Mapping[str, Any] = {} if row is None else json.loads(row[0])
    return summary


def committed_ids(connection: sqlite3.Connection) -> set[int]:
    """All committed versions."""
    rows = connection.execute("SELECT id FROM versions WHERE state = 'COMMITTED'")
    return {row_id for (row_id,) in rows.fetchall()}


def ancestors(connection: sqlite3.Connection, kept: Iterable[int]) -> dict[int, int]:
    """What came before the `kept` versions: ancestor → a kept version that came of it. Not recursive in Python."""
    inputs: dict[int, list[int]] = defaultdict(list)
    makers: dict[int, list[int]] = defaultdict(list)
    for run, version, direction in connection.execute("SELECT run, version, direction FROM edges"):
        if direction == "input":
            inputs[run].append(version)
        else:
            makers[version].append(run)
    found: dict[int, int] = {}
    waiting = [(version, version) for version in kept]
    seen = {version for version, _ in waiting}
    while waiting:
        version, descendant = waiting.pop()
        for run in makers.get(version, ()):
            for source in inputs.get(run, ()):
                if source == version:
                    continue
                found.setdefault(source, descendant)
                if source not in seen:
                    seen.add(source)
                    waiting.append((source, descendant))
    return found
