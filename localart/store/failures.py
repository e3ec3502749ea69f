"""What is said of bytes that are not what was written."""

from localart.errors import BlobDamaged


def damaged(pack: str, start: int, reason: str) -> BlobDamaged:
    """The error for bytes at `start` of `pack` that are not what was written."""
    return BlobDamaged(
        f"Pack {pack} is damaged at byte {start}: {reason}",
        hint="run `localart verify`, then `localart repair`",
    )
