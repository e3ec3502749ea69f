"""Names for the class numbers in one layer of boxes or of a mask."""

from collections.abc import Iterable, Mapping
from numbers import Number
from typing import Any

from localart.errors import InvalidMetadata
from localart.media.records import as_object

Labels = dict[int, str]


def checked_labels(labels: object) -> Labels:
    """`labels` as plain ints and texts; TypeError (W&B's rule) for other keys or values."""
    if not isinstance(labels, Mapping):
        raise TypeError(f"class_labels must be a dict of numbers to text, not {type(labels).__name__}")
    for number, name in labels.items():
        if not isinstance(number, Number) or not isinstance(name, str):
            raise TypeError("class_labels must be a dict of numbers to text")
    return {int(number): str(name) for number, name in labels.items()}


def default_labels(ids: Iterable[int]) -> Labels:
    """`{3: "class_3"}` for each id."""
    return {number: f"class_{number}" for number in sorted(ids)}


def labels_in_json(labels: Labels) -> dict[str, str]:
    """Text keys, as JSON has them."""
    return {str(number): name for number, name in labels.items()}


def labels_from_json(value: Any, where: str) -> Labels:
    """What `labels_in_json` returned; InvalidMetadata for anything else."""
    try:
        return checked_labels({int(number): name for number, name in as_object(value, where).items()})
    except (TypeError, ValueError) as error:
        raise InvalidMetadata(f"A media record has wrong class labels: {error}") from error
