"""Whatever a name is made of: taken and given back exactly, or refused by name; and no file lands elsewhere."""

import os
from itertools import count
from pathlib import Path

import pytest
from hostile_text import hostile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import localart
from localart import Artifact
from localart.errors import CommError, InvalidMetadata, InvalidName, NotLocalError, UsageError
from localart.names import check_entry_path

REFUSALS = (InvalidName, UsageError, InvalidMetadata)
many = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def everything(home):
    """Every file and folder below the test's home but what the store itself and downloads consist of."""
    found = set()
    for folder, folders, files in os.walk(home):
        if Path(folder) == home:
            folders[:] = [name for name in folders if name not in {"store", "cache"}]
        if Path(folder) == home / "work" and "artifacts" in folders:
            folders.remove("artifacts")
        found |= {os.path.join(folder, name) for name in (*folders, *files)}
    return found


@pytest.fixture
def run(home, workdir):
    (workdir / "x").write_text("x")
    run = localart.init(project="p")
    before = everything(home)
    yield run
    assert everything(home) == before
    assert set(os.listdir(home / "store")) <= {
        "LOCALART", "localart.db", "localart.db-shm", "localart.db-wal", "locks", "packs", "quarantine",
        "tmp",
    }  # fmt: skip


numbers = count()


@many
@given(name=hostile, kind=hostile, description=hostile)
def test_an_artifact_is_called_what_it_was_called_or_nothing(run, name, kind, description):
    for key, value in {"name": name, "type": kind, "description": description}.items():
        given_names = {"name": f"a-{next(numbers)}", "type": "t", "description": None, key: value}
        try:
            artifact = Artifact(**given_names)
        except REFUSALS:
            continue
        Path("x").write_text(str(next(numbers)))
        artifact.add_file("x")
        run.log_artifact(artifact)
        found = localart.Api().artifact(f"p/{given_names['name']}:{artifact.version}")
        assert (found.source_name, found.type, found.description) == (
            artifact.source_name, given_names["type"], given_names["description"],
        )  # fmt: skip
        assert os.path.dirname(found.download()) == os.path.abspath("artifacts")


@many
@given(alias=hostile, tag=hostile)
def test_an_alias_or_a_tag_leads_back_or_is_refused(run, alias, tag):
    artifact = Artifact("labelled", "t")
    try:
        run.log_artifact(artifact, aliases=[alias])
    except REFUSALS:
        assert artifact.is_draft()
    else:
        assert alias in localart.Api().artifact(f"p/labelled:{alias}").aliases
    try:
        run.log_artifact(artifact, tags=[tag])
    except REFUSALS:
        return
    assert tag in run.use_artifact("labelled:v0").tags


@many
@given(path=hostile)
def test_a_path_inside_an_artifact_comes_back_or_is_refused_everywhere_alike(run, path):
    artifact = Artifact("paths", "t")
    try:
        entry = artifact.add_file("x", name=path)
        with artifact.new_file(f"d/{path}y") as file:
            file.write("y")
    except REFUSALS:
        for add in (
            lambda: artifact.add_dir(".", name=f"../{path}"),
            lambda: artifact.add_reference("s3://b/k", name=f"/{path}"),
        ):
            with pytest.raises(REFUSALS):
                add()
        return
    run.log_artifact(artifact)
    root = Path(artifact.download())

    assert entry.path == check_entry_path(path or "x")
    assert (root / entry.path).read_text() == "x"
    assert (root / entry.path).resolve().is_relative_to(root)
    assert (root / check_entry_path(f"d/{path}y")).read_text() == "y"
    assert artifact.get_entry(entry.path).size == 1
    assert sorted(os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root)
                  for name in names) == sorted(one.path for one in artifact.manifest)  # fmt: skip
    artifact.verify()
    artifact.checkout()


@many
@given(uri=hostile, name=st.none() | hostile)
def test_a_reference_is_kept_as_it_stands_or_refused(run, uri, name):
    artifact = Artifact("references", "t")
    try:
        entries = artifact.add_reference(f"s3://{uri}", name=name)
    except REFUSALS:
        assert len(artifact.manifest) == 0
        return
    run.log_artifact(artifact)

    assert [entry.ref for entry in entries] == [f"s3://{uri}"]
    assert run.use_artifact(artifact.source_name).get_entry(entries[0].path).ref_target() == f"s3://{uri}"
    with pytest.raises(NotLocalError):
        artifact.download()


@many
@given(path=hostile)
def test_a_file_reference_leads_where_it_says_or_is_refused(run, path):
    artifact = Artifact("files", "t")
    try:
        artifact.add_reference(f"file://{path}", max_objects=10)
    except (*REFUSALS, ValueError):
        assert len(artifact.manifest) == 0


@many
@given(address=hostile)
def test_an_address_finds_what_it_names_or_is_refused(run, address):
    for act in (run.use_artifact, localart.Api().artifact, localart.Api().run):
        with pytest.raises((CommError, InvalidName)):
            act(address)


@many
@given(text=hostile, key=st.sampled_from(["project", "id", "name", "group", "job_type", "notes", "tags"]))
def test_a_run_is_called_what_it_was_called_or_not_begun(run, text, key):
    wanted = {"project": "p", key: [text] if key == "tags" else text}
    before = {one.id for one in localart.Api().runs()}
    try:
        other = localart.init(**wanted, reinit="create_new", resume="allow")
    except REFUSALS:
        assert {one.id for one in localart.Api().runs()} == before
        return
    other.finish()
    found = localart.Api().run(f"{other.project}/{other.id}")

    if text:
        assert getattr(found, key) == wanted[key]


@many
@given(key=hostile, text=hostile)
def test_what_a_run_says_comes_back_or_is_refused(run, key, text):
    other = localart.init(project="p", reinit="create_new")
    said = {}
    for where, say in {
        "history": lambda: other.log({key: text}),
        "config": lambda: other.config.update({key: text}),
        "summary": lambda: other.summary.update({f"s{key}": text}),
        "nested": lambda: other.log({"n": {key: text}}),
    }.items():
        try:
            say()
        except REFUSALS:
            continue
        said[where] = True
    other.finish()
    found = localart.Api().run(f"p/{other.id}")
    rows = list(found.scan_history())

    if "history" in said:
        assert rows[0][key] == text
    if "nested" in said:
        assert rows[-1][f"n.{key}"] == text
        assert found.summary["n"] == {key: text}
    if "config" in said:
        assert found.config == {key.strip("-"): text}
    if "summary" in said:
        assert found.summary[f"s{key}"] == text


@many
@given(prefix=hostile)
def test_a_prefix_brings_what_begins_with_it(run, prefix):
    artifact = Artifact("prefixed", "t")
    for path in ("a", "ab", "b/c", "é", "%"):
        artifact.add_file("x", name=path)
    run.log_artifact(artifact)
    wanted = sorted(path for path in ("a", "ab", "b/c", "é", "%") if path.startswith(prefix))
    folder = f"artifacts/{abs(hash(prefix))}"
    try:
        root = Path(artifact.download(folder, path_prefix=prefix))
    except REFUSALS:
        return

    assert sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()) == wanted
