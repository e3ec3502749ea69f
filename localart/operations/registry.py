"""Make, change and delete registries."""

from collections.abc import Sequence

from localart.catalog import artifacts, links, registries, versions
from localart.catalog.registries import RegistryRecord
from localart.repository import Repository


def save_registry(
    repository: Repository,
    name: str,
    *,
    new_name: str,
    description: str | None,
    visibility: str,
    artifact_types: Sequence[str] | None,
) -> RegistryRecord:
    """Make these the registry's facts, and make it if it is new; `artifact_types` None takes any type."""
    with repository.write() as tx:
        registries.save_registry(
            tx, name, description=description, visibility=visibility, artifact_types=artifact_types
        )
        if new_name != name:
            registries.rename_registry(tx, name, new_name)
        saved = registries.find_registry(tx.connection, new_name)
    assert saved is not None
    return saved


def delete_registry(repository: Repository, name: str) -> None:
    """Take every link out of the registry's portfolios and forget the registry, in one transaction."""
    with repository.write() as tx:
        found = artifacts.list_collections(tx.connection, project=registries.PREFIX + name)
        for portfolio in found:
            for link in list(links.iter_links(tx.connection, portfolio.id)):
                links.remove_link(tx, link, versions.get_version(tx.connection, link.version_id).uid)
        registries.forget_registry(tx, name)
