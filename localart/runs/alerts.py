"""Alerts: what a run wants people to know. Kept with the run, and said aloud; nobody is written to."""

import time
from datetime import timedelta
from enum import Enum

from localart.catalog import runs
from localart.model import RunRecord
from localart.names import check_label, check_prose, shown
from localart.reporter import Reporter
from localart.repository import Repository

_WAIT_SECONDS = 60.0


class AlertLevel(Enum):
    """How grave an alert is."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


class Alerts:
    """Sends the alerts of one run: one of a title at most once in its `wait_duration`."""

    def __init__(self, repository: Repository, run: RunRecord, reporter: Reporter) -> None:
        self._repository = repository
        self._run = run
        self._reporter = reporter
        self._silent_until: dict[str, float] = {}

    def send(
        self, title: str, text: str, level: str | AlertLevel | None, wait_duration: float | timedelta | None
    ) -> None:
        """Keep the alert, durably, and say it on stderr. Bad arguments: ValueError or TypeError."""
        word = _level_word(level)
        seconds = _wait_seconds(wait_duration)
        title, text = check_label(title, "Alert title"), check_prose(text, "Alert text")
        now = time.monotonic()
        if now < self._silent_until.get(title, 0.0):
            return
        with self._repository.write() as tx:
            runs.insert_alert(tx, self._run.key, level=word, title=title, text=text)
        self._silent_until[title] = now + seconds
        self._reporter.alert(level=word, title=title, text=text)


def _level_word(level: str | AlertLevel | None) -> str:
    word = level.value if isinstance(level, AlertLevel) else level or AlertLevel.INFO.value
    if word not in {one.value for one in AlertLevel}:
        raise ValueError(f"level must be one of 'INFO', 'WARN', or 'ERROR'; not {shown(str(word))}")
    return str(word)


def _wait_seconds(wait: float | timedelta | None) -> float:
    if not wait:
        return _WAIT_SECONDS
    if isinstance(wait, timedelta):
        return wait.total_seconds()
    if isinstance(wait, bool) or not isinstance(wait, int | float):
        raise TypeError(
            f"wait_duration must be an int, float, or datetime.timedelta, not {type(wait).__name__}"
        )
    return float(wait)
