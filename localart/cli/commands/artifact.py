"""`localart artifact put|get|ls|cache cleanup`: W&B's names for `put`, `get` and `ls`, and what is a cache here."""

import re

import click

from localart.cli.command import Call, CallGroup, command
from localart.cli.commands.get import get_command
from localart.cli.commands.ls import ls_command
from localart.cli.commands.put import put_command
from localart.cli.figures import size_text

_UNITS = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
    "ti": 2**40,
}


@click.group(
    "artifact", cls=CallGroup, examples=("localart artifact ls", "localart artifact cache cleanup 100MB")
)
def artifact_command() -> None:
    """W&B's names for `localart put`, `get` and `ls`: the same commands with the same options.

    Each takes --store and --json, too.
    """


artifact_command.add_command(put_command)
artifact_command.add_command(get_command)
artifact_command.add_command(ls_command)


@artifact_command.group("cache", cls=CallGroup, examples=("localart artifact cache cleanup 100MB",))
def cache_command() -> None:
    """What is only remembered, and may be forgotten."""


@command("cleanup", examples=("localart artifact cache cleanup 100MB",))
@click.argument("target_size", metavar="SIZE")
@click.option(
    "--remove-temp/--no-remove-temp", help="Also remove what dead processes left in tmp/ more than a day ago."
)
def cleanup_command(call: Call, target_size: str, remove_temp: bool) -> None:
    """Forget what the store only remembers, if that takes more than SIZE (500MB, 10GiB, 0).

    The store keeps no second copy of any file, so there is little to clean: a small file in your cache folder
    remembers which local files were read before, and logging them again just reads them once more. Artifacts are
    never touched; `localart rm --now` deletes versions and frees their bytes.
    """
    limit = _bytes_of(target_size)
    repository = call.open()
    before = repository.cache.size_bytes()
    if before > limit:
        repository.cache.clear()
    after = repository.cache.size_bytes()
    if remove_temp:
        from localart.operations.tidy import remove_leftovers

        remove_leftovers(repository)
    if call.console.as_json:
        call.console.document({"before_bytes": before, "after_bytes": after, "freed_bytes": before - after})
        return
    done = "forgot which files were read; " if before > limit else "nothing to forget; "
    call.console.line(f"{done}freed {size_text(before - after)}, the cache takes {size_text(after)}")
    call.hint("du", "rm --help")


cache_command.add_command(cleanup_command)


def _bytes_of(text: str) -> int:
    match = re.fullmatch(
        r"\s*([0-9]{1,15}(?:\.[0-9]{1,6})?)\s*([kmgt]?i?)b?\s*", text, re.IGNORECASE | re.ASCII
    )
    factor = _UNITS.get(match[2].lower()) if match else None
    if match is None or factor is None:
        raise click.UsageError(
            f"'{text}' is no size; write for example 500MB, 10GiB or 0", click.get_current_context()
        )
    return int(float(match[1]) * factor)
