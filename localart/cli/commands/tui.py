"""`localart tui`: the store in the terminal."""

from importlib import import_module

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_target
from localart.cli.exit_codes import ExitCode


@command("tui")
@click.argument("target", required=False, shell_complete=complete_target)
def tui_command(call: Call, target: str | None) -> None:
    """Browse the store, beginning at TARGET: an address or run:ID."""
    # The browser sits on top of the library and of this command line; only its entry point is known here.
    call.exit(ExitCode(import_module("localart_tui").main(target)))
