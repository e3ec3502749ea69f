"""What every kind of media has in common: encoded bytes, a file name's ending, and a description."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar


class Media(ABC):
    """Something to look at that is kept as one encoded file and a small JSON record beside it.

    The bytes are taken when the object is made: what happens later to the array or file it came from does
    not matter.
    """

    kind: ClassVar[str]
    """W&B's `_type` of the record, such as `image-file`."""

    folder: ClassVar[str]
    """Where W&B keeps such files inside a run or an artifact, such as `media/images`."""

    @property
    @abstractmethod
    def data(self) -> bytes:
        """The encoded file. Equal content gives equal bytes."""

    @property
    @abstractmethod
    def suffix(self) -> str:
        """The ending of the file's name, with its dot."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return what the record says besides its type and path, as plain JSON."""

    def record(self, path: str) -> dict[str, Any]:
        """Return the JSON record of this object when its bytes are kept at `path`."""
        return {"_type": self.kind, "path": path, "size": len(self.data), **self.describe()}
