"""The columns of the list of runs, and what stands in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localart.cli.figures import duration_text
from localart_tui.data.runs import SHOWN_METRICS, SPARK_CELLS
from localart_tui.describe import state_sign
from localart_tui.table import Column
from localart_tui.text import ago, clean, time_text
from localart_tui.tones import Tone

if TYPE_CHECKING:
    from collections.abc import Callable

    from localart_tui.columns import Cell
    from localart_tui.data.runs import RunRow, Telling
    from localart_tui.glyphs import Glyphs

SETS = 2
"""How many sets of columns there are: what runs came to, and how they were told to go about it."""
ROOMY = 110

_STATE = Column(key="state", title="", least=1, most=10, sort="state")
_NAME = Column(key="name", title="Name", least=14, most=44, grow=2, keep_end=True, sort="name")


def columns_for(telling: Telling, number: int) -> tuple[Column, ...]:
    """A set of columns; the metrics or settings among them are those that tell most."""
    when = Column(
        key="started",
        title="Started",
        least=9,
        most=16,
        right=True,
        priority=3,
        tone=Tone.DIM,
        sort="created",
    )
    job = Column(key="job", title="Job", least=5, most=16, priority=4, tone=Tone.DIM, sort="job")
    took = Column(
        key="took", title="Took", least=8, most=12, right=True, priority=5, tone=Tone.DIM, sort="seconds"
    )
    if number % SETS:
        group = Column(key="group", title="Group", least=6, most=20, priority=5, tone=Tone.DIM, sort="group")
        notes = Column(key="notes", title="Notes", least=10, most=60, grow=1, priority=8, tone=Tone.DIM)
        settings = [_setting(name, place) for place, name in enumerate(telling.settings)]
        return (_STATE, _NAME, group, *settings, *_counts(), notes)
    tags = Column(key="tags", title="Tags", least=6, most=18, priority=9, tone=Tone.ALIAS)
    metrics = [
        column
        for place, name in enumerate(telling.metrics[:SHOWN_METRICS])
        for column in _metric(name, place)
    ]
    return (_STATE, _NAME, job, *metrics, when, took, tags)


def _metric(name: str, place: int) -> tuple[Column, Column]:
    title = clean(name, 60)
    return (
        Column(
            key=f"value:{name}",
            title=title,
            least=6,
            most=12,
            right=True,
            priority=1 + 5 * place,
            sort=f"summary.{name}",
        ),
        Column(
            key=f"spark:{name}",
            title="",
            least=SPARK_CELLS,
            most=SPARK_CELLS,
            priority=2 + 5 * place,
            tone=Tone.BAR,
        ),
    )


def _setting(name: str, place: int) -> Column:
    return Column(
        key=f"setting:{name}", title=clean(name, 60), least=5, most=14, right=True, priority=1 + place
    )


def _counts() -> tuple[Column, Column]:
    return (
        Column(key="inputs", title="In", least=3, most=6, right=True, priority=6, tone=Tone.DIM),
        Column(
            key="outputs", title="Out", least=3, most=6, right=True, priority=6, tone=Tone.DIM, sort="outputs"
        ),
    )


def fields_of(row: RunRow, glyphs: Glyphs, *, width: int) -> Callable[[str], Cell]:
    """What stands in the column with a key. Sparklines come from elsewhere."""

    def field(key: str) -> Cell:
        kind, _, name = key.partition(":")
        match kind:
            case "value":
                return number_text(row.values.get(name))
            case "setting":
                return number_text(row.settings.get(name))
            case "state":
                return state_cell(row.state, glyphs, with_word=width >= ROOMY)
            case "started":
                return time_text(row.line.created_at) if width >= 160 else ago(row.line.created_at)
            case "took":
                return took_text(row)
        return _plain(row, kind)

    return field


def _plain(row: RunRow, kind: str) -> str:
    line = row.line
    match kind:
        case "name":
            return line.name
        case "job":
            return line.job_type
        case "group":
            return line.group
        case "tags":
            return ", ".join(line.tags)
        case "notes":
            return line.notes
        case "inputs":
            return f"{line.input_count:,}" if line.input_count else ""
        case "outputs":
            return f"{line.output_count:,}" if line.output_count else ""
    return ""


def state_cell(state: str, glyphs: Glyphs, *, with_word: bool) -> Cell:
    """A state's sign, and its word where there is room. What is as it should be has no colour."""
    sign, tone = state_sign(glyphs, state)
    if state == "finished":
        tone = Tone.DIM
    return (f"{sign} {state}" if with_word else sign, tone)


def took_text(row: RunRow) -> str:
    """How long the run took, or has been going on; of a dead one nobody knows."""
    if row.is_running or row.line.finished_at:
        return duration_text(row.line.created_at, row.line.finished_at)
    return ""


def number_text(value: object) -> str:
    """A number in about four digits, a text as it is; nothing for nothing."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return (
                f"{value:,}"
                if abs(value) < 10**7
                else f"{float(value):.4g}"
                if abs(value) < 10**300
                else "huge"
            )
        case float():
            return f"{value:.4g}"
    return str(value)[:200]
