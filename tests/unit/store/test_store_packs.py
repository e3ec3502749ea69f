import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from blake3 import blake3

from localart.disk_errors import store_error
from localart.errors import StoreDamaged, StoreError, StoreFull, StoreReadOnly
from localart.model import BlobRef
from localart.store import FrameKind, OnDamage, check_pack, pack_path, packs, scan_pack
from localart.store.packs import PackAppender
from localart.store.source import BytesSource

MIB = 1 << 20
HERE = Path(__file__).parent


def ref(content):
    return BlobRef(blake3(content).digest(), len(content))


def is_locked(path):
    """Whether some open file holds the pack's lock."""
    fd = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


@pytest.fixture
def small_packs(monkeypatch):
    """Packs roll at 1 MiB instead of 256."""
    monkeypatch.setattr(packs, "PACK_BYTES", MIB)
    monkeypatch.setattr(packs, "_ROOM_BYTES", 1000)


# --- taking packs ---


def test_a_pack_is_private_and_locked_while_it_is_written(store):
    store.writer.put([(b"x", "")])
    store.publish()

    [path] = store.pack_files()
    assert path.stat().st_mode & 0o777 == 0o600
    assert is_locked(path)
    store.writer.close()
    assert not is_locked(path)


def test_the_next_writer_goes_on_with_an_unfinished_pack(store):
    store.keep(b"one")
    store.writer.close()

    store.keep(b"two")

    assert len(store.pack_files()) == 1
    assert list(check_pack(store.pack_files()[0])) == []


def test_a_second_writer_takes_another_pack(store):
    store.keep(b"one")
    second = store.new_writer()

    second.put([(b"two", "")])
    store.publish(second)

    assert len(store.pack_files()) == 2
    assert store.read(ref(b"two")) == b"two"
    second.close()


def test_the_tail_of_a_dead_writer_is_cut_off(store, noise):
    store.keep(b"one")
    store.writer.close()
    [path] = store.pack_files()
    with path.open("ab") as pack:
        pack.write(noise(70_000))

    store.keep(b"two")

    assert len(list(scan_pack(path, on_damage=OnDamage.RAISE))) == 2
    assert store.read(ref(b"one")) + store.read(ref(b"two")) == b"onetwo"


def test_what_another_writer_committed_before_it_let_go_is_not_cut_off(store):
    """The catalog's answer is read again under the lock: the first one may be from before that commit."""
    store.keep(b"one")
    stale = store.shelf.states()
    store.keep(b"two")
    store.writer.close()
    answers = [stale]

    appender = PackAppender(store.root, lambda: answers.pop() if answers else store.shelf.states())
    appender.claim()
    appender.close()

    assert store.read(ref(b"two")) == b"two"


@pytest.mark.parametrize("damage", ["shorter", "other header", "gone", "a folder", "no longer known"])
def test_a_pack_that_is_not_as_the_catalog_says_is_left_alone(store, damage):
    store.keep(b"one")
    store.writer.close()
    [path] = store.pack_files()
    whole = path.read_bytes()
    states = store.shelf.states()
    if damage == "shorter":
        path.write_bytes(whole[:-1])
    elif damage == "other header":
        path.write_bytes(b"?" + whole[1:] + b"tail")
    elif damage == "no longer known":
        store.shelf.packs.clear()
    else:
        path.unlink()
    if damage == "a folder":
        path.mkdir()
    before = path.read_bytes() if path.is_file() else None

    answers = [states]
    appender = PackAppender(store.root, lambda: answers.pop() if answers else store.shelf.states())
    taken = appender.claim()
    appender.close()

    assert taken != path.stem
    assert before == (path.read_bytes() if path.is_file() else None)


def test_a_full_pack_is_not_taken_again(store):
    store.keep(b"one")
    store.writer.close()
    [path] = store.pack_files()
    os.truncate(path, packs.PACK_BYTES)
    store.shelf.packs[path.stem] = packs.PACK_BYTES - 1

    store.keep(b"two")

    assert len(store.pack_files()) == 2


def test_a_pack_unlinked_between_opening_and_locking_is_not_written(store, monkeypatch):
    """Prune removes orphans whose lock is free; a fresh pack is one for an instant."""
    real, pruned = fcntl.flock, []

    def lose_the_race(fd, operation):
        if not pruned:
            [path] = store.pack_files()
            path.unlink()
            pruned.append(path.stem)
        return real(fd, operation)

    monkeypatch.setattr(fcntl, "flock", lose_the_race)
    blob = store.keep(b"one")

    assert store.pack_files()[0].stem != pruned[0]
    assert store.read(blob) == b"one"
    store.writer.close()
    pruned.clear()
    assert store.keep(b"two") == ref(b"two")
    assert store.pack_files()[0].stem != pruned[0]


def test_a_lock_that_cannot_be_had_for_a_new_pack_is_an_error_without_litter(store, monkeypatch, open_count):
    def refuse(fd, operation):
        raise OSError(errno.ENOLCK, "no locks available")

    before = open_count()
    monkeypatch.setattr(fcntl, "flock", refuse)

    with pytest.raises(StoreError, match="making a new pack"):
        store.keep(b"one")
    assert store.pack_files() == []
    assert open_count() == before


@pytest.mark.parametrize("name", ["", "x" * 32, "../" + "0" * 29, "0" * 33])
def test_a_name_no_pack_can_have_never_becomes_a_path(tmp_path, name):
    with pytest.raises(StoreDamaged):
        pack_path(tmp_path, name)


# --- rolling ---


def test_a_full_pack_is_left_for_a_new_one(store, noise, small_packs):
    content = noise(5 * MIB)

    blob = store.writer.put_large(BytesSource(content), group=".bin")
    batches = store.writer.seal()

    assert len(batches) == len(store.pack_files()) >= 5
    assert [bool(batch.chunked) for batch in batches] == [False] * (len(batches) - 1) + [True]
    assert all(is_locked(path) for path in store.pack_files())
    store.shelf.commit(batches)
    store.writer.published()
    assert len([path for path in store.pack_files() if is_locked(path)]) == 1
    assert store.read(blob) == content
    assert [batch.end for batch in batches] == [
        pack_path(store.root, batch.pack).stat().st_size for batch in batches
    ]


def test_packs_of_work_that_was_not_sealed_are_not_let_go(store, noise, small_packs):
    """Another writer would cut off what was appended since."""
    store.writer.put([(noise(200_000, 1), ".bin")])
    batches = store.writer.seal()
    store.shelf.commit(batches)
    store.writer.put([(noise(200_000, number), ".bin") for number in range(10, 40)])
    store.writer.append_record(FrameKind.JOURNAL, b"{}")

    store.writer.published()

    assert all(is_locked(path) for path in store.pack_files())
    store.publish()
    assert len([path for path in store.pack_files() if is_locked(path)]) == 1
    assert store.read(ref(noise(200_000, 39))) == noise(200_000, 39)


def test_discarding_removes_the_packs_nobody_knows_of(store, noise, small_packs):
    store.keep(b"known")
    store.writer.put_large(BytesSource(noise(5 * MIB)), group=".bin")

    store.writer.discard()

    first, last = sorted(store.pack_files(), key=lambda path: path.stem not in store.shelf.packs)
    assert first.stat().st_size == store.shelf.packs[first.stem]
    assert last.stat().st_size == packs.PACK_HEADER_BYTES
    store.writer.close()
    assert store.pack_files() == [first]


def test_packs_grow_when_very_many_are_held(tmp_path, monkeypatch):
    (tmp_path / "packs").mkdir()
    monkeypatch.setattr(packs, "PACK_BYTES", 1000)
    monkeypatch.setattr(packs, "_HELD_FOR_DOUBLING", 2)
    appender = PackAppender(tmp_path, list)

    names = [appender.append([bytes(900)], 900)[0] for _ in range(20)]

    assert len(set(names)) < 8
    appender.close()


def test_what_is_larger_than_a_pack_gets_a_pack_of_its_own(store, noise, small_packs):
    payload = noise(3 * MIB)
    store.keep(b"before")

    batch = store.writer.append_record(FrameKind.MANIFEST, payload)

    assert batch.pack != next(iter(store.shelf.packs))
    [scanned] = scan_pack(pack_path(store.root, batch.pack))
    assert scanned.body == payload


def test_very_many_parts_are_written_in_order(tmp_path):
    (tmp_path / "packs").mkdir()
    appender = PackAppender(tmp_path, list)
    parts = [b"%05d" % number for number in range(5000)]

    pack, start = appender.append([b"", *parts, b""], 25_000)
    appender.sync()

    assert pack_path(tmp_path, pack).read_bytes()[start:] == b"".join(parts)
    appender.close()


def test_a_write_that_stops_short_is_continued(tmp_path, monkeypatch):
    (tmp_path / "packs").mkdir()
    appender = PackAppender(tmp_path, list)
    appender.claim()
    real = os.pwritev
    monkeypatch.setattr(os, "pwritev", lambda fd, parts, at: real(fd, [parts[0][:7]], at))

    pack, start = appender.append([b"0123456789", b"abc"], 13)

    assert pack_path(tmp_path, pack).read_bytes()[start:] == b"0123456789abc"
    appender.close()


# --- durability ---


def test_bytes_are_synced_before_seal_returns_and_the_folder_once(store, monkeypatch):
    calls = []
    real_data, real_full = os.fdatasync, os.fsync
    monkeypatch.setattr(os, "fdatasync", lambda fd: calls.append("data") or real_data(fd))
    monkeypatch.setattr(os, "fsync", lambda fd: calls.append("folder") or real_full(fd))

    store.keep(b"one")
    store.keep(b"two")
    store.shelf.commit((store.writer.append_record(FrameKind.JOURNAL, b"{}"),))

    assert calls == ["data", "folder", "data", "data"]


def test_a_failed_sync_is_final_for_the_pack(store, monkeypatch):
    blob = store.keep(b"published before")
    tried = []

    def fail(fd):
        tried.append(os.fstat(fd).st_ino)
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(os, "fdatasync", fail)
    store.writer.put([(b"lost", "")])
    with pytest.raises(StoreError, match=r"durable.*Input/output") as caught:
        store.writer.seal()
    assert caught.value.__cause__.errno == errno.EIO
    for call in (store.writer.seal, lambda: store.writer.put([(b"more", "")])):
        with pytest.raises(StoreError, match="durable"):
            call()
    assert len(tried) == 1
    monkeypatch.undo()

    store.writer.discard()
    assert store.keep(b"lost") == ref(b"lost")
    assert len(store.pack_files()) == 2
    assert store.read(ref(b"lost")) + store.read(blob) == b"lostpublished before"


def test_a_folder_that_cannot_be_synced_fails_the_seal(store, monkeypatch):
    def fail(fd):
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(os, "fsync", fail)

    with pytest.raises(StoreError, match="new pack durable"):
        store.keep(b"one")
    monkeypatch.undo()
    store.writer.discard()
    assert store.keep(b"one") == ref(b"one")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (errno.ENOSPC, StoreFull),
        (errno.EDQUOT, StoreFull),
        (errno.EFBIG, StoreFull),
        (errno.EROFS, StoreReadOnly),
        (errno.EACCES, StoreReadOnly),
        (errno.EIO, StoreError),
    ],
)
def test_an_error_of_the_disk_says_what_it_means(code, error):
    found = store_error(OSError(code, "text"), "writing new content")

    assert type(found) is error
    assert "writing new content" in str(found) or error is StoreFull


def test_an_error_without_a_number_is_told_by_its_text():
    assert "odd" in str(store_error(OSError("odd"), "reading"))


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("failing", [1, 2, 5])
def test_an_error_while_writing_fails_all_that_was_staged(store, noise, monkeypatch, failing, large):
    kept = store.keep(b"published before")
    real, count = os.pwritev, iter(range(1, 10_000))

    def fail(fd, parts, at):
        if next(count) == failing:
            real(fd, [memoryview(parts[0])[:20]], at)
            raise OSError(errno.ENOSPC, "disk full")
        return real(fd, parts, at)

    def work():
        if large:
            store.writer.put_large(BytesSource(noise(20 * MIB)), group=".bin")
        for number in range(20):
            store.writer.put([(noise(200_000, number), ".bin")])
        store.writer.seal()

    monkeypatch.setattr(os, "pwritev", fail)
    with pytest.raises(StoreFull, match="No space"):
        work()
    monkeypatch.undo()
    for call in (store.writer.seal, lambda: store.writer.append_record(FrameKind.JOURNAL, b"{}")):
        with pytest.raises(StoreFull):
            call()

    store.writer.discard()
    for path in store.pack_files():
        assert list(check_pack(path)) == []
    work()
    store.shelf.commit(store.writer.seal())
    assert store.read(kept) == b"published before"


def test_reading_stops_soon_after_the_disk_is_full(store, noise, monkeypatch):
    class Endless:
        size_bytes = 1 << 40
        furthest = 0

        def read_at(self, buffer, offset):
            if offset < 1 << 30:
                self.furthest = max(self.furthest, offset)
            buffer[:] = noise(len(buffer), offset)
            return len(buffer)

    def fail(fd, parts, at):
        raise OSError(errno.ENOSPC, "disk full")

    source = Endless()
    store.writer.put_large(BytesSource(noise(300_000)), group="")
    store.writer.seal()
    monkeypatch.setattr(os, "pwritev", fail)

    with pytest.raises(StoreFull):
        store.writer.put_large(source, group="")

    assert source.furthest < 64 * MIB
    store.writer.discard()


def test_one_slow_write_holds_up_reading_and_changes_no_byte(store, noise, monkeypatch):
    """Else its buffer would be filled again while it is still being written."""
    real, sizes = os.pwritev, []

    def slow_at_first(fd, parts, at):
        sizes.append(sum(len(part) for part in parts))
        if sizes[-1] > MIB // 2 and max(sizes[:-1]) < MIB // 2:
            time.sleep(1)
        return real(fd, parts, at)

    monkeypatch.setattr(os, "pwritev", slow_at_first)
    content = noise(60 * MIB)

    blob = store.writer.put_large(BytesSource(content), group="")
    store.publish()

    assert store.read(blob) == content


def test_an_interrupt_loses_the_staged_work_as_a_whole(store, noise, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(store.writer._packs), "claim", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.writer.put([(noise(250_000, number), ".bin") for number in range(5)])
    monkeypatch.undo()

    with pytest.raises(StoreError, match="interrupted"):
        store.writer.seal()
    store.writer.discard()
    assert store.keep(b"fine") == ref(b"fine")


def test_a_pack_that_cannot_be_cut_back_is_given_up(store, monkeypatch):
    def fail(fd, size):
        raise OSError(errno.EIO, "broken disk")

    store.keep(b"one")
    store.writer.put([(b"staged", "")])
    monkeypatch.setattr(os, "ftruncate", fail)

    store.writer.discard()
    monkeypatch.undo()

    assert not is_locked(store.pack_files()[0])
    assert store.keep(b"two") == ref(b"two")


def test_a_store_that_may_not_be_written_says_so(store):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    (store.root / "packs").chmod(0o500)

    with pytest.raises(StoreReadOnly):
        store.keep(b"one")


def test_a_store_without_its_packs_folder_is_an_error(store):
    (store.root / "packs").rmdir()

    with pytest.raises(StoreError, match="making a new pack"):
        store.keep(b"one")
    (store.root / "packs").mkdir()
    store.writer.discard()


# --- other processes ---

PRELUDE = f"""
import json, os, sys, random
from pathlib import Path
sys.path.insert(0, {str(HERE)!r})
from conftest import Store
from localart.store.source import BytesSource
store = Store(Path(sys.argv[1]))
"""


def run(code, *arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        **options,
    )


def test_a_killed_writer_leaves_garbage_and_nothing_else(make_store, tmp_path):
    code = """
    for number in range(50):
        store.writer.put([(random.Random(number).randbytes(50_000), ".bin")])
    [batch] = store.publish()
    print(json.dumps([batch.pack, batch.end]), flush=True)
    while True:
        store.writer.put_large(BytesSource(os.urandom(3_000_000)), group="")
    """
    child = run(code, tmp_path / "killed")
    pack, end = json.loads(child.stdout.readline())
    path = tmp_path / "killed" / "packs" / f"{pack}.pack"
    while path.stat().st_size < end + 5 * MIB:
        pass
    child.send_signal(signal.SIGKILL)
    child.communicate()

    store = make_store(tmp_path / "killed")
    store.shelf.packs[pack] = end
    assert list(check_pack(path, end=end)) == []
    store.keep(b"after the kill")

    assert pack in store.shelf.packs
    assert len(store.shelf.packs) == 1
    assert path.stat().st_size < end + 1000
    assert list(check_pack(path)) == []


def test_processes_never_share_a_pack(store, tmp_path):
    store.keep(b"one")
    store.writer.close()
    states = dict(store.shelf.packs)
    code = """
    store.shelf.packs = json.loads(sys.argv[2])
    me = int(sys.argv[3])
    store.writer.put([(b"%d" % me, "")])
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(40):
        store.writer.put([(random.Random(1000 * me + number).randbytes(100_000), ".bin")])
        batches = store.publish()
    print(json.dumps([batches[0].pack, batches[0].end]), flush=True)
    sys.stdin.readline()
    """
    children = [run(code, store.root, json.dumps(states), number) for number in range(4)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    ends = dict(json.loads(child.stdout.readline()) for child in children)
    for child in children:
        child.communicate("\n")

    assert len(ends) == 4
    for pack, end in ends.items():
        path = pack_path(store.root, pack)
        assert path.stat().st_size == end
        assert list(check_pack(path)) == []
        members = [member for scanned in scan_pack(path) for member in scanned.frame.members]
        assert len(members) == 41 + (pack in states)


def in_fork(work):
    """Run `work` in a forked child; whether it went well."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_starts_empty_in_a_pack_of_its_own(store, noise):
    kept = store.keep(b"published")
    store.writer.put([(noise(200_000, number), ".bin") for number in range(10)])
    store.read(kept)
    [path] = store.pack_files()

    def child():
        assert store.writer.staged_blobs == 0
        assert store.read(kept) == b"published"
        store.writer.put([(noise(100_000, number), ".child") for number in range(20, 30)])
        batches = store.publish()
        assert path.stem not in {batch.pack for batch in batches}
        assert store.read(ref(noise(100_000, 22))) == noise(100_000, 22)
        layouts = [store.shelf.layout(ref(noise(100_000, number))) for number in range(20, 30)]
        assert len(list(store.reader.read_many(layouts))) == 10

    assert in_fork(child)
    assert is_locked(path)
    store.publish()
    assert store.read(ref(noise(200_000, 9))) == noise(200_000, 9)
    assert list(check_pack(path)) == []


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_that_does_nothing_changes_nothing(store, noise):
    store.keep(b"published")
    store.writer.put_large(BytesSource(noise(5 * MIB)), group=".bin")

    assert in_fork(lambda: None)
    assert in_fork(store.writer.close)

    store.publish()
    assert store.read(ref(noise(5 * MIB))) == noise(5 * MIB)
    assert len(store.pack_files()) == 1


# --- full disks ---

FILL = """
from localart.errors import StoreFull
kept = store.keep(b"published before")
failures = 0
for large in (True, False, True):
    try:
        if large:
            store.writer.put_large(BytesSource(os.urandom(6_000_000)), group="")
        for number in range(40):
            store.writer.put([(os.urandom(200_000), ".bin")])
        store.writer.seal()
    except StoreFull:
        failures += 1
        store.writer.discard()
store.reader.close()
assert store.read(kept) == b"published before"
again = store.keep(b"small enough")
assert store.read(again) == b"small enough"
print(failures)
"""


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be mounted by root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_loses_only_what_was_not_published(small_disk):
    child = run(FILL, small_disk / "store")

    assert child.communicate()[0] == "3\n"
    assert child.returncode == 0
    for path in (small_disk / "store" / "packs").iterdir():
        assert list(check_pack(path)) == []


def test_a_limit_on_file_sizes_is_a_full_store(tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))\n"

    child = run(limit + FILL, tmp_path / "limited")

    assert child.communicate()[0] == "3\n"
    assert child.returncode == 0


def test_the_first_pack_that_can_be_locked_is_taken(store):
    writers = [store.new_writer() for _ in range(3)]
    for writer in writers:
        writer.put([(b"%d" % id(writer), "")])
        store.publish(writer)
    writers[1].close()
    free = list(store.shelf.packs)[1]

    store.writer.put([(b"next", "")])
    [batch] = store.publish()

    assert batch.pack == free
    for writer in writers:
        writer.close()
