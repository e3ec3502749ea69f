"""What a version is, as lines: for its page and for the preview beside a list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from localart_tui.glyphs import Glyphs, size_bar, sparkline
from localart_tui.lines import Line
from localart_tui.places import Place
from localart_tui.text import ago, clean, count_text, duration_text, pad, size_text, time_text
from localart_tui.tones import Tone

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from localart.model import RunRecord
    from localart_tui.data.artifacts import ArtifactLine
    from localart_tui.data.versions import VersionFacts
    from localart_tui.ui import Part

_LABEL = 12
_SHOWN_RUNS = 8
_SHOWN_KEYS = 12
_PROSE = 2_000
_BLANK: list[tuple[str, Tone]] = [(" ", Tone.TEXT)]


def state_sign(glyphs: Glyphs, state: str) -> tuple[str, Tone]:
    """A run's state as a sign and its tone."""
    match state:
        case "running":
            return glyphs.running, Tone.WARN
        case "finished":
            return glyphs.good, Tone.GOOD
        case "killed":
            return glyphs.killed, Tone.BAD
        case "failed" | "crashed":
            return glyphs.bad, Tone.BAD
    return "", Tone.DIM


def fact(name: str, *parts: Part) -> list[Part]:
    """One line: a name and what it is."""
    return [(f"{name:<{_LABEL}}", Tone.DIM), *parts]


def rule(glyphs: Glyphs, title: str, width: int) -> list[Part]:
    """A headed line across."""
    head = f"{glyphs.rule * 2} {title} "
    return [(head + glyphs.rule * max(width - len(head), 0), Tone.FAINT)]


def version_lines(facts: VersionFacts, glyphs: Glyphs, now: datetime | None = None) -> list[Line]:
    """Everything about a version but its metadata and files; runs and its project lead to their pages."""
    version = facts.version
    rows = [
        [(version.label, Tone.STRONG), (f"   {version.type}", Tone.TYPE)],
        _BLANK,
        fact("aliases", *_joined(version.aliases, Tone.ALIAS)),
        fact("tags", *_joined(version.tags, Tone.ACCENT)),
        fact(
            "size",
            (f"{size_text(version.size_bytes)} in {count_text(version.file_count, 'file')}", Tone.TEXT),
        ),
        fact(
            "logged",
            (time_text(version.created_at), Tone.TEXT),
            (f"   {ago(version.created_at, now)}", Tone.DIM),
        ),
        fact("digest", (version.digest.hex(), Tone.DIM)),
        fact("state", *_state(facts, glyphs)),
    ]
    return [
        *map(Line, rows),
        Line(fact("project", (version.project, Tone.TEXT)), Place("artifacts", version.project)),
        Line(_BLANK),
        Line(fact("made by", *_run(facts.made_by, glyphs)), run_place(facts.made_by)),
        *_users(facts, glyphs),
        *map(Line, _prose("description", version.description)),
    ]


def run_place(run: RunRecord | None) -> Place | None:
    """The page of a run."""
    return None if run is None else Place("run", f"run:{run.id}")


def _joined(words: Sequence[str], tone: Tone) -> list[Part]:
    return [(", ".join(words), tone)] if words else [("-", Tone.FAINT)]


def _state(facts: VersionFacts, glyphs: Glyphs) -> list[Part]:
    state = facts.version.state.value.lower()
    return (
        [(f"{glyphs.good} {state}", Tone.GOOD)]
        if state == "committed"
        else [(f"{glyphs.gone} {state}", Tone.BAD)]
    )


def _run(run: RunRecord | None, glyphs: Glyphs) -> list[Part]:
    if run is None:
        return [("no run", Tone.FAINT)]
    sign, tone = state_sign(glyphs, run.state.value)
    took = _took(run)
    return [
        (f"{glyphs.run} ", Tone.RUN),
        (clean(run.name, 80), Tone.TEXT),
        (f"  {clean(run.job_type, 40)}" if run.job_type else "", Tone.DIM),
        (f"  {sign} {run.state.value}", tone),
        (f"  {took}" if took else "", Tone.DIM),
    ]


def _took(run: RunRecord) -> str:
    from datetime import datetime

    if not run.finished_at:
        return ""
    try:
        start, end = datetime.fromisoformat(run.created_at), datetime.fromisoformat(run.finished_at)
        return duration_text((end - start).total_seconds())
    except (ValueError, TypeError):
        return ""


def _users(facts: VersionFacts, glyphs: Glyphs) -> list[Line]:
    if not facts.used_by:
        return [Line(fact("used by", ("nothing yet", Tone.FAINT)))]
    shown = facts.used_by[:_SHOWN_RUNS]
    rows = [
        Line(fact("used by" if not at else "", *_run(run, glyphs)), run_place(run))
        for at, run in enumerate(shown)
    ]
    if facts.user_count > len(shown):
        more = f"{glyphs.ellipsis} and {facts.user_count - len(shown):,} more"
        rows.append(Line(fact("", (more, Tone.DIM))))
    return rows


def _prose(name: str, text: str | None) -> list[list[Part]]:
    if not text:
        return []
    found = text[:_PROSE].split("\n")
    return [
        _BLANK,
        [(name, Tone.DIM)],
        *([(f"  {clean(line, 400)}", Tone.TEXT)] for line in found[:40]),
    ]


def preview_lines(
    facts: VersionFacts, sizes: Sequence[float], glyphs: Glyphs, width: int
) -> list[list[Part]]:
    """A version for a narrow pane: the same, shorter, with its metadata and how the sizes went."""
    version = facts.version
    digest = version.digest.hex()
    rows = [
        [(clean(version.label, width), Tone.STRONG)],
        [(clean(version.type, width), Tone.TYPE)],
        fact("aliases", *_joined(version.aliases, Tone.ALIAS)),
        fact(
            "size", (f"{size_text(version.size_bytes)}, {count_text(version.file_count, 'file')}", Tone.TEXT)
        ),
        fact("logged", (ago(version.created_at), Tone.TEXT)),
        fact("digest", (f"{digest[:8]}{glyphs.ellipsis}{digest[-4:]}", Tone.DIM)),
        fact("made by", *_run(facts.made_by, glyphs)[:2]),
        fact("used by", (count_text(facts.user_count, "run"), Tone.TEXT)),
    ]
    if version.metadata:
        rows += [_BLANK, rule(glyphs, "metadata", width)]
        rows += metadata_lines(version.metadata, limit=_SHOWN_KEYS, glyphs=glyphs)
    if len(sizes) > 1:
        rows += [_BLANK, rule(glyphs, "size of each version", width)]
        rows.append([(sparkline(glyphs, list(sizes), max(width - 2, 1)), Tone.BAR)])
        rows.append([(f"{size_text(round(min(sizes)))} to {size_text(round(max(sizes)))}", Tone.DIM)])
    if version.description:
        rows += [_BLANK, rule(glyphs, "description", width)]
        rows += [[(clean(line, 400), Tone.TEXT)] for line in version.description[:_PROSE].split("\n")[:12]]
    return rows


def type_lines(kind: str, members: Sequence[ArtifactLine], glyphs: Glyphs, width: int) -> list[list[Part]]:
    """All artifacts of a type for a narrow pane: how many, how large, and the largest of them."""
    largest = sorted(members, key=lambda line: line.size_bytes, reverse=True)[:_SHOWN_KEYS]
    top = largest[0].size_bytes if largest else 0
    bar = max(width - 34, 4)
    rows = [
        [(clean(kind, width), Tone.STRONG)],
        fact("artifacts", (f"{len(members):,}", Tone.TEXT)),
        fact("versions", (f"{sum(line.version_count for line in members):,}", Tone.TEXT)),
        fact("size", (size_text(sum(line.size_bytes for line in members)), Tone.TEXT)),
        _BLANK,
        rule(glyphs, "largest", width),
    ]
    rows += [
        [
            (pad(line.name, 20, keep_end=True), Tone.TEXT),
            (f" {size_text(line.size_bytes):>9}  ", Tone.DIM),
            (size_bar(glyphs, line.size_bytes / top if top else 0, bar), Tone.BAR),
        ]
        for line in largest
    ]
    return rows


def metadata_lines(values: Mapping[str, Any], *, limit: int, glyphs: Glyphs) -> list[list[Part]]:
    """The first keys and their values."""
    rows = [
        fact(clean(key, 40), (value_text(value, 200), Tone.TEXT))
        for key, value in list(values.items())[:limit]
    ]
    if len(values) > limit:
        rows.append([(f"{glyphs.ellipsis} {len(values) - limit} more", Tone.DIM)])
    return rows


def value_text(value: object, limit: int = 400) -> str:
    """A value of metadata on one line: texts as they are, the rest as JSON."""
    if isinstance(value, str):
        return clean(value, limit)
    return clean(json.dumps(value, ensure_ascii=False, default=str)[: limit * 2], limit)
