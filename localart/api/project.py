"""Projects and artifact types, as `Api` shows them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localart.api.asking import asked
from localart.api.attributes import Attributes
from localart.api.listing import Listing
from localart.api.local_user import LocalUser, this_user
from localart.catalog import projects, types
from localart.errors import ArtifactNotFound, NotLocalError, ProjectNotFound
from localart.model import ProjectRecord
from localart.names import shown
from localart.repository import Repository

if TYPE_CHECKING:
    from localart.api.collection import ArtifactCollection


class Project(Attributes):
    """A project: a name that runs and artifacts are kept under, and how much it holds."""

    def __init__(self, repository: Repository, record: ProjectRecord) -> None:
        self._repository = repository
        self._record = record

    def __repr__(self) -> str:
        return f"<Project {self.name}>"

    @property
    def attrs(self) -> Mapping[str, Any]:
        """The facts under W&B's camel-case names."""
        return {
            "id": self.id, "name": self.name, "entity": "", "entityName": "", "createdAt": self.created_at,
            "isBenchmark": False, "runCount": self.run_count, "artifactCount": self.artifact_count,
        }  # fmt: skip

    @property
    def record(self) -> ProjectRecord:
        """What the catalog knows of it."""
        return self._record

    @property
    def name(self) -> str:
        """Its name, unique in the store."""
        return self._record.name

    @property
    def id(self) -> str:
        """Its name: nothing else is needed to find it."""
        return self._record.name

    @property
    def entity(self) -> str:
        """Always empty: there is no server that has users."""
        return ""

    @property
    def owner(self) -> LocalUser:
        """Whoever asks: the store is theirs to read."""
        return this_user()

    @property
    def path(self) -> list[str]:
        """Entity (empty), name."""
        return ["", self.name]

    @property
    def url(self) -> None:
        """None: there is no server."""
        return

    @property
    def created_at(self) -> str:
        """When it was first used, ISO-8601 UTC."""
        return self._record.created_at

    @property
    def artifact_count(self) -> int:
        """How many artifacts it has."""
        return self._record.artifact_count

    @property
    def run_count(self) -> int:
        """How many runs it has."""
        return self._record.run_count

    @asked
    def artifacts_types(self, per_page: int = 50) -> "Listing[ArtifactType]":
        """The types its artifacts have, by name."""
        return list_types(self._repository, self.name, per_page=per_page)

    @asked
    def collections(
        self, filters: Mapping[str, Any] | None = None, order: str | None = None, per_page: int = 50
    ) -> "Listing[ArtifactCollection]":
        """Its artifacts and portfolios."""
        from localart.api.collection import list_collections

        return list_collections(
            self._repository, self.name, None, filters=filters, order=order, per_page=per_page
        )

    def sweeps(self, *_args: object, **_named: object) -> None:
        """NotLocalError: sweeps are a server's."""
        raise NotLocalError("There are no sweeps here", hint="start runs in a loop and give them a group")


class ArtifactType(Attributes):
    """One of the types that the artifacts of a project (None: of all) have."""

    def __init__(self, repository: Repository, project: str | None, name: str) -> None:
        self._repository = repository
        self._project = project
        self.name = name

    def __repr__(self) -> str:
        return f"<ArtifactType {self.name}>"

    @property
    def attrs(self) -> Mapping[str, Any]:
        """The facts under W&B's camel-case names."""
        return {"id": self.id, "name": self.name, "project": self.project, "entity": ""}

    @property
    def id(self) -> str:
        """`project/type`."""
        return f"{self._project or ''}/{self.name}"

    @property
    def project(self) -> str | None:
        """The project, or None for all."""
        return self._project

    def load(self) -> Mapping[str, Any]:
        """The facts again."""
        return self.attrs

    @asked
    def collections(
        self,
        filters: Mapping[str, Any] | None = None,
        order: str | None = None,
        per_page: int = 50,
        start: str | None = None,
    ) -> "Listing[ArtifactCollection]":
        """The artifacts and portfolios of this type."""
        from localart.api.collection import list_collections

        return list_collections(
            self._repository,
            self._project,
            self.name,
            filters=filters,
            order=order,
            per_page=per_page,
            start=start,
        )

    @asked
    def collection(self, name: str) -> "ArtifactCollection":
        """The artifact of this type called `name`; CommError when there is none."""
        from localart.api.collection import find_collection

        address = name if "/" in name or self._project is None else f"{self._project}/{name}"
        return find_collection(self._repository, self.name, address, project=self._project)


def list_types(
    repository: Repository, project: str | None, *, per_page: int = 50, start: str | None = None
) -> Listing[ArtifactType]:
    """The types in a project (None: in all) by name; only those after `start`, an earlier listing's cursor."""
    refuse_unknown_project(repository, project)
    names = types.artifact_types(repository.read(), project)
    found = [ArtifactType(repository, project, name) for name in names if start is None or name > start]
    return Listing.of(found, keys=[one.name for one in found], per_page=per_page)


def get_type(repository: Repository, project: str | None, name: str) -> ArtifactType:
    """The type called `name`; CommError when no artifact has it."""
    refuse_unknown_project(repository, project)
    names: Sequence[str] = types.artifact_types(repository.read(), project)
    if name not in names:
        where = f" in project {shown(project)}" if project else ""
        raise ArtifactNotFound(
            f"No artifact has type {shown(name)}{where}",
            hint=f"types are: {', '.join(names[:10]) or 'none yet'}",
        )
    return ArtifactType(repository, project, name)


def refuse_unknown_project(repository: Repository, project: str | None) -> None:
    """ProjectNotFound for the name of no project."""
    if project is not None and projects.find_project(repository.read(), project) is None:
        raise ProjectNotFound(f"No project {shown(project)}", hint="`localart ls` lists what is there")
