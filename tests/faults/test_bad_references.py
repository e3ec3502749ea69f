"""References that lead nowhere, and downloads that may not go where they are told."""

import os
from pathlib import Path

import pytest
from refusals import refused

from localart import Artifact
from localart.errors import (
    InvalidName,
    NotLocalError,
    SourceChanged,
    SourceMissing,
    UnsafeTarget,
)

# --- references ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("data.csv", "has no scheme"), ("/data.csv", "has no scheme"), ("", "has no scheme"),
        (" s3://b/k", "has no scheme"), ("s3://b/k\n", "invisible character"), ("s3://b/\ud800", "is not UTF-8"),
        ("http://host/", "names no file"), ("x:", "tells no name"), ("ours+x:y/a", "tells no name"),
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
    "uri", ["http://host/a?b#c", "https://host/x/a", "s3://b/a", "gs://b/a", "s3://a", "ours+x:y/z"]
)
def test_any_other_scheme_is_recorded_as_it_stands_without_network(run, workdir, uri):
    artifact = Artifact("new", "dataset")

    (entry,) = artifact.add_reference(uri, name="a" if uri.startswith("ours") else None)
    run.log_artifact(artifact)

    assert (entry.path, entry.ref, entry.size, artifact.size) == ("a", uri, None, 0)
    assert run.use_artifact("new:v0").get_entry("a").ref_target() == uri
    with pytest.raises(NotLocalError, match="only when you say so"):
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
