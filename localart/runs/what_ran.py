"""What ran: script, Python, git and packages, so that a run can be done again.

Kept by default as the run's facts: `program` (the script's name, relative to the folder it was started in), `python`,
`platform`, `localart`, `git` (`commit`, `branch`, `remote` without credentials), and as files `requirements.txt` and,
when the work tree differs from the commit, `diff.patch`. Only asked for (`LOCALART_MACHINE_INFO=1`, or
`Settings(x_disable_machine_info=False)`), for it tells about people and machines: `host`, `user`, `cwd`, `executable`
and `argv` without secrets. The environment is never recorded.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import subprocess

MOST_DIFF_BYTES = 8 << 20
_MOST_FILE_BYTES = 1 << 20
_GIT_SECONDS = 10.0


# --- git, read without starting it -------------------------------------------------------------------------


def find_git_root(start: Path) -> Path | None:
    """The nearest folder upward from `start` that is a git work tree, or None."""
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    return None


def git_facts(root: Path) -> dict[str, str]:
    """`commit`, `branch` and `remote` of the work tree at `root`, as far as they are known."""
    folder = _git_folder(root)
    head = _line(folder / "HEAD")
    shared = folder / _line(folder / "commondir") if (folder / "commondir").exists() else folder
    branch = head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else ""
    commit = _ref(folder, shared, head.removeprefix("ref: ")) if head.startswith("ref: ") else head
    from localart.runs.redact import redact

    facts = {"commit": commit, "branch": branch, "remote": redact(_remote(shared / "config"))}
    return {name: value for name, value in facts.items() if value}


def _git_folder(root: Path) -> Path:
    """`.git` itself, or what it points to in a submodule or another work tree."""
    place = root / ".git"
    if place.is_dir():
        return place
    return root / _line(place).removeprefix("gitdir: ")


def _ref(folder: Path, shared: Path, name: str) -> str:
    for place in (folder / name, shared / name):
        if found := _line(place):
            return found
    for line in _lines(shared / "packed-refs"):
        digest, _, packed = line.partition(" ")
        if packed == name:
            return digest
    return ""


def _remote(config: Path) -> str:
    """The address of `origin`, or of the first remote there is."""
    found: dict[str, str] = {}
    section = ""
    for line in _lines(config):
        text = line.strip()
        if text.startswith("["):
            section = text
        elif section.startswith("[remote ") and text.partition("=")[0].strip() == "url":
            found.setdefault(section, text.partition("=")[2].strip())
    return found.get('[remote "origin"]') or next(iter(found.values()), "")


def _line(path: Path) -> str:
    return next(_lines(path), "")


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open("rb") as file:
            yield from file.read(_MOST_FILE_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return  # not there, or not for us to read


def git_diff(root: Path) -> bytes:
    """What differs from the commit, as a patch without tokens; at most 8 MiB.

    Empty when nothing does, or git cannot tell.
    """
    import subprocess

    from localart.runs.redact import redact_tokens

    command = ["git", "-C", str(root), "--no-optional-locks", "diff", "--no-ext-diff", "--no-color", "HEAD"]
    try:
        with subprocess.Popen(  # noqa: S603
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
        ) as git:
            return redact_tokens(_bounded(git))
    except OSError:
        return b""


def _bounded(git: "subprocess.Popen[bytes]") -> bytes:
    from threading import Timer

    assert git.stdout is not None
    watchdog = Timer(_GIT_SECONDS, git.kill)
    watchdog.start()
    try:
        patch = git.stdout.read(MOST_DIFF_BYTES + 1)
        git.kill()
        is_whole = git.wait() == 0 or len(patch) <= MOST_DIFF_BYTES
    finally:
        watchdog.cancel()
    if len(patch) > MOST_DIFF_BYTES:
        return patch[:MOST_DIFF_BYTES] + b"\n... the rest of the diff is not kept ...\n"
    return patch if is_whole else b""


# --- the rest ----------------------------------------------------------------------------------------------


def program_name() -> str:
    """The script, relative to the folder it was started in; its bare name when it lies elsewhere."""
    path = Path(sys.argv[0]) if sys.argv and sys.argv[0] else Path()
    if path.is_absolute():
        path = path.relative_to(Path.cwd()) if _is_below_here(path) else Path(path.name)
    if ".." in path.parts:
        path = Path(path.name)
    return _storable(path.as_posix()) if path.name else ""


def _is_below_here(path: Path) -> bool:
    try:
        return path.is_relative_to(Path.cwd())
    except OSError:  # the working folder was removed
        return False


def machine_facts() -> dict[str, Any]:
    """What tells about people and machines: only for those who ask for it."""
    import getpass
    import platform

    from localart.runs.redact import redact_arguments

    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = ""
    return {
        "host": _storable(platform.node()),
        "user": _storable(user),
        "cwd": _storable(str(Path.cwd())),
        "executable": _storable(sys.executable or ""),
        "argv": [_storable(word) for word in redact_arguments(sys.argv)],
    }


def installed_packages() -> bytes:
    """`name==version` a line, sorted: by the names of their folders, which takes 1 ms instead of 40."""
    found: dict[str, str] = {}
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for name in names:
            stem, _, kind = name.rpartition(".")
            if kind in {"dist-info", "egg-info"}:
                package, _, version = stem.partition("-")
                found.setdefault(package.replace("_", "-").lower(), version.partition("-py")[0])
    lines = [f"{name}=={version}\n" for name, version in sorted(found.items()) if name and version]
    return "".join(lines).encode("utf-8", "backslashreplace")


def _storable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
