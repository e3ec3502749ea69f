"""Manifests on disk: written whole or as an overlay on an earlier one, read back as one sorted stream.

A manifest that shares most entries with an earlier one keeps only the changed and removed rows and a chain of
the layers below it (at most 8). One percent of a million files costs 0.4 MB that way, not 33. Each folder's
rows lie together in manifest order, so reading merges a few index ranges and never sorts.
"""

import sqlite3
import struct
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TypeVar

from localart.catalog import seals
from localart.catalog.blobs import blob_ids
from localart.catalog.transaction import Transaction
from localart.errors import CatalogDamaged
from localart.manifest import (
    Page,
    decode_pages,
    encode_pages,
    join_path,
    manifest_digest,
    page_entries,
    split_path,
)
from localart.model import Digest, Entry, Reference
from localart.records import dataclass

T = TypeVar("T")

MAX_LAYERS = 8
SLICE_ROWS = 20_000
_FEW_PAGES = 8
_FETCH = 2_000

FOLDERS_OF = """
WITH RECURSIVE folder(dir) AS (
  SELECT min(dir) FROM entries WHERE manifest = :layer
  UNION ALL
  SELECT (SELECT min(dir) FROM entries WHERE manifest = :layer AND dir > folder.dir) FROM folder
  WHERE folder.dir IS NOT NULL
) SELECT d.path, d.id FROM folder JOIN dirs d ON d.id = folder.dir
"""
"""The SQL of the folders in which `:layer` has entries of its own, from index step to index step."""

_FOLDERS_BETWEEN = """
SELECT d.path, d.id FROM dirs d WHERE d.path BETWEEN :low AND :high
  AND EXISTS (SELECT 1 FROM entries WHERE manifest = :layer AND dir = d.id)
"""
_FEW_FOLDERS = 2_000

_ROWS = (
    "SELECT e.name, b.digest, b.size, r.digest, r.uri, r.size, r.checksum FROM entries e"
    " LEFT JOIN blobs b ON b.id = e.blob LEFT JOIN refs r ON r.id = e.ref"
    " WHERE e.manifest = ? AND e.dir = ?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRecord:
    """One stored manifest; `layers` nearest first, itself at 0."""

    id: int
    digest: Digest
    file_count: int
    size_bytes: int
    pages: tuple[Page, ...]
    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestPlan:
    """A manifest about to be stored: as `changes` over `base`, or whole when `base` is None."""

    digest: Digest
    pages: tuple[Page, ...]
    file_count: int
    size_bytes: int
    base: int | None


def find_manifest(connection: sqlite3.Connection, digest: Digest) -> int | None:
    """The complete manifest with this digest, if there is one."""
    row = connection.execute(
        "SELECT id FROM manifests WHERE digest = ? AND complete = 1", (digest,)
    ).fetchone()
    return row[0] if row else None


def is_stored(connection: sqlite3.Connection, digest: Digest) -> bool:
    """Whether there is a complete manifest with this digest, and no content in the store that a repair gave up."""
    return (
        connection.execute(
            "SELECT 1 FROM manifests WHERE digest = ? AND complete = 1"
            " AND NOT EXISTS (SELECT 1 FROM store WHERE key = 'lost_content')",
            (digest,),
        ).fetchone()
        is not None
    )


def get_manifest(connection: sqlite3.Connection, manifest_id: int) -> ManifestRecord:
    """The manifest's facts; its page list must add up to its digest."""
    row = connection.execute(
        "SELECT digest, file_count, size, pages FROM manifests WHERE id = ?", (manifest_id,)
    ).fetchone()
    if row is None:
        raise CatalogDamaged(
            "A version's manifest is missing", hint="run `localart verify`, then `localart repair`"
        )
    pages = decode_pages(row[3])
    if manifest_digest(page.digest for page in pages) != row[0] or sum(p.count for p in pages) != row[1]:
        raise CatalogDamaged(
            "A manifest's page list does not match its digest",
            hint="run `localart verify`, then `localart repair`",
        )
    layers = connection.execute(
        "SELECT layer FROM chains WHERE manifest = ? ORDER BY position", (manifest_id,)
    ).fetchall()
    return ManifestRecord(
        id=manifest_id,
        digest=Digest(row[0]),
        file_count=row[1],
        size_bytes=row[2],
        pages=tuple(pages),
        layers=tuple(layer for (layer,) in layers),
    )


# --- reading ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Span:
    """The rows of one folder that are asked for: names in (after, last], of each layer's folder id."""

    folder: str
    dir_ids: tuple[tuple[int, int], ...]
    after: str | None
    last: str | None
    prefix: str


def iter_entries(
    connection: sqlite3.Connection,
    manifest: ManifestRecord,
    *,
    prefix: str = "",
    after: str | None = None,
    last: str | None = None,
) -> Iterator[Entry]:
    """The entries in manifest order: those whose path starts with `prefix`, in (after, last]. Streams."""
    for span in _spans(connection, manifest, prefix, after, last):
        yield from _span_entries(connection, span)


def _spans(
    connection: sqlite3.Connection, manifest: ManifestRecord, prefix: str, after: str | None, last: str | None
) -> Iterator[_Span]:
    low = split_path(after) if after is not None else None
    high = split_path(last) if last is not None else None
    folders = _folders(connection, manifest.layers, low[0] if low else "", high[0] if high else None)
    for folder in sorted(folders):
        names = _prefix_names(folder, prefix)
        if names is None or (low and folder < low[0]) or (high and folder > high[0]):
            continue
        yield _Span(
            folder,
            tuple(folders[folder]),
            low[1] if low and folder == low[0] else None,
            high[1] if high and folder == high[0] else None,
            names,
        )


def _folders(
    connection: sqlite3.Connection, layers: Iterable[int], low: str, high: str | None
) -> dict[str, list[tuple[int, int]]]:
    """Folder → (layer, folder id) of each layer that has rows there: at least of those from `low` to `high`.

    Between two bounds near each other only what lies between is looked at: a file is then found among 100,000
    folders as fast as among ten. Where other manifests have too much there, the layer's own folders are listed.
    """
    bounds = {"low": low, "high": high}
    some = f"SELECT 1 FROM dirs WHERE path BETWEEN :low AND :high LIMIT {_FEW_FOLDERS}"
    few = high is not None and len(connection.execute(some, bounds).fetchall()) < _FEW_FOLDERS
    folders: dict[str, list[tuple[int, int]]] = {}
    for layer in layers:
        asked = {**bounds, "layer": layer} if few else {"layer": layer}
        for path, dir_id in connection.execute(_FOLDERS_BETWEEN if few else FOLDERS_OF, asked).fetchall():
            if not isinstance(path, str):
                raise seals.damaged("a folder")
            folders.setdefault(path, []).append((layer, dir_id))
    return folders


def _prefix_names(folder: str, prefix: str) -> str | None:
    """The prefix that names in `folder` must have; None when no file in it can match."""
    inside = folder + "/" if folder else ""
    if inside.startswith(prefix):
        return ""
    rest = prefix[len(inside) :]
    return rest if prefix.startswith(inside) and "/" not in rest else None


def _span_entries(connection: sqlite3.Connection, span: _Span) -> Iterator[Entry]:
    (base_layer, base_dir), *rest = reversed(span.dir_ids)
    over: dict[str, Entry | None] = {}
    for layer, dir_id in rest:
        over.update(_layer_rows(connection, span, layer, dir_id))
    added = sorted(over)
    waiting = 0
    for name, entry in _layer_rows(connection, span, base_layer, base_dir):
        while waiting < len(added) and added[waiting] < name:
            if (new := over[added[waiting]]) is not None:
                yield new
            waiting += 1
        if waiting < len(added) and added[waiting] == name:
            entry = over[name]  # noqa: PLW2901
            waiting += 1
        if entry is not None:
            yield entry
    yield from (new for name in added[waiting:] if (new := over[name]) is not None)


def _layer_rows(
    connection: sqlite3.Connection, span: _Span, layer: int, dir_id: int
) -> Iterator[tuple[str, Entry | None]]:
    """One layer's rows of a folder, by name. No statement stays open in between: it would hold up writers."""
    sql, bounds = _bounded(span)
    after = span.after
    while True:
        sql_here, here = (sql, bounds) if after is None else (f"{sql} AND e.name > ?", [*bounds, after])
        rows = connection.execute(
            f"{sql_here} ORDER BY e.name LIMIT {_FETCH}", (layer, dir_id, *here)
        ).fetchall()
        if not all(isinstance(row[0], str) for row in rows):
            raise seals.damaged("a file")
        for row in rows:
            yield row[0], _entry(span.folder, row)
        if len(rows) < _FETCH:
            return
        after = seals.onward(after or "", rows[-1][0])


def _bounded(span: _Span) -> tuple[str, list[str]]:
    sql, bounds = _ROWS, []
    if span.last is not None:
        sql += " AND e.name <= ?"
        bounds.append(span.last)
    if span.prefix:
        sql += " AND e.name >= ? AND substr(e.name, 1, length(?)) = ?"
        bounds += [span.prefix] * 3
    return sql, bounds


def _entry(
    folder: str, row: tuple[str, bytes | None, int, bytes | None, str, int | None, str]
) -> Entry | None:
    name, digest, size, ref_digest, uri, ref_size, checksum = row
    if digest is not None:
        return Entry(join_path(folder, name), Digest(digest), size)
    if ref_digest is not None:
        return Entry(
            join_path(folder, name), Digest(ref_digest), ref_size or 0, Reference(uri, ref_size, checksum)
        )
    return None


def verified_entries(connection: sqlite3.Connection, manifest: ManifestRecord) -> Iterator[Entry]:
    """Every entry, in order; `CatalogDamaged` at the end of a page whose rows are not what was logged."""
    first = manifest.pages[:1] if len(manifest.pages) > _FEW_PAGES else ()
    yield from verified_pages(connection, manifest, 0, len(first))  # before all the folders are listed
    stream = iter_entries(connection, manifest, after=first[0].last if first else None)
    for page in manifest.pages[len(first) :]:
        entries = list(islice(stream, page.count))
        if not _is_page(page, entries):
            raise _damaged(page)
        yield from entries
    if next(stream, None) is not None:
        raise CatalogDamaged(
            "A manifest holds rows that were not logged", hint="run `localart verify`, then `localart repair`"
        )


def verified_pages(
    connection: sqlite3.Connection, manifest: ManifestRecord, first: int, stop: int
) -> Iterator[Entry]:
    """The entries of the pages from `first` to before `stop`, in order; `CatalogDamaged` as `verified_entries`."""
    if first >= stop:
        return
    before = manifest.pages[first - 1].last if first else None
    stream = iter_entries(connection, manifest, after=before, last=manifest.pages[stop - 1].last)
    for page in manifest.pages[first:stop]:
        entries = list(islice(stream, page.count))
        if not _is_page(page, entries):
            raise _damaged(page)
        yield from entries
    if next(stream, None) is not None:
        raise _damaged(manifest.pages[stop - 1])


def verified_below(connection: sqlite3.Connection, manifest: ManifestRecord, prefix: str) -> Iterator[Entry]:
    """The entries whose path starts with `prefix`; every page that may hold one is checked as a whole."""
    for number in _pages_below(manifest, prefix):
        yield from (entry for entry in _page(connection, manifest, number) if entry.path.startswith(prefix))


def _pages_below(manifest: ManifestRecord, prefix: str) -> Iterable[int]:
    """Pages by their bounds, not by the rows found: a row that is gone must be missed."""
    folder, name = split_path(prefix)
    lasts = [split_path(page.last) for page in manifest.pages]
    files = _page_run(lasts, (folder, name), lambda key: key[0] == folder and key[1].startswith(name))
    folders = _page_run(lasts, (prefix, ""), lambda key: key[0].startswith(prefix))
    return dict.fromkeys(chain(files, folders))


def _page_run(
    lasts: Sequence[tuple[str, str]], first: tuple[str, str], matches: Callable[[tuple[str, str]], bool]
) -> Iterator[int]:
    """The pages that can hold keys from `first` on that match; those keys lie together."""
    for number in range(bisect_left(lasts, first), len(lasts)):
        yield number
        if not matches(lasts[number]):
            return


def find_entry(connection: sqlite3.Connection, manifest: ManifestRecord, path: str) -> Entry | None:
    """The entry at `path`, checked against its page; None when there is none."""
    number = bisect_left(manifest.pages, split_path(path), key=lambda page: split_path(page.last))
    if number == len(manifest.pages):
        return None
    return next((entry for entry in _page(connection, manifest, number) if entry.path == path), None)


def _page(connection: sqlite3.Connection, manifest: ManifestRecord, number: int) -> list[Entry]:
    """The entries of one page, checked against its digest."""
    page = manifest.pages[number]
    before = manifest.pages[number - 1].last if number else None
    entries = list(iter_entries(connection, manifest, after=before, last=page.last))
    if not _is_page(page, entries):
        raise _damaged(page)
    return entries


def _is_page(page: Page, entries: Iterable[Entry]) -> bool:
    try:
        return tuple(page_entries(entries)) == (page,)
    except (struct.error, UnicodeEncodeError):  # a size or a name that nothing has
        return False


def _damaged(page: Page) -> CatalogDamaged:
    return CatalogDamaged(
        f"The manifest rows up to {page.last!r} are not what was logged",
        hint="run `localart verify`, then `localart repair`",
    )


# --- writing ---------------------------------------------------------------------------------------


_INSERT = "INSERT INTO entries(manifest, dir, name, blob, ref) VALUES (?,?,?,?,?)"


def begin_manifest(tx: Transaction, plan: ManifestPlan) -> int:
    """Insert the manifest's head, not visible until `complete_manifest`."""
    manifest_id = tx.insert(
        "INSERT INTO manifests(digest, base, file_count, size, pages, created_at) VALUES (?,?,?,?,?,?)",
        (plan.digest, plan.base, plan.file_count, plan.size_bytes, encode_pages(plan.pages), tx.now),
    )
    tx.execute("INSERT INTO chains(manifest, position, layer) VALUES (?, 0, ?)", (manifest_id, manifest_id))
    if plan.base is not None:
        tx.execute(
            "INSERT INTO chains(manifest, position, layer)"
            " SELECT ?, position + 1, layer FROM chains WHERE manifest = ?",
            (manifest_id, plan.base),
        )
    return manifest_id


def insert_rows(
    tx: Transaction, manifest_id: int, rows: Sequence[tuple[str, Entry | None]], folders: dict[str, int]
) -> None:
    """Insert one slice of rows (None: the overlay removes the path). `folders` caches folder ids."""
    blobs = blob_ids(
        tx.connection,
        list({entry.digest for _, entry in rows if entry is not None and entry.reference is None}),
    )
    values = []
    for path, entry in rows:
        folder, name = split_path(path)
        if folder not in folders:
            folders[folder] = folder_id(tx, folder)
        blob = blobs[entry.digest] if entry is not None and entry.reference is None else None
        ref = reference_id(tx, entry) if entry is not None and entry.reference is not None else None
        values.append((manifest_id, folders[folder], name, blob, ref))
    tx.executemany(_INSERT, values)


def insert_files(
    tx: Transaction, manifest_id: int, rows: Sequence[tuple[str, str, Digest]], folders: dict[str, int]
) -> None:
    """As `insert_rows`, for stored files: folder, name and digest of each. Half as dear."""
    blobs = blob_ids(tx.connection, list(dict.fromkeys(digest for _, _, digest in rows)))
    for folder in dict.fromkeys(folder for folder, _, _ in rows):  # in their order, so that rows go in by key
        if folder not in folders:
            folders[folder] = folder_id(tx, folder)
    tx.executemany(
        _INSERT, ((manifest_id, folders[folder], name, blobs[digest], None) for folder, name, digest in rows)
    )


def complete_manifest(tx: Transaction, manifest_id: int, digest: Digest) -> int:
    """Make the manifest visible, unless another writer was first: then theirs is the one to use."""
    if (other := find_manifest(tx.connection, digest)) is not None:
        return other
    tx.execute("UPDATE manifests SET complete = 1 WHERE id = ?", (manifest_id,))
    return manifest_id


def folder_id(tx: Transaction, folder: str) -> int:
    """The folder's row, made if it is new."""
    tx.execute("INSERT OR IGNORE INTO dirs(path) VALUES (?)", (folder,))
    row_id: int = tx.execute("SELECT id FROM dirs WHERE path = ?", (folder,)).fetchone()[0]
    return row_id


def reference_id(tx: Transaction, entry: Entry) -> int:
    """The row of what an entry refers to, made if it is new."""
    reference = entry.reference
    assert reference is not None
    tx.execute(
        "INSERT OR IGNORE INTO refs(digest, uri, size, checksum) VALUES (?,?,?,?)",
        (entry.digest, reference.uri, reference.size_bytes, reference.checksum),
    )
    row_id: int = tx.execute("SELECT id FROM refs WHERE digest = ?", (entry.digest,)).fetchone()[0]
    return row_id


def slices(rows: Iterable[T], size: int = SLICE_ROWS) -> Iterator[list[T]]:
    """Cut `rows` into lists that one short transaction can insert."""
    stream = iter(rows)
    for first in stream:
        yield list(chain([first], islice(stream, size - 1)))
