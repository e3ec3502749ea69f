"""The bytes of what is stored, for previews: read by digest from the packs, verified, a range at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from localart.model import BlobRef, Digest
from localart_tui.previews.opening import open_preview
from localart_tui.previews.record import Facts, Note, Preview

if TYPE_CHECKING:
    import io

    from localart.catalog.folders import FileLine
    from localart.model import Entry
    from localart_tui.data.store import Store


class StoredBytes:
    """One stored blob as a `ByteSource`. Only the frames that are looked at are read, each whole and checked.

    BlobMissing and BlobDamaged when the store does not hold what it should. Safe to call from any thread.
    """

    def __init__(self, store: Store, blob: BlobRef) -> None:
        self._store = store
        self._blob = blob
        self._guard = threading.Lock()
        self._file: io.BufferedReader | None = None

    @property
    def size_bytes(self) -> int:
        """The length of the blob."""
        return self._blob.size_bytes

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` on."""
        with self._guard:
            if self._file is None:
                from localart.repository.stored_file import open_stored

                self._store.connection()
                self._file = open_stored(self._store.repository, self._blob)
            self._file.seek(max(offset, 0))
            return self._file.read(max(length, 0))


def preview_file(store: Store, file: FileLine | Entry) -> Preview:
    """What a file of a version shows of itself; of a reference only where its bytes are, for nothing is fetched.

    Never raises. Meant for a reading thread.
    """
    uri = getattr(file, "uri", "") or getattr(getattr(file, "reference", None), "uri", "")
    if uri:
        facts = Facts((("its bytes are at", uri[:500]), ("checked by", file.digest.hex())))
        return Preview("reference", (facts, Note("nothing is fetched to preview it")))
    return preview_blob(store, file.digest, file.size_bytes, file.path)


def preview_blob(store: Store, digest: Digest, size_bytes: int, path: str) -> Preview:
    """What a stored blob shows of itself under this name."""
    return open_preview(StoredBytes(store, BlobRef(digest, size_bytes)), path)
