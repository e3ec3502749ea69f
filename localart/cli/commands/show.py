"""`localart show` and `localart run`: all facts of one version or one run."""

import json
import shlex
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_run, complete_target
from localart.cli.documents import entry_document, plain, run_document, version_document
from localart.cli.figures import count_text, duration_text, size_text, time_text

if TYPE_CHECKING:
    from localart.cli.console import Console
    from localart.model import Entry, RunRecord, VersionRecord
    from localart.repository import Repository

_LISTED_FILES = 10
_LISTED_RUNS = 20
_LABEL_CELLS = 12


@command("show", examples=("localart show digits-demo/trained-digits-net:best", "localart show run:ID"))
@click.argument("target", metavar="[PROJECT/]NAME[:VERSION|:ALIAS] | run:ID", shell_complete=complete_target)
def show_command(call: Call, target: str) -> None:
    """Show everything about a version (the latest when only a name is given) or a run."""
    repository = call.open()
    if target.startswith("run:"):
        _show_run(call, repository, target)
    else:
        _show_version(call, repository, target)


@command("run", examples=("localart run ID",))
@click.argument("run_id", metavar="[PROJECT/]ID", shell_complete=complete_run)
def run_command(call: Call, run_id: str) -> None:
    """Show everything about a run."""
    _show_run(call, call.open(), run_id)


# --- a version ---------------------------------------------------------------------------------------


def _show_version(call: Call, repository: "Repository", address: str) -> None:
    from localart.catalog import edges, manifests, runs

    version = _find_version(repository, address)
    connection = repository.read()
    maker = edges.producer(connection, version.id)
    made_by = None if maker is None else runs.get_run(connection, maker)
    used_by = edges.consumers(connection, version.id)
    users = [runs.get_run(connection, key) for key in used_by[:_LISTED_RUNS]]
    manifest = manifests.get_manifest(connection, version.manifest_id)
    first = list(islice(manifests.verified_entries(connection, manifest), _LISTED_FILES))
    if call.console.as_json:
        call.console.document(
            {
                **version_document(version),
                "made_by": None if made_by is None else _run_line_document(made_by),
                "used_by": [_run_line_document(run) for run in users],
                "used_by_count": len(used_by),
                "first_files": [entry_document(entry) for entry in first],
            }
        )
        return
    page = _Page(call.console)
    _describe_version(page, version)
    page.fact("made by", "" if made_by is None else _run_line(made_by))
    page.list("used by", map(_run_line, users), more=len(used_by) - len(users), noun="run")
    page.list("files", map(_file_line, first), more=version.file_count - len(first), noun="file")
    address = shlex.quote(version.full_name)
    call.hint(f"get {address}", f"lineage {address}", f"ls {address}")


def _find_version(repository: "Repository", address: str) -> "VersionRecord":
    """The version; when there is none but a run has that id, the error says so."""
    from localart.catalog.runs import find_run
    from localart.errors import ArtifactNotFound
    from localart.operations.resolve import resolve_version

    try:
        return resolve_version(repository, address, project=None)
    except ArtifactNotFound as error:
        if find_run(repository.read(), None, address) is None:
            raise
        raise ArtifactNotFound(
            error.message, hint=f"a run has that id: `localart show run:{address}`"
        ) from error


def _describe_version(page: "_Page", version: "VersionRecord") -> None:
    page.title(version.full_name, version.type)
    page.fact("aliases", ", ".join(version.aliases))
    page.fact("tags", ", ".join(version.tags))
    page.fact("logged", time_text(version.created_at))
    page.fact("changed", time_text(version.updated_at) if version.updated_at != version.created_at else "")
    page.fact("size", f"{size_text(version.size_bytes)} in {count_text(version.file_count, 'file')}")
    page.fact("digest", version.digest.hex())
    page.text("description", version.description)
    page.values("metadata", version.metadata)


def _file_line(entry: "Entry") -> str:
    where = f" -> {entry.reference.uri}" if entry.reference is not None else ""
    return f"{size_text(entry.size_bytes):>9}  {entry.path}{where}"


# --- a run -------------------------------------------------------------------------------------------


def _show_run(call: Call, repository: "Repository", address: str) -> None:
    from localart.catalog import metrics, runs, versions
    from localart.operations.resolve import resolve_run
    from localart.operations.run_life import mark_crashed

    mark_crashed(repository)  # so that a run whose process died is not shown as running
    run = resolve_run(repository, address)
    connection = repository.read()
    inputs = versions.linked_versions(connection, run.key, "input")
    outputs = versions.linked_versions(connection, run.key, "output")
    last = metrics.last_values(connection, run.key)
    files = runs.run_files(connection, run.key)
    if call.console.as_json:
        call.console.document(
            {
                **run_document(run),
                "inputs": [_version_line_document(version) for version in inputs],
                "outputs": [_version_line_document(version) for version in outputs],
                "metrics": last,
                "files": [
                    {"path": path, "size_bytes": blob.size_bytes, "digest": blob.digest.hex()}
                    for path, blob in files.items()
                ],
            }
        )
        return
    page = _Page(call.console)
    _describe_run(page, run)
    page.list("inputs", map(_version_line, inputs))
    page.list("outputs", map(_version_line, outputs))
    page.list("metrics", (f"{key}: {_short(value)}" for key, value in last.items()))
    page.list("files", (f"{size_text(blob.size_bytes):>9}  {path}" for path, blob in files.items()))
    page.text("error", run.error)
    call.hint(f"lineage {shlex.quote(f'run:{run.id}')}", *_next_after_run(outputs))


def _describe_run(page: "_Page", run: "RunRecord") -> None:
    page.title(f"run:{run.id}", run.name, run.job_type or "", run.state.value)
    page.fact("project", run.project)
    page.fact("group", run.group or "")
    page.fact("tags", ", ".join(run.tags))
    page.fact("started", time_text(run.created_at))
    page.fact("took", duration_text(run.created_at, run.finished_at))
    page.fact("exit code", str(run.exit_code) if run.exit_code else "")
    page.text("notes", run.notes)
    page.values("config", run.config)
    page.values("summary", run.summary)


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else json.dumps(plain(value), ensure_ascii=False)


def _next_after_run(outputs: "list[VersionRecord]") -> Iterator[str]:
    if outputs:
        yield f"show {shlex.quote(outputs[-1].full_name)}"


# --- one line about a neighbour ------------------------------------------------------------------------


def _run_line(run: "RunRecord") -> str:
    return "  ".join(filter(None, (f"run:{run.id}", run.name, run.job_type, run.state.value)))


def _run_line_document(run: "RunRecord") -> dict[str, Any]:
    return {
        "address": f"run:{run.id}",
        "project": run.project,
        "name": run.name,
        "job_type": run.job_type,
        "state": run.state.value,
    }


def _version_line(version: "VersionRecord") -> str:
    aliases = f"  {', '.join(version.aliases)}" if version.aliases else ""
    return f"{version.full_name}  {version.type}  {size_text(version.size_bytes)}{aliases}"


def _version_line_document(version: "VersionRecord") -> dict[str, Any]:
    return {
        "address": version.full_name,
        "type": version.type,
        "size_bytes": version.size_bytes,
        "aliases": list(version.aliases),
    }


class _Page:
    """Facts one below the other: short ones beside their names, long ones indented below them."""

    def __init__(self, console: "Console") -> None:
        self._console = console

    def title(self, *parts: str) -> None:
        """What the page is about."""
        from localart.cli.console import BOLD

        self._console.line("   ".join(filter(None, parts)), style=BOLD)

    def fact(self, name: str, value: str) -> None:
        """One line; nothing when there is no value."""
        if value:
            self._console.line(f"  {name:{_LABEL_CELLS}}{value}")

    def text(self, name: str, text: str | None) -> None:
        """Text of any number of lines."""
        if text and "\n" not in text.strip() and len(text) < 80:
            self.fact(name, text.strip())
        elif text:
            self._console.line(f"  {name}")
            self._console.block(text.strip("\n"), indent="    ")

    def values(self, name: str, values: Mapping[str, Any]) -> None:
        """JSON, indented."""
        if values:
            self._console.line(f"  {name}")
            self._console.block(json.dumps(plain(values), indent=2, ensure_ascii=False), indent="    ")

    def list(self, name: str, lines: Iterable[str], *, more: int = 0, noun: str = "") -> None:
        """Lines below a name, and how many more there are."""
        shown = list(lines)
        if not shown:
            return
        self._console.line(f"  {name}")
        for line in shown:
            self._console.line(f"    {line}")
        if more > 0:
            self._console.line(f"    … and {count_text(more, f'more {noun}')}")
