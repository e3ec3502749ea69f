"""What a table's column may hold: W&B's types, and how one grows when a value is added.

`assign(kind, value)` is the type a column has afterwards: the same one for a value that fits, a larger one where
W&B lets types grow (an unknown type becomes that of the first value), and None for a value that does not fit.
NaN counts as no value, as in W&B.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from localart.errors import InvalidMetadata
from localart.media.base import Media
from localart.media.classes import Classes
from localart.records import dataclass

if TYPE_CHECKING:
    from localart.media.image import Image

MAX_DEPTH = 32


class ColumnType:
    """Base of the types below; they are immutable."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Plain(ColumnType):
    """A type without parameters."""

    name: str


ANY, UNKNOWN, NONE = Plain("any"), Plain("unknown"), Plain("none")
STRING, NUMBER, BOOLEAN, TIMESTAMP = Plain("string"), Plain("number"), Plain("boolean"), Plain("timestamp")
PRIMARY_KEY = Plain("primaryKey")


@dataclass(frozen=True, slots=True)
class PythonObject(ColumnType):
    """Anything else, by the name of its class."""

    class_name: str


@dataclass(frozen=True, slots=True)
class Const(ColumnType):
    """One certain value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Union(ColumnType):
    """One of several types, none of which is a union."""

    members: tuple[ColumnType, ...]


@dataclass(frozen=True, slots=True)
class ListOf(ColumnType):
    """A list of one type; `length` None when lists of several lengths were seen."""

    element: ColumnType
    length: int | None


@dataclass(frozen=True, slots=True)
class NDArray(ColumnType):
    """Arrays of one shape."""

    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TypedDict(ColumnType):
    """A dict with a type for each key."""

    fields: Mapping[str, ColumnType]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageType(ColumnType):
    """Images: the labels by id in each layer of boxes and masks, the names of scores, and all classes by id."""

    boxes: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    masks: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    scores: frozenset[str] = frozenset()
    classes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ClassIds(ColumnType):
    """The ids of some classes."""

    classes: Classes


@dataclass(frozen=True, slots=True)
class TableType(ColumnType):
    """Tables with these columns."""

    columns: ColumnType


@dataclass(frozen=True, slots=True)
class ForeignKey(ColumnType):
    """Keys of another table."""

    table: Any
    column: str | int


@dataclass(frozen=True, slots=True)
class ForeignIndex(ColumnType):
    """Row numbers of another table."""

    table: Any


class TableKey(str):
    """A key that knows the table it belongs to."""

    __slots__ = ("column", "table")
    table: Any
    column: str | int


class TableIndex(int):
    """A row number that knows the table it belongs to."""

    table: Any = None

    def get_row(self) -> dict[Any, Any]:
        """Return the row by column name; an empty dict without a table."""
        if self.table is None:
            return {}
        return dict(zip(self.table.columns, self.table.data[self], strict=True))


def optional(kind: ColumnType) -> ColumnType:
    """`kind`, or no value."""
    return union([kind, NONE])


def union(members: Iterable[ColumnType]) -> Union:
    """One of `members`, in a fixed order and each once."""
    flat: list[ColumnType] = []
    for member in members:
        for one in member.members if isinstance(member, Union) else (member,):
            if one not in flat:
                flat.append(one)
    return Union(tuple(sorted(flat, key=lambda one: (type(one).__name__, repr(one)[:200]))))


# --- the type of a value ----------------------------------------------------------------------------

SIMPLE: dict[type, ColumnType] = {
    str: STRING,
    int: NUMBER,
    float: NUMBER,
    bool: BOOLEAN,
    type(None): NONE,
}
SEQUENCES = (list, tuple, set, frozenset)


def type_of(value: Any, depth: int = 0) -> ColumnType:
    """The type of one value. InvalidMetadata for what is nested too deep."""
    if depth > MAX_DEPTH:
        raise InvalidMetadata(f"A table's cell is nested deeper than {MAX_DEPTH} levels", hint="flatten it")
    simple = SIMPLE.get(type(value))
    if simple is not None:
        return NONE if is_missing(value) else simple
    if isinstance(value, Media):
        return _type_of_media(value)
    if isinstance(value, Mapping):
        return TypedDict({str(key): type_of(item, depth + 1) for key, item in value.items()})
    if isinstance(value, SEQUENCES):
        return _type_of_list(list(value), depth)
    return _type_of_object(value, depth)


def is_missing(value: Any) -> bool:
    """None, NaN, and what pandas and NumPy use for a value that is not there."""
    if value is None:
        return True
    if isinstance(value, float):
        return value != value  # noqa: PLR0124 - NaN alone differs from itself
    return type(value).__name__ in {"NAType", "NaTType"} or _is_missing_in_numpy(value)


def _is_missing_in_numpy(value: Any) -> bool:
    is_scalar = type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0
    return is_scalar and value.dtype.kind in "fcmM" and bool(value != value)  # noqa: PLR0124


def _type_of_list(items: list[Any], depth: int) -> ColumnType:
    element: ColumnType = optional(UNKNOWN) if any(map(is_missing, items)) else UNKNOWN
    for item in items:
        grown = assign(element, item, depth + 1)
        if grown is None:
            return ListOf(optional(ANY), len(items))
        element = grown
    return ListOf(element, len(items))


def _type_of_object(value: Any, depth: int) -> ColumnType:
    if isinstance(value, TableIndex):
        return ForeignIndex(value.table)
    if isinstance(value, TableKey):
        return ForeignKey(value.table, value.column)
    if is_missing(value):
        return NONE
    if is_array(value):
        return (
            NDArray(tuple(value.shape)) if value.dtype.kind != "O" else _type_of_list(value.tolist(), depth)
        )
    kind = type(value).__name__
    if isinstance(value, date) or kind == "datetime64":
        return TIMESTAMP
    if isinstance(value, str):
        return STRING
    return _type_of_number(value) or PythonObject(kind)


def _type_of_number(value: Any) -> ColumnType | None:
    if type(value).__module__ == "numpy" and hasattr(value, "dtype"):
        return {"b": BOOLEAN, "i": NUMBER, "u": NUMBER, "f": NUMBER, "c": NUMBER}.get(value.dtype.kind)
    return NUMBER if isinstance(value, (int, float)) else None


def is_array(value: Any) -> bool:
    """Whether `value` is a NumPy array (of at least one dimension)."""
    return type(value).__module__ == "numpy" and type(value).__name__ == "ndarray" and value.ndim > 0


def _type_of_media(media: Media) -> ColumnType:
    if media.kind == "image-file":
        return image_type(media)  # type: ignore[arg-type]
    if media.kind == "table":
        return TableType(media.column_type())  # type: ignore[attr-defined]
    if media.kind in MEDIA_KINDS:
        return Plain(media.kind)
    return PythonObject(type(media).__name__)


MEDIA_KINDS = {"audio-file", "video-file", "html-file", "object3D-file", "joined-table", "partitioned-table"}
"""Kinds that are types of their own in W&B; others (Molecule, Histogram, Plotly) are Python objects there."""


def image_type(image: "Image") -> ImageType:
    """What one image shows."""
    notes = image.annotations
    return ImageType(
        boxes={name: layer.class_labels for name, layer in notes.boxes.items()},
        masks={name: layer.class_labels for name, layer in notes.masks.items()},
        scores=frozenset(score for layer in notes.boxes.values() for score in layer.score_names),
        classes={str(key): name for key, name in (notes.classes.names if notes.classes else {}).items()},
    )


# --- growing ----------------------------------------------------------------------------------------


def assign(kind: ColumnType, value: Any, depth: int = 0) -> ColumnType | None:
    """The type of a column of `kind` that also holds `value`; None when it cannot."""
    match kind:
        case Union(members):
            return _grow_union(members, lambda one: assign(one, value, depth))
        case Const() | ClassIds():
            return assign_type(kind, Const(value))
        case ListOf(element):
            return _grow_list(element, value, depth)
        case NDArray() if isinstance(value, list):
            return assign_type(kind, NDArray(_shape_of(value)))
        case TypedDict(fields):
            return _grow_dict(fields, value, lambda one, item: assign(one, item, depth + 1))
        case _:
            return assign_type(kind, type_of(value, depth))


def assign_type(kind: ColumnType, other: ColumnType) -> ColumnType | None:
    """The type that holds all of `kind` and a value of type `other`; None when there is none."""
    if isinstance(other, Union) and not isinstance(kind, Union):
        return kind if kind == other else None
    match kind:
        case Plain("any"):
            return kind if other != NONE else None
        case Plain("unknown"):
            return other if other != NONE else None
        case Plain("primaryKey"):
            return kind if other in {STRING, PRIMARY_KEY} or isinstance(other, ForeignKey) else None
        case Union(members):
            return _grow_union_by_types(members, other)
        case ImageType():
            return _merged_images(kind, other) if isinstance(other, ImageType) else None
        case _:
            return _assign_compound(kind, other)


def _assign_compound(kind: ColumnType, other: ColumnType) -> ColumnType | None:
    match kind, other:
        case ListOf(), ListOf():
            element = assign_type(kind.element, other.element)
            return (
                None
                if element is None
                else ListOf(element, kind.length if kind.length == other.length else None)
            )
        case NDArray(), ListOf():
            return kind
        case TypedDict(), TypedDict():
            return _grow_dict(kind.fields, other.fields, assign_type, missing=UNKNOWN)
        case ClassIds(), Const():
            return kind if other.value in kind.classes.names else None
        case TableType(), TableType():
            columns = assign_type(kind.columns, other.columns)
            return None if columns is None else TableType(columns)
        case ForeignKey(), Plain("string"):
            return kind
        case ForeignIndex(), Plain("number"):
            return kind
        case ForeignKey(), ForeignKey():
            return kind if kind.table is other.table and kind.column == other.column else None
        case ForeignIndex(), ForeignIndex():
            return kind if kind.table is other.table else None
        case _:
            return kind if kind == other else None


def _grow_union(
    members: tuple[ColumnType, ...], grow: Callable[[ColumnType], ColumnType | None]
) -> ColumnType | None:
    """Try the known members first; only what fits none of them becomes the unknown one."""
    for member in sorted(members, key=lambda one: one == UNKNOWN):
        grown = grow(member)
        if grown is not None:
            return union(grown if one is member else one for one in members)
    return None


def _grow_union_by_types(members: tuple[ColumnType, ...], other: ColumnType) -> ColumnType | None:
    whole: ColumnType = Union(members)
    for one in other.members if isinstance(other, Union) else (other,):
        assert isinstance(whole, Union)
        grown = _grow_union(whole.members, partial(_assign_reversed, one))
        if grown is None:
            return None
        whole = grown
    return whole


def _assign_reversed(other: ColumnType, kind: ColumnType) -> ColumnType | None:
    return assign_type(kind, other)


def _grow_list(element: ColumnType, value: Any, depth: int) -> ColumnType | None:
    if is_array(value):
        value = value.tolist()
    if not isinstance(value, SEQUENCES):
        return None
    for item in value:
        grown = assign(element, item, depth + 1)
        if grown is None:
            return None
        element = grown
    return ListOf(element, len(value))


def _grow_dict(
    fields: Mapping[str, ColumnType],
    value: Any,
    grow: Callable[[ColumnType, Any], ColumnType | None],
    missing: Any = None,
) -> ColumnType | None:
    if not isinstance(value, Mapping) or not {str(key) for key in value} <= fields.keys():
        return None
    given = {str(key): item for key, item in value.items()}
    grown = {key: grow(kind, given.get(key, missing)) for key, kind in fields.items()}
    if any(kind is None for kind in grown.values()):
        return None
    return TypedDict({key: kind for key, kind in grown.items() if kind is not None})


def _merged_images(one: ImageType, other: ImageType) -> ImageType:
    if one == other:
        return one
    return ImageType(
        boxes=_merged_layers(one.boxes, other.boxes),
        masks=_merged_layers(one.masks, other.masks),
        scores=one.scores | other.scores,
        classes={**other.classes, **one.classes},
    )


def _merged_layers(
    one: Mapping[str, Mapping[int, str]], other: Mapping[str, Mapping[int, str]]
) -> dict[str, Mapping[int, str]]:
    return {name: {**other.get(name, {}), **one.get(name, {})} for name in {**one, **other}}


def _shape_of(rows: list[Any]) -> tuple[int, ...]:
    shape: list[int] = []
    inside: Any = rows
    while isinstance(inside, list) and len(shape) <= MAX_DEPTH:
        shape.append(len(inside))
        inside = inside[0] if inside else None
    return tuple(shape)
