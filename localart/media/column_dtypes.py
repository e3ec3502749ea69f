"""What users call a column's type: a class, an example, a list or dict of them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from localart.media import column_types as ct
from localart.media.base import Media
from localart.media.classes import Classes


def type_from(dtype: Any) -> ct.ColumnType:
    """The type a user means: a class, an example of a list or dict of them, or a type. None: not known yet."""
    if dtype is None:
        return ct.UNKNOWN
    if isinstance(dtype, ct.ColumnType):
        return dtype
    if isinstance(dtype, type):
        return _type_of_class(dtype)
    if isinstance(dtype, Classes):
        return ct.ClassIds(dtype)
    if isinstance(dtype, list):
        members = [type_from(one) for one in dtype]
        return (
            ct.union(members) if len(members) > 1 else ct.ListOf(members[0] if members else ct.UNKNOWN, None)
        )
    if isinstance(dtype, Mapping):
        return ct.TypedDict({str(key): type_from(one) for key, one in dtype.items()})
    return ct.Const(dtype)


def _type_of_class(cls: type) -> ct.ColumnType:
    if cls in ct.SIMPLE:
        return ct.SIMPLE[cls]
    if issubclass(cls, Media):
        if cls.kind == "image-file":
            return ct.ImageType()
        return ct.TableType(ct.UNKNOWN) if cls.kind == "table" else ct.Plain(cls.kind)
    if issubclass(cls, date) or cls.__name__ == "datetime64":
        return ct.TIMESTAMP
    if issubclass(cls, ct.SEQUENCES):
        return ct.ListOf(ct.UNKNOWN, None)
    return ct.TypedDict({}) if issubclass(cls, dict) else _type_of_numpy_class(cls)


def _type_of_numpy_class(cls: type) -> ct.ColumnType:
    if cls.__module__ == "numpy" and hasattr(cls, "dtype"):
        is_bool = cls.__name__ in {"bool", "bool_"}
        return ct.BOOLEAN if is_bool else ct.NUMBER
    return ct.PythonObject(cls.__name__)
