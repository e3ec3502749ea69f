"""`Registry`: a project of portfolios, named `wandb-registry-NAME`, to which versions of any project are linked."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localart.api.listing import Listing
from localart.api.matching import Facts, matches, ordered
from localart.api.registry_search import Filter, RegistryCollections, SearchableListing, collections_of
from localart.artifact import Artifact
from localart.catalog import registries
from localart.catalog.registries import PREFIX, RegistryRecord
from localart.errors import ArtifactNotFound, InvalidRequest, NotLocalError
from localart.names import check_artifact_type, check_project, check_prose, shown
from localart.operations.registry import delete_registry, save_registry
from localart.repository import Repository

if TYPE_CHECKING:
    from localart.api.api import Api

VISIBILITIES = ("organization", "restricted")


class Registry:
    """What is set takes `save()`. There are no users here, so visibility is only kept, and members are none."""

    def __init__(self, repository: Repository, record: RegistryRecord) -> None:
        self._repository = repository
        self._show(record)

    def _show(self, record: RegistryRecord) -> None:
        self._record = record
        self._name = record.name
        self._description = record.description
        self._visibility = record.visibility
        self._allow_all = record.artifact_types is None
        self._types = list(record.collection_types if self._allow_all else record.artifact_types or ())

    def __repr__(self) -> str:
        return f"<Registry {self.name}>"

    @classmethod
    def create(
        cls,
        api: "Api",
        organization: str,
        name: str,
        visibility: str,
        description: str | None = None,
        artifact_types: list[str] | None = None,
    ) -> "Registry":
        """As `Api.create_registry`."""
        del organization
        return create_registry(
            api.repository,
            name,
            visibility=visibility,
            description=description,
            artifact_types=artifact_types,
        )

    def load(self) -> None:
        """Fetch again; what was set and not saved is forgotten."""
        self._show(_need(self._repository, self._record.name))

    @property
    def name(self) -> str:
        """The name without the prefix."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name

    @property
    def full_name(self) -> str:
        """The name of its project: `wandb-registry-` and the name."""
        return PREFIX + self._name

    @property
    def id(self) -> str:
        """Its project's number in this store."""
        return str(self._record.project_id)

    @property
    def internal_id(self) -> str:
        """As `id`."""
        return self.id

    @property
    def entity(self) -> str:
        """Always empty: there is no server that has users."""
        return ""

    @property
    def organization(self) -> str:
        """Always empty."""
        return ""

    @property
    def path(self) -> list[str]:
        """Entity (empty) and full name."""
        return ["", self.full_name]

    @property
    def description(self) -> str | None:
        """Free text."""
        return self._description

    @description.setter
    def description(self, description: str | None) -> None:
        self._description = None if description is None else check_prose(description, "Description")

    @property
    def visibility(self) -> str:
        """`organization` or `restricted`: kept, and without effect."""
        return self._visibility

    @visibility.setter
    def visibility(self, visibility: str) -> None:
        self._visibility = _check_visibility(visibility)

    @property
    def allow_all_artifact_types(self) -> bool:
        """Whether artifacts of any type may be linked; if not, those of `artifact_types`."""
        return self._allow_all

    @allow_all_artifact_types.setter
    def allow_all_artifact_types(self, allow_all: bool) -> None:
        self._allow_all = allow_all

    @property
    def artifact_types(self) -> list[str]:
        """The types it takes, or, when it takes all, those it has. Append to it, then `save()`."""
        return self._types

    @property
    def created_at(self) -> str:
        """When it was made, ISO-8601 UTC."""
        return self._record.created_at

    @property
    def updated_at(self) -> str | None:
        """When it was last saved, ISO-8601 UTC."""
        return self._record.updated_at

    def save(self) -> None:
        """Keep what was set. ValueError when a type that was saved is not among `artifact_types` any more."""
        lost = set(self._record.artifact_types or ()) - set(self._types)
        if lost and not self._allow_all:
            raise InvalidRequest(
                f"Types cannot be removed from a registry: {', '.join(map(shown, sorted(lost)))}",
                hint="put them back, or set allow_all_artifact_types",
            )
        saved = save_registry(
            self._repository,
            self._record.name,
            new_name=_check_name(self._name),
            description=self._description,
            visibility=self._visibility,
            artifact_types=None
            if self._allow_all
            else [check_artifact_type(kind, "") for kind in self._types],
        )
        self._show(saved)

    def delete(self) -> None:
        """Take every link out of it, and forget what was said of it. The linked versions stay."""
        delete_registry(self._repository, self._record.name)

    def collections(
        self,
        filter: Mapping[str, Any] | None = None,  # noqa: A002
        order: str | None = None,
        per_page: int = 100,
        start: str | None = None,
    ) -> RegistryCollections:
        """Its portfolios that pass the filter (name, type, description, tag, created_at)."""
        return collections_of(
            self._repository,
            [self._record.project],
            filters=filter,
            order=order,
            per_page=per_page,
            start=start,
        )

    def versions(
        self,
        filter: Mapping[str, Any] | None = None,  # noqa: A002
        order: str | None = None,
        per_page: int = 100,
        start: str | None = None,
    ) -> Listing[Artifact]:
        """The linked artifacts of all its portfolios that pass the filter (name, version, alias, tag, …)."""
        return self.collections().versions(filter, order, per_page, start)

    # --- members, of whom there are none -----------------------------------------------------------------

    def members(self) -> list[Any]:
        """None."""
        return []

    def user_members(self) -> list[Any]:
        """None."""
        return []

    def team_members(self) -> list[Any]:
        """None."""
        return []

    def add_members(self, *members: object) -> None:
        """NotLocalError: members are a server's."""
        raise _no_members(members)

    def remove_members(self, *members: object) -> None:
        """NotLocalError: members are a server's."""
        raise _no_members(members)

    def update_member(self, member: object, role: object) -> None:
        """NotLocalError: members are a server's."""
        del role
        raise _no_members(member)


def _no_members(_who: object) -> NotLocalError:
    return NotLocalError(
        "A registry has no members here", hint="who may read the store's folder may read all of it"
    )


class Registries(SearchableListing[Registry]):
    """Registries; `collections()` and `versions()` are those of all of them."""

    def collections(
        self,
        filter: Filter = None,  # noqa: A002
        order: str | None = None,
        per_page: int = 100,
        start: str | None = None,
    ) -> RegistryCollections:
        """The portfolios of these registries that pass the filter (name, type, description, tag, created_at)."""
        projects = [registry.full_name for registry in self]
        return collections_of(
            self._repository, projects, filters=filter, order=order, per_page=per_page, start=start
        )

    def versions(
        self,
        filter: Filter = None,  # noqa: A002
        order: str | None = None,
        per_page: int = 100,
        start: str | None = None,
    ) -> Listing[Artifact]:
        """The linked artifacts of these registries that pass the filter (name, version, alias, tag, …)."""
        return self.collections().versions(filter, order, per_page, start)


def find_registry(repository: Repository, name: str) -> Registry:
    """The registry `name`, with or without the prefix; CommError when there is none."""
    return Registry(repository, _need(repository, _check_name(name)))


def list_registries(
    repository: Repository,
    *,
    filter: Mapping[str, Any] | None = None,  # noqa: A002
    order: str | None = None,
    per_page: int = 100,
    start: str | None = None,
) -> Registries:
    """Every registry that passes the filter (name, description, created_at), by name; after `start`."""
    told = [(_facts(record), record) for record in registries.list_registries(repository.read())]
    found = ordered([pair for pair in told if matches(pair[0], filter)], order)
    names = [record.name for record in found]
    if start is not None:
        found = found[names.index(start) + 1 :] if start in names else []
    shown_ones = [Registry(repository, record) for record in found]
    listing = Registries.of(shown_ones, keys=[record.name for record in found], per_page=per_page)
    return listing.searching(repository)


def _facts(record: RegistryRecord) -> Facts:
    return {
        "name": record.name,
        "description": record.description,
        "created_at": record.created_at,
        "createdAt": record.created_at,
    }


def create_registry(
    repository: Repository,
    name: str,
    *,
    visibility: str = "organization",
    description: str | None = None,
    artifact_types: Sequence[str] | None = None,
) -> Registry:
    """Make a registry; CommError (a ValueError) when there is one of this name."""
    plain = _check_name(name)
    if registries.find_registry(repository.read(), plain) is not None:
        raise InvalidRequest(f"There is a registry {shown(plain)} already", hint="choose another name")
    record = save_registry(
        repository,
        plain,
        new_name=plain,
        description=None if description is None else check_prose(description, "Description"),
        visibility=_check_visibility(visibility),
        artifact_types=[check_artifact_type(kind, "") for kind in artifact_types] if artifact_types else None,
    )
    return Registry(repository, record)


def _check_name(name: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a registry's name must be a str, not {type(name).__name__}")
    plain = name.removeprefix(PREFIX)
    if not plain:
        raise InvalidRequest("A registry's name cannot be empty", hint="for example 'model'")
    check_project(PREFIX + plain)
    return plain


def _check_visibility(visibility: str) -> str:
    if visibility not in VISIBILITIES:
        raise InvalidRequest(
            f"{shown(str(visibility))} is no visibility", hint=f"use {' or '.join(VISIBILITIES)}"
        )
    return visibility


def _need(repository: Repository, name: str) -> RegistryRecord:
    record = registries.find_registry(repository.read(), name)
    if record is None:
        raise ArtifactNotFound(f"No registry {shown(name)}", hint="create_registry makes one")
    return record
