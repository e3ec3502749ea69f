"""Compare two manifests as streams: what was added, removed, changed."""

from collections.abc import Iterable, Iterator

from localart.manifest.order import sort_key
from localart.model import Entry, EntryChange


def diff_entries(before: Iterable[Entry], after: Iterable[Entry]) -> Iterator[EntryChange]:
    """The paths that differ, in manifest order. Both sides must be in that order; memory stays constant."""
    left, right = iter(before), iter(after)
    old, new = next(left, None), next(right, None)
    while old is not None or new is not None:
        if old is not None and new is not None and old.path == new.path:
            if old.digest != new.digest or (old.reference is None) != (new.reference is None):
                yield EntryChange(path=new.path, before=old, after=new)
            old, new = next(left, None), next(right, None)
        elif new is None or (old is not None and sort_key(old.path) < sort_key(new.path)):
            assert old is not None
            yield EntryChange(path=old.path, before=old, after=None)
            old = next(left, None)
        else:
            yield EntryChange(path=new.path, before=None, after=new)
            new = next(right, None)
