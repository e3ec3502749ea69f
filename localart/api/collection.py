"""`ArtifactCollection`: a named line of versions, or of links to versions of others, as a whole."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from localart.api.listing import Listing
from localart.api.matching import Facts, matches, ordered
from localart.api.versions import list_versions
from localart.artifact import Artifact
from localart.artifact.lifetime import duration_of, seconds_of
from localart.catalog import aliases, artifacts, projects
from localart.errors import ArtifactNotFound, ArtifactTypeMismatch, ContentConflict
from localart.model import ArtifactKind, ArtifactRecord
from localart.names import check_artifact_type, shown
from localart.operations.collection import CollectionFacts, update_collection
from localart.operations.delete import delete_collection
from localart.operations.resolve import resolve_artifact
from localart.repository import Repository


class ArtifactCollection:
    """All versions of one name. What is set takes `save()`.

    A sequence holds versions that were logged to it; a portfolio links to versions of others, and its type is
    fixed. Values are as of when it was fetched.
    """

    def __init__(self, repository: Repository, record: ArtifactRecord) -> None:
        self._repository = repository
        self._show(record)

    def _show(self, record: ArtifactRecord) -> None:
        self._record = record
        self._name = record.name
        self._type = record.type
        self._description = record.description
        self._ttl_seconds = record.ttl_seconds
        self._tags = artifacts.artifact_tags(self._repository.read(), record.id)

    def __repr__(self) -> str:
        return f"<ArtifactCollection {self.name} ({self.type})>"

    def load(
        self,
        entity: str | None = None,
        project: str | None = None,
        type_: str | None = None,
        name: str | None = None,
    ) -> ArtifactRecord:
        """Fetch again; what was set and not saved is forgotten. The arguments are W&B's and change nothing."""
        del entity, project, type_, name
        self._show(artifacts.get_artifact(self._repository.read(), self._record.id))
        return self._record

    @property
    def record(self) -> ArtifactRecord:
        """What the catalog knows of it."""
        return self._record

    @property
    def id(self) -> str:
        """Its number in this store."""
        return str(self._record.id)

    @property
    def entity(self) -> str:
        """Always empty: there is no server that has users."""
        return ""

    @property
    def organization(self) -> str:
        """Always empty."""
        return ""

    @property
    def project(self) -> str:
        """The project it is in."""
        return self._record.project

    @property
    def project_id(self) -> str:
        """The project's number in this store."""
        return str(projects.find_project(self._repository.read(), self.project))

    @property
    def project_internal_id(self) -> str:
        """As `project_id`."""
        return self.project_id

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = name

    @property
    def type(self) -> str:
        """The type of its versions."""
        return self._type

    @type.setter  # noqa: A003 - W&B's name
    def type(self, type: str) -> None:  # noqa: A002
        self._refuse_portfolio()
        self._type = type

    @property
    def description(self) -> str | None:
        """Free text."""
        return self._description

    @description.setter
    def description(self, description: str | None) -> None:
        self._description = description

    @property
    def tags(self) -> list[str]:
        """Its own tags; its versions have theirs."""
        return self._tags

    @tags.setter
    def tags(self, tags: Sequence[str]) -> None:
        self._tags = [tags] if isinstance(tags, str) else list(tags)

    @property
    def ttl(self) -> timedelta | None:
        """How long versions are kept that say nothing themselves; None: for ever. Not W&B's."""
        return duration_of(self._ttl_seconds)

    @ttl.setter
    def ttl(self, ttl: timedelta | None) -> None:
        self._ttl_seconds = seconds_of(ttl) or None

    @property
    def aliases(self) -> list[str]:
        """Every alias of its versions, by name."""
        return aliases.list_aliases(self._repository.read(), self._record.id)

    @property
    def created_at(self) -> str:
        """When it was made, ISO-8601 UTC."""
        return self._record.created_at

    @property
    def updated_at(self) -> str:
        """When something in it last changed, ISO-8601 UTC."""
        return artifacts.last_change(self._repository.read(), self._record.id)

    def is_sequence(self) -> bool:
        """Whether it holds versions of its own."""
        return self._record.kind is ArtifactKind.SEQUENCE

    def artifacts(self, per_page: int = 50, start: str | None = None) -> Listing[Artifact]:
        """Its versions (or linked artifacts), newest first."""
        address = f"{self._record.project}/{self._record.name}"
        return list_versions(
            self._repository, address, project=None, kind=self._record.type, per_page=per_page, start=start
        )

    def save(self) -> None:
        """Keep what was set."""
        wanted = CollectionFacts(
            name=self._name,
            type=self._type,
            description=self._description,
            tags=tuple(self._tags),
            ttl_seconds=self._ttl_seconds,
        )
        self._show(update_collection(self._repository, self._record, wanted))

    def change_type(self, new_type: str) -> None:
        """Give all versions another type at once; W&B's older way."""
        self._refuse_portfolio()
        check_artifact_type(new_type, self.name)
        self._type = new_type
        self.save()

    def delete(self) -> None:
        """Delete all its versions, with their aliases; of a portfolio, only the links."""
        delete_collection(self._repository, self._record)

    def _refuse_portfolio(self) -> None:
        if not self.is_sequence():
            raise ContentConflict(
                f"The type of {shown(self._record.name)} is fixed: it links to versions of others",
                hint="change the type of the collection they were logged to",
            )


def find_collection(
    repository: Repository, type_name: str | None, address: str, *, project: str | None
) -> ArtifactCollection:
    """The collection at `[entity/][project/]name`; CommError when there is none, or it has another type."""
    record = resolve_artifact(repository, address, project=project)
    if type_name is not None and record.type != type_name:
        raise ArtifactTypeMismatch(
            f"Collection {shown(record.name)} has type {shown(record.type)}, not {shown(type_name)}",
            hint="ask for the right type",
        )
    if record.version_count == 0:
        raise ArtifactNotFound(
            f"Collection {record.project}/{record.name} holds nothing any more",
            hint="`localart ls` lists others",
        )
    return ArtifactCollection(repository, record)


def list_collections(
    repository: Repository,
    project: str | None,
    type_name: str | None,
    *,
    filters: Mapping[str, Any] | None = None,
    order: str | None = None,
    per_page: int = 50,
    start: str | None = None,
) -> Listing[ArtifactCollection]:
    """The collections of a project (None: of all) with this type (None: any), by project, type and name."""
    found = artifacts.list_collections(repository.read(), project=project, kind=type_name)
    told = [(_facts(repository, record), record) for record in found]
    records = ordered([pair for pair in told if matches(pair[0], filters)], order)
    keys = [str(record.id) for record in records]
    if start is not None:
        records = records[keys.index(start) + 1 :] if start in keys else []
    return Listing.of(
        [ArtifactCollection(repository, record) for record in records],
        keys=[str(record.id) for record in records],
        per_page=per_page,
    )


def _facts(repository: Repository, record: ArtifactRecord) -> Facts:
    return {
        "name": record.name,
        "type": record.type,
        "description": record.description,
        "tag": artifacts.artifact_tags(repository.read(), record.id),
        "tags": artifacts.artifact_tags(repository.read(), record.id),
        "created_at": record.created_at,
        "createdAt": record.created_at,
    }
