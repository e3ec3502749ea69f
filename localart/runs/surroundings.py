"""Gathers what ran beside the run itself, and keeps it as files of the run: packages, diff, script.

Gathering takes git and a walk over the installed packages, so a thread does it. What it found is kept after a few
seconds, so that a run that is killed has it too; a run that ends sooner keeps it as it ends.
"""

import threading
from pathlib import Path

from localart.errors import LocalartError
from localart.records import dataclass
from localart.repository import Repository
from localart.runs.files import RunFiles
from localart.runs.what_ran import git_diff, installed_packages

_KEEP_AFTER_SECONDS = 5.0
_MOST_SCRIPT_BYTES = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be gathered. `script` is kept as `code/<program>`."""

    git_root: Path | None = None
    packages: bool = False
    script: Path | None = None
    program: str = ""


class Surroundings:
    """What one run wants gathered. `keep` may be called by the run's thread at any time; it happens once."""

    def __init__(self, repository: Repository, files: RunFiles, wanted: Wanted) -> None:
        self._repository = repository
        self._files = files
        self._wanted = wanted
        self._found: dict[str, bytes] = {}
        self._guard = threading.Lock()
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="localart-what-ran", daemon=True)

    def start(self) -> None:
        """Begin to gather; nothing to do when nothing is wanted."""
        if self._wanted != Wanted(program=self._wanted.program):
            self._thread.start()

    def _work(self) -> None:
        self._gather()
        if not self._is_ending.wait(_KEEP_AFTER_SECONDS):
            try:
                self._keep()
            except (LocalartError, OSError):
                return  # the run's end tries again, and tells its user

    def _gather(self) -> None:
        wanted = self._wanted
        if wanted.script is not None:
            self._add(f"code/{wanted.program}", _script_bytes(wanted.script))
        if wanted.packages:
            self._add("requirements.txt", installed_packages())
        if wanted.git_root is not None:
            self._add("diff.patch", git_diff(wanted.git_root))

    def _add(self, name: str, content: bytes) -> None:
        if content:
            self._found[name] = content

    def finish(self) -> None:
        """Wait for what is gathered, and keep it."""
        self._is_ending.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._keep()

    def _keep(self) -> None:
        with self._guard:
            if not self._found:
                return
            from localart.repository.ingest import ingest_bytes

            self._repository.lease.take()
            try:
                blobs = {
                    name: ingest_bytes(self._repository, content, Path(name).suffix)
                    for name, content in self._found.items()
                }
                self._files.keep(blobs)
            finally:
                self._repository.lease.drop()
            self._found = {}


def _script_bytes(script: Path) -> bytes:
    try:
        with script.open("rb") as file:
            content = file.read(_MOST_SCRIPT_BYTES + 1)
    except OSError:
        return b""  # gone, or never a file: code that was typed in
    return content if len(content) <= _MOST_SCRIPT_BYTES else b""
