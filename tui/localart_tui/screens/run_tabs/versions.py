"""The versions that a run used or logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localart_tui.data.run_page import LinkedVersion, linked_versions
from localart_tui.table import Cell, Column, VirtualTable
from localart_tui.text import ago, size_text
from localart_tui.tones import Tone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localart_tui.data.store import Store

_COLUMNS = (
    Column(key="name", title="Version", least=14, most=60, grow=2, keep_end=True),
    Column(key="type", title="Type", least=6, most=16, priority=2, tone=Tone.TYPE),
    Column(key="aliases", title="Aliases", least=8, most=30, priority=4, tone=Tone.ALIAS),
    Column(key="used_as", title="As", least=4, most=16, priority=6, tone=Tone.DIM),
    Column(key="size", title="Size", least=9, right=True, priority=1),
    Column(key="files", title="Files", least=5, most=10, right=True, priority=5, tone=Tone.DIM),
    Column(key="created", title="Logged", least=9, most=10, right=True, priority=3, tone=Tone.DIM),
    Column(key="state", title="", least=1, most=9, priority=1, tone=Tone.BAD),
)


class LinkedTable(VirtualTable):
    """Versions in the order the run came to them; Enter opens one."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(_COLUMNS, self._fields, id=id)
        self._ids: list[int] | None = None

    @staticmethod
    def _fields(row: LinkedVersion) -> Sequence[Cell]:
        line = row.line
        return (
            f"{line.artifact}:v{line.number}",
            line.type,
            ", ".join(line.aliases),
            row.used_as,
            size_text(line.size_bytes),
            f"{line.file_count:,}",
            ago(line.created_at),
            "deleted" if line.state == "DELETED" else "",
        )

    def show(
        self, store: Store, run: int, ids: Sequence[int], *, cursor: str = "", scroll: int | None = None
    ) -> None:
        """Show these versions; the same ones again move nothing."""
        source = linked_versions(store, run, ids)
        if self._ids == list(ids) and not cursor:
            self.renew(source)
        else:
            self._ids = list(ids)
            self.set_rows(source, cursor=cursor, scroll=scroll)

    def address(self, row_id: str) -> str:
        """`project/name:v3` of a row."""
        at = self.source.index_of(row_id)
        row = None if at is None else self.source.row(at)
        if not isinstance(row, LinkedVersion):
            return ""
        return f"{row.line.project}/{row.line.artifact}:v{row.line.number}"
