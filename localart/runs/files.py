"""The files a run keeps: what `save` takes in, and what else becomes a file of the run."""

import os
from pathlib import Path

from localart.catalog import runs
from localart.disk_errors import store_error
from localart.errors import InvalidName, SourceError, UsageError
from localart.model import BlobRef, RunRecord
from localart.modes import make_folder
from localart.names import check_entry_path, shown
from localart.repository import Repository

POLICIES = ("live", "now", "end")
_CLOUD = ("s3://", "gs://", "http://", "https://")


class RunFiles:
    """Files of one running run. `folder` is the working copy users may write to; it goes when the run ends."""

    def __init__(self, repository: Repository, run: RunRecord) -> None:
        self._repository = repository
        self._run = run
        self._again: dict[str, str] = {}
        self.folder = repository.root / "tmp" / f"run-{run.uid}" / "files"

    def save(
        self,
        pattern: str | os.PathLike[str],
        base_path: str | os.PathLike[str] | None,
        policy: str,
        *,
        is_glob: bool = True,
    ) -> list[str]:
        """Keep the files that match; their paths below the run's folder. No match is an empty list."""
        if policy not in POLICIES:
            raise ValueError(f"policy must be one of {', '.join(POLICIES)}; not {policy!r}")
        import glob as globbing

        text = os.fspath(pattern)
        if text.startswith(_CLOUD):
            return []
        base = _base(text, base_path)
        matches = sorted(globbing.glob(text, recursive=True)) if is_glob else [text]  # noqa: PTH207
        found = [Path(path).absolute() for path in matches if os.path.isfile(path)]  # noqa: PTH113
        named = {check_entry_path(os.path.relpath(path, base).replace(os.sep, "/")): path for path in found}
        for name, path in named.items():
            self._save_one(path, name, policy)
        return [str(self.folder / name) for name in named]

    def _save_one(self, absolute: Path, name: str, policy: str) -> None:
        self._take_in(str(absolute), name)
        if policy != "now":
            self._again[name] = str(absolute)
        try:
            self._link(absolute, name)
        except OSError as error:
            raise store_error(error, "linking a saved file") from error

    def _link(self, absolute: Path, name: str) -> None:
        target = self.folder / name
        make_folder(target.parent)
        if not (target.exists() and target.samefile(absolute)):
            target.unlink(missing_ok=True)
            target.symlink_to(absolute)

    def make_folder(self) -> str:
        """The run's folder, made when somebody asks for it."""
        try:
            make_folder(self.folder)
        except OSError as error:
            raise store_error(error, "making the run's folder") from error
        return str(self.folder)

    def _take_in(self, local: str, name: str) -> None:
        from localart.repository.ingest import ingest_one

        self._repository.lease.take()
        try:
            blob = ingest_one(self._repository, local, name)
            self.keep({name: blob})
        finally:
            self._repository.lease.drop()

    def keep(self, blobs: dict[str, BlobRef]) -> None:
        """Make stored bytes files of the run, by path; durable on return."""
        with self._repository.write_with_content() as tx:
            for name, blob in blobs.items():
                runs.set_run_file(tx, self._run.key, name, blob)
            tx.record("run.files", runs.files_record(self._run.uid, blobs))

    def close(self) -> list[str]:
        """Take in what changed since it was saved and what was written into the folder; remove the folder.

        A file that cannot be taken in does not keep the run from ending: what is wrong with it is returned, and
        what was written into the folder stays there then.
        """
        saved = [(local, name) for name, local in self._again.items() if os.path.isfile(local)]  # noqa: PTH113
        written = [
            (str(path), path.relative_to(self.folder).as_posix())
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not path.is_symlink()
        ]
        problems = self._take_in_all(saved)
        unkept = self._take_in_all(written)
        if not unkept:
            import shutil

            shutil.rmtree(self.folder.parent, ignore_errors=True)
        return problems + unkept

    def _take_in_all(self, files: "list[tuple[str, str]]") -> list[str]:
        """All that can be taken in, as one change; what is wrong with the others."""
        from localart.repository.ingest import ingest_one

        problems: list[str] = []
        blobs: dict[str, BlobRef] = {}
        self._repository.lease.take()
        try:
            for local, name in files:
                try:
                    path = check_entry_path(name)
                    blobs[path] = ingest_one(self._repository, local, path)
                except (SourceError, InvalidName) as error:
                    problems.append(f"{shown(local, 300)} was not kept: {error.message}")
            if blobs:
                self.keep(blobs)
        finally:
            self._repository.lease.drop()
        return problems


def _base(pattern: str, base_path: str | os.PathLike[str] | None) -> Path:
    if base_path is not None:
        return Path(base_path).absolute()
    path = Path(pattern)
    if not path.is_absolute():
        if ".." in path.parts:
            raise UsageError(f"{pattern!r} leaves the working directory", hint="pass base_path=…")
        return Path.cwd()
    return path.parent.parent  # an absolute path keeps one level of its folders
