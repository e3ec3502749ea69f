"""The stat cache: it may forget anything at any time, and must never name other bytes."""

import multiprocessing
import os
import sqlite3
import struct
import threading
import time
from contextlib import closing, suppress

import pytest
from catalog_rows import digest_of

from localart.catalog.statcache import StatCache, cache_path

LONG_AGO = time.time() - 3600
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def cache(tmp_path):
    cache = StatCache(tmp_path / "cache.db")
    yield cache
    cache.close()


@pytest.fixture
def old_file(tmp_path):
    """Make a file whose times are long past, as far as the cache can tell."""

    def make(name: str = "a", content: str = "x") -> os.stat_result:
        path = tmp_path / name
        path.write_text(content)
        os.utime(path, (LONG_AGO, LONG_AGO))
        return settled(path.stat())

    return make


def settled(stat: os.stat_result, **changes) -> os.stat_result:
    """The stat with a ctime long ago, which no program can set."""
    fields = [*stat]
    extra = {
        "st_atime_ns": stat.st_atime_ns, "st_mtime_ns": changes.get("mtime_ns", stat.st_mtime_ns),
        "st_ctime_ns": changes.get("ctime_ns", int(LONG_AGO * 1e9)),
    }  # fmt: skip
    fields[1] = changes.get("inode", stat.st_ino)
    fields[2] = changes.get("device", stat.st_dev)
    fields[6] = changes.get("size", stat.st_size)
    return os.stat_result(fields, extra)


def test_a_file_that_was_read_long_after_it_was_written_is_known_again(cache, old_file):
    first, second = old_file("a"), old_file("b")

    cache.remember([(first, digest_of("1")), (second, digest_of("2"))])

    assert cache.find([second, first, second]) == [digest_of("2"), digest_of("1"), digest_of("2")]
    assert cache.find([]) == []


@pytest.mark.parametrize("change", ["size", "mtime_ns", "ctime_ns", "inode", "device"])
def test_any_changed_number_makes_a_file_unknown(cache, old_file, change):
    stat = old_file()
    cache.remember([(stat, digest_of("1"))])
    numbers = {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "ctime_ns": stat.st_ctime_ns,
               "inode": stat.st_ino, "device": stat.st_dev}  # fmt: skip

    assert cache.find([settled(stat, **{change: numbers[change] + 1})]) == [None]
    assert cache.find([stat]) == [digest_of("1")]


def test_a_file_written_just_now_is_not_trusted(cache, tmp_path):
    (tmp_path / "fresh").write_text("x")
    fresh = (tmp_path / "fresh").stat()

    cache.remember([(fresh, digest_of("1"))])

    assert cache.find([fresh]) == [None]


def test_a_file_whose_inode_changed_just_now_is_not_trusted(cache, tmp_path):
    (tmp_path / "touched").write_text("x")
    os.utime(tmp_path / "touched", (LONG_AGO, LONG_AGO))
    touched = (tmp_path / "touched").stat()

    cache.remember([(touched, digest_of("1"))])

    assert cache.find([touched]) == [None]


def test_a_grain_of_another_size_may_be_asked_for(cache, tmp_path):
    (tmp_path / "fresh").write_text("x")
    fresh = (tmp_path / "fresh").stat()
    time.sleep(0.03)

    cache.remember([(fresh, digest_of("1"))], racy_nanoseconds=20_000_000)

    assert cache.find([fresh]) == [digest_of("1")]


def test_a_file_read_again_after_it_changed_takes_the_place_of_the_old_one(cache, old_file):
    stat = old_file()
    cache.remember([(stat, digest_of("1"))])
    changed = settled(stat, mtime_ns=stat.st_mtime_ns + 5)
    cache.remember([(changed, digest_of("2"))])

    assert cache.find([stat, changed]) == [None, digest_of("2")]


def test_inode_and_device_numbers_of_64_bits_are_kept(cache, old_file):
    stat = settled(old_file(), inode=(1 << 64) - 1, device=(1 << 64) - 2)

    cache.remember([(stat, digest_of("1"))])

    assert cache.find([stat]) == [digest_of("1")]


def test_times_that_no_database_can_hold_are_not_remembered(cache, old_file):
    ancient = settled(old_file(), mtime_ns=-(1 << 63) - 1)

    cache.remember([(ancient, digest_of("1"))])

    assert cache.find([ancient]) == [None]


def test_many_files_are_asked_for_at_once(cache, old_file):
    stat = old_file()
    many = [settled(stat, inode=number) for number in range(2_000)]
    cache.remember([(one, digest_of(str(one.st_ino))) for one in many])

    assert cache.find(many) == [digest_of(str(number)) for number in range(2_000)]


def test_asking_for_a_few_files_does_not_read_the_whole_cache(cache, old_file):
    stat = old_file()
    cache.remember([(settled(stat, inode=number), digest_of("1")) for number in range(1, 100_000)])
    few = [settled(stat, inode=number) for number in range(50_000, 50_100)]

    steps: list[None] = []
    cache._open().set_progress_handler(lambda: steps.append(None), 100)

    assert None not in cache.find(few)
    assert len(steps) < 100, f"{100 * len(steps):,} steps of SQLite for 100 files"


def test_files_of_several_devices_are_told_apart(cache, old_file):
    stat = old_file()
    here, there = stat, settled(stat, device=stat.st_dev + 1)
    cache.remember([(here, digest_of("1")), (there, digest_of("2"))])

    assert cache.find([there, here]) == [digest_of("2"), digest_of("1")]


# --- trouble with its file -----------------------------------------------------------------------------


def test_what_is_remembered_outlives_the_process(cache, old_file, tmp_path):
    stat = old_file()
    cache.remember([(stat, digest_of("1"))])
    cache.close()

    with closing(StatCache(tmp_path / "cache.db")) as again:
        assert again.find([stat]) == [digest_of("1")]
    assert cache.find([stat]) == [digest_of("1")]


@pytest.mark.parametrize("at", [*range(64)])
def test_a_flipped_bit_is_not_believed(cache, old_file, tmp_path, at):
    """Seen to fail when rows are read without looking at their checksum."""
    stat = old_file()
    cache.remember([(stat, digest_of("1"))])
    cache.close()
    with closing(sqlite3.connect(tmp_path / "cache.db")) as connection:
        (facts,) = connection.execute("SELECT facts FROM neighbours").fetchone()
        assert len(facts) == 64
        flipped = bytes([*facts[:at], facts[at] ^ 1, *facts[at + 1 :]])
        connection.execute("UPDATE neighbours SET facts = ?", (flipped,))
        connection.commit()
    _, size, mtime, ctime = struct.unpack_from("<Q3q", flipped)

    assert cache.find([stat, settled(stat, size=size, mtime_ns=mtime, ctime_ns=ctime)]) == [None, None]


@pytest.mark.parametrize(
    ("change", "inodes", "devices"), [("first = first + 64", 64, 0), ("device = device + 1", 0, 1)]
)
def test_a_row_at_another_place_is_not_believed(cache, old_file, tmp_path, change, inodes, devices):
    stat = old_file()
    cache.remember([(stat, digest_of("1"))])
    cache.close()
    with closing(sqlite3.connect(tmp_path / "cache.db")) as connection:
        connection.execute(f"UPDATE neighbours SET {change}")
        connection.commit()

    assert cache.find([settled(stat, inode=stat.st_ino + inodes, device=stat.st_dev + devices)]) == [None]


def test_files_read_one_after_the_other_are_remembered_together(cache, old_file):
    stat = old_file()
    with cache.remembering() as remember:
        for number in range(9_000):
            remember([(settled(stat, inode=number), digest_of(str(number)))], time.time_ns())

    assert cache.find([settled(stat, inode=8_999)]) == [digest_of("8999")]
    assert cache.find([settled(stat, inode=9_000)]) == [None]


def test_a_file_counts_as_looked_at_when_its_reading_began(cache, tmp_path):
    """Seen to fail when the clock is asked as it is remembered, or as the rows are written."""
    (tmp_path / "fresh").write_text("x")
    fresh = (tmp_path / "fresh").stat()
    with cache.remembering(racy_nanoseconds=20_000_000) as remember:
        begun = time.time_ns()
        time.sleep(0.03)
        remember([(fresh, digest_of("1"))], begun)
        time.sleep(0.03)

    assert cache.find([fresh]) == [None]


def test_what_was_read_before_something_went_wrong_is_remembered(cache, old_file):
    stat = old_file()
    with suppress(KeyError), cache.remembering() as remember:
        remember([(stat, digest_of("1"))], time.time_ns())
        raise KeyError

    assert cache.find([stat]) == [digest_of("1")]


@pytest.mark.parametrize("content", [b"", b"garbage " * 1000, b"SQLite format 3\0" + b"\xff" * 9000])
def test_a_damaged_cache_is_thrown_away_and_begun_anew(cache, old_file, tmp_path, content):
    (tmp_path / "cache.db").write_bytes(content)
    stat = old_file()

    assert cache.find([stat]) == [None]
    cache.remember([(stat, digest_of("1"))])
    cache.remember([(stat, digest_of("1"))])

    assert cache.find([stat]) == [digest_of("1")]


def test_damage_is_also_survived_while_remembering(cache, old_file, tmp_path):
    (tmp_path / "cache.db").write_bytes(b"garbage " * 1000)
    stat = old_file()

    cache.remember([(stat, digest_of("1"))])
    cache.remember([(stat, digest_of("1"))])

    assert cache.find([stat]) == [digest_of("1")]


def test_a_cache_that_cannot_be_written_is_as_good_as_none(tmp_path, old_file):
    stat = old_file()
    (tmp_path / "in the way").write_bytes(b"")
    with closing(StatCache(tmp_path / "in the way" / "cache.db")) as cache:
        cache.remember([(stat, digest_of("1"))])

        assert cache.find([stat]) == [None]


def test_a_damaged_cache_that_cannot_be_removed_is_as_good_as_none(tmp_path, old_file, monkeypatch):
    from pathlib import Path

    (tmp_path / "cache.db").write_bytes(b"garbage " * 1000)
    stat = old_file()

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "unlink", refuse)
    with closing(StatCache(tmp_path / "cache.db")) as cache:
        assert cache.find([stat]) == [None]


def test_a_cache_of_another_shape_is_as_good_as_none(tmp_path, old_file):
    with closing(sqlite3.connect(tmp_path / "cache.db")) as connection:
        connection.execute("CREATE TABLE neighbours(other)")
    stat = old_file()
    with closing(StatCache(tmp_path / "cache.db")) as cache:
        cache.remember([(stat, digest_of("1"))])

        assert cache.find([stat]) == [None]


# --- threads and processes -------------------------------------------------------------------------------


def remember_many(path, stat, first: int) -> None:
    with closing(StatCache(path)) as cache:
        for number in range(first, first + 20):
            cache.remember([(settled(stat, inode=number), digest_of(str(number)))])


def test_processes_and_threads_share_a_cache(cache, old_file, tmp_path):
    stat = old_file()
    workers = [
        *(FORK.Process(target=remember_many, args=(tmp_path / "cache.db", stat, 100 * n)) for n in range(3)),
        *(
            threading.Thread(target=remember_many, args=(tmp_path / "cache.db", stat, 100 * n))
            for n in (4, 5)
        ),
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    wanted = [first + number for first in (0, 100, 200, 400, 500) for number in range(20)]
    found = cache.find([settled(stat, inode=number) for number in wanted])
    right = [digest_of(str(number)) for number in wanted]
    assert all(one in {None, expected} for one, expected in zip(found, right, strict=True))
    assert found == right


def use_in_child(cache, stat) -> None:
    cache.forget()
    assert cache.find([stat]) == [digest_of("1")]
    cache.remember([(settled(stat, inode=77), digest_of("2"))])
    cache.close()


def test_a_forked_child_uses_a_connection_of_its_own(cache, old_file):
    stat = old_file()
    cache.remember([(stat, digest_of("1"))])

    child = FORK.Process(target=use_in_child, args=(cache, stat))
    child.start()
    child.join(60)

    assert child.exitcode == 0
    assert cache.find([stat, settled(stat, inode=77)]) == [digest_of("1"), digest_of("2")]


def test_caches_of_stores_that_are_long_gone_are_removed(tmp_path):
    for name, age_days in (("old", 100), ("young", 10)):
        (tmp_path / f"{name}.db").write_bytes(b"")
        os.utime(tmp_path / f"{name}.db", (time.time() - age_days * 86_400,) * 2)
    with closing(StatCache(tmp_path / "new.db")) as cache:
        cache.find([os.stat(tmp_path)])

    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.db", "young.db"]


def test_without_a_place_nothing_is_remembered(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"x")
    os.utime(file, (1e9, 1e9))
    with closing(StatCache(cache_path(None, "store"))) as cache:
        cache.remember([(os.stat(file), digest_of("1"))])
        assert cache.find([os.stat(file)]) == [None]
        assert cache.size_bytes() == 0


@pytest.mark.parametrize("store", ["../../etc/passwd", "", "a/b", "0190-ab", "\0", "ü"])
def test_a_cache_stays_in_its_folder_whatever_a_marker_says(tmp_path, store):
    assert cache_path(tmp_path, store).parent == tmp_path


def test_where_a_content_was_last_read_is_remembered(cache, tmp_path):
    cache.note_path(digest_of("1"), "/data/old.bin")
    cache.note_path(digest_of("1"), "/data/new \udcff.bin")
    cache.note_path(digest_of("2"), "/data/new \udcff.bin")
    cache.close()

    with closing(StatCache(tmp_path / "cache.db")) as again:
        assert again.find_path(digest_of("1")) == "/data/new \udcff.bin"
        assert again.find_path(digest_of("2")) == "/data/new \udcff.bin"
        assert again.find_path(digest_of("3")) is None


def test_only_the_last_thousand_paths_are_remembered(cache):
    for number in range(1_003):
        cache.note_path(digest_of(str(number)), f"/{number}")

    found = [cache.find_path(digest_of(str(number))) for number in range(5)]
    assert found == [None, None, None, "/3", "/4"]


def test_paths_are_forgotten_with_the_rest(cache):
    cache.note_path(digest_of("1"), "/data/old.bin")
    cache.clear()

    assert cache.find_path(digest_of("1")) is None


def test_without_a_place_no_path_is_remembered(tmp_path):
    with closing(StatCache(cache_path(None, "store"))) as cache:
        cache.note_path(digest_of("1"), "/data")
        assert cache.find_path(digest_of("1")) is None
