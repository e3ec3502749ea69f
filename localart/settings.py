"""What the environment says, read when asked and never at import. No other module reads it.

Every name is honoured as `LOCALART_X` first, then as `WANDB_X` where W&B has the same setting.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from localart.errors import UnsafeStore, UsageError
from localart.modes import is_group_folder
from localart.names import shown
from localart.records import dataclass

STORE_FOLDER = ".localart"
_YES = {"1", "true", "yes", "on", "y", "t"}
_NO = {"0", "false", "no", "off", "n", "f"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """One reading of the environment. None or empty: not set."""

    store: Path | None
    cache_folder: Path | None
    artifact_folder: Path
    entity: str | None
    project: str | None
    run_id: str | None
    name: str | None
    notes: str | None
    group: str | None
    job_type: str | None
    tags: tuple[str, ...]
    mode: str | None
    resume: str | None
    config_paths: tuple[str, ...]
    log_model: str | None
    console: str | None
    save_code: bool | None
    disable_code: bool
    disable_git: bool
    disable_meta: bool
    machine_info: bool
    save_requirements: bool
    fetch_references: bool
    silent: bool
    quiet: bool
    no_color: bool


def read_settings(environ: Mapping[str, str] | None = None) -> Environment:
    """Read the environment now (a test may pass its own)."""
    env = os.environ if environ is None else environ

    def either(name: str) -> str | None:
        return env.get(f"LOCALART_{name}") or env.get(f"WANDB_{name}") or None

    def said(name: str) -> bool | None:
        return _truth(either(name))

    store = env.get("LOCALART_DIR")
    return Environment(
        store=_expanded(store) if store else None,
        cache_folder=_cache_folder(env),
        artifact_folder=_expanded(either("ARTIFACT_DIR") or "artifacts"),
        entity=either("ENTITY"),
        project=either("PROJECT"),
        run_id=either("RUN_ID"),
        name=either("NAME"),
        notes=either("NOTES"),
        group=either("RUN_GROUP"),
        job_type=either("JOB_TYPE"),
        tags=_listed(either("TAGS")),
        mode="disabled" if said("DISABLED") else either("MODE"),
        resume=either("RESUME"),
        config_paths=_listed(either("CONFIG_PATHS")),
        log_model=either("LOG_MODEL"),
        console=either("CONSOLE"),
        save_code=said("SAVE_CODE"),
        disable_code=said("DISABLE_CODE") or False,
        disable_git=said("DISABLE_GIT") or False,
        disable_meta=said("X_DISABLE_META") or False,
        machine_info=said("MACHINE_INFO") or False,
        save_requirements=said("X_SAVE_REQUIREMENTS") is not False,
        fetch_references=said("FETCH_REFERENCES") or False,
        silent=said("SILENT") or False,
        quiet=said("QUIET") or False,
        no_color=bool(env.get("NO_COLOR")),
    )


def _cache_folder(env: Mapping[str, str]) -> Path | None:
    """A folder of our own: W&B's is shared with W&B."""
    if own := env.get("LOCALART_CACHE_DIR"):
        return _expanded(own).absolute()
    shared = env.get("WANDB_CACHE_DIR")
    return _expanded(shared).absolute() / "localart" if shared else None


def _truth(text: str | None) -> bool | None:
    """None when it says neither yes nor no."""
    said = (text or "").strip().lower()
    return True if said in _YES else False if said in _NO else None


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _expanded(path: str) -> Path:
    """`~` is the home folder, also where no shell has seen it; UsageError for a `~user` nobody knows."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise UsageError(
            f"There is no home folder for {shown(path)}", hint="write the path out in LOCALART_DIR"
        ) from error


def find_cache_folder(settings: Environment) -> Path | None:
    """Where what is only remembered is kept: never in the store, for it is about this machine's files.

    None where there is no place for it; then nothing is remembered.
    """
    if settings.cache_folder is not None:
        return settings.cache_folder
    folder = notes_folder()
    return folder if folder is not None and folder.is_absolute() else None


def find_store(settings: Environment, start: Path | None = None) -> Path:
    """Where the store is or would be made.

    `LOCALART_DIR`, then the nearest `.localart/` upward from `start` (the working directory), then the
    user's data folder: blobs are the only copy, so never a cache folder.
    """
    if settings.store is not None:
        return settings.store.absolute()
    here = (start or _working_folder()).absolute()
    for folder in (here, *here.parents):
        if os.path.isdir(folder / STORE_FOLDER):  # noqa: PTH112  # False too where one may not look
            return _not_a_strangers(folder / STORE_FOLDER)
    from platformdirs import user_data_path

    try:
        return user_data_path("localart", appauthor=False)
    except RuntimeError as error:  # no HOME, and a user nobody knows, as in some containers
        raise UsageError(
            "There is no home folder to keep a store in", hint="set LOCALART_DIR to a folder, or HOME"
        ) from error


def _working_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "The working folder was removed, so no store can be looked for from there",
            hint="cd into a folder that exists, or set LOCALART_DIR to an absolute path",
        ) from error


def _not_a_strangers(store: Path) -> Path:
    """UnsafeStore when a store that nobody named belongs to another user: they may have put it there to be found."""
    found = store.stat()
    is_ours = is_group_folder(store) and found.st_gid in {os.getegid(), *os.getgroups()}
    if found.st_uid not in {os.geteuid(), 0} and not is_ours:
        raise UnsafeStore(
            f"The store {shown(str(store), 300)}, which lies above the working folder, belongs to another user",
            hint="set LOCALART_DIR to it if you trust that user, or to a folder of yours",
        )
    return store


def notes_folder() -> Path | None:
    """Where is kept what is not worth keeping for ever and belongs to no store: the user's cache folder, if any."""
    from platformdirs import user_cache_path

    try:
        return user_cache_path("localart", appauthor=False)
    except RuntimeError:  # no home folder
        return None
