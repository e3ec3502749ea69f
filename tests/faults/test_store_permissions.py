"""Who may use a store: its owner alone, or the group it was made for; links and strangers' stores are refused."""

import json
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import traceback
from pathlib import Path

import pytest
from click.testing import CliRunner

import localart
from localart import Artifact
from localart.errors import LocalartError, StoreReadOnly, UnsafeStore, UsageError
from localart.repository import open_repository
from localart.repository.opening import close_all

ANN, BOB, EVE, TEAM = 40_001, 40_002, 40_003, 40_100

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


@pytest.fixture
def place(monkeypatch):
    """A folder that everybody may enter and make things in, and everything imported that a user will need."""
    pytest.importorskip("numpy")  # what tells a content from an earlier one takes it where it is
    use("warm", "warm-up")
    close_all()
    with tempfile.TemporaryDirectory(prefix="localart-users-") as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)
    close_all()


def use(name, text):
    """Log a version, numbers and a saved file, and read them back; the version."""
    with localart.init(project="p", reinit="create_new") as run:
        run.log({"loss": 1.0})
        draft = Artifact(name, "dataset")
        with draft.new_file("a.txt") as file:
            file.write(text)
        with draft.new_file("large.bin", "wb") as file:
            file.write(text.encode() * 100_000)
        version = run.log_artifact(draft).version
        with open(Path(run.dir) / "notes.txt", "w") as file:
            file.write(text)
    assert localart.Api().artifact(f"p/{name}:{version}").manifest.entries["a.txt"].size == len(text)
    list(localart.Api().run(f"p/{run.id}").scan_history())
    return version


def as_user(user, work, *, umask=0o022, groups=(TEAM,)):
    """What `work` returns, or the kind and words of what it raises, in a process of another user's."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(reading)
            os.umask(umask)
            os.setgroups(list(groups))
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            try:
                said = work()
                close_all()
            except LocalartError as error:
                said = f"{type(error).__name__}: {error}"
            os.write(writing, json.dumps(said).encode())
        except BaseException:
            os.write(writing, json.dumps(traceback.format_exc()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return json.loads(said)


def modes(root):
    """Each path below the store → its mode, the store's own too."""
    return {
        path.relative_to(root).as_posix(): oct(stat.S_IMODE(path.lstat().st_mode))
        for path in (root, *root.rglob("*"))
    }


def kept_open(root, look):
    """What `look` sees while the store is open and written to, when SQLite's other files are there."""
    with localart.init(project="p", reinit="create_new") as run:
        run.log({"x": 1})
        run.log_artifact(Artifact("open", "t"))
        assert (root / "localart.db-wal").exists()
        return look(root)


# --- modes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_store_is_its_owners_alone_whatever_the_umask(store, umask):
    """Seen to fail when `modes.file_mode` says 0o666."""
    before = os.umask(umask)
    try:
        use("a", "text")
        found = kept_open(store, modes)
    finally:
        os.umask(before)

    assert set(found.values()) == {"0o700", "0o600"}
    assert {found["."], found["packs"], found["tmp"]} == {"0o700"}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_group_may_use_all_of_the_store_it_was_made_for_whatever_the_umask(store, umask):
    """Seen to fail when `modes.create_file` leaves the mode to the umask."""
    before = os.umask(umask)
    try:
        open_repository(store, for_group=True).close()
        use("a", "text")
        found = kept_open(store, modes)
        opened = {name: mode for name, mode in found.items() if not name.startswith("tmp/")}
    finally:
        os.umask(before)

    assert {
        "localart.db-wal",
        "localart.db-shm",
        "localart.db",
        "LOCALART",
        "locks/writer.lock",
    } <= opened.keys()
    assert {mode for name, mode in found.items() if (store / name).is_dir()} == {"0o2770"}
    assert {mode for name, mode in opened.items() if "." in name and name != "."} == {"0o660"}


def test_init_makes_a_store_for_a_group(workdir):
    from localart.cli.app import app

    done = CliRunner().invoke(app, ["init", "--shared", "group"])

    assert done.exit_code == 0, done.output
    assert stat.S_IMODE((workdir / ".localart").stat().st_mode) == 0o2770
    assert stat.S_IMODE((workdir / ".localart" / "localart.db").stat().st_mode) == 0o660


def test_a_copy_of_a_groups_store_is_one_too(store, home, monkeypatch):
    open_repository(store, for_group=True).close()
    shutil.copytree(store, home / "copy")
    monkeypatch.setenv("LOCALART_DIR", str(home / "copy"))
    use("a", "text")

    assert {mode for name, mode in modes(home / "copy").items() if "." in name and name != "."} == {"0o660"}


# --- users -------------------------------------------------------------------------------------------------


@needs_root
def test_members_of_a_group_log_and_read_in_turn(place, monkeypatch):
    shared = place / "shared"
    shared.mkdir()
    os.chown(shared, ANN, TEAM)
    monkeypatch.setenv("LOCALART_DIR", str(shared))

    def begin():
        open_repository(shared, for_group=True).close()
        return use("ds", "by ann")

    assert as_user(ANN, begin) == "v0"
    assert as_user(BOB, lambda: use("ds", "by bob"), umask=0o077) == "v1"
    assert as_user(ANN, lambda: use("ds", "again")) == "v2"
    refused = as_user(EVE, lambda: use("ds", "by eve"), groups=())
    assert refused.startswith("StoreReadOnly: The store at")
    assert {path.lstat().st_gid for path in (shared, *shared.rglob("*"))} == {TEAM}


@needs_root
def test_a_store_of_somebody_elses_is_not_used_because_it_lies_above(place, monkeypatch):
    """Seen to fail when `find_store` takes whatever `.localart` it meets."""
    monkeypatch.delenv("LOCALART_DIR")
    trap = place / ".localart"
    assert as_user(EVE, lambda: open_repository(trap).close() or trap.chmod(0o755)) is None
    (place / "project").mkdir()
    monkeypatch.chdir(place / "project")
    close_all()

    for user in (ANN, 0):
        said = as_user(user, lambda: use("mine", "text"))
        assert said.startswith("UnsafeStore: The store"), said
        assert "belongs to another user" in said
        assert "LOCALART_DIR" in said


@needs_root
def test_a_store_that_was_named_may_be_read_though_it_is_somebody_elses(place, monkeypatch):
    theirs = place / "theirs"
    monkeypatch.setenv("LOCALART_DIR", str(theirs))
    assert as_user(EVE, lambda: use("ds", "text")) == "v0"
    for path in (theirs, *theirs.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)

    def read():
        root = localart.Api().artifact("p/ds:v0").download(place / "out")
        return (Path(root) / "a.txt").read_text()

    assert as_user(ANN, read) == "text"
    assert as_user(ANN, lambda: use("ds", "more")).startswith("StoreReadOnly")


@needs_root
@pytest.mark.parametrize("part", [".", "localart.db"], ids=["folder", "database"])
def test_a_store_that_its_owner_froze_is_read_and_stays_as_it_is(place, monkeypatch, part):
    """A killed writer left it; to look at it must not begin to write in what lies beside.

    Seen to fail without `os.access` of that part in `_open_complete`: a frozen database could not be read at all, and
    in a frozen folder whoever looked marked the run as crashed.
    """
    frozen = place / "frozen"
    monkeypatch.setenv("LOCALART_DIR", str(frozen))

    def be_killed():
        run = localart.init(project="p")
        run.log_artifact(Artifact("ds", "dataset"))
        run.log({"x": 1})
        os.kill(os.getpid(), signal.SIGKILL)

    killed = os.fork()
    if not killed:
        os.setresgid(ANN, ANN, ANN)
        os.setresuid(ANN, ANN, ANN)
        be_killed()
    os.waitpid(killed, 0)
    assert (frozen / "localart.db-wal").stat().st_size
    os.chown(frozen / part, 0, 0)  # only who owns a part may make it writable again, root excepted
    os.chown(frozen, ANN, ANN)
    (frozen / part).chmod(0o555 if part == "." else 0o444)

    def look():
        return [localart.Api().artifact("p/ds").version, *(run.state for run in localart.Api().runs("p"))]

    assert as_user(ANN, look) == ["v0", "running"]
    refused = as_user(ANN, lambda: use("ds", "more"))
    assert refused.startswith("StoreReadOnly: The store at")
    assert as_user(ANN, look) == ["v0", "running"]


def test_a_store_that_a_group_may_write_to_by_accident_is_refused(store):
    """Seen to fail when `refuse_unsafe` looks at others only."""
    use("a", "text")
    close_all()
    store.chmod(0o770)
    if os.geteuid() == 0:
        os.chown(store, -1, TEAM)

    with pytest.raises(UnsafeStore, match="can write to the store") as caught:
        localart.Api()
    assert "chmod g-w" in caught.value.hint
    store.chmod(0o700)
    assert use("a", "text") == "v0"


# --- links -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part", ["packs", "tmp", "locks", "quarantine", "localart.db", "LOCALART", "localart.db-wal"]
)
def test_a_part_of_the_store_that_became_a_link_is_refused(store, home, part):
    """Seen to fail without `is_symlink` in `refuse_unsafe`."""
    use("a", "text")
    close_all()
    if (store / part).exists():
        (store / part).rename(home / "elsewhere")
    else:
        (home / "elsewhere").write_bytes(b"precious")
    (store / part).symlink_to(home / "elsewhere")
    before = (home / "elsewhere").stat().st_mtime_ns

    for act in (localart.Api, lambda: localart.init(project="p")):
        with pytest.raises(UnsafeStore, match="is a link, and leads out of the store"):
            act()
    assert (home / "elsewhere").stat().st_mtime_ns == before


# --- places ------------------------------------------------------------------------------------------------


def test_a_working_folder_that_is_gone_is_said_and_does_not_matter_where_the_store_is_named(
    store, home, monkeypatch
):
    gone = home / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    assert use("a", "text") == "v0"
    monkeypatch.delenv("LOCALART_DIR")
    close_all()
    for act in (localart.Api, lambda: localart.init(project="p")):
        with pytest.raises(UsageError, match="The working folder was removed"):
            act()


@pytest.fixture(params=["ext4", "tmpfs"])
def disk(request, tmp_path):
    """A file system of its own, and what makes it read-only."""
    place = tmp_path / "disk"
    place.mkdir()
    if request.param == "ext4":
        image = tmp_path / "image"
        with image.open("wb") as file:
            file.truncate(32 << 20)
        made = subprocess.run(["mkfs.ext4", "-q", "-F", image], check=False, capture_output=True)
        mount = ["mount", "-o", "loop", image, place]
    else:
        made, mount = None, ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", place]
    if (made and made.returncode) or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("may not mount here")
    yield place
    close_all()
    subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mkfs.ext4"), reason="needs root and mkfs.ext4")
def test_everything_is_read_from_media_that_cannot_be_written(disk, monkeypatch, tmp_path):
    monkeypatch.setenv("LOCALART_DIR", str(disk / "store"))
    assert use("ds", "text") == "v0"
    close_all()
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)

    api = localart.Api()
    version = api.artifact("p/ds:latest")
    (run,) = api.runs("p")
    assert (Path(version.download(tmp_path / "out")) / "large.bin").read_bytes() == b"text" * 100_000
    assert [row["loss"] for row in run.scan_history()] == [1.0]
    with run.file("notes.txt").download(root=str(tmp_path / "file"), replace=True) as file:
        assert file.read() == "text"
    assert version.logged_by().id == run.id
    assert [one.version for one in api.artifacts("dataset", "p/ds")] == ["v0"]
    assert version.verify(tmp_path / "out") is None
    assert "v0" in cli("ls", "p/ds")
    for command in (
        ["show", "p/ds:v0"],
        ["lineage", "p/ds:v0"],
        ["runs"],
        ["du"],
        ["doctor"],
        ["search", "ds"],
    ):
        cli(*command)
    with pytest.raises(StoreReadOnly) as caught:
        localart.init(project="p")
    assert "cannot be written" in caught.value.message
    assert {path.name for path in (disk / "store").iterdir() if path.is_file()} >= {"LOCALART", "localart.db"}


def cli(*arguments):
    from localart.cli.app import app

    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, (arguments, done.output)
    return done.output
