"""Changing what is said of a version, an artifact or a run: a menu, a small editor, and undo for this session."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import TextArea

from localart.errors import ContentConflict, LocalartError
from localart_tui.data.edits import (
    LONGEST_TEXT,
    MOST_LINES,
    Amendment,
    Choice,
    choices_for,
    read_now,
    save,
    undo,
)
from localart_tui.keys import Scope, bindings, footer
from localart_tui.pagemenus import error_words
from localart_tui.reading import page_work
from localart_tui.text import clean, is_plain
from localart_tui.tones import Tone
from localart_tui.ui import Part, glyphs_of, lines, notify, static

if TYPE_CHECKING:
    from textual import events
    from textual.app import ComposeResult
    from textual.binding import Binding

    from localart_tui.app import LocalartApp

_MOST_UNDO = 100
_LETTERS = "adgjmnpt"
READ_ONLY = "the store is open for reading only; start `localart tui --write` to change it"


def remember(app: LocalartApp, done: Amendment) -> None:
    """Keep a change for `u`."""
    if done.seqs:
        app.edits[:] = [*app.edits, done][-_MOST_UNDO:]


async def choose_edit(app: LocalartApp, address: str) -> None:
    """Ask what to change at an address, then open the editor."""
    if not app.options.write:
        notify(app, READ_ONLY, severity="warning")
        return
    if not address:
        notify(app, "there is nothing here that can be changed")
        return
    try:
        choices = await app.store.read(lambda _: choices_for(app.store, address))
    except (LocalartError, sqlite3.Error, OSError) as error:
        notify(app, error_words(error)[0], severity="error")
        return
    _show_menu(app, choices)


def _show_menu(app: LocalartApp, choices: list[Choice]) -> None:
    from localart_tui.modals import Choice as Entry
    from localart_tui.modals import Menu

    named = dict(zip(_LETTERS, choices, strict=False))
    entries = [Entry(key, choice.label, " · ".join(choice.now) or "(none)") for key, choice in named.items()]

    def take(key: str | None) -> None:
        if key and is_too_long(named[key]):
            notify(
                app,
                f"the {named[key].fact.value} are too long to be changed here; Python can",
                severity="warning",
            )
        elif key:
            app.push_screen(EditScreen(named[key]))

    app.push_screen(Menu("Change", entries), take)


async def undo_last(app: LocalartApp) -> None:
    """Take the last change of this session back."""
    if not app.options.write:
        notify(app, READ_ONLY, severity="warning")
        return
    if not app.edits:
        notify(app, "nothing was changed in this session")
        return
    done = app.edits.pop()
    try:
        await asyncio.to_thread(undo, app.store.root, done)
    except (LocalartError, sqlite3.Error, OSError) as error:
        what, hint = error_words(error)
        notify(app, f"not undone: {what}. {hint}", severity="error")
        return
    notify(
        app,
        f"undone: the {done.fact.value} are as they were"
        if done.fact.is_list
        else f"undone: {done.fact.value}",
    )
    if app.page is not None:
        app.page.reload()


class EditArea(TextArea):
    """The text; what is pasted comes in cleaned, line by line."""

    async def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        self.insert(_editable(event.text[:LONGEST_TEXT]))


class EditScreen(ModalScreen[bool]):
    """One fact, as lines: a name a line, or a text. What cannot be saved is said below and nothing is lost."""

    DEFAULT_CSS = """
    EditScreen { align: center middle; background: $background 50%; }
    EditScreen > Vertical {
        width: 90%; max-width: 84; height: auto; max-height: 95%; background: $surface; padding: 1 2;
    }
    EditScreen EditArea { height: 8; border: none; padding: 0; background: $panel; }
    EditScreen EditArea:focus { border: none; }
    EditScreen .edit-line { height: auto; }
    """
    BINDINGS: ClassVar[list[Binding]] = bindings(Scope.EDITING)  # type: ignore[assignment]

    def __init__(self, choice: Choice) -> None:
        super().__init__()
        self._choice = choice
        self._before = _shown_text(choice)
        self._was_warned = False

    def compose(self) -> ComposeResult:
        """What it is, the text, what went wrong, and what the keys do."""
        with Vertical():
            yield static(id="edit-title", classes="edit-line")
            yield EditArea(self._before, soft_wrap=True, show_line_numbers=False, tab_behavior="focus")
            yield static(id="edit-note", classes="edit-line")
            yield static(id="edit-keys", classes="edit-line")

    def on_mount(self) -> None:
        """Say what is changed, and how."""
        how = "   one in each line" if self._choice.fact.is_list else ""
        self._put("edit-title", [(self._choice.title, Tone.STRONG), (how, Tone.FAINT)])
        hints: list[Part] = []
        plain = glyphs_of(self).name == "ascii"
        for hint in footer((Scope.EDITING,), ascii_only=plain):
            hints += [(f"{hint.sign} ", Tone.KEY), (f"{hint.word}   ", Tone.DIM)]
        self._put("edit-keys", hints)
        self._say(_note(self._choice), Tone.WARN)
        self.query_one(EditArea).move_cursor(self.query_one(EditArea).document.end)
        self.query_one(EditArea).focus()

    def _put(self, name: str, parts: list[Part]) -> None:
        self.query_one(f"#{name}").update(lines(self.app, parts))  # type: ignore[attr-defined]

    def _say(self, text: str, tone: Tone) -> None:
        self._put("edit-note", [(text or " ", tone)])

    # --- keys --------------------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Close; what was typed and not saved is asked about once."""
        if self.query_one(EditArea).text != self._before and not self._was_warned:
            self._was_warned = True
            self._say("What you typed is not saved. Esc once more drops it, Ctrl-S saves it.", Tone.WARN)
            return
        self.dismiss(False)  # noqa: FBT003  # the screen's result

    def action_save(self) -> None:
        """Save, in a thread: another writer may have to be waited for."""
        text = self.query_one(EditArea).text
        if text == self._before:
            self.dismiss(False)  # noqa: FBT003  # the screen's result
            return
        self._say("saving …", Tone.DIM)
        self._save(text)

    @page_work("edit")
    async def _save(self, text: str) -> None:
        app: LocalartApp = self.app  # type: ignore[assignment]
        try:
            done = await asyncio.to_thread(save, app.store.root, self._choice, text.rstrip("\n").split("\n"))
        except ContentConflict:
            await self._tell_conflict()
            return
        except (LocalartError, sqlite3.Error, OSError) as error:
            what, hint = error_words(error)
            self._say(f"{what}; {hint}" if hint else what, Tone.BAD)
            return
        remember(app, done)
        self.dismiss(True)  # noqa: FBT003  # the screen's result
        notify(app, f"saved: {self._choice.title}; u undoes it")
        if app.page is not None:
            app.page.reload()

    async def _tell_conflict(self) -> None:
        """Somebody else was quicker: show theirs; what was typed stays, and may be saved over it knowingly."""
        app: LocalartApp = self.app  # type: ignore[assignment]
        try:
            self._choice = await app.store.read(lambda _: read_now(app.store, self._choice))
        except (LocalartError, sqlite3.Error, OSError) as error:
            self._say(error_words(error)[0], Tone.BAD)
            return
        now = clean(" · ".join(self._choice.now) or "(none)", 300)
        self._say(
            f"Changed by somebody else meanwhile, now: {now}. Ctrl-R takes that, Ctrl-S saves yours.",
            Tone.BAD,
        )

    def action_again(self) -> None:
        """Take what the store says now."""
        self._read_again()

    @page_work("edit")
    async def _read_again(self) -> None:
        app: LocalartApp = self.app  # type: ignore[assignment]
        try:
            self._choice = await app.store.read(lambda _: read_now(app.store, self._choice))
        except (LocalartError, sqlite3.Error, OSError) as error:
            self._say(error_words(error)[0], Tone.BAD)
            return
        self._before = _shown_text(self._choice)
        self.query_one(EditArea).load_text(self._before)
        self._was_warned = False
        self._say(_note(self._choice), Tone.WARN)


def _shown_text(choice: Choice) -> str:
    return _editable("\n".join(choice.now))


def _editable(text: str) -> str:
    """Lines that a terminal can show: what is invisible is spelled out."""
    kept = text[:LONGEST_TEXT].replace("\r\n", "\n").replace("\t", "    ").split("\n")[:MOST_LINES]
    return "\n".join(clean(line, LONGEST_TEXT) for line in kept)


def is_too_long(choice: Choice) -> bool:
    """Whether the editor could not show it whole, and saving would cut it off."""
    text = "\n".join(choice.now)
    return len(text) > LONGEST_TEXT or text.count("\n") >= MOST_LINES


def _note(choice: Choice) -> str:
    """What saving would change beside what is typed."""
    if all(is_plain(line) for line in "\n".join(choice.now).split("\n")):
        return ""
    return "It holds invisible characters, shown spelled out: saving keeps them so."
