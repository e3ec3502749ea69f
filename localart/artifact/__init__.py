"""The class users meet first: an artifact, before and after it is logged. It only delegates."""

from localart.artifact.artifact import Artifact
from localart.artifact.entries import ArtifactEntry, ArtifactManifest
from localart.artifact.files import ArtifactFile, ArtifactFiles
from localart.artifact.lifetime import ArtifactTTL

__all__ = ["Artifact", "ArtifactEntry", "ArtifactFile", "ArtifactFiles", "ArtifactManifest", "ArtifactTTL"]
