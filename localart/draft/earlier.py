"""What a draft's large files are compared with: the newest version of the artifact it is made for."""

from localart.catalog.earlier import EarlierVersion
from localart.draft.draft import Draft
from localart.errors import CatalogDamaged
from localart.model import BlobRef
from localart.repository.earlier import FindEarlier, nothing_earlier


def earlier_files(draft: Draft) -> FindEarlier:
    """Names the earlier content of a path. A guess: what it finds only decides how bytes are stored."""
    if not draft.artifact:
        return nothing_earlier
    repository = draft.repository
    version: EarlierVersion | None = None

    def find(path: str, size_bytes: int) -> BlobRef | None:
        nonlocal version
        try:
            if version is None:
                version = EarlierVersion(repository.read(), draft.artifact)
            return version.find(repository.read(), path, size_bytes)
        except CatalogDamaged:  # an old version that is damaged must not keep a new one from being stored
            return None

    return find
