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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from localart.lineage.channels import Course, PlacedLayer, place
from localart.lineage.graph import NodeOrder, flowing_order
from localart.lineage.labels import caption, cell_width, char_cells, clean, cut, shorten, to_ascii
from localart.lineage.layers import Layers, arrange, too_large
from localart.model import LineageGraph, NodeKind

_LONGEST_LABEL = 32
_SHORTEST_LABEL = 8
_NARROWEST = 24
_MOST_CELLS = 6_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPlace:
    """Where a node's sign and label stand: a line and a column of the map, counted in cells from 0."""

    key: str
    line: int
    column: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MapDrawing:
    """The lines of a map, `width` cells wide at most, and the places of its nodes."""

    lines: tuple[str, ...]
    places: tuple[MapPlace, ...]
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Glyphs:
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


_UNICODE = _Glyphs(
    run="●", version="▣", head="▶", port="▏", joint="┃", line="─", trunk="│", crossing="┼", pitch=1,
    bends={
        "LD": "╮", "LU": "╯", "RD": "╭", "RU": "╰", "LUD": "┤", "RUD": "├", "LRD": "┬", "LRU": "┴", "LRUD": "╋",
    },
)  # fmt: skip
# Without signs for every bend, a reader looks at the neighbours: a column between trunks keeps them apart.
_ASCII = _Glyphs(
    run="o", version="#", head=">", port=":", joint="]", line="-", trunk="|", crossing="+", pitch=2,
    bends={
        "LD": ".", "LU": "'", "RD": ".", "RU": "'", "LUD": "*", "RUD": "*", "LRD": "*", "LRU": "*", "LRUD": "*",
    },
)  # fmt: skip


def render_map(graph: LineageGraph, *, ascii_only: bool = False, max_width: int | None = None) -> str:
    """The map as lines ended by newlines; an empty graph gives "".

    To keep within `max_width` cells (at least 24), labels shrink to eight; a map that is wider still is cut at
    the right. Lines at the end say so, and whatever else is not in the picture.
    """
    width = None if max_width is None else max(max_width, _NARROWEST)
    drawing = draw_map(graph, ascii_only=ascii_only, max_width=width)
    lines = [*drawing.lines, *_remarks(graph)]
    if width is not None and drawing.width > width:
        lines.append(f"… the map goes on to the right: it needs {drawing.width} columns")
    spelled = [to_ascii(line) if ascii_only else line for line in lines]
    fitted = (line if width is None else cut(line, width) for line in spelled)
    return "".join(f"{to_ascii(line) if ascii_only else line}\n" for line in fitted)


def _remarks(graph: LineageGraph) -> Iterator[str]:
    order = flowing_order(graph)
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
    glyphs = _ASCII if ascii_only else _UNICODE
    order = flowing_order(graph)
    layers = arrange(order)
    placed = place(layers)
    spelled = to_ascii if ascii_only else str
    titles = [spelled(caption(node).title) for node in order.nodes]
    blocks = _blocks(layers, placed, titles, glyphs, max_width)
    width = blocks[-1].end if blocks else 0
    height = max((layer.height for layer in placed), default=0)
    if width * height > _MOST_CELLS:
        raise too_large(len(titles))
    canvas = _Canvas(width=width, height=height)
    places: list[MapPlace] = []
    for layer, (rows, block) in enumerate(zip(placed, blocks, strict=True)):
        _draw_courses(canvas, rows.courses, block.channel, block.start, glyphs)
        places += _draw_things(canvas, layers, layer, rows, block, order, titles, glyphs)
    return MapDrawing(lines=tuple(canvas.lines()), places=tuple(places), width=canvas.width)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """The columns of a layer: its channel, the arrow heads at `start`, labels of at most `label` cells, `end`."""

    channel: int
    start: int
    label: int
    end: int


def _blocks(
    layers: Layers,
    placed: Sequence[PlacedLayer],
    titles: Sequence[str],
    glyphs: _Glyphs,
    max_width: int | None,
) -> list[_Block]:
    widest = [
        max(
            (cell_width(titles[t]) for t in row if t < len(titles) and not layers.is_wire(t, layer)),
            default=0,
        )
        for layer, row in enumerate(layers.rows)
    ]
    for limit in range(_LONGEST_LABEL, _SHORTEST_LABEL - 1, -1):
        blocks = list(_blocks_within(placed, widest, limit, glyphs))
        if max_width is None or not blocks or blocks[-1].end <= max_width:
            break
    return blocks


def _blocks_within(
    placed: Sequence[PlacedLayer], widest: Sequence[int], limit: int, glyphs: _Glyphs
) -> Iterator[_Block]:
    start = -1  # nothing arrives at the first layer, so its column of arrow heads is left out
    for number, (layer, natural) in enumerate(zip(placed, widest, strict=True)):
        channel = start
        start += layer.trunk_count * glyphs.pitch + 1 if number else 0
        label = min(natural, limit)
        end = start + (5 + label if label else 3)
        yield _Block(channel=channel, start=start, label=label, end=end)
        start = end


# --- ink -------------------------------------------------------------------------------------------


class _Canvas:
    """Cells to write on; a wide character fills its cell and blanks the next."""

    def __init__(self, *, width: int, height: int) -> None:
        self.width = width
        self._cells = [[" "] * width for _ in range(height)]

    def write(self, row: int, column: int, text: str) -> None:
        """Put clean `text` at a place; marks without a width join the character before them."""
        cells = self._cells[row]
        for char in text:
            width = char_cells(char)
            if width:
                cells[column : column + width] = [char] + [""] * (width - 1)
                column += width
            else:
                cells[column - 1] += char

    def line(self, row: int, start: int, end: int, glyphs: _Glyphs) -> None:
        """Draw from `start` up to, not including, `end`; across a trunk it becomes a crossing."""
        cells = self._cells[row]
        for column in range(start, end):
            cells[column] = glyphs.crossing if cells[column] == glyphs.trunk else glyphs.line

    def lines(self) -> list[str]:
        """The rows without blanks at their ends; no empty ones at the bottom."""
        lines = ["".join(cells).rstrip() for cells in self._cells]
        while lines and not lines[-1]:
            lines.pop()
        return lines


def _draw_courses(canvas: _Canvas, courses: Sequence[Course], start: int, end: int, glyphs: _Glyphs) -> None:
    """Trunks first: a line that meets one later can only be crossing it."""
    for course in courses:
        if course.trunk is not None:
            _draw_trunk(canvas, course, start + course.trunk * glyphs.pitch, glyphs)
    for course in courses:
        if course.trunk is None:
            canvas.line(course.source_row, start, end, glyphs)
            continue
        column = start + course.trunk * glyphs.pitch
        canvas.line(course.source_row, start, column, glyphs)
        for row in course.target_rows:
            canvas.line(row, column + 1, end, glyphs)


def _draw_trunk(canvas: _Canvas, course: Course, column: int, glyphs: _Glyphs) -> None:
    for row in range(course.top + 1, course.bottom):
        canvas.write(row, column, glyphs.trunk)
    for row in {course.source_row, *course.target_rows}:
        bend = (
            ("L" if row == course.source_row else "")
            + ("R" if row in course.target_rows else "")
            + ("U" if row > course.top else "")
            + ("D" if row < course.bottom else "")
        )
        canvas.write(row, column, glyphs.bends[bend])


def _draw_things(
    canvas: _Canvas,
    layers: Layers,
    layer: int,
    rows: PlacedLayer,
    block: _Block,
    order: NodeOrder,
    titles: Sequence[str],
    glyphs: _Glyphs,
) -> Iterator[MapPlace]:
    """Draw what stands in one layer and yield the places of its nodes."""
    for thing, row in rows.row_of.items():
        if layers.is_wire(thing, layer):
            canvas.line(row, block.start, block.end, glyphs)
            continue
        is_joint = layers.is_joint(thing)
        below = glyphs.joint if is_joint else glyphs.port
        for port in range(len(rows.ports[thing])):
            canvas.write(row + port, block.start, glyphs.head + below)
        after = block.start + 2
        if not is_joint:
            node, label = order.nodes[thing], shorten(titles[thing], block.label)
            sign = glyphs.run if node.kind is NodeKind.RUN else glyphs.version
            canvas.write(row, block.start + 1, f"{sign} {label} ")
            after += cell_width(label) + 2
            place = MapPlace(key=node.key, line=row, column=block.start + 1, width=2 + cell_width(label))
            yield place
        if layers.outputs[thing]:
            canvas.line(row, after, block.end, glyphs)
