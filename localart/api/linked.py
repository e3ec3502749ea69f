"""The linked artifacts of a portfolio, as `Api` lists them."""

from collections.abc import Sequence
from typing import Any

from localart.api.listing import Listing, Pages
from localart.artifact import Artifact
from localart.catalog import links, version_listing, versions
from localart.catalog.version_listing import VersionQuery
from localart.model import ArtifactRecord
from localart.repository import Repository


def list_linked(
    repository: Repository,
    portfolio: ArtifactRecord,
    *,
    newest_first: bool = True,
    per_page: int = 50,
    tags: tuple[str, ...] = (),
    start: int | None = None,
) -> Listing[Artifact]:
    """What the portfolio links to, by its own numbers; with all of `tags`, after number `start`."""
    query = VersionQuery(
        artifact_id=portfolio.id, is_portfolio=True, newest_first=newest_first, tags=tags, start=start
    )

    def load(numbers: Sequence[int]) -> dict[Any, Artifact]:
        connection = repository.read()
        found = [links.find_link(connection, portfolio.id, number) for number in numbers]
        return {
            link.number: Artifact.from_version(
                repository, versions.get_version(connection, link.version_id), link=link
            )
            for link in found
            if link is not None
        }

    return Listing(
        Pages(
            count=lambda: version_listing.count_listed(repository.read(), query),
            keys=lambda offset, limit: version_listing.listed_keys(
                repository.read(), query, offset=offset, limit=limit
            ),
            load=load,
        ),
        per_page=per_page,
    )
