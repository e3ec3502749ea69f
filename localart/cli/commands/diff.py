"""`localart diff`: what differs between two versions, or two runs."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_target
from localart.cli.console import BOLD
from localart.cli.documents import entry_document, plain
from localart.cli.exit_codes import ExitCode, exit_code_of
from localart.cli.failures import report
from localart.cli.figures import count_text, size_text
from localart.errors import LocalartError, UsageError
from localart.records import dataclass

if TYPE_CHECKING:
    from localart.model import Entry, RunRecord, VersionRecord
    from localart.operations.diff import FileComparison, FileDifference, ValueDifference
    from localart.repository import Repository

_LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """What is compared: both versions, or both runs."""

    names: tuple[str, str]
    values: Mapping[str, Sequence["ValueDifference"]]
    files: "FileComparison | None"
    has_same_files: bool


@command(
    "diff",
    examples=(
        "localart diff digits-demo/digits-net digits-demo/trained-digits-net",
        "localart diff run:ID run:OTHER",
    ),
)
@click.argument("before", metavar="A", shell_complete=complete_target)
@click.argument("after", metavar="B", shell_complete=complete_target)
@click.option("--files", "only_files", is_flag=True, help="Only the files.")
@click.option("--metadata", "only_metadata", is_flag=True, help="Only the metadata, or config and summary.")
@click.option("--unified", metavar="PATH", help="The lines of this file that differ.")
@click.option("--all", "with_same", is_flag=True, help="List what is the same, too.")
def diff_command(  # one argument an option
    call: Call,
    before: str,
    after: str,
    only_files: bool,
    only_metadata: bool,
    unified: str | None,
    with_same: bool,
) -> None:
    """Show what differs between the versions A and B: `+` added, `-` removed, `~` modified, `=` the same.

    With run:ID twice, the configs and summaries of two runs. Exit code 0: no differences; 1: some; more: trouble.
    """
    try:
        if unified is not None:
            differs = _unified(call, before, after, unified)
        else:
            sides = _sides(call.open(), before, after, with_same=with_same)
            sides = _only(sides, files=only_files, values=only_metadata)
            differs = _document(call, sides) if call.console.as_json else _print(call, sides)
    except LocalartError as error:
        if exit_code_of(error) is not ExitCode.FAILED:
            raise
        report(error)  # 1 says that there are differences
        call.exit(ExitCode.USAGE)
    if differs:
        call.exit(ExitCode.FAILED)


# --- what is compared ----------------------------------------------------------------------------------


def _sides(repository: "Repository", before: str, after: str, *, with_same: bool) -> _Sides:
    are_runs = [address.startswith("run:") for address in (before, after)]
    if are_runs == [True, True]:
        return _runs(repository, before, after, with_same=with_same)
    if any(are_runs):
        raise UsageError(
            "A run cannot be compared with a version", hint="name two versions, or two runs as run:ID"
        )
    return _versions(repository, before, after, with_same=with_same)


def _versions(repository: "Repository", before: str, after: str, *, with_same: bool) -> _Sides:
    from localart.operations.diff import FileComparison, compare_values
    from localart.operations.resolve import resolve_version

    one, other = (resolve_version(repository, address, project=None) for address in (before, after))
    return _Sides(
        names=(one.full_name, other.full_name),
        values={
            "facts": _wanted(compare_values([_facts(one), _facts(other)]), with_same=with_same),
            "metadata": _wanted(compare_values([one.metadata, other.metadata]), with_same=with_same),
        },
        files=FileComparison(repository.read(), [one, other], with_same=with_same),
        has_same_files=one.digest == other.digest,
    )


def _runs(repository: "Repository", before: str, after: str, *, with_same: bool) -> _Sides:
    from localart.operations.diff import compare_values
    from localart.operations.resolve import resolve_run

    one, other = (resolve_run(repository, address) for address in (before, after))
    return _Sides(
        names=(_run_name(one), _run_name(other)),
        values={
            "config": _wanted(compare_values([one.config, other.config]), with_same=with_same),
            "summary": _wanted(compare_values([one.summary, other.summary]), with_same=with_same),
        },
        files=None,
        has_same_files=True,
    )


def _facts(version: "VersionRecord") -> dict[str, Any]:
    """What is said of a version beside its metadata and aliases: those differ between any two."""
    return {"type": version.type, "description": version.description, "tags": list(version.tags)}


def _run_name(run: "RunRecord") -> str:
    return f"run:{run.id} ({run.name})"


def _wanted(found: "Sequence[ValueDifference]", *, with_same: bool) -> "Sequence[ValueDifference]":
    from localart.operations.diff import Change

    return [one for one in found if with_same or one.change is not Change.SAME]


def _only(sides: _Sides, *, files: bool, values: bool) -> _Sides:
    if files == values:
        return sides
    return _Sides(
        names=sides.names,
        values={} if files else {name: sides.values[name] for name in sides.values if name != "facts"},
        files=sides.files if files else None,
        has_same_files=sides.has_same_files or values,
    )


def _values_differ(sides: _Sides) -> bool:
    from localart.operations.diff import Change

    return any(one.change is not Change.SAME for found in sides.values.values() for one in found)


# --- for people ----------------------------------------------------------------------------------------


def _print(call: Call, sides: _Sides) -> bool:
    """Print all differences; whether there are any."""
    console = call.console
    console.line(f"- {sides.names[0]}", style=BOLD)
    console.line(f"+ {sides.names[1]}", style=BOLD)
    for heading, found in sides.values.items():
        if found:
            console.line(heading, style=BOLD)
        for one in found:
            console.line(f"  {one.change.sign} {one.name}  {_values_text(one)}")
    differs = _values_differ(sides) or not sides.has_same_files
    if sides.files is not None:
        _print_files(call, sides.files)
    if not differs:
        console.say("no differences")
    return differs


def _print_files(call: Call, files: "FileComparison") -> None:
    headed = False
    for one in files:
        if not headed:
            call.console.line("files", style=BOLD)
            headed = True
        call.console.line(f"  {one.change.sign} {one.path}  {_sizes_text(one)}")
    counts = ", ".join(f"{count:,} {change.value}" for change, count in sorted(files.counts.items()))
    if headed:
        call.console.say(f"{count_text(files.compared, 'path')}: {counts}")


def _values_text(one: "ValueDifference") -> str:
    from localart.operations.diff import MISSING, Change

    texts = [_value_text(value) for value in one.values if value is not MISSING]
    if one.change is Change.SAME:
        return texts[0]
    delta = "" if one.delta is None else f"  ({one.delta:+.6g})"
    return " → ".join(texts) + delta


def _value_text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(plain(value), ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _sizes_text(one: "FileDifference") -> str:
    before, after = one.entries
    if before is None or after is None:
        return size_text((before or after).size_bytes)  # type: ignore[union-attr]  # one of them is there
    if before.size_bytes == after.size_bytes:
        return size_text(after.size_bytes)
    return f"{size_text(before.size_bytes)} → {size_text(after.size_bytes)}"


def _unified(call: Call, before: str, after: str, path: str) -> bool:
    """Print the lines of one file that differ; whether there are any."""
    from localart.operations.file_diff import diff_path
    from localart.operations.resolve import resolve_version

    repository = call.open()
    one, other = (resolve_version(repository, address, project=None) for address in (before, after))
    found = diff_path(repository, one, other, path)
    if call.console.as_json:
        call.console.document({"path": path, "lines": list(found.lines), "why_not": found.why_not or None})
    elif found.lines:
        call.console.raw("\n".join(found.lines) + "\n")
    elif found.why_not:
        call.console.line(f"{path} differs; its lines are not shown: {found.why_not}")
    return bool(found.lines or found.why_not)


# --- for programs --------------------------------------------------------------------------------------


def _document(call: Call, sides: _Sides) -> bool:
    """Write everything as one document; whether there are differences."""
    differs = _values_differ(sides) or not sides.has_same_files
    head = {
        "before": sides.names[0],
        "after": sides.names[1],
        "differs": differs,
        **{name: [_value_document(one) for one in found] for name, found in sides.values.items()},
    }
    if sides.files is None:
        call.console.document(head)
    else:
        call.console.stream(head, "files", _file_documents(sides.files))
    return differs


def _value_document(one: "ValueDifference") -> dict[str, Any]:
    from localart.operations.diff import MISSING

    before, after = one.values
    sides = {} if before is MISSING else {"before": before}
    sides |= {} if after is MISSING else {"after": after}
    delta = {} if one.delta is None else {"delta": one.delta}
    return {"path": list(one.path), "change": one.change.value, **sides, **delta}


def _file_documents(files: "FileComparison") -> Iterator[dict[str, Any]]:
    for one in files:
        yield {
            "path": one.path,
            "change": one.change.value,
            "before": _entry_document(one.entries[0]),
            "after": _entry_document(one.entries[1]),
        }


def _entry_document(entry: "Entry | None") -> dict[str, Any] | None:
    if entry is None:
        return None
    return {key: value for key, value in entry_document(entry).items() if key != "path"}
