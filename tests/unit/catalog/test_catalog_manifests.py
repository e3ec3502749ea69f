"""Manifests: whole or overlaid, they give back exactly what was logged, or say that they cannot."""

import threading

import pytest
from catalog_rows import entry_of, log_texts, plan_of, publish, scribble, store_manifest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localart.catalog import manifests
from localart.errors import BlobMissing, CatalogDamaged
from localart.manifest import pages, reference_digest, sort_key, split_path
from localart.model import Entry, Reference
from localart.operations import log as log_operation

TEXTS = ("one", "two", "three")


def in_order(texts: dict[str, str]) -> list[Entry]:
    return [entry_of(path, texts[path]) for path in sorted(texts, key=sort_key)]


def changes_between(before: dict[str, str], after: dict[str, str]) -> list[tuple[str, Entry | None]]:
    paths = sorted({path for path in {*before, *after} if before.get(path) != after.get(path)}, key=sort_key)
    return [(path, entry_of(path, after[path]) if path in after else None) for path in paths]


def record_of(catalog, manifest_id: int) -> manifests.ManifestRecord:
    return manifests.get_manifest(catalog.read(), manifest_id)


def paths_of(entries) -> list[str]:
    return [entry.path for entry in entries]


# --- round trips -----------------------------------------------------------------------------------------


def test_an_empty_manifest_is_a_manifest(catalog):
    record = record_of(catalog, store_manifest(catalog, []))

    assert (record.file_count, record.pages, list(manifests.verified_entries(catalog.read(), record))) == (
        0, (), [],
    )  # fmt: skip
    assert manifests.find_entry(catalog.read(), record, "a") is None
    assert list(manifests.verified_below(catalog.read(), record, "a")) == []


def test_references_come_back_as_they_were(catalog):
    entries = [
        Entry("a", reference_digest("s3://b/a", None, ""), 0, Reference("s3://b/a")),
        Entry("b", reference_digest("file:///b", 7, "blake3:00"), 7, Reference("file:///b", 7, "blake3:00")),
    ]
    record = record_of(catalog, store_manifest(catalog, entries))

    assert list(manifests.verified_entries(catalog.read(), record)) == entries


def test_a_manifest_names_only_contents_that_are_stored(catalog):
    with pytest.raises(BlobMissing, match="no longer in the store"):
        store_manifest(catalog, [entry_of("a", "never published")])

    assert catalog.read().execute("SELECT count(*) FROM manifests").fetchone() == (0,)


@pytest.fixture
def short_pages(monkeypatch):
    """Pages of some four entries, so that few files make many pages."""
    monkeypatch.setattr(pages, "_CUT_MASK", 3)


PATHS = st.lists(
    st.sampled_from(["a", "b", "A", "é", "z.txt", "a b", "a-", "0"]), min_size=1, max_size=3
).map("/".join)
EDITS = st.lists(
    st.dictionaries(PATHS, st.sampled_from([*TEXTS, None]), max_size=6), min_size=12, max_size=16
)


def without_conflicts(texts: dict[str, str]) -> dict[str, str]:
    """No path is a file and a folder at once: the deeper one wins."""
    folders = {path[:at] for path in texts for at, char in enumerate(path) if char == "/"}
    return {path: text for path, text in texts.items() if path not in folders}


@given(edits=EDITS, prefixes=st.lists(st.text("ab/é", max_size=4), max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_version_of_a_long_chain_is_what_a_dict_says(
    tmp_path_factory, open_catalog, short_pages, edits, prefixes
):
    catalog = open_catalog(tmp_path_factory.mktemp("chain"))
    publish(catalog, *TEXTS)
    texts: dict[str, str] = {}
    versions: list[tuple[int, dict[str, str]]] = []
    for edit in edits:
        after = without_conflicts(
            {path: text for path, text in {**texts, **edit}.items() if text is not None}
        )
        base = base_for(catalog, versions)
        manifest_id = store_manifest(
            catalog,
            in_order(after),
            base=base.id if base else None,
            changes=changes_between(texts_of(catalog, base), after) if base else None,
        )
        versions.append((manifest_id, after))
        texts = after

    for manifest_id, expected in versions:
        check_against(catalog, record_of(catalog, manifest_id), expected, prefixes)
    assert len({manifest_id for manifest_id, _ in versions}) == len(
        {tuple(sorted(expected.items())) for _, expected in versions}
    )
    catalog.close()


def base_for(catalog, versions) -> manifests.ManifestRecord | None:
    """What the log operation chooses: the latest; when its chain is full, the whole one below it."""
    if not versions:
        return None
    base = record_of(catalog, versions[-1][0])
    return record_of(catalog, base.layers[-1]) if len(base.layers) > manifests.MAX_LAYERS else base


def texts_of(catalog, record) -> dict[str, str]:
    names = {entry_of("", text).digest: text for text in TEXTS}
    return {entry.path: names[entry.digest] for entry in manifests.verified_entries(catalog.read(), record)}


def check_against(catalog, record, expected: dict[str, str], prefixes: list[str]) -> None:
    read, entries = catalog.read(), in_order(expected)
    paths = paths_of(entries)
    assert list(manifests.verified_entries(read, record)) == entries
    for path in [*paths, "missing", "a/missing"]:
        found = manifests.find_entry(read, record, path)
        assert found == (entry_of(path, expected[path]) if path in expected else None)
    for prefix in ["", *prefixes]:
        wanted = [path for path in paths if path.startswith(prefix)]
        assert paths_of(manifests.iter_entries(read, record, prefix=prefix)) == wanted
        assert paths_of(manifests.verified_below(read, record, prefix)) == wanted
    if paths:
        after, last = paths[len(paths) // 3], paths[2 * len(paths) // 3]
        wanted = [path for path in paths if sort_key(after) < sort_key(path) <= sort_key(last)]
        assert paths_of(manifests.iter_entries(read, record, after=after, last=last)) == wanted
        both = [path for path in wanted if path.startswith("a")]
        found = manifests.iter_entries(read, record, prefix="a", after=after, last=last)
        assert paths_of(found) == both


def test_a_chain_has_at_most_nine_layers_and_the_database_knows_it(catalog):
    publish(catalog, *TEXTS)
    base: int | None = None
    for number in range(9):
        texts = {"a": "one", f"b{number}": "two"}
        base = store_manifest(catalog, in_order(texts), base=base, changes=[])
    assert len(record_of(catalog, base).layers) == 9

    with pytest.raises(CatalogDamaged, match="CHECK"):
        store_manifest(catalog, in_order({"c": "one"}), base=base, changes=[])


def test_rows_are_read_in_bounded_pages_whatever_the_folder_holds(catalog, monkeypatch):
    monkeypatch.setattr(manifests, "_FETCH", 7)
    publish(catalog, "same")
    expected = {f"flat/{number:04d}": "same" for number in range(50)} | {"x": "same", "z/y/x": "same"}
    whole = store_manifest(catalog, in_order(expected))
    del expected["flat/0007"], expected["flat/0049"]
    expected["flat/0021x"] = "same"
    changed = [("flat/0007", None), ("flat/0021x", entry_of("flat/0021x", "same")), ("flat/0049", None)]
    record = record_of(catalog, store_manifest(catalog, in_order(expected), base=whole, changes=changed))

    assert list(manifests.verified_entries(catalog.read(), record)) == in_order(expected)


# --- the view --------------------------------------------------------------------------------------------


def test_the_files_view_says_the_same_as_the_library_for_every_version(catalog):
    from localart.catalog import artifacts, versions

    texts = {f"d{number % 3}/{number}": "one" for number in range(30)}
    publish(catalog, *TEXTS)
    before, base, expected = {}, None, {}
    for number in range(10):
        texts = {**texts, f"d1/{number}": "two", f"new{number}": "three"}
        texts.pop(f"d2/{number * 3 + 2}", None)
        changes = changes_between(before, texts) if base else None
        base = store_manifest(catalog, in_order(texts), base=base, changes=changes) if number < 9 else (
            store_manifest(catalog, in_order(texts))
        )  # fmt: skip
        with catalog.write() as tx:
            version = versions.insert_version(
                tx,
                artifact_id=artifacts.ensure_artifact(tx, "p", "data", "dataset", None),
                manifest_id=base,
                description=None,
                metadata={},
                history_step=None,
            )
        expected[version.id] = dict(texts)
        before = texts

    for version_id, wanted in expected.items():
        rows = (
            catalog.read()
            .execute("SELECT path, size_bytes, digest FROM files WHERE version_id = ?", (version_id,))
            .fetchall()
        )
        assert sorted(rows) == sorted(
            (entry.path, entry.size_bytes, entry.digest.hex()) for entry in in_order(wanted)
        )


# --- writing ---------------------------------------------------------------------------------------------


def test_a_manifest_that_comes_in_slices_is_invisible_until_it_is_complete(catalog, open_catalog):
    publish(catalog, "same")
    entries = [entry_of(f"{number:03d}", "same") for number in range(25)]
    plan, other, folders = plan_of(entries), open_catalog(), {}
    with catalog.write() as tx:
        hidden = manifests.begin_manifest(tx, plan)
    for rows in manifests.slices(((entry.path, entry) for entry in entries), size=10):
        with catalog.write() as tx:
            manifests.insert_rows(tx, hidden, rows, folders)
        assert manifests.find_manifest(other.read(), plan.digest) is None
    with catalog.write() as tx:
        assert manifests.complete_manifest(tx, hidden, plan.digest) == hidden

    assert manifests.find_manifest(other.read(), plan.digest) == hidden
    assert list(manifests.verified_entries(other.read(), record_of(other, hidden))) == entries


def test_slices_hold_every_row_once_and_are_never_empty():
    rows = [(str(number), None) for number in range(10)]

    cut = list(manifests.slices(rows, size=5))

    assert [len(some) for some in cut] == [5, 5]
    assert [row for some in cut for row in some] == rows
    assert list(manifests.slices([])) == []


def test_of_two_writers_of_the_same_manifest_the_first_one_wins(catalog, open_catalog):
    publish(catalog, "same")
    entries = [entry_of("a", "same")]
    plan = plan_of(entries)
    barrier, stored = threading.Barrier(4), []

    def write() -> None:
        with catalog.write() as tx:
            hidden = manifests.begin_manifest(tx, plan)
            manifests.insert_rows(tx, hidden, [("a", entries[0])], {})
        barrier.wait(30)
        with catalog.write() as tx:
            stored.append(manifests.complete_manifest(tx, hidden, plan.digest))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert len(stored) == 4
    assert len(set(stored)) == 1
    complete = catalog.read().execute("SELECT id FROM manifests WHERE complete = 1").fetchall()
    assert complete == [(stored[0],)]


# --- damage ----------------------------------------------------------------------------------------------


@pytest.fixture
def damaged_rows(catalog):
    """A version of 3,000 files in 30 folders; what to do to its rows comes from the test."""
    texts = {f"d{number % 30:02d}/{number:04d}": "one" for number in range(3_000)}
    publish(catalog, "two")
    version = log_texts(catalog, texts)
    publish(catalog, "three")

    def damage(statement: str) -> manifests.ManifestRecord:
        scribble(catalog, statement)
        return record_of(catalog, version.manifest_id)

    return damage


DIR = "(SELECT id FROM dirs WHERE path = 'd07')"
DAMAGE = {
    "another content": (
        f"UPDATE entries SET blob = (SELECT max(id) FROM blobs) WHERE dir = {DIR} AND name = '0037'"
    ),
    "another name": f"UPDATE entries SET name = '0037x' WHERE dir = {DIR} AND name = '0037'",
    "no row": f"DELETE FROM entries WHERE dir = {DIR} AND name = '0037'",
    "one row more": (
        f"INSERT INTO entries SELECT manifest, dir, '0037x', blob, ref FROM entries"
        f" WHERE dir = {DIR} AND name = '0037'"
    ),
    "an emptied row": f"UPDATE entries SET blob = NULL WHERE dir = {DIR} AND name = '0037'",
    "another folder": "UPDATE dirs SET path = 'd07x' WHERE path = 'd07'",
    "another size": "UPDATE blobs SET size = size + 1",
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_row_that_is_not_what_was_logged_is_damage_however_it_is_read(catalog, damaged_rows, what):
    record = damaged_rows(DAMAGE[what])
    read = catalog.read()

    with pytest.raises(CatalogDamaged, match=r"not what was logged|were not logged"):
        list(manifests.verified_entries(read, record))
    with pytest.raises(CatalogDamaged):
        manifests.find_entry(read, record, "d07/0037")
    with pytest.raises(CatalogDamaged):
        list(manifests.verified_below(read, record, "d07/"))
    with pytest.raises(CatalogDamaged):
        list(manifests.verified_below(read, record, "d07/0037"))


def test_pages_without_damage_are_still_read(catalog, damaged_rows):
    record = damaged_rows(DAMAGE["no row"])
    last = record.pages[-1].last

    assert manifests.find_entry(catalog.read(), record, last).path == last


def test_rows_past_the_last_page_are_damage(catalog):
    version = log_texts(catalog, {"a": "one"})
    scribble(
        catalog, "INSERT INTO entries SELECT manifest, dir, 'zzz', blob, ref FROM entries WHERE name = 'a'"
    )
    record = record_of(catalog, version.manifest_id)

    with pytest.raises(CatalogDamaged, match="were not logged"):
        list(manifests.verified_entries(catalog.read(), record))
    assert list(manifests.verified_below(catalog.read(), record, "z")) == []


@pytest.mark.parametrize(
    "change", ["pages = zeroblob(50)", "file_count = 7", "digest = zeroblob(32)", "pages = zeroblob(5)"]
)
def test_a_manifests_head_that_does_not_add_up_is_damage(catalog, change):
    version = log_texts(catalog, {"a": "one"})
    scribble(catalog, f"UPDATE manifests SET {change}")

    with pytest.raises(CatalogDamaged, match="page list"):
        record_of(catalog, version.manifest_id)


def test_a_missing_manifest_is_damage(catalog):
    with pytest.raises(CatalogDamaged, match="missing"):
        record_of(catalog, 4)


def test_the_log_operation_and_these_tests_agree_on_when_a_chain_is_full():
    assert log_operation.manifests.MAX_LAYERS == 8
    assert split_path("a/b") == ("a", "b")
