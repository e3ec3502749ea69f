"""`localart runs`: the runs of a project or of the whole store, newest first. Streams."""

from itertools import islice
from typing import TYPE_CHECKING

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_project
from localart.cli.documents import run_document
from localart.cli.figures import duration_text, time_text
from localart.cli.tables import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localart.model import RunRecord

STATES = ("running", "finished", "failed", "crashed", "killed")
_COLUMNS = (
    Column(title="RUN"),
    Column(title="NAME", shrinks=True, least=12),
    Column(title="PROJECT", shrinks=True),
    Column(title="JOB TYPE", shrinks=True),
    Column(title="STATE"),
    Column(title="STARTED"),
    Column(title="TOOK", right=True),
)


@command("runs", examples=("localart runs", "localart runs digits-demo --job-type train --limit 5"))
@click.argument("project", required=False, shell_complete=complete_project)
@click.option("--job-type", help="Only runs of this job type.")
@click.option("--state", type=click.Choice(STATES), help="Only runs in this state.")
@click.option("--limit", type=click.IntRange(min=1), help="At most this many.")
def runs_command(
    call: Call, project: str | None, job_type: str | None, state: str | None, limit: int | None
) -> None:
    """List runs, newest first."""
    from localart.catalog.projects import find_project
    from localart.catalog.runs import iter_runs
    from localart.errors import ProjectNotFound
    from localart.names import shown
    from localart.operations.run_life import mark_crashed

    repository = call.open()
    mark_crashed(repository)  # so that a run whose process died is not shown as running
    if project is not None and find_project(repository.read(), project) is None:
        raise ProjectNotFound(f"No project {shown(project)}", hint="`localart ls` lists what is there")
    everything = iter_runs(repository.read(), project=project, newest_first=True)
    found = islice(_matching(everything, job_type, state), limit)
    if call.console.as_json:
        call.console.stream({"project": project}, "runs", map(run_document, found))
    else:
        call.console.table(_COLUMNS, map(_row, found), empty="there is no such run")


def _matching(runs: "Iterator[RunRecord]", job_type: str | None, state: str | None) -> "Iterator[RunRecord]":
    return (
        run
        for run in runs
        if (job_type is None or run.job_type == job_type) and (state is None or run.state == state)
    )


def _row(run: "RunRecord") -> tuple[str, ...]:
    return (
        run.id,
        run.name,
        run.project,
        run.job_type or "",
        run.state.value,
        time_text(run.created_at),
        duration_text(run.created_at, run.finished_at),
    )
