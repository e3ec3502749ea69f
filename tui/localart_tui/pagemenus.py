"""The menus and texts that every page can lay over itself: order, copying, the same elsewhere, an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localart.errors import LocalartError
from localart_tui.tones import Tone
from localart_tui.ui import notify

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from textual.screen import Screen

_LETTERS = "abcdefghijklm"


@dataclass(frozen=True, slots=True)
class Copy:
    """Something that `y` can copy. `several_lines`: code or JSON that we made ourselves."""

    key: str
    label: str
    text: str
    several_lines: bool = False


def choose_order(
    page: Screen[Any],
    orders: Mapping[str, str],
    *,
    chosen: str,
    descending: bool,
    take: Callable[[str], None],
) -> None:
    """A menu of orders; `take` gets the key of the one that was chosen."""
    from localart_tui.modals import Choice, Menu

    names = dict(zip(_LETTERS, orders, strict=False))
    way = "high to low" if descending else "low to high"
    choices = [
        Choice(letter, orders[name], way if name == chosen else "", name == chosen)
        for letter, name in names.items()
    ]
    page.app.push_screen(Menu("Order by", choices), lambda letter: take(names[letter]) if letter else None)


def choose_copy(page: Screen[Any], copies: Sequence[Copy]) -> None:
    """A menu of texts; the chosen one is copied."""
    from localart_tui.clipboard import copy
    from localart_tui.modals import Choice, Menu

    texts = {one.key: one for one in copies if one.text}
    if not texts:
        notify(page.app, "there is nothing to copy here")
        return
    choices = [Choice(one.key, one.label, one.text.split("\n")[0]) for one in texts.values()]

    def take(key: str | None) -> None:
        if key:
            copy(page.app, texts[key].text, several_lines=texts[key].several_lines)

    page.app.push_screen(Menu("Copy", choices), take)


def show_same(page: Screen[Any], *, command: str, code: str) -> None:
    """The command and the Python that give the same facts."""
    from localart_tui.modals import Reading, Section

    page.app.push_screen(Reading([Section("In the shell", command), Section("In Python", code)]))


def show_error(page: Screen[Any], error: Exception, where: str) -> None:
    """All that is known of an error, to read and to copy."""
    from localart_tui.modals import Reading, Section

    what, hint = error_words(error)
    text = f"{type(error).__name__}: {what}\n{hint}\n\n{where}"
    page.app.push_screen(Reading([Section("What went wrong", text)], tone=Tone.BAD))


def error_words(error: Exception) -> tuple[str, str]:
    """What happened, and what to do."""
    if isinstance(error, LocalartError):
        return error.message, error.hint
    if isinstance(error, OSError):
        return error.strerror or str(error), ""
    return f"{type(error).__name__}: {error}", "run `localart verify`, then `localart repair`"
