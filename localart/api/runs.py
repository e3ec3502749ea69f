"""Runs that pass a filter, and their histories side by side."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from localart.api.asking import asked
from localart.api.history import as_frame
from localart.api.listing import Listing, Pages
from localart.api.public_run import PublicRun
from localart.catalog import projects, run_listing
from localart.catalog import runs as run_rows
from localart.errors import InvalidRequest, NotLocalError, ProjectNotFound
from localart.model import RunState
from localart.names import check_project, check_run_id, shown
from localart.operations.run_life import RunRequest, begin_run, end_run
from localart.repository import Repository


class Runs(Listing[PublicRun]):
    """The runs of a project (None: of all) that pass a filter, in an order."""

    def __init__(
        self,
        repository: Repository,
        project: str | None,
        *,
        filters: Mapping[str, Any] | None = None,
        order: str | None = None,
        per_page: int = 50,
    ) -> None:
        project_id = None
        if project is not None:
            project_id = projects.find_project(repository.read(), project)
            if project_id is None:
                raise ProjectNotFound(
                    f"No project {shown(project)}", hint="`localart ls` lists what is there"
                )
        query = run_listing.plan_runs(project_id, filters, order)

        def load(keys: Sequence[int]) -> dict[Any, PublicRun]:
            found = run_rows.get_runs(repository.read(), keys)
            return {record.key: PublicRun(repository, record) for record in found}

        super().__init__(
            Pages(
                count=lambda: run_listing.count_matching(repository.read(), query),
                keys=lambda offset, limit: run_listing.matching_keys(
                    repository.read(), query, offset=offset, limit=limit
                ),
                load=load,
            ),
            per_page=per_page,
        )

    def upgrade_to_full(self) -> None:
        """Do nothing: runs are whole."""

    @asked
    def histories(
        self,
        samples: int = 500,
        keys: Sequence[str] | None = None,
        x_axis: str = "_step",
        format: str = "default",  # noqa: A002
        stream: str = "default",
    ) -> Any:
        """The sampled history of each run, one after another, each row with its `run_id`.

        `format`: "default" is a list of dicts, "pandas" and "polars" are data frames sorted by run and `x_axis`.
        """
        if format not in {"default", "pandas", "polars"}:
            raise InvalidRequest(
                "format must be 'default', 'pandas' or 'polars'", hint="leave it out for a list"
            )
        rows = [
            {**row, "run_id": run.id}
            for run in self
            for row in run.history(samples=samples, keys=keys, x_axis=x_axis, pandas=False, stream=stream)
        ]
        if format == "polars":
            return _polars(rows)
        return as_frame(rows) if format == "pandas" else rows


def _polars(rows: list[dict[str, Any]]) -> Any:
    try:
        polars = import_module("polars")
    except ImportError as error:
        raise NotLocalError(
            "polars is not installed", hint="pip install polars, or leave format out"
        ) from error
    return polars.from_dicts(rows, infer_schema_length=None)


def create_run(repository: Repository, project: str, run_id: str | None) -> PublicRun:
    """Make an empty run that has ended, so that any process may resume it."""
    request = RunRequest(
        project=check_project(project),
        id=check_run_id(run_id or repository.new_uid().replace("-", "")[-8:]),
        name=None,
        job_type=None,
        group=None,
        notes=None,
        tags=(),
        config={},
        facts={},
        resume=None,
    )
    started = begin_run(repository, request, lambda _number: request.id)
    ended = end_run(
        repository, started.run, state=RunState.FINISHED, exit_code=0, error=None, config={}, summary={}
    )
    started.lock.remove()
    return PublicRun(repository, ended)
