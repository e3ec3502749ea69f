"""From raw bytes to a frame in a pack."""

from collections.abc import Sequence
from dataclasses import dataclass

from localart.model import BlobRef, Frame
from localart.store.codecs import RAW, SAMPLE_BYTES, Recipe, choose_codec, compress
from localart.store.frames import Bytes, FrameKind, encode_frame
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
