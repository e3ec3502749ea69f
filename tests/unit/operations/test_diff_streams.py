"""Comparisons: several sides at once, what is not read, and diffs that rebuild the text."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import localart
from localart.errors import CatalogDamaged
from localart.operations.diff import MISSING, Change, FileComparison, compare_values
from localart.operations.resolve import resolve_version
from localart.operations.text_diff import unified_diff
from localart.repository import open_repository

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "-", "+x", "@@"]), max_size=25)


def patched(old, lines):
    """`old` after the hunks; each of their lines must be where it says."""
    found, at = [], 0
    for line in lines[2:]:
        head = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@", line)
        if head:
            start = int(head[1]) - (0 if head[2] == "0" else 1)
            found += old[at:start]
            at = start
        elif line[0] == "+":
            found.append(line[1:])
        else:
            assert old[at] == line[1:]
            found += [line[1:]] if line[0] == " " else []
            at += 1
    return found + old[at:]


@settings(max_examples=300, deadline=None)
@given(old=LINES, new=LINES, context=st.integers(0, 4))
def test_a_unified_diff_makes_the_new_text_of_the_old_one(old, new, context):
    lines = unified_diff(old, new, context=context)

    assert bool(lines) == (old != new)
    assert patched(old, lines) == new if lines else old == new


def test_many_lines_in_another_order_take_no_quadratic_time():
    old = [f"line {number * 7919 % 20_011}" for number in range(20_000)]
    new = sorted(old)

    assert patched(old, unified_diff(old, new)) == new


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=True) | st.text(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.", max_size=2), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("ab.", max_size=2), JSON, max_size=4))
def test_an_object_never_differs_from_itself(values):
    assert all(one.change is Change.SAME for one in compare_values([values, values]))


def test_sides_are_compared_in_order_and_a_dot_in_a_key_is_no_path():
    found = {
        one.name: one for one in compare_values([{"a.b": 1, "a": {"b": 2}}, {"a": {"b": 3}}, {"z": None}])
    }

    assert found['"a.b"'].change is Change.REMOVED
    assert found["a.b"].values == (2, 3, MISSING)
    assert found["z"].change is Change.ADDED
    assert found["z"].values[-1] is None


def test_true_is_not_one_and_nan_is_itself():
    pairs = [({"x": True}, {"x": 1}), ({"x": float("nan")}, {"x": float("nan")}), ({"x": "1"}, {"x": 1})]

    assert [compare_values(pair)[0].change for pair in pairs] == [
        Change.MODIFIED,
        Change.SAME,
        Change.MODIFIED,
    ]


FILES = 1_200  # with these names the manifest has pages that end at 470, 789 and 1,043


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Three versions of 1,200 files: one is changed, then one is removed."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(FILES):
        (folder / f"i{number:05}").write_text("old")
    store = folder / "store"
    repository = open_repository(store, create=True)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LOCALART_DIR", str(store))
            patch.setenv("LOCALART_SILENT", "1")
            for change in (None, "i00600", "i00007"):
                log(folder, change)
    finally:
        repository.close()
        localart.finish()
    return store


def log(folder, change):
    if change == "i00600":
        (folder / change).write_text("new")
    elif change:
        (folder / change).unlink()
    with localart.init(project="p") as run:
        artifact = localart.Artifact("data", type="dataset")
        for path in sorted(folder.glob("i*")):
            artifact.add_file(path, name=path.name)
        run.log_artifact(artifact)


@pytest.fixture
def repository(many, tmp_path):
    import shutil

    opened = open_repository(shutil.copytree(many, tmp_path / "copy"), create=False, read_only=True)
    yield opened
    opened.close()


def versions(repository, *numbers):
    return [resolve_version(repository, f"p/data:v{number}", project=None) for number in numbers]


def tamper(repository, name):
    import sqlite3

    with sqlite3.connect(repository.root / "localart.db") as db:
        db.execute("UPDATE entries SET blob = (SELECT max(id) FROM blobs) WHERE name = ?", (name,))
    db.close()


def test_what_differs_is_told_and_all_is_counted(repository):
    files = FileComparison(repository.read(), versions(repository, 0, 1))

    assert [(one.path, one.change) for one in files] == [("i00600", Change.MODIFIED)]
    assert files.counts == {Change.SAME: FILES - 1, Change.MODIFIED: 1}


def test_three_sides_are_one_row_a_path(repository):
    found = {one.path: one for one in FileComparison(repository.read(), versions(repository, 0, 1, 2))}

    assert {path: one.change for path, one in found.items()} == {
        "i00007": Change.REMOVED,
        "i00600": Change.MODIFIED,
    }
    assert [entry is None for entry in found["i00007"].entries] == [False, False, True]


def test_with_same_everything_is_a_row(repository):
    files = FileComparison(repository.read(), versions(repository, 0, 1), with_same=True)

    paths = [one.path for one in files]
    assert paths == sorted(paths)
    assert len(paths) == files.compared == FILES


def test_a_row_that_was_changed_behind_our_back_is_told(repository):
    pair = versions(repository, 0, 1)
    tamper(repository, "i00601")

    with pytest.raises(CatalogDamaged):
        list(FileComparison(repository.read(), pair))


def test_pages_that_are_the_same_are_not_even_read(repository):
    pair = versions(repository, 0, 1)
    tamper(repository, "i01100")

    assert len(list(FileComparison(repository.read(), pair))) == 1
    with pytest.raises(CatalogDamaged):
        list(FileComparison(repository.read(), pair, with_same=True))
