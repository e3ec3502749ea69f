"""Every key, as data: bindings, footer, help page and documentation come from this one table.

A key is remapped by its id in `~/.config/localart/tui.toml`::

    [keys]
    "list.mark" = "m"
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from textual.binding import Binding


class Scope(StrEnum):
    """Where a key works. A page has the keys of several scopes; a narrower one wins."""

    EVERYWHERE = "Everywhere"
    PAGE = "Pages"
    LIST = "Lists and tables"
    TABS = "Tabs"
    HOME = "Projects"
    ARTIFACTS = "Artifacts"
    VERSIONS = "Versions"
    ARTIFACT = "A version"
    FILES = "Files"
    FILTER = "While filtering"
    MENU = "Menus"
    GRAPH = "Graph"
    RUNS = "Runs"
    RUN = "A run"
    MEDIA = "Media of a run"
    CHARTS = "Charts side by side"
    CHART = "Charts"
    PREVIEW = "Previews"
    COMPARE = "Compare"
    DIFF = "A file's differences"
    FIND = "Find"
    STORE = "Store"
    EDIT = "Changing things (--write)"
    EDITING = "While changing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One thing that keys do. `footer`: its word in the footer (at `rank`, small first); "": only in the help."""

    id: str
    keys: str
    scope: Scope
    action: str
    says: str
    footer: str = ""
    rank: int = 50
    priority: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Its keys, one by one."""
        return tuple(key.strip() for key in self.keys.split(","))


def _key(  # a table reads best as columns
    id: str,  # noqa: A002
    keys: str,
    scope: Scope,
    action: str,
    says: str,
    footer: str = "",
    rank: int = 50,
    *,
    priority: bool = False,
) -> Key:
    return Key(
        id=id, keys=keys, scope=scope, action=action, says=says, footer=footer, rank=rank, priority=priority
    )


KEYS: tuple[Key, ...] = (
    # everywhere
    _key("app.help", "question_mark,f1", Scope.EVERYWHERE, "app.help", "help of this page", "help", 90),
    _key("app.find", "colon,ctrl+p", Scope.EVERYWHERE, "app.find", "find anything in the store", "find", 70),
    _key("app.back", "q,h,backspace,escape,left", Scope.EVERYWHERE, "app.go_back", "back to where you came from",
         "back", 95),
    _key("app.previous", "minus", Scope.EVERYWHERE, "app.previous", "the place before this one, and again"),
    _key("app.older", "ctrl+o", Scope.EVERYWHERE, "app.older", "older place in the history"),
    _key("app.newer", "ctrl+n", Scope.EVERYWHERE, "app.newer", "newer place in the history"),
    _key("app.store", "S", Scope.EVERYWHERE, "app.store_page", "the store: size, dedupe, health"),
    _key("app.theme", "T", Scope.EVERYWHERE, "app.next_theme", "next colour theme"),
    _key("app.quit", "Q,ctrl+q", Scope.EVERYWHERE, "app.leave", "quit", priority=False),
    _key("app.suspend", "ctrl+z", Scope.EVERYWHERE, "app.suspend_process", "suspend to the shell"),
    # pages
    _key("page.filter", "slash", Scope.PAGE, "filter", "filter what is listed", "filter", 20),
    _key("page.sort", "s", Scope.PAGE, "sort", "choose the order", "sort", 30),
    _key("page.reverse", "R", Scope.PAGE, "reverse", "turn the order round"),
    _key("page.copy", "y", Scope.PAGE, "copy", "copy: name, path, digest, JSON, code", "copy", 60),
    _key("page.same", "e", Scope.PAGE, "same", "the command and the Python that give the same"),
    _key("page.reload", "r", Scope.PAGE, "reload", "read the store again"),
    _key("page.error", "exclamation_mark", Scope.PAGE, "error", "all of the error"),
    _key("page.preview", "p", Scope.PAGE, "preview", "show or hide the preview"),
    _key("page.graph", "x", Scope.PAGE, "graph", "lineage graph from here", "graph", 50),
    # lists
    _key("list.up", "up,k", Scope.LIST, "cursor(-1)", "one up"),
    _key("list.down", "down,j", Scope.LIST, "cursor(1)", "one down"),
    _key("list.page_up", "pageup,ctrl+b", Scope.LIST, "page(-1.0)", "one page up"),
    _key("list.page_down", "pagedown,ctrl+f", Scope.LIST, "page(1.0)", "one page down"),
    _key("list.half_up", "ctrl+u", Scope.LIST, "page(-0.5)", "half a page up"),
    _key("list.half_down", "ctrl+d", Scope.LIST, "page(0.5)", "half a page down"),
    _key("list.first", "home,g", Scope.LIST, "first", "first row"),
    _key("list.last", "end,G", Scope.LIST, "last", "last row"),
    _key("list.open", "enter,l,right", Scope.LIST, "open", "open", "open", 10),
    _key("list.mark", "space", Scope.LIST, "mark", "mark or unmark", "mark", 40),
    _key("list.range", "v", Scope.LIST, "mark_range", "mark from the last mark to here"),
    _key("list.unmark", "U", Scope.LIST, "unmark", "forget all marks"),
    _key("list.columns", "w", Scope.LIST, "screen.columns", "next set of columns"),
    _key("list.compare", "c", Scope.LIST, "screen.compare", "compare what is marked", "compare", 45),
    # tabs
    _key("tabs.previous", "left_square_bracket,shift+tab", Scope.TABS, "tab(-1)", "tab before"),
    _key("tabs.next", "right_square_bracket,tab", Scope.TABS, "tab(1)", "next tab", "tab", 80),
    *(
        _key(f"tabs.{number}", str(number), Scope.TABS, f"tab_number({number})", f"tab {number}")
        for number in range(1, 10)
    ),
    # filter
    _key("filter.keep", "enter,down", Scope.FILTER, "keep", "keep the filter, go to the list"),
    _key("filter.clear", "escape", Scope.FILTER, "clear", "drop the filter"),
    # graph
    _key("graph.in", "left,h", Scope.GRAPH, "walk(-1)", "walk to an input", "walk edges", 10),
    _key("graph.out", "right,l", Scope.GRAPH, "walk(1)", "walk to an output"),
    _key("graph.up", "up,k", Scope.GRAPH, "step(-1)", "up in the layer or list"),
    _key("graph.down", "down,j", Scope.GRAPH, "step(1)", "down in the layer or list"),
    _key("graph.page_up", "pageup,ctrl+b", Scope.GRAPH, "page(-1)", "one page up"),
    _key("graph.page_down", "pagedown,ctrl+f", Scope.GRAPH, "page(1)", "one page down"),
    _key("graph.first", "home", Scope.GRAPH, "step(-100000)", "top of the layer or list"),
    _key("graph.last", "end,G", Scope.GRAPH, "step(100000)", "end of the layer or list"),
    _key("graph.open", "enter", Scope.GRAPH, "open", "open the page of the node, or the group", "open", 12),
    _key("graph.view", "v", Scope.GRAPH, "view", "next view: map, lanes, walk", "view", 14),
    _key("graph.complete", "a", Scope.GRAPH, "complete", "direct lineage, or all that hangs together", "all", 18),
    _key("graph.group", "g", Scope.GRAPH, "group", "draw what is alike as one, or each", "group", 16),
    _key("graph.explode", "e", Scope.GRAPH, "explode", "open this group, or fold it again", "explode", 22),
    _key("graph.explode_all", "E", Scope.GRAPH, "explode_all", "open all groups"),
    _key("graph.related", "f", Scope.GRAPH, "related", "dim, hide or show what is unrelated"),
    _key("graph.less", "less_than_sign", Scope.GRAPH, "depth(-1)", "one step less"),
    _key("graph.more", "greater_than_sign", Scope.GRAPH, "depth(1)", "one step more"),
    _key("graph.types", "t", Scope.GRAPH, "types", "choose types and job types", "types", 24),
    _key("graph.wider", "plus,equals_sign", Scope.GRAPH, "label(1)", "longer names"),
    _key("graph.narrower", "minus", Scope.GRAPH, "label(-1)", "shorter names"),
    _key("graph.zoom", "z", Scope.GRAPH, "zoom", "names short, as usual, or whole"),
    _key("graph.find", "slash", Scope.GRAPH, "find", "find nodes; one in a group is taken out of it", "find", 20),
    _key("graph.next", "n", Scope.GRAPH, "match(1)", "next match"),
    _key("graph.previous", "N", Scope.GRAPH, "match(-1)", "match before"),
    _key("graph.center", "c", Scope.GRAPH, "center", "bring the node to the middle"),
    _key("graph.minimap", "m", Scope.GRAPH, "minimap", "show or hide the layers' overview"),
    _key("graph.facts", "p", Scope.GRAPH, "facts", "show or hide what is known of the node"),
    _key("graph.export", "o", Scope.GRAPH, "export", "write SVG, HTML, DOT, Mermaid, JSON or text", "export", 26),
    _key("graph.same", "s", Scope.GRAPH, "same", "the command and the Python that draw the same"),
    # files
    _key("files.pager", "o", Scope.FILES, "pager", "open in $PAGER"),
    _key("files.fold_all", "z", Scope.FILES, "fold_all", "fold all folders"),
    _key("files.full", "f", Scope.FILES, "full", "the picture on the whole screen"),
    _key("artifacts.fold_all", "z", Scope.ARTIFACTS, "fold_all", "fold or unfold all types"),
    # runs
    _key("runs.overlay", "C", Scope.RUNS, "overlay", "charts of the marked runs, one over the other", "charts", 46),
    _key("media.before", "less_than_sign,comma", Scope.MEDIA, "step(-1)", "the step before", "steps", 15),
    _key("media.after", "greater_than_sign,full_stop", Scope.MEDIA, "step(1)", "the next step"),
    _key("media.first", "left_curly_bracket", Scope.MEDIA, "step(-1000000)", "the first step"),
    _key("media.last", "right_curly_bracket", Scope.MEDIA, "step(1000000)", "the last step"),
    _key("media.next", "n", Scope.MEDIA, "picture(1)", "next picture of the step"),
    _key("media.previous", "N", Scope.MEDIA, "picture(-1)", "picture before"),
    # charts
    _key("charts.left", "left,h", Scope.CHARTS, "move(-1, 0)", "chart to the left"),
    _key("charts.right", "right,l", Scope.CHARTS, "move(1, 0)", "chart to the right"),
    _key("charts.up", "up,k", Scope.CHARTS, "move(0, -1)", "chart above"),
    _key("charts.down", "down,j", Scope.CHARTS, "move(0, 1)", "chart below"),
    _key("charts.page_up", "pageup,ctrl+b", Scope.CHARTS, "page(-1)", "the charts before"),
    _key("charts.page_down", "pagedown,ctrl+f,space", Scope.CHARTS, "page(1)", "the next charts"),
    _key("charts.first", "home,g", Scope.CHARTS, "edge(0)", "first chart"),
    _key("charts.last", "end,G", Scope.CHARTS, "edge(-1)", "last chart"),
    _key("charts.open", "enter", Scope.CHARTS, "open", "this chart alone, to look into it", "open", 10),
    _key("charts.pick", "m", Scope.CHARTS, "pick", "choose a metric by its name", "metric", 20),
    _key("chart.pick", "m", Scope.CHART, "pick", "choose a metric by its name", "metric", 20),
    _key("chart.smooth", "s", Scope.CHART, "smooth", "smooth more; after the most, not at all", "smooth", 21),
    _key("chart.log", "L", Scope.CHART, "log", "logarithmic y axis", "log y", 22),
    _key("chart.axis", "x", Scope.CHART, "axis", "x axis: steps, time, time since the start", "x axis", 23),
    _key("chart.closer", "plus,equals_sign", Scope.CHART, "zoom(0.5)", "closer, around the cursor line", "zoom", 24),
    _key("chart.further", "minus", Scope.CHART, "zoom(2.0)", "further away"),
    _key("chart.left", "left,h", Scope.CHART, "move(-1)", "cursor line to the left"),
    _key("chart.right", "right,l", Scope.CHART, "move(1)", "cursor line to the right", "values", 25),
    _key("chart.earlier", "shift+left,less_than_sign", Scope.CHART, "pan(-0.25)", "earlier part"),
    _key("chart.later", "shift+right,greater_than_sign", Scope.CHART, "pan(0.25)", "later part"),
    _key("chart.all", "0", Scope.CHART, "everything", "all of it, no cursor line", "all", 26),
    _key("chart.next", "tab", Scope.CHART, "metric(1)", "next metric", "next metric", 27),
    _key("chart.previous", "shift+tab", Scope.CHART, "metric(-1)", "metric before"),
    # comparing
    _key("compare.added", "a", Scope.COMPARE, "show_kind('added')", "show or hide what was added", "+", 12),
    _key("compare.removed", "r", Scope.COMPARE, "show_kind('removed')", "show or hide what was removed", "-", 13),
    _key("compare.modified", "m", Scope.COMPARE, "show_kind('modified')", "show or hide what was modified", "~", 14),
    _key("compare.same", "u", Scope.COMPARE, "show_kind('same')", "show or hide what is the same", "=", 15),
    _key("compare.diff", "d", Scope.COMPARE, "diff", "the file's lines that differ; a value, whole", "diff", 11),
    _key("compare.next", "n", Scope.COMPARE, "difference(1)", "next difference", "next", 25),
    _key("compare.previous", "N", Scope.COMPARE, "difference(-1)", "difference before"),
    _key("compare.swap", "s", Scope.COMPARE, "swap", "turn the sides round", "swap", 30),
    _key("compare.reload", "R,ctrl+r", Scope.COMPARE, "reload", "read the store again"),
    _key("diff.leave", "q,escape,h,backspace,left", Scope.DIFF, "leave", "back to the comparison", "back", 95),
    _key("diff.next", "n,right_square_bracket", Scope.DIFF, "hunk(1)", "next place that differs", "next", 10),
    _key("diff.previous", "N,left_square_bracket", Scope.DIFF, "hunk(-1)", "place before", "before", 11),
    _key("diff.copy", "y", Scope.DIFF, "copy", "copy the diff", "copy", 20),
    # finding
    _key("find.open", "enter", Scope.FIND, "screen.take", "go there; on `more`, list all of them", "open", 10),
    _key("find.up", "up", Scope.FIND, "screen.step(-1)", "one up"),
    _key("find.down", "down", Scope.FIND, "screen.step(1)", "one down"),
    _key("find.page_up", "pageup", Scope.FIND, "screen.pages(-1.0)", "one page up"),
    _key("find.page_down", "pagedown", Scope.FIND, "screen.pages(1.0)", "one page down"),
    _key("find.next", "tab", Scope.FIND, "screen.section(1)", "next section", "next section", 20),
    _key("find.previous", "shift+tab", Scope.FIND, "screen.section(-1)", "section before"),
    _key("find.copy", "ctrl+y", Scope.FIND, "screen.copy", "copy what is under the cursor", "copy", 30),
    _key("find.clear", "ctrl+u,ctrl+p", Scope.FIND, "screen.clear", "begin again", "clear", 40),
    _key("find.leave", "escape", Scope.FIND, "screen.leave", "back, or out of a section", "back", 95),
    # the store
    _key("store.check", "i", Scope.STORE, "check", "let SQLite look whether the database is sound", "check", 20),
    # changing
    _key("edit.menu", "E", Scope.EDIT, "app.edit", "change aliases, tags, description, notes", "change", 55),
    _key("edit.undo", "u", Scope.EDIT, "app.undo", "undo the last change of this session"),
    _key("edit.save", "ctrl+s", Scope.EDITING, "save", "save", "save", 10),
    _key("edit.again", "ctrl+r", Scope.EDITING, "again", "take what the store says now", "take what is there now", 20),
    _key("edit.leave", "escape", Scope.EDITING, "leave", "close; once more to lose what was typed", "close", 90),
    # previews and pictures
    _key("preview.up", "up,k", Scope.PREVIEW, "line(-1)", "one line up"),
    _key("preview.down", "down,j", Scope.PREVIEW, "line(1)", "one line down"),
    _key("preview.page_up", "pageup,ctrl+b", Scope.PREVIEW, "page(-1)", "one page up"),
    _key("preview.page_down", "pagedown,ctrl+f,space", Scope.PREVIEW, "page(1)", "one page down"),
    _key("preview.first", "home,g", Scope.PREVIEW, "first", "to the beginning"),
    _key("preview.last", "end,G", Scope.PREVIEW, "last", "to the end"),
    _key("preview.left", "left", Scope.PREVIEW, "aside(-8)", "to the left"),
    _key("preview.right", "right,l", Scope.PREVIEW, "aside(8)", "to the right"),
)  # fmt: skip


def keys_of(*scopes: Scope) -> Iterator[Key]:
    """The keys of these scopes, in the order of the table."""
    return (key for key in KEYS if key.scope in scopes)


def bindings(*scopes: Scope) -> list[Binding]:
    """Textual's bindings for these scopes."""
    from textual.binding import Binding

    return [
        Binding(key.keys, key.action, key.says, id=key.id, show=bool(key.footer), priority=key.priority)
        for key in keys_of(*scopes)
    ]


_SIGNS = {
    "question_mark": "?",
    "exclamation_mark": "!",
    "slash": "/",
    "colon": ":",
    "minus": "-",
    "plus": "+",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "comma": ",",
    "full_stop": ".",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "enter": "Enter",
    "escape": "Esc",
    "backspace": "Bksp",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "Shift-Tab",
}
_ASCII_SIGNS = {"↑": "Up", "↓": "Down", "←": "Left", "→": "Right"}


def key_sign(name: str, *, ascii_only: bool = False) -> str:
    """How a key is written for people: `?`, `Ctrl-B`, `PgDn`."""
    sign = _SIGNS.get(name) or name.replace("ctrl+", "Ctrl-").replace("shift+", "Shift-")
    if sign[:1] == "f" and sign[1:].isdigit():
        sign = sign.upper()
    return _ASCII_SIGNS.get(sign, sign) if ascii_only else sign


@dataclass(frozen=True, slots=True)
class Hint:
    """One word of the footer: a key's sign, what it does, and the action a click on it runs."""

    sign: str
    word: str
    action: str


def footer(scopes: Sequence[Scope], hidden: Iterable[str] = (), *, ascii_only: bool = False) -> list[Hint]:
    """What the footer says, most useful first; `hidden` are ids of keys that do nothing here."""
    away = set(hidden)
    shown = [key for key in keys_of(*scopes) if key.footer and key.id not in away]
    return [
        Hint(_footer_sign(key.names[0], ascii_only=ascii_only), key.footer, key.action)
        for key in sorted(shown, key=lambda key: key.rank)
    ]


def _footer_sign(name: str, *, ascii_only: bool) -> str:
    if name in {"enter", "space"}:
        return "⏎" if name == "enter" and not ascii_only else name
    return key_sign(name, ascii_only=ascii_only)


def as_markdown() -> str:
    """The table for the documentation."""
    rows = ["| Key | What it does | Id |", "|---|---|---|"]
    for scope in Scope:
        keys = list(keys_of(scope))
        if keys:
            rows.append(f"| **{scope.value}** | | |")
        rows += [f"| {_listed(key)} | {key.says} | `{key.id}` |" for key in keys]
    return "\n".join(rows) + "\n"


def _listed(key: Key) -> str:
    return " ".join(f"`{key_sign(name)}`" for name in key.names)
