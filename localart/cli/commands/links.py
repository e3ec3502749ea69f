"""`localart link` and `localart unlink`: places of versions in portfolios and registries."""

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_address
from localart.cli.documents import version_document


@command("link", examples=("localart link digits-demo/trained-digits-net:best model-registry/digits",))
@click.argument("address", shell_complete=complete_address)
@click.argument("target", metavar="[PROJECT/]PORTFOLIO")
@click.option("-a", "--alias", "aliases", multiple=True, help="An alias in the portfolio; may be repeated.")
def link_command(call: Call, address: str, target: str, aliases: tuple[str, ...]) -> None:
    """Give a version a place in a portfolio, which is made if it is new. Nothing is copied.

    A portfolio counts its own versions from v0 and has its own aliases. Without PROJECT/ it is in the version's
    project; registries are the projects named wandb-registry-NAME, and model-registry.
    """
    from localart.operations.link import link_version, parse_link_target
    from localart.operations.resolve import resolve_version

    repository = call.open()
    version = resolve_version(repository, address, project=None)
    made = link_version(repository, version, parse_link_target(target, project=version.project), aliases)
    assert made.link is not None
    if call.console.as_json:
        call.console.document(
            {
                "link": made.link.full_name,
                "aliases": list(made.link.aliases),
                "version": version_document(made.version),
            }
        )
        return
    call.console.line(made.link.full_name)
    call.console.say(f"is {made.version.full_name}; aliases there: {', '.join(made.link.aliases)}")


@command("unlink", examples=("localart unlink model-registry/digits:v0",))
@click.argument("address", shell_complete=complete_address)
def unlink_command(call: Call, address: str) -> None:
    """Take a version out of a portfolio. ADDRESS is the link's; the version itself stays."""
    from localart.operations.link import unlink
    from localart.operations.resolve import resolve_linked

    if ":" not in address:
        raise click.UsageError(
            f"Which link of '{address}'? Say {address}:v0 or {address}:alias", click.get_current_context()
        )
    repository = call.open()
    found = resolve_linked(repository, address, project=None)
    if found.link is None:
        raise click.UsageError(
            f"{found.version.full_name} is a version, not a link; `localart rm` deletes versions",
            click.get_current_context(),
        )
    unlink(repository, found.link)
    if call.console.as_json:
        call.console.document({"unlinked": found.link.full_name, "version": version_document(found.version)})
        return
    call.console.line(found.link.full_name)
    call.console.say(f"{found.version.full_name} itself stays; `localart undo` links it again")
