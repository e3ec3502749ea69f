"""I2 for the catalog: whatever happens to its bytes, no answer is silently wrong, and verify says so.

SQLite keeps no checksums of its pages. The catalog's seals, digests and counters are what these tests try.
"""

import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import combinations, islice
from pathlib import Path

import damage_bench as bench
import pytest

import localart
from localart.catalog.history import iter_changes
from localart.errors import CatalogDamaged, LocalartError, NotAStore, StoreDamaged
from localart.operations.repair import execute_repair, plan_repair
from localart.operations.verify import verify_store
from localart.repository import open_repository
from localart.repository.opening import close_all


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with everything in it, at rest."""
    return bench.make_store(tmp_path_factory.mktemp("damage"))


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """A copy of it to be harmed."""
    shutil.copytree(whole, tmp_path / "copy")
    return tmp_path / "copy"


def judge(copy: Path, right: bench.Answers) -> tuple[list[str], bool, bool]:
    """What the harmed store answers wrongly, whether it refuses anything, and whether verify finds it sound."""
    found = bench.answers(copy)
    refuses = set(bench.errors_in(found)) - set(bench.errors_in(right)) != set()
    try:
        is_sound = verify_store(copy, data=True).is_sound
    except LocalartError:
        is_sound = False
    return bench.wrong_answers(right, found), refuses, is_sound


Case = tuple[str, Callable[[bytearray], None]]
"""A harm's name, and what it does to the database."""


def seeded(harm: bench.Harm, seed: int) -> Case:
    """The harm at a place that the seed tells."""
    name = f"{harm.name}-{seed}"
    return name, lambda content: harm.change(content, random.Random(name))


def sweep(whole: Path, copy: Path, cases: Iterable[Case]) -> Counter[str]:
    """Harm the database in each way, once, and count what comes of it."""
    right = bench.answers(whole)
    content = (whole / "localart.db").read_bytes()
    tally: Counter[str] = Counter()
    for name, change in cases:
        for ending in ("-wal", "-shm", "-journal"):
            (copy / f"localart.db{ending}").unlink(missing_ok=True)
        harmed = bytearray(content)
        change(harmed)
        (copy / "localart.db").write_bytes(harmed)
        wrong, refuses, is_sound = judge(copy, right)
        tally["harms"] += 1
        tally["silent"] += bool(wrong)
        tally["refused"] += refuses
        tally["found"] += not is_sound
        tally["missed"] += is_sound and (refuses or bool(wrong))
        if wrong:
            print(f"{name}: {wrong}", bench.answers(copy)[wrong[0]])
    return tally


def told(tally: Counter[str]) -> str:
    """A tally in words."""
    return (
        f"{tally['harms']:,} harms, {tally['refused']:,} refused, {tally['found']:,} found by verify,"
        f" {tally['missed']} missed, {tally['silent']} silent wrong answers"
    )


DATABASE_HARMS = (*bench.HARMS, *bench.PAGE_HARMS)


@pytest.mark.parametrize("harm", DATABASE_HARMS, ids=lambda harm: harm.name)
def test_no_harm_to_the_database_makes_a_wrong_answer(whole: Path, copy: Path, harm: bench.Harm) -> None:
    """Seen to fail at sixty seeds when `seals.compare` compares nothing, or pages are read without their digests.

    Eight may not meet a row that matters, and then pass; the changed rows below do not.
    """
    tally = sweep(whole, copy, [seeded(harm, seed) for seed in range(8)])

    assert not tally["silent"]
    assert not tally["missed"]


@pytest.mark.sweep
@pytest.mark.timeout(3_000)
def test_two_thousand_harms_to_the_database_make_no_wrong_answer(whole: Path, copy: Path) -> None:
    """Fails when `refuse_gaps` lets an index without one of its rows pass."""
    tally = sweep(whole, copy, [seeded(harm, seed) for harm in DATABASE_HARMS for seed in range(334)])

    print("database:", told(tally))
    assert not tally["silent"]
    assert not tally["missed"]


# --- pages that change places: each is sound in itself --------------------------------------------------


SWAPPED = (
    ("links", "links_once"),
    ("links", "sqlite_autoindex_versions_2"),
    ("links_by_version", "versions_fts_idx"),
    ("counts", "edges"),
    ("counts", "aliases"),
    ("counts", "aliases_by_version"),
    ("counts", "alerts_by_run"),
    ("sqlite_autoindex_metric_names_1", "run_tags_by_name"),
    ("runs", "refs"),
    ("runs", "artifacts_fts_docsize"),
    ("runs_by_time", "sqlite_autoindex_runs_2"),
    ("projects", "refs"),
    ("artifacts", "upserts"),
    ("artifacts_by_type", "sqlite_autoindex_refs_1"),
    ("versions", "frames"),
    ("versions", "journal"),
    ("versions_deleted", "upserts_by_artifact"),
    ("sqlite_autoindex_versions_2", "artifacts_fts_idx"),
    ("chains", "metrics"),
    ("edges", "metrics"),
    ("edges", "runs_fts_idx"),
    ("journal", "journal"),
    ("sqlite_autoindex_journal_1", "upserts_by_manifest"),
    ("history_seals", "run_tags"),
    ("dirs", "alerts"),
    ("packs", "versions_fts_docsize"),
)
"""Of all 2,048 pairs of like pages, those that once led to a wrong answer or to an error of Python's, one of a kind."""


@pytest.mark.parametrize(("one", "other"), SWAPPED, ids=["-".join(pair) for pair in SWAPPED])
def test_pages_that_change_places_are_refused_and_found(
    whole: Path, copy: Path, one: str, other: str
) -> None:
    """Fails, each where its own check is left out.

    For example when `said_count` takes what `counts` does not name for none, or `find_metric` is content with nothing
    found.
    """
    root, content = bench.roots(whole), (whole / "localart.db").read_bytes()
    first, second = bench.leaves_of(content, root[one])[0], bench.leaves_of(content, root[other])[-1]
    assert first != second

    tally = sweep(whole, copy, [("swapped", partial(bench.swap_pages, first=first, second=second))])

    assert tally == {"harms": 1, "refused": 1, "found": 1, "silent": 0, "missed": 0}


@pytest.fixture(scope="module")
def grown(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store with more runs in it: their table, and the journal, are of several pages."""
    folder = tmp_path_factory.mktemp("grown")
    shutil.copytree(whole, folder / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("LOCALART_DIR", str(folder / "store"))
        patch.setenv("LOCALART_SILENT", "1")
        patch.setenv("LOCALART_CONSOLE", "off")
        for number in range(40):
            with localart.init(project=bench.PROJECT, id=f"more{number}", config={"n": number}) as run:
                if number % 20 == 0:
                    bench.log(run, "data", {"only": b"%d" % number}, folder / "files", {"n": number})
        close_all()
    return folder / "store"


PAGES = (
    ("runs", 0, "runs", -1),
    ("runs", 0, "journal", 0),
    ("runs", -1, "journal", 3),
    ("runs", 1, "packs", 0),
    ("journal", -2, "journal", 3),
    ("journal", -1, "journal", -3),
    ("projects", 0, "journal", 2),
    ("artifacts", 0, "journal", 2),
    ("sqlite_autoindex_journal_1", 0, "sqlite_autoindex_journal_1", 1),
)
"""The page of one table or index, and that of another (or the same), each by its place among its like."""


@pytest.mark.parametrize("pages", PAGES, ids=lambda pages: f"{pages[0]} {pages[1]}, {pages[2]} {pages[3]}")
def test_pages_of_long_tables_that_change_places_are_refused_and_found(
    grown: Path, tmp_path: Path, pages: tuple[str, int, str, int]
) -> None:
    """Fails when `refuse_rows_lost` does not look for rows by their ids."""
    one, first, other, second = pages
    root, content = bench.roots(grown), (grown / "localart.db").read_bytes()
    shutil.copytree(grown, tmp_path / "copy")
    here, there = bench.leaves_of(content, root[one])[first], bench.leaves_of(content, root[other])[second]

    tally = sweep(
        grown, tmp_path / "copy", [("swapped", partial(bench.swap_pages, first=here, second=there))]
    )

    assert not tally["silent"]
    assert not tally["missed"]
    assert tally["found"]


def test_the_newest_changes_are_told_only_when_their_page_is_in_order(grown: Path, tmp_path: Path) -> None:
    """Fails when `iter_changes` tells the first of a page before it has looked at all."""
    shutil.copytree(grown, tmp_path / "copy")
    content = bytearray((grown / "localart.db").read_bytes())
    leaves = bench.leaves_of(content, bench.roots(grown)["journal"])
    last = (leaves[-1] - 1) * bench.PAGE_BYTES
    in_last = int.from_bytes(content[last + 3 : last + 5], "big")
    bench.swap_pages(content, leaves[-2], leaves[3])
    (tmp_path / "copy" / "localart.db").write_bytes(content)

    repository = open_repository(tmp_path / "copy", create=False)
    try:
        with pytest.raises(CatalogDamaged):
            list(islice(iter_changes(repository.read()), in_last + 1))
    finally:
        repository.close()


@pytest.mark.sweep
@pytest.mark.timeout(3_000)
def test_no_two_like_pages_change_places_unseen(whole: Path, copy: Path) -> None:
    """Every pair of pages that SQLite takes for each other. Fails as the one before."""
    content = (whole / "localart.db").read_bytes()
    kinds = {page: bench.page_kind(content, page) for page in range(2, len(content) // bench.PAGE_BYTES + 1)}
    pairs = [pair for pair in combinations(kinds, 2) if kinds[pair[0]] == kinds[pair[1]]]

    tally = sweep(
        whole,
        copy,
        ((f"{a} and {b}", partial(bench.swap_pages, first=a, second=b)) for a, b in pairs),
    )

    print("pages:", told(tally))
    assert not tally["silent"]
    assert not tally["missed"]


ROWS = {
    "a version's metadata": """UPDATE versions SET metadata = '{"n":7}' WHERE id = 1""",
    "a version's uid": "UPDATE versions SET uid = 'x' WHERE id = 1",
    "a version's number": "UPDATE versions SET number = 9 WHERE id = 1",
    "a version's content": "UPDATE versions SET manifest = 1 WHERE id = 2",
    "a version": "DELETE FROM versions WHERE id = 2",
    "a deleted version": "DELETE FROM versions WHERE state = 'DELETED'",
    "where aliases point": "UPDATE aliases SET version = 1",
    "aliases": "DELETE FROM aliases",
    "tags": "DELETE FROM version_tags",
    "edges": "DELETE FROM edges",
    "an edge's direction": "UPDATE edges SET direction = 'output' WHERE direction = 'input'",
    "a counter": "UPDATE artifacts SET next_number = 1 WHERE id = 1",
    "an artifact's name": "UPDATE artifacts SET name = 'dat4' WHERE id = 1",
    "an artifact's type": "UPDATE artifacts SET type = 'model' WHERE id = 1",
    "an artifact": "DELETE FROM artifacts WHERE id = 1",
    "links": "DELETE FROM links",
    "a run's config": "UPDATE runs SET config = '{}' WHERE id = 1",
    "a run": "DELETE FROM runs WHERE id = 1",
    "a journal record's words": "UPDATE journal SET body = replace(body, 'data', 'dbta') WHERE seq = 8",
    "journal records": "DELETE FROM journal WHERE seq IN (5, 6, 7)",
    "a journal record's number": "UPDATE journal SET seq = 900000 WHERE seq = 6",
    "layers": "DELETE FROM chains",
    "a folder's entries": "DELETE FROM entries WHERE manifest = 1 AND dir = 2",
    "what entries are": "UPDATE entries SET blob = 5 WHERE manifest = 2",
    "a folder's name": "UPDATE dirs SET path = 'zz' WHERE id = 2",
    "a manifest's digest": "UPDATE manifests SET digest = zeroblob(32) WHERE id = 1",
    "a manifest's pages": "UPDATE manifests SET pages = x'00' WHERE id = 2",
    "a manifest": "DELETE FROM manifests WHERE id = 2",
    "a content's digest": "UPDATE blobs SET digest = zeroblob(32) WHERE id = 5",
    "a content's frame": "UPDATE blobs SET frame = 3 WHERE id = 5",
    "a content's offset": "UPDATE blobs SET start = start + 1 WHERE id = 5",
    "a content's size": "UPDATE blobs SET size = size + 1 WHERE id = 5",
    "a frame's offset": "UPDATE frames SET start = start + 1 WHERE id = 1",
    "a frame's checksum": "UPDATE frames SET checksum = 1 WHERE id = 2",
    "a frame": "DELETE FROM frames WHERE id = 1",
    "where a pack ends": 'UPDATE packs SET "end" = 99999999',
    "a pack's name": "UPDATE packs SET name = '00000000000000000000000000000000'",
    "what is searched": "DELETE FROM versions_fts_docsize",
    "a project's name": "UPDATE projects SET name = 'q' WHERE name = 'p'",
    "a project": "DELETE FROM projects WHERE name = 'other'",
    "when a project was made": "UPDATE projects SET created_at = '2001' WHERE id = 1",
    "what a registry takes": "UPDATE registries SET artifact_types = NULL",
    "a registry": "DELETE FROM registries",
    "an artifact's description": "UPDATE artifacts SET description = 'else' WHERE id = 1",
    "an artifact's own tags": "UPDATE artifact_tags SET name = 'kepu' WHERE name = 'kept'",
    "what is protected": "DELETE FROM protected_aliases",
    "when a version was changed": "UPDATE versions SET updated_at = '2001' WHERE id = 1",
    "a version's tag": "UPDATE version_tags SET name = 'firsu' WHERE name = 'first'",
    "an alias's name": "UPDATE aliases SET name = 'at-9' WHERE name = 'at-0'",
    "an alias's time": "UPDATE aliases SET updated_at = '2001'",
    "one of the aliases": "DELETE FROM aliases WHERE name = 'at-1'",
    "what links to": "UPDATE links SET version = 1",
    "when something was linked": "UPDATE links SET created_at = '2001'",
    "a run's name": "UPDATE runs SET name = 'else' WHERE id = 2",
    "a run's id": "UPDATE runs SET run_id = 'train2' WHERE id = 2",
    "a run's summary": "UPDATE runs SET summary = '{}' WHERE id = 1",
    "a run's tags": "DELETE FROM run_tags",
    "when a run was heard of": "UPDATE runs SET updated_at = '2001' WHERE id = 2",
    "one of the edges": "DELETE FROM edges WHERE version = 2 AND direction = 'input'",
    "whose edge it is": "UPDATE edges SET run = 1 WHERE run = 2 AND direction = 'input'",
    "an edge's time": "UPDATE edges SET created_at = '2001' WHERE version = 1",
    "an alert": "UPDATE alerts SET text = 'all is well'",
    "alerts": "DELETE FROM alerts",
    "a value": "UPDATE metrics SET value = 7.0 WHERE step = 3 AND metric = 1",
    "a logged text": "UPDATE metrics SET body = '1' WHERE step = 3 AND body IS NOT NULL",
    "when something was logged": "UPDATE metrics SET time = time + 1 WHERE step = 3",
    "a step": "UPDATE metrics SET step = 1000 WHERE step = 3",
    "a whole metric": "DELETE FROM metrics WHERE metric = 2",
    "a metric's name": "UPDATE metric_names SET name = 'loss of life' WHERE name = 'loss'",
    "the seals of a history": "UPDATE history_seals SET seal = 1 WHERE metric = 1",
    "a seal": "UPDATE runs SET seal = 1 WHERE id = 1",
    "the seals of versions": "UPDATE versions SET seal = 1",
    "what should be there": "UPDATE counts SET count = count + 1",
    "what is counted": "DELETE FROM counts",
}


@pytest.mark.parametrize("what", ROWS)
def test_a_changed_row_is_found_and_comes_back_without_any_copy(whole: Path, copy: Path, what: str) -> None:
    """Fails when `repair._STEP_OF` has no step for versions, aliases, histories, manifests, search or the journal.

    (Rows of edges, runs and links, counters and layers come back all the same: what is found beside them leads there.)

    The first half fails when `seals.compare` lets every row pass, when `refuse_missing` and `count_all` do not compare
    what they count, or when `refuse_damaged_history` returns at once.
    """
    right = bench.answers(whole)
    bench.change_rows(copy, ROWS[what])
    assert not bench.wrong_answers(right, bench.answers(copy))

    repository = open_repository(copy, create=False)
    plan = plan_repair(repository)
    report = execute_repair(repository, plan)
    repository.close()

    assert not plan.report.is_sound
    assert report.is_sound, [finding.what for finding in report.after.findings]
    assert bench.answers(copy) == right


def test_an_old_wal_beside_the_catalog_is_refused_and_not_replayed(copy: Path) -> None:
    """Fails when `_has_foreign_wal` says no."""
    right = bench.answers(copy)
    older = copy.with_name("older")
    shutil.copytree(copy, older)
    code = (
        "import os; from pathlib import Path; from localart.repository import open_repository\n"
        "from localart.operations.resolve import resolve_version; from localart.operations.update import retag\n"
        f"repository = open_repository(Path({str(older)!r}), create=False)\n"
        "version = resolve_version(repository, 'p/data:v0', project=None)\n"
        "retag(repository, version, add=['only-there']); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

    shutil.copyfile(older / "localart.db-wal", copy / "localart.db-wal")

    assert bench.answers(copy) == {"": "error CatalogDamaged"}
    assert not verify_store(copy).is_sound
    (copy / "localart.db-wal").unlink()
    assert bench.answers(copy) == right


# --- databases of others ---------------------------------------------------------------------------------


def places(path: Path) -> None:
    """Something like a browser's history."""
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE moz_places(id INTEGER PRIMARY KEY, url TEXT); PRAGMA user_version = 77;"
        "INSERT INTO moz_places(url) VALUES ('https://example.org');"
    )
    connection.close()


def empty_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("VACUUM")
    connection.close()


STRANGERS = {
    "a browser's database": places,
    "an empty database": empty_database,
    "an empty file": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("this is no database\n" * 500),
    "noise": lambda path: path.write_bytes(bench.noise("db", 60_000)),
}


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(copy: Path, stranger: str) -> None:
    """Fails when `catalog.format.check` does not look at the application's id."""
    (copy / "localart.db").unlink()
    STRANGERS[stranger](copy / "localart.db")
    before = (copy / "localart.db").read_bytes()

    with pytest.raises((NotAStore, StoreDamaged)):
        open_repository(copy, create=False)

    assert (copy / "localart.db").read_bytes() == before
    with suppress(NotAStore):
        assert not verify_store(copy).is_sound


def test_looking_at_a_stranger_takes_little_time_and_memory(copy: Path) -> None:
    """Fails when a database is read before it is known to be a catalog."""
    (copy / "localart.db").write_bytes(bytes(200 << 20))
    code = (
        "import sys; from pathlib import Path; from localart.operations.verify import verify_store\n"
        f"try: assert not verify_store(Path({str(copy)!r})).is_sound\n"
        "except Exception as error: assert 'localart' in type(error).__module__, error\n"
        # not ru_maxrss: Linux counts the parent it was forked from
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 150_000
