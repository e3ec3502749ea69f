"""Cut sorted entries into pages, and re-cut only the pages that a change touches."""

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

from xxhash import xxh3_64_intdigest

from localart.errors import CatalogDamaged
from localart.manifest.digest import entry_tail, page_digest, path_length
from localart.manifest.order import sort_key
from localart.model import DIGEST_BYTES, Digest, Entry
from localart.records import dataclass

_CUT_MASK = 0x3FF
_HEAD = struct.Struct(f"<{DIGEST_BYTES}sIH")


@dataclass(frozen=True, slots=True)
class Page:
    """A run of entries: the path of its last one, how many there are, and their digest."""

    last: str
    count: int
    digest: Digest


def page_entries(entries: Iterable[Entry]) -> Iterator[Page]:
    """Cut `entries`, already in manifest order, into pages. Streams; holds one page at a time."""
    return page_rows((entry.path, entry_tail(entry)) for entry in entries)


def page_rows(rows: Iterable[tuple[str, bytes]]) -> Iterator[Page]:
    """As `page_entries`, of paths and the tails of their entries."""
    encoded: list[bytes] = []
    path = ""
    for path, tail in rows:  # a million of them go through here
        name = path.encode()
        encoded.append(path_length(len(name)) + name + tail)
        if not xxh3_64_intdigest(name) & _CUT_MASK:
            yield Page(path, len(encoded), page_digest(encoded))
            encoded = []
    if encoded:
        yield Page(path, len(encoded), page_digest(encoded))


def ends_page(path: str) -> bool:
    """Whether the entry at `path` is the last of its page."""
    return not xxh3_64_intdigest(path.encode()) & _CUT_MASK


def repage(
    pages: Sequence[Page],
    changes: Sequence[tuple[str, Entry | None]],
    read_between: Callable[[str | None, str | None], Iterable[Entry]],
) -> list[Page]:
    """The pages after `changes` (path → new entry, or None when removed; in manifest order).

    `read_between(after, last)` yields the base's entries in (after, last]; None is open. Only pages that a
    change falls into are read and hashed again, and the page after one that lost its cut.
    """
    keys = [sort_key(page.last) for page in pages]
    result: list[Page] = []
    at = 0
    position = 0
    while position < len(changes):
        touched = min(bisect_left(keys, sort_key(changes[position][0])), max(len(pages) - 1, 0))
        result.extend(pages[at:touched])
        end = touched + 1
        position = _first_after(changes, position, keys, touched)
        while end < len(pages) and _loses_cut(changes, pages[end - 1].last):
            position = max(position, _first_after(changes, position, keys, end))
            end += 1
        last = pages[end - 1].last if end < len(pages) else None
        after = pages[touched - 1].last if touched else None
        result.extend(page_entries(_merged(read_between(after, last), _between(changes, after, last))))
        at = end
        if last is None:
            position = len(changes)
    result.extend(pages[at:])
    return result


def _first_after(
    changes: Sequence[tuple[str, Entry | None]], position: int, keys: Sequence[tuple[str, str]], page: int
) -> int:
    while position < len(changes) and (page >= len(keys) or sort_key(changes[position][0]) <= keys[page]):
        position += 1
    return position


def _loses_cut(changes: Sequence[tuple[str, Entry | None]], last: str) -> bool:
    place = bisect_left(changes, sort_key(last), key=lambda change: sort_key(change[0]))
    return place < len(changes) and changes[place] == (last, None)


def _between(
    changes: Sequence[tuple[str, Entry | None]], after: str | None, last: str | None
) -> Sequence[tuple[str, Entry | None]]:
    def place(path: str, *, behind: bool) -> int:
        found = bisect_left(changes, sort_key(path), key=lambda change: sort_key(change[0]))
        return found + (behind and found < len(changes) and changes[found][0] == path)

    start = 0 if after is None else place(after, behind=True)
    stop = len(changes) if last is None else place(last, behind=True)
    return changes[start:stop]


def _merged(base: Iterable[Entry], changes: Sequence[tuple[str, Entry | None]]) -> Iterator[Entry]:
    waiting = 0
    for entry in base:
        key = sort_key(entry.path)
        while waiting < len(changes) and sort_key(changes[waiting][0]) < key:
            if (added := changes[waiting][1]) is not None:
                yield added
            waiting += 1
        if waiting < len(changes) and changes[waiting][0] == entry.path:
            if (changed := changes[waiting][1]) is not None:
                yield changed
            waiting += 1
        else:
            yield entry
    for _, added in changes[waiting:]:
        if added is not None:
            yield added


def encode_pages(pages: Iterable[Page]) -> bytes:
    """The page list as the catalog keeps it: 32 bytes digest, u32 count, u16 length, last path; each page."""
    parts: list[bytes] = []
    for page in pages:
        last = page.last.encode()
        parts += (_HEAD.pack(page.digest, page.count, len(last)), last)
    return b"".join(parts)


def decode_pages(encoded: bytes) -> list[Page]:
    """The inverse of `encode_pages`; `CatalogDamaged` when it does not add up."""
    pages: list[Page] = []
    at = 0
    try:
        while at < len(encoded):
            digest, count, length = _HEAD.unpack_from(encoded, at)
            at += _HEAD.size
            pages.append(Page(encoded[at : at + length].decode(), count, Digest(digest)))
            at += length
    except (struct.error, UnicodeDecodeError) as error:
        raise CatalogDamaged(
            "A manifest's page list cannot be read", hint="run `localart verify`, then `localart repair`"
        ) from error
    return pages
