"""The artifacts of a project, grouped by type, and what the preview tells of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localart.catalog import browsing, browsing_versions
from localart.catalog.browsing import ArtifactLine
from localart_tui.data.projects import project_id
from localart_tui.filtering import Facts, Filter, tester

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

__all__ = [
    "FIELDS",
    "ORDERS",
    "ArtifactLine",
    "TypeLine",
    "arrange",
    "chosen_artifacts",
    "list_artifacts",
    "recent_sizes",
]

FIELDS = frozenset({"name", "type", "alias", "versions", "size", "updated", "description", "kind"})
ORDERS = {"updated": "last change", "name": "name", "versions": "versions", "size": "size", "type": "type"}
_SPARK_VERSIONS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeLine:
    """The head of a group."""

    type: str
    artifact_count: int
    version_count: int
    size_bytes: int
    folded: bool


def list_artifacts(connection: sqlite3.Connection, project: str) -> list[ArtifactLine]:
    """Every artifact of the project that has a version."""
    return browsing.artifact_lines(connection, project_id(connection, project))


def chosen_artifacts(artifacts: Sequence[ArtifactLine], chosen: Filter) -> Sequence[ArtifactLine]:
    """Those that meet the filter."""
    if not chosen:
        return artifacts
    meets = tester(chosen)
    return [line for line in artifacts if meets(_facts(line))]


def _facts(line: ArtifactLine) -> Facts:
    return Facts(
        name=line.name,
        text=f"{line.name} {line.type} {' '.join(line.aliases)} {line.description}",
        values={
            "name": line.name,
            "type": line.type,
            "alias": line.aliases,
            "versions": line.version_count,
            "size": line.size_bytes,
            "updated": line.updated_at,
            "description": line.description,
            "kind": line.kind,
        },
    )


def arrange(
    artifacts: Iterable[ArtifactLine], *, order: str, descending: bool, folded: Collection[str]
) -> list[TypeLine | ArtifactLine]:
    """The rows of the page: each type's head and, unless it is folded, its artifacts; types by name."""
    groups: dict[str, list[ArtifactLine]] = {}
    for line in artifacts:
        groups.setdefault(line.type, []).append(line)
    rows: list[TypeLine | ArtifactLine] = []
    for kind in sorted(groups, key=str.casefold):
        members = sorted(groups[kind], key=lambda line: _rank(line, order), reverse=descending)
        rows.append(_head(kind, members, folded=kind in folded))
        if kind not in folded:
            rows += members
    return rows


def _rank(line: ArtifactLine, order: str) -> tuple[object, str]:
    match order:
        case "versions":
            return line.version_count, line.name
        case "size":
            return line.size_bytes, line.name
        case "updated":
            return line.updated_at, line.name
        case _:
            return line.name.casefold(), line.name


def _head(kind: str, members: Sequence[ArtifactLine], *, folded: bool) -> TypeLine:
    return TypeLine(
        type=kind,
        artifact_count=len(members),
        version_count=sum(line.version_count for line in members),
        size_bytes=sum(line.size_bytes for line in members),
        folded=folded,
    )


def recent_sizes(connection: sqlite3.Connection, artifact: int) -> list[float]:
    """The sizes of its last 200 versions, oldest first."""
    return [
        float(size) for size in browsing_versions.version_sizes(connection, artifact, limit=_SPARK_VERSIONS)
    ]
