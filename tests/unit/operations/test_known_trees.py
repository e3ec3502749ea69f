"""A folder that has not changed since it was logged is known again as a whole, and never when it has changed."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import localart
from localart.draft import content, known_tree
from localart.files.tree import walk_tree
from localart.operations.delete import execute_deletion, plan_deletion
from localart.operations.prune import execute_prune
from localart.repository.opening import default_repository

FILES = 300


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three hundred files in ten folders, of which none counts as written a moment ago."""
    monkeypatch.setattr(known_tree, "RACY_NANOSECONDS", -(10**12))
    return make(tmp_path / "data")


def make(root: Path) -> Path:
    for number in range(FILES):
        path = root / str(number % 10) / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number:04}")
    return root


@pytest.fixture
def taken_in(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders whose files were looked up one by one."""
    folders: list[str] = []
    plain = content._take_in

    def note(draft, folder, *args, **named) -> int:
        folders.append(folder)
        return plain(draft, folder, *args, **named)

    monkeypatch.setattr(content, "_take_in", note)
    return folders


def draft_of(folder: Path, name: str | None = None) -> localart.Artifact:
    artifact = localart.Artifact("data", "dataset")
    artifact.add_dir(folder, name=name)
    return artifact


def log(artifact: localart.Artifact) -> localart.Artifact:
    with localart.init(project="p", reinit="create_new") as run:
        return run.log_artifact(artifact)


def held(artifact: localart.Artifact) -> dict[str, tuple[str, int]]:
    return {entry.path: (entry.digest, entry.size) for entry in artifact.manifest}


def stands(folder: Path, prefix: str = "") -> dict[str, tuple[str, int]]:
    from blake3 import blake3

    read = {prefix + file.path: Path(file.absolute).read_bytes() for file in walk_tree(folder)}
    return {path: (blake3(data).hexdigest(), len(data)) for path, data in read.items()}


def test_an_unchanged_folder_is_the_same_version_and_is_not_taken_in_again(folder, taken_in):
    """Fails when `remember_tree` keeps nothing, or `recall_tree` does not look."""
    first = log(draft_of(folder))
    taken_in.clear()

    draft = draft_of(folder)
    again = log(draft)

    assert taken_in == []
    assert (again.version, again.digest, again.file_count, again.size) == (
        "v0", first.digest, FILES, 4 * FILES,
    )  # fmt: skip
    assert held(again) == stands(folder)


def test_a_draft_of_a_known_folder_is_a_draft_as_any_other(folder, taken_in):
    log(draft_of(folder))
    taken_in.clear()

    draft = draft_of(folder)
    place = str(folder / "3" / "13.txt")
    found = (draft.get_added_local_path_name(place), draft.manifest.entries["3/13.txt"].local_path)
    draft.remove("3/13.txt")
    with draft.new_file("3/new.txt") as file:
        file.write("new")
    with pytest.raises(ValueError, match="another content"):
        draft.add_file(folder / "5" / "15.txt", name="4/24.txt")
    version = log(draft)

    assert taken_in == []
    assert found == ("3/13.txt", place)
    expected = stands(folder)
    del expected["3/13.txt"]
    assert set(held(version)) == {*expected, "3/new.txt"}
    assert version.version == "v1"


def rewrite(path: Path) -> None:
    """Other bytes, as many, and the content time of before: only the inode's time tells."""
    before = path.stat()
    path.write_text("else")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(path: Path) -> None:
    before = path.stat()
    path.with_name("new").write_text("else")
    os.utime(path.with_name("new"), ns=(before.st_atime_ns, before.st_mtime_ns))
    path.with_name("new").replace(path)


def swap_names(path: Path) -> None:
    other, spare = path.with_name("17.txt"), path.with_name("spare")
    path.rename(spare)
    other.rename(path)
    spare.rename(other)


CHANGES = {
    "other bytes": rewrite,
    "another file": replace,
    "longer": lambda path: path.write_text("longer than before"),
    "gone": lambda path: path.unlink(),
    "one more at the end": lambda path: (path.parent.parent / "z").write_text("z"),
    "one more folder": lambda path: make(path.parent.parent / "more"),
    "renamed": lambda path: path.rename(path.with_name("renamed")),
    "names swapped": swap_names,
    "a folder renamed": lambda path: path.parent.rename(path.parent.with_name("seven")),
    "a link elsewhere": lambda path: (path.unlink(), path.symlink_to(path.with_name("17.txt"))),
    "the last folder gone": lambda path: shutil.rmtree(path.parent.parent / "9"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changed_in_a_known_folder_is_seen(folder, taken_in, change):
    """Fails when `_state` leaves out the inode time, which all of these change in a file or bring in a new one with."""
    log(draft_of(folder))
    taken_in.clear()

    CHANGES[change](folder / "7" / "7.txt")
    version = log(draft_of(folder))

    assert len(taken_in) == 1
    assert held(version) == stands(folder)
    assert version.version == "v1"


def stat_of(**changes: int) -> os.stat_result:
    numbers = {
        "mode": 0o100644,
        "inode": 7,
        "device": 8,
        "links": 1,
        "user": 0,
        "group": 0,
        "size": 9,
        **changes,
    }
    names = ("mode", "inode", "device", "links", "user", "group", "size")
    times = {"st_mtime_ns": changes.get("mtime", 10), "st_ctime_ns": changes.get("ctime", 11)}
    return os.stat_result((*(numbers[name] for name in names), 0, 0, 0), {"st_atime_ns": 0, **times})


@pytest.mark.parametrize("number", ["device", "inode", "size", "mtime", "ctime"])
def test_each_number_counts_by_itself(number):
    """Fails for each of the five when `_state` leaves it out."""
    plain, other = stat_of(), stat_of(**{number: 12})

    assert known_tree._state("a/", ["x", "y"], [plain, plain]) != known_tree._state(
        "a/", ["x", "y"], [plain, other]
    )
    assert known_tree._state("a/", ["x", "y"], [plain, other]) != known_tree._state(
        "a/", ["x", "y"], [other, plain]
    )


def test_names_and_where_they_end_count():
    """Fails when `_state` leaves out the names, or joins them with nothing in between."""
    one, stats = known_tree._state, [stat_of(), stat_of()]
    states = [
        one("", ["ab", "c"], stats), one("", ["a", "bc"], stats), one("a/", ["b", "c"], stats),
        one("", ["a", "b"], stats), one("", ["b", "a"], stats), one("", ["\udcff", "b"], stats),
    ]  # fmt: skip

    assert len(set(states)) == len(states)


def test_a_time_that_no_number_holds_is_never_known(folder, taken_in):
    assert known_tree._state("", ["a"], [stat_of(mtime=-(1 << 63) - 1)]) == b""


def test_a_folder_with_a_file_written_just_now_is_not_known(tmp_path, taken_in):
    """Git's racy rule. Fails when `_finish_listing` does not ask for the newest time."""
    folder = make(tmp_path / "data")
    log(draft_of(folder))
    log(draft_of(folder))

    assert len(taken_in) == 2


def test_what_a_file_held_when_it_was_read_counts_not_when_it_was_listed(folder, taken_in, monkeypatch):
    """Fails when `_ingest_small` hands back the `stat` of the walk."""
    from localart.files import small

    plain, victim = small.read_small, folder / "7" / "7.txt"

    def change_first(path, *args):
        if Path(path) == victim:
            victim.write_text("else")
        return plain(path, *args)

    monkeypatch.setattr(small, "read_small", change_first)
    first = log(draft_of(folder))
    monkeypatch.setattr(small, "read_small", plain)
    taken_in.clear()

    assert held(first) == held(log(draft_of(folder))) == stands(folder)
    assert taken_in == []


def test_under_another_name_in_the_artifact_it_is_another_folder(folder, taken_in):
    log(draft_of(folder))
    other = log(draft_of(folder, name="below/here"))
    taken_in.clear()

    again = log(draft_of(folder, name="below/here"))

    assert taken_in == []
    assert held(other) == held(again) == stands(folder, "below/here/")


def test_a_folder_whose_version_was_pruned_is_taken_in_again(folder, taken_in):
    """Fails when `rely_on_manifest` does not ask whether the manifest is there."""
    version = log(draft_of(folder))
    plan = plan_deletion([version.version_record])
    execute_deletion(default_repository(), plan, at_once=True)
    execute_prune(default_repository(), trash_seconds=0)
    taken_in.clear()

    again = log(draft_of(folder))

    assert len(taken_in) == 1
    again.download(folder.parent / "out")
    assert stands(folder.parent / "out") == stands(folder)


def test_content_that_a_repair_gave_up_is_taken_in_again(folder, taken_in):
    log(draft_of(folder))
    with default_repository().catalog.write() as tx:
        tx.execute("INSERT INTO store(key, value) VALUES ('lost_content', '1')")
    taken_in.clear()

    draft_of(folder)

    assert len(taken_in) == 1


@pytest.mark.parametrize("column", ["states", "tails", "manifest"])
def test_a_damaged_row_of_a_known_folder_is_no_row(folder, taken_in, home, column):
    """Fails when `find_tree` does not check the checksum."""
    first = log(draft_of(folder))
    taken_in.clear()
    (path,) = (home / "cache").glob("*.db")
    with closing(sqlite3.connect(path)) as cache:
        ((value,),) = cache.execute(f"SELECT {column} FROM trees").fetchall()
        cache.execute(f"UPDATE trees SET {column} = ?", (bytes([value[0] ^ 1]) + value[1:],))
        cache.commit()

    again = log(draft_of(folder))

    assert len(taken_in) == 1
    assert held(again) == held(first)


def test_a_draft_of_two_folders_or_of_a_folder_and_a_file_is_not_taken_for_one(folder, tmp_path, taken_in):
    """Fails when `HeldFiles.put` leaves `found_tree` as it is."""
    draft = draft_of(folder)
    with draft.new_file("one-more") as file:
        file.write("x")
    log(draft)
    taken_in.clear()

    again = log(draft_of(folder))

    assert len(taken_in) == 1
    assert held(again) == stands(folder)


def test_the_same_folder_twice_in_one_draft_holds_once(folder, taken_in):
    log(draft_of(folder))

    draft = draft_of(folder)
    draft.add_dir(folder)
    draft.add_dir(folder, name="twice")

    assert held(log(draft)) == {**stands(folder), **stands(folder, "twice/")}


def test_few_files_are_not_worth_a_row(tmp_path, monkeypatch, taken_in):
    monkeypatch.setattr(known_tree, "RACY_NANOSECONDS", -(10**12))
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "a").write_text("a")

    for _ in range(2):
        log(draft_of(tmp_path / "few"))

    assert len(taken_in) == 2


def test_only_the_last_folders_are_known(folder, taken_in):
    log(draft_of(folder))
    for number in range(16):
        log(draft_of(folder, name=f"n{number}"))
    taken_in.clear()

    draft_of(folder, name="n0")
    draft_of(folder)

    assert len(taken_in) == 1
