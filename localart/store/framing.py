"""From raw bytes to a frame in a pack."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from localart.errors import StoreDamaged
from localart.model import BlobRef, Frame
from localart.records import dataclass
from localart.store.codecs import (
    RAW,
    SAMPLE_BYTES,
    Codec,
    Recipe,
    Told,
    choose_codec,
    choose_difference,
    compress,
    compress_difference,
)
from localart.store.frames import Bytes, FrameKind, encode_frame
from localart.store.ground import Ground
from localart.store.packs import PackAppender

_FRAMES_PER_SAMPLE = 16
_PHASE_BYTES = 8


@dataclass(frozen=True, slots=True)
class Placed:
    """A frame and the pack it was written to."""

    pack: str
    frame: Frame


def write_frame(
    packs: PackAppender,
    parts: Sequence[Bytes],
    members: Sequence[BlobRef],
    *,
    recipe: Recipe,
    kind: FrameKind = FrameKind.DATA,
) -> Placed:
    """Compress the raw bytes in `parts` and append them as one frame; not durable yet. Any thread."""
    codec, body = compress(recipe, parts)
    return _append(packs, parts, members, codec=codec, body=body, kind=kind)


def write_difference(
    packs: PackAppender,
    parts: Sequence[Bytes],
    members: Sequence[BlobRef],
    *,
    recipe: Recipe,
    ground: Ground,
) -> Placed:
    """As `write_frame`, told by the difference from earlier bytes where that takes clearly less."""
    raw = parts[0] if len(parts) == 1 else b"".join(parts)
    try:
        below = ground.read(len(raw))
    except StoreDamaged:  # an old version that is damaged must not keep a new one from being stored
        return write_frame(packs, [raw], members, recipe=recipe)
    told = _tell(raw, below, ground, recipe)
    ground.note(paid=told is not None)
    if told is None:
        return write_frame(packs, [raw], members, recipe=recipe)
    codec, body, used = told
    placed = _append(packs, [raw], members, codec=codec, body=body, kind=FrameKind.DATA)
    bases = tuple(base.slice for base in used.bases)
    return Placed(placed.pack, replace(placed.frame, bases=bases, depth=used.depth + 1))


def _tell(
    raw: Bytes, below: Bytes, ground: Ground, recipe: Recipe
) -> tuple[Codec, list[Bytes], Ground] | None:
    """The body that tells a difference, its codec, and the part of the ground that it stands on."""
    told = list(_judged(raw, below, ground, recipe))
    used = ground.only([part is not None for part in told])
    if not used.parts:
        return None
    bases = [base.slice for base in used.bases]
    body = compress_difference(raw, below, bases, list(_joined(told)), recipe)
    return None if body is None else (*body, used)


def _judged(raw: Bytes, below: Bytes, ground: Ground, recipe: Recipe) -> Iterator[Told | None]:
    """For each part how it is told. Where the difference clearly pays, the tensor's next window is not asked again."""
    told: Told | None = None
    for part, (start, stop) in zip(ground.parts, ground.extents, strict=True):
        if part.goes_on and told is not None and told.is_clear:
            told = replace(told, start=start, stop=stop)
        else:
            told = choose_difference(raw, below, start, stop, recipe)
        yield told


def _joined(told: Iterable[Told | None]) -> Iterator[Told]:
    """Neighbours that are told alike as one: fewer and longer byte planes."""
    before: Told | None = None
    for part in told:
        if part is None:
            continue
        if before is not None and part.follows(before):
            before = replace(before, stop=part.stop)
            continue
        if before is not None:
            yield before
        before = part
    if before is not None:
        yield before


def _append(
    packs: PackAppender,
    parts: Sequence[Bytes],
    members: Sequence[BlobRef],
    *,
    codec: Codec,
    body: Sequence[Bytes],
    kind: FrameKind,
) -> Placed:
    head, stored = encode_frame(
        kind, body, codec=codec, raw_bytes=sum(len(part) for part in parts), members=members
    )
    pack, start = packs.append(stored, head.stored_bytes)
    return Placed(pack, head.at(start))


class RecipeHabit:
    """Which recipe suits a stream of frames: a sample of every 16th decides for the next 15 too."""

    def __init__(self, *, planes: bool) -> None:
        self._planes = planes
        self._recipe = RAW
        self._frames_left = 0

    def recipe_for(self, parts: Sequence[Bytes]) -> Recipe:
        """The recipe for the next frame. Its parts begin in phase with any floats in them."""
        if self._frames_left == 0:
            self._recipe = choose_codec(_sample(parts), planes=self._planes)
            self._frames_left = _FRAMES_PER_SAMPLE
        self._frames_left -= 1
        return self._recipe


def _sample(parts: Sequence[Bytes]) -> Bytes:
    """The middle of the largest part, so that a header at the front of a file does not decide for the rest."""
    part = max(parts, key=len)
    start = max(0, len(part) - SAMPLE_BYTES) // 2 // _PHASE_BYTES * _PHASE_BYTES
    return part[start : start + SAMPLE_BYTES]
