"""What a user types after `localart tui`, as a place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localart.catalog import browsing, projects
from localart.errors import ArtifactNotFound, ProjectNotFound
from localart.names import check_project, shown
from localart_tui.places import Place

if TYPE_CHECKING:
    from localart_tui.data.store import Store

_LINEAGE = ("lineage:", "graph:")


def find_place(store: Store, target: str, *, project: str | None) -> Place:
    """The page for `project`, `[project/]name`, `[project/]name:alias`, `run:ID` or `lineage:…`; "": the start.

    What does not exist is the library's own error.
    """
    if not target:
        return _start(store, project)
    for prefix in _LINEAGE:
        if target.startswith(prefix):
            return Place("graph", _full_address(store, target.removeprefix(prefix), project))
    if target.startswith("run:"):
        return Place("run", _full_address(store, target, project))
    if ":" in target:
        return Place("artifact", _full_address(store, target, project))
    return _named(store, target, project)


def read_ahead(store: Store, place: Place) -> None:
    """Begin to read what the first page will show, where that takes long."""
    if place.screen == "home":
        from localart_tui.data.projects import list_projects

        store.read_ahead("home", list_projects)
    elif place.screen == "artifacts":
        from localart_tui.data.artifacts import list_artifacts

        store.read_ahead("artifacts", lambda connection: list_artifacts(connection, place.target))
    elif place.screen == "versions":
        from localart_tui.data.versions import newest_versions

        store.read_ahead("versions", lambda connection: newest_versions(store, connection, place.target))


def _full_address(store: Store, target: str, project: str | None) -> str:
    from localart.operations.resolve import resolve_run, resolve_version

    if target.startswith("run:"):
        return f"run:{resolve_run(store.repository, target, project=project).id}"
    return resolve_version(store.repository, target, project=project).full_name


def _start(store: Store, project: str | None) -> Place:
    """The project asked for, or the only one there is, else all of them."""
    names = projects.project_names(store.connection())
    if project is not None and check_project(project) not in names:
        raise ProjectNotFound(
            f"There is no project {shown(project)}", hint="`localart ls` lists the projects"
        )
    chosen = project or (names[0] if len(names) == 1 else "")
    return Place("artifacts", chosen) if chosen else Place("home")


def _named(store: Store, target: str, project: str | None) -> Place:
    """A name without a version: a project, or an artifact by its own or its full name."""
    connection = store.connection()
    if project is None and projects.find_project(connection, target) is not None:
        return Place("artifacts", target)
    base, _, name = target.rpartition("/")
    wanted = base.rpartition("/")[2] or project
    among = [wanted] if wanted else projects.project_names(connection)
    heads = (browsing.find_head(connection, one, name) for one in among)
    found = [head for head in heads if head is not None]
    if len(found) == 1:
        return Place("versions", f"{found[0].project}/{found[0].name}")
    if found:
        names = ", ".join(f"{one.project}/{one.name}" for one in found[:5])
        raise ArtifactNotFound(f"Several projects have an artifact {shown(name)}", hint=f"say which: {names}")
    raise ArtifactNotFound(
        f"There is no project and no artifact {shown(target)}", hint="`localart ls` lists what there is"
    )
