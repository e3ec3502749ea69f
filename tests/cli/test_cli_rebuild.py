"""`localart rebuild` on the command line: what it writes and how it ends."""

import pytest

import localart
from localart.repository.opening import close_all
from localart.store.frames import FrameKind, scan_pack


@pytest.fixture
def lost(store):
    """A store with one version, whose database is gone."""
    with localart.init(project="p") as run:
        draft = localart.Artifact("ds", "dataset")
        with draft.new_file("f", "wb") as file:
            file.write(b"content" * 100)
        run.log_artifact(draft)
    close_all()
    (store / "localart.db").unlink()
    return store


def test_rebuild_makes_the_database_again_and_names_it(lost, cli, talkative):
    done = cli("rebuild")

    assert done.stdout == f"{lost / 'localart.db'}\n"
    assert "restored 1 version and 1 run" in done.stderr
    assert cli("ls", "p/ds").stdout


def test_rebuild_as_json_says_that_all_is_there(lost, facts):
    found = facts("rebuild")

    assert found["complete"] is True
    assert (found["versions"], found["runs"], found["missing_files"]) == (1, 1, [])


def test_rebuild_ends_with_3_and_names_the_digest_of_what_is_missing(lost, cli):
    (path,) = (lost / "packs").iterdir()
    frame = next(one.frame for one in scan_pack(path) if one.kind is FrameKind.DATA)
    content = bytearray(path.read_bytes())
    content[frame.start + frame.stored_bytes - 1] ^= 1
    path.write_bytes(content)

    done = cli("rebuild", code=3)

    assert f"missing: p/ds:v0 f, 700 bytes, b3sum {frame.members[0].digest.hex()}" in done.stdout


def test_rebuild_of_a_sound_store_is_refused_with_2(lost, cli):
    cli("rebuild")

    done = cli("rebuild", code=2)

    assert "nothing to rebuild" in done.stderr
    assert cli("rebuild", "--force").stdout


def test_rebuild_where_no_store_is_ends_with_10(cli, tmp_path):
    cli("rebuild", "--store", str(tmp_path / "none"), code=10)


def test_rebuild_into_a_file_leaves_the_store_without_a_database(lost, cli, tmp_path):
    cli("rebuild", "--into", str(tmp_path / "new.db"))

    assert (tmp_path / "new.db").stat().st_size
    assert not (lost / "localart.db").exists()
