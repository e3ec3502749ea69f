"""A state laid out for one view: pure, so that large graphs can be laid out beside the loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from localart.errors import LocalartError
from localart.lineage.graph import reached, topological_order
from localart.lineage.labels import caption
from localart.lineage.lanes import draw_lanes
from localart.lineage.map_plan import plan_map, relabelled
from localart_tui.graph.state import GraphState, Unrelated, View
from localart_tui.tones import Tone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from localart.lineage.lanes import LaneRow
    from localart.lineage.map_plan import MapPlan
    from localart_tui.graph.exports import Source
    from localart_tui.ui import Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How to lay a state out; `width` counts for the Lanes alone."""

    view: View
    label_cells: int
    ascii_only: bool
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A plan for the Map, rows for the Lanes, or the error why there is none.

    `back`: for nodes from which an edge leads back against the order, the names of where it leads.
    """

    state: GraphState
    wish: Wish
    back: Mapping[str, tuple[str, ...]]
    plan: MapPlan | None = None
    rows: Sequence[LaneRow] = ()
    error: LocalartError | None = None

    @property
    def view(self) -> View:
        """The view it is for."""
        return self.wish.view


def laid_out(state: GraphState, wish: Wish, before: Layout | None) -> Layout:
    """Lay `state` out; what is the same as before is kept. A graph too large for a map is an error to show."""
    if before is not None and before.state.drawn is state.drawn and _alike(before.wish, wish):
        kept = replace(before, state=state, wish=wish)
        if kept.plan is not None and before.wish.label_cells != wish.label_cells:
            return replace(kept, plan=relabelled(kept.plan, label_cells=wish.label_cells))
        return kept
    layout = Layout(state=state, wish=wish, back=_back(state))
    try:
        return _drawn(layout)
    except LocalartError as error:
        return replace(layout, error=error)


def _alike(one: Wish, other: Wish) -> bool:
    """Whether what was laid out for one wish serves the other, but for the lengths of names on a map."""
    if one.view is not other.view or one.ascii_only != other.ascii_only:
        return False
    return one.view is not View.LANES or one.width == other.width


def _drawn(layout: Layout) -> Layout:
    drawn, wish = layout.state.drawn, layout.wish
    match wish.view:
        case View.MAP:
            plan = plan_map(drawn, ascii_only=wish.ascii_only, label_cells=wish.label_cells)
            return replace(layout, plan=plan)
        case View.LANES:
            return replace(layout, rows=draw_lanes(drawn, ascii_only=wish.ascii_only, max_width=wish.width))
        case View.WALK:
            return layout


def _back(state: GraphState) -> dict[str, tuple[str, ...]]:
    order = topological_order(state.drawn)
    back: dict[str, tuple[str, ...]] = {}
    for edge in order.back_edges:
        back[edge.source] = (*back.get(edge.source, ()), caption(order.links.nodes[edge.target]).title)
    return back


def is_same(before: Layout | None, after: Layout) -> bool:
    """Whether only looks differ: the same drawing is on the screen."""
    if before is None or before.error or after.error or before.view is not after.view:
        return False
    return before.plan is after.plan and before.rows is after.rows


def related_keys(state: GraphState) -> frozenset[str] | None:
    """What goes into or comes out of the selected node; None when all is to look alike."""
    if state.unrelated is not Unrelated.DIM or not state.selected:
        return None
    key = state.selected
    return reached(state.links.inputs, key) | reached(state.links.outputs, key) | {key}


def column_of(layout: Layout) -> list[str]:
    """The nodes that up and down go through: those of the selected node's layer, or all rows."""
    if layout.plan is None:
        return [row.node.key for row in layout.rows] or [layout.state.selected]
    plan = layout.plan
    layer = plan.column_of[layout.state.selected]
    keys = [key for key, column in plan.column_of.items() if column == layer]
    return sorted(keys, key=lambda key: plan.places[key].line)


def message_of(layout: Layout, source: Source) -> list[list[Part]]:
    """What to say in place of a graph that is empty or too large; nothing when there is one to see."""
    if layout.error is not None:
        return [
            [(layout.error.message, Tone.WARN)],
            [(layout.error.hint, Tone.TEXT)],
            [("v shows it as lanes, g draws what is alike as one, < goes less deep", Tone.DIM)],
        ]
    if layout.state.drawn.nodes:
        return []
    where = f" in {source.project}" if source.project else ""
    return [
        [(f"No runs and no artifacts{where} yet.", Tone.STRONG)],
        [(" ", Tone.TEXT)],
        [("import localart", Tone.TEXT)],
        [('with localart.init(project="p", job_type="load") as run:', Tone.TEXT)],
        [('    run.log_artifact("data.csv", name="raw", type="dataset")', Tone.TEXT)],
    ]
