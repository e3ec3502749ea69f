"""What must hold of every store after every fault: `damages` names whatever does not."""

import json
from collections.abc import Iterator
from pathlib import Path

from localart.catalog import manifests
from localart.catalog.transaction import FIRST_PREVIOUS, chain_digest
from localart.errors import LocalartError
from localart.jsonable import canonical_json
from localart.model import BlobRef, Digest
from localart.repository import Repository
from localart.store import FrameKind, OnDamage, check_pack, pack_path, scan_pack
from localart.store.checking import payload_of


def damages(repository: Repository) -> Iterator[str]:
    """Everything that is wrong with the store, in words; nothing when it is whole. Reads all of it."""
    for check in (_database, _journal, _packs, _commit_records, _manifests, _blobs, _numbers):
        try:
            yield from check(repository)
        except LocalartError as error:
            yield f"{check.__name__}: {type(error).__name__}: {error}"


def _database(repository: Repository) -> Iterator[str]:
    rows = repository.read().execute("PRAGMA integrity_check").fetchall()
    if rows != [("ok",)]:
        yield f"integrity_check: {rows[:3]}"
    broken = repository.read().execute("PRAGMA foreign_key_check").fetchall()
    if broken:
        yield f"foreign_key_check: {broken[:3]}"


def _journal(repository: Repository) -> Iterator[str]:
    """Records 1, 2, 3, …, each of which names the digest of the one before and has the digest it says."""
    expected, last = 1, FIRST_PREVIOUS
    rows = repository.read().execute(
        "SELECT seq, uid, site, time, kind, body, digest, previous FROM journal ORDER BY seq"
    )
    for seq, uid, site, time, kind, body, digest, previous in rows.fetchall():
        record = {"body": json.loads(body), "kind": kind, "seq": seq, "site": site, "time": time, "uid": uid}
        if seq != expected or previous != last or chain_digest(previous, canonical_json(record)) != digest:
            yield f"journal: record {seq} breaks the chain"
        expected, last = seq + 1, digest


def _packs(repository: Repository) -> Iterator[str]:
    for name, end in repository.read().execute('SELECT name, "end" FROM packs').fetchall():
        for damage in check_pack(pack_path(repository.root, name), end=end):
            yield f"pack {name} at {damage.start}: {damage.error}"


def _commit_records(repository: Repository) -> Iterator[str]:
    """Each journal record is in a pack too, so that the catalog could be rebuilt."""
    kept: set[str] = set()
    for name, end in repository.read().execute('SELECT name, "end" FROM packs').fetchall():
        path = pack_path(repository.root, name)
        for found in scan_pack(path, end=end, on_damage=OnDamage.RAISE):
            if found.kind is FrameKind.JOURNAL:
                lines = payload_of(name, found).split(b"\n")
                kept |= {line.split(b" ", 1)[0].decode() for line in lines}
    for seq, digest in repository.read().execute("SELECT seq, digest FROM journal").fetchall():
        if digest.hex() not in kept:
            yield f"journal: record {seq} is in no pack"


def _manifests(repository: Repository) -> Iterator[str]:
    for (key,) in repository.read().execute("SELECT id FROM manifests WHERE complete = 1").fetchall():
        record = manifests.get_manifest(repository.read(), key)
        found = list(manifests.verified_entries(repository.read(), record))
        size = sum(entry.size_bytes for entry in found)
        if (len(found), size) != (record.file_count, record.size_bytes):
            yield f"manifest {key}: {len(found)} files of {size} bytes, not what it says"


def _blobs(repository: Repository) -> Iterator[str]:
    """Each published blob can be read; the reader compares it with its digest."""
    rows = repository.read().execute("SELECT digest, size FROM blobs").fetchall()
    blobs = [BlobRef(Digest(digest), size) for digest, size in rows]
    read = {blob: len(content) for blob, content in repository.reader.read_many(repository.layouts(blobs))}
    for blob in blobs:
        if read.get(blob) != blob.size_bytes:
            yield f"blob {blob.digest.hex()[:12]}: {read.get(blob)} bytes of {blob.size_bytes}"


def _numbers(repository: Repository) -> Iterator[str]:
    """Version numbers are 0, 1, 2, … without gaps, and the next one follows them."""
    rows = repository.read().execute(
        "SELECT a.name, count(v.number), max(v.number), a.next_number FROM artifacts a LEFT JOIN"
        " (SELECT artifact, number FROM versions UNION ALL SELECT artifact, number FROM links) v"
        " ON v.artifact = a.id GROUP BY a.id"
    )
    for name, count, newest, following in rows.fetchall():
        if count != (-1 if newest is None else newest) + 1 or count != following:
            yield f"artifact {name}: {count} versions up to v{newest}, the next is v{following}"


def folder_content(folder: Path) -> dict[str, bytes]:
    """Path → bytes of every file below `folder`."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
