"""A graph drawn as a map: layers from left to right, one text row a node, arrows from outputs to inputs.

::

    ● load ──▶▣ raw:v0 ──▶● preprocess ──▶▣ splits:v0 ───┬──────────────────────────▶● eval
                          ● init ────────▶▣ convnet:v0 ─╮╰─▶● train ──▶▣ model:v0 ──▶▏
                                                        ╰──▶▏

All that leaves a node is one net, and nets never merge: a node has one row for each input (`▶▏` below its own),
so an arrow head has one source. `┃` is a joint: everything that enters it goes to everything it leads to. `┼` is
always a crossing, `╋` a junction of one net. In ASCII a joint is `]`, a row for an input `:`, corners are `.`
and `'`, junctions `*`, and `+` is a crossing.
"""

from collections.abc import Iterator

from localart.lineage.graph import NodeOrder
from localart.lineage.labels import caption, clean, cut, to_ascii
from localart.lineage.layers import too_large
from localart.lineage.map_plan import MapPlace, MapPlan, plan_map
from localart.lineage.map_window import Window, draw_window
from localart.model import LineageGraph
from localart.records import dataclass

__all__ = ["MapDrawing", "MapPlace", "draw_map", "render_map"]

_NARROWEST = 24
_MOST_CELLS = 6_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MapDrawing:
    """The lines of a map, `width` cells wide at most, and the places of its nodes."""

    lines: tuple[str, ...]
    places: tuple[MapPlace, ...]
    width: int


def render_map(graph: LineageGraph, *, ascii_only: bool = False, max_width: int | None = None) -> str:
    """The map as lines ended by newlines; an empty graph gives "".

    To keep within `max_width` cells (at least 24), labels shrink to eight; a map that is wider still is cut at
    the right. Lines at the end say so, and whatever else is not in the picture.
    """
    width = None if max_width is None else max(max_width, _NARROWEST)
    plan = plan_map(graph, ascii_only=ascii_only, max_width=width)
    lines = [
        *_lines(plan, plan.width if width is None else min(plan.width, width + 1)),
        *_remarks(graph, plan.order),
    ]
    if width is not None and plan.width > width:
        lines.append(f"… the map goes on to the right: it needs {plan.width} columns")
    spelled = [to_ascii(line) if ascii_only else line for line in lines]
    fitted = (line if width is None else cut(line, width) for line in spelled)
    return "".join(f"{to_ascii(line) if ascii_only else line}\n" for line in fitted)


def _remarks(graph: LineageGraph, order: NodeOrder) -> Iterator[str]:
    for edge in order.back_edges:
        source, target = (caption(order.links.nodes[key]).title for key in (edge.source, edge.target))
        yield f"↺ not drawn, for it leads back: {source} → {target}"
    if graph.truncated:
        yield "… the graph goes on; a limit cut it off"
    yield from map(clean, graph.notes)


def draw_map(graph: LineageGraph, *, ascii_only: bool = False, max_width: int | None = None) -> MapDrawing:
    """The map, however wide it becomes; with `max_width` its labels shrink (to eight cells) to fit.

    UsageError when it would be larger than six million cells. Time grows with the area and the wires.
    """
    plan = plan_map(graph, ascii_only=ascii_only, max_width=max_width)
    return MapDrawing(
        lines=tuple(_lines(plan, plan.width)), places=tuple(plan.places.values()), width=plan.width
    )


def _lines(plan: MapPlan, width: int) -> list[str]:
    """The first `width` columns, all rows."""
    if width * plan.height > _MOST_CELLS:
        raise too_large(len(plan.titles))
    return draw_window(plan, Window(height=plan.height, width=width)).lines()
