"""What the tests of the command line share besides fixtures."""

import os
from typing import Any

import localart


def environment(**extra: str) -> dict[str, str]:
    """What a process of ours is given: as here, but with output buffered as it is by default."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**kept, "COLUMNS": "", **extra}


def new_version(name: str, content: str, **named: Any) -> str:
    """Log one more version of an artifact; its address."""
    with localart.init(project="digits", job_type="more") as run:
        artifact = localart.Artifact(name, type=named.pop("type", "dataset"), **named)
        with artifact.new_file("a.txt", "w") as file:
            file.write(content)
        logged = run.log_artifact(artifact)
        return f"digits/{logged.source_name}"
