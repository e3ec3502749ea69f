"""Every store of a released format is read as it was written: the listing, the bytes, and by packs alone."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
from make_store import VIEWS, downloaded, listing

import localart
from localart.catalog.format import format_number
from localart.operations.rebuild import rebuild
from localart.operations.verify import verify
from localart.repository import open_repository
from localart.repository.opening import close_all

HERE = Path(__file__).parent
FORMATS = sorted(path.name for path in HERE.glob("format-*") if path.is_dir())


@pytest.fixture(params=FORMATS)
def golden(request, store):
    """A copy of the store, opened once, so that an older one is upgraded; and what is expected of it."""
    shutil.copytree(HERE / request.param, store)
    open_repository(store, create=False).close()
    return store, json.loads((HERE / f"{request.param}.json").read_text(encoding="utf-8"))


def same(found, expected):
    """The views whose rows differ. NaN and text are compared as JSON has them."""
    return [view for view in VIEWS if json.loads(json.dumps(found[view])) != expected[view]]


def test_there_is_a_golden_store_of_this_format():
    assert f"format-{format_number()}" in FORMATS


def test_a_golden_store_holds_one_of_everything(golden):
    store, _ = golden
    connection = sqlite3.connect(store / "localart.db")
    for sql in (
        "SELECT count(*) FROM frames WHERE depth > 0",
        "SELECT count(*) FROM chunks",
        "SELECT count(*) FROM manifests WHERE base IS NOT NULL",
        "SELECT count(*) FROM refs",
        "SELECT count(*) FROM links",
        "SELECT count(*) FROM upserts",
        "SELECT count(*) FROM run_files",
        "SELECT count(*) FROM alerts",
        "SELECT count(*) FROM versions WHERE state = 'DELETED'",
    ):
        assert connection.execute(sql).fetchone()[0] > 0, sql
    connection.close()


def test_a_golden_store_says_and_holds_what_was_written(golden, tmp_path):
    store, expected = golden

    assert same(listing(store / "localart.db", expected["columns"]), expected["listing"]) == []
    assert downloaded(tmp_path) == expected["files"]


def test_verify_finds_nothing_wrong_with_a_golden_store(golden):
    repository = open_repository(golden[0], create=False)

    assert verify(repository, data=True).findings == ()
    repository.close()


def test_a_golden_store_is_rebuilt_from_its_packs_alone(golden, tmp_path):
    store, expected = golden
    (store / "localart.db").unlink()

    report = rebuild(store)

    assert report.is_complete
    assert same(listing(store / "localart.db", expected["columns"]), expected["listing"]) == []
    assert downloaded(tmp_path) == expected["files"]


def test_a_golden_store_takes_new_versions(golden):
    with localart.init(project="models", id="later") as run:
        draft = localart.Artifact("model", "model")
        with draft.new_file("model.bin", "w") as file:
            file.write("later")
        assert run.log_artifact(draft).version == "v3"
    close_all()
