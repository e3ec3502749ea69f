"""What the shell offers after TAB: addresses and run ids from the store. Fast, and never an error."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from localart.errors import LocalartError

if TYPE_CHECKING:
    import click

    from localart.model import ArtifactRecord
    from localart.repository import Repository

MOST = 100
_VERSIONS = 30


def complete_address(ctx: "click.Context", param: "click.Parameter", incomplete: str) -> list[str]:
    """`name`, `project/name`, and after a colon its aliases and newest versions."""
    del param
    return _offered(ctx, incomplete, _addresses)


def complete_target(ctx: "click.Context", param: "click.Parameter", incomplete: str) -> list[str]:
    """An address, or `run:ID`."""
    del param
    return _offered(ctx, incomplete, _targets)


def complete_run(ctx: "click.Context", param: "click.Parameter", incomplete: str) -> list[str]:
    """The newest runs' ids."""
    del param
    return _offered(ctx, incomplete, _run_ids)


def complete_project(ctx: "click.Context", param: "click.Parameter", incomplete: str) -> list[str]:
    """Project names."""
    del param
    return _offered(ctx, incomplete, _projects)


def complete_place(ctx: "click.Context", param: "click.Parameter", incomplete: str) -> list[str]:
    """A project or an address: what `ls` takes."""
    del param
    return _offered(ctx, incomplete, lambda *asked: [*_projects(*asked), *_addresses(*asked)])


def _offered(
    ctx: "click.Context", incomplete: str, find: "Callable[[Repository, str], Iterator[str] | list[str]]"
) -> list[str]:
    from dataclasses import replace

    from localart.repository import open_repository
    from localart.settings import find_store, read_settings

    settings = read_settings()
    given = ctx.params.get("store")
    try:
        store = find_store(replace(settings, store=Path(given)) if given else settings)
        repository = open_repository(store, create=False)
        try:
            return list(
                islice((one for one in find(repository, incomplete) if one.startswith(incomplete)), MOST)
            )
        finally:
            repository.close()
    except (LocalartError, OSError, sqlite3.Error):
        return []  # a TAB is no place to complain: the command itself will


def _targets(repository: "Repository", incomplete: str) -> Iterator[str]:
    yield from _addresses(repository, incomplete)
    if incomplete.startswith("run:") or "run:".startswith(incomplete):
        yield from (f"run:{run_id}" for run_id in _run_ids(repository, incomplete.removeprefix("run:")))


def _addresses(repository: "Repository", incomplete: str) -> Iterator[str]:
    from localart.catalog.artifacts import list_artifacts

    found = list_artifacts(repository.read())
    base, colon, _ = incomplete.partition(":")
    if colon:
        named = [one for one in found if base in {one.name, f"{one.project}/{one.name}"}]
        yield from (f"{base}:{selector}" for one in named[:1] for selector in _selectors(repository, one))
        return
    counted = Counter(one.name for one in found)
    yield from sorted(name for name, count in counted.items() if count == 1 and name.startswith(base))
    yield from (f"{one.project}/{one.name}" for one in found)


def _selectors(repository: "Repository", artifact: "ArtifactRecord") -> Iterator[str]:
    from localart.catalog.versions import iter_versions

    newest = list(islice(iter_versions(repository.read(), artifact.id), _VERSIONS))
    yield from (alias for version in newest for alias in version.aliases)
    yield from (f"v{version.number}" for version in newest)


def _run_ids(repository: "Repository", incomplete: str) -> Iterator[str]:
    from localart.catalog.runs import iter_runs

    found = (run.id for run in iter_runs(repository.read(), newest_first=True))
    return (run_id for run_id in islice(found, 2_000) if run_id.startswith(incomplete))


def _projects(repository: "Repository", incomplete: str) -> list[str]:
    from localart.catalog.projects import list_projects

    return [
        project.name for project in list_projects(repository.read()) if project.name.startswith(incomplete)
    ]
