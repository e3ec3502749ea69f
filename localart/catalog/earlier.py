"""Which stored file a new one most likely was before."""

import sqlite3
from itertools import islice
from pathlib import PurePosixPath

from localart.catalog import manifests
from localart.model import BlobRef, Entry

_MOST_LOOKED_AT = 2_000
_ALIKE = 0.1  # how far the length may be off, of the new file's


class EarlierVersion:
    """The files of the newest version of an artifact of this name, in whatever project.

    A guess that costs nothing when it is wrong. One thread at a time.
    """

    def __init__(self, connection: sqlite3.Connection, artifact: str) -> None:
        row = connection.execute(
            "SELECT v.manifest FROM versions v JOIN artifacts a ON a.id = v.artifact"
            " WHERE a.name = ? AND v.state = 'COMMITTED' ORDER BY v.id DESC LIMIT 1",
            (artifact,),
        ).fetchone()
        self._manifest = None if row is None else manifests.get_manifest(connection, row[0])
        self._others: list[Entry] | None = None

    def find(self, connection: sqlite3.Connection, path: str, size_bytes: int) -> BlobRef | None:
        """The file at `path`, or else one with the same name or ending and about as long."""
        if self._manifest is None:
            return None
        entry = manifests.find_entry(connection, self._manifest, path)
        if entry is None or entry.reference is not None:
            entry = self._alike(connection, PurePosixPath(path), size_bytes)
        return None if entry is None else BlobRef(entry.digest, entry.size_bytes)

    def _alike(self, connection: sqlite3.Connection, path: PurePosixPath, size_bytes: int) -> Entry | None:
        if self._others is None:
            assert self._manifest is not None
            some = islice(manifests.iter_entries(connection, self._manifest), _MOST_LOOKED_AT)
            self._others = [entry for entry in some if entry.reference is None]
        near = [
            entry
            for entry in self._others
            if PurePosixPath(entry.path).suffix == path.suffix
            and abs(entry.size_bytes - size_bytes) <= _ALIKE * size_bytes
        ]
        return min(
            near,
            key=lambda entry: (
                PurePosixPath(entry.path).name != path.name,
                abs(entry.size_bytes - size_bytes),
            ),
            default=None,
        )
