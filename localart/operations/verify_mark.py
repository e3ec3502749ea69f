"""When a store was last verified, how deep, and how it came out: a note beside the database, never in it.

The file `VERIFIED` in the store has the last mark of each depth. Where nothing may be written there, the note lies in
the user's cache folder. It is about one folder on one disk: a copy of the store brings the file along and has not been
verified, so marks that were made at another place count for nothing. Disposable.
"""

import json
import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from localart.files.filesystem import write_atomically
from localart.modes import file_mode
from localart.operations.verify import Subset, VerifyReport
from localart.operations.verify_progress import progress_path
from localart.records import dataclass
from localart.repository.identity import utc_now

NOTE = "VERIFIED"
_MOST_BYTES = 65_536


class Depth(StrEnum):
    """What was looked at: rows alone, every byte, or a part of the bytes."""

    QUICK = "quick"
    DATA = "data"
    PART = "part"


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyMark:
    """One look. `part` is `2/7` of a part; `damage_count` is 0 when the store was sound as far as was looked.

    `last_change` is the number of the newest change that was looked at.
    """

    time: str
    depth: Depth
    part: str
    damage_count: int
    last_change: int

    @property
    def words(self) -> str:
        """How deep, and how it came out: `all bytes: sound`."""
        looked = {
            Depth.QUICK: "rows and pack lengths",
            Depth.DATA: "all bytes",
            Depth.PART: f"part {self.part} of the bytes",
        }[self.depth]
        if not self.damage_count:
            return f"{looked}: sound"
        return f"{looked}: {self.damage_count:,} finding{'' if self.damage_count == 1 else 's'}"


def keep_mark(
    root: Path, report: VerifyReport, *, data: bool, subset: Subset | None, notes: Path | None
) -> Path | None:
    """Note in the store at `root`, or below the folder `notes`, how it came out; where. None: nowhere."""
    depth = Depth.PART if subset is not None else Depth.DATA if data else Depth.QUICK
    mark = VerifyMark(
        time=utc_now(),
        depth=depth,
        part="" if subset is None else f"{subset.number}/{subset.count}",
        damage_count=sum(finding.is_damage for finding in report.findings),
        last_change=report.record_count,
    )
    kept = {**{one.depth: one for one in last_marks(root, notes)}, depth: mark}
    facts = {"place": _place(root), "marks": [_document(one) for one in kept.values()]}
    text = json.dumps(facts, indent=1).encode() + b"\n"
    for path in _places(root, notes):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, text, file_mode(path.parent))
        except OSError:
            continue  # read-only or full: what was found is said all the same
        return path
    return None


def last_marks(root: Path, notes: Path | None) -> list[VerifyMark]:
    """The last look of each depth at the store at `root`, the newest first."""
    found: dict[Depth, VerifyMark] = {}
    for path in _places(root, notes):
        for mark in _read(path, _place(root)):
            known = found.get(mark.depth)
            if known is None or known.time < mark.time:
                found[mark.depth] = mark
    return sorted(found.values(), key=lambda mark: mark.time, reverse=True)


def _places(root: Path, notes: Path | None) -> list[Path]:
    return [root / NOTE] + ([] if notes is None else [progress_path(notes, root, subset="verified")])


def _place(root: Path) -> str:
    try:
        found = os.stat(root)  # noqa: PTH116
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}"


def _read(path: Path, place: str) -> list[VerifyMark]:
    """The marks of a note; none when it is not there, damaged, or of another place."""
    try:
        with path.open("rb") as file:
            facts = json.loads(file.read(_MOST_BYTES))
        return [_mark(one) for one in facts["marks"]] if facts["place"] == place else []
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def _mark(facts: Mapping[str, Any]) -> VerifyMark:
    return VerifyMark(
        time=str(facts["time"]),
        depth=Depth(facts["depth"]),
        part=str(facts["part"]),
        damage_count=int(facts["damage_count"]),
        last_change=int(facts["last_change"]),
    )


def _document(mark: VerifyMark) -> dict[str, Any]:
    return {
        "time": mark.time, "depth": mark.depth.value, "part": mark.part, "damage_count": mark.damage_count,
        "last_change": mark.last_change,
    }  # fmt: skip
