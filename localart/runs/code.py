"""`log_code`: the source files of a folder, logged as an artifact of type `code`."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from localart.errors import SourceMissing
from localart.model import RunRecord, VersionRecord
from localart.names import MAX_NAME, check_artifact_name, shown
from localart.repository import Repository
from localart.settings import STORE_FOLDER

CodeFilter = Callable[..., bool]
TYPE = "code"
_NAMES = re.compile(r"requirements.*\.txt|Dockerfile.*|.*\.Dockerfile|environment\.ya?ml|pyproject\.toml")
_NOT_CODE = {"wandb", ".wandb", STORE_FOLDER, "artifacts", "__pycache__", ".git", "node_modules"}


def is_code(path: str) -> bool:
    """Python files, and those that say what Python needs."""
    name = os.path.basename(path)  # noqa: PTH119 - W&B's filters take text
    return name.endswith(".py") or _NAMES.fullmatch(name) is not None


def is_kept_elsewhere(path: str, root: str) -> bool:
    """What tools keep: stores, downloads, caches, installed packages."""
    parts = Path(os.path.relpath(path, root)).parts[:-1]
    return any(part in _NOT_CODE or part in {"site-packages", ".venv", "venv"} for part in parts)


def log_code(
    repository: Repository,
    run: RunRecord,
    root: str | os.PathLike[str] | None,
    *,
    name: str | None,
    include_fn: CodeFilter,
    exclude_fn: CodeFilter,
) -> VersionRecord | None:
    """Log the files below `root` that `include_fn` takes and `exclude_fn` does not; None when there are none.

    The filters get a file's absolute path, and the root's too if they take two arguments.
    """
    from localart.draft import Draft
    from localart.draft.content import add_file
    from localart.operations.log import Label, log_version

    base = os.path.abspath(root if root is not None else ".")  # noqa: PTH100 - W&B's filters take text
    if not os.path.isdir(base):  # noqa: PTH112
        raise SourceMissing(f"{shown(base, 300)} is not a folder", hint="pass root='path/of/your/code'")
    takes, refuses = _with_root(include_fn, base), _with_root(exclude_fn, base)
    draft = Draft(lambda: repository)
    for path in _walk(base):
        if takes(path) and not refuses(path):
            add_file(draft, path, os.path.relpath(path, base).replace(os.sep, "/"))
    if not any(True for _ in draft.entries()):
        draft.release()
        return None
    label = Label(
        project=run.project, name=name or _default_name(run), type=TYPE, description=None, metadata={}
    )
    check_artifact_name(label.name)
    return log_version(repository, draft, label, run=run).version


def _walk(base: str) -> Iterator[str]:
    for folder, folders, files in os.walk(base):
        folders[:] = sorted(one for one in folders if one not in _NOT_CODE)
        for file in sorted(files):
            path = os.path.join(folder, file)  # noqa: PTH118
            if os.path.isfile(path):  # noqa: PTH113
                yield path


def _with_root(chosen: CodeFilter, root: str) -> Callable[[str], bool]:
    """W&B's filters take the path, or the path and the root."""
    import inspect

    try:
        takes_root = len(inspect.signature(chosen).parameters) > 1
    except (TypeError, ValueError):  # a builtin that says nothing about itself
        takes_root = False
    return (lambda path: bool(chosen(path, root))) if takes_root else (lambda path: bool(chosen(path)))


def _default_name(run: RunRecord) -> str:
    program: Any = run.facts.get("program") or "code"
    return re.sub(r"[^a-zA-Z0-9_\-.]", "_", f"source-{run.project}-{program}")[:MAX_NAME]
