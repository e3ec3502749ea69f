"""A refusal and what it must leave as it was, and values that are refused."""

import re
import sqlite3
from contextlib import contextmanager

import pytest

from localart.errors import LocalartError

ROWS = [
    "projects",
    "runs",
    "artifacts",
    "versions",
    "aliases",
    "version_tags",
    "run_tags",
    "edges",
    "metrics",
    "metric_names",
    "run_files",
    "journal",
]


def stable_id(given: object) -> str:
    """A test id that is the same in every process: without the addresses of objects."""
    return re.sub(r"at 0x[0-9a-f]+", "at ...", ascii(given))[:60]


def rows(store):
    """Every row that people's facts are kept in."""
    connection = sqlite3.connect(f"file:{store}/localart.db?mode=ro", uri=True)
    try:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in ROWS}
    finally:
        connection.close()


def content(artifact):
    return [(entry.path, entry.digest, entry.size) for entry in artifact.manifest]


@contextmanager
def refused(kind, store, *, match=None, artifact=None):
    """The body raises `kind` in one printable line, and neither the store nor the artifact is changed."""
    before = rows(store) if store.exists() else None
    held = content(artifact) if artifact is not None else None
    with pytest.raises(kind, match=match) as caught:
        yield caught
    error = caught.value
    if isinstance(error, LocalartError):
        assert str(error).isprintable()
        assert error.message
    assert before is None or rows(store) == before
    assert artifact is None or content(artifact) == held


def holding_itself():
    loop = {}
    loop["deep"] = {"er": loop}
    return loop


def nested(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value
