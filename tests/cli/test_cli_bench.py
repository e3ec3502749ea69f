"""`localart bench` times real work and leaves nothing behind."""

import json


def test_own_files_are_timed_beside_a_copy(cli, workdir, store):
    (workdir / "data").mkdir()
    for number in range(20):
        (workdir / "data" / f"{number}.txt").write_bytes(b"line\n" * 500)

    document = json.loads(cli("bench", "data", "--rounds", "2", "--json").stdout)
    shown = cli("bench", "data/3.txt", "--rounds", "1").stdout

    assert (document["file_count"], document["copied_bytes"]) == (20, 50_000)
    assert 0 < document["stored_bytes"] < 20_000
    assert [len(timing["seconds"]) for timing in document["timings"]] == [2] * 5
    assert "log again, unchanged" in shown
    assert [path.name for path in workdir.iterdir()] == ["data"]
    assert not store.exists()


def test_what_is_not_there_cannot_be_timed(cli):
    assert "does not exist" in cli("bench", "nothing", code=2).stderr
