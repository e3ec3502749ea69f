"""How long a version is kept: W&B's time-to-live, in the catalog's numbers."""

from datetime import timedelta
from enum import Enum

KEPT_FOR_EVER = 0


class ArtifactTTL(Enum):
    """`artifact.ttl = ArtifactTTL.INHERIT`: as its collection says."""

    INHERIT = 0


def seconds_of(ttl: timedelta | ArtifactTTL | None) -> int | None:
    """The seconds to store: None inherits, 0 keeps for ever. ValueError unless a duration is positive."""
    if ttl is ArtifactTTL.INHERIT:
        return None
    if ttl is None:
        return KEPT_FOR_EVER
    if not isinstance(ttl, timedelta):
        raise TypeError(f"ttl must be a timedelta, None or ArtifactTTL.INHERIT, not {type(ttl).__name__}")
    if ttl.total_seconds() <= 0:
        raise ValueError(f"Artifact TTL has to be positive, not {ttl.total_seconds()} seconds")
    return max(1, int(ttl.total_seconds()))


def duration_of(seconds: int | None) -> timedelta | None:
    """The duration that stored seconds stand for; None keeps for ever."""
    return timedelta(seconds=seconds) if seconds else None
