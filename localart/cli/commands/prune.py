"""`localart prune`: delete versions by rules, empty the trash, and free what nothing needs. Shows first, then asks."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_place
from localart.cli.console import is_terminal
from localart.cli.exit_codes import ExitCode
from localart.cli.figures import count_text, size_text
from localart.cli.progress_line import progress_line
from localart.cli.tables import Column

if TYPE_CHECKING:
    from localart.model import VersionRecord
    from localart.operations.prune import PrunePlan, PruneReport
    from localart.operations.retention import RetentionPlan, RetentionRules, Verdict
    from localart.repository import Repository

_COLUMNS = (
    Column(title="VERSION", shrinks=True, least=16),
    Column(title=""),
    Column(title="FREES", right=True),
    Column(title="WHY", shrinks=True, least=20),
)
_DAY = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plans:
    """Everything one prune would do. `after`: what would be free then, `now` what is garbage already."""

    retention: "RetentionPlan"
    trashed: "list[VersionRecord]"
    due: "list[VersionRecord]"
    garbage: "PrunePlan"
    at_once: bool


@command(
    "prune",
    examples=(
        "localart prune --keep-last 5 --keep-best accuracy --dry-run",
        "localart prune digits-demo/ --keep-within 30d --yes",
    ),
)
@click.argument("places", nargs=-1, metavar="[PROJECT/ | [PROJECT/]NAME]...", shell_complete=complete_place)
@click.option("--keep-last", type=click.IntRange(0), metavar="N", help="Keep the N newest versions.")
@click.option(
    "--keep-best",
    multiple=True,
    metavar="METRIC[:min|max]",
    help="Keep the best by metadata, or by the summary of the run that made it.",
)
@click.option("--keep-within", metavar="AGE", help="Keep what is younger: 12h, 30d, 2w.")
@click.option("--keep-tagged", is_flag=True, help="Keep versions with a tag.")
@click.option("--keep-inputs", is_flag=True, help="Keep versions that a run used.")
@click.option("--keep-ancestors", is_flag=True, help="Keep what a kept version came of.")
@click.option("--keep-aliased/--no-keep-aliased", default=True, help="Keep versions with aliases (it does).")
@click.option("--linked", is_flag=True, help="Linked versions may go too.")
@click.option("--now", is_flag=True, help="Free their bytes at once; this cannot be undone.")
@click.option("--empty-trash", is_flag=True, help="Free everything in the trash.")
@click.option(
    "--trash-days",
    type=click.FloatRange(0),
    default=7,
    show_default=True,
    help="Free what was there that long.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def prune_command(call: Call, /, places: tuple[str, ...], **options: Any) -> None:
    """Free what nothing needs; with rules, delete the versions that none of them keeps.

    Without a --keep rule only versions whose lifetime (ttl) has passed are deleted. An artifact's only version,
    protected aliases, and what a running run uses or a portfolio links to stay in any case. What is deleted stays
    in the trash for a week: `localart undo` brings it back.
    """
    from localart.operations.prune import execute_prune
    from localart.operations.retention import execute_retention

    repository = call.open()
    days = 0.0 if options["empty_trash"] else options["trash_days"]
    plans = _plan(repository, places, options, days)
    if options["dry_run"]:
        _show(call, plans)
        return
    if not options["yes"] and (plans.retention.doomed or (plans.due and options["empty_trash"])):
        _confirm(call, plans)
    gone = execute_retention(repository, plans.retention, at_once=plans.at_once)
    report = execute_prune(
        repository, trash_seconds=days * _DAY, progress=progress_line(silent=call.settings.silent)
    )
    _tell(call, plans, gone, report)


# --- planning --------------------------------------------------------------------------------------


def _plan(repository: "Repository", places: tuple[str, ...], options: dict[str, Any], days: float) -> _Plans:
    from localart.operations.prune import due_trash, plan_prune
    from localart.operations.retention import plan_retention
    from localart.operations.trash import list_trash

    retention = plan_retention(repository, _rules(options), places)
    due = due_trash(repository, days * _DAY)
    doomed = [*due, *(retention.doomed if options["now"] or options["empty_trash"] else ())]
    return _Plans(
        retention=retention,
        trashed=[one.version for one in list_trash(repository)],
        due=due,
        garbage=plan_prune(repository, doomed=doomed),
        at_once=options["now"] or options["empty_trash"],
    )


def _rules(options: dict[str, Any]) -> "RetentionRules":
    from localart.operations.retention import RetentionRules, parse_age, parse_best

    within = options["keep_within"]
    rules = RetentionRules(
        keep_last=options["keep_last"],
        keep_best=tuple(map(parse_best, options["keep_best"])),
        keep_within_seconds=None if within is None else parse_age(within),
        keep_tagged=options["keep_tagged"],
        keep_inputs=options["keep_inputs"],
        keep_ancestors=options["keep_ancestors"],
        keep_aliased=options["keep_aliased"],
        linked_too=options["linked"],
    )
    if rules.keep_ancestors and not rules.says_what_to_keep:
        raise click.UsageError(
            "--keep-ancestors needs a rule that says of what, such as --keep-last 3",
            click.get_current_context(),
        )
    return rules


# --- show and ask ----------------------------------------------------------------------------------


def _show(call: Call, plans: _Plans) -> None:
    if call.console.as_json:
        call.console.document({"dry_run": True, **_document(plans)})
        return
    if plans.retention.verdicts:
        call.console.table(_COLUMNS, map(_row, plans.retention.verdicts))
    for line in _lines(plans):
        call.console.line(line)


def _row(verdict: "Verdict") -> tuple[str, ...]:
    if verdict.is_kept:
        return verdict.version.full_name, "stays", "", "; ".join(verdict.reasons)
    return verdict.version.full_name, "goes", size_text(verdict.exclusive_bytes), verdict.freed_for


def _lines(plans: _Plans) -> Iterator[str]:
    retention = plans.retention
    if retention.clock_is_behind:
        yield "the clock is behind the store's last change: nothing is judged by its age"
    count = len(retention.doomed)
    if retention.verdicts or retention.rules.says_what_to_keep:
        where = "are deleted for good" if plans.at_once else "go to the trash"
        yield (
            f"{count:,} of {count_text(len(retention.verdicts), 'version')} {where};"
            f" together they hold {size_text(retention.freed_bytes)} that nothing else needs"
        )
    if plans.trashed:
        yield f"{count_text(len(plans.trashed), 'version')} in the trash, {len(plans.due):,} of them for good now"
    yield f"{size_text(plans.garbage.stored_bytes - plans.garbage.waiting_bytes)} are freed now"
    if plans.garbage.waiting_bytes:
        yield f"{size_text(plans.garbage.waiting_bytes)} more stay until their pack is worth rewriting"


def _document(plans: _Plans) -> dict[str, Any]:
    retention = plans.retention
    return {
        "versions": [
            {
                "address": one.version.full_name,
                "kept": one.is_kept,
                "reasons": list(one.reasons) if one.is_kept else [one.freed_for],
                "exclusive_bytes": one.exclusive_bytes,
            }
            for one in retention.verdicts
        ],
        "together_bytes": retention.freed_bytes,
        "clock_is_behind": retention.clock_is_behind,
        "trash": [version.full_name for version in plans.trashed],
        "trash_due": [version.full_name for version in plans.due],
        "would_free_bytes": plans.garbage.stored_bytes - plans.garbage.waiting_bytes,
        "waiting_bytes": plans.garbage.waiting_bytes,
    }


def _confirm(call: Call, plans: _Plans) -> None:
    if not is_terminal(sys.stdin):
        raise click.UsageError("Nobody is there to be asked; pass --yes", click.get_current_context())
    for verdict in plans.retention.verdicts:
        call.console.say("  ".join(_row(verdict)))
    for line in _lines(plans):
        call.console.say(line)
    if not call.console.ask("Go on?"):
        call.console.say("nothing was deleted")
        call.exit(ExitCode.FAILED)


# --- tell ------------------------------------------------------------------------------------------


def _tell(call: Call, plans: _Plans, gone: "tuple[VersionRecord, ...]", report: "PruneReport") -> None:
    if call.console.as_json:
        call.console.document({"dry_run": False, **_document(plans), **_done(plans, gone, report)})
        return
    for version in gone:
        call.console.line(version.full_name)
    if gone and not plans.at_once:
        call.console.say(f"{count_text(len(gone), 'version')} put in the trash")
    if report.held_by_writers:
        call.console.say("another prune is at work: nothing was freed")
        return
    call.console.say(f"freed {size_text(report.freed_bytes)}")
    if report.waiting_bytes:
        call.console.say(
            f"{size_text(report.waiting_bytes)} more stay for now: their packs are in use or mostly alive"
        )
    if report.damaged_packs:
        call.console.warn(
            f"{count_text(len(report.damaged_packs), 'damaged pack')} left as found",
            hint="run `localart verify`",
        )
    if gone and not plans.at_once:
        call.hint("undo", "prune --empty-trash")


def _done(plans: _Plans, gone: "tuple[VersionRecord, ...]", report: "PruneReport") -> dict[str, Any]:
    return {
        "deleted": [version.full_name for version in gone],
        "in_trash": not plans.at_once,
        "emptied_versions": report.emptied_versions,
        "freed_bytes": report.freed_bytes,
        "waiting_bytes": report.waiting_bytes,
        "held_by_writers": report.held_by_writers,
        "damaged_packs": list(report.damaged_packs),
    }
