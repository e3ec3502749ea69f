"""What of a store is still there when packs are gone or damaged too, and what is said of the rest."""

import fcntl
import random
import shutil
import sqlite3

import pytest
from blake3 import blake3
from rich_history import contents, everything, log

import localart
from localart.catalog.projects import ensure_project
from localart.errors import CatalogDamaged, LocalartError, NotAStore, StoreDamaged, StoreNotFound, UsageError
from localart.model import BlobRef
from localart.operations import run_life
from localart.operations.rebuild import rebuild
from localart.operations.verify import verify
from localart.repository import open_repository
from localart.repository.opening import close_all, default_repository
from localart.store.frames import FrameKind, encode_frame, scan_pack

LARGE = random.Random(5).randbytes(600_000)


@pytest.fixture
def plain(store):
    """`p/ds:v0` and `v1`, a small and a large file each, at rest."""
    for number in range(2):
        with localart.init(project="p", id=f"r{number}") as run:
            log(run, "ds", files={"small": b"small %d" % number, "large": LARGE + b"%d" % number})
            run.log({"loss": number})
    close_all()
    return store


def packs(store):
    return sorted((store / "packs").iterdir())


def frames(store, kind):
    return [(path, one.frame) for path in packs(store) for one in scan_pack(path) if one.kind is kind]


def damage(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)


def lose(store):
    (store / "localart.db").unlink()


def member_frame(store, content_part):
    """The pack and the frame that holds a small content."""
    from localart.store.codecs import decompress

    for path in packs(store):
        for one in scan_pack(path):
            if one.kind is FrameKind.DATA and content_part in decompress(
                one.frame.codec, one.body, one.frame.raw_bytes
            ):
                return path, one.frame
    raise AssertionError


def test_a_damaged_content_is_named_with_its_digest_and_all_else_is_restored(plain, tmp_path):
    said = everything(plain)
    path, frame = member_frame(plain, b"small 0")
    damage(path, frame.start + frame.stored_bytes - 1)
    lose(plain)

    report = rebuild(plain)

    assert [(one.owner, one.path) for one in report.lost_files] == [("p/ds:v0", "small")]
    assert report.damages
    assert everything(plain)["versions_view"] == said["versions_view"]
    with pytest.raises(StoreDamaged):
        localart.Api().artifact("p/ds:v0").download(tmp_path / "v0")


def test_a_lost_content_is_back_in_its_versions_when_it_is_logged_again(plain, tmp_path):
    path, frame = member_frame(plain, b"small 0")
    damage(path, frame.start + frame.stored_bytes - 1)
    lose(plain)
    rebuild(plain)

    with localart.init(project="q") as run:
        log(run, "found", files={"somewhere": b"small 0"})
    close_all()

    assert contents(tmp_path)["p/ds:v0"] == {"small": b"small 0", "large": LARGE + b"0"}


def test_a_lost_chunk_costs_only_the_files_that_hold_it(plain, tmp_path):
    path, frame = max(
        ((path, frame) for path, frame in frames(plain, FrameKind.DATA)), key=lambda one: one[1].stored_bytes
    )
    damage(path, frame.start + frame.stored_bytes // 2)
    lose(plain)

    report = rebuild(plain)

    assert {one.path for one in report.lost_files} == {"large"}
    with pytest.raises(StoreDamaged):
        localart.Api().artifact("p/ds:v1").download(tmp_path / "v1")


def test_a_lost_journal_record_is_a_gap_and_what_does_not_need_it_is_restored(plain):
    records = frames(plain, FrameKind.JOURNAL)
    path, frame = records[len(records) // 2]
    damage(path, frame.start + frame.stored_bytes - 1)
    lose(plain)

    report = rebuild(plain)

    assert len(report.gaps) == 1
    assert not report.is_complete
    assert report.record_count > 0
    localart.init(project="p", id="after").finish()


@pytest.mark.parametrize("kind", [FrameKind.MANIFEST, FrameKind.CHUNKS])
def test_a_version_whose_files_are_not_known_any_more_is_an_error_never_another_version(
    plain, kind, tmp_path
):
    path, frame = frames(plain, kind)[0]
    damage(path, frame.start + frame.stored_bytes - 1)
    lose(plain)

    report = rebuild(plain)

    assert report.lost_versions or report.lost_files
    with pytest.raises(StoreDamaged):
        localart.Api().artifact("p/ds:v0").download(tmp_path / "v0")
    root = localart.Api().artifact("p/ds:v1").download(tmp_path / "v1")
    assert root


def test_without_any_pack_there_is_nothing_to_rebuild_from(plain):
    for path in packs(plain):
        path.unlink()
    lose(plain)

    with pytest.raises(NotAStore, match="no packs"):
        rebuild(plain)


def test_where_there_is_no_store_nothing_is_made(tmp_path):
    with pytest.raises(StoreNotFound):
        rebuild(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_a_lost_marker_is_written_again_as_it_was(plain):
    before = (plain / "LOCALART").read_bytes()
    (plain / "LOCALART").unlink()
    lose(plain)

    rebuild(plain)

    assert (plain / "LOCALART").read_bytes() == before
    assert localart.Api().artifact("p/ds:v1").version == "v1"


# --- the old database --------------------------------------------------------------------------------------


def test_a_sound_database_is_not_replaced_unless_forced_and_then_kept(plain):
    said = everything(plain)
    before = (plain / "localart.db").read_bytes()

    with pytest.raises(UsageError, match="can be read"):
        rebuild(plain)
    assert (plain / "localart.db").read_bytes() == before
    report = rebuild(plain, force=True)

    assert report.is_complete
    assert (report.set_aside / "localart.db").read_bytes() == before
    assert everything(plain) == said


@pytest.mark.parametrize("content", [b"", b"not a database" * 100, b"SQLite format 3\0" + bytes(4096)])
def test_a_database_that_cannot_be_read_is_replaced_and_kept(plain, content):
    said = everything(plain)
    (plain / "localart.db").write_bytes(content)
    (plain / "localart.db-wal").write_bytes(b"left over")

    report = rebuild(plain)

    assert not (plain / "localart.db-wal").exists()  # before SQLite could meet it
    assert (report.set_aside / "localart.db").read_bytes() == content
    assert (report.set_aside / "localart.db-wal").exists()
    assert everything(plain) == said


def test_a_process_that_has_the_old_database_open_writes_nothing_into_it(plain):
    repository = default_repository()
    repository.read().execute("SELECT 1").fetchone()
    rebuild(plain, force=True)

    with pytest.raises(LocalartError), repository.write() as tx:
        tx.record("x", {})


def state_of(root):
    """Every file and folder, by what changes when it is written to; reading moves only the access time."""
    found = {path: path.lstat() for path in sorted(root.rglob("*"))}
    return {path: (one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns) for path, one in found.items()}


def test_a_rebuild_into_a_file_leaves_the_store_as_it_is(plain, tmp_path):
    before = state_of(plain)

    report = rebuild(plain, into=tmp_path / "new.db")

    assert state_of(plain) == before
    assert report.database == tmp_path / "new.db"
    connection = sqlite3.connect(tmp_path / "new.db")
    assert connection.execute("SELECT count(*) FROM versions").fetchone() == (2,)
    connection.close()
    assert [path.name for path in tmp_path.iterdir()] == ["new.db"]
    with pytest.raises(UsageError, match="exists"):
        rebuild(plain, into=tmp_path / "new.db")


def test_a_store_that_lost_its_database_says_how_to_get_it_back(plain):
    lose(plain)

    with pytest.raises(CatalogDamaged, match="lost its database") as caught:
        localart.Api().artifact("p/ds:v0")
    assert "localart rebuild" in caught.value.hint


# --- transactions that did not commit ------------------------------------------------------------------------


def make_projects(repository, *names):
    with repository.write() as tx:
        for name in names:
            ensure_project(tx, name)


def test_a_change_that_was_rolled_back_after_its_record_was_written_is_not_made(plain, monkeypatch):
    repository = open_repository(plain)
    append = repository._append_commit_record

    def fail_once(tx):
        append(tx)
        monkeypatch.setattr(repository, "_append_commit_record", append)
        raise RuntimeError("power is low")

    monkeypatch.setattr(repository, "_append_commit_record", fail_once)
    with pytest.raises(RuntimeError):
        make_projects(repository, "never", "nor this")
    repository.close()
    with localart.init(project="real", id="r"):
        pass
    close_all()
    said = everything(plain)
    lose(plain)

    report = rebuild(plain)

    assert report.is_complete
    assert everything(plain) == said


# --- histories -----------------------------------------------------------------------------------------------


def test_what_a_run_that_has_not_ended_logged_comes_back_as_far_as_it_was_written(store, monkeypatch):
    from localart.runs import recorder

    monkeypatch.setattr(recorder, "_KEPT_POINTS", 10)
    run = localart.init(project="p", id="long")
    for step in range(30):
        run.log({"loss": step / 2, "name": f"n{step}"})
    run._history._recorder.flush()
    rows = everything(store)["metrics_view"]
    copy = store.with_name("copy")
    shutil.copytree(store, copy, ignore=shutil.ignore_patterns("localart.db*"))
    assert len(rows) == 60

    report = rebuild(copy)

    assert report.running == ("p/run:long",)
    assert everything(copy)["metrics_view"] == rows
    run.finish()


def test_verify_of_a_rebuilt_catalog_names_what_is_missing(plain):
    path, frame = member_frame(plain, b"small 0")
    damage(path, frame.start + frame.stored_bytes - 1)
    lose(plain)
    rebuild(plain)

    repository = open_repository(plain, create=False)
    found = verify(repository)
    repository.close()

    assert [one.path for one in found.lost_files] == ["small"]


def test_a_frame_whose_checksums_are_right_but_whose_content_is_another_is_not_believed(plain):
    content = b"small 0"
    path, frame = member_frame(plain, content)
    claimed = BlobRef(blake3(content).digest(), len(content))
    _, parts = encode_frame(FrameKind.DATA, [b"forged!"], codec=0, raw_bytes=7, members=[claimed])
    damage(path, frame.start + frame.stored_bytes - 1)  # the real one is lost
    with path.open("ab") as file:
        file.write(b"".join(bytes(part) for part in parts))
    lose(plain)

    report = rebuild(plain)

    assert [one.path for one in report.lost_files] == ["small"]
    assert any("not what they were" in one.reason for one in report.damages)


def test_what_a_rewound_run_had_logged_later_does_not_come_back(store, monkeypatch):
    with localart.init(project="p", id="r") as run:
        for step in range(30):
            run.log({"loss": step})
    monkeypatch.setattr(run_life, "keep_history", lambda repository, run: None)  # as if killed just before
    run = localart.init(project="p", resume_from="r?_step=10")
    copy = store.with_name("copy")
    shutil.copytree(store, copy, ignore=shutil.ignore_patterns("localart.db*"))

    rebuild(copy)

    rows = everything(copy)["metrics_view"]
    assert len(rows) == 11
    run.finish()


def test_what_a_copy_of_the_store_went_on_with_is_left_out_and_said(plain, tmp_path, monkeypatch):
    """Packs of two copies that lie together are known by the chain; else one history was silently the other's."""
    copy = tmp_path / "copy"
    shutil.copytree(plain, copy)
    for place, name in ((copy, "theirs"), (plain, "ours")):
        monkeypatch.setenv("LOCALART_DIR", str(place))
        (taken,) = packs(place)
        with taken.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # so that each makes a pack of its own
            with localart.init(project="p", id=name) as run:
                log(run, name, files={"x": name.encode()})
            close_all()
    (theirs,) = {path.name for path in packs(copy)} - {path.name for path in packs(plain)}
    shutil.copy(copy / "packs" / theirs, plain / "packs" / theirs)
    lose(plain)

    report = rebuild(plain)

    assert not report.is_complete
    assert len(report.parted) == 1
    assert [one.name for one in localart.Api().artifact_collections("p", "dataset")] == ["ds", "ours"]
    with localart.Api().artifact("p/ours:v0").open("x") as file:
        assert file.read() == b"ours"
