"""How two copies of one store stand to each other: the same, one behind the other, or parted since some change.

A store that is copied as a folder keeps its id, so nothing but its journal tells the copies apart once both are written
to. The journal is a chain of digests: the last record that both have is found by some twenty look-ups, and what each
changed since then is what the records after it say.
"""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from localart.catalog import history, versions
from localart.catalog.connection import Connection
from localart.catalog.copies import Kinship, kinship
from localart.catalog.history import Change
from localart.errors import LocalartError, UsageError
from localart.model import VersionRecord
from localart.names import shown
from localart.operations.changes import Told, tell
from localart.records import dataclass
from localart.repository import Repository, open_repository
from localart.repository.marker import read_marker


class Relation(StrEnum):
    """What `here` is to `there`."""

    SAME = "same"
    AHEAD = "ahead"
    BEHIND = "behind"
    PARTED = "parted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two copies of one store. `common` is the last change both have (0: none), `time` when it was made."""

    here: Path
    there: Path
    common: int
    time: str
    only_here: int
    only_there: int

    @property
    def relation(self) -> Relation:
        """What `here` is to `there`."""
        if not self.only_here:
            return Relation.BEHIND if self.only_there else Relation.SAME
        return Relation.PARTED if self.only_there else Relation.AHEAD


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDifference:
    """A version that is not the same in both; None where there is none of that name, or never was."""

    name: str
    here: VersionRecord | None
    there: VersionRecord | None

    @property
    def facts(self) -> tuple[str, ...]:
        """What differs of a version that both have; `content` when two versions got one number."""
        if self.here is None or self.there is None:
            return ()
        if self.here.uid != self.there.uid:
            return ("content",)
        return _differing(self.here, self.there)


_FACTS = ("state", "description", "metadata", "aliases", "tags", "ttl_seconds")


def compare_copies(here: Repository, there: Repository) -> Comparison:
    """Find where the two parted; UsageError when they never were one store. Changes nothing."""
    if here.marker.store != there.marker.store:
        raise UsageError(
            f"{shown(str(there.root), 300)} is another store, not a copy of {shown(str(here.root), 300)}",
            hint="`localart diff` compares versions",
        )
    with here.catalog.snapshot() as ours, there.catalog.snapshot() as theirs:
        found = kinship(ours, theirs)
        return Comparison(
            here=here.root,
            there=there.root,
            common=found.common,
            time=common_time(ours, found),
            only_here=found.ours - found.common,
            only_there=found.theirs - found.common,
        )


def common_time(ours: Connection, found: Kinship) -> str:
    """When the last change was made that both have; "" when there is none."""
    change = history.find_change(ours, found.common)
    return "" if change is None else change.time


def changes_after(repository: Repository, seq: int) -> Iterator[Told]:
    """What was changed since change `seq`, the newest first, streamed."""
    for change in _after(repository, seq):
        yield tell(repository, change)


def _after(repository: Repository, seq: int) -> Iterator[Change]:
    for change in history.iter_changes(repository.read()):
        if change.seq <= seq:
            return
        yield change


def differing_versions(here: Repository, there: Repository, common: int) -> list[VersionDifference]:
    """The versions that changes after `common` concern and that are not the same in both now, by name."""
    uids = dict.fromkeys(
        change.body["version"]
        for side in (here, there)
        for change in _after(side, common)
        if "version" in change.body
    )
    sides: list[dict[str, VersionRecord]] = [{}, {}]
    for uid in uids:
        for side, repository in zip(sides, (here, there), strict=True):
            version = versions.find_version_by_uid(repository.read(), uid)
            if version is not None:
                side[version.full_name] = version
    names = sorted({*sides[0], *sides[1]}, key=lambda name: (name.rpartition(":v")[0], len(name), name))
    found = [
        VersionDifference(name=name, here=sides[0].get(name), there=sides[1].get(name)) for name in names
    ]
    return [one for one in found if one.here is None or one.there is None or one.facts]


def _differing(one: VersionRecord, other: VersionRecord) -> tuple[str, ...]:
    return tuple(fact for fact in _FACTS if getattr(one, fact) != getattr(other, fact))


# --- where copies meet -----------------------------------------------------------------------------------


def tell_of_copy(repository: Repository, place: Path) -> str:
    """A line about the store at `place` when it is a copy of this one; "" for anything else, also for an equal one.

    For a repair that takes contents from it: those are right whatever its journal says, but its versions stay there.
    """
    try:
        marker = read_marker(place)
        if marker is None or marker.store != repository.marker.store:
            return ""
        other = open_repository(place, create=False, read_only=True)
    except (LocalartError, OSError):
        return ""  # whatever is wrong with it, its packs may still have copies
    try:
        return sentence(compare_copies(repository, other))
    except LocalartError:
        return ""
    finally:
        other.close()


def sentence(found: Comparison) -> str:
    """What is to be known of `there`, in one line; "" when it is the same."""
    there, since = shown(str(found.there), 300), _since(found)
    match found.relation:
        case Relation.SAME:
            return ""
        case Relation.AHEAD:
            return f"{there} is this store as it was at {since}, {_changes(found.only_here)} ago"
        case Relation.BEHIND:
            return f"{there} is this store {_changes(found.only_there)} later; this one stands at {since}"
        case Relation.PARTED:
            return (
                f"{there} was this store until {since}: since then {_changes(found.only_here)} were made here and"
                f" {_changes(found.only_there)} there"
            )


def _since(found: Comparison) -> str:
    return f"change {found.common} of {found.time}" if found.common else "its beginning"


def _changes(count: int) -> str:
    return f"{count:,} change{'' if count == 1 else 's'}"
