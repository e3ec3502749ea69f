"""Whether the packs hold changes that the catalog should know and does not: then it is an older copy.

A writer puts the records of a commit into its pack just before it commits them. So one that died there left records
that follow at once on those the catalog knew. Later ones tell that the catalog is not the newest any more: what is
written now would take the numbers of what was acknowledged since, and writers would cut off its bytes.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from localart.catalog.connection import Connection
from localart.catalog.figures import iter_pack_ends
from localart.catalog.history import newest_seq
from localart.errors import CatalogDamaged, StoreError
from localart.names import shown
from localart.store.disposal import pack_files
from localart.store.frames import PACK_HEADER_BYTES, FrameKind, OnDamage, frame_at, walk_heads
from localart.store.packs import pack_path

ADVICE = (
    "put back the newest localart.db, or run `localart rebuild --force`, which makes it again from the packs"
)


def refuse_lagging(root: Path, connection: Connection) -> None:
    """CatalogDamaged when the catalog is older than what lies in the packs."""
    first = first_unknown(root, connection)
    if first is not None:
        raise CatalogDamaged(
            f"The catalog of the store at {shown(str(root), 300)} is an older copy:"
            f" its packs hold changes from number {first:,} on that it does not know",
            hint=ADVICE,
        )


def first_unknown(root: Path, connection: Connection) -> int | None:
    """The number of the first change the catalog should know and does not, or None. Not within a transaction.

    Looks only at what lies behind the committed ends of packs, of which there is little. Writers may be at work.
    """
    ends = dict(iter_pack_ends(connection))
    begun = [seq for pack in _names(root) for seq in _commits(root, pack, ends.get(pack, PACK_HEADER_BYTES))]
    newest = newest_seq(connection)  # after the look: what was committed meanwhile is known now
    return newest + 1 if max(begun, default=0) > newest + 1 else None


def _names(root: Path) -> list[str]:
    try:
        return pack_files(root)
    except StoreError:  # there is no such folder: who writes there says so
        return []


def _commits(root: Path, pack: str, end: int) -> Iterator[int]:
    """The number of the first record of each commit behind `end`, as far as what lies there is whole."""
    path = pack_path(root, pack)
    with suppress(StoreError, OSError):  # gone meanwhile, or for verify to report
        if path.lstat().st_size <= end:
            return
        from localart.catalog.replay import decode_commit
        from localart.store.checking import payload_of

        for start, head in walk_heads(path, start=end, on_damage=OnDamage.STOP):
            if head.kind is FrameKind.JOURNAL:
                yield decode_commit(payload_of(pack, frame_at(path, start)))[0].seq
