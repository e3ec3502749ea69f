"""What the environment says, read when asked and never at import. No other module reads it.

Every name is honoured as `LOCALART_X` first, then as `WANDB_X` where W&B has the same setting.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localart.errors import UsageError
from localart.names import shown

STORE_FOLDER = ".localart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One reading of the environment. None or empty: not set."""

    store: Path | None
    artifact_folder: Path
    project: str | None
    run_id: str | None
    name: str | None
    notes: str | None
    group: str | None
    job_type: str | None
    tags: tuple[str, ...]
    mode: str | None
    resume: str | None
    log_model: str | None
    silent: bool
    no_color: bool


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment now (a test may pass its own)."""
    env = os.environ if environ is None else environ

    def either(name: str) -> str | None:
        return env.get(f"LOCALART_{name}") or env.get(f"WANDB_{name}") or None

    store = env.get("LOCALART_DIR")
    return Settings(
        store=_expanded(store) if store else None,
        artifact_folder=_expanded(either("ARTIFACT_DIR") or "artifacts"),
        project=either("PROJECT"),
        run_id=either("RUN_ID"),
        name=either("NAME"),
        notes=either("NOTES"),
        group=either("RUN_GROUP"),
        job_type=either("JOB_TYPE"),
        tags=tuple(tag.strip() for tag in (either("TAGS") or "").split(",") if tag.strip()),
        mode=either("MODE"),
        resume=either("RESUME"),
        log_model=either("LOG_MODEL"),
        silent=(either("SILENT") or "").lower() in {"1", "true", "yes", "on"},
        no_color=bool(env.get("NO_COLOR")),
    )


def _expanded(path: str) -> Path:
    """`~` is the home folder, also where no shell has seen it; UsageError for a `~user` nobody knows."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(
            f"There is no home folder for {shown(path)}", hint="write the path out in LOCALART_DIR"
        ) from error


def find_store(settings: Settings, start: Path | None = None) -> Path:
    """Where the store is or would be made.

    `LOCALART_DIR`, then the nearest `.localart/` upward from `start` (the working directory), then the
    user's data folder: blobs are the only copy, so never a cache folder.
    """
    if settings.store is not None:
        return settings.store.absolute()
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / STORE_FOLDER).is_dir():
            return folder / STORE_FOLDER
    from platformdirs import user_data_path

    return user_data_path("localart", appauthor=False)
