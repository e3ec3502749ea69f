"""`localart alias` and `localart tag`: what a version is called besides its number."""

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_address
from localart.cli.documents import version_document
from localart.cli.figures import time_text
from localart.cli.tables import Column

if TYPE_CHECKING:
    from localart.model import ArtifactRecord, LinkedVersion, VersionRecord
    from localart.operations.alias_history import AliasChange
    from localart.repository import Repository

_VERBS = ("log", "protect", "unprotect")
_LOG = (
    Column(title="CHANGE", right=True),
    Column(title="TIME"),
    Column(title="ALIAS", shrinks=True),
    Column(title="POINTED TO", shrinks=True, least=16),
)
_LOGGED = 1_000


@command(
    "alias",
    examples=(
        "localart alias digits-demo/digits-raw:v0 checked good",
        "localart alias log digits-demo/trained-digits-net:best",
    ),
)
@click.argument("address", shell_complete=complete_address, metavar="ADDRESS")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete_address)
@click.option("--remove", is_flag=True, help="Take these aliases off the version.")
@click.option("--force", is_flag=True, help="Move or remove protected aliases too.")
def alias_command(call: Call, address: str, names: tuple[str, ...], remove: bool, force: bool) -> None:
    """Point aliases to a version; one that points elsewhere moves here.

    All of them or, when one is refused, none. Of a link, they are the aliases of the portfolio.

    \b
    localart alias log NAME[:ALIAS]        where its aliases pointed, and when
    localart alias protect NAME ALIAS...   from now on they move only with --force
    localart alias protect NAME            lists those that are protected
    localart alias unprotect NAME ALIAS...

    An artifact that is called log or protect is meant by log:latest. What an alias pointed to at some
    time is NAME:ALIAS@2026-09-01, or with T12:00 at its end.
    """  # noqa: D301  # click wants the control character
    if address == "log":
        _show_log(call, names)
    elif address in _VERBS:
        _protect(call, names, address, remove=remove)
    else:
        _point(call, address, names, remove=remove, force=force)


def _point(call: Call, address: str, names: Sequence[str], *, remove: bool, force: bool) -> None:
    from localart.names import check_alias
    from localart.operations.alias_history import relabel
    from localart.operations.resolve import resolve_linked

    repository = call.open()
    wanted = [check_alias(name) for name in names]
    found = resolve_linked(repository, address, project=None)
    there = found.version.aliases if found.link is None else found.link.aliases
    if remove:
        _refuse_absent(_called(found), wanted, there, "alias")
    changed = relabel(repository, found, () if remove else wanted, wanted if remove else (), force=force)
    now = changed.version.aliases if changed.link is None else changed.link.aliases
    _tell(call, changed.version, _called(changed), "aliases", now)


def _called(found: "LinkedVersion") -> str:
    return found.version.full_name if found.link is None else found.link.full_name


@command("tag", examples=("localart tag digits-demo/digits-raw:latest small",))
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
        _refuse_absent(version.full_name, tags, version.tags, "tag")
    changed = retag(repository, version, remove=tags) if remove else retag(repository, version, add=tags)
    _tell(call, changed, changed.full_name, "tags", changed.tags)


def _refuse_absent(called: str, wanted: Sequence[str], there: tuple[str, ...], what: str) -> None:
    from localart.errors import ArtifactNotFound
    from localart.names import shown

    for name in wanted:
        if name not in there:
            raise ArtifactNotFound(
                f"{called} has no {what} {shown(name)}", hint=f"it has: {', '.join(there) or 'none'}"
            )


def _tell(call: Call, version: "VersionRecord", called: str, what: str, now: tuple[str, ...]) -> None:
    if call.console.as_json:
        call.console.document(version_document(version) | {what: list(now)})
        return
    call.console.line(called)
    call.console.say(f"{what} now: {', '.join(now) or 'none'}")


# --- log -------------------------------------------------------------------------------------------


def _show_log(call: Call, names: Sequence[str]) -> None:
    from localart.operations.alias_history import iter_alias_log

    if len(names) != 1:
        raise click.UsageError("alias log takes one NAME or NAME:ALIAS", click.get_current_context())
    name, _, alias = names[0].partition(":")
    repository = call.open()
    artifact = _artifact(repository, name)
    found = list(islice(iter_alias_log(repository, artifact, alias or None), _LOGGED))
    if call.console.as_json:
        call.console.document(
            {"artifact": f"{artifact.project}/{artifact.name}", "changes": _documents(found)}
        )
    elif not found:
        call.console.say("no alias was ever set there")
    else:
        call.console.table(_LOG, map(_log_row, found))


def _log_row(change: "AliasChange") -> tuple[str, ...]:
    return f"{change.seq}", time_text(change.time), change.alias, change.version or "(taken off)"


def _documents(found: "list[AliasChange]") -> list[dict[str, object]]:
    return [
        {"change": one.seq, "time": one.time, "alias": one.alias, "version": one.version} for one in found
    ]


def _artifact(repository: "Repository", name: str) -> "ArtifactRecord":
    from localart.operations.resolve import resolve_artifact

    return resolve_artifact(repository, name, project=None)


# --- protect ---------------------------------------------------------------------------------------


def _protect(call: Call, names: Sequence[str], verb: str, *, remove: bool) -> None:
    from localart.operations.alias_history import protect_aliases, protected, unprotect_aliases

    if remove:
        raise click.UsageError("Say `localart alias unprotect`", click.get_current_context())
    name, *wanted = names
    if ":" in name:
        raise click.UsageError(
            "Aliases of a whole artifact are protected: say NAME ALIAS...", click.get_current_context()
        )
    repository = call.open()
    artifact = _artifact(repository, name)
    if wanted:
        (protect_aliases if verb == "protect" else unprotect_aliases)(repository, artifact, wanted)
    now = protected(repository, artifact)
    if call.console.as_json:
        call.console.document({"artifact": f"{artifact.project}/{artifact.name}", "protected": now})
        return
    call.console.line(f"{artifact.project}/{artifact.name}")
    call.console.say(f"protected aliases: {', '.join(now) or 'none'}")
