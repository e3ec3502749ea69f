"""The lineage that is on the screen as a file, as a command, and as Python."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from localart.errors import TargetUnwritable
from localart_tui.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from localart_tui.graph.state import GraphState

_MOST_TRIES = 1000


class Form(StrEnum):
    """What can be written; the value is the file's suffix."""

    SVG = "svg"
    HTML = "html"
    DOT = "dot"
    MERMAID = "mmd"
    JSON = "json"
    MAP = "map.txt"
    LANES = "lanes.txt"


_FORMATS = {Form.MERMAID: "mermaid", Form.MAP: "map", Form.LANES: "lanes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a lineage was asked for by: an address, or "" for the whole of `project` (or of the store, "")."""

    address: str = ""
    project: str = ""


def export_text(
    state: GraphState, form: Form, title: str, facts: Mapping[str, Sequence[tuple[str, str]]]
) -> str:
    """What is on the screen, in the form asked for. May take a second for thousands of nodes."""
    match form:
        case Form.SVG:
            from localart.lineage.svg import to_svg

            return to_svg(state.drawn, title=title)
        case Form.HTML:
            from localart.lineage.html import to_html

            return to_html(state.model.graph, title=title, facts=facts, grouped=state.model.is_grouped)
        case Form.DOT:
            from localart.lineage.dot import to_dot

            return to_dot(state.drawn)
        case Form.MERMAID:
            from localart.lineage.mermaid import to_mermaid

            return to_mermaid(state.drawn)
        case Form.JSON:
            import json

            from localart.lineage.document import to_document

            return json.dumps(to_document(state.drawn), indent=2) + "\n"
        case Form.MAP:
            from localart.lineage.layered import render_map

            return render_map(state.drawn)
        case Form.LANES:
            from localart.lineage.lanes import render_lanes

            return render_lanes(state.drawn)


def write_export(folder: Path, name: str, form: Form, text: str) -> Path:
    """Write `text` into a new file of `folder`, named after what it shows; nothing there is ever replaced."""
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:80] or "all"
    for number in range(1, _MOST_TRIES):
        path = folder / f"lineage-{stem}{'' if number == 1 else f'-{number}'}.{form.value}"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path
    raise TargetUnwritable(
        f"{clean(str(folder), 200)} has a thousand files of that name", hint="go to another folder"
    )


def command(state: GraphState, source: Source, form: Form = Form.MAP) -> str:
    """The command that draws the same."""
    words = ["localart", "lineage"]
    if source.address:
        words.append(source.address)
        words += ["--complete"] if state.scope.complete else []
        words += [] if state.scope.depth is None else ["--depth", str(state.scope.depth)]
    elif source.project:
        words += ["--project", source.project]
    kept = state.model.kept
    words += [word for name in sorted(kept.types or ()) for word in ("--type", name)]
    words += [word for name in sorted(kept.job_types or ()) for word in ("--job-type", name)]
    words.append("--group" if state.model.is_grouped else "--no-group")
    words += ["--format", _FORMATS.get(form, form.value)]
    return shlex.join(words)


def code(state: GraphState, source: Source) -> str:
    """The Python that gives the same graph."""
    reach = [f"depth={state.scope.depth}"] if state.scope.depth is not None else []
    reach += ["complete=True"] if state.scope.complete else []
    if source.address:
        get = f"graph = localart.Api().lineage({', '.join([repr(source.address), *reach])})"
    else:
        project = repr(source.project) if source.project else "None"
        get = (
            "from localart.lineage.query import whole_lineage\nfrom localart.repository import default_repository\n\n"
            f"graph = whole_lineage(default_repository(), project={project})"
        )
    lines = ["import localart", "from localart.lineage.graph_model import graph_model"]
    kept = state.model.kept
    choose = "graph"
    if kept.types is not None or kept.job_types is not None:
        lines.append("from localart.lineage.filters import Kept, filtered")
        choose = f"filtered(graph, Kept(types={_set(kept.types)}, job_types={_set(kept.job_types)}))"
    if state.model.is_grouped:
        choose = f"graph_model({choose}, grouped=True).shown"
    else:
        lines.remove("from localart.lineage.graph_model import graph_model")
    return "\n".join(
        [*lines, "from localart.lineage.layered import render_map", "", get, f"print(render_map({choose}))"]
    )


def _set(names: frozenset[str] | None) -> str:
    return "None" if names is None else f"frozenset({sorted(names)!r})"
