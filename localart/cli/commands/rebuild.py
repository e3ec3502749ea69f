"""`localart rebuild`: make the database again from the packs."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localart.cli.command import Call, command
from localart.cli.exit_codes import ExitCode
from localart.cli.figures import count_text, size_text
from localart.cli.progress_line import progress_line

if TYPE_CHECKING:
    from localart.operations.rebuild import RebuildReport

_LISTED = 50


@command("rebuild", examples=("localart rebuild --into tried.db",))
@click.option(
    "--into",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the new database there, and leave the store as it is.",
)
@click.option("--force", is_flag=True, help="Also replace a database that can be read.")
def rebuild_command(call: Call, into: Path | None, force: bool) -> None:
    """Make a lost or damaged database (localart.db) again from the packs.

    Every change, every version's files and every ended run's history is in the packs too. The new database takes the
    place of the old one when it is whole; the old one goes to quarantine/ in the store. Stopped midway, call it again.

    Exit code 0 when all was restored, 3 when something is missing: it is listed. Log files whose bytes are missing
    once more, from wherever you have them, and they are back in every version that holds them.
    """
    from localart.operations.rebuild import rebuild

    progress = progress_line(silent=call.settings.silent)
    report = rebuild(call.store_path, into=into, force=force, progress=progress)
    if call.console.as_json:
        call.console.document(_document(report))
    else:
        for line in _lines(report):
            call.console.line(line)
        call.console.say(_summary(report))
    call.exit(ExitCode.OK if report.is_complete else ExitCode.PARTIAL)


def _summary(report: "RebuildReport") -> str:
    found = (
        f"restored {count_text(report.version_count, 'version')} and {count_text(report.run_count, 'run')} from"
        f" {count_text(report.record_count, 'record')} in {count_text(report.pack_count, 'pack')},"
        f" {size_text(report.byte_count)}"
    )
    return found if report.set_aside is None else f"{found}; the old database is in {report.set_aside}"


def _lines(report: "RebuildReport") -> Iterator[str]:
    yield str(report.database)
    for first, last in report.gaps:
        yield f"missing: journal records {first} to {last}"
    for common, last in report.parted:
        yield (
            f"left out: changes {common + 1} to {last} of another copy of this store, from which it parted after"
            f" change {common}; rebuild that one where its packs are alone"
        )
    shown = [
        *(f"missing: record {one.seq} ({one.kind}): {one.reason}" for one in report.not_replayed),
        *(f"missing: the list of files of {name}" for name in report.lost_versions),
        *(
            f"missing: {one.owner} {one.path}, {one.blob.size_bytes} bytes, b3sum {one.blob.digest.hex()}"
            for one in report.lost_files
        ),
        *(f"damaged: pack {one.pack} at {one.start}: {one.reason}" for one in report.damages),
        *(f"had not ended, its last minutes may be missing: {name}" for name in report.running),
    ]
    yield from shown[:_LISTED]
    if len(shown) > _LISTED:
        yield f"… and {len(shown) - _LISTED:,} more; --json lists them"


def _document(report: "RebuildReport") -> dict[str, Any]:
    return {
        "complete": report.is_complete,
        "database": str(report.database),
        "set_aside": None if report.set_aside is None else str(report.set_aside),
        "store": report.store,
        "packs": report.pack_count,
        "bytes": report.byte_count,
        "records": report.record_count,
        "versions": report.version_count,
        "runs": report.run_count,
        "missing_records": [list(gap) for gap in report.gaps],
        "not_replayed": [
            {"record": one.seq, "kind": one.kind, "reason": one.reason} for one in report.not_replayed
        ],
        "versions_without_files": list(report.lost_versions),
        "missing_files": [
            {
                "of": one.owner, "path": one.path, "size_bytes": one.blob.size_bytes,
                "blake3": one.blob.digest.hex(),
            }
            for one in report.lost_files
        ],
        "damages": [{"pack": one.pack, "start": one.start, "reason": one.reason} for one in report.damages],
        "running": list(report.running),
        "parted": [{"common": common, "last": last} for common, last in report.parted],
    }  # fmt: skip
