"""What every command shares: its common options, and the `Call` its function gets."""

import gc
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, NoReturn, ParamSpec, TypeVar

import click

from localart.cli.console import Console
from localart.cli.exit_codes import ExitCode
from localart.settings import find_store, read_settings

if TYPE_CHECKING:
    from localart.repository import Repository

P = ParamSpec("P")
R = TypeVar("R")


class Call:
    """One call of a command: what the environment says, where to write, and the store it is about."""

    def __init__(self, ctx: click.Context, *, store: str | None, as_json: bool) -> None:
        settings = read_settings()
        self.store_option = store
        self.settings = settings if store is None else replace(settings, store=Path(store).expanduser())
        self.console = Console(as_json=as_json, silent=settings.silent, no_color=settings.no_color)
        self._ctx = ctx

    @property
    def store_path(self) -> Path:
        """Where the store is or would be made."""
        return find_store(self.settings)

    def open(self, *, create: bool = False) -> "Repository":
        """Open the store, which must be there unless `create`; closed when the command ends."""
        from localart.errors import NotAStore, StoreNotFound
        from localart.repository import open_repository

        try:
            repository = open_repository(Path(os.path.realpath(self.store_path)), create=create)
        except (StoreNotFound, NotAStore) as error:
            if self.store_option is not None and "LOCALART_DIR" in error.hint:
                raise type(error)(error.message, hint="--store takes the folder of a store") from error
            raise
        self._ctx.call_on_close(repository.close)
        return repository

    def hint(self, *commands: str) -> None:
        """Say what to type next, about the same store."""
        import shlex

        there = "" if self.store_option is None else f" --store {shlex.quote(self.store_option)}"
        self.console.hint(*(f"localart {command}{there}" for command in commands))

    def exit(self, code: ExitCode) -> NoReturn:
        """End the command with this code."""
        self._ctx.exit(code)


class ShownByExample(click.Command):
    """Anything with a help page that ends with `examples`, one a line.

    They run as they stand after `localart demo`: `data` and `report.md` are somebody's own files, `../backup` is a
    backup, and ID is the id of a run.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **named: Any) -> None:
        super().__init__(*args, **named)
        self.examples = tuple(examples)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the examples."""
        del ctx
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"  {example}\n" for example in self.examples))


class CallGroup(ShownByExample, click.Group):
    """Commands below a word of their own."""


class CallCommand(ShownByExample):
    """A command with `--store`, `--json` and the hidden `--debug`; its function's first argument is the Call."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.params += [
            click.Option(["--store"], metavar="PATH", help="The store to use."),
            click.Option(["--json", "as_json"], is_flag=True, help="Write one JSON document."),
            click.Option(["--debug"], is_flag=True, hidden=True),
        ]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; an error knows which command it is about."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def invoke(self, ctx: click.Context) -> Any:
        """Call the function."""
        _begin()
        del ctx.params["debug"]
        ctx.obj = Call(ctx, store=ctx.params.pop("store"), as_json=ctx.params.pop("as_json"))
        return super().invoke(ctx)


def _begin() -> None:
    """All that every command needs is imported: what `localart.cli.main` held back is turned on again."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def command(
    name: str, *, examples: Sequence[str] = ()
) -> Callable[[Callable[Concatenate[Call, P], R]], CallCommand]:
    """Make a function `(call, …)` the command `name`; its docstring is the help, and `examples` end it."""

    def decorate(function: Callable[Concatenate[Call, P], R]) -> CallCommand:
        return click.command(name, cls=CallCommand, examples=examples)(click.pass_obj(function))

    return decorate
