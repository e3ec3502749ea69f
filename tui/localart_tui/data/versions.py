"""The versions of an artifact, and everything there is to say about one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localart.catalog import browsing, browsing_versions
from localart.catalog.browsing import ArtifactHead
from localart.catalog.browsing_versions import VERSION_FIELDS, VersionLine
from localart.catalog.conditions import ListQuery
from localart.errors import ArtifactNotFound
from localart.names import parse_address, shown
from localart_tui.data.listing import conditions, matching_ids
from localart_tui.filtering import Filter
from localart_tui.source import PagedSource

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from localart.model import RunRecord, VersionRecord
    from localart_tui.data.store import Store

__all__ = [
    "FIELDS",
    "ORDERS",
    "ArtifactHead",
    "VersionFacts",
    "VersionLine",
    "find_head",
    "list_versions",
    "newest_versions",
    "read_version",
]

FIELDS = VERSION_FIELDS
ORDERS = {"number": "number", "created": "time", "size": "size", "files": "files", "run": "run"}
_MOST_RUNS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFacts:
    """A version with its neighbours in the graph; `user_count` may be more than `used_by` lists."""

    version: VersionRecord
    made_by: RunRecord | None
    used_by: tuple[RunRecord, ...]
    user_count: int
    neighbours: tuple[str, str]
    """The addresses of the version before and after this one; "" at an end."""


def find_head(connection: sqlite3.Connection, address: str) -> ArtifactHead:
    """The artifact at `project/name`; ArtifactNotFound when there is none."""
    parsed = parse_address(address)
    found = browsing.find_head(connection, parsed.project or "", parsed.name)
    if found is None:
        raise ArtifactNotFound(
            f"There is no artifact {shown(address)}", hint="`localart ls` lists what there is"
        )
    return found


def list_versions(
    store: Store,
    connection: sqlite3.Connection,
    head: ArtifactHead,
    chosen: Filter,
    *,
    order: str,
    descending: bool,
) -> PagedSource[VersionLine]:
    """The versions of the artifact that meet the filter, in order; read as they are looked at."""
    query = ListQuery(
        artifact=head.id,
        linked=head.is_portfolio,
        order=order or "number",
        descending=descending,
        conditions=conditions(chosen),
    )
    ids = matching_ids(
        connection,
        query,
        chosen,
        ids=browsing_versions.version_ids,
        texts=browsing_versions.iter_version_texts,
    )
    return PagedSource(ids, lambda wanted: read_lines(store, wanted))


def newest_versions(
    store: Store, connection: sqlite3.Connection, address: str
) -> tuple[ArtifactHead, PagedSource[VersionLine]]:
    """The artifact at `project/name` and its versions as they are first shown: all, the newest first."""
    head = find_head(connection, address)
    return head, list_versions(store, connection, head, Filter(), order="number", descending=True)


def read_lines(store: Store, ids: Sequence[int]) -> Sequence[VersionLine | None]:
    """Some rows of the list, on the calling thread's connection."""
    return browsing_versions.version_lines(store.connection(), ids)


def read_version(store: Store, address: str) -> VersionFacts:
    """Everything about the version at an address; what cannot be trusted is an error."""
    from localart.catalog import edges, runs
    from localart.operations.resolve import resolve_version

    version = resolve_version(store.repository, address, project=None)
    connection = store.connection()
    maker = edges.producer(connection, version.id)
    users = edges.consumers(connection, version.id)
    return VersionFacts(
        version=version,
        made_by=None if maker is None else runs.get_run(connection, maker),
        used_by=tuple(runs.get_run(connection, key) for key in users[:_MOST_RUNS]),
        user_count=len(users),
        neighbours=_neighbours(connection, version),
    )


def _neighbours(connection: sqlite3.Connection, version: VersionRecord) -> tuple[str, str]:
    head = browsing.find_head(connection, version.project, version.artifact)
    numbers = (
        (None, None)
        if head is None
        else browsing_versions.neighbour_numbers(connection, head.id, version.number)
    )
    before, after = ("" if one is None else f"{version.project}/{version.artifact}:v{one}" for one in numbers)
    return before, after
