"""`localart ls`: projects and artifacts, the versions of one, the files of a version. Streams."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_place
from localart.cli.documents import (
    artifact_document,
    entry_document,
    project_document,
    version_document,
)
from localart.cli.figures import size_text, time_text
from localart.cli.tables import Column

if TYPE_CHECKING:
    from localart.model import ArtifactRecord, Entry, ProjectRecord, VersionRecord
    from localart.repository import Repository

_PROJECTS = (
    Column(title="PROJECT", shrinks=True),
    Column(title="ARTIFACTS", right=True),
    Column(title="RUNS", right=True),
    Column(title="SINCE"),
)
_ARTIFACTS = (
    Column(title="ARTIFACT", shrinks=True, least=16),
    Column(title="TYPE", shrinks=True),
    Column(title="VERSIONS", right=True),
    Column(title="LATEST"),
    Column(title="SIZE", right=True),
    Column(title="LOGGED"),
    Column(title="ALIASES", shrinks=True),
)
_VERSIONS = (
    Column(title="VERSION"),
    Column(title="FILES", right=True),
    Column(title="SIZE", right=True),
    Column(title="LOGGED"),
    Column(title="DIGEST"),
    Column(title="ALIASES", shrinks=True),
    Column(title="TAGS", shrinks=True),
)
_FILES = (
    Column(title="SIZE", right=True),
    Column(title="DIGEST"),
    Column(title="PATH", shrinks=True, least=24),
)


_NO_ARTIFACTS = "there is no such artifact"


@command(
    "ls",
    examples=(
        "localart ls",
        "localart ls digits-demo/digits-raw",
        "localart ls digits-demo/worst-digits:latest",
    ),
)
@click.argument(
    "place", required=False, metavar="[PROJECT | [PROJECT/]NAME | ADDRESS]", shell_complete=complete_place
)
@click.option("-t", "--type", "kind", help="Only artifacts of this type.")
@click.option(
    "--files", is_flag=True, help="List the files of the version, latest unless NAME:vN says which."
)
@click.option("--limit", type=click.IntRange(min=1), help="At most this many lines.")
def ls_command(call: Call, place: str | None, kind: str | None, files: bool, limit: int | None) -> None:
    """List what the store holds.

    Without an argument: projects and artifacts. PROJECT: its artifacts. NAME: its versions, newest first.
    NAME:v3 or NAME:alias: its files.
    """
    from localart.operations.resolve import resolve_artifact, resolve_version

    repository = call.open()
    listing = _Listing(call, repository, limit)
    if place is None:
        if files:
            raise click.UsageError("--files needs an artifact", click.get_current_context())
        listing.everything(kind)
    elif ":" in place or files:
        listing.files(resolve_version(repository, place, project=None, kind=kind))
    elif _is_project(call, repository, place):
        listing.project(place.rstrip("/"), kind)
    elif project := _project_of_entity(repository, place):
        listing.project(project, kind)
    else:
        listing.versions(resolve_artifact(repository, place, project=None))


def _is_project(call: Call, repository: "Repository", place: str) -> bool:
    """Whether a word is a project's name; `name/` always is, and `project/name` never."""
    from localart.catalog.artifacts import find_named
    from localart.catalog.projects import find_project
    from localart.errors import ProjectNotFound
    from localart.model import ArtifactKind
    from localart.names import shown

    name = place.rstrip("/")
    if "/" in name:
        return False
    if find_project(repository.read(), name) is None:
        if place.endswith("/"):
            raise ProjectNotFound(f"No project {shown(name)}", hint="`localart ls` lists what is there")
        return False
    also = [one for one in find_named(repository.read(), name) if one.kind is ArtifactKind.SEQUENCE]
    if also and name == place:
        call.console.say(
            f"{name} is an artifact too: `localart ls {also[0].project}/{name}` lists its versions"
        )
    return True


def _project_of_entity(repository: "Repository", place: str) -> str | None:
    """The project of W&B's `entity/project`, where nothing here is called so: there are no entities."""
    from localart.catalog.artifacts import find_artifact
    from localart.catalog.projects import find_project

    entity, slash, name = place.rstrip("/").rpartition("/")
    if not slash or find_artifact(repository.read(), entity, name) is not None:
        return None
    is_project = find_project(repository.read(), name) is not None
    return name if is_project and find_project(repository.read(), entity) is None else None


class _Listing:
    """The four lists, as text and as JSON."""

    def __init__(self, call: Call, repository: "Repository", limit: int | None) -> None:
        self._call = call
        self._console = call.console
        self._repository = repository
        self._limit = limit

    def everything(self, kind: str | None) -> None:
        from localart.catalog.projects import list_projects

        projects = list_projects(self._repository.read())
        if self._console.as_json:
            head = {"projects": [project_document(project) for project in projects]}
            self._console.stream(head, "artifacts", self._artifact_documents(None, kind))
            return
        if not projects:
            self._console.say(f"the store {self._repository.root} is empty")
            self._call.hint("put PATH -n NAME", "demo")
            return
        self._console.table(_PROJECTS, map(_project_row, projects))
        if any(project.artifact_count for project in projects):
            self._console.line()
            self._console.table(_ARTIFACTS, self._artifact_rows(None, kind), empty=_NO_ARTIFACTS)

    def project(self, name: str, kind: str | None) -> None:
        if self._console.as_json:
            self._console.stream({"project": name}, "artifacts", self._artifact_documents(name, kind))
            return
        self._console.table(_ARTIFACTS, self._artifact_rows(name, kind), empty=_NO_ARTIFACTS)

    def versions(self, artifact: "ArtifactRecord") -> None:
        from localart.catalog.versions import iter_versions

        found = islice(iter_versions(self._repository.read(), artifact.id), self._limit)
        if self._console.as_json:
            head = {"project": artifact.project, "artifact": artifact.name, "type": artifact.type}
            self._console.stream(head, "versions", map(version_document, found))
            return
        self._console.table(_VERSIONS, map(_version_row, found), empty="all of its versions were deleted")

    def files(self, version: "VersionRecord") -> None:
        from localart.catalog.manifests import get_manifest, verified_entries

        connection = self._repository.read()
        manifest = get_manifest(connection, version.manifest_id)
        found = islice(verified_entries(connection, manifest), self._limit)
        if self._console.as_json:
            head = {
                "address": version.full_name,
                "file_count": version.file_count,
                "size_bytes": version.size_bytes,
            }
            self._console.stream(head, "files", map(entry_document, found))
            return
        self._console.table(_FILES, map(_file_row, found), empty="it holds no files")

    # --- artifacts with their latest version -----------------------------------------------------------

    def _artifacts(
        self, project: str | None, kind: str | None
    ) -> "Iterator[tuple[ArtifactRecord, VersionRecord | None]]":
        from localart.catalog.artifacts import list_artifacts
        from localart.catalog.versions import get_numbered

        with self._repository.catalog.snapshot() as connection:
            found = list_artifacts(connection, project=project, kind=kind)[: self._limit]
            places = [(one.id, one.latest) for one in found if one.latest is not None]
            newest = get_numbered(connection, places)
        for artifact in found:
            latest = None if artifact.latest is None else newest[artifact.id, artifact.latest]
            yield artifact, latest

    def _artifact_documents(self, project: str | None, kind: str | None) -> Iterator[object]:
        return (artifact_document(*one) for one in self._artifacts(project, kind))

    def _artifact_rows(self, project: str | None, kind: str | None) -> Iterator[tuple[str, ...]]:
        return (_artifact_row(*one) for one in self._artifacts(project, kind))


def _project_row(project: "ProjectRecord") -> tuple[str, ...]:
    return (
        project.name,
        f"{project.artifact_count:,}",
        f"{project.run_count:,}",
        time_text(project.created_at),
    )


def _artifact_row(artifact: "ArtifactRecord", latest: "VersionRecord | None") -> tuple[str, ...]:
    return (
        f"{artifact.project}/{artifact.name}",
        artifact.type,
        f"{artifact.version_count:,}",
        "" if artifact.latest is None else f"v{artifact.latest}",
        "" if latest is None else size_text(latest.size_bytes),
        "" if latest is None else time_text(latest.created_at),
        "" if latest is None else ", ".join(latest.aliases),
    )


def _version_row(version: "VersionRecord") -> tuple[str, ...]:
    return (
        f"v{version.number}",
        f"{version.file_count:,}",
        size_text(version.size_bytes),
        time_text(version.created_at),
        version.digest.hex()[:12],
        ", ".join(version.aliases),
        ", ".join(version.tags),
    )


def _file_row(entry: "Entry") -> tuple[str, ...]:
    path = entry.path if entry.reference is None else f"{entry.path} -> {entry.reference.uri}"
    return size_text(entry.size_bytes), entry.digest.hex()[:12], path
