"""Sparklines that are drawn later: asked for while painting, made in the background, kept until the run moved on."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Want = tuple[int, str]
"""The row id of a run, and a metric."""

MOST_KEPT = 4_000


class Sparks:
    """For the thread that paints. A line of a run that goes on stays until the newer one is there."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Want, tuple[str, str]] = OrderedDict()
        self._wanted: dict[Want, str] = {}

    def text(self, want: Want, stamp: str) -> str:
        """The line as far as it is known. `stamp` is another one when the run has logged more."""
        known = self._kept.get(want)
        if known is None or known[0] != stamp:
            self._wanted[want] = stamp
        return "" if known is None else known[1]

    def has_wanted(self) -> bool:
        """Whether lines were asked for that are not there."""
        return bool(self._wanted)

    def take_wanted(self, runs: Iterable[int]) -> dict[Want, str]:
        """What was asked for of these runs, with its stamps; the rest is forgotten."""
        these = set(runs)
        wanted = {want: stamp for want, stamp in self._wanted.items() if want[0] in these}
        self._wanted = {}
        return wanted

    def keep(self, made: Mapping[Want, tuple[str, str]]) -> set[int]:
        """Keep lines with their stamps; the runs that look different now."""
        changed = {want[0] for want, (_, text) in made.items() if self._kept.get(want, ("", ""))[1] != text}
        self._kept.update(made)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return changed
