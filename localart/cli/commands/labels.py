"""`localart alias` and `localart tag`: what a version is called besides its number."""

from typing import TYPE_CHECKING

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_address
from localart.cli.documents import version_document

if TYPE_CHECKING:
    from localart.model import VersionRecord


@command("alias")
@click.argument("address", shell_complete=complete_address)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--remove", is_flag=True, help="Take these aliases off the version.")
def alias_command(call: Call, address: str, names: tuple[str, ...], remove: bool) -> None:
    """Point aliases to a version; one that points elsewhere moves here.

    All of them or, when one is refused, none.
    """
    from localart.names import check_alias
    from localart.operations.resolve import resolve_version
    from localart.operations.update import update_version

    repository = call.open()
    wanted = [check_alias(name) for name in names]
    version = resolve_version(repository, address, project=None)
    if remove:
        _refuse_absent(version, wanted, version.aliases, "alias")
        kept = [alias for alias in version.aliases if alias not in wanted]
    else:
        kept = [*version.aliases, *wanted]
    changed = update_version(
        repository,
        version,
        description=version.description,
        metadata=version.metadata,
        aliases=kept,
        tags=version.tags,
    )
    _tell(call, changed, "aliases", changed.aliases)


@command("tag")
@click.argument("address", shell_complete=complete_address)
@click.argument("tags", nargs=-1, required=True, metavar="TAG...")
@click.option("--remove", is_flag=True, help="Take these tags off the version.")
def tag_command(call: Call, address: str, tags: tuple[str, ...], remove: bool) -> None:
    """Add tags to a version: words that many versions may share."""
    from localart.operations.resolve import resolve_version
    from localart.operations.update import retag

    repository = call.open()
    version = resolve_version(repository, address, project=None)
    if remove:
        _refuse_absent(version, tags, version.tags, "tag")
    changed = retag(repository, version, remove=tags) if remove else retag(repository, version, add=tags)
    _tell(call, changed, "tags", changed.tags)


def _refuse_absent(
    version: "VersionRecord", wanted: "tuple[str, ...] | list[str]", there: tuple[str, ...], what: str
) -> None:
    from localart.errors import ArtifactNotFound
    from localart.names import shown

    for name in wanted:
        if name not in there:
            raise ArtifactNotFound(
                f"{version.full_name} has no {what} {shown(name)}",
                hint=f"it has: {', '.join(there) or 'none'}",
            )


def _tell(call: Call, version: "VersionRecord", what: str, now: tuple[str, ...]) -> None:
    if call.console.as_json:
        call.console.document(version_document(version))
        return
    call.console.line(version.full_name)
    call.console.say(f"{what} now: {', '.join(now) or 'none'}")
