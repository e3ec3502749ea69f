"""`localart tui`: the store in the terminal."""

from importlib import import_module

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_project, complete_target


@command("tui", examples=("localart tui", "localart tui digits-demo/worst-digits", "localart tui run:ID"))
@click.argument("target", required=False, shell_complete=complete_target)
@click.option("--project", metavar="NAME", help="Begin in this project.", shell_complete=complete_project)
@click.option("--theme", default="", metavar="NAME", help="Colours, for example localart-light or ansi-dark.")
@click.option("--ascii", "is_ascii", is_flag=True, help="Draw with ASCII signs only.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal.")
@click.option(
    "--images",
    type=click.Choice(["auto", "half", "kitty", "sixel", "off"]),
    default="auto",
    help="How pictures are shown.",
)
@click.option("--write", is_flag=True, help="Allow changes of aliases, tags and descriptions.")
@click.option("--print", "prints", is_flag=True, help="Write the name chosen last to stdout.")
def tui_command(  # noqa: PLR0913, PLR0917  # one argument an option
    call: Call,
    target: str | None,
    project: str | None,
    theme: str,
    is_ascii: bool,
    no_mouse: bool,
    images: str,
    write: bool,
    prints: bool,
) -> None:
    """Browse the store, beginning at TARGET: a project, an address, run:ID or lineage:ADDRESS."""
    # The browser sits on top of the library and of this command line; only its entry point is known here.
    main = import_module("localart_tui").main
    code = main(
        target,
        store=call.store_path,
        project=project,
        theme=theme,
        is_ascii=is_ascii,
        mouse=not no_mouse,
        images=images,
        write=write,
        prints=prints,
    )
    raise click.exceptions.Exit(code)
