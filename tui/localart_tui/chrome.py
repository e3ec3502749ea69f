"""The single rows around a page: where one is, the tabs, how things stand, what the keys do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from localart_tui.text import cell_width, clean, fit
from localart_tui.tones import Tone, palette
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.style import Style
    from textual import events

_GAP = 2


@dataclass(frozen=True, slots=True)
class Chip:
    """A text in a row, and what a click on it does. `heads_next`: it is not shown without the chip after it."""

    text: str
    tone: Tone = Tone.TEXT
    act: Callable[[], object] | None = None
    heads_next: bool = False

    @property
    def width(self) -> int:
        """How many cells it takes."""
        return cell_width(clean(self.text))


class Bar(Widget):
    """One row of chips, some at the left, some at the right.

    What does not fit: of the left side the beginning (`keep_end`, as in a path) or the last chips; the right side
    stays as long as it leaves half of the row.
    """

    DEFAULT_CSS = """
    Bar { height: 1; width: 1fr; padding: 0; }
    """

    def __init__(self, *, id: str, keep_end: bool = False, ground: str = "") -> None:  # noqa: A002
        super().__init__(id=id)
        self._keep_end = keep_end
        self._left: tuple[Chip, ...] = ()
        self._right: tuple[Chip, ...] = ()
        self._places: list[tuple[int, int, Chip]] = []
        self._class = ground

    def show(self, left: Sequence[Chip], right: Sequence[Chip] = ()) -> None:
        """Show these chips."""
        if (tuple(left), tuple(right)) != (self._left, self._right):
            self._left, self._right = tuple(left), tuple(right)
            self.refresh()

    @property
    def plain(self) -> str:
        """What is shown, without colours."""
        return "".join(segment.text for segment in self.render_line(0))

    def render_line(self, y: int) -> Strip:
        """The row."""
        width = self.size.width
        if y or width < 2:
            return Strip.blank(width, self.rich_style)
        styles, ground = palette(self.app), self.rich_style
        inside = width - 1
        right = _last_that_fit(self._right, inside // 2)
        left_width = inside - sum(chip.width for chip in right) - (_GAP if right else 0)
        left = self._cut(left_width)
        self._places = []
        segments, at = [Segment(" ", ground)], 1
        for chip in left:
            at = self._put(chip, at, segments, styles, ground)
        blank = width - at - sum(chip.width for chip in right)
        segments.append(Segment(" " * max(blank, 0), ground))
        at += max(blank, 0)
        for chip in right:
            at = self._put(chip, at, segments, styles, ground)
        return Strip(segments).adjust_cell_length(width, ground)

    def _put(
        self, chip: Chip, at: int, segments: list[Segment], styles: dict[Tone, Style], ground: Style
    ) -> int:
        text = clean(chip.text)
        segments.append(Segment(text, ground + styles[chip.tone]))
        end = at + cell_width(text)
        self._places.append((at, end, chip))
        return end

    def _cut(self, width: int) -> Sequence[Chip]:
        if not self._keep_end:
            return _first_that_fit(self._left, width)
        chips = list(self._left)
        if sum(chip.width for chip in chips) <= width:
            return chips
        more = Chip(glyphs_of(self).ellipsis, Tone.FAINT)
        while len(chips) > 1 and more.width + sum(chip.width for chip in chips) > width:
            del chips[0]
        last = chips[-1]
        if len(chips) == 1 and more.width + last.width > width:
            return [Chip(fit(last.text, width, keep_end=True), last.tone, last.act)]
        return [more, *([] if chips[0].text.startswith(" ") else [Chip(" ")]), *chips]

    def on_click(self, event: events.Click) -> None:
        """Do what the chip does."""
        for first, last, chip in self._places:
            if first <= event.x < last and chip.act is not None:
                chip.act()
                return


def _first_that_fit(chips: Sequence[Chip], width: int) -> Sequence[Chip]:
    kept: list[Chip] = []
    for chip in chips:
        if chip.width > width:
            if not kept and width > 0:
                kept.append(Chip(fit(chip.text, width), chip.tone, chip.act))
            break
        kept.append(chip)
        width -= chip.width
    while kept and kept[-1].heads_next:
        kept.pop()
    return kept


def _last_that_fit(chips: Sequence[Chip], width: int) -> Sequence[Chip]:
    kept: list[Chip] = []
    for chip in reversed(chips):
        if chip.width > width:
            break
        kept.insert(0, chip)
        width -= chip.width
    return kept


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab; `key` is its name in a place's view."""

    key: str
    title: str


class TabStrip(Widget):
    """Tabs in one row; the chosen one is set off by colour and signs. Numbers choose them."""

    DEFAULT_CSS = """
    TabStrip { height: 1; width: 1fr; }
    """

    @dataclass
    class Chosen(Message):
        """A tab was chosen."""

        strip: TabStrip
        key: str

    def __init__(self, tabs: Sequence[Tab], chosen: str, *, id: str = "tabs") -> None:  # noqa: A002
        super().__init__(id=id)
        self.tabs = tuple(tabs)
        self._chosen = chosen if chosen in {tab.key for tab in tabs} else tabs[0].key
        self._right: tuple[Chip, ...] = ()
        self._places: list[tuple[int, int, str]] = []

    @property
    def chosen(self) -> str:
        """The key of the chosen tab."""
        return self._chosen

    def show_right(self, chips: Sequence[Chip]) -> None:
        """Show these chips at the right end."""
        self._right = tuple(chips)
        self.refresh()

    def choose(self, key: str) -> None:
        """Choose a tab."""
        if key != self._chosen and key in {tab.key for tab in self.tabs}:
            self._chosen = key
            self.refresh()
            self.post_message(self.Chosen(self, key))

    def step(self, by: int) -> None:
        """Choose the next tab, or the one before; round at the ends."""
        keys = [tab.key for tab in self.tabs]
        self.choose(keys[(keys.index(self._chosen) + by) % len(keys)])

    def choose_number(self, number: int) -> None:
        """Choose tab `number`, from 1."""
        if 1 <= number <= len(self.tabs):
            self.choose(self.tabs[number - 1].key)

    def render_line(self, y: int) -> Strip:
        """The row."""
        width = self.size.width
        if y:
            return Strip.blank(width, self.rich_style)
        styles, ground, glyphs = palette(self.app), self.rich_style, glyphs_of(self)
        segments, at = [Segment(" ", ground)], 1
        self._places = []
        for number, tab in enumerate(self.tabs, 1):
            here = tab.key == self._chosen
            tone = styles[Tone.STRONG] + styles[Tone.CURSOR] if here else styles[Tone.DIM]
            left, right = (glyphs.tab_left, glyphs.tab_right) if here else (" ", " ")
            text = f"{left}{number} {clean(tab.title)}{right}"
            segments.append(Segment(text, ground + tone))
            self._places.append((at, at + cell_width(text), tab.key))
            at += cell_width(text)
        return self._with_right(Strip(segments), width, ground, styles)

    def _with_right(self, strip: Strip, width: int, ground: Style, styles: dict[Tone, Style]) -> Strip:
        chips = _last_that_fit(self._right, width - strip.cell_length - _GAP)
        blank = width - strip.cell_length - sum(chip.width for chip in chips) - 1
        extra = [Segment(" " * max(blank, 0), ground)]
        extra += [Segment(clean(chip.text), ground + styles[chip.tone]) for chip in chips]
        return Strip([*strip, *extra]).adjust_cell_length(width, ground)

    def on_click(self, event: events.Click) -> None:
        """Choose the tab under the mouse."""
        for first, last, key in self._places:
            if first <= event.x < last:
                self.choose(key)
