"""The trash: deleted versions whose bytes stay for a while, so that a deletion can be taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from localart.catalog import history, trash, versions
from localart.model import VersionRecord, VersionState
from localart.repository import Repository

TRASH_SECONDS = 7 * 86_400
_SLICE = 200  # versions a transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashedVersion:
    """A deleted version that can still be brought back. `age_seconds` below 0: the clock went back since."""

    version: VersionRecord
    age_seconds: float


def list_trash(repository: Repository) -> list[TrashedVersion]:
    """What lies in the trash, the longest there first."""
    now = datetime.fromisoformat(repository.clock())
    return [
        TrashedVersion(
            version=one, age_seconds=(now - datetime.fromisoformat(one.updated_at)).total_seconds()
        )
        for one in trash.trashed(repository.read())
    ]


def due(trashed: Sequence[TrashedVersion], older_than_seconds: float) -> list[VersionRecord]:
    """Those that have been there for that long; 0: all of them, whatever the clock says."""
    return [
        one.version for one in trashed if older_than_seconds <= 0 or one.age_seconds >= older_than_seconds
    ]


def empty_trash(repository: Repository, doomed: Sequence[VersionRecord]) -> int:
    """Let the content of these deleted versions go, for good; prune frees the bytes. How many there were.

    What was brought back meanwhile stays. Killed midway, some are let go and the rest is still in the trash.
    """
    count = 0
    for at in range(0, len(doomed), _SLICE):
        with repository.write() as tx:
            for one in doomed[at : at + _SLICE]:
                now = versions.get_version(tx.connection, one.id)
                if now.state is VersionState.DELETED and now.updated_at == one.updated_at:
                    trash.let_go(tx, now)
                    tx.record(
                        "version.freed",
                        {"version": now.uid, "label": now.full_name, "manifest": now.digest.hex()},
                    )
                    count += 1
    return count


def is_clock_behind(repository: Repository) -> bool:
    """Whether the clock is a day or more behind what the store has seen: then no age can be believed."""
    newest = history.newest_time(repository.read())
    if not newest:
        return False
    now, last = map(datetime.fromisoformat, (repository.clock(), newest))
    return (last - now).total_seconds() > 86_400
