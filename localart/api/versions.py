"""The versions of an artifact or portfolio, as `Api` lists them."""

from collections.abc import Sequence
from typing import Any

from localart.api.linked import list_linked
from localart.api.listing import Listing, Pages
from localart.artifact import Artifact
from localart.catalog import version_listing
from localart.catalog.version_listing import VersionQuery
from localart.errors import ArtifactTypeMismatch, InvalidRequest
from localart.model import ArtifactKind, VersionState
from localart.names import shown
from localart.operations.resolve import resolve_artifact
from localart.repository import Repository

_NEWEST_FIRST = {
    None: True,
    "": True,
    "-version_index": True,
    "-created_at": True,
    "-createdAt": True,
    "version_index": False,
    "+version_index": False,
    "created_at": False,
    "+created_at": False,
    "createdAt": False,
    "+createdAt": False,
}


def list_versions(
    repository: Repository,
    name: str,
    *,
    project: str | None,
    kind: str,
    order: str | None = None,
    per_page: int = 50,
    tags: tuple[str, ...] = (),
    start: str | None = None,
) -> Listing[Artifact]:
    """The versions of `[project/]name`, which must have type `kind`."""
    artifact = resolve_artifact(repository, name, project=project)
    if artifact.type != kind:
        raise ArtifactTypeMismatch(
            f"Artifact {shown(artifact.name)} has type {shown(artifact.type)}, not {shown(kind)}",
            hint="ask for the right type",
        )
    if order not in _NEWEST_FIRST:
        raise InvalidRequest(
            f"Versions cannot be ordered by {shown(str(order))}",
            hint="use '+version_index' or '-version_index'",
        )
    if artifact.kind is ArtifactKind.PORTFOLIO:
        return list_linked(
            repository, artifact, newest_first=_NEWEST_FIRST[order], per_page=per_page, tags=tags,
            start=_start(start),
        )  # fmt: skip
    query = VersionQuery(
        artifact_id=artifact.id, newest_first=_NEWEST_FIRST[order], tags=tags, start=_start(start)
    )
    return Listing(_pages(repository, query), per_page=per_page)


def _start(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not isinstance(cursor, str) or not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise InvalidRequest(
            f"{shown(str(cursor))} is no cursor", hint="pass the cursor of an earlier listing"
        )
    return int(cursor)


def _pages(repository: Repository, query: VersionQuery) -> Pages[Artifact]:
    def load(keys: Sequence[int]) -> dict[Any, Artifact]:
        found = version_listing.versions_of(repository.read(), keys)
        return {
            version.id: Artifact.from_version(repository, version)
            for version in found
            if version.state is VersionState.COMMITTED
        }

    return Pages(
        count=lambda: version_listing.count_listed(repository.read(), query),
        keys=lambda offset, limit: version_listing.listed_keys(
            repository.read(), query, offset=offset, limit=limit
        ),
        load=load,
    )
