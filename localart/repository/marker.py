"""The marker file `LOCALART`: says that a folder is a store, which one, and who may read it."""

import json
import os
from pathlib import Path

from localart.catalog.format import MIN_READER
from localart.errors import NotAStore, StoreTooNew
from localart.files.filesystem import write_atomically
from localart.modes import file_mode
from localart.names import shown
from localart.records import dataclass

MARKER = "LOCALART"
CATALOG = "localart.db"
FOLDERS = ("packs", "tmp", "locks", "quarantine")
STORE_FORMAT = 1  # the catalog's
_MAX_BYTES = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """The store's format, its uuid, and the oldest format number a reader must know."""

    format: int
    store: str
    min_reader: int


def read_marker(root: Path) -> Marker | None:
    """The marker of the store at `root`; None when there is none."""
    try:
        with open(root / MARKER, "rb", opener=_open_at_once) as file:
            text = file.read(_MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError as error:
        raise _unreadable(root) from error
    try:
        facts = json.loads(text)
        marker = Marker(
            format=int(facts["format"]), store=str(facts["store"]), min_reader=int(facts["min_reader"])
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise _unreadable(root) from error
    if marker.min_reader > STORE_FORMAT:
        place = shown(str(root), 300)
        raise StoreTooNew(
            f"The store at {place} has format {marker.format}; this localart knows up to {STORE_FORMAT}",
            hint="upgrade localart: pip install --upgrade localart",
        )
    return marker


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a pipe would wait for a writer for ever


def _unreadable(root: Path) -> NotAStore:
    return NotAStore(
        f"The marker {shown(str(root / MARKER), 300)} is not one of a store",
        hint="put back a copy of it from a backup, or choose another folder",
    )


def write_marker(root: Path, store: str) -> Marker:
    """Mark `root` as a complete store: the last step of making one, durable when it returns.

    And the first step of upgrading one, so that an older localart leaves it alone from then on.
    """
    marker = Marker(format=STORE_FORMAT, store=store, min_reader=MIN_READER)
    facts = {"format": marker.format, "min_reader": marker.min_reader, "store": marker.store}
    write_atomically(root / MARKER, (json.dumps(facts, sort_keys=True) + "\n").encode(), file_mode(root))
    return marker
