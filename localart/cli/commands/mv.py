"""`localart mv`: rename an artifact, or move it to another project."""

import click

from localart.cli.command import Call, command
from localart.cli.completing import complete_address
from localart.cli.documents import artifact_document


@command(
    "mv",
    examples=(
        "localart mv digits-demo/worst-digits hard-digits",
        "localart mv digits-demo/digits-raw sources/",
    ),
)
@click.argument("address", metavar="[PROJECT/]NAME", shell_complete=complete_address)
@click.argument("new", metavar="NEW")
def mv_command(call: Call, address: str, new: str) -> None:
    """Rename an artifact to NEW; with PROJECT/NAME, or PROJECT/ to keep its name, it moves there.

    All versions, aliases and lineage go with it.
    """
    from localart.operations.move import move_artifact
    from localart.operations.resolve import resolve_artifact

    if ":" in address or ":" in new:
        raise click.UsageError(
            "Whole artifacts move, so leave ':' out of both names", click.get_current_context()
        )
    repository = call.open()
    artifact = resolve_artifact(repository, address, project=None)
    project, slash, name = new.rpartition("/")
    moved = move_artifact(
        repository, artifact, project=project if slash else artifact.project, name=name or artifact.name
    )
    if call.console.as_json:
        call.console.document(
            {"from": f"{artifact.project}/{artifact.name}", "to": artifact_document(moved, None)}
        )
        return
    call.console.line(f"{moved.project}/{moved.name}")
    call.console.say(f"was {artifact.project}/{artifact.name}")
