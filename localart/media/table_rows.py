"""Rows for a table, from what users hold them in."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from localart.media.refusals import RefusedType
from localart.names import check_prose, shown

Row = tuple[Any, ...]


def check_columns(columns: Any) -> list[str | int]:
    """The names of columns: text or whole numbers, each once."""
    if isinstance(columns, (str, bytes)) or not isinstance(columns, Sequence):
        raise RefusedType(f"columns must be a list of names, not {type(columns).__name__}")
    for name in columns:
        if not isinstance(name, (str, int)) or isinstance(name, bool):
            raise RefusedType(f"a column's name is text or a whole number, not {type(name).__name__}")
        check_prose(str(name), "Column name")
    names = [str(name) for name in columns]
    if len(set(names)) < len(names):
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"two columns are called {shown(repeated)}")
    return list(columns)


def frame_columns(frame: Any) -> list[Any]:
    """The columns of a dataframe (pandas or polars)."""
    if not is_frame(frame):
        raise RefusedType(f"dataframe must be a DataFrame of pandas or polars, not {type(frame).__name__}")
    return list(frame.columns)


def is_frame(value: Any) -> bool:
    """Whether `value` is a dataframe of pandas or polars; neither is imported."""
    packages = {
        cls.__module__.partition(".")[0] for cls in type(value).__mro__ if cls.__name__ == "DataFrame"
    }
    return bool(packages & {"pandas", "polars"})


def iter_frame(frame: Any) -> Iterator[Row]:
    """The rows of a dataframe; its index is left out, as in W&B."""
    if hasattr(frame, "iter_rows"):
        return iter(frame.iter_rows())
    columns = [frame.iloc[:, number].array for number in range(frame.shape[1])]
    return iter(zip(*columns, strict=True)) if columns else iter(())


def iter_rows(data: Any) -> Iterator[Iterable[Any]]:
    """The rows of a list of lists or of an array of two dimensions. TypeError for what holds no rows."""
    if isinstance(data, (str, bytes)) or not (isinstance(data, Sequence) or hasattr(type(data), "tolist")):
        raise RefusedType(f"data must be a list of rows, an array or a dataframe, not {type(data).__name__}")
    if getattr(data, "ndim", 2) < 2:
        raise ValueError(f"an array of rows has two dimensions, and this one {data.ndim}")
    for row in data:
        if isinstance(row, (str, bytes)) or not hasattr(type(row), "__iter__"):
            raise TypeError(f"a row must be a list of cells, not {type(row).__name__}")
        yield row
