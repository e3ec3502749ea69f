"""Dots on a grid of character cells: 2 × 4 dots a cell in braille, 1 × 2 where only ASCII can be shown.

Each cell remembers which ink drew in it: a later ink takes over the colour, the dots of earlier ones stay.
Braille cells are U+2800 plus one bit a dot (Unicode, Braille Patterns: dots 1–3 and 7 left, 4–6 and 8 right).
"""


def _runs(column: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """`[high][low]`: all bits of a column's dots from `high` down to `low`."""
    size = range(len(column))
    return tuple(tuple(sum(column[high : low + 1]) for low in size) for high in size)


_BRAILLE_RUNS = (_runs((0x01, 0x02, 0x04, 0x40)), _runs((0x08, 0x10, 0x20, 0x80)))
_ASCII_RUNS = (_runs((1, 2)),)
_OR = {bits: bytes(value | bits for value in range(256)) for bits in (0x47, 0xB8, 0x03)}
_BRAILLE = 0x2800
_ASCII = (" ", "'", ".", ":")


class Raster:
    """A picture of `columns` × `rows` cells. Dots outside are ignored; `(0, 0)` is the top left one."""

    def __init__(self, columns: int, rows: int, *, ascii_only: bool = False) -> None:
        self.columns = columns
        self.rows = rows
        self._ascii = ascii_only
        self._across, self._down = (1, 2) if ascii_only else (2, 4)
        self._sides = _ASCII_RUNS if ascii_only else _BRAILLE_RUNS
        self.width = columns * self._across
        self.height = rows * self._down
        self._dots = bytearray(columns * rows)
        self._inks = bytearray(columns * rows)

    def dot(self, x: int, y: int, ink: int) -> None:
        """Set one dot."""
        self.column(x, y, y, ink)

    def column(self, x: int, top: int, bottom: int, ink: int) -> None:
        """Set the dots of column `x` from `top` to `bottom`, both included, in the colour `ink` (1–255)."""
        if not 0 <= x < self.width:
            return
        first, last = max(min(top, bottom), 0), min(max(top, bottom), self.height - 1)
        if first > last:
            return
        down, cell = self._down, x // self._across
        (top_row, high), (low_row, low) = divmod(first, down), divmod(last, down)
        side = self._sides[x % self._across]
        if top_row == low_row:
            self._or(top_row * self.columns + cell, side[high][low], ink)
            return
        self._or(top_row * self.columns + cell, side[high][down - 1], ink)
        self._or(low_row * self.columns + cell, side[0][low], ink)
        between = slice((top_row + 1) * self.columns + cell, low_row * self.columns + cell, self.columns)
        # A whole column of cells at once: translate() is the OR.
        self._dots[between] = self._dots[between].translate(_OR[side[0][down - 1]])
        self._inks[between] = bytes([ink]) * (low_row - top_row - 1)

    def _or(self, cell: int, bits: int, ink: int) -> None:
        self._dots[cell] |= bits
        self._inks[cell] = ink

    def line(self, x0: int, y0: int, x1: int, y1: int, ink: int) -> None:
        """Join two dots by a line without gaps; each column gets the run of dots that the line crosses there."""
        if x0 > x1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        if x0 == x1:
            self.column(x0, y0, y1, ink)
            return
        across, rise = x1 - x0, y1 - y0
        before = y0
        for x in range(max(x0, 0), min(x1, self.width - 1) + 1):
            # Up to half-way to the next column, so that neighbours meet and none overshoots.
            after = y0 + (rise * (2 * (x - x0) + 1)) // (2 * across) if x < x1 else y1
            self.column(x, before, after, ink)
            before = after

    def row(self, number: int) -> list[tuple[str, int]]:
        """The cells of one row as (character, ink); ink 0 is an empty cell."""
        start = number * self.columns
        stop = start + self.columns
        chars = _ASCII if self._ascii else None
        return [
            (chars[dots] if chars else chr(_BRAILLE + dots) if dots else " ", ink)
            for dots, ink in zip(self._dots[start:stop], self._inks[start:stop], strict=True)
        ]
