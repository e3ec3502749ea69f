"""`localart history` and `localart undo`: what was changed, and taking it back."""

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_place
from localart.cli.figures import time_text
from localart.cli.tables import Column

if TYPE_CHECKING:
    from localart.catalog.history import Change
    from localart.operations.changes import Told
    from localart.operations.undo import UndoPlan, UndoReport
    from localart.repository import Repository

_COLUMNS = (
    Column(title="CHANGE", right=True),
    Column(title="TIME"),
    Column(title="WHAT", shrinks=True, least=24),
    Column(title=""),
)


@command("history", examples=("localart history", "localart history digits-demo/trained-digits-net -n 5"))
@click.argument("place", required=False, metavar="[[PROJECT/]NAME[:VERSION]]", shell_complete=complete_place)
@click.option(
    "-n", "limit", type=click.IntRange(min=1), default=30, show_default=True, help="How many changes to show."
)
@click.option("--all", "with_runs", is_flag=True, help="Changes of runs and projects too.")
def history_command(call: Call, place: str | None, limit: int, with_runs: bool) -> None:
    """List what was changed, the newest first: of the whole store, an artifact, or one version.

    The number of a change is what `localart undo` takes.
    """
    from localart.operations.changes import iter_history, tell

    repository = call.open()
    found = islice(iter_history(repository, place, with_runs=with_runs), limit)
    told = (tell(repository, change) for change in found)
    undone = _undone(repository)
    if call.console.as_json:
        call.console.stream({}, "changes", (_document(one, undone) for one in told))
        return
    call.console.table(_COLUMNS, _rows(told, undone), empty="nothing was changed yet")


def _undone(repository: "Repository") -> dict[int, int]:
    from localart.operations.undo import undone_changes

    return undone_changes(repository)


def _rows(told: "Iterable[Told]", undone: dict[int, int]) -> Iterable[tuple[str, ...]]:
    for one in told:
        note = f"undone by {undone[one.change.seq]}" if one.change.seq in undone else ""
        yield f"{one.change.seq}", time_text(one.change.time), one.words, note


def _document(one: "Told", undone: dict[int, int]) -> dict[str, object]:
    from localart.operations.undo import is_undoable

    change = one.change
    return {
        "change": change.seq,
        "time": change.time,
        "kind": change.kind,
        "what": one.words,
        "undoable": is_undoable(change) and change.seq not in undone,
        "undone_by": undone.get(change.seq),
        "body": change.body,
    }


@command("undo", examples=("localart undo --dry-run", "localart undo"))
@click.argument("change", required=False, type=int, metavar="[CHANGE]")
@click.option("--force", is_flag=True, help="Move protected aliases too.")
@click.option("--dry-run", is_flag=True, help="Only show what would be taken back.")
def undo_command(call: Call, change: int | None, force: bool, dry_run: bool) -> None:
    """Take back a change: of aliases, tags, descriptions, metadata, lifetimes, links, names, or a deletion.

    CHANGE is a number of `localart history`; without it, the last thing that can be taken back and is no undo
    itself. A version comes back as long as its bytes are in the trash. An undo is a change like any other:
    `localart undo` with its number does again what it took back.
    """
    from localart.operations.undo import execute_undo, plan_undo

    repository = call.open()
    plan = plan_undo(repository, change)
    if dry_run:
        _show_plan(call, repository, plan)
        return
    _tell(call, repository, execute_undo(repository, plan, force=force))


def _show_plan(call: Call, repository: "Repository", plan: "UndoPlan") -> None:
    if call.console.as_json:
        call.console.document({"dry_run": True, "changes": _briefly(repository, plan.changes)})
        return
    for line in _briefly(repository, plan.changes):
        call.console.line(f"{line['change']}  {line['what']}")


def _briefly(repository: "Repository", changes: "Iterable[Change]") -> list[dict[str, object]]:
    from localart.operations.changes import tell

    return [{"change": one.seq, "what": tell(repository, one).words} for one in changes]


def _tell(call: Call, repository: "Repository", report: "UndoReport") -> None:
    if call.console.as_json:
        call.console.document(
            {
                "dry_run": False,
                "change": report.seq,
                "undone": _briefly(repository, report.undone),
                "what": list(report.said),
            }
        )
        return
    for line in report.said:
        call.console.line(line)
    call.hint(f"undo {report.seq}")
