"""The files a run keeps, as `Api` shows them."""

import hashlib
import mimetypes
import os
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, cast

from localart.api.asking import asked
from localart.api.attributes import Attributes
from localart.api.listing import Listing, Pages
from localart.catalog import run_files
from localart.catalog.run_files import FileQuery, RunFileRecord
from localart.errors import CommError, InvalidRequest
from localart.model import RunRecord
from localart.names import shown
from localart.operations.edit_run import fetch_file, forget_file
from localart.repository import Repository


class File(Attributes):
    """One file of a run: to look at, download or delete."""

    def __init__(self, repository: Repository, run: RunRecord, record: RunFileRecord) -> None:
        self._repository = repository
        self._run = run
        self._record = record

    def __repr__(self) -> str:
        return f"<File {self.name} ({self.mimetype}) {self.size} B>"

    @property
    def attrs(self) -> Mapping[str, Any]:
        """The facts under W&B's camel-case names."""
        return {
            "id": self.id, "name": self.name, "sizeBytes": self.size, "mimetype": self.mimetype,
            "digest": self.digest, "updatedAt": self.updated_at, "url": None, "directUrl": None,
        }  # fmt: skip

    @property
    def id(self) -> str:
        """The run's uid and the file's name."""
        return f"{self._run.uid}/{self.name}"

    @property
    def name(self) -> str:
        """Its path in the run."""
        return self._record.path

    @property
    def size(self) -> int:
        """Its bytes."""
        return self._record.blob.size_bytes

    @property
    def mimetype(self) -> str | None:
        """What its name says it holds."""
        return mimetypes.guess_type(self.name)[0]

    @property
    def digest(self) -> str:
        """BLAKE3-256 of its bytes, 64 hex digits."""
        return self._record.blob.digest.hex()

    @property
    def md5(self) -> str:
        """MD5 of its bytes in base64, W&B's form; computed when asked for, from verified bytes."""
        hashing = _Md5()
        self._repository.write_blob(self._record.blob, cast(BinaryIO, hashing))
        return b64encode(hashing.hasher.digest()).decode()

    @property
    def updated_at(self) -> str:
        """When it was kept last, ISO-8601 UTC."""
        return self._record.updated_at

    @property
    def path_uri(self) -> str:
        """Always empty: it lies in no bucket."""
        return ""

    def read(self) -> bytes:
        """All its bytes, verified."""
        return self._repository.read_blob(self._record.blob)

    @asked
    def download(
        self,
        root: str | os.PathLike[str] = ".",
        replace: bool = False,
        exist_ok: bool = False,
        api: object = None,
    ) -> TextIOWrapper:
        """Bring it below `root`, verified, and open it as text.

        A ValueError when a file is there already, unless `replace` or, to leave that one as it is, `exist_ok`.
        """
        del api
        place = Path(root).absolute() / self.name
        if place.exists() and not replace:
            if exist_ok:
                return place.open()
            raise InvalidRequest(
                f"{shown(str(place), 300)} is there already",
                hint="pass replace=True, or exist_ok=True to keep it",
            )
        return fetch_file(self._repository, self._record, Path(root).absolute()).open()

    @asked
    def delete(self) -> None:
        """Let the run keep it no longer; its bytes are freed by prune."""
        forget_file(self._repository, self._run, self.name)


class _Md5:
    """As much of a file as `write_blob` writes to; hashes instead of keeping."""

    def seek(self, position: int) -> int:
        return position

    def truncate(self) -> int:
        self.hasher = hashlib.md5(usedforsecurity=False)
        return 0

    def writelines(self, pieces: Iterable[bytes | memoryview]) -> None:
        for piece in pieces:
            self.hasher.update(piece)


def list_files(
    repository: Repository,
    run: RunRecord,
    *,
    names: Sequence[str] | None = None,
    pattern: str | None = None,
    per_page: int = 50,
) -> Listing[File]:
    """The files of a run by name: all, those called `names`, or those like `pattern` (`%.json`)."""
    if names and pattern:
        raise InvalidRequest(
            "Files are looked for by names or by a pattern, not by both", hint="leave one out"
        )
    query = FileQuery(run=run.key, names=tuple(names or ()), pattern=pattern)

    def load(paths: Sequence[Any]) -> dict[Any, File]:
        found = run_files.find_files(repository.read(), run.key, paths)
        return {record.path: File(repository, run, record) for record in found}

    return Listing(
        Pages(
            count=lambda: run_files.count_files(repository.read(), query),
            keys=lambda offset, limit: run_files.file_paths(
                repository.read(), query, offset=offset, limit=limit
            ),
            load=load,
        ),
        per_page=per_page,
    )


def get_file(repository: Repository, run: RunRecord, name: str) -> File:
    """The file called `name`; CommError when the run has none."""
    found = run_files.find_files(repository.read(), run.key, [name])
    if not found:
        raise CommError(f"Run {shown(run.id)} has no file {shown(name)}", hint="run.files() lists them")
    return File(repository, run, found[0])
