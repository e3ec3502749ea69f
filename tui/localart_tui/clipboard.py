"""Copying out of the terminal, also through SSH and tmux, without carrying traps along.

A name may hold a newline that a shell would run as soon as it is pasted. What is not plain is copied spelled out,
and a message says so. The terminal may ignore us (OSC 52), so the text also goes to a program that owns the
clipboard, if there is one, and to a file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from localart_tui.places import state_path
from localart_tui.text import clean, is_plain
from localart_tui.ui import notify

if TYPE_CHECKING:
    from textual.app import App

_MOST = 1 << 20
_PROGRAMS = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("", ("pbcopy",)),
)


def copy(app: App[Any], text: str, *, several_lines: bool = False) -> None:
    """Put `text` on the clipboard and say so. `several_lines`: its line ends are ours and may stay."""
    safe = _safe(text[:_MOST], several_lines=several_lines)
    app.copy_to_clipboard(safe)
    app.run_worker(lambda: _keep(safe), thread=True, group="clipboard", exit_on_error=False)
    if safe == text:
        notify(app, f"copied: {safe.splitlines()[0] if safe else ''}", seconds=2)
    else:
        notify(app, "copied, with what is invisible spelled out", severity="warning")


def _safe(text: str, *, several_lines: bool) -> str:
    if not several_lines:
        return text if is_plain(text) else clean(text, _MOST)
    return "\n".join(line if is_plain(line) else clean(line, _MOST) for line in text.split("\n"))


def _keep(text: str) -> None:
    """Give the text to a clipboard program and to a file of the user's own."""
    import shutil
    import subprocess

    file = state_path().with_name("clipboard.txt")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return  # a read-only home: the terminal's own clipboard may still have it
    for variable, command in _PROGRAMS:
        if (not variable or os.environ.get(variable)) and shutil.which(command[0]):
            subprocess.run(  # noqa: S603  # a fixed program, the text goes to its stdin
                command,
                input=text.encode("utf-8", "backslashreplace"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=2,
                check=False,
            )
            return
