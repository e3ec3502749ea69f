"""What is drawn over an image: boxes and masks in named layers, and the classes they show."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from localart.errors import InvalidMetadata
from localart.media.base import ArtifactFiles, EntryReader, MediaFiles, Record
from localart.media.boxes import BoundingBoxes2D
from localart.media.classes import Classes
from localart.media.labels import Labels, labels_from_json, labels_in_json
from localart.media.masks import ImageMask
from localart.media.records import as_object, object_in, path_in
from localart.model import JsonObject
from localart.names import shown
from localart.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotations:
    """Layers by name, and all classes by id. W&B keeps the labels of a layer only in tables; here images have them."""

    classes: Classes | None = None
    boxes: Mapping[str, BoundingBoxes2D] = field(default_factory=dict)
    masks: Mapping[str, ImageMask] = field(default_factory=dict)

    def to_run(self, files: MediaFiles) -> Record:
        """Keep each layer as a file; the parts of the image's record."""
        boxes = {name: layer.to_run(files) for name, layer in self.boxes.items()}
        masks = {name: layer.to_run(files) for name, layer in self.masks.items()}
        return {**({"boxes": boxes} if boxes else {}), **({"masks": masks} if masks else {})}

    def to_artifact(self, files: ArtifactFiles) -> Record:
        """Keep masks and classes as files; the parts of the image's record."""
        record: Record = {}
        if self.classes is not None:
            kept = files.add(self.classes, "media/classes")
            record["classes"] = {"type": "classes-file", "path": kept.path, "digest": kept.digest}
        if self.boxes:
            record["boxes"] = {name: layer.boxes for name, layer in self.boxes.items()}
            record["box_class_labels"] = _labels_of(self.boxes)
        if self.masks:
            record["masks"] = {name: layer.to_artifact(files) for name, layer in self.masks.items()}
            record["mask_class_labels"] = _labels_of(self.masks)
        return record


def take_annotations(*, classes: Any, boxes: Any, masks: Any) -> Annotations:
    """Check what a user gave. ValueError for layers that are no dict, TypeError for a wrong layer (W&B's rules)."""
    box_layers = {
        name: one if isinstance(one, BoundingBoxes2D) else BoundingBoxes2D(one, name)
        for name, one in _layers(boxes, "boxes").items()
    }
    mask_layers = {
        name: one if isinstance(one, ImageMask) else ImageMask(one, name)
        for name, one in _layers(masks, "masks").items()
    }
    given = classes if isinstance(classes, Classes) or classes is None else Classes(classes)
    names: dict[Any, str] = {}
    for labels in [
        *(layer.class_labels for layer in box_layers.values()),
        *(layer.class_labels for layer in mask_layers.values()),
    ]:
        names.update(labels)
    names.update(given.names if given is not None else {})
    return Annotations(classes=_classes_named(names), boxes=box_layers, masks=mask_layers)


def _layers(given: Any, what: str) -> dict[str, Any]:
    if not given:
        return {}
    if not isinstance(given, Mapping):
        raise ValueError(f"the {what} of an image must be a dict of layers by name")  # noqa: TRY004 - W&B's
    return {str(name): one for name, one in given.items()}


def _classes_named(names: Mapping[Any, str]) -> Classes | None:
    return Classes([{"id": key, "name": name} for key, name in names.items()]) if names else None


def _labels_of(layers: Mapping[str, BoundingBoxes2D] | Mapping[str, ImageMask]) -> Record:
    return {name: labels_in_json(layer.class_labels) for name, layer in layers.items()}


def annotations_in(record: JsonObject, entries: EntryReader) -> Annotations:
    """Read what `Annotations.to_artifact` wrote, or what W&B did. ValueError for what cannot be right."""
    from localart.media.attach import load

    box_labels = object_in(record, "box_class_labels")
    mask_labels = object_in(record, "mask_class_labels")
    boxes = {name: _box_layer(data, name, box_labels) for name, data in object_in(record, "boxes").items()}
    masks = {
        name: _mask_layer(as_object(one, "masks"), name, mask_labels, entries)
        for name, one in object_in(record, "masks").items()
    }
    classes = load(entries, path_in(object_in(record, "classes"))) if record.get("classes") else None
    if not isinstance(classes, Classes | None):
        raise InvalidMetadata("An image's record names something else as its classes")
    return Annotations(classes=classes, boxes=boxes, masks=masks)


def _box_layer(data: Any, name: str, labels: JsonObject) -> BoundingBoxes2D:
    try:
        return BoundingBoxes2D({"box_data": data, **_given_labels(labels, name)}, name)
    except TypeError as error:
        raise InvalidMetadata(f"The boxes {shown(name)} of an image cannot be right: {error}") from error


def _mask_layer(record: JsonObject, name: str, labels: JsonObject, entries: EntryReader) -> ImageMask:
    mask = ImageMask.from_artifact(record, entries)
    mask.class_labels = _given_labels(labels, name).get("class_labels", {})
    return mask


def _given_labels(labels: JsonObject, name: str) -> dict[str, Labels]:
    return {"class_labels": labels_from_json(labels[name], name)} if name in labels else {}
