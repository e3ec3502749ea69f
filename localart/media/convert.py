"""Values of other libraries that W&B shows as media when they are logged as they are."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from localart.errors import NotLocalError

HISTOGRAM_FROM = 33
"""Arrays of this many numbers or more become histograms (W&B's rule); smaller ones are lists."""

_HISTOGRAM_BINS = 32


def as_media(value: Any) -> Any:
    """The Image, Plotly, Table or Histogram that stands for `value`; `value` itself when it is no such thing.

    Figures of Matplotlib become images, dataframes tables, and large arrays of numbers histograms. Only the name
    of a value's library is looked at: none is imported.
    """
    convert = _CONVERTERS.get(type(value).__module__.partition(".")[0])
    return value if convert is None else convert(value)


def _from_matplotlib(value: Any) -> Any:
    if not (hasattr(value, "savefig") or getattr(value, "figure", None) is not None):
        return value
    return _image_of(value)


def _from_module(value: Any) -> Any:
    is_pyplot = isinstance(value, ModuleType) and value.__name__ == "matplotlib.pyplot"
    return _image_of(value) if is_pyplot else value


def _image_of(value: Any) -> Any:
    from localart.media.image import Image

    return Image(value)


def _from_plotly(value: Any) -> Any:
    if not hasattr(value, "to_plotly_json"):
        return value
    from localart.media.plotly import Plotly

    return Plotly(value)


def _from_frame(value: Any) -> Any:
    if type(value).__name__ != "DataFrame":
        return value
    from localart.media.table import Table

    return Table(dataframe=value)


def _from_array(value: Any) -> Any:
    is_large = getattr(value, "ndim", 0) > 0 and getattr(value, "size", 0) >= HISTOGRAM_FROM
    if not is_large or value.dtype.kind not in "biuf":
        return value
    from localart.media.histogram import Histogram

    return Histogram(value, num_bins=_HISTOGRAM_BINS)


def _refuse_bokeh(value: Any) -> Any:
    raise NotLocalError(
        f"{type(value).__module__}.{type(value).__name__} cannot be logged",
        hint="save the plot as HTML, and log localart.Html(path)",
    )


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "bokeh": _refuse_bokeh,
    "builtins": _from_module,
    "matplotlib": _from_matplotlib,
    "numpy": _from_array,
    "pandas": _from_frame,
    "plotly": _from_plotly,
    "polars": _from_frame,
}
