"""Who holds which bytes, compared with what deleting really frees."""

import json
import random

import pytest
from click.testing import CliRunner

import localart
from localart.catalog.usage import artifact_usage, codec_usage, version_usage
from localart.repository.opening import close_all, default_repository

BIG = {name: random.Random(number).randbytes(600_000) for number, name in enumerate("abcd")}


def log(name, files, project="p"):
    with localart.init(project=project) as run:
        artifact = localart.Artifact(name, type="dataset")
        for path, content in files.items():
            with artifact.new_file(path, "wb") as file:
                file.write(content)
        return run.log_artifact(artifact)


def usages(name=None, project=None):
    connection = default_repository().read()
    if name is None:
        return {f"{one.project}/{one.artifact}": one for one in artifact_usage(connection, project=project)}
    artifact = localart.Api().artifact(name)
    from localart.operations.resolve import resolve_artifact

    record = resolve_artifact(default_repository(), artifact.qualified_name.partition(":")[0], project=None)
    return {one.version: one for one in version_usage(connection, record.id)}


def test_bytes_are_told_as_logical_unique_shared_and_exclusive():
    log("ds", {"a": BIG["a"], "again": BIG["a"], "b": BIG["b"]})
    log("ds", {"a": BIG["a"], "c": BIG["c"]})
    log("other", {"c": BIG["c"]}, project="q")

    ds, other = usages()["p/ds"], usages()["q/other"]
    first, second = usages("ds")[0], usages("ds")[1]

    assert (ds.version_count, ds.file_count, ds.logical_bytes) == (2, 5, 3_000_000)
    assert ds.unique_bytes == 1_800_000
    assert ds.exclusive_bytes == pytest.approx(1_200_000, rel=0.01)
    assert ds.shared_bytes == pytest.approx(600_000, rel=0.01)
    assert other.exclusive_bytes == 0
    assert (first.logical_bytes, first.unique_bytes) == (1_800_000, 1_200_000)
    assert first.exclusive_bytes == pytest.approx(600_000, rel=0.01)
    assert second.exclusive_bytes == 0
    assert list(usages(project="q")) == ["q/other"]


def test_what_is_said_to_be_exclusive_is_what_deleting_frees(store):
    from localart.operations.prune import execute_prune

    log("ds", {"a": BIG["a"], "b": BIG["b"]})
    log("ds", {"a": BIG["a"], "c": BIG["c"]})
    log("ds", {"a": BIG["a"], "c": BIG["c"], "small": b"x" * 9})
    exclusive = usages("ds")[0].exclusive_bytes

    before = sum(path.stat().st_size for path in (store / "packs").iterdir())
    localart.Api().artifact("p/ds:v0").delete()
    execute_prune(default_repository(), trash_seconds=0)
    close_all()
    freed = before - sum(path.stat().st_size for path in (store / "packs").iterdir())

    assert exclusive == pytest.approx(600_000, rel=0.01)
    assert freed == pytest.approx(exclusive, rel=0.02)


def test_a_file_that_a_run_kept_is_not_freed_with_a_version(workdir):
    log("ds", {"a": BIG["a"]})
    (workdir / "a").write_bytes(BIG["a"])
    with localart.init(project="p") as run:
        run.save("a", policy="now")

    assert usages("ds")[0].exclusive_bytes == 0


def test_the_bases_of_a_difference_are_held_with_it():
    floats = BIG["a"]
    moved = bytes(byte if at % 4 else byte ^ 1 for at, byte in enumerate(floats))
    log("model", {"w": floats})
    log("model", {"w": moved})

    found = usages("model")

    assert found[1].unique_bytes == 1_200_000
    assert found[0].exclusive_bytes == 0
    assert found[1].exclusive_bytes < 200_000
    assert {one.codec for one in codec_usage(default_repository().read())} & {7}


def test_overlaid_files_are_not_held_by_the_version_that_replaced_them():
    many = {f"{number:04}": b"%d" % number for number in range(300)}
    log("ds", many | {"big": BIG["a"]})
    log("ds", many | {"big": BIG["b"]})

    found = usages("ds")

    assert found[0].exclusive_bytes == pytest.approx(600_000, rel=0.01)
    assert found[1].exclusive_bytes == pytest.approx(600_000, rel=0.01)


def test_du_shows_artifacts_versions_and_codecs():
    from localart.cli.app import app

    log("ds", {"a": BIG["a"]})
    log("other", {"b": BIG["b"]}, project="q")
    close_all()
    whole = CliRunner().invoke(app, ["du", "--json"])
    one = CliRunner().invoke(app, ["du", "p/ds"])
    missing = CliRunner().invoke(app, ["du", "nothing/"])

    document = json.loads(whole.stdout)
    assert [row["artifact"] for row in document["usage"]] == ["ds", "other"]
    assert sum(row["stored_bytes"] for row in document["codecs"]) > 1_200_000
    assert "v0" in one.stdout
    assert "EXCLUSIVE" in one.stdout
    assert missing.exit_code != 0
    assert "No project 'nothing'" in missing.output
