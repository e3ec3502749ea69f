"""`localart pull`: bring the files that a run keeps."""

from pathlib import Path

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_run
from localart.cli.figures import count_text, size_text


@command("pull", examples=("localart pull ID --root pulled",))
@click.argument("run", shell_complete=complete_run)
@click.option("-p", "--project", help="The project the run is in.")
@click.option("-e", "--entity", hidden=True, help="W&B's; there are no entities here.")
@click.option("--root", type=click.Path(path_type=Path), default=Path(), help="Where to; here when left out.")
def pull_command(call: Call, run: str, project: str | None, entity: str | None, root: Path) -> None:
    """Download the files that a run keeps (what it saved, and logged media), and print the folder.

    Every byte is checked. Files that are right already stay as they are, others of the same name are replaced.
    """
    from localart.catalog.run_files import FileQuery, file_paths, find_files
    from localart.files.target import TargetFolder
    from localart.operations.edit_run import fetch_file
    from localart.operations.resolve import resolve_run

    del entity
    repository = call.open()
    record = resolve_run(repository, run, project=project)
    folder = root.expanduser().absolute()
    connection = repository.read()
    paths = file_paths(connection, FileQuery(run=record.key), offset=0, limit=-1)
    written = written_bytes = 0
    with TargetFolder.open(folder) as target:
        for file in find_files(connection, record.key, paths):
            if target.find_exact(file.path, file.blob) is None:
                fetch_file(repository, file, folder)
                written, written_bytes = written + 1, written_bytes + file.blob.size_bytes
    if call.console.as_json:
        call.console.document(
            {
                "run": f"{record.project}/{record.id}",
                "root": str(folder),
                "written_files": written,
                "written_bytes": written_bytes,
                "kept_files": len(paths) - written,
            }
        )
        return
    call.console.line(str(folder))
    call.console.say(
        f"run {record.id}: {count_text(written, 'file')} written ({size_text(written_bytes)}),"
        f" {len(paths) - written:,} kept"
    )
