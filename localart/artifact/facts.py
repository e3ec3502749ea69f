"""What an artifact is and is called: the facts of a draft and of a logged version."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from localart.draft import Draft
from localart.errors import ArtifactNotFound, ArtifactNotLoggedError
from localart.jsonable import normalise_metadata
from localart.model import VersionRecord, VersionState
from localart.names import check_artifact_name, check_artifact_type, check_prose
from localart.repository import Repository, default_repository

if TYPE_CHECKING:
    from localart.artifact.entries import ArtifactEntry, ArtifactManifest
    from localart.media import Media


class ArtifactFacts:
    """The part of `Artifact` that only tells.

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
        del storage_region, digest_algorithm
        self._base_name = check_artifact_name(name)
        self._type = check_artifact_type(type, name)
        self._description = None if description is None else check_prose(description, "Description")
        self._metadata = normalise_metadata(metadata)
        self._incremental = incremental
        self.use_as = use_as
        self._final = False
        self._draft = Draft(default_repository)
        self._repository: Repository | None = None
        self._version: VersionRecord | None = None
        self._manifest: ArtifactManifest | None = None
        self._selector = ""
        self._aliases: list[str] = []
        self._tags: list[str] = []
        self._added_objects: dict[int, tuple[Media, ArtifactEntry]] = {}

    @classmethod
    def from_version(cls, repository: Repository, version: VersionRecord, *, selector: str = "") -> Self:
        """The logged artifact that `version` is; `selector` is the alias or number it was asked for by."""
        artifact = cls.__new__(cls)
        artifact._load(repository, version, selector)  # noqa: SLF001 - its own class
        return artifact

    def _load(self, repository: Repository, version: VersionRecord, selector: str) -> None:
        self._base_name = version.artifact
        self._type = version.type
        self._incremental = False
        self.use_as = None
        self._draft = Draft(lambda: repository)
        self._added_objects = {}
        self.become(repository, version, selector=selector)

    def become(self, repository: Repository, version: VersionRecord, *, selector: str = "") -> None:
        """Turn into the logged artifact `version` (what logging a draft does to it)."""
        self._final = True
        self._added_objects.clear()
        self._repository = repository
        self._version = version
        self._manifest = None
        self._selector = selector or f"v{version.number}"
        self._description = version.description
        self._metadata = dict(version.metadata)
        self._aliases = list(version.aliases)
        self._tags = list(version.tags)

    def __repr__(self) -> str:
        return f"<Artifact {self.name} ({self.type}, {self.state})>"

    # --- what every artifact has ---------------------------------------------------------------------

    @property
    def name(self) -> str:
        """A draft's name; of a version, `name:` and the alias or number it was asked for by."""
        return self._base_name if self._version is None else f"{self._base_name}:{self._selector}"

    @property
    def source_name(self) -> str:
        """A draft's name; of a version, `name:vN`."""
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
        """Whether it was made to extend the latest version."""
        return self._incremental

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
        """The version's uid; None for a draft."""
        return None if self._version is None else self._version.uid

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
        if self._logged(what).state is VersionState.DELETED:
            raise ArtifactNotFound(
                f"Version {self._logged(what).full_name} was deleted, so it has no {what}",
                hint=f"`localart ls {self.project}/{self._base_name}` lists what is left",
            )
        return self._store(what)

    @property
    def version(self) -> str:
        """`v3`."""
        return f"v{self._logged('version').number}"

    @property
    def version_record(self) -> VersionRecord:
        """What the catalog knows of this version."""
        return self._logged("version")

    @property
    def project(self) -> str:
        """The project it lives in."""
        return self._logged("project").project

    @property
    def entity(self) -> str:
        """Always empty: there is no server that has users."""
        self._logged("entity")
        return ""

    @property
    def qualified_name(self) -> str:
        """`project/name:alias`."""
        return f"{self._logged('qualified_name').project}/{self.name}"

    @property
    def aliases(self) -> list[str]:
        """Its aliases without vN; edit the list, then `save()`."""
        self._logged("aliases")
        return self._aliases

    @aliases.setter
    def aliases(self, aliases: str | Sequence[str]) -> None:
        self._logged("aliases")
        self._aliases = [aliases] if isinstance(aliases, str) else list(aliases)

    @property
    def tags(self) -> list[str]:
        """Its tags; edit the list, then `save()`."""
        self._logged("tags")
        return self._tags

    @tags.setter
    def tags(self, tags: str | Sequence[str]) -> None:
        self._logged("tags")
        self._tags = [tags] if isinstance(tags, str) else list(tags)

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
