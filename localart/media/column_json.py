"""Column types as W&B's JSON, and back."""

from collections.abc import Callable, Mapping
from typing import Any

from localart.errors import InvalidMetadata
from localart.media import column_types as ct
from localart.media.base import ArtifactFiles, EntryReader, Media, Record
from localart.media.classes import Classes
from localart.media.labels import Labels, labels_from_json, labels_in_json
from localart.media.records import as_object, list_in, object_in, path_in, text_in
from localart.model import JsonObject
from localart.names import shown

_LEGACY = {
    "dictionary": "typedDict",
    "object": "pythonObject",
    "wandb.Classes_id": "classesId",
    "wandb.Image": "image-file",
    "wandb.Table": "table",
    "wandb.TableForeignIndex": "foreignIndex",
    "wandb.TableForeignKey": "foreignKey",
    "wandb.TablePrimaryKey": "primaryKey",
}
_PLAIN = {"any", "unknown", "none", "string", "number", "boolean", "timestamp", "primaryKey", *ct.MEDIA_KINDS}


def type_to_json(kind: ct.ColumnType, files: ArtifactFiles | None, array_path: str | None = None) -> Record:
    """`kind` as W&B writes it. Tables that keys point to become files; without `files` only their name is told.

    `array_path` is where the arrays of the column are kept, if they are in a file.
    """
    match kind:
        case ct.Plain(name):
            return {"wb_type": name}
        case ct.PythonObject(class_name):
            return _typed("pythonObject", class_name=class_name)
        case ct.Const(value):
            return _typed("const", val=value, is_set=False)
        case ct.Union(members):
            return _typed("union", allowed_types=[type_to_json(one, files, array_path) for one in members])
        case ct.ListOf(element, length):
            return _typed("list", element_type=type_to_json(element, files), length=length)
        case ct.NDArray(shape):
            place = None if array_path is None else {"path": array_path, "key": ARRAY_KEY}
            return _typed("ndarray", shape=list(shape), serialization_path=place)
        case ct.TypedDict(fields):
            return _typed(
                "typedDict", type_map={key: type_to_json(one, files) for key, one in fields.items()}
            )
        case _:
            return _media_type_to_json(kind, files)


ARRAY_KEY = "column"


def _typed(name: str, **params: Any) -> Record:
    return {"wb_type": name, "params": params}


def _media_type_to_json(kind: ct.ColumnType, files: ArtifactFiles | None) -> Record:
    match kind:
        case ct.ImageType():
            return _image_to_json(kind)
        case ct.ClassIds(classes):
            ids = [{"wb_type": "const", "params": {"val": key, "is_set": False}} for key in classes.names]
            valid = _typed("union", allowed_types=ids)
            return _typed("classesId", valid_ids=valid, classes_obj=_classes_to_json(classes, files))
        case ct.TableType(columns):
            return _typed("table", column_types=type_to_json(columns, files))
        case ct.ForeignKey(table, column):
            return _typed("foreignKey", table=_kept_path(table, files), col_name=column)
        case ct.ForeignIndex(table):
            return _typed("foreignIndex", table=_kept_path(table, files))
        case _:
            raise AssertionError(kind)


def _kept_path(table: Media, files: ArtifactFiles | None) -> str:
    return "" if files is None else files.add(table, "media/tables").path


def _classes_to_json(classes: Classes, files: ArtifactFiles | None) -> Record:
    if files is None:
        return {"_type": "classes", "class_set": classes.class_set}
    kept = files.add(classes, "media/cls")
    return {"type": "classes-file", "path": kept.path, "digest": kept.digest}


def _image_to_json(kind: ct.ImageType) -> Record:
    constants = {
        "box_layers": {name: sorted(labels) for name, labels in kind.boxes.items()},
        "mask_layers": {name: sorted(labels) for name, labels in kind.masks.items()},
        "box_class_maps": {name: labels_in_json(dict(labels)) for name, labels in kind.boxes.items()},
        "mask_class_maps": {name: labels_in_json(dict(labels)) for name, labels in kind.masks.items()},
        "class_map": dict(kind.classes),
    }
    params: Record = {name: _typed("const", val=value, is_set=False) for name, value in constants.items()}
    params["box_score_keys"] = _typed("const", val=sorted(kind.scores), is_set=True)
    return {"wb_type": "image-file", "params": params}


# --- back -------------------------------------------------------------------------------------------


def type_from_json(value: Any, entries: EntryReader, depth: int = 0) -> ct.ColumnType:
    """The type that W&B's JSON tells. InvalidMetadata for what cannot be right; unknown names are Python objects."""
    if depth > ct.MAX_DEPTH:
        raise InvalidMetadata("A column's type is nested too deep")
    record = as_object(value, "a column's type")
    name = text_in(record, "wb_type")
    name = _LEGACY.get(name, name)
    if name in _PLAIN:
        return ct.Plain(name)
    read = _READERS.get(name)
    params = object_in(record, "params")
    return ct.PythonObject(name) if read is None else read(params, entries, depth + 1)


def array_path_in(value: Any) -> tuple[str, str] | None:
    """Where a column's arrays are kept (path, and key inside the file), when its type says so."""
    record = as_object(value, "a column's type")
    params = object_in(record, "params")
    if record.get("wb_type") == "union":
        found = [array_path_in(one) for one in list_in(params, "allowed_types") if isinstance(one, dict)]
        return next((one for one in found if one is not None), None)
    if record.get("wb_type") != "ndarray" or params.get("serialization_path") is None:
        return None
    place = object_in(params, "serialization_path")
    return path_in(place), text_in(place, "key")


def _read_python_object(params: JsonObject, entries: EntryReader, depth: int) -> ct.ColumnType:
    del entries, depth
    return ct.PythonObject(text_in(params, "class_name"))


def _read_const(params: JsonObject, entries: EntryReader, depth: int) -> ct.ColumnType:
    del entries, depth
    return ct.Const(params.get("val"))


def _read_union(params: JsonObject, entries: EntryReader, depth: int) -> ct.ColumnType:
    return ct.union(type_from_json(one, entries, depth) for one in list_in(params, "allowed_types"))


def _read_list(params: JsonObject, entries: EntryReader, depth: int) -> ct.ColumnType:
    length = params.get("length")
    element = type_from_json(params.get("element_type"), entries, depth)
    return ct.ListOf(element, length if isinstance(length, int) else None)


def _read_ndarray(params: JsonObject, entries: EntryReader, depth: int) -> ct.ColumnType:
    del entries, depth
    shape = list_in(params, "shape")
    if not all(isinstance(side, int) and side >= 0 for side in shape):
        raise InvalidMetadata(f"The shape of an array cannot be {shown(str(shape))}")
    return ct.NDArray(tuple(shape))


def _read_dict(params: JsonObject, entries: EntryReader, depth: int) -> ct.ColumnType:
    fields = object_in(params, "type_map")
    return ct.TypedDict({key: type_from_json(one, entries, depth) for key, one in fields.items()})


def _read_image(params: JsonObject, entries: EntryReader, depth: int) -> ct.ColumnType:
    del entries, depth
    scores = _constant(params, "box_score_keys", list)
    return ct.ImageType(
        boxes=_layers(params, "box"),
        masks=_layers(params, "mask"),
        scores=frozenset(map(str, scores)),
        classes={str(key): str(name) for key, name in _constant(params, "class_map", dict).items()},
    )


def _layers(params: JsonObject, what: str) -> dict[str, Labels]:
    labels = _constant(params, f"{what}_class_maps", dict)
    layers: dict[str, Labels] = {}
    for name, ids in _constant(params, f"{what}_layers", dict).items():
        if not isinstance(ids, list) or not all(isinstance(one, int) for one in ids):
            raise InvalidMetadata("The type of an image column has wrong class ids")
        known = labels_from_json(labels.get(name, {}), name)
        layers[name] = {one: known.get(one, f"class_{one}") for one in ids}
    return layers


def _constant(params: JsonObject, name: str, wanted: type) -> Any:
    value = object_in(object_in(params, name), "params").get("val") or wanted()
    if not isinstance(value, wanted):
        raise InvalidMetadata(f"The type of an image column has no {shown(name)}")
    return value


def _read_class_ids(params: JsonObject, entries: EntryReader, depth: int) -> ct.ColumnType:
    del depth
    record = object_in(params, "classes_obj")
    found = _named(record, entries) if "path" in record else Classes.from_artifact(record, entries)
    if not isinstance(found, Classes):
        raise InvalidMetadata("A column's type names something else as its classes")
    return ct.ClassIds(found)


def _read_table(params: JsonObject, entries: EntryReader, depth: int) -> ct.ColumnType:
    return ct.TableType(type_from_json(params.get("column_types"), entries, depth))


def _read_foreign_key(params: JsonObject, entries: EntryReader, depth: int) -> ct.ColumnType:
    del depth
    column = params.get("col_name")
    if not isinstance(column, str | int):
        raise InvalidMetadata("A column of keys does not say which column they are from")
    return ct.ForeignKey(_other_table(params, entries), column)


def _read_foreign_index(params: JsonObject, entries: EntryReader, depth: int) -> ct.ColumnType:
    del depth
    return ct.ForeignIndex(_other_table(params, entries))


def _other_table(params: JsonObject, entries: EntryReader) -> Media:
    found = _named(params, entries, "table")
    if found is None or found.kind != "table":
        raise InvalidMetadata("A column of keys names a table that is not there")
    return found


def _named(record: Mapping[str, Any], entries: EntryReader, key: str = "path") -> Media | None:
    from localart.media.attach import load

    return load(entries, path_in(record, key))


_READERS: dict[str, Callable[[JsonObject, EntryReader, int], ct.ColumnType]] = {
    "classesId": _read_class_ids,
    "const": _read_const,
    "foreignIndex": _read_foreign_index,
    "foreignKey": _read_foreign_key,
    "image-file": _read_image,
    "list": _read_list,
    "ndarray": _read_ndarray,
    "pythonObject": _read_python_object,
    "table": _read_table,
    "typedDict": _read_dict,
    "union": _read_union,
}
