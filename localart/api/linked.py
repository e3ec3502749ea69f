"""The linked artifacts of a portfolio, as `Api` lists them."""

from localart.api.listing import Listing
from localart.artifact import Artifact
from localart.catalog import links, versions
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
    connection = repository.read()
    wanted = set(tags)
    found: dict[int, Artifact] = {}
    for link in links.iter_links(connection, portfolio.id, newest_first=newest_first):
        if start is not None and (link.number >= start if newest_first else link.number <= start):
            continue
        version = versions.get_version(connection, link.version_id)
        if wanted <= set(version.tags):
            found[link.number] = Artifact.from_version(repository, version, link=link)
    return Listing.of(list(found.values()), keys=list(found), per_page=per_page)
