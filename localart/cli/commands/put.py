"""`localart put`: log files and folders as a version, in a run of its own."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_address
from localart.cli.documents import version_document
from localart.cli.figures import count_text, size_text
from localart.cli.progress_line import progress_line
from localart.records import dataclass

if TYPE_CHECKING:
    from localart.draft import Draft
    from localart.operations.log import Label, LogReport
    from localart.progress import Progress
    from localart.repository import Repository

JOB_TYPE = "cli_put"
DEFAULT_PROJECT = "uncategorized"
_METADATA_HINT = """for example --metadata '{"source": "web"}', or --metadata @FILE"""
_NAMED_BY_LIBRARY = {"file", "s3", "gs"}  # schemes


@command(
    "put",
    examples=(
        "localart put data -n digits-demo/digits-raw -a checked",
        "localart put report.md data -n notes -t report -d 'first try'",
        "localart put s3://bucket/raw.csv -n far",
    ),
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path())
@click.option("-n", "--name", metavar="[PROJECT/]NAME", shell_complete=complete_address,
              help="The artifact; the file's or folder's own name when left out.")  # fmt: skip
@click.option("-t", "--type", "kind", default="dataset", show_default=True, help="The artifact's type.")
@click.option("-a", "--alias", "aliases", multiple=True, help="An alias for the version; may be repeated.")
@click.option("--tag", "tags", multiple=True, help="A tag for the version; may be repeated.")
@click.option("-d", "--description", help="Free text about it.")
@click.option("--metadata", metavar="JSON|@FILE", help="A JSON object, or @ and the name of a file with one.")
@click.option("--id", "run_id", metavar="RUN", help="Log in this run, new or ended, not in one of its own.")
@click.option("--resume", is_flag=True, help="Take up the last put in this folder that did not end well.")
@click.option("--policy", type=click.Choice(["mutable", "immutable"]), default="mutable", hidden=True,
              help="W&B's; content is taken in at once either way.")  # fmt: skip
@click.option("--skip_cache", is_flag=True, hidden=True, help="W&B's; there is no cache to skip.")
def put_command(  # noqa: PLR0913, PLR0917 - a parameter an option
    call: Call,
    paths: tuple[str, ...],
    name: str | None,
    kind: str,
    aliases: tuple[str, ...],
    tags: tuple[str, ...],
    description: str | None,
    metadata: str | None,
    run_id: str | None,
    resume: bool,
    policy: str,
    skip_cache: bool,
) -> None:
    """Log files and folders as the next version of an artifact, and print its name.

    One folder gives its content; of several PATHs each keeps its own name. scheme://… is kept as a reference,
    its bytes stay where they are. Content that is there already makes no new version.
    """
    del policy, skip_cache
    project, name = _names(name, paths)
    wanted = _Wanted(
        project=project, name=name, kind=kind, aliases=aliases, tags=tags, description=description
    )
    place = _RunPlace(run_id=run_id, resume=resume)
    label = _label(call, wanted, _metadata(metadata))
    for path in paths:
        _check_source(path, call.store_path)
    repository = call.open(create=True)
    _refuse_other_type(repository, label)
    if wanted.project is None and not call.settings.project:
        _tell_namesakes(call, repository, label)
    report = _log(repository, paths, label, place, progress_line(silent=call.settings.silent))
    _tell(call, report)


def _tell(call: Call, report: "LogReport") -> None:
    version = report.version
    if call.console.as_json:
        call.console.document({**version_document(version), "is_new": report.is_new})
        return
    call.console.line(version.full_name)
    held = f"{count_text(version.file_count, 'file')}, {size_text(version.size_bytes)}"
    news = "logged as a new version" if report.is_new else "the content was there already; no new version"
    call.console.say(f"{news}: {held}")


# --- what is asked for -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What describes the version. `project`: the one that was named."""

    project: str | None
    name: str
    kind: str
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _RunPlace:
    """Which run to log in: one with an id, the last one here that did not end well, or (neither) a new one."""

    run_id: str | None
    resume: bool


def _label(call: Call, wanted: _Wanted, metadata: Mapping[str, Any]) -> "Label":
    """Everything but the content, checked before anything is touched."""
    from localart.names import (
        check_alias,
        check_artifact_name,
        check_artifact_type,
        check_project,
        check_prose,
        check_tag,
    )
    from localart.operations.log import Label

    return Label(
        project=check_project(wanted.project or call.settings.project or DEFAULT_PROJECT),
        name=check_artifact_name(wanted.name),
        type=check_artifact_type(wanted.kind, wanted.name),
        description=None if wanted.description is None else check_prose(wanted.description, "Description"),
        metadata=metadata,
        aliases=tuple(check_alias(alias) for alias in wanted.aliases),
        tags=tuple(check_tag(tag) for tag in wanted.tags),
    )


def _names(given: str | None, paths: Sequence[str]) -> tuple[str | None, str]:
    """Project and name."""
    ctx = click.get_current_context()
    if given is None:
        if len(paths) > 1:
            raise click.UsageError("Several PATHs need a name for what they make: -n NAME", ctx)
        # Blanks and the like are common in file names and never part of an artifact's.
        return None, re.sub(r"[^a-zA-Z0-9_.-]+", "-", Path(paths[0]).absolute().name).strip("-.")[:128]
    if ":" in given:
        raise click.UsageError("-n takes a name without ':'; give aliases with -a", ctx)
    project, slash, name = given.rpartition("/")
    return (project.rpartition("/")[2] if slash else None), name


def _metadata(given: str | None) -> Mapping[str, Any]:
    from localart.errors import InvalidMetadata, SourceUnreadable
    from localart.jsonable import normalise_metadata, parse_json
    from localart.names import shown

    if given is None:
        return {}
    text: str | bytes = given
    if given.startswith("@"):
        try:
            text = Path(given[1:]).read_bytes()
        except OSError as error:
            raise SourceUnreadable(
                f"The metadata file {shown(given[1:])} cannot be read: {error.strerror}",
                hint="check the path",
            ) from error
    try:
        value = parse_json(text)
    except InvalidMetadata as error:
        raise InvalidMetadata(f"--metadata: {error.message}", hint=_METADATA_HINT) from error
    if not isinstance(value, dict):
        raise InvalidMetadata("Metadata must be a JSON object", hint=_METADATA_HINT)
    return normalise_metadata(value)


# --- what is put in ----------------------------------------------------------------------------------


def _is_reference(path: str) -> bool:
    return re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", path) is not None


def _check_source(path: str, store: Path) -> None:
    """Before a store is made: what is refused later would leave it behind."""
    from localart.errors import SourceError, SourceMissing
    from localart.names import shown

    if _is_reference(path):
        _reference_name(path)
    elif not Path(path).exists():
        raise SourceMissing(f"There is no file or folder {shown(path)}", hint="check the path")
    elif Path(path).resolve() == store.resolve():
        raise SourceError(
            f"{shown(path)} is the store itself", hint="name another folder, or another --store"
        )


def _reference_name(uri: str) -> str | None:
    """What an address is called inside the artifact: the last part of its path; None leaves it to the library."""
    from localart.errors import InvalidName
    from localart.names import shown

    try:
        address = urlsplit(uri)
    except ValueError as error:
        raise InvalidName(f"{shown(uri)} is no address: {error}", hint="check how it is spelled") from error
    if address.scheme.lower() in _NAMED_BY_LIBRARY:
        return None
    name = unquote(address.path).rstrip("/").rpartition("/")[2]
    if not name:
        raise InvalidName(
            f"The address {shown(uri)} names no file",
            hint=f"end it with one, as in {address.scheme}://place/name",
        )
    return name


def _tell_namesakes(call: Call, repository: "Repository", label: "Label") -> None:
    """Nobody said which project: one who means an artifact of another one should learn that this is not it."""
    from localart.catalog.artifacts import find_named
    from localart.model import ArtifactKind

    others = [
        f"{one.project}/{one.name}"
        for one in find_named(repository.read(), label.name)
        if one.kind is ArtifactKind.SEQUENCE and one.project != label.project
    ]
    if others:
        call.console.say(
            f"note: {others[0]} is another artifact; `-n {others[0]}` makes the next version of that one"
        )


def _refuse_other_type(repository: "Repository", label: "Label") -> None:
    """Logging refuses it too, but then a failed run would tell of a mere slip."""
    from localart.catalog.artifacts import find_artifact
    from localart.errors import ContentConflict
    from localart.names import shown

    known = find_artifact(repository.read(), label.project, label.name)
    if known is not None and known.type != label.type:
        raise ContentConflict(
            f"Artifact {known.project}/{known.name} has type {shown(known.type)}, not {shown(label.type)}",
            hint=f"pass -t {known.type}, or choose another name",
        )


def _log(
    repository: "Repository", paths: Sequence[str], label: "Label", place: _RunPlace, progress: "Progress"
) -> "LogReport":
    """Take the content in, then log it in a run; a source that cannot be read leaves no run behind."""
    from localart.draft import Draft
    from localart.operations.log import log_version
    from localart.operations.run_life import begin_run
    from localart.reporter import Reporter
    from localart.runs import Run
    from localart.runs.run import RunWishes
    from localart.runs.run_names import new_run_name

    draft = Draft(lambda: repository, artifact=label.name)
    progress.start(f"adding to {label.name}", total_bytes=0, total_files=0)
    try:
        for path in paths:
            _add(draft, path, is_only_one=len(paths) == 1, progress=progress)
    finally:
        progress.finish()
    started = begin_run(repository, _request(label, place), new_run_name)
    with Run(
        repository, started, Reporter(silent=True), on_finish=lambda _: None, wishes=RunWishes(quiet=True)
    ) as run:
        return log_version(repository, draft, label, run=run.record)


def _request(label: "Label", place: _RunPlace) -> Any:
    from localart.names import check_run_id
    from localart.operations.run_life import RunRequest
    from localart.runs.run_names import new_run_id

    return RunRequest(
        project=label.project,
        id=new_run_id() if place.run_id is None else check_run_id(place.run_id),
        name=None,
        job_type=JOB_TYPE,
        group=None,
        notes=None,
        tags=(),
        config={},
        facts={"python": sys.version.split()[0], "program": "localart put"},
        resume=None if place.run_id is None and not place.resume else "allow",
        auto_place=str(Path.cwd()) if place.resume and place.run_id is None else None,
    )


def _add(draft: "Draft", path: str, *, is_only_one: bool, progress: "Progress") -> None:
    from localart.draft import add_file, add_reference, add_tree

    if _is_reference(path):
        add_reference(draft, path, _reference_name(path))
    elif Path(path).is_dir():
        add_tree(draft, path, None if is_only_one else Path(path).resolve().name, progress=progress)
    else:
        entry = add_file(draft, path, None)
        progress.advance(byte_count=entry.size_bytes, file_count=1)
