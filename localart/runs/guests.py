"""Other processes that log into a run: forked or spawned by the one that began it, such as a loader's workers.

A guest commits each point, config and summary change at once. The process that began the run ends it, with the config
and summary it knows; what only others have said is put in then. Where two said something of one key, the one who
writes last is right, and at the end that is the process that began the run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localart.catalog import metrics, runs
from localart.disk_errors import disk_errors
from localart.model import RunRecord
from localart.modes import make_folder
from localart.repository import Repository

_NOTE = "guests"


def note_guest(folder: Path) -> None:
    """Leave word in the run's folder that there is a guest: without, nobody asks what others have said."""
    with disk_errors("joining a run from another process", folder):
        make_folder(folder / _NOTE)


def has_guests(folder: Path) -> bool:
    """Whether there is one, or was."""
    return (folder / _NOTE).is_dir()


class Guests:
    """What one of a run's processes has learned that the others said of its config and summary."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._added: dict[str, dict[str, Any]] = {"config": {}, "summary": {}}

    def learn(self, known: RunRecord) -> None:
        """Look at what was added since `known` was read."""
        now = runs.get_run(self._repository.read(), known.key)
        self._added["config"] |= _new_in(now.config, known.config)
        self._added["summary"] |= _new_in(now.summary, known.summary)

    def with_others(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """`columns`, where config and summary have what others added, too."""
        return {
            column: {**self._added[column], **value} if column in self._added else value
            for column, value in columns.items()
        }

    def at_the_end(self, known: RunRecord, columns: Mapping[str, Any]) -> dict[str, Any]:
        """As `with_others`, and the summary has what they logged, too."""
        self.learn(known)
        whole = self.with_others(columns)
        logged = metrics.last_values(self._repository.read(), known.key)
        unknown = {
            name: value for name, value in logged.items() if name.partition(".")[0] not in whole["summary"]
        }
        return {**whole, "summary": {**unknown, **whole["summary"]}}


def _new_in(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in now.items() if key not in before}
