"""Where an artifact is: its project and collection, and for links, both those of the link and of the source."""

from typing import Any, Self

from localart.artifact.facts import ArtifactFacts
from localart.catalog import artifacts, links
from localart.showing import find_views


class ArtifactPlaces(ArtifactFacts):
    """The part of `Artifact` that tells where it is.

    A version is in the collection it was logged to, and in every portfolio it is linked to. Fetched through a
    portfolio it is a link: name, version, aliases, project and collection are the portfolio's, and all
    beginning with `source_` the version's own.
    """

    @property
    def version(self) -> str:
        """`v3`; of a link, as its portfolio counts."""
        version = self._logged("version")
        return f"v{version.number if self._link is None else self._link.number}"

    @property
    def source_version(self) -> str:
        """`v3`, as its own collection counts."""
        return f"v{self._logged('source_version').number}"

    @property
    def project(self) -> str:
        """The project of the collection it was fetched from."""
        version = self._logged("project")
        return version.project if self._link is None else self._link.project

    @property
    def source_project(self) -> str:
        """The project it was logged to."""
        return self._logged("source_project").project

    @property
    def entity(self) -> str:
        """Always empty: there is no server that has users."""
        self._logged("entity")
        return ""

    @property
    def source_entity(self) -> str:
        """Always empty: there is no server that has users."""
        self._logged("source_entity")
        return ""

    @property
    def qualified_name(self) -> str:
        """`project/name:alias`."""
        self._logged("qualified_name")
        return f"{self.project}/{self.name}"

    @property
    def source_qualified_name(self) -> str:
        """`project/name:vN` of the version itself."""
        return self._logged("source_qualified_name").full_name

    @property
    def url(self) -> str:
        """Always empty, as W&B's is without a server: there is no page to go to."""
        self._logged("url")
        return ""

    @property
    def collection(self) -> Any:
        """The collection it was fetched from, as an `ArtifactCollection`."""
        version = self._logged("collection")
        return self._show_collection(version.artifact_id if self._link is None else self._link.artifact_id)

    @property
    def source_collection(self) -> Any:
        """The collection it was logged to, as an `ArtifactCollection`."""
        return self._show_collection(self._logged("source_collection").artifact_id)

    def _show_collection(self, artifact_id: int) -> Any:
        repository = self._store("collection")
        return find_views().collection(repository, artifacts.get_artifact(repository.read(), artifact_id))

    # --- links -----------------------------------------------------------------------------------------

    @property
    def is_link(self) -> bool:
        """Whether it was fetched from a portfolio it is linked to."""
        return self._link is not None

    @property
    def linked_at(self) -> str | None:
        """When the link was made, ISO-8601 UTC; None for what is no link."""
        self._logged("linked_at")
        return None if self._link is None else self._link.created_at

    @property
    def source_artifact(self) -> Self:
        """What a link leads to; anything else is its own source."""
        version = self._logged("source_artifact")
        return self if self._link is None else type(self).from_version(self._store("source"), version)

    @property
    def linked_artifacts(self) -> list[Self]:
        """The links to this version, by portfolio; of a link, none."""
        version = self._logged("linked_artifacts")
        if self._link is not None:
            return []
        repository = self._store("linked_artifacts")
        found = links.links_to(repository.read(), version.id)
        return [type(self).from_version(repository, version, link=link) for link in found]
