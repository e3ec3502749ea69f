"""Rows for the things of a map and a course for every net between two layers; the second half of drawing it.

Between two layers lies a channel. A net crosses it on the row it comes from, along one upright *trunk*, and on
the rows of the ports it goes to. Two rules keep nets apart: trunks in one column never touch, and where one net
comes in on the row on which another goes out, the first has its trunk further left. A port that would turn the
second rule into a circle is moved down a row.
"""

from collections.abc import Iterator, Mapping, Sequence

from localart.lineage.layers import Layers
from localart.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One net's way through a channel; `trunk` is None when it is a straight line."""

    net: int
    source_row: int
    target_rows: tuple[int, ...]
    trunk: int | None

    @property
    def top(self) -> int:
        """The uppermost row it touches."""
        return min(self.source_row, *self.target_rows)

    @property
    def bottom(self) -> int:
        """The lowest row it touches."""
        return max(self.source_row, *self.target_rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedLayer:
    """The first row of each thing in a layer, the nets at its ports row by row, and the channel before it."""

    row_of: Mapping[int, int]
    ports: Mapping[int, Sequence[int]]
    courses: tuple[Course, ...]
    trunk_count: int
    height: int


def place(layers: Layers) -> list[PlacedLayer]:
    """Give every thing its rows, layer by layer, in the order they have."""
    placed: list[PlacedLayer] = []
    source_row: Mapping[int, int] = {}
    for layer in range(len(layers.rows)):
        placed.append(_placed(layers, layer, source_row))
        source_row = {
            thing: row
            for thing, row in placed[-1].row_of.items()
            if layers.outputs[thing] or layers.is_wire(thing, layer)
        }
    return placed


def _placed(layers: Layers, layer: int, source_row: Mapping[int, int]) -> PlacedLayer:
    precedence = _Precedence(source_row)
    row_of: dict[int, int] = {}
    ports: dict[int, Sequence[int]] = {}
    free = 0
    for thing in layers.rows[layer]:
        nets = sorted(layers.entering(thing, layer) if layer else (), key=source_row.__getitem__)
        middle = len(nets) // 2
        row = max(free, source_row[nets[middle]] - middle if nets else 0)
        while not precedence.accept(row, nets):
            row += 1
        row_of[thing], ports[thing] = row, nets
        free = row + _height(layers, thing, layer)
    courses = tuple(_courses(row_of, ports, precedence))
    trunks = [course.trunk for course in courses if course.trunk is not None]
    return PlacedLayer(
        row_of=row_of, ports=ports, courses=courses, trunk_count=max(trunks, default=-1) + 1, height=free
    )


def _height(layers: Layers, thing: int, layer: int) -> int:
    """Rows to keep: for each port one, or for each node made by this one alone, so that those can stand beside it.

    A joint is a bare bar; without an empty row below it, two bars would be one.
    """
    if layers.is_wire(thing, layer):
        return 1
    ports = len(layers.inputs[thing]) + layers.is_joint(thing)
    return max(1, ports, layers.only_children(thing))


class _Precedence:
    """Which nets of a channel must have their trunks left of which others; never a circle."""

    def __init__(self, source_row: Mapping[int, int]) -> None:
        self.source_row = source_row
        self._net_at = {row: net for net, row in source_row.items()}
        self._right_of: dict[int, set[int]] = {}

    def accept(self, first_row: int, nets: Sequence[int]) -> bool:
        """Let `nets` go out on consecutive rows from `first_row`, unless that closes a circle."""
        added: list[tuple[int, int]] = []
        for row, net in enumerate(nets, start=first_row):
            left = self._net_at.get(row, net)
            if left == net or net in self._right_of.get(left, ()):
                continue
            if self._reaches(net, left):
                for before, after in added:
                    self._right_of[before].remove(after)
                return False
            self._right_of.setdefault(left, set()).add(net)
            added.append((left, net))
        return True

    def _reaches(self, start: int, goal: int) -> bool:
        seen = {start}
        stack = [start]
        while stack:
            fresh = self._right_of.get(stack.pop(), set()) - seen
            if goal in fresh:
                return True
            seen |= fresh
            stack += fresh
        return False

    def ordered(self, nets: Sequence[int]) -> Iterator[tuple[int, set[int]]]:
        """`nets` from left to right, each with those that must be further right."""
        waiting = dict.fromkeys(nets, 0)
        for rights in self._right_of.values():
            for net in rights:
                waiting[net] += 1
        ready = [net for net in reversed(nets) if not waiting[net]]
        while ready:
            net = ready.pop()
            rights = self._right_of.get(net, set())
            yield net, rights
            for right in sorted(rights, reverse=True):
                waiting[right] -= 1
                if not waiting[right]:
                    ready.append(right)


def _courses(
    row_of: Mapping[int, int], ports: Mapping[int, Sequence[int]], precedence: _Precedence
) -> Iterator[Course]:
    targets: dict[int, list[int]] = {}
    for thing, nets in ports.items():
        for row, net in enumerate(nets, start=row_of[thing]):
            targets.setdefault(net, []).append(row)
    leftmost: dict[int, int] = {}
    columns: list[list[tuple[int, int]]] = []
    for net, rights in precedence.ordered(list(targets)):
        source, ends = precedence.source_row[net], tuple(sorted(targets[net]))
        trunk = None
        if ends != (source,):
            trunk = _free_column(columns, leftmost.get(net, 0), min(source, *ends), max(source, *ends))
            leftmost.update((right, max(leftmost.get(right, 0), trunk + 1)) for right in rights)
        yield Course(net=net, source_row=source, target_rows=ends, trunk=trunk)


def _free_column(columns: list[list[tuple[int, int]]], leftmost: int, top: int, bottom: int) -> int:
    """The first column from `leftmost` on in which no trunk comes within a row of this one; takes it."""
    column = leftmost
    while column < len(columns) and any(
        low <= bottom + 1 and top <= high + 1 for low, high in columns[column]
    ):
        column += 1
    while column >= len(columns):
        columns.append([])
    columns[column].append((top, bottom))
    return column
