"""The views: what `sqlite-utils` and other programs see."""

import json
import subprocess
import sys

import pytest
from catalog_rows import log_texts, start_run

from localart.catalog import edges, metrics, versions
from localart.model import Direction


@pytest.fixture
def at_rest(catalog):
    version = log_texts(catalog, {"a.txt": "1", "d/b.txt": "22"}, metadata={"n": 1}, description="words")
    key = start_run(catalog, "r1")
    with catalog.write() as tx:
        versions.set_alias(tx, version, "best")
        versions.set_tags(tx, version, ["gold"])
        edges.add_edge(tx, run_key=key, version_id=version.id, direction=Direction.OUTPUT, made=True)
        metrics.insert_metrics(tx, key, metrics.metric_ids(tx, ["loss"]), 0, 1.0, {"loss": 0.5})
    catalog.close()
    return catalog.path


def sqlite_utils(*arguments: str) -> list[dict]:
    done = subprocess.run(
        [sys.executable, "-m", "sqlite_utils", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


VIEWS = {
    "versions_view": {
        "project": "p", "artifact": "data", "type": "dataset", "version": "v0", "aliases": "best",
        "tags": "gold", "size_bytes": 3, "files": 2, "made_by": "r1", "state": "COMMITTED",
    },
    "runs_view": {"project": "p", "run": "r1", "name": "a run", "state": "running", "inputs": 0, "outputs": 1},
    "lineage_view": {"run": "r1", "direction": "output", "artifact": "data", "version": "v0"},
    "files": {"artifact": "data", "version": "v0", "path": "a.txt", "size_bytes": 1, "reference": None},
    "metrics_view": {"run": "r1", "metric": "loss", "step": 0, "value": 0.5},
}  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_is_read_by_the_command_line_of_sqlite_utils(at_rest, view):
    rows = sqlite_utils("rows", str(at_rest), view)

    assert rows
    assert VIEWS[view].items() <= rows[0].items()


def test_text_search_works_from_outside(at_rest):
    rows = sqlite_utils(
        str(at_rest),
        "SELECT a.name FROM artifacts_fts f JOIN artifacts a ON a.id = f.rowid WHERE artifacts_fts MATCH 'data'",
    )

    assert rows == [{"name": "data"}]


def test_sqlite_utils_lists_the_tables_and_views(at_rest):
    assert {row["view"] for row in sqlite_utils("views", str(at_rest))} == set(VIEWS)
    assert "versions" in {row["table"] for row in sqlite_utils("tables", str(at_rest))}


def test_the_files_of_one_version_are_an_index_range(at_rest, open_catalog):
    plan = (
        open_catalog(at_rest.parent)
        .read()
        .execute("EXPLAIN QUERY PLAN SELECT path FROM files WHERE version_id = 1")
        .fetchall()
    )

    assert not [row[3] for row in plan if row[3].startswith("SCAN")], plan
