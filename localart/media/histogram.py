"""How often values fall into each of some ranges; NumPy's own definition, with or without NumPy."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Self

from localart.errors import InvalidMetadata
from localart.media.base import ArtifactFiles, EntryReader, Media, MediaFiles, Record
from localart.media.records import list_in
from localart.model import JsonObject

MAX_BINS = 512


class Histogram(Media):
    """Counts (`histogram`) between edges (`bins`, one more): of a sequence of numbers, or computed already.

    `np_histogram` is what `numpy.histogram` returned. Raises ValueError for more than 512 bins, values or edges that
    are not finite, and edges that do not fit; TypeError for what is no number.
    """

    kind = "histogram"
    MAX_LENGTH = MAX_BINS

    def __init__(
        self,
        sequence: Any = None,
        np_histogram: Sequence[Any] | None = None,
        num_bins: int = 64,
    ) -> None:
        if np_histogram is not None:
            if len(np_histogram) != 2:
                raise ValueError("np_histogram must be two sequences: the counts, and the edges of the bins")
            counts, edges = _numbers(np_histogram[0]), _numbers(np_histogram[1])
        else:
            _check_bins(num_bins)
            counts, edges = _count(_numbers(sequence), num_bins)
        if len(counts) > MAX_BINS:
            raise ValueError(f"a histogram has at most {MAX_BINS} bins, not {len(counts)}")
        if len(edges) != len(counts) + 1:
            raise ValueError(f"{len(counts)} bins have {len(counts) + 1} edges, not {len(edges)}")
        self.histogram: list[float] = counts
        self.bins: list[float] = edges

    def to_run(self, files: MediaFiles) -> Record:
        """Return counts and edges; there is no file."""
        del files
        return {"_type": self.kind, "values": self.histogram, "bins": self.bins}

    def to_artifact(self, files: ArtifactFiles) -> Record:
        """Return counts and edges; there is no file."""
        return self.to_run(files)

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Read counts and edges."""
        del entries
        try:
            return cls(np_histogram=(list_in(record, "values"), list_in(record, "bins")))
        except (TypeError, ValueError) as error:
            raise InvalidMetadata(f"A histogram cannot be right: {error}") from error

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        return (self.histogram, self.bins) == (other.histogram, other.bins)

    def __hash__(self) -> int:
        return hash((tuple(self.histogram), tuple(self.bins)))

    def __repr__(self) -> str:
        return f"<Histogram {len(self.histogram)} bins, {self.bins[0]:g} to {self.bins[-1]:g}>"

    def _repr_html_(self) -> str:
        from localart.media.notebook import bars_html

        return bars_html(self.histogram, self.bins)


def _check_bins(num_bins: object) -> None:
    if not isinstance(num_bins, int) or isinstance(num_bins, bool):
        raise TypeError(f"num_bins must be a whole number, not {type(num_bins).__name__}")
    if not 1 <= num_bins <= MAX_BINS:
        raise ValueError(f"a histogram has 1 to {MAX_BINS} bins, not {num_bins}")


def _numbers(values: Any) -> list[float]:
    """All numbers in `values` (a sequence, array or tensor of any shape), flat."""
    if hasattr(type(values), "detach"):
        values = values.detach().cpu()
    if hasattr(type(values), "reshape"):
        values = values.reshape(-1)
    if hasattr(type(values), "tolist"):
        values = values.tolist()
    if isinstance(values, (str, bytes)) or not hasattr(type(values), "__iter__"):
        raise TypeError(f"a histogram is made of a sequence of numbers, not of {type(values).__name__}")
    flat: list[float] = []
    for value in values:
        if isinstance(value, (list, tuple)) or hasattr(type(value), "reshape"):
            flat += _numbers(value)
        else:
            flat.append(_number(value))
    return flat


def _number(value: Any) -> float:
    # bool is an int; NumPy's own numbers register as neither int nor (mostly) float.
    if not isinstance(value, (int, float)):
        value = value.item() if hasattr(type(value), "item") else value
    if not isinstance(value, (int, float)):
        raise TypeError(f"a histogram is made of numbers, and one value is a {type(value).__name__}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a histogram cannot hold NaN or infinite values; leave them out first")
    return value


def _count(values: list[float], bin_count: int) -> tuple[list[float], list[float]]:
    low, high = (float(min(values)), float(max(values))) if values else (0.0, 1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    if not math.isfinite(high - low):
        raise ValueError("the values of a histogram are too far apart")
    step = (high - low) / bin_count
    edges = [number * step + low for number in range(bin_count)] + [high]
    counts = [0] * bin_count
    for value in values:
        # The last bin holds its upper edge too.
        counts[min(max(bisect_right(edges, value) - 1, 0), bin_count - 1)] += 1
    return list(counts), edges
