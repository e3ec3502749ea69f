"""A backup is a store: whole, incremental, and never another store's."""

import json
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import localart
from localart.errors import NotAStore, StoreDamaged, StoreError, StoreFull, UsageError
from localart.files.unfinished import new_name
from localart.operations import backup as backup_module
from localart.operations import copy_packs
from localart.operations.backup import backup
from localart.operations.prune import execute_prune
from localart.operations.rebuild import rebuild
from localart.operations.verify import verify
from localart.repository import open_repository
from localart.repository.opening import close_all, default_repository

LARGE = random.Random(9).randbytes(700_000)


def log(number, name="ds"):
    with localart.init(project="p", id=f"{name}-{number}", reinit="create_new") as run:
        draft = localart.Artifact(name, "dataset")
        for path, content in (("small", b"%d" % number), ("large", LARGE + b"%d" % number)):
            with draft.new_file(path, "wb") as file:
                file.write(content)
        run.log_artifact(draft)
        run.log({"loss": number})


@pytest.fixture
def filled(store):
    """A store with two versions, open in this process."""
    log(0)
    log(1)
    return default_repository()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "backup"


def seen(root):
    """What the store at `root` holds, and that `verify --data` finds nothing wrong with it."""
    repository = open_repository(root, create=False)
    try:
        assert verify(repository, data=True).findings == ()
        rows = repository.read().execute("SELECT * FROM versions_view ORDER BY version_id").fetchall()
        metrics = repository.read().execute("SELECT * FROM metrics_view ORDER BY 2, 3, 4").fetchall()
        return [repr(row) for row in (*rows, *metrics)]
    finally:
        repository.close()


def packs(root):
    return {path.name: path.read_bytes() for path in (root / "packs").iterdir()}


def test_a_backup_is_a_store_that_says_and_holds_the_same(filled, target, tmp_path, monkeypatch):
    report = backup(filled, target)

    assert report.is_first
    assert seen(target) == seen(filled.root)
    close_all()
    monkeypatch.setenv("LOCALART_DIR", str(target))
    folder = Path(localart.Api().artifact("p/ds:v1").download(tmp_path / "out"))
    assert (folder / "large").read_bytes() == LARGE + b"1"


def test_a_second_backup_copies_only_what_is_new(filled, target):
    first = backup(filled, target)
    log(2)

    second = backup(filled, target)

    assert not second.is_first
    assert 0 < second.copied_bytes < first.copied_bytes / 4
    assert seen(target) == seen(filled.root)
    assert backup(filled, target).copied_bytes == 0


def test_what_was_pruned_is_gone_after_the_next_backup(filled, target):
    backup(filled, target)
    localart.Api().artifact("p/ds:v0").delete(delete_aliases=True)
    execute_prune(filled, trash_seconds=0)

    report = backup(filled, target)

    assert report.packs_removed
    assert packs(target).keys() == packs(filled.root).keys()
    assert seen(target) == seen(filled.root)


def test_a_backup_can_be_rebuilt_from_its_packs_alone(filled, target):
    backup(filled, target)
    before = seen(target)
    (target / "localart.db").unlink()

    rebuild(target)

    assert seen(target) == before


def test_a_backup_while_others_write_is_whole(filled, target):
    ended = threading.Event()

    def write():
        number = 10
        while not ended.is_set():
            log(number)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(4):
            backup(filled, target)
            seen(target)
    finally:
        ended.set()
        writer.join()


# --- what is refused ---------------------------------------------------------------------------------------------


def test_another_store_is_not_written_over(filled, target, monkeypatch):
    other = open_repository(target)
    other.close()
    before = sorted(target.rglob("*"))

    with pytest.raises(NotAStore, match="another store"):
        backup(filled, target)
    assert sorted(target.rglob("*")) == before


def test_a_folder_with_other_things_in_it_is_refused(filled, target):
    target.mkdir()
    (target / "thesis.txt").write_text("mine")

    with pytest.raises(NotAStore, match="not empty"):
        backup(filled, target)
    assert [path.name for path in target.iterdir()] == ["thesis.txt"]


def test_two_copies_that_went_apart_are_told_apart_by_the_last_change_they_share(filled, target, monkeypatch):
    common = backup(filled, target).last_change
    log(2)
    close_all()
    monkeypatch.setenv("LOCALART_DIR", str(target))
    log(3, "theirs")
    close_all()
    before = packs(target)

    source = open_repository(filled.root)
    with pytest.raises(
        StoreError, match=f"were one until change {common} of 20.*: since then .* changes were made in"
    ):
        backup(source, target)
    source.close()
    assert packs(target) == before
    assert any("theirs" in row for row in seen(target))


def test_a_target_that_is_ahead_is_not_taken_back(filled, target, monkeypatch):
    backup(filled, target)
    close_all()
    monkeypatch.setenv("LOCALART_DIR", str(target))
    log(3)
    close_all()

    source = open_repository(filled.root)
    with pytest.raises(StoreError, match="changes ahead"):
        backup(source, target)
    source.close()


@pytest.mark.parametrize("place", [".", "inside", ".."])
def test_a_backup_in_or_around_the_store_itself_is_refused(filled, place):
    with pytest.raises(UsageError, match="cannot be in"):
        backup(filled, filled.root / place)


def test_a_target_that_no_folder_can_be_made_at_is_named(filled, tmp_path):
    """Seen to fail when the error of making the folder is taken for one of the store's own folders."""
    (tmp_path / "file").write_text("x")

    with pytest.raises(UsageError, match=r"file/backup' cannot be made"):
        backup(filled, tmp_path / "file" / "backup")
    assert (tmp_path / "file").read_text() == "x"


def test_a_full_target_keeps_its_earlier_backup(filled, target, monkeypatch):
    backup(filled, target)
    before = seen(target)
    log(2)
    monkeypatch.setattr(backup_module, "free_bytes", lambda path: 1_000)

    with pytest.raises(StoreFull, match="bytes more"):
        backup(filled, target)
    assert seen(target) == before


# --- what is done to a backup ---------------------------------------------------------------------------------------


def test_a_backup_cut_short_or_with_a_garbage_tail_is_mended_by_the_next(filled, target):
    backup(filled, target)
    (path,) = (target / "packs").iterdir()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    backup(filled, target)
    assert path.read_bytes() == content

    path.write_bytes(content + b"garbage of a killed writer")
    backup(filled, target)

    assert path.read_bytes() == content
    assert seen(target) == seen(filled.root)


def test_content_added_to_a_backup_and_never_logged_is_written_over(filled, target, monkeypatch):
    backup(filled, target)
    close_all()
    other = open_repository(target)
    with other.writing() as writer:
        writer.put([(b"never logged" * 1000, ".txt")])
    other.publish()
    other.close()
    log(2)
    source = default_repository()

    backup(source, target)

    assert seen(target) == seen(source.root)


def test_a_frame_that_is_damaged_in_the_source_is_copied_and_told(filled, target):
    close_all()
    (path,) = (filled.root / "packs").iterdir()
    content = bytearray(path.read_bytes())
    content[400_000] ^= 1
    path.write_bytes(content)

    report = backup(default_repository(), target)

    assert len(report.damages) == 1
    assert packs(target) == packs(filled.root)


def test_a_missing_pack_is_an_error_and_the_earlier_backup_stays(filled, target):
    backup(filled, target)
    before = packs(target)
    log(2)
    close_all()
    for path in (filled.root / "packs").iterdir():
        path.unlink()

    with pytest.raises(StoreDamaged):
        backup(default_repository(), target)
    assert packs(target) == before
    seen(target)


# --- as a command -----------------------------------------------------------------------------------------


def test_the_command_names_the_target_and_ends_with_0(filled, target):
    close_all()
    done = subprocess.run(
        [sys.executable, "-m", "localart", "backup", str(target), "--json"],
        capture_output=True, text=True, check=True,
        env={"LOCALART_DIR": str(filled.root), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip

    found = json.loads(done.stdout)
    assert (found["first"], found["packs"], found["damages"]) == (True, 1, [])


def test_an_interrupted_first_backup_goes_on(filled, target, monkeypatch):
    monkeypatch.setattr(copy_packs, "_PART_BYTES", 1 << 16)
    backup(filled, target)
    whole = packs(target)
    (path,) = (target / "packs").iterdir()
    for name in ("LOCALART", "localart.db"):
        (target / name).unlink()
    (target / "BACKUP").write_text(json.dumps({"store": filled.marker.store, "packs": {}}))
    path.write_bytes(path.read_bytes()[:500_000])

    report = backup(filled, target)

    assert report.is_first
    assert report.copied_bytes < len(whole[path.name]) / 2
    assert packs(target) == whole


def test_a_first_backup_that_was_killed_at_its_very_beginning_goes_on(filled, target):
    target.mkdir()
    (target / new_name()).write_bytes(b"half a note")

    assert backup(filled, target).is_first
    assert seen(target) == seen(filled.root)
