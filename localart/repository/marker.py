"""The marker file `LOCALART`: says that a folder is a store, which one, and who may read it."""

import json
from dataclasses import dataclass
from pathlib import Path

from localart.errors import NotAStore, StoreTooNew
from localart.files.filesystem import write_atomically

MARKER = "LOCALART"
STORE_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """The store's format, its uuid, and the oldest format number a reader must know."""

    format: int
    store: str
    min_reader: int


def read_marker(root: Path) -> Marker | None:
    """The marker of the store at `root`; None when there is none."""
    try:
        text = (root / MARKER).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        facts = json.loads(text)
        marker = Marker(
            format=int(facts["format"]), store=str(facts["store"]), min_reader=int(facts["min_reader"])
        )
    except (ValueError, KeyError, TypeError) as error:
        raise NotAStore(
            f"The marker {root / MARKER} cannot be read", hint="put back a copy of it from a backup"
        ) from error
    if marker.min_reader > STORE_FORMAT:
        raise StoreTooNew(
            f"The store at {root} has format {marker.format}; this localart knows up to {STORE_FORMAT}",
            hint="upgrade localart: pip install --upgrade localart",
        )
    return marker


def write_marker(root: Path, store: str) -> Marker:
    """Mark `root` as a complete store: the last step of making one, durable when it returns."""
    marker = Marker(format=STORE_FORMAT, store=store, min_reader=1)
    facts = {"format": marker.format, "min_reader": marker.min_reader, "store": marker.store}
    write_atomically(root / MARKER, (json.dumps(facts, sort_keys=True) + "\n").encode(), 0o600)
    return marker
