"""The class users meet first: an artifact, before and after it is logged. It only delegates."""

from localart.artifact.artifact import Artifact
from localart.artifact.entries import ArtifactEntry, ArtifactManifest

__all__ = ["Artifact", "ArtifactEntry", "ArtifactManifest"]
