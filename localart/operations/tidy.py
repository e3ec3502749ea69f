"""Remove what ended processes left in `tmp/` and `locks/`."""

import shutil
from datetime import datetime
from pathlib import Path

from localart.catalog import runs
from localart.catalog.lock import FileLock
from localart.repository import Repository

LEFTOVER_SECONDS = 86_400
_RUN = "run-"


def remove_leftovers(repository: Repository) -> None:
    """Remove temporary files older than a day and the locks of runs that ended; what a live run holds stays.

    No draft may be alive. Does nothing on a network file system, where a lock does not tell who is alive.
    """
    if repository.network:
        return
    now = datetime.fromisoformat(repository.clock()).timestamp()
    running = {run.uid for run in runs.running_runs(repository.read())}
    locks = repository.root / "locks"
    for path in (repository.root / "tmp").glob("*"):
        if _is_old(path, now) and not _is_alive(locks, path.name, running):
            _remove(path)
    for path in locks.glob(f"{_RUN}*.lock"):
        if _is_old(path, now) and not _is_alive(locks, path.stem, running):
            path.unlink(missing_ok=True)


def _is_old(path: Path, now: float) -> bool:
    try:
        return now - path.lstat().st_mtime > LEFTOVER_SECONDS
    except FileNotFoundError:  # its owner was quicker
        return False


def _is_alive(locks: Path, name: str, running: set[str]) -> bool:
    """Whether `name` (`run-<uid>`) belongs to a run whose process works, or has yet to be marked as crashed."""
    if not name.startswith(_RUN):
        return False
    if name.removeprefix(_RUN) in running:
        return True
    path = locks / f"{name}.lock"
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        return not lock.try_acquire()
    finally:
        lock.close()


def _remove(path: Path) -> None:
    """Remove a file or a whole folder; a symbolic link, never what it points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
