"""`localart verify` and `localart repair` as they are called, and verify as a function."""

import errno
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import damage_bench as bench
import pytest
from click.testing import CliRunner, Result

from localart.cli.exit_codes import ExitCode
from localart.errors import InvalidSetting, StoreBusy
from localart.files.filesystem import write_atomically
from localart.operations import verify_mark
from localart.operations.repair import execute_repair, plan_repair
from localart.operations.verify import Subset, parse_subset, verify, verify_store
from localart.operations.verify_mark import NOTE, Depth, last_marks
from localart.progress import Silence
from localart.repository import open_repository
from localart.repository.opening import close_all

Call = Callable[..., Result]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a bit of everything."""
    return bench.make_store(tmp_path_factory.mktemp("verify"))


@pytest.fixture
def copy(whole: Path, store: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of it where commands look for the store; notes go beside it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shutil.copytree(whole, store)
    return store


@pytest.fixture
def cli() -> Call:
    """Call a command here."""

    def call(*arguments: str, code: int) -> Result:
        from localart.cli.app import app

        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == code, (result.stdout, result.stderr, result.exception)
        return result

    return call


def snapshot(root: Path) -> dict[str, tuple[int, int]]:
    """Length and change time of every file but the note that says when it was looked at."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file() and path.name != NOTE
    }


def harm(root: Path, number: int = 0) -> None:
    pack = bench.packs_of(root)[0]
    bench.harm_frame(pack, *bench.frames_of(pack)[number])


# --- how it ends -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [(), ("--data",), ("--subset", "1/3")])
def test_a_sound_store_is_sound_and_left_as_it_was(copy: Path, cli: Call, arguments: tuple[str, ...]) -> None:
    before = snapshot(copy)

    result = cli("verify", *arguments, code=ExitCode.OK)

    assert "sound" in result.stdout
    assert snapshot(copy) == before


def test_damage_ends_with_1_and_names_versions_and_files(copy: Path, cli: Call) -> None:
    harm(copy)

    found = json.loads(cli("verify", "--data", "--json", code=ExitCode.FAILED).stdout)

    assert not found["ok"]
    touched = {name for finding in found["findings"] for name in finding["versions"]}
    assert touched & {"p/data:v0", "p/data:v1", "p/data:v2"}
    assert {len(one["digest"]) for one in found["lost_files"]} == {64}


def test_the_quick_look_does_not_read_packs(copy: Path, cli: Call) -> None:
    harm(copy)

    assert "as far as was looked" in cli("verify", code=ExitCode.OK).stdout


def test_no_store_ends_with_10(cli: Call) -> None:
    cli("verify", code=ExitCode.NO_STORE)


def test_a_store_that_cannot_be_judged_ends_with_15(copy: Path, cli: Call) -> None:
    (copy / "LOCALART").write_text("no marker")

    cli("verify", code=ExitCode.CANNOT_LOOK)


def test_a_store_that_is_too_new_ends_with_12(copy: Path, cli: Call) -> None:
    (copy / "LOCALART").write_text('{"format": 9, "min_reader": 9, "store": "x"}')

    cli("verify", code=ExitCode.TOO_NEW)


def test_a_database_that_cannot_be_opened_is_damage(copy: Path, cli: Call) -> None:
    (copy / "localart.db").write_bytes(b"\0" * 8192)

    assert "rebuild" in cli("verify", code=ExitCode.FAILED).stdout


@pytest.mark.parametrize("text", ["", "0/3", "4/3", "1", "a/b", "1/0", "-1/3", "1/3/5", "٣/٧"])  # noqa: RUF001
def test_what_is_no_part_is_a_usage_error(text: str, cli: Call) -> None:
    with pytest.raises(InvalidSetting):
        parse_subset(text)
    cli("verify", "--subset", text, code=ExitCode.USAGE)


def test_resume_needs_something_to_go_on_with(cli: Call) -> None:
    cli("verify", "--resume", code=ExitCode.USAGE)


# --- parts, interruptions, media -------------------------------------------------------------------------


def test_all_parts_together_see_all_damage(copy: Path) -> None:
    pack = bench.packs_of(copy)[0]
    for start, length in bench.frames_of(pack):
        bench.harm_frame(pack, start, length)
    whole_view = {one.what for one in verify_store(copy, data=True).findings}

    parts = [verify_store(copy, subset=Subset(number, 3)) for number in (1, 2, 3)]

    assert {one.what for part in parts for one in part.findings} == whole_view
    assert sum(part.pack_count for part in parts) == len(bench.packs_of(copy))


def packs_bytes(root: Path) -> int:
    return sum(path.stat().st_size for path in bench.packs_of(root))


class InterruptAfter(Silence):
    """Ctrl-C after so many bytes."""

    def __init__(self, byte_count: int) -> None:
        self._left = byte_count

    def advance(self, *, byte_count: int = 0, file_count: int = 0, stored_bytes: int = 0) -> None:
        self._left -= byte_count
        if self._left < 0:
            raise KeyboardInterrupt


def test_an_interrupted_look_goes_on_where_it_stopped(copy: Path, tmp_path: Path) -> None:
    repository = open_repository(copy, create=False)

    with pytest.raises(KeyboardInterrupt):  # while large files are read again
        verify(repository, data=True, resume_in=tmp_path, progress=InterruptAfter(packs_bytes(copy) + 100))
    resumed = verify(repository, data=True, resume_in=tmp_path, resume=True)
    again = verify(repository, data=True, resume_in=tmp_path, resume=True)

    repository.close()
    assert resumed.is_sound
    assert (resumed.pack_count, resumed.manifest_count) == (0, 0)
    assert again.pack_count == len(bench.packs_of(copy))
    assert not list(tmp_path.rglob("*.json"))


def test_what_was_found_before_an_interruption_is_not_forgotten(copy: Path, tmp_path: Path) -> None:
    harm(copy, 2)
    repository = open_repository(copy, create=False)

    with pytest.raises(KeyboardInterrupt):  # while large files are read again
        verify(repository, data=True, resume_in=tmp_path, progress=InterruptAfter(packs_bytes(copy) + 100))
    resumed = verify(repository, data=True, resume_in=tmp_path, resume=True)

    repository.close()
    assert resumed.pack_count == 0
    assert not resumed.is_sound


def test_a_store_on_media_that_cannot_be_written_is_looked_at(copy: Path) -> None:
    folders = [copy, *(path for path in copy.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    try:
        report = verify_store(copy, data=True)
    finally:
        for folder in folders:
            folder.chmod(stat.S_IRWXU)

    assert report.is_sound


def test_writers_at_work_are_not_misjudged(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import localart

    run = localart.init(project="p")
    artifact = localart.Artifact("new", "dataset")
    with artifact.new_file("a.txt") as file:
        file.write("a")
    assert verify_store(copy, data=True).is_sound
    run.log_artifact(artifact)
    assert verify_store(copy, data=True).is_sound


# --- the note --------------------------------------------------------------------------------------------


def marks(root: Path, notes: Path | None = None) -> list[tuple[Depth, str, int]]:
    return [(mark.depth, mark.part, mark.damage_count) for mark in last_marks(root, notes)]


def test_the_last_look_of_each_depth_is_noted(copy: Path, cli: Call) -> None:
    """Seen to fail when a quick look takes the place of a look at all bytes."""
    cli("verify", "--data", code=ExitCode.OK)
    cli("verify", "--subset", "2/7", code=ExitCode.OK)
    cli("verify", code=ExitCode.OK)

    assert marks(copy) == [(Depth.QUICK, "", 0), (Depth.PART, "2/7", 0), (Depth.DATA, "", 0)]
    said = cli("doctor", code=ExitCode.OK).stdout
    assert "all bytes: sound" in said
    assert "part 2/7 of the bytes: sound" in said
    assert stat.S_IMODE((copy / NOTE).stat().st_mode) == 0o600


def test_the_note_says_what_was_found_and_repair_renews_it(whole: Path, copy: Path, cli: Call) -> None:
    harm(copy)
    cli("verify", "--data", code=ExitCode.FAILED)
    ((_, _, damage_count),) = marks(copy)

    cli("repair", "--yes", "--from", str(whole), code=ExitCode.OK)

    assert damage_count > 0
    assert marks(copy) == [(Depth.DATA, "", 0)]


def test_a_copy_was_not_looked_at_though_it_has_the_note(copy: Path, cli: Call, tmp_path: Path) -> None:
    """Seen to fail when a mark is not about a place."""
    cli("verify", "--data", code=ExitCode.OK)
    shutil.copytree(copy, tmp_path / "copy")

    assert marks(tmp_path / "copy") == []
    assert (
        "never; `localart verify` looks"
        in cli("doctor", "--store", str(tmp_path / "copy"), code=ExitCode.OK).stdout
    )


def test_where_nothing_can_be_written_the_note_lies_in_the_cache_folder(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, content: bytes, mode: int) -> None:
        if path.parent == copy:
            raise OSError(errno.EROFS, "Read-only file system")
        write_atomically(path, content, mode)

    monkeypatch.setattr(verify_mark, "write_atomically", refused)
    report = verify_store(copy)

    kept = verify_mark.keep_mark(copy, report, data=False, subset=None, notes=tmp_path / "notes")
    nowhere = verify_mark.keep_mark(copy, report, data=False, subset=None, notes=None)

    assert kept is not None
    assert kept.is_relative_to(tmp_path / "notes")
    assert nowhere is None
    assert marks(copy, tmp_path / "notes") == [(Depth.QUICK, "", 0)]
    assert not (copy / NOTE).exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"place": 1, "marks": [{}]}', "\x00" * 10, "[" * 60_000])
def test_a_damaged_note_counts_for_nothing_and_is_renewed(copy: Path, cli: Call, text: str) -> None:
    (copy / NOTE).write_text(text)

    assert marks(copy) == []
    cli("verify", code=ExitCode.OK)
    assert marks(copy) == [(Depth.QUICK, "", 0)]


# --- repair ----------------------------------------------------------------------------------------------


def test_repair_shows_its_plan_and_changes_nothing_unless_told_to(copy: Path, cli: Call) -> None:
    harm(copy)
    before = {name: size for name, (size, _) in snapshot(copy).items()}

    assert "quarantine" in cli("repair", "--dry-run", code=ExitCode.FAILED).stdout
    cli("repair", code=ExitCode.USAGE)

    assert {name: size for name, (size, _) in snapshot(copy).items()} == before


def test_repair_brings_back_what_a_copy_has(whole: Path, copy: Path, cli: Call) -> None:
    harm(copy)

    done = json.loads(cli("repair", "--yes", "--from", str(whole), "--json", code=ExitCode.OK).stdout)

    assert done["ok"]
    assert done["found_contents"] > 0
    assert bench.answers(copy) == bench.answers(whole)
    cli("verify", "--data", code=ExitCode.OK)


def test_repair_says_when_a_place_is_a_copy_that_went_its_own_way(
    whole: Path, copy: Path, cli: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Contents are right wherever they come from; that the copy has versions of its own must be said."""
    import localart

    other = tmp_path / "other"
    shutil.copytree(whole, other)
    for place in (copy, other):
        monkeypatch.setenv("LOCALART_DIR", str(place))
        with localart.init(project="p") as run:
            run.log({"at": str(place)})
        close_all()
    monkeypatch.setenv("LOCALART_DIR", str(copy))
    harm(copy)

    said = cli("repair", "--dry-run", "--from", str(other), "--from", str(whole), code=ExitCode.FAILED).stdout
    done = json.loads(cli("repair", "--yes", "--from", str(other), "--json", code=ExitCode.OK).stdout)

    assert f"note: '{other}' was this store until change" in said
    assert f"note: '{whole}' is this store as it was at change" in said
    assert said.count("only contents are taken from it") == 2
    assert ["was this store until change" in one for one in done["copies"]] == [True]


def test_what_lies_in_the_trash_is_named_as_touched_too(copy: Path, cli: Call) -> None:
    """Seen to fail when only committed versions are asked."""
    for pack in bench.packs_of(copy):
        for start, length in bench.frames_of(pack):
            bench.harm_frame(pack, start, length)

    found = json.loads(cli("verify", "--data", "--json", code=ExitCode.FAILED).stdout)
    done = json.loads(cli("repair", "--yes", "--json", code=ExitCode.FAILED).stdout)

    for report in (found, done["now"]):
        lost = {(one["in"], one["path"]) for one in report["lost_files"]}
        assert ("p/gone:v0 (in the trash)", "a") in lost
        assert ("p/data:v2", "large.bin") in lost


def test_repair_lists_what_it_did_not_find_by_its_digest(copy: Path, cli: Call) -> None:
    harm(copy)

    said = cli("repair", "--yes", code=ExitCode.FAILED).stdout

    assert "b3sum" in said
    assert len(list((copy / "quarantine").iterdir())) == 1


def test_repair_has_nothing_to_do_in_a_sound_store(copy: Path, cli: Call) -> None:
    assert "sound" in cli("repair", "--yes", code=ExitCode.OK).stdout


@pytest.mark.parametrize("pages", [range(5, 40, 3), range(60, 61)], ids=["many", "one"])
def test_repair_writes_nothing_into_a_database_with_damaged_pages(
    copy: Path, cli: Call, pages: range
) -> None:
    content = bytearray((copy / "localart.db").read_bytes())
    for page in pages:
        content[page * 4096 : page * 4096 + 100] = bytes(100)
    (copy / "localart.db").write_bytes(content)

    result = cli("repair", "--yes", code=ExitCode.FAILED)

    assert "localart rebuild" in result.stdout + result.stderr
    assert (copy / "localart.db").read_bytes() == content


def test_repair_waits_for_nobody(copy: Path) -> None:
    import localart

    harm(copy)
    artifact = localart.Artifact("new", "dataset")
    with artifact.new_file("a.txt") as file:
        file.write("a")
    repository = open_repository(copy, create=False)

    with pytest.raises(StoreBusy):
        execute_repair(repository, plan_repair(repository))

    repository.close()
    assert os.listdir(copy / "quarantine") == []


def test_a_place_for_copies_that_is_not_there_is_refused(copy: Path, cli: Call) -> None:
    harm(copy)

    assert "does not exist" in cli("repair", "--yes", "--from", "nowhere", code=ExitCode.USAGE).stderr
