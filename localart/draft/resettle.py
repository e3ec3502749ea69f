"""Bring a draft's content to the store of the run that logs it, when it was added to another one."""

from localart.draft.draft import Draft
from localart.model import BlobRef, Entry
from localart.repository import Repository
from localart.repository.ingest import SMALL_BYTES, group_of, ingest_bytes, ingest_one
from localart.repository.scratch import scratch_file


def resettle(draft: Draft, repository: Repository) -> None:
    """Make `repository` the draft's home; what was added elsewhere is read from there, verified, and copied."""
    home = draft.home
    if home is repository:
        return
    draft.settle(repository)
    if home is None:
        return
    try:
        _move(draft, home, repository)
    except BaseException:
        draft.settle(home)
        raise


def _move(draft: Draft, home: Repository, repository: Repository) -> None:
    home.publish()
    for entry in draft.entries():
        if entry.reference is None:
            copy_content(home, repository, entry)
            repository.publish_if_large()


def copy_content(source: Repository, target: Repository, entry: Entry) -> None:
    """Store what `entry` holds in `source` in `target` too, verified on the way."""
    blob, group = BlobRef(entry.digest, entry.size_bytes), group_of(entry.path)
    if blob.size_bytes <= SMALL_BYTES:
        ingest_bytes(target, source.read_blob(blob), group)
        return
    with scratch_file(target) as temporary:
        with temporary.open("wb") as file:
            source.write_blob(blob, file)
        ingest_one(target, str(temporary), f"copy{group}")
