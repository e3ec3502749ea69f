"""How long work tells how far it is, without knowing who listens."""

from typing import Protocol


class Progress(Protocol):
    """Hears of one task at a time. Calls may come from any thread; `advance` must be cheap."""

    def start(self, task: str, *, total_bytes: int, total_files: int) -> None:
        """Begin `task`; a total of 0 means not known yet."""
        ...

    def advance(self, *, byte_count: int = 0, file_count: int = 0, stored_bytes: int = 0) -> None:
        """Add what was done since the last call: raw bytes, files, and bytes they took in the store."""
        ...

    def finish(self) -> None:
        """The task is over, whether it went well or not."""
        ...


class Silence:
    """The listener that does not listen (null object)."""

    def start(self, task: str, *, total_bytes: int, total_files: int) -> None:
        """Ignore."""

    def advance(self, *, byte_count: int = 0, file_count: int = 0, stored_bytes: int = 0) -> None:
        """Ignore."""

    def finish(self) -> None:
        """Ignore."""


SILENCE: Progress = Silence()
