"""The signs everything is drawn with: one set for terminals that can show them, one of plain ASCII."""

from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """One set of signs; each takes one cell unless its name is plural."""

    name: str
    # what things are
    run: str
    version: str
    folder_open: str
    folder_closed: str
    file: str
    reference: str
    # where one is
    cursor: str
    mark: str
    separator: str
    tab_left: str
    tab_right: str
    # how things stand
    good: str
    bad: str
    running: str
    crashed: str
    killed: str
    gone: str
    live: str
    warning: str
    # order and direction
    up: str
    down: str
    left: str
    right: str
    arrow: str
    back_arrow: str
    enter: str
    # lines
    rule: str
    bar: str
    corner: str
    branch: str
    trunk: str
    # amounts
    blocks: str
    """Eight heights, low to high, for sparklines."""
    steps: str
    """Widths of a size bar's last cell, thin to full."""
    empty: str
    skeleton: str
    thumb: str
    ellipsis: str
    dot: str
    times: str
    spinner: str


UNICODE = Glyphs(
    name="unicode",
    run="●",
    version="▣",
    folder_open="▾",
    folder_closed="▸",
    file=" ",
    reference="↗",
    cursor="▶",
    mark="●",
    separator="▸",
    tab_left=" ",
    tab_right=" ",
    good="✓",
    bad="✗",
    running="◐",
    crashed="✗",
    killed="■",
    gone="✗",
    live="●",
    warning="!",
    up="▴",
    down="▾",
    left="←",
    right="→",
    arrow="▶",
    back_arrow="◀",
    enter="⏎",
    rule="─",
    bar="│",
    corner="╰",
    branch="├",
    trunk="│",
    blocks="▁▂▃▄▅▆▇█",
    steps="▏▎▍▌▋▊▉█",
    empty="·",
    skeleton="·",
    thumb="▐",
    ellipsis="…",
    dot="·",
    times="×",
    spinner="⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
)

ASCII = Glyphs(
    name="ascii",
    run="o",
    version="#",
    folder_open="-",
    folder_closed="+",
    file=" ",
    reference="@",
    cursor=">",
    mark="*",
    separator=">",
    tab_left="[",
    tab_right="]",
    good="+",
    bad="x",
    running="~",
    crashed="x",
    killed="x",
    gone="x",
    live="*",
    warning="!",
    up="^",
    down="v",
    left="<",
    right=">",
    arrow=">",
    back_arrow="<",
    enter="enter",
    rule="-",
    bar="|",
    corner="`",
    branch="+",
    trunk="|",
    blocks="_.,-=+*#",
    steps="#",
    empty=".",
    skeleton=".",
    thumb="|",
    ellipsis="~",
    dot=".",
    times="x",
    spinner="|/-\\",
)


def size_bar(glyphs: Glyphs, share: float, width: int) -> str:
    """A bar of `width` cells, `share` (0 to 1) of it filled; anything above nothing shows at least a sliver."""
    steps = len(glyphs.steps)
    filled = min(round(max(share, 0.0) * width * steps), width * steps)
    if share > 0:
        filled = max(filled, 1)
    whole, part = divmod(filled, steps)
    bar = glyphs.steps[-1] * whole + (glyphs.steps[part - 1] if part else "")
    return bar.ljust(width)


def sparkline(glyphs: Glyphs, values: list[float], width: int) -> str:
    """`values` as one row of blocks, at most `width` of them: neighbours are averaged."""
    if not values or width < 1:
        return ""
    squeezed = _squeezed(values, width)
    low, high = min(squeezed), max(squeezed)
    top = len(glyphs.blocks) - 1
    span = high - low
    return "".join(glyphs.blocks[round((value - low) / span * top) if span else 0] for value in squeezed)


def _squeezed(values: list[float], width: int) -> list[float]:
    count = min(width, len(values))
    edges = [at * len(values) // count for at in range(count + 1)]
    return [sum(values[first:last]) / (last - first) for first, last in pairwise(edges)]


_PAIRS = {
    "…": "~", "×": "x", "·": ".", "–": "-", "—": "-", "⏎": "^", "✕": "x", "✓": "+", "✗": "x", "●": "o", "▣": "#",
    "▶": ">", "◀": "<", "▸": ">", "▾": "v", "▴": "^", "→": ">", "←": "<", "↑": "^", "↓": "v", "↗": "@", "◐": "~",
    "■": "#", "┃": "|", "━": "=", "═": "=", "║": "|", "▔": "-", "▏": "|", "▎": "|", "▍": "|", "▌": "|", "▐": "|",
    "▕": "|",
}  # fmt: skip


def stand_ins(error: UnicodeError) -> tuple[str, int]:
    """A codec error handler: each sign that ASCII lacks as one of the same width, so that nothing shifts."""
    from localart_tui.text import cell_width

    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(_stand_in(sign) * max(cell_width(sign), 0) for sign in signs), error.end


def _stand_in(sign: str) -> str:
    if sign in _PAIRS:
        return _PAIRS[sign]
    code = ord(sign)
    if 0x2500 <= code <= 0x257F:  # lines
        return "-" if sign in "─╌┄┈╴╶" else "|" if sign in "│╎┆┊╵╷" else "+"
    if 0x2580 <= code <= 0x259F:  # blocks
        return "#" if code >= 0x2584 else "-"
    if 0x2800 <= code <= 0x28FF:  # braille dots
        return " " if code == 0x2800 else ":" if (code & 0xFF).bit_count() > 2 else "."
    return "?"
