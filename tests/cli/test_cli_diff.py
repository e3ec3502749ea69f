"""`localart diff`: what it finds, how it says it, and how it ends."""

import random
import subprocess

import pytest

import localart
from localart.repository.opening import close_all


def log(files, *, metadata=None, name="data", config=None, summary=None):
    with localart.init(project="digits", config=config) as run:
        run.summary.update(summary or {})
        artifact = localart.Artifact(name, type="dataset", metadata=metadata)
        for path, content in files.items():
            with artifact.new_file(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
        run.log_artifact(artifact)
    close_all()
    return run.id


@pytest.fixture
def two():
    log(
        {"a.txt": "one\ntwo\nthree\n", "gone.txt": "x", "same.txt": "s"},
        metadata={"acc": 0.5, "deep": {"k": 1}},
    )
    log({"a.txt": "one\n2\nthree", "new.bin": b"\0\1", "same.txt": "s"}, metadata={"acc": 0.7, "new": None})


def test_it_names_every_file_and_value_that_differs_and_ends_with_1(two, cli):
    lines = cli("diff", "data:v0", "data:v1", code=1).stdout.splitlines()

    assert lines[:2] == ["- digits/data:v0", "+ digits/data:v1"]
    assert "  ~ acc  0.5 → 0.7  (+0.2)" in lines
    assert "  - deep.k  1" in lines
    assert "  + new  null" in lines
    assert [line.split()[:2] for line in lines[lines.index("files") + 1 :]] == [
        ["~", "a.txt"],
        ["-", "gone.txt"],
        ["+", "new.bin"],
    ]


def test_versions_without_differences_end_with_0(two, cli, facts):
    assert cli("diff", "data:v1", "data:latest").exit_code == 0
    found = facts("diff", "data:v1", "data:v1")
    assert found["differs"] is False
    assert found["files"] == []


def test_all_lists_what_is_the_same_too(two, cli):
    assert "  = same.txt  1 B" in cli("diff", "data:v0", "data:v1", "--all", code=1).stdout.splitlines()


def test_its_json_has_both_sides_of_every_difference(two, facts):
    found = facts("diff", "data:v0", "data:v1", code=1)

    assert found["differs"] is True
    assert {one["path"]: one["change"] for one in found["files"]} == {
        "a.txt": "modified",
        "gone.txt": "removed",
        "new.bin": "added",
    }
    acc = next(one for one in found["metadata"] if one["path"] == ["acc"])
    assert (acc["before"], acc["after"]) == (0.5, 0.7)
    assert acc["delta"] == pytest.approx(0.2)
    assert "before" not in next(one for one in found["metadata"] if one["path"] == ["new"])


@pytest.mark.parametrize(
    ("part", "shown", "hidden"), [("--files", "a.txt", "acc"), ("--metadata", "acc", "a.txt")]
)
def test_one_part_alone_decides_how_it_ends(two, cli, part, shown, hidden):
    text = cli("diff", "data:v0", "data:v1", part, code=1).stdout

    assert shown in text
    assert hidden not in text
    log(
        {"a.txt": "one\n2\nthree", "new.bin": b"\0\1", "same.txt": "s"},
        metadata={"acc": 0.7, "new": None},
        name="other",
    )
    assert cli("diff", "data:v1", "other:v0", part).exit_code == 0


def test_unified_shows_lines_as_patch_reads_them(two, cli, tmp_path):
    text = cli("diff", "data:v0", "data:v1", "--unified", "a.txt", code=1).stdout

    assert "-two\n-three\n+2\n+three\n" in text
    assert text.endswith("\\ No newline at end of file\n")
    target = tmp_path / "a.txt"
    target.write_text("one\ntwo\nthree\n")
    subprocess.run(["patch", str(target)], input=text, text=True, check=True, capture_output=True)
    assert target.read_text() == "one\n2\nthree"


def test_unified_of_one_side_alone_and_of_bytes(two, cli):
    assert "+++ /dev/null" in cli("diff", "data:v0", "data:v1", "--unified", "gone.txt", code=1).stdout
    assert "it is no text" in cli("diff", "data:v0", "data:v1", "--unified", "new.bin", code=1).stdout
    assert cli("diff", "data:v0", "data:v1", "--unified", "same.txt").stdout == ""


def test_trouble_never_ends_with_1(two, cli):
    assert cli("diff", "data:v0", "data:v7", code=2).stdout == ""
    assert "Neither version" in cli("diff", "data:v0", "data:v1", "--unified", "no.txt", code=2).stderr
    assert "run cannot be compared" in cli("diff", "data:v0", "run:x", code=2).stderr
    assert cli("diff", "data:v0", "data:v1", "--unified", "../x", code=2).stdout == ""


def test_runs_are_compared_by_config_and_summary(cli, facts):
    first = log({"a": "1"}, config={"lr": 0.1, "opt": {"name": "sgd"}}, summary={"loss": 1.0})
    second = log({"a": "2"}, config={"lr": 0.2, "opt": {"name": "sgd"}}, summary={"loss": float("nan")})

    text = cli("diff", f"run:{first}", f"run:{second}", code=1).stdout
    assert "  ~ lr  0.1 → 0.2  (+0.1)" in text
    assert "opt" not in text
    assert facts("diff", f"run:{second}", f"run:{second}")["differs"] is False


def test_hostile_texts_are_spelled_out(cli):
    log({"a.txt": "x\n\x1b]52;c;ZXZpbA==\x07\n"}, metadata={"k\x1b[31m": "\x9b31m"})
    log({"a.txt": "y\n"}, metadata={})

    for arguments in ((), ("--all",), ("--json",)):
        text = cli("diff", "data:v0", "data:v1", *arguments, code=1).stdout
        assert not any((char < " " and char != "\n") or "\x7f" <= char < "\xa0" for char in text)


def test_random_edits_are_found_exactly(facts):
    chance = random.Random(4)
    before = {f"d{number % 7}/{number:04}": str(number) for number in range(300)}
    after = dict(before)
    for path in chance.sample(sorted(before), 60):
        after[path] = "changed" if chance.random() < 0.5 else after.pop(path, "") or "back"
    removed = chance.sample(sorted(after), 20)
    for path in removed:
        del after[path]
    after |= {f"new/{number}": "n" for number in range(15)}
    log(before)
    log(after)

    found = {one["path"]: one["change"] for one in facts("diff", "data:v0", "data:v1", code=1)["files"]}

    assert {path for path, change in found.items() if change == "removed"} == before.keys() - after.keys()
    assert {path for path, change in found.items() if change == "added"} == after.keys() - before.keys()
    assert {path for path, change in found.items() if change == "modified"} == {
        path for path in before.keys() & after.keys() if before[path] != after[path]
    }
