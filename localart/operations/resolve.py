"""Find the version, artifact or run that an address means."""

import re
import sqlite3

from localart.catalog import aliases, artifacts, links, runs, versions
from localart.catalog.projects import find_project
from localart.errors import ArtifactNotFound, ArtifactTypeMismatch, InvalidName, RunNotFound
from localart.model import (
    ArtifactKind,
    ArtifactRecord,
    LinkedVersion,
    RunRecord,
    VersionRecord,
    VersionState,
)
from localart.names import ArtifactAddress, is_storable, parse_address, shown
from localart.repository import Repository


def resolve_version(
    repository: Repository, address: str, *, project: str | None, kind: str | None = None
) -> VersionRecord:
    """The version at `[project/]name[:alias|vN]`; without a selector, `latest`. A link leads to its source.

    `project` is where to look when the address names none; None searches all projects for the only artifact
    of that name.
    """
    return resolve_linked(repository, address, project=project, kind=kind).version


def resolve_linked(
    repository: Repository, address: str, *, project: str | None, kind: str | None = None
) -> LinkedVersion:
    """As `resolve_version`, with the link it was found through when `name` is a portfolio."""
    parsed = parse_address(address)
    with repository.catalog.snapshot() as connection:
        artifact = _find_artifact(repository, parsed, project)
        if kind is not None and artifact.type != kind:
            raise ArtifactTypeMismatch(
                f"Artifact {shown(artifact.name)} has type {shown(artifact.type)}, not {shown(kind)}",
                hint="leave the type out, or ask for the right one",
            )
        if parsed.moment is not None:
            from localart.operations.alias_history import version_then

            return version_then(connection, artifact, parsed.selector, parsed.moment)
        if artifact.kind is ArtifactKind.PORTFOLIO:
            return _linked(connection, artifact, parsed)
        if parsed.version is not None:
            version = versions.find_version(connection, artifact.id, parsed.version)
        else:
            version = versions.find_aliased(connection, artifact.id, parsed.selector)
    if version is None or version.state is VersionState.DELETED:
        raise _no_version(artifact, parsed, deleted=version is not None)
    return LinkedVersion(version=version)


def _linked(
    connection: sqlite3.Connection, portfolio: ArtifactRecord, parsed: ArtifactAddress
) -> LinkedVersion:
    if parsed.version is not None:
        link = links.find_link(connection, portfolio.id, parsed.version)
        was_there = link is None and links.was_linked(connection, portfolio.id, parsed.version)
    else:
        version_id = aliases.find_alias(connection, portfolio.id, parsed.selector)
        link = None if version_id is None else links.find_link_to(connection, portfolio.id, version_id)
        was_there = False
    if link is None:
        raise _no_version(portfolio, parsed, deleted=was_there)
    return LinkedVersion(version=versions.get_version(connection, link.version_id), link=link)


_URI = "wandb-artifact://"
_BY_UID = re.compile(
    r"(?:_id/)?([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/(.*))?", re.DOTALL
)
_BY_NAME = re.compile(r"([^:]+:[^/]+)(?:/(.*))?", re.DOTALL)


def entry_uri(version: VersionRecord, path: str) -> str:
    """W&B's address of one file of a version, for references from other artifacts."""
    return f"{_URI}{version.uid.replace('-', '')}/{path}"


def is_artifact_uri(text: str) -> bool:
    """Whether `text` is an address of a version or of one of its files."""
    return text.startswith(_URI)


def resolve_uri(repository: Repository, uri: str, *, project: str | None = None) -> tuple[LinkedVersion, str]:
    """The version an artifact's URI means, and the path inside it ("": the version itself).

    `wandb-artifact://` is followed by a version's id, by `_id/` and one, or by `[entity/]project/name:alias`.
    """
    rest = uri.removeprefix(_URI)
    by_uid = _BY_UID.fullmatch(rest)
    if by_uid is not None:
        digits = by_uid[1].replace("-", "")
        uid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        version = versions.find_version_by_uid(repository.read(), uid)
        if version is None:
            raise ArtifactNotFound(
                f"No version has the id of {shown(uri)}", hint="it may be in another store"
            )
        return LinkedVersion(version=live_version(repository.read(), version)), by_uid[2] or ""
    by_name = _BY_NAME.fullmatch(rest)
    if by_name is None:
        raise InvalidName(
            f"{shown(uri)} is not the address of an artifact",
            hint="for example wandb-artifact://project/name:latest",
        )
    return resolve_linked(repository, by_name[1], project=project), by_name[2] or ""


def resolve_artifact(repository: Repository, address: str, *, project: str | None) -> ArtifactRecord:
    """The artifact at `[project/]name`."""
    return _find_artifact(repository, parse_address(address), project)


def _find_artifact(repository: Repository, parsed: ArtifactAddress, project: str | None) -> ArtifactRecord:
    wanted = parsed.project or project
    if wanted is not None:
        found = artifacts.find_artifact(repository.read(), wanted, parsed.name)
        if found is not None:
            return found
    named = artifacts.find_named(repository.read(), parsed.name)
    if wanted is None and len(named) == 1:
        return named[0]
    where = f" in project {shown(wanted)}" if wanted is not None else ""
    if wanted is None and named:
        raise ArtifactNotFound(
            f"Several projects have an artifact {shown(parsed.name)}",
            hint="say which: " + ", ".join(f"{one.project}/{one.name}" for one in named[:5]),
        )
    raise ArtifactNotFound(
        f"No artifact {shown(parsed.name)}{where}", hint=_elsewhere(repository, named, parsed)
    )


def _elsewhere(repository: Repository, named: list[ArtifactRecord], parsed: ArtifactAddress) -> str:
    if named:
        return "it is in another project: " + ", ".join(f"{one.project}/{one.name}" for one in named[:5])
    import difflib

    if parsed.name == "run":
        return f"run:{parsed.selector} is a run's address; `localart run {parsed.selector}` shows it and what it made"
    if parsed.project is None and find_project(repository.read(), parsed.name) is not None:
        return f"it is a project; `localart ls {parsed.name}` lists its artifacts"
    everything = {one.name for one in artifacts.list_collections(repository.read())}
    close = difflib.get_close_matches(parsed.name, everything, n=3)
    return f"did you mean {', '.join(close)}?" if close else "`localart ls` lists what is there"


def _no_version(artifact: ArtifactRecord, parsed: ArtifactAddress, *, deleted: bool) -> ArtifactNotFound:
    name = f"{artifact.project}/{artifact.name}"
    if deleted:
        return ArtifactNotFound(f"Version {name}:{parsed.selector} was deleted", hint=f"`localart ls {name}`")
    return ArtifactNotFound(
        f"Artifact {name} has no version or alias {shown(parsed.selector)}",
        hint=f"`localart ls {name}` lists its versions",
    )


def live_version(connection: sqlite3.Connection, version: VersionRecord) -> VersionRecord:
    """The version as it is now; `ArtifactNotFound` when it was deleted, or is another store's."""
    now = versions.find_version_by_uid(connection, version.uid)
    if now is None:
        raise ArtifactNotFound(
            f"Version {version.full_name} is not in this store",
            hint="set LOCALART_DIR to the store it is in, or download it and log the files here",
        )
    if now.state is VersionState.DELETED:
        raise ArtifactNotFound(
            f"Version {now.full_name} was deleted", hint=f"`localart ls {now.project}/{now.artifact}`"
        )
    return now


def resolve_run(repository: Repository, address: str, *, project: str | None = None) -> RunRecord:
    """The run at `[run:][entity/][project/]id`."""
    if not isinstance(address, str):
        raise TypeError(f"a run's address must be a str, not {type(address).__name__}")
    parts = address.removeprefix("run:").strip("/").split("/")
    wanted = parts[-2] if len(parts) > 1 else project
    run = runs.find_run(repository.read(), wanted, parts[-1]) if is_storable(address) else None
    if run is None:
        runs.refuse_hidden(repository.read(), parts[-1])
        where = f" in project {shown(wanted)}" if wanted else ""
        raise RunNotFound(f"No run {shown(parts[-1])}{where}", hint="`localart runs` lists them")
    return run
