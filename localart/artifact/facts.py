"""What an artifact is and is called: the facts of a draft and of a logged version."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from localart.artifact.lifetime import ArtifactTTL, duration_of, seconds_of
from localart.catalog import artifacts
from localart.draft import Draft
from localart.errors import ArtifactNotFound, ArtifactNotLoggedError
from localart.jsonable import normalise_metadata
from localart.model import LinkedVersion, LinkRecord, VersionRecord, VersionState
from localart.names import check_alias, check_artifact_name, check_artifact_type, check_prose, check_tag
from localart.repository import Repository, default_repository

if TYPE_CHECKING:
    from localart.artifact.entries import ArtifactEntry, ArtifactManifest
    from localart.media import Media


class DigestAlgorithm(StrEnum):
    """What W&B lets one choose. It is remembered and changes nothing: localart's digests are BLAKE3."""

    MANIFEST_MD5 = "MANIFEST_MD5"
    MANIFEST_XXH128 = "MANIFEST_XXH128"


class ArtifactFacts:
    """The part of `Artifact` that tells what it is, and lets description, metadata, aliases, tags and ttl be set.

    A draft has a name, a type, a description, metadata and content; what only a version has raises
    `ArtifactNotLoggedError` on a draft.
    """

    def __init__(
        self,
        name: str,
        type: str,  # noqa: A002
        description: str | None = None,
        metadata: Mapping[str, Any] | str | None = None,
        incremental: bool = False,
        use_as: str | None = None,
        storage_region: str | None = None,
        digest_algorithm: str = "MD5",
    ) -> None:
        del storage_region
        self._base_name = check_artifact_name(name)
        self._type = check_artifact_type(type, name)
        self._description = None if description is None else check_prose(description, "Description")
        self._metadata = normalise_metadata(metadata)
        self._aliases: list[str] = []
        self._tags: list[str] = []
        self._ttl_seconds: int | None = None
        self._ttl_changed = False
        self._repository: Repository | None = None
        self._version: VersionRecord | None = None
        self._link: LinkRecord | None = None
        self._selector = ""
        self._begin(
            Draft(default_repository, artifact=self._base_name), incremental=incremental, use_as=use_as
        )
        if digest_algorithm == "XXH128":
            self._digest_algorithm = DigestAlgorithm.MANIFEST_XXH128

    def _begin(self, draft: Draft, *, incremental: bool = False, use_as: str | None = None) -> None:
        """What a draft and a version start with alike."""
        self._draft = draft
        self._final = False
        self._incremental = incremental
        self._distributed_id: str | None = None
        self._digest_algorithm = DigestAlgorithm.MANIFEST_MD5
        self._home_project: str | None = None
        self._manifest: ArtifactManifest | None = None
        self._added_objects: dict[int, tuple[Media, ArtifactEntry]] = {}
        self._use_as = use_as

    @classmethod
    def from_version(
        cls,
        repository: Repository,
        version: VersionRecord,
        *,
        selector: str = "",
        link: LinkRecord | None = None,
    ) -> Self:
        """The logged artifact that `version` is; `selector` is the alias or number it was asked for by.

        With `link`, it is the linked artifact: name, number and aliases are the portfolio's.
        """
        artifact = cls.__new__(cls)
        artifact._begin(Draft(lambda: repository))  # noqa: SLF001 - its own class
        artifact.become(repository, version, selector=selector, link=link)
        return artifact

    def become(
        self,
        repository: Repository,
        version: VersionRecord,
        *,
        selector: str = "",
        link: LinkRecord | None = None,
    ) -> None:
        """Turn into the logged artifact `version` (what logging a draft does to it)."""
        self._final = True
        self._added_objects.clear()
        self._repository = repository
        self._version = version
        self._link = link
        self._manifest = None
        self._base_name = version.artifact
        self._type = version.type
        self._selector = selector or f"v{version.number if link is None else link.number}"
        self._description = version.description
        self._metadata = dict(version.metadata)
        self._aliases = list(version.aliases if link is None else link.aliases)
        self._tags = list(version.tags)
        self._ttl_seconds = version.ttl_seconds
        self._ttl_changed = False

    def __repr__(self) -> str:
        return f"<Artifact {self.name} ({self.type}, {self.state})>"

    def __reduce__(self) -> tuple[Any, ...]:
        """A version may go to another process, with what was edited and not saved; a draft may not (TypeError)."""
        if self._version is None:
            raise TypeError(
                f"artifact {self._base_name} is a draft, which belongs to the process that made it; log it first"
            )
        edited = {
            name: getattr(self, name)
            for name in (
                "_description", "_metadata", "_aliases", "_tags", "_ttl_seconds", "_ttl_changed", "_use_as",
            )
        }  # fmt: skip
        return _version_elsewhere, (
            type(self), self._repository, self._version, self._selector, self._link,
        ), edited  # fmt: skip

    # --- what every artifact has ---------------------------------------------------------------------

    @property
    def name(self) -> str:
        """A draft's name; of a version, `name:` and the alias or number it was asked for by."""
        if self._version is None:
            return self._base_name
        return f"{self._version.artifact if self._link is None else self._link.artifact}:{self._selector}"

    @property
    def source_name(self) -> str:
        """A draft's name; of a version, `name:vN`, also when it is seen through a link."""
        return self._base_name if self._version is None else self._version.label

    @property
    def type(self) -> str:
        """The type given when it was made."""
        return self._type

    @property
    def state(self) -> str:
        """PENDING, COMMITTED or DELETED."""
        return (VersionState.PENDING if self._version is None else self._version.state).value

    def is_draft(self) -> bool:
        """Whether it is not logged yet."""
        return self._version is None

    @property
    def description(self) -> str | None:
        """Free text, Markdown if you like; setting it on a version takes `save()`."""
        return self._description

    @description.setter
    def description(self, description: str | None) -> None:
        self._description = None if description is None else check_prose(description, "Description")

    @property
    def metadata(self) -> dict[str, Any]:
        """A plain dict; changing it on a version takes `save()`."""
        return self._metadata

    @metadata.setter
    def metadata(self, metadata: Mapping[str, Any] | str | None) -> None:
        self._metadata = normalise_metadata(metadata)

    @property
    def incremental(self) -> bool:
        """Whether logging lays it over what the latest version holds."""
        return self._incremental

    @property
    def use_as(self) -> str | None:
        """What was given when it was made; W&B has given it up."""
        return self._use_as

    @property
    def distributed_id(self) -> str | None:
        """What the processes share that make one version together; set by `Run.upsert_artifact`."""
        return self._distributed_id

    @distributed_id.setter
    def distributed_id(self, distributed_id: str | None) -> None:
        self._distributed_id = distributed_id

    @property
    def digest_algorithm(self) -> DigestAlgorithm:
        """What was asked for when it was made; `digest` is BLAKE3 all the same."""
        return self._digest_algorithm

    @property
    def size(self) -> int:
        """The sum of all entries in bytes, references included."""
        return self._draft.size_bytes if self._version is None else self._version.size_bytes

    @property
    def digest(self) -> str:
        """The content's name, 64 hex digits: equal content, equal digest."""
        return (self._draft.digest() if self._version is None else self._version.digest).hex()

    @property
    def id(self) -> str | None:
        """The version's uid; None for a draft. A link has its source's."""
        return None if self._version is None else self._version.uid

    @property
    def ttl(self) -> timedelta | None:
        """How long it is kept from when it was logged; None: for ever. Setting it on a version takes `save()`.

        Not set (`ArtifactTTL.INHERIT`), it is the collection's, which a draft cannot know yet.
        """
        if self._ttl_seconds is not None:
            return duration_of(self._ttl_seconds)
        if self._version is None or self._ttl_changed:
            raise ArtifactNotLoggedError(
                f"Artifact {self._base_name} has no ttl of its own, and does not inherit one before it is"
                f" {'logged' if self._version is None else 'saved'}",
                hint="set ttl to a timedelta, or to None to keep it",
            )
        artifact = artifacts.get_artifact(self._store("ttl").read(), self._version.artifact_id)
        return duration_of(artifact.ttl_seconds)

    @ttl.setter
    def ttl(self, ttl: timedelta | ArtifactTTL | None) -> None:
        if self._link is not None:
            raise ValueError(f"{self.name} is a link, which has no ttl. Set that of source_artifact")
        self._ttl_seconds = seconds_of(ttl)
        self._ttl_changed = True

    @property
    def ttl_seconds(self) -> int | None:
        """The ttl as it is stored: None inherits, 0 keeps for ever."""
        return self._ttl_seconds

    # --- what only a version has -----------------------------------------------------------------------

    def _logged(self, what: str) -> VersionRecord:
        if self._version is None:
            raise ArtifactNotLoggedError(
                f"Artifact {self._base_name} has no {what} before it is logged",
                hint="call run.log_artifact(artifact)",
            )
        return self._version

    def _store(self, what: str) -> Repository:
        self._logged(what)
        assert self._repository is not None
        return self._repository

    def _content_store(self, what: str) -> Repository:
        """The store that holds this version's content; a deleted one has none any more."""
        version = self._logged(what)
        if version.state is VersionState.DELETED:
            raise ArtifactNotFound(
                f"Version {version.full_name} was deleted, so it has no {what}",
                hint=f"`localart ls {version.project}/{version.artifact}` lists what is left",
            )
        return self._store(what)

    @property
    def version_record(self) -> VersionRecord:
        """What the catalog knows of this version."""
        return self._logged("version")

    @property
    def found(self) -> LinkedVersion:
        """The version and the link it was found through."""
        return LinkedVersion(version=self._logged("version"), link=self._link)

    @property
    def aliases(self) -> list[str]:
        """Its aliases without vN; edit the list, then `save()`. A link has those of its portfolio."""
        self._logged("aliases")
        return self._aliases

    @aliases.setter
    def aliases(self, aliases: str | Sequence[str]) -> None:
        self._logged("aliases")
        given = [aliases] if isinstance(aliases, str) else list(aliases)
        self._aliases = [check_alias(alias) for alias in given]

    @property
    def tags(self) -> list[str]:
        """Its tags; edit the list, then `save()`."""
        self._logged("tags")
        return self._tags

    @tags.setter
    def tags(self, tags: str | Sequence[str]) -> None:
        self._logged("tags")
        given = [tags] if isinstance(tags, str) else list(tags)
        self._tags = [check_tag(tag) for tag in dict.fromkeys(given)]

    @property
    def file_count(self) -> int:
        """How many entries it has."""
        return self._logged("file_count").file_count

    @property
    def created_at(self) -> str:
        """When it was logged, ISO-8601 UTC."""
        return self._logged("created_at").created_at

    @property
    def updated_at(self) -> str:
        """When its facts last changed, ISO-8601 UTC."""
        return self._logged("updated_at").updated_at

    @property
    def commit_hash(self) -> str:
        """The digest, under the name W&B gives it."""
        return self._logged("commit_hash").digest.hex()

    @property
    def history_step(self) -> int | None:
        """The last step its run had logged when it was logged; None when there was none."""
        return self._logged("history_step").history_step


def _version_elsewhere(
    kind: type[ArtifactFacts],
    repository: Repository,
    version: VersionRecord,
    selector: str,
    link: LinkRecord | None,
) -> ArtifactFacts:
    return kind.from_version(repository, version, selector=selector, link=link)
