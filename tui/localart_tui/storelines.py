"""How the store's health reads: bytes as bars, what is at work, what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localart.cli.figures import share_text
from localart_tui.data.store_health import codec_name
from localart_tui.glyphs import Glyphs, size_bar
from localart_tui.lines import Line
from localart_tui.text import ago, clean, count_text, size_text
from localart_tui.tones import Tone

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from localart_tui.data.store_health import Command, Health, Pack
    from localart_tui.ui import Part

_NAME = 11
_FIGURE = 10
_BAR = 24
_LITTLE_SPACE_BYTES = 1 << 30
_MOST_PACKS = 2_000
_MOST_LISTED = 10
_WIDE = 72


def overview_lines(health: Health, checked: tuple[str, ...] | None, glyphs: Glyphs, width: int) -> list[Line]:
    """Everything in one page."""
    return [
        *_section("Bytes", _bytes_lines(health, glyphs, width)),
        *_section("Holds", _holds_lines(health)),
        *_section("Catalog and disk", _catalog_lines(health, glyphs)),
        *_section("At work now", _work_lines(health, glyphs)),
        *_section("Sound?", _sound_lines(health, checked, glyphs)),
    ]


def _section(title: str, lines: Iterator[Line]) -> Iterator[Line]:
    yield Line([(title, Tone.STRONG)])
    yield from lines
    yield Line([(" ", Tone.TEXT)])


def _fact(name: str, *parts: Part) -> Line:
    return Line([(f"  {name:<{_NAME}}", Tone.DIM), *parts])


def _bytes_lines(health: Health, glyphs: Glyphs, width: int) -> Iterator[Line]:
    figures = health.figures
    whole = max(figures.logged_bytes, 1)
    packed = sum(pack.size_bytes or 0 for pack in health.packs)
    unneeded = sum(pack.unneeded_bytes for pack in health.packs)
    rows = (
        ("logged", figures.logged_bytes, "every version written out whole"),
        ("unique", figures.unique_bytes, _saved("dedup", figures.logged_bytes, figures.unique_bytes)),
        ("stored", figures.stored_bytes, _saved("compression", figures.unique_bytes, figures.stored_bytes)),
        ("packs", packed, f"{count_text(len(health.packs), 'file')}, {size_text(unneeded)} of it not needed"),
    )
    for name, size, says in rows:
        bar = size_bar(glyphs, min(size / whole, 1), _BAR) if width >= _WIDE else ""
        yield _fact(
            name,
            (f"{size_text(size):>{_FIGURE}}  ", Tone.TEXT),
            (f"{bar}  " if bar else "", Tone.BAR),
            (says, Tone.DIM),
        )


def _saved(by: str, before: int, after: int) -> str:
    share = share_text(max(before - after, 0), before)
    times = f", {before / after:,.1f} times smaller" if 0 < after * 1.05 < before else ""
    return f"{by} saves {share}{times}" if share else ""


def _holds_lines(health: Health) -> Iterator[Line]:
    figures = health.figures
    yield _fact(
        "",
        (
            f"{count_text(figures.project_count, 'project')} · {count_text(figures.artifact_count, 'artifact')} · ",
            Tone.TEXT,
        ),
        (
            f"{count_text(figures.version_count, 'version')} · {count_text(figures.run_count, 'run')} · ",
            Tone.TEXT,
        ),
        (count_text(figures.blob_count, "blob"), Tone.TEXT),
    )
    if health.trash_count:
        yield _fact(
            "trash",
            (f"{count_text(health.trash_count, 'version')}, {size_text(health.trash_bytes)}", Tone.WARN),
        )


def _catalog_lines(health: Health, glyphs: Glyphs) -> Iterator[Line]:
    settings, place = health.settings, health.place
    yield _fact("place", (clean(str(place.path), 400), Tone.TEXT))
    free_pages = settings.free_pages * settings.page_bytes
    yield _fact(
        "database",
        (f"{size_text(place.database_bytes or 0):>{_FIGURE}}  ", Tone.TEXT),
        (f"format {settings.format}, {size_text(free_pages)} of it free", Tone.DIM),
    )
    yield _fact("WAL", (f"{size_text(health.wal_bytes):>{_FIGURE}}  ", Tone.TEXT), (_wal(health), Tone.DIM))
    if place.free_bytes is not None:
        little = place.free_bytes < _LITTLE_SPACE_BYTES
        yield _fact(
            "free",
            (f"{size_text(place.free_bytes):>{_FIGURE}}  ", Tone.BAD if little else Tone.TEXT),
            (f"{glyphs.warning} that is little" if little else "where the store lies", Tone.DIM),
        )
    if place.network:
        yield _fact(
            "",
            (f"{glyphs.warning} on a network file system: slower, and its locks are its server's", Tone.WARN),
        )


def _wal(health: Health) -> str:
    return "what was written last, and is not merged yet" if health.wal_bytes else "all is merged"


def _work_lines(health: Health, glyphs: Glyphs) -> Iterator[Line]:
    if health.holders is None:
        yield _fact("", ("this system does not say who holds which lock", Tone.DIM))
        return
    for holder in health.holders[:_MOST_LISTED]:
        yield _fact(
            "writer",
            (f"{glyphs.live} process {holder.pid} ", Tone.GOOD),
            (f"{clean(holder.program, 40)}  holds {_lock_words(holder.what)}", Tone.DIM),
        )
    if health.alive:
        yield _fact("running", (_few(health.alive), Tone.RUN))
    if health.stale:
        yield _fact("", (f"{glyphs.warning} ended without saying so: {_few(health.stale)}", Tone.WARN))
    if not health.holders and not health.stale:
        yield _fact("", ("nobody writes; no lease is held", Tone.DIM))


def _lock_words(name: str) -> str:
    if name.endswith(".pack"):
        return f"pack {name[:8]}…"
    known = {
        "lease.lock": "a lease: its draft relies on stored bytes",
        "writer.lock": "the catalog, to write",
    }
    return known.get(name) or ("a run" if name.startswith("run-") else clean(name, 40))


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED:,} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(clean(name, 80) for name in names[:_MOST_LISTED]) + more


def _sound_lines(health: Health, checked: tuple[str, ...] | None, glyphs: Glyphs) -> Iterator[Line]:
    broken = [pack for pack in health.packs if pack.is_broken]
    if broken:
        yield _fact(
            "packs", (f"{glyphs.bad} {count_text(len(broken), 'pack')} missing or too short", Tone.BAD)
        )
    else:
        yield _fact("packs", (f"{glyphs.good} ", Tone.GOOD), ("all there, none too short", Tone.TEXT))
    if checked is None:
        yield _fact("database", ("not looked at yet: i lets SQLite check it", Tone.DIM))
    elif checked:
        for text in checked[:_MOST_LISTED]:
            yield _fact("database", (f"{glyphs.bad} {clean(text, 300)}", Tone.BAD))
    else:
        yield _fact(
            "database",
            (f"{glyphs.good} ", Tone.GOOD),
            ("sound, as far as SQLite's quick check sees", Tone.TEXT),
        )
    yield from _verified_lines(health, glyphs)


def _verified_lines(health: Health, glyphs: Glyphs) -> Iterator[Line]:
    for mark in health.verified:
        since = health.last_change - mark.last_change
        good = not mark.damage_count
        yield _fact(
            "verified",
            (f"{glyphs.good if good else glyphs.bad} ", Tone.GOOD if good else Tone.BAD),
            (f"{ago(mark.time)}, {clean(mark.words, 80)}", Tone.TEXT if good else Tone.BAD),
            (f"; {count_text(since, 'change')} since" if since > 0 else "", Tone.DIM),
        )
    if not health.verified:
        yield _fact("verified", ("never: `localart verify --data` reads every byte", Tone.DIM))


# --- packs -------------------------------------------------------------------------------------------


def pack_lines(health: Health, glyphs: Glyphs) -> list[Line]:
    """How bytes are stored, then every pack; those in trouble first."""
    return [
        *_section("Stored as", _codec_lines(health, glyphs)),
        *_section(f"Packs ({len(health.packs):,})", _each_pack(health.packs, glyphs)),
    ]


def _codec_lines(health: Health, glyphs: Glyphs) -> Iterator[Line]:
    most = max((codec.stored_bytes for codec in health.codecs), default=1)
    for codec in health.codecs:
        yield Line(
            [
                (f"  {codec_name(codec):<36}", Tone.DIM),
                (f"{size_text(codec.stored_bytes):>{_FIGURE}}  ", Tone.TEXT),
                (f"{size_bar(glyphs, codec.stored_bytes / max(most, 1), 12)}  ", Tone.BAR),
                (f"of {size_text(codec.raw_bytes)} in {count_text(codec.frame_count, 'frame')}", Tone.DIM),
            ]
        )
    if not health.codecs:
        yield Line([("  nothing is stored yet", Tone.DIM)])


def _each_pack(packs: Sequence[Pack], glyphs: Glyphs) -> Iterator[Line]:
    ordered = sorted(packs, key=lambda pack: (not pack.is_broken, -pack.unneeded_bytes))
    for pack in ordered[:_MOST_PACKS]:
        size = "missing" if pack.size_bytes is None else size_text(pack.size_bytes)
        yield Line(
            [
                (f"  {clean(pack.name, 40):<34}", Tone.DIM),
                (f"{size:>{_FIGURE}}  ", Tone.BAD if pack.is_broken else Tone.TEXT),
                _pack_state(pack, glyphs),
            ]
        )
    if len(packs) > _MOST_PACKS:
        yield Line([(f"  and {len(packs) - _MOST_PACKS:,} more", Tone.FAINT)])


def _pack_state(pack: Pack, glyphs: Glyphs) -> Part:
    if pack.is_broken:
        return (f"{glyphs.bad} {size_text(pack.end or 0)} of it are relied on", Tone.BAD)
    if pack.end is None:
        return ("no row names it: a writer's, or left by one that died", Tone.WARN)
    if pack.unneeded_bytes:
        return (f"{size_text(pack.unneeded_bytes)} behind what was committed", Tone.DIM)
    return (glyphs.good, Tone.GOOD)


# --- commands ------------------------------------------------------------------------------------------


def command_lines(found: Sequence[Command]) -> list[Line]:
    """Each command with what it does below it; the browser runs none."""
    head = Line([("Nothing here changes the store. Enter copies a command, to be run in a shell.", Tone.DIM)])
    lines = [head, Line([(" ", Tone.TEXT)])]
    for command in found:
        lines += [
            Line([("  ", Tone.TEXT), (clean(command.text), Tone.ACCENT)]),
            Line([(f"      {command.says}", Tone.DIM)]),
        ]
    return lines


def command_at(found: Sequence[Command], row_id: str) -> str:
    """The command that the line with this id belongs to, or ""."""
    at = (int(row_id) - 2) // 2 if row_id.isdecimal() else -1
    return found[at].text if 0 <= at < len(found) and int(row_id) >= 2 else ""
