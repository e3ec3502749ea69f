"""The browser's lists say the same as the catalog's own rows."""

import pytest

import localart
from localart.catalog import browsing, browsing_runs, browsing_versions, folders, manifests
from localart.catalog.conditions import Condition, ListQuery
from localart.errors import UsageError
from localart.repository.opening import shared_repository


@pytest.fixture
def db(store):
    """Two projects; `data` has six versions, one of them deleted."""
    for number in range(6):
        with localart.init(project="one", name=f"run-{number}", job_type="load") as run:
            artifact = localart.Artifact(
                "data",
                type="dataset",
                metadata={"acc": number / 10, "deep": {"n": number}, "tag": f"t{number}"},
            )
            with artifact.new_file("a.txt") as file:
                file.write("x" * (number + 1))
            run.log_artifact(artifact, aliases=["best"] if number == 3 else [])
    with localart.init(project="two") as run:
        artifact = localart.Artifact("model", type="model", description="a résumé")
        with artifact.new_file("w.bin") as file:
            file.write("weights")
        run.log_artifact(artifact)
        run.use_artifact("one/data:v3")
    localart.Api().artifact("one/data:v2").delete()
    return shared_repository(store, create=False).read()


def numbers(db, **named):
    head = browsing.find_head(db, "one", "data")
    ids = browsing_versions.version_ids(
        db, ListQuery(artifact=head.id, order=named.pop("order", "number"), **named)
    )
    return [line.number for line in browsing_versions.version_lines(db, ids)]


def test_projects_count_what_they_hold(db):
    one, two = browsing.project_lines(db)

    assert (one.name, one.artifact_count, one.version_count, one.run_count) == ("one", 1, 5, 6)
    assert (two.name, two.artifact_count, two.version_count, two.run_count) == ("two", 1, 1, 1)
    assert one.size_bytes == 1 + 2 + 4 + 5 + 6
    assert one.running_count == 0


def test_an_artifact_tells_of_its_latest_version(db):
    (line,) = browsing.artifact_lines(db, 1)

    assert (line.name, line.type, line.version_count, line.latest) == ("data", "dataset", 5, 5)
    assert line.aliases == ("latest",)


def test_a_deleted_version_is_not_listed(db):
    assert numbers(db) == [5, 4, 3, 1, 0]


def test_versions_come_in_the_order_asked_for(db):
    up, down = [0, 1, 3, 4, 5], [5, 4, 3, 1, 0]

    for order in ("number", "size", "created", "run", "files"):
        assert numbers(db, order=order, descending=False) == up, order
        assert numbers(db, order=order, descending=True) == down, order


CONDITIONS = {
    ("alias", "has", "bes"): [3],
    ("alias", "=", "BEST"): [3],
    ("size", ">", 4.0): [5, 4],
    ("size", "<=", 2.0): [1, 0],
    ("metadata.acc", ">=", 0.4): [5, 4],
    ("metadata.deep.n", "=", 1.0): [1],
    ("metadata.tag", "=", "T4"): [4],
    ("metadata.missing", ">", 0.0): [],
    ("run", "has", "run-1"): [1],
    ("text", "has", "run-4"): [4],
    ("text", "has", "%"): [],
    ("text", "has", "_"): [],
    ("number", "!=", 3.0): [5, 4, 1, 0],
}


def test_conditions_choose_versions(db):
    for (field, test, value), expected in CONDITIONS.items():
        assert numbers(db, conditions=(Condition(field=field, test=test, value=value),)) == expected, field


def test_a_negated_condition_keeps_rows_without_the_value(db):
    condition = Condition(field="metadata.tag", test="=", value="t4", negated=True)

    assert numbers(db, conditions=(condition,)) == [5, 3, 1, 0]


def test_unknown_fields_and_orders_are_usage_errors(db):
    with pytest.raises(UsageError):
        numbers(db, conditions=(Condition(field="nope", test="=", value="x"),))
    with pytest.raises(UsageError):
        numbers(db, order="nope")


def test_a_version_names_the_run_that_made_it(db):
    head = browsing.find_head(db, "one", "data")
    (newest, *_) = browsing_versions.version_lines(
        db, browsing_versions.version_ids(db, ListQuery(artifact=head.id, order="number"))
    )

    assert (newest.run_name, newest.run_state) == ("run-5", "finished")


def test_a_row_that_is_gone_reads_as_none(db):
    assert browsing_versions.version_lines(db, [10**9]) == [None]
    assert browsing_runs.run_lines(db, [10**9]) == [None]


def test_runs_are_listed_with_what_they_used_and_made(db):
    ids = browsing_runs.run_ids(db, ListQuery(order="created"))
    newest = browsing_runs.run_lines(db, ids)[0]

    assert (newest.project, newest.input_count, newest.output_count) == ("two", 1, 1)
    assert len(ids) == 7


def test_neighbours_step_over_the_deleted_version(db):
    head = browsing.find_head(db, "one", "data")

    assert browsing_versions.neighbour_numbers(db, head.id, 3) == (1, 4)
    assert browsing_versions.neighbour_numbers(db, head.id, 0) == (None, 1)


# --- folders -----------------------------------------------------------------------------------------


@pytest.fixture
def layered(store, tmp_path):
    """A manifest that overlays another: some files changed, some gone, some new."""
    root = tmp_path / "tree"
    for number in range(700):
        file = root / ("many" if number % 7 else f"some/{number % 3}") / f"{number:04}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{number}")
    for step in range(2):
        with localart.init(project="one") as run:
            artifact = localart.Artifact("tree", type="dataset")
            artifact.add_dir(str(root))
            run.log_artifact(artifact)
        for number in range(step, 40, 5):
            next(root.rglob(f"{number:04}.txt")).unlink()
        (root / "many" / "0000-new.txt").write_text("new")
        (root / "top.txt").write_text("top")
        (root / "many" / "0500.txt").write_text("changed")
    repository = shared_repository(store, create=False)
    db = repository.read()
    head = browsing.find_head(db, "one", "tree")
    newest = browsing_versions.version_ids(db, ListQuery(artifact=head.id, order="number"))[0]
    manifest = db.execute("SELECT manifest FROM versions WHERE id = ?", (newest,)).fetchone()[0]
    return db, manifest


def expected_by_folder(db, manifest):
    found = {}
    for entry in manifests.iter_entries(db, manifests.get_manifest(db, manifest)):
        found.setdefault(entry.path.rpartition("/")[0], []).append(
            (entry.path, entry.size_bytes, entry.digest)
        )
    return found


def test_the_tree_is_what_the_manifest_says(layered):
    db, manifest = layered
    expected = expected_by_folder(db, manifest)

    for line in folders.folder_lines(db, manifest):
        marks = folders.name_marks(db, line)
        count = folders.file_count(db, line)
        files = folders.file_lines(db, line, first=0, limit=10_000, marks=marks)
        assert [(file.path, file.size_bytes, file.digest) for file in files] == expected.get(line.path, [])
        assert count == len(files)
    assert any(len(line.layers) == 2 for line in folders.folder_lines(db, manifest)), (
        "there has to be an overlay"
    )


def test_any_page_of_a_folder_is_a_slice_of_it(layered):
    db, manifest = layered
    line = next(line for line in folders.folder_lines(db, manifest) if line.path == "many")
    expected = [path for path, _, _ in expected_by_folder(db, manifest)["many"]]
    marks = folders.name_marks(db, line)

    for first in (0, 1, 255, 256, 257, 512, len(expected) - 1, len(expected)):
        page = [file.path for file in folders.file_lines(db, line, first=first, limit=40, marks=marks)]
        assert page == expected[first : first + 40]
        for offset, path in enumerate(page[:3]):
            assert folders.file_position(db, line, path.rpartition("/")[2], marks=marks) == first + offset


def test_totals_add_up(layered):
    db, manifest = layered
    expected = expected_by_folder(db, manifest)
    paths = {line.id: line.path for line in folders.folder_lines(db, manifest)}

    totals = folders.folder_totals(db, manifest)

    found = {paths[folder]: (total.file_count, total.size_bytes) for folder, total in totals.items()}
    assert {path: figures for path, figures in found.items() if figures[0]} == {
        path: (len(files), sum(size for _, size, _ in files)) for path, files in expected.items()
    }


def test_files_are_found_by_all_words_of_their_path(layered):
    db, manifest = layered

    assert [line.path for line in folders.find_files(db, manifest, ["MANY", "0500"])] == ["many/0500.txt"]
    assert folders.find_files(db, manifest, ["%"]) == []
    assert len(folders.find_files(db, manifest, [".txt"], limit=5)) == 5
