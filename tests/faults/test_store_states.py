"""Stores as they are found: read-only, moved, copied, incomplete, damaged, newer, or not a store at all."""

import json
import os
import random
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import localart
from localart import Artifact
from localart.errors import (
    BlobDamaged,
    BlobMissing,
    CatalogDamaged,
    LocalartError,
    NotAStore,
    StoreDamaged,
    StoreError,
    StoreNotFound,
    StoreReadOnly,
    StoreTooNew,
    UnsafeStore,
)
from localart.operations.prune import execute_prune
from localart.operations.rebuild import rebuild
from localart.operations.repair import execute_repair, plan_repair
from localart.operations.verify import verify_store
from localart.repository.opening import close_all, default_repository, open_repository
from localart.session import finish_all

SMALL = random.Random(1).randbytes(1_000)
LARGE = random.Random(2).randbytes(600_000)


@pytest.fixture
def store(store):
    """A store at rest that holds `p/ds:v0`: a small and a large file."""
    with localart.init(project="p") as run:
        log(run, "ds")
    close_all()
    return store


def log(run, name):
    artifact = Artifact(name, "dataset")
    for path, content in (("small", SMALL), ("large", LARGE)):
        Path(path).write_bytes(content)
        artifact.add_file(path)
    return run.log_artifact(artifact)


def read(folder="out"):
    root = Path(localart.Api().artifact("p/ds:v0").download(folder))
    return {path.name: path.read_bytes() for path in root.iterdir()}


def write():
    with localart.init(project="p", reinit="create_new") as run:
        run.log({"loss": 1.0})
        return log(run, "again").version


def refuses(act, kind, said):
    """`act` raises `kind` in one printable line that says what to do, and not SQLite's or the system's own error."""
    with pytest.raises(kind, match=said) as caught:
        act()
    error = caught.value
    assert isinstance(error, LocalartError)
    assert str(error).isprintable()
    assert error.hint
    assert error.__cause__ is not error
    return error


def refuses_all(kind, said):
    for act in (read, write):
        refuses(act, kind, said)


def is_sound():
    close_all()
    return read(f"out{random.random()}") == {"small": SMALL, "large": LARGE} and write() == "v0"


def pack(store):
    """The pack that holds the bytes."""
    return max((store / "packs").iterdir(), key=lambda path: path.stat().st_size)


# --- where it is -----------------------------------------------------------------------------------


def test_a_store_may_be_moved(store, home, monkeypatch):
    store.rename(home / "elsewhere")
    monkeypatch.setenv("LOCALART_DIR", str(home / "elsewhere"))

    assert is_sound()


def test_a_copy_of_a_store_is_a_store(store, home, monkeypatch):
    shutil.copytree(store, home / "copy")
    monkeypatch.setenv("LOCALART_DIR", str(home / "copy"))

    assert is_sound()
    monkeypatch.setenv("LOCALART_DIR", str(store))
    assert is_sound()


def test_a_copy_without_its_empty_folders_is_a_store(store):
    for folder in ("tmp", "locks", "quarantine"):
        shutil.rmtree(store / folder)

    assert is_sound()


def test_a_store_at_a_path_of_any_bytes_is_a_store(home, monkeypatch):
    for name in (b"with space", b"with%20?#", b"\xff\xfe not utf-8", "日本 'quoted\"".encode()):
        monkeypatch.setenv("LOCALART_DIR", os.fsdecode(os.fsencode(home) + b"/" + name))
        with localart.init(project="p") as run:
            log(run, "ds")
        assert is_sound()


def test_a_store_is_reached_by_links_and_relative_paths(store, home, workdir, monkeypatch):
    (home / "link").symlink_to(store)
    for path in (str(home / "link"), "../store", "../link/../store"):
        monkeypatch.setenv("LOCALART_DIR", path)
        assert is_sound()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOCALART_DIR", "~/store")

    assert is_sound()


@pytest.mark.parametrize(
    "place",
    ["file", "file/below", "/dev/null/x", "/proc/nope/x", "loop", "x" * 300, "/proc"],
    ids=lambda place: place[:20],
)
def test_where_no_store_can_be_is_said_plainly(place, workdir, monkeypatch):
    """Seen to fail when the system's error is let through."""
    (workdir / "file").write_text("precious")
    (workdir / "loop").symlink_to("loop")
    monkeypatch.setenv("LOCALART_DIR", place)

    refuses_all(NotAStore, "is a file, not a store|There can be no store at")
    assert (workdir / "file").read_text() == "precious"


def test_a_store_lies_beside_other_files_and_leaves_them_alone(home, monkeypatch):
    (home / "mine").mkdir()
    (home / "mine" / "precious").write_text("precious")
    monkeypatch.setenv("LOCALART_DIR", str(home / "mine"))

    assert write() == "v0"
    assert (home / "mine" / "precious").read_text() == "precious"


@pytest.mark.parametrize("name", ["packs", "tmp", "locks", "quarantine", "localart.db", "LOCALART"])
def test_a_file_where_the_store_needs_its_own_is_not_touched(home, monkeypatch, name):
    """Seen to fail when the system's error is let through."""
    (home / "mine").mkdir()
    (home / "mine" / name).write_text("precious")
    monkeypatch.setenv("LOCALART_DIR", str(home / "mine"))

    refuses_all(NotAStore, "holds other files|holds a database but no marker|is not one of a store")
    assert (home / "mine" / name).read_text() == "precious"


def test_the_store_is_private(store):
    """Seen to fail when `modes.file_mode` says 0o666."""
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    for path in store.rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path


def test_a_store_that_anybody_can_write_to_is_refused_until_it_is_not(store):
    """Seen to fail when `refuse_unsafe` does not look at others."""
    store.chmod(0o777)
    error = refuses(read, UnsafeStore, "Anybody can write to the store")
    refuses(write, UnsafeStore, "Anybody can write")
    store.chmod(0o700)

    assert error.hint.startswith(f"run `chmod o-w {store}`")
    assert is_sound()


# --- the marker ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        b"", b"\xff\xfe", b"{}", b"[]", b"null", b"[" * 100_000, b"A" * 10_000_000, b'{"format": 1}',
        b'{"format": "x", "store": "y", "min_reader": 1}', b'{"format": 1e999, "store": "y", "min_reader": 1}',
    ],
    ids=lambda text: ascii(text[:20]),
)  # fmt: skip
def test_a_marker_that_is_garbage_is_refused(store, text):
    """Seen to fail when it is taken for no marker."""
    (store / "LOCALART").write_bytes(text)

    refuses_all(NotAStore, "LOCALART' is not one of a store")


def test_a_folder_in_place_of_the_marker_is_refused(store):
    """Seen to fail when it is taken for no marker."""
    (store / "LOCALART").unlink()
    (store / "LOCALART").mkdir()

    refuses_all(NotAStore, "is not one of a store")


def test_a_pipe_in_place_of_the_marker_is_refused(store):
    """Seen to fail when opening the marker blocks: everything waited for ever."""
    (store / "LOCALART").unlink()
    os.mkfifo(store / "LOCALART")

    refuses_all(NotAStore, "is not one of a store")


@pytest.mark.parametrize("instead", ["nothing", "file"])
def test_a_store_without_a_folder_for_packs_says_so(store, instead):
    """Seen to fail when `pack_files` lets the system's error through."""
    (store / "packs").rename(store / "aside")
    if instead == "file":
        (store / "packs").touch()

    refuses(lambda: execute_prune(default_repository()), StoreError, "A folder of the store is missing")
    refuses(write, StoreError, "A folder of the store is missing")
    assert not verify_store(store).is_sound
    close_all()
    (store / "packs").unlink(missing_ok=True)
    (store / "aside").rename(store / "packs")
    assert is_sound()


def test_a_store_without_its_marker_is_never_made_anew(store):
    """Seen to fail when `_create_locked` does not look for packs and records."""
    marker = (store / "LOCALART").read_bytes()
    (store / "LOCALART").unlink()
    refuses_all(NotAStore, "holds packs but no marker")
    (store / "packs").rename(store / "packs.aside")
    error = refuses(write, NotAStore, "holds a database but no marker")
    (store / "packs").rmdir()
    (store / "packs.aside").rename(store / "packs")
    (store / "LOCALART").write_bytes(marker)

    assert "put back its LOCALART file" in error.hint
    assert is_sound()


def test_a_marker_of_another_store_is_refused(store):
    """Seen to fail when marker and database are not compared."""
    facts = json.loads((store / "LOCALART").read_text())
    (store / "LOCALART").write_text(json.dumps(facts | {"store": "another"}))

    refuses_all(NotAStore, "belongs to another store")


def test_a_newer_store_is_refused_or_only_read(store):
    """Seen to fail without the number of the catalog's format, and without `min_reader` of the marker."""
    facts = json.loads((store / "LOCALART").read_text())
    (store / "LOCALART").write_text(json.dumps(facts | {"format": 9, "min_reader": 9}))
    refuses_all(StoreTooNew, "has format 9; this localart knows up to 1")
    (store / "LOCALART").write_text(json.dumps(facts | {"format": 9}))

    assert read() == {"small": SMALL, "large": LARGE}
    refuses(write, StoreReadOnly, "cannot be written")


def test_what_an_interrupted_creation_leaves_is_made_whole(home, monkeypatch):
    """Seen to fail when what is left of the database is not taken away first."""
    place = home / "half"
    (place / "packs").mkdir(parents=True)
    (place / "localart.db").touch()
    monkeypatch.setenv("LOCALART_DIR", str(place))
    assert write() == "v0"
    close_all()

    shutil.rmtree(place)
    default_repository()
    close_all()
    (place / "LOCALART").unlink()

    assert write() == "v0"


# --- the database ----------------------------------------------------------------------------------


def test_a_lost_database_is_never_replaced_by_an_empty_one(store):
    """Seen to fail when a store without one gets a new one."""
    catalog = (store / "localart.db").read_bytes()
    (store / "localart.db").unlink()
    error = refuses(write, CatalogDamaged, "has lost its database localart.db")
    refuses(read, CatalogDamaged, "has lost its database")
    assert not (store / "localart.db").exists()
    (store / "localart.db").write_bytes(catalog)

    assert "put back a copy" in error.hint
    assert is_sound()


def test_a_database_that_is_not_what_it_was_is_refused_and_left_as_it_is(store):
    """Seen to fail when `format.check` takes an empty database for a new one."""
    whole = (store / "localart.db").read_bytes()
    noise = random.Random(3).randbytes(len(whole))
    other = sqlite3.connect("other.db")
    other.execute("CREATE TABLE t(x)")
    other.commit()
    other.close()
    newer = sqlite3.connect(store / "localart.db")
    newer.execute("PRAGMA user_version=99")
    newer.close()
    newer_bytes = (store / "localart.db").read_bytes()

    for content, kind, said in [
        (b"", CatalogDamaged, "is empty, but its store is not new"),
        (whole[: len(whole) // 2], CatalogDamaged, "damaged"),
        (whole[:4096], CatalogDamaged, "damaged"),
        (whole[:100], CatalogDamaged, "damaged"),
        (noise, CatalogDamaged, "damaged: file is not a database"),
        (whole[:100] + noise[100:], CatalogDamaged, "damaged"),
        (bytes(len(whole)), CatalogDamaged, "damaged"),
        (Path("other.db").read_bytes(), NotAStore, "is a database, but not a localart catalog"),
        (newer_bytes, StoreTooNew, "has format 99; this localart knows up to 1"),
    ]:
        (store / "localart.db").write_bytes(content)
        refuses_all(kind, said)
        close_all()
        assert (store / "localart.db").read_bytes() == content
    (store / "localart.db").write_bytes(whole)
    assert is_sound()


@pytest.mark.parametrize("seed", range(12))
def test_a_database_with_flipped_bytes_gives_the_truth_or_a_plain_error(store, seed):
    draw = random.Random(seed)
    catalog = bytearray((store / "localart.db").read_bytes())
    for _ in range(40):
        catalog[draw.randrange(100, len(catalog))] ^= draw.randrange(1, 256)
    (store / "localart.db").write_bytes(catalog)

    for act in (read, lambda: [run.summary for run in localart.Api().runs()], write):
        try:
            found = act()
        except LocalartError as error:
            finish_all()
            assert error.message  # noqa: PT017
        else:
            assert act is not read or found == {"small": SMALL, "large": LARGE}


# --- the packs -------------------------------------------------------------------------------------


def test_bytes_that_are_gone_are_named_and_nothing_else_is_given(store):
    kept = pack(store).read_bytes()
    pack(store).unlink()

    error = refuses(read, BlobMissing, "is missing")
    assert list(Path("out").iterdir()) == []
    assert write() == "v0"
    close_all()
    name = error.message.split()[1]
    (store / "packs" / f"{name}.pack").write_bytes(kept)

    assert read() == {"small": SMALL, "large": LARGE}


def test_lost_packs_are_said_when_reading_and_when_writing(store):
    (store / "packs").rename(store / "aside")
    refuses(read, BlobMissing, "is missing")
    error = refuses(write, StoreDamaged, "A folder of the store is missing")
    close_all()
    (store / "aside").rename(store / "packs")

    assert "packs/" in error.hint
    assert is_sound()


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as own:
        own.bind(f"/proc/self/fd/{os.open(path.parent, os.O_PATH)}/{path.name}")


NO_FILES = {
    "pipe": os.mkfifo,
    "folder": os.mkdir,
    "link": lambda path: path.symlink_to(path.with_suffix(".aside")),
    "dangling-link": lambda path: path.symlink_to("nowhere"),
    "socket": make_socket,
    "endless-device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_in_place_of_a_pack_is_a_pack_that_is_missing(store, tmp_path, kind):
    """Seen to fail when `open_pack_fd` blocks: verify and repair waited for ever at a pipe."""
    shutil.copytree(store, tmp_path / "copy")
    lost = pack(store)
    lost.rename(lost.with_suffix(".aside"))
    NO_FILES[kind](lost)

    refuses(read, StoreError, "[Pp]ack")
    report = verify_store(store, data=True)
    assert not report.is_sound
    assert {needed.path for needed in report.lost_files} >= {"small", "large"}
    assert write() == "v0"  # what is logged now does not rest on what is lost
    close_all()
    execute_prune(default_repository())
    close_all()
    repository = open_repository(store, create=False)
    repaired = execute_repair(repository, plan_repair(repository), places=[tmp_path / "copy"])
    repository.close()

    assert repaired.after.is_sound
    assert not os.path.lexists(lost)
    assert read("again") == {"small": SMALL, "large": LARGE}


def test_an_older_copy_of_the_database_does_not_hide_what_was_acknowledged_since(store, tmp_path):
    """Seen to fail without `refuse_lagging`: verify called it sound, and the next writer cut newer versions off."""
    shutil.copy(store / "localart.db", tmp_path / "older.db")
    for number in range(3):
        Path("new").write_text(f"new {number}")
        with localart.init(project="p", reinit="create_new") as run:
            run.log_artifact("new", name="newer", type="dataset")
    close_all()
    packs_before = {path.name: path.read_bytes() for path in (store / "packs").iterdir()}
    shutil.copy(tmp_path / "older.db", store / "localart.db")

    error = refuses(write, CatalogDamaged, "is an older copy: its packs hold changes from number")
    assert "rebuild --force" in error.hint
    assert read() == {"small": SMALL, "large": LARGE}
    close_all()
    assert {path.name: path.read_bytes() for path in (store / "packs").iterdir()} == packs_before
    (finding,) = verify_store(store).findings
    assert "The database is an older copy" in finding.what
    rebuild(store, force=True)

    assert verify_store(store, data=True).is_sound
    for number in range(3):
        folder = localart.Api().artifact(f"p/newer:v{number}").download(tmp_path / str(number))
        assert Path(folder, "new").read_text() == f"new {number}"
    assert is_sound()


@pytest.mark.parametrize("name", ["localart.db", "localart.db-wal", "localart.db-journal"])
@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_a_rebuild_takes_away_what_lies_in_place_of_the_database(store, name, kind):
    """Seen to fail when `_set_aside` gives everything a second name: the message led to a rebuild, which failed too."""
    (store / name).unlink(missing_ok=True)
    NO_FILES[kind](store / name)

    rebuild(store, force=True)

    assert verify_store(store, data=True).is_sound
    assert is_sound()


def test_a_rebuild_says_which_folder_is_none(store):
    """Seen to fail when the system's error is taken for one of the disk."""
    (store / "tmp").rmdir()
    (store / "tmp").touch()

    error = refuses(
        lambda: rebuild(store, force=True), StoreDamaged, "In place of a folder of the store lies"
    )
    assert error.hint == "move it away, and try again"


@pytest.mark.parametrize("where", ["empty", "header", "middle", "almost"])
def test_a_pack_cut_short_is_damage_and_never_wrong_bytes(store, where):
    size = pack(store).stat().st_size
    os.truncate(pack(store), {"empty": 0, "header": 16, "middle": size // 2, "almost": 601_000}[where])

    refuses(read, BlobDamaged, f"Pack {pack(store).stem} is damaged at byte")
    assert all(path.read_bytes() in (SMALL, LARGE) for path in Path("out").iterdir())


@pytest.mark.parametrize("seed", range(30))
def test_a_flipped_bit_in_a_pack_is_damage_or_harmless_and_never_wrong_bytes(store, seed):
    """Seen to fail when neither a frame's checksum nor the BLAKE3 of what was read is compared."""
    content = bytearray(pack(store).read_bytes())
    at = random.Random(seed).randrange(len(content))
    content[at] ^= 1 << seed % 8
    pack(store).write_bytes(content)

    try:
        assert read() == {"small": SMALL, "large": LARGE}
    except BlobDamaged:
        refuses(read, BlobDamaged, f"Pack {pack(store).stem} is damaged")
    for path in Path("out").iterdir():
        assert path.read_bytes() == (SMALL if path.name == "small" else LARGE)


def test_a_file_that_was_there_is_kept_when_its_bytes_cannot_be_had(store):
    os.truncate(pack(store), 16)
    Path("out").mkdir()
    Path("out/small").write_bytes(SMALL)
    Path("out/large").write_bytes(b"older")

    refuses(read, BlobDamaged, "is damaged")

    assert Path("out/small").read_bytes() == SMALL
    assert Path("out/large").read_bytes() == b"older"
    assert sorted(os.listdir("out")) == ["large", "small"]


# --- what is disposable ----------------------------------------------------------------------------


def test_a_damaged_cache_is_as_good_as_none(store, home):
    """Seen to fail when the cache's errors are raised."""
    assert is_sound()
    (cache,) = (home / "cache").iterdir()
    other = sqlite3.connect("other.db")
    other.execute("CREATE TABLE files(x)")
    other.commit()
    other.close()

    for content in (
        b"",
        os.urandom(5000),
        Path("other.db").read_bytes(),
        cache.read_bytes()[:3000],
    ):
        close_all()
        cache.write_bytes(content)
        assert is_sound()
    close_all()
    cache.unlink()
    cache.mkdir()

    assert is_sound()


def test_files_in_place_of_disposable_folders_are_said(store):
    for folder in ("tmp", "locks"):
        shutil.rmtree(store / folder)
        (store / folder).write_text("in the way")
    refuses(write, StoreError, "cannot be locked|is missing")

    assert read() == {"small": SMALL, "large": LARGE}


# --- a store that goes while it is used ------------------------------------------------------------


def test_a_removed_store_acknowledges_nothing_and_a_new_one_begins(store):
    """Seen to fail when `refuse_gone` compares nothing, and when a store that is gone is handed out again."""
    run = localart.init(project="p")
    draft = Artifact("late", "dataset")
    draft.add_file("small")
    shutil.rmtree(store)

    for act in (
        lambda: run.log({"a": 1}),
        lambda: run.log_artifact(draft),
        lambda: run.log_artifact("large", name="new"),
        lambda: run.use_artifact("ds:v0"),
        lambda: run.config.update({"a": 1}),
        run.finish,
    ):
        error = refuses(act, StoreNotFound, "was removed, moved or replaced while it was used")
        assert error.hint == "call localart.init() again"
    again = localart.init(project="p")

    assert again is not run
    assert log(again, "ds").version == "v0"


def test_a_store_replaced_by_its_own_backup_is_noticed(store, home):
    """Seen to fail when `shared_repository` hands out what it has without a look."""
    shutil.copytree(store, home / "backup")
    run = localart.init(project="p")
    log(run, "lost")
    shutil.rmtree(store)
    (home / "backup").rename(store)

    refuses(lambda: run.log({"a": 1}), StoreNotFound, "removed, moved or replaced")
    localart.init(project="p")

    assert is_sound()
    with pytest.raises(LocalartError):
        localart.Api().artifact("p/lost")


# --- stores that may only be read ------------------------------------------------------------------


def refuses_to_write():
    refuses(write, StoreReadOnly, "cannot be written|may not be written")
    draft = Artifact("new", "dataset")
    refuses(lambda: draft.add_file("small"), StoreReadOnly, "cannot be written")
    refuses(lambda: draft.new_file("f").__enter__(), StoreReadOnly, "cannot be written")
    refuses(
        lambda: localart.Api().artifact("p/ds").delete(delete_aliases=True),
        StoreReadOnly,
        "cannot be written",
    )
    artifact = localart.Api().artifact("p/ds")
    artifact.aliases.append("best")
    refuses(artifact.save, StoreReadOnly, "cannot be written")


def reads_everything():
    api = localart.Api()
    assert read() == read() == {"small": SMALL, "large": LARGE}
    assert [run.state for run in api.runs()] == ["finished"]
    assert api.artifact("p/ds").logged_by().project == "p"
    assert api.lineage("p/ds").edges


@pytest.fixture
def read_only(store, tmp_path):
    """The store on a file system that is mounted read-only."""
    place = tmp_path / "mounted"
    place.mkdir()
    for arguments in (["--bind", str(store), str(place)], ["-o", "remount,ro,bind", str(place)]):
        if subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode:
            pytest.skip("may not mount here")
    yield place
    close_all()
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_store_on_read_only_media_is_read_and_says_what_it_cannot(read_only, monkeypatch):
    monkeypatch.setenv("LOCALART_DIR", str(read_only))

    reads_everything()
    refuses_to_write()

    reads_everything()


def test_a_damaged_cache_does_a_read_only_store_no_harm(store, home, read_only, monkeypatch):
    """Seen to fail when the cache's errors are raised."""
    for cache in (home / "cache").iterdir():
        cache.write_bytes(os.urandom(5000))
    monkeypatch.setenv("LOCALART_DIR", str(read_only))

    reads_everything()


KILLED = """
import os, localart
run = localart.init(project="p")
run.log({"loss": 1.0})
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("shared_memory", [True, False])
def test_a_store_whose_writer_was_killed_is_read_or_says_why_not(
    store, read_only, monkeypatch, shared_memory
):
    """Seen to fail when SQLite's own error is let through."""
    subprocess.run([sys.executable, "-c", KILLED], check=False)
    assert (store / "localart.db-wal").stat().st_size
    if not shared_memory:
        (store / "localart.db-shm").unlink()
    monkeypatch.setenv("LOCALART_DIR", str(read_only))

    if shared_memory:
        assert read() == {"small": SMALL, "large": LARGE}
        assert [run.state for run in localart.Api().runs()] == ["finished", "running"]
    else:
        error = refuses(
            read, StoreReadOnly, "was not closed, and cannot be read where nothing may be written"
        )
        assert error.hint.startswith("copy it to a writable place")
    close_all()
    monkeypatch.setenv("LOCALART_DIR", str(store))
    assert is_sound()


def test_a_store_cannot_be_made_on_read_only_media(read_only, monkeypatch):
    """Seen to fail when the system's error is let through."""
    monkeypatch.setenv("LOCALART_DIR", str(read_only / "new"))

    error = refuses(write, StoreReadOnly, "A store cannot be made at .*: no permission")
    assert error.hint == "set LOCALART_DIR to a folder of yours"


AS_NOBODY = """
import os, sys
import localart
from localart import Artifact
from localart.repository.opening import close_all
import localart.repository.ingest, localart.operations.log, localart.operations.download, encodings.idna
localart.Api().artifact("p/ds:v0").download(sys.argv[1])
close_all()
os.seteuid(65534)
print(localart.Api().artifact("p/ds:v0").version)
for act in (lambda: localart.init(project="p"), lambda: Artifact("new", "dataset").add_file(__file__)):
    try:
        act()
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_a_store_of_somebody_else_is_read_and_not_written(store, home, tmp_path):
    if os.geteuid():
        pytest.skip("only root can become somebody else")
    for path in (store, *store.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for above in (*store.parents[:-1],):
        above.chmod(stat.S_IMODE(above.stat().st_mode) | 0o055)
    script = tmp_path / "script.py"
    script.write_text(AS_NOBODY)

    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "out")], capture_output=True, text=True, check=False
    )

    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[0] == "v0"
    assert len(lines) == 3
    assert all(line.startswith("StoreReadOnly The store at ") for line in lines[1:]), lines
