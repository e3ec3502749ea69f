"""Put a media object into a draft: its bytes, and a small JSON file that describes it."""

import json

from localart.draft import Draft
from localart.media.base import Media
from localart.model import Entry
from localart.names import check_entry_path
from localart.repository.ingest import ingest_bytes


def attach(draft: Draft, media: Media, name: str, *, overwrite: bool) -> Entry:
    """Store `media` under `name.<kind>.json`; the entry of that file. An existing one stays unless `overwrite`."""
    if not isinstance(media, Media):
        raise TypeError(
            f"add() takes media objects such as Image, not {type(media).__name__}; use add_file for files"
        )
    path = check_entry_path(f"{name}.{media.kind}.json")
    known = draft.find(path)
    if known is not None and not overwrite:
        return known
    blob = ingest_bytes(draft.repository, media.data, media.suffix)
    bytes_path = f"{media.folder}/{blob.digest.hex()[:20]}{media.suffix}"
    draft.put(Entry(bytes_path, blob.digest, blob.size_bytes), overwrite=True)
    record = json.dumps(media.record(bytes_path), sort_keys=True).encode()
    described = ingest_bytes(draft.repository, record, ".json")
    return draft.put(Entry(path, described.digest, described.size_bytes), overwrite=True)
