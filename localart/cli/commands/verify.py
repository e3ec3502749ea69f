"""`localart verify`: whether the store is what was written to it."""

from typing import TYPE_CHECKING, Any

import click

from localart.cli.command import Call, command
from localart.cli.console import BOLD, RED, YELLOW, Console
from localart.cli.exit_codes import ExitCode, exit_code_of
from localart.cli.figures import count_text, size_text
from localart.cli.progress_line import progress_line
from localart.errors import InvalidSetting, LocalartError

if TYPE_CHECKING:
    from localart.operations.verify import Finding, Subset, VerifyReport

_LISTED = 50
_NAMED = 8


@command("verify", examples=("localart verify", "localart verify --data"))
@click.option("--data", is_flag=True, help="Read and compare every byte as well.")
@click.option(
    "--subset", metavar="N/T", help="Of the data, only the N-th of T parts; the parts stay the same."
)
@click.option("--resume", is_flag=True, help="Go on where an interrupted --data stopped.")
def verify_command(call: Call, data: bool, subset: str | None, resume: bool) -> None:
    """Look whether the store is what was written to it. Works on read-only media.

    Nothing is changed but the note VERIFIED in the store, which says when it was looked at and how it came out.

    Exit code 0 when it is sound, 1 when damage was found; when it was not possible to look: 10 no store, 11 locked, 12
    too new, 15 anything else. Ctrl-C stops it (130), and --resume goes on.
    """
    from localart.operations.verify import verify_store
    from localart.operations.verify_mark import keep_mark
    from localart.settings import notes_folder

    part = None if subset is None else _part(subset)
    if resume and not data and part is None:
        raise click.UsageError("--resume goes on with --data or --subset", click.get_current_context())
    try:
        report = verify_store(
            call.store_path,
            data=data,
            subset=part,
            resume_in=notes_folder(),
            resume=resume,
            progress=progress_line(silent=call.settings.silent),
        )
    except KeyboardInterrupt:
        if data or part is not None:
            call.console.say("what was done is noted; --resume goes on from there")
        raise
    except (LocalartError, OSError) as error:
        _cannot_look(call, error)
        raise
    keep_mark(call.store_path, report, data=data, subset=part, notes=notes_folder())
    _show(call, report)
    call.exit(ExitCode.OK if report.is_sound else ExitCode.FAILED)


def _part(text: str) -> "Subset":
    from localart.operations.verify import parse_subset

    try:
        return parse_subset(text)
    except InvalidSetting as error:
        raise click.UsageError(f"{error.message} ({error.hint})", click.get_current_context()) from error


def _cannot_look(call: Call, error: LocalartError | OSError) -> None:
    """End with a code of its own where no other says more."""
    from localart.cli.failures import report

    if exit_code_of(error) is ExitCode.FAILED:
        report(error)
        call.exit(ExitCode.CANNOT_LOOK)


def _show(call: Call, report: "VerifyReport") -> None:
    if call.console.as_json:
        call.console.document(report_document(report))
        return
    show_findings(call.console, report)
    call.console.line(_summary(report), style=BOLD)
    if not report.is_sound:
        call.hint("repair" if report.has_catalog else "rebuild")


def report_document(report: "VerifyReport") -> dict[str, Any]:
    """The report as JSON objects."""
    from localart.operations.verify import document_of

    return {
        "ok": report.is_sound,
        "complete": report.is_complete,
        "versions": report.version_count,
        "records": report.record_count,
        "manifests": report.manifest_count,
        "packs": report.pack_count,
        "frames": report.frame_count,
        "bytes": report.checked_bytes,
        "findings": [document_of(finding) for finding in report.findings],
        "lost_files": [
            {
                "in": one.holder, "path": one.path, "size": one.blob.size_bytes, "digest": one.blob.digest.hex(),
            }
            for one in report.lost_files
        ],
    }  # fmt: skip


def show_findings(console: Console, report: "VerifyReport") -> None:
    """Each finding with what it touches and what to do; the damage first."""
    found = sorted(report.findings, key=lambda finding: not finding.is_damage)
    for finding in found[:_LISTED]:
        _show_finding(console, finding)
    if len(found) > _LISTED:
        console.line(f"and {len(found) - _LISTED:,} more; --json lists all")
    for one in report.lost_files[:_LISTED]:
        console.line(f"cannot be read: {one.holder}  {one.path}  {size_text(one.blob.size_bytes)}")
    if len(report.lost_files) > _LISTED:
        console.line(f"and {len(report.lost_files) - _LISTED:,} more files; --json lists all")


def _show_finding(console: Console, finding: "Finding") -> None:
    word, style = ("wrong", RED) if finding.is_damage else ("note", YELLOW)
    console.line(f"{word:<5}  {finding.what}", style=style)
    if finding.versions:
        more = f" and {len(finding.versions) - _NAMED:,} more" if len(finding.versions) > _NAMED else ""
        console.line(f"       touches {', '.join(finding.versions[:_NAMED])}{more}")
    if finding.advice:
        console.line(f"       {finding.advice}")


def _summary(report: "VerifyReport") -> str:
    looked = f"{count_text(report.version_count, 'version')}, {count_text(report.record_count, 'record')}"
    if report.frame_count:
        looked += f", {count_text(report.frame_count, 'frame')}, {size_text(report.checked_bytes)}"
    damage = sum(finding.is_damage for finding in report.findings)
    if damage:
        return f"{looked}: {count_text(damage, 'finding')}"
    return f"{looked}: sound" + ("" if report.is_complete else " as far as was looked")
