"""The checkpoints a Lightning callback speaks of: which there are, how good, and which are new."""

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from localart.integration.plain_values import plain_metadata
from localart.records import dataclass

_SETTINGS = ("monitor", "mode", "save_last", "save_top_k", "save_weights_only", "_every_n_train_steps")
_ZIP_START = b"PK\x03\x04"

Stamp = tuple[int, int, int]
"""Newest change in nanoseconds, size in bytes and number of files: what shows that a checkpoint was rewritten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One checkpoint as its callback announced it: a file, or a folder of shards."""

    path: Path
    score: float | None
    is_best: bool
    facts: Mapping[str, Any]

    @property
    def metadata(self) -> dict[str, Any]:
        """What its version says of it: W&B's keys, and the monitored metric beside the score."""
        return {"score": self.score, "original_filename": self.path.name, **self.facts}


def announced_checkpoints(callback: object) -> tuple[Checkpoint, ...]:
    """What the callback keeps: its last, its best and its best k; written or still being written.

    Only what any `Checkpoint` callback may have is read, so one of another make may lack some of it.
    """
    best = str(getattr(callback, "best_model_path", "") or "")
    scores = {
        str(getattr(callback, "last_model_path", "") or ""): getattr(callback, "current_score", None),
        best: getattr(callback, "best_model_score", None),
        **getattr(callback, "best_k_models", {}),
    }
    facts = _facts(callback)
    return tuple(
        Checkpoint(path=Path(path), score=_number(score), is_best=path == best, facts=facts)
        for path, score in scores.items()
        if path
    )


def _facts(callback: object) -> dict[str, Any]:
    settings = {name: getattr(callback, name) for name in _SETTINGS if hasattr(callback, name)}
    # Asked of the object: callbacks come as weak proxies, whose own type says nothing.
    kind = callback.__class__.__name__
    return plain_metadata({"monitor": settings.get("monitor"), "mode": settings.get("mode"), kind: settings})


def _number(score: Any) -> float | None:
    return None if score is None else float(score)


class CheckpointsSeen:
    """Which checkpoints were logged already, and which were announced but were not whole yet.

    Lightning may write in another thread and announce first; what is not there now is asked for again.
    """

    def __init__(self) -> None:
        self._logged: dict[Path, Stamp] = {}
        self._awaited: dict[Path, Checkpoint] = {}

    def take_new(self, announced: Iterable[Checkpoint]) -> list[Checkpoint]:
        """The whole and new ones among `announced` and those awaited, oldest first; they count as logged."""
        found: list[tuple[Stamp, Checkpoint]] = []
        for checkpoint in [*self._awaited.values(), *announced]:
            place = checkpoint.path.resolve()  # `last.ckpt` may be a link to another
            stamp = find_stamp(place)
            if stamp is None:
                self._awaited[place] = checkpoint
                continue
            self._awaited.pop(place, None)
            if self._logged.get(place) != stamp:
                self._logged[place] = stamp
                found.append((stamp, checkpoint))
        found.sort(key=lambda pair: pair[0][0])
        return [checkpoint for _, checkpoint in found]


def find_stamp(path: Path) -> Stamp | None:
    """The checkpoint's stamp, or None while it is not there or not whole."""
    if path.is_dir():
        stats = [one.stat() for one in path.rglob("*") if one.is_file()]
        if not stats:
            return None
        return max(one.st_mtime_ns for one in stats), sum(one.st_size for one in stats), len(stats)
    if not path.is_file() or not _is_whole(path):
        return None
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size, 1


def _is_whole(path: Path) -> bool:
    """Torch writes a zip, whose table of contents comes last: a file that begins as one must end as one."""
    with path.open("rb") as file:
        begins_as_zip = file.read(len(_ZIP_START)) == _ZIP_START
    return not begins_as_zip or zipfile.is_zipfile(path)
