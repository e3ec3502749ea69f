"""Plotly's figures as the JSON that Plotly itself reads."""

import math
from typing import Any, Self

from localart.errors import InvalidMetadata
from localart.jsonable import canonical_json, normalise_whole
from localart.media.base import Encoded, EncodedMedia, EntryReader
from localart.media.records import encoded_in, parse_record
from localart.model import JsonObject


class Plotly(EncodedMedia):
    """One figure of Plotly. NaN and infinities become null, which Plotly leaves out of a drawing.

    ValueError for other values; a Matplotlib figure is an Image.
    """

    kind = "plotly-file"
    folder = "media/plotly"

    def __init__(self, val: Any) -> None:
        super().__init__(val if isinstance(val, Encoded) else _encode(val))

    @property
    def figure(self) -> JsonObject:
        """The figure as plain JSON; `plotly.graph_objects.Figure(plotly.figure)` draws it again."""
        return parse_record(self.data, "figure")

    @classmethod
    def make_plot_media(cls, val: Any) -> Any:
        """Return an Image of a Matplotlib figure, a Plotly of one of Plotly's."""
        if type(val).__module__.partition(".")[0] == "matplotlib":
            from localart.media.image import Image

            return Image(val)
        return cls(val)

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Read the figure; InvalidMetadata when it is no JSON object."""
        found = cls(encoded_in(record, entries))
        parse_record(found.data, "figure")
        return found


def _encode(figure: Any) -> Encoded:
    if not hasattr(type(figure), "to_plotly_json"):
        raise ValueError(
            f"Plotly takes a figure of Plotly, not {type(figure).__name__}; draw other figures with Image(figure)"
        )
    try:
        plain = normalise_whole(figure.to_plotly_json(), "figure")
    except TypeError as error:
        raise InvalidMetadata(f"A figure holds what JSON cannot: {error}") from error
    return Encoded(data=canonical_json(_without_gaps(plain)), suffix=".plotly.json")


def _without_gaps(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _without_gaps(item) for key, item in value.items()}
    return [_without_gaps(item) for item in value] if isinstance(value, list) else value
