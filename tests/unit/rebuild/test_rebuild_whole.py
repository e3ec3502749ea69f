"""The catalog can be lost: what is rebuilt from the packs says all that the lost one said."""

import re
import sqlite3
from pathlib import Path

import pytest
from rich_history import contents, everything, log, make_history, weights

import localart
from localart.catalog.replay_kinds import known_kinds
from localart.operations.prune import execute_prune
from localart.operations.rebuild import rebuild
from localart.operations.verify import verify
from localart.repository import open_repository
from localart.repository.opening import close_all, default_repository


@pytest.fixture
def rich(store, workdir):
    """A store at rest with everything in it."""
    make_history(workdir)
    return store


def lose(store):
    close_all()
    (store / "localart.db").unlink()


def ask(store, sql):
    connection = sqlite3.connect(store / "localart.db")
    try:
        return connection.execute(sql).fetchone()[0]
    finally:
        connection.close()


def refused_differences(found, said):
    return [name for name in said if found[name] != said[name]]


def test_a_rebuilt_catalog_says_what_the_lost_one_said_and_gives_the_same_bytes(rich, tmp_path):
    said, held = everything(rich), contents(tmp_path / "before")
    for sql in (
        "SELECT count(*) FROM frames WHERE depth > 0",
        "SELECT count(*) FROM chunks",
        "SELECT count(*) FROM manifests WHERE base IS NOT NULL",
        "SELECT count(*) FROM refs",
        "SELECT count(*) FROM links",
        "SELECT count(*) FROM upserts",
        "SELECT count(*) FROM versions WHERE state = 'DELETED'",
    ):
        assert ask(rich, sql) > 0, sql
    lose(rich)

    report = rebuild(rich)

    assert report.is_complete, report
    assert not report.damages
    assert refused_differences(everything(rich), said) == []
    assert contents(tmp_path / "after") == held


def test_verify_finds_nothing_wrong_with_a_rebuilt_catalog(rich):
    lose(rich)

    rebuild(rich)

    repository = open_repository(rich, create=False)
    assert verify(repository, data=True).findings == ()
    repository.close()


def test_logging_goes_on_with_the_next_numbers(rich):
    lose(rich)
    rebuild(rich)

    with localart.init(project="two", id="after") as run:
        new = log(run, "model", "model", files={"model.bin": weights(7)})
        same = log(run, "ds", files={"f": b"short"})
        again = log(run, "model", "model", files={"model.bin": weights(2)})
    with localart.init(project="one", id="a2") as run:
        number = log(run, "moved", files={"f": b"x"}).version

    assert (new.version, same.version, again.version, number) == ("v3", "v0", "v2", "v3")
    assert [row["loss"] for row in localart.Api().run("one/a").scan_history(keys=["loss"])][-1] == 0.125


def test_a_catalog_rebuilt_twice_with_pruning_between_is_still_the_same(rich, tmp_path):
    api = localart.Api()
    api.artifact("two/model:v1").delete(delete_aliases=True)
    execute_prune(default_repository(), trash_seconds=0)
    close_all()
    said, held = everything(rich), contents(tmp_path / "before")
    lose(rich)
    rebuild(rich)
    execute_prune(default_repository(), trash_seconds=0)
    lose(rich)

    report = rebuild(rich)

    assert report.is_complete, report
    assert refused_differences(everything(rich), said) == []
    assert contents(tmp_path / "after") == held


def test_what_lies_in_the_trash_can_still_be_brought_back(rich):
    localart.Api().artifact("two/model:v1").delete(delete_aliases=True)
    close_all()
    said = everything(rich)
    lose(rich)

    report = rebuild(rich)

    assert report.is_complete
    assert refused_differences(everything(rich), said) == []


def test_every_kind_of_record_that_is_written_can_be_replayed():
    package = Path(localart.__file__).parent
    written = set()
    for path in package.rglob("*.py"):
        written |= set(re.findall(r"record\(\s*(?:tx,\s*)?\"([a-z_]+(?:\.[a-z_]+)?)\"", path.read_text()))

    assert "version.logged" in written
    assert written - known_kinds() == set()
