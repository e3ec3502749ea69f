"""Config or summary of a run as a list of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localart_tui.data.metadata import FIELDS, ValueRow, chosen_rows, flatten
from localart_tui.filtering import parse_filter
from localart_tui.source import ListSource
from localart_tui.table import Cell, Column, VirtualTable
from localart_tui.text import count_text
from localart_tui.tones import Tone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COLUMNS = (
    Column(key="key", title="Key", least=10, most=48, grow=1, tone=Tone.KEY),
    Column(key="value", title="Value", least=12, most=400, grow=2),
    Column(key="kind", title="", least=6, most=6, priority=1, tone=Tone.FAINT),
)
_TONES = {"number": Tone.VERSION, "text": Tone.TEXT, "bool": Tone.ACCENT}


class ValueTable(VirtualTable):
    """Values by path; the cursor stays on its path while they change."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(_COLUMNS, self._fields, id=id)
        self._values: Mapping[str, Any] | None = None
        self._flat: list[ValueRow] = []

    @staticmethod
    def _fields(row: ValueRow) -> Sequence[Cell]:
        return row.path, (row.text, _TONES.get(row.kind, Tone.DIM)), row.kind

    def show(
        self, values: Mapping[str, Any], filter_text: str, *, cursor: str = "", scroll: int | None = None
    ) -> str:
        """Show the values that meet the filter; how many, in words. UsageError for a filter that cannot be right."""
        if values != self._values:
            self._values, self._flat = values, flatten(values)
        chosen = parse_filter(filter_text, FIELDS)
        rows = list(chosen_rows(self._flat, chosen))
        before = self.source
        source = ListSource(rows, lambda row: row.path)
        is_same = isinstance(before, ListSource) and [row.path for row in before.rows] == [
            row.path for row in rows
        ]
        if is_same and rows and not cursor:
            self.renew(source)
        else:
            self.set_rows(source, cursor=cursor, scroll=scroll)
        return f"{len(rows):,} of {len(self._flat):,}" if chosen else count_text(len(rows), "value")

    def text_of(self, path: str) -> str:
        """The whole value at a path."""
        at = self.source.index_of(path)
        row = None if at is None else self.source.row(at)
        return row.text if isinstance(row, ValueRow) else ""
