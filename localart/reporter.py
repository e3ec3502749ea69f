"""The one place where a run talks to the person who started it. Nothing else in the library prints."""

import sys
from collections.abc import Mapping
from itertools import islice
from typing import TextIO

from localart.names import shown

_PREFIX = "localart: "
_LISTED_OUTPUTS = 10
_LINE_LENGTH = 1000


class Reporter:
    """Plain lines on stderr (or `stream`), each said once; nothing at all when `silent`.

    Text from users is escaped, so it cannot move the cursor, recolour or forge a line. A terminal that is
    closed or cannot write ends the talk, never the run. May be called from any thread.
    """

    def __init__(self, *, silent: bool = False, no_color: bool = False, stream: TextIO | None = None) -> None:
        self._silent = silent
        self._no_color = no_color
        self._stream = stream
        self._said: set[str] = set()
        self._count = 0

    def run_started(self, *, name: str, run_id: str, project: str, store: str) -> None:
        """Say which run this is and, the first time, where it is kept."""
        self._say(f"started:{run_id}", f"run {_plain(name)} ({_plain(run_id)}) in project {_plain(project)}")
        self._say(f"store:{store}", f"kept in {_plain(store)}")

    def run_finished(
        self, *, name: str, run_id: str, state: str, seconds: float, outputs: Mapping[str, bool]
    ) -> None:
        """Say how the run ended, what it logged (`outputs`: `name:vN`, and whether it was new) and where to look."""
        from shlex import quote

        key = f"finished:{run_id}"
        made = f", {_counted(len(outputs), 'output')}" if outputs else ""
        lines = [f"run {_plain(name)} {_plain(state)} after {_duration(seconds)}{made}"]
        lines += [
            f"  {'made' if is_new else 'again'} {_plain(output)}"
            for output, is_new in islice(outputs.items(), _LISTED_OUTPUTS)
        ]
        if len(outputs) > _LISTED_OUTPUTS:
            lines.append(f"  and {len(outputs) - _LISTED_OUTPUTS} more")
        address = quote(f"run:{_plain(run_id)}")
        lines.append(f"see  localart tui {address}  or  localart show {address}")
        self._say(key, *lines)

    def step_dropped(self, *, run_id: str, step: int, current_step: int) -> None:
        """Warn that values for a step in the past were not logged."""
        self.warn(
            f"values for step {step} were dropped, for the run is at step {current_step}",
            hint="steps must not go back",
            once_for=f"step dropped:{run_id}",
        )

    def already_stored(self, *, label: str) -> None:
        """Say that the content is known as version `label` (`name:vN`), so no new version was made."""
        self._say(f"known:{label}", f"{_plain(label)} has this content already; no new version")

    def alert(self, *, level: str, title: str, text: str) -> None:
        """Say an alert that the run sent; each time."""
        self._count += 1
        about = f": {_plain(text)}" if text else ""
        self._say(f"alert:{self._count}", f"alert {level}: {_plain(title)}{about}")

    def say(self, message: str, *, level: str = "", repeat: bool = True) -> None:
        """Say a line of the user's own, as `termlog` does; with `repeat=False` once."""
        self._count += 1
        lead = f"{level}: " if level else ""
        lines = (f"{lead}{_plain(line)}" for line in message.splitlines() or [""])
        self._say(f"said:{self._count if repeat else message}", *lines)

    def warn(self, message: str, *, hint: str = "", once_for: str = "") -> None:
        """Say `message` as a warning, once in this run; once for all messages that share `once_for`."""
        advice = f" ({_plain(hint)})" if hint else ""
        self._say(f"warning:{once_for or message}", f"{self._warning_word()} {_plain(message)}{advice}")

    def _warning_word(self) -> str:
        return "\x1b[33mwarning:\x1b[0m" if self._uses_color() else "warning:"

    def _uses_color(self) -> bool:
        stream = self._stream or sys.stderr
        try:
            return not self._no_color and stream.isatty()
        except (OSError, ValueError, AttributeError):
            return False

    def _say(self, key: str, *lines: str) -> None:
        if self._silent or key in self._said:
            return
        self._said.add(key)
        # Looked up now: programs and tests swap sys.stderr, and it is None under pythonw.
        stream = self._stream or sys.stderr
        text = "".join(f"{_PREFIX}{line}\n" for line in lines)
        try:
            encoding = getattr(stream, "encoding", None) or "utf-8"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except (OSError, ValueError, AttributeError):
            # Closed, broken or missing: nobody is left to tell.
            self._silent = True


def _plain(text: str) -> str:
    return shown(text, _LINE_LENGTH)[1:-1]


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{max(seconds, 0.0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
