"""Searching through registries: `api.registries(…).collections(…).versions(…)`, each narrowing the next."""

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar

from localart.api.collection import ArtifactCollection, list_collections
from localart.api.linked import list_linked
from localart.api.listing import Listing
from localart.api.matching import Facts, matches, ordered
from localart.artifact import Artifact
from localart.catalog import artifacts
from localart.errors import InvalidRequest
from localart.repository import Repository

Filter = Mapping[str, Any] | None


T = TypeVar("T")


class SearchableListing(Listing[T]):
    """Found in a store, in which one may look further from there."""

    _repository: Repository

    def searching(self, repository: Repository) -> Self:
        """The same, able to look further."""
        self._repository = repository
        return self


class RegistryCollections(SearchableListing[ArtifactCollection]):
    """Portfolios of registries; `versions()` are those linked in them."""

    def versions(
        self,
        filter: Filter = None,  # noqa: A002
        order: str | None = None,
        per_page: int = 100,
        start: str | None = None,
    ) -> Listing[Artifact]:
        """The linked artifacts of these portfolios that pass the filter (name, version, alias, tag, …)."""
        found = [(one.project, one.name) for one in self]
        return versions_of(
            self._repository, found, filters=filter, order=order, per_page=per_page, start=start
        )


def collections_of(
    repository: Repository,
    projects: Sequence[str],
    *,
    filters: Filter,
    order: str | None,
    per_page: int,
    start: str | None = None,
) -> RegistryCollections:
    """The portfolios of these registries, one registry after the other, or in `order`; after `start`."""
    found = [
        one for project in projects for one in list_collections(repository, project, None, filters=filters)
    ]
    if order is not None:
        facts = [(_collection_facts(one), one) for one in found]
        found = ordered(facts, order)
    keys = [str(one.id) for one in found]
    if start is not None:
        after = keys.index(start) + 1 if start in keys else len(keys)
        found, keys = found[after:], keys[after:]
    return RegistryCollections.of(found, keys=keys, per_page=per_page).searching(repository)


def _collection_facts(collection: ArtifactCollection) -> Facts:
    return {
        "name": collection.name,
        "type": collection.type,
        "description": collection.description,
        "created_at": collection.created_at,
        "createdAt": collection.created_at,
        "updated_at": collection.updated_at,
    }


def versions_of(
    repository: Repository,
    portfolios: Sequence[tuple[str, str]],
    *,
    filters: Filter,
    order: str | None,
    per_page: int,
    start: str | None = None,
) -> Listing[Artifact]:
    """The artifacts linked in the portfolios called (project, name) that pass the filter."""
    if start is not None:
        raise InvalidRequest("Versions of a registry are listed from the beginning", hint="leave out start")
    wanted = set(portfolios)
    records = [
        record
        for project in dict.fromkeys(project for project, _ in portfolios)
        for record in artifacts.list_collections(repository.read(), project=project)
        if (record.project, record.name) in wanted
    ]
    told = [
        (_version_facts(version), version)
        for record in records
        for version in list_linked(repository, record)
    ]
    found = ordered([pair for pair in told if matches(pair[0], filters)], order)
    return Listing.of(found, per_page=per_page)


def _version_facts(version: Artifact) -> Facts:
    return {
        "name": version.name.partition(":")[0],
        "version": version.version,
        "alias": [*version.aliases, version.version],
        "aliases": [*version.aliases, version.version],
        "tag": version.tags,
        "tags": version.tags,
        "metadata": version.metadata,
        "type": version.type,
        "description": version.description,
        "created_at": version.created_at,
        "createdAt": version.created_at,
        "updated_at": version.updated_at,
        "linked_at": version.linked_at,
        "artifact_size": version.size,
    }
