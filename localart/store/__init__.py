r"""The byte store: packs of frames on disk. It speaks no SQL, reads no environment and prints nothing.

What the catalog must know is handed out as records (`PackBatch`), what must be known of the catalog is asked
through `BlobIndex` and `PackState`. The order that keeps a store whole: bytes (`BlobWriter.seal`, durable when
it returns), then rows (the caller's transaction), then `BlobWriter.published`.

I1 Bytes before rows, rows before deletion of bytes: a crash leaves garbage, never a dangling row.
I2 A published blob never changes; no read ever returns bytes that do not match their digest.

Rooms: `frames` (byte layout), `codecs` (compression), `source` and `chunking` (what is read, where it is
cut), `packs` (append and sync), `framing`, `solid`, `large`, `staging` (what a writer is made of),
`chunk_lists` (what large files are made of), `tensors`, `alignment`, `ground` and `differences` (what a new file
is compared with, and how the difference is told), `writer`, `buffers`, `reader`, `checking` (what verify asks).

Byte layout, format 1
---------------------
A pack is `packs/<uid as 32 hex digits>.pack`: one header, then frames back to back. Integers are little-endian.

====== ===== ===========================================================================================
offset bytes pack header (32 bytes)
====== ===== ===========================================================================================
0      8     magic ``89 6c 61 70 61 63 6b 0a`` (`\x89lapack\n`)
8      2     format: 1
10     2     zero
12     16    uid, the same as in the file's name
28     4     low half of XXH3-64 of bytes 0–28
====== ===== ===========================================================================================

====== ===== ===========================================================================================
offset bytes frame (40 bytes + 36 a member + body)
====== ===== ===========================================================================================
0      4     magic ``f5 4c 41 46`` (`\xf5LAF`)
4      1     version: 1
5      1     kind: 1 DATA, 2 MANIFEST, 3 JOURNAL, 4 CHUNKS, 5 HISTORY
6      1     codec of the body: 0 RAW, 1 ZSTD, 2 PLANES2, 3 PLANES4, 4 DELTA1, 5 DELTA2, 6 DELTA4, 7 MIXED
7      1     zero
8      4     member count, at most 65,536
12     4     body size as stored
16     4     raw size: what the body decodes to, the sum of the members' sizes
20     4     zero
24     8     XXH3-64 of the body as stored
32     8     XXH3-64 of bytes 0–32 and the member table
40     36·n  member table: BLAKE3-256 digest (32) and raw size (4) of each member, in raw order
40+36n       body
====== ===== ===========================================================================================

Bodies: RAW is the raw bytes; ZSTD is one zstd frame that declares its content size; PLANESs is s sizes of 4
bytes each, then s zstd frames: frame i holds raw bytes i, i+s, i+2s, … (bytes of floats compress best apart,
and only when each plane has entropy tables of its own); DELTAw are planes of the difference from earlier chunks,
after a table that names those (see `differences`); MIXED is sections of any of these kinds (see `mixes`).

Only DATA frames hold contents, and have rows in the catalog. The others have one member each, their payload, and
are what a lost catalog is rebuilt from: `localart.manifest.record` (MANIFEST), `chunk_lists` (CHUNKS),
`localart.catalog.history_record` (HISTORY). A JOURNAL payload is the records of one transaction, a line each:
the record's digest as 64 hex digits, a space, and the canonical JSON that the digest follows from. A transaction
that was rolled back may leave one; the next one then begins with the same `seq`, and only one of the two is
what later records follow.

A damaged field costs at most its own frame: the members' digests name what was lost, and a walk finds the next
frame by its magic and header hash. A tail past the last committed frame is garbage of a writer that died.
"""

TYPE_CHECKING = False  # the constant type checkers know

if TYPE_CHECKING:
    from localart.store.checking import FrameDamage as FrameDamage
    from localart.store.checking import check_pack as check_pack
    from localart.store.codecs import Codec as Codec
    from localart.store.frames import FrameKind as FrameKind
    from localart.store.frames import OnDamage as OnDamage
    from localart.store.frames import ScannedFrame as ScannedFrame
    from localart.store.frames import scan_pack as scan_pack
    from localart.store.packs import pack_path as pack_path
    from localart.store.reader import BlobReader as BlobReader
    from localart.store.source import ByteSource as ByteSource
    from localart.store.writer import BlobWriter as BlobWriter

_PLACES = {
    "BlobReader": "localart.store.reader",
    "BlobWriter": "localart.store.writer",
    "ByteSource": "localart.store.source",
    "Codec": "localart.store.codecs",
    "FrameDamage": "localart.store.checking",
    "FrameKind": "localart.store.frames",
    "OnDamage": "localart.store.frames",
    "ScannedFrame": "localart.store.frames",
    "check_pack": "localart.store.checking",
    "pack_path": "localart.store.packs",
    "scan_pack": "localart.store.frames",
}

__all__ = [
    "BlobReader",
    "BlobWriter",
    "ByteSource",
    "Codec",
    "FrameDamage",
    "FrameKind",
    "OnDamage",
    "ScannedFrame",
    "check_pack",
    "pack_path",
    "scan_pack",
]


def __getattr__(name: str) -> object:
    """Load a room when something of it is first asked for: a run that logs a number needs few of them."""
    if name not in _PLACES:
        raise AttributeError(f"module 'localart.store' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_PLACES[name]), name)
