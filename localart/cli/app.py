"""The `localart` group: it lists its commands without importing them and imports the one that is called."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from localart.cli.exit_codes import MEANINGS, ExitCode
from localart.cli.failures import report, settle_stderr, settle_stdout
from localart.records import dataclass

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


@dataclass(frozen=True, slots=True)
class Listed:
    """A command as `--help` lists it; `module` below `commands/` holds `<name>_command`."""

    section: str
    module: str
    says: str


COMMANDS = {
    "demo": Listed("Start", "demo", "Run a small pipeline on real data and draw its lineage."),
    "init": Listed("Start", "init", "Make a store in this folder."),
    "put": Listed("Start", "put", "Log files and folders as a version of an artifact."),
    "get": Listed("Start", "get", "Download a version, byte for byte."),
    "ls": Listed("Look", "ls", "List projects and artifacts, versions, or files."),
    "show": Listed("Look", "show", "Show everything about a version or a run."),
    "runs": Listed("Look", "runs", "List runs."),
    "run": Listed("Look", "show", "Show everything about a run."),
    "lineage": Listed("Look", "lineage", "Draw what made a version and what came of it."),
    "diff": Listed("Look", "diff", "Show what differs between two versions, or two runs."),
    "search": Listed("Look", "search", "Find words in names, descriptions, metadata and configs."),
    "du": Listed("Look", "du", "Show where the bytes go, and what deleting would free."),
    "sql": Listed("Look", "sql", "Ask the catalog in SQL, without being able to change it."),
    "tui": Listed("Look", "tui", "Browse the store in the terminal."),
    "alias": Listed("Change", "labels", "Point aliases to a version, take them off, protect them."),
    "tag": Listed("Change", "labels", "Add tags to a version, or take them off."),
    "mv": Listed("Change", "mv", "Rename an artifact, or move it to another project."),
    "link": Listed("Change", "links", "Give a version a place in a portfolio or registry."),
    "unlink": Listed("Change", "links", "Take a version out of a portfolio."),
    "rm": Listed("Change", "rm", "Delete versions; their bytes stay in the trash for a week."),
    "prune": Listed("Change", "prune", "Delete versions by rules, and free what nothing needs."),
    "undo": Listed("Change", "undo", "Take a change or a deletion back."),
    "history": Listed("Change", "undo", "List what was changed, and when."),
    "doctor": Listed("Care", "doctor", "Check the store and what this machine can do."),
    "verify": Listed("Care", "verify", "Look whether the store is what was written to it."),
    "repair": Listed("Care", "repair", "Set right what verify found, from any copy there is."),
    "rebuild": Listed("Care", "rebuild", "Make a lost database again from the packs."),
    "backup": Listed("Care", "backup", "Copy the store to another disk, only what is new each time."),
    "compare": Listed("Care", "compare", "Say since when, and in what, a copy of the store differs."),
    "bench": Listed("Care", "bench", "Time localart with your own files beside a plain copy."),
    "status": Listed("Care", "status", "Say which store and which settings apply here."),
    "completion": Listed("Care", "completion", "Say how to complete commands and names in your shell."),
}

_FROM_WANDB = "Coming from W&B"
COMMANDS |= {
    "artifact": Listed(_FROM_WANDB, "artifact", "put, get and ls under W&B's name, and its cache cleanup."),
    "pull": Listed(_FROM_WANDB, "pull", "Download the files that a run keeps."),
}


_OTHER_WORDS = {
    "add": "put",
    "log": "put",
    "upload": "put",
    "download": "get",
    "fetch": "get",
    "checkout": "get",
    "list": "ls",
    "artifacts": "ls",
    "versions": "ls",
    "projects": "ls",
    "info": "show",
    "cat": "show",
    "graph": "lineage",
    "delete": "rm",
    "remove": "rm",
    "gc": "prune",
    "rename": "mv",
    "move": "mv",
    "ui": "tui",
    "browse": "tui",
    "find": "search",
    "check": "verify",
}  # as other tools call it

# Since click 8.2 a group that is called alone raises its help; before, it printed it. `except ()` catches nothing.
_CALLED_ALONE: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())


class Application(click.Group):
    """The group. Every way out of it is an exit code of `exit_codes`, in a process and under test alike."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the help page."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        del ctx
        listed = COMMANDS.get(cmd_name)
        if listed is None:
            return _wandb_verb(cmd_name)
        module = import_module(f"localart.cli.commands.{listed.module}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        known = args and (args[0] in COMMANDS or _wandb_verb(args[0]) is not None)
        if args and not known and not args[0].startswith("-"):
            meant = _meant(args[0])
            also = f"; did you mean '{meant}'?" if meant else ""
            raise click.UsageError(f"There is no command '{args[0]}'{also}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by section."""
        del ctx
        for section in dict.fromkeys(listed.section for listed in COMMANDS.values()):
            with formatter.section(section):
                formatter.write_dl(
                    [(name, listed.says) for name, listed in COMMANDS.items() if listed.section == section],
                    col_max=12,
                )

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Say what every command shares and what the exit codes mean."""
        del ctx
        with formatter.section("Every command takes"):
            formatter.write_dl(
                [
                    ("--store PATH", "use this store, not $LOCALART_DIR or the nearest .localart/"),
                    ("--json", "write the same facts as one JSON document"),
                    ("--help", "say how to call it; the examples run after `localart demo`"),
                ]
            )
        with formatter.section("Addresses"):
            formatter.write_dl(
                [
                    ("name", "the latest version; project/name where two projects have one"),
                    ("name:v3", "one version; name:alias the one an alias points to"),
                    ("name:alias@2026-09-01", "the one it pointed to then; with T12:00 at that time"),
                    ("run:ID", "a run"),
                ]
            )
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code.value), meaning) for code, meaning in MEANINGS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete a command's name without importing any."""
        from click.shell_completion import CompletionItem

        del ctx
        return [
            CompletionItem(name, help=listed.says)
            for name, listed in COMMANDS.items()
            if name.startswith(incomplete)
        ]

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run the command line and exit."""
        del standalone_mode, windows_expand_args
        name = prog_name or "localart"
        self._main_shell_completion(extra, name, complete_var)
        sys.exit(self._run(sys.argv[1:] if args is None else list(args), name, extra))

    def _run(self, arguments: list[str], name: str, extra: dict[str, Any]) -> int:
        debug = "--debug" in arguments
        code: int = ExitCode.OK
        try:
            with self.make_context(name, _help_first(arguments), **extra) as ctx:
                self.invoke(ctx)
        except _CALLED_ALONE as alone:
            click.echo(alone.ctx.get_help())
        except click.exceptions.Exit as exit_:
            code = exit_.exit_code
        except BaseException as error:  # noqa: BLE001  # the one place where every error becomes words
            code = report(error, debug=debug)
        unwritten = settle_stdout()
        if unwritten is not None:
            code = report(unwritten, debug=debug) or code
        settle_stderr()
        return int(code)


def _help_first(arguments: list[str]) -> list[str]:
    """`help get`, as with git, is `get --help`."""
    return [*arguments[1:], "--help"] if arguments[:1] == ["help"] else arguments


def _meant(word: str) -> str | None:
    """The command that a mistyped or a foreign word stands for."""
    import difflib

    close = difflib.get_close_matches(word, [*COMMANDS, *_OTHER_WORDS], n=1)
    return _OTHER_WORDS.get(close[0], close[0]) if close else None


def _wandb_verb(name: str) -> click.Command | None:
    from localart.cli.wandb_verbs import wandb_verb

    return wandb_verb(name)


@click.group(
    cls=Application,
    name="localart",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)
@click.version_option(package_name="localart", prog_name="localart")
def app() -> None:
    """Versions of datasets and models, the runs that made them, and their lineage, in local files."""
