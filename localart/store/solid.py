"""Small contents gathered by kind, to be compressed together.

Solid frames of about 64 similar files beat a trained dictionary in ratio and speed, with no dictionary to keep.
"""

from collections.abc import Iterator
from dataclasses import field

from localart.model import BlobRef
from localart.records import dataclass
from localart.store.codecs import Recipe
from localart.store.framing import RecipeHabit

SOLID_BYTES = 512 << 10
_MOST_MEMBERS = 2048  # so that thousands of empty or tiny files do not make one endless member table
_MOST_WAITING_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class SolidFrame:
    """Contents that make up one frame, back to back in `content`."""

    content: bytes
    members: tuple[BlobRef, ...]
    recipe: Recipe


@dataclass(slots=True)
class _Group:
    habit: RecipeHabit = field(default_factory=lambda: RecipeHabit(planes=True))
    contents: list[bytes] = field(default_factory=list)
    members: list[BlobRef] = field(default_factory=list)
    raw_bytes: int = 0

    def has_room(self, size_bytes: int) -> bool:
        return self.raw_bytes + size_bytes <= SOLID_BYTES and len(self.members) < _MOST_MEMBERS

    def add(self, blob: BlobRef, content: bytes) -> None:
        self.contents.append(content)
        self.members.append(blob)
        self.raw_bytes += len(content)

    def take(self) -> SolidFrame:
        content = b"".join(self.contents)
        frame = SolidFrame(content, tuple(self.members), self.habit.recipe_for([content]))
        self.contents, self.members, self.raw_bytes = [], [], 0
        return frame


class SolidGroups:
    """What waits to be written, by group. Holds at most 8 MiB, whatever the number of groups."""

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._given_back: list[SolidFrame] = []
        self.waiting_bytes = 0

    def add(self, blob: BlobRef, content: bytes, group: str) -> Iterator[SolidFrame]:
        """Put one content into its group; the frames that are full now."""
        waiting = self._groups.get(group)
        if waiting is None:
            waiting = self._groups[group] = _Group()
        if waiting.members and not waiting.has_room(len(content)):
            yield self._take(waiting)
        waiting.add(blob, content)
        self.waiting_bytes += len(content)
        if self.waiting_bytes > _MOST_WAITING_BYTES:
            yield from self.take_all()

    def take_all(self) -> Iterator[SolidFrame]:
        """Everything that waits, as frames."""
        given_back, self._given_back = self._given_back, []
        self.waiting_bytes -= sum(len(frame.content) for frame in given_back)
        yield from given_back
        for waiting in self._groups.values():
            if waiting.members:
                yield self._take(waiting)

    def give_back(self, frame: SolidFrame) -> None:
        """Let a frame that could not be written wait again."""
        self._given_back.append(frame)
        self.waiting_bytes += len(frame.content)

    def clear(self) -> None:
        """Forget what waits."""
        self._groups = {}
        self._given_back = []
        self.waiting_bytes = 0

    def _take(self, waiting: _Group) -> SolidFrame:
        self.waiting_bytes -= waiting.raw_bytes
        return waiting.take()
