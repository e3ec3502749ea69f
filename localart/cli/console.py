"""The two streams of a command. Data goes to stdout, talk to stderr; nothing else in the CLI writes to either."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from localart.cli.documents import plain
from localart.cli.safe_text import safe_lines, safe_text
from localart.cli.tables import Column, table_lines
from localart.lineage.labels import to_ascii

BOLD, RED, YELLOW, DIM = "1", "31", "33", "2"


class Console:
    """Where a command writes. `as_json`: its data is one JSON document and there is no chat beside it.

    Everything is made safe here, last thing before the stream; colour is added after that, and only on a
    terminal whose user did not refuse it. A stream that is closed swallows what is written.
    """

    def __init__(self, *, as_json: bool, silent: bool = False, no_color: bool = False) -> None:
        self.as_json = as_json
        self._silent = silent
        self._no_color = no_color

    # --- what the streams can do -------------------------------------------------------------------------

    @property
    def width(self) -> int | None:
        """The columns of the terminal that data goes to; None when it goes elsewhere and is never cut."""
        if not is_terminal(sys.stdout):
            return None
        import shutil

        return shutil.get_terminal_size().columns

    @property
    def is_unicode(self) -> bool:
        """Whether data may hold any character."""
        return "utf" in (getattr(sys.stdout, "encoding", None) or "utf-8").lower()

    # --- data --------------------------------------------------------------------------------------------

    def line(self, text: str = "", *, style: str = "") -> None:
        """One line of data."""
        self._write(sys.stdout, safe_text(text), style)

    def block(self, text: str, *, indent: str = "") -> None:
        """Several lines of data, as they are in `text`."""
        for line in safe_lines(text):
            self._write(sys.stdout, f"{indent}{line}".rstrip(), "")

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, empty: str = "") -> None:
        """Rows in columns below a heading. Streams. Without rows, `empty` is said beside it."""
        safe = ([safe_text(cell) for cell in row] for row in rows)
        number = 0
        for number, line in enumerate(table_lines(columns, safe, width=self.width)):
            self._write(sys.stdout, line, "" if number else BOLD)
        if empty and not number:
            self.say(empty)

    def document(self, document: Mapping[str, Any]) -> None:
        """The one JSON document of a command, in ASCII."""
        self._json(json.dumps(plain(document), indent=2) + "\n")

    def stream(self, head: Mapping[str, Any], key: str, items: Iterable[object]) -> None:
        """The JSON document `head`, plus `items` under `key` one a line, without holding them all."""
        opening = json.dumps(plain(head), indent=2).removesuffix("}").rstrip()
        self._json(f"{opening}{',' if head else ''}\n  {json.dumps(key)}: [")
        separator = "\n    "
        for item in items:
            self._json(separator + json.dumps(plain(item)))
            separator = ",\n    "
        self._json("]\n}\n" if separator == "\n    " else "\n  ]\n}\n")

    def raw(self, text: str) -> None:
        """Data in a format of its own (CSV, a shell script), for a program; safe when a person would see it."""
        if is_terminal(sys.stdout):
            self.block(text.removesuffix("\n"))
        else:
            put(sys.stdout, text)

    # --- talk --------------------------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Tell the user something, on stderr; nothing when the environment asks for silence."""
        if not self._silent:
            self._write(sys.stderr, safe_text(text), "")

    def hint(self, *commands: str) -> None:
        """Say what to type next, to a person."""
        if not self.as_json:
            self.say("next:  " + "   ".join(commands))

    def warn(self, text: str, *, hint: str = "") -> None:
        """Tell the user about something that is not right, even when silent."""
        self._write(sys.stderr, f"warning: {safe_text(text)}", YELLOW)
        if hint:
            self._write(sys.stderr, f"         {safe_text(hint)}", "")

    def complain(self, text: str, *, style: str = "") -> None:
        """One line about a failure, on stderr."""
        self._write(sys.stderr, safe_text(text), style)

    def ask(self, question: str) -> bool:
        """Whether a person at the terminal says yes; the end of input is a no."""
        put(sys.stderr, f"{safe_text(question)} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    # --- inside ------------------------------------------------------------------------------------------

    def _write(self, stream: TextIO | None, text: str, style: str) -> None:
        if style and not self._no_color and is_terminal(stream):
            text = f"\x1b[{style}m{text}\x1b[0m"
        put(stream, text + "\n")

    def _json(self, text: str) -> None:
        # Every other control character is escaped by JSON itself.
        put(sys.stdout, text.replace("\x7f", "\\u007f"))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person sees what is written there."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def put(stream: TextIO | None, text: str) -> None:
    """Write `text`; characters the stream's encoding has none for are spelled out."""
    if stream is None:  # closed by whoever started us
        return
    try:
        stream.write(text)
    except UnicodeEncodeError:
        stream.write(to_ascii(text))
