"""`Api`: look things up in the store, and correct them."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localart.api.asking import asked, project_in, run_address
from localart.api.listing import Listing
from localart.api.local_user import LocalUser, this_user
from localart.api.project import ArtifactType, Project, get_type, list_types
from localart.api.server_only import ServerOnly
from localart.api.versions import list_versions
from localart.artifact import Artifact
from localart.artifact.committing import find_artifact
from localart.catalog import projects
from localart.errors import CommError, InvalidRequest, NotLocalError, ProjectNotFound
from localart.model import LineageGraph
from localart.names import check_project, shown
from localart.operations.resolve import resolve_run
from localart.operations.run_life import mark_crashed
from localart.repository import Repository, default_repository
from localart.settings import read_settings

if TYPE_CHECKING:
    from localart.api.collection import ArtifactCollection
    from localart.api.public_run import PublicRun
    from localart.api.registry import Registries, Registry
    from localart.api.runs import Runs

DEFAULT_PROJECT = "uncategorized"


class Api(ServerOnly):
    """Everything in the store. Nothing here needs a run, a server or a key.

    A name without a project is looked for in the default project (`overrides={"project": …}` or
    `LOCALART_PROJECT`), and without one in all projects. What is not found or cannot be understood is a CommError.
    Lists are looked up as they are read: see `Listing`.
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

    @property
    def settings(self) -> dict[str, str | None]:
        """What names without a project or entity mean."""
        return {"entity": "", "project": self._project, "base_url": "", "run": None}

    @property
    def default_entity(self) -> str:
        """Always empty: there is no server that has users."""
        return ""

    @property
    def viewer(self) -> LocalUser:
        """The user this process runs as."""
        return this_user()

    @property
    def user_agent(self) -> str:
        """Who asks."""
        from importlib import (
            import_module,
        )  # a plain import would tie this room to all that users may ask for

        return f"localart/{import_module('localart').__version__}"

    @property
    def api_key(self) -> None:
        """None: none is needed."""
        return

    def flush(self) -> None:
        """Do nothing: each call reads the store anew."""

    # --- artifacts -------------------------------------------------------------------------------------

    @asked
    def artifact(self, name: str, type: str | None = None) -> Artifact:  # noqa: A002
        """The version at `[project/]name[:alias|vN]`; `latest` without a selector."""
        return find_artifact(self._repository, name, project=self._project, kind=type)

    def artifact_exists(self, name: str, type: str | None = None) -> bool:  # noqa: A002
        """Whether `artifact(name, type)` would find a version."""
        try:
            self.artifact(name, type)
        except CommError:
            return False
        return True

    @asked
    def artifacts(
        self,
        type_name: str,
        name: str,
        order: str | None = None,
        per_page: int = 50,
        tags: str | Sequence[str] | None = None,
        start: str | None = None,
    ) -> Listing[Artifact]:
        """The versions of an artifact or portfolio, newest first (`order="+version_index"`: oldest first).

        `tags`: only those that have all of them. `start`: only those after an earlier listing's `cursor`.
        """
        return list_versions(
            self._repository, name, project=self._project, kind=type_name, order=order, per_page=per_page,
            tags=(tags,) if isinstance(tags, str) else tuple(tags or ()), start=start,
        )  # fmt: skip

    def artifact_versions(self, type_name: str, name: str, per_page: int = 50) -> Listing[Artifact]:
        """The same as `artifacts`, under its older name."""
        return self.artifacts(type_name, name, per_page=per_page)

    @asked
    def artifact_types(self, project: str | None = None, start: str | None = None) -> Listing[ArtifactType]:
        """The types that artifacts of a project have, by name; of all projects where none is the default."""
        return list_types(self._repository, project_in(project, self._project), start=start)

    @asked
    def artifact_type(self, type_name: str, project: str | None = None) -> ArtifactType:
        """One type; CommError when no artifact has it."""
        return get_type(self._repository, project_in(project, self._project), type_name)

    @asked
    def artifact_collections(
        self,
        project_name: str,
        type_name: str,
        order: str | None = None,
        per_page: int = 50,
        start: str | None = None,
    ) -> "Listing[ArtifactCollection]":
        """The artifacts and portfolios of a project that have this type."""
        found = get_type(self._repository, project_in(project_name, self._project), type_name)
        return found.collections(order=order, per_page=per_page, start=start)

    @asked
    def artifact_collection(self, type_name: str, name: str) -> "ArtifactCollection":
        """The artifact or portfolio called `[project/]name`."""
        from localart.api.collection import find_collection

        return find_collection(self._repository, type_name, name, project=self._project)

    def artifact_collection_exists(self, name: str, type: str) -> bool:  # noqa: A002
        """Whether `artifact_collection(type, name)` would find one."""
        try:
            self.artifact_collection(type, name)
        except CommError:
            return False
        return True

    # --- registries ------------------------------------------------------------------------------------

    @asked
    def registry(self, name: str, organization: str | None = None) -> "Registry":
        """The registry called `name`."""
        from localart.api.registry import find_registry

        del organization
        return find_registry(self._repository, name)

    @asked
    def registries(
        self,
        organization: str | None = None,
        filter: Mapping[str, Any] | None = None,  # noqa: A002
        order: str | None = None,
        per_page: int = 100,
        start: str | None = None,
    ) -> "Registries":
        """Every registry that passes the filter."""
        from localart.api.registry import list_registries

        del organization
        return list_registries(self._repository, filter=filter, order=order, per_page=per_page, start=start)

    @asked
    def create_registry(
        self,
        name: str,
        visibility: str,
        organization: str | None = None,
        description: str | None = None,
        artifact_types: list[str] | None = None,
    ) -> "Registry":
        """Make a registry: a project of portfolios that versions of any project are linked to."""
        from localart.api.registry import create_registry

        del organization
        return create_registry(
            self._repository,
            name,
            visibility=visibility,
            description=description,
            artifact_types=artifact_types,
        )

    # --- runs ------------------------------------------------------------------------------------------

    @asked
    def runs(
        self,
        path: str | None = None,
        filters: Mapping[str, Any] | None = None,
        order: str = "+created_at",
        per_page: int = 50,
        include_sweeps: bool = False,
        lazy: bool = True,
    ) -> "Runs":
        """The runs of a project (all projects without one) that pass `filters`, MongoDB's query language.

        `filters`: `{"config.lr": {"$lt": 0.1}, "state": "finished"}`. `order`: `+` or `-` and a field, such as
        `-summary_metrics.accuracy`; runs without it come last.
        """
        from localart.api.runs import Runs

        del include_sweeps, lazy
        return Runs(
            self._repository, project_in(path, self._project), filters=filters, order=order, per_page=per_page
        )

    @asked
    def run(self, path: str = "") -> "PublicRun":
        """The run at `[entity/][project/]id`."""
        from localart.api.public_run import PublicRun

        return PublicRun(
            self._repository, resolve_run(self._repository, run_address(path), project=self._project)
        )

    @asked
    def create_run(
        self, *, run_id: str | None = None, project: str | None = None, entity: str | None = None
    ) -> "PublicRun":
        """Make an empty run that has ended; `init(id=…, resume="must")` continues it."""
        from localart.api.runs import create_run

        del entity
        return create_run(self._repository, project or self._project or DEFAULT_PROJECT, run_id)

    # --- projects --------------------------------------------------------------------------------------

    @asked
    def projects(self, entity: str | None = None, per_page: int = 200) -> Listing[Project]:
        """Every project by name, and how much it holds."""
        del entity
        found = [Project(self._repository, one) for one in projects.list_projects(self._repository.read())]
        return Listing.of(found, keys=[one.name for one in found], per_page=per_page)

    @asked
    def project(self, name: str, entity: str | None = None) -> Project:
        """One project; CommError when there is none."""
        del entity
        wanted = project_in(name, None)
        for record in projects.list_projects(self._repository.read()):
            if record.name == wanted:
                return Project(self._repository, record)
        raise ProjectNotFound(f"No project {shown(name)}", hint="`localart ls` lists what is there")

    @asked
    def create_project(self, name: str, entity: str = "") -> None:
        """Make a project; one that is there already stays as it is."""
        del entity
        with self._repository.write() as tx:
            projects.ensure_project(tx, check_project(name))

    @asked
    def from_path(self, path: str) -> "Project | PublicRun":
        """The project or run at W&B's kind of path: `project`, `entity/project`, `entity/project/[runs/]id`."""
        parts = path.strip("/ ").split("/")
        if len(parts) > 3 and re.match(r"sweeps?$|reports?$", parts[2]):
            raise NotLocalError(
                f"There are no {parts[2]} without a server", hint="look at runs and artifacts"
            )
        if len(parts) < 3:
            return self.project(parts[-1])
        if len(parts) == 3 or (len(parts) == 4 and parts[2].startswith("run")):
            return self.run(f"{parts[0]}/{parts[1]}/{parts[-1]}")
        raise InvalidRequest(f"{shown(path)} is no path", hint="use project, or entity/project/runs/id")

    # --- lineage ---------------------------------------------------------------------------------------

    @asked
    def lineage(
        self,
        name: str,
        *,
        up: bool = True,
        down: bool = True,
        depth: int | None = None,
        complete: bool = False,
    ) -> LineageGraph:
        """What made a version (`up`) and what came of it (`down`), across projects; `run:ID` starts at a run.

        `complete`: all that hangs together with it, siblings too.
        """
        from localart.api.drawing import drawn
        from localart.lineage.query import Reach, find_lineage

        reach = Reach(up=up, down=down, depth=depth, complete=complete)
        return drawn(find_lineage(self._repository, name, project=self._project, reach=reach))
