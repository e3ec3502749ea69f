"""A model's files on their way from a framework into a version."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localart.integration.plain_values import plain_metadata

if TYPE_CHECKING:
    from localart.artifact import Artifact
    from localart.session import AnyRun

MODEL_TYPE = "model"


def log_model_files(
    run: "AnyRun",
    path: str | os.PathLike[str],
    *,
    name: str,
    entry_path: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    aliases: Sequence[str] = (),
) -> "Artifact | None":
    """Log the file or folder at `path` as a version of the model `name`, an output of `run`.

    Every byte is stored when it returns: the caller may delete or overwrite `path` at once. A file is kept as
    `entry_path` (its own name), a folder's files below it. `latest` and `aliases` move to this version; known
    content makes no new version. None, and nothing read, in a disabled run.
    """
    from localart.artifact import Artifact

    if run.disabled:
        return None
    artifact = Artifact(name, MODEL_TYPE, metadata=plain_metadata(metadata or {}))
    if os.path.isdir(path):  # noqa: PTH112
        artifact.add_dir(path, name=entry_path)
    else:
        artifact.add_file(path, name=entry_path)
    logged: Artifact = run.log_artifact(artifact, aliases=list(aliases))
    return logged
