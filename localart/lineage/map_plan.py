"""Where everything on a map goes, before a single cell is drawn.

A plan holds each node's, joint's and net's place; `map_window` draws any part of it. A map may thus be far larger
than what could be drawn whole: five thousand nodes take some seventeen million cells and half a second to plan.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from localart.lineage.channels import PlacedLayer, place
from localart.lineage.graph import NodeOrder, flowing_order
from localart.lineage.labels import caption, cell_width, shorten, to_ascii
from localart.lineage.layers import Layers, arrange
from localart.model import LineageGraph
from localart.records import dataclass

LONGEST_LABEL = 32
SHORTEST_LABEL = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """The signs of one alphabet; `bends` says what a trunk looks like where lines leave it to left and right."""

    run: str
    version: str
    head: str
    port: str
    joint: str
    line: str
    trunk: str
    crossing: str
    bends: Mapping[str, str]
    pitch: int


UNICODE = Glyphs(
    run="●", version="▣", head="▶", port="▏", joint="┃", line="─", trunk="│", crossing="┼", pitch=1,
    bends={
        "LD": "╮", "LU": "╯", "RD": "╭", "RU": "╰", "LUD": "┤", "RUD": "├", "LRD": "┬", "LRU": "┴", "LRUD": "╋",
    },
)  # fmt: skip
# Without signs for every bend, a reader looks at the neighbours: a column between trunks keeps them apart.
ASCII = Glyphs(
    run="o", version="#", head=">", port=":", joint="]", line="-", trunk="|", crossing="+", pitch=2,
    bends={
        "LD": ".", "LU": "'", "RD": ".", "RU": "'", "LUD": "*", "RUD": "*", "LRD": "*", "LRU": "*", "LRUD": "*",
    },
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPlace:
    """Where a node's sign and label stand: a line and a column of the map, counted in cells from 0."""

    key: str
    line: int
    column: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The columns of a layer: its channel, the arrow heads at `start`, labels of at most `label` cells, `end`."""

    channel: int
    start: int
    label: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPlan:
    """A map that is laid out. `labels` are cut to fit; `places` and `column_of` are by key, layers from 0."""

    order: NodeOrder
    layers: Layers
    placed: Sequence[PlacedLayer]
    blocks: Sequence[Block]
    titles: Sequence[str]
    labels: Sequence[str]
    places: Mapping[str, MapPlace]
    column_of: Mapping[str, int]
    glyphs: Glyphs
    width: int
    height: int


def plan_map(
    graph: LineageGraph,
    *,
    ascii_only: bool = False,
    max_width: int | None = None,
    label_cells: int = LONGEST_LABEL,
) -> MapPlan:
    """Lay `graph` out with labels of at most `label_cells`; they shrink, to eight, to come within `max_width`.

    Time grows with nodes and wires, not with the area. UsageError when there would be a hundred thousand wires.
    """
    order = flowing_order(graph)
    layers = arrange(order)
    placed = place(layers)
    spelled = to_ascii if ascii_only else str
    bare = MapPlan(
        order=order,
        layers=layers,
        placed=placed,
        blocks=(),
        titles=[spelled(caption(node).title) for node in order.nodes],
        labels=(),
        places={},
        column_of={},
        glyphs=ASCII if ascii_only else UNICODE,
        width=0,
        height=max((_last_row(layer) + 1 for layer in placed), default=0),
    )
    return relabelled(bare, label_cells=label_cells, max_width=max_width)


def _last_row(layer: PlacedLayer) -> int:
    return max(row + max(1, len(layer.ports[thing])) for thing, row in layer.row_of.items()) - 1


def relabelled(plan: MapPlan, *, label_cells: int, max_width: int | None = None) -> MapPlan:
    """`plan` with labels of other widths; nothing changes its row."""
    blocks = _blocks(plan, label_cells, max_width)
    places: dict[str, MapPlace] = {}
    column_of: dict[str, int] = {}
    labels = [""] * len(plan.titles)
    for layer, block in enumerate(blocks):
        for thing, row in plan.placed[layer].row_of.items():
            if thing >= len(labels) or plan.layers.is_wire(thing, layer):
                continue
            key = plan.order.nodes[thing].key
            labels[thing] = shorten(plan.titles[thing], block.label)
            width = 2 + cell_width(labels[thing])
            places[key] = MapPlace(key=key, line=row, column=block.start + 1, width=width)
            column_of[key] = layer
    return replace(
        plan,
        blocks=blocks,
        labels=labels,
        places=places,
        column_of=column_of,
        width=blocks[-1].end if blocks else 0,
    )


def _blocks(plan: MapPlan, label_cells: int, max_width: int | None) -> list[Block]:
    widest = [
        max(
            (
                cell_width(plan.titles[thing])
                for thing in row
                if thing < len(plan.titles) and not plan.layers.is_wire(thing, layer)
            ),
            default=0,
        )
        for layer, row in enumerate(plan.layers.rows)
    ]
    limit = label_cells
    while True:
        blocks = list(_blocks_within(plan, widest, limit))
        limit -= 1
        fits = max_width is None or not blocks or blocks[-1].end <= max_width
        if fits or limit < SHORTEST_LABEL:
            return blocks


def _blocks_within(plan: MapPlan, widest: Sequence[int], limit: int) -> Iterator[Block]:
    start = -1  # nothing arrives at the first layer, so its column of arrow heads is left out
    for number, (layer, natural) in enumerate(zip(plan.placed, widest, strict=True)):
        channel = start
        start += layer.trunk_count * plan.glyphs.pitch + 1 if number else 0
        label = min(natural, limit)
        end = start + (5 + label if label else 3)
        yield Block(channel=channel, start=start, label=label, end=end)
        start = end
