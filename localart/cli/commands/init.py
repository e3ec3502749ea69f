"""`localart init`: make a store here."""

import os
from pathlib import Path

import click

from localart.cli.command import Call, command
from localart.settings import STORE_FOLDER


@command("init", examples=("localart init", "localart init ../ours --shared group"))
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--shared",
    type=click.Choice(["group"]),
    help="All members of the folder's group may use the store (2770 and 0660, whatever the umask).",
)
def init_command(call: Call, path: Path | None, shared: str | None) -> None:
    """Make a store in PATH (this folder when left out); a store that is there stays as it is.

    From then on everything run in this folder or below it is kept in PATH/.localart.
    """
    import shlex

    from localart.repository import open_repository
    from localart.repository.marker import MARKER

    if path is not None and path.exists() and not path.is_dir():
        raise click.UsageError(f"'{path}' is a file; name a folder", click.get_current_context())
    earlier = call.store_path
    root = _place(call, path)
    was_there = (root / MARKER).exists()
    repository = open_repository(Path(os.path.realpath(root)), for_group=shared == "group")
    repository.close()
    if call.console.as_json:
        call.console.document({"store": str(root), "created": not was_there})
        return
    call.console.line(str(root))
    call.console.say("there is a store already; nothing changed" if was_there else "made a store")
    if not was_there and earlier != root and (earlier / MARKER).exists():
        call.console.say(
            f"what is in {earlier} stays there: `localart ls --store {shlex.quote(str(earlier))}`"
        )
    overruling = call.settings.store
    if call.store_option is None and overruling is not None and overruling.absolute() != root:
        call.console.warn(
            f"LOCALART_DIR says {overruling}, so that store is used, not this one", hint="unset LOCALART_DIR"
        )


def _place(call: Call, path: Path | None) -> Path:
    if call.store_option is not None and path is None:
        return Path(call.store_option).expanduser().absolute()
    if call.store_option is not None:
        raise click.UsageError("Give PATH or --store, not both", click.get_current_context())
    return (path or Path()).expanduser().absolute() / STORE_FOLDER
