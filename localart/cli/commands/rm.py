"""`localart rm`: delete versions. Shows what will go, asks, deletes, and says what stays in the trash or was freed."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_address
from localart.cli.console import is_terminal
from localart.cli.documents import version_document
from localart.cli.exit_codes import ExitCode
from localart.cli.figures import count_text, size_text
from localart.cli.progress_line import progress_line

if TYPE_CHECKING:
    from localart.model import VersionRecord
    from localart.operations.delete import DeletionPlan
    from localart.operations.prune import PrunePlan, PruneReport
    from localart.repository import Repository

_LISTED = 20


@command(
    "rm",
    examples=(
        "localart rm digits-demo/digits-raw:v0 --with-aliases --dry-run",
        "localart rm digits-demo/worst-digits --all-versions --yes",
    ),
)
@click.argument("addresses", nargs=-1, required=True, metavar="ADDRESS...", shell_complete=complete_address)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--with-aliases", is_flag=True, help="Also delete versions that aliases point to.")
@click.option("--all-versions", is_flag=True, help="Each ADDRESS is a name: delete all of its versions.")
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@click.option("--now", is_flag=True, help="Free the bytes at once; this cannot be undone.")
@click.option("--force", is_flag=True, help="Also delete versions with protected aliases.")
def rm_command(call: Call, /, addresses: tuple[str, ...], **options: bool) -> None:
    """Delete versions (NAME:v3, NAME:alias).

    They stay in the trash for a week, and `localart undo` brings them back. With --now the bytes that nothing else
    needs are freed at once. A deleted version keeps its number and its place in the lineage.
    """
    from localart.operations.delete import plan_deletion
    from localart.operations.prune import plan_prune

    _refuse_bare_names(addresses, all_versions=options["all_versions"])
    repository = call.open()
    doomed = _doomed(repository, addresses, all_versions=options["all_versions"])
    if not options["with_aliases"]:
        _refuse_aliased(repository, doomed, all_versions=options["all_versions"])
    plan = plan_deletion(doomed, repository)
    freed = plan_prune(repository, doomed=doomed)
    if options["dry_run"]:
        _show_dry_run(call, plan, freed, at_once=options["now"])
        return
    if not options["yes"]:
        _confirm(call, plan, freed, at_once=options["now"])
    _delete(call, repository, plan, at_once=options["now"], force=options["force"])


def _delete(
    call: Call, repository: "Repository", plan: "DeletionPlan", *, at_once: bool, force: bool
) -> None:
    from localart.operations.delete import execute_deletion
    from localart.operations.prune import execute_prune

    execute_deletion(repository, plan, at_once=at_once, force=force)
    if at_once:
        _tell(call, plan, execute_prune(repository, progress=progress_line(silent=call.settings.silent)))
    else:
        _tell_trashed(call, plan)


# --- which --------------------------------------------------------------------------------------------


def _refuse_bare_names(addresses: Sequence[str], *, all_versions: bool) -> None:
    """`rm name` could mean the latest version or all of them: neither is worth guessing."""
    for address in addresses:
        if all_versions and ":" in address:
            raise click.UsageError(
                f"--all-versions takes names without ':', not '{address}'", click.get_current_context()
            )
        if not all_versions and ":" not in address:
            raise click.UsageError(
                f"Which version of '{address}'? Say {address}:v3 or {address}:alias, or pass --all-versions",
                click.get_current_context(),
            )


def _doomed(
    repository: "Repository", addresses: Sequence[str], *, all_versions: bool
) -> "list[VersionRecord]":
    """The versions, each once."""
    from localart.catalog.versions import iter_versions
    from localart.operations.resolve import resolve_artifact, resolve_linked

    found: dict[int, VersionRecord] = {}
    for address in addresses:
        if all_versions:
            artifact = resolve_artifact(repository, address, project=None)
            found |= {
                one.id: one for one in iter_versions(repository.read(), artifact.id, newest_first=False)
            }
        else:
            one = resolve_linked(repository, address, project=None)
            if one.link is not None:  # nobody deletes a model by clearing a place in a registry
                raise click.UsageError(
                    f"{one.link.full_name} is a link to {one.version.full_name}: delete that, or unlink it",
                    click.get_current_context(),
                )
            found[one.version.id] = one.version
    return list(found.values())


def _refuse_aliased(
    repository: "Repository", doomed: "Sequence[VersionRecord]", *, all_versions: bool
) -> None:
    """Somebody gave them a name because they matter; `latest` comes by itself, and says nothing of all versions."""
    from localart.errors import ArtifactHasAliases
    from localart.operations.delete import guarding_aliases

    for version in doomed:
        aliases = guarding_aliases(repository.read(), version)
        if all_versions:
            aliases = [alias for alias in aliases if alias != "latest"]
        if aliases:
            raise ArtifactHasAliases(
                f"{version.full_name} still has aliases: {', '.join(aliases)}",
                hint="pass --with-aliases, or move them first with `localart alias`",
            )


# --- show, ask, tell ------------------------------------------------------------------------------------


def _confirm(call: Call, plan: "DeletionPlan", freed: "PrunePlan", *, at_once: bool) -> None:
    if not is_terminal(sys.stdin):
        raise click.UsageError("Nobody is there to be asked; pass --yes", click.get_current_context())
    for line in _plan_lines(plan, freed, at_once=at_once):
        call.console.say(line)
    if not call.console.ask(f"Delete {count_text(len(plan.versions), 'version')}?"):
        call.console.say("nothing was deleted")
        call.exit(ExitCode.FAILED)


def _plan_lines(plan: "DeletionPlan", freed: "PrunePlan", *, at_once: bool) -> Iterator[str]:
    yield f"{count_text(len(plan.versions), 'version')} will be deleted, {size_text(plan.logical_bytes)} as logged:"
    yield from (
        f"  {version.full_name}  {size_text(version.size_bytes)}" for version in plan.versions[:_LISTED]
    )
    if len(plan.versions) > _LISTED:
        yield f"  … and {len(plan.versions) - _LISTED:,} more"
    if plan.aliases:
        more = f" and {len(plan.aliases) - _LISTED:,} more" if len(plan.aliases) > _LISTED else ""
        yield f"aliases taken off them: {', '.join(plan.aliases[:_LISTED])}{more}"
    if plan.links:
        yield f"links to them removed: {', '.join(plan.links[:_LISTED])}"
    when = "this frees" if at_once else "in the trash for a week, or until it is emptied; then this frees"
    yield f"{when} {size_text(_freed_now(freed))} on disk; what other versions share stays"
    if freed.waiting_bytes:
        yield f"{size_text(freed.waiting_bytes)} more stay until their pack is worth rewriting"


def _freed_now(plan: "PrunePlan") -> int:
    return plan.stored_bytes - plan.waiting_bytes


def _show_dry_run(call: Call, plan: "DeletionPlan", freed: "PrunePlan", *, at_once: bool) -> None:
    if call.console.as_json:
        call.console.document(
            {
                "dry_run": True,
                **_document(plan),
                "trash": not at_once,
                "would_free_bytes": _freed_now(freed),
                "waiting_bytes": freed.waiting_bytes,
            }
        )
        return
    for line in _plan_lines(plan, freed, at_once=at_once):
        call.console.line(line)


def _tell_trashed(call: Call, plan: "DeletionPlan") -> None:
    if call.console.as_json:
        call.console.document({"dry_run": False, **_document(plan), "trash": True, "freed_bytes": 0})
        return
    for version in plan.versions:
        call.console.line(version.full_name)
    call.console.say(
        f"deleted {count_text(len(plan.versions), 'version')}; the bytes stay in the trash for a week"
    )
    call.hint("undo", "prune --empty-trash")


def _tell(call: Call, plan: "DeletionPlan", report: "PruneReport") -> None:
    if call.console.as_json:
        call.console.document(
            {
                "dry_run": False,
                **_document(plan),
                "trash": False,
                "freed_bytes": report.freed_bytes,
                "waiting_bytes": report.waiting_bytes,
                "held_by_writers": report.held_by_writers,
                "damaged_packs": list(report.damaged_packs),
            }
        )
        return
    for version in plan.versions:
        call.console.line(version.full_name)
    call.console.say(
        f"deleted {count_text(len(plan.versions), 'version')}, freed {size_text(report.freed_bytes)}"
    )
    if report.held_by_writers:
        call.console.say(
            "the bytes stay for now: another prune is at work; `localart prune` frees them later"
        )
    elif report.waiting_bytes:
        call.console.say(f"{size_text(report.waiting_bytes)} more stay until their pack is worth rewriting")
    if report.damaged_packs:
        call.console.warn(
            f"{count_text(len(report.damaged_packs), 'damaged pack')} left as found",
            hint="run `localart verify`, then `localart repair`",
        )


def _document(plan: "DeletionPlan") -> dict[str, Any]:
    return {
        "versions": [version_document(version) for version in plan.versions],
        "aliases": list(plan.aliases),
        "logical_bytes": plan.logical_bytes,
    }
