"""What `Run` does with artifacts, for it to call: log, upsert, finish, link. All are committed when they return."""

from collections.abc import Iterable, Sequence

from localart.artifact.artifact import Artifact
from localart.errors import ArtifactTypeMismatch, CommError, ContentConflict, InvalidName
from localart.jsonable import normalise_metadata
from localart.model import RunRecord, VersionRecord
from localart.names import check_alias, check_tag, shown
from localart.operations.link import link_version, parse_link_target
from localart.operations.log import Label, LogReport, log_version, relog_version
from localart.operations.resolve import is_artifact_uri, resolve_linked, resolve_uri
from localart.operations.upsert import finish_upserts, upsert
from localart.repository import Repository


def log_artifact(
    repository: Repository,
    artifact: Artifact,
    *,
    run: RunRecord,
    aliases: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> LogReport:
    """Make the artifact an output of the run: a draft becomes a version, a version gets the aliases and tags."""
    if artifact.is_draft():
        label = _label(artifact, run, aliases, tags)
        report = log_version(repository, artifact.draft, label, run=run)
    else:
        version = relog_version(
            repository, artifact.version_record, run=run, aliases=tuple(aliases), tags=tuple(tags)
        )
        report = LogReport(version=version, is_new=False)
    artifact.become(repository, report.version)
    return report


def upsert_artifact(
    repository: Repository,
    artifact: Artifact,
    *,
    run: RunRecord,
    distributed_id: str,
    aliases: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> None:
    """Add the draft to the version `distributed_id` stands for. It stays PENDING, and its content is sealed."""
    artifact.distributed_id = distributed_id
    label = _label(_need_draft(artifact), run, aliases, tags)
    upsert(repository, artifact.draft, label, run=run, distributed_id=distributed_id)
    artifact.finalize()


def finish_artifact(
    repository: Repository,
    artifact: Artifact,
    *,
    run: RunRecord,
    distributed_id: str,
    aliases: Sequence[str] = (),
    tags: Sequence[str] = (),
) -> LogReport:
    """Make one version of the draft and of all that was upserted under `distributed_id`."""
    artifact.distributed_id = distributed_id
    label = _label(_need_draft(artifact), run, aliases, tags)
    report = finish_upserts(repository, artifact.draft, label, run=run, distributed_id=distributed_id)
    artifact.become(repository, report.version)
    return report


def link_artifact(
    repository: Repository,
    artifact: Artifact,
    target_path: str,
    *,
    run: RunRecord,
    aliases: Iterable[str] | str | None = None,
) -> Artifact:
    """Link the artifact (a draft is logged by the run first) to `[project/]collection`; the linked artifact."""
    target = parse_link_target(target_path, project=run.project)
    wanted = [check_alias(alias) for alias in ([aliases] if isinstance(aliases, str) else aliases or ())]
    if artifact.is_draft():
        log_artifact(repository, artifact, run=run)
    made = link_version(repository, artifact.version_record, target, wanted)
    return Artifact.from_version(repository, made.version, link=made.link)


def find_artifact(
    repository: Repository, address: str, *, project: str | None, kind: str | None = None
) -> Artifact:
    """The artifact at `[entity/][project/]name[:alias|vN]`, or at a `wandb-artifact://` address of one.

    CommError when there is none, it has another type than `kind`, or the address cannot be one.
    """
    try:
        if isinstance(address, str) and is_artifact_uri(address):
            found, _ = resolve_uri(repository, address, project=project)
            _refuse_other_type(found.version, kind)
            return Artifact.from_version(repository, found.version, link=found.link)
        found = resolve_linked(repository, address, project=project, kind=kind)
    except InvalidName as error:
        raise CommError(error.message, hint=error.hint) from error
    selector = address.partition(":")[2] or "latest"
    return Artifact.from_version(repository, found.version, selector=selector, link=found.link)


def _refuse_other_type(version: VersionRecord, kind: str | None) -> None:
    if kind is not None and version.type != kind:
        raise ArtifactTypeMismatch(
            f"Artifact {shown(version.artifact)} has type {shown(version.type)}, not {shown(kind)}",
            hint="leave the type out, or ask for the right one",
        )


def _label(artifact: Artifact, run: RunRecord, aliases: Sequence[str], tags: Sequence[str]) -> Label:
    home = artifact.home_project
    if home is not None and home != run.project:
        raise ContentConflict(
            f"Artifact {artifact.name} exists in project {shown(home)}; it can't be moved to {shown(run.project)}",
            hint="log it by a run of that project, or make a new Artifact",
        )
    return Label(
        project=run.project,
        name=artifact.name,
        type=artifact.type,
        description=artifact.description,
        metadata=normalise_metadata(artifact.metadata),
        aliases=tuple(check_alias(alias) for alias in aliases),
        tags=tuple(check_tag(tag) for tag in tags),
        ttl_seconds=artifact.ttl_seconds,
        incremental=artifact.incremental,
    )


def _need_draft(artifact: Artifact) -> Artifact:
    if not artifact.is_draft():
        raise ContentConflict(
            f"{artifact.name} is logged already, so nothing can be added to it", hint="make a new Artifact"
        )
    return artifact
