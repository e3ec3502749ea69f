"""localart's terminal browser: projects, versions, files, runs and lineage of a store, without changing it.

::

    main                 checks the terminal and runs the app; the only thing the command line knows
    app, page, screens/  the app, what all pages share, one file a page
    table, chrome, modals, filterbar    the widgets of every page
    graph/, charts/, previews/, pictures/    the widgets of some
    data/                all that is read from the library
    text, ui             the one door for untrusted text, and the only ways from it into a widget
    keys, places, glyphs, tones, source, filtering    data and rules without a terminal

The browser opens no socket. It opens the store read-only, unless it is told `--write`.
"""

import gc
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localart.errors import InvalidSetting
    from localart_tui.app import LocalartApp

__all__ = ["main"]

_OK, _USAGE = 0, 2
_LEAST_COLUMNS, _LEAST_ROWS = 20, 5


def main(  # noqa: PLR0913  # one argument an option of the command line
    target: str | None = None,
    *,
    store: Path | None = None,
    project: str | None = None,
    theme: str = "",
    is_ascii: bool = False,
    mouse: bool = True,
    images: str = "auto",
    write: bool = False,
    prints: bool = False,
) -> int:
    """Browse the store, beginning at `target`; the exit code. What cannot be opened is a LocalartError.

    `prints`: write the name chosen last to stdout, for a shell to use.
    """
    unfit = _unfit_terminal()
    if unfit:
        sys.stderr.write(f"localart: {unfit}; `localart {_instead(target)}` shows the same facts\n")
        return _USAGE
    gc.disable()  # nothing made while starting is garbage; the app turns it on again
    from localart.settings import find_store, read_settings
    from localart_tui.data.store import open_store
    from localart_tui.data.targets import find_place, read_ahead

    opened = open_store(Path(os.path.realpath(store or find_store(read_settings()))))
    try:
        place = find_place(opened, target or "", project=project)
        read_ahead(opened, place)
        plain = is_ascii or not _speaks_utf8()
        if plain:
            _write_ascii()
        from localart_tui.app import LocalartApp, Options

        options = Options(
            theme=theme or _theme_for_terminal(),
            is_ascii=plain,
            images=images,
            write=write,
            prints=prints,
            state_file=_state_file(),
            keys_file=_keys_file(),
        )
        app = LocalartApp(opened, place, options)
        if theme and theme not in app.available_themes:
            raise _no_theme(theme, sorted(app.available_themes))
        code = _run(app, mouse=mouse, prints=prints)
    finally:
        opened.close()
    _leave_behind_input(code)
    return code


def _no_theme(theme: str, known: list[str]) -> "InvalidSetting":
    from localart.errors import InvalidSetting
    from localart.names import shown

    return InvalidSetting(f"There is no theme {shown(theme)}", hint=f"there are: {', '.join(known)}")


def _leave_behind_input(code: int) -> None:
    """End the process where Textual still reads from a terminal that is gone: it would do so for ever."""
    import threading
    from contextlib import suppress

    if any(thread.name == "textual-input" and thread.is_alive() for thread in threading.enumerate()):
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(code)


def _instead(target: str | None) -> str:
    """The command for those who have no terminal."""
    from localart.names import shown

    if not target:
        return "ls"
    words = shlex.quote(shown(target.removeprefix("lineage:"), 1000)[1:-1])
    return f"lineage {words}" if target.startswith("lineage:") else f"show {words}"


def _run(app: "LocalartApp", *, mouse: bool, prints: bool) -> int:
    chosen = app.run(mouse=mouse)
    if prints and chosen:
        sys.stdout.write(f"{chosen}\n")
    return app.return_code or _OK


def _unfit_terminal() -> str:
    """Why the browser cannot run here; "" when it can."""
    if not sys.stdin.isatty() or not sys.__stderr__ or not sys.__stderr__.isatty():
        return "the browser needs a terminal"
    if os.environ.get("TERM", "") in {"", "dumb", "unknown"}:
        return f"the terminal cannot draw (TERM={os.environ.get('TERM', '')})"
    try:
        columns, rows = os.get_terminal_size(sys.__stderr__.fileno())
    except OSError:
        return "the terminal does not say how large it is"
    if 0 < columns < _LEAST_COLUMNS or 0 < rows < _LEAST_ROWS:
        return f"the terminal is too small ({columns}×{rows}, needs {_LEAST_COLUMNS}×{_LEAST_ROWS})"
    return ""


def _speaks_utf8() -> bool:
    stream = sys.__stderr__
    return stream is not None and (stream.encoding or "").lower().replace("-", "") == "utf8"


def _write_ascii() -> None:
    """Write ASCII only: every sign a stand-in of the same width, whoever drew it."""
    import codecs

    from localart_tui.glyphs import stand_ins

    codecs.register_error("localart_ascii", stand_ins)
    if sys.__stderr__ is not None:
        sys.__stderr__.reconfigure(encoding="ascii", errors="localart_ascii")


def _theme_for_terminal() -> str:
    """A theme of the terminal's own 16 colours where it has no more; "" to let the user's choice count."""
    env = os.environ
    few = env.get("TERM", "").partition("-")[0] in {"linux", "vt100", "vt220", "ansi"}
    return "ansi-dark" if few and not env.get("COLORTERM") else ""


def _state_file() -> Path:
    from localart_tui.places import state_path

    return state_path()


def _keys_file() -> Path:
    given = os.environ.get("XDG_CONFIG_HOME", "")
    base = Path(given) if given.startswith("/") else Path(os.environ.get("HOME") or "/") / ".config"
    return base / "localart" / "tui.toml"
