"""Sizes, times and counts as people read them."""

from datetime import UTC, datetime

_UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")


def size_text(size_bytes: int) -> str:
    """`0 B`, `999 B`, `1.2 kB`, `27.3 MB`: decimal units, as disks are sold and `df --si` counts."""
    if abs(size_bytes) < 1000:
        return f"{size_bytes} B"
    value = size_bytes / 1000
    units = iter(_UNITS)
    unit = next(units)
    while abs(value) >= 999.95 and (larger := next(units, None)):
        value, unit = value / 1000, larger
    return f"{value:.1f} {unit}"


def count_text(count: int, noun: str) -> str:
    """`1 file`, `12,345 files`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def time_text(iso: str | None) -> str:
    """A stored UTC time in the reader's own zone: `2026-01-31 12:00`; as it stands when it is no time."""
    moment = _moment(iso)
    return (iso or "") if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M")


def _moment(iso: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(iso) if iso else None
    except ValueError:
        return None


def duration_text(start: str | None, end: str | None) -> str:
    """How long from one stored time to another (or to now): `3.2 s`, `4 min 05 s`, `2 h 03 min`."""
    first, last = _moment(start), _moment(end) if end else datetime.now(UTC)
    if first is None or last is None:
        return ""
    return seconds_text((last - first).total_seconds())


def seconds_text(seconds: float) -> str:
    """`3.2 s`, `4 min 05 s`, `2 h 03 min`, `5 d 01 h`."""
    if seconds < 60:
        return f"{max(seconds, 0.0):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours:02} h"


def share_text(part: int, whole: int) -> str:
    """`35 %`; nothing when there is no whole."""
    return f"{100 * part / whole:.0f} %" if whole > 0 else ""
