"""What is worth telling about nodes of a graph beside the graph: sizes, digests, settings, results."""

import json
from collections.abc import Iterator, Mapping

from localart.catalog import lineage as rows
from localart.jsonable import load_values
from localart.model import LineageGraph, NodeKind
from localart.repository import Repository

MOST_VALUES = 24
_LONGEST_JSON = 1 << 16
_LONGEST_VALUE = 400


def read_facts(
    repository: Repository, graph: LineageGraph, keys: frozenset[str] | None = None
) -> dict[str, tuple[tuple[str, str], ...]]:
    """Names and values for the nodes of `graph` (or those in `keys`) that are in the catalog, by key.

    At most 24 settings, results and metadata keys each, of at most 400 characters. Not cleaned: whoever shows
    them does that.
    """
    ids: dict[NodeKind, dict[int, str]] = {kind: {} for kind in NodeKind}
    for node in graph.nodes:
        number = node.key.removeprefix(f"{node.kind}:")
        if number.isdecimal() and (keys is None or node.key in keys):
            ids[node.kind][int(number)] = node.key
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    with repository.catalog.snapshot() as connection:
        versions = rows.version_facts(connection, ids[NodeKind.VERSION], longest_json=_LONGEST_JSON)
        runs = rows.run_facts(connection, ids[NodeKind.RUN], longest_json=_LONGEST_JSON)
    for version in versions:
        found[ids[NodeKind.VERSION][version.id]] = tuple(_version(version))
    for run in runs:
        found[ids[NodeKind.RUN][run.id]] = tuple(_run(run))
    return found


def _version(facts: rows.VersionFacts) -> Iterator[tuple[str, str]]:
    yield "size", f"{facts.size_bytes:,} bytes"
    yield "files", f"{facts.file_count:,}"
    yield "digest", facts.digest
    if facts.description:
        yield "description", facts.description[:_LONGEST_VALUE]
    yield from _values("metadata", facts.metadata)


def _run(facts: rows.RunFacts) -> Iterator[tuple[str, str]]:
    if facts.finished_at:
        yield "finished", facts.finished_at[:19].replace("T", " ")
    if facts.exit_code:
        yield "exit code", str(facts.exit_code)
    for name, text in (("error", facts.error), ("notes", facts.notes)):
        if text:
            yield name, text[:_LONGEST_VALUE]
    yield from _values("config", facts.config)
    yield from _values("summary", facts.summary)


def _values(name: str, text: str | None) -> Iterator[tuple[str, str]]:
    if text is None:
        yield name, "too large to show here"
        return
    values = load_values(text)
    if not isinstance(values, Mapping):
        return
    for number, (key, value) in enumerate(values.items()):
        if number == MOST_VALUES:
            yield f"{name} …", f"{len(values) - MOST_VALUES} more"
            return
        yield f"{name}.{key}", _said(value)


def _said(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"
