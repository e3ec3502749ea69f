"""The part of a planned map that lies in a window, cell by cell, and which of its lines matter to one node."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence

from localart.lineage.channels import Course
from localart.lineage.labels import char_cells
from localart.lineage.map_plan import Block, Glyphs, MapPlace, MapPlan
from localart.model import NodeKind
from localart.records import dataclass

BLANK, LINE, RELATED, NODE = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A rectangle of the map: its upper left cell and its size, in cells."""

    top: int = 0
    left: int = 0
    height: int
    width: int

    @property
    def bottom(self) -> int:
        """The row after the last."""
        return self.top + self.height

    @property
    def right(self) -> int:
        """The column after the last."""
        return self.left + self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """What lies on a way to or from some node: `keys` of nodes, and for each net the last layer it is hot to.

    Only lines on such ways are related: where a net of an input also leads elsewhere, that branch is not.
    """

    keys: frozenset[str]
    upstream: frozenset[int]
    downstream: frozenset[int]
    last_layer: Mapping[int, int]

    def leads(self, net: int, thing: int) -> bool:
        """Whether the way from `net` to `thing` is related."""
        return (net in self.upstream and thing in self.upstream) or (
            net in self.downstream and thing in self.downstream
        )

    def passes(self, net: int, layer: int) -> bool:
        """Whether `net`, as a wire in `layer`, goes on to something related."""
        return self.last_layer.get(net, -1) > layer


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnWindow:
    """Its cells row by row (a wide character has "" after it), what each is, and the nodes in it."""

    cells: Sequence[Sequence[str]]
    ink: Sequence[bytes | bytearray]
    places: Sequence[MapPlace]

    def lines(self) -> list[str]:
        """The rows as text, without blanks at their ends."""
        return ["".join(row).rstrip() for row in self.cells]


def related_to(plan: MapPlan, keys: Iterable[str]) -> Related:
    """All that goes into or comes out of any of `keys`, with the lines between; unknown keys count for nothing."""
    wanted = frozenset(keys)
    starts = [number for number, node in enumerate(plan.order.nodes) if node.key in wanted]
    upstream, downstream = _reach(plan.layers.inputs, starts), _reach(plan.layers.outputs, starts)
    nodes = plan.order.nodes
    bare = Related(
        keys=frozenset(nodes[thing].key for thing in upstream | downstream if thing < len(nodes)),
        upstream=upstream,
        downstream=downstream,
        last_layer={},
    )
    last: dict[int, int] = {}
    for net in upstream | downstream:
        for thing in plan.layers.outputs[net]:
            if bare.leads(net, thing):
                last[net] = max(last.get(net, 0), plan.layers.layer_of[thing])
    return Related(keys=bare.keys, upstream=upstream, downstream=downstream, last_layer=last)


def _reach(neighbours: Mapping[int, Sequence[int]], starts: Sequence[int]) -> frozenset[int]:
    seen = set(starts)
    stack = list(starts)
    while stack:
        fresh = [thing for thing in neighbours[stack.pop()] if thing not in seen]
        seen.update(fresh)
        stack += fresh
    return frozenset(seen)


def draw_window(plan: MapPlan, window: Window, related: Related | None = None) -> DrawnWindow:
    """Draw what of `plan` lies in `window`. Time grows with the layers seen and with the window's area."""
    canvas = _Canvas(window)
    first = bisect_right([block.end for block in plan.blocks], window.left)
    last = bisect_left([block.channel for block in plan.blocks], window.right)
    places: list[MapPlace] = []
    for layer in range(first, last):
        _draw_courses(canvas, plan, layer, related)
        places += _draw_things(canvas, plan, layer, related)
    return DrawnWindow(cells=canvas.cells, ink=canvas.ink, places=places)


# --- ink -------------------------------------------------------------------------------------------


class _Canvas:
    """Cells to write on; whatever lies outside the window is not written."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.cells = [[" "] * window.width for _ in range(window.height)]
        self.ink = [bytearray(window.width) for _ in range(window.height)]

    def sees(self, top: int, bottom: int) -> bool:
        """Whether any row from `top` to `bottom` is in the window."""
        return top < self.window.bottom and bottom >= self.window.top

    def seen(self, rows: Sequence[int]) -> Sequence[int]:
        """Those of sorted `rows` that are in the window."""
        return rows[bisect_left(rows, self.window.top) : bisect_left(rows, self.window.bottom)]

    def put(self, row: int, column: int, sign: str, ink: int) -> None:
        """One sign of one cell."""
        row -= self.window.top
        column -= self.window.left
        if 0 <= row < self.window.height and 0 <= column < self.window.width:
            self.cells[row][column] = sign
            self.ink[row][column] = ink

    def text(self, row: int, column: int, text: str) -> None:
        """Clean `text`, as a node's; of a wide character half outside, blanks."""
        if not self.sees(row, row):
            return
        cells, ink = self.cells[row - self.window.top], self.ink[row - self.window.top]
        column -= self.window.left
        for char in text:
            width = char_cells(char)
            if not width:
                if 0 < column <= self.window.width:
                    cells[column - 1] += char
                continue
            whole = column >= 0 and column + width <= self.window.width
            signs = [char] + [""] * (width - 1) if whole else [" "] * width
            for sign in signs:
                if 0 <= column < self.window.width:
                    cells[column] = sign
                    ink[column] = NODE
                column += 1

    def line(self, row: int, start: int, end: int, glyphs: Glyphs, ink: int) -> None:
        """From `start` up to, not including, `end`; across a trunk it becomes a crossing."""
        if not self.sees(row, row):
            return
        cells, inks = self.cells[row - self.window.top], self.ink[row - self.window.top]
        for column in range(max(start - self.window.left, 0), min(end - self.window.left, len(cells))):
            cells[column] = glyphs.crossing if cells[column] == glyphs.trunk else glyphs.line
            inks[column] = max(inks[column], ink)


def _draw_courses(canvas: _Canvas, plan: MapPlan, layer: int, related: Related | None) -> None:
    """Trunks first: a line that meets one later can only be crossing it."""
    block, glyphs = plan.blocks[layer], plan.glyphs
    courses = [course for course in plan.placed[layer].courses if canvas.sees(course.top, course.bottom)]
    hot_rows = {} if related is None else _hot_rows(plan, layer, related)
    for course in courses:
        if course.trunk is not None:
            column = block.channel + course.trunk * glyphs.pitch
            _draw_trunk(canvas, course, column, glyphs, hot_rows.get(course.net, ()))
    for course in courses:
        _draw_lines(canvas, course, block, glyphs, hot_rows.get(course.net, ()))


def _hot_rows(plan: MapPlan, layer: int, related: Related) -> dict[int, set[int]]:
    """For each net into `layer` with a related target there or beyond, the rows on which it goes there."""
    placed = plan.placed[layer]
    hot: dict[int, set[int]] = {}
    for thing, nets in placed.ports.items():
        is_wire = plan.layers.is_wire(thing, layer)
        for row, net in enumerate(nets, start=placed.row_of[thing]):
            if related.passes(net, layer) if is_wire else related.leads(net, thing):
                hot.setdefault(net, set()).add(row)
    return hot


def _draw_lines(
    canvas: _Canvas, course: Course, block: Block, glyphs: Glyphs, hot_rows: Collection[int]
) -> None:
    ink = RELATED if hot_rows else LINE
    if course.trunk is None:
        canvas.line(course.source_row, block.channel, block.start, glyphs, ink)
        return
    column = block.channel + course.trunk * glyphs.pitch
    canvas.line(course.source_row, block.channel, column, glyphs, ink)
    for row in canvas.seen(course.target_rows):
        canvas.line(row, column + 1, block.start, glyphs, RELATED if row in hot_rows else LINE)


def _draw_trunk(
    canvas: _Canvas, course: Course, column: int, glyphs: Glyphs, hot_rows: Collection[int]
) -> None:
    hot = range(min(course.source_row, *hot_rows), max(course.source_row, *hot_rows) + 1) if hot_rows else ()
    window = canvas.window
    for row in range(max(course.top + 1, window.top), min(course.bottom, window.bottom)):
        canvas.put(row, column, glyphs.trunk, RELATED if row in hot else LINE)
    targets = canvas.seen(course.target_rows)
    for row in {course.source_row, *targets}:
        bend = (
            ("L" if row == course.source_row else "")
            + ("R" if row in targets else "")
            + ("U" if row > course.top else "")
            + ("D" if row < course.bottom else "")
        )
        canvas.put(row, column, glyphs.bends[bend], RELATED if row in hot else LINE)


def _draw_things(canvas: _Canvas, plan: MapPlan, layer: int, related: Related | None) -> list[MapPlace]:
    """Draw what stands in one layer; the places of its nodes that are in the window."""
    places: list[MapPlace] = []
    placed, block, layers = plan.placed[layer], plan.blocks[layer], plan.layers
    for thing, row in placed.row_of.items():
        nets = placed.ports[thing]
        if not canvas.sees(row, row + max(1, len(nets)) - 1):
            continue
        if layers.is_wire(thing, layer):
            hot = related is not None and related.passes(thing, layer)
            canvas.line(row, block.start, block.end, plan.glyphs, RELATED if hot else LINE)
            continue
        _draw_ports(canvas, plan, layer, thing, related)
        after = block.start + 2
        if not layers.is_joint(thing):
            place = _draw_node(canvas, plan, thing, row, block.start + 1)
            places.append(place)
            after = place.column + place.width + 1
        if layers.outputs[thing]:
            hot = related is not None and thing in related.last_layer
            canvas.line(row, after, block.end, plan.glyphs, RELATED if hot else LINE)
    return places


def _draw_ports(canvas: _Canvas, plan: MapPlan, layer: int, thing: int, related: Related | None) -> None:
    """An arrow head for each input, and what it points at: a joint's bar, or the mark of a further input."""
    placed, start, layers = plan.placed[layer], plan.blocks[layer].start, plan.layers
    below = plan.glyphs.joint if layers.is_joint(thing) else plan.glyphs.port
    for row, net in enumerate(placed.ports[thing], start=placed.row_of[thing]):
        ink = RELATED if related is not None and related.leads(net, thing) else LINE
        canvas.put(row, start, plan.glyphs.head, ink)
        canvas.put(row, start + 1, below, ink)


def _draw_node(canvas: _Canvas, plan: MapPlan, thing: int, row: int, column: int) -> MapPlace:
    node, glyphs = plan.order.nodes[thing], plan.glyphs
    sign = glyphs.run if node.kind is NodeKind.RUN else glyphs.version
    canvas.text(row, column, f"{sign} {plan.labels[thing]}")
    return plan.places[node.key]
