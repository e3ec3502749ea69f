"""Media that a run logged, step by step: pictures as pixels, everything else as what its file shows of itself."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from localart.catalog import run_browsing, run_files
from localart.media.headers import find_header
from localart_tui.charts.sparkline import sparkline
from localart_tui.data.contents import StoredBytes, preview_blob
from localart_tui.data.live import tail_points
from localart_tui.pictures.decoding import MOST_PIXELS, decode
from localart_tui.previews.record import Facts, Note, Preview, Section, TextLines
from localart_tui.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from localart.media.png import Pixels
    from localart.model import BlobRef, RunRecord
    from localart_tui.data.store import Store

MOST_ITEMS = 120
THUMBNAIL_PIXELS = 256
FULL_PIXELS = 1600
_MOST_BYTES = 32 << 20
_HEADER_BYTES = 256 << 10
_PREVIEWED = 6
_LISTS = ("audio", "html", "videos", "object3D", "molecule", "objects")
_PICTURES = frozenset({"image-file", "images/separated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaItem:
    """One thing to look at. `path` is the run's file that holds it, "" where the record holds all."""

    kind: str
    path: str
    caption: str
    record: Mapping[str, Any]

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture."""
        return self.kind == "image-file"


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStep:
    """What was logged under a name at a step, with the pixels of its pictures by path."""

    name: str
    step: int
    items: tuple[MediaItem, ...]
    pixels: Mapping[str, Pixels]
    preview: Preview | None


def media_steps(store: Store, run: RunRecord, name: str) -> list[int]:
    """The steps at which something was logged under this name, ascending."""
    steps = run_browsing.steps_logged(store.connection(), run.key, name)
    if run.finished_at is None:
        steps += [point.step for point in tail_points(store, run.uid) if name in point.values]
    return sorted(set(steps))


def read_step(store: Store, run: RunRecord, name: str, step: int) -> MediaStep:
    """What was logged at a step: pictures decoded small, the first few others previewed. For a reading thread."""
    items = tuple(_items(_value(store, run, name, step)))[:MOST_ITEMS]
    blobs = _blobs(store, run, items)
    pixels: dict[str, Pixels] = {}
    for item in items:
        found = _thumbnail(store, blobs.get(item.path)) if item.is_picture else None
        if found is not None and not isinstance(found, str):
            pixels[item.path] = found
    others = [item for item in items if not item.is_picture]
    preview = _joined([_preview(store, item, blobs.get(item.path)) for item in others[:_PREVIEWED]])
    return MediaStep(name=name, step=step, items=items, pixels=pixels, preview=preview if others else None)


def _value(store: Store, run: RunRecord, name: str, step: int) -> Any:
    value = run_browsing.value_at(store.connection(), run.key, name, step)
    if run.finished_at is None:
        for point in tail_points(store, run.uid):
            if point.step == step and name in point.values:
                value = point.values[name]
    return value


def _items(value: Any) -> Iterator[MediaItem]:
    if isinstance(value, list):
        for one in value[:MOST_ITEMS]:
            yield from _items(one)
        return
    kind = value.get("_type") if isinstance(value, dict) else None
    if not isinstance(kind, str):
        return
    if kind == "images/separated":
        yield from _pictures(value)
        return
    inside = next((value[key] for key in _LISTS if isinstance(value.get(key), list)), None)
    if inside is not None:
        captions = _captions(value)
        for at, one in enumerate(inside[:MOST_ITEMS]):
            yield from _items_with_caption(one, kind, captions[at] if at < len(captions) else "")
    else:
        yield MediaItem(
            kind=kind, path=_text(value.get("path")), caption=_text(value.get("caption")), record=value
        )


def _items_with_caption(value: Any, kind: str, caption: str) -> Iterator[MediaItem]:
    if not isinstance(value, dict):
        return
    record = value if "_type" in value else {"_type": f"{kind}-file", **value}
    for item in _items(record):
        yield MediaItem(kind=item.kind, path=item.path, caption=item.caption or caption, record=item.record)


def _pictures(value: Mapping[str, Any]) -> Iterator[MediaItem]:
    names = value.get("filenames")
    captions = _captions(value)
    for at, name in enumerate(names[:MOST_ITEMS] if isinstance(names, list) else ()):
        caption = captions[at] if at < len(captions) else ""
        yield MediaItem(kind="image-file", path=_text(name), caption=caption, record=value)


def _captions(value: Mapping[str, Any]) -> list[str]:
    found = value.get("captions")
    return [_text(one) for one in found] if isinstance(found, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _blobs(store: Store, run: RunRecord, items: Sequence[MediaItem]) -> dict[str, BlobRef]:
    wanted = {item.path for item in items if item.path}
    return {one.path: one.blob for one in run_files.find_files(store.connection(), run.key, wanted)}


# --- pictures ------------------------------------------------------------------------------------------------


def _thumbnail(store: Store, blob: BlobRef | None) -> Pixels | str | None:
    return None if blob is None else _decoded(store, blob, THUMBNAIL_PIXELS)


def read_picture(store: Store, run: RunRecord, path: str) -> Pixels | str:
    """A picture of the run for a whole screen, or one sentence that says why there is none."""
    found = run_files.find_files(store.connection(), run.key, [path])
    return _decoded(store, found[0].blob, FULL_PIXELS) if found else "the file is not kept any more"


@lru_cache(maxsize=128)
def _decoded(store: Store, blob: BlobRef, longest_side: int) -> Pixels | str:
    """Pixels of a stored picture; a sentence when it cannot be drawn. Never raises for what the file holds."""
    if blob.size_bytes > _MOST_BYTES:
        return f"not drawn: the file is larger than {_MOST_BYTES >> 20} MiB"
    source = StoredBytes(store, blob)
    try:
        header = find_header(source.read(0, _HEADER_BYTES))
        if header is None or header.width * header.height > MOST_PIXELS:
            return "not drawn: no picture that is known here, or too large"
        return decode(source.read(0, blob.size_bytes), header, longest_side=longest_side)
    except sqlite3.Error:
        raise
    except Exception as error:  # noqa: BLE001 - a decoder may raise anything over bytes made to break it
        return f"not drawn: {type(error).__name__}"


# --- everything else -------------------------------------------------------------------------------------------


def _preview(store: Store, item: MediaItem, blob: BlobRef | None) -> Preview:
    if item.kind == "histogram":
        return Preview("histogram", tuple(_histogram(item.record)))
    if blob is None:
        why = "its file is not kept any more" if item.path else "there is nothing to draw in a terminal"
        return Preview(item.kind, (Facts(_plain_facts(item)), Note(why)))
    shown = preview_blob(store, blob.digest, blob.size_bytes, item.path)
    head = (Facts((("caption", item.caption[:400]),)),) if item.caption else ()
    return Preview(shown.kind, (*head, *shown.sections))


def _plain_facts(item: MediaItem) -> tuple[tuple[str, str], ...]:
    plain = ((key, value) for key, value in item.record.items() if isinstance(value, str | int | float))
    return tuple((clean(str(key), 40), str(value)[:400]) for key, value in plain)[:20]


def _histogram(record: Mapping[str, Any]) -> Iterator[Section]:
    counts = [float(one) for one in _numbers(record.get("values"))]
    edges = _numbers(record.get("bins"))
    if not counts:
        yield Note("the histogram is empty")
        return
    total, first, last = sum(counts), edges[0] if edges else 0, edges[-1] if edges else len(counts)
    yield Facts((("numbers", f"{total:,.0f}"), ("from", f"{first:.4g}"), ("to", f"{last:.4g}")))
    yield TextLines((sparkline([0.0, *counts], cells=65)[1:],))


def _numbers(value: Any) -> list[float]:
    if not isinstance(value, list):
        return []
    return [float(one) for one in value[:4096] if isinstance(one, int | float) and abs(one) < 1e308]


def _joined(previews: Sequence[Preview]) -> Preview:
    kinds = dict.fromkeys(one.kind for one in previews)
    return Preview(", ".join(kinds), tuple(section for one in previews for section in one.sections))
