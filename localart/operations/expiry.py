"""Which versions' time has run out. They are listed, never deleted here."""

from localart.catalog import versions
from localart.model import VersionRecord
from localart.repository import Repository


def list_expired(repository: Repository) -> list[VersionRecord]:
    """The versions that may be deleted by now, oldest first: their ttl, or else their collection's, has passed.

    One that is linked in a portfolio does not expire, aliases or not.
    """
    return versions.expired_versions(repository.read(), repository.clock())
