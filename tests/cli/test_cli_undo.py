"""`localart history` and `localart undo`."""

import pytest
from cli_callers import new_version


@pytest.fixture
def tagged(filled: None, cli) -> None:
    """The small pipeline, then a tag on raw:v0 and an alias on model:v0."""
    cli("tag", "raw:v0", "golden")
    cli("alias", "model:v0", "prod")


def changes(facts, *arguments: str) -> list[dict]:
    return facts("history", *arguments)["changes"]


def test_history_lists_the_newest_change_first_with_its_number(tagged, cli, facts):
    found = changes(facts)
    lines = cli("history").stdout.splitlines()

    assert [one["kind"] for one in found[:2]] == ["alias.set", "version.tagged"]
    assert found[0]["what"] == "alias 'prod' points to digits/model:v0"
    assert found[0]["undoable"] is True
    assert lines[0].split() == ["CHANGE", "TIME", "WHAT"]
    assert lines[1].split()[0] == str(found[0]["change"])


def test_history_is_of_one_artifact_or_version_too(tagged, facts):
    assert {one["kind"] for one in changes(facts, "model")} == {
        "artifact.created", "version.logged", "alias.set",
    }  # fmt: skip
    assert changes(facts, "raw:v0")[0]["kind"] == "version.tagged"
    assert changes(facts, "raw:best")[0]["kind"] == "version.tagged"
    assert len(changes(facts, "-n", "1")) == 1
    assert any(one["kind"].startswith("run.") for one in changes(facts, "--all", "-n", "100"))
    assert not any(one["kind"].startswith("run.") for one in changes(facts, "-n", "100"))


def test_undo_takes_back_the_last_change_and_then_the_one_before(tagged, cli, facts):
    first = cli("undo").stdout
    second = cli("undo").stdout

    assert first == "digits/model: alias 'prod' is gone again\n"
    assert second == "digits/raw:v0: tags are checked again\n"
    assert [one["undone_by"] is not None for one in changes(facts) if one["kind"] == "version.tagged"][1]
    assert facts("show", "model:v0")["aliases"] == ["latest"]


def test_a_deletion_comes_back_with_its_files_and_goes_again(filled, cli, facts, workdir):
    cli("rm", "raw:best", "--with-aliases", "--yes")
    assert "No artifact 'raw'" in cli("get", "raw:v0", code=1).stderr

    number = facts("undo")["change"]
    cli("get", "raw:best")
    assert (workdir / "artifacts" / "raw:v0" / "a.txt").read_text() == "a.txt" * 10

    cli("undo", str(number))
    assert "No artifact 'raw'" in cli("get", "raw:v0", code=1).stderr


def test_a_dry_run_of_undo_changes_nothing(tagged, cli, facts):
    before = changes(facts)

    said = facts("undo", "--dry-run")

    assert said["dry_run"] is True
    assert [one["what"] for one in said["changes"]] == ["alias 'prod' points to digits/model:v0"]
    assert "alias 'prod'" in cli("undo", "--dry-run").stdout
    assert changes(facts) == before


def test_what_cannot_be_taken_back_says_why_and_what_to_do(tagged, cli, facts):
    number = changes(facts)[0]["change"]
    cli("alias", new_version("model", "more", type="model"), "prod")

    result = cli("undo", str(number), code=1)

    assert "changed again since" in result.stderr
    assert "localart undo" in result.stderr
    assert "There is no change 9999" in cli("undo", "9999", code=1).stderr


def test_a_moved_artifact_moves_back(filled, cli):
    cli("mv", "raw", "other/data")

    assert cli("undo").stdout == "other/data is digits/raw again\n"
    cli("get", "digits/raw:best")
