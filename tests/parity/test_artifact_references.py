"""References: what is recorded without touching the network, and what a download brings when it is told to."""

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

import localart
from localart.errors import NotLocalError, SourceError, SourceMissing
from localart.operations.prune import execute_prune


def artifact(name: str = "refs") -> localart.Artifact:
    return localart.Artifact(name, type="dataset")


def with_text(text: str, name: str = "source", path: str = "dir/a.txt") -> localart.Artifact:
    made = artifact(name)
    with made.new_file(path) as file:
        file.write(text)
    return made


# --- what is recorded -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "checksum", "path"),
    [
        ("http://host/x/a.bin?b#c", True, "a.bin"), ("https://host/x/a.bin", False, "a.bin"),
        ("s3://bucket/x/a.bin", True, "a.bin"), ("s3://bucket/x/a.bin?versionId=3", False, "x/a.bin"),
        ("gs://bucket/x/a.bin", True, "a.bin"), ("s3://bucket", True, "bucket"), ("s3://bucket/", False, "bucket"),
    ],
)  # fmt: skip
def test_a_reference_is_named_as_wandb_names_it(uri: str, checksum: bool, path: str) -> None:
    (entry,) = artifact().add_reference(uri, checksum=checksum)

    assert (entry.path, entry.ref, entry.ref_target(), entry.size) == (path, uri, uri, None)


def test_a_scheme_nobody_knows_needs_a_name() -> None:
    with pytest.raises(ValueError, match="pass name"):
        artifact().add_reference("ours://host/a.bin")

    (entry,) = artifact().add_reference("ours://host/a.bin", name=Path("dir/a.bin"))
    assert (entry.path, entry.ref) == ("dir/a.bin", "ours://host/a.bin")


def test_without_a_checksum_only_the_address_counts(workdir: Path) -> None:
    digests = []
    for text in ("one", "two"):
        (workdir / "x").write_text(text)
        made = artifact()
        made.add_reference((workdir / "x").as_uri(), checksum=False)
        digests.append(made.digest)

    assert digests[0] == digests[1]


# --- entries of other artifacts -----------------------------------------------------------------------------------


@pytest.fixture
def source(run: localart.Run) -> localart.Artifact:
    """`demo/source:v0` with one file, logged by another run."""
    logged = run.log_artifact(with_text("shared"))
    run.finish()
    return logged


def test_an_entry_of_another_artifact_is_shared(source: localart.Artifact) -> None:
    entry = source.get_entry("dir/a.txt")
    made = artifact()

    (by_entry,) = made.add_reference(entry)
    (by_url,) = made.add_reference(entry.ref_url(), name="other/b.txt")
    with localart.init(project="demo") as run:
        run.log_artifact(made)

    assert entry.ref_url() == f"wandb-artifact://{source.id.replace('-', '')}/dir/a.txt"
    assert (by_entry.path, by_url.path, by_entry.digest) == ("a.txt", "other/b.txt", entry.digest)
    assert Path(made.get_entry("other/b.txt").download()).read_text() == "shared"
    assert [one.name for one in run.used_artifacts()] == ["source:v0"]
    assert [one.id for one in source.used_by()] == [run.id]


@pytest.mark.parametrize("address", ["{id}/dir/a.txt", "_id/{id}/dir/a.txt", "demo/source:latest/dir/a.txt"])
def test_every_address_of_an_entry_is_understood(address: str, source: localart.Artifact) -> None:
    made = artifact()

    made.add_reference("wandb-artifact://" + address.format(id=source.id.replace("-", "")))

    assert list(made.manifest.entries) == ["a.txt"]


@pytest.mark.parametrize(
    "address", ["0" * 32 + "/a", "demo/source:v0/none", "demo/source:v0", "demo/none:v0/a", "nonsense", ""]
)
def test_an_address_of_nothing_is_a_value_error(address: str, source: localart.Artifact) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        artifact().add_reference("wandb-artifact://" + address)


def test_an_entry_of_a_draft_cannot_be_referred_to() -> None:
    entry = with_text("x").manifest.entries["dir/a.txt"]

    with pytest.raises(ValueError, match="before its artifact is logged"):
        artifact().add_reference(entry)


def test_a_shared_entry_survives_its_source(source: localart.Artifact) -> None:
    made = artifact()
    made.add_reference(source.get_entry("dir/a.txt"))
    with localart.init(project="demo") as run:
        run.log_artifact(made)

    source.delete(delete_aliases=True)
    execute_prune(made.repository, trash_seconds=0)

    assert Path(made.file()).read_text() == "shared"


def test_a_removed_entry_makes_no_lineage(source: localart.Artifact) -> None:
    made = artifact()
    made.add_reference(source.get_entry("dir/a.txt"))
    made.remove("a.txt")

    with localart.init(project="demo") as run:
        run.log_artifact(made)

    assert run.used_artifacts() == []


def test_a_reference_of_another_artifact_stays_a_reference(run: localart.Run) -> None:
    first = artifact("first")
    first.add_reference("s3://bucket/key")
    run.log_artifact(first)
    second = artifact("second")

    (entry,) = second.add_reference(first.get_entry("key"))

    assert entry.ref_target() == "s3://bucket/key"


def test_an_entry_of_another_store_is_copied(
    source: localart.Artifact, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALART_DIR", str(home / "second"))
    made = artifact()
    made.add_reference(source.get_entry("dir/a.txt"))

    with localart.init(project="demo") as run:
        run.log_artifact(made)

    assert made.repository is not source.repository
    assert Path(made.file()).read_text() == "shared"


# --- what is fetched -----------------------------------------------------------------------------------------------


def test_nothing_is_fetched_unless_it_is_asked_for(run: localart.Run) -> None:
    made = artifact()
    made.add_reference("memory://folder/a.bin", name="a.bin")
    run.log_artifact(made)

    for call in (made.download, made.checkout, made.get_entry("a.bin").download):
        with pytest.raises(NotLocalError, match="LOCALART_FETCH_REFERENCES=1"):
            call()
    assert list(Path(made.download(allow_missing_references=True)).iterdir()) == []


@pytest.fixture
def remote() -> Iterator[str]:
    """A file at `memory://folder/a.bin`."""
    fsspec = pytest.importorskip("fsspec")
    with fsspec.open("memory://folder/a.bin", "wb") as file:
        file.write(b"far away" * 300_000)
    yield "memory://folder/a.bin"
    fsspec.filesystem("memory").store.clear()


def test_a_remote_file_is_fetched_when_the_call_says_so(run: localart.Run, remote: str) -> None:
    made = artifact()
    made.add_reference(remote, name="a.bin")
    run.log_artifact(made)

    folder = made.download(fetch_references=True)
    alone = made.get_entry("a.bin").download("alone", fetch_references=True)

    assert (Path(folder) / "a.bin").read_bytes() == b"far away" * 300_000
    assert Path(alone).stat().st_size == 8 * 300_000
    assert [path.name for path in Path(folder).iterdir()] == ["a.bin"]


def test_a_remote_file_is_fetched_when_the_environment_says_so(
    run: localart.Run, remote: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = artifact()
    made.add_reference(remote, name="a.bin")
    run.log_artifact(made)
    monkeypatch.setenv("LOCALART_FETCH_REFERENCES", "1")

    assert Path(made.file()).stat().st_size == 8 * 300_000
    with pytest.raises(NotLocalError):
        made.download(fetch_references=False)


def test_a_remote_file_that_is_gone_may_be_left_out(run: localart.Run, remote: str) -> None:
    made = artifact()
    made.add_reference("memory://folder/gone.bin", name="gone.bin")
    made.add_reference(remote, name="a.bin")
    run.log_artifact(made)

    with pytest.raises(SourceMissing, match="is not there"):
        made.download(fetch_references=True)
    folder = made.download(fetch_references=True, allow_missing_references=True)

    assert [path.name for path in Path(folder).iterdir()] == ["a.bin"]


def test_a_scheme_nobody_can_fetch_says_so(run: localart.Run) -> None:
    made = artifact()
    made.add_reference("ours://host/a", name="a")
    run.log_artifact(made)

    with pytest.raises(NotLocalError, match="cannot be fetched"):
        made.download(fetch_references=True)


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path != "/a.bin":
            self.send_error(404 if self.path == "/gone" else 500)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"from the web")

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def site(socket_enabled: None) -> Iterator[str]:
    """A web site on this machine."""
    server = HTTPServer(("127.0.0.1", 0), _Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_web_is_read_without_any_package(run: localart.Run, site: str) -> None:
    made = artifact()
    made.add_reference(f"{site}/a.bin")
    run.log_artifact(made)

    assert Path(made.get_entry("a.bin").download(fetch_references=True)).read_text() == "from the web"


@pytest.mark.parametrize(("path", "error"), [("gone", SourceMissing), ("broken", SourceError)])
def test_a_web_page_that_is_not_to_be_had_says_so(
    path: str, error: type[Exception], run: localart.Run, site: str
) -> None:
    made = artifact()
    made.add_reference(f"{site}/{path}")
    run.log_artifact(made)

    with pytest.raises(error, match=path):
        made.download(fetch_references=True)
    assert list(Path("artifacts/refs:v0").iterdir()) == []


def test_without_fsspec_the_way_is_named(run: localart.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = artifact()
    made.add_reference("s3://bucket/a.bin")
    run.log_artifact(made)
    monkeypatch.setitem(sys.modules, "fsspec", None)

    with pytest.raises(NotLocalError, match="pip install fsspec"):
        made.download(fetch_references=True)
