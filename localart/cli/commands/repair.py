"""`localart repair`: set right what verify finds. Shows what would be done, asks, does it, and looks again."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localart.cli.command import Call, command
from localart.cli.commands.verify import report_document, show_findings
from localart.cli.console import BOLD, is_terminal
from localart.cli.exit_codes import ExitCode
from localart.cli.figures import count_text, size_text
from localart.cli.progress_line import progress_line

if TYPE_CHECKING:
    from localart.operations.repair import RepairPlan, RepairReport
    from localart.repository import Repository

_LISTED = 50
_REBUILD = "`localart rebuild` makes a new database from the packs"


@command("repair", examples=("localart repair --dry-run", "localart repair --from ../backup --yes"))
@click.option(
    "--from",
    "places",
    multiple=True,
    metavar="PLACE",
    type=click.Path(exists=True, path_type=Path),
    help="Another store, a folder or a file that may have copies; may be given more than once.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
def repair_command(call: Call, places: tuple[Path, ...], yes: bool, dry_run: bool) -> None:
    """Set right what verify finds, from the journal, the packs, and any copy in PLACE.

    Nothing is deleted: damaged packs go to quarantine/ in the store. What no copy is found of is listed with its size
    and BLAKE3 digest (the same as `b3sum` prints), so that it can be looked for; run it again when it was found.

    Exit code 0 when the store is sound afterwards, 1 when something is still wrong.
    """
    from localart.errors import CatalogDamaged
    from localart.operations.repair import execute_repair, plan_repair
    from localart.operations.verify_mark import keep_mark
    from localart.settings import notes_folder

    progress = progress_line(silent=call.settings.silent)
    try:
        repository = call.open()
        plan = plan_repair(repository, progress=progress)
    except CatalogDamaged as error:
        raise CatalogDamaged(error.message, hint=_REBUILD) from error
    copies = _copies(repository, places)
    if dry_run or not plan.steps:
        _show_plan(call, plan, copies)
        call.exit(ExitCode.OK if plan.report.is_sound else ExitCode.FAILED)
    if not yes:
        _confirm(call, plan, copies)
    report = execute_repair(repository, plan, places=places, progress=progress)
    keep_mark(repository.root, report.after, data=True, subset=None, notes=notes_folder())
    _tell(call, report, copies)
    call.exit(ExitCode.OK if report.is_sound else ExitCode.FAILED)


# --- show, ask ------------------------------------------------------------------------------------------


def _plan_lines(plan: "RepairPlan") -> Iterator[str]:
    if not plan.steps:
        yield "nothing can be done here" if plan.beyond else "nothing is to be done: the store is sound"
    for number, step in enumerate(plan.steps, start=1):
        yield f"{number}. {step.says}"
    for finding in plan.beyond:
        yield f"beyond repair: {finding.what}"
    if plan.beyond:
        yield _REBUILD


def _copies(repository: "Repository", places: tuple[Path, ...]) -> list[str]:
    """What is to be known of places that are copies of this very store, earlier, later or parted from it."""
    from localart.operations.compare_copies import tell_of_copy

    return [said for said in (tell_of_copy(repository, place) for place in places) if said]


def _copy_lines(copies: list[str]) -> Iterator[str]:
    """Only contents are taken from a copy, each compared with its digest; `localart compare` says what else it has."""
    for said in copies:
        yield f"note: {said}; only contents are taken from it (see `localart compare`)"


def _show_plan(call: Call, plan: "RepairPlan", copies: list[str]) -> None:
    if call.console.as_json:
        call.console.document(
            {
                "dry_run": True,
                "steps": _steps(plan),
                "copies": copies,
                "found": report_document(plan.report),
            }
        )
        return
    for line in _copy_lines(copies):
        call.console.line(line)
    show_findings(call.console, plan.report)
    for line in _plan_lines(plan):
        call.console.line(line)


def _steps(plan: "RepairPlan | RepairReport") -> list[dict[str, Any]]:
    return [
        {"kind": step.kind.value, "says": step.says, "subjects": list(step.subjects)} for step in plan.steps
    ]


def _confirm(call: Call, plan: "RepairPlan", copies: list[str]) -> None:
    if not is_terminal(sys.stdin):
        raise click.UsageError("Nobody is there to be asked; pass --yes", click.get_current_context())
    for line in (*_copy_lines(copies), *_plan_lines(plan)):
        call.console.say(line)
    call.console.say("copy the whole store somewhere safe first if there is room for it")
    if not call.console.ask("Do this?"):
        call.console.say("nothing was changed")
        call.exit(ExitCode.FAILED)


# --- tell -----------------------------------------------------------------------------------------------


def _tell(call: Call, report: "RepairReport", copies: list[str]) -> None:
    if call.console.as_json:
        call.console.document({**_document(report), "copies": copies})
        return
    console = call.console
    for line in _copy_lines(copies):
        console.line(line)
    for step in report.steps:
        console.line(f"done: {step.says}")
    for pack in report.packs:
        where = "its file is in quarantine/" if pack.is_set_aside else "it has no file"
        kept = count_text(pack.kept_blobs, "content")
        console.line(f"pack {pack.pack}: {kept} kept, {pack.lost_blobs:,} not found anywhere; {where}")
    if report.found_blobs:
        console.line(f"{count_text(report.found_blobs, 'content')} brought back from copies")
    _tell_lost(call, report)
    if report.is_sound:
        console.line("the store is sound", style=BOLD)
        return
    show_findings(console, report.after)
    call.hint("repair --from PLACE")


def _tell_lost(call: Call, report: "RepairReport") -> None:
    """What is still missing, and by what it is known."""
    for one in report.still_lost[:_LISTED]:
        call.console.line(
            f"lost: {one.holder}  {one.path}  {size_text(one.blob.size_bytes)}  b3sum {one.blob.digest.hex()}"
        )
    if len(report.still_lost) > _LISTED:
        call.console.line(f"and {len(report.still_lost) - _LISTED:,} more files; --json lists all")


def _document(report: "RepairReport") -> dict[str, Any]:
    return {
        "ok": report.is_sound,
        "dry_run": False,
        "steps": _steps(report),
        "found_contents": report.found_blobs,
        "packs": [
            {
                "pack": one.pack, "kept": one.kept_blobs, "lost": one.lost_blobs, "quarantined": one.is_set_aside,
            }
            for one in report.packs
        ],
        "now": report_document(report.after),
    }  # fmt: skip
