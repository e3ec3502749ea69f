"""What a table remembers of being logged: W&B logs a table once, after each change, or part by part."""

from dataclasses import field
from typing import Any

from localart.media.refusals import RefusedValue
from localart.records import dataclass

LOG_MODES = ("IMMUTABLE", "MUTABLE", "INCREMENTAL")


@dataclass(slots=True)
class TableLogging:
    """The run it was logged to, the record it has there, how many rows that covered, and whether it changed since."""

    run: str | None = None
    record: dict[str, Any] = field(default_factory=dict)
    row_count: int = 0
    increment: int = 0
    is_changed: bool = False

    def remember(self, run: str, record: dict[str, Any], row_count: int) -> None:
        """It was logged just now."""
        self.run, self.record, self.row_count, self.is_changed = run, dict(record), row_count, False


def check_log_mode(mode: object) -> str:
    """One of W&B's three; ValueError for another."""
    if mode is None:
        return LOG_MODES[0]
    if mode not in LOG_MODES:
        raise RefusedValue(f"log_mode must be one of {', '.join(LOG_MODES)}; not {mode!r:.80}")
    return str(mode)
