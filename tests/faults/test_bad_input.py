"""What users get wrong: each refusal is typed, says what and what to do, and leaves the store as it was."""

import os
import re
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import localart
from localart import Artifact
from localart.errors import (
    ArtifactFinalizedError,
    ArtifactNotFound,
    ArtifactNotLoggedError,
    ArtifactTypeMismatch,
    CommError,
    ContentConflict,
    InvalidMetadata,
    InvalidName,
    LocalartError,
    NotLocalError,
    SourceChanged,
    SourceError,
    SourceMissing,
    UnsafeTarget,
    UsageError,
)

ROWS = [
    "projects",
    "runs",
    "artifacts",
    "versions",
    "aliases",
    "version_tags",
    "run_tags",
    "edges",
    "metrics",
]
ROWS += ["run_files", "journal", "metric_names"]


def stable_id(given: object) -> str:
    """A test id that is the same in every process: without the addresses of objects."""
    return re.sub(r"at 0x[0-9a-f]+", "at ...", ascii(given))[:60]



@pytest.fixture
def run():
    run = localart.init(project="p")
    artifact = Artifact("ds", "dataset")
    Path("x").write_text("x")
    artifact.add_file("x")
    run.log_artifact(artifact, aliases=["best"])
    return run


@pytest.fixture
def folder(workdir):
    (workdir / "data" / "sub").mkdir(parents=True)
    (workdir / "data" / "a.txt").write_text("a")
    (workdir / "data" / "sub" / "b.txt").write_text("b")
    return workdir / "data"


def rows(store):
    """Every row that people's facts are kept in."""
    connection = sqlite3.connect(f"file:{store}/localart.db?mode=ro", uri=True)
    try:
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in ROWS}
    finally:
        connection.close()


def content(artifact):
    return [(entry.path, entry.digest, entry.size) for entry in artifact.manifest]


@contextmanager
def refused(kind, store, *, match=None, artifact=None):
    """The body raises `kind` in one printable line, and neither the store nor the artifact is changed."""
    before = rows(store) if store.exists() else None
    held = content(artifact) if artifact is not None else None
    with pytest.raises(kind, match=match) as caught:
        yield caught
    error = caught.value
    if isinstance(error, LocalartError):
        assert str(error).isprintable()
        assert error.message
    assert before is None or rows(store) == before
    assert artifact is None or content(artifact) == held


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
            "invisible",
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


# --- references ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("data.csv", "has no scheme"), ("/data.csv", "has no scheme"), ("", "has no scheme"),
        (" s3://b/k", "has no scheme"), ("s3://b/k\n", "invisible character"), ("s3://b/\ud800", "invisible"),
        ("s3://bucket", "names no file"), ("http://host/", "names no file"), ("x:", "names no file"),
        ("http://[::1/x", "is no address"), ("file://", "names no file"), ("file:///a%00b", "names no file"),
        ("s3://b/" + "k" * 9000, "longer than 8192"), ("s3://b/..", "leaves the artifact"),
    ],
    ids=ascii,
)  # fmt: skip
def test_a_reference_that_is_no_address_is_refused(store, run, uri, said):
    with refused(InvalidName, store, match=said, artifact=Artifact("new", "dataset")) as caught:
        Artifact("new", "dataset").add_reference(uri)
    assert caught.value.hint


@pytest.mark.parametrize(
    "uri", ["http://host/a?b#c", "https://host/x/a", "s3://b/a", "gs://b/a", "ours+x:y/a"]
)
def test_any_other_scheme_is_recorded_as_it_stands_without_network(run, workdir, uri):
    artifact = Artifact("new", "dataset")

    (entry,) = artifact.add_reference(uri)
    run.log_artifact(artifact)

    assert (entry.path, entry.ref, entry.size) == ("a", uri, 0)
    assert run.use_artifact("new:v0").get_entry("a").ref_target() == uri
    with pytest.raises(NotLocalError, match="which localart does not fetch"):
        artifact.download()
    assert os.listdir(artifact.download(allow_missing_references=True)) == []


def test_a_reference_to_nothing_is_refused(store, run, workdir):
    os.symlink("nowhere", "dangling")

    for path in ("nowhere", "dangling"):
        with refused(SourceMissing, store, match="points to nothing") as caught:
            Artifact("new", "dataset").add_reference((workdir / path).as_uri())
        assert isinstance(caught.value, ValueError)


def test_a_referenced_folder_has_a_limit(store, run, folder):
    artifact = Artifact("new", "dataset")

    with refused(InvalidName, store, match="holds more than 1 files", artifact=artifact) as caught:
        artifact.add_reference(folder.as_uri(), max_objects=1)
    assert caught.value.hint == "raise max_objects"
    with refused(InvalidName, store, match="holds more than 0 files", artifact=artifact):
        artifact.add_reference(folder.as_uri(), max_objects=0)

    assert len(artifact.add_reference(folder.as_uri(), max_objects=2)) == 2


NAMES = ["a b.txt", "100%25.txt", "a%20b", "a#b.txt", "a?b=c.txt", "é.txt", "a&b;c", "~x", "a:b"]


def test_whatever_files_are_called_their_references_lead_back_to_them(run, folder):
    for name in NAMES:
        (folder / name).write_text(name)
    artifact = Artifact("new", "dataset")

    artifact.add_reference(folder.as_uri())
    run.log_artifact(artifact)
    root = Path(artifact.download())

    assert {name: (root / name).read_text() for name in NAMES} == {name: name for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_referenced_by_its_plain_or_its_escaped_path(run, folder, name):
    (folder / name).write_text(name)

    for number, uri in enumerate([(folder / name).as_uri(), f"file://{folder}/{name.replace('%', '%25')}"]):
        artifact = Artifact(f"new{number}", "dataset")
        (entry,) = artifact.add_reference(uri)
        run.log_artifact(artifact)
        assert (entry.path, entry.ref) == (name, uri)
        assert Path(artifact.download(), name).read_text() == name


def test_a_relative_reference_is_made_absolute(run, workdir, folder, monkeypatch):
    artifact = Artifact("new", "dataset")

    (entry,) = artifact.add_reference("file://data/a.txt")
    run.log_artifact(artifact)
    monkeypatch.chdir(folder)

    assert entry.ref == f"file://{folder}/a.txt"
    assert Path(artifact.download(), "a.txt").read_text() == "a"


def test_a_referenced_file_that_is_gone_or_changed_is_never_passed_off(run, folder, tmp_path):
    for name in ("gone", "changed", "same"):
        (folder / name).write_text(name)
    artifact = Artifact("new", "dataset")
    artifact.add_reference(folder.as_uri())
    run.log_artifact(artifact)
    artifact.download(tmp_path / "before")
    (folder / "gone").unlink()
    (folder / "changed").write_text("CHANGED")

    for missing, kind, said in [
        ("gone", SourceMissing, "does not exist any more"),
        ("changed", SourceChanged, "is no longer"),
    ]:
        with pytest.raises(
            kind, match=f"The file behind '{missing}', 'file://{folder}/{missing}', {said}"
        ) as caught:
            artifact.get_entry(missing).download(tmp_path / "one")
        assert "allow_missing_references=True" in caught.value.hint
        assert not (tmp_path / "one" / missing).exists()
    with pytest.raises((SourceMissing, SourceChanged)):
        artifact.download(tmp_path / "all")
    artifact.download(tmp_path / "partly", allow_missing_references=True)
    artifact.download(tmp_path / "before")

    assert sorted(os.listdir(tmp_path / "partly")) == ["a.txt", "same", "sub"]
    assert (tmp_path / "before" / "changed").read_text() == "changed"


def test_a_reference_without_a_checksum_gives_what_is_there_now(run, folder, tmp_path):
    artifact = Artifact("new", "dataset")
    artifact.add_reference((folder / "a.txt").as_uri(), checksum=False)
    run.log_artifact(artifact)
    artifact.download(tmp_path / "out")
    (folder / "a.txt").write_text("another, and longer")

    artifact.download(tmp_path / "out")

    assert (tmp_path / "out" / "a.txt").read_text() == "another, and longer"


# --- where downloads go ----------------------------------------------------------------------------


def test_nothing_is_downloaded_into_the_store(store, run):
    artifact = run.use_artifact("ds:v0")

    for root in (store, store / "packs", store / "tmp", store / "new"):
        for call in (
            artifact.download,
            artifact.checkout,
            lambda root: artifact.get_entry("x").download(root),
        ):
            with refused(UnsafeTarget, store, match="lies inside the store") as caught:
                call(root)
            assert caught.value.hint == "download to another folder"
    assert Path(artifact.download(run.dir), "x").read_text() == "x"


def test_an_artifact_that_names_the_store_does_not_overwrite_it(home, store, run):
    artifact = Artifact("hostile", "dataset")
    artifact.add_file("x", name="store/localart.db")
    artifact.add_file("x", name="fine")
    run.log_artifact(artifact)

    for call in (artifact.download, artifact.checkout, artifact.get_entry("store/localart.db").download):
        with refused(UnsafeTarget, store, match="would be written into the store"):
            call(home)
    assert artifact.download() == str(home / "work" / "artifacts" / "hostile:v0")


def test_a_checkout_around_the_store_leaves_the_store(home, store, run):
    (home / "extra").write_text("extra")

    run.use_artifact("ds:v0").checkout(home)

    assert (home / "x").read_text() == "x"
    assert not (home / "extra").exists()
    run.use_artifact("ds:v0").verify(home)
    assert run.use_artifact("ds:v0").download(home / "again") == str(home / "again")


# --- logging and using artifacts -------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, 5, b"x", ["x"], {"a": 1}, object()])
def test_only_artifacts_and_paths_are_logged_and_only_artifacts_and_names_are_used(store, run, given):
    with refused(TypeError, store, match="log_artifact takes an Artifact or a path"):
        run.log_artifact(given)
    with refused(TypeError, store, match="must be a str"):
        run.use_artifact(given)


def test_a_path_that_leads_nowhere_is_not_logged(store, run, workdir):
    for path in ("nowhere", "", "x/y", "a\0b"):
        with refused(SourceMissing, store, match="neither a file nor a folder") as caught:
            run.log_artifact(path)
        assert isinstance(caught.value, ValueError)
    Path("two words.csv").touch()
    with refused(InvalidName, store, match="'two words.csv' cannot be part of an artifact's name") as caught:
        run.log_artifact("two words.csv")
    assert caught.value.hint == "pass name='…' to log it"
    with refused(InvalidName, store, match="is no address"):
        run.log_artifact("http://[::1/x")


LABELS = [
    ({"aliases": ["a/b"]}, InvalidName, "without '/' and ':'"),
    ({"aliases": ["ok", "v3"]}, InvalidName, "looks like a version number"),
    ({"aliases": [""]}, InvalidName, "1–128 characters"),
    ({"aliases": ["\ud800"]}, InvalidName, "invisible"),
    ({"aliases": [5]}, TypeError, "alias must be a str, not int"),
    ({"aliases": 5}, TypeError, "not iterable"),
    ({"tags": ["a.b"]}, InvalidName, "letters, digits"),
    ({"tags": [None]}, TypeError, "tag must be a str, not NoneType"),
    ({"tags": 5}, TypeError, "not iterable"),
]


@pytest.mark.parametrize(("labels", "kind", "said"), LABELS, ids=[ascii(one[0]) for one in LABELS])
def test_a_bad_alias_or_tag_logs_nothing(store, run, labels, kind, said):
    draft = Artifact("new", "dataset")
    draft.add_file("x")
    logged = run.use_artifact("ds:v0")

    for artifact in (draft, logged):
        with refused(kind, store, match=said):
            run.log_artifact(artifact, **labels)
    with refused(kind, store, match=said):
        run.log_artifact("x", **labels)
    for name, value in labels.items():
        with refused((kind, ValueError), store):
            setattr(logged, name, value)
            logged.save()
    assert draft.is_draft()


def test_one_alias_or_tag_may_be_given_as_it_is(run):
    artifact = Artifact("new", "dataset")

    run.log_artifact(artifact, aliases="one", tags="two words")
    assert (artifact.aliases, artifact.tags) == (["latest", "one"], ["two words"])
    artifact.aliases, artifact.tags = "other", "third"
    artifact.save()

    assert (artifact.aliases, artifact.tags) == (["other"], ["third"])


def test_an_artifact_of_nothing_is_logged(run):
    artifact = Artifact("new", "dataset")

    run.log_artifact(artifact)

    assert (artifact.version, artifact.size, artifact.file_count) == ("v0", 0, 0)
    assert os.listdir(artifact.download()) == []


def test_one_name_has_one_type(store, run):
    artifact = Artifact("ds", "model")
    artifact.add_file("x")

    with refused(ContentConflict, store, match="'ds' already exists with type 'dataset'", artifact=artifact):
        run.log_artifact(artifact)
    with refused(ArtifactTypeMismatch, store, match="has type 'dataset', not 'model'"):
        run.use_artifact("ds", type="model")

    artifact.add_file("x", name="y")
    assert artifact.is_draft()


ADDRESSES = [
    "",
    ":",
    "ds:",
    "ds::",
    "ds:a:b",
    "/ds",
    "a/b/c/ds",
    "ds:\0",
    "ds:\ud800",
    "\ud800",
    "p\ud800/ds",
    "a b",
]
ADDRESSES += ["ds:v0\n", "ds/", "..", "ds:\u202e"]
UNKNOWN = [
    "nope",
    "ds:nope",
    "ds:v1",
    "ds:v01",
    "ds:V0",
    "ds:v\uff10",
    "ds:v1_0",
    "ds:v 0",
    "ds:v0 ",
    "ds:v+0",
    "q/ds",
]
UNKNOWN += ["ds:v9999999999999999999", "ds:BEST", "DS"]


@pytest.mark.parametrize("address", ADDRESSES, ids=ascii)
def test_what_is_no_address_finds_nothing(store, run, address):
    with refused(CommError, store) as caught:
        run.use_artifact(address)
    assert caught.value.hint
    with refused(CommError, store):
        localart.Api().artifact(address)


@pytest.mark.parametrize("address", UNKNOWN, ids=ascii)
def test_what_does_not_exist_is_not_found(store, run, address):
    with refused(ArtifactNotFound, store) as caught:
        run.use_artifact(address)
    assert caught.value.hint
    assert isinstance(caught.value, LookupError)


@pytest.mark.parametrize("use_as", ["\ud800", "a\nb", 5, ["x"]])
def test_a_bad_use_is_not_recorded(store, run, use_as):
    with refused((InvalidName, TypeError), store, match="use_as"):
        run.use_artifact("ds:v0", use_as=use_as)


def test_a_deleted_version_is_gone_for_everybody(store, run):
    artifact = Artifact("doomed", "dataset")
    artifact.add_file("x")
    run.log_artifact(artifact)
    other = run.use_artifact("doomed:v0")
    artifact.delete(delete_aliases=True)

    for held in (artifact, other):
        for act in (
            held.download, held.checkout, held.verify, held.save, held.delete,
            lambda: run.log_artifact(held), lambda: run.use_artifact(held), lambda: held.delete(True),  # noqa: B023
        ):  # fmt: skip
            with refused(ArtifactNotFound, store, match="doomed:v0 was deleted") as caught:
                act()
            assert caught.value.hint
    for address in ("doomed:v0", "doomed", "doomed:latest"):
        with refused(ArtifactNotFound, store):
            run.use_artifact(address)
    assert artifact.logged_by().id == run.id


def test_a_version_of_another_store_is_not_taken_for_one_of_this(store, run, home, monkeypatch):
    monkeypatch.setenv("LOCALART_DIR", str(home / "other"))
    other = localart.init(project="p", reinit="create_new")
    theirs = Artifact("theirs", "dataset")
    other.log_artifact(theirs)

    for act in (run.log_artifact, run.use_artifact):
        with refused(ArtifactNotFound, store, match="p/theirs:v0 is not in this store") as caught:
            act(theirs)
        assert "LOCALART_DIR" in caught.value.hint


def test_a_draft_has_no_version(store, run):
    artifact = Artifact("new", "dataset")

    for name in ("version", "aliases", "tags", "project", "qualified_name", "created_at", "file_count"):
        with refused(ArtifactNotLoggedError, store, match=f"has no {name} before it is logged"):
            getattr(artifact, name)
        assert not hasattr(artifact, name)
    for act in (artifact.download, artifact.checkout, artifact.verify, artifact.wait, artifact.delete):
        with refused(ArtifactNotLoggedError, store):
            act()


# --- metadata and descriptions ---------------------------------------------------------------------


def holding_itself():
    loop = {}
    loop["deep"] = {"er": loop}
    return loop


def nested(levels):
    value = {}
    for _ in range(levels):
        value = {"a": value}
    return value


BAD_METADATA = [
    ({"x": float("inf")}, InvalidMetadata, r"'metadata\.x' is infinite"),
    ({"x": [{"y": -float("inf")}]}, InvalidMetadata, r"'metadata\.x\[0\]\.y' is infinite"),
    (holding_itself(), InvalidMetadata, "holds itself"),
    (nested(65), InvalidMetadata, "nested deeper than 64 levels"),
    (nested(5000), InvalidMetadata, "nested deeper than 64 levels"),
    ({str(n): n for n in range(101)}, InvalidMetadata, "101 top-level keys, and 100 are allowed"),
    ({"x": "y" * (1 << 20)}, InvalidMetadata, r"1,048,\d+ bytes as JSON, and 1,048,576 are allowed"),
    ({"\ud800": 1}, InvalidMetadata, "half of a character pair"),
    ({"x": "\udfff"}, InvalidMetadata, r"'metadata\.x' holds half"),
    ({"x": b"\xff"}, InvalidMetadata, r"'metadata\.x' holds bytes that are not UTF-8"),
    ({"x": 1 << 5000}, InvalidMetadata, "more than 4096 bits"),
    ({"x": object()}, TypeError, r"'metadata\.x' is of type object"),
    ({b"x": 1}, TypeError, "JSON keys are text"),
    ([1], TypeError, "metadata must be a dict"),
    (5, TypeError, "metadata must be a dict"),
    ("[1]", TypeError, "metadata must be a dict"),
    ("{", InvalidMetadata, "This is not JSON"),
    ('{"a": NaN}', InvalidMetadata, "JSON has no NaN"),
    ('{"a": 1, "a": 2}', InvalidMetadata, "repeats the key 'a'"),
    ('{"a": 1e999}', InvalidMetadata, "is too large"),
    ("[" * 100_000, InvalidMetadata, "nested deeper"),
]


@pytest.mark.parametrize(("metadata", "kind", "said"), BAD_METADATA, ids=range(len(BAD_METADATA)))
def test_metadata_that_json_cannot_hold_is_refused_with_its_place(store, run, metadata, kind, said):
    draft, logged = Artifact("new", "dataset"), run.use_artifact("ds:v0")

    with refused(kind, store, match=said):
        Artifact("new", "dataset", metadata=metadata)
    for artifact in (draft, logged):
        with refused(kind, store, match=said):
            artifact.metadata = metadata
    if isinstance(metadata, dict):
        draft.metadata.update(metadata)
        logged.metadata.update(metadata)
        with refused(kind, store, match=said):
            run.log_artifact(draft)
        with refused(kind, store, match=said):
            logged.save()
        assert draft.is_draft()


@pytest.mark.parametrize(
    "text", ["a\0", "\ud800", "x" * 1_000_001, 5, b"x"], ids=lambda text: ascii(text)[:12]
)
def test_prose_that_cannot_be_kept_is_refused(store, run, text):
    logged = run.use_artifact("ds:v0")

    with refused((InvalidName, TypeError), store, match="Description"):
        Artifact("new", "dataset", description=text)
    with refused((InvalidName, TypeError), store, match="Description"):
        logged.description = text
    with refused((InvalidName, TypeError), store, match="Notes"):
        run.notes = text
    with refused((InvalidName, TypeError), store, match="Notes"):
        localart.init(project="p", notes=text, reinit="create_new")


# --- runs ------------------------------------------------------------------------------------------

BAD_INIT = [
    ({"project": "a/b"}, UsageError, "Project name"),
    ({"project": ".."}, UsageError, "Project name"),
    ({"project": "\ud800"}, UsageError, "Project name"),
    ({"project": 5}, TypeError, "project must be a str"),
    ({"id": "a/b"}, UsageError, "Run id"),
    ({"id": " "}, UsageError, "Run id"),
    ({"id": 5}, TypeError, "run id"),
    ({"name": "\n"}, InvalidName, "Run name"),
    ({"name": 5}, TypeError, "Run name"),
    ({"group": "\x1b[31m"}, InvalidName, "Group"),
    ({"job_type": "\u202e"}, InvalidName, "Job type"),
    ({"tags": ["\ud800"]}, InvalidName, "Tag"),
    ({"tags": [5]}, TypeError, "tag must be a str"),
    ({"tags": 5}, TypeError, "not iterable"),
    ({"config": 5}, TypeError, "config must be a dict"),
    ({"config": {1: 2}}, TypeError, "config key '1' must be a str"),
    ({"config": {"\ud800": 1}}, InvalidMetadata, "Config key"),
    ({"config": {"--": 1}}, UsageError, "has no name"),
    ({"config": holding_itself()}, InvalidMetadata, "holds itself"),
    ({"config": nested(70)}, InvalidMetadata, "deeper"),
    ({"config": "nowhere.yaml"}, SourceMissing, "does not exist"),
    ({"config": {"x": object()}}, TypeError, "config.x"),
    ({"config": {"x": "y" * (65 << 20)}}, InvalidMetadata, "bytes as JSON, and 67,108,864 are allowed"),
    ({"mode": "quantum"}, ValueError, "mode must be one of"),
    ({"mode": 5}, ValueError, "mode must be one of"),
    ({"resume": "maybe"}, ValueError, "resume must be one of"),
    ({"resume": 5}, ValueError, "resume must be one of"),
    ({"id": "nope", "resume": "must"}, UsageError, "There is no run 'nope'"),
]


@pytest.mark.parametrize(("given", "kind", "said"), BAD_INIT, ids=[stable_id(one[0]) for one in BAD_INIT])
def test_a_run_that_cannot_be_right_is_not_begun_and_ends_no_other(store, run, given, kind, said):
    named = {"project": "p"} | given

    for reinit in ("create_new", "finish_previous"):
        if "must" not in given.values() or reinit == "create_new":
            with refused(kind, store, match=said):
                localart.init(**named, reinit=reinit)
            assert localart.run is run
    assert not list((store / "tmp").iterdir())
    assert len(list((store / "locks").glob("run-*"))) == 1
    run.log({"still": 1})


@pytest.mark.parametrize("reinit", ["sometimes", 5])
def test_an_unknown_reinit_is_refused(store, run, reinit):
    with refused(ValueError, store, match="reinit must be one of"):
        localart.init(reinit=reinit)


def test_a_bad_run_id_from_the_environment_is_refused_too(store, run, monkeypatch):
    monkeypatch.setenv("WANDB_RUN_ID", "a/b")

    with refused(UsageError, store, match="Run id 'a/b'"):
        localart.init(reinit="create_new")


@pytest.mark.parametrize(
    ("name", "value"), [("name", "\ud800"), ("name", 5), ("tags", ["\n"]), ("tags", [5])]
)
def test_a_bad_change_of_a_run_changes_nothing(store, run, name, value):
    before = getattr(run, name)

    with refused((InvalidName, TypeError), store):
        setattr(run, name, value)

    assert getattr(run, name) == before
    run.tags = "one tag, lr=0.1"
    assert run.tags == ("one tag, lr=0.1",)


def test_a_finished_run_takes_nothing(store, run):
    run.finish()

    for act in (
        lambda: run.log({"a": 1}),
        lambda: run.log_artifact(Artifact("new", "dataset")),
        lambda: run.use_artifact("ds:v0"),
        lambda: run.save("x"),
        lambda: run.config.update({"a": 1}),
        lambda: run.summary.update({"a": 1}),
        lambda: setattr(run, "name", "x"),
        lambda: setattr(run, "tags", ["x"]),
    ):
        with refused(UsageError, store, match=f"Run {run.id} is finished") as caught:
            act()
        assert caught.value.hint == "start one with init()"
    run.finish()


# --- metrics, config, summary ----------------------------------------------------------------------

BAD_VALUES = [
    ({"\ud800": 1}, InvalidName, "Metric name"),
    ({"a\0": 1}, InvalidName, "Metric name"),
    ({"k" * 1025: 1}, InvalidName, "longer than 1024"),
    ({5: 1}, TypeError, "must be str, not int"),
    ({b"a": 1}, TypeError, "must be str, not bytes"),
    ({"a": {"\ud800": 1}}, InvalidName, "Metric name"),
    ({"a": {b"b": 1}}, TypeError, "has a key of type bytes"),
    ({"a": {"x" * 600: {"y" * 600: 1}}}, InvalidName, "longer"),
    ({"a": {1: 1, "1": 2}}, InvalidMetadata, "two keys that both become '1'"),
    ({"a": holding_itself()}, InvalidMetadata, "deeper than 64"),
    (nested(70), InvalidMetadata, "deeper than 64"),
    ({"a": "\ud800"}, InvalidMetadata, "'a' holds half"),
    ({"a": b"\xff"}, InvalidMetadata, "not UTF-8"),
    ({"a": 1 << 5000}, InvalidMetadata, "more than 4096 bits"),
    ({"a": object()}, TypeError, "is of type object"),
    ({"a": "y" * (65 << 20)}, InvalidMetadata, "are allowed"),
    (None, TypeError, "takes a dict"),
    ([1], TypeError, "takes a dict"),
]


@pytest.mark.parametrize(("values", "kind", "said"), BAD_VALUES, ids=range(len(BAD_VALUES)))
def test_a_bad_metric_logs_nothing_of_its_step(store, run, values, kind, said):
    run.log({"good": 1})
    if isinstance(values, dict):
        values = {"before": 1, **values, "after": 2}

    with refused(kind, store, match=said):
        run.log(values)

    assert run.step == 1
    assert dict(run.summary) == {"good": 1}
    run.log({"good": 2})
    run.finish()
    assert [row["good"] for row in localart.Api().run(f"p/{run.id}").scan_history()] == [1, 2]


@pytest.mark.parametrize("step", [1.5, 2.0, "5", b"1", float("nan"), [1], 1 << 53 | 1, 1 << 63, 1 << 80])
def test_a_step_that_is_no_whole_number_logs_nothing(store, run, step):
    run.log({"good": 1})

    with refused((TypeError, ValueError), store):
        run.log({"good": 2}, step=step)

    assert run.step == 1


def test_pictures_beside_a_bad_value_or_an_old_step_are_not_kept(store, run):
    numpy = pytest.importorskip("numpy")
    image = localart.Image(numpy.zeros((4, 4), dtype="uint8"))
    run.log({"good": 1}, step=5)

    with refused(InvalidMetadata, store):
        run.log({"picture": image, "bad": 1 << 5000})
    before = rows(store)
    run.log({"picture": image}, step=4)

    assert rows(store) == before


@pytest.mark.parametrize(
    "number", [1 << 62, 1 << 63, -(1 << 63) - 1, 10**400, 5e-324, float("inf"), float("-inf")]
)
def test_any_number_comes_back_as_it_was(run, number):
    run.log({"n": number})
    run.config["n"] = number
    run.summary["s"] = number
    run.finish()

    kept = localart.Api().run(f"p/{run.id}")

    assert [row["n"] for row in kept.scan_history()] == [number]
    assert (kept.config["n"], kept.summary["n"], kept.summary["s"]) == (number, number, number)


@pytest.mark.parametrize(
    ("value", "kind"),
    [({"\ud800": 1}, InvalidMetadata), ({"a": holding_itself()}, InvalidMetadata), ({"a": object()}, TypeError),
     ({"a": "\ud800"}, InvalidMetadata), ({5: 1}, TypeError), ({"a": "y" * (65 << 20)}, InvalidMetadata)],
)  # fmt: skip
def test_a_bad_value_changes_neither_config_nor_summary(store, run, value, kind):
    run.config["kept"] = run.summary["kept"] = 1

    with refused(kind, store):
        run.config.update(value)
    with refused(kind, store):
        run.summary.update(value)

    assert (dict(run.config), dict(run.summary)) == ({"kept": 1}, {"kept": 1})


def test_a_run_whose_values_are_too_large_together_does_not_stop_others(run):
    for key in ("a", "b"):
        run.log({key: "y" * (40 << 20)})

    with pytest.raises(InvalidMetadata, match="are allowed"):
        run.finish()
    del run.summary["b"]
    run.finish()

    assert localart.Api().run(f"p/{run.id}").state == "finished"


# --- files of a run --------------------------------------------------------------------------------


def test_a_file_that_cannot_be_kept_does_not_keep_the_run_from_ending(run, capsys, monkeypatch):
    monkeypatch.setattr(run._reporter, "_silent", False)
    folder = Path(run.dir)
    (folder / "good").write_text("good")
    (folder / "bad\nname").write_text("bad")

    run.finish()

    assert localart.Api().run(f"p/{run.id}").files() == ["good"]
    assert (folder / "bad\nname").read_text() == "bad"
    assert "was not kept: Path 'bad\\nname' holds the invisible character" in capsys.readouterr().err


def test_saving_a_path_outside_its_base_keeps_none_of_the_files(store, run, folder):
    with refused(InvalidName, store, match="leaves the artifact"):
        run.save(f"{folder.parent}/**", base_path=folder)
    with refused(ValueError, store, match="policy must be one of"):
        run.save("x", policy="never")


# --- what the environment says ---------------------------------------------------------------------


def test_a_disabled_run_takes_anything_and_keeps_nothing(home, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "disabled")
    monkeypatch.setenv("LOCALART_DIR", str(home / "untouched"))

    with localart.init(project="a/b", id="\ud800") as run:
        run.log({"\ud800": object()})
        run.log_artifact("nowhere").wait()
        assert run.use_artifact("nope") is None
        run.anything.at.all()
    localart.finish()

    assert not (home / "untouched").exists()


def test_silence_is_kept_and_talk_is_escaped(capsys, monkeypatch):
    monkeypatch.setenv("LOCALART_SILENT", "")
    monkeypatch.setenv("WANDB_SILENT", "true")
    with localart.init(project="p"):
        pass
    assert capsys.readouterr() == ("", "")
    monkeypatch.setenv("WANDB_SILENT", "false")

    with localart.init(project="p", name="plain"):
        pass

    said = capsys.readouterr()
    assert said.out == ""
    assert all(line.startswith("localart: ") for line in said.err.splitlines())


def test_the_environment_names_project_run_and_labels(monkeypatch):
    for name, value in {
        "WANDB_PROJECT": "theirs", "LOCALART_NAME": "a name", "WANDB_RUN_GROUP": "g", "WANDB_JOB_TYPE": "j",
        "WANDB_TAGS": "a, lr=0.1 ,", "WANDB_NOTES": "n", "WANDB_RUN_ID": "given",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    run = localart.init()

    assert (run.project, run.name, run.group, run.job_type, run.notes, run.id) == (
        "theirs", "a name", "g", "j", "n", "given",
    )  # fmt: skip
    assert run.tags == ("a", "lr=0.1")


# --- forked processes ------------------------------------------------------------------------------


def in_child(act):
    """What `act()` returns in a forked child, or the error it raises there, as text."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            said = repr(act())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    with open(read) as file:
        said = file.read()
    os.waitpid(pid, 0)
    return said


def test_a_draft_made_before_a_fork_is_refused_in_the_child_and_logged_by_the_parent(run):
    artifact = Artifact("forked", "dataset")
    Path("y").write_text("y")
    artifact.add_file("y")

    said = in_child(lambda: run.log_artifact(artifact).version)
    run.log_artifact(artifact)

    assert said.startswith("BlobMissing: The content of 'y' was added, but is not in the store")
    assert "add it again" in said
    assert Path(artifact.download(), "y").read_text() == "y"


def test_a_draft_can_be_completed_and_logged_in_the_child(run):
    artifact = Artifact("forked", "dataset")
    Path("y").write_text("y")
    artifact.add_file("y")

    def again():
        artifact.add_file("y", overwrite=True)
        artifact.add_file("x")
        return run.log_artifact(artifact).version

    assert in_child(again) == "'v0'"
    assert Path(run.use_artifact("forked").download(), "y").read_text() == "y"


def test_a_run_used_in_a_child_is_still_its_parents_to_end(run):
    def work():
        run.log({"child": 1}, step=10)
        used = run.use_artifact("ds:v0").download()
        with run:
            run.config["child"] = True
        run.finish()
        return os.path.exists(f"{used}/x")

    said = in_child(work)

    api = localart.Api()
    assert said == "True"
    assert api.run(f"p/{run.id}").state == "running"
    run.log({"parent": 2}, step=11)
    run.finish()
    assert api.run(f"p/{run.id}").state == "finished"
    assert [row["_step"] for row in api.run(f"p/{run.id}").scan_history()] == [10, 11]


def test_a_child_begins_runs_of_its_own(run):
    def work():
        with pytest.raises(localart.Error):
            localart.log({"a": 1})
        with localart.init(project="p", id="child") as own:
            own.log_artifact("x", name="from-child", type="dataset")
        return localart.run

    assert in_child(work) == "None"
    assert localart.Api().run("p/child").state == "finished"
    assert localart.Api().artifact("p/from-child").logged_by().id == "child"
