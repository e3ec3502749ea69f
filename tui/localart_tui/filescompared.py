"""The files of the compared versions: scanned in a reading thread, shown while they come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localart_tui.data.compare import Change, scan_files
from localart_tui.packed import PackedRows, PackedSource
from localart_tui.reading import read_or_tell
from localart_tui.table import VirtualTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localart.catalog.connection import Connection
    from localart.model import VersionRecord
    from localart.operations.diff import FileComparison
    from localart_tui.screens.compare import ComparePage

_TICK_SECONDS = 0.2


class FilesCompared:
    """What was found, and whether it is all; a page keeps one, so that going to another tab loses nothing.

    What is the same is read only once somebody wants to see it: that takes long, and is seldom asked.
    """

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._rows = PackedRows()
        self._counts: dict[Change, int] = {}
        self._is_whole = False
        self._progress: FileComparison | None = None

    async def show(
        self, page: ComparePage, versions: Sequence[VersionRecord], *, cursor: str, scroll: int | None
    ) -> None:
        """Scan unless that was done, then show what the page wants to see."""
        with_same = Change.SAME in page.shown
        key = (with_same, *(version.digest for version in versions))
        is_enough = self._is_whole and (self._key == key or self._key == (True, *key[1:]))
        if not is_enough:
            self._key, self._rows, self._is_whole = key, PackedRows(), False
            timer = page.set_interval(_TICK_SECONDS, lambda: self._show_some(page, versions))
            try:
                done = await read_or_tell(
                    page, lambda connection: self._scan(connection, versions, with_same=with_same)
                )
            finally:
                timer.stop()
            if done is None:
                return
            self._is_whole = True
        await self._show_all(page, cursor, scroll)

    def _scan(self, connection: Connection, versions: Sequence[VersionRecord], *, with_same: bool) -> bool:
        from localart.operations.diff import FileComparison

        files = self._progress = FileComparison(connection, versions, with_same=with_same)
        scan_files(files, self._rows)
        self._counts = dict(files.counts)
        return True

    def _show_some(self, page: ComparePage, versions: Sequence[VersionRecord]) -> None:
        """How far the scan is; the first rows as soon as there are some."""
        files = self._progress
        if files is None or page.tab != "files":
            return
        counts = dict(files.counts)
        table = page.query_one("#differences", VirtualTable)
        if len(table.source) < page.size.height or not isinstance(table.source, PackedSource):
            table.set_rows(
                PackedSource(self._rows, self._rows.places(page.shown)[:1_000]), cursor=table.cursor_id
            )
        total = max(version.file_count for version in versions)
        page.say_counts(
            counts, len(self._rows), note=f"compared {files.compared:,} of about {total:,} files …"
        )

    async def _show_all(self, page: ComparePage, cursor: str, scroll: int | None) -> None:
        shown, words, rows = page.shown, page.view.filter, self._rows
        places = await read_or_tell(page, lambda _: rows.places(shown, words))
        if places is None or page.tab != "files":
            return
        source = PackedSource(rows, places)
        page.query_one("#differences", VirtualTable).set_rows(source, cursor=cursor, scroll=scroll)
        page.say_counts(self._counts, len(source))
