"""Things to look at: images, tables, sounds, clips, pages, objects in space, charts. Names load on first use.

An object is described by a JSON record with W&B's `_type`, and its bytes lie in files named by their content (see
`localart.media.base`). `attach` puts objects into a draft, `load` reads them from a version. Heavy packages (NumPy,
Pillow, pandas, moviepy, rdkit …) are used only where a value comes from them or cannot do without.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localart.media.audio import Audio
    from localart.media.base import Media
    from localart.media.classes import Classes
    from localart.media.histogram import Histogram
    from localart.media.html import Html
    from localart.media.image import Image
    from localart.media.molecule import Molecule
    from localart.media.object3d import Object3D
    from localart.media.plotly import Plotly
    from localart.media.table import JoinedTable, PartitionedTable, Table
    from localart.media.video import Video

__all__ = [
    "Audio",
    "Classes",
    "Histogram",
    "Html",
    "Image",
    "JoinedTable",
    "Media",
    "Molecule",
    "Object3D",
    "PartitionedTable",
    "Plotly",
    "Table",
    "Video",
]

_ELSEWHERE = {"JoinedTable": "joined", "Media": "base", "PartitionedTable": "joined"}


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"localart.media.{_ELSEWHERE.get(name, name.lower())}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
