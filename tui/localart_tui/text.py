"""The only door through which text of a store, a file or an error reaches the screen.

Names, notes, metadata, paths and file contents are written by others: they may hold escape sequences, markup,
half characters or a megabyte in one line. What has passed `clean` is one printable line and nothing else.
"""

from datetime import UTC, datetime

from localart.cli.figures import count_text, seconds_text, size_text, time_text
from localart.lineage import labels

__all__ = [
    "MOST",
    "ago",
    "cell_width",
    "clean",
    "count_text",
    "duration_text",
    "fit",
    "is_plain",
    "pad",
    "size_text",
    "time_text",
]

MOST = 4096

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def clean(text: str, limit: int = MOST) -> str:
    r"""`text` on one printable line of at most `limit` characters; what is invisible is spelled out (`\x1b`)."""
    return labels.clean(text, limit)


def fit(text: str, width: int, *, keep_end: bool = False) -> str:
    """Clean `text` in at most `width` cells; what is cut off shows as `…`.

    `keep_end` keeps a version or number at the end: `mnist-r…:v3`.
    """
    if width < 1:
        return ""
    cleaned = clean(text, max(MOST, width))
    return labels.shorten(cleaned, width) if keep_end else labels.cut(cleaned, width)


def pad(text: str, width: int, *, right: bool = False, keep_end: bool = False) -> str:
    """Clean `text` in exactly `width` cells, to the left or (`right`) to the right of them."""
    fitted = fit(text, width, keep_end=keep_end)
    space = " " * (width - cell_width(fitted))
    return space + fitted if right else fitted + space


def cell_width(text: str) -> int:
    """How many terminal cells clean `text` takes."""
    return labels.cell_width(text)


def is_plain(text: str) -> bool:
    """Whether `text` shows as it is: nothing in it had to be spelled out, so it is safe to copy and paste."""
    return labels.clean(text, max(len(text), 1)) == text


def ago(iso: str | None, now: datetime | None = None) -> str:
    """How long ago a stored time was: `now`, `5 min ago`, `3 h ago`, `2 d ago`; the day after a month."""
    try:
        moment = datetime.fromisoformat(iso) if iso else None
    except ValueError:
        moment = None
    if moment is None:
        return clean(iso or "", 40)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return _ago_seconds((now or datetime.now(UTC)).timestamp() - moment.timestamp(), moment)


def _ago_seconds(seconds: float, moment: datetime) -> str:
    if seconds < -_MINUTE or seconds > 30 * _DAY:
        return moment.astimezone().strftime("%Y-%m-%d")
    if seconds < _MINUTE:
        return "now"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min ago"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR:.0f} h ago"
    return f"{seconds // _DAY:.0f} d ago"


def duration_text(seconds: float | None) -> str:
    """`3.2 s`, `4 min 05 s`, `2 h 03 min`; nothing when it is not known."""
    return "" if seconds is None else seconds_text(seconds)
