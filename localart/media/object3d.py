"""Things in space: point clouds, and files of models and scenes."""

import itertools
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Self

from localart.errors import InvalidMetadata
from localart.jsonable import canonical_json, normalise_whole
from localart.media.base import Encoded, EncodedMedia, EntryReader, Record
from localart.media.records import encoded_in, text_or_none
from localart.media.sources import check_ending, ending_of, read_media_file, read_stream
from localart.model import JsonObject

TYPES = frozenset({"obj", "gltf", "glb", "babylon", "stl", "pts.json"})
POINT_CLOUD_TYPE = "lidar/beta"
MAX_VALUES = 10_000_000
"""Numbers in one point cloud: some 200 MB of JSON."""

_WIDTHS = (3, 4, 6)


class Object3D(EncodedMedia):
    """One object: the path of an obj, gltf, glb, babylon, stl or pts.json file, or a point cloud.

    A point cloud is an array of points (x y z, x y z category, or x y z r g b), or a dict
    `{"type": "lidar/beta", "points": …, "boxes": …, "vectors": …}`. An open file needs `file_type` unless it has a
    name. Raises ValueError for other types, shapes, and numbers that are not finite.
    """

    kind = "object3D-file"
    folder = "media/object3D"
    SUPPORTED_TYPES = TYPES

    def __init__(self, data_or_path: Any, caption: str | None = None, file_type: str | None = None) -> None:
        super().__init__(_encode(data_or_path, file_type), caption)

    @classmethod
    def from_file(cls, data_or_path: Any, file_type: str | None = None) -> Self:
        """Make one from a path, or from an open file of `file_type`."""
        return cls(data_or_path, file_type=file_type)

    @classmethod
    def from_numpy(cls, data: Any) -> Self:
        """Make one from an array of points."""
        if not hasattr(type(data), "tolist"):
            raise ValueError(f"from_numpy takes an array, not {type(data).__name__}")
        return cls(data)

    @classmethod
    def from_point_cloud(
        cls,
        points: Sequence[Any],
        boxes: Sequence[Mapping[str, Any]],
        vectors: Sequence[Mapping[str, Any]] | None = None,
        point_cloud_type: str = POINT_CLOUD_TYPE,
    ) -> Self:
        """Make one from points, boxes (see `box3d`) and vectors (`{"start": …, "end": …}`)."""
        return cls({"type": point_cloud_type, "points": points, "boxes": boxes, "vectors": vectors or []})

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Read the file and the caption."""
        return cls(encoded_in(record, entries), caption=text_or_none(record, "caption"))

    @classmethod
    def list_in_run(cls, media: Sequence["Object3D"], records: Sequence[Record]) -> Record:
        """Return W&B's record of several objects."""
        names = [PurePosixPath(record["path"]).name for record in records]
        return {"_type": "object3D", "filenames": names, "count": len(media), "objects": list(records)}


def _encode(source: Any, file_type: str | None) -> Encoded:
    if isinstance(source, Encoded):
        return source
    if isinstance(source, (str, os.PathLike)):
        ending = ending_of(source, TYPES, "Object3D")
        return Encoded(data=read_media_file(source, "Object3D"), suffix=f".{ending}")
    if hasattr(source, "read"):
        ending = _type_of_open(source, file_type)
        return Encoded(data=read_stream(source, "Object3D"), suffix=f".{ending}")
    scene = _scene(source) if isinstance(source, Mapping) else _points(source)
    try:
        return Encoded(data=canonical_json(scene), suffix=".pts.json")
    except InvalidMetadata as error:
        raise ValueError("a point cloud cannot hold NaN or infinite numbers") from error


def _type_of_open(source: Any, file_type: str | None) -> str:
    name = getattr(source, "name", None)
    if file_type is None and isinstance(name, str):
        return ending_of(name, TYPES, "Object3D")
    return check_ending(file_type, TYPES, "Object3D")


def _points(source: Any) -> list[Any]:
    if hasattr(type(source), "detach"):
        source = source.detach().cpu()
    shape = getattr(source, "shape", None)
    if shape is None:
        raise ValueError(
            f"Object3D takes a path, an open file, a dict or an array, not {type(source).__name__}"
        )
    if len(shape) != 2 or shape[1] not in _WIDTHS:
        raise ValueError(f"points have the shape (count, 3, 4 or 6), not {tuple(shape)}")
    _check_size(shape[0] * shape[1])
    rows: list[Any] = source.tolist()
    if not all(isinstance(value, (int, float)) for row in rows for value in row):
        raise ValueError("points are made of numbers")
    return rows


def _check_size(count: int) -> None:
    if count > MAX_VALUES:
        raise ValueError(
            f"a point cloud holds at most {MAX_VALUES:,} numbers, not {count:,}; log a part of it"
        )


def _scene(source: Mapping[str, Any]) -> Record:
    if source.get("type") != POINT_CLOUD_TYPE:
        raise ValueError(
            f"a scene is a dict with the type {POINT_CLOUD_TYPE!r}, not {source.get('type')!r:.80}"
        )
    return {
        "type": POINT_CLOUD_TYPE,
        **{part: _listed(source.get(part), part) for part in ("vectors", "points", "boxes")},
    }


def _listed(part: Any, name: str) -> list[Any]:
    if part is None:
        return []
    _check_size(getattr(part, "size", 0) if hasattr(type(part), "tolist") else len(part))
    plain = part.tolist() if hasattr(type(part), "tolist") else part
    listed = normalise_whole(plain, f"scene.{name}")
    if not isinstance(listed, list):
        raise ValueError(f"the {name} of a scene are a list, not {type(part).__name__}")  # noqa: TRY004
    return listed


# --- boxes ------------------------------------------------------------------------------------------


def box3d(
    *,
    center: Sequence[float],
    size: Sequence[float],
    orientation: Sequence[float],
    color: Sequence[float],
    label: str | None = None,
    score: float | None = None,
) -> Record:
    """A box for `Object3D.from_point_cloud`, from its centre, its three sides and how it is turned.

    `orientation` is a quaternion (r, x, y, z), of any length but zero; it turns the world's axes into the box's.
    """
    middle, sides = _vector(center, 3, "center"), _vector(size, 3, "size")
    turn = _rotation(_vector(orientation, 4, "orientation"))
    corners = []
    for signs in itertools.product((-1, 1), repeat=3):
        along = [sign * side / 2 for sign, side in zip(signs, sides, strict=True)]
        corners.append([middle[i] + sum(along[j] * turn[j][i] for j in range(3)) for i in range(3)])
    return {"corners": corners, "color": [float(part) for part in color], "label": label, "score": score}


def _vector(values: Sequence[float], length: int, what: str) -> list[float]:
    vector = [float(value) for value in values]
    if len(vector) != length or not all(map(math.isfinite, vector)):
        raise ValueError(f"the {what} of a box is {length} finite numbers, not {values!r:.80}")
    return vector


def _rotation(quaternion: list[float]) -> list[list[float]]:
    """The matrix whose rows are the box's axes."""
    length = math.hypot(*quaternion)
    if length == 0:
        raise ValueError("the orientation of a box cannot be four zeros")
    r, x, y, z = (part / length for part in quaternion)
    return [
        [1 - 2 * (y * y + z * z), 2 * (x * y + z * r), 2 * (x * z - y * r)],
        [2 * (x * y - z * r), 1 - 2 * (x * x + z * z), 2 * (y * z + x * r)],
        [2 * (x * z + y * r), 2 * (y * z - x * r), 1 - 2 * (x * x + y * y)],
    ]
