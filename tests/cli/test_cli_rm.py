"""`localart rm` shows what will go, asks, deletes, and frees what nothing else needs."""

import os
from pathlib import Path

import pytest

import localart
from localart.repository.opening import close_all


def put_version(content: bytes, **named: object) -> None:
    """Log one more version of `big`."""
    with localart.init(project="p", job_type="make") as run:
        artifact = localart.Artifact("big", type="dataset")
        with artifact.new_file("data.bin", "wb") as file:
            file.write(content)
        run.log_artifact(artifact, **named)


@pytest.fixture
def versions(isolated: None) -> tuple[bytes, bytes]:
    """`big:v0` (alias old) and `big:v1` (alias latest), a megabyte of noise each."""
    contents = os.urandom(1 << 20), os.urandom(1 << 20)
    put_version(contents[0], aliases=["old"])
    put_version(contents[1])
    close_all()
    return contents


def pack_bytes(store: Path) -> int:
    return sum(path.stat().st_size for path in (store / "packs").iterdir())


def test_a_deleted_version_is_gone_and_its_bytes_are_free(versions, cli, facts, store, talkative):
    cli("alias", "big:v0", "old", "--remove")
    before = pack_bytes(store)

    result = cli("rm", "big:v0", "--yes", "--now")

    assert result.stdout == "p/big:v0\n"
    assert "deleted 1 version, freed 1." in result.stderr
    assert before - pack_bytes(store) >= 1 << 20
    assert [one["version"] for one in facts("ls", "big")["versions"]] == ["v1"]
    assert "was deleted" in cli("show", "big:v0", code=1).stderr
    cli("get", "big:v1")
    assert Path("artifacts/big:v1/data.bin").read_bytes() == versions[1]


def test_a_dry_run_shows_what_would_be_freed_and_changes_nothing(versions, cli, facts, store):
    before = {path: path.stat().st_size for path in store.rglob("*.pack")}

    said = facts("rm", "p/big:old", "--with-aliases", "--dry-run")
    text = cli("rm", "p/big:old", "--with-aliases", "--dry-run").stdout

    assert said["dry_run"] is True
    assert [one["address"] for one in said["versions"]] == ["p/big:v0"]
    assert said["aliases"] == ["big:old"]
    assert said["logical_bytes"] == 1 << 20
    assert said["would_free_bytes"] >= 1 << 20
    assert "1 version will be deleted, 1.0 MB as logged" in text
    assert "big:old" in text
    assert "then this frees 1." in text
    assert {path: path.stat().st_size for path in store.rglob("*.pack")} == before
    assert len(facts("ls", "big")["versions"]) == 2


def test_what_others_share_is_not_freed(isolated, cli, facts):
    content = os.urandom(1 << 20)
    put_version(content)
    with localart.init(project="p") as run:
        artifact = localart.Artifact("copy", type="dataset")
        with artifact.new_file("data.bin", "wb") as file:
            file.write(content)
        run.log_artifact(artifact)
    close_all()

    said = facts("rm", "big:v0", "--with-aliases", "--yes", "--now")

    assert said["freed_bytes"] < 1 << 19
    cli("get", "copy")
    assert Path("artifacts/copy:v0/data.bin").read_bytes() == content


def test_json_says_what_was_freed(versions, facts):
    said = facts("rm", "big:v0", "--with-aliases", "--yes", "--now")

    assert said["dry_run"] is False
    assert said["freed_bytes"] >= 1 << 20
    assert said["held_by_writers"] is False


def test_a_version_with_aliases_is_kept_unless_they_may_go(versions, cli, facts):
    result = cli("rm", "big:v0", "--yes", code=1)

    assert "p/big:v0 still has aliases: old" in result.stderr
    assert "--with-aliases" in result.stderr
    assert len(facts("ls", "big")["versions"]) == 2


def test_all_versions_of_a_name_go_together(versions, cli, facts):
    cli("rm", "big", "--all-versions", "--with-aliases", "--yes")

    assert facts("ls")["artifacts"] == []
    put_version(b"again")
    assert [one["version"] for one in facts("ls", "big")["versions"]] == ["v2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["big"], "Which version of 'big'?"),
        (["big:v0", "--all-versions"], "without ':'"),
        (["big:v0", "--with-aliases"], "pass --yes"),
    ],
)
def test_rm_never_guesses(versions, cli, facts, arguments, message):
    assert message in cli("rm", *arguments, code=2).stderr
    assert len(facts("ls", "big")["versions"]) == 2


def test_one_address_that_is_wrong_keeps_all_versions(versions, cli, facts):
    cli("rm", "big:v0", "big:v9", "--with-aliases", "--yes", code=1)

    assert len(facts("ls", "big")["versions"]) == 2


def test_a_version_named_twice_goes_once(versions, facts):
    assert len(facts("rm", "big:v0", "big:old", "--with-aliases", "--dry-run")["versions"]) == 1


@pytest.mark.parametrize(("answer", "code", "left"), [("y", 0, 1), ("n", 1, 2), ("", 1, 2), ("maybe", 1, 2)])
def test_a_person_is_asked_after_seeing_the_plan(versions, terminal, facts, answer, code, left):
    ended, seen = terminal("rm", "big:v0", "--with-aliases", typed=f"{answer}\n")

    assert ended == code
    assert seen.index("1 version will be deleted") < seen.index("Delete 1 version? [y/N]")
    assert ("nothing was deleted" in seen) == (code == 1)
    assert len(facts("ls", "big")["versions"]) == left


def test_bytes_that_a_draft_may_need_stay_until_later(versions, cli, facts, talkative):
    draft = localart.Artifact("draft", type="dataset")
    with draft.new_file("x", "w") as file:
        file.write("x")

    result = cli("rm", "big:v0", "--with-aliases", "--yes", "--now")

    assert "freed" in result.stderr
    assert [one["version"] for one in facts("ls", "big")["versions"]] == ["v1"]
    del draft
