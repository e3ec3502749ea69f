"""A graph drawn as `git log --graph` draws commits: one row a node, inputs above, one lane for each source.

::

    ● load-data
    ▣ mnist-raw:v0
    ● preprocess
    ▣ mnist-pre:v0
    │ ● init
    │ ▣ convnet:v0
    ├─● train           ├ ┼ ┤  this lane is an input of the row, and goes on
    │ ▣ trained:v0      ╰ ┴ ╯  this lane is an input of the row, and ends
    ╰─● eval            │      this lane passes under the row's line

A node right below a lane or a node, in its column, takes it as an input too and ends it. That reading must
never be wrong, so a node never stands in the column of a node above it that has nothing to hand on.

When there are more lanes than allowed, the one that would last longest is cut: `┆` where it is let go, `┆+17`
on rows beside which 17 cut lanes would run, `⇠3` where three inputs of the row come from such lanes. In
ASCII: `o #` for `● ▣`, `|`, `+` for an input that goes on, `'` for one that ends, `:+17`, `<3`.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest

from localart.lineage.graph import NodeOrder, flowing_order
from localart.lineage.labels import caption, cell_width, clean, padded, shorten, to_ascii
from localart.model import GraphNode, LineageGraph, NodeKind
from localart.records import dataclass

MAX_LANES = 24
_FEWEST_LANES = 2
_NARROWEST = 24
_LABEL_ROOM = 24
_LABEL_CELLS = 48
_COLUMN_CELLS = (20, 10, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRow:
    """One node and the glyphs to its left. Keys, not labels, name the other nodes.

    `column` counts lanes: the node's own glyph is `prefix[2 * column]`. `undrawn_inputs` are the inputs whose
    lanes were cut; `back_to` are targets of edges that close a cycle and so are not drawn either.
    """

    prefix: str
    node: GraphNode
    column: int
    is_focus: bool = False
    lanes_hidden: int = 0
    undrawn_inputs: tuple[str, ...] = ()
    back_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Glyphs:
    """The signs of one alphabet. `going` and `ending`: left end of the line, inside, right end."""

    run: str
    version: str
    lane: str
    line: str
    going: str
    ending: str
    cut: str
    unseen: str
    back: str
    focus: str


_UNICODE = _Glyphs(
    run="●",
    version="▣",
    lane="│",
    line="─",
    going="├┼┤",
    ending="╰┴╯",
    cut="┆",
    unseen="⇠",
    back="↺",
    focus="▶",
)
_ASCII = _Glyphs(
    run="o",
    version="#",
    lane="|",
    line="-",
    going="+++",
    ending="'''",
    cut=":",
    unseen="<",
    back="@",
    focus=">",
)


# --- text ------------------------------------------------------------------------------------------


def render_lanes(
    graph: LineageGraph, *, ascii_only: bool = False, max_width: int | None = None, max_lanes: int = MAX_LANES
) -> str:
    """The drawing as lines of at most `max_width` cells (but at least 24), each ended by a newline.

    After the label: group, state, aliases; what has no room is left out from the right. Lines at the end
    say what is not in the picture. An empty graph gives "".
    """
    width = None if max_width is None else max(max_width, _NARROWEST)
    glyphs = _ASCII if ascii_only else _UNICODE
    rows = draw_lanes(graph, ascii_only=ascii_only, max_width=width, max_lanes=max_lanes)
    lines = [*_table(rows, glyphs, width), *_remarks(graph, rows, glyphs)]
    return "".join(f"{_fitted(line, width, ascii_only=ascii_only)}\n" for line in lines)


def _fitted(line: str, width: int | None, *, ascii_only: bool) -> str:
    """`line` in the alphabet and the width asked for; spelling out can widen it, cutting brings `…` back in."""
    spelled = to_ascii(line) if ascii_only else line
    short = spelled if width is None else shorten(spelled, width)
    return to_ascii(short) if ascii_only else short


def _table(rows: Sequence[LaneRow], glyphs: _Glyphs, width: int | None) -> Iterator[str]:
    """The rows with their columns lined up."""
    titles, tails = _words(rows, glyphs)
    heads = _heads(rows, glyphs)
    longest = max(map(len, heads), default=0)
    lead = max((len(head) + cell_width(title) for head, title in zip(heads, titles, strict=True)), default=0)
    lead = min(lead, longest + _LABEL_CELLS)
    columns = _fitting_columns(tails, None if width is None else width - min(lead, longest + _LABEL_ROOM))
    if width is not None:
        lead = min(lead, width - _taken(columns))
    for head, title, tail in zip(heads, titles, tails, strict=True):
        drawn = padded(head + shorten(title, lead - len(head)), lead)
        cells = (f"  {padded(cell, cells)}" for cell, cells in zip(tail, columns, strict=False) if cells)
        yield "".join((drawn, *cells)).rstrip()


def _words(rows: Sequence[LaneRow], glyphs: _Glyphs) -> tuple[list[str], list[tuple[str, str, str]]]:
    """The rows' titles, and what follows them: group, state, aliases with what leads back."""
    spelled = to_ascii if glyphs is _ASCII else str
    captions = {row.node.key: caption(row.node) for row in rows}
    titles = {key: spelled(words.title) for key, words in captions.items()}
    tails = []
    for row in rows:
        words = captions[row.node.key]
        back = [f"{glyphs.back} {', '.join(titles[key] for key in row.back_to)}"] if row.back_to else []
        aliases = [spelled(words.aliases)] if words.aliases else []
        tails.append((spelled(words.detail), spelled(words.state), "  ".join(aliases + back)))
    return list(titles.values()), tails


def _heads(rows: Sequence[LaneRow], glyphs: _Glyphs) -> list[str]:
    if not any(row.is_focus for row in rows):
        return [f"{row.prefix} " for row in rows]
    return [f"{glyphs.focus if row.is_focus else ' '} {row.prefix} " for row in rows]


def _fitting_columns(tails: Sequence[tuple[str, ...]], room: int | None) -> list[int]:
    """The widths of those columns, from the left, that fit in `room` cells; 0 for one that says nothing."""
    widths: list[int] = []
    for position, most in enumerate(_COLUMN_CELLS):
        widest = max((cell_width(tail[position]) for tail in tails), default=0)
        widths.append(min(most, widest))
        if room is not None and _taken(widths) > room:
            return widths[:-1]
    return widths


def _taken(columns: Sequence[int]) -> int:
    """The cells that columns of these widths take, with the gaps before them."""
    return sum(2 + cells for cells in columns if cells)


def _remarks(graph: LineageGraph, rows: Sequence[LaneRow], glyphs: _Glyphs) -> Iterator[str]:
    """What a reader must know that the drawing does not show."""
    undrawn = sum(len(row.undrawn_inputs) for row in rows)
    back = sum(len(row.back_to) for row in rows)
    if undrawn:
        yield f"{glyphs.unseen} links not drawn, for too many would run side by side: {undrawn}"
    if back:
        yield f"{glyphs.back} links not drawn, for they lead back up: {back}"
    if graph.truncated:
        yield "… the graph goes on; a limit cut it off"
    yield from map(clean, graph.notes)


# --- lanes -----------------------------------------------------------------------------------------


def draw_lanes(
    graph: LineageGraph, *, ascii_only: bool = False, max_width: int | None = None, max_lanes: int = MAX_LANES
) -> tuple[LaneRow, ...]:
    """One row for each node, inputs above outputs. `max_width` leaves fewer lanes, so that labels have room.

    Both are wishes: there are never fewer than two lanes. Linear in nodes + edges, times the lanes.
    """
    order = flowing_order(graph)
    fitting = max_lanes if max_width is None else min(max_lanes, (max_width - _LABEL_ROOM) // 2)
    board = _Board(order, lane_count=max(_FEWEST_LANES, fitting), glyphs=_ASCII if ascii_only else _UNICODE)
    back_to: dict[str, tuple[str, ...]] = {}
    for edge in order.back_edges:
        back_to[edge.source] = (*back_to.get(edge.source, ()), edge.target)
    following = (node.key for node in order.nodes[1:])
    return tuple(
        board.place(node, after, is_focus=node.key == graph.focus, back_to=back_to.get(node.key, ()))
        for node, after in zip_longest(order.nodes, following)
    )


class _Board:
    """The lanes between two rows: who owns which column, and which columns the next node may take.

    Invariant: a column is either free, or owned by one source that still has consumers below.
    """

    def __init__(self, order: NodeOrder, *, lane_count: int, glyphs: _Glyphs) -> None:
        self._links = order.links
        self._glyphs = glyphs
        self._left = {key: len(targets) for key, targets in order.links.outputs.items()}
        row_of = {node.key: row for row, node in enumerate(order.nodes)}
        self._last_row = {
            key: max((row_of[target] for target in targets), default=0)
            for key, targets in order.links.outputs.items()
        }
        self._owners: list[str | None] = [None] * lane_count
        self._column_of: dict[str, int] = {}
        self._cut: set[str] = set()
        self._barred: int | None = None

    def place(
        self, node: GraphNode, following: str | None, *, is_focus: bool, back_to: tuple[str, ...]
    ) -> LaneRow:
        """Draw `node` on the next row and move the lanes on; `following` is the key of the row after it."""
        inputs = self._links.inputs[node.key]
        undrawn = tuple(key for key in inputs if key in self._cut)
        touched = {self._column_of[key]: key for key in inputs if key not in self._cut}
        lanes = set(self._column_of.values())
        hidden = len(self._cut)
        self._consume(inputs)
        ending = {column for column, key in touched.items() if not self._left[key]}
        column = max(ending) if ending else self._free_column(touched)
        self._seat(node.key, column)
        let_go = self._make_room(node.key, following)
        drawn = _Row(
            glyphs=self._glyphs,
            column=column,
            going=touched.keys() - ending - let_go - {column},
            ending=(ending | (let_go & touched.keys())) - {column},
            passing=lanes - touched.keys() - let_go,
            cut=let_go - touched.keys(),
        )
        return LaneRow(
            prefix=_prefix(drawn, node.kind) + self._hidden_mark(hidden, len(undrawn)),
            node=node,
            column=column,
            is_focus=is_focus,
            lanes_hidden=hidden,
            undrawn_inputs=undrawn,
            back_to=back_to,
        )

    def _consume(self, inputs: Sequence[str]) -> None:
        """Count one consumer less for each of `inputs`; lanes without any left are freed."""
        for key in inputs:
            self._left[key] -= 1
            if not self._left[key]:
                self._cut.discard(key)
                self._release(key)

    def _release(self, key: str) -> None:
        column = self._column_of.pop(key, None)
        if column is not None:
            self._owners[column] = None

    def _free_column(self, near: Collection[int]) -> int:
        """The free column nearest to one of `near`, the right one of two; without any, the leftmost."""
        free = self._free_columns()
        if not near:
            return free[0]
        return min(free, key=lambda column: (min(abs(column - other) for other in near), -column))

    def _free_columns(self) -> list[int]:
        return [
            column for column, owner in enumerate(self._owners) if owner is None and column != self._barred
        ]

    def _seat(self, key: str, column: int) -> None:
        if self._left[key]:
            self._owners[column] = key
            self._column_of[key] = column
        self._barred = None if self._left[key] else column

    def _make_room(self, placed: str, following: str | None) -> set[int]:
        """Cut the lane that would last longest, if the next node would else find no column."""
        if following is None or self._free_columns() or self._ends_a_lane(following):
            return set()
        others = [key for key in self._owners if key is not None and key != placed]
        longest = max(others, key=lambda key: (self._last_row[key], self._column_of[key]))
        column = self._column_of[longest]
        self._release(longest)
        self._cut.add(longest)
        return {column}

    def _ends_a_lane(self, key: str) -> bool:
        return any(self._left[near] == 1 and near in self._column_of for near in self._links.inputs[key])

    def _hidden_mark(self, hidden: int, undrawn: int) -> str:
        mark = f" {self._glyphs.cut}+{hidden}" if hidden else ""
        return mark + (f"{self._glyphs.unseen}{undrawn}" if undrawn else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """Which columns of one row hold what; the sets do not overlap."""

    glyphs: _Glyphs
    column: int
    going: Collection[int]
    ending: Collection[int]
    passing: Collection[int]
    cut: Collection[int]


def _prefix(row: _Row, kind: NodeKind) -> str:
    glyphs = row.glyphs
    joined = {row.column, *row.going, *row.ending}
    left, right = min(joined), max(joined)
    signs = dict.fromkeys(range(left, right + 1), glyphs.line)
    signs |= dict.fromkeys(row.passing, glyphs.lane)
    signs |= dict.fromkeys(row.cut, glyphs.cut)
    signs |= {column: glyphs.going[_side(column, left, right)] for column in row.going}
    signs |= {column: glyphs.ending[_side(column, left, right)] for column in row.ending}
    signs[row.column] = glyphs.run if kind is NodeKind.RUN else glyphs.version
    gaps = dict.fromkeys(range(left, right), glyphs.line)
    drawn = (signs.get(column, " ") + gaps.get(column, " ") for column in range(max(signs) + 1))
    return "".join(drawn).rstrip()


def _side(column: int, left: int, right: int) -> int:
    """0 at the line's left end, 2 at its right end, 1 between."""
    return 0 if column == left else 2 if column == right else 1
