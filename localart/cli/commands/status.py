"""`localart status`: which store and which settings apply here."""

import click

from localart.cli.command import Call, command


@command("status", examples=("localart status", "localart status --store ../backup"))
@click.option("--settings/--no-settings", default=True, hidden=True, help="W&B's; they are always shown.")
def status_command(call: Call, settings: bool) -> None:
    """Say which store is used in this folder, and what the environment sets."""
    from localart.repository.marker import MARKER

    del settings
    known = call.settings
    facts: dict[str, object] = {
        "store": str(call.store_path),
        "exists": (call.store_path / MARKER).is_file(),
        "project": known.project,
        "mode": known.mode,
        "artifact_folder": str(known.artifact_folder.absolute()),
        "run_id": known.run_id,
        "run_group": known.group,
        "job_type": known.job_type,
        "tags": list(known.tags),
        "silent": bool(known.silent),
    }
    if call.console.as_json:
        call.console.document(facts)
        return
    for name, value in facts.items():
        if value not in (None, []):
            call.console.line(f"{name:<16} {_shown(value)}")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
