"""How to use a version: lines to copy into a script or a shell."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from localart_tui.text import clean
from localart_tui.tones import Tone

if TYPE_CHECKING:
    from localart.model import VersionRecord
    from localart_tui.ui import Part


def python_code(version: VersionRecord) -> str:
    """Use it in a run, so that the lineage knows."""
    return (
        "import localart\n\n"
        f"with localart.init(project={version.project!r}) as run:\n"
        f"    artifact = run.use_artifact({version.full_name!r})\n"
        "    folder = artifact.download()"
    )


def reading_code(version: VersionRecord) -> str:
    """Look at it without a run."""
    return (
        "import localart\n\n"
        f"artifact = localart.Api().artifact({version.full_name!r})\n"
        "print(artifact.metadata, artifact.aliases)\n"
        "folder = artifact.download()"
    )


def new_version_code(version: VersionRecord) -> str:
    """Log the next version."""
    return (
        "import localart\n\n"
        f"with localart.init(project={version.project!r}) as run:\n"
        f"    artifact = localart.Artifact({version.artifact!r}, type={version.type!r})\n"
        '    artifact.add_dir("data/")\n'
        "    run.log_artifact(artifact)"
    )


def shell_commands(version: VersionRecord) -> str:
    """The same on the command line."""
    name = shlex.quote(version.full_name)
    return f"localart get {name}\nlocalart show {name}\nlocalart lineage {name}\nlocalart ls {name}"


def usage_sections(version: VersionRecord) -> list[tuple[str, str]]:
    """All of them, each with its heading."""
    return [
        ("Use it in a run", python_code(version)),
        ("Only look at it", reading_code(version)),
        ("Log the next version", new_version_code(version)),
        ("In the shell", shell_commands(version)),
    ]


def usage_lines(version: VersionRecord) -> list[list[Part]]:
    """The sections as lines."""
    rows: list[list[Part]] = []
    for title, code in usage_sections(version):
        rows.append([(title, Tone.STRONG)])
        rows += [[("    ", Tone.TEXT), (clean(line, 400), Tone.ACCENT)] for line in code.split("\n")]
        rows.append([(" ", Tone.TEXT)])
    return rows
