"""What stands around the three views: what is shown of the graph, where one is in it, and what is known of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localart.lineage.labels import caption, to_ascii
from localart.model import NodeKind
from localart_tui.chrome import Chip
from localart_tui.glyphs import Glyphs, sparkline
from localart_tui.graph.state import Unrelated, View
from localart_tui.text import cell_width, clean, count_text, fit, pad
from localart_tui.tones import Tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localart.lineage.map_plan import MapPlan
    from localart.lineage.map_window import Window
    from localart_tui.graph.state import GraphState
    from localart_tui.ui import Part

_MINIMAP_CELLS = 24
_FACT_NAME = 14


def chosen_chips(state: GraphState, view: View, back_count: int) -> list[Chip]:
    """What of the graph is shown, and how; `back_count` links lead back against the order."""
    scope = "complete" if state.scope.complete else "direct"
    depth = "all" if state.scope.depth is None else f"{state.scope.depth}"
    chips = [
        Chip(f"{view.value.upper()}", Tone.STRONG),
        Chip(f"  {scope}", Tone.ACCENT),
        Chip(f"  depth {depth}", Tone.DIM),
    ]
    if state.model.members:
        chips.append(Chip(f"  {count_text(len(state.model.members), 'group')}", Tone.DIM))
    if state.unrelated is not Unrelated.DIM:
        chips.append(Chip(f"  unrelated {state.unrelated.value}", Tone.WARN))
    hidden = len(state.model.whole.nodes) - len(state.model.graph.nodes)
    if hidden:
        chips.append(Chip(f"  {hidden} left out by type", Tone.WARN))
    if back_count and view is not View.WALK:
        chips.append(Chip(f"  {count_text(back_count, 'link')} not drawn, leading back", Tone.WARN))
    if state.query:
        chips.append(Chip(f"  /{clean(state.query, 20)}: {_found(state)}", Tone.WARN))
    return chips


def _found(state: GraphState) -> str:
    if state.selected in state.matches:
        return f"{state.matches.index(state.selected) + 1} of {len(state.matches)}"
    return f"{len(state.matches)} found"


def count_chips(state: GraphState) -> list[Chip]:
    """How much there is, and whether there is more."""
    more = "+" if state.model.whole.truncated else ""
    edges = count_text(len(state.drawn.edges), "edge")
    return [Chip(f"{len(state.drawn.nodes):,}{more} nodes, {edges}", Tone.DIM)]


def minimap_chips(plan: MapPlan, window: Window, glyphs: Glyphs) -> list[Chip]:
    """How many nodes each layer has, and in brackets which layers are on the screen."""
    counts = [0] * len(plan.blocks)
    for layer in plan.column_of.values():
        counts[layer] += 1
    if not counts:
        return []
    bars = sparkline(glyphs, [float(count) for count in counts], _MINIMAP_CELLS)
    visible = [
        layer
        for layer, block in enumerate(plan.blocks)
        if block.end > window.left and block.channel < window.right
    ] or [0]
    first = visible[0] * len(bars) // len(counts)
    last = min(visible[-1] * len(bars) // len(counts) + 1, len(bars))
    return [
        Chip("  layers ", Tone.FAINT),
        Chip(bars[:first], Tone.FAINT),
        Chip(f"[{bars[first:last]}]", Tone.ACCENT),
        Chip(bars[last:], Tone.FAINT),
        Chip(f" {visible[0] + 1}-{visible[-1] + 1}/{len(counts)}", Tone.DIM),
    ]


def here_chips(state: GraphState, glyphs: Glyphs, back: Sequence[str]) -> list[Chip]:
    """The selected node, and what the picture does not show. `back`: names of what leads back to a beginning."""
    if state.node is None:
        return []
    words, is_run = caption(state.node), state.node.kind is NodeKind.RUN
    spelled = to_ascii if glyphs.name == "ascii" else str
    sign = glyphs.run if is_run else glyphs.version
    chips = [
        Chip(f"{glyphs.cursor} ", Tone.ACCENT),
        Chip(f"{sign} {spelled(words.title)}", Tone.RUN if is_run else Tone.VERSION),
        Chip(f"  {words.detail}" if words.detail else "", Tone.DIM),
        Chip(f"  {words.aliases}" if words.aliases else "", Tone.ALIAS),
        Chip(f"  {words.state}" if words.state else "", Tone.DIM),
        Chip(f"  in {len(state.inputs)}, out {len(state.outputs)}", Tone.DIM),
    ]
    if back:
        chips.append(Chip(f"  {spelled('↺')} leads back to {', '.join(back[:3])}", Tone.WARN))
    if state.model.whole.truncated:
        chips.append(Chip("  only the nearest are shown: < goes less deep", Tone.WARN))
    chips += [Chip(f"  {clean(note, 100)}", Tone.WARN) for note in state.drawn.notes]
    return [chip for chip in chips if chip.text]


def facts_rows(
    state: GraphState, facts: Sequence[tuple[str, str]], glyphs: Glyphs, width: int
) -> list[list[Part]]:
    """The selected node for the pane beside a map."""
    node = state.node
    if node is None:
        return []
    words, is_run = caption(node), node.kind is NodeKind.RUN
    sign = glyphs.run if is_run else glyphs.version
    spelled = to_ascii if glyphs.name == "ascii" else str
    rows: list[list[Part]] = [
        [
            (f"{sign} ", Tone.RUN if is_run else Tone.VERSION),
            (fit(spelled(words.title), width - 2, keep_end=True), Tone.STRONG),
        ]
    ]
    if words.aliases:
        rows.append([(fit(words.aliases, width), Tone.ALIAS)])
    known = [
        ("job type" if is_run else "type", node.group),
        ("project", node.project),
        ("state", words.state),
        ("created", node.created_at[:19].replace("T", " ")),
        ("inputs", f"{len(state.inputs)}"),
        ("outputs", f"{len(state.outputs)}"),
    ]
    rows += [fact_row(name, value, width) for name, value in known if value]
    rows += fact_rows(facts, width)
    members = state.model.members_of(node.key)
    return rows + [[(fit(f"  {member.label}", width, keep_end=True), Tone.DIM)] for member in members]


def fact_row(name: str, value: str, width: int, indent: str = "") -> list[Part]:
    """One fact in `width` cells."""
    name_width = max(_FACT_NAME, min(cell_width(name) + len(indent), width * 3 // 5))
    label = pad(indent + clean(name), name_width)
    return [(f"{label} ", Tone.DIM), (fit(value, width - name_width - 1), Tone.TEXT)]


def fact_rows(facts: Sequence[tuple[str, str]], width: int) -> list[list[Part]]:
    """Facts whose names begin alike, as in `config.lr`, under one heading."""
    rows: list[list[Part]] = []
    heading = ""
    for name, value in facts:
        section, dot, rest = name.partition(".")
        if dot and section != heading:
            rows.append([(section, Tone.HEADER)])
        heading = section if dot else ""
        rows.append(fact_row(rest if dot else name, value, width, indent="  " if dot else ""))
    return rows
