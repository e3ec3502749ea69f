"""Rectangles drawn over an image, in the form and by the rules of W&B."""

import hashlib
import numbers
from collections.abc import Mapping
from typing import Any

from localart.jsonable import canonical_json, normalise_whole
from localart.media.base import MediaFiles, Record
from localart.media.labels import checked_labels, default_labels, labels_in_json
from localart.names import shown

FOLDER = "media/metadata/boxes2D"
SUFFIX = ".boxes2D.json"

_CORNERS = ("minX", "maxX", "minY", "maxY")


class BoundingBoxes2D:
    """One layer of boxes: `{"box_data": [{"position": …, "class_id": 1, …}], "class_labels": {1: "cat"}}`.

    A position is `minX, maxX, minY, maxY` or `middle, width, height`, as fractions of the image, or in pixels with
    `"domain": "pixel"`. Raises TypeError for anything else. Without `class_labels`, class 3 is called `class_3`.
    """

    def __init__(self, val: Mapping[str, Any], key: str = "") -> None:
        if not isinstance(val, Mapping) or "box_data" not in val:
            raise TypeError(f"the boxes {shown(key)} must be a dict with 'box_data'")
        data = val["box_data"]
        if not isinstance(data, (list, tuple)):
            raise TypeError(f"box_data of the boxes {shown(key)} must be a list, not {type(data).__name__}")
        self.boxes: list[dict[str, Any]] = normalise_whole(data, f"boxes.{key}")
        for box in self.boxes:
            _check_box(box)
        labels = val.get("class_labels")
        ids = {box["class_id"] for box in self.boxes if "class_id" in box}
        self.class_labels = default_labels(ids) if labels is None else checked_labels(labels)

    @property
    def score_names(self) -> set[str]:
        """Every score that some box has."""
        return {name for box in self.boxes for name in box.get("scores", {})}

    def to_run(self, files: MediaFiles) -> Record:
        """Keep the boxes and labels as one JSON file; its record."""
        content = canonical_json({"box_data": self.boxes, "class_labels": labels_in_json(self.class_labels)})
        path = files.keep(FOLDER, content, SUFFIX)
        checksum = hashlib.sha256(content).hexdigest()
        return {"_type": "boxes2D", "path": path, "size": len(content), "sha256": checksum}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BoundingBoxes2D):
            return NotImplemented
        return (self.boxes, self.class_labels) == (other.boxes, other.class_labels)

    def __hash__(self) -> int:
        return hash(len(self.boxes))


def _check_box(box: object) -> None:
    if not isinstance(box, dict):
        raise TypeError(f"a box must be a dict, not {type(box).__name__}")
    _check_position(box.get("position"))
    scores = box.get("scores", {})
    if not isinstance(scores, dict) or not all(_is_number(score) for score in scores.values()):
        raise TypeError("the scores of a box must be a dict of text to numbers")
    if "class_id" in box and (not isinstance(box["class_id"], int) or isinstance(box["class_id"], bool)):
        raise TypeError("the class_id of a box must be a whole number")
    for name in ("box_caption", "domain"):
        if box.get(name) is not None and not isinstance(box[name], str):
            raise TypeError(f"the {name} of a box must be text")


def _check_position(position: object) -> None:
    if isinstance(position, dict):
        middle = position.get("middle")
        if isinstance(middle, list) and len(middle) == 2 and all(map(_is_number, middle)):
            wanted: tuple[str, ...] = ("width", "height")
        else:
            wanted = _CORNERS
        if all(_is_number(position.get(name)) for name in wanted):
            return
    raise TypeError("a box needs a position: middle, width and height, or minX, maxX, minY and maxY")


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and value == value  # noqa: PLR0124
