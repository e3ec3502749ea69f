"""Which files versions hold: the entries of a catalog that is being rebuilt, from the records of manifests."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from localart.catalog import manifests
from localart.catalog.replay_content import ids_of
from localart.catalog.replay_kinds import Replaying
from localart.errors import StoreDamaged
from localart.manifest import encode_pages, manifest_digest, page_entries, split_path
from localart.model import BlobRef, Digest, Entry

_NAMED = "SELECT manifest FROM versions UNION SELECT manifest FROM upserts"

ManifestRow = tuple[str, Entry | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundManifest:
    """A record of a manifest that was found whole: `rows` (read each time) over `base`, or all there is."""

    base: Digest | None
    rows: Callable[[], Iterator[ManifestRow]]


class ManifestFiller:
    """Fills in the manifests that versions and upserts name, and the layers below them. `lost`: those it could not."""

    def __init__(self, tx: Replaying, found: Mapping[Digest, FoundManifest]) -> None:
        self._tx = tx
        self._found = found
        self._filled: dict[Digest, int] = {}
        self.lost: set[Digest] = set()

    def fill(self) -> None:
        """Fill in all that is named."""
        tx = self._tx
        tx.execute(f"DELETE FROM chains WHERE manifest NOT IN ({_NAMED})")
        tx.execute(f"DELETE FROM manifests WHERE id NOT IN ({_NAMED})")
        for (digest,) in tx.execute("SELECT digest FROM manifests ORDER BY id").fetchall():
            self._need(Digest(digest))

    def _need(self, digest: Digest) -> None:
        """Fill in a manifest, lowest layer first."""
        waiting: list[Digest] = []
        at: Digest | None = digest
        while at is not None and at not in self._filled and at not in waiting and at not in self.lost:
            waiting.append(at)
            record = self._found.get(at)
            at = None if record is None else record.base
        while waiting:
            self._fill_one(waiting.pop())

    def _fill_one(self, digest: Digest) -> None:
        record = self._found.get(digest)
        if digest == manifest_digest([]):
            record = FoundManifest(base=None, rows=lambda: iter(()))
        if record is None or (record.base is not None and record.base not in self._filled):
            self.lost.add(digest)
            return
        self._tx.execute("SAVEPOINT manifest")
        try:
            self._filled[digest] = self._insert(digest, record)
        except StoreDamaged:
            self._tx.execute("ROLLBACK TO manifest")
            self.lost.add(digest)
        finally:
            self._tx.execute("RELEASE manifest")

    def _insert(self, digest: Digest, record: FoundManifest) -> int:
        tx = self._tx
        key = self._head(digest)
        base = None if record.base is None else self._filled[record.base]
        if base is not None and _layer_count(tx.connection, base) <= manifests.MAX_LAYERS:
            tx.execute("UPDATE manifests SET base = ? WHERE id = ?", (base, key))
            tx.execute(
                "INSERT INTO chains(manifest, position, layer)"
                " SELECT ?, position + 1, layer FROM chains WHERE manifest = ?",
                (key, base),
            )
            rows: Iterable[ManifestRow] = record.rows()
        else:
            rows = record.rows() if base is None else self._flattened(base, record)
        self._insert_rows(key, rows)
        self._complete(key, digest)
        return key

    def _head(self, digest: Digest) -> int:
        known = self._tx.execute("SELECT id FROM manifests WHERE digest = ?", (digest,)).fetchone()
        if known is not None:
            key: int = known[0]
            return key
        plan = manifests.ManifestPlan(digest=digest, pages=(), file_count=0, size_bytes=0, base=None)
        return manifests.begin_manifest(self._tx, plan)

    def _flattened(self, base: int, record: FoundManifest) -> Iterator[ManifestRow]:
        """Everything in one layer: other records of the layers below than those written at the time are deeper."""
        whole: dict[str, Entry] = {
            entry.path: entry for entry in manifests.iter_entries(self._tx.connection, self._view(base))
        }
        for path, entry in record.rows():
            if entry is None:
                whole.pop(path, None)
            else:
                whole[path] = entry
        yield from whole.items()

    def _insert_rows(self, key: int, rows: Iterable[ManifestRow]) -> None:
        folders: dict[str, int] = {}
        for some in manifests.slices(rows):
            ids = ids_of(
                self._tx,
                [
                    BlobRef(one.digest, one.size_bytes)
                    for _, one in some
                    if one is not None and one.reference is None
                ],
            )
            values = []
            for path, entry in some:
                folder, name = split_path(path)
                if folder not in folders:
                    folders[folder] = manifests.folder_id(self._tx, folder)
                stored = entry is not None and entry.reference is None
                values.append(
                    (
                        key, folders[folder], name, ids[entry.digest] if entry is not None and stored else None,
                        manifests.reference_id(self._tx, entry) if entry is not None and not stored else None,
                    )
                )  # fmt: skip
            self._tx.executemany(
                "INSERT INTO entries(manifest, dir, name, blob, ref) VALUES (?,?,?,?,?)", values
            )

    def _complete(self, key: int, digest: Digest) -> None:
        """Check that the entries are those the digest stands for."""
        count = size = 0

        def counted() -> Iterator[Entry]:
            nonlocal count, size
            for entry in manifests.iter_entries(self._tx.connection, self._view(key)):
                count += 1
                size += entry.size_bytes
                yield entry

        pages = tuple(page_entries(counted()))
        if manifest_digest(page.digest for page in pages) != digest:
            raise StoreDamaged("the record of a manifest is not what was written")
        self._tx.execute(
            "UPDATE manifests SET pages = ?, file_count = ?, size = ?, complete = 1 WHERE id = ?",
            (encode_pages(pages), count, size, key),
        )

    def _view(self, key: int) -> manifests.ManifestRecord:
        layers = self._tx.execute(
            "SELECT layer FROM chains WHERE manifest = ? ORDER BY position", (key,)
        ).fetchall()
        return manifests.ManifestRecord(
            id=key,
            digest=Digest(bytes(32)),
            file_count=0,
            size_bytes=0,
            pages=(),
            layers=tuple(layer for (layer,) in layers),
        )


def _layer_count(connection: sqlite3.Connection, key: int) -> int:
    count: int = connection.execute("SELECT count(*) FROM chains WHERE manifest = ?", (key,)).fetchone()[0]
    return count


def versions_without_files(connection: sqlite3.Connection, *, limit: int) -> list[str]:
    """The versions whose manifest could not be filled in, as `project/name:vN`."""
    rows = connection.execute(
        "SELECT p.name || '/' || a.name || ':v' || v.number FROM versions v JOIN artifacts a ON a.id = v.artifact"
        " JOIN projects p ON p.id = a.project JOIN manifests m ON m.id = v.manifest"
        " WHERE v.state = 'COMMITTED' AND m.complete = 0 ORDER BY v.id LIMIT ?",
        (limit,),
    ).fetchall()
    return [name for (name,) in rows]
