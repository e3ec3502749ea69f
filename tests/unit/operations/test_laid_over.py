"""A draft that is laid over what others have logged: nothing of theirs is lost, whenever they log it."""

import sqlite3

import localart
from localart.operations.log import Label, LogReport, Underlay, latest_manifest, log_over, log_version

LABEL = Label(project="demo", name="data", type="dataset", description=None, metadata={}, incremental=True)


def with_text(path: str, text: str) -> localart.Artifact:
    made = localart.Artifact("data", type="dataset")
    with made.new_file(path) as file:
        file.write(text)
    return made


def log_over_a_moving_ground(
    run: localart.Run, draft: localart.Artifact, changes: int
) -> tuple[LogReport, int]:
    """Log `draft` over the latest version, while another writer logs one just before each of `changes` commits."""
    repository = draft.draft.repository
    asked: list[Underlay] = []

    def underlay(connection: sqlite3.Connection) -> Underlay:
        found = Underlay(manifests=latest_manifest(connection, LABEL), label=LABEL)
        asked.append(found)
        before_commit = not connection.in_transaction
        if before_commit and len(asked) < 2 * changes:
            other = with_text(f"other{len(asked)}", "theirs")
            log_version(repository, other.draft, LABEL, run=run.record)
        return found

    report = log_over(repository, draft.draft, underlay, run=run.record, then=lambda _tx, _report: None)
    return report, len(asked)


def test_what_is_logged_just_before_the_commit_is_in_it(workdir: object) -> None:
    with localart.init(project="demo") as run:
        run.log_artifact(with_text("first", "x"))

        report, asked = log_over_a_moving_ground(run, with_text("mine", "x"), changes=2)

    assert asked == 6  # twice in vain, then once more
    held = localart.Api().artifact("demo/data:v3")
    assert sorted(held.manifest.entries) == ["first", "mine", "other1", "other3"]
    assert report.version.number == 3


def test_a_ground_that_stays_is_asked_twice(workdir: object) -> None:
    with localart.init(project="demo") as run:
        _, asked = log_over_a_moving_ground(run, with_text("mine", "x"), changes=0)

    assert asked == 2
