"""`localart backup`: copy the store to another place."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localart.cli.command import Call, command
from localart.cli.exit_codes import ExitCode
from localart.cli.figures import count_text, size_text
from localart.cli.progress_line import progress_line

if TYPE_CHECKING:
    from localart.operations.backup import BackupReport


@command("backup", examples=("localart backup ../backup", "localart ls --store ../backup"))
@click.argument("target", type=click.Path(path_type=Path))
def backup_command(call: Call, target: Path) -> None:
    """Copy the store to TARGET: a new or empty folder, or an earlier backup, which takes only what is new.

    Runs may go on meanwhile. TARGET is a store of its own: `localart ls --store TARGET` shows it, and to restore it,
    copy it back or point LOCALART_DIR there. What was deleted here and pruned is gone there after the next backup.
    Stopped midway, TARGET is the backup it was before; call it again.

    Exit code 1 when a part of the store is damaged: all is copied as it is, and `localart verify` says more.
    """
    from localart.operations.backup import backup

    report = backup(call.open(), target, progress=progress_line(silent=call.settings.silent))
    if call.console.as_json:
        call.console.document(_document(report))
    else:
        call.console.line(str(report.target))
        for damage in report.damages:
            call.console.line(f"damaged: pack {damage.pack} at {damage.start}: {damage.reason}")
        call.console.say(_news(report))
    call.exit(ExitCode.FAILED if report.damages else ExitCode.OK)


def _news(report: "BackupReport") -> str:
    held = f"{count_text(report.pack_count, 'pack')}, up to change {report.last_change}"
    if not report.copied_bytes:
        return f"nothing new to copy; the backup holds {held}"
    return f"copied {size_text(report.copied_bytes)}; the backup holds {held}"


def _document(report: "BackupReport") -> dict[str, Any]:
    return {
        "target": str(report.target),
        "first": report.is_first,
        "last_change": report.last_change,
        "packs": report.pack_count,
        "copied_bytes": report.copied_bytes,
        "packs_removed": report.packs_removed,
        "damages": [{"pack": one.pack, "start": one.start, "reason": one.reason} for one in report.damages],
    }
