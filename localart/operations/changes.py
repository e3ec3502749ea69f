"""The history of a store, an artifact or a version, in words."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from localart.catalog import history, versions
from localart.catalog.history import Change, Moves
from localart.catalog.seals import damaged
from localart.names import shown
from localart.operations.resolve import resolve_artifact
from localart.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A change and one line about it; versions have the names they have now."""

    change: Change
    words: str


def iter_history(repository: Repository, place: str | None, *, with_runs: bool) -> Iterator[Change]:
    """The changes, the newest first, streamed: all, or those of `[project/]name` or `name:vN` (or `name:alias`).

    Those of runs and projects only `with_runs`, except that a log belongs to its version.
    """
    concerns = _everything if place is None else _concerning(repository, place)
    for change in history.iter_changes(repository.read()):
        if (with_runs or not change.kind.startswith(("run.", "project."))) and concerns(change):
            yield change


def _everything(change: Change) -> bool:
    del change
    return True


def _concerning(repository: Repository, address: str) -> Callable[[Change], bool]:
    artifact = resolve_artifact(repository, address, project=None)
    uids = _uids(repository, artifact.id, address)
    moves = Moves(repository.read())
    here = (artifact.project, artifact.name)
    is_whole = ":" not in address

    def concerns(change: Change) -> bool:
        if change.body.get("version") in uids:
            return True
        named = history.place_of(change) if is_whole else None
        return named is not None and moves.place_now(named, change.seq) == here

    return concerns


def _uids(repository: Repository, artifact_id: int, address: str) -> frozenset[str]:
    return frozenset(versions.uids_of(repository.read(), artifact_id, _number(repository, address)))


def _number(repository: Repository, address: str) -> int | None:
    from localart.names import parse_address, version_number
    from localart.operations.resolve import resolve_version

    if ":" not in address:
        return None
    asked = version_number(parse_address(address).selector)  # of a deleted version too
    return asked if asked is not None else resolve_version(repository, address, project=None).number


# --- in words --------------------------------------------------------------------------------------


def tell(repository: Repository, change: Change) -> Told:
    """The change in one line."""
    words = _WORDS.get(change.kind)
    text = change.kind.replace(".", " ") if words is None else words(_Names(repository), change.body)
    return Told(change=change, words=text)


class _Names:
    """What versions are called now."""

    def __init__(self, repository: Repository) -> None:
        self._connection = repository.read()

    def version(self, body: Any) -> str:
        found = versions.find_version_by_uid(self._connection, body["version"])
        if found is None:  # a version keeps its row for ever
            raise damaged(str(body.get("label") or body["version"]))
        return found.full_name


def _place(body: Any) -> str:
    return f"{body['project']}/{body['artifact']}"


def _where(body: Any) -> str:
    return f" in {'/'.join(body['in'])}" if "in" in body else ""


def _listed(words: Any) -> str:
    return ", ".join(words) or "none"


def _logged(names: _Names, body: Any) -> str:
    return f"{names.version(body)} logged" + ("" if body["new"] else " again, with the same content")


def _deleted(names: _Names, body: Any) -> str:
    kept = "to the trash" if body.get("trash") else "for good"
    return f"{names.version(body)} deleted, {kept}"


def _ttl(what: str, seconds: int | None) -> str:
    if seconds is None:
        return f"{what} kept as its artifact says"
    return f"{what} kept for {seconds:,} s" if seconds else f"{what} kept for ever"


_WORDS: dict[str, Callable[[_Names, Any], str]] = {
    "version.logged": _logged,
    "version.relogged": lambda names, body: f"{names.version(body)} logged by another run",
    "version.used": lambda names, body: f"{names.version(body)} used by a run",
    "version.updated": lambda names, body: f"{names.version(body)}: description or metadata changed",
    "version.tagged": lambda names, body: f"{names.version(body)}: tags are {_listed(body['tags'])}",
    "version.ttl": lambda names, body: _ttl(names.version(body), body["ttl_seconds"]),
    "version.deleted": _deleted,
    "version.restored": lambda names, body: f"{names.version(body)} brought back",
    "version.freed": lambda names, body: f"{names.version(body)} left the trash for good",
    "alias.set": lambda names, body: (
        f"alias {shown(body['alias'])}{_where(body)} points to {names.version(body)}"
    ),
    "alias.removed": lambda names, body: (
        f"alias {shown(body['alias'])}{_where(body)} taken off {names.version(body)}"
    ),
    "alias.protected": lambda _, body: f"alias {shown(body['alias'])} of {_place(body)} protected",
    "alias.unprotected": lambda _, body: (
        f"alias {shown(body['alias'])} of {_place(body)} not protected any more"
    ),
    "link.added": lambda names, body: f"{names.version(body)} linked as {_place(body)}:v{body['number']}",
    "link.removed": lambda _, body: f"link {_place(body)}:v{body['number']} removed",
    "artifact.created": lambda _, body: f"{_place(body)} made",
    "artifact.moved": lambda _, body: f"{'/'.join(body['from'])} moved to {'/'.join(body['to'])}",
    "artifact.retyped": lambda _, body: f"{_place(body)}: type is {shown(body['type'])}",
    "artifact.updated": lambda _, body: f"{_place(body)}: description changed",
    "artifact.tagged": lambda _, body: f"{_place(body)}: tags are {_listed(body['tags'])}",
    "artifact.ttl": lambda _, body: f"{_place(body)}: lifetime changed",
    "artifact.deleted": lambda _, body: f"{_place(body)} emptied",
    "undo": lambda _, body: f"undo of {', '.join(map(str, body['undone']))}",
}
