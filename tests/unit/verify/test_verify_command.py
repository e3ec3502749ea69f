"""`localart verify` and `localart repair` as they are called, and verify as a function."""

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
from localart.operations.repair import execute_repair, plan_repair
from localart.operations.verify import Subset, parse_subset, verify, verify_store
from localart.progress import Silence
from localart.repository import open_repository

Call = Callable[..., Result]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a bit of everything."""
    folder = tmp_path_factory.mktemp("verify")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("LOCALART_DIR", str(folder / "store"))
        patch.setenv("LOCALART_SILENT", "1")
        patch.setenv("LOCALART_CONSOLE", "off")
        patch.setenv("LOCALART_X_SAVE_REQUIREMENTS", "false")
        bench.fill(folder / "files", with_weights=False)
    return folder / "store"


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
    """Length and change time of every file."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file()
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
