"""All that users can see of a store, so that two states of it can be compared; and all that is wrong with it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from power.store_checks import damages

from localart.operations.verify import verify_store
from localart.repository import open_repository

State = tuple[Any, ...]

_VERSIONS = (
    "SELECT 'version', project, artifact, version, digest, aliases, tags, state, made_by, metadata, description,"
    " (SELECT ttl_seconds FROM versions WHERE id = version_id) FROM versions_view ORDER BY 2, 3, version_id"
)
_ARTIFACTS = (
    "SELECT 'artifact', p.name, a.name, a.type, a.kind, a.description, a.ttl_seconds, a.next_number,"
    " (SELECT json_group_array(name) FROM artifact_tags WHERE artifact = a.id),"
    " (SELECT json_group_array(alias) FROM protected_aliases WHERE artifact = a.id)"
    " FROM artifacts a JOIN projects p ON p.id = a.project ORDER BY 2, 3"
)
_ALIASES = (
    "SELECT 'alias', p.name, a.name, l.name, s.name, v.number FROM aliases l JOIN artifacts a ON a.id = l.artifact"
    " JOIN projects p ON p.id = a.project JOIN versions v ON v.id = l.version"
    " JOIN artifacts s ON s.id = v.artifact ORDER BY 2, 3, 4"
)
_LINKS = (
    "SELECT 'link', a.name, l.number, v.uid IS NOT NULL, l.removed_at IS NULL FROM links l"
    " JOIN artifacts a ON a.id = l.artifact JOIN versions v ON v.id = l.version ORDER BY 2, 3"
)
_EDGES = (  # not what a second log of the same content said, which is kept there
    "SELECT 'edge', r.run_id, e.direction, e.made, e.used_as, a.name, v.number FROM edges e"
    " JOIN runs r ON r.id = e.run JOIN versions v ON v.id = e.version JOIN artifacts a ON a.id = v.artifact"
    " ORDER BY 2, 3, 6, 7"
)
_FILES = (
    "SELECT 'file', r.run_id, f.path, b.digest FROM run_files f JOIN runs r ON r.id = f.run"
    " JOIN blobs b ON b.id = f.blob ORDER BY 2, 3"
)
_ALERTS = "SELECT DISTINCT 'alert', r.run_id, a.title, a.text FROM alerts a JOIN runs r ON r.id = a.run ORDER BY 2, 3"
_REGISTRIES = (
    "SELECT 'registry', p.name, g.visibility, g.artifact_types FROM registries g"
    " JOIN projects p ON p.id = g.project ORDER BY 2"
)
_UPSERTS = "SELECT 'upsert', distributed_id, run FROM upserts ORDER BY id"
_QUERIES = (_VERSIONS, _ARTIFACTS, _ALIASES, _LINKS, _EDGES, _FILES, _ALERTS, _REGISTRIES, _UPSERTS)
_RUNS = (
    "SELECT p.name, r.run_id, r.state, r.finished_at IS NULL, r.config, r.metric_rules, r.notes, r.summary,"
    " (SELECT json_group_array(name) FROM run_tags WHERE run = r.id)"
    " FROM runs r JOIN projects p ON p.id = r.project ORDER BY 1, 2"
)
_NUMBERS = (
    "SELECT n.name, m.step, m.value, m.body FROM metrics m JOIN metric_names n ON n.id = m.metric"
    " ORDER BY n.name, m.step, m.value"
)


def observe(store: Path) -> State:
    """All that users can see of a store, without its times and ids; () where there is none."""
    if not (store / "LOCALART").exists():
        return ()
    repository = open_repository(store, create=False)
    try:
        connection = repository.read()
        rows = [row for query in _QUERIES for row in connection.execute(query).fetchall()]
        return (*rows, *(fact for row in connection.execute(_RUNS).fetchall() for fact in _facts(*row)))
    finally:
        repository.close()


def _facts(
    project: str,
    run: str,
    state: str,
    lives: int,
    config: str,
    rules: str,
    notes: str,
    summary: str,
    tags: str,
) -> Iterator[tuple[Any, ...]]:
    """What is said of a run, fact by fact: a few calls change them one after the other."""
    yield "run", project, run, state, lives
    yield "config", project, run, config
    yield "rules", project, run, rules
    yield "notes", project, run, notes
    yield "tags", project, run, tags
    told = {name: value for name, value in json.loads(summary).items() if not name.startswith("_")}
    yield "summary", project, run, json.dumps(told, sort_keys=True)


def numbers_in(store: Path) -> list[Any]:
    """Everything that was logged with `log`: within a step there may be some of it."""
    repository = open_repository(store, create=False)
    try:
        return repository.read().execute(_NUMBERS).fetchall()
    finally:
        repository.close()


def wrong_with(store: Path) -> Iterator[str]:
    """Everything that is wrong, by checks of its own and by what verify finds; nothing where there is no store."""
    if (store / "LOCALART").exists():
        yield from wrong_by_rows_and_bytes(store)
        yield from found_by_verify(store)


def wrong_by_rows_and_bytes(store: Path) -> Iterator[str]:
    """Everything that is wrong, by checks of its own; nothing where there is no store."""
    if not (store / "LOCALART").exists():
        return
    repository = open_repository(store, create=False)
    try:
        yield from damages(repository)
    finally:
        repository.close()


def found_by_verify(store: Path, *, data: bool = True) -> Iterator[str]:
    """What verify finds that is damage; with `data` all bytes are read."""
    for finding in verify_store(store, data=data).findings:
        if finding.is_damage:
            yield f"verify: {finding.what} ({finding.where})"
