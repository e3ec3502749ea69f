"""`localart compare`: how two copies of one store stand to each other."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localart.cli.command import Call, command
from localart.cli.console import BOLD
from localart.cli.exit_codes import ExitCode, exit_code_of
from localart.cli.failures import report
from localart.cli.figures import count_text, time_text
from localart.errors import LocalartError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from localart.model import VersionRecord
    from localart.operations.changes import Told
    from localart.operations.compare_copies import Comparison, VersionDifference
    from localart.repository import Repository

_LISTED = 50


@command("compare", examples=("localart compare ../backup",))
@click.argument("other", metavar="STORE", type=click.Path(path_type=Path))
def compare_command(call: Call, other: Path) -> None:
    """Say whether this store and STORE, a copy of it, are the same, and if not, since when and in what.

    One may be behind the other: an older backup, say. Or both were written to since one was copied: then neither can
    take the other's place, and what is in only one of them is listed. Changes nothing.

    Exit code 0: the same; 1: one is behind, or they parted; more: trouble, also when they never were one store.
    """
    from localart.operations.compare_copies import Relation, compare_copies

    try:
        here = call.open()
        with closing(_open_copy(other.expanduser())) as there:
            found = compare_copies(here, there)
            _show(call, here, there, found)
    except LocalartError as error:
        if exit_code_of(error) is not ExitCode.FAILED:
            raise
        report(error)  # 1 says that they differ
        call.exit(ExitCode.USAGE)
    call.exit(ExitCode.OK if found.relation is Relation.SAME else ExitCode.FAILED)


def _open_copy(path: Path) -> "Repository":
    from localart.errors import NotAStore, StoreNotFound
    from localart.repository import open_repository

    try:
        return open_repository(path, create=False, read_only=True)
    except (StoreNotFound, NotAStore) as error:
        if "LOCALART_DIR" not in error.hint:
            raise
        raise type(error)(
            error.message, hint="name the folder of a copy, such as `localart backup` makes"
        ) from error


def _show(call: Call, here: "Repository", there: "Repository", found: "Comparison") -> None:
    from localart.operations.compare_copies import changes_after, differing_versions

    versions = differing_versions(here, there, found.common)
    sides = {"here": changes_after(here, found.common), "there": changes_after(there, found.common)}
    if call.console.as_json:
        call.console.document(_document(found, versions, sides))
        return
    console = call.console
    console.line(f"- {found.here}", style=BOLD)
    console.line(f"+ {found.there}", style=BOLD)
    console.line(_relation(found))
    if versions:
        console.line("versions", style=BOLD)
    for one in versions:
        console.line(f"  {_sign(one)} {one.name}  {_words(one)}")
    for side, count in (("here", found.only_here), ("there", found.only_there)):
        if count:
            console.line(f"changes {side}", style=BOLD)
        for number, told in enumerate(sides[side]):
            if number == _LISTED:
                console.line(f"  and {count - _LISTED:,} earlier ones; --json lists all")
                break
            console.line(f"  {told.change.seq}  {time_text(told.change.time)}  {told.words}")


def _relation(found: "Comparison") -> str:
    from localart.operations.compare_copies import Relation

    at = f"change {found.common} of {time_text(found.time)}" if found.common else "their beginning"
    here, there = (count_text(count, "change") for count in (found.only_here, found.only_there))
    match found.relation:
        case Relation.SAME:
            return f"the same, both at {at}"
        case Relation.AHEAD:
            return f"one store until {at}: {here} made here since, none there"
        case Relation.BEHIND:
            return f"one store until {at}: {there} made there since, none here"
        case Relation.PARTED:
            return f"one store until {at}: since then they have parted, {here} made here and {there} there"


def _sign(one: "VersionDifference") -> str:
    return "-" if one.there is None else "+" if one.here is None else "~"


def _words(one: "VersionDifference") -> str:
    if one.there is None:
        return "only here"
    if one.here is None:
        return "only there"
    if one.facts == ("content",):
        return "one version here and another there"
    return f"not the same: {', '.join(one.facts)}"


# --- for programs --------------------------------------------------------------------------------------


def _document(
    found: "Comparison", versions: "list[VersionDifference]", sides: "dict[str, Iterator[Told]]"
) -> dict[str, Any]:
    return {
        "relation": found.relation.value,
        "common": {"change": found.common, "time": found.time or None},
        "here": {"path": str(found.here), "changes": _changes(sides["here"])},
        "there": {"path": str(found.there), "changes": _changes(sides["there"])},
        "versions": [
            {
                "name": one.name, "here": _side(one.here), "there": _side(one.there), "differs": list(one.facts),
            }
            for one in versions
        ],
    }  # fmt: skip


def _changes(told: "Iterator[Told]") -> list[dict[str, Any]]:
    return [
        {"change": one.change.seq, "time": one.change.time, "kind": one.change.kind, "what": one.words}
        for one in told
    ]


def _side(version: "VersionRecord | None") -> dict[str, Any] | None:
    return None if version is None else {
        "digest": version.digest.hex(), "state": version.state.value, "aliases": list(version.aliases),
    }  # fmt: skip
