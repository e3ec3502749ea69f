from bisect import bisect_right

from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st

from localart.manifest import (
    decode_pages,
    diff_entries,
    encode_pages,
    manifest_digest,
    page_entries,
    repage,
    sort_key,
)
from localart.model import Digest, Entry

paths = st.integers(0, 6000).map(lambda number: f"d{number % 7}/f{number:05d}")


def entry(path: str, content: int) -> Entry:
    return Entry(path, Digest(blake3(f"{path}{content}".encode()).digest()), content)


def in_order(entries: dict[str, Entry]) -> list[Entry]:
    return sorted(entries.values(), key=lambda one: sort_key(one.path))


@settings(max_examples=60, deadline=None)
@given(
    st.sets(paths, max_size=40),
    st.dictionaries(paths, st.none() | st.integers(1, 3), max_size=30),
    st.booleans(),
)
def test_repaging_an_overlay_equals_paging_the_whole(
    few: set[str], edits: dict[str, int | None], large: bool
) -> None:
    start = {f"d{n % 7}/f{n:05d}" for n in range(0, 6000, 2)} if large else few
    base = {path: entry(path, 0) for path in start}
    changes = {path: None if content is None else entry(path, content) for path, content in edits.items()}
    changes = {path: new for path, new in changes.items() if new is not None or path in base}
    ordered = in_order(base)
    keys = [sort_key(one.path) for one in ordered]

    def read_between(after: str | None, last: str | None) -> list[Entry]:
        first = 0 if after is None else bisect_right(keys, sort_key(after))
        return ordered[first : len(ordered) if last is None else bisect_right(keys, sort_key(last))]

    final = {path: one for path, one in {**base, **changes}.items() if one is not None}

    recut = repage(
        list(page_entries(ordered)), sorted(changes.items(), key=lambda item: sort_key(item[0])), read_between
    )

    assert recut == list(page_entries(in_order(final)))
    assert decode_pages(encode_pages(recut)) == recut


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(paths, st.integers(0, 2), max_size=30),
    st.dictionaries(paths, st.integers(0, 2), max_size=30),
)
def test_a_difference_is_exactly_what_turns_one_manifest_into_the_other(
    old: dict[str, int], new: dict[str, int]
) -> None:
    before = {path: entry(path, content) for path, content in old.items()}
    after = {path: entry(path, content) for path, content in new.items()}

    patched = dict(before)
    for change in diff_entries(in_order(before), in_order(after)):
        assert change.before == before.get(change.path)
        assert change.before != change.after
        if change.after is None:
            del patched[change.path]
        else:
            patched[change.path] = change.after

    assert patched == after


def test_the_digest_of_known_entries_never_changes() -> None:
    entries = [entry("a.txt", 1), entry("b.txt", 2), entry("d/c.txt", 3)]

    digest = manifest_digest(page.digest for page in page_entries(entries))

    assert digest.hex() == "4e37d67b0df0fd0b9f26fd1f33e7561468dcf6a4e8cfded6a02ddeec21c324df"
    assert manifest_digest([]).hex() == blake3(b"localart-manifest-1\n").hexdigest()
