"""A lineage graph as one SVG: the map's layout in real shapes, for pages, notebooks and papers.

Runs are green pills, versions blue boxes; a node is as tall as it has inputs, and each of them arrives on a row of
its own, so that lines never merge. A thick bar is a joint: all that enters it goes to all it leads to. What leads
back against the order (a run that logs its input again) is a dashed bow. Pointing at a node tells its facts.

The text is well-formed XML whatever the names hold: they are cleaned, escaped, and only ever text. Nothing is
fetched and nothing runs. Light or dark follows the reader's system.
"""

from collections.abc import Iterator
from html import escape

from localart.lineage.channels import Course
from localart.lineage.labels import caption, cell_width, clean
from localart.lineage.layers import too_large
from localart.lineage.map_plan import Block, MapPlan, plan_map
from localart.model import GraphNode, LineageGraph, NodeKind

CELL, ROW, MARGIN = 7.25, 30.0, 16.0
_BEND = 5.0
_BOX = 22.0
_MOST_ROWS = 100_000

STYLE = """\
.localart-lineage{--ground:#ffffff;--ink:#1f2937;--faint:#6b7280;--line:#9ca3af;--run:#dcfce7;--run-edge:#15803d;\
--version:#dbeafe;--version-edge:#1d4ed8;--back:#b45309;font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media (prefers-color-scheme:dark){.localart-lineage{--ground:#14171c;--ink:#e5e7eb;--faint:#9ca3af;--line:#6b7280;\
--run:#14331f;--run-edge:#4ade80;--version:#16294d;--version-edge:#7aa2ff;--back:#fbbf24}}
.localart-lineage .ground{fill:var(--ground)}
.localart-lineage text{fill:var(--ink);white-space:pre}
.localart-lineage .note{fill:var(--faint)}
.localart-lineage .line{fill:none;stroke:var(--line);stroke-width:1.5}
.localart-lineage .head{fill:var(--line)}
.localart-lineage .joint{stroke:var(--ink);stroke-width:3;stroke-linecap:round}
.localart-lineage .back{fill:none;stroke:var(--back);stroke-width:1.5;stroke-dasharray:4 3}
.localart-lineage .back-head{fill:var(--back)}
.localart-lineage .run rect{fill:var(--run);stroke:var(--run-edge)}
.localart-lineage .version rect{fill:var(--version);stroke:var(--version-edge)}
.localart-lineage .focus rect{stroke-width:3}
.localart-lineage .group .under{opacity:.55}
"""


def to_svg(graph: LineageGraph, *, title: str = "") -> str:
    """`graph` as one `<svg>` element, the same text for the same graph. It has its size, and scales.

    Every edge is drawn. UsageError when the map would be larger than a picture is worth.
    """
    plan = plan_map(graph)
    if plan.height > _MOST_ROWS:
        raise too_large(len(plan.titles))
    notes = [clean(note) for note in graph.notes]
    if graph.truncated:
        notes.insert(0, "… the graph goes on; a limit cut it off")
    if not graph.nodes:
        notes.insert(0, "nothing here yet")
    above = ROW * 1.5 if plan.order.back_edges else 0.0
    longest = max(map(cell_width, notes), default=0)
    width = round(max(plan.width, longest) * CELL + 2 * MARGIN + CELL)
    height = round(above + max(plan.height, 0) * ROW + len(notes) * 18 + 2 * MARGIN)
    name = _text(title or "lineage")
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="localart-lineage" role="img" aria-label="{name}" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}">\n'
        f"<title>{name}</title>\n<style>\n{STYLE}</style>\n"
        '<rect class="ground" width="100%" height="100%"/>\n'
        f'<g transform="translate({MARGIN:g} {MARGIN + above + ROW / 2:g})">\n'
    )
    drawn = (*_drawn(plan, graph.focus), *_noted(notes, plan.height * ROW))
    return "".join((head, *drawn, "</g>\n</svg>\n"))


def _text(text: str) -> str:
    return escape(clean(text), quote=True)


def _noted(notes: list[str], below: float) -> Iterator[str]:
    for number, note in enumerate(notes):
        yield f'<text class="note" x="0" y="{below + number * 18:g}">{_text(note)}</text>\n'


def _drawn(plan: MapPlan, focus: str | None) -> Iterator[str]:
    """Lines first, so that shapes lie over their ends."""
    for layer in range(len(plan.blocks)):
        yield from _lines(plan, layer)
    for edge in plan.order.back_edges:
        yield _bow(plan, edge.source, edge.target)
    for layer in range(len(plan.blocks)):
        yield from _shapes(plan, layer, focus)


# --- lines -----------------------------------------------------------------------------------------


def _x(column: float) -> float:
    return column * CELL


def _y(row: float) -> float:
    return row * ROW


def _lines(plan: MapPlan, layer: int) -> Iterator[str]:
    placed, block, layers = plan.placed[layer], plan.blocks[layer], plan.layers
    for course in placed.courses:
        path = "".join(_way(course, row, block) for row in course.target_rows)
        yield f'<path class="line" d="{path}"/>\n'
    for thing, row in placed.row_of.items():
        is_wire = layers.is_wire(thing, layer)
        if not is_wire:
            yield from _heads(block, row, len(placed.ports[thing]))
        if is_wire or layers.outputs[thing]:
            start = block.start if is_wire else _right_end(plan, block, thing)
            yield f'<path class="line" d="M{_x(start):g} {_y(row):g}H{_x(block.end):g}"/>\n'


def _right_end(plan: MapPlan, block: Block, thing: int) -> float:
    if plan.layers.is_joint(thing):
        return block.start + 1.5
    return block.start + 1.5 + cell_width(plan.labels[thing]) + 1.8


def _way(course: Course, target_row: int, block: Block) -> str:
    """From where a net comes into a channel to one of the rows on which it leaves; corners are round."""
    start, end, top, low = _x(block.channel), _x(block.start + 0.5), _y(course.source_row), _y(target_row)
    if course.trunk is None or top == low:
        return f"M{start:g} {top:g}H{end:g}"
    trunk, bend = _x(block.channel + course.trunk + 0.5), _BEND if low > top else -_BEND
    return (
        f"M{start:g} {top:g}H{max(start, trunk - _BEND):g}Q{trunk:g} {top:g} {trunk:g} {top + bend:g}"
        f"V{low - bend:g}Q{trunk:g} {low:g} {min(end, trunk + _BEND):g} {low:g}H{end:g}"
    )


def _heads(block: Block, row: int, count: int) -> Iterator[str]:
    tip = _x(block.start + 1.5)
    for port in range(count):
        y = _y(row + port)
        yield f'<path class="head" d="M{tip:g} {y:g}l-8 -4v8z"/>\n'


def _bow(plan: MapPlan, source: str, target: str) -> str:
    """A dashed line over the top, from the middle of one node to that of the other."""
    (start_x, start_y), (end_x, end_y) = _top_of(plan, source), _top_of(plan, target)
    above = min(start_y, end_y) - ROW
    return (
        f'<path class="back" d="M{start_x:g} {start_y:g}C{start_x:g} {above:g} {end_x:g} {above:g} '
        f'{end_x:g} {end_y - 6:g}"/>\n<path class="back-head" d="M{end_x:g} {end_y:g}l-4 -8h8z"/>\n'
    )


def _top_of(plan: MapPlan, key: str) -> tuple[float, float]:
    place = plan.places[key]
    return _x(place.column + place.width / 2), _y(place.line) - _BOX / 2


# --- shapes ----------------------------------------------------------------------------------------


def _shapes(plan: MapPlan, layer: int, focus: str | None) -> Iterator[str]:
    placed, block, layers = plan.placed[layer], plan.blocks[layer], plan.layers
    for thing, row in placed.row_of.items():
        if layers.is_wire(thing, layer):
            continue
        left, top = _x(block.start + 1.5), _y(row)
        height = _y(max(1, len(placed.ports[thing])) - 1)
        if layers.is_joint(thing):
            yield f'<path class="joint" d="M{left:g} {top - 8:g}v{height + 16:g}"/>\n'
            continue
        node, width = plan.order.nodes[thing], _x(_right_end(plan, block, thing)) - left
        yield (
            f'<g class="{_classes(node, focus)}" transform="translate({left:g} {top:g})">'
            f"<title>{_facts(node)}</title>{_boxes(node, width, height + _BOX)}"
            f'<text x="{0.9 * CELL:g}" y="4">{escape(plan.labels[thing])}</text></g>\n'
        )


def _classes(node: GraphNode, focus: str | None) -> str:
    return f"{node.kind}{' group' if _is_group(node) else ''}{' focus' if node.key == focus else ''}"


def _is_group(node: GraphNode) -> bool:
    return not node.address and " ×" in node.label


def _boxes(node: GraphNode, width: float, height: float) -> str:
    corner = _BOX / 2 if node.kind is NodeKind.RUN else 3
    size = f'width="{width:g}" height="{height:g}" rx="{corner:g}"'
    under = f'<rect class="under" x="3" y="{3 - _BOX / 2:g}" {size}/>' if _is_group(node) else ""
    return f'{under}<rect x="0" y="{-_BOX / 2:g}" {size}/>'


def _facts(node: GraphNode) -> str:
    words = caption(node)
    kind = "run" if node.kind is NodeKind.RUN else "version"
    facts = [words.title, words.aliases, f"{kind}, {words.detail}" if words.detail else kind, words.state]
    return "\n".join(_text(fact) for fact in (*facts, node.address, node.created_at) if fact)
