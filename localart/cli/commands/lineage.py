"""`localart lineage`: the graph of runs and versions, drawn in the terminal or written for other programs."""

from typing import TYPE_CHECKING

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_project, complete_target

if TYPE_CHECKING:
    from localart.model import LineageGraph
    from localart.repository import Repository

FORMATS = ("lanes", "map", "dot", "mermaid", "json")


@command("lineage")
@click.argument("address", required=False, metavar="[ADDRESS | run:ID]", shell_complete=complete_target)
@click.option("--up", is_flag=True, help="Only what it was made from.")
@click.option("--down", is_flag=True, help="Only what came of it.")
@click.option("--depth", type=click.IntRange(min=1), help="At most this many steps away.")
@click.option(
    "--project", shell_complete=complete_project, help="The whole of this project, or where ADDRESS is."
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="lanes", show_default=True)
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII characters.")
@click.option("--by-type", is_flag=True, help="One node for each type and job type.")
def lineage_command(  # noqa: PLR0913, PLR0917  # one for each option
    call: Call,
    address: str | None,
    up: bool,
    down: bool,
    depth: int | None,
    project: str | None,
    form: str,
    ascii_only: bool,
    by_type: bool,
) -> None:
    """Draw what a version was made from and what came of it; without ADDRESS, everything.

    Runs are ●, versions ▣. A line leads from a run to what it made, and from a version to the runs that used it.
    """
    from localart.lineage.graph import grouped_by_type
    from localart.lineage.query import Reach, find_lineage

    repository = call.open()
    if address is None:
        if up or down or depth is not None:
            raise click.UsageError("--up, --down and --depth need an ADDRESS", click.get_current_context())
        graph = _whole(repository, project)
    else:
        reach = Reach(up=up or not down, down=down or not up, depth=depth)
        graph = find_lineage(repository, address, project=project, reach=reach)
    if by_type:
        graph = grouped_by_type(graph)
    _write(call, graph, "json" if call.console.as_json else form, ascii_only=ascii_only)


def _whole(repository: "Repository", project: str | None) -> "LineageGraph":
    from localart.catalog.projects import find_project
    from localart.errors import ProjectNotFound
    from localart.lineage.query import whole_lineage
    from localart.names import shown

    if project is not None and find_project(repository.read(), project) is None:
        raise ProjectNotFound(f"No project {shown(project)}", hint="`localart ls` lists what is there")
    return whole_lineage(repository, project=project)


def _write(call: Call, graph: "LineageGraph", form: str, *, ascii_only: bool) -> None:
    from localart.lineage.document import to_document
    from localart.lineage.dot import to_dot
    from localart.lineage.mermaid import to_mermaid

    match form:
        case "json":
            call.console.document(to_document(graph))
        case "dot":
            call.console.block(to_dot(graph).removesuffix("\n"))
        case "mermaid":
            call.console.block(to_mermaid(graph).removesuffix("\n"))
        case _ if not graph.nodes:
            call.console.say("there are no runs yet")
        case _:
            _draw(call, graph, form, ascii_only=ascii_only or not call.console.is_unicode)


def _draw(call: Call, graph: "LineageGraph", form: str, *, ascii_only: bool) -> None:
    from localart.lineage.lanes import render_lanes
    from localart.lineage.layered import render_map

    render = render_map if form == "map" else render_lanes
    drawing = render(graph, ascii_only=ascii_only, max_width=call.console.width)
    call.console.block(drawing.removesuffix("\n"))
