"""Files, folders and names that cannot be added: typed, said plainly, and nothing is changed."""

import os
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from refusals import refused

from localart import Artifact
from localart.errors import (
    ArtifactFinalizedError,
    ContentConflict,
    InvalidName,
    SourceChanged,
    SourceError,
    SourceMissing,
)

# --- adding files ----------------------------------------------------------------------------------

PATHS = ["../x", "/x", "a/../../x", "C:/x", "a\\b", "a\0b", "a\nb", "\ud800", "\u202ex", ".", "x" * 256]


@pytest.mark.parametrize("path", PATHS, ids=ascii)
def test_a_bad_path_is_refused_by_every_call_that_takes_one(store, run, folder, path):
    artifact = Artifact("new", "dataset")
    calls = [
        lambda: artifact.add_file("x", name=path),
        lambda: artifact.new_file(path).__enter__(),
        lambda: artifact.add_reference("s3://bucket/key", name=path),
        lambda: artifact.add_reference((folder / "a.txt").as_uri(), name=path),
        lambda: artifact.remove(path),
        lambda: run.use_artifact("ds:v0").get_entry(path),
    ]
    if path != ".":
        calls += [
            lambda: artifact.add_dir(folder, name=path),
            lambda: artifact.add_reference(folder.as_uri(), name=path),
        ]

    run.use_artifact("ds:v0")
    for call in calls:
        with refused(InvalidName, store, artifact=artifact) as caught:
            call()
        assert caught.value.hint


@pytest.mark.parametrize("name", [b"x", 5, ["x"]])
def test_a_path_that_is_not_text_is_a_type_error(store, run, name):
    artifact = Artifact("new", "dataset")

    with refused(TypeError, store, artifact=artifact):
        artifact.add_file("x", name=name)
    with refused(TypeError, store, artifact=artifact):
        artifact.add_file(name)
    with refused(TypeError, store, artifact=artifact):
        artifact.add_dir(name)
    with refused(TypeError, store, artifact=artifact):
        artifact.add_reference(name)


def test_the_name_of_an_unfinished_download_is_not_taken(store, run):
    artifact = Artifact("new", "dataset")
    name = f".localart-{'0' * 32}.part"

    for path in (name, f"a/{name}", f"{name}/a"):
        with refused(InvalidName, store, match="unfinished downloads", artifact=artifact):
            artifact.add_file("x", name=path)


def test_what_is_not_a_file_is_refused(store, run, folder):
    artifact = Artifact("new", "dataset")
    os.mkfifo("pipe")
    os.symlink("nowhere", "dangling")
    os.symlink("circle", "circle")

    for path, kind, said in [
        ("nowhere", SourceMissing, "does not exist"),
        ("dangling", SourceMissing, "does not exist"),
        ("x/y", SourceMissing, "does not exist"),
        (folder, SourceError, "is a folder, not a file"),
        ("pipe", SourceError, "is a pipe, not a file"),
        ("/dev/null", SourceError, "is a device, not a file"),
        ("circle", SourceError, "leads in a circle"),
    ]:
        with refused(kind, store, match=said, artifact=artifact):
            artifact.add_file(path, name="name")


def test_a_folder_that_cannot_be_walked_adds_nothing(store, run, folder):
    artifact = Artifact("new", "dataset")
    cases = {
        "pipe": (os.mkfifo, SourceError, "is a pipe"),
        "dangling": (lambda path: os.symlink("nowhere", path), SourceMissing, "does not exist"),
        "loop": (lambda path: os.symlink("..", path), SourceError, "has no end"),
        "self": (lambda path: os.symlink("self", path), SourceError, "leads in a circle"),
        "bad\nname": (lambda path: Path(path).touch(), InvalidName, "invisible character"),
        b"\xff".decode("utf-8", "surrogateescape"): (
            lambda path: Path(path).touch(),
            InvalidName,
            "is not UTF-8",
        ),
    }

    for name, (make, kind, said) in cases.items():
        make(folder / "sub" / name)
        with refused(kind, store, match=said, artifact=artifact):
            artifact.add_dir(folder)
        os.unlink(folder / "sub" / name)

    artifact.add_dir(folder)
    assert [entry.path for entry in artifact.manifest] == ["a.txt", "sub/b.txt"]


def test_a_folder_that_is_none_is_refused(store, run):
    artifact = Artifact("new", "dataset")

    with refused(SourceError, store, match="Path is not a folder: 'x'", artifact=artifact) as caught:
        artifact.add_dir("x")
    assert caught.value.hint == "add_file takes single files"
    with refused(SourceMissing, store, match="'nowhere' does not exist", artifact=artifact):
        artifact.add_dir("nowhere")


UNREADABLE = """
import os, sys
from localart import Artifact
artifact = Artifact("new", "dataset")
artifact.add_dir(sys.argv[1] + "/sub")
os.chmod(sys.argv[1] + "/sub", 0)
os.setegid(65534); os.seteuid(65534)
for add, path in ((artifact.add_dir, sys.argv[1]), (artifact.add_file, sys.argv[1] + "/locked.txt")):
    try:
        add(path)
    except Exception as error:
        print(type(error).__name__, error)
print(len(artifact.manifest))
os.seteuid(0)
"""


def test_what_may_not_be_read_is_said_by_name(folder):
    if os.geteuid():
        pytest.skip("only root can become somebody else")
    (folder / "locked.txt").touch(mode=0o000)
    for above in (folder, *folder.parents[:-1]):
        above.chmod(stat.S_IMODE(above.stat().st_mode) | 0o055)

    done = subprocess.run(
        [sys.executable, "-c", UNREADABLE, str(folder)], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"SourceUnreadable '{folder}/sub' may not be read (check its permissions)",
        f"SourceUnreadable '{folder}/locked.txt' may not be read (check its permissions)",
        "1",
    ]


def test_a_file_and_a_folder_cannot_share_a_name(store, run, folder):
    artifact = Artifact("new", "dataset")
    artifact.add_file("x", name="a")
    artifact.add_file("x", name="d/e/f")

    for path, said in [
        ("a/b", "'a' is already a file"),
        ("a/b/c", "'a' is already a file"),
        ("d", "'d' is already a folder"),
        ("d/e", "'d/e' is already a folder"),
    ]:
        with refused(ContentConflict, store, match=said, artifact=artifact) as caught:
            artifact.add_file("x", name=path, overwrite=True)
        assert caught.value.hint
    artifact.remove("d")
    artifact.add_file("x", name="d")
    artifact.remove("a")
    artifact.add_file("x", name="a/b")

    assert [entry.path for entry in artifact.manifest] == ["d", "a/b"]


def test_a_refused_file_leaves_no_folder_behind(run):
    artifact = Artifact("new", "dataset")
    artifact.add_file("x", name="p/q/r")

    with pytest.raises(ContentConflict):
        artifact.add_file("x", name="p/q")
    artifact.remove("p/q/r")
    artifact.add_file("x", name="p")

    assert [entry.path for entry in artifact.manifest] == ["p"]


@pytest.mark.parametrize("merge", [False, True])
def test_a_folder_whose_last_file_conflicts_adds_none(store, run, folder, merge):
    artifact = Artifact("new", "dataset")
    artifact.add_file("x", name="sub")
    artifact.add_file("x", name="a.txt")

    with refused(ContentConflict, store, artifact=artifact):
        artifact.add_dir(folder, merge=merge)
    with refused(ContentConflict, store, artifact=artifact):
        artifact.add_reference(folder.as_uri())

    assert artifact.size == 2
    artifact.remove("sub")
    artifact.add_dir(folder, merge=True)
    assert [entry.path for entry in artifact.manifest] == ["a.txt", "sub/b.txt"]


def test_other_content_under_one_path_needs_to_be_asked_for(store, run, folder):
    artifact = Artifact("new", "dataset")
    artifact.add_file(folder / "a.txt", name="f")

    artifact.add_file(folder / "a.txt", name="f")
    with refused(ContentConflict, store, match="already holds another content", artifact=artifact) as caught:
        artifact.add_file(folder / "sub" / "b.txt", name="f")
    assert "overwrite=True" in caught.value.hint
    artifact.add_file(folder / "sub" / "b.txt", name="f", overwrite=True)

    assert artifact.size == 1


def test_dots_as_a_folder_name_are_a_name(run, folder):
    artifact = Artifact("new", "dataset")

    artifact.add_dir(folder, name="...")
    artifact.add_dir(folder, name=".")

    assert [entry.path for entry in artifact.manifest] == ["a.txt", ".../a.txt", ".../sub/b.txt", "sub/b.txt"]


def test_threads_may_add_to_one_draft(run, folder):
    artifact = Artifact("new", "dataset")
    for number in range(200):
        (folder / f"{number}.bin").write_bytes(bytes([number]) * number)

    def add(first):
        for number in range(first, 200, 4):
            artifact.add_file(folder / f"{number}.bin", name=f"{number % 7}/{number}.bin")

    threads = [threading.Thread(target=add, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.log_artifact(artifact)

    assert artifact.file_count == 200
    assert artifact.size == sum(range(200))
    assert {Path(artifact.download(), entry.path).read_bytes() for entry in artifact.manifest} == {
        bytes([number]) * number for number in range(200)
    }


# --- the store's own files -------------------------------------------------------------------------


def test_the_stores_own_databases_are_never_read(store, run, folder):
    artifact = Artifact("new", "dataset")
    os.symlink(store / "localart.db", "link")

    for path in (store / "localart.db", store / "localart.db-wal", "link"):
        with refused(SourceError, store, match="database of the store itself", artifact=artifact):
            artifact.add_file(path)
        with refused(SourceError, store, match="database of the store itself", artifact=artifact):
            artifact.add_reference(Path(path).absolute().as_uri())
        with refused(SourceError, store, match="database of the store itself"):
            run.save(path, base_path="/")
    with refused(SourceError, store, match="is the store itself", artifact=artifact):
        artifact.add_dir(store)


def test_a_folder_that_holds_the_store_is_added_without_it(home, store, run):
    os.symlink(store, "by-link")
    (home / "note").write_text("note")
    artifact = Artifact("new", "dataset")

    artifact.add_dir(home, name="home")
    references = Artifact("new", "dataset").add_reference(home.as_uri())

    names = {entry.path for entry in artifact.manifest}
    assert {"home/note", "home/work/x"} <= names
    assert not [name for name in names if name.startswith("home/store/") or "localart.db" in name]
    assert not [entry for entry in references if "localart.db" in entry.path]


def test_what_a_run_keeps_in_its_own_folder_can_be_added(run):
    Path(run.dir, "model.bin").write_bytes(b"weights")
    artifact = Artifact("model", "model")

    artifact.add_file(Path(run.dir, "model.bin"))
    artifact.add_dir(run.dir, name="all")

    assert [entry.path for entry in artifact.manifest] == ["model.bin", "all/model.bin"]
    assert run.log_artifact(artifact).version == "v0"


# --- new_file --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["", "r", "r+", "xx", "xw", "tb", "wbt", "U", "w++", None, 1])
def test_a_mode_that_does_not_write_is_refused(store, run, mode):
    artifact = Artifact("new", "dataset")

    with refused(ValueError, store, match="mode must be x, w or a", artifact=artifact):
        with artifact.new_file("f", mode=mode):
            pass


def test_a_body_that_raises_adds_nothing_and_leaves_nothing(store, run):
    artifact = Artifact("new", "dataset")
    error = KeyError("mine")

    for mode in ("x", "w", "a"):
        with refused(KeyError, store, artifact=artifact) as caught, artifact.new_file("f", mode=mode) as file:
            file.write("half")
            raise error
        assert caught.value is error

    assert not list((store / "tmp").glob("new-*"))


def test_text_that_the_encoding_cannot_hold_adds_nothing(store, run):
    artifact = Artifact("new", "dataset")

    with refused(UnicodeEncodeError, store, artifact=artifact):
        with artifact.new_file("f", encoding="ascii") as file:
            file.write("é")
    with refused(LookupError, store, match="unknown encoding", artifact=artifact):
        with artifact.new_file("f", encoding="nonsense"):
            pass


def test_a_file_that_is_there_is_not_made_anew(store, run):
    artifact = Artifact("new", "dataset")
    artifact.add_file("x")

    with refused(ContentConflict, store, match="already holds 'x'", artifact=artifact) as caught:
        with artifact.new_file("x"):
            pass
    assert "mode 'w'" in caught.value.hint


def test_two_files_written_at_once_under_one_name_conflict(store, run):
    artifact = Artifact("new", "dataset")

    one, other = artifact.new_file("f"), artifact.new_file("f")
    one.__enter__().write("one")
    with other as file:
        file.write("other")
    with pytest.raises(ContentConflict):
        one.__exit__(None, None, None)

    assert [entry.size for entry in artifact.manifest] == [5]


def test_two_drafts_are_written_at_once(run):
    one, other = Artifact("one", "dataset"), Artifact("other", "dataset")

    with one.new_file("f") as first, other.new_file("f") as second:
        first.write("1")
        second.write("22")
    run.log_artifact(other)
    run.log_artifact(one)

    assert (one.size, other.size) == (1, 2)


def test_a_file_that_is_still_open_when_the_artifact_is_logged_is_refused_aloud(run):
    artifact = Artifact("new", "dataset")

    late = artifact.new_file("f")

    late.__enter__().write("too late")
    run.log_artifact(artifact)
    with pytest.raises(ArtifactFinalizedError, match="sealed"):
        late.__exit__(None, None, None)

    assert artifact.file_count == 0


def test_a_sealed_artifact_takes_no_content(store, run, folder):
    logged = run.use_artifact("ds:v0")
    final = Artifact("new", "dataset")
    early = final.new_file("early")
    final.finalize()

    for artifact in (logged, final):
        for change in (
            lambda a: a.add_file("x"),
            lambda a: a.add_dir(folder),
            lambda a: a.add_reference("s3://b/k"),
            lambda a: a.new_file("f"),
            lambda a: a.remove("x"),
        ):
            with refused(ArtifactFinalizedError, store, match="sealed") as caught:
                change(artifact)
            assert isinstance(caught.value, AttributeError)
            assert caught.value.hint
    with refused(ArtifactFinalizedError, store, match="sealed"), early:
        pass


# --- files that change -----------------------------------------------------------------------------


@contextmanager
def meddling(meddle):
    """Another thread that calls `meddle(n)` without end."""
    stop = threading.Event()

    def work():
        number = 0
        while not stop.is_set():
            number += 1
            meddle(number)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("size", [50_000, 5_000_000], ids=["small", "large"])
def test_a_file_that_changes_all_the_time_is_refused_or_taken_as_it_once_was(run, workdir, size):
    path = workdir / "busy"
    states = [bytes([65 + number]) * size for number in range(4)]
    path.write_bytes(states[0])
    outcomes = []

    def rewrite(number):
        with path.open("r+b") as file:
            file.write(states[number % 4])

    with meddling(rewrite):
        deadline = time.monotonic() + 1.5
        while time.monotonic() < deadline:
            artifact = Artifact("busy", "dataset")
            try:
                artifact.add_file(path)
            except SourceChanged:
                outcomes.append(None)
                continue
            run.log_artifact(artifact)
            outcomes.append(artifact)
    calm = Artifact("calm", "dataset")
    calm.add_file(path)
    run.log_artifact(calm)

    assert Path(calm.file()).read_bytes() == path.read_bytes()
    for artifact in filter(None, outcomes[:20]):
        assert len(Path(artifact.file()).read_bytes()) == size


@pytest.mark.parametrize("change", ["grow", "shrink", "vanish"])
def test_a_file_that_grows_shrinks_or_vanishes_never_leaves_a_half(run, workdir, change):
    path = workdir / "busy"
    path.write_bytes(bytes(3_000_000))

    def meddle(number):
        if change == "vanish":
            path.unlink(missing_ok=True)
            Path(f"{path}.new").write_bytes(bytes(3_000_000))
            os.rename(f"{path}.new", path)
        else:
            os.truncate(path, 2_000_000 + (number % 2) * 1_000_000)

    with meddling(meddle):
        for _ in range(15):
            artifact = Artifact("busy", "dataset")
            try:
                artifact.add_file(path)
            except (SourceChanged, SourceMissing):
                assert len(artifact.manifest) == 0
                continue
            run.log_artifact(artifact)
            stored = Path(artifact.file()).read_bytes()
            assert stored in (bytes(2_000_000), bytes(3_000_000))
            assert len(stored) == artifact.size


def test_a_tree_whose_files_come_and_go_is_taken_whole_or_refused(run, folder):
    def meddle(number):
        (folder / f"{number % 50}.tmp").write_text(str(number))
        (folder / f"{(number + 25) % 50}.tmp").unlink(missing_ok=True)

    with meddling(meddle):
        for _ in range(20):
            artifact = Artifact("tree", "dataset")
            try:
                artifact.add_dir(folder)
            except (SourceMissing, SourceChanged):
                assert len(artifact.manifest) == 0
                continue
            assert run.log_artifact(artifact).file_count >= 2
