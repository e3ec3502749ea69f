"""`Api`: look things up in the store."""

from collections.abc import Iterator, Mapping, Sequence

from localart.api.listing import Listing
from localart.api.public_run import PublicRun
from localart.artifact import Artifact
from localart.catalog import projects, versions
from localart.catalog import runs as run_rows
from localart.errors import ArtifactTypeMismatch, CommError, InvalidName, ProjectNotFound
from localart.lineage.query import Reach, find_lineage
from localart.model import LineageGraph, ProjectRecord, VersionRecord
from localart.names import parse_address, shown
from localart.operations.resolve import resolve_artifact, resolve_run, resolve_version
from localart.operations.run_life import mark_crashed
from localart.repository import Repository, default_repository
from localart.settings import read_settings


class Api:
    """Everything in the store, to read. Nothing here needs a run, a server or a key.

    A name without a project is looked for in the default project (`overrides={"project": …}` or
    `LOCALART_PROJECT`), and without one in all projects.
    """

    def __init__(
        self,
        overrides: Mapping[str, str] | None = None,
        timeout: int | None = None,
        api_key: str | None = None,
    ) -> None:
        del timeout, api_key
        self._project = (overrides or {}).get("project") or read_settings().project
        self._repository = default_repository()
        if not self._repository.read_only:
            mark_crashed(self._repository)

    @property
    def repository(self) -> Repository:
        """The store it reads."""
        return self._repository

    def artifact(self, name: str, type: str | None = None) -> Artifact:  # noqa: A002
        """The version at `[project/]name[:alias|vN]`; `latest` without a selector."""
        version, selector = self._version(name, type)
        return Artifact.from_version(self._repository, version, selector=selector)

    def _version(self, name: str, kind: str | None = None) -> tuple[VersionRecord, str]:
        try:
            selector = parse_address(name).selector
        except InvalidName as error:
            raise CommError(error.message, hint=error.hint) from error
        return resolve_version(self._repository, name, project=self._project, kind=kind), selector

    def artifact_exists(self, name: str, type: str | None = None) -> bool:  # noqa: A002
        """Whether `artifact(name, type)` would find a version."""
        try:
            self._version(name, type)
        except CommError:
            return False
        return True

    def artifacts(
        self,
        type_name: str,
        name: str,
        order: str | None = None,
        per_page: int = 50,
        tags: str | Sequence[str] | None = None,
    ) -> Listing[Artifact]:
        """The versions of an artifact, newest first (`order="+version_index"`: oldest first), streamed."""
        del per_page
        artifact = resolve_artifact(self._repository, name, project=self._project)
        if artifact.type != type_name:
            raise ArtifactTypeMismatch(
                f"Artifact {shown(artifact.name)} has type {shown(artifact.type)}, not {shown(type_name)}",
                hint="ask for the right type",
            )
        wanted = {tags} if isinstance(tags, str) else set(tags or ())
        oldest_first = order is not None and order.startswith("+")

        def stream() -> Iterator[Artifact]:
            connection = self._repository.read()
            for version in versions.iter_versions(connection, artifact.id, newest_first=not oldest_first):
                if wanted <= set(version.tags):
                    yield Artifact.from_version(self._repository, version)

        return Listing(stream)

    def runs(
        self, path: str | None = None, order: str = "+created_at", per_page: int = 50
    ) -> Listing[PublicRun]:
        """The runs of a project (all projects without one), oldest first (`-created_at`: newest first)."""
        del per_page
        project = path.strip("/").split("/")[-1] if path else self._project
        if project is not None and projects.find_project(self._repository.read(), project) is None:
            raise ProjectNotFound(f"No project {shown(project)}", hint="`localart ls` lists what is there")
        newest_first = order.startswith("-")

        def stream() -> Iterator[PublicRun]:
            found = run_rows.iter_runs(self._repository.read(), project=project, newest_first=newest_first)
            return (PublicRun(self._repository, record) for record in found)

        return Listing(stream)

    def run(self, path: str) -> PublicRun:
        """The run at `[project/]id`."""
        return PublicRun(self._repository, resolve_run(self._repository, path, project=self._project))

    def projects(self, entity: str | None = None) -> list[ProjectRecord]:
        """Every project and how much it holds."""
        del entity
        return projects.list_projects(self._repository.read())

    def lineage(
        self, name: str, *, up: bool = True, down: bool = True, depth: int | None = None
    ) -> LineageGraph:
        """What made a version (`up`) and what came of it (`down`), across projects; `run:ID` starts at a run."""
        return find_lineage(
            self._repository, name, project=self._project, reach=Reach(up=up, down=down, depth=depth)
        )
