"""Names for class numbers, shared by the images and tables that use them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from localart.errors import InvalidMetadata
from localart.jsonable import normalise_whole
from localart.media.base import ArtifactFiles, EntryReader, Media, MediaFiles, Record
from localart.media.records import list_in
from localart.media.refusals import RefusedType, RefusedValue
from localart.model import JsonObject
from localart.names import shown

if TYPE_CHECKING:
    from localart.media.column_types import ClassIds

MAX_CLASSES = 100_000


class Classes(Media):
    """A list of `{"id": 0, "name": "cat"}`. Equal when the lists are.

    Raises ValueError for items without `id` and `name` (W&B: AssertionError), TypeError for what is no list.
    """

    kind = "classes"

    def __init__(self, class_set: Sequence[Mapping[str, Any]]) -> None:
        self.class_set = _checked(class_set)

    @property
    def names(self) -> dict[Any, str]:
        """The names by id."""
        return {one["id"]: one["name"] for one in self.class_set}

    def get_type(self) -> "ClassIds":
        """Return the type of a table's column that holds ids of these classes."""
        from localart.media.column_types import ClassIds

        return ClassIds(self)

    def to_run(self, files: MediaFiles) -> Record:
        """Return the whole list; there is no file."""
        del files
        return {"_type": self.kind, "class_set": self.class_set}

    def to_artifact(self, files: ArtifactFiles) -> Record:
        """Return the whole list; there is no file."""
        return self.to_run(files)

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Read the list."""
        del entries
        try:
            return cls(list_in(record, "class_set"))
        except TypeError as error:
            raise InvalidMetadata(f"A list of classes cannot be right: {error}") from error

    def __eq__(self, other: object) -> bool:
        return self.class_set == other.class_set if isinstance(other, Classes) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(str(one["id"]) for one in self.class_set))

    def __repr__(self) -> str:
        return f"Classes({self.class_set!r})"


def _checked(class_set: object) -> list[dict[str, Any]]:
    if isinstance(class_set, (str, bytes, Mapping)) or not isinstance(class_set, Sequence):
        raise TypeError(f"Classes takes a list of dicts with 'id' and 'name', not {type(class_set).__name__}")
    if len(class_set) > MAX_CLASSES:
        raise ValueError(f"Classes takes at most {MAX_CLASSES:,} classes, not {len(class_set):,}")
    plain = normalise_whole(class_set, "classes")
    for one in plain:
        if not isinstance(one, dict) or not {"id", "name"} <= one.keys():
            raise RefusedValue(f"a class needs 'id' and 'name', and this one is {shown(str(one))}")
        if not isinstance(one["id"], (int, float, str)):
            raise RefusedType(f"the id of a class is a number or text, not {type(one['id']).__name__}")
    return list(plain)
