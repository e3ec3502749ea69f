"""The first tab of a run: what it is, how it ended, what it used and made, and how its metrics went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.containers import Horizontal

from localart.cli.figures import duration_text
from localart_tui.describe import rule, state_sign
from localart_tui.places import Place, View
from localart_tui.screens.run_tabs.columns import number_text
from localart_tui.screens.run_tabs.facts import FactLine, FactTable
from localart_tui.text import ago, clean, count_text, pad, size_text, time_text
from localart_tui.tones import Tone
from localart_tui.ui import glyphs_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import ComposeResult

    from localart.catalog.runs import AlertRecord
    from localart_tui.data.run_page import MetricLine, RunFacts
    from localart_tui.glyphs import Glyphs
    from localart_tui.ui import Part

WIDE = 120
_LABEL = 10
_LEAST_NAME, _MOST_NAME = 14, 40
_BESIDE_NAME = 42
_ERROR_LINES = 12
_SHOWN_METRICS = 12
_ALERTS = 6
_PROSE = 2_000
_LEVELS = {"INFO": Tone.ACCENT, "WARN": Tone.WARN, "ERROR": Tone.BAD}


class Overview(Horizontal):
    """Facts; beside them, where there is room, inputs, outputs and metrics, else below them."""

    DEFAULT_CSS = """
    Overview > #facts { width: 1fr; }
    Overview > #links { width: 1fr; border-left: vkey $panel; display: none; }
    Overview.-wide > #links { display: block; }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._facts: RunFacts | None = None

    def compose(self) -> ComposeResult:
        """Two lists."""
        self.set_class(self.app.size.width >= WIDE, "-wide")
        yield FactTable(id="facts")
        yield FactTable(id="links")

    @property
    def table(self) -> FactTable:
        """The list one is in."""
        links = self.query_one("#links", FactTable)
        return links if links.has_focus and self.has_class("-wide") else self.query_one("#facts", FactTable)

    def show(self, facts: RunFacts, *, cursor: str = "", scroll: int | None = None) -> None:
        """Show a run; the same one again moves nothing."""
        self._facts = facts
        glyphs = glyphs_of(self)
        wide = self.has_class("-wide")
        self.query_one("#facts", FactTable).set_lines(
            [*_about(facts, glyphs), *([] if wide else _below(facts, glyphs, self.size.width))],
            cursor=cursor,
            scroll=scroll,
        )
        if wide:
            self.query_one("#links", FactTable).set_lines(list(_around(facts, glyphs, self.size.width // 2)))

    def on_resize(self) -> None:
        """Two lists need a wide screen."""
        self.set_class(self.size.width >= WIDE, "-wide")
        if self._facts is not None:
            self.show(self._facts)

    def other_side(self) -> None:
        """Go to the other list."""
        if self.has_class("-wide"):
            other = "#facts" if self.table.id == "links" else "#links"
            self.query_one(other, FactTable).focus()


# --- what it is ------------------------------------------------------------------------------------------


def _about(facts: RunFacts, glyphs: Glyphs) -> Iterator[FactLine]:
    run = facts.run
    yield FactLine(key="name", parts=((clean(run.name, 400), Tone.STRONG), (_kind(facts), Tone.TYPE)))
    yield FactLine(key="state", parts=(*_state(facts, glyphs),))
    yield _blank("start")
    yield _fact("started", time_text(run.created_at), f"   {ago(run.created_at)}")
    if run.finished_at:
        yield _fact("ended", time_text(run.finished_at))
    took = "" if facts.is_dead else duration_text(run.created_at, run.finished_at)
    if took:
        yield _fact("took", took)
    if facts.last_step is not None:
        yield _fact("last step", f"{facts.last_step:,}")
    if run.exit_code:
        yield _fact("exit code", f"{run.exit_code}")
    yield _blank("names")
    yield _fact("id", run.id)
    yield _fact("project", run.project, place=Place("runs", run.project))
    if run.group:
        yield _fact("group", run.group, place=Place("runs", run.project, view=_group_view(run.group)))
    yield _fact("tags", ", ".join(run.tags), tone=Tone.ALIAS)
    yield from _surroundings(run.facts)
    yield from _prose("notes", run.notes)
    yield from _error(facts, glyphs)
    yield from _alerts(facts.alerts, glyphs)


def _group_view(group: str) -> View:
    return View(filter=f"group={group}" if " " not in group else f'"{group}"')


def _kind(facts: RunFacts) -> str:
    return f"   {clean(facts.run.job_type, 100)}" if facts.run.job_type else ""


def _state(facts: RunFacts, glyphs: Glyphs) -> list[Part]:
    state = facts.run.state.value
    sign, tone = state_sign(glyphs, state)
    parts: list[Part] = [(f"{sign} {state}", tone)]
    if facts.is_running:
        parts.append((f"   last heard of {ago(facts.heard_at)}", Tone.DIM))
    if facts.is_dead:
        parts.append(("   its process ended without finishing the run", Tone.DIM))
    return parts


def _fact(
    name: str, value: str, more: str = "", *, tone: Tone = Tone.TEXT, place: Place | None = None
) -> FactLine:
    shown: Part = (clean(value, 400), tone) if value else ("-", Tone.FAINT)
    parts: tuple[Part, ...] = ((pad(name, _LABEL) + "  ", Tone.DIM), shown, (more, Tone.DIM))
    return FactLine(key=name, parts=parts, place=place, title=name, text=value if len(value) > 60 else "")


def _blank(key: str) -> FactLine:
    return FactLine(key=f"blank:{key}", parts=((" ", Tone.TEXT),))


def _surroundings(noted: Any) -> Iterator[FactLine]:
    """What ran: the script, git, Python, the machine, as far as it was noted."""
    found = noted if hasattr(noted, "items") else {}
    git = found.get("git")
    rows = [
        ("program", found.get("program")),
        ("git", _git(git) if isinstance(git, dict) else None),
        ("python", found.get("python")),
        ("host", found.get("host")),
        ("user", found.get("user")),
        ("folder", found.get("cwd")),
    ]
    known = [(name, str(value)) for name, value in rows if value]
    if known:
        yield _blank("surroundings")
    for name, value in known:
        yield _fact(name, value)


def _git(git: dict[str, Any]) -> str:
    commit, branch = str(git.get("commit") or "")[:12], str(git.get("branch") or "")
    return "  ".join(word for word in (commit, branch) if word)


def _prose(name: str, text: str | None) -> Iterator[FactLine]:
    if not text:
        return
    yield _blank(name)
    yield FactLine(key=name, parts=((name, Tone.HEADER),), title=name, text=text[:_PROSE])
    for number, line in enumerate(text[:_PROSE].split("\n")[:20]):
        yield FactLine(
            key=f"{name}:{number}", parts=((f"  {clean(line, 400)}", Tone.TEXT),), title=name, text=text
        )


def _error(facts: RunFacts, glyphs: Glyphs) -> Iterator[FactLine]:
    """The last lines of the traceback; Enter shows all of it."""
    text = (facts.run.error or "").rstrip()
    if not text:
        return
    yield _blank("error")
    yield FactLine(
        key="error", parts=((f"{glyphs.bad} what went wrong", Tone.BAD),), title="What went wrong", text=text
    )
    lines = text.split("\n")
    if len(lines) > _ERROR_LINES:
        more = f"  {glyphs.ellipsis} {len(lines) - _ERROR_LINES} lines before, Enter shows them"
        yield FactLine(key="error:more", parts=((more, Tone.FAINT),), title="What went wrong", text=text)
    for number, line in enumerate(lines[-_ERROR_LINES:]):
        last = number == min(len(lines), _ERROR_LINES) - 1
        yield FactLine(
            key=f"error:{number}",
            parts=((f"  {clean(line.expandtabs(4), 400)}", Tone.BAD if last else Tone.DIM),),
            title="What went wrong",
            text=text,
        )


def _alerts(alerts: Sequence[AlertRecord], glyphs: Glyphs) -> Iterator[FactLine]:
    if not alerts:
        return
    yield _blank("alerts")
    yield FactLine(key="alerts", parts=((count_text(len(alerts), "alert"), Tone.HEADER),))
    for number, alert in list(enumerate(alerts))[-_ALERTS:]:
        tone = _LEVELS.get(alert.level, Tone.TEXT)
        yield FactLine(
            key=f"alert:{number}",
            parts=(
                (f"  {glyphs.warning} {pad(alert.level, 5)} ", tone),
                (f"{pad(ago(alert.time), 10)}  ", Tone.DIM),
                (clean(alert.title, 200), Tone.STRONG),
                (f"  {clean(alert.text, 200)}", Tone.TEXT),
            ),
            title=f"{alert.level}: {alert.title}",
            text=alert.text,
        )


# --- what it used, made and measured -----------------------------------------------------------------------


def _below(facts: RunFacts, glyphs: Glyphs, width: int) -> Iterator[FactLine]:
    yield _blank("around")
    yield from _around(facts, glyphs, width)


def _around(facts: RunFacts, glyphs: Glyphs, width: int) -> Iterator[FactLine]:
    yield from _links(facts, "inputs", glyphs, width)
    yield from _links(facts, "outputs", glyphs, width)
    yield from _metrics(facts.metrics, facts.address, glyphs, width)


def _links(facts: RunFacts, name: str, glyphs: Glyphs, width: int) -> Iterator[FactLine]:
    links, ids = (facts.inputs, facts.input_ids) if name == "inputs" else (facts.outputs, facts.output_ids)
    address, count = facts.address, len(ids)
    room = _name_width(width)
    yield _head(name, f"{count:,}" if count else "none", glyphs, width)
    for link in links:
        line = link.line
        yield FactLine(
            key=f"{name}:{line.id}",
            parts=(
                (f"{glyphs.version} ", Tone.VERSION),
                (pad(f"{line.artifact}:v{line.number}", room, keep_end=True), Tone.TEXT),
                (f"  {pad(line.type, 10)}", Tone.TYPE),
                (f"  {pad(size_text(line.size_bytes), 9, right=True)}", Tone.DIM),
                (f"  {clean(', '.join(line.aliases), 100)}", Tone.ALIAS),
            ),
            place=Place("artifact", f"{line.project}/{line.artifact}:v{line.number}"),
        )
    if count > len(links):
        more = f"{glyphs.ellipsis} and {count - len(links):,} more"
        place = Place("run", address, view=View(tab=name))
        yield FactLine(key=f"{name}:more", parts=((more, Tone.DIM),), place=place)
    yield _blank(f"after {name}")


def _metrics(metrics: Sequence[MetricLine], address: str, glyphs: Glyphs, width: int) -> Iterator[FactLine]:
    yield _head("metrics", f"{len(metrics):,}" if metrics else "none", glyphs, width)
    for metric in metrics[:_SHOWN_METRICS]:
        yield FactLine(
            key=f"metric:{metric.name}",
            parts=(
                (pad(metric.name, _name_width(width) + 2, keep_end=True), Tone.TEXT),
                (f"  {pad(number_text(metric.last), 10, right=True)}", Tone.STRONG),
                (f"  {metric.spark}", Tone.BAR),
            ),
            place=Place("run", address, view=View(tab="charts", cursor=metric.name)),
        )
    if len(metrics) > _SHOWN_METRICS:
        more = f"{glyphs.ellipsis} and {len(metrics) - _SHOWN_METRICS:,} more"
        yield FactLine(
            key="metric:more", parts=((more, Tone.DIM),), place=Place("run", address, view=View(tab="charts"))
        )


def _name_width(width: int) -> int:
    return max(_LEAST_NAME, min(width - _BESIDE_NAME, _MOST_NAME))


def _head(name: str, count: str, glyphs: Glyphs, width: int) -> FactLine:
    return FactLine(key=f"head:{name}", parts=tuple(rule(glyphs, f"{name}  {count}", max(width - 4, 20))))
