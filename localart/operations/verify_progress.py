"""How far a long verification has come, kept outside the store so that looking at it changes nothing."""

import json
import os
import time
from dataclasses import field
from pathlib import Path
from typing import Any

from localart.files.filesystem import write_atomically
from localart.records import dataclass

_FORMAT = 1
_SECONDS_BETWEEN = 2.0


@dataclass(slots=True)
class VerifyProgress:
    """What was looked at already. `packs`: name → committed end then; the others: the last row that was done.

    Disposable: a file that is not there, damaged, or of another store means to begin anew.
    """

    path: Path | None
    store: str
    packs: dict[str, int] = field(default_factory=dict)
    manifest: int = -1
    whole: int = -1
    findings: list[dict[str, Any]] = field(default_factory=list)
    is_resumed: bool = False
    _written_at: float = field(default_factory=time.monotonic)

    def has_pack(self, name: str, end: int) -> bool:
        """Whether the pack was done, and nothing was added to it since."""
        return self.packs.get(name) == end

    def note(self, *, now: bool = False) -> None:
        """Keep what was done; at most every two seconds unless `now`."""
        if self.path is None or (not now and time.monotonic() - self._written_at < _SECONDS_BETWEEN):
            return
        self._written_at = time.monotonic()
        facts = {
            "format": _FORMAT, "store": self.store, "packs": self.packs, "manifest": self.manifest,
            "whole": self.whole, "findings": self.findings,
        }  # fmt: skip
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self.path, json.dumps(facts).encode(), 0o600)

    def forget(self) -> None:
        """All was looked at."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def load_progress(path: Path | None, store: str, *, resume: bool) -> VerifyProgress:
    """What an earlier verification of this store left at `path`; nothing unless `resume`."""
    progress = VerifyProgress(path, store)
    if path is None or not resume:
        return progress
    try:
        facts = json.loads(path.read_bytes())
        if (facts["format"], facts["store"]) == (_FORMAT, store):
            progress.packs = {str(name): int(end) for name, end in facts["packs"].items()}
            progress.manifest, progress.whole = int(facts["manifest"]), int(facts["whole"])
            progress.findings = list(facts["findings"])
            progress.is_resumed = True
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return VerifyProgress(path, store)
    return progress


def progress_path(folder: Path, root: Path, *, subset: str) -> Path:
    """Where the progress of verifying the store at `root` is kept below `folder`."""
    from blake3 import blake3

    name = blake3(os.fsencode(root)).hexdigest()[:16]
    return folder / "verify" / f"{name}{f'-{subset}' if subset else ''}.json"
