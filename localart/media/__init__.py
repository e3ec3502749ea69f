"""Things to look at: images now, other kinds as they come. Names load on first use."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localart.media.base import Media
    from localart.media.image import Image

__all__ = ["Image", "Media"]


def __getattr__(name: str) -> Any:
    if name == "Image":
        from localart.media.image import Image

        return Image
    if name == "Media":
        from localart.media.base import Media

        return Media
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
