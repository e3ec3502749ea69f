"""The clock goes back a year, forward a year, or stands still: order is by number, and nothing alive is taken."""

import time
from pathlib import Path

import pytest

import localart
from localart.operations.prune import execute_prune
from localart.repository.opening import close_all, default_repository

YEAR = 365 * 86_400


@pytest.fixture
def clock(monkeypatch):
    """Moves the clock of this process by so many seconds; None stops it."""
    import datetime as dt

    from localart.repository import identity

    now, now_ns, moved = time.time, time.time_ns, [0.0]
    stopped = now()

    class Moved(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(moved_time(), tz)

    def moved_time():
        return stopped if moved[0] is None else now() + moved[0]

    monkeypatch.setattr(time, "time", moved_time)
    monkeypatch.setattr(
        time,
        "time_ns",
        lambda: int(moved_time() * 1e9) if moved[0] is None else now_ns() + int(moved[0] * 1e9),
    )
    monkeypatch.setattr(identity, "datetime", Moved)

    def set_clock(seconds):
        moved[0] = seconds

    return set_clock


def log(text):
    with localart.init(project="p", reinit="create_new") as run:
        run.log({"x": 1.0})
        run.log({"x": 2.0})
        draft = localart.Artifact("ds", "data")
        with draft.new_file("a.txt") as file:
            file.write(text * 1000)
        return run.log_artifact(draft).version


@pytest.mark.parametrize(
    "jumps",
    [(0, -YEAR, YEAR, -YEAR), (None, None, None, None), (YEAR, 0, -YEAR, 0)],
    ids=["jumping", "still", "back"],
)
def test_whatever_the_clock_says_versions_are_in_order_and_a_prune_takes_nothing_alive(
    clock, jumps, tmp_path
):
    """Seen to fail when `listed_keys` gives versions by `created_at`."""
    for number, jump in enumerate(jumps):
        clock(jump)
        assert log(str(number)) == f"v{number}"
        close_all()
        execute_prune(default_repository(), trash_seconds=0)

    api = localart.Api()
    assert [one.version for one in api.artifacts("data", "p/ds")] == ["v3", "v2", "v1", "v0"]
    assert api.artifact("p/ds:latest").version == "v3"
    for number in range(4):
        root = Path(api.artifact(f"p/ds:v{number}").download(tmp_path / str(number)))
        assert (root / "a.txt").read_text() == str(number) * 1000
    assert [[row["x"] for row in run.scan_history()] for run in api.runs("p")] == [[1.0, 2.0]] * 4
    assert {run.state for run in api.runs("p")} == {"finished"}


def test_a_draft_that_is_alive_keeps_its_bytes_when_the_clock_jumps(clock, tmp_path):
    """Seen to fail without the pins in `sparing._NEEDED`."""
    log("old")
    localart.Api().artifact("p/ds:v0").delete(delete_aliases=True)
    with localart.init(project="p") as run:
        draft = localart.Artifact("ds", "data")
        with draft.new_file("a.txt") as file:
            file.write("old" * 1000)
        clock(YEAR)
        execute_prune(default_repository(), trash_seconds=86_400)
        clock(-YEAR)
        run.log_artifact(draft)

    root = Path(localart.Api().artifact("p/ds:latest").download(tmp_path / "out"))
    assert (root / "a.txt").read_text() == "old" * 1000
