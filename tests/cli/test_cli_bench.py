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


def test_times_of_little_data_are_not_called_a_speed(cli, workdir):
    """Seen to fail: two bytes were logged at 14 B/s, 165 times as long as a copy took."""
    (workdir / "small.txt").write_text("x")

    shown = cli("bench", "small.txt", "--rounds", "1").stdout
    document = json.loads(cli("bench", "small.txt", "--rounds", "1", "--json").stdout)

    assert "B/s" not in shown
    assert "to start and log a single byte takes " in shown
    assert "name more data" in shown
    assert document["mostly_start"] is True
    assert len(document["start_seconds"]) == 1


def test_a_rate_is_said_where_the_data_takes_longer_than_the_start():
    from localart.cli.commands.bench import _rows
    from localart.cli.trial import AGAIN, COPY, COPY_BACK, LOG, RESTORE, START, Timing, Trial

    seconds = {COPY: 1.0, LOG: 2.0, AGAIN: 0.2, RESTORE: 1.5, COPY_BACK: 0.5}
    trial = Trial(
        timings=tuple(Timing(work=work, seconds=(taken,)) for work, taken in seconds.items()),
        start=Timing(work=START, seconds=(0.1,)),
        file_count=1,
        copied_bytes=500_000_000,
        stored_bytes=1,
    )

    rows = {row[0]: row[3:] for row in _rows(trial)}

    assert rows[LOG] == ("250.0 MB/s", "2.00")
    assert rows[RESTORE] == ("333.3 MB/s", "3.00")
