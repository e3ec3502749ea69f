"""`localart get`: bring a version's files into a folder."""

from pathlib import Path

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_address
from localart.cli.exit_codes import ExitCode
from localart.cli.figures import count_text, size_text
from localart.cli.progress_line import progress_line


@command(
    "get",
    examples=(
        "localart get digits-demo/worst-digits",
        "localart get digits-demo/digits-raw:v0 --only 't*.npz' --root raw",
    ),
)
@click.argument("address", shell_complete=complete_address)
@click.option("--root", type=click.Path(path_type=Path), help="Where to; ./artifacts/NAME:vN when left out.")
@click.option("--prefix", default="", help="Only files whose path starts with this.")
@click.option(
    "--only",
    multiple=True,
    metavar="PATTERN",
    help="Only files like '*.png' or 'images/**'; may be repeated.",
)
@click.option(
    "--allow-missing", is_flag=True, help="Leave out references whose bytes cannot be had (exit code 3)."
)
@click.option("--type", "kind", help="Fail unless the artifact has this type.")
def get_command(
    call: Call,
    address: str,
    root: Path | None,
    prefix: str,
    only: tuple[str, ...],
    allow_missing: bool,
    kind: str | None,
) -> None:
    """Download a version and print the folder it is in.

    A pattern without a slash matches the name of a file in any folder, `*` never matches a slash, `**` stands for any
    number of folders.

    Every byte is checked. Files that are right already stay as they are; other files in the folder are left alone.
    """
    from localart.errors import ArtifactNotFound
    from localart.names import shown
    from localart.operations.download import download
    from localart.operations.resolve import resolve_version

    repository = call.open()
    version = resolve_version(repository, address, project=None, kind=kind)
    folder = (root or call.settings.artifact_folder / version.label).expanduser().absolute()
    report = download(
        repository,
        version,
        folder,
        path_prefix=prefix,
        only=only,
        allow_missing_references=allow_missing,
        fetch_references=call.settings.fetch_references,
        progress=progress_line(silent=call.settings.silent),
    )
    if (prefix or only) and not (report.written_files or report.kept_files or report.missing_references):
        wanted = [f"starts with {shown(prefix)}"] if prefix else []
        wanted += [f"matches {' or '.join(map(shown, only))}"] if only else []
        raise ArtifactNotFound(
            f"No file in {version.full_name} has a path that {' and '.join(wanted)}",
            hint=f"`localart ls {version.full_name}` lists its files",
        )
    if call.console.as_json:
        call.console.document(
            {
                "address": version.full_name,
                "root": str(folder),
                "written_files": report.written_files,
                "written_bytes": report.written_bytes,
                "kept_files": report.kept_files,
                "missing_references": list(report.missing_references),
            }
        )
    else:
        call.console.line(str(folder))
        call.console.say(
            f"{version.full_name}: {count_text(report.written_files, 'file')} written"
            f" ({size_text(report.written_bytes)}), {report.kept_files:,} kept"
        )
    for path in report.missing_references:
        call.console.warn(f"left out: {path}, a reference whose bytes cannot be had here")
    if report.missing_references:
        call.exit(ExitCode.PARTIAL)
