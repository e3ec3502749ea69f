"""The class users meet first: an artifact, before and after it is logged. It only delegates.

One class, long for its many W&B names, in four files that each hold a part of it::

    facts       what it is and is called; its two states, draft and version; what may be changed
    places      its project and collection, and those of a link
    content     takes content as long as it is a draft, and lists it
    artifact    brings content back, and what only a version can do
"""

from localart.artifact.artifact import Artifact
from localart.artifact.entries import ArtifactEntry, ArtifactManifest
from localart.artifact.files import ArtifactFile, ArtifactFiles
from localart.artifact.lifetime import ArtifactTTL

__all__ = ["Artifact", "ArtifactEntry", "ArtifactFile", "ArtifactFiles", "ArtifactManifest", "ArtifactTTL"]
