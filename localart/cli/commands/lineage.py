"""`localart lineage`: the graph of runs and versions, drawn in the terminal or written for other programs."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_project, complete_target
from localart.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection

    from localart.lineage.document import GraphDocument
    from localart.model import LineageGraph, NodeKind
    from localart.repository import Repository

FORMATS = ("lanes", "map", "svg", "html", "dot", "mermaid", "json")
_DRAWN = frozenset({"lanes", "map", "svg"})
_BY_SUFFIX = {
    ".svg": "svg",
    ".html": "html",
    ".htm": "html",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".json": "json",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """How the graph is to be shown: `grouped` None folds what is alike where there is too much of it."""

    form: str
    grouped: bool | None
    ascii_only: bool
    width: int | None


@command(
    "lineage",
    examples=(
        "localart lineage digits-demo/trained-digits-net:best --up",
        "localart lineage -o lineage.html",
    ),
)
@click.argument("address", required=False, metavar="[ADDRESS | run:ID]", shell_complete=complete_target)
@click.option("--up", is_flag=True, help="Only what it was made from.")
@click.option("--down", is_flag=True, help="Only what came of it.")
@click.option("--complete", is_flag=True, help="All that hangs together with it, siblings too.")
@click.option("--depth", type=click.IntRange(min=1), help="At most this many steps away.")
@click.option(
    "--project", shell_complete=complete_project, help="The whole of this project, or where ADDRESS is."
)
@click.option(
    "--type", "types", multiple=True, metavar="TYPE", help="Only artifacts of this type (repeatable)."
)
@click.option(
    "--job-type", "job_types", multiple=True, metavar="TYPE", help="Only runs of this job type (repeatable)."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    help="lanes, or as FILE ends: .svg, .html, .dot, .mmd, .json.",
)
@click.option("--output", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Write there.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw with ASCII characters.")
@click.option(
    "--group/--no-group",
    "grouped",
    default=None,
    help="Draw what is alike as one, `train ×48`; else only in a crowd.",
)
@click.option("--by-type", is_flag=True, help="One node for each type and job type.")
def lineage_command(  # noqa: PLR0913, PLR0917  # one for each option
    call: Call,
    address: str | None,
    up: bool,
    down: bool,
    complete: bool,
    depth: int | None,
    project: str | None,
    types: tuple[str, ...],
    job_types: tuple[str, ...],
    form: str | None,
    output: Path | None,
    force: bool,
    ascii_only: bool,
    grouped: bool | None,
    by_type: bool,
) -> None:
    """Draw what a version was made from and what came of it; without ADDRESS, everything.

    Runs are ●, versions ▣. A line leads from a run to what it made, and from a version to the runs that used it.
    """
    _check(address, up=up, down=down, complete=complete, depth=depth)
    repository = call.open()
    if address is None:
        graph = _whole(repository, project)
    else:
        from localart.lineage.query import Reach, find_lineage

        reach = Reach(up=up or not down, down=down or not up, complete=complete, depth=depth)
        graph = find_lineage(repository, address, project=project, reach=reach)
    graph = _chosen(graph, types, job_types)
    if by_type:
        from localart.lineage.graph import grouped_by_type

        graph, grouped = grouped_by_type(graph), False
    look = _Look(
        form="json" if call.console.as_json else form or _form_of(output),
        grouped=grouped,
        ascii_only=ascii_only or (output is None and not call.console.is_unicode),
        width=call.console.width if output is None else None,
    )
    _write(call, repository, graph, look, title=address or project or "lineage", output=output, force=force)


def _check(address: str | None, *, up: bool, down: bool, complete: bool, depth: int | None) -> None:
    if address is None and (up or down or complete or depth is not None):
        raise click.UsageError(
            "--up, --down, --complete and --depth need an ADDRESS", click.get_current_context()
        )
    if complete and (up or down):
        raise click.UsageError(
            "--complete goes both ways: leave out --up and --down", click.get_current_context()
        )


def _whole(repository: "Repository", project: str | None) -> "LineageGraph":
    from localart.catalog.projects import find_project
    from localart.errors import ProjectNotFound
    from localart.lineage.query import whole_lineage
    from localart.names import shown

    if project is not None and find_project(repository.read(), project) is None:
        raise ProjectNotFound(f"No project {shown(project)}", hint="`localart ls` lists what is there")
    return whole_lineage(repository, project=project)


def _chosen(graph: "LineageGraph", types: "Collection[str]", job_types: "Collection[str]") -> "LineageGraph":
    """`graph` without the types not asked for."""
    from localart.lineage.filters import Kept, filtered
    from localart.model import NodeKind

    if not types and not job_types:
        return graph
    _check_known(graph, NodeKind.VERSION, types)
    _check_known(graph, NodeKind.RUN, job_types)
    return filtered(
        graph,
        Kept(
            types=frozenset(types) if types else None,
            job_types=frozenset(job_types) if job_types else None,
        ),
    )


def _check_known(graph: "LineageGraph", kind: "NodeKind", names: "Collection[str]") -> None:
    from localart.errors import UsageError
    from localart.lineage.filters import groups_in
    from localart.names import shown

    known = groups_in(graph, kind)
    for name in names:
        if name not in known:
            there = ", ".join(shown(one) for one in list(known)[:20]) or "none"
            raise UsageError(f"Nothing in this lineage is of type {shown(name)}", hint=f"there are: {there}")


def _form_of(output: Path | None) -> str:
    """As the file ends; a text file, or one without an ending, gets the lanes."""
    ending = "" if output is None else output.suffix.lower()
    if ending not in _BY_SUFFIX and ending not in {"", ".txt", ".md"}:
        raise click.UsageError(
            f"No lineage is written as '{ending}', but as {', '.join(_BY_SUFFIX)} or .txt; --format says which it is",
            click.get_current_context(),
        )
    return _BY_SUFFIX.get(ending, "lanes")


def _write(  # where from, what, how, where to
    call: Call,
    repository: "Repository",
    graph: "LineageGraph",
    look: _Look,
    *,
    title: str,
    output: Path | None,
    force: bool,
) -> None:
    text = _text(repository, graph, look, title)
    if output is not None:
        _write_file(output, text, force=force)
        call.console.say(f"wrote {output}: {len(graph.nodes):,} nodes, {len(graph.edges):,} edges")
    elif look.form == "json":
        call.console.document(_document(graph, look))
    elif look.form in {"svg", "html"}:
        call.console.raw(text)
    elif not graph.nodes and look.form in _DRAWN:
        call.console.say("there is nothing to draw yet")
        call.hint("put PATH -n NAME", "demo")
    else:
        call.console.block(text.removesuffix("\n"))


def _text(repository: "Repository", graph: "LineageGraph", look: _Look, title: str) -> str:
    from localart.lineage.dot import to_dot
    from localart.lineage.mermaid import to_mermaid

    match look.form:
        case "json":
            import json

            return json.dumps(_document(graph, look), indent=2) + "\n"
        case "dot":
            return to_dot(_folded(graph, look))
        case "mermaid":
            return to_mermaid(_folded(graph, look))
        case "html":
            from localart.lineage.facts import read_facts
            from localart.lineage.html import to_html

            return to_html(graph, title=title, facts=read_facts(repository, graph), grouped=look.grouped)
        case "svg":
            from localart.lineage.svg import to_svg

            return to_svg(_folded(graph, look), title=title)
        case _:
            return _drawing(_folded(graph, look), look)


def _drawing(graph: "LineageGraph", look: _Look) -> str:
    from localart.lineage.lanes import render_lanes
    from localart.lineage.layered import render_map

    render = render_map if look.form == "map" else render_lanes
    return render(graph, ascii_only=look.ascii_only, max_width=look.width)


def _document(graph: "LineageGraph", look: _Look) -> "GraphDocument":
    from localart.lineage.document import to_document

    return to_document(_folded(graph, look))


def _folded(graph: "LineageGraph", look: _Look) -> "LineageGraph":
    """`graph` with what is alike as one: where that was asked for, or a drawing would be too full to read."""
    from localart.lineage.graph_model import graph_model

    grouped = look.grouped if look.form in _DRAWN else bool(look.grouped)
    model = graph_model(graph, grouped=grouped)
    if not model.is_grouped or look.grouped:
        return model.shown
    note = "what is alike is drawn as one (×); --no-group draws each"
    return replace(model.shown, notes=(*model.shown.notes, note))


def _write_file(path: Path, text: str, *, force: bool) -> None:
    """All of `text` or nothing; what is there stays unless `force`."""
    import os
    from contextlib import suppress

    from localart.errors import TargetError
    from localart.names import shown

    if not force and os.path.lexists(path):
        raise TargetError(f"{shown(str(path))} is already there", hint="--force replaces it")
    if not path.parent.is_dir():
        raise TargetError(
            f"There is no folder {shown(str(path.parent))}", hint="make it, or name another FILE"
        )
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise TargetError(
            f"{shown(str(path))} cannot be written: {error.strerror or error}", hint="name another FILE"
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
